//! Security headers of responses, and headers of requests that must not be ignored.

use serde_json::json;

use crate::{
    skip,
    support::{App, path_of, rows::check_all, server::Server},
};

#[tokio::test]
async fn every_response_forbids_browsers_to_guess_types_and_to_send_referrers() {
    let app = App::new().await;
    let (ann, nobody) = (app.user("ann"), app.anonymous());
    let task = ann.create("Buy milk").await;
    let path = path_of(&task);
    for (call, status) in [
        (ann.get("/api/tasks"), 200),
        (ann.get(&path).header("if-none-match", "\"1\""), 304),
        (ann.delete(&path), 204),
        (nobody.get("/api/tasks"), 401),
        (ann.get("/nowhere"), 404),
        (ann.call("PUT", "/api/tasks"), 405),
        (ann.post("/api/tasks", json!({})), 422),
        (ann.graphql("{ me { id } }"), 200),
        (ann.call("PUT", "/graphql"), 405),
        (nobody.call("OPTIONS", "/graphql"), 204),
        (nobody.call("OPTIONS", "/api/tasks").header("access-control-request-method", "POST"), 200),
        (nobody.get("/graphiql"), 200),
        (nobody.get("/app"), 200),
        (nobody.get("/docs/"), 200),
        (nobody.get("/docs/swagger-ui.css"), 200),
        (nobody.get("/openapi.json"), 200),
        (nobody.get("/livez"), 200),
    ] {
        let answer = call.await;
        assert_eq!(answer.status, status, "{answer}");
        let told = (answer.header("x-content-type-options"), answer.header("referrer-policy"));
        assert_eq!(told, ("nosniff", "no-referrer"), "{answer}");
        assert_eq!(answer.header("strict-transport-security"), "", "not unless it is configured");
    }
}

#[tokio::test]
async fn pages_run_no_script_but_their_own() {
    let app = App::new().await;
    for path in ["/graphiql", "/docs/", "/app"] {
        let page = app.anonymous().get(path).await;
        let policy = page.header("content-security-policy");
        let directives: Vec<_> = policy.split("; ").collect();
        for directive in ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(directives.contains(&directive), "{path}: {policy}");
        }
        let scripts = directives.iter().find(|directive| directive.starts_with("script-src ")).unwrap();
        assert!(!scripts.contains("unsafe") && !scripts.contains('*'), "{path}: {scripts}");
        assert!(!policy.contains("://"), "{path} loads from elsewhere: {policy}");
    }
    let page = app.anonymous().get("/docs/").await.text;
    for part in page.split("<script").skip(1) {
        assert!(part.split('>').next().unwrap().contains("src="), "an inline script: {part}");
    }
}

#[tokio::test]
async fn https_is_promised_for_as_long_as_it_is_configured() {
    let Some(server) = Server::with(&[("HSTS_MAX_AGE", "365d")]).await else { skip!(Postgres) };
    for path in ["/livez", "/api/tasks", "/graphql", "/nowhere"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = server.connect().await.ask(request).await;
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "{path}");
    }
}

/// The HTTP library responds before there is a request, with nothing that a browser could interpret.
#[tokio::test]
async fn what_is_not_http_is_answered_without_a_body_and_the_connection_closed() {
    let Some(server) = Server::with(&[]).await else { skip!(Postgres) };
    let long = format!("GET /livez HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    for (head, status) in [("NONSENSE\r\n\r\n", 400), ("GET /livez HTTP/1.1\r\n: x\r\n\r\n", 400), (&long, 431)] {
        let mut client = server.connect().await;
        client.send(&head[..head.len().min(64 * 1024)]).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("connection"), answer.body.len()), (status, "close", 0));
    }
}

#[tokio::test]
async fn a_precondition_that_cannot_be_read_is_refused_and_not_ignored() {
    let app = App::new().await;
    let ann = app.user("ann");
    let path = path_of(&ann.create("Mine").await);
    let before = ann.tasks().await;
    let values: [&[u8]; 8] = [b"\"1\"\xff", b"\xff", b"", b"1", b"\"x\"", b"W/\"1\"", b"\"1\", \"2\"", b"\"1\" x"];
    check_all(values, async |value| {
        let complete = format!("{path}/complete");
        for call in [
            ann.put(&path, json!({ "title": "Overwritten" })),
            ann.patch(&path, json!({ "title": "Overwritten" })),
            ann.delete(&path),
            ann.call("PATCH", &complete),
        ] {
            let answer = call.header("if-match", value).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (422, "BAD_USER_INPUT"), "{answer}");
            assert_eq!(answer.json["detail"][0]["loc"], json!(["header", "if-match"]), "{answer}");
        }
    })
    .await;
    let twice = [("if-match", "\"1\""), ("if-match", "\"9\"")];
    let answer = ann.put(&path, json!({ "title": "Overwritten" })).headers(&twice).await;
    assert_eq!(answer.status, 422, "{answer}");
    assert_eq!(ann.tasks().await, before);
}

#[tokio::test]
async fn a_content_encoding_other_than_identity_is_refused_by_both_doors() {
    let app = App::new().await;
    let ann = app.user("ann");
    for (encoding, status) in
        [("gzip", 415), ("br", 415), ("x-unknown", 415), ("identity, gzip", 415), ("Identity", 200)]
    {
        for call in [ann.post("/api/tasks/bulk", json!({ "create": [] })), ann.graphql("{ me { id } }")] {
            let answer = call.header("content-encoding", encoding).await;
            assert_eq!(answer.status, status, "{encoding}: {answer}");
            assert_eq!(answer.code(), if status == 415 { "UNSUPPORTED_MEDIA_TYPE" } else { "" }, "{encoding}");
        }
    }
}
