//! A backup, restored into a new cluster as docs/OPERATIONS.md describes it.

use serde_json::Value;
use url::Url;

use crate::{
    skip,
    support::{
        SECRET, TestDb,
        cluster::{Cluster, scratch_dir},
        command::{output, stderr},
        db, http_client,
        instance::Instance,
        token,
    },
};

async fn titles(server: &Instance, user: &str) -> Vec<String> {
    let client = http_client();
    let list = client.get(format!("{}/api/tasks?sort=title", server.url())).bearer_auth(token(user));
    let tasks: Value = list.send().await.unwrap().json().await.unwrap();
    tasks.as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_has_its_tasks_roles_and_walls() {
    let Some(database) = TestDb::on_server().await else { skip!(Postgres) };
    let (Some(old), Some(new)) = (Cluster::shared(), Cluster::private()) else { skip!(Postgres) };
    let name = Url::parse(database.url()).unwrap().path().trim_start_matches('/').to_owned();
    let server = Instance::start(database.url(), &[]).await;
    let client = http_client();
    for (user, title) in [("ann", "first"), ("ann", "second"), ("bob", "other")] {
        let create = client.post(format!("{}/api/tasks", server.url())).bearer_auth(token(user));
        assert_eq!(create.json(&serde_json::json!({ "title": title })).send().await.unwrap().status(), 201);
    }
    drop(server);

    let roles = old.run("pg_dumpall", &["--dbname", &old.url("postgres", "postgres"), "--roles-only"], b"");
    let tables = old.run("pg_dump", &["--format=custom", &old.url("postgres", &name)], b"");
    let admin_url = new.url("postgres", "postgres");
    // The superuser is there already, which is no reason to stop.
    new.run("psql", &["--quiet", "--dbname", &admin_url], &roles);
    let admin = db::connect(&admin_url).await;
    admin.batch_execute("CREATE DATABASE restored OWNER app").await.unwrap();
    new.run("pg_restore", &["--exit-on-error", "--dbname", &new.url("postgres", "restored")], &tables);

    let era = async || -> i32 {
        let admin = db::connect(&new.url("postgres", "restored")).await;
        admin.query_one("SELECT era FROM feed_era", &[]).await.unwrap().get(0)
    };
    let (restored, owner) = (era().await, new.url("app", "restored"));
    let reset = output(
        &scratch_dir(),
        &["feed", "reset", "--yes"],
        &[("DATABASE_URL", &owner), ("BETTER_AUTH_SECRET", SECRET)],
    );
    assert!(reset.status.success(), "{}", stderr(&reset));
    assert_ne!(era().await, restored, "clients of the change feed start over");

    // It proves isolation before it serves.
    let server = Instance::start(&new.url("app", "restored"), &[("MIGRATE_ON_START", "false")]).await;
    assert_eq!(titles(&server, "ann").await, ["first", "second"]);
    assert_eq!(titles(&server, "bob").await, ["other"]);
    let walls = "SELECT relname::text, relrowsecurity AND relforcerowsecurity,
                        (SELECT count(*) FROM pg_policy WHERE polrelid = pg_class.oid)
                 FROM pg_class WHERE relname IN ('tasks', 'idempotency_keys', 'deleted_tasks') ORDER BY relname";
    let of = async |url: &str| -> Vec<(String, bool, i64)> {
        let rows = db::connect(url).await.query(walls, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    };
    let restored = of(&new.url("postgres", "restored")).await;
    assert_eq!(restored, of(&old.url("postgres", &name)).await);
    assert!(restored.len() == 3 && restored.iter().all(|(_, is_forced, policies)| *is_forced && *policies > 0));
}
