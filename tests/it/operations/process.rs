//! The binary itself, as its users start it.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use reqwest::{Client, Response};
use serde_json::{Value, json};
use tandem::auth::{ClaimRules, KeySource, Verifier};

use crate::{
    skip,
    support::{
        SECRET, TestDb,
        cluster::scratch_dir,
        command::{output, stderr, tandem},
        http_client,
        node::has_graphiql,
        token,
    },
};

/// A development server: embedded database, its own secret.
struct Server {
    process: Child,
    stdout: BufReader<ChildStdout>,
    banner: String,
    client: Client,
}

impl Server {
    fn start(dir: &Path) -> Self {
        // Long enough for a busy machine.
        Self::with(dir, "1m")
    }

    fn with(dir: &Path, checkout_timeout: &str) -> Self {
        let log = dir.join("log");
        let mut command = tandem(dir, &["--port", "0", "--checkout-timeout", checkout_timeout]);
        command.stdout(Stdio::piped()).stderr(fs::File::create(&log).unwrap());
        let mut process = command.spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut banner = String::new();
        while !banner.contains("/api/tasks -H") {
            let read = stdout.read_line(&mut banner).unwrap();
            assert_ne!(read, 0, "no banner: {banner}{}", fs::read_to_string(&log).unwrap());
        }
        Self { process, stdout, banner, client: http_client() }
    }

    /// The word of the banner that starts like this.
    fn word(&self, start: &str) -> &str {
        self.banner.split_whitespace().find(|word| word.starts_with(start)).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.word("http://").trim_end_matches("/app"))
    }

    async fn list(&self, token: &str) -> Value {
        let answer = self.client.get(self.url("/api/tasks")).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    async fn graphql(&self, token: &str, query: &str) -> Value {
        let request = self.client.post(self.url("/graphql")).bearer_auth(token).json(&json!({ "query": query }));
        request.send().await.unwrap().json().await.unwrap()
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to stop as a process manager does, and waits until it has.
    fn stop(mut self) -> bool {
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        asked.success() && self.process.wait().unwrap().success()
    }
}

#[tokio::test]
async fn without_configuration_both_doors_work_and_a_kill_loses_nothing() {
    let dir = scratch_dir();
    let server = Server::start(&dir);
    let token = server.word("eyJ").to_owned();
    let created = server.graphql(&token, r#"mutation { createTask(input: { title: "Survive" }) { id } }"#).await;
    let id = created["data"]["createTask"]["id"].clone();
    assert!(id.is_string(), "{created}");
    assert_eq!(server.list(&token).await[0]["id"], id);
    server.kill();

    let server = Server::start(&dir);
    assert_eq!(server.list(&token).await[0]["id"], id, "an old token is still good, the task is still there");
    let minted = output(&dir, &["token", "--user", "somebody else"], &[]);
    let other = String::from_utf8(minted.stdout).unwrap();
    assert_eq!(server.list(other.trim()).await, json!([]));
    assert!(server.stop());

    let server = Server::start(&dir);
    assert_eq!(server.graphql(&token, "{ tasks { id } }").await["data"]["tasks"][0]["id"], id);
    server.kill();
}

#[test]
fn a_server_starts_however_short_the_checkout_timeout_is() {
    assert!(Server::with(&scratch_dir(), "1ms").stop());
}

#[tokio::test]
async fn the_banners_own_examples_work_when_pasted() {
    let dir = scratch_dir();
    let server = Server::start(&dir);
    let examples: Vec<_> = server.banner.lines().filter(|line| line.trim_start().starts_with("curl ")).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let done = Command::new("sh").args(["-c", example]).output().unwrap();
        let answer: Value = serde_json::from_slice(&done.stdout).unwrap_or_default();
        assert!(answer.is_array() || answer["data"]["createTask"]["id"].is_string(), "{example}: {answer}");
    }
    server.kill();
}

#[tokio::test]
async fn the_development_token_is_only_shown_to_pages_of_this_machine() {
    let dir = scratch_dir();
    let server = Server::start(&dir);
    let token = server.word("eyJ");
    let page = async |host: &str| {
        let request = server.client.get(server.url("/graphiql")).header("host", host);
        request.send().await.unwrap().text().await.unwrap()
    };
    for host in ["localhost:8000", "127.0.0.1"] {
        let page = page(host).await;
        assert_eq!(page.contains(token), has_graphiql(&page), "{host}");
    }
    let rebound = page("evil.example.com").await;
    assert!(rebound.contains("GraphiQL") && !rebound.contains(token));
    server.kill();
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_what_the_data_directory_holds() {
    use std::os::unix::fs::PermissionsExt;
    let dir = scratch_dir();
    Server::start(&dir).kill();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.join(".tandem")), 0o700);
    assert_eq!(mode(dir.join(".tandem/secret")), 0o600);
}

/// The directory of the embedded database's socket, which asks for no password.
#[cfg(unix)]
fn socket_dirs(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join(".tandem")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("run")).collect()
}

#[cfg(unix)]
#[test]
fn the_embedded_databases_socket_has_a_private_directory_with_a_new_name_for_each_start() {
    use std::os::unix::fs::PermissionsExt;
    let dir = scratch_dir();
    let server = Server::start(&dir);
    let first = socket_dirs(&dir);
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(fs::metadata(&first[0]).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(first[0].join(".s.PGSQL.5432").exists());
    server.kill();

    let server = Server::start(&dir);
    let second = socket_dirs(&dir);
    assert_eq!(second.len(), 1, "what a killed server left is removed: {second:?}");
    assert_ne!(first, second);
    assert!(server.stop());
    assert!(socket_dirs(&dir).is_empty());
}

#[cfg(unix)]
#[test]
fn a_token_made_before_the_first_start_leaves_its_secret_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = scratch_dir();
    assert!(output(&dir, &["token", "--user", "ann"], &[]).status.success());
    let mode = fs::metadata(dir.join(".tandem")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

#[tokio::test]
async fn tokens_are_made_as_the_server_asks_for_them() {
    let dir = scratch_dir();
    let rules = [("JWT_ISSUER", "https://issuer.example"), ("JWT_AUDIENCE", "api"), ("BETTER_AUTH_SECRET", SECRET)];
    let minted = output(&dir, &["token", "--user", "ann", "--ttl", "5m"], &rules);
    let token = String::from_utf8(minted.stdout).unwrap();
    let source = KeySource::hs256(&[SECRET.into()]).with_claims(Some(rules[0].1.into()), Some(rules[1].1.into()));
    let verifier = Verifier::new(vec![source], ClaimRules::default());
    assert_eq!(verifier.verify(token.trim()).await.map_err(|error| error.report()).unwrap().user().id(), "ann");
    for (user, problem) in [("", "is empty"), (&"x".repeat(256), "longer than 255"), ("a\nb", "control characters")] {
        let refused = output(&dir, &["token", "--user", user], &rules);
        assert!(!refused.status.success() && stderr(&refused).contains(problem), "{user}: {}", stderr(&refused));
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let dir = scratch_dir();
    let env = ["PORT", "HOST", "DATABASE_URL", "GRAPHIQL", "JWT_ISSUER", "JWT_USER_ID_CLAIMS", "STATEMENT_TIMEOUT"];
    let minted = output(&dir, &["token", "--user", "ann"], &env.map(|name| (name, "")));
    assert!(minted.status.success(), "{}", stderr(&minted));
}

#[test]
fn tasks_are_only_dropped_after_confirmation() {
    let dir = scratch_dir();
    assert!(output(&dir, &["migrate"], &[]).status.success());
    assert!(stderr(&output(&dir, &["migrate", "--revert"], &[])).contains("--yes"));
    assert_eq!(output(&dir, &["migrate"], &[]).stdout, b"nothing to do\n");
    assert!(output(&dir, &["migrate", "--revert", "--yes"], &[]).stdout.starts_with(b"reverted "));
}

#[tokio::test]
async fn a_server_without_its_database_says_what_is_wrong() {
    let dir = scratch_dir();
    let env = [
        ("DATABASE_URL", "postgres://127.0.0.1:1/none"),
        ("BETTER_AUTH_SECRET", SECRET),
        ("START_TIMEOUT", "1ms"),
        ("RUST_LOG", "off"),
    ];
    for migrate in ["true", "false"] {
        let refused = output(&dir, &["--migrate-on-start", migrate], &env);
        assert!(!refused.status.success() && stderr(&refused).contains("refused"), "{}", stderr(&refused));
    }
}

#[tokio::test]
async fn a_server_whose_database_does_not_respond_says_so_and_exits() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://app@{}/tandem?connect_timeout=1", silent.local_addr().unwrap());
    let env = [("DATABASE_URL", url.as_str()), ("BETTER_AUTH_SECRET", SECRET), ("START_TIMEOUT", "2s")];
    for (migrate, step) in [("true", "migrate the database"), ("false", "prove the isolation of users")] {
        let refused = output(&scratch_dir(), &["--migrate-on-start", migrate], &env);
        let log = stderr(&refused);
        let expected = format!("tandem: can't {step}: no connection within 1s. Check that");
        assert!(!refused.status.success() && log.contains(&expected), "{log}");
        assert!(log.contains("skipped the check whether a pooler mixes up"), "{log}");
    }
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let dir = scratch_dir();
    let server = Server::start(&dir);
    let second = output(&dir, &["--port", "0"], &[]);
    assert!(!second.status.success());
    assert!(stderr(&second).contains("already in use"), "{}", stderr(&second));
    server.kill();
}

#[test]
fn all_errors_of_the_configuration_are_reported_at_once() {
    let dir = scratch_dir();
    let env = [
        ("PORT", "eighty"),
        ("HOST", "nowhere"),
        ("DATABASE_URL", "mysql://localhost"),
        ("STATEMENT_TIMEOUT", "soon"),
        ("BETTER_AUTH_SECRETS", "unversioned"),
        ("CORS_ORIGINS", "example.com"),
        ("GRAPHQL_MAX_DEPTH", "0"),
        ("GRAPHQL_MAX_NESTING", "65"),
        ("LOG_FORMAT", "xml"),
        ("BETTER_AUTH_URL", "http://better-auth.example"),
        ("JWKS_URL", "https://issuer.example/keys#alg=none"),
        ("METRICS_LISTEN", "perhaps"),
    ];
    let refused = output(&dir, &[], &env);
    assert!(!refused.status.success());
    let text = stderr(&refused);
    for (name, _) in env {
        assert!(text.contains(&format!("{name}: ")), "{name} in {text}");
    }
    assert!(!dir.join(".tandem").exists());
}

#[test]
fn a_server_that_nobody_can_sign_tokens_for_does_not_start() {
    let dir = scratch_dir();
    let refused = output(&dir, &[], &[("DATABASE_URL", "postgres://127.0.0.1:1/none")]);
    assert!(!refused.status.success());
    assert!(stderr(&refused).contains("BETTER_AUTH_SECRET"), "{}", stderr(&refused));
}

#[test]
fn secrets_are_neither_shown_in_the_help_nor_in_errors() {
    let dir = scratch_dir();
    let env = [("BETTER_AUTH_SECRET", "seven77"), ("DATABASE_URL", "postgres://app:hunter2@h/d?sslmode=perhaps")];
    let help = output(&dir, &["--help"], &env);
    let refused = output(&dir, &[], &env);
    let shown = format!("{}{}", String::from_utf8_lossy(&help.stdout), stderr(&refused));
    assert!(shown.contains("--better-auth-secret") && shown.contains("at least"), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("seven77"), "{shown}");
}

#[test]
fn settings_are_read_from_a_file_too() {
    let dir = scratch_dir();
    fs::write(dir.join(".env"), "PORT=from-the-file\n").unwrap();
    let refused = output(&dir, &[], &[]);
    assert!(stderr(&refused).contains("from-the-file"), "{}", stderr(&refused));
}

#[tokio::test]
async fn with_a_database_and_a_secret_it_migrates_serves_and_stops() {
    let Some(db) = TestDb::empty().await else { skip!(Postgres) };
    let dir = scratch_dir();
    let env = [("DATABASE_URL", db.url()), ("BETTER_AUTH_SECRET", SECRET)];
    let migrated = output(&dir, &["migrate"], &env);
    assert!(migrated.status.success(), "{}", stderr(&migrated));
    assert!(String::from_utf8_lossy(&migrated.stdout).starts_with("applied "));
    assert_eq!(String::from_utf8_lossy(&output(&dir, &["migrate"], &env).stdout), "nothing to do\n");

    let mut command = tandem(&dir, &["--port", "0"]);
    let mut process = command.envs(env).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let address = serving_address(&mut log);
    let client = http_client();
    let ask = async |path: &str| -> Response {
        client.get(format!("http://{address}{path}")).bearer_auth(token("ann")).send().await.unwrap()
    };
    assert_eq!(ask("/api/tasks").await.json::<Value>().await.unwrap(), json!([]));
    assert_eq!(ask("/graphiql").await.status(), 404, "the playground is for development");
    assert!(!dir.join(".tandem").exists());
    drop(client);
    assert!(Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap().success());
    assert!(process.wait().unwrap().success());
}

/// The address in the line that says it serves; every line is an object.
fn serving_address(log: &mut impl BufRead) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended before it served");
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["message"] == "serving" {
            return line["address"].as_str().unwrap().to_owned();
        }
    }
}
