//! GraphQL over HTTP: methods, media types and statuses, and cross-site requests.

use serde_json::json;
use tandem::http::guard::MAX_BODY;

use crate::support::{App, check_all, node::has_graphiql};

const JSON: &str = "application/json; charset=utf-8";
const RESPONSE: &str = "application/graphql-response+json; charset=utf-8";
const QUERY: &str = r#"{"query":"{ me { id } }"}"#;

fn get(parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/graphql?{query}")
}

#[tokio::test]
async fn a_response_has_the_media_type_and_status_that_its_client_accepts() {
    let app = App::new().await;
    let ann = app.user("ann");
    let (json, response) = ("application/json", "application/graphql-response+json");
    let cases = [
        (json, QUERY, 200, JSON, true),
        (response, QUERY, 200, RESPONSE, true),
        ("*/*", QUERY, 200, JSON, true),
        (json, r#"{"query":"{"}"#, 200, JSON, false),
        (response, r#"{"query":"{"}"#, 400, RESPONSE, false),
        (json, r#"{"query":"{ nothing }"}"#, 200, JSON, false),
        (response, r#"{"query":"{ nothing }"}"#, 400, RESPONSE, false),
        (json, r#"{"query":"query($id: ID!) { task(id: $id) { id } }"}"#, 200, JSON, false),
        (response, r#"{"query":"query($id: ID!) { task(id: $id) { id } }"}"#, 400, RESPONSE, false),
        (
            response,
            r#"{"query":"query($id: ID!) { task(id: $id) { id } }","variables":{"id":null}}"#,
            400,
            RESPONSE,
            false,
        ),
        (response, r#"{"query":"query A { me { id } }","operationName":"B"}"#, 400, RESPONSE, false),
        (response, r#"{"query":"mutation { toggleTask(id: \"x\") { id } }"}"#, 200, RESPONSE, true),
        (json, "{", 400, JSON, false),
        (response, "{", 400, RESPONSE, false),
        (response, "{}", 400, RESPONSE, false),
        (json, "", 400, JSON, false),
        (json, r#"{"query":"{ me { id } }","variables":[]}"#, 400, JSON, false),
        ("text/html", QUERY, 406, JSON, false),
        ("application/json;q=0", QUERY, 406, JSON, false),
    ];
    check_all(cases, async |(accept, body, status, content_type, has_data)| {
        let headers = [("content-type", "application/json"), ("accept", accept)];
        let answer = ann.call("POST", "/graphql").headers(&headers).bytes(body).await;
        let told = (answer.status.as_u16(), answer.header("content-type"), answer.json.get("data").is_some());
        assert_eq!(told, (status, content_type, has_data), "{accept} {body}: {}", answer.text);
        assert!(answer.header("vary").contains("accept"), "{accept} {body}");
        assert_eq!(answer.json.get("errors").is_none(), body == QUERY && status == 200, "{accept} {body}");
    })
    .await;
}

#[tokio::test]
async fn a_body_is_json_in_utf_8_or_it_is_not_read() {
    let app = App::new().await;
    let ann = app.user("ann");
    let cases = [
        ("application/json", 200),
        ("Application/JSON", 200),
        ("application/json; charset=utf-8", 200),
        ("application/json;charset=\"UTF-8\"", 200),
        ("application/json; charset=iso-8859-1", 415),
        ("application/graphql", 415),
        ("application/jsonx", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ];
    check_all(cases, async |(content_type, status)| {
        let answer = ann.call("POST", "/graphql").header("content-type", content_type).bytes(QUERY).await;
        assert_eq!(answer.status.as_u16(), status, "{content_type}: {}", answer.text);
    })
    .await;
    let none = ann.call("POST", "/graphql").bytes(QUERY).await;
    none.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let not_unicode = ann.call("POST", "/graphql").json_bytes(*b"{\"query\":\"{ me { id } } # \xff\"}");
    assert_eq!(not_unicode.await.code(), "BAD_USER_INPUT");
    let fits = |length: usize| format!("{QUERY}{}", " ".repeat(length - QUERY.len()));
    let headers = [("content-type", "application/json")];
    ann.call("POST", "/graphql").headers(&headers).bytes(fits(MAX_BODY)).await.status(200);
    let large = ann.call("POST", "/graphql").headers(&headers).bytes(fits(MAX_BODY + 1)).await;
    large.refused(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_get_runs_queries_and_changes_nothing() {
    let app = App::new().await;
    let ann = app.user("ann");
    let by_id = "query($id: ID!) { task(id: $id) { id } }";
    let cases = [
        (&[("query", "{ me { id } }")][..], 200, ""),
        (&[("query", "{ me { id } }"), ("unknown", "x"), ("variables", ""), ("operationName", "")], 200, ""),
        (&[("query", by_id), ("variables", r#"{"id":"00000000-0000-7000-8000-000000000000"}"#)], 200, ""),
        (&[("query", by_id), ("variables", "{")], 400, "BAD_USER_INPUT"),
        (&[("query", by_id), ("variables", "[]")], 400, "BAD_USER_INPUT"),
        (&[("query", by_id)], 200, "BAD_USER_INPUT"),
        (
            &[("query", "query A { me { id } } mutation B { clearCompleted { count } }"), ("operationName", "A")],
            200,
            "",
        ),
        (
            &[("query", "query A { me { id } } mutation B { clearCompleted { count } }"), ("operationName", "B")],
            405,
            "METHOD_NOT_ALLOWED",
        ),
        (&[("query", r#"mutation { createTask(input: { title: "x" }) { id } }"#)], 405, "METHOD_NOT_ALLOWED"),
        (&[("query", "{")], 200, "GRAPHQL_PARSE_FAILED"),
        (&[], 400, "BAD_USER_INPUT"),
    ];
    check_all(cases, async |(parameters, status, code)| {
        let answer = ann.get(get(parameters)).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{parameters:?}: {}", answer.text);
        let allow = if status == 405 { "POST" } else { "" };
        assert_eq!(answer.header("allow"), allow, "{parameters:?}");
        let head = ann.call("HEAD", get(parameters)).await;
        assert_eq!((head.status, head.text.as_str()), (answer.status, ""), "{parameters:?}");
        assert_eq!(head.header("content-type"), answer.header("content-type"), "{parameters:?}");
    })
    .await;
    assert_eq!(ann.tasks().await, json!([]));
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_allowed() {
    let app = App::new().await;
    let (ann, anyone) = (app.user("ann"), app.anonymous());
    check_all(["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"], async |method| {
        let answer = ann.call(method, "/graphql").bytes(QUERY).await;
        answer.refused(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), "GET, HEAD, POST, OPTIONS", "{method}");
        assert_eq!(answer.header("content-type"), JSON, "{method}");
    })
    .await;
    let options = anyone.call("OPTIONS", "/graphql").await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, "GET, HEAD, POST, OPTIONS"));
    let headers = [
        ("origin", "http://localhost:3000"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,x-apollo-operation-name"),
    ];
    let preflight = anyone.call("OPTIONS", "/graphql").headers(&headers).await;
    assert_eq!(preflight.header("access-control-allow-origin"), "http://localhost:3000");
    for name in ["authorization", "content-type", "graphql-require-preflight", "x-apollo-operation-name"] {
        assert!(preflight.header("access-control-allow-headers").contains(name), "{name}");
    }
}

#[tokio::test]
async fn requests_that_any_page_could_send_are_refused_first() {
    let app = App::new().await;
    let anyone = app.anonymous();
    let query = get(&[("query", "{ me { id } }")]);
    let cases = [&[][..], &[("content-type", "text/plain")], &[("cookie", "session=x"), ("accept", "*/*")]];
    check_all(cases, async |headers| {
        let answer = anyone.get(&query).headers(headers).await;
        answer.refused(400, "BAD_USER_INPUT");
        assert!(answer.json["errors"][0]["message"].as_str().unwrap().contains("GraphQL-Require-Preflight"));
    })
    .await;
    let cases = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"];
    check_all(cases, async |content_type| {
        let answer = anyone.call("POST", "/graphql").header("content-type", content_type).bytes(QUERY).await;
        answer.refused(400, "BAD_USER_INPUT");
    })
    .await;
    let cases = ["graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name"];
    check_all(cases, async |name| {
        let answer = anyone.get(&query).headers(&[(name, "1")]).await;
        answer.refused(401, "UNAUTHENTICATED");
    })
    .await;
}

#[tokio::test]
async fn a_browser_gets_the_page_and_only_one_on_this_machine_the_token() {
    let app = App::new().await;
    let anyone = app.anonymous();
    let accept = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let cases = [
        ("/graphql", "localhost:8000", true),
        ("/graphiql", "127.0.0.1:8000", true),
        ("/graphiql", "[::1]:8000", true),
        ("/graphql", "tandem.example.com", false),
        ("/graphiql", "localhost.example.com:8000", false),
    ];
    check_all(cases, async |(path, host, has_token)| {
        let page = anyone.get(path).headers(&[accept, ("host", host)]).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        assert_eq!(page.text.contains("Bearer ey"), has_token && has_graphiql(&page.text), "{path} at {host}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src ") && policy.contains("connect-src 'self'"));
        let scripts = policy.split(';').nth(1).unwrap();
        assert!(!scripts.contains("unsafe") && !scripts.contains('*'), "{scripts}");
    })
    .await;
    let stranger = anyone.get("/assets/graphiql.html").await;
    stranger.status(404);
}
