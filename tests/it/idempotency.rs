//! Writes under an idempotency key are done once, however often they are asked for.

use axum::http::Request;
use futures::future::join_all;
use serde_json::{Value, json};
use tandem::store::Target;

use crate::{
    skip,
    support::{
        Answer, App, TestDb,
        app::{graphql_request, rest_request},
        proxy::Proxy,
        token,
    },
};

const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

/// A REST request of Ann's under a key.
async fn rest(app: &App, key: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    under(app, "ann", key, rest_request(Some(&token("ann")), method, path, body)).await
}

async fn under(app: &App, user: &str, key: &str, mut request: Request<axum::body::Body>) -> Answer {
    request.headers_mut().insert("authorization", format!("Bearer {}", token(user)).parse().unwrap());
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    app.send(request).await
}

/// A GraphQL request of Ann's under a key.
async fn graphql(app: &App, key: &str, body: &Value) -> Answer {
    under(app, "ann", key, graphql_request(None, body)).await
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == "true"
}

async fn count(app: &App) -> usize {
    app.tasks_of("ann").await.as_array().unwrap().len()
}

#[tokio::test]
async fn every_rest_write_that_is_repeated_is_answered_as_before_and_not_done_again() {
    let app = App::new().await;
    let id = app.create("ann", "Mine").await["id"].as_str().unwrap().to_owned();
    let task = format!("/api/tasks/{id}");
    for (index, (method, path, body)) in [
        (
            "POST",
            "/api/tasks".to_owned(),
            Some(json!({ "title": "New", "description": "\u{2028}🦀", "completed": true })),
        ),
        ("POST", "/api/tasks".to_owned(), Some(json!({ "title": "New" }))),
        ("PUT", task.clone(), Some(json!({ "title": "Changed" }))),
        ("PATCH", task.clone(), Some(json!({ "description": null, "completed": true }))),
        ("PATCH", format!("{task}/complete"), None),
        ("PATCH", format!("{task}/complete"), Some(json!({ "completed": true }))),
        ("DELETE", task.clone(), None),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("{KEY}-{index}");
        let first = rest(&app, &key, method, &path, body.clone()).await;
        assert!(first.status.is_success() && !is_replay(&first), "{method} {path}: {}", first.text);
        let after = app.tasks_of("ann").await;
        for _ in 0..2 {
            let again = rest(&app, &key, method, &path, body.clone()).await;
            assert!(is_replay(&again), "{method} {path}");
            assert_eq!((again.status, &again.text), (first.status, &first.text), "{method} {path}");
            assert_eq!(
                (again.header("etag"), again.header("location")),
                (first.header("etag"), first.header("location"))
            );
        }
        assert_eq!(app.tasks_of("ann").await, after, "{method} {path}");
    }
}

#[tokio::test]
async fn every_mutation_that_is_repeated_is_answered_as_before_and_not_done_again() {
    let app = App::new().await;
    let id = app.create("ann", "Mine").await["id"].as_str().unwrap().to_owned();
    let other = app.create("ann", "Mine too").await["id"].as_str().unwrap().to_owned();
    for (index, mutation) in [
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
    .enumerate()
    {
        let mutation = mutation.replace("$ID", &id).replace("$OTHER", &other);
        let body = json!({ "query": format!("mutation {mutation}") });
        let first = graphql(&app, &format!("{KEY}-{index}"), &body).await;
        assert!(first.json.get("errors").is_none() && !is_replay(&first), "{mutation}: {}", first.text);
        let after = app.tasks_of("ann").await;
        let again = graphql(&app, &format!("{KEY}-{index}"), &body).await;
        assert_eq!((&again.text, is_replay(&again)), (&first.text, true), "{mutation}");
        assert_eq!(app.tasks_of("ann").await, after, "{mutation}");
    }
    let batch = vec![json!({ "query": r#"mutation { createTask(input: { title: "New" }) { id } }"# }); 3];
    let first = graphql(&app, "batch", &json!(batch)).await;
    let again = graphql(&app, "batch", &json!(batch)).await;
    assert_eq!((&again.text, is_replay(&again), count(&app).await), (&first.text, true, 3));
}

#[tokio::test]
async fn a_change_to_many_tasks_that_found_none_is_not_done_to_later_ones() {
    let app = App::new().await;
    let body = json!({ "query": "mutation { completeAll { count } }" });
    let first = graphql(&app, KEY, &body).await;
    app.create("ann", "Later").await;
    let again = graphql(&app, KEY, &body).await;
    assert_eq!((&again.text, is_replay(&again)), (&first.text, true));
    assert_eq!(app.tasks_of("ann").await[0]["completed"], false);
}

#[tokio::test]
async fn a_key_that_was_used_for_another_request_is_refused_through_both_doors() {
    let app = App::new().await;
    let made = rest(&app, KEY, "POST", "/api/tasks", Some(json!({ "title": "a" }))).await.json;
    let path = format!("/api/tasks/{}", made["id"].as_str().unwrap());
    for (method, path, body) in [
        ("POST", "/api/tasks", Some(json!({ "title": "b" }))),
        ("POST", "/api/tasks", Some(json!({ "title": "a", "completed": true }))),
        ("PUT", &path, Some(json!({ "title": "a" }))),
        ("DELETE", &path, None),
    ] {
        let answer = rest(&app, KEY, method, path, body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (422, "IDEMPOTENCY_KEY_REUSED"), "{method}");
        assert!(!is_replay(&answer) && answer.json["detail"].is_string(), "{}", answer.text);
    }
    let body = json!({ "query": r#"mutation { createTask(input: { title: "b" }) { id } }"# });
    let answer = graphql(&app, KEY, &body).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (200, "IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(app.tasks_of("ann").await, json!([made]));
}

#[tokio::test]
async fn a_request_that_changed_nothing_may_be_repeated_in_earnest() {
    let app = App::new().await;
    let path = format!("/api/tasks/{}", app.create("ann", "a").await["id"].as_str().unwrap());
    let absent = "/api/tasks/00000000-0000-7000-8000-000000000000";
    assert_eq!(rest(&app, "absent", "DELETE", absent, None).await.status, 404);
    assert_eq!(rest(&app, "absent", "DELETE", &path, None).await.status, 204);
    assert_eq!(rest(&app, "invalid", "POST", "/api/tasks", Some(json!({ "title": "" }))).await.status, 422);
    let corrected = rest(&app, "invalid", "POST", "/api/tasks", Some(json!({ "title": "b" }))).await;
    assert_eq!((corrected.status.as_u16(), is_replay(&corrected)), (201, false));
    let path = format!("/api/tasks/{}", corrected.json["id"].as_str().unwrap());
    let expecting = |version: &'static str| {
        let mut request = rest_request(None, "PUT", &path, Some(json!({ "title": "c" })));
        request.headers_mut().insert("if-match", version.parse().unwrap());
        request
    };
    assert_eq!(under(&app, "ann", "stale", expecting("\"9\"")).await.status, 412);
    assert_eq!(under(&app, "ann", "stale", expecting("\"1\"")).await.json["version"], 2);
    let replay = under(&app, "ann", "stale", expecting("\"1\"")).await;
    assert_eq!((&replay.json["version"], is_replay(&replay)), (&json!(2), true), "although it is at version 2 now");
}

#[tokio::test]
async fn keys_of_different_users_have_nothing_to_do_with_each_other() {
    let app = App::new().await;
    let new = |title: &str| rest_request(None, "POST", "/api/tasks", Some(json!({ "title": title })));
    let ann = under(&app, "ann", KEY, new("Ann's")).await;
    let bob = under(&app, "bob", KEY, new("Bob's")).await;
    assert_eq!((bob.status.as_u16(), is_replay(&bob), &bob.json["user_id"]), (201, false, &json!("bob")));
    assert_eq!(under(&app, "ann", KEY, new("Ann's")).await.text, ann.text);
    assert_eq!(under(&app, "bob", KEY, new("Ann's")).await.code(), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn keys_that_are_none_are_refused_before_anything_is_done() {
    let app = App::new().await;
    let long = "x".repeat(256);
    for key in ["", " ", "a b", "ключ", "\u{a0}", &long] {
        let new = rest_request(Some(&token("ann")), "POST", "/api/tasks", Some(json!({ "title": "a" })));
        let mutation = json!({ "query": r#"mutation { createTask(input: { title: "a" }) { id } }"# });
        for (mut request, status) in [(new, 422), (graphql_request(Some(&token("ann")), &mutation), 400)] {
            let value = axum::http::HeaderValue::from_bytes(key.as_bytes()).unwrap();
            request.headers_mut().insert("idempotency-key", value);
            let answer = app.send(request).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (status, "BAD_USER_INPUT"), "{key:?}: {}", answer.text);
        }
    }
    let mut twice = rest_request(Some(&token("ann")), "POST", "/api/tasks", Some(json!({ "title": "a" })));
    twice.headers_mut().append("idempotency-key", "a".parse().unwrap());
    twice.headers_mut().append("idempotency-key", "b".parse().unwrap());
    assert_eq!(app.send(twice).await.status, 422);
    assert_eq!(count(&app).await, 0);
    assert_eq!(rest(&app, &"x".repeat(255), "POST", "/api/tasks", Some(json!({ "title": "a" }))).await.status, 201);
    assert_eq!(rest(&app, "a b", "GET", "/api/tasks", None).await.status, 200, "reading needs no key");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_the_same_time_one_is_done_and_all_get_its_answer() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let task = app.create("ann", "Mine").await;
    let toggle = format!("/api/tasks/{}/complete", task["id"].as_str().unwrap());
    for round in 0..5 {
        let key = format!("create-{round}");
        let new = || rest(&app, &key, "POST", "/api/tasks", Some(json!({ "title": "New" })));
        let answers = join_all((0..20).map(|_| new())).await;
        assert!(answers.iter().all(|answer| answer.text == answers[0].text), "{:?}", answers[0]);
        assert_eq!(answers.iter().filter(|answer| !is_replay(answer)).count(), 1);
        let key = format!("toggle-{round}");
        let answers = join_all((0..20).map(|_| rest(&app, &key, "PATCH", &toggle, None))).await;
        assert!(answers.iter().all(|answer| answer.json["version"] == json!(round + 2)), "{:?}", answers[0]);
    }
    assert_eq!(count(&app).await, 6);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_after_its_commit_is_not_done_again() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    let direct = db.config.target.clone();
    let proxy = Proxy::before(db.url()).await;
    db.config.target = Target::parse(&proxy.url).unwrap();
    db.config.pool_size = 1;
    db.config.statement_timeout = std::time::Duration::from_millis(300);
    let app = App::on(db).await;
    let new = json!({ "title": "New" });
    rest(&app, "warm", "POST", "/api/tasks", Some(new.clone())).await;
    // The database commits, but no answer comes back.
    proxy.hold(usize::MAX);
    let lost = rest(&app, KEY, "POST", "/api/tasks", Some(new.clone())).await;
    assert_eq!((lost.status.as_u16(), lost.code()), (503, "SERVICE_UNAVAILABLE"));
    proxy.hold(0);
    let mut db = app.db;
    db.config.target = direct;
    let app = App::on(db).await;
    let again = rest(&app, KEY, "POST", "/api/tasks", Some(new)).await;
    assert_eq!((again.status.as_u16(), is_replay(&again), count(&app).await), (201, true, 2));
}

#[tokio::test]
async fn a_key_is_kept_for_a_day_and_then_forgotten() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let new = || rest(&app, KEY, "POST", "/api/tasks", Some(json!({ "title": "New" })));
    let age = async |interval: &str| {
        let sql = format!("UPDATE idempotency_keys SET created_at = now() - interval '{interval}'");
        app.db.superuser().await.batch_execute(&sql).await.unwrap();
    };
    new().await;
    age("23 hours 59 minutes").await;
    assert!(is_replay(&new().await));
    age("24 hours 1 minute").await;
    assert!(!is_replay(&new().await));
    age("24 hours 1 minute").await;
    rest(&app, "another", "POST", "/api/tasks", Some(json!({ "title": "New" }))).await;
    let left = app.db.superuser().await.query_one("SELECT count(*) FROM idempotency_keys", &[]).await.unwrap();
    assert_eq!((left.get::<_, i64>(0), count(&app).await), (1, 3), "the old one is gone");
}

#[tokio::test]
async fn a_write_under_a_key_is_one_flush_too() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    let proxy = Proxy::before(db.url()).await;
    db.config.target = Target::parse(&proxy.url).unwrap();
    db.config.pool_size = 1;
    let app = App::on(db).await;
    let path = format!("/api/tasks/{}", app.create("ann", "Mine").await["id"].as_str().unwrap());
    for (method, path, body) in [
        ("POST", "/api/tasks".to_owned(), Some(json!({ "title": "New" }))),
        ("PUT", path.clone(), Some(json!({ "title": "New" }))),
        ("PATCH", format!("{path}/complete"), None),
        ("DELETE", path, None),
    ] {
        let warm = if method == "DELETE" { "/api/tasks/00000000-0000-7000-8000-000000000000" } else { path.as_str() };
        rest(&app, &format!("{method}{path}-warm"), method, warm, body.clone()).await;
        proxy.hold(6);
        let answer = rest(&app, &format!("{method}{path}"), method, &path, body).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
        let seen = proxy.seen();
        assert_eq!((seen.statements.len(), seen.flushes), (6, 1), "{method} {path}: {:?}", seen.statements);
        assert!(seen.statements[3].starts_with("INSERT INTO idempotency_keys"), "{:?}", seen.statements);
        proxy.hold(0);
    }
}
