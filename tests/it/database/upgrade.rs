//! During an upgrade, servers of the last release run on the schema of this one. What such a server sends to its
//! database is recorded in `tests/upgrade/` before it is released, on its own schema: every statement with its parameters
//! and its answer, a transaction a line. There is a file for each release that can be upgraded from; `baseline.jsonl` is
//! from before the first one. The rows that the statements meet were written under the baseline, so that every later
//! migration has to keep them.
//!
//! ```sh
//! RECORD_STATEMENTS=tests/upgrade/1.2.0.jsonl cargo test --test it upgrade::
//! ```

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::{
    skip,
    support::{
        TestDb, check_all, db, eventually, http_client,
        instance::Instance,
        migrations,
        proxy::Proxy,
        recording::{Answer, Statement, Transaction, alike, differences, replay, transactions},
        token,
    },
};

/// What a recording and each replay start with, so that both find the same tasks at the same times and positions.
const SEED: &str = "
    UPDATE feed_era SET era = 1;
    SELECT setval('feed_positions', 1000);
    INSERT INTO tasks (user_id, id, title, description, completed, version, created_at, updated_at, position)
    SELECT name, format('00000000-0000-7000-8000-%s', lpad(n::text, 12, '0'))::uuid, 'Task ' || n,
           CASE WHEN n % 2 = 0 THEN 'Old' END, n % 3 = 0, n, timestamptz '2020-01-01 UTC' + n * interval '1 day',
           timestamptz '2020-02-01 UTC' + n * interval '1 day', n
    FROM generate_series(1, 6) AS n, (VALUES ('ann'), ('bob')) AS users (name);
    INSERT INTO deleted_tasks (user_id, deleted_at, id, version, position)
    VALUES ('ann', '2020-03-01 UTC', '00000000-0000-7000-8000-000000000009', 2, 7);
    INSERT INTO idempotency_keys (user_id, key, part, fingerprint, outcome, created_at)
    VALUES ('ann', 'expired', 0, 'x', '[]', '2020-01-01 UTC');";

/// Method, path and body of a request that writes.
type Change = (&'static str, String, Option<Value>);

/// A client that causes every kind of statement.
struct User {
    name: &'static str,
    client: Client,
    url: String,
}

impl User {
    fn of(server: &Instance, name: &'static str) -> Self {
        Self { name, client: http_client(), url: server.url() }
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.bearer_auth(token(self.name)).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.send("GET", path, None, &[]).await.json().await.unwrap()
    }

    async fn graphql(&self, document: &str) -> Value {
        let answer = self.send("POST", "/graphql", Some(json!({ "query": document })), &[]).await;
        let answer: Value = answer.json().await.unwrap();
        assert!(answer["errors"].is_null(), "{document}: {answer}");
        answer
    }

    async fn read_lists(&self) {
        for sort in ["created", "updated", "title", "-created", "-updated", "-title", "priority", "due_date"] {
            for filter in [
                "",
                "&priority=none,low&tags=a&due_before=2026-01-01&has_due=true",
                "&status=pending",
                "&search=1",
                "&search=%C3%A4&status=completed",
                "&count=true",
                "&offset=1",
            ] {
                self.get(&format!("/api/tasks?sort={sort}{filter}")).await;
            }
        }
        for order in ["CREATED_DESC", "UPDATED_ASC", "TITLE_ASC", "PRIORITY_DESC", "DUE_ASC"] {
            let all = format!("{{ tasksConnection(sort: {order}) {{ edges {{ cursor }} totalCount }} }}");
            let cursor = self.graphql(&all).await["data"]["tasksConnection"]["edges"][3]["cursor"].take();
            for slice in [format!("first: 2, after: {cursor}"), format!("last: 2, before: {cursor}")] {
                let page = format!("{{ tasksConnection(sort: {order}, {slice}) {{ edges {{ cursor }} }} }}");
                self.graphql(&page).await;
            }
        }
        self.graphql("{ me { taskCounts { pending completed } tags { name } } }").await;
        self.get("/api/tasks/trash?search=x&count=true").await;
        self.graphql("{ trash { totalCount } }").await;
        self.get("/api/tasks/00000000-0000-7000-8000-000000000001").await;
    }

    /// A page of the feed. Returns its cursor.
    async fn read_feed(&self, cursor: &str) -> String {
        let page = self.get(&format!("/api/tasks/changes{cursor}")).await;
        page["cursor"].as_str().unwrap().to_owned()
    }

    /// Makes a change; one with a key is repeated.
    async fn change(&self, (method, path, body): Change, key: Option<&str>) {
        let headers = key.map(|key| ("idempotency-key", key));
        for _ in 0..=usize::from(key.is_some()) {
            let answer = self.send(method, &path, body.clone(), headers.as_slice()).await;
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success() && !text.contains("\"errors\""), "{method} {path} {key:?}: {status} {text}");
        }
    }
}

/// A change for every kind of statement.
fn changes() -> [Change; 21] {
    let [stays, one, many] = [1, 2, 3].map(|number| format!("00000000-0000-7000-8000-{number:012}"));
    let task = |id: &str| format!("/api/tasks/{id}");
    let complete = format!("{}/complete", task(&stays));
    let bulk = |what: Value| ("POST", "/api/tasks/bulk".to_owned(), Some(what));
    let [made, new, gone] = [1, 2, 3].map(|number| format!("00000000-0000-7000-8000-1{number:011}"));
    let state = |id: &str, title: &str| json!({ "id": id, "title": title });
    let pushed = json!([
        { "task": state(&new, "x") },
        { "task": state(&made, "y"), "base": state(&made, "x") },
        // A conflict, which is read again when the push is replayed.
        { "task": state(&made, "z") },
        { "task": state(&gone, "x") },
        { "task": { "id": gone, "deleted": true }, "base": state(&gone, "x") },
    ]);
    let mutation = |field: &str| {
        let document = format!("mutation {{ {field} {{ count }} }}");
        ("POST", "/graphql".to_owned(), Some(json!({ "query": document })))
    };
    [
        ("POST", "/api/tasks".to_owned(), Some(json!({ "title": "x", "description": "y" }))),
        ("POST", "/api/tasks".to_owned(), Some(json!({ "title": "x", "due_date": "2026-03-29", "tags": ["a", "B"] }))),
        ("PATCH", task(&stays), Some(json!({ "title": "it's" }))),
        ("PATCH", task(&stays), Some(json!({ "due_date": "2026-03-29T09:00", "priority": "low", "tags": ["a"] }))),
        ("PATCH", task(&stays), Some(json!({ "due_timezone": "Europe/Berlin", "tags": null }))),
        ("PATCH", task(&stays), Some(json!({ "description": null, "completed": true }))),
        ("PATCH", complete.clone(), None),
        ("PATCH", complete, Some(json!({ "completed": true }))),
        bulk(json!({ "create": [{ "title": "x" }, { "title": "y" }] })),
        bulk(json!({ "complete": [stays] })),
        ("POST", "/api/tasks".to_owned(), Some(json!({ "id": made, "title": "x" }))),
        ("POST", "/api/tasks/push".to_owned(), Some(json!({ "changes": pushed }))),
        ("DELETE", task(&one), None),
        ("POST", format!("{}/restore", task(&one)), None),
        ("DELETE", task(&one), None),
        ("DELETE", format!("/api/tasks/trash/{one}"), None),
        bulk(json!({ "delete": [many] })),
        ("POST", "/api/tasks/restore".to_owned(), Some(json!({ "ids": [many] }))),
        mutation("completeAll"),
        mutation("clearCompleted"),
        mutation("emptyTrash"),
    ]
}

/// A database that was filled under the baseline, and then migrated.
async fn seeded() -> Option<TestDb> {
    let db = TestDb::empty().await?;
    db.client().await.batch_execute(&migrations::baseline()).await.unwrap();
    db.superuser().await.batch_execute(SEED).await.unwrap();
    db::migrate(&db.config).await;
    Some(db)
}

/// Everything that a server sends to its database from its start on, and the names of its transactions.
async fn recorded() -> Option<(Vec<Transaction>, BTreeSet<String>)> {
    let db = seeded().await?;
    let proxy = Proxy::before(db.url()).await;
    let settings = [("DATABASE_POOL_SIZE", "1"), ("METRICS_LISTEN", "127.0.0.1:0"), ("MIGRATE_ON_START", "false")];
    let server = Instance::start(&proxy.url, &settings).await;
    let [ann, bob] = ["ann", "bob"].map(|name| User::of(&server, name));
    ann.get("/readyz").await;
    ann.read_lists().await;
    let cursor = ann.read_feed("").await;
    let stream = ann.send("GET", "/api/tasks/changes", None, &[("accept", "text/event-stream")]).await;
    let is_poll = |line: &str| line.strip_prefix("tandem_feed_polls_total{result=\"ok\"} ").is_some_and(|n| n != "0");
    eventually("the feed is polled", async || server.metrics().await.lines().any(is_poll)).await;
    drop(stream);
    for (index, change) in changes().into_iter().enumerate() {
        ann.change(change.clone(), None).await;
        bob.change(change, Some(&format!("key-{index}"))).await;
    }
    ann.read_feed(&format!("?cursor={cursor}")).await;
    let scrape = server.metrics().await;
    let names = scrape.lines().filter_map(|line| line.strip_prefix("tandem_db_transaction_seconds_count{statement=\""));
    let names = names.filter_map(|line| line.split('"').next()).map(ToOwned::to_owned).collect();
    Some((transactions(&db.client().await, proxy.seen().executed).await, names))
}

/// The same on a fresh database, perhaps of another schema.
async fn replayed(recording: &[Transaction], change: &str) -> Vec<Transaction> {
    let db = seeded().await.expect("a server");
    db.client().await.batch_execute(change).await.unwrap();
    replay(&db.client().await, recording).await
}

/// A line for each transaction.
fn read(file: &Path) -> Vec<Transaction> {
    fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn write(file: &Path, recording: &[Transaction]) {
    let lines = recording.iter().map(|transaction| serde_json::to_string(transaction).unwrap() + "\n");
    fs::write(file, lines.collect::<String>()).unwrap();
}

fn recordings() -> Vec<std::path::PathBuf> {
    let files: Vec<_> = fs::read_dir("tests/upgrade").unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_of_earlier_releases_is_answered_on_this_schema_as_it_was_on_theirs() {
    if TestDb::on_server().await.is_none() {
        skip!(Postgres)
    }
    for file in recordings() {
        let recording = read(&file);
        assert!(recording.len() > 50, "{}", file.display());
        let differences = differences(&recording, &replayed(&recording, "").await);
        assert!(differences.is_empty(), "{}: {}", file.display(), differences.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_earlier_releases_cannot_live_with_is_noticed() {
    if TestDb::on_server().await.is_none() {
        skip!(Postgres)
    }
    let recording = read(&recordings()[0]);
    let changes = [
        "ALTER TABLE tasks RENAME COLUMN title TO name",
        "ALTER TABLE tasks DROP COLUMN description",
        "ALTER TABLE tasks ADD COLUMN rank integer; ALTER TABLE tasks ADD CHECK (rank IS NOT NULL) NOT VALID",
        "ALTER TABLE tasks ADD CHECK (title <> 'x')",
        "ALTER TABLE tasks ALTER COLUMN version SET DEFAULT 2",
        "ALTER TABLE tasks ALTER COLUMN version TYPE integer",
        "REVOKE UPDATE (completed) ON tasks FROM tandem_api",
        "REVOKE INSERT ON idempotency_keys FROM tandem_api",
        "REVOKE SELECT ON feed_era FROM tandem_feed",
        "REVOKE DELETE ON idempotency_keys FROM tandem_sweeper",
        "CREATE POLICY another_one ON tasks TO tandem_api USING (true)",
        "DROP FUNCTION tandem_position",
        "DROP TABLE deleted_tasks",
        "DROP TABLE idempotency_keys",
        "ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY; UPDATE tasks SET title = upper(title); \
         ALTER TABLE tasks FORCE ROW LEVEL SECURITY",
        "TRUNCATE deleted_tasks",
        "TRUNCATE idempotency_keys",
        "UPDATE feed_era SET era = 2",
        "SELECT setval('feed_positions', 1)",
    ];
    check_all(changes, async |change| {
        assert_ne!(differences(&recording, &replayed(&recording, change).await), Vec::<String>::new(), "{change}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_has_every_statement_and_none_that_failed_unexpectedly() {
    let Some((said, mut names)) = recorded().await else { skip!(Postgres) };
    // Read in the transaction of a list.
    names.insert("total".to_owned());
    // Of commands and exports.
    names.extend(["import", "import_trash", "taken", "export_trash"].map(ToOwned::to_owned));
    assert_eq!(names, names_in(Path::new("src/store")));
    let first = replayed(&said, "").await;
    let recording = alike(&first, &replayed(&said, "").await);
    let failed = recording.iter().flatten().filter(|statement| !is_meant(statement));
    assert_eq!(failed.map(|statement| &statement.sql).collect::<Vec<_>>(), Vec::<&String>::new());
    if let Ok(file) = std::env::var("RECORD_STATEMENTS") {
        write(Path::new(&file), &recording);
    }
}

/// Whether the server means this statement to be answered so.
fn is_meant(Statement { sql, answer, .. }: &Statement) -> bool {
    let Answer::Failed(code) = answer else { return true };
    match code.as_str() {
        // What a policy refuses to the proof of isolation.
        "42501" => sql.starts_with("INSERT INTO") && sql.contains("'tandem canary"),
        // A key that was used before.
        "23505" => sql.starts_with("INSERT INTO idempotency_keys"),
        // What follows in a transaction whose failure was judged already.
        "25P02" => true,
        _ => false,
    }
}

/// The names that statements have in the source.
fn names_in(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            names.extend(names_in(&entry));
            continue;
        }
        let source = fs::read_to_string(entry).unwrap();
        let constants = source.lines().filter_map(|line| line.trim().strip_prefix("const NAME: &'static str = \""));
        names.extend(constants.filter_map(|rest| rest.split('"').next()).map(ToOwned::to_owned));
    }
    names
}
