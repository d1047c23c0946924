//! Bearer tokens: which are accepted, and how others are refused.

use serde_json::{Value, json};

use crate::support::{
    Answer, App, Call, SECRET, check_all, token,
    token::{expired, signed},
};

const ME: &str = "{ me { id } }";

/// The same request to both doors, with these `Authorization` headers.
async fn ask_both(app: &App, headers: &[impl AsRef<str>]) -> [Answer; 2] {
    let anyone = app.anonymous();
    let with = |call| headers.iter().fold(call, |call: Call, value| call.header("authorization", value.as_ref()));
    [with(anyone.get("/api/tasks")).await, with(anyone.graphql(ME)).await]
}

#[tokio::test]
async fn scheme_case_and_extra_spaces_do_not_matter() {
    let app = App::new().await;
    let forms = ["Bearer TOKEN", "bearer TOKEN", "BEARER TOKEN", "bEaReR TOKEN", "Bearer    TOKEN", "  Bearer TOKEN  "];
    check_all(forms, async |form| {
        let [rest, graphql] = ask_both(&app, &[form.replace("TOKEN", &token("ann"))]).await;
        rest.status(200);
        assert_eq!(graphql.good(), json!({ "me": { "id": "ann" } }));
    })
    .await;
}

#[tokio::test]
async fn anything_but_one_bearer_token_is_refused() {
    let app = App::new().await;
    let (good, stale) = (token("ann"), expired("ann"));
    let refused: [Vec<String>; 14] = [
        vec![],
        vec![String::new()],
        vec!["Bearer".into()],
        vec!["Bearer ".into()],
        vec![good.clone()],
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
    check_all(refused, async |headers| {
        for answer in ask_both(&app, &headers).await {
            answer.refused(401, "UNAUTHENTICATED");
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_outside_of_the_authorization_header_is_ignored() {
    let app = App::new().await;
    let (anyone, token) = (app.anonymous(), token("ann"));
    check_all(["token", "access_token", "authorization", "jwt"], async |name| {
        anyone.get(format!("/api/tasks?{name}={token}")).await.refused(401, "UNAUTHENTICATED");
        let graphql = anyone.post(format!("/graphql?{name}={token}"), json!({ "query": ME }));
        graphql.await.refused(401, "UNAUTHENTICATED");
    })
    .await;
    let cookie = format!("better-auth.session_token={token}");
    anyone.get("/api/tasks").header("cookie", cookie).await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn each_door_refuses_in_its_own_format() {
    let app = App::new().await;
    let bearer = format!("Bearer {}", expired("ann"));
    check_all([vec![], vec![bearer.as_str()]], async |headers| {
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
            assert!(!answer.text.contains(&bearer["Bearer ".len()..]), "the token isn't echoed");
        }
    })
    .await;
}

#[tokio::test]
async fn a_caller_without_a_token_learns_nothing_about_the_rest_of_the_request() {
    let app = App::new().await;
    let anyone = app.anonymous();
    let bad = [
        ("POST", "/api/tasks", Some(json!({ "title": "" }))),
        ("GET", "/api/tasks?limit=0", None),
        ("GET", "/api/tasks/no-uuid", None),
        ("GET", "/api/ann/tasks", None),
        ("POST", "/graphql", Some(json!({ "query": "{" }))),
        ("POST", "/graphql", Some(json!([]))),
        ("POST", "/graphql", Some(Value::Null)),
    ];
    check_all(bad, async |(method, path, body)| {
        anyone.call(method, path).maybe_json(body).await.refused(401, "UNAUTHENTICATED");
    })
    .await;
}

#[tokio::test]
async fn tasks_belong_to_the_user_in_the_claims_not_to_the_token() {
    let app = App::new().await;
    app.user("ann").create("Mine").await;
    let exp = chrono::Utc::now().timestamp() + 600;
    let claims =
        [json!({ "sub": "ann", "exp": exp }), json!({ "user_id": "ann", "exp": exp, "email": "b@example.com" })];
    check_all(claims, async |claims| {
        let ann = app.bearer(signed(SECRET, &claims));
        assert_eq!(ann.task_count().await, 1);
        assert_eq!(ann.graphql(ME).await.good(), json!({ "me": { "id": "ann" } }));
    })
    .await;
}
