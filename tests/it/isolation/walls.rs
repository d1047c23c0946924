//! Two independent walls between users: the queries' own condition and row-level security. Each is removed in turn.

use std::time::Duration;

use serde_json::json;
use tandem::store;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::{
    skip,
    support::{Answer, App, TestDb, check_all, cluster::Cluster, db, path_of},
};

/// A server where ann has one task and bob another.
async fn app() -> Option<App> {
    let app = App::on_server().await?;
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    ann.create("Ann's").await;
    bob.create("Bob's").await;
    Some(app)
}

/// Acts as the API role, for a user or for nobody, until the end of the transaction.
async fn act_as(client: &Client, user: Option<&str>) {
    client.batch_execute("BEGIN; SET LOCAL ROLE tandem_api").await.unwrap();
    if let Some(user) = user {
        client.execute("SELECT tandem_speak_for($1)", &[&user]).await.unwrap();
    }
}

async fn titles(client: &Client) -> Vec<String> {
    let rows = client.query("SELECT title FROM tasks ORDER BY title", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn without_the_queries_own_condition_row_level_security_holds() {
    let Some(app) = app().await else { skip!(Postgres) };
    let client = app.db.client().await;
    let cases = [(Some("bob"), &["Bob's"][..]), (Some("eve"), &[]), (Some(""), &[]), (None, &[])];
    check_all(cases, async |(user, sees)| {
        act_as(&client, user).await;
        assert_eq!(titles(&client).await, sees, "as {user:?}");
        let changed = client.execute("UPDATE tasks SET title = 'mine' WHERE user_id = 'ann'", &[]).await.unwrap();
        let deleted = client.execute("DELETE FROM tasks WHERE user_id = 'ann'", &[]).await.unwrap();
        assert_eq!((changed, deleted), (0, 0), "as {user:?}");
        let planted = "INSERT INTO tasks (user_id, id, title) VALUES ('ann', gen_random_uuid(), 'planted')";
        let error = client.execute(planted, &[]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "as {user:?}");
        client.batch_execute("ROLLBACK").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_task_cannot_be_given_to_another_user() {
    let Some(app) = app().await else { skip!(Postgres) };
    let client = app.db.client().await;
    act_as(&client, Some("bob")).await;
    let error = client.execute("UPDATE tasks SET user_id = 'ann'", &[]).await.unwrap_err();
    // Citus refuses any change of the distribution column before it checks policies.
    assert_eq!(error.code().unwrap().code(), if app.db.is_spread() { "0A000" } else { "42501" });
}

#[tokio::test]
async fn row_level_security_holds_for_the_tables_owner_too() {
    let Some(app) = app().await else { skip!(Postgres) };
    let client = app.db.client().await;
    let is_superuser: bool =
        client.query_one("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", &[]).await.unwrap().get(0);
    if is_superuser {
        skip!(Postgres, "with a login that is no superuser");
    }
    assert_eq!(titles(&client).await, Vec::<String>::new());
}

#[tokio::test]
async fn without_row_level_security_the_queries_own_condition_holds() {
    let Some(app) = app().await else { skip!(Postgres) };
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    let id = ann.tasks().await[0]["id"].as_str().unwrap().to_owned();
    app.db.superuser().await.batch_execute("ALTER TABLE tasks DISABLE ROW LEVEL SECURITY").await.unwrap();
    let path = format!("/api/tasks/{id}");
    let list = bob.tasks().await;
    assert_eq!((list.as_array().unwrap().len(), &list[0]["title"]), (1, &json!("Bob's")));
    let cases = [
        ("GET", path.clone(), None),
        ("PUT", path.clone(), Some(json!({ "title": "mine" }))),
        ("PATCH", format!("{path}/complete"), None),
        ("PATCH", format!("{path}/complete"), Some(json!({ "completed": true }))),
        ("DELETE", path.clone(), None),
        ("POST", "/api/tasks/bulk".into(), Some(json!({ "complete": [id] }))),
        ("POST", "/api/tasks/bulk".into(), Some(json!({ "delete": [id] }))),
    ];
    check_all(cases, async |(method, path, body)| {
        assert_eq!(bob.call(method, &path).maybe_json(body).await.code(), "NOT_FOUND", "{method} {path}");
    })
    .await;
    // With the id of ann's task, bob gets one of his own, and reaches hers with no push.
    let pushes = [
        (json!({ "id": id, "title": "mine" }), json!({ "id": id, "title": "Ann's" }), 1),
        (json!({ "id": id, "deleted": true }), json!({ "id": id, "title": "Ann's" }), 0),
        (json!({ "id": id, "title": "Bob's own" }), json!(null), 0),
        (json!({ "id": id, "title": "Bob's" }), json!({ "id": id, "title": "Bob's own" }), 0),
        (json!({ "id": id, "deleted": true }), json!({ "id": id, "title": "Bob's" }), 0),
    ];
    check_all(pushes, async |(task, base, conflicts)| {
        let answer = bob.post("/api/tasks/push", json!({ "changes": [{ "task": task, "base": base }] })).await.good();
        assert_eq!(answer["conflicts"].as_array().unwrap().len(), conflicts, "{task}: {answer}");
        assert!(!answer.to_string().contains("Ann's"), "{answer}");
    })
    .await;
    bob.post("/api/tasks", json!({ "id": id, "title": "Ann's" })).await.refused(409, "ID_TAKEN");
    for document in [
        r#"mutation { createTasks(inputs: [{ title: "more" }]) { id } }"#,
        "mutation { completeTasks(ids: []) { count } }",
        "mutation { completeAll { count } }",
        "mutation { clearCompleted { count } }",
    ] {
        bob.graphql(document).await.data();
    }
    assert_eq!(bob.tasks().await, json!([]));
    let left = &ann.tasks().await[0];
    assert_eq!((&left["title"], &left["completed"], &left["version"]), (&json!("Ann's"), &json!(false), &json!(1)));
}

#[tokio::test]
async fn each_wall_holds_alone_for_idempotency_keys() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let create = async |user: &str| {
        let task = app.user(user).post("/api/tasks", json!({ "title": "New" })).key("the-same").await.good();
        task["user_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(create("ann").await, "ann");
    let client = app.db.client().await;
    let cases = [(Some("ann"), 1), (Some("bob"), 0), (Some(""), 0), (None, 0)];
    check_all(cases, async |(user, sees)| {
        act_as(&client, user).await;
        assert_eq!(client.query("SELECT outcome FROM idempotency_keys", &[]).await.unwrap().len(), sees, "{user:?}");
        let forged = client.execute("UPDATE idempotency_keys SET outcome = '[]' WHERE user_id = 'ann'", &[]).await;
        assert_eq!(forged.unwrap(), u64::try_from(sees).unwrap(), "{user:?}");
        client.batch_execute("ROLLBACK").await.unwrap();
    })
    .await;
    let breach = "ALTER TABLE idempotency_keys DISABLE ROW LEVEL SECURITY";
    app.db.superuser().await.batch_execute(breach).await.unwrap();
    assert_eq!((create("bob").await, create("ann").await), ("bob".to_owned(), "ann".to_owned()));
    assert_eq!(ann.tasks().await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn each_wall_holds_alone_for_tombstones() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    for user in [&ann, &bob] {
        user.delete(path_of(&user.create("Gone").await)).await.status(204);
    }
    let client = app.db.client().await;
    let cases = [(Some("ann"), 1), (Some("eve"), 0), (Some(""), 0), (None, 0)];
    check_all(cases, async |(user, sees)| {
        act_as(&client, user).await;
        assert_eq!(client.query("SELECT title FROM deleted_tasks", &[]).await.unwrap().len(), sees, "{user:?}");
        let changed = client.execute("UPDATE deleted_tasks SET title = 'mine' WHERE user_id = 'bob'", &[]).await;
        assert_eq!(changed.unwrap(), 0, "{user:?}");
        assert_eq!(
            client.execute("DELETE FROM deleted_tasks WHERE user_id = 'bob'", &[]).await.unwrap(),
            0,
            "{user:?}"
        );
        client.batch_execute("ROLLBACK").await.unwrap();
    })
    .await;
    for table in ["deleted_tasks", "tasks"] {
        let breach = format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY");
        app.db.superuser().await.batch_execute(&breach).await.unwrap();
    }
    let start = bob.get("/api/tasks/changes?cursor=latest").await.good()["cursor"].as_str().unwrap().to_owned();
    for user in [&ann, &bob] {
        user.delete(path_of(&user.create("Gone too").await)).await.status(204);
    }
    let changes = bob.get(format!("/api/tasks/changes?cursor={start}")).await.good();
    assert_eq!(changes["changes"].as_array().unwrap().len(), 1, "{changes}");
    let left = "SELECT count(*) FROM deleted_tasks WHERE user_id = 'ann' AND title IS NOT NULL";
    let anns = ann.get("/api/tasks/trash").await.good();
    for task in anns.as_array().unwrap() {
        let path = path_of(task);
        let id = path.rsplit('/').next().unwrap();
        bob.call("POST", format!("{path}/restore")).await.refused(404, "NOT_FOUND");
        bob.delete(format!("/api/tasks/trash/{id}")).await.refused(404, "NOT_FOUND");
        bob.post("/api/tasks/restore", json!({ "ids": [id] })).await.refused(404, "NOT_FOUND");
    }
    assert_eq!(bob.get("/api/tasks/trash?count=true").await.header("x-total-count"), "2");
    assert_eq!(bob.delete("/api/tasks/trash").await.good(), json!({ "count": 2 }));
    assert_eq!(app.db.superuser().await.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 2);
    assert_eq!((anns.as_array().unwrap().len(), ann.get("/api/tasks/trash").await.good()), (2, anns));
}

/// Asserts that a role has no right to any of these statements.
async fn assert_denied(client: &Client, role: &str, statements: &[&str]) {
    check_all(statements, async |statement| {
        client.batch_execute(&format!("BEGIN; SET LOCAL ROLE {role}")).await.unwrap();
        let error = client.execute(*statement, &[]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{statement}");
        client.batch_execute("ROLLBACK").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_sweepers_role_sees_and_reaches_only_what_has_expired() {
    let Some(app) = app().await else { skip!(Postgres) };
    let old = "INSERT INTO idempotency_keys (user_id, key, part, fingerprint, created_at)
               SELECT u, 'key', h, '', now() - h * interval '1 hour' FROM unnest(array['ann', 'bob']) u, unnest(array[23, 25]) h;
               INSERT INTO deleted_tasks SELECT u, now() - d * interval '1 day', gen_random_uuid(), 2
               FROM unnest(array['ann', 'bob']) u, unnest(array[30, 32]) d";
    app.db.superuser().await.batch_execute(old).await.unwrap();
    let client = app.db.client().await;
    for (table, columns) in [("idempotency_keys", "user_id, key, part"), ("deleted_tasks", "user_id, deleted_at, id")] {
        let everything = format!("SELECT {columns} FROM {table}");
        assert_eq!(client.query(&everything, &[]).await.unwrap().len(), 0, "{table} as the login");
        client.batch_execute("BEGIN; SET LOCAL ROLE tandem_sweeper").await.unwrap();
        // Of tombstones the keys, as anything may be past its time in the trash: that is a setting.
        let sees = if table == "deleted_tasks" { 4 } else { 2 };
        assert_eq!(client.query(&everything, &[]).await.unwrap().len(), sees, "{table}");
        assert_eq!(client.execute(&format!("DELETE FROM {table}"), &[]).await.unwrap(), 2, "{table}");
        client.batch_execute("ROLLBACK").await.unwrap();
    }
    let said = "UPDATE deleted_tasks SET title = 'Said', created_at = now(), tags = '{}' WHERE deleted_at > now() - interval '31 days'";
    app.db.superuser().await.batch_execute(said).await.unwrap();
    client.batch_execute("BEGIN; SET LOCAL ROLE tandem_sweeper").await.unwrap();
    let emptied = "UPDATE deleted_tasks SET title = NULL, created_at = NULL, tags = NULL WHERE created_at IS NOT NULL";
    assert_eq!(client.execute(emptied, &[]).await.unwrap(), 2);
    client.batch_execute("ROLLBACK").await.unwrap();
    let refused = [
        "SELECT id FROM tasks",
        "DELETE FROM tasks",
        "SELECT title FROM deleted_tasks",
        "SELECT id FROM deleted_tasks WHERE title = 'Said'",
        "UPDATE deleted_tasks SET title = 'Forged'",
        "UPDATE deleted_tasks SET title = NULL, created_at = NULL",
        "UPDATE deleted_tasks SET deleted_at = now()",
        "INSERT INTO deleted_tasks VALUES ('ann', now() - interval '1 year', gen_random_uuid(), 2)",
        "SELECT outcome FROM idempotency_keys",
        "UPDATE idempotency_keys SET created_at = now()",
        "SELECT era FROM feed_era",
    ];
    assert_denied(&client, "tandem_sweeper", &refused).await;
}

#[tokio::test]
async fn the_feeds_role_sees_when_something_changed_but_not_what() {
    let Some(app) = app().await else { skip!(Postgres) };
    let ann = app.user("ann");
    ann.delete(path_of(&ann.create("Gone").await)).await.status(204);
    let client = app.db.client().await;
    let allowed = ["SELECT user_id, position FROM tasks", "SELECT user_id, position FROM deleted_tasks"];
    for (query, count) in allowed.iter().zip([2, 1]) {
        client.batch_execute("BEGIN; SET LOCAL ROLE tandem_feed").await.unwrap();
        assert_eq!(client.query(*query, &[]).await.unwrap().len(), count, "{query}");
        client.batch_execute("ROLLBACK").await.unwrap();
    }
    let refused = [
        "SELECT id FROM tasks",
        "SELECT title FROM tasks",
        "SELECT id FROM deleted_tasks",
        "SELECT key FROM idempotency_keys",
        "UPDATE tasks SET position = 0",
        "DELETE FROM tasks",
        "DELETE FROM deleted_tasks",
        "UPDATE feed_era SET era = 1",
    ];
    assert_denied(&client, "tandem_feed", &refused).await;
    let is_superuser: bool =
        client.query_one("SELECT rolsuper FROM pg_roles WHERE rolname = current_user", &[]).await.unwrap().get(0);
    if !is_superuser {
        // The login is a member of the role, but acts as it only where it says so.
        assert_eq!(titles(&client).await, Vec::<String>::new());
    }
}

/// With row-level security off, triggers and views that lie.
#[tokio::test]
async fn a_row_of_another_user_is_an_internal_error_whatever_let_it_through() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let (ann, admin) = (app.user("ann"), app.db.superuser().await);
    ann.create("Secret").await;
    let withheld = |answer: &Answer| {
        assert_eq!(answer.code(), "INTERNAL_SERVER_ERROR", "{answer}");
        assert!(!answer.text.contains("Secret") && !answer.text.contains("bob"), "{answer}");
    };
    let gives_away = "
        ALTER TABLE tasks DISABLE ROW LEVEL SECURITY;
        CREATE FUNCTION give_away() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN NEW.user_id := 'bob'; RETURN NEW; END $$;
        CREATE TRIGGER give_away BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION give_away()";
    admin.batch_execute(gives_away).await.unwrap();
    withheld(&ann.post("/api/tasks", json!({ "title": "Secret" })).await);
    withheld(&ann.graphql(r#"mutation { createTask(input: { title: "Secret" }) { id title } }"#).await);
    withheld(&ann.graphql(r#"mutation { createTasks(inputs: [{ title: "Secret" }]) { id title } }"#).await);
    // The condition sees another owner than the answer.
    let flips = "
        CREATE FUNCTION flip() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN
            RETURN set_config('test.flip', CASE current_setting('test.flip', true) WHEN 'ann' THEN 'bob' ELSE 'ann' END, true);
        END $$;
        ALTER TABLE tasks RENAME TO real;
        CREATE VIEW tasks AS SELECT flip() AS user_id, id, title, description, completed, version, created_at,
            updated_at, position FROM real WHERE user_id = 'ann';
        GRANT SELECT ON tasks TO tandem_api";
    admin.batch_execute(flips).await.unwrap();
    withheld(&ann.get("/api/tasks").await);
    withheld(&ann.graphql("{ tasks { title } }").await);
}

#[tokio::test]
async fn the_proof_holds_on_a_migrated_database() {
    let app = App::new().await;
    let ann = app.user("ann");
    app.store.prove_isolation().await.map_err(|error| error.report()).unwrap();
    let ready = ann.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json["status"]), (200, &json!("ok")));
}

#[tokio::test]
async fn an_abandoned_proof_leaves_nothing_behind() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
    ann.create("Ann's").await;
    app.store.prove_isolation().await.map_err(|error| error.report()).unwrap();
    assert_eq!(all_tasks(&app).await, 1);
    for turns in 0..60 {
        let proof = app.store.prove_isolation();
        tokio::select! {
            biased;
            done = proof => assert!(done.is_ok()),
            () = turns_of_the_runtime(turns) => {}
        }
        // On the same connections, which an open transaction would block.
        assert_eq!(ann.tasks().await[0]["title"], "Ann's");
    }
    app.store.drain(Instant::now() + Duration::from_secs(30)).await;
    assert_eq!(all_tasks(&app).await, 1);
}

async fn turns_of_the_runtime(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

async fn all_tasks(app: &App) -> i64 {
    app.db.superuser().await.query_one("SELECT count(*) FROM tasks", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn the_proof_fails_and_says_what_to_fix_when_a_wall_is_down() {
    let cases = [
        ("ALTER TABLE tasks DISABLE ROW LEVEL SECURITY", "row-level security is not forced"),
        ("ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY", "row-level security is not forced"),
        ("DROP POLICY tasks_of_current_user ON tasks", "no policy for all commands"),
        ("CREATE POLICY leak ON tasks FOR SELECT USING (true)", "more than one permissive policy"),
        ("CREATE POLICY leak ON tasks FOR DELETE USING (true)", "more than one permissive policy"),
        ("ALTER POLICY tasks_of_current_user ON tasks WITH CHECK (true)", "can give rows to another user"),
        ("ALTER POLICY tasks_of_current_user ON tasks USING (user_id >= current_setting('app.user_id', true))", "sees"),
        ("ALTER POLICY tasks_of_current_user ON tasks USING (true)", "sees rows that are not theirs"),
        ("DROP TABLE tasks", "Run `tandem migrate`"),
        // The walls stand, but no request would be answered.
        ("ALTER TABLE tasks RENAME description TO notes", "description"),
        ("ALTER TABLE idempotency_keys NO FORCE ROW LEVEL SECURITY", "row-level security is not forced"),
        (
            "DROP POLICY idempotency_keys_of_current_user ON idempotency_keys",
            "the table idempotency_keys has no policy",
        ),
        ("CREATE POLICY leak ON idempotency_keys FOR SELECT USING (true)", "idempotency_keys has more than one"),
        (
            "ALTER POLICY idempotency_keys_of_current_user ON idempotency_keys WITH CHECK (true)",
            "can give rows to another user",
        ),
        ("ALTER POLICY idempotency_keys_of_current_user ON idempotency_keys USING (true)", "sees rows"),
        ("DROP TABLE idempotency_keys", "Run `tandem migrate`"),
        ("ALTER TABLE deleted_tasks NO FORCE ROW LEVEL SECURITY", "row-level security is not forced"),
        ("CREATE POLICY leak ON deleted_tasks FOR SELECT USING (true)", "deleted_tasks has more than one"),
        ("ALTER POLICY deleted_tasks_of_current_user ON deleted_tasks USING (true)", "sees rows"),
        (
            "ALTER POLICY deleted_tasks_of_current_user ON deleted_tasks WITH CHECK (true)",
            "can give rows to another user",
        ),
        ("DROP TABLE deleted_tasks", "Run `tandem migrate`"),
        ("GRANT SELECT (title) ON tasks TO tandem_feed", "may do more than read positions: tasks.title"),
        ("GRANT UPDATE (position) ON tasks TO tandem_feed", "may do more than read positions: tasks.position"),
        ("GRANT SELECT ON idempotency_keys TO tandem_feed", "may do more than read positions: idempotency_keys."),
        ("GRANT DELETE ON deleted_tasks TO tandem_feed", "may do more than read positions: deleted_tasks."),
    ];
    check_all(cases, async |(breach, flaw)| {
        let Some(app) = App::on_server().await else { skip!(Postgres) };
        let ann = app.user("ann");
        app.db.superuser().await.batch_execute(breach).await.unwrap();
        let report = app.store.prove_isolation().await.unwrap_err().report();
        assert!(report.contains(flaw), "{breach}: {report}");
        let ready = ann.get("/readyz").await;
        ready.refused(503, "SERVICE_UNAVAILABLE");
        assert!(!ready.text.contains("tasks"), "{}", ready.text);
    })
    .await;
}

/// Roles belong to a cluster, so this test breaks those of a private one.
#[tokio::test(flavor = "multi_thread")]
async fn the_proof_fails_when_the_role_is_not_what_it_should_be() {
    let Some(cluster) = Cluster::private() else { skip!(Postgres) };
    let admin = db::connect(&cluster.url("postgres", "postgres")).await;
    for statement in ["CREATE ROLE app LOGIN CREATEROLE", "CREATE DATABASE d OWNER app"] {
        admin.batch_execute(statement).await.unwrap();
    }
    let config = db::config(store::Target::parse(&cluster.url("app", "d")).unwrap(), 2);
    db::migrate(&config).await;
    for (breach, repair, flaw) in [
        ("ALTER ROLE tandem_api BYPASSRLS", "ALTER ROLE tandem_api NOBYPASSRLS", "bypasses row-level security"),
        (
            "ALTER ROLE tandem_feed BYPASSRLS",
            "ALTER ROLE tandem_feed NOBYPASSRLS",
            "tandem_feed bypasses row-level security",
        ),
        ("REVOKE tandem_feed FROM app", "GRANT tandem_feed TO app", "GRANT tandem_feed TO <login>"),
        ("REVOKE tandem_api FROM app", "GRANT tandem_api TO app", "GRANT tandem_api TO <login>"),
    ] {
        let db = store::Db::open(&config).await.map_err(|error| error.report()).unwrap();
        db.prove_isolation().await.map_err(|error| error.report()).unwrap();
        admin.batch_execute(breach).await.unwrap();
        let report = db.prove_isolation().await.unwrap_err().report();
        assert!(report.contains(flaw), "{breach}: {report}");
        admin.batch_execute(repair).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_without_the_schema_is_refused() {
    let Some(db) = TestDb::empty().await else { skip!(Postgres) };
    let report = db.open().await.prove_isolation().await.unwrap_err().report();
    assert!(report.contains("tandem migrate"), "{report}");
}
