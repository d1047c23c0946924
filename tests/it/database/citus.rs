//! What only a Citus cluster has (`TEST_CITUS_URL`): where rows, policies and grants are, databases that are
//! distributed later, and nodes that fail. Everything else is tested by the tests that run anywhere.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tandem::store::{self, Distribution, WatchedFeed};
use tokio_postgres::Client;

use crate::{
    skip,
    support::{
        App, Call, SECRET, TestDb, User, check_all, citus::behind_network, cluster::scratch_dir, command::output,
        eventually, http_client, instance::Instance, migrations, network::Network, path_of,
    },
};

/// A user whose rows are on the node with this port.
async fn user_on(admin: &Client, port: u16) -> String {
    let query = "
        SELECT id FROM (SELECT 'user-' || i AS id FROM generate_series(1, 100) i) users
        JOIN pg_dist_placement ON shardid = get_shard_id_for_distribution_column('tasks', id)
        JOIN pg_dist_node USING (groupid) WHERE nodeport = $1 LIMIT 1";
    admin.query_one(query, &[&i32::from(port)]).await.unwrap().get(0)
}

/// The single values that a query returns.
async fn values(client: &Client, query: &str) -> Vec<String> {
    let rows = client.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn distribute(db: &TestDb, moves_rows: bool) -> Distribution {
    let done = if moves_rows { store::distribute(&db.config).await } else { store::migrate(&db.config).await };
    done.map_err(|error| error.report()).unwrap().distribution
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_distributed_by_user_and_every_shard_is_walled() {
    let Some(db) = TestDb::on_citus().await else { skip!(Citus) };
    db.spread().nodes.join(&db.spread().name, None).await;
    assert_eq!(distribute(&db, false).await, Distribution::Done);
    assert_eq!(distribute(&db, false).await, Distribution::Present);
    let admin = db.superuser().await;
    let tables = "
        SELECT concat_ws(' ', table_name, citus_table_type, distribution_column) FROM citus_tables ORDER BY table_name::text";
    let expected = [
        "deleted_tasks distributed user_id",
        "feed_era reference <none>",
        "idempotency_keys distributed user_id",
        "tasks distributed user_id",
    ];
    assert_eq!(values(&admin, tables).await, expected);
    let others = "
        SELECT relname::text FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND oid NOT IN (SELECT logicalrelid FROM pg_dist_partition)";
    assert_eq!(values(&admin, others).await, ["__diesel_schema_migrations"]);
    let colocations = "SELECT DISTINCT colocation_id::text FROM citus_tables WHERE citus_table_type = 'distributed'";
    assert_eq!(values(&admin, colocations).await.len(), 1);
    check_all(["tasks", "deleted_tasks", "idempotency_keys"], async |table| {
        let walls = format!(
            "SELECT DISTINCT result FROM run_command_on_shards('{table}', $$
                 SELECT relrowsecurity AND relforcerowsecurity AND has_table_privilege('tandem_api', pg_class.oid, 'SELECT')
                        AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)
                 FROM pg_class WHERE pg_class.oid = '%s'::regclass $$)"
        );
        assert_eq!(values(&admin, &walls).await, ["t"], "{table}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_is_left_alone_until_its_rows_are_to_move() {
    let Some(db) = TestDb::on_citus().await else { skip!(Citus) };
    assert_eq!(distribute(&db, false).await, Distribution::Absent);
    let (config, url) = (db.config.clone(), db.url().to_owned());
    let before = App::on(TestDb::at(config.clone(), &url)).await;
    let ann = before.user("ann");
    let task = ann.post("/api/tasks", json!({ "title": "Kept" })).key("once").await.good();
    ann.delete(path_of(&ann.create("Gone").await)).await.status(204);
    let cursor = ann.get("/api/tasks/changes").await.good()["cursor"].as_str().unwrap().to_owned();

    db.spread().nodes.join(&db.spread().name, None).await;
    let left = distribute(&db, false).await;
    assert_eq!(left, Distribution::Undistributed);
    assert!(left.advice().unwrap().contains("`tandem migrate --distribute`"), "{left:?}");
    let admin = db.superuser().await;
    assert_eq!(values(&admin, "SELECT table_name::text FROM citus_tables").await, Vec::<String>::new());
    assert_eq!(App::on(TestDb::at(config.clone(), &url)).await.user("ann").task_count().await, 1);

    assert_eq!(distribute(&db, true).await, Distribution::Done);
    let after = App::on(TestDb::at(config, &url)).await;
    after.store.prove_isolation().await.map_err(|error| error.report()).unwrap();
    let ann = after.user("ann");
    assert_eq!(ann.tasks().await, json!([task]));
    let again = ann.post("/api/tasks", json!({ "title": "Kept" })).key("once").await;
    assert!(again.is_replay() && again.good() == task);
    let changes = ann.get(format!("/api/tasks/changes?cursor={cursor}")).await.good();
    assert_eq!((&changes["changes"], &changes["reset"]), (&json!([]), &json!(false)));
    let on_coordinator =
        "SELECT count(*)::text FROM ONLY pg_class WHERE relname = 'tasks' AND pg_relation_size(oid) > 0";
    assert_eq!(values(&admin, on_coordinator).await, ["0"]);
}

/// Migrations of later releases meet distributed tables, for which Citus allows less in one transaction.
#[tokio::test(flavor = "multi_thread")]
async fn migrations_can_be_taken_back_from_distributed_tables_and_applied_again() {
    let Some(app) = App::on_server().await.filter(|app| app.db.is_spread()) else { skip!(Citus) };
    let ann = app.user("ann");
    let task = ann.create("Kept").await;
    let reverts = migrations::reverts();
    let one_by_one = "SET LOCAL citus.multi_shard_modify_mode = 'sequential'";
    let admin = app.db.superuser().await;
    for revert in &reverts {
        admin.batch_execute(&format!("BEGIN; {one_by_one}; {revert}; COMMIT")).await.unwrap();
    }
    let migrated = store::migrate(&app.db.config).await.map_err(|error| error.report()).unwrap();
    assert_eq!((migrated.versions.len(), migrated.distribution), (reverts.len(), Distribution::Present));
    app.store.prove_isolation().await.map_err(|error| error.report()).unwrap();
    assert_eq!(ann.tasks().await, json!([task]));
    ann.delete(path_of(&task)).await.status(204);

    let reverted = store::revert(&app.db.config).await.map_err(|error| error.report()).unwrap();
    let migrated = store::migrate(&app.db.config).await.map_err(|error| error.report()).unwrap();
    assert_eq!((migrated.versions.len(), migrated.distribution), (reverted.len(), Distribution::Done));
    app.store.prove_isolation().await.map_err(|error| error.report()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proof_fails_when_a_single_shard_is_not_walled() {
    let cases = [
        ("ALTER TABLE {shard} NO FORCE ROW LEVEL SECURITY", "row-level security is not forced on the shard tasks_"),
        ("ALTER TABLE {shard} DISABLE ROW LEVEL SECURITY", "row-level security is not forced on the shard tasks_"),
        ("DROP POLICY tasks_of_current_user ON {shard}", "the shards of tasks differ in their policies"),
        ("ALTER POLICY tasks_of_current_user ON {shard} USING (true)", "the shards of tasks differ in their policies"),
    ];
    let Some(app) = App::on_server().await.filter(|app| app.db.is_spread()) else { skip!(Citus) };
    let spread = app.db.spread();
    let worker = spread.nodes.superuser(1, &spread.name).await;
    let shard = "SELECT shard_name('tasks', min(shardid)) FROM pg_dist_shard
                 JOIN pg_dist_placement USING (shardid) JOIN pg_dist_local_group USING (groupid)
                 WHERE logicalrelid = 'tasks'::regclass";
    let shard = values(&worker, shard).await.remove(0);
    app.store.prove_isolation().await.map_err(|error| error.report()).unwrap();
    check_all(cases, async |(breach, flaw)| {
        worker.batch_execute("BEGIN; SET LOCAL citus.enable_manual_changes_to_shards = on").await.unwrap();
        worker.batch_execute(&breach.replace("{shard}", &shard)).await.unwrap();
        worker.batch_execute("COMMIT").await.unwrap();
        let report = app.store.prove_isolation().await.unwrap_err().report();
        assert!(report.contains(flaw), "{breach}: {report}");
        for repair in [
            "ALTER TABLE {shard} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            "DROP POLICY IF EXISTS tasks_of_current_user ON {shard}",
            "CREATE POLICY tasks_of_current_user ON {shard} USING (user_id = nullif(current_setting('app.user_id', true), ''))
                 WITH CHECK (user_id = nullif(current_setting('app.user_id', true), ''))",
        ] {
            worker.batch_execute(&repair.replace("{shard}", &shard)).await.unwrap();
        }
        app.store.prove_isolation().await.map_err(|error| error.report()).unwrap();
    })
    .await;
}

/// How a node can be away.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Its process has ended: connections are closed and refused.
    Stopped,
    /// Its machine has: nothing answers.
    Lost,
}

impl Fault {
    fn begin(self, network: &Network) {
        match self {
            Self::Stopped => network.cut(true),
            Self::Lost => {
                network.swallow(true);
                network.forget_connections();
            }
        }
    }

    fn end(network: &Network) {
        network.cut(false);
        network.swallow(false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_users_of_a_node_that_is_away_are_refused() {
    let Some((mut db, network)) = behind_network().await else { skip!(Citus) };
    db.config.statement_timeout = Duration::from_secs(2);
    let app = App::on(db).await;
    let (admin, nodes) = (app.db.superuser().await, &app.db.spread().nodes);
    let (here, away) = (user_on(&admin, nodes.worker(2)).await, user_on(&admin, network.port).await);
    let (ann, bob) = (app.user(&here), app.user(&away));
    let task = bob.create("Bob's").await;
    ann.create("Ann's").await;
    let create = r#"mutation { createTask(input: { title: "New" }) { id } }"#;
    for fault in [Fault::Stopped, Fault::Lost] {
        fault.begin(&network);
        // Twice: a connection between the nodes that has just broken is another case than one that can't be made.
        for _ in 0..2 {
            for answer in [
                bob.get("/api/tasks").await,
                bob.post("/api/tasks", json!({ "title": "New" })).await,
                bob.put(path_of(&task), json!({ "title": "New" })).await,
                bob.delete(path_of(&task)).await,
                bob.graphql("{ tasks { id } }").await,
                bob.graphql("{ me { taskCounts { all } } }").await,
            ] {
                answer.refused(503, "SERVICE_UNAVAILABLE");
                assert!(!answer.header("retry-after").is_empty(), "{fault:?}: {answer}");
            }
            let refused = bob.graphql(create).await;
            assert_eq!((refused.code(), refused.header("retry-after")), ("SERVICE_UNAVAILABLE", "1"), "{fault:?}");
            every_write(&ann).await;
        }
        let asked = [&here, &away].map(|user| WatchedFeed { user: Arc::from(user.as_str()), head: None });
        let heads = app.store.moved_heads(&asked).await.map_err(|error| error.report()).unwrap();
        assert_eq!(heads.iter().map(|(user, _)| &**user).collect::<Vec<_>>(), [&here], "{fault:?}");
        Fault::end(&network);
        eventually("the node is used again", async || bob.get("/api/tasks").await.status.is_success()).await;
        assert_eq!(bob.tasks().await, json!([task]));
    }
}

/// Each kind of write, with a key and without.
async fn every_write(user: &User) {
    let create = |title: &str| user.post("/api/tasks", json!({ "title": title }));
    let key = || uuid::Uuid::new_v4().to_string();
    for is_keyed in [false, true] {
        let send = async |request: Call| {
            if is_keyed { request.key(&key()).await } else { request.await }
        };
        let task = path_of(&send(create("More")).await.good());
        send(user.put(&task, json!({ "title": "Changed" }))).await.good();
        send(user.call("PATCH", format!("{task}/complete"))).await.good();
        send(user.delete(&task)).await.status(204);
        send(user.call("POST", format!("{task}/restore"))).await.good();
        send(user.delete(&task)).await.status(204);
        send(user.delete(task.replace("/tasks/", "/tasks/trash/"))).await.status(204);
        let many = json!({ "create": [{ "title": "One" }, { "title": "Two" }, { "title": "Three" }] });
        let created = send(user.post("/api/tasks/bulk", many)).await.good();
        let ids: Vec<_> = created["tasks"].as_array().unwrap().iter().map(|task| task["id"].clone()).collect();
        send(user.post("/api/tasks/bulk", json!({ "complete": ids[..2] }))).await.good();
        send(user.post("/api/tasks/bulk", json!({ "delete": ids[..1] }))).await.good();
        send(user.post("/api/tasks/restore", json!({ "ids": ids }))).await.good();
        let [x, y] = std::array::from_fn(|_| uuid::Uuid::now_v7());
        let state = |id, title: &str| json!({ "id": id, "title": title });
        send(user.post("/api/tasks", state(x, "a"))).await.good();
        let changes = json!([
            { "task": state(y, "a") },
            { "task": state(x, "b"), "base": state(x, "a") },
            { "task": state(y, "b"), "base": state(y, "a") },
            { "task": { "id": x, "deleted": true }, "base": state(x, "b") },
        ]);
        let pushed = send(user.post("/api/tasks/push", json!({ "changes": changes }))).await.good();
        assert_eq!(pushed, json!({ "conflicts": [], "refused": [] }));
        for document in [
            "mutation { completeAll { count } }",
            "mutation { clearCompleted { count } }",
            "mutation { emptyTrash { count } }",
        ] {
            send(user.graphql(document)).await.data();
        }
    }
}

/// If the second phase fails, Citus answers success, and the change shows up to a minute later.
#[tokio::test(flavor = "multi_thread")]
async fn no_write_of_a_user_is_committed_in_two_phases() {
    let Some(app) = App::on_server().await.filter(|app| app.db.is_spread()) else { skip!(Citus) };
    let admin = app.db.superuser().await;
    // What is committed in two phases has a record, which is kept until Citus looks after it, once a minute.
    let prepared = async || values(&admin, "SELECT gid FROM pg_dist_transaction").await;
    let before = prepared().await;
    every_write(&app.user("ann")).await;
    let after = prepared().await;
    assert!(after.iter().all(|gid| before.contains(gid)), "{after:?}");
    // As it would be seen.
    admin.batch_execute("UPDATE tasks SET completed = true").await.unwrap();
    assert_ne!(prepared().await, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stays_ready_without_a_node_and_says_so_once() {
    let Some((mut db, network)) = behind_network().await else { skip!(Citus) };
    db.config.statement_timeout = Duration::from_secs(5);
    let app = App::on(db).await;
    let settings = [("METRICS_LISTEN", "127.0.0.1:0"), ("RUST_LOG", "info")];
    let server = Instance::start(app.db.url(), &settings).await;
    let client = http_client();
    let until = async |status: &str, nodes_away: u8| {
        eventually("readiness and the metric agree", async || {
            let ready = client.get(format!("{}/readyz", server.url())).send().await.unwrap();
            assert_eq!(ready.status(), 200, "{}", server.log());
            let is_told = ready.text().await.unwrap().contains(&format!("\"status\":\"{status}\""));
            is_told && server.metrics().await.contains(&format!("tandem_db_nodes_away {nodes_away}\n"))
        })
        .await;
    };
    until("ok", 0).await;
    Fault::Stopped.begin(&network);
    until("degraded", 1).await;
    let env = [("DATABASE_URL", app.db.url()), ("BETTER_AUTH_SECRET", SECRET)];
    let told = String::from_utf8(output(&scratch_dir(), &["doctor"], &env).stdout).unwrap();
    let verdict = format!("warn  isolation: proved, except for nodes that don't respond: 127.0.0.1:{}: ", network.port);
    assert!(told.contains(&verdict), "{told}");
    for verdict in ["ok    nodes: 127.0.0.1:", "ok    nodes' logins: ", "ok    two-phase commits: "] {
        assert!(told.contains(verdict), "{verdict}: {told}");
    }
    Fault::end(&network);
    until("ok", 0).await;
    let log = server.log();
    assert_eq!(log.matches("nodes of the database don't answer").count(), 1, "{log}");
    assert_eq!(log.matches("all nodes of the database answer again").count(), 1, "{log}");
}
