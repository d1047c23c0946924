//! Caching, and preconditions that prevent lost updates.

use serde_json::json;

use crate::support::{App, check_all, path_of};

#[tokio::test]
async fn a_task_that_the_client_already_has_is_not_sent_again() {
    let app = App::new().await;
    let ann = app.user("ann");
    let path = path_of(&ann.create("Buy milk").await);
    check_all(["\"1\"", "W/\"1\"", "\"0\", \"1\"", "\"x\" ,W/\"1\"", "*"], async |known| {
        let answer = ann.get(&path).header("if-none-match", known).await;
        let told = (answer.status.as_u16(), answer.text.as_str(), answer.header("etag"));
        assert_eq!(told, (304, "", "\"1\""), "{known}");
    })
    .await;
    check_all(["\"2\"", "1", "\"11\"", "", "garbage"], async |unknown| {
        ann.get(&path).header("if-none-match", unknown).await.status(200);
    })
    .await;
    ann.call("PATCH", format!("{path}/complete")).await;
    ann.get(&path).header("if-none-match", "\"1\"").await.status(200);
}

#[tokio::test]
async fn a_lists_etag_changes_exactly_when_the_list_does() {
    let app = App::new().await;
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    let path = path_of(&ann.create("Buy milk").await);
    let mut seen = Vec::new();
    let tag = async |query: &str| {
        let answer = ann.get(format!("/api/tasks{query}")).await;
        assert!(answer.header("etag").starts_with("W/\""), "{}", answer.header("etag"));
        answer.header("etag").to_owned()
    };
    let cases = [
        ("PUT", path.clone(), Some(json!({ "title": "New" }))),
        ("PATCH", format!("{path}/complete"), None),
        ("POST", "/api/tasks".to_owned(), Some(json!({ "title": "Another" }))),
        ("DELETE", path.clone(), None),
    ];
    check_all(cases, async |(method, path, body)| {
        let before = tag("").await;
        ann.get("/api/tasks").header("if-none-match", &before).await.status(304);
        assert_eq!(tag("").await, before);
        bob.create("Not Ann's").await;
        assert_eq!(tag("").await, before);
        assert!(ann.call(method, &path).maybe_json(body).await.status.is_success());
        let after = ann.get("/api/tasks").header("if-none-match", &before).await;
        assert_eq!((after.status.as_u16(), after.json.is_array()), (200, true), "{method}");
        assert!(!seen.contains(&before), "{method}");
        seen.push(before);
    })
    .await;
    ann.create("One more").await;
    let part = tag("?limit=1&count=true").await;
    ann.create("And one").await;
    assert_ne!(tag("?limit=1&offset=1&count=true").await, part, "the total is part of the answer");
}

#[tokio::test]
async fn a_version_conflict_shows_the_current_task() {
    let app = App::new().await;
    let ann = app.user("ann");
    let path = path_of(&ann.create("Buy milk").await);
    let current = ann.call("PATCH", format!("{path}/complete")).await.json;
    let complete = format!("{path}/complete");
    let new = Some(json!({ "title": "New" }));
    let cases = [
        ("PUT", &path, new.clone()),
        ("PATCH", &path, new),
        ("DELETE", &path, None),
        ("PATCH", &complete, None),
        ("PATCH", &complete, Some(json!({ "completed": false }))),
    ];
    check_all(cases, async |(method, path, body)| {
        let answer = ann.call(method, path).maybe_json(body.clone()).if_match("\"1\"").await;
        answer.refused(412, "VERSION_CONFLICT");
        assert_eq!(answer.json["current"], current, "{method} {path}");
        let problem =
            ann.call(method, path).maybe_json(body).if_match("\"1\"").header("accept", "application/problem+json");
        assert_eq!(problem.await.json["current"], current);
    })
    .await;
    assert_eq!(ann.get(&path).await.json, current);
    let toggled = ann.call("PATCH", &complete).if_match("\"2\"").await;
    assert_eq!((&toggled.json["completed"], toggled.header("etag")), (&json!(false), "\"3\""));
    let set = ann.patch(&complete, json!({ "completed": false })).if_match("\"3\"").await;
    assert_eq!((set.status.as_u16(), set.header("etag")), (200, "\"3\""), "it was so already");
    ann.delete(&path).if_match("*").await.status(204);
    ann.call("PATCH", &complete).if_match("\"3\"").await.status(404);
}

#[tokio::test]
async fn responses_are_private_and_vary_with_the_token() {
    let app = App::new().await;
    let ann = app.user("ann");
    let path = path_of(&ann.create("Buy milk").await);
    let cases = [("GET", "/api/tasks"), ("GET", &path), ("GET", "/api/tasks/x"), ("DELETE", &path)];
    check_all(cases, async |(method, path)| {
        let answer = ann.call(method, path).await;
        assert_eq!(answer.header("cache-control"), "private, no-cache", "{method} {path}");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(vary.contains(&"authorization"), "{method} {path}: {vary:?}");
    })
    .await;
}

#[tokio::test]
async fn head_answers_like_get_without_the_body() {
    let app = App::new().await;
    let ann = app.user("ann");
    let path = path_of(&ann.create("Buy milk").await);
    let cases = [
        "/api/tasks",
        "/api/tasks?count=true",
        "/api/tasks?limit=0",
        &path,
        "/api/tasks/x",
        "/",
        "/livez",
        "/readyz",
        "/health",
    ];
    check_all(cases, async |path| {
        let (get, head) = (ann.get(path).await, ann.call("HEAD", path).await);
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        for name in ["etag", "x-total-count", "content-type", "cache-control", "link"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    })
    .await;
}
