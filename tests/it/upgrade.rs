//! Servers of the last release run on the schema of this one while they are replaced. What they send was recorded in
//! `tests/upgrade/`: a file for each release that can be upgraded from.
//!
//! ```sh
//! RECORD_STATEMENTS=tests/upgrade/1.2.0.sql cargo test --test it upgrade::
//! ```

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::json;
use tokio_postgres::Client;

use crate::{
    skip,
    support::{TestDb, check_all, path_of, proxy::proxied},
};

/// Between two statements of a file.
const SEPARATOR: &str = ";\n\n";

/// Every operation, in the forms that make different statements of it; GraphQL's are the same.
async fn statements() -> Option<BTreeSet<String>> {
    let (app, proxy) = proxied().await?;
    let ann = app.user("ann");
    let task = ann.create("first").await;
    let (path, complete) = (path_of(&task), format!("{}/complete", path_of(&task)));
    let ids = json!([task["id"]]);
    for sort in ["created", "updated", "title", "-created", "-updated", "-title"] {
        for filter in
            ["", "&status=pending", "&search=x", "&search=%C3%A4&status=completed", "&count=true", "&offset=1"]
        {
            ann.get(format!("/api/tasks?sort={sort}{filter}")).await;
        }
    }
    for order in ["CREATED_DESC", "UPDATED_ASC", "TITLE_ASC"] {
        let page = format!("sort: {order}, first: 1");
        let first = ann.graphql(format!("{{ tasksConnection({page}) {{ edges {{ cursor }} totalCount }} }}")).await;
        let cursor = first.data()["tasksConnection"]["edges"][0]["cursor"].as_str().unwrap_or_default().to_owned();
        for slice in [format!("first: 1, after: \"{cursor}\""), format!("last: 1, before: \"{cursor}\"")] {
            ann.graphql(format!("{{ tasksConnection(sort: {order}, {slice}) {{ edges {{ cursor }} }} }}")).await.data();
        }
    }
    ann.graphql("{ me { taskCounts { pending completed } } }").await;
    for key in [None, Some("k")] {
        for (index, (method, path, body)) in [
            ("POST", "/api/tasks", Some(json!({ "title": "x" }))),
            ("PATCH", &path, Some(json!({ "title": "x" }))),
            ("PATCH", &path, Some(json!({ "description": "x", "completed": true }))),
            ("PATCH", &complete, None),
            ("PATCH", &complete, Some(json!({ "completed": true }))),
            ("POST", "/api/tasks/bulk", Some(json!({ "create": [{ "title": "x" }] }))),
            ("POST", "/api/tasks/bulk", Some(json!({ "complete": ids }))),
        ]
        .into_iter()
        .enumerate()
        {
            for _ in 0..2 {
                let call = ann.call(method, path).maybe_json(body.clone());
                let call = if let Some(key) = key { call.key(&format!("{key}{index}")) } else { call };
                call.await;
            }
        }
    }
    for mutation in ["completeAll { count }", "clearCompleted { count }"] {
        ann.graphql(format!("mutation {{ {mutation} }}")).await.data();
    }
    let task = ann.create("last").await;
    ann.get(path_of(&task)).await;
    ann.delete(path_of(&task)).await;
    let of_tables =
        |sql: &&String| ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(|verb| sql.starts_with(verb));
    let seen = proxy.seen();
    Some(seen.statements.iter().filter(of_tables).map(|sql| prepare(sql, &seen.parameters[sql])).collect())
}

/// The statement with the types of its parameters, which PostgreSQL can't always tell.
fn prepare(sql: &str, types: &[u32]) -> String {
    let types: Vec<_> = types.iter().map(|oid| name_of(*oid)).collect();
    let types = if types.is_empty() { String::new() } else { format!(" ({})", types.join(", ")) };
    format!("PREPARE recorded{types} AS {sql}")
}

/// As `pg_type` has it on every server.
fn name_of(oid: u32) -> &'static str {
    let types = [
        (16, "boolean"),
        (17, "bytea"),
        (20, "bigint"),
        (23, "integer"),
        (25, "text"),
        (1000, "boolean[]"),
        (1009, "text[]"),
        (1184, "timestamptz"),
        (1185, "timestamptz[]"),
        (2950, "uuid"),
        (2951, "uuid[]"),
        (3802, "jsonb"),
    ];
    types.iter().find(|(known, _)| *known == oid).unwrap_or_else(|| panic!("a name for the type {oid}")).1
}

/// What is wrong with a statement on this schema, as the role that requests run as.
async fn fault(client: &Client, prepare: &str) -> Option<String> {
    let types = prepare.strip_prefix("PREPARE recorded (").and_then(|rest| rest.split(')').next());
    let arguments =
        types.map(|types| format!("({})", types.split(", ").map(|_| "NULL").collect::<Vec<_>>().join(", ")));
    let arguments = arguments.unwrap_or_default();
    client.batch_execute("BEGIN; SET LOCAL ROLE tandem_api").await.unwrap();
    // To plan it finds columns that are gone, to start it rights that are.
    let run = client.batch_execute(&format!("{prepare}; EXPLAIN EXECUTE recorded{arguments}")).await;
    client.batch_execute("ROLLBACK; DEALLOCATE ALL").await.unwrap();
    run.err()
        .map(|error| error.as_db_error().map_or(error.to_string(), |error| format!("{}: {prepare}", error.message())))
}

/// The columns that an INSERT of an earlier release would leave empty, though they must not be.
async fn unfilled(client: &Client, statements: &[String]) -> Vec<String> {
    let required = "SELECT table_name::text, column_name::text FROM information_schema.columns
                    WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL
                    AND is_identity = 'NO' AND is_generated = 'NEVER'";
    let required = client.query(required, &[]).await.unwrap();
    let mut faults = Vec::new();
    for row in &required {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        for sql in statements.iter().map(|sql| sql.replace('"', "")) {
            let insert = format!("INSERT INTO {table} (");
            let Some(columns) = sql.split(&insert).nth(1).and_then(|rest| rest.split(')').next()) else { continue };
            if !columns.split(',').any(|named| named.trim() == column) {
                faults.push(format!("{table}.{column} is not filled by {sql}"));
            }
        }
    }
    faults
}

async fn faults(client: &Client, statements: &[String]) -> Vec<String> {
    let mut faults = unfilled(client, statements).await;
    for sql in statements {
        faults.extend(fault(client, sql).await);
    }
    faults
}

fn recorded(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap().split(SEPARATOR).map(ToOwned::to_owned).filter(|sql| !sql.is_empty()).collect()
}

#[tokio::test]
async fn the_statements_of_earlier_releases_run_on_this_schema() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    if let Ok(file) = std::env::var("RECORD_STATEMENTS") {
        let statements: Vec<_> = statements().await.expect("a server").into_iter().collect();
        fs::write(file, statements.join(SEPARATOR) + SEPARATOR).unwrap();
    }
    let client = db.client().await;
    let files: Vec<_> = fs::read_dir("tests/upgrade").unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        let statements = recorded(&file);
        assert!(statements.len() > 20, "{}", file.display());
        assert_eq!(faults(&client, &statements).await, Vec::<String>::new(), "{}", file.display());
    }
}

#[tokio::test]
async fn a_migration_that_takes_something_from_earlier_releases_is_noticed() {
    let Some(statements) = statements().await else { skip!(Postgres) };
    let statements: Vec<_> = statements.into_iter().collect();
    let changes = [
        "ALTER TABLE tasks RENAME COLUMN title TO name",
        "ALTER TABLE tasks DROP COLUMN description",
        "REVOKE UPDATE (completed) ON tasks FROM tandem_api",
        "ALTER TABLE tasks ADD COLUMN priority integer NOT NULL",
        "REVOKE INSERT ON idempotency_keys FROM tandem_api",
        "DROP TABLE idempotency_keys",
    ];
    check_all(changes, async |change| {
        let db = TestDb::on_server().await.expect("a server");
        let client = db.client().await;
        assert_eq!(faults(&client, &statements).await, Vec::<String>::new(), "before");
        client.batch_execute(change).await.unwrap();
        assert_ne!(faults(&client, &statements).await, Vec::<String>::new(), "{change}");
    })
    .await;
}
