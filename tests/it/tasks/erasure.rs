//! The erasure of a user, through both doors and by an operator.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;

use crate::{
    skip,
    support::{
        App, SECRET, User, check_all,
        cluster::{Cluster, scratch_dir},
        command::{output, stderr},
        path_of,
        stream::{OUTLETS, Stream, items},
        token,
    },
};

/// A name that is in nothing else.
const ERASED: &str = "erased-7d1f";

/// Leaves a row of the user in each table, with this text.
async fn fill(user: &User, text: &str) {
    for key in ["a", "b"] {
        user.post("/api/tasks", json!({ "title": text, "tags": [text] })).key(key).await.good();
    }
    user.delete(path_of(&user.create(text).await)).await.status(204);
}

/// The rows of each table that belong to the user.
async fn rows(app: &App, user: &str) -> Vec<(String, i64)> {
    let admin = app.db.superuser().await;
    let tables = "SELECT table_name::text FROM information_schema.columns
                  WHERE column_name = 'user_id' AND table_schema = current_schema() ORDER BY 1";
    let mut rows = Vec::new();
    for table in admin.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let count = format!("SELECT count(*) FROM {table} WHERE user_id = $1");
        rows.push((table, admin.query_one(&count, &[&user]).await.unwrap().get(0)));
    }
    rows
}

fn erase_by_command(app: &App, user: &str) {
    let settings = [("DATABASE_URL", app.db.url()), ("BETTER_AUTH_SECRET", SECRET)];
    let erased = output(&scratch_dir(), &["user", "erase", user], &settings);
    assert!(erased.status.success(), "{}", stderr(&erased));
    assert_eq!(String::from_utf8_lossy(&erased.stdout), "erased the user, who had 2 tasks\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_user_is_in_a_dump_and_others_keep_what_they_have() {
    let Some(cluster) = Cluster::shared() else { skip!(Postgres) };
    check_all(["rest", "graphql", "command"], async |door| {
        let Some(app) = App::on_server().await else { skip!(Postgres) };
        let (erased, bob) = (app.user(ERASED), app.user("bob"));
        fill(&erased, ERASED).await;
        fill(&bob, "Kept").await;
        let (before, of_bob) = (rows(&app, ERASED).await, rows(&app, "bob").await);
        assert!(before.len() >= 3 && before.iter().all(|(_, count)| *count > 0), "{before:?}");
        let database = Url::parse(app.db.url()).unwrap().path().trim_start_matches('/').to_owned();
        let dump = || {
            let dump = cluster.run("pg_dump", &["--inserts", &cluster.url("postgres", &database)], b"");
            String::from_utf8(dump).unwrap()
        };
        assert!(dump().contains(ERASED));
        match door {
            "rest" => drop(erased.delete("/api/me").await.status(204)),
            "graphql" => {
                let erase = format!(r#"mutation {{ eraseMe(confirm: "{ERASED}") }}"#);
                assert_eq!(erased.graphql(erase).key("c").await.good(), json!({ "eraseMe": true }));
            }
            _ => erase_by_command(&app, ERASED),
        }
        let after = dump();
        assert!(!after.contains(ERASED) && after.contains("Kept"));
        assert!(rows(&app, ERASED).await.iter().all(|(_, count)| *count == 0));
        assert_eq!(rows(&app, "bob").await, of_bob);
        erased.delete("/api/me").await.status(204);
    })
    .await;
}

#[tokio::test]
async fn only_the_users_own_id_confirms_an_erasure() {
    let app = App::new().await;
    let ann = app.user("ann");
    ann.create("Mine").await;
    check_all(["bob", "", "Ann", "ann ", "*"], async |confirm| {
        let answer = ann.graphql(format!(r#"mutation {{ eraseMe(confirm: "{confirm}") }}"#)).await;
        answer.refused(200, "BAD_USER_INPUT");
        assert_eq!((answer.fields(), &answer.json["data"]), (vec!["confirm"], &json!({ "eraseMe": null })));
    })
    .await;
    assert_eq!(ann.tasks().await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn cursors_of_an_erased_user_are_reset_and_keys_and_ids_are_free_again() {
    let app = App::new().await;
    let ann = app.user("ann");
    fill(&ann, "Mine").await;
    let changes =
        async |cursor: &Value| ann.get(format!("/api/tasks/changes?cursor={}", cursor.as_str().unwrap())).await.good();
    let cursor = ann.get("/api/tasks/changes").await.good()["cursor"].clone();
    assert_eq!(changes(&cursor).await["reset"], false);
    ann.delete("/api/me").await.status(204);
    let page = changes(&cursor).await;
    assert_eq!((&page["reset"], &page["changes"]), (&json!(true), &json!([])));
    let new = ann.post("/api/tasks", json!({ "title": "New" })).key("a").await;
    assert!(!new.is_replay() && new.status == 201, "{new}");
    assert_eq!(changes(&page["cursor"]).await["changes"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn streams_of_an_erased_user_are_told_to_start_over_on_every_server() {
    let Some(here) = App::on_server().await else { skip!(Postgres) };
    let there = here.another().await;
    let live = there.live.clone();
    tokio::spawn(async move { live.keep_polling().await });
    let ann = here.user("ann");
    let bob = here.user("bob");
    ann.create("Mine").await;
    bob.create("Bob's").await;
    let urls = [here.listen().await, there.listen().await];
    let mut streams = Vec::new();
    for url in &urls {
        for outlet in OUTLETS {
            for user in ["ann", "bob"] {
                let mut stream = Stream::open(outlet, url, &token(user), None).await;
                assert_eq!(items(&stream.page().await).count(), 1);
                streams.push((user, stream));
            }
        }
    }
    ann.delete("/api/me").await.status(204);
    for (_, stream) in streams.iter_mut().filter(|(user, _)| *user == "ann") {
        let page = stream.page().await;
        assert_eq!((page["reset"].as_bool(), items(&page).count()), (Some(true), 0), "{page}");
    }
    bob.create("Another").await;
    ann.create("New").await;
    for (user, stream) in &mut streams {
        let next = timeout(Duration::from_mins(1), stream.next()).await.unwrap().0;
        assert_eq!(next, [if *user == "ann" { "New" } else { "Another" }]);
    }
}
