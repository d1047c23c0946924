//! Forged tokens, through both doors.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tandem::auth::KeySource;

use crate::support::{
    App, SECRET, check_all,
    issuer::{Issuer, SigningKey, base64, claims_of, eager},
    token::signed,
};

/// A server that trusts an issuer with three keys, and a secret.
struct Setup {
    app: App,
    issuer: Issuer,
    ed: SigningKey,
    ec: SigningKey,
    rsa: SigningKey,
}

impl Setup {
    async fn new() -> Self {
        let ed = SigningKey::new(Algorithm::EdDSA, "ed");
        let ec = SigningKey::new(Algorithm::ES256, "ec");
        let rsa = SigningKey::new(Algorithm::RS256, "rsa");
        let issuer = Issuer::start(&[&ed, &ec, &rsa]).await;
        let app = App::builder().trusting([KeySource::hs256(&[SECRET.into()]), issuer.source(eager())]).build().await;
        Self { app, issuer, ed, ec, rsa }
    }

    async fn refuses(&self, name: &str, token: &str, reason: &str) {
        for answer in self.app.ask_both(token).await {
            answer.refused(401, "UNAUTHENTICATED");
            let message = answer.json["detail"].as_str().or(answer.json["errors"][0]["message"].as_str()).unwrap();
            assert!(message.starts_with(&format!("Invalid token: {reason}")), "{name}: {message}");
            let challenge = answer.header("www-authenticate");
            let description = challenge.strip_prefix(r#"Bearer error="invalid_token", error_description=""#);
            let description = description.and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
            assert!(description.starts_with("Invalid token: "), "{name}: {challenge}");
            let is_allowed = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
            assert!(description.chars().all(is_allowed), "{name}: {challenge}");
            let shown = format!("{}{challenge}", answer.text);
            let signature = token.rsplit('.').next().filter(|signature| signature.len() > 20);
            assert!(!signature.is_some_and(|signature| shown.contains(signature)), "{name}: {shown}");
            assert!(!shown.contains(SECRET), "{name}: {shown}");
        }
    }
}

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = claims_of("ann");
    change(&mut claims);
    claims
}

fn hmac(header: &Value, key: &[u8]) -> String {
    let message = format!("{}.{}", base64(&header.to_string()), base64(&claims_of("ann").to_string()));
    let key = EncodingKey::from_secret(key);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

#[tokio::test]
async fn valid_tokens_of_every_key_are_accepted() {
    let setup = Setup::new().await;
    check_all([&setup.ed, &setup.ec, &setup.rsa], async |key| {
        assert!(setup.app.lets_in(&key.sign(&claims_of("ann"))).await, "{:?}", key.algorithm);
    })
    .await;
    assert!(setup.app.lets_in(&signed(SECRET, &claims_of("ann"))).await);
    assert_eq!(setup.issuer.asked(), 1, "one fetch finds all keys");
}

#[tokio::test]
async fn an_algorithm_other_than_that_of_the_key_is_refused() {
    let setup = Setup::new().await;
    let ann = claims_of("ann").to_string();
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid }).to_string();
    check_all(["none", "None", "NONE", "nOnE", ""], async |alg| {
        let unsigned = format!("{}.{}.", base64(&header(alg, "ed")), base64(&ann));
        setup.refuses(alg, &unsigned, &format!("algorithm {alg} not accepted")).await;
    })
    .await;
    let cases = ["HS384", "HS512", "ES384", "ES512", "RS512", "PS512", "dir", "RSA-OAEP"];
    check_all(cases, async |alg| {
        let token = setup.ed.sign_text(&header(alg, "ed"), &ann);
        setup.refuses(alg, &token, &format!("algorithm {alg} not accepted")).await;
    })
    .await;
    let cases = [("ES256", "ed"), ("RS256", "ed"), ("EdDSA", "ec"), ("PS256", "rsa"), ("RS256", "ec")];
    check_all(cases, async |(alg, kid)| {
        let token = setup.rsa.sign_text(&header(alg, kid), &ann);
        setup.refuses(kid, &token, &format!("algorithm {alg} does not match key \"{kid}\"")).await;
    })
    .await;
    check_all([&setup.ed, &setup.ec, &setup.rsa], async |key| {
        let jwk = key.published();
        let bytes = jwk["x"].as_str().or(jwk["n"].as_str()).unwrap();
        let header = json!({ "alg": "HS256", "kid": key.kid });
        for public in [bytes.as_bytes(), jwk.to_string().as_bytes(), b""] {
            setup.refuses("HS256 with a public key", &hmac(&header, public), "signature does not match").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_id_is_only_compared() {
    let setup = Setup::new().await;
    assert!(setup.app.lets_in(&setup.ed.sign(&claims_of("ann"))).await);
    let cases = [
        ("unknown", "unknown"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("/dev/null", "/dev/null"),
        ("' OR 1=1; --", "'?OR?1=1;?--"),
        ("ed\0", "ed?"),
        ("ed\r\nSet-Cookie: a=b", "ed??Set-Cookie:?a=b"),
        ("\"><script>", "?><script>"),
        ("ed\\", "ed?"),
        ("http://169.254.169.254/", "http://169.254.169.254/"),
        ("", ""),
        ("ED", "ED"),
    ];
    check_all(cases, async |(kid, shown)| {
        let token = setup.ed.called(kid).sign(&claims_of("ann"));
        setup.refuses(kid, &token, &format!("unknown key id \"{shown}\"")).await;
    })
    .await;
    let token = setup.ed.called(&"k".repeat(1000)).sign(&claims_of("ann"));
    setup.refuses("a long kid", &token, &format!("unknown key id \"{}…\"", "k".repeat(64))).await;
    check_all([json!(7), json!(["ed"]), json!({ "ed": 1 })], async |kid| {
        let token =
            setup.ed.sign_text(&json!({ "alg": "EdDSA", "kid": kid }).to_string(), &claims_of("ann").to_string());
        setup.refuses("a kid that is no string", &token, "token is not a well-formed JWT").await;
    })
    .await;
    let other = SigningKey::new(Algorithm::EdDSA, "ed");
    setup.refuses("another's key of that id", &other.sign(&claims_of("ann")), "signature does not match").await;
}

#[tokio::test]
async fn malformed_times_are_refused() {
    let setup = Setup::new().await;
    let now = chrono::Utc::now().timestamp();
    let no_time = "claim exp is not a time in seconds";
    let cases = [
        (json!((now + 900).to_string()), no_time),
        (json!("never"), no_time),
        (json!(-1), no_time),
        (json!(-1.5), no_time),
        (json!(1e300), no_time),
        (json!(u64::MAX), no_time),
        (json!(i64::MAX), no_time),
        (json!([now + 900]), no_time),
        (json!(true), no_time),
        (Value::Null, no_time),
        (json!(0), "token expired"),
        (json!(now - 31), "token expired"),
        (json!(0.5), "token expired"),
    ];
    check_all(cases, async |(exp, reason)| {
        for key in [&setup.ed, &setup.rsa] {
            setup.refuses(&exp.to_string(), &key.sign(&with(|claims| claims["exp"] = exp.clone())), reason).await;
        }
    })
    .await;
    let huge = setup.ed.sign_text(r#"{"alg":"EdDSA","kid":"ed"}"#, r#"{"sub":"ann","exp":1e999}"#);
    setup.refuses("a number beyond numbers", &huge, "token is not a well-formed JWT").await;
    for claim in ["nbf", "iat"] {
        let early = setup.ed.sign(&with(|claims| claims[claim] = json!(now + 600)));
        setup.refuses(claim, &early, &format!("token not valid yet: {claim} is in the future")).await;
    }
    for exp in [json!(now - 5), json!(f64::from(u32::try_from(now).unwrap()) + 900.5)] {
        let token = setup.ed.sign(&with(|claims| claims["exp"] = exp.clone()));
        assert!(setup.app.lets_in(&token).await, "within leeway, or with a fraction of a second: {exp}");
    }
}

#[tokio::test]
async fn a_malformed_user_id_is_refused() {
    let setup = Setup::new().await;
    let cases = [
        (json!(""), "claim sub is empty"),
        (json!(7), "claim sub is not a string"),
        (json!(true), "claim sub is not a string"),
        (Value::Null, "claim sub is not a string"),
        (json!(["ann"]), "claim sub is not a string"),
        (json!("x".repeat(256)), "claim sub is longer than 255 bytes"),
        (json!("ü".repeat(128)), "claim sub is longer than 255 bytes"),
        (json!("ann\0"), "claim sub contains control characters"),
        (json!("ann\u{85}"), "claim sub contains control characters"),
    ];
    check_all(cases, async |(sub, reason)| {
        let token = setup.ed.sign(&with(|claims| claims["sub"] = sub.clone()));
        setup.refuses(&sub.to_string(), &token, reason).await;
    })
    .await;
    assert!(setup.app.lets_in(&setup.ed.sign(&claims_of(&"x".repeat(255)))).await);
    let email = with(|claims| {
        claims["email"] = json!("ann@example.com");
        claims.as_object_mut().unwrap().remove("sub");
    });
    setup.refuses("only an e-mail address", &setup.ed.sign(&email), "token has no user id").await;
}

#[tokio::test]
async fn a_duplicate_claim_is_refused() {
    let setup = Setup::new().await;
    let ann = claims_of("ann").to_string();
    check_all(["sub", "exp", "iss", "aud", "whatever"], async |name| {
        let claims = format!(r#"{},"{name}":"bob","{name}":"bob"}}"#, ann.trim_end_matches('}'));
        let token = setup.ed.sign_text(r#"{"alg":"EdDSA","kid":"ed"}"#, &claims);
        setup.refuses(name, &token, "token is not a well-formed JWT: one of its claims is repeated").await;
    })
    .await;
    for header in [r#"{"alg":"HS256","alg":"EdDSA","kid":"ed"}"#, r#"{"alg":"EdDSA","kid":"ed","kid":"ec"}"#] {
        setup.refuses(header, &setup.ed.sign_text(header, &ann), "token is not a well-formed JWT").await;
    }
}

#[tokio::test]
async fn other_things_that_better_auth_signs_are_refused() {
    let setup = Setup::new().await;
    let session = json!({ "session": { "userId": "ann" }, "user": { "id": "ann" }, "updatedAt": 1, "version": "1" });
    let session = with(|claims| claims.as_object_mut().unwrap().extend(session.as_object().unwrap().clone()));
    let cached = "not an access token but a session cookie cache";
    setup.refuses("a session cookie cache", &setup.ed.sign(&session), cached).await;
    setup.refuses("a session cookie cache, HS256", &signed(SECRET, &session), cached).await;
    let audience = with(|claims| claims["aud"] = json!(["https://api.example", "better-auth:session-cache"]));
    setup.refuses("its audience", &setup.ed.sign(&audience), cached).await;
    setup.refuses("its audience, HS256", &signed(SECRET, &audience), cached).await;
    let only = with(|claims| claims["aud"] = json!("better-auth:session-cache"));
    setup.refuses("its audience alone", &setup.ed.sign(&only), "audience is not https://api.example").await;
    let typed = r#"{"alg":"EdDSA","kid":"ed","typ":"better-auth.session-cache+jwt"}"#;
    let typed = setup.ed.sign_text(typed, &claims_of("ann").to_string());
    setup.refuses("its type", &typed, "not an access token but of type").await;
    let exp = claims_of("ann")["exp"].clone();
    for (claims, reason) in [
        (json!({ "email": "ann@example.com", "exp": exp }), "token has no user id"),
        (
            json!({ "email": "ann@example.com", "updateTo": "b@example.com", "exp": exp }),
            "not an access token but an e-mail verification token",
        ),
    ] {
        setup.refuses("an e-mail verification", &signed(SECRET, &claims), reason).await;
    }
}

#[tokio::test]
async fn a_header_that_asks_for_something_else_is_refused() {
    let setup = Setup::new().await;
    let ann = claims_of("ann").to_string();
    let cases = [
        (json!({ "typ": "dpop+jwt" }), "not an access token but of type"),
        (json!({ "typ": "JWE" }), "not an access token but of type"),
        (json!({ "typ": "" }), "not an access token but of type"),
        (json!({ "typ": 5 }), "token is not a well-formed JWT"),
        (json!({ "crit": ["exp"] }), "token has critical header parameters"),
        (json!({ "crit": ["b64"], "b64": false }), "token has critical header parameters"),
        (json!({ "crit": [] }), "token has critical header parameters"),
        (json!({ "enc": "A256GCM" }), "token is encrypted"),
    ];
    check_all(cases, async |(extra, reason)| {
        let mut header = json!({ "alg": "EdDSA", "kid": "ed" });
        header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        setup.refuses(&header.to_string(), &setup.ed.sign_text(&header.to_string(), &ann), reason).await;
    })
    .await;
    check_all(["JWT", "jwt", "at+jwt", "application/at+jwt"], async |typ| {
        let header = json!({ "alg": "EdDSA", "kid": "ed", "typ": typ }).to_string();
        assert!(setup.app.lets_in(&setup.ed.sign_text(&header, &ann)).await, "{typ}");
    })
    .await;
}

#[tokio::test]
async fn keys_inside_a_token_are_never_used_or_fetched() {
    let setup = Setup::new().await;
    let mine = SigningKey::new(Algorithm::EdDSA, "mine");
    let attacker = Issuer::start(&[&mine]).await;
    let ann = claims_of("ann").to_string();
    for kid in ["mine", "ed"] {
        let reason = if kid == "ed" { "signature does not match" } else { "unknown key id \"mine\"" };
        for extra in [
            json!({ "jwk": mine.published() }),
            json!({ "jwk": "not even a key" }),
            json!({ "jku": attacker.url() }),
            json!({ "x5u": attacker.url() }),
            json!({ "x5c": ["AAAA"] }),
        ] {
            let mut header = json!({ "alg": "EdDSA", "kid": kid });
            header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            setup.refuses(&header.to_string(), &mine.sign_text(&header.to_string(), &ann), reason).await;
        }
    }
    let elsewhere = with(|claims| claims["iss"] = json!(attacker.url()));
    setup.refuses("an issuer of its own", &mine.sign(&elsewhere), "issuer is not https://issuer.example").await;
    assert_eq!(attacker.asked(), 0);
}

#[tokio::test]
async fn a_malformed_token_is_refused() {
    let setup = Setup::new().await;
    let good = setup.ed.sign(&claims_of("ann"));
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let malformed = "token is not a well-formed JWT";
    let cases = [
        ".".into(),
        "..".into(),
        header.into(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{signature}."),
        format!(".{claims}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}==.{signature}"),
        format!("{header}.{claims}.{signature}=="),
        format!("{header}.{claims}.{signature}!"),
        format!("{header}.{claims}.{}", signature.replace(['-', '_'], "+") + "/"),
        format!("{header}.{}.{signature}", base64("[]")),
        format!("{header}.{}.{signature}", base64("null")),
        format!("{header}.{}.{signature}", base64(&"[".repeat(2000))),
        format!("{}.{claims}.{signature}", base64("{}")),
        format!("{}.{claims}.{signature}", base64("\"EdDSA\"")),
        format!("{header}.{claims}.{signature}.{claims}.{signature}"),
        json!({ "protected": header, "payload": claims, "signature": signature }).to_string(),
        "Zq8ys6MXgTXS1XtGdpyHfRBSTAYtJsLX.kXw3rTqyBnV3W1Qx0J2YpQ%3D".into(),
    ];
    check_all(cases, async |token| {
        setup.refuses(&token, &token, malformed).await;
    })
    .await;
    setup.refuses("no signature", &format!("{header}.{claims}."), "signature does not match").await;
    setup.refuses("another's signature", &format!("{header}.{claims}.{}", base64("x")), "signature does not").await;
    let long = setup.ed.sign(&with(|claims| claims["name"] = json!("x".repeat(8 * 1024))));
    setup.refuses("too long", &long, "token is longer than 8192 bytes").await;
    assert!(setup.app.lets_in(&good).await);
}
