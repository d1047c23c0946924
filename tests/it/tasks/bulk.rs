//! Bulk changes by id, through both doors: all or nothing.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    skip,
    support::{Answer, App, check_all},
};

async fn bulk(app: &App, user: &str, body: Value) -> Answer {
    app.user(user).post("/api/tasks/bulk", body).await
}

/// New tasks of a user, and their ids.
async fn some(app: &App, user: &str, titles: &[&str]) -> Vec<Value> {
    let new: Vec<_> = titles.iter().map(|title| json!({ "title": title })).collect();
    let answer = bulk(app, user, json!({ "create": new })).await;
    answer.status(200);
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
    let ann = app.user("ann");
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
    assert_eq!(versions, [2, 2, 2], "completed tasks stay as they are");
    let deleted = bulk(&app, "ann", json!({ "delete": [ids[0], ids[1]] })).await;
    assert_eq!((deleted.status.as_u16(), &deleted.json["tasks"][1]["title"]), (200, &json!("b")));
    assert_eq!(ann.tasks().await.as_array().unwrap().len(), 1);
    let cases = [json!({ "create": [] }), json!({ "complete": [] }), json!({ "delete": [] })];
    check_all(cases, async |nothing| {
        let answer = bulk(&app, "ann", nothing).await;
        assert_eq!((answer.status.as_u16(), answer.json), (200, json!({ "tasks": [] })));
    })
    .await;
}

#[tokio::test]
async fn bulk_changes_mean_the_same_through_both_doors() {
    let app = App::new().await;
    let ann = app.user("ann");
    let ids = ids(&some(&app, "ann", &["a", "b"]).await);
    let answer = ann.graphql(COMPLETE).variables(json!({ "ids": ids })).await;
    let task = |id: &Value| json!({ "id": id, "completed": true, "version": 2 });
    assert_eq!(answer.data()["completeTasks"], json!({ "count": 2, "tasks": [task(&ids[0]), task(&ids[1])] }));
    assert_eq!(
        ann.graphql(DELETE).variables(json!({ "ids": ids })).await.data()["deleteTasks"],
        json!({ "count": 2, "ids": ids })
    );
    assert_eq!(ann.tasks().await, json!([]));
}

#[tokio::test]
async fn when_one_of_many_tasks_does_not_exist_none_is_changed() {
    let app = App::new().await;
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    let ids = ids(&some(&app, "ann", &["a", "b"]).await);
    let bobs = bob.create("Bob's").await["id"].clone();
    let before = ann.tasks().await;
    for stranger in [bobs, json!("01a1fe19-a73c-72af-a397-b7572654bf7a")] {
        let chosen = json!([ids[0], stranger, ids[1]]);
        for (change, document) in [("complete", COMPLETE), ("delete", DELETE)] {
            let answer = bulk(&app, "ann", json!({ change: chosen })).await;
            answer.refused(404, "NOT_FOUND");
            assert_eq!(ann.graphql(document).variables(json!({ "ids": chosen })).await.code(), "NOT_FOUND", "{change}");
        }
    }
    assert_eq!(ann.tasks().await, before);
    assert_eq!(bob.tasks().await[0]["version"], 1);
}

#[tokio::test]
async fn an_error_in_one_of_many_names_its_index() {
    let app = App::new().await;
    let ann = app.user("ann");
    let id = ann.create("Mine").await["id"].clone();
    let cases = [
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
    ];
    check_all(cases, async |(body, faults)| {
        let answer = bulk(&app, "ann", body.clone()).await;
        answer.refused(422, "BAD_USER_INPUT");
        let told: Vec<_> = answer.json["detail"].as_array().unwrap().iter().map(|fault| &fault["loc"]).collect();
        let expected: Vec<_> = faults
            .as_array()
            .unwrap()
            .iter()
            .map(|place| json!([&[json!("body")], place.as_array().unwrap().as_slice()].concat()))
            .collect();
        assert_eq!(told, expected.iter().collect::<Vec<_>>(), "{body}");
    })
    .await;
    let answer = ann.graphql(DELETE).variables(json!({ "ids": [id, "x"] })).await;
    let fields = answer.json["errors"][0]["extensions"]["fields"].clone();
    assert_eq!((answer.code(), fields), ("BAD_USER_INPUT", json!({ "ids.1": "Input should be a valid UUID" })));
    let answer = ann.graphql(COMPLETE).variables(json!({ "ids": vec![id; 101] })).await;
    assert_eq!(
        answer.json["errors"][0]["extensions"]["fields"],
        json!({ "ids": "List should have at most 100 items" })
    );
    assert_eq!(ann.tasks().await[0]["version"], 1);
}

#[tokio::test]
async fn concurrent_bulk_changes_are_each_all_or_nothing() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let ann = app.user("ann");
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
        let left = ann.tasks().await;
        let left = left.as_array().unwrap();
        let all_deleted = answers[0].status == 200;
        assert_eq!(left.len(), if all_deleted { 0 } else { 3 });
        bulk(&app, "ann", json!({ "delete": self::ids(left) })).await;
    }
}
