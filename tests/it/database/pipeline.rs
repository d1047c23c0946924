//! The isolated data path costs one network round trip.

use serde_json::{Value, json};

use crate::{
    skip,
    support::{
        check_all, path_of,
        proxy::{proxied, proxied_with},
    },
};

#[tokio::test]
async fn a_warm_read_is_one_flush_of_four_statements() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let ann = app.user("ann");
    ann.create("Buy milk").await;
    ann.tasks().await;
    proxy.hold(4);
    assert_eq!(ann.tasks().await[0]["title"], "Buy milk");
    let seen = proxy.seen();
    assert_eq!(seen.statements.len(), 4, "{:?}", seen.statements);
    assert_eq!(seen.statements[0], "BEGIN READ ONLY");
    assert!(
        seen.statements[1].starts_with("SELECT set_config('role', 'tandem_api', true), tandem_speak_for($1)"),
        "{}",
        seen.statements[1]
    );
    assert!(
        seen.statements[2].contains(r#"FROM "tasks" WHERE (user_id = $1 AND current_user = 'tandem_api')"#),
        "{}",
        seen.statements[2]
    );
    assert_eq!(seen.statements[3], "COMMIT");
    assert_eq!((seen.flushes, seen.syncs), (1, 1));
}

#[tokio::test]
async fn every_warm_operation_is_one_flush_of_four_statements_or_five_if_it_deletes() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let task = path_of(&ann.create("first").await);
    let id = task.rsplit('/').next().unwrap();
    let complete = format!("{task}/complete");
    let trashed = format!("/api/tasks/trash/{id}");
    let operations = [
        ("POST", "/api/tasks", Some(json!({ "title": "x" })), "INSERT INTO"),
        ("POST", "/api/tasks", Some(json!({ "title": "x", "description": "y" })), "INSERT INTO"),
        ("GET", "/api/tasks?search=x&status=pending&sort=title", None, "SELECT"),
        ("GET", "/api/tasks?sort=-priority", None, "(SELECT"),
        ("GET", "/api/tasks?sort=priority&priority=high", None, "SELECT"),
        ("GET", "/api/tasks?sort=due_date&tags=x", None, "(SELECT"),
        ("GET", &task, None, "SELECT"),
        ("PUT", &task, Some(json!({ "title": "x" })), "UPDATE"),
        ("PATCH", &task, Some(json!({ "description": null, "completed": true })), "UPDATE"),
        ("PATCH", &complete, None, "UPDATE"),
        ("PATCH", &complete, Some(json!({ "completed": true })), "UPDATE"),
        ("GET", "/api/tasks/changes", None, "SELECT feed"),
        ("GET", "/api/tasks/trash?search=x", None, "SELECT"),
        ("DELETE", &task, None, "WITH deleted AS ("),
        ("DELETE", &trashed, None, "UPDATE deleted_tasks"),
        ("DELETE", "/api/tasks/trash", None, "WITH emptied AS ("),
    ];
    check_all(operations, async |(method, path, body, sql)| {
        let absent = path.replace(id, "00000000-0000-7000-8000-000000000000");
        let warm = if method == "DELETE" { &absent } else { path };
        ann.call(method, warm).maybe_json(body.clone()).await;
        let statements = if sql.starts_with("WITH deleted") { 5 } else { 4 };
        proxy.hold(statements);
        let answer = ann.call(method, path).maybe_json(body).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
        let seen = proxy.seen();
        let sent = (seen.statements.len(), seen.flushes, seen.syncs);
        assert_eq!(sent, (statements, 1, 1), "{method} {path}: {:?}", seen.statements);
        let work = &seen.statements[statements - 2];
        assert!(work.starts_with(sql), "{method} {path}: {work}");
        proxy.hold(0);
    })
    .await;
}

#[tokio::test]
async fn changes_to_many_tasks_are_one_flush_of_four_statements_or_five_if_they_delete() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let cases = [
        (r#"mutation { createTasks(inputs: [{ title: "x" }, { title: "y", description: "z" }]) { id } }"#, "INSERT", 4),
        (r#"mutation { completeTasks(ids: ["$ID"]) { count } }"#, "UPDATE", 4),
        (r#"mutation { deleteTasks(ids: ["$ID"]) { count } }"#, "DELETE", 5),
        ("mutation { completeAll { count } }", "WITH changed AS (", 4),
        ("mutation { clearCompleted { count } }", "WITH deleted AS (", 5),
    ];
    check_all(cases, async |(document, sql, statements)| {
        for hold in [0, statements] {
            let id = ann.create("One of many").await["id"].clone();
            proxy.hold(hold);
            ann.graphql(document.replace("$ID", id.as_str().unwrap())).await.data();
        }
        let seen = proxy.seen();
        let sent = (seen.statements.len(), seen.flushes, seen.syncs);
        assert_eq!(sent, (statements, 1, 1), "{document}: {:?}", seen.statements);
        let work = &seen.statements[statements - 2];
        assert!(work.starts_with(sql), "{document}: {work}");
        proxy.hold(0);
    })
    .await;
}

#[tokio::test]
async fn a_cold_connection_sends_the_four_statements_in_order() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let ann = app.user("ann");
    ann.tasks().await;
    let statements = proxy.seen().statements;
    let begin = statements.iter().position(|sql| sql == "BEGIN READ ONLY").unwrap();
    assert_eq!(statements.len(), begin + 4);
    assert!(statements[begin + 1].contains("set_config"));
    assert!(statements[begin + 2].contains(r#"FROM "tasks""#));
    assert_eq!(statements[begin + 3], "COMMIT");
}

#[tokio::test]
async fn a_transaction_that_fails_is_ended_by_a_second_flush_and_keeps_its_connection() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let create = || ann.post("/api/tasks", json!({ "title": "Buy milk" })).key("once");
    let created = create().await.good();
    create().await.good();
    proxy.forget();
    assert_eq!(create().await.good(), created);
    let seen = proxy.seen();
    let is_commit: Vec<_> = seen.statements.iter().map(|sql| sql == "COMMIT").collect();
    let mut expected = [false; 12];
    // The write, whose claim fails; what ends it; and the outcome.
    for commit in [6, 7, 11] {
        expected[commit] = true;
    }
    assert_eq!(is_commit, expected, "{:?}", seen.statements);
    assert_eq!((seen.flushes, seen.syncs), (3, 3));
    let first = seen.executed[0].connection;
    assert!(seen.executed.iter().all(|executed| executed.connection == first), "the connection was replaced");
}

#[tokio::test]
async fn a_large_transaction_waits_for_no_answer() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let tasks = vec![json!({ "title": "Buy milk", "description": "m".repeat(1000) }); 50];
    // With a look at how many tasks the user has, as they are so many.
    for hold in [0, 5] {
        proxy.hold(hold);
        let created = ann.post("/api/tasks/bulk", json!({ "create": tasks })).await.good();
        assert_eq!(created["tasks"].as_array().unwrap().len(), 50);
    }
    let seen = proxy.seen();
    assert_eq!((seen.statements.len(), seen.syncs), (5, 5), "{:?}", seen.statements);
}

#[tokio::test]
async fn without_prepared_statements_a_transaction_is_one_flush_from_the_first_one_on() {
    let Some((app, proxy)) = proxied_with(|config| config.prepared_statements = false).await else { skip!(Postgres) };
    let ann = app.user("ann");
    // Makes the connection.
    ann.call("DELETE", "/api/tasks/00000000-0000-7000-8000-000000000000").await.status(404);
    // Eight, because nobody knows yet how many tasks the user has.
    proxy.hold(8);
    let created = ann.post("/api/tasks", json!({ "title": "Buy milk" })).key("once").await.good();
    let seen = proxy.seen();
    assert_eq!((seen.statements.len(), seen.flushes, seen.syncs), (8, 1, 1), "{:?}", seen.statements);
    proxy.hold(4);
    assert_eq!(ann.tasks().await[0], created);
    let seen = proxy.seen();
    assert_eq!((seen.statements.len(), seen.flushes, seen.syncs), (4, 1, 1), "{:?}", seen.statements);
    assert!(seen.names.is_empty(), "{:?}", seen.names);
}

#[tokio::test]
async fn with_a_sync_for_each_statement_transactions_end_as_well() {
    let Some((app, proxy)) = proxied_with(|config| config.single_sync = false).await else { skip!(Postgres) };
    let ann = app.user("ann");
    let create = || ann.post("/api/tasks", json!({ "title": "Buy milk" })).key("once");
    let created = create().await.good();
    assert_eq!(create().await.good(), created);
    assert_eq!(ann.tasks().await[0], created);
    proxy.hold(4);
    assert_eq!(ann.tasks().await[0], created);
    let seen = proxy.seen();
    assert_eq!((seen.statements.len(), seen.flushes, seen.syncs), (4, 1, 4), "{:?}", seen.statements);
}

/// The decision is made here, between reading and writing.
#[tokio::test]
async fn what_is_merged_with_what_is_there_is_two_flushes_and_writes_only_what_changes() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let ann = app.user("ann");
    let (create, update, delete) = ("INSERT INTO tasks", "UPDATE tasks", "DELETE FROM tasks");
    let state = |id: &str, title: &str| json!({ "id": id, "title": title });
    let push = |changes: &[(Value, Value)]| {
        let changes: Vec<_> = changes.iter().map(|(task, base)| json!({ "task": task, "base": base })).collect();
        json!({ "changes": changes })
    };
    let deleted = |id: &str| json!({ "id": id, "deleted": true });
    for is_warm in [false, true] {
        let [a, b] = std::array::from_fn(|_| uuid::Uuid::now_v7().to_string());
        let cases = [
            ("/push", push(&[(state(&a, "a"), Value::Null), (state(&b, "b"), Value::Null)]), vec![create]),
            ("/push", push(&[(state(&a, "a"), Value::Null)]), vec![]),
            ("/push", push(&[(state(&a, "c"), Value::Null)]), vec![]),
            (
                "/push",
                push(&[(state(&a, "c"), state(&a, "a")), (deleted(&b), state(&b, "b"))]),
                vec![update, "", delete],
            ),
            ("", json!({ "id": b, "title": "b" }), vec![]),
            ("", json!({ "id": a, "title": "c" }), vec![]),
            ("", json!({ "id": uuid::Uuid::now_v7(), "title": "d" }), vec![create]),
        ];
        for (path, body, expected) in cases {
            proxy.forget();
            ann.post(format!("/api/tasks{path}"), body.clone()).await;
            let seen = proxy.seen();
            if !is_warm {
                continue;
            }
            let written = &seen.statements[3..seen.statements.len() - 1];
            let is_as_expected = written.iter().zip(&expected).all(|(sql, start)| sql.starts_with(start));
            assert!(written.len() == expected.len() && is_as_expected, "{body}: {:?}", seen.statements);
            assert_eq!((seen.flushes, seen.statements.last().unwrap().as_str()), (2, "COMMIT"), "{body}");
        }
    }
}
