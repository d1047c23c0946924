//! Keys that issuers publish: fetched, rotated, withdrawn, and out of reach.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tandem::auth::{KeySource, Timing};
use tokio::sync::Semaphore;

use crate::support::{
    App, SECRET, check_all, eventually,
    issuer::{Issuer, Mood, SigningKey, claims_of, eager, published},
    token,
};

fn ed(kid: &str) -> SigningKey {
    SigningKey::new(Algorithm::EdDSA, kid)
}

/// Refreshes in the background all the time.
fn restless() -> Timing {
    let often = Duration::from_millis(5);
    Timing { refresh: often, retry: often, cooldown: Duration::from_hours(1), timeout: Duration::from_secs(20) }
}

async fn refusal(app: &App, token: &str) -> String {
    let error = app.verifier.verify(token).await.unwrap_err();
    error.message().trim_start_matches("Invalid token: ").to_owned()
}

/// A token of this user that no cache has.
fn fresh(key: &SigningKey, user: &str) -> String {
    let mut claims = claims_of(user);
    claims["jti"] = json!(uuid::Uuid::now_v7());
    key.sign(&claims)
}

#[tokio::test]
async fn tokens_of_every_algorithm_are_accepted_beside_a_shared_secret() {
    let algorithms = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256, Algorithm::PS256];
    let keys = algorithms.map(|algorithm| SigningKey::new(algorithm, &format!("{algorithm:?}")));
    let issuer = Issuer::start(&keys.each_ref()).await;
    let app = App::builder().trusting([KeySource::hs256(&[SECRET.into()]), issuer.source(eager())]).build().await;
    check_all(&keys, async |key| {
        let [_, graphql] = app.ask_both(&key.sign(&claims_of(&key.kid))).await;
        assert_eq!(graphql.data(), &json!({ "me": { "id": key.kid } }));
    })
    .await;
    assert!(app.lets_in(&token("ann")).await);
}

#[tokio::test]
async fn each_issuer_signs_only_its_own_tokens_even_where_key_ids_collide() {
    let (mine, yours) = (ed("1"), ed("1"));
    let (first, second) = (Issuer::start(&[&mine]).await, Issuer::start(&[&yours]).await);
    let other = |issuer: &Issuer| {
        issuer.source(eager()).with_claims(Some("https://other.example".into()), Some("https://api.example".into()))
    };
    let app = App::builder().trusting([first.source(eager()), other(&second)]).build().await;
    let mut others = claims_of("ann");
    others["iss"] = json!("https://other.example");
    assert!(app.lets_in(&mine.sign(&claims_of("ann"))).await);
    assert!(app.lets_in(&yours.sign(&others)).await);
    assert_eq!(refusal(&app, &mine.sign(&others)).await, "signature does not match");
    assert_eq!(refusal(&app, &yours.sign(&claims_of("ann"))).await, "signature does not match");
}

#[tokio::test]
async fn a_token_without_a_key_id_is_accepted_where_only_one_key_fits() {
    let (one, two) = (ed("1"), ed("2"));
    let issuer = Issuer::start(&[&one]).await;
    let app = App::builder().trusting([issuer.source(eager())]).build().await;
    let anonymous = || one.sign_text(r#"{"alg":"EdDSA"}"#, &claims_of("ann").to_string());
    assert!(app.lets_in(&anonymous()).await);
    issuer.publish(&[&one, &two]);
    assert!(app.lets_in(&two.sign(&claims_of("ann"))).await, "now both keys are known");
    let mut claims = claims_of("ann");
    claims["jti"] = json!("not seen before");
    let token = one.sign_text(r#"{"alg":"EdDSA"}"#, &claims.to_string());
    assert_eq!(refusal(&app, &token).await, "token names no key id (kid), and there are several keys");
}

#[tokio::test]
async fn any_number_of_requests_with_a_new_key_fetch_it_once() {
    let key = ed("new");
    let issuer = Issuer::start(&[]).await;
    let gate = Arc::new(Semaphore::new(0));
    issuer.become_(Mood::Held(Arc::clone(&gate), published(&[&key])));
    let app = App::builder().trusting([issuer.source(eager())]).build().await;
    let asking: Vec<_> = (0..20)
        .map(|number| {
            let (verifier, token) = (app.verifier.clone(), key.sign(&claims_of(&format!("user {number}"))));
            tokio::spawn(async move { verifier.verify(&token).await.is_ok() })
        })
        .collect();
    eventually("the issuer is asked", async || issuer.asked() == 1).await;
    gate.add_permits(1);
    for task in asking {
        assert!(task.await.unwrap());
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn unknown_key_ids_trigger_no_more_fetches_than_the_cooldown_allows() {
    let key = ed("known");
    let issuer = Issuer::start(&[&key]).await;
    let app =
        App::builder().trusting([issuer.source(Timing { cooldown: Duration::from_hours(1), ..eager() })]).build().await;
    assert!(app.lets_in(&key.sign(&claims_of("ann"))).await);
    for number in 0..50 {
        let token = key.called(&format!("made up {number}")).sign(&claims_of("ann"));
        assert!(refusal(&app, &token).await.starts_with("unknown key id"));
    }
    assert_eq!(issuer.asked(), 2, "once with success, once without");
}

#[tokio::test]
async fn an_issuer_may_rotate_its_keys_more_often_than_the_cooldown() {
    let keys = ["1", "2", "3", "4"].map(ed);
    let issuer = Issuer::start(&[]).await;
    let app =
        App::builder().trusting([issuer.source(Timing { cooldown: Duration::from_hours(1), ..eager() })]).build().await;
    check_all(&keys, async |newest| {
        issuer.publish(&[newest]);
        assert!(app.lets_in(&fresh(newest, "ann")).await, "{}", newest.kid);
    })
    .await;
    assert_eq!(issuer.asked(), keys.len());
    assert!(!app.lets_in(&fresh(&keys[0], "ann")).await, "it was withdrawn, and a fetch doesn't find it");
    issuer.publish(&[&keys[0]]);
    assert!(!app.lets_in(&fresh(&keys[0], "ann")).await, "now the cooldown holds");
    assert_eq!(issuer.asked(), keys.len() + 1);
}

#[tokio::test]
async fn a_token_of_another_issuer_or_audience_triggers_no_fetch() {
    let key = ed("known");
    let issuer = Issuer::start(&[&key]).await;
    let app = App::builder().trusting([issuer.source(eager())]).build().await;
    for claim in ["iss", "aud"] {
        let mut claims = claims_of("ann");
        claims[claim] = json!("https://elsewhere.example");
        assert!(!app.lets_in(&key.sign(&claims)).await);
    }
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn a_token_of_a_known_key_never_waits_for_the_issuer() {
    let (known, new) = (ed("known"), ed("new"));
    let issuer = Issuer::start(&[&known]).await;
    let slow = Issuer::start(&[]).await;
    let app = App::builder().trusting([slow.source(eager()), issuer.source(eager())]).build().await;
    assert!(app.lets_in(&fresh(&known, "ann")).await);
    let gate = Arc::new(Semaphore::new(0));
    issuer.become_(Mood::Held(Arc::clone(&gate), published(&[&known, &new])));
    slow.become_(Mood::Held(Arc::clone(&gate), Vec::new()));
    let before = issuer.asked();
    let (verifier, token) = (app.verifier.clone(), fresh(&new, "bob"));
    let waiting = tokio::spawn(async move { verifier.verify(&token).await.is_ok() });
    eventually("the issuer is asked", async || issuer.asked() > before).await;
    for _ in 0..10 {
        let token = fresh(&known, "ann");
        let answer = tokio::time::timeout(Duration::from_secs(30), app.lets_in(&token)).await;
        assert!(answer.expect("an answer while the issuer keeps somebody else waiting"));
    }
    assert!(!waiting.is_finished());
    gate.add_permits(10);
    assert!(waiting.await.unwrap());
}

#[tokio::test]
async fn a_server_is_ready_before_its_issuer_answers() {
    let key = ed("1");
    let issuer = Issuer::start(&[&key]).await;
    let gate = Arc::new(Semaphore::new(0));
    issuer.become_(Mood::Held(Arc::clone(&gate), published(&[&key])));
    let app = App::builder().trusting([issuer.source(restless())]).build().await;
    let ann = app.user("ann");
    app.verifier.keep_keys_fresh();
    eventually("the issuer is asked", async || issuer.asked() > 0).await;
    ann.get("/readyz").await.status(200);
    gate.add_permits(1000);
    assert!(app.lets_in(&key.sign(&claims_of("ann"))).await, "it waits for the fetch that is under way");
}

#[tokio::test]
async fn a_withdrawn_key_and_its_cached_tokens_are_refused_after_the_next_refresh() {
    let (old, new) = (ed("old"), ed("new"));
    let issuer = Issuer::start(&[&old, &new]).await;
    let app = App::builder().trusting([issuer.source(restless())]).build().await;
    app.verifier.keep_keys_fresh();
    let (olds, news) = (old.sign(&claims_of("ann")), new.sign(&claims_of("ann")));
    for token in [&olds, &news, &olds, &news] {
        assert!(app.lets_in(token).await);
    }
    issuer.publish(&[&new]);
    eventually("the old key is gone", async || app.verifier.verify(&olds).await.is_err()).await;
    assert!(!app.lets_in(&olds).await);
    assert_eq!(refusal(&app, &olds).await, "unknown key id \"old\"");
    assert!(app.lets_in(&news).await);
    let impostor = ed("new");
    issuer.publish(&[&impostor]);
    eventually("the key of that id is another one", async || app.verifier.verify(&news).await.is_err()).await;
    assert!(app.lets_in(&impostor.sign(&claims_of("ann"))).await);
}

#[tokio::test]
async fn known_keys_survive_an_issuers_outage_and_new_ones_are_found_after_it() {
    let (known, new) = (ed("known"), ed("new"));
    let issuer = Issuer::start(&[&known]).await;
    let elsewhere = Issuer::start(&[&new]).await;
    let app = App::builder().trusting([issuer.source(restless())]).build().await;
    app.verifier.keep_keys_fresh();
    assert!(app.lets_in(&fresh(&known, "ann")).await);
    for mood in [
        Mood::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Mood::Status(StatusCode::NO_CONTENT),
        Mood::Redirect(elsewhere.url()),
        Mood::Body("<html>maintenance</html>".into()),
        Mood::Body("{}".into()),
        Mood::Body(json!({ "keys": [new.published()], "padding": "x".repeat(300 * 1024) }).to_string()),
    ] {
        let before = issuer.asked();
        issuer.become_(mood);
        eventually("it is asked again", async || issuer.asked() > before + 2).await;
        assert!(app.lets_in(&fresh(&known, "ann")).await);
        assert!(!app.lets_in(&fresh(&new, "ann")).await);
    }
    assert_eq!(elsewhere.asked(), 0, "redirects are not followed");
    issuer.publish(&[&known, &new]);
    eventually("the new key is known", async || app.verifier.verify(&fresh(&new, "ann")).await.is_ok()).await;
}

#[tokio::test]
async fn a_fetch_from_an_issuer_that_never_responds_times_out() {
    let key = ed("1");
    let issuer = Issuer::start(&[]).await;
    let gate = Arc::new(Semaphore::new(0));
    issuer.become_(Mood::Held(gate, Vec::new()));
    let timing = Timing { timeout: Duration::from_millis(50), cooldown: Duration::from_hours(1), ..eager() };
    let app = App::builder().trusting([issuer.source(timing)]).build().await;
    assert_eq!(refusal(&app, &key.sign(&claims_of("ann"))).await, "unknown key id \"1\"");
    let (_, failure) = app.verifier.sources().remove(0);
    assert!(failure.unwrap().contains("timed out"));
}

#[tokio::test]
async fn keys_of_unknown_kinds_are_ignored_and_the_others_used() {
    let key = ed("1");
    let issuer = Issuer::start(&[]).await;
    let strange = [
        json!({ "kty": "AKP", "alg": "ML-DSA-65", "kid": "pq", "pub": "AAAA" }),
        json!({ "kty": "EC", "crv": "secp256k1", "kid": "k1", "x": "AAAA", "y": "AAAA" }),
        json!({ "kty": "OKP" }),
        json!(7),
        Value::Null,
    ];
    issuer.become_(Mood::Keys(strange.into_iter().chain([key.published()]).collect()));
    let app = App::builder().trusting([issuer.source(eager())]).build().await;
    assert!(app.lets_in(&key.sign(&claims_of("ann"))).await);
}

#[tokio::test]
async fn rotation_and_outage_show_in_the_metrics() {
    let (old, new) = (ed("old"), ed("new"));
    let issuer = Issuer::start(&[&old]).await;
    let app = App::builder().trusting([issuer.source(restless())]).metrics().build().await;
    let ann = app.user("ann");
    App::new().await.anonymous().get("/metrics").await.refused(404, "NOT_FOUND");
    app.verifier.keep_keys_fresh();
    let value = async |name: &str, labels: &str| -> f64 {
        let text = ann.get("/metrics").await.text;
        let start = format!("{name}{{url=\"{}\"{labels}}} ", issuer.url());
        text.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok()).unwrap_or_default()
    };
    let keys = async || value("tandem_jwks_keys", "").await;
    eventually("the key is known", async || keys().await.to_bits() == 1f64.to_bits()).await;
    issuer.publish(&[&old, &new]);
    eventually("the new key is known", async || keys().await > 1.0).await;
    issuer.publish(&[&new]);
    eventually("the old key is gone", async || keys().await < 2.0).await;
    assert!(value("tandem_jwks_key_changes_total", ",change=\"added\"").await > 1.0);
    assert!(value("tandem_jwks_key_changes_total", ",change=\"removed\"").await > 0.0);
    assert!(value("tandem_jwks_fetched_timestamp_seconds", "").await > 1e9);
    assert!(value("tandem_jwks_fetches_total", ",result=\"error\"").await < 1.0);
    issuer.become_(Mood::Status(StatusCode::BAD_GATEWAY));
    eventually("failed fetches are counted", async || {
        value("tandem_jwks_fetches_total", ",result=\"error\"").await > 1.0
    })
    .await;
    assert!(keys().await > 0.0, "the key is still there");
}
