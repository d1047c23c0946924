//! Who is let in, as HTTP tells it.

use axum::{
    body::Body,
    http::{HeaderValue, Request, StatusCode, header},
};
use serde_json::{Value, json};

use crate::support::{
    Answer, App,
    app::{graphql_request, rest_request},
    token,
    token::expired,
};

/// The same question to both doors, with these `Authorization` headers.
async fn ask_both(app: &App, headers: &[&str]) -> [Answer; 2] {
    let rest = rest_request(None, "GET", "/api/tasks", None);
    let graphql = graphql_request(None, &json!({ "query": "{ me { id } }" }));
    [app.send(with_authorization(rest, headers)).await, app.send(with_authorization(graphql, headers)).await]
}

fn with_authorization(mut request: Request<Body>, headers: &[&str]) -> Request<Body> {
    for value in headers {
        request.headers_mut().append(header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    request
}

#[tokio::test]
async fn the_schemes_case_and_extra_spaces_do_not_matter() {
    let app = App::new().await;
    let token = token("ann");
    for form in ["Bearer TOKEN", "bearer TOKEN", "BEARER TOKEN", "bEaReR TOKEN", "Bearer    TOKEN", "  Bearer TOKEN  "]
    {
        let [rest, graphql] = ask_both(&app, &[&form.replace("TOKEN", &token)]).await;
        assert_eq!(rest.status, StatusCode::OK, "{form}: {}", rest.text);
        assert_eq!(graphql.data(), &json!({ "me": { "id": "ann" } }), "{form}");
    }
}

#[tokio::test]
async fn anything_but_one_bearer_token_is_refused() {
    let app = App::new().await;
    let (good, stale) = (token("ann"), expired("ann"));
    let good = good.as_str();
    let refused: [Vec<String>; 14] = [
        vec![],
        vec![String::new()],
        vec!["Bearer".into()],
        vec!["Bearer ".into()],
        vec![good.into()],
        vec![format!("Basic {good}")],
        vec!["Basic YW5uOnNlY3JldA==".into()],
        vec![format!("Token {good}")],
        vec![format!("Bearer:{good}")],
        vec![format!("Bearer {good} {good}")],
        vec![format!("Bearer {good}, Bearer {good}")],
        vec![format!("Bearer {good}"), format!("Bearer {good}")],
        vec![format!("Bearer {stale}"), format!("Bearer {good}")],
        vec!["Bearer ünï".into()],
    ];
    for headers in refused {
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        for answer in ask_both(&app, &headers).await {
            let told = (answer.status, answer.code());
            assert_eq!(told, (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"), "{headers:?}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_token_anywhere_else_is_ignored() {
    let app = App::new().await;
    let token = token("ann");
    for name in ["token", "access_token", "authorization", "jwt"] {
        for answer in [
            app.send(rest_request(None, "GET", &format!("/api/tasks?{name}={token}"), None)).await,
            app.send(rest_request(
                None,
                "POST",
                &format!("/graphql?{name}={token}"),
                Some(json!({ "query": "{ me { id } }" })),
            ))
            .await,
        ] {
            assert_eq!((answer.status.as_u16(), answer.code()), (401, "UNAUTHENTICATED"), "{name}");
        }
    }
    let mut request = rest_request(None, "GET", "/api/tasks", None);
    request.headers_mut().insert(header::COOKIE, format!("better-auth.session_token={token}").parse().unwrap());
    assert_eq!(app.send(request).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn each_door_says_no_in_its_own_form() {
    let app = App::new().await;
    let bearer = format!("Bearer {}", expired("ann"));
    for headers in [vec![], vec![bearer.as_str()]] {
        let [rest, graphql] = ask_both(&app, &headers).await;
        let body = rest.json.as_object().unwrap();
        assert_eq!(body.keys().collect::<Vec<_>>(), ["code", "detail"]);
        assert!(body["detail"].is_string() && rest.header("content-type").starts_with("application/json"));
        let body = graphql.json.as_object().unwrap();
        assert_eq!(body.keys().collect::<Vec<_>>(), ["errors"], "there is no data");
        assert_eq!(body["errors"].as_array().map(Vec::len), Some(1));
        assert_eq!(body["errors"][0]["extensions"], json!({ "code": "UNAUTHENTICATED" }));
        for answer in [rest, graphql] {
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
            assert!(!answer.text.contains(&bearer["Bearer ".len()..]), "the token isn't repeated");
        }
    }
}

#[tokio::test]
async fn who_is_not_let_in_learns_nothing_about_the_rest_of_the_request() {
    let app = App::new().await;
    let bad = [
        rest_request(None, "POST", "/api/tasks", Some(json!({ "title": "" }))),
        rest_request(None, "GET", "/api/tasks?limit=0", None),
        rest_request(None, "GET", "/api/tasks/no-uuid", None),
        rest_request(None, "GET", "/api/ann/tasks", None),
        graphql_request(None, &json!({ "query": "{" })),
        graphql_request(None, &json!([])),
        graphql_request(None, &Value::Null),
    ];
    for request in bad {
        let name = format!("{} {}", request.method(), request.uri());
        let answer = app.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "UNAUTHENTICATED"), "{name}");
    }
}

#[tokio::test]
async fn the_claims_name_the_user_and_tasks_follow_the_user_not_the_token() {
    let app = App::new().await;
    app.create("ann", "Mine").await;
    let exp = chrono::Utc::now().timestamp() + 600;
    for claims in
        [json!({ "sub": "ann", "exp": exp }), json!({ "user_id": "ann", "exp": exp, "email": "b@example.com" })]
    {
        let bearer = format!("Bearer {}", crate::support::token::signed(crate::support::SECRET, &claims));
        let [rest, graphql] = ask_both(&app, &[&bearer]).await;
        assert_eq!(rest.json.as_array().map(Vec::len), Some(1));
        assert_eq!(graphql.data(), &json!({ "me": { "id": "ann" } }));
    }
}
