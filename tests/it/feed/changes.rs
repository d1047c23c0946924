//! The change feed: what a client that follows it gets, through both doors.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};
use tandem::store;

use crate::{
    skip,
    support::{
        App, User, check_all, path_of,
        replica::{PAGE, Replica, in_rest_words},
    },
};

/// The whole feed, in one page.
async fn feed(user: &User) -> Value {
    user.get("/api/tasks/changes?limit=1000").await.good()
}

/// The page after a cursor.
async fn since(user: &User, cursor: &Value) -> Value {
    user.get(format!("/api/tasks/changes?limit=1000&cursor={}", cursor.as_str().unwrap())).await.good()
}

#[tokio::test]
async fn every_change_is_delivered_once_in_order() {
    let app = App::new().await;
    let ann = app.user("ann");
    let (first, second) = (ann.create("first").await, ann.create("second").await);
    let start = feed(&ann).await;
    assert_eq!((&start["has_more"], &start["reset"]), (&json!(false), &json!(false)));
    assert_eq!(start["changes"], json!([{ "task": first }, { "task": second }]));
    let first = ann.toggle(&first).await.good();
    ann.delete(path_of(&second)).await.status(204);
    let third = ann.create("third").await;
    let next = since(&ann, &start["cursor"]).await;
    let deleted = &next["changes"][1]["deleted"];
    assert_eq!((&deleted["id"], &deleted["version"]), (&second["id"], &json!(2)));
    assert_eq!(next["changes"], json!([{ "task": first }, { "deleted": deleted }, { "task": third }]));
    let last = since(&ann, &next["cursor"]).await;
    assert_eq!((&last["changes"], &last["has_more"]), (&json!([]), &json!(false)));
    // A client that starts now doesn't see what is gone already.
    assert_eq!(feed(&ann).await["changes"], json!([{ "task": first }, { "task": third }]));
}

#[tokio::test]
async fn every_operation_is_in_the_feed() {
    let app = App::new().await;
    let ann = app.user("ann");
    let tasks = ann.graphql(r#"mutation { createTasks(inputs: [{title: "a"}, {title: "b"}, {title: "c"}, {title: "d"}, {title: "e"}, {title: "f"}]) { id } }"#).await.good();
    let id = |index: usize| tasks["createTasks"][index]["id"].as_str().unwrap().to_owned();
    let mut replica = Replica::default();
    let documents = [
        (format!(r#"mutation {{ updateTask(id: "{}", input: {{title: "new"}}) {{ id }} }}"#, id(0)), 1),
        (format!(r#"mutation {{ toggleTask(id: "{}") {{ id }} }}"#, id(1)), 1),
        (format!(r#"mutation {{ setTaskCompleted(id: "{}", completed: true) {{ id }} }}"#, id(2)), 1),
        (format!(r#"mutation {{ setTaskCompleted(id: "{}", completed: true) {{ id }} }}"#, id(2)), 0),
        (format!(r#"mutation {{ completeTasks(ids: ["{}", "{}"]) {{ count }} }}"#, id(2), id(3)), 1),
        (format!(r#"mutation {{ deleteTasks(ids: ["{}", "{}"]) {{ count }} }}"#, id(2), id(3)), 2),
        (format!(r#"mutation {{ deleteTask(id: "{}") {{ id }} }}"#, id(0)), 1),
        ("mutation { clearCompleted { count } }".to_owned(), 1),
        ("mutation { completeAll { count } }".to_owned(), 2),
        (r#"mutation { createTask(input: {title: "g"}) { id } }"#.to_owned(), 1),
    ];
    replica.catch_up(&ann).await;
    for (document, count) in &documents {
        ann.graphql(document).await.good();
        let page = ann.get(replica.path(100)).await.good();
        assert_eq!(page["changes"].as_array().unwrap().len(), *count, "{document}: {page}");
        assert!(!replica.apply(&page));
        replica.assert_is(&ann.tasks().await);
    }
}

#[tokio::test]
async fn a_replayed_write_is_not_another_change() {
    let app = App::new().await;
    let ann = app.user("ann");
    let task = ann.post("/api/tasks", json!({ "title": "x" })).key("create").await.good();
    let delete = async || {
        let document = "mutation($id: ID!) { deleteTask(id: $id) { id version deletedAt } }";
        ann.graphql(document).variables(json!({ "id": task["id"] })).key("delete").await
    };
    let start = feed(&ann).await;
    let first = delete().await;
    let told = since(&ann, &start["cursor"]).await;
    let deleted = &told["changes"][0]["deleted"];
    let expected = json!({ "id": deleted["id"], "version": 2, "deletedAt": deleted["deleted_at"] });
    assert_eq!(first.data()["deleteTask"], expected);
    let again = delete().await;
    assert!(again.is_replay() && again.data() == first.data(), "{again}");
    assert_eq!(since(&ann, &told["cursor"]).await["changes"], json!([]));
}

#[tokio::test]
async fn pages_of_any_size_are_the_same_through_both_apis_and_make_the_list() {
    let app = App::new().await;
    let ann = app.user("ann");
    for number in 0..23 {
        ann.create(&number.to_string()).await;
    }
    let list = ann.tasks().await;
    check_all([1, 2, 7, 22, 23, 24, 1000], async |limit| {
        let gone = ann.create("gone").await;
        let mut replica = Replica::default();
        let page = ann.get(replica.path(limit)).await.good();
        assert_eq!(page["changes"].as_array().unwrap().len(), limit.min(24));
        assert_eq!(replica.apply(&page), limit < 24);
        ann.delete(path_of(&gone)).await.status(204);
        loop {
            let mut rest = ann.get(replica.path(limit)).await.good();
            let graphql = in_rest_words(&ann.graphql(PAGE).variables(replica.variables(limit)).await.good());
            for task in rest["changes"].as_array_mut().unwrap().iter_mut().filter_map(|change| change.get_mut("task")) {
                assert_eq!(task.as_object_mut().unwrap().remove("user_id"), Some(json!("ann")));
            }
            for field in ["changes", "has_more", "reset"] {
                assert_eq!(rest[field], graphql[field]);
            }
            let length = graphql["changes"].as_array().unwrap().len();
            // The cursors differ in the time at which they were read; each API takes the other's.
            let has_more = replica.apply(&graphql);
            assert!(if has_more { length == limit } else { (1..=limit).contains(&length) }, "{graphql}");
            if !has_more {
                break;
            }
        }
        replica.assert_is(&list);
    })
    .await;
}

#[tokio::test]
async fn latest_starts_from_now() {
    let app = App::new().await;
    let ann = app.user("ann");
    for before in 0..2 {
        let page = ann.get("/api/tasks/changes?cursor=latest").await.good();
        assert_eq!((&page["changes"], &page["has_more"], &page["reset"]), (&json!([]), &json!(false), &json!(false)));
        let task = ann.create("new").await;
        assert_eq!(since(&ann, &page["cursor"]).await["changes"], json!([{ "task": task }]), "{before} before");
    }
}

#[tokio::test]
async fn an_invalid_cursor_is_refused_and_another_users_shows_only_ones_own_tasks() {
    let app = App::new().await;
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    ann.create("Ann's").await;
    let own = bob.create("Bob's").await;
    let of_list = ann.get("/api/tasks?limit=1").await;
    let of_list =
        of_list.header("link").split("cursor=").last().unwrap_or_default().split('>').next().unwrap().to_owned();
    let cases = ["", "garbage", "%00", "Latest", "0", &"A".repeat(5000), &of_list];
    check_all(cases, async |cursor| {
        let answer = ann.get(format!("/api/tasks/changes?cursor={cursor}")).await;
        answer.refused(422, "BAD_USER_INPUT");
        assert_eq!(answer.json["detail"][0]["loc"], json!(["query", "cursor"]));
        let answer = ann.graphql(PAGE).variables(json!({ "after": cursor, "first": 1 })).await;
        assert_eq!((answer.code(), answer.fields()), ("BAD_USER_INPUT", vec!["after"]), "{answer}");
    })
    .await;
    let anns = feed(&ann).await["cursor"].clone();
    let page = since(&bob, &anns).await;
    let told = page["changes"].as_array().unwrap();
    assert!(told.iter().all(|change| change["task"] == own), "{page}");
}

#[tokio::test]
async fn a_page_has_1_to_1000_changes() {
    let app = App::new().await;
    let ann = app.user("ann");
    check_all([("0", false), ("1", true), ("1000", true), ("1001", false), ("-1", false)], async |(limit, is_good)| {
        let rest = ann.get(format!("/api/tasks/changes?limit={limit}")).await;
        let graphql = ann.graphql(format!("{{ changes(first: {limit}) {{ cursor }} }}")).await;
        if is_good {
            assert_eq!(rest.status(200).header("cache-control"), "no-store");
            graphql.data();
        } else {
            rest.refused(422, "BAD_USER_INPUT");
            assert_eq!((graphql.code(), graphql.fields()), ("BAD_USER_INPUT", vec!["first"]));
        }
    })
    .await;
}

#[tokio::test]
async fn an_unknown_or_outdated_position_starts_over() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    ann.create("old").await;
    let old = feed(&ann).await["cursor"].clone();
    ann.create("new").await;
    let new = feed(&ann).await["cursor"].clone();
    assert_eq!(since(&ann, &new).await["reset"], false);
    let aged = aged(&old, TimeDelta::days(30) - TimeDelta::minutes(1));
    assert_eq!(since(&ann, &aged).await["reset"], false, "as old as it may be");
    let aged = self::aged(&old, TimeDelta::days(30) + TimeDelta::minutes(1));
    let page = since(&ann, &aged).await;
    assert_eq!((&page["reset"], page["changes"].as_array().unwrap().len()), (&json!(true), 2), "too old");
    // As when the database is restored from before the task was created.
    app.db.superuser().await.execute("DELETE FROM tasks WHERE title = 'new'", &[]).await.unwrap();
    let page = since(&ann, &new).await;
    assert_eq!((&page["reset"], page["changes"].as_array().unwrap().len()), (&json!(true), 1), "ahead of the feed");
    assert_eq!(since(&ann, &old).await["reset"], false);
}

/// The same cursor, had it been read that much earlier.
fn aged(cursor: &Value, age: TimeDelta) -> Value {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let mut wire: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(cursor.as_str().unwrap()).unwrap()).unwrap();
    wire[3] = json!(wire[3].as_i64().unwrap() - age.num_microseconds().unwrap());
    json!(BASE64_URL_SAFE_NO_PAD.encode(wire.to_string()))
}

/// As after rows were copied without the sequence.
#[tokio::test]
async fn a_reset_moves_the_sequence_of_positions_past_all_rows() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let (kept, gone) = (ann.create("kept").await, ann.create("gone").await);
    let last = async |of: &str| -> i64 {
        let last = format!("SELECT max(position) FROM {of}");
        app.db.superuser().await.query_one(&last, &[]).await.unwrap().get(0)
    };
    for delete in [false, true] {
        if delete {
            ann.delete(path_of(&gone)).await.status(204);
        }
        let lose = "SELECT setval('feed_positions', 1)";
        app.db.superuser().await.execute(lose, &[]).await.unwrap();
        store::reset_feed(&app.db.config).await.map_err(|error| error.report()).unwrap();
        let before = last("tasks").await.max(if delete { last("deleted_tasks").await } else { 0 });
        let mut replica = Replica::default();
        replica.catch_up(&ann).await;
        ann.toggle(&kept).await.good();
        assert!(last("tasks").await > before);
        replica.catch_up(&ann).await;
        replica.assert_is(&ann.tasks().await);
    }
}

#[tokio::test]
async fn a_deletion_is_remembered_for_31_days() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let admin = app.db.superuser().await;
    let bury = "INSERT INTO deleted_tasks SELECT u, now() - d * interval '1 day', gen_random_uuid(), 2
                FROM unnest(array['ann', 'bob']) u, unnest(array[50, 40, 32, 30]) d";
    admin.batch_execute(bury).await.unwrap();
    ann.delete(path_of(&ann.create("gone").await)).await.status(204);
    let left = async || {
        let ages = "SELECT user_id || extract(day FROM now() - deleted_at) FROM deleted_tasks ORDER BY 1";
        admin.query(ages, &[]).await.unwrap().iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    assert_eq!(left().await.len(), 9);
    assert_eq!(app.store.sweep().await.map_err(|error| error.report()).unwrap(), 4);
    // Of those that have expired, the newest one stays.
    assert_eq!(left().await, ["ann0", "ann30", "ann32", "bob30", "bob32"]);
}

#[tokio::test]
async fn a_client_that_is_up_to_date_does_not_start_over_when_the_last_change_is_an_old_deletion() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    for title in ["a", "b"] {
        ann.delete(path_of(&ann.create(title).await)).await.status(204);
    }
    let page = ann.get("/api/tasks/changes").await.good();
    let age = "UPDATE deleted_tasks SET deleted_at = now() - interval '32 days'";
    app.db.superuser().await.batch_execute(age).await.unwrap();
    // One goes, the other loses what its task said.
    assert_eq!(app.store.sweep().await.map_err(|error| error.report()).unwrap(), 2);
    let next = ann.get(format!("/api/tasks/changes?cursor={}", page["cursor"].as_str().unwrap())).await.good();
    assert_eq!((&next["reset"], next["changes"].as_array().map(Vec::len)), (&json!(false), Some(0)), "{next}");
}

#[tokio::test]
async fn concurrent_writes_at_two_servers_have_positions_of_their_own() {
    let Some(here) = App::on_server().await else { skip!(Postgres) };
    let there = here.another().await;
    let servers = [here.user("ann"), there.user("ann")];
    let task = servers[0].create("Flip me").await;
    let flips = servers.iter().cycle().take(50).map(|ann| async { ann.toggle(&task).await.good() });
    let additions = servers.iter().cycle().take(50).map(|ann| ann.create("One of many"));
    let (flipped, added) = futures::join!(join_all(flips), join_all(additions));
    let positions: BTreeSet<_> = flipped.iter().chain(&added).map(|task| task["updated_at"].to_string()).collect();
    assert_eq!(positions.len(), 100);
    let versions: BTreeSet<_> = flipped.iter().map(|task| task["version"].as_i64().unwrap()).collect();
    assert_eq!(versions, (2..=51).collect());
}
