//! Migrations, and what is generated from them.

use std::process::Command;

use futures::future::join_all;
use tandem::store;
use tokio_postgres::Client;

use crate::{
    skip,
    support::{TestDb, cluster::Cluster, db},
};

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_up_down_and_up_again() {
    let Some(empty) = TestDb::empty().await else { skip!(Postgres) };
    let client = empty.client().await;
    let before = everything(&client).await;
    let up = db::migrate(&empty.config).await;
    assert!(!up.is_empty() && everything(&client).await.len() > before.len());
    assert_eq!(db::migrate(&empty.config).await, Vec::<String>::new());
    let mut down = store::revert(&empty.config).await.map_err(|error| error.report()).unwrap();
    down.reverse();
    assert_eq!(down, up);
    assert_eq!(everything(&client).await, before);
    assert_eq!(db::migrate(&empty.config).await, up);
}

/// What is in the schema and who may use it, but for diesel's table.
async fn everything(client: &Client) -> Vec<String> {
    let query = "
        SELECT relname::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '\\_\\_diesel%'
        UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'd'
        UNION ALL SELECT unnest(nspacl)::text FROM pg_namespace WHERE nspname = 'public'
        ORDER BY 1";
    client.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_before_the_first_release_is_refused_and_one_of_a_newer_release_is_not() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let admin = db.superuser().await;
    let of_newer = "INSERT INTO __diesel_schema_migrations VALUES ('99991231000000')";
    admin.batch_execute(of_newer).await.unwrap();
    assert_eq!(db::migrate(&db.config).await, Vec::<String>::new());
    assert_eq!(store::pending(&db.config).await.map_err(|error| error.report()).unwrap(), Ok(Vec::new()));

    let of_older =
        "TRUNCATE __diesel_schema_migrations; INSERT INTO __diesel_schema_migrations VALUES ('20261121000000')";
    admin.batch_execute(of_older).await.unwrap();
    let before = everything(&admin).await;
    for refused in [
        store::migrate(&db.config).await.map(|_| ()),
        store::distribute(&db.config).await.map(|_| ()),
        store::revert(&db.config).await.map(|_| ()),
    ] {
        let report = refused.map_err(|error| error.report()).unwrap_err();
        assert!(report.contains("before the first release") && report.contains("Start with an empty"), "{report}");
    }
    assert_eq!(everything(&admin).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_start_at_once_migrate_once() {
    let Some(empty) = TestDb::empty().await else { skip!(Postgres) };
    let tasks = (0..8).map(|_| {
        let config = empty.config.clone();
        tokio::spawn(async move { db::migrate(&config).await })
    });
    let applied: usize = join_all(tasks).await.into_iter().map(|done| done.unwrap().len()).sum();
    let recorded: i64 =
        empty.client().await.query_one("SELECT count(*) FROM __diesel_schema_migrations", &[]).await.unwrap().get(0);
    assert_eq!(i64::try_from(applied).unwrap(), recorded);
}

/// The role belongs to the cluster, so this needs a new one.
#[tokio::test(flavor = "multi_thread")]
async fn databases_of_one_cluster_migrate_at_the_same_time() {
    let Some(cluster) = Cluster::private() else { skip!(Postgres) };
    let admin = db::connect(&cluster.url("postgres", "postgres")).await;
    admin.batch_execute("CREATE ROLE app LOGIN CREATEROLE").await.unwrap();
    let mut configs = Vec::new();
    for number in 0..6 {
        let name = format!("d{number}");
        admin.batch_execute(&format!("CREATE DATABASE {name} OWNER app")).await.unwrap();
        configs.push(db::config(store::Target::parse(&cluster.url("app", &name)).unwrap(), 1));
    }
    let tasks = configs.into_iter().map(|config| {
        tokio::spawn(async move {
            db::migrate(&config).await;
            let db = store::Db::open(&config).await.map_err(|error| error.report()).unwrap();
            db.prove_isolation().await.map_err(|error| error.report()).unwrap();
        })
    });
    for done in join_all(tasks).await {
        done.unwrap();
    }
}

#[tokio::test]
async fn the_database_itself_refuses_what_breaks_a_limit() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let admin = db.superuser().await;
    let task = |columns: &str, values: &str| {
        format!("INSERT INTO tasks (user_id, id, {columns}) VALUES ('ann', gen_random_uuid(), {values})")
    };
    let key = |key: &str| {
        format!("INSERT INTO idempotency_keys (user_id, key, part, fingerprint) VALUES ('ann', {key}, 0, '')")
    };
    let outcome = |size: usize| format!("UPDATE idempotency_keys SET outcome = to_jsonb(repeat('x', {size}))");
    for largest in [
        task("title, description", "repeat('ä', 200), repeat('ä', 1000)"),
        key("repeat('x', 255)"),
        outcome(1024 * 1024 - 100),
    ] {
        admin.batch_execute(&largest).await.unwrap();
    }
    for (statement, constraint) in [
        (task("title", "''"), "task_title_length"),
        (task("title", "repeat('x', 201)"), "task_title_length"),
        (task("title, description", "'x', repeat('x', 1001)"), "task_description_length"),
        (task("title, version", "'x', 0"), "task_version_positive"),
        ("UPDATE tasks SET title = ''".to_owned(), "task_title_length"),
        ("INSERT INTO deleted_tasks VALUES ('ann', now(), gen_random_uuid(), 0)".to_owned(), "task_version_positive"),
        (key("''"), "idempotency_key_length"),
        (key("repeat('x', 256)"), "idempotency_key_length"),
        (outcome(1024 * 1024), "idempotency_outcome_size"),
    ] {
        let refused = admin.batch_execute(&statement).await.unwrap_err();
        assert_eq!(refused.as_db_error().unwrap().constraint(), Some(constraint), "{statement}");
    }
}

/// No user has an empty id, whatever the table's owner writes.
#[tokio::test]
async fn rows_without_a_user_are_visible_to_nobody() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let admin = db.superuser().await;
    admin.batch_execute("INSERT INTO tasks (user_id, id, title) VALUES ('', gen_random_uuid(), 'x')").await.unwrap();
    let client = db.client().await;
    for speaker in ["", "ann"] {
        client.batch_execute("BEGIN; SET LOCAL ROLE tandem_api").await.unwrap();
        client.execute("SELECT tandem_speak_for($1)", &[&speaker]).await.unwrap();
        assert_eq!(client.query("SELECT id FROM tasks", &[]).await.unwrap().len(), 0, "{speaker:?}");
        let insert = "INSERT INTO tasks (user_id, id, title) VALUES ('', gen_random_uuid(), 'x')";
        assert_eq!(client.execute(insert, &[]).await.unwrap_err().code().unwrap().code(), "42501", "{speaker:?}");
        client.batch_execute("ROLLBACK").await.unwrap();
    }
}

#[tokio::test]
async fn the_generated_table_definitions_are_in_step_with_the_migrations() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let print = Command::new("diesel").args(["print-schema", "--database-url", db.url()]).output();
    let Ok(printed) = print else { skip!(DieselCli) };
    let printed = String::from_utf8(printed.stdout).unwrap();
    let refresh = "refresh it: diesel migration run (with DATABASE_URL), which writes src/store/sql/schema.rs";
    assert_eq!(include_str!("../../../src/store/sql/schema.rs"), printed, "{refresh}");
}

#[test]
fn the_schema_file_is_in_step_with_the_code() {
    let refresh = "refresh it: cargo run -- schema > schema.graphql";
    assert_eq!(include_str!("../../../schema.graphql"), tandem::graphql::sdl(), "{refresh}");
}
