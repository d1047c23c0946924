//! The real Better Auth, in a process of its own: `tests/better-auth`, which needs Node.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use jsonwebtoken::Algorithm;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tandem::auth::{self, JwksConfig, KeySource, Timing};

use super::{SECRET, http_client, node::Project};

const PROJECT: &str = "tests/better-auth";

/// A running Better Auth. Its keys and users are gone when it stops.
pub struct BetterAuth {
    process: Child,
    pub origin: String,
    client: Client,
}

/// A user who has signed in.
pub struct SignedIn {
    pub id: String,
    /// The session's opaque token, not a JWT.
    pub session: String,
    /// The session cookie cache, which is a JWT.
    pub cookie_cache: String,
}

impl BetterAuth {
    /// One that signs with this algorithm; `None` without Node.
    pub fn start(algorithm: Algorithm) -> Option<Self> {
        Self::start_with(algorithm, "")
    }

    /// The same with the options of this name.
    pub fn start_with(algorithm: Algorithm, options: &str) -> Option<Self> {
        let project = Project::open(PROJECT).map_err(|reason| eprintln!("{reason}")).ok()?;
        Some(Self::start_at(&project, algorithm, options, "0"))
    }

    fn start_at(project: &Project, algorithm: Algorithm, options: &str, port: &str) -> Self {
        let algorithm = format!("{algorithm:?}");
        let settings = [("ALGORITHM", algorithm.as_str()), ("OPTIONS", options), ("PORT", port), ("SECRET", SECRET)];
        let mut process = Command::new("node")
            .arg("server.mjs")
            .current_dir(project.dir())
            .envs(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("http://"), "Better Auth didn't start: {line}");
        Self { process, origin: line.trim().to_owned(), client: http_client() }
    }

    /// Stops it. Returns what [`Self::start_again`] needs.
    pub fn stop(mut self) -> String {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.origin.rsplit_once(':').unwrap().1.to_owned()
    }

    /// A new one in place of one that was stopped, without its users and keys.
    pub fn start_again(algorithm: Algorithm, port: &str) -> Self {
        Self::start_at(&Project::open(PROJECT).unwrap(), algorithm, "", port)
    }

    /// The key source that Tandem derives from its base URL alone.
    pub fn source(&self, timing: Timing) -> KeySource {
        let server = auth::BetterAuth::parse(&self.origin).unwrap();
        let config = server.jwks.config(Some(&server.origin), Some(&server.origin), &Timing::default());
        KeySource::jwks(JwksConfig { timing, ..config }).unwrap()
    }

    /// Signs a new user up, and in.
    pub async fn sign_in(&self, name: &str) -> SignedIn {
        let user = json!({ "name": name, "email": format!("{name}@example.com"), "password": "correct horse battery" });
        self.post("/api/auth/sign-up/email", &user).await;
        let response = self.post("/api/auth/sign-in/email", &user).await;
        let cookies = response.headers().get_all("set-cookie").into_iter().filter_map(|value| value.to_str().ok());
        let cookie_cache = cookies
            .filter_map(|cookie| cookie.strip_prefix("better-auth.session_data=")?.split(';').next())
            .collect::<String>();
        let body: Value = response.json().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        SignedIn { id: text(&body["user"]["id"]), session: text(&body["token"]), cookie_cache }
    }

    /// A JWT for a session, as a frontend gets it.
    pub async fn token(&self, user: &SignedIn) -> String {
        let request = self.client.get(format!("{}/api/auth/token", self.origin)).bearer_auth(&user.session);
        let body: Value = request.send().await.unwrap().json().await.unwrap();
        body["token"].as_str().unwrap().to_owned()
    }

    /// From now on a new key signs; the old ones stay published.
    pub async fn rotate(&self) {
        self.post("/test/rotate", &Value::Null).await;
    }

    /// Publishes only the newest key.
    pub async fn withdraw_old_keys(&self) {
        self.post("/test/withdraw", &Value::Null).await;
    }

    /// The token of the last e-mail it wanted to send.
    pub async fn last_email(&self) -> String {
        self.post("/test/last-email", &Value::Null).await.json().await.unwrap()
    }

    /// From now on, users' tasks are deleted with them, at this URL.
    pub async fn serve_for(&self, tandem: &str) {
        let request = self.client.post(format!("{}/test/tandem", self.origin)).header("tandem", tandem);
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// Deletes a user, as a frontend asks for it. The status of the response.
    pub async fn delete(&self, user: &SignedIn) -> u16 {
        let request = self.client.post(format!("{}/api/auth/delete-user", self.origin)).bearer_auth(&user.session);
        request.header("origin", &self.origin).json(&json!({})).send().await.unwrap().status().as_u16()
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.client.post(format!("{}{path}", self.origin)).header("origin", &self.origin).json(body);
        request.send().await.unwrap().error_for_status().unwrap()
    }
}

impl Drop for BetterAuth {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
