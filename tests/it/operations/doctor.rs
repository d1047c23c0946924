//! `tandem doctor`: a line for each check with what to do, and an exit code.

use axum::http::StatusCode;
use jsonwebtoken::Algorithm;
use url::Url;

use crate::{
    skip,
    support::{
        SECRET, TestDb,
        cluster::scratch_dir,
        command::output,
        db,
        issuer::{Issuer, Mood, SigningKey},
    },
};

/// Its output with these settings, and its exit code.
fn told(args: &[&str], env: &[(&str, &str)]) -> (Option<i32>, String) {
    let args: Vec<_> = std::iter::once(&"doctor").chain(args).copied().collect();
    let usual = [
        ("JWT_AUDIENCE", "api"),
        ("HOST", "0.0.0.0"),
        ("TRUSTED_PROXIES", "10.0.0.0/8"),
        ("METRICS_LISTEN", "127.0.0.1:9090"),
        ("RUST_LOG", "off"),
    ];
    let env: Vec<_> = usual.iter().chain(env).copied().collect();
    let done = output(&scratch_dir(), &args, &env);
    (done.status.code(), String::from_utf8(done.stdout).unwrap())
}

/// Asserts that it names the fault and what to do, and fails.
#[track_caller]
fn assert_fails(env: &[(&str, &str)], lines: &[&str]) {
    let (code, told) = told(&[], env);
    assert_eq!(code, Some(3), "{told}");
    for line in lines {
        assert!(told.contains(line), "{line} in {told}");
    }
}

/// The same database for another login.
fn as_login(db: &TestDb, login: &str) -> String {
    let mut url = Url::parse(db.url()).unwrap();
    url.set_username(login).unwrap();
    url.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_can_serve_passes_every_check() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let issuer = Issuer::start(&[&SigningKey::new(Algorithm::EdDSA, "1")]).await;
    let (code, told) = told(&[], &[("DATABASE_URL", db.url()), ("JWKS_URL", &issuer.url())]);
    assert_eq!(code, Some(0), "{told}");
    // How long a round trip takes depends on the machine.
    let (timed, told): (Vec<_>, Vec<_>) = told.lines().partition(|line| line.contains(" a round trip takes "));
    assert!(matches!(timed[..], [line] if line.contains("  database: DATABASE_URL: ")), "{timed:?}");
    let told = told.join("\n");
    for check in [
        "settings",
        "tokens",
        "address",
        "proxies",
        "metrics",
        "open files",
        "TLS",
        "version",
        "clock",
        "connections",
        "login",
        "roles",
        "plans",
        "migrations",
        "pooler",
        "isolation",
        "keys",
        "trash",
    ] {
        assert!(told.contains(&format!("ok    {check}: ")), "{check} in {told}");
    }
    assert!(!told.contains("warn") && !told.contains("FAIL"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_set_up_is_reported_with_what_to_do() {
    let Some(db) = TestDb::empty().await else { skip!(Postgres) };
    let url = [("DATABASE_URL", db.url()), ("BETTER_AUTH_SECRET", SECRET), ("MIGRATE_ON_START", "false")];
    assert_fails(&url, &["FAIL  migrations: 20261124000000, ", "pending. Run `tandem migrate`", "FAIL  isolation: "]);
    let (_, later) = told(&[], &url[..2]);
    assert!(later.contains("warn  migrations: ") && later.contains("when it starts"), "{later}");
    db::migrate(&db.config).await;
    let of_older = "INSERT INTO __diesel_schema_migrations VALUES ('20261121000000')";
    db.client().await.batch_execute(of_older).await.unwrap();
    assert_fails(
        &url[..2],
        &["FAIL  migrations: this database was made before the first release", "Start with an empty"],
    );
    let unreachable = [("DATABASE_URL", "postgres://127.0.0.1:1/none"), ("BETTER_AUTH_SECRET", SECRET)];
    assert_fails(&unreachable, &["FAIL  database: DATABASE_URL: ", "refused", "Check host, port, user"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_without_their_roles_or_with_too_many_rights_are_reported() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let login = format!("stranger_{}", std::process::id());
    db.superuser().await.batch_execute(&format!("CREATE ROLE {login} LOGIN")).await.unwrap();
    let url = as_login(&db, &login);
    let env = [("DATABASE_URL", url.as_str()), ("BETTER_AUTH_SECRET", SECRET), ("DATABASE_MIGRATION_URL", db.url())];
    let grant = format!("GRANT tandem_api, tandem_feed, tandem_sweeper TO {login}");
    assert_fails(&env, &["FAIL  roles: ", &grant, "FAIL  isolation: ", "ok    migrations: "]);
    assert_fails(&env[..2], &["FAIL  migrations: this login can't migrate", "Set DATABASE_MIGRATION_URL"]);
    let (_, told) = told(&[], &[("DATABASE_URL", &as_login(&db, "postgres")), ("BETTER_AUTH_SECRET", SECRET)]);
    assert!(told.contains("warn  login: postgres bypasses row-level security"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_wall_too_many_connections_and_key_sets_without_keys_fail() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    db.superuser().await.batch_execute("ALTER TABLE tasks DISABLE ROW LEVEL SECURITY").await.unwrap();
    let issuer = Issuer::start(&[]).await;
    let url = issuer.url();
    let env = [("DATABASE_URL", db.url()), ("JWKS_URL", &url), ("DATABASE_POOL_SIZE", "9999")];
    let advice = "ALTER TABLE tasks ENABLE ROW LEVEL SECURITY";
    assert_fails(&env, &["FAIL  isolation: ", advice, "FAIL  connections: 10001 are needed", "has no usable key"]);
    issuer.become_(Mood::Status(StatusCode::BAD_GATEWAY));
    assert_fails(&env, &["FAIL  keys: ", "can't be fetched: status 502"]);
    assert_fails(&env[..1], &["FAIL  tokens: ", "BETTER_AUTH_URL"]);
}

#[test]
fn offline_it_checks_what_needs_no_network() {
    let env = [("DATABASE_URL", "postgres://127.0.0.1:1/none"), ("JWKS_URL", "https://issuer.invalid/jwks")];
    let (code, told) = told(&["--offline"], &env);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("ok    settings: ") && told.contains("skip  database: ") && told.contains("skip  keys: "));
    let (_, unnamed) = self::told(&["--offline"], &[env[0], env[1], ("TRUSTED_PROXIES", "")]);
    assert!(unnamed.contains("warn  proxies: TRUSTED_PROXIES is not set, so X-Forwarded-For is ignored"), "{unnamed}");
    let development = output(&scratch_dir(), &["doctor", "--offline"], &[]);
    let told = String::from_utf8(development.stdout).unwrap();
    assert!(told.contains("warn  settings: development mode") && told.contains("set DATABASE_URL"), "{told}");
}
