//! Tokens of the real Better Auth, through both doors.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tandem::auth::{KeySource, Timing};

use crate::{
    skip,
    support::{App, SECRET, better_auth::BetterAuth, check_all, eventually, issuer::eager, path_of},
};

/// Through GraphQL, with this token.
async fn graphql(app: &App, token: &str, query: &str) -> Value {
    app.bearer(token).post("/graphql", json!({ "query": query })).await.data().clone()
}

fn kid(token: &str) -> Option<String> {
    jsonwebtoken::decode_header(token).unwrap().kid
}

/// Through REST, with this token.
async fn rest(app: &App, token: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let answer = app.bearer(token).call(method, path).maybe_json(body).await;
    (answer.status.as_u16(), answer.json)
}

async fn two_users_are_kept_apart(algorithm: Algorithm) {
    let Some(better_auth) = BetterAuth::start(algorithm) else { skip!(Node) };
    let app = App::builder().trusting([better_auth.source(eager())]).build().await;
    let (ann, bob) = (better_auth.sign_in("ann").await, better_auth.sign_in("bob").await);
    let (anns, bobs) = (better_auth.token(&ann).await, better_auth.token(&bob).await);
    let header = jsonwebtoken::decode_header(&anns).unwrap();
    assert_eq!((header.alg, header.typ), (algorithm, None), "as documented");

    let (status, task) = rest(&app, &anns, "POST", "/api/tasks", Some(json!({ "title": "Ann's" }))).await;
    assert_eq!((status, &task["user_id"]), (201, &json!(ann.id)));
    graphql(&app, &bobs, r#"mutation { createTask(input: { title: "Bob's" }) { id } }"#).await;

    for (token, user, title) in [(&anns, &ann, "Ann's"), (&bobs, &bob, "Bob's")] {
        let seen = graphql(&app, token, "{ me { id } tasks { title } }").await;
        assert_eq!(seen, json!({ "me": { "id": user.id }, "tasks": [{ "title": title }] }));
        let (_, list) = rest(&app, token, "GET", &format!("/api/{}/tasks", user.id), None).await;
        assert_eq!((list.as_array().map(Vec::len), &list[0]["title"]), (Some(1), &json!(title)));
    }
    let path = path_of(&task);
    assert_eq!(rest(&app, &bobs, "GET", &path, None).await.0, 404);
    assert_eq!(rest(&app, &bobs, "DELETE", &path, None).await.0, 404);
    assert_eq!(rest(&app, &bobs, "GET", &format!("/api/{}/tasks", ann.id), None).await.0, 403);
    let query = format!("{{ task(id: {}) {{ title }} }}", task["id"]);
    assert_eq!(graphql(&app, &bobs, &query).await, json!({ "task": null }));
}

#[tokio::test]
async fn two_users_are_kept_apart_with_eddsa() {
    two_users_are_kept_apart(Algorithm::EdDSA).await;
}

#[tokio::test]
async fn two_users_are_kept_apart_with_es256() {
    two_users_are_kept_apart(Algorithm::ES256).await;
}

#[tokio::test]
async fn two_users_are_kept_apart_with_rs256() {
    two_users_are_kept_apart(Algorithm::RS256).await;
}

#[tokio::test]
async fn two_users_are_kept_apart_with_ps256() {
    two_users_are_kept_apart(Algorithm::PS256).await;
}

#[tokio::test]
async fn the_recommended_options_keep_names_and_addresses_out_of_tokens() {
    let Some(better_auth) = BetterAuth::start_with(Algorithm::EdDSA, "guide") else { skip!(Node) };
    let app = App::builder().trusting([better_auth.source(eager())]).build().await;
    let ann = better_auth.sign_in("ann").await;
    let token = better_auth.token(&ann).await;
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(&token).unwrap();
    let names: Vec<_> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names, ["aud", "exp", "iat", "iss", "sub"]);
    assert_eq!(graphql(&app, &token, "{ me { id } }").await, json!({ "me": { "id": ann.id } }));
}

/// The cooldown is longer than the test: no token of a new key may cause a fetch that finds nothing.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_keys_are_rotated() {
    let Some(better_auth) = BetterAuth::start(Algorithm::EdDSA) else { skip!(Node) };
    let timing = Timing { cooldown: Duration::from_hours(1), ..eager() };
    let app = Arc::new(App::builder().trusting([better_auth.source(timing)]).build().await);
    app.verifier.keep_keys_fresh();
    let better_auth = Arc::new(better_auth);
    let ann = Arc::new(better_auth.sign_in("ann").await);
    assert!(app.lets_in(&better_auth.token(&ann).await).await);

    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (app, better_auth, ann, is_over) =
                (Arc::clone(&app), Arc::clone(&better_auth), Arc::clone(&ann), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut answered = 0;
                while !is_over.load(Ordering::SeqCst) {
                    let token = better_auth.token(&ann).await;
                    let [rest, graphql] = app.ask_both(&token).await;
                    assert_eq!((rest.status.as_u16(), graphql.status.as_u16()), (200, 200), "{}", rest.text);
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    let oldest = better_auth.token(&ann).await;
    for _ in 0..3 {
        let old = better_auth.token(&ann).await;
        better_auth.rotate().await;
        eventually("a token of the new key is let in", async || {
            let new = better_auth.token(&ann).await;
            kid(&new) != kid(&old) && app.verifier.verify(&new).await.is_ok()
        })
        .await;
    }
    assert!(app.lets_in(&oldest).await, "tokens of the old keys stay valid");
    is_over.store(true, Ordering::SeqCst);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn known_keys_survive_better_auths_outage_and_its_new_keys_are_accepted() {
    let Some(better_auth) = BetterAuth::start(Algorithm::ES256) else { skip!(Node) };
    let app = App::builder().trusting([better_auth.source(eager())]).build().await;
    let ann = better_auth.sign_in("ann").await;
    let (first, second) = (better_auth.token(&ann).await, better_auth.token(&ann).await);
    assert!(app.lets_in(&first).await);
    let port = better_auth.stop();
    for token in [&first, &second] {
        assert!(app.lets_in(token).await, "the issuer isn't needed");
    }

    let better_auth = BetterAuth::start_again(Algorithm::ES256, &port);
    let bob = better_auth.sign_in("bob").await;
    assert!(app.lets_in(&better_auth.token(&bob).await).await);
    for token in [&first, &second] {
        assert!(!app.lets_in(token).await, "its key isn't published any more");
    }
}

#[tokio::test]
async fn tokens_of_a_withdrawn_key_are_refused_after_the_next_refresh() {
    let Some(better_auth) = BetterAuth::start(Algorithm::EdDSA) else { skip!(Node) };
    let often = Duration::from_millis(20);
    let app =
        App::builder().trusting([better_auth.source(Timing { refresh: often, retry: often, ..eager() })]).build().await;
    app.verifier.keep_keys_fresh();
    let ann = better_auth.sign_in("ann").await;
    let old = better_auth.token(&ann).await;
    assert!(app.lets_in(&old).await);
    better_auth.rotate().await;
    assert!(app.lets_in(&better_auth.token(&ann).await).await);
    assert!(app.lets_in(&old).await);
    better_auth.withdraw_old_keys().await;
    eventually("the old key is gone", async || app.verifier.verify(&old).await.is_err()).await;
    assert!(app.lets_in(&better_auth.token(&ann).await).await);
}

#[tokio::test]
async fn other_tokens_and_cookies_of_better_auth_are_refused() {
    let Some(better_auth) = BetterAuth::start(Algorithm::EdDSA) else { skip!(Node) };
    let anything = better_auth.source(eager()).with_claims(None, None);
    let app = App::builder().trusting([KeySource::hs256(&[SECRET.into()]), anything]).build().await;
    let ann = better_auth.sign_in("ann").await;
    assert!(app.lets_in(&better_auth.token(&ann).await).await);
    let cases = [
        ("a session", ann.session, "token is not a well-formed JWT"),
        ("a session cookie cache", ann.cookie_cache, "not an access token but of type"),
        ("an e-mail verification", better_auth.last_email().await, "token has no user id"),
    ];
    check_all(cases, async |(what, token, reason)| {
        assert!(!app.lets_in(&token).await, "{what}");
        let message = app.verifier.verify(&token).await.unwrap_err().message().to_owned();
        assert!(message.contains(reason), "{what}: {message}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_takes_their_tasks_along_or_is_not_deleted() {
    let Some(better_auth) = BetterAuth::start_with(Algorithm::EdDSA, "guide") else { skip!(Node) };
    let app = App::builder().trusting([better_auth.source(eager())]).build().await;
    let ann = better_auth.sign_in("ann").await;
    let client = app.bearer(better_auth.token(&ann).await);
    client.create("Mine").await;
    assert_eq!(better_auth.delete(&ann).await, 503, "nobody has said where the tasks are");
    assert_eq!(client.tasks().await.as_array().unwrap().len(), 1);
    better_auth.serve_for(&app.listen().await).await;
    assert_eq!(better_auth.delete(&ann).await, 200);
    assert_eq!(client.tasks().await, json!([]));
}
