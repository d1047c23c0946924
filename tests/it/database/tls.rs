//! TLS connections to the database, and those without.

use std::fs;

use tandem::store::{DbConfig, Target};

use crate::{
    skip,
    support::{
        App, TestDb,
        cluster::{Cluster, scratch_dir},
        db,
    },
};

const HOST: &str = "db.example.com";

/// A server that offers TLS as `db.example.com`, and the file of its certificate.
async fn encrypted() -> Option<(Cluster, String)> {
    let issued = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
    let certificate = issued.cert.pem();
    let cluster = Cluster::encrypted(&certificate, &issued.signing_key.serialize_pem())?;
    let file = scratch_dir().join("root.pem");
    fs::write(&file, certificate).unwrap();
    let admin = db::connect(&cluster.url("postgres", "postgres")).await;
    admin.batch_execute("CREATE ROLE app LOGIN CREATEROLE PASSWORD 'hunter2'").await.unwrap();
    admin.batch_execute("CREATE DATABASE tandem OWNER app").await.unwrap();
    Some((cluster, file.display().to_string()))
}

fn url(cluster: &Cluster, host: &str, options: &str) -> String {
    format!("postgres://app:hunter2@{host}:{}/tandem?hostaddr=127.0.0.1&{options}", cluster.port)
}

/// Why a database can't be reached.
async fn refusal(url: &str) -> String {
    let config = db::config(Target::parse(url).unwrap(), 1);
    tandem::store::migrate(&config).await.map_err(|error| error.report()).expect_err(url)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_over_tls_and_the_login_is_bound_to_it() {
    let Some((cluster, roots)) = encrypted().await else { skip!(Postgres) };
    let admin_url = cluster.url("postgres", "tandem");
    for (mode, single_sync) in [("require", true), ("prefer", true), ("verify-full", true), ("require", false)] {
        let url = url(&cluster, HOST, &format!("sslmode={mode}&sslrootcert={roots}&channel_binding=require"));
        let config = DbConfig { single_sync, ..db::config(Target::parse(&url).unwrap(), 1) };
        db::migrate(&config).await;
        let app = App::on(TestDb::at(config, &admin_url)).await;
        let ann = app.user("ann");
        ann.create("Buy milk").await;
        assert_eq!(ann.tasks().await[0]["title"], "Buy milk");
        let ours =
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'tandem'";
        let is_encrypted: Option<bool> = app.db.superuser().await.query_one(ours, &[]).await.unwrap().get(0);
        assert_eq!(is_encrypted, Some(true), "{mode}, single Sync: {single_sync}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_trusted_or_another_hosts_is_refused() {
    let Some((cluster, roots)) = encrypted().await else { skip!(Postgres) };
    let cases = [
        (HOST, String::new(), "UnknownIssuer"),
        ("other.example.com", format!("&sslrootcert={roots}"), "not valid for name"),
    ];
    for (host, roots, reason) in cases {
        for mode in ["require", "prefer"] {
            let told = refusal(&url(&cluster, host, &format!("sslmode={mode}{roots}"))).await;
            assert!(told.contains(reason), "{host}, {mode}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_used_only_if_it_may_be() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let told = refusal(&format!("{}?sslmode=require", db.url())).await;
    assert!(told.contains("does not support TLS"), "{told}");
    for mode in ["prefer", "disable"] {
        let target = Target::parse(&format!("{}?sslmode={mode}", db.url())).unwrap();
        assert!(db::migrate(&db::config(target, 1)).await.is_empty());
    }
}
