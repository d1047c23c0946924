//! What a real FastAPI backend responded (recorded by `tests/fastapi/make_answers.py`), and what this one does.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{Answer, App, Call, User, check_all};

/// One request and FastAPI's response to it.
#[derive(Debug, Deserialize)]
struct Exchange {
    method: String,
    path: String,
    body: Option<String>,
    status: u16,
    answer: String,
}

impl Exchange {
    fn send(&self, user: &User) -> Call {
        let call = user.call(&self.method, &self.path);
        match &self.body {
            Some(body) => call.json_bytes(body.as_bytes()),
            None => call,
        }
    }
}

fn exchanges() -> Vec<Exchange> {
    serde_json::from_str(include_str!("../../fastapi/answers.json")).unwrap()
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
    let ann = app.user("ann");
    check_all(exchanges(), async |exchange| {
        let ours = exchange.send(&ann).await;
        let theirs = exchange.answer.strip_suffix('}').unwrap();
        let expected = format!("{theirs},\"code\":\"{}\"}}", code(exchange.status));
        let body = exchange.body.as_deref().unwrap_or_default();
        assert_eq!(in_fastapis_words(ours.status(exchange.status), &exchange.answer, body), expected);
        assert_eq!(ours.header("content-type"), "application/json");
    })
    .await;
    assert_eq!(ann.tasks().await, json!([]));
}

#[tokio::test]
async fn the_same_errors_are_problem_json_for_clients_that_ask() {
    let app = App::new().await;
    let ann = app.user("ann");
    check_all(exchanges(), async |exchange| {
        let status = exchange.status;
        let accept = "application/json;q=0.5, application/problem+json";
        let answer = exchange.send(&ann).header("accept", accept).await;
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.refused(status, code(status)).json["status"], json!(status));
        assert_eq!(answer.json["type"], "about:blank");
        assert!(answer.json["title"].is_string() && answer.json["detail"].is_string(), "{}", answer.text);
        assert_eq!(answer.json["errors"][0]["msg"].is_string(), status == 422, "{}", answer.text);
    })
    .await;
    let anyone = app.anonymous();
    let cases = [
        ("application/problem+json", "application/problem+json"),
        ("text/html, Application/Problem+JSON; q=0.1", "application/problem+json"),
        ("application/problem+json;q=0", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
    ];
    check_all(cases, async |(accept, media_type)| {
        let answer = anyone.get("/api/tasks").header("accept", accept).await;
        assert_eq!(answer.status(401).header("content-type"), media_type);
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    })
    .await;
    assert_eq!(anyone.get("/api/tasks").await.header("content-type"), "application/json");
}
