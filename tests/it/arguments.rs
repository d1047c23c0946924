//! Bad parameters, arguments, cursors, variables and versions: a clear refusal through each door.

use axum::http::header;
use serde_json::{Value, json};

use crate::{
    errors::{BAD_USER_INPUT, CREATE, House, UPDATE, VALIDATION_FAILED, blamed, fault},
    support::{
        App,
        app::{graphql_request, rest_request},
        token,
    },
};

#[tokio::test]
async fn list_parameters_that_make_no_sense_are_refused_by_rest() {
    let app = App::new().await;
    for (query, field, kind) in [
        ("status=done", "status", "enum"),
        ("status=ALL", "status", "enum"),
        ("status=%00", "status", "enum"),
        ("completed=maybe", "completed", "bool_parsing"),
        ("sort=priority", "sort", "enum"),
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
    ] {
        let answer = app.rest("ann", "GET", &format!("/api/tasks?{query}"), None).await;
        assert_eq!(fault(&answer), (422, BAD_USER_INPUT, field, kind), "{query}: {}", answer.text);
    }
    let long = app.rest("ann", "GET", &format!("/api/tasks?search={}", "x".repeat(201)), None).await;
    assert_eq!(fault(&long), (422, BAD_USER_INPUT, "search", "string_too_long"));
    for query in ["limit=1", "limit=1000", "search=%FF", &format!("search={}", "%F0%9F%A6%80".repeat(200))] {
        let answer = app.rest("ann", "GET", &format!("/api/tasks?{query}"), None).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn list_arguments_that_make_no_sense_are_refused_by_graphql() {
    let app = App::new().await;
    for (field, args, blame) in [
        ("tasks", "limit: 0", "limit"),
        ("tasks", "limit: -1", "limit"),
        ("tasks", "limit: 1001", "limit"),
        ("tasks", r#"search: "a\u0000b""#, "search"),
        ("tasksConnection", "first: 0", "first"),
        ("tasksConnection", "first: -1", "first"),
        ("tasksConnection", "first: 1001", "first"),
        ("tasksConnection", "last: 0", "last"),
        ("tasksConnection", "last: -1", "last"),
        ("tasksConnection", "last: 1001", "last"),
        ("tasksConnection", "first: 1, last: 1", "last"),
        ("tasksConnection", r#"after: """#, "after"),
        ("tasksConnection", r#"after: "garbage""#, "after"),
        ("tasksConnection", r#"before: "\u0000""#, "before"),
    ] {
        let selection = if field == "tasks" { "id" } else { "nodes { id }" };
        let answer = app.graphql("ann", &format!("{{ {field}({args}) {{ {selection} }} }}"), json!({})).await;
        assert_eq!((answer.code(), blamed(&answer)), (BAD_USER_INPUT, vec![&blame.to_owned()]), "{field}({args})");
        assert_eq!((answer.status.as_u16(), &answer.json["data"]), (200, &Value::Null), "{field}({args})");
    }
    for args in
        ["status: DONE", "sort: PRIORITY", "limit: 1.5", "limit: \"1\"", "search: 1", "limit: 99999999999999999999"]
    {
        let answer = app.graphql("ann", &format!("{{ tasks({args}) {{ id }} }}"), json!({})).await;
        assert_eq!((answer.code(), answer.json.get("data")), (VALIDATION_FAILED, None), "{args}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_cursor_that_is_truncated_or_of_another_sort_is_refused_through_both_doors() {
    let app = App::new().await;
    for title in ["a", "b", "c"] {
        app.create("ann", title).await;
    }
    for (sort, value) in [("title", "TITLE_ASC"), ("created", "CREATED_DESC"), ("updated", "UPDATED_DESC")] {
        let query = format!("{{ tasksConnection(sort: {value}, first: 1) {{ pageInfo {{ endCursor }} }} }}");
        let answer = app.graphql("ann", &query, json!({})).await;
        let cursor = answer.data()["tasksConnection"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
        let others = ["title", "-title", "created", "updated"].into_iter().filter(|other| *other != sort);
        let mut bad: Vec<_> = others.map(|other| (cursor.clone(), other)).collect();
        bad.extend([1, 2, 5, cursor.len() / 2].map(|cut| (cursor[..cursor.len() - cut].to_owned(), sort)));
        bad.extend([(format!("{cursor}x"), sort), (cursor.to_uppercase(), sort), (format!("{cursor}="), sort)]);
        for (cursor, sort) in bad {
            let answer = app.rest("ann", "GET", &format!("/api/tasks?sort={sort}&cursor={cursor}"), None).await;
            assert_eq!(fault(&answer), (422, BAD_USER_INPUT, "cursor", "value_error"), "{sort} {cursor}");
            let value = match sort {
                "title" => "TITLE_ASC",
                "-title" => "TITLE_DESC",
                "created" => "CREATED_DESC",
                _ => "UPDATED_DESC",
            };
            for side in ["after", "before"] {
                let query = format!("{{ tasksConnection(sort: {value}, {side}: \"{cursor}\") {{ nodes {{ id }} }} }}");
                let answer = app.graphql("ann", &query, json!({})).await;
                assert_eq!((answer.code(), blamed(&answer)), (BAD_USER_INPUT, vec![&side.to_owned()]), "{query}");
            }
        }
        let good = app.rest("ann", "GET", &format!("/api/tasks?sort={sort}&cursor={cursor}"), None).await;
        assert_eq!(good.json.as_array().map(Vec::len), Some(2), "{sort}");
    }
}

#[tokio::test]
async fn variables_that_are_missing_or_of_a_wrong_type_are_refused() {
    let house = House::new().await;
    for (document, variables) in [
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
        ("query($s: TaskStatus!) { tasks(status: $s) { id } }", json!({ "s": "done" })),
        ("query($s: TaskSort!) { tasks(sort: $s) { id } }", json!({ "s": 1 })),
        ("query($l: Int!) { tasks(limit: $l) { id } }", json!({ "l": "10" })),
    ] {
        let variables: Value = serde_json::from_str(&variables.to_string().replace("$ID", &house.id)).unwrap();
        let answer = house.app.graphql("ann", document, variables.clone()).await;
        let told = (answer.status.as_u16(), answer.code(), answer.json.get("data"));
        assert_eq!(told, (200, BAD_USER_INPUT, None), "{document} {variables}: {}", answer.text);
    }
    for input in [json!([]), json!("title")] {
        let answer = house.app.graphql("ann", CREATE, json!({ "input": input })).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (200, BAD_USER_INPUT), "{input}: {}", answer.text);
    }
    for variables in [json!([]), json!("a"), json!(1)] {
        let body = json!({ "query": "{ me { id } }", "variables": variables });
        let answer = house.app.send(graphql_request(Some(&token("ann")), &body)).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, BAD_USER_INPUT), "{body}: {}", answer.text);
    }
    house.assert_untouched("variables").await;
}

#[tokio::test]
async fn a_variable_that_is_missing_keeps_the_fields_before_it_from_running() {
    let house = House::new().await;
    let document = "mutation($id: ID!) { createTask(input: { title: \"New\" }) { id } toggleTask(id: $id) { id } }";
    assert_eq!(house.app.graphql("ann", document, json!({})).await.code(), BAD_USER_INPUT);
    house.assert_untouched("a missing variable").await;
    let named = "query Q { me { id } } mutation M($id: ID!) { createTask(input: { title: \"New\" }) { id } toggleTask(id: $id) { id } }";
    let body = json!({ "query": named, "operationName": "M", "variables": { "id": null } });
    assert_eq!(house.app.send(graphql_request(Some(&token("ann")), &body)).await.code(), BAD_USER_INPUT);
    let answer = house.app.graphql("ann", "query($id: ID! = \"x\") { task(id: $id) { id } }", json!({})).await;
    assert_eq!((answer.code(), blamed(&answer)), (BAD_USER_INPUT, vec![&"id".to_owned()]), "a default will do");
    house.assert_untouched("a missing variable").await;
}

#[tokio::test]
async fn versions_that_are_none_are_refused_through_both_doors() {
    let house = House::new().await;
    for tag in ["3", "\"x\"", "\"\"", "W/\"1\"", "\"1\", \"2\"", "\"99999999999999999999\"", "\"1"] {
        for (method, body) in [("PUT", Some(json!({ "title": "x" }))), ("DELETE", None)] {
            let mut request = rest_request(Some(&token("ann")), method, &format!("/api/tasks/{}", house.id), body);
            request.headers_mut().insert(header::IF_MATCH, tag.parse().unwrap());
            let answer = house.app.send(request).await;
            assert!(answer.status.is_client_error(), "{method} {tag}: {} {}", answer.status, answer.text);
        }
    }
    for version in ["0", "-1", "2", "9223372036854775807", "-9223372036854775808"] {
        let query = format!("mutation {{ deleteTask(id: \"{}\", expectedVersion: {version}) {{ id }} }}", house.id);
        assert_eq!(house.app.graphql("ann", &query, json!({})).await.code(), "VERSION_CONFLICT", "{version}");
    }
    house.assert_untouched("versions").await;
}
