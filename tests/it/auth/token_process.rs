//! What operators see of tokens: `tandem check`, and the log.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
};

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::{
    skip,
    support::{
        SECRET, TestDb, check_all,
        cluster::scratch_dir,
        command::{output, stderr, tandem},
        eventually, http_client,
        issuer::{Issuer, SigningKey, claims_of},
        token,
    },
};

#[test]
fn a_token_is_explained_check_by_check() {
    let dir = scratch_dir();
    let env = [("BETTER_AUTH_SECRET", SECRET), ("JWT_AUDIENCE", "api")];
    let check = |token: &str| {
        let done = output(&dir, &["check", "--token", token], &env);
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    };
    let good = output(&dir, &["token", "--user", "ann"], &env);
    let good = String::from_utf8(good.stdout).unwrap();
    let (code, told) = check(good.trim());
    assert_eq!(code, Some(0), "{told}");
    for line in ["ok    algorithm: HS256", "ok    audience: has api", "ok    signature", "ok    user: \"ann\""] {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert!(told.ends_with("accepted\n"), "{told}");
    for (token, line) in [
        (token("ann"), "FAIL  audience: audience is not api"),
        (good.trim().replace('.', ""), "FAIL  form: token is not a well-formed JWT: it has 1 parts, not 3"),
    ] {
        let (code, told) = check(&token);
        assert!(code == Some(3) && told.contains(line) && told.ends_with("refused\n"), "{code:?} {told}");
        assert!(!told.contains(SECRET) && !told.contains(&token), "{told}");
    }
    let piped = tandem(&dir, &["check", "--token", "-"]).envs(env).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut piped = piped.unwrap();
    piped.stdin.take().unwrap().write_all(good.as_bytes()).unwrap();
    assert_eq!(piped.wait_with_output().unwrap().status.code(), Some(0));
    let unusable = output(&dir, &["check", "--token", "x"], &[("JWKS_URL", "http://issuer.example/jwks")]);
    assert_eq!(unusable.status.code(), Some(1));
    assert!(stderr(&unusable).contains("JWKS_URL: must start with https://"), "{}", stderr(&unusable));
}

/// A server with this environment that logs into its directory, and its address.
async fn serve(dir: &Path, env: &[(&str, &str)]) -> (Child, String) {
    let path = dir.join("log");
    let mut server = tandem(dir, &["--port", "0"]);
    let process = server.envs(env.iter().copied()).stderr(File::create(&path).unwrap()).spawn().unwrap();
    eventually("it serves", async || address_in(dir, "serving").is_some()).await;
    (process, address_in(dir, "serving").unwrap())
}

/// The address in the log line with this message.
fn address_in(dir: &Path, message: &str) -> Option<String> {
    let lines = fs::read_to_string(dir.join("log")).unwrap();
    let mut lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.find(|line| line["message"] == message)?["address"].as_str().map(ToOwned::to_owned)
}

fn stop(mut process: Child) {
    assert!(Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap().success());
    process.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn better_auths_url_alone_is_enough_configuration() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let key = SigningKey::new(Algorithm::EdDSA, "1");
    let issuer = Issuer::start(&[&key]).await;
    let origin = format!("http://{}", issuer.address);
    let dir = scratch_dir();
    let env = [("DATABASE_URL", db.url()), ("BETTER_AUTH_URL", &origin), ("METRICS_LISTEN", "127.0.0.1:0")];
    let (process, address) = serve(&dir, &env).await;
    let client = http_client();
    let get = async |path: &str, token: &str| {
        client.get(format!("http://{address}{path}")).bearer_auth(token).send().await.unwrap()
    };
    let cases = [("sub", "ann", 200), ("iss", "https://other", 401), ("aud", "https://other", 401)];
    check_all(cases, async |(claim, value, status)| {
        let mut claims = claims_of("ann");
        claims["iss"] = json!(origin);
        claims["aud"] = json!(origin);
        claims[claim] = json!(value);
        let token = key.sign(&claims);
        assert_eq!(get("/api/tasks", &token).await.status(), status, "{claim}");
        let checked = output(&dir, &["check", "--token", &token], &env);
        let told = String::from_utf8(checked.stdout).unwrap();
        assert_eq!(checked.status.code(), Some(if status == 200 { 0 } else { 3 }), "{told}");
        assert!(told.contains(&format!("{origin}/api/auth/jwks")), "{told}");
    })
    .await;
    for path in ["/graphiql", "/app", "/service-worker.js"] {
        assert_eq!(get(path, "").await.status(), 404, "{path}: not in development");
    }
    assert_eq!(get("/metrics", "").await.status(), 404, "metrics have a port of their own");
    let metrics = client.get(format!("http://{}/metrics", address_in(&dir, "serving metrics").unwrap())).send().await;
    let metrics = metrics.unwrap().text().await.unwrap();
    assert!(metrics.contains("tandem_tokens_total{result=\"refused\"} 2"), "{metrics}");
    stop(process);
}

/// A reader of the log must neither be able to act as a user nor to guess secrets offline.
#[tokio::test]
async fn tokens_and_secrets_are_not_logged_at_any_level() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let key = SigningKey::new(Algorithm::EdDSA, "1");
    let issuer = Issuer::start(&[&key]).await;
    let dir = scratch_dir();
    let url = issuer.url();
    let env = [("DATABASE_URL", db.url()), ("BETTER_AUTH_SECRET", SECRET), ("JWKS_URL", &url), ("RUST_LOG", "trace")];
    let (process, address) = serve(&dir, &env).await;
    let client = http_client();
    let tokens = [
        (200, key.sign(&claims_of("ann"))),
        (200, token("ann")),
        (401, key.called("2").sign(&claims_of("ann"))),
        (401, crate::support::token::expired("ann")),
    ];
    for (status, token) in &tokens {
        for _ in 0..2 {
            let request = client.get(format!("http://{address}/api/tasks")).bearer_auth(token);
            assert_eq!(request.send().await.unwrap().status(), *status);
        }
    }
    stop(process);
    let log = fs::read_to_string(dir.join("log")).unwrap();
    assert!(log.contains("key set changed") && log.contains("responded"), "{log}");
    for (_, token) in &tokens {
        let signature = token.rsplit('.').next().unwrap();
        let lines: Vec<_> = log.lines().filter(|line| line.contains(signature) || line.contains(SECRET)).collect();
        assert!(lines.is_empty(), "{lines:#?}");
    }
}
