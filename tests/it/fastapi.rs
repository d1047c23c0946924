//! What a real FastAPI backend answered, and what this one does. `tests/fastapi/make_answers.py` asked.

use axum::body::Body;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{Answer, App, app::rest_request, token};

/// One request and FastAPI's answer to it.
#[derive(Deserialize)]
struct Exchange {
    method: String,
    path: String,
    body: Option<String>,
    status: u16,
    answer: String,
}

fn exchanges() -> Vec<Exchange> {
    serde_json::from_str(include_str!("../fastapi/answers.json")).unwrap()
}

fn code(status: u16) -> &'static str {
    match status {
        403 => "FORBIDDEN",
        404 => "NOT_FOUND",
        405 => "METHOD_NOT_ALLOWED",
        422 => "BAD_USER_INPUT",
        other => panic!("no code for {other}"),
    }
}

/// Our answer, with FastAPI's words for why a body is not JSON and where. Both have a parser of their own, which gives
/// up with its own words, and in strings and words that don't end at another character.
fn in_fastapis_words(ours: &Answer, theirs: &str, body: &str) -> String {
    let theirs: Value = serde_json::from_str(theirs).unwrap();
    let [ours_invalid, theirs_invalid] = [&ours.json, &theirs].map(|answer| &answer["detail"][0]);
    if theirs_invalid["type"] != "json_invalid" {
        return ours.text.clone();
    }
    let (at, reason) = (&ours_invalid["loc"][1], &ours_invalid["ctx"]["error"]);
    assert!(at.as_u64().unwrap() <= body.chars().count() as u64, "{body:?}: {at}");
    assert!(reason.as_str().is_some_and(|reason| !reason.is_empty() && !reason.contains("line")), "{body:?}: {reason}");
    let loc = |at: &Value| format!("[\"body\",{at}]");
    let text = ours.text.replace(&reason.to_string(), &theirs_invalid["ctx"]["error"].to_string());
    text.replace(&loc(at), &loc(&theirs_invalid["loc"][1]))
}

#[tokio::test]
async fn errors_are_those_of_fastapi_to_the_byte_with_a_code_added() {
    let app = App::new().await;
    let mut differences = Vec::new();
    for Exchange { method, path, body, status, answer } in exchanges() {
        let request = rest_request(Some(&token("ann")), &method, &path, body.is_some().then_some(Value::Null));
        let ours = app.send(request.map(|_| body.clone().map_or_else(Body::empty, Body::from))).await;
        let theirs = format!("{},\"code\":\"{}\"}}", answer.strip_suffix('}').unwrap(), code(status));
        let text = in_fastapis_words(&ours, &answer, body.as_deref().unwrap_or_default());
        if (ours.status.as_u16(), text.as_str()) != (status, theirs.as_str()) {
            differences.push(format!("{method} {path} {body:?}\n  {status} {theirs}\n  {} {}", ours.status, ours.text));
        }
        assert_eq!(ours.header("content-type"), "application/json");
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    assert_eq!(app.tasks_of("ann").await, json!([]));
}

#[tokio::test]
async fn the_same_errors_are_told_as_problems_to_who_asks_for_that() {
    let app = App::new().await;
    for Exchange { method, path, body, status, .. } in exchanges() {
        let mut request = rest_request(Some(&token("ann")), &method, &path, body.is_some().then_some(Value::Null));
        request.headers_mut().insert("accept", "application/json;q=0.5, application/problem+json".parse().unwrap());
        let answer = app.send(request.map(|_| body.map_or_else(Body::empty, Body::from))).await;
        assert_eq!(answer.header("content-type"), "application/problem+json", "{method} {path}");
        assert_eq!((answer.status.as_u16(), &answer.json["status"]), (status, &json!(status)), "{method} {path}");
        assert_eq!((answer.code(), &answer.json["type"]), (code(status), &json!("about:blank")), "{method} {path}");
        assert!(answer.json["title"].is_string() && answer.json["detail"].is_string(), "{}", answer.text);
        assert_eq!(answer.json["errors"][0]["msg"].is_string(), status == 422, "{}", answer.text);
    }
    let unauthenticated = rest_request(None, "GET", "/api/tasks", None);
    for (accept, media_type) in [
        ("application/problem+json", "application/problem+json"),
        ("text/html, Application/Problem+JSON; q=0.1", "application/problem+json"),
        ("application/problem+json;q=0", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
    ] {
        let mut request = rest_request(None, "GET", "/api/tasks", None);
        request.headers_mut().insert("accept", accept.parse().unwrap());
        let answer = app.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (401, media_type), "{accept}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{accept}");
    }
    assert_eq!(app.send(unauthenticated).await.header("content-type"), "application/json");
}
