//! Invalid parameters, arguments, cursors, variables and versions: a clear error through each door.

use serde_json::{Value, json};

use crate::{
    support::{App, OneTask, check_all},
    tasks::errors::{BAD_USER_INPUT, CREATE, UPDATE, VALIDATION_FAILED, assert_blames, assert_fault},
};

#[tokio::test]
async fn invalid_list_parameters_are_refused_by_rest() {
    let app = App::new().await;
    let ann = app.user("ann");
    let cases = [
        ("status=done", "status", "enum"),
        ("status=ALL", "status", "enum"),
        ("status=%00", "status", "enum"),
        ("completed=maybe", "completed", "bool_parsing"),
        ("sort=color", "sort", "enum"),
        ("sort=--title", "sort", "enum"),
        ("order=up", "order", "enum"),
        ("limit=0", "limit", "greater_than_equal"),
        ("limit=-1", "limit", "greater_than_equal"),
        ("limit=1001", "limit", "less_than_equal"),
        ("limit=9223372036854775807", "limit", "less_than_equal"),
        ("limit=9223372036854775808", "limit", "less_than_equal"),
        ("limit=1.5", "limit", "int_parsing"),
        ("limit=ten", "limit", "int_parsing"),
        ("search=a%00b", "search", "value_error"),
        ("search=%0A", "search", "value_error"),
        ("cursor=", "cursor", "value_error"),
        ("cursor=garbage", "cursor", "value_error"),
        ("cursor=%00", "cursor", "value_error"),
    ];
    check_all(cases, async |(query, field, kind)| {
        let answer = ann.get(format!("/api/tasks?{query}")).await;
        assert_fault(&answer, field, kind);
    })
    .await;
    let long = ann.get(format!("/api/tasks?search={}", "x".repeat(201))).await;
    assert_fault(&long, "search", "string_too_long");
    let cases = ["limit=1", "limit=1000", "search=%FF", &format!("search={}", "%F0%9F%A6%80".repeat(200))];
    check_all(cases, async |query| {
        let answer = ann.get(format!("/api/tasks?{query}")).await;
        answer.status(200);
    })
    .await;
}

#[tokio::test]
async fn invalid_list_arguments_are_refused_by_graphql() {
    let app = App::new().await;
    let ann = app.user("ann");
    let cases = [
        ("tasks", "limit: 0", "limit"),
        ("tasks", "limit: -1", "limit"),
        ("tasks", "limit: 1001", "limit"),
        ("tasks", r#"search: "a\u0000b""#, "search"),
        ("tasksConnection", "first: -1", "first"),
        ("tasksConnection", "first: 1001", "first"),
        ("tasksConnection", "last: -1", "last"),
        ("tasksConnection", "last: 1001", "last"),
        ("tasksConnection", "first: 1, last: 1", "last"),
        ("tasksConnection", r#"after: """#, "after"),
        ("tasksConnection", r#"after: "garbage""#, "after"),
        ("tasksConnection", r#"before: "\u0000""#, "before"),
    ];
    check_all(cases, async |(field, args, blame)| {
        let selection = if field == "tasks" { "id" } else { "nodes { id }" };
        let answer = ann.graphql(format!("{{ {field}({args}) {{ {selection} }} }}")).await;
        assert_blames(&answer, blame);
        assert_eq!((answer.status.as_u16(), &answer.json["data"]), (200, &Value::Null), "{field}({args})");
    })
    .await;
    let cases =
        ["status: DONE", "sort: PRIORITY", "limit: 1.5", "limit: \"1\"", "search: 1", "limit: 99999999999999999999"];
    check_all(cases, async |args| {
        let answer = ann.graphql(format!("{{ tasks({args}) {{ id }} }}")).await;
        assert_eq!((answer.code(), answer.json.get("data")), (VALIDATION_FAILED, None), "{args}: {}", answer.text);
    })
    .await;
}

#[tokio::test]
async fn a_truncated_or_foreign_cursor_is_refused_through_both_doors() {
    let app = App::new().await;
    let ann = app.user("ann");
    for title in ["a", "b", "c"] {
        ann.create(title).await;
    }
    let cases = [("title", "TITLE_ASC"), ("created", "CREATED_DESC"), ("updated", "UPDATED_DESC")];
    check_all(cases, async |(sort, value)| {
        let query = format!("{{ tasksConnection(sort: {value}, first: 1) {{ pageInfo {{ endCursor }} }} }}");
        let answer = ann.graphql(&query).await;
        let cursor = answer.data()["tasksConnection"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
        let others = ["title", "-title", "created", "updated"].into_iter().filter(|other| *other != sort);
        let mut bad: Vec<_> = others.map(|other| (cursor.clone(), other)).collect();
        bad.extend([1, 2, 5, cursor.len() / 2].map(|cut| (cursor[..cursor.len() - cut].to_owned(), sort)));
        bad.extend([(format!("{cursor}x"), sort), (cursor.to_uppercase(), sort), (format!("{cursor}="), sort)]);
        for (cursor, sort) in bad {
            let answer = ann.get(format!("/api/tasks?sort={sort}&cursor={cursor}")).await;
            assert_fault(&answer, "cursor", "value_error");
            let value = match sort {
                "title" => "TITLE_ASC",
                "-title" => "TITLE_DESC",
                "created" => "CREATED_DESC",
                _ => "UPDATED_DESC",
            };
            for side in ["after", "before"] {
                let query = format!("{{ tasksConnection(sort: {value}, {side}: \"{cursor}\") {{ nodes {{ id }} }} }}");
                let answer = ann.graphql(&query).await;
                assert_blames(&answer, side);
            }
        }
        let good = ann.get(format!("/api/tasks?sort={sort}&cursor={cursor}")).await;
        assert_eq!(good.json.as_array().map(Vec::len), Some(2), "{sort}");
    })
    .await;
}

#[tokio::test]
async fn missing_and_mistyped_variables_are_refused() {
    let task = OneTask::new().await;
    let cases = [
        (CREATE, json!({})),
        (CREATE, Value::Null),
        (CREATE, json!({ "input": null })),
        (CREATE, json!({ "input": {} })),
        (CREATE, json!({ "input": { "title": null } })),
        (CREATE, json!({ "input": { "title": "a", "unknown": 1 } })),
        (CREATE, json!({ "input": { "title": "a", "completed": null, "description": 1 } })),
        (UPDATE, json!({ "input": { "title": "a" } })),
        (UPDATE, json!({ "id": null, "input": { "title": "a" } })),
        (UPDATE, json!({ "id": [], "input": { "title": "a" } })),
        (UPDATE, json!({ "id": { "a": 1 }, "input": { "title": "a" } })),
        (UPDATE, json!({ "id": true, "input": { "title": "a" } })),
        (
            "mutation($id: ID!, $v: Int) { deleteTask(id: $id, expectedVersion: $v) { id } }",
            json!({ "id": "$ID", "v": "1" }),
        ),
        (
            "mutation($id: ID!, $v: Int) { deleteTask(id: $id, expectedVersion: $v) { id } }",
            json!({ "id": "$ID", "v": 1.5 }),
        ),
        (
            "mutation($id: ID!, $c: Boolean!) { setTaskCompleted(id: $id, completed: $c) { id } }",
            json!({ "id": "$ID" }),
        ),
        (
            "mutation($id: ID!, $c: Boolean!) { setTaskCompleted(id: $id, completed: $c) { id } }",
            json!({ "id": "$ID", "c": "true" }),
        ),
        (
            "mutation($id: ID!, $c: Boolean!) { setTaskCompleted(id: $id, completed: $c) { id } }",
            json!({ "id": "$ID", "c": 1 }),
        ),
        ("query($s: TaskStatusFilter!) { tasks(status: $s) { id } }", json!({ "s": "done" })),
        ("query($s: TaskSort!) { tasks(sort: $s) { id } }", json!({ "s": 1 })),
        ("query($l: Int!) { tasks(limit: $l) { id } }", json!({ "l": "10" })),
    ];
    check_all(cases, async |(document, variables)| {
        let variables: Value = serde_json::from_str(&variables.to_string().replace("$ID", &task.id)).unwrap();
        let answer = task.ann.graphql(document).variables(variables.clone()).await;
        let told = (answer.status.as_u16(), answer.code(), answer.json.get("data"));
        assert_eq!(told, (200, BAD_USER_INPUT, None), "{document} {variables}: {}", answer.text);
    })
    .await;
    for input in [json!([]), json!("title")] {
        let answer = task.ann.graphql(CREATE).variables(json!({ "input": input })).await;
        answer.refused(200, BAD_USER_INPUT);
    }
    check_all([json!([]), json!("a"), json!(1)], async |variables| {
        let body = json!({ "query": "{ me { id } }", "variables": variables });
        let answer = task.ann.post("/graphql", body).await;
        answer.refused(400, BAD_USER_INPUT);
    })
    .await;
    task.assert_unchanged().await;
}

#[tokio::test]
async fn a_missing_variable_keeps_earlier_fields_from_running() {
    let task = OneTask::new().await;
    let document = "mutation($id: ID!) { createTask(input: { title: \"New\" }) { id } toggleTask(id: $id) { id } }";
    assert_eq!(task.ann.graphql(document).await.code(), BAD_USER_INPUT);
    task.assert_unchanged().await;
    let named = "query Q { me { id } } mutation M($id: ID!) { createTask(input: { title: \"New\" }) { id } toggleTask(id: $id) { id } }";
    let body = json!({ "query": named, "operationName": "M", "variables": { "id": null } });
    assert_eq!(task.ann.post("/graphql", body).await.code(), BAD_USER_INPUT);
    let answer = task.ann.graphql("query($id: ID! = \"x\") { task(id: $id) { id } }").await;
    assert_blames(&answer, "id");
    task.assert_unchanged().await;
}

#[tokio::test]
async fn malformed_versions_are_refused_through_both_doors() {
    let task = OneTask::new().await;
    let cases = ["3", "\"x\"", "\"\"", "W/\"1\"", "\"1\", \"2\"", "\"99999999999999999999\"", "\"1"];
    check_all(cases, async |tag| {
        for (method, body) in [("PUT", Some(json!({ "title": "x" }))), ("DELETE", None)] {
            let answer = task.ann.call(method, &task.path).maybe_json(body).if_match(tag).await;
            assert!(answer.status.is_client_error(), "{answer}");
        }
    })
    .await;
    let cases = [
        ("0", "VERSION_CONFLICT"),
        ("-1", "VERSION_CONFLICT"),
        ("2147483647", "VERSION_CONFLICT"),
        ("2147483648", "GRAPHQL_VALIDATION_FAILED"),
        ("-9223372036854775808", "GRAPHQL_VALIDATION_FAILED"),
    ];
    check_all(cases, async |(version, code)| {
        let query = format!("mutation {{ deleteTask(id: \"{}\", expectedVersion: {version}) {{ id }} }}", task.id);
        assert_eq!(task.ann.graphql(&query).await.code(), code, "{version}");
    })
    .await;
    task.assert_unchanged().await;
}
