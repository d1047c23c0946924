//! REST's paths and lists, in their current and their older forms.

use serde_json::json;
use tandem::rest::PREFIXES;

use crate::support::{App, check_all, path_of};

#[tokio::test]
async fn a_task_is_created_completed_and_deleted() {
    let app = App::new().await;
    let ann = app.user("ann");
    let task = ann.create("Buy milk").await;
    assert_eq!(task["title"], "Buy milk");
    let path = path_of(&task);
    let done = ann.call("PATCH", format!("{path}/complete")).await;
    assert_eq!((done.status.as_u16(), &done.json["completed"], &done.json["version"]), (200, &json!(true), &json!(2)));
    let deleted = ann.delete(&path).await;
    deleted.status(204);
    assert_eq!(ann.tasks().await, json!([]));
}

/// Ann's tasks, each titled with a letter of this word, in order of creation.
async fn tasks(app: &App, word: &str) {
    let ann = app.user("ann");
    for title in word.chars() {
        ann.create(&title.to_string()).await;
    }
}

async fn titles(app: &App, query: &str) -> String {
    let ann = app.user("ann");
    let answer = ann.get(format!("/api/tasks?{query}")).await;
    answer.status(200);
    answer.json.as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_older_parameters_of_a_list_are_understood() {
    let app = App::new().await;
    let ann = app.user("ann");
    tasks(&app, "cabed").await;
    let cases = [
        ("sort_by=title", "abcde"),
        ("sort_by=title&sort_order=desc", "edcba"),
        ("sort_by=created_at&sort_order=asc", "cabed"),
        ("sort=title&sort_by=created&order=asc&sort_order=desc", "abcde"),
        ("sort=title&offset=2", "cde"),
        ("sort=title&skip=2&limit=2", "cd"),
        ("sort=title&offset=1&skip=4", "bcde"),
        ("sort=title&limit=2&page=1", "ab"),
        ("sort=title&limit=2&page=3", "e"),
        ("sort=title&limit=2&page=4", ""),
        ("sort=title&offset=5", ""),
        ("sort=title&offset=1000000", ""),
        ("sort=title&offset=0&unknown=1", "abcde"),
    ];
    check_all(cases, async |(query, expected)| {
        assert_eq!(titles(&app, query).await, expected, "{query}");
    })
    .await;
    let cases = [
        ("offset=-1", "offset", "greater_than_equal"),
        ("skip=1000001", "skip", "less_than_equal"),
        ("page=0", "page", "greater_than_equal"),
        ("page=1002", "page", "less_than_equal"),
        ("sort_by=x", "sort_by", "enum"),
        ("sort_order=x", "sort_order", "enum"),
        ("envelope=x", "envelope", "bool_parsing"),
    ];
    check_all(cases, async |(query, field, kind)| {
        let answer = ann.get(format!("/api/tasks?{query}")).await;
        let fault = &answer.json["detail"][0];
        assert_eq!((answer.status.as_u16(), &fault["loc"][1], &fault["type"]), (422, &json!(field), &json!(kind)));
    })
    .await;
}

#[tokio::test]
async fn a_list_requested_by_offset_continues_by_cursor() {
    let app = App::new().await;
    let ann = app.user("ann");
    tasks(&app, "abcde").await;
    let answer = ann.get("/api/tasks?sort=title&limit=2&page=2&count=true").await;
    assert_eq!((answer.json[0]["title"].as_str(), answer.header("x-total-count")), (Some("c"), "5"));
    let next = answer.header("link").strip_prefix("</api/tasks?").unwrap().split('>').next().unwrap().to_owned();
    assert_eq!(titles(&app, &next).await, "e");
    let both = ann.get(format!("/api/tasks?{next}&offset=1")).await;
    assert_eq!((both.status.as_u16(), &both.json["detail"][0]["loc"][1]), (422, &json!("cursor")));
}

#[tokio::test]
async fn a_list_is_wrapped_in_an_envelope_on_request() {
    let app = App::new().await;
    let ann = app.user("ann");
    tasks(&app, "abc").await;
    let bare = ann.get("/api/tasks?limit=2").await;
    let answer = ann.get("/api/tasks?limit=2&envelope=true").await;
    assert_eq!(answer.json, json!({ "tasks": bare.json, "total": 3 }));
    assert!(answer.header("link").contains("envelope=true"));
    assert_eq!(ann.get("/api/tasks?limit=2&envelope=false").await.json, bare.json);
}

#[tokio::test]
async fn a_trailing_slash_does_not_matter() {
    let app = App::new().await;
    let ann = app.user("ann");
    check_all(PREFIXES.map(|prefix| prefix.replace("{user_id}", "ann")), async |prefix| {
        let made = ann.post(format!("{prefix}/"), json!({ "title": "a" })).await;
        let task = format!("{prefix}/{}", made.json["id"].as_str().unwrap());
        assert_eq!((made.status.as_u16(), made.header("location")), (201, task.as_str()));
        assert_eq!(ann.get(format!("{prefix}/?limit=1")).await.json[0], made.json);
        assert_eq!(ann.get(format!("{task}/")).await.json, made.json);
        assert_eq!(ann.call("PATCH", format!("{task}/complete/")).await.json["version"], 2);
        let updated = ann.put(format!("{task}/"), json!({ "title": "b" })).await;
        assert_eq!((updated.json["title"].as_str(), updated.header("etag")), (Some("b"), "\"3\""));
        ann.delete(format!("{task}/")).await.status(204);
        ann.get(format!("{task}//")).await.status(404);
    })
    .await;
}

#[tokio::test]
async fn an_options_request_that_is_not_a_preflight_is_refused_like_any_other_method() {
    let app = App::new().await;
    let ann = app.user("ann");
    let options = ann.call("OPTIONS", "/api/tasks").await;
    options.refused(405, "METHOD_NOT_ALLOWED");
    assert_eq!(options.header("allow"), "GET,HEAD,POST");
    ann.call("OPTIONS", "/nowhere").await.status(404);
}
