//! Changes to many tasks by their ids, through both doors: all of it is done, or nothing.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    skip,
    support::{Answer, App},
};

async fn bulk(app: &App, user: &str, body: Value) -> Answer {
    app.rest(user, "POST", "/api/tasks/bulk", Some(body)).await
}

/// New tasks of a user, and their ids.
async fn some(app: &App, user: &str, titles: &[&str]) -> Vec<Value> {
    let new: Vec<_> = titles.iter().map(|title| json!({ "title": title })).collect();
    let answer = bulk(app, user, json!({ "create": new })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["tasks"].as_array().unwrap().clone()
}

fn ids(tasks: &[Value]) -> Vec<Value> {
    tasks.iter().map(|task| task["id"].clone()).collect()
}

const COMPLETE: &str = "mutation($ids: [ID!]!) { completeTasks(ids: $ids) { count tasks { id completed version } } }";
const DELETE: &str = "mutation($ids: [ID!]!) { deleteTasks(ids: $ids) { count ids } }";

#[tokio::test]
async fn many_tasks_are_added_completed_and_deleted_by_rest() {
    let app = App::new().await;
    let created = some(&app, "ann", &["a", "b", "c"]).await;
    let titles: Vec<_> = created.iter().map(|task| task["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["a", "b", "c"]);
    let ids = ids(&created);
    let completed = bulk(&app, "ann", json!({ "complete": [ids[2], ids[0], ids[2]] })).await;
    let told: Vec<_> = completed.json["tasks"].as_array().unwrap().iter().map(|task| &task["id"]).collect();
    assert_eq!((completed.status.as_u16(), told), (200, vec![&ids[0], &ids[2]]));
    assert_eq!(completed.json["tasks"][0]["version"], 2);
    let again = bulk(&app, "ann", json!({ "complete": ids })).await;
    let versions: Vec<_> = again.json["tasks"].as_array().unwrap().iter().map(|task| &task["version"]).collect();
    assert_eq!(versions, [2, 2, 2], "what is completed already stays as it is");
    let deleted = bulk(&app, "ann", json!({ "delete": [ids[0], ids[1]] })).await;
    assert_eq!((deleted.status.as_u16(), &deleted.json["tasks"][1]["title"]), (200, &json!("b")));
    assert_eq!(app.tasks_of("ann").await.as_array().unwrap().len(), 1);
    for nothing in [json!({ "create": [] }), json!({ "complete": [] }), json!({ "delete": [] })] {
        let answer = bulk(&app, "ann", nothing).await;
        assert_eq!((answer.status.as_u16(), answer.json), (200, json!({ "tasks": [] })));
    }
}

#[tokio::test]
async fn both_doors_do_the_same_to_many_tasks() {
    let app = App::new().await;
    let ids = ids(&some(&app, "ann", &["a", "b"]).await);
    let answer = app.graphql("ann", COMPLETE, json!({ "ids": ids })).await;
    let task = |id: &Value| json!({ "id": id, "completed": true, "version": 2 });
    assert_eq!(answer.data()["completeTasks"], json!({ "count": 2, "tasks": [task(&ids[0]), task(&ids[1])] }));
    assert_eq!(
        app.graphql("ann", DELETE, json!({ "ids": ids })).await.data()["deleteTasks"],
        json!({ "count": 2, "ids": ids })
    );
    assert_eq!(app.tasks_of("ann").await, json!([]));
}

#[tokio::test]
async fn when_one_of_many_is_not_there_none_is_touched() {
    let app = App::new().await;
    let ids = ids(&some(&app, "ann", &["a", "b"]).await);
    let bobs = app.create("bob", "Bob's").await["id"].clone();
    let before = app.tasks_of("ann").await;
    for stranger in [bobs, json!("01a1fe19-a73c-72af-a397-b7572654bf7a")] {
        let chosen = json!([ids[0], stranger, ids[1]]);
        for (change, document) in [("complete", COMPLETE), ("delete", DELETE)] {
            let answer = bulk(&app, "ann", json!({ change: chosen })).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (404, "NOT_FOUND"), "{change}");
            assert_eq!(app.graphql("ann", document, json!({ "ids": chosen })).await.code(), "NOT_FOUND", "{change}");
        }
    }
    assert_eq!(app.tasks_of("ann").await, before);
    assert_eq!(app.tasks_of("bob").await[0]["version"], 1);
}

#[tokio::test]
async fn what_is_wrong_with_one_of_many_is_told_with_its_place() {
    let app = App::new().await;
    let id = app.create("ann", "Mine").await["id"].clone();
    for (body, faults) in [
        (
            json!({ "create": [{ "title": "x" }, { "title": "" }, 3, {}] }),
            json!([["create", 1, "title"], ["create", 2], ["create", 3, "title"]]),
        ),
        (json!({ "complete": [id, "x", 1] }), json!([["complete", 1], ["complete", 2]])),
        (json!({ "delete": "all" }), json!([["delete"]])),
        (json!({ "delete": vec![id.clone(); 101] }), json!([["delete"]])),
        (json!({ "create": vec![json!({ "title": "x" }); 101] }), json!([["create"]])),
        (json!({ "delete": [id], "complete": [id] }), json!([[]])),
        (json!({ "complete": null }), json!([[]])),
        (json!({}), json!([[]])),
    ] {
        let answer = bulk(&app, "ann", body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (422, "BAD_USER_INPUT"), "{body}: {}", answer.text);
        let told: Vec<_> = answer.json["detail"].as_array().unwrap().iter().map(|fault| &fault["loc"]).collect();
        let expected: Vec<_> = faults
            .as_array()
            .unwrap()
            .iter()
            .map(|place| json!([&[json!("body")], place.as_array().unwrap().as_slice()].concat()))
            .collect();
        assert_eq!(told, expected.iter().collect::<Vec<_>>(), "{body}");
    }
    let answer = app.graphql("ann", DELETE, json!({ "ids": [id, "x"] })).await;
    let fields = answer.json["errors"][0]["extensions"]["fields"].clone();
    assert_eq!((answer.code(), fields), ("BAD_USER_INPUT", json!({ "ids.1": "Input should be a valid UUID" })));
    let answer = app.graphql("ann", COMPLETE, json!({ "ids": vec![id; 101] })).await;
    assert_eq!(
        answer.json["errors"][0]["extensions"]["fields"],
        json!({ "ids": "List should have at most 100 items" })
    );
    assert_eq!(app.tasks_of("ann").await[0]["version"], 1);
}

#[tokio::test]
async fn changes_to_the_same_many_tasks_at_the_same_time_are_each_all_or_none() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let app = Arc::new(app);
    for _ in 0..10 {
        let ids = ids(&some(&app, "ann", &["a", "b", "c", "d"]).await);
        let backwards: Vec<_> = ids.iter().rev().cloned().collect();
        let changes = [json!({ "delete": ids }), json!({ "complete": backwards }), json!({ "delete": [ids[1]] })];
        let answers = join_all(changes.into_iter().map(|body| bulk(&app, "ann", body))).await;
        for answer in &answers {
            let done = answer.json["tasks"].as_array().map(Vec::len);
            assert!(matches!((answer.status.as_u16(), done), (200, Some(4 | 1)) | (404, None)), "{}", answer.text);
        }
        let left = app.tasks_of("ann").await;
        let left = left.as_array().unwrap();
        let all_deleted = answers[0].status == 200;
        assert_eq!(left.len(), if all_deleted { 0 } else { 3 });
        bulk(&app, "ann", json!({ "delete": self::ids(left) })).await;
    }
}
