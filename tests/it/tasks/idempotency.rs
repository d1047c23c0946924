//! A write under an idempotency key happens once, however often it is requested.

use futures::future::join_all;
use serde_json::json;
use tandem::store::{DbConfig, Target};

use crate::{
    skip,
    support::{
        App, check_all, path_of,
        proxy::{proxied, proxied_with},
    },
};

const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

#[tokio::test]
async fn a_repeated_rest_write_is_replayed_not_redone() {
    let app = App::new().await;
    let ann = app.user("ann");
    let id = ann.create("Mine").await["id"].as_str().unwrap().to_owned();
    let task = format!("/api/tasks/{id}");
    let cases = [
        (
            "POST",
            "/api/tasks".to_owned(),
            Some(json!({ "title": "New", "description": "\u{2028}🦀", "completed": true })),
        ),
        ("POST", "/api/tasks".to_owned(), Some(json!({ "title": "New" }))),
        (
            "POST",
            "/api/tasks".to_owned(),
            Some(json!({ "title": "New", "priority": "high", "due_date": "2026-03-29T09:00:30",
                         "due_timezone": "Europe/Berlin", "tags": ["a\"\\,{}", "Ä"] })),
        ),
        ("PATCH", task.clone(), Some(json!({ "priority": "low", "due_date": "2026-03-29T09:00", "tags": ["x"] }))),
        ("PATCH", task.clone(), Some(json!({ "due_timezone": "Asia/Tokyo" }))),
        ("PATCH", task.clone(), Some(json!({ "priority": null, "due_date": null, "tags": null }))),
        ("PUT", task.clone(), Some(json!({ "title": "Changed" }))),
        ("PATCH", task.clone(), Some(json!({ "description": null, "completed": true }))),
        ("PATCH", format!("{task}/complete"), None),
        ("PATCH", format!("{task}/complete"), Some(json!({ "completed": true }))),
        ("DELETE", task.clone(), None),
    ]
    .into_iter()
    .enumerate();
    check_all(cases, async |(index, (method, path, body))| {
        let key = format!("{KEY}-{index}");
        let first = ann.call(method, &path).maybe_json(body.clone()).key(&key).await;
        assert!(first.status.is_success() && !first.is_replay(), "{method} {path}: {}", first.text);
        let after = ann.tasks().await;
        for _ in 0..2 {
            let again = ann.call(method, &path).maybe_json(body.clone()).key(&key).await;
            assert!(again.is_replay(), "{method} {path}");
            assert_eq!((again.status, &again.text), (first.status, &first.text), "{method} {path}");
            assert_eq!(
                (again.header("etag"), again.header("location")),
                (first.header("etag"), first.header("location"))
            );
        }
        assert_eq!(ann.tasks().await, after, "{method} {path}");
    })
    .await;
}

#[tokio::test]
async fn a_repeated_mutation_is_replayed_not_redone() {
    let app = App::new().await;
    let ann = app.user("ann");
    let id = ann.create("Mine").await["id"].as_str().unwrap().to_owned();
    let other = ann.create("Mine too").await["id"].as_str().unwrap().to_owned();
    let cases = [
        r#"{ createTask(input: { title: "New" }) { id version createdAt } }"#,
        r#"{ a: createTask(input: { title: "New" }) { id } b: createTask(input: { title: "New" }) { id } }"#,
        r#"{ updateTask(id: "$ID", input: { title: "Changed" }) { title version updatedAt } }"#,
        r#"{ a: toggleTask(id: "$ID") { version } b: toggleTask(id: "$ID") { version } }"#,
        r#"{ setTaskCompleted(id: "$ID", completed: true) { version } }"#,
        r#"{ deleteTask(id: "$ID") { id } }"#,
        r#"{ createTasks(inputs: [{ title: "a" }, { title: "b", description: "c" }]) { id title } }"#,
        r#"{ completeTasks(ids: ["$OTHER"]) { count tasks { id version } } }"#,
        r#"{ deleteTasks(ids: ["$OTHER"]) { count ids } }"#,
        "{ completeAll { count } }",
        "{ clearCompleted { count } }",
    ]
    .into_iter()
    .enumerate();
    check_all(cases, async |(index, mutation)| {
        let mutation = mutation.replace("$ID", &id).replace("$OTHER", &other);
        let body = json!({ "query": format!("mutation {mutation}") });
        let first = ann.post("/graphql", body.clone()).key(&format!("{KEY}-{index}")).await;
        assert!(first.json.get("errors").is_none() && !first.is_replay(), "{mutation}: {}", first.text);
        let after = ann.tasks().await;
        let again = ann.post("/graphql", body.clone()).key(&format!("{KEY}-{index}")).await;
        assert_eq!((&again.text, again.is_replay()), (&first.text, true), "{mutation}");
        assert_eq!(ann.tasks().await, after, "{mutation}");
    })
    .await;
    let batch = vec![json!({ "query": r#"mutation { createTask(input: { title: "New" }) { id } }"# }); 3];
    let first = ann.post("/graphql", json!(batch)).key("batch").await;
    let again = ann.post("/graphql", json!(batch)).key("batch").await;
    assert_eq!((&again.text, again.is_replay(), ann.task_count().await), (&first.text, true, 3));
}

#[tokio::test]
async fn a_replayed_change_of_all_tasks_leaves_later_ones_alone() {
    let app = App::new().await;
    let ann = app.user("ann");
    let body = json!({ "query": "mutation { completeAll { count } }" });
    let first = ann.post("/graphql", body.clone()).key(KEY).await;
    ann.create("Later").await;
    let again = ann.post("/graphql", body.clone()).key(KEY).await;
    assert_eq!((&again.text, again.is_replay()), (&first.text, true));
    assert_eq!(ann.tasks().await[0]["completed"], false);
}

#[tokio::test]
async fn a_key_used_for_another_request_is_refused_through_both_doors() {
    let app = App::new().await;
    let ann = app.user("ann");
    let made = ann.post("/api/tasks", json!({ "title": "a" })).key(KEY).await.json;
    let path = path_of(&made);
    let cases = [
        ("POST", "/api/tasks", Some(json!({ "title": "b" }))),
        ("POST", "/api/tasks", Some(json!({ "title": "a", "completed": true }))),
        ("PUT", &path, Some(json!({ "title": "a" }))),
        ("DELETE", &path, None),
    ];
    check_all(cases, async |(method, path, body)| {
        let answer = ann.call(method, path).maybe_json(body).key(KEY).await;
        answer.refused(422, "IDEMPOTENCY_KEY_REUSED");
        assert!(!answer.is_replay() && answer.json["detail"].is_string(), "{}", answer.text);
    })
    .await;
    let body = json!({ "query": r#"mutation { createTask(input: { title: "b" }) { id } }"# });
    let answer = ann.post("/graphql", body.clone()).key(KEY).await;
    answer.refused(200, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(ann.tasks().await, json!([made]));
}

#[tokio::test]
async fn a_request_that_changed_nothing_may_be_retried_under_its_key() {
    let app = App::new().await;
    let ann = app.user("ann");
    let path = path_of(&ann.create("a").await);
    let absent = "/api/tasks/00000000-0000-7000-8000-000000000000";
    ann.delete(absent).key("absent").await.status(404);
    ann.delete(&path).key("absent").await.status(204);
    ann.post("/api/tasks", json!({ "title": "" })).key("invalid").await.status(422);
    let corrected = ann.post("/api/tasks", json!({ "title": "b" })).key("invalid").await;
    assert_eq!((corrected.status.as_u16(), corrected.is_replay()), (201, false));
    let path = path_of(&corrected.json);
    let expecting = |version: &str| ann.put(&path, json!({ "title": "c" })).if_match(version).key("stale");
    expecting("\"9\"").await.status(412);
    assert_eq!(expecting("\"1\"").await.json["version"], 2);
    let replay = expecting("\"1\"").await;
    assert_eq!((&replay.json["version"], replay.is_replay()), (&json!(2), true), "although it is at version 2 now");
}

#[tokio::test]
async fn a_repeated_move_to_another_time_zone_is_replayed_whatever_the_task_is_by_then() {
    let app = App::new().await;
    let ann = app.user("ann");
    let task = ann.post("/api/tasks", json!({ "title": "x", "due_date": "2026-03-29T09:00" })).await.good();
    let path = path_of(&task);
    let moved = || ann.put(&path, json!({ "due_timezone": "Europe/Berlin" })).key("k");
    let first = moved().await.good();
    assert_eq!(first["due_date"], "2026-03-29T09:00:00+02:00");
    ann.put(&path, json!({ "due_date": null })).await.good();
    let again = moved().await;
    assert!(again.is_replay() && again.json == first, "{again}");
    ann.delete(&path).await.status(204);
    let again = moved().await;
    assert!(again.is_replay() && again.json == first, "{again}");
    ann.put(&path, json!({ "due_timezone": "Asia/Karachi" })).key("k").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn keys_of_different_users_are_independent() {
    let app = App::new().await;
    let create = |user: &str, title: &str| app.user(user).post("/api/tasks", json!({ "title": title })).key(KEY);
    let ann = create("ann", "Ann's").await;
    let bob = create("bob", "Bob's").await;
    assert_eq!((bob.status.as_u16(), bob.is_replay(), &bob.json["user_id"]), (201, false, &json!("bob")));
    assert_eq!(create("ann", "Ann's").await.text, ann.text);
    assert_eq!(create("bob", "Ann's").await.code(), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn malformed_keys_are_refused_before_anything_runs() {
    let app = App::new().await;
    let ann = app.user("ann");
    let long = "x".repeat(256);
    check_all(["", " ", "a b", "ключ", "\u{a0}", &long], async |key| {
        let rest = ann.post("/api/tasks", json!({ "title": "a" })).header("idempotency-key", key);
        rest.await.refused(422, "BAD_USER_INPUT");
        let mutation = ann.graphql(r#"mutation { createTask(input: { title: "a" }) { id } }"#);
        mutation.header("idempotency-key", key).await.refused(400, "BAD_USER_INPUT");
    })
    .await;
    ann.post("/api/tasks", json!({ "title": "a" })).key("a").key("b").await.status(422);
    assert_eq!(ann.task_count().await, 0);
    ann.post("/api/tasks", json!({ "title": "a" })).key(&"x".repeat(255)).await.status(201);
    ann.get("/api/tasks").key("a b").await.status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_repeats_run_once_and_all_get_the_same_response() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let task = ann.create("Mine").await;
    let toggle = format!("/api/tasks/{}/complete", task["id"].as_str().unwrap());
    for round in 0..5 {
        let key = format!("create-{round}");
        let new = || ann.post("/api/tasks", json!({ "title": "New" })).key(&key);
        let answers = join_all((0..20).map(|_| new().send())).await;
        assert!(answers.iter().all(|answer| answer.text == answers[0].text), "{:?}", answers[0]);
        assert_eq!(answers.iter().filter(|answer| !answer.is_replay()).count(), 1);
        let key = format!("toggle-{round}");
        let answers = join_all((0..20).map(|_| ann.call("PATCH", &toggle).key(&key).send())).await;
        assert!(answers.iter().all(|answer| answer.json["version"] == json!(round + 2)), "{:?}", answers[0]);
    }
    assert_eq!(ann.task_count().await, 6);
}

#[tokio::test]
async fn a_write_whose_response_was_lost_after_the_commit_is_not_redone() {
    let limit = |config: &mut DbConfig| config.statement_timeout = std::time::Duration::from_millis(300);
    let Some((app, proxy)) = proxied_with(limit).await else { skip!(Postgres) };
    let ann = app.user("ann");
    let new = json!({ "title": "New" });
    ann.post("/api/tasks", new.clone()).key("warm").await;
    // The database commits, but no answer comes back.
    proxy.hold(usize::MAX);
    let lost = ann.post("/api/tasks", new.clone()).key(KEY).await;
    lost.refused(503, "SERVICE_UNAVAILABLE");
    proxy.hold(0);
    let mut db = app.db;
    db.config.target = Target::parse(db.url()).unwrap();
    let app = App::on(db).await;
    let ann = app.user("ann");
    let again = ann.post("/api/tasks", new).key(KEY).await;
    assert_eq!((again.status.as_u16(), again.is_replay(), ann.task_count().await), (201, true, 2));
}

#[tokio::test]
async fn a_key_is_kept_for_a_day_and_then_forgotten() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let new = || ann.post("/api/tasks", json!({ "title": "New" })).key(KEY);
    let age = async |interval: &str| {
        let sql = format!("UPDATE idempotency_keys SET created_at = now() - interval '{interval}'");
        app.db.superuser().await.batch_execute(&sql).await.unwrap();
    };
    new().await;
    age("23 hours 59 minutes").await;
    assert!(new().await.is_replay());
    age("24 hours 1 minute").await;
    assert!(!new().await.is_replay());
    ann.post("/api/tasks", json!({ "title": "New" })).key("another").await;
    let admin = app.db.superuser().await;
    let others = "INSERT INTO idempotency_keys (user_id, key, part, fingerprint, created_at)
                  SELECT 'user ' || n, 'key', 0, '', now() - interval '25 hours' FROM generate_series(1, 2500) n";
    admin.batch_execute(others).await.unwrap();
    let age = format!("UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = '{KEY}'");
    admin.batch_execute(&age).await.unwrap();
    assert_eq!(app.store.sweep().await.map_err(|error| error.report()).unwrap(), 2501);
    let left = admin.query_one("SELECT count(*) FROM idempotency_keys", &[]).await.unwrap();
    assert_eq!((left.get::<_, i64>(0), ann.task_count().await), (1, 3), "what has expired is gone");
}

#[tokio::test]
async fn a_write_under_a_key_is_one_flush_too() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let path = path_of(&ann.create("Mine").await);
    let cases = [
        ("POST", "/api/tasks".to_owned(), Some(json!({ "title": "New" }))),
        ("PUT", path.clone(), Some(json!({ "title": "New" }))),
        ("PATCH", format!("{path}/complete"), None),
        ("DELETE", path, None),
    ];
    check_all(cases, async |(method, path, body)| {
        let warm = if method == "DELETE" { "/api/tasks/00000000-0000-7000-8000-000000000000" } else { path.as_str() };
        ann.call(method, warm).maybe_json(body.clone()).key(&format!("{method}{path}-warm")).await;
        // What inserts has a statement more.
        let statements = if matches!(method, "POST" | "DELETE") { 7 } else { 6 };
        proxy.hold(statements);
        let answer = ann.call(method, &path).maybe_json(body).key(&format!("{method}{path}")).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
        let seen = proxy.seen();
        assert_eq!((seen.statements.len(), seen.flushes), (statements, 1), "{method} {path}: {:?}", seen.statements);
        assert!(seen.statements[3].starts_with("INSERT INTO idempotency_keys"), "{:?}", seen.statements);
        proxy.hold(0);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_task_leaves_no_text_beside_the_key_it_was_deleted_under() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let path = path_of(&app.user("ann").create("A secret").await);
    assert_eq!(ann.delete(&path).key(KEY).await.status, 204);
    let stored = "SELECT outcome::text FROM idempotency_keys";
    let outcome: String = app.db.superuser().await.query_one(stored, &[]).await.unwrap().get(0);
    assert!(outcome.contains("\"id\"") && !outcome.contains("secret"), "{outcome}");
    assert!(ann.delete(&path).key(KEY).await.is_replay());
}

#[tokio::test]
async fn a_retry_after_a_deploy_that_changed_the_format_gets_the_stored_outcome() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let new = || ann.post("/api/tasks", json!({ "title": "New" })).key(KEY);
    let first = new().await;
    // As stored by a server of another version, with another column, without others, and another text to hash.
    let other = "UPDATE idempotency_keys SET fingerprint = set_byte(fingerprint, 0, 2) || '\\x00'::bytea,
                 outcome = jsonb_set(outcome, '{0,rank}', '3') #- '{0,priority}' #- '{0,due_date}' #- '{0,due_time}'
                           #- '{0,due_zone}' #- '{0,due_at}' #- '{0,tags}' #- '{0,completed_at}'";
    app.db.superuser().await.batch_execute(other).await.unwrap();
    let again = new().await;
    assert_eq!((again.is_replay(), &again.text, ann.task_count().await), (true, &first.text, 1));
}

#[tokio::test]
async fn only_one_instance_at_a_time_removes_expired_keys() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let (admin, other) = (app.db.superuser().await, app.db.superuser().await);
    let expired = "INSERT INTO idempotency_keys (user_id, key, part, fingerprint, created_at)
                   VALUES ('ann', 'key', 0, '', now() - interval '25 hours')";
    admin.batch_execute(expired).await.unwrap();
    let sweep = async || app.store.sweep().await.map_err(|error| error.report()).unwrap();
    other.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(8241978302147712)").await.unwrap();
    assert_eq!(sweep().await, 0);
    other.batch_execute("COMMIT").await.unwrap();
    assert_eq!(sweep().await, 1);
}

#[tokio::test]
async fn the_largest_response_fits_beside_its_key_and_one_twice_as_large_does_not() {
    const MANY: usize = 100;
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let (ann, admin) = (app.user("ann"), app.db.superuser().await);
    // Incompressible.
    let fill = "INSERT INTO tasks (user_id, id, title, description)
                SELECT 'ann', gen_random_uuid(), words(200), words(1000) FROM generate_series(1, 100)";
    let words = "CREATE FUNCTION words(length int) RETURNS text LANGUAGE sql AS
                 $$ SELECT string_agg(chr(65536 + (random() * 60000)::int), '') FROM generate_series(1, length) $$";
    admin.batch_execute(&format!("{words}; {fill}")).await.unwrap();
    let ids: Vec<_> = ann.tasks().await.as_array().unwrap().iter().map(|task| task["id"].clone()).collect();
    assert_eq!(ids.len(), MANY);
    let complete = || ann.post("/api/tasks/bulk", json!({ "complete": ids })).key("largest");
    let (first, second) = (complete().await, complete().await);
    assert!(second.is_replay());
    assert_eq!(first.good(), second.good());
    let size = "SELECT pg_column_size(outcome) FROM idempotency_keys";
    assert!(admin.query_one(size, &[]).await.unwrap().get::<_, i32>(0) > 400_000);
    let more: String = admin.query_one("SELECT words(150000)", &[]).await.unwrap().get(0);
    let twice = "UPDATE idempotency_keys SET outcome = outcome || to_jsonb($1::text)";
    let refused = admin.execute(twice, &[&more]).await.unwrap_err();
    let message = refused.as_db_error().unwrap().message();
    assert!(message.contains("\"idempotency_outcome_size"), "{message}");
}
