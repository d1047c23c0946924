//! The logins that `deploy/compose` creates, on a PostgreSQL outside of a container.

use std::fs;

use serde_json::json;

use crate::{
    skip,
    support::{
        SECRET,
        cluster::{Cluster, scratch_dir},
        command::{output, stderr},
        db, http_client,
        instance::Instance,
        token,
    },
};

/// What PostgreSQL's image does with the script when its volume is empty.
fn make_logins(cluster: &Cluster) {
    for name in ["owner_password", "server_password"] {
        fs::write(cluster.dir.join(name), format!("the {name}")).unwrap();
    }
    let folder = cluster.dir.display().to_string();
    let script = include_str!("../../../deploy/compose/logins.sql").replace("/run/secrets", &folder);
    let url = cluster.url("postgres", "tandem");
    cluster.run("psql", &["--quiet", "--no-psqlrc", "--dbname", &url], script.as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logins_of_the_compose_files_serve_and_can_do_nothing_else() {
    let Some(cluster) = Cluster::private() else { skip!(Postgres) };
    let admin = db::connect(&cluster.url("postgres", "postgres")).await;
    admin.batch_execute("CREATE DATABASE tandem").await.unwrap();
    make_logins(&cluster);
    // As it is after a change of passwords.
    make_logins(&cluster);
    let (serving, owner) = (cluster.url("tandem_server", "tandem"), cluster.url("tandem_owner", "tandem"));
    let env = [
        ("DATABASE_URL", serving.as_str()),
        ("DATABASE_MIGRATION_URL", &owner),
        ("BETTER_AUTH_SECRET", SECRET),
        ("JWT_AUDIENCE", "tandem"),
        ("TRUSTED_PROXIES", "172.18.0.1"),
        ("MIGRATE_ON_START", "false"),
        ("HOST", "0.0.0.0"),
        ("METRICS_LISTEN", "127.0.0.1:9090"),
    ];
    let migrated = output(&scratch_dir(), &["migrate"], &env);
    assert!(migrated.status.success(), "{}", stderr(&migrated));
    let doctor = output(&scratch_dir(), &["doctor"], &env);
    let told = String::from_utf8(doctor.stdout).unwrap();
    assert_eq!(doctor.status.code(), Some(0), "{told}");
    assert!(told.lines().all(|line| line.starts_with("ok ")), "{told}");

    let server = Instance::start(&serving, &[("MIGRATE_ON_START", "false")]).await;
    let client = http_client();
    let create = client.post(format!("{}/api/tasks", server.url())).bearer_auth(token("ann"));
    assert_eq!(create.json(&json!({ "title": "first" })).send().await.unwrap().status(), 201, "{}", server.log());

    let logins = "SELECT rolname || ' ' || rolsuper || ' ' || rolbypassrls || ' ' || (rolpassword LIKE 'SCRAM%')
                  FROM pg_authid WHERE rolname IN ('tandem_owner', 'tandem_server') ORDER BY 1";
    let rows = admin.query(logins, &[]).await.unwrap();
    let logins: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(logins, ["tandem_owner false false true", "tandem_server false false true"]);
    let login = db::connect(&serving).await;
    for statement in ["SELECT 1 FROM tasks", "DELETE FROM tasks", "CREATE TABLE other ()", "CREATE ROLE other"] {
        let refused = login.batch_execute(statement).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "{statement}");
    }
}
