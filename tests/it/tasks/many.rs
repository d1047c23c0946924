//! Changes to all tasks or to several new ones, and `node`.

use serde_json::{Value, json};

use crate::support::{App, check_all};

const CREATE: &str = "mutation($inputs: [CreateTaskInput!]!) { \
    createTasks(inputs: $inputs) { id title description completed version } }";

async fn create(app: &App, inputs: Value) -> Vec<Value> {
    let ann = app.user("ann");
    let answer = ann.graphql(CREATE).variables(json!({ "inputs": inputs })).await;
    answer.data()["createTasks"].as_array().unwrap().clone()
}

#[tokio::test]
async fn up_to_a_hundred_tasks_are_added_in_order() {
    let app = App::new().await;
    let ann = app.user("ann");
    let inputs: Vec<_> = (0..100)
        .map(|index| match index % 3 {
            0 => json!({ "title": format!("task {index}") }),
            1 => json!({ "title": format!("task {index}"), "description": "\"{,}\\ NULL" }),
            _ => json!({ "title": format!("task {index}"), "completed": true, "description": null }),
        })
        .collect();
    let created = create(&app, json!(inputs)).await;
    assert_eq!(created.len(), 100);
    for (index, (task, input)) in created.iter().zip(&inputs).enumerate() {
        assert_eq!((&task["title"], &task["description"]), (&input["title"], &input["description"]));
        assert_eq!((&task["completed"], &task["version"]), (&json!(index % 3 == 2), &json!(1)));
    }
    let listed = ann.graphql("{ tasks(sort: CREATED_ASC) { id } }").await;
    let ids: Vec<_> = created.iter().map(|task| json!({ "id": task["id"] })).collect();
    assert_eq!(listed.data()["tasks"], json!(ids));
    assert_eq!(create(&app, json!([])).await, Vec::<Value>::new());
}

#[tokio::test]
async fn too_many_or_partly_invalid_tasks_add_none() {
    let app = App::new().await;
    let ann = app.user("ann");
    let too_many = vec![json!({ "title": "x" }); 101];
    let answer = ann.graphql(CREATE).variables(json!({ "inputs": too_many })).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");
    let message = "List should have at most 100 items";
    assert_eq!(answer.json["errors"][0]["extensions"]["fields"], json!({ "inputs": message }));
    let bad = json!([{ "title": "x" }, { "title": "" }, { "title": "x" }, { "title": " ", "description": "\u{0}" }]);
    let answer = ann.graphql(CREATE).variables(json!({ "inputs": bad })).await;
    let fields = answer.json["errors"][0]["extensions"]["fields"].as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["1.title", "3.description", "3.title"]);
    assert_eq!(ann.tasks().await, json!([]));
}

#[tokio::test]
async fn complete_all_and_clear_completed_change_every_matching_task() {
    let app = App::new().await;
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    bob.create("Not Ann's").await;
    let created = create(&app, json!([{ "title": "a" }, { "title": "b", "completed": true }, { "title": "c" }])).await;
    let complete = "mutation { completeAll { count } }";
    let answer = ann.graphql(complete).await;
    assert_eq!(answer.data()["completeAll"], json!({ "count": 2 }));
    let list = ann.graphql("{ tasks(sort: CREATED_ASC) { id completed version } }").await;
    let task = |index: usize, version| json!({ "id": created[index]["id"], "completed": true, "version": version });
    assert_eq!(list.data()["tasks"], json!([task(0, 2), task(1, 1), task(2, 2)]));
    let answer = ann.graphql(complete).await;
    assert_eq!(answer.data()["completeAll"], json!({ "count": 0 }));
    ann.create("d").await;
    let clear = "mutation { clearCompleted { count } }";
    assert_eq!(ann.graphql(clear).await.data()["clearCompleted"], json!({ "count": 3 }));
    let left = ann.tasks().await;
    assert_eq!((left.as_array().map(Vec::len), &left[0]["title"]), (Some(1), &json!("d")));
    assert_eq!(bob.tasks().await[0]["completed"], json!(false));
}

#[tokio::test]
async fn node_finds_any_object_by_its_id_and_is_null_otherwise() {
    let app = App::new().await;
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    let id = ann.create("a").await["id"].clone();
    let query = "query($id: ID!) { node(id: $id) { __typename id ... on Task { title } ... on Node { again: id } } }";
    let answer = ann.graphql(query).variables(json!({ "id": id })).await;
    assert_eq!(answer.data()["node"], json!({ "__typename": "Task", "id": id, "title": "a", "again": id }));
    let cases = [json!("00000000-0000-7000-8000-000000000000"), json!("no id of ours"), json!("")];
    check_all(cases, async |absent| {
        assert_eq!(ann.graphql(query).variables(json!({ "id": absent })).await.data(), &json!({ "node": null }));
    })
    .await;
    assert_eq!(bob.graphql(query).variables(json!({ "id": id })).await.data(), &json!({ "node": null }));
}
