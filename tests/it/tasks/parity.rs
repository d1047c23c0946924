//! Every operation through both doors, with their responses compared.

use serde_json::{Value, json};

use crate::support::{App, check_all, path_of, replica::rest_fields};

const TASK: &str = "id title description completed priority due { date time timeZone at } tags version createdAt \
                    updatedAt completedAt";
const STATUSES: [(&str, &str); 3] = [("all", "ALL"), ("pending", "PENDING"), ("completed", "COMPLETED")];
const SORTS: [(&str, &str); 10] = [
    ("sort=created&order=asc", "CREATED_ASC"),
    ("sort=created&order=desc", "CREATED_DESC"),
    ("sort=updated&order=asc", "UPDATED_ASC"),
    ("sort=updated&order=desc", "UPDATED_DESC"),
    ("sort=title&order=asc", "TITLE_ASC"),
    ("sort=title&order=desc", "TITLE_DESC"),
    ("sort=priority&order=asc", "PRIORITY_ASC"),
    ("sort=priority&order=desc", "PRIORITY_DESC"),
    ("sort=due_date&order=asc", "DUE_ASC"),
    ("sort=due_date&order=desc", "DUE_DESC"),
];

/// A task of Ann's from GraphQL, as REST would have it.
fn in_rest_words(task: &Value) -> Value {
    let mut task = rest_fields(task);
    task.insert("user_id".to_owned(), json!("ann"));
    task.into()
}

fn all_in_rest_words(tasks: &Value) -> Value {
    tasks.as_array().unwrap().iter().map(in_rest_words).collect()
}

/// What two tasks with the same history have in common.
fn likeness(task: &Value) -> Value {
    let mut task = task.as_object().unwrap().clone();
    for own in ["id", "created_at", "updated_at"] {
        task.remove(own).unwrap();
    }
    let is_completed = !task.remove("completed_at").unwrap().is_null();
    assert_eq!(json!(is_completed), task["completed"]);
    task.into()
}

/// Runs a mutation as Ann; the task in its response, as REST would have it.
async fn mutate(app: &App, field: &str, variables: Value) -> Value {
    let ann = app.user("ann");
    let answer = ann.graphql(mutation(field)).variables(variables).await;
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
    let ann = app.user("ann");
    let query = format!("query($id: ID!) {{ task(id: $id) {{ {TASK} }} }}");
    ann.graphql(&query).variables(json!({ "id": id })).await.data()["task"].clone()
}

/// Two equal tasks, one for REST and one for GraphQL, and the first one's path.
async fn twins(app: &App) -> (Value, Value, String) {
    let ann = app.user("ann");
    let new = json!({ "title": "Buy milk", "description": "2 litres" });
    let first = ann.post("/api/tasks", new.clone()).await.json;
    let second = mutate(app, "createTask", json!({ "input": new })).await;
    let path = path_of(&first);
    (first, second, path)
}

#[tokio::test]
async fn a_task_is_created_and_read_the_same_through_both_doors() {
    let app = App::new().await;
    let ann = app.user("ann");
    let cases = [
        json!({ "title": "a" }),
        json!({ "title": " a ", "description": null }),
        json!({ "title": "a", "description": "" }),
        json!({ "title": "שלום 🦀", "description": "line\n\tline", "completed": true }),
        json!({ "title": "\"'\\%_;--", "description": "<b>", "completed": false }),
    ];
    check_all(cases, async |new| {
        let rest = ann.post("/api/tasks", new.clone()).await;
        let graphql = mutate(&app, "createTask", json!({ "input": new })).await;
        assert_eq!(likeness(&rest.json), likeness(&graphql));
        assert_eq!((&graphql["title"], &graphql["version"]), (&new["title"], &json!(1)));
        assert_eq!(in_rest_words(&task_through_graphql(&app, &rest.json["id"]).await), rest.json);
        let path = path_of(&graphql);
        assert_eq!(ann.get(&path).await.json, graphql);
        let location = rest.header("location").to_owned();
        assert_eq!(ann.get(&location).await.json, rest.json);
    })
    .await;
}

#[tokio::test]
async fn lists_agree_for_every_status_sort_and_search() {
    let app = App::new().await;
    let ann = app.user("ann");
    for (title, description, completed) in [
        ("milk", None, false),
        ("MILK", Some("a dozen"), true),
        ("bread", Some("goes with milk"), false),
        ("100%", None, true),
        ("milk", Some("again"), true),
    ] {
        let new = json!({ "title": title, "description": description, "completed": completed });
        ann.post("/api/tasks", new).await;
    }
    let oldest = ann.tasks().await[4]["id"].as_str().unwrap().to_owned();
    ann.patch(format!("/api/tasks/{oldest}"), json!({ "description": "fresh" })).await;
    let query = format!(
        "query($status: TaskStatusFilter!, $sort: TaskSort!, $search: String) {{ \
         tasks(status: $status, sort: $sort, search: $search) {{ {TASK} }} \
         tasksConnection(status: $status, sort: $sort, search: $search) {{ totalCount nodes {{ {TASK} }} }} }}"
    );
    check_all(STATUSES, async |(status, status_value)| {
        for (sort, sort_value) in SORTS {
            for (search, encoded) in
                [(Value::Null, ""), (json!("milk"), "milk"), (json!("%"), "%25"), (json!("x"), "x")]
            {
                let path = format!("/api/tasks?status={status}&{sort}&search={encoded}&count=true");
                let rest = ann.get(&path).await;
                let variables = json!({ "status": status_value, "sort": sort_value, "search": search });
                let graphql = ann.graphql(&query).variables(variables).await;
                let (list, connection) = (&graphql.data()["tasks"], &graphql.data()["tasksConnection"]);
                assert_eq!(all_in_rest_words(list), rest.json, "{path}");
                assert_eq!(&connection["nodes"], list, "{path}");
                assert_eq!(connection["totalCount"].to_string(), rest.header("x-total-count"), "{path}");
                assert_eq!(rest.header("x-total-count"), list.as_array().unwrap().len().to_string(), "{path}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn older_spellings_of_a_list_mean_the_same() {
    let app = App::new().await;
    let ann = app.user("ann");
    for (title, completed) in [("b", true), ("a", false), ("c", true)] {
        ann.post("/api/tasks", json!({ "title": title, "completed": completed })).await;
    }
    let cases = [
        (&["", "sort=created", "sort=-created_at", "order=desc", "search=", "status="][..], "sort=created&order=desc"),
        (&["sort=created_at&order=asc", "order=asc"], "sort=created&order=asc"),
        (&["sort=updated", "sort=-updated", "sort=updated_at"], "sort=updated&order=desc"),
        (&["sort=title"], "sort=title&order=asc"),
        (&["sort=-title"], "sort=title&order=desc"),
        (&["sort=priority", "sort_by=priority", "sort=-priority"], "sort=priority&order=desc"),
        (&["sort=due_date", "sort_by=due_date"], "sort=due_date&order=asc"),
        (&["sort=-due_date", "sort_by=due_date&sort_order=desc"], "sort=due_date&order=desc"),
        (&["completed=true", "completed=1", "completed=True"], "status=completed"),
        (&["completed=false", "completed=0", "completed=no"], "status=pending"),
        (&["status=pending&completed=true", "status=completed&status=pending"], "status=pending"),
    ];
    check_all(cases, async |(spellings, meant)| {
        let expected = ann.get(format!("/api/tasks?{meant}")).await.json;
        for spelling in spellings {
            let answer = ann.get(format!("/api/tasks?{spelling}")).await;
            assert_eq!(answer.json, expected, "{spelling}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_update_means_the_same_through_both_doors() {
    let app = App::new().await;
    let ann = app.user("ann");
    for (patch, title, description, completed) in [
        (json!({ "title": "New" }), "New", Some("2 litres"), false),
        (json!({ "completed": true }), "Buy milk", Some("2 litres"), true),
        (json!({ "description": null }), "Buy milk", None, false),
        (json!({ "description": "" }), "Buy milk", Some(""), false),
        (json!({ "description": "3" }), "Buy milk", Some("3"), false),
        (json!({ "title": "New", "description": "3", "completed": true }), "New", Some("3"), true),
        (json!({ "title": "Buy milk" }), "Buy milk", Some("2 litres"), false),
    ] {
        for method in ["PUT", "PATCH"] {
            let (_, second, path) = twins(&app).await;
            let rest = ann.call(method, &path).json(patch.clone()).await;
            let graphql = mutate(&app, "updateTask", json!({ "id": second["id"], "input": patch })).await;
            let expected = json!({ "title": title, "description": description, "completed": completed, "version": 2,
                                   "user_id": "ann", "priority": null, "due_date": null, "due_timezone": null, "tags": [] });
            assert_eq!((likeness(&rest.json), likeness(&graphql)), (expected.clone(), expected), "{method} {patch}");
            assert_eq!(rest.header("etag"), "\"2\"");
            assert_eq!((&graphql["id"], &graphql["created_at"]), (&second["id"], &second["created_at"]));
            assert_eq!(ann.get(&path).await.json, rest.json);
        }
    }
}

#[tokio::test]
async fn null_keeps_a_title_in_rest_and_is_refused_in_graphql() {
    let app = App::new().await;
    let ann = app.user("ann");
    let cases = [
        ("title", json!({ "title": null, "completed": true })),
        ("completed", json!({ "title": "New", "completed": null })),
    ];
    check_all(cases, async |(field, patch)| {
        let (_, second, path) = twins(&app).await;
        assert_eq!(ann.patch(&path, patch.clone()).await.json["version"], 2);
        let variables = json!({ "id": second["id"], "input": patch });
        let graphql = ann.graphql(mutation("updateTask")).variables(variables).await;
        assert_eq!((graphql.code(), graphql.fields()), ("BAD_USER_INPUT", vec![field]));
    })
    .await;
}

#[tokio::test]
async fn a_change_that_expects_another_version_changes_nothing() {
    let app = App::new().await;
    let ann = app.user("ann");
    let change = json!({ "title": "New" });
    let cases = [
        ("PUT", "updateTask", Some(change.clone())),
        ("PATCH", "updateTask", Some(change.clone())),
        ("DELETE", "deleteTask", None),
    ];
    check_all(cases, async |(method, field, body)| {
        let (first, second, path) = twins(&app).await;
        let variables = |version| match field {
            "updateTask" => json!({ "id": second["id"], "input": change, "version": version }),
            _ => json!({ "id": second["id"], "version": version }),
        };
        for stale in [0, 2, i64::from(i32::MAX)] {
            let rest = ann.call(method, &path).maybe_json(body.clone()).if_match(&format!("\"{stale}\"")).await;
            rest.refused(412, "VERSION_CONFLICT");
            let graphql = ann.graphql(mutation(field)).variables(variables(stale)).await;
            assert_eq!(graphql.code(), "VERSION_CONFLICT", "{field} {stale}");
            let current = &graphql.json["errors"][0]["extensions"]["current"];
            assert_eq!(&in_rest_words(current), &second, "{field} {stale}");
        }
        assert_eq!(ann.get(&path).await.json, first);
        assert_eq!(in_rest_words(&task_through_graphql(&app, &second["id"]).await), second);
        assert!(ann.call(method, &path).maybe_json(body).if_match(&format!("\"{}\"", 1)).await.status.is_success());
        ann.graphql(mutation(field)).variables(variables(1)).await.data();
    })
    .await;
}

#[tokio::test]
async fn a_deleted_task_is_gone_from_both_doors() {
    let app = App::new().await;
    let ann = app.user("ann");
    let (first, second, path) = twins(&app).await;
    let rest = ann.delete(&path).await;
    assert_eq!((rest.status.as_u16(), rest.text.as_str()), (204, ""));
    let delete = |id: &Value| json!({ "id": id });
    let graphql = ann.graphql(mutation("deleteTask")).variables(delete(&second["id"])).await;
    assert_eq!(graphql.data(), &json!({ "deleteTask": { "id": second["id"] } }));
    for id in [&first["id"], &second["id"]] {
        let path = format!("/api/tasks/{}", id.as_str().unwrap());
        assert_eq!(ann.get(&path).await.code(), "NOT_FOUND");
        assert_eq!(ann.delete(&path).await.code(), "NOT_FOUND");
        assert_eq!(task_through_graphql(&app, id).await, Value::Null);
        assert_eq!(ann.graphql(mutation("deleteTask")).variables(delete(id)).await.code(), "NOT_FOUND");
    }
}

#[tokio::test]
async fn completing_means_the_same_through_both_doors() {
    let app = App::new().await;
    let ann = app.user("ann");
    let (_, second, path) = twins(&app).await;
    let path = format!("{path}/complete");
    // The request, whether the task is completed then, and its version, which a change of nothing leaves as it is.
    for (asked, completed, version) in [
        (Some(false), false, 1),
        (None, true, 2),
        (Some(true), true, 2),
        (None, false, 3),
        (Some(true), true, 4),
        (Some(false), false, 5),
    ] {
        let rest = ann.call("PATCH", &path).maybe_json(asked.map(|completed| json!({ "completed": completed }))).await;
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
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    for completed in [true, false, true, true, false] {
        ann.post("/api/tasks", json!({ "title": "a", "completed": completed })).await;
    }
    bob.create("Not Ann's").await;
    let query = "{ me { taskCounts { all pending completed } } }";
    let counts = ann.graphql(query).await.data()["me"]["taskCounts"].clone();
    assert_eq!(counts, json!({ "all": 5, "pending": 2, "completed": 3 }));
    check_all(STATUSES, async |(status, value)| {
        let query = format!("{{ tasksConnection(status: {value}, first: 1) {{ totalCount }} }}");
        let total = ann.graphql(&query).await.data()["tasksConnection"]["totalCount"].clone();
        assert_eq!(total, counts[status]);
        for limit in ["1", "1000"] {
            let answer = ann.get(format!("/api/tasks?status={status}&limit={limit}&count=true")).await;
            assert_eq!(answer.header("x-total-count"), counts[status].to_string(), "{status}");
        }
    })
    .await;
}
