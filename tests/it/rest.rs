//! The REST door.

use serde_json::json;

use crate::support::App;

#[tokio::test]
async fn a_task_lives_through_rest() {
    let app = App::new().await;
    let task = app.create("ann", "Buy milk").await;
    assert_eq!(task["title"], "Buy milk");
    let path = format!("/api/tasks/{}", task["id"].as_str().unwrap());
    let done = app.rest("ann", "PATCH", &format!("{path}/complete"), None).await;
    assert_eq!((done.status.as_u16(), &done.json["completed"], &done.json["version"]), (200, &json!(true), &json!(2)));
    let deleted = app.rest("ann", "DELETE", &path, None).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(app.tasks_of("ann").await, json!([]));
}
