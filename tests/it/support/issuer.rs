//! An issuer of tokens: keys of every kind, and a server that publishes them and can misbehave.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tandem::auth::{JwksConfig, JwksUrl, KeySource, Timing};
use tokio::{net::TcpListener, sync::Semaphore};

/// A private key with an id.
pub struct SigningKey {
    pub kid: String,
    pub algorithm: Algorithm,
    encoding: EncodingKey,
    public: Value,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} key {}", self.algorithm, self.kid)
    }
}

impl SigningKey {
    /// A fresh one.
    pub fn new(algorithm: Algorithm, kid: &str) -> Self {
        let random = SystemRandom::new();
        let (encoding, public) = match algorithm {
            Algorithm::EdDSA => {
                let der = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
                let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key());
                (EncodingKey::from_ed_der(der.as_ref()), json!({ "kty": "OKP", "crv": "Ed25519", "x": x }))
            }
            Algorithm::ES256 => {
                let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).unwrap();
                let point = pair.public_key().as_ref();
                let [x, y] = [&point[1..33], &point[33..]].map(|half| BASE64_URL_SAFE_NO_PAD.encode(half));
                (EncodingKey::from_ec_der(der.as_ref()), json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }))
            }
            _ => {
                let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
                let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
                let n = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().modulus().big_endian_without_leading_zero());
                // Before the key itself, PKCS #8 has a header of constant length; the library wants what is inside.
                let inner = &der.as_ref()[26..];
                (EncodingKey::from_rsa_der(inner), json!({ "kty": "RSA", "n": n, "e": "AQAB" }))
            }
        };
        Self { kid: kid.to_owned(), algorithm, encoding, public }
    }

    /// The same key under another name.
    pub fn called(&self, kid: &str) -> Self {
        Self {
            kid: kid.to_owned(),
            algorithm: self.algorithm,
            encoding: self.encoding.clone(),
            public: self.public.clone(),
        }
    }

    /// A token with these claims, as Better Auth signs them: no `typ`.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_text(&json!({ "alg": self.algorithm, "kid": self.kid }).to_string(), &claims.to_string())
    }

    /// A signature of this key over any header and claims.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", base64(header), base64(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.encoding, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// The public half, as Better Auth publishes it: with `alg` and `kid`, without `use`.
    pub fn published(&self) -> Value {
        let mut jwk = self.public.clone();
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.algorithm);
        jwk
    }
}

/// Base64 as in tokens.
pub fn base64(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// Claims of a user's valid token.
pub fn claims_of(user: &str) -> Value {
    let now = chrono::Utc::now().timestamp();
    json!({ "sub": user, "iat": now, "exp": now + 900, "iss": "https://issuer.example", "aud": "https://api.example" })
}

/// How an issuer answers.
#[derive(Clone)]
pub enum Mood {
    /// With these keys.
    Keys(Vec<Value>),
    /// With this body.
    Body(String),
    /// With this status.
    Status(StatusCode),
    /// With a redirect.
    Redirect(String),
    /// Only once it is released.
    Held(Arc<Semaphore>, Vec<Value>),
}

/// A server that publishes keys on this machine.
pub struct Issuer {
    pub address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    /// One that publishes these keys.
    pub async fn start(keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mood = Arc::new(Mutex::new(Mood::Keys(published(keys))));
        let asked = Arc::new(AtomicUsize::new(0));
        let shared = (Arc::clone(&mood), Arc::clone(&asked));
        let router = Router::new().fallback(move || {
            shared.1.fetch_add(1, Ordering::SeqCst);
            let mood = shared.0.lock().unwrap().clone();
            answer(mood)
        });
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { address, mood, asked }
    }

    pub fn url(&self) -> String {
        format!("http://{}/api/auth/jwks", self.address)
    }

    pub fn publish(&self, keys: &[&SigningKey]) {
        self.become_(Mood::Keys(published(keys)));
    }

    pub fn become_(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// How many requests it got.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// A source with its keys, for tokens with the claims of [`claims_of`].
    pub fn source(&self, timing: Timing) -> KeySource {
        let url = JwksUrl::parse(&self.url()).unwrap();
        let config = url.config(Some("https://issuer.example"), Some("https://api.example"), &Timing::default());
        KeySource::jwks(JwksConfig { timing, ..config }).unwrap()
    }
}

/// No refreshes in the background, and any number of fetches for unknown keys.
pub fn eager() -> Timing {
    let never = Duration::from_hours(1);
    Timing { refresh: never, retry: never, cooldown: Duration::ZERO, timeout: never }
}

pub fn published(keys: &[&SigningKey]) -> Vec<Value> {
    keys.iter().map(|key| key.published()).collect()
}

async fn answer(mood: Mood) -> Response {
    let key_set = |keys: Vec<Value>| axum::Json(json!({ "keys": keys })).into_response();
    match mood {
        Mood::Keys(keys) => key_set(keys),
        Mood::Body(body) => body.into_response(),
        Mood::Status(status) => status.into_response(),
        Mood::Redirect(url) => Redirect::temporary(&url).into_response(),
        Mood::Held(gate, keys) => {
            let _permit = gate.acquire().await;
            key_set(keys)
        }
    }
}
