//! The export, by an operator and by users themselves, and its way back.

use std::{collections::BTreeSet, process::Command};

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{file, import, import_with, tasks, text};
use crate::{
    skip,
    support::{App, SECRET, TestDb, User, cluster::scratch_dir, command::output, path_of, server::Server, token},
};

/// Tasks with everything that a task can have.
async fn fill(user: &User) {
    let changed = user.create("changed").await;
    for task in [
        json!({ "title": "plain" }),
        json!({ "title": "all of it \u{1f980} \"\\", "description": "two\nlines\t", "completed": true, "priority": "urgent",
                "due_date": "2026-03-29T09:00:30", "due_timezone": "Europe/Berlin", "tags": ["a", "B, c", "\u{e9}"] }),
        json!({ "title": "a day", "description": "", "due_date": "2026-03-29", "priority": "low" }),
        json!({ "title": "a time anywhere", "due_date": "2026-03-29T02:30" }),
        json!({ "title": "an instant", "due_date": "2026-03-29T02:30:00-03:30" }),
        json!({ "title": "a time that is skipped", "due_date": "2026-03-29T02:30", "due_timezone": "Europe/Berlin" }),
        json!({ "title": "a time that comes twice", "due_date": "2026-10-25T02:30", "due_timezone": "Europe/Berlin" }),
    ] {
        user.post("/api/tasks", task).await.good();
    }
    user.toggle(&changed).await.good();
    user.put(path_of(&changed), json!({ "title": "changed since" })).await.good();
    for title in ["deleted first", "deleted second"] {
        let task = json!({ "title": title, "tags": ["gone"], "due_date": "2026-03-29", "completed": true });
        let task = user.post("/api/tasks", task).await.good();
        user.delete(path_of(&task)).await.status(204);
    }
}

fn export(db: &TestDb, args: &[&str]) -> String {
    let env = [("DATABASE_URL", db.url()), ("BETTER_AUTH_SECRET", SECRET)];
    let exported = output(&scratch_dir(), &[&["export"], args].concat(), &env);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    String::from_utf8(exported.stdout).unwrap()
}

/// All that a client can read of its tasks, but their versions, through both doors.
async fn everything(app: &App, user: &str) -> Vec<Value> {
    let fields = "{ tasks(sort: CREATED_ASC, limit: 1000) { id title description completed priority tags createdAt \
                  updatedAt completedAt due { date time timeZone at } } }";
    let mut lists = Vec::new();
    for sort in ["created_at", "updated_at", "title", "due_date", "priority"] {
        let mut tasks = app.user(user).get(format!("/api/tasks?sort={sort}&order=asc")).await.good();
        for task in tasks.as_array_mut().unwrap() {
            task["version"].take();
        }
        lists.push(tasks);
    }
    let trash = "{ trash { nodes { id title description completed priority tags createdAt completedAt deletedAt purgeAt \
                 due { date time timeZone at } } } }";
    let mut answers = vec![app.user(user).graphql(fields).await.good(), app.user(user).graphql(trash).await.good()];
    answers.append(&mut lists);
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_exported_and_imported_again_is_what_it_was() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    fill(&app.user("ann")).await;
    fill(&app.user("\u{5e9}\u{5dc}/\u{5d5}\u{5dd} ,\"")).await;
    let all = export(&app.db, &[]);
    let of_ann = export(&app.db, &["--user", "ann"]);
    let answer = app.user("ann").get("/api/me/export").await;
    answer.status(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert_eq!(answer.text, of_ann, "users get what operators get");
    assert_eq!((all.lines().count(), of_ann.lines().count()), (20, 10));
    assert_eq!(export(&app.db, &["--user", "nobody"]), "");

    let copy = App::on_server().await.unwrap();
    let imported = import(&copy.db, &[text(&file("all.ndjson", &all)), "--apply"]);
    assert!(imported.code == 0 && imported.out.contains("20 added"), "{}{}", imported.out, imported.err);
    assert!(!imported.out.contains("UNKNOWN"), "{}", imported.out);
    for user in ["ann", "\u{5e9}\u{5dc}/\u{5d5}\u{5dd} ,\""] {
        assert_eq!(everything(&copy, user).await, everything(&app, user).await);
    }
    let lines = |text: &str| text.lines().map(ToOwned::to_owned).collect::<BTreeSet<_>>();
    // Both were changed twice.
    let without_versions = |text: String| text.replace("\"version\":3", "\"version\":1");
    assert_eq!(lines(&export(&copy.db, &[])), lines(&without_versions(all)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_each_task_once_however_many_there_are() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    // All created in the same instant, and a page is smaller.
    let plant = "INSERT INTO tasks (user_id, id, title) SELECT u, gen_random_uuid(), 't' || n
                 FROM unnest(array['ann', 'bob']) u, generate_series(1, 250) n";
    app.db.superuser().await.batch_execute(plant).await.unwrap();
    let export = ann.get("/api/me/export").await;
    let titles: BTreeSet<_> = export
        .text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["title"].clone().to_string())
        .collect();
    assert_eq!((export.text.lines().count(), titles.len()), (250, 250));
    assert!(!export.text.contains("bob"));
    assert!(ann.call("HEAD", "/api/me/export").await.status(200).text.is_empty());
}

#[tokio::test]
async fn a_task_that_is_restored_during_an_export_is_in_it() {
    let app = App::new().await;
    let ann = app.user("ann");
    let [gone, kept] = [ann.create("gone").await, ann.create("kept").await];
    ann.delete(path_of(&gone)).await.status(204);
    for has_tasks in [true, false] {
        let request = Request::get("/api/me/export").header("authorization", format!("Bearer {}", token("ann")));
        let response = app.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        // Its tasks were read, and its trash is read with the body.
        ann.post(format!("{}/restore", path_of(&gone)), json!({})).await.good();
        let export = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let export = str::from_utf8(&export).unwrap();
        let titles: Vec<_> =
            export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["title"].clone()).collect();
        assert_eq!(titles, if has_tasks { vec!["kept", "gone"] } else { vec!["gone"] }, "{export}");
        // Without another one, too.
        if has_tasks {
            ann.delete(path_of(&kept)).await.status(204);
            ann.delete("/api/tasks/trash").await.good();
        }
        ann.delete(path_of(&gone)).await.status(204);
    }
}

/// The script of the guide, which takes what was done since back into the old table.
#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_deletes_what_is_gone_and_nothing_else() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let guide = include_str!("../../../docs/MIGRATION.md");
    let script = guide.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let dir = scratch_dir();
    let old = rusqlite::Connection::open(dir.join("todo.db")).unwrap();
    old.execute_batch(
        "CREATE TABLE task (id INTEGER PRIMARY KEY, user_id TEXT, title TEXT, description TEXT, completed BOOLEAN,
            priority TEXT, due_date TEXT, created_at TEXT, updated_at TEXT);
         INSERT INTO task (user_id, title, completed) VALUES ('ann', 'edited', 0), ('ann', 'in the trash', 0),
            ('ann', 'purged', 0), ('ann', 'beyond the quota', 0), ('ann', 'beyond the quota, too', 0);",
    )
    .unwrap();
    let (source, map) = (dir.join("todo.db"), dir.join("ids.csv"));
    let args = [text(&source), "--apply", "--id-map", text(&map)];
    assert!(import_with(&app.db, &args, &[("MAX_TASKS_PER_USER", "3")]).out.contains("3 added"));
    let ann = app.user("ann");
    let [edited, trashed, purged] = <[Value; 3]>::try_from(tasks(&app, "ann").await).unwrap();
    ann.put(path_of(&edited), json!({ "title": "edited since" })).await.good();
    ann.delete(path_of(&purged)).await.status(204);
    ann.delete("/api/tasks/trash").await.good();
    ann.delete(path_of(&trashed)).await.status(204);
    ann.create("new").await;
    std::fs::write(dir.join("since.ndjson"), export(&app.db, &[])).unwrap();
    let Ok(back) = Command::new("python3").args(["-c", script]).current_dir(&dir).output() else { skip!(Python) };
    assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
    let said = String::from_utf8_lossy(&back.stdout);
    assert!(said.contains("1 rows deleted; 1 are in the trash of Tandem and stay in the table: 2"), "{said}");
    let mut titles = old.prepare("SELECT title FROM task ORDER BY id").unwrap();
    let titles: Vec<String> = titles.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(titles, ["edited since", "in the trash", "beyond the quota", "beyond the quota, too", "new"]);
}

#[tokio::test]
async fn an_export_costs_as_much_as_it_reads() {
    let Some(server) = Server::with(&[("RATE_LIMITS", "true"), ("RATE_LIMIT_PER_USER", "100")]).await else {
        skip!(Postgres)
    };
    let plant = "INSERT INTO tasks (user_id, id, title) SELECT 'ann', gen_random_uuid(), 't' || n FROM generate_series(1, 250) n";
    server.db.superuser().await.batch_execute(plant).await.unwrap();
    let get =
        |path: &str| reqwest::Client::new().get(format!("{}{path}", server.url())).bearer_auth(token("ann")).send();
    let export = get("/api/me/export").await.unwrap();
    assert_eq!(export.status(), 200);
    assert_eq!(export.text().await.unwrap().lines().count(), 250);
    // Ten for the request, and 13, 13 and 7 for its lines.
    for _ in 0..5 {
        assert_eq!(get("/api/tasks?limit=1").await.unwrap().status(), 200);
    }
    assert_eq!(get("/api/me/export").await.unwrap().status(), 429);
}
