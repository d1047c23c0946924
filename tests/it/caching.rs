//! What clients may keep, and how a change is kept from undoing another one.

use serde_json::{Value, json};

use crate::support::{Answer, App, app::rest_request, token};

async fn ask(app: &App, method: &str, path: &str, body: Option<Value>, header: (&'static str, &str)) -> Answer {
    let mut request = rest_request(Some(&token("ann")), method, path, body);
    request.headers_mut().insert(header.0, header.1.parse().unwrap());
    app.send(request).await
}

async fn task(app: &App) -> String {
    format!("/api/tasks/{}", app.create("ann", "Buy milk").await["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_task_that_the_client_has_already_is_not_sent_again() {
    let app = App::new().await;
    let path = task(&app).await;
    for known in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "\"x\" ,W/\"1\"", "*"] {
        let answer = ask(&app, "GET", &path, None, ("if-none-match", known)).await;
        let told = (answer.status.as_u16(), answer.text.as_str(), answer.header("etag"));
        assert_eq!(told, (304, "", "\"1\""), "{known}");
    }
    for unknown in ["\"2\"", "1", "\"11\"", "", "garbage"] {
        assert_eq!(ask(&app, "GET", &path, None, ("if-none-match", unknown)).await.status, 200, "{unknown}");
    }
    app.rest("ann", "PATCH", &format!("{path}/complete"), None).await;
    assert_eq!(ask(&app, "GET", &path, None, ("if-none-match", "\"1\"")).await.status, 200);
}

#[tokio::test]
async fn a_lists_tag_changes_with_anything_in_it_and_with_nothing_else() {
    let app = App::new().await;
    let path = task(&app).await;
    let mut seen = Vec::new();
    let tag = async |query: &str| {
        let answer = app.rest("ann", "GET", &format!("/api/tasks{query}"), None).await;
        assert!(answer.header("etag").starts_with("W/\""), "{}", answer.header("etag"));
        answer.header("etag").to_owned()
    };
    for (method, path, body) in [
        ("PUT", path.clone(), Some(json!({ "title": "New" }))),
        ("PATCH", format!("{path}/complete"), None),
        ("POST", "/api/tasks".to_owned(), Some(json!({ "title": "Another" }))),
        ("DELETE", path.clone(), None),
    ] {
        let before = tag("").await;
        assert_eq!(ask(&app, "GET", "/api/tasks", None, ("if-none-match", &before)).await.status, 304);
        assert_eq!(tag("").await, before);
        app.create("bob", "Not Ann's").await;
        assert_eq!(tag("").await, before);
        assert!(app.rest("ann", method, &path, body).await.status.is_success());
        let after = ask(&app, "GET", "/api/tasks", None, ("if-none-match", &before)).await;
        assert_eq!((after.status.as_u16(), after.json.is_array()), (200, true), "{method}");
        assert!(!seen.contains(&before), "{method}");
        seen.push(before);
    }
    app.create("ann", "One more").await;
    let part = tag("?limit=1").await;
    app.create("ann", "And one").await;
    assert_ne!(tag("?limit=1&offset=1").await, part, "the total is part of the answer");
}

#[tokio::test]
async fn a_change_that_expects_another_version_is_shown_the_task_as_it_is() {
    let app = App::new().await;
    let path = task(&app).await;
    let current = app.rest("ann", "PATCH", &format!("{path}/complete"), None).await.json;
    let complete = format!("{path}/complete");
    let new = Some(json!({ "title": "New" }));
    for (method, path, body) in [
        ("PUT", &path, new.clone()),
        ("PATCH", &path, new),
        ("DELETE", &path, None),
        ("PATCH", &complete, None),
        ("PATCH", &complete, Some(json!({ "completed": false }))),
    ] {
        let answer = ask(&app, method, path, body.clone(), ("if-match", "\"1\"")).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (412, "VERSION_CONFLICT"), "{method} {path}");
        assert_eq!(answer.json["current"], current, "{method} {path}");
        let mut request = rest_request(Some(&token("ann")), method, path, body);
        request.headers_mut().insert("if-match", "\"1\"".parse().unwrap());
        request.headers_mut().insert("accept", "application/problem+json".parse().unwrap());
        assert_eq!(app.send(request).await.json["current"], current, "{method} {path}");
    }
    assert_eq!(app.rest("ann", "GET", &path, None).await.json, current);
    let toggled = ask(&app, "PATCH", &complete, None, ("if-match", "\"2\"")).await;
    assert_eq!((&toggled.json["completed"], toggled.header("etag")), (&json!(false), "\"3\""));
    let set = ask(&app, "PATCH", &complete, Some(json!({ "completed": false })), ("if-match", "\"3\"")).await;
    assert_eq!((set.status.as_u16(), set.header("etag")), (200, "\"3\""), "it was so already");
    assert_eq!(ask(&app, "DELETE", &path, None, ("if-match", "*")).await.status, 204);
    assert_eq!(ask(&app, "PATCH", &complete, None, ("if-match", "\"3\"")).await.status, 404);
}

#[tokio::test]
async fn answers_are_private_and_vary_with_the_token() {
    let app = App::new().await;
    let path = task(&app).await;
    for (method, path) in [("GET", "/api/tasks"), ("GET", &path), ("GET", "/api/tasks/x"), ("DELETE", &path)] {
        let answer = app.rest("ann", method, path, None).await;
        assert_eq!(answer.header("cache-control"), "private, no-cache", "{method} {path}");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(vary.contains(&"authorization"), "{method} {path}: {vary:?}");
    }
}

#[tokio::test]
async fn head_tells_what_get_would_without_the_body() {
    let app = App::new().await;
    let path = task(&app).await;
    for path in ["/api/tasks", "/api/tasks?limit=0", &path, "/api/tasks/x", "/", "/livez", "/readyz", "/health"] {
        let (get, head) = (app.rest("ann", "GET", path, None).await, app.rest("ann", "HEAD", path, None).await);
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        for name in ["etag", "x-total-count", "content-type", "cache-control", "link"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
}
