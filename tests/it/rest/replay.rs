//! The calls that frontends of the older backends make with `fetch` and axios, and what they expect back.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, App, check_all, token};

const ORIGIN: &str = "http://localhost:3000";

/// A call with what a browser adds to it, in the manner of `fetch` or of axios.
async fn call(app: &App, manner: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
    let accept = if manner == "axios" { "application/json, text/plain, */*" } else { "*/*" };
    let request = app.user("ann").call(method, path).maybe_json(body).header("accept", accept).header("origin", ORIGIN);
    // Many set it on every call, with a body or without.
    let answer = request.header("content-type", "application/json").await;
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN, "{manner}: {method} {path}");
    answer
}

#[tokio::test]
async fn a_frontends_whole_session_works_under_every_base_url() {
    let app = App::new().await;
    let cases = ["/api/ann/tasks", "/api/tasks", "/api/v1/tasks", "/api/ann/tasks/", "/api/tasks/"];
    check_all(cases, async |base| {
        for manner in ["fetch", "axios"] {
            let slash = if base.ends_with('/') { "/" } else { "" };
            let below = |path: &str| format!("{}/{path}{slash}", base.trim_end_matches('/'));
            let new = json!({ "title": "Buy milk", "description": "", "priority": "high", "user_id": "bob" });
            let made = call(&app, manner, "POST", base, Some(new)).await;
            assert_eq!((made.status, &made.json["user_id"]), (StatusCode::CREATED, &json!("ann")), "{base}");
            let id = made.json["id"].as_str().unwrap().to_owned();
            let listed = call(&app, manner, "GET", base, None).await;
            assert_eq!(listed.json, json!([made.json]), "{base}");
            // A form sends every field it got.
            let mut edited = made.json.clone();
            edited["title"] = json!("Buy oat milk");
            let put = call(&app, manner, "PUT", &below(&id), Some(edited)).await;
            assert_eq!((put.status.as_u16(), &put.json["title"]), (200, &json!("Buy oat milk")), "{base}");
            let toggled = call(&app, manner, "PATCH", &below(&format!("{id}/complete")), None).await;
            assert_eq!((toggled.status.as_u16(), &toggled.json["completed"]), (200, &json!(true)), "{base}");
            let back = call(&app, manner, "PATCH", &below(&format!("{id}/complete")), Some(json!({}))).await;
            assert_eq!((back.status.as_u16(), &back.json["completed"]), (200, &json!(false)), "{base}");
            let gone = call(&app, manner, "DELETE", &below(&id), None).await;
            assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""), "{base}");
            let missing = call(&app, manner, "GET", &below(&id), None).await;
            assert_eq!(missing.json["detail"], "Task not found", "{base}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_filter_and_sort_that_frontends_offer_is_answered() {
    let app = App::new().await;
    let ann = app.user("ann");
    for (title, completed) in [("b", true), ("a", false), ("c", false)] {
        ann.post("/api/tasks", json!({ "title": title, "completed": completed })).await;
    }
    let cases = [
        ("", "cab"),
        ("?status=", "cab"),
        ("?status=all&sort=created", "cab"),
        ("?status=pending&sort=title", "ac"),
        ("?status=completed", "b"),
        ("?completed=false&sort=created_at&order=asc", "ac"),
        ("?sort=title&order=desc&search=", "cba"),
        ("?sort_by=title&sort_order=asc&skip=1&limit=1", "b"),
        ("?page=2&limit=2", "b"),
        ("?search=A&_=1732200000000", "a"),
    ];
    check_all(cases, async |(query, titles)| {
        let answer = call(&app, "axios", "GET", &format!("/api/ann/tasks{query}"), None).await;
        let listed: String = answer.json.as_array().unwrap().iter().map(|t| t["title"].as_str().unwrap()).collect();
        assert_eq!(listed, titles, "{query}");
    })
    .await;
}

#[tokio::test]
async fn frontends_find_the_error_where_they_look_for_it() {
    let app = App::new().await;
    let answer = app.anonymous().get("/api/ann/tasks").header("origin", ORIGIN).await;
    assert_eq!((answer.status.as_u16(), answer.json["detail"].is_string()), (401, true), "to send the user to sign in");
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN, "or the page couldn't read it");
    let bad = call(&app, "fetch", "POST", "/api/ann/tasks", Some(json!({ "title": "" }))).await;
    assert_eq!(bad.json["detail"][0]["msg"], "String should have at least 1 character");
    let other = call(&app, "fetch", "GET", "/api/bob/tasks", None).await;
    assert_eq!((other.status.as_u16(), other.json["detail"].is_string()), (403, true));
}

#[tokio::test]
async fn the_word_bearer_may_be_spelt_as_old_clients_do() {
    let app = App::new().await;
    let cases = ["bearer TOKEN", "Bearer  TOKEN", "BEARER TOKEN", "Bearer TOKEN "];
    check_all(cases, async |form| {
        let authorization = form.replace("TOKEN", &token("ann"));
        app.anonymous().get("/api/ann/tasks").header("authorization", authorization).await.status(200);
    })
    .await;
}

async fn preflight(app: &App, origin: &str, method: &str, path: &str, headers: &str) -> Answer {
    let request = app.anonymous().call("OPTIONS", path).header("origin", origin);
    let request = request.header("access-control-request-method", method);
    request.header("access-control-request-headers", headers).await
}

#[tokio::test]
async fn browsers_may_call_from_pages_on_this_machine_only() {
    let app = App::new().await;
    let sent = "authorization,content-type,if-match,if-none-match,idempotency-key,x-request-id";
    let cases = ["/api/tasks", "/api/tasks/", "/api/ann/tasks/x/complete", "/graphql"];
    check_all(cases, async |path| {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            for origin in [ORIGIN, "http://127.0.0.1:5173", "https://localhost"] {
                let answer = preflight(&app, origin, method, path, sent).await;
                assert!(answer.status.is_success(), "{method} {path}: {}", answer.status);
                assert_eq!(answer.header("access-control-allow-origin"), origin, "{method} {path}");
                assert!(answer.header("access-control-allow-methods").contains(method), "{method} {path}");
                let allowed = answer.header("access-control-allow-headers").to_lowercase();
                for name in sent.split(',') {
                    assert!(allowed.split(',').any(|one| one.trim() == name), "{name} is not in {allowed}");
                }
            }
        }
    })
    .await;
    let cases = ["https://evil.example", "http://localhost.evil.example", "null"];
    check_all(cases, async |origin| {
        let answer = preflight(&app, origin, "GET", "/api/tasks", "authorization").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    })
    .await;
    let answer = call(&app, "fetch", "GET", "/api/tasks", None).await;
    let exposed = answer.header("access-control-expose-headers").to_lowercase();
    for name in ["etag", "link", "location", "x-total-count", "idempotent-replayed", "x-request-id"] {
        assert!(exposed.contains(name), "{name} is not in {exposed}");
    }
    let answer = app.anonymous().get("/api/tasks").await;
    assert_eq!(answer.header("access-control-expose-headers"), "", "a program is no page");
    assert!(answer.headers.get_all("vary").iter().any(|value| value == "origin"), "{:?}", answer.headers);
}
