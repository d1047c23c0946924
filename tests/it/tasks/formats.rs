//! Exact responses: bodies with their fields in order, statuses, and the headers that clients read.
//!
//! The expected responses are in `snapshots/`. After an intended change: `INSTA_UPDATE=always cargo test --test it formats`.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, App, check_all, path_of};

/// Headers that belong to the format.
const HEADERS: [&str; 7] =
    ["allow", "cache-control", "content-type", "etag", "idempotent-replayed", "location", "www-authenticate"];

/// The response as text, without what differs from run to run: the ids and times of these tasks.
fn shown(answer: &Answer, tasks: &[&Value]) -> String {
    let headers = HEADERS.iter().filter_map(|name| {
        let values = answer.headers.get_all(*name).into_iter().map(|value| value.to_str().unwrap());
        let values = values.collect::<Vec<_>>().join(", ");
        // The tag of a list is a hash of its ids and times.
        let values = if values.starts_with("W/") { "W/[hash]" } else { &values };
        (!values.is_empty()).then(|| format!("{name}: {values}\n"))
    });
    let mut text = format!("{}\n{}\n{}", answer.status, headers.collect::<String>(), answer.text);
    for (number, task) in tasks.iter().enumerate() {
        for field in ["id", "created_at", "updated_at"] {
            text = text.replace(task[field].as_str().unwrap(), &format!("[{field} {number}]"));
        }
    }
    text
}

#[tokio::test]
async fn a_task_and_a_list_have_their_format_in_rest() {
    let app = App::new().await;
    let ann = app.user("ann");
    let created = ann.post("/api/tasks", json!({ "title": "Buy milk", "description": "2 litres" })).await;
    let first = created.json.clone();
    assert_snapshot!("rest_created", shown(&created, &[&first]));
    let second = ann.create("Water plants").await;
    let tasks = [&first, &second];
    assert_snapshot!("rest_task", shown(&ann.get(path_of(&first)).await, &tasks));
    assert_snapshot!("rest_list", shown(&ann.get("/api/tasks?limit=10&sort=title").await, &tasks[..]));
    let bulk = ann.post("/api/tasks/bulk", json!({ "delete": [first["id"]] })).await;
    assert_snapshot!("rest_bulk", shown(&bulk, &tasks));
    assert_snapshot!("rest_deleted", shown(&ann.delete(path_of(&second)).await, &tasks));
}

#[tokio::test]
async fn errors_have_their_format_in_rest() {
    let app = App::new().await;
    let ann = app.user("ann");
    let task = ann.create("Mine").await;
    let path = path_of(&task);
    let invalid = json!({ "title": "", "description": 1 });
    let cases = [
        ("unauthenticated", app.anonymous().get("/api/tasks")),
        ("forbidden", ann.get("/api/bob/tasks")),
        ("not_found", app.user("bob").get(&path)),
        ("method_not_allowed", ann.call("TRACE", &path)),
        ("version_conflict", ann.put(&path, json!({ "title": "New" })).if_match("\"9\"")),
        ("unsupported_media_type", ann.post("/api/tasks", json!({})).header("content-type", "text/plain")),
        ("invalid_fields", ann.post("/api/tasks", invalid.clone())),
        ("invalid_query", ann.get("/api/tasks?limit=0")),
        ("problem", ann.post("/api/tasks", invalid).header("accept", "application/problem+json")),
        ("problem_not_found", app.user("bob").get(&path).header("accept", "application/problem+json")),
    ];
    check_all(cases, async |(name, call)| {
        assert_snapshot!(format!("rest_{name}"), shown(&call.await, &[&task]));
    })
    .await;
}

#[tokio::test]
async fn data_and_errors_have_their_format_in_graphql() {
    let app = App::new().await;
    let ann = app.user("ann");
    let first = ann.create("Buy milk").await;
    let tasks = [&first, &ann.create("Water plants").await];
    let page = "{ tasksConnection(first: 1, sort: TITLE_ASC) { totalCount pageInfo { hasNextPage hasPreviousPage } \
                edges { node { id title description completed version createdAt updatedAt } } } }";
    let update = "mutation($id: ID!, $input: UpdateTaskInput!) { \
                  updateTask(id: $id, input: $input, expectedVersion: 9) { id } }";
    let variables = json!({ "id": first["id"], "input": { "title": "New" } });
    let missing = r#"mutation { toggleTask(id: "00000000-0000-7000-8000-000000000000") { id } }"#;
    let cases = [
        ("page", ann.graphql(page)),
        ("null_for_an_absent_task", ann.graphql(r#"{ node(id: "00000000-0000-7000-8000-000000000000") { id } }"#)),
        ("unauthenticated", app.anonymous().graphql("{ me { id } }")),
        ("parse_failed", ann.graphql("{ me")),
        ("validation_failed", ann.graphql("{ nothing }")),
        ("invalid_fields", ann.graphql(r#"mutation { createTask(input: { title: "" }) { id } }"#)),
        ("invalid_variables", ann.graphql(update).variables(json!({ "id": first["id"] }))),
        ("not_found", ann.graphql(missing)),
        ("version_conflict", ann.graphql(update).variables(variables)),
        ("partly_failed", ann.graphql(r#"{ task(id: "x") { id } me { id } }"#)),
    ];
    check_all(cases, async |(name, call)| {
        assert_snapshot!(format!("graphql_{name}"), shown(&call.await, &tasks));
    })
    .await;
}
