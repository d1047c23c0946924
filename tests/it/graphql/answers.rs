//! What is in a response: omitted variables, the order of fields, and null propagation.

use serde_json::{Value, json};

use crate::support::{App, check_all};

const MISSING: &str = "00000000-0000-7000-8000-000000000000";

#[tokio::test]
async fn an_omitted_variable_omits_its_argument() {
    let app = App::new().await;
    let ann = app.user("ann");
    let create = r#"mutation { createTask(input: { title: "a", description: "b" }) { id } }"#;
    let id = ann.graphql(create).await.data()["createTask"]["id"].clone();
    let update = "mutation($id: ID!, $title: String, $description: String) { \
        updateTask(id: $id, input: { title: $title, description: $description }) { title description } }";
    let answer = ann.graphql(update).variables(json!({ "id": id, "title": "c" })).await;
    assert_eq!(answer.data()["updateTask"], json!({ "title": "c", "description": "b" }));
    let answer = ann.graphql(update).variables(json!({ "id": id, "description": null })).await;
    assert_eq!(answer.data()["updateTask"], json!({ "title": "c", "description": null }));
    let list = "query($limit: Int, $sort: TaskSort) { tasks(limit: $limit, sort: $sort) { id } }";
    assert_eq!(ann.graphql(list).await.data()["tasks"], json!([{ "id": id }]));
    let skip = "query($skip: Boolean! = true) { me { id } tasks @skip(if: $skip) { id } }";
    assert_eq!(ann.graphql(skip).await.data(), &json!({ "me": { "id": "ann" } }));
    assert_eq!(ann.graphql("{ me @skip(if: true) { id } }").await.data(), &json!({}));
}

#[tokio::test]
async fn variables_of_a_wrong_type_are_named_and_nothing_runs() {
    let app = App::new().await;
    let ann = app.user("ann");
    let two = "mutation($input: CreateTaskInput!, $id: ID!) { \
        createTask(input: { title: \"first\" }) { id } a: createTask(input: $input) { id } toggleTask(id: $id) { id } }";
    let variables = json!({ "input": { "title": null, "done": true, "completed": "no" } });
    let answer = ann.graphql(two).variables(variables).await;
    assert_eq!((answer.code(), answer.json.get("data")), ("BAD_USER_INPUT", None), "{}", answer.text);
    let fields = answer.json["errors"][0]["extensions"]["fields"].as_object().unwrap();
    let names: Vec<_> = fields.keys().map(String::as_str).collect();
    assert_eq!(names, ["id", "input.completed", "input.done", "input.title"]);
    assert_eq!(ann.tasks().await, json!([]));
}

#[tokio::test]
async fn fields_are_in_the_order_of_the_document() {
    let app = App::new().await;
    let ann = app.user("ann");
    ann.create("a").await;
    let cases = [
        ("{ tasks { title version } me { id } }", r#"{"tasks":[{"title":"a","version":1}],"me":{"id":"ann"}}"#),
        ("{ me { id } tasks { version title } }", r#"{"me":{"id":"ann"},"tasks":[{"version":1,"title":"a"}]}"#),
        (
            "{ tasksConnection { totalCount nodes { title } pageInfo { hasNextPage } } }",
            r#"{"tasksConnection":{"totalCount":1,"nodes":[{"title":"a"}],"pageInfo":{"hasNextPage":false}}}"#,
        ),
        (
            "{ me { taskCounts { all } id } ...A } fragment A on Query { tasks { version } me { a: id id } }",
            r#"{"me":{"taskCounts":{"all":1},"id":"ann","a":"ann"},"tasks":[{"version":1}]}"#,
        ),
    ];
    check_all(cases, async |(document, expected)| {
        assert_eq!(ann.graphql(document).await.text, format!(r#"{{"data":{expected}}}"#));
    })
    .await;
}

#[tokio::test]
async fn a_failed_field_is_null_or_nulls_its_parent() {
    let app = App::new().await;
    let ann = app.user("ann");
    let two = format!(
        "mutation {{ a: createTask(input: {{ title: \"kept\" }}) {{ id }} b: toggleTask(id: \"{MISSING}\") {{ id }} }}"
    );
    let answer = ann.graphql(&two).await;
    assert_eq!((answer.code(), &answer.json["data"]["b"]), ("NOT_FOUND", &Value::Null), "{}", answer.text);
    assert_eq!(answer.json["data"]["a"]["id"], ann.tasks().await[0]["id"], "what was committed is told");
    let answer = ann.graphql("{ me { id } tasks(limit: 0) { id } }").await;
    assert_eq!((answer.code(), answer.json.get("data")), ("BAD_USER_INPUT", Some(&Value::Null)), "{}", answer.text);
    let answer = ann.graphql(r#"{ task(id: "x") { id } me { id } }"#).await;
    assert_eq!(answer.json["data"], json!({ "task": null, "me": { "id": "ann" } }));
    assert_eq!(answer.json["errors"][0]["path"], json!(["task"]));
}

#[tokio::test]
async fn a_task_has_the_same_fields_in_a_list_as_on_its_own() {
    let app = App::new().await;
    let ann = app.user("ann");
    let create = r#"mutation { createTask(input: { title: "a", description: "b", completed: true, tags: ["c"],
                    due: { date: "2026-03-29", time: "09:00", timeZone: "UTC" } }) { id } }"#;
    let id = ann.graphql(create).await.data()["createTask"]["id"].clone();
    let fields = ann.graphql(r#"{ __type(name: "Task") { fields { name } } }"#).await;
    let fields = fields.data()["__type"]["fields"].as_array().unwrap();
    let fields: String = fields.iter().map(|field| field["name"].as_str().unwrap().to_owned() + " ").collect();
    let selected = fields.replace("due ", "due { date time timeZone at } ");
    let query = format!(
        "query($id: ID!) {{ task(id: $id) {{ ...All }} tasks {{ ...All }} \
         tasksConnection {{ nodes {{ ...All }} edges {{ node {{ id }} ... {{ node {{ ...All }} }} cursor }} }} }} \
         fragment All on Node {{ id kind: __typename ... on Task {{ {selected} id same: title __typename }} }}"
    );
    let answer = ann.graphql(&query).variables(json!({ "id": id })).await;
    let (data, task) = (answer.data(), &answer.data()["task"]);
    assert_eq!((&task["kind"], &task["same"], &task["description"]), (&json!("Task"), &json!("a"), &json!("b")));
    assert!(fields.split_whitespace().all(|field| !task[field].is_null()), "{task}");
    assert_eq!((&data["tasks"][0], &data["tasksConnection"]["nodes"][0]), (task, task));
    assert_eq!(&data["tasksConnection"]["edges"][0]["node"], task);
}

#[tokio::test]
async fn null_for_a_variable_with_a_default_fails_the_field_that_needs_a_value_and_no_other() {
    let app = App::new().await;
    let ann = app.user("ann");
    let document = "mutation($t: String = \"x\", $i: ID = 1) { a: createTask(input: { title: \"a\" }) { title } \
        b: createTask(input: { title: $t }) { title } c: deleteTasks(ids: [$i]) { count } \
        d: createTask(input: { title: \"d\", description: $t }) { description } }";
    let answer = ann.graphql(document).variables(json!({ "t": null, "i": null })).await;
    let expected = r#"{"a":{"title":"a"},"b":null,"c":null,"d":{"description":null}}"#;
    assert!(answer.text.starts_with(&format!(r#"{{"data":{expected},"errors":["#)), "{}", answer.text);
    let paths: Vec<_> = (0..2).map(|index| answer.json["errors"][index]["path"][0].as_str()).collect();
    assert_eq!((paths, answer.code()), (vec![Some("b"), Some("c")], "BAD_USER_INPUT"), "{}", answer.text);
}

#[tokio::test]
async fn null_for_a_part_of_an_argument_of_a_field_that_is_never_null_is_null_for_the_whole() {
    let app = App::new().await;
    let ann = app.user("ann");
    for field in
        ["tasks(filter: { tagsAny: [$tag] }) { id }", "tasksConnection(filter: { tagsAny: [$tag] }) { totalCount }"]
    {
        let document = format!("query($tag: String = \"x\") {{ other: me {{ id }} {field} }}");
        let answer = ann.graphql(&document).variables(json!({ "tag": null })).await;
        assert_eq!((&answer.json["data"], answer.code()), (&json!(null), "BAD_USER_INPUT"), "{}", answer.text);
        ann.graphql(&document).await.good();
    }
}

#[tokio::test]
async fn minus_zero_is_an_integer() {
    let app = App::new().await;
    let ann = app.user("ann");
    let document = format!(r#"mutation {{ deleteTask(id: "{MISSING}", expectedVersion: -0) {{ id }} }}"#);
    assert_eq!(ann.graphql(document).await.code(), "NOT_FOUND");
}
