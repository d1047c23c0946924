//! Databases that fail over, and networks that fail silently.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::{Value, json};
use tandem::store::{DbConfig, Target};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::{
    skip,
    support::{
        App, Lock, TestDb, cluster::Cluster, db, eventually, id_of, lock::blocked, network::Network, path_of,
        proxy::Proxy,
    },
};

/// How long writes may fail after a standby was promoted.
const RECOVERY: Duration = Duration::from_secs(5);
/// How many responses show that nearly all writers have got this far.
const SOME: usize = 16;

/// Settings with short limits.
fn impatient(config: &DbConfig, url: &str) -> DbConfig {
    DbConfig {
        target: Target::parse(url).unwrap(),
        checkout_timeout: Duration::from_secs(2),
        statement_timeout: Duration::from_secs(1),
        ..config.clone()
    }
}

/// Whether the server has logged this about the database of a connection.
async fn has_logged(admin: &Client, message: &str) -> bool {
    let database: String = admin.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
    let log = Cluster::shared().map(Cluster::log).unwrap_or_default();
    log.lines().any(|line| line.contains(&format!("[{database}]")) && line.contains(message))
}

async fn behind_a_network(pool_size: u32) -> Option<(App, Network)> {
    let mut db = TestDb::on_server().await?;
    let network = Network::to(url::Url::parse(db.url()).unwrap().port().unwrap_or(5432)).await;
    let url = format!("{}?connect_timeout=1", network.url(db.url()));
    db.config = DbConfig { pool_size, ..impatient(&db.config, &url) };
    Some((App::on(db).await, network))
}

#[tokio::test]
async fn a_connection_attempt_that_hangs_after_tcp_frees_its_slot_in_the_pool() {
    let Some((app, network)) = behind_a_network(1).await else { skip!(Postgres) };
    let ann = app.user("ann");
    network.swallow(true);
    assert_eq!(ann.get("/api/tasks").await.status, 503);
    network.swallow(false);
    let answers = join_all((0..3).map(|_| ann.get("/api/tasks").send())).await;
    assert_eq!(answers.iter().map(|answer| answer.status.as_u16()).collect::<Vec<_>>(), [200; 3]);
}

#[tokio::test]
async fn a_read_on_a_connection_that_the_network_forgot_is_answered_from_a_new_one() {
    let Some((app, network)) = behind_a_network(4).await else { skip!(Postgres) };
    let ann = app.user("ann");
    join_all((0..4).map(|index| ann.create(["a", "b", "c", "d"][index]))).await;
    network.forget_connections();
    for _ in 0..8 {
        let answer = ann.get("/api/tasks").await;
        assert_eq!((answer.status.as_u16(), answer.json.as_array().map(Vec::len)), (200, Some(4)), "{}", answer.text);
    }
    assert_eq!(ann.post("/api/tasks", json!({ "title": "e" })).await.status, 201);
}

#[tokio::test]
async fn a_write_that_lost_a_deadlock_is_retried_once() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let admin = db.superuser().await;
    // The first one to check for a deadlock is its victim: the server's backend is to check first, the test's later.
    let slow =
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 3000', current_database()); END $$";
    admin.batch_execute(slow).await.unwrap();
    admin.batch_execute("SET deadlock_timeout = '1min'").await.unwrap();
    let app = App::on(db).await;
    let ann = app.user("ann");
    let (a, b) = (ann.create("a").await, ann.create("b").await);
    let update =
        |task: &Value| format!("UPDATE tasks SET title = 'locked' WHERE id = '{}'", task["id"].as_str().unwrap());
    admin.batch_execute(&format!("BEGIN; {}", update(&b))).await.unwrap();
    let ids = json!({ "ids": [a["id"], b["id"]] });
    let complete = ann.graphql("mutation($ids: [ID!]!) { completeTasks(ids: $ids) { count } }").variables(ids);
    // It waits for b and has locked a.
    let other = async {
        eventually("it waits", async || blocked(&admin).await == 1).await;
        admin.batch_execute(&format!("{}; COMMIT", update(&a))).await.unwrap();
    };
    let (answer, ()) = tokio::join!(complete, other);
    assert_eq!(answer.data()["completeTasks"]["count"], 2);
    for task in ann.tasks().await.as_array().unwrap() {
        assert_eq!((&task["title"], &task["completed"]), (&json!("locked"), &json!(true)));
    }
}

#[tokio::test]
async fn a_cancel_request_that_hangs_times_out() {
    let Some((app, network)) = behind_a_network(1).await else { skip!(Postgres) };
    let ann = app.user("ann");
    ann.create("a").await;
    let lock = Lock::table(&app.db).await;
    network.swallow(true);
    tokio::select! {
        answer = ann.get("/api/tasks").send() => panic!("{answer}"),
        () = lock.blocks(1) => {}
    }
    eventually("a request to cancel hangs", async || network.swallowed() == 1).await;
    eventually("it is given up", async || network.swallowed() == 0).await;
    lock.release().await;
    network.swallow(false);
    assert_eq!(ann.get("/api/tasks").await.status, 200);
}

/// Makes the first inserts of tasks fail as they do when transactions conflict on a server whose messages are
/// in German.
async fn fail_inserts(admin: &Client, count: u32, sqlstate: &str) {
    let detail = "Prozess 1 wartet auf ShareLock-Sperre auf Transaktion 2; blockiert von Prozess 3.\n\
                  Prozess 3 wartet auf ShareLock-Sperre auf Transaktion 4; blockiert von Prozess 1.";
    let fail = format!(
        "DROP SEQUENCE IF EXISTS attempts;
         CREATE SEQUENCE attempts;
         CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
             IF nextval('attempts') <= {count} THEN
                 RAISE EXCEPTION USING ERRCODE = '{sqlstate}', MESSAGE = 'Verklemmung entdeckt', DETAIL = '{detail}';
             END IF;
             RETURN NEW;
         END $$;
         CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION fail()"
    );
    admin.batch_execute(&fail).await.unwrap();
}

#[tokio::test]
async fn a_write_that_met_another_transaction_is_retried_once_and_then_refused_in_any_language() {
    for prepared_statements in [true, false] {
        let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
        db.config.prepared_statements = prepared_statements;
        let app = App::on(db).await;
        let (ann, admin) = (app.user("ann"), app.db.superuser().await);
        for (sqlstate, failures, status) in [("40001", 1, 201), ("40001", 2, 503), ("40P01", 1, 201), ("40P01", 2, 503)]
        {
            fail_inserts(&admin, failures, sqlstate).await;
            let answer = ann.post("/api/tasks", json!({ "title": "x" })).await;
            assert_eq!(answer.status, status, "{sqlstate}: {answer}");
            let attempts = admin.query_one("SELECT last_value FROM attempts", &[]).await.unwrap();
            assert_eq!(attempts.get::<_, i64>(0), 2, "{sqlstate}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_changes_of_one_user_do_not_fail_each_other() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let mut ids = Vec::new();
    for _ in 0..5 {
        let inputs = json!({ "inputs": vec![json!({ "title": "x" }); 100] });
        let create = "mutation($inputs: [CreateTaskInput!]!) { createTasks(inputs: $inputs) { id } }";
        let created = ann.graphql(create).variables(inputs).await.data()["createTasks"].clone();
        ids.extend(created.as_array().unwrap().iter().map(|task| task["id"].clone()));
    }
    ids.reverse();
    for _ in 0..20 {
        let complete = ids.chunks(100).map(|ids| {
            ann.graphql("mutation($ids: [ID!]!) { completeTasks(ids: $ids) { count } }")
                .variables(json!({ "ids": ids }))
                .send()
        });
        let all = ann.graphql("mutation { completeAll { count } }");
        let (some, all) = tokio::join!(join_all(complete), all);
        for answer in some.iter().chain([&all]) {
            answer.data();
        }
        let reset = "UPDATE tasks SET completed = false, version = version + 1";
        app.db.superuser().await.batch_execute(reset).await.unwrap();
    }
    // Nor any that a retry got over.
    assert!(!has_logged(&app.db.superuser().await, "deadlock detected").await);
}

#[tokio::test]
async fn statements_time_out_where_startup_options_have_no_effect() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    // Options in the URL win over ours, as a pooler's own settings do.
    let url = format!("{}?options=-c%20statement_timeout%3D0", db.url());
    db.config = DbConfig { statement_timeout: Duration::from_millis(300), ..impatient(&db.config, &url) };
    let app = App::on(db).await;
    let ann = app.user("ann");
    ann.create("a").await;
    let lock = Lock::table(&app.db).await;
    assert_eq!(ann.get("/api/tasks").await.status, 503);
    // By PostgreSQL itself: our own cancel request would come later, and be logged as such.
    assert!(has_logged(&app.db.superuser().await, "canceling statement due to statement timeout").await);
    assert_eq!(lock.blocked().await, 0);
    lock.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_named_after_the_login_is_found_after_the_switch_of_role() {
    let Some(db) = TestDb::empty().await else { skip!(Postgres) };
    let login = url::Url::parse(db.url()).unwrap().username().to_owned();
    let schema = format!("CREATE SCHEMA AUTHORIZATION \"{login}\"");
    db.superuser().await.batch_execute(&schema).await.unwrap();
    db::migrate(&db.config).await;
    let app = App::on(db).await;
    let ann = app.user("ann");
    app.store.prove_isolation().await.map_err(|error| error.report()).unwrap();
    let task = ann.create("Found").await;
    assert_eq!(ann.get(path_of(&task)).await.json["title"], "Found");
}

#[tokio::test]
async fn statements_after_a_failed_begin_read_and_change_nothing() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    let proxy = Proxy::before(db.url()).await;
    db.config.target = Target::parse(&proxy.url).unwrap();
    let app = App::on(db).await;
    let ann = app.user("ann");
    let (mine, gone) = (ann.create("Mine").await, ann.create("Gone").await);
    proxy.hold(0);
    ann.post("/api/tasks", json!({ "title": "x" })).await;
    ann.get("/api/tasks").await;
    ann.put(path_of(&mine), json!({ "title": "x" })).await;
    ann.toggle(&mine).await;
    ann.delete(path_of(&gone)).await;
    ann.get("/api/tasks/trash?count=true").await;
    ann.call("POST", format!("{}/restore", path_of(&gone))).if_match("\"9\"").await;
    for change in [
        r#"createTasks(inputs: [{ title: "x" }]) { id }"#,
        r#"completeTasks(ids: ["$ID"]) { count }"#,
        "completeAll { count }",
        "clearCompleted { count }",
        r#"deleteTasks(ids: ["$ID"]) { count }"#,
        r#"purgeTask(id: "$ID") { id }"#,
        "emptyTrash { count }",
    ] {
        let change = change.replace("$ID", id_of(&mine));
        ann.graphql(format!("mutation {{ {change} }}")).await;
    }
    let statements: BTreeSet<_> = proxy.seen().statements.into_iter().filter(|sql| sql.contains("tasks")).collect();
    assert!(statements.len() >= 10, "{statements:?}");
    let (kept, trashed) = (ann.create("Untouched").await, ann.create("Ann's in the trash").await);
    ann.delete(path_of(&trashed)).await.status(204);
    let admin = app.db.superuser().await;
    let all =
        "SELECT (SELECT array_agg(tasks::text ORDER BY id)::text FROM tasks) || array_agg(d::text ORDER BY id)::text
               FROM deleted_tasks d";
    let before: String = admin.query_one(all, &[]).await.unwrap().get(0);
    for (sql, task) in statements.iter().flat_map(|sql| [(sql, &kept), (sql, &trashed)]) {
        // Each on its own and as a superuser, whom row-level security doesn't hold.
        let sql = with_array_types(sql);
        let types = admin.prepare(&sql).await.unwrap().params().to_vec();
        let values: Vec<_> = types.iter().map(|param| value(param.name(), id_of(task))).collect();
        admin.batch_execute(&format!("DEALLOCATE ALL; PREPARE alone AS {sql}")).await.unwrap();
        let rows = admin.simple_query(&format!("EXECUTE alone ({})", values.join(", "))).await.unwrap_or_default();
        // A count is no row.
        let has_row = |row: &SimpleQueryMessage| matches!(row, SimpleQueryMessage::Row(row) if row.get(0) != Some("0"));
        assert!(!rows.iter().any(has_row), "{sql}");
        assert_eq!(admin.query_one(all, &[]).await.unwrap().get::<_, String>(0), before, "{sql}");
    }
}

/// Says what the server can't infer. Our own statements are prepared with their types.
fn with_array_types(sql: &str) -> String {
    let types =
        ["uuid", "text", "text", "bool", "smallint", "date", "time", "text", "timestamptz", "text", "text", "interval"];
    let cast = (2..).zip(types).fold(sql.to_owned(), |sql, (n, name)| {
        sql.replace(&format!("unnest(${n})"), &format!("unnest(${n}::{name}[])"))
    });
    let cast = cast.replace("THEN $2 END", "THEN $2::uuid END");
    (1..30).fold(cast, |sql, n| sql.replace(&format!("cardinality(${n})"), &format!("cardinality(${n}::uuid[])")))
}

/// A harmful value of this type.
fn value(name: &str, id: &str) -> String {
    match name {
        "uuid" => format!("'{id}'"),
        "_uuid" => format!("'{{{id}}}'"),
        "_text" => "'{ann}'".to_owned(),
        "_bool" => "'{true}'".to_owned(),
        "_int2" => "'{1}'".to_owned(),
        "_date" | "_timestamptz" => "'{2026-01-01}'".to_owned(),
        "_time" => "'{09:00}'".to_owned(),
        "_interval" => "'{0}'".to_owned(),
        "date" | "timestamptz" => "'2026-01-01'".to_owned(),
        "time" => "'09:00'".to_owned(),
        "interval" => "'1 day'".to_owned(),
        "bool" => "true".to_owned(),
        "int8" | "int2" => "1".to_owned(),
        _ => "'ann'".to_owned(),
    }
}

/// A primary, a standby that confirms its commits, and the network that leads to one of them.
struct Pair {
    primary: Cluster,
    standby: Cluster,
    network: Network,
    url: String,
}

impl Pair {
    async fn start() -> Option<Self> {
        let primary = Cluster::private()?;
        let standby = primary.standby();
        let admin = db::connect(&primary.url("postgres", "postgres")).await;
        for setting in ["synchronous_standby_names = '*'", "synchronous_commit = on"] {
            admin.batch_execute(&format!("ALTER SYSTEM SET {setting}")).await.unwrap();
        }
        admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        let synced = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while admin.query_one(synced, &[]).await.unwrap().get::<_, i64>(0) == 0 {}
        let network = Network::to(primary.port).await;
        let url = network.url(&primary.url("postgres", "postgres"));
        Some(Self { primary, standby, network, url })
    }

    async fn app(&self, attributes: &str) -> App {
        let url = format!("{}?{attributes}", self.url);
        let config = impatient(&db::config(Target::parse(&url).unwrap(), 8), &url);
        db::migrate(&config).await;
        App::on(TestDb::at(config, &url)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_write_that_meets_a_standby_drops_all_connections_to_it() {
    let Some(pair) = Pair::start().await else { skip!(Postgres) };
    let app = pair.app("target_session_attrs=any").await;
    let ann = app.user("ann");
    pair.network.lead_to(pair.standby.port);
    let lists = join_all((0..8).map(|_| ann.get("/api/tasks").send())).await;
    assert!(lists.iter().all(|list| list.status == 200), "a standby can be read");
    assert_eq!(ann.post("/api/tasks", json!({ "title": "x" })).await.status, 503);
    join_all((0..8).map(|_| ann.get("/api/tasks").send())).await;
    pair.network.lead_to(pair.primary.port);
    assert_eq!(ann.post("/api/tasks", json!({ "title": "x" })).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_resume_on_the_promoted_standby_and_no_acknowledged_one_is_lost() {
    let Some(pair) = Pair::start().await else { skip!(Postgres) };
    // The second one also connects to a server that only reads, and meets a BEGIN that fails.
    let apps = [pair.app("").await, pair.app("target_session_attrs=any").await];
    let promoted = std::sync::OnceLock::new();
    let (written, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let reaches = |count: &AtomicUsize, goal| count.load(Ordering::Relaxed) >= goal;
    let fail_over = async {
        eventually("writes reach the primary", async || reaches(&written, SOME)).await;
        tokio::task::block_in_place(|| pair.primary.crash());
        pair.network.lead_to(pair.standby.port);
        eventually("writes meet the standby", async || reaches(&refused, SOME)).await;
        tokio::task::block_in_place(|| pair.standby.promote());
        promoted.set(Instant::now()).unwrap();
    };
    let writers = apps.iter().flat_map(|app| (0..4).map(move |writer| (app, writer))).map(async |(app, writer)| {
        let (mut acknowledged, mut resumed) = (Vec::new(), None);
        for count in 0.. {
            if resumed.is_some() {
                break;
            }
            assert!(promoted.get().is_none_or(|at| at.elapsed() < RECOVERY), "no write since the promotion");
            let title = format!("{writer} {count} {app:p}");
            let was_promoted = promoted.get().is_some();
            let answer = app.user("ann").post("/api/tasks", json!({ "title": title })).await;
            match answer.status.as_u16() {
                201 => {
                    acknowledged.push(title);
                    written.fetch_add(1, Ordering::Relaxed);
                }
                503 => {
                    refused.fetch_add(1, Ordering::Relaxed);
                }
                status => panic!("{status}: {}", answer.text),
            }
            if was_promoted && answer.status == 201 {
                resumed = promoted.get().map(Instant::elapsed);
            }
        }
        (acknowledged, resumed.unwrap())
    });
    let (writers, ()) = tokio::join!(join_all(writers), fail_over);
    let admin = db::connect(&pair.standby.url("postgres", "postgres")).await;
    for (acknowledged, resumed) in writers {
        println!("writes resumed {resumed:?} after the promotion, {} acknowledged", acknowledged.len());
        for title in acknowledged {
            let stored = admin.query_one("SELECT count(*) FROM tasks WHERE title = $1", &[&title]).await.unwrap();
            assert_eq!(stored.get::<_, i64>(0), 1, "{title}");
        }
    }
}
