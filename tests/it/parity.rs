//! Both doors lead to the same house: every operation done twice, and the answers compared.

use axum::http::Request;
use serde_json::{Map, Value, json};

use crate::support::{Answer, App, app::rest_request, token};

const TASK: &str = "id title description completed version createdAt updatedAt";
const STATUSES: [(&str, &str); 3] = [("all", "ALL"), ("pending", "PENDING"), ("completed", "COMPLETED")];
const SORTS: [(&str, &str); 6] = [
    ("sort=created&order=asc", "CREATED_ASC"),
    ("sort=created&order=desc", "CREATED_DESC"),
    ("sort=updated&order=asc", "UPDATED_ASC"),
    ("sort=updated&order=desc", "UPDATED_DESC"),
    ("sort=title&order=asc", "TITLE_ASC"),
    ("sort=title&order=desc", "TITLE_DESC"),
];

/// A task of Ann's as GraphQL tells it, in the words of REST.
fn in_rest_words(task: &Value) -> Value {
    let rename = |name: &String| match name.as_str() {
        "createdAt" => "created_at".to_owned(),
        "updatedAt" => "updated_at".to_owned(),
        name => name.to_owned(),
    };
    let mut task: Map<_, _> =
        task.as_object().unwrap().iter().map(|(name, value)| (rename(name), value.clone())).collect();
    task.insert("user_id".to_owned(), json!("ann"));
    task.into()
}

fn all_in_rest_words(tasks: &Value) -> Value {
    tasks.as_array().unwrap().iter().map(in_rest_words).collect()
}

/// What two tasks that were made and treated alike have in common.
fn likeness(task: &Value) -> Value {
    let mut task = task.as_object().unwrap().clone();
    for own in ["id", "created_at", "updated_at"] {
        task.remove(own).unwrap();
    }
    task.into()
}

/// A mutation of Ann's with its variables; the task it answers with, in the words of REST.
async fn mutate(app: &App, field: &str, variables: Value) -> Value {
    let answer = app.graphql("ann", &mutation(field), variables).await;
    in_rest_words(answer.data().as_object().unwrap().values().next().unwrap())
}

fn mutation(field: &str) -> String {
    match field {
        "createTask" => format!("mutation($input: CreateTaskInput!) {{ createTask(input: $input) {{ {TASK} }} }}"),
        "updateTask" => format!(
            "mutation($id: ID!, $input: UpdateTaskInput!, $version: Int) {{ \
             updateTask(id: $id, input: $input, expectedVersion: $version) {{ {TASK} }} }}"
        ),
        "deleteTask" => {
            "mutation($id: ID!, $version: Int) { deleteTask(id: $id, expectedVersion: $version) { id } }".to_owned()
        }
        "toggleTask" => format!("mutation($id: ID!) {{ toggleTask(id: $id) {{ {TASK} }} }}"),
        "setTaskCompleted" => format!(
            "mutation($id: ID!, $completed: Boolean!) {{ \
             setTaskCompleted(id: $id, completed: $completed) {{ {TASK} }} }}"
        ),
        other => panic!("no mutation {other}"),
    }
}

async fn task_through_graphql(app: &App, id: &Value) -> Value {
    let query = format!("query($id: ID!) {{ task(id: $id) {{ {TASK} }} }}");
    app.graphql("ann", &query, json!({ "id": id })).await.data()["task"].clone()
}

/// Two tasks alike, the first for REST and the second for GraphQL, and the first one's path.
async fn twins(app: &App) -> (Value, Value, String) {
    let new = json!({ "title": "Buy milk", "description": "2 litres" });
    let first = app.rest("ann", "POST", "/api/tasks", Some(new.clone())).await.json;
    let second = mutate(app, "createTask", json!({ "input": new })).await;
    let path = format!("/api/tasks/{}", first["id"].as_str().unwrap());
    (first, second, path)
}

async fn rest_if_match(app: &App, method: &str, path: &str, body: Option<Value>, version: i64) -> Answer {
    let (mut parts, body) = rest_request(Some(&token("ann")), method, path, body).into_parts();
    parts.headers.insert("if-match", format!("\"{version}\"").parse().unwrap());
    app.send(Request::from_parts(parts, body)).await
}

#[tokio::test]
async fn a_task_is_made_alike_and_read_alike_through_both_doors() {
    let app = App::new().await;
    for new in [
        json!({ "title": "a" }),
        json!({ "title": " a ", "description": null }),
        json!({ "title": "a", "description": "" }),
        json!({ "title": "שלום 🦀", "description": "line\n\tline", "completed": true }),
        json!({ "title": "\"'\\%_;--", "description": "<b>", "completed": false }),
    ] {
        let rest = app.rest("ann", "POST", "/api/tasks", Some(new.clone())).await;
        let graphql = mutate(&app, "createTask", json!({ "input": new })).await;
        assert_eq!(likeness(&rest.json), likeness(&graphql));
        assert_eq!((&graphql["title"], &graphql["version"]), (&new["title"], &json!(1)));
        assert_eq!(in_rest_words(&task_through_graphql(&app, &rest.json["id"]).await), rest.json);
        let path = format!("/api/tasks/{}", graphql["id"].as_str().unwrap());
        assert_eq!(app.rest("ann", "GET", &path, None).await.json, graphql);
        let location = rest.header("location").to_owned();
        assert_eq!(app.rest("ann", "GET", &location, None).await.json, rest.json);
    }
}

#[tokio::test]
async fn lists_agree_for_every_status_sort_and_search() {
    let app = App::new().await;
    for (title, description, completed) in [
        ("milk", None, false),
        ("MILK", Some("a dozen"), true),
        ("bread", Some("goes with milk"), false),
        ("100%", None, true),
        ("milk", Some("again"), true),
    ] {
        let new = json!({ "title": title, "description": description, "completed": completed });
        app.rest("ann", "POST", "/api/tasks", Some(new)).await;
    }
    let oldest = app.tasks_of("ann").await[4]["id"].as_str().unwrap().to_owned();
    app.rest("ann", "PATCH", &format!("/api/tasks/{oldest}"), Some(json!({ "description": "fresh" }))).await;
    let query = format!(
        "query($status: TaskStatus!, $sort: TaskSort!, $search: String) {{ \
         tasks(status: $status, sort: $sort, search: $search) {{ {TASK} }} \
         tasksConnection(status: $status, sort: $sort, search: $search) {{ totalCount nodes {{ {TASK} }} }} }}"
    );
    for (status, status_value) in STATUSES {
        for (sort, sort_value) in SORTS {
            for (search, encoded) in
                [(Value::Null, ""), (json!("milk"), "milk"), (json!("%"), "%25"), (json!("x"), "x")]
            {
                let path = format!("/api/tasks?status={status}&{sort}&search={encoded}");
                let rest = app.rest("ann", "GET", &path, None).await;
                let variables = json!({ "status": status_value, "sort": sort_value, "search": search });
                let graphql = app.graphql("ann", &query, variables).await;
                let (list, connection) = (&graphql.data()["tasks"], &graphql.data()["tasksConnection"]);
                assert_eq!(all_in_rest_words(list), rest.json, "{path}");
                assert_eq!(&connection["nodes"], list, "{path}");
                assert_eq!(connection["totalCount"].to_string(), rest.header("x-total-count"), "{path}");
                assert_eq!(rest.header("x-total-count"), list.as_array().unwrap().len().to_string(), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn older_spellings_of_a_list_mean_the_same() {
    let app = App::new().await;
    for (title, completed) in [("b", true), ("a", false), ("c", true)] {
        app.rest("ann", "POST", "/api/tasks", Some(json!({ "title": title, "completed": completed }))).await;
    }
    for (spellings, meant) in [
        (&["", "sort=created", "sort=-created_at", "order=desc", "search=", "status="][..], "sort=created&order=desc"),
        (&["sort=created_at&order=asc", "order=asc"], "sort=created&order=asc"),
        (&["sort=updated", "sort=-updated", "sort=updated_at"], "sort=updated&order=desc"),
        (&["sort=title"], "sort=title&order=asc"),
        (&["sort=-title"], "sort=title&order=desc"),
        (&["completed=true", "completed=1", "completed=True"], "status=completed"),
        (&["completed=false", "completed=0", "completed=no"], "status=pending"),
        (&["status=pending&completed=true", "status=completed&status=pending"], "status=pending"),
    ] {
        let expected = app.rest("ann", "GET", &format!("/api/tasks?{meant}"), None).await.json;
        for spelling in spellings {
            let answer = app.rest("ann", "GET", &format!("/api/tasks?{spelling}"), None).await;
            assert_eq!(answer.json, expected, "{spelling}");
        }
    }
}

#[tokio::test]
async fn an_update_means_the_same_through_both_doors() {
    let app = App::new().await;
    for (patch, title, description, completed) in [
        (json!({ "title": "New" }), "New", Some("2 litres"), false),
        (json!({ "title": null, "completed": true }), "Buy milk", Some("2 litres"), true),
        (json!({ "description": null }), "Buy milk", None, false),
        (json!({ "description": "" }), "Buy milk", Some(""), false),
        (json!({ "completed": null, "description": "3" }), "Buy milk", Some("3"), false),
        (json!({ "title": "New", "description": "3", "completed": true }), "New", Some("3"), true),
        (json!({ "title": "Buy milk" }), "Buy milk", Some("2 litres"), false),
    ] {
        for method in ["PUT", "PATCH"] {
            let (_, second, path) = twins(&app).await;
            let rest = app.rest("ann", method, &path, Some(patch.clone())).await;
            let graphql = mutate(&app, "updateTask", json!({ "id": second["id"], "input": patch })).await;
            let expected = json!({ "title": title, "description": description, "completed": completed, "version": 2, "user_id": "ann" });
            assert_eq!((likeness(&rest.json), likeness(&graphql)), (expected.clone(), expected), "{method} {patch}");
            assert_eq!(rest.header("etag"), "\"2\"");
            assert_eq!((&graphql["id"], &graphql["created_at"]), (&second["id"], &second["created_at"]));
            assert_eq!(app.rest("ann", "GET", &path, None).await.json, rest.json);
        }
    }
}

#[tokio::test]
async fn a_change_that_expects_another_version_changes_nothing_through_either_door() {
    let app = App::new().await;
    let change = json!({ "title": "New" });
    for (method, field, body) in [
        ("PUT", "updateTask", Some(change.clone())),
        ("PATCH", "updateTask", Some(change.clone())),
        ("DELETE", "deleteTask", None),
    ] {
        let (first, second, path) = twins(&app).await;
        let variables = |version| match field {
            "updateTask" => json!({ "id": second["id"], "input": change, "version": version }),
            _ => json!({ "id": second["id"], "version": version }),
        };
        for stale in [0, 2, i64::from(i32::MAX)] {
            let rest = rest_if_match(&app, method, &path, body.clone(), stale).await;
            assert_eq!((rest.status.as_u16(), rest.code()), (412, "VERSION_CONFLICT"), "{method} {stale}");
            let graphql = app.graphql("ann", &mutation(field), variables(stale)).await;
            assert_eq!(graphql.code(), "VERSION_CONFLICT", "{field} {stale}");
            let current = &graphql.json["errors"][0]["extensions"]["current"];
            assert_eq!(&in_rest_words(current), &second, "{field} {stale}");
        }
        assert_eq!(app.rest("ann", "GET", &path, None).await.json, first);
        assert_eq!(in_rest_words(&task_through_graphql(&app, &second["id"]).await), second);
        assert!(rest_if_match(&app, method, &path, body, 1).await.status.is_success());
        app.graphql("ann", &mutation(field), variables(1)).await.data();
    }
}

#[tokio::test]
async fn a_deleted_task_is_gone_from_both_doors() {
    let app = App::new().await;
    let (first, second, path) = twins(&app).await;
    let rest = app.rest("ann", "DELETE", &path, None).await;
    assert_eq!((rest.status.as_u16(), rest.text.as_str()), (204, ""));
    let delete = |id: &Value| json!({ "id": id });
    let graphql = app.graphql("ann", &mutation("deleteTask"), delete(&second["id"])).await;
    assert_eq!(graphql.data(), &json!({ "deleteTask": { "id": second["id"] } }));
    for id in [&first["id"], &second["id"]] {
        let path = format!("/api/tasks/{}", id.as_str().unwrap());
        assert_eq!(app.rest("ann", "GET", &path, None).await.code(), "NOT_FOUND");
        assert_eq!(app.rest("ann", "DELETE", &path, None).await.code(), "NOT_FOUND");
        assert_eq!(task_through_graphql(&app, id).await, Value::Null);
        assert_eq!(app.graphql("ann", &mutation("deleteTask"), delete(id)).await.code(), "NOT_FOUND");
    }
}

#[tokio::test]
async fn completing_means_the_same_through_both_doors() {
    let app = App::new().await;
    let (_, second, path) = twins(&app).await;
    let path = format!("{path}/complete");
    // What is asked, whether it is done then, and the version it makes: what changes nothing makes none.
    for (asked, completed, version) in [
        (Some(false), false, 1),
        (None, true, 2),
        (Some(true), true, 2),
        (None, false, 3),
        (Some(true), true, 4),
        (Some(false), false, 5),
    ] {
        let rest = app.rest("ann", "PATCH", &path, asked.map(|completed| json!({ "completed": completed }))).await;
        let (field, variables) = match asked {
            Some(completed) => ("setTaskCompleted", json!({ "id": second["id"], "completed": completed })),
            None => ("toggleTask", json!({ "id": second["id"] })),
        };
        let graphql = mutate(&app, field, variables).await;
        assert_eq!(likeness(&rest.json), likeness(&graphql), "{asked:?}");
        assert_eq!((&graphql["completed"], &graphql["version"]), (&json!(completed), &json!(version)), "{asked:?}");
        assert_eq!(rest.header("etag"), format!("\"{version}\""));
    }
}

#[tokio::test]
async fn counts_agree_through_both_doors() {
    let app = App::new().await;
    for completed in [true, false, true, true, false] {
        app.rest("ann", "POST", "/api/tasks", Some(json!({ "title": "a", "completed": completed }))).await;
    }
    app.create("bob", "Not Ann's").await;
    let query = "{ me { taskCounts { all pending completed } } }";
    let counts = app.graphql("ann", query, json!({})).await.data()["me"]["taskCounts"].clone();
    assert_eq!(counts, json!({ "all": 5, "pending": 2, "completed": 3 }));
    for (status, value) in STATUSES {
        let query = format!("{{ tasksConnection(status: {value}, first: 1) {{ totalCount }} }}");
        let total = app.graphql("ann", &query, json!({})).await.data()["tasksConnection"]["totalCount"].clone();
        assert_eq!(total, counts[status]);
        for limit in ["1", "1000"] {
            let answer = app.rest("ann", "GET", &format!("/api/tasks?status={status}&limit={limit}"), None).await;
            assert_eq!(answer.header("x-total-count"), counts[status].to_string(), "{status}");
        }
    }
}
