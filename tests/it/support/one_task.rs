//! A server with one task of Ann's, which nothing in a test may change.

use serde_json::{Value, json};

use super::{App, User, id_of, path_of};

pub struct OneTask {
    pub app: App,
    pub ann: User,
    pub id: String,
    pub path: String,
    before: Value,
}

impl OneTask {
    pub async fn new() -> Self {
        let app = App::new().await;
        let ann = app.user("ann");
        let task = ann.post("/api/tasks", json!({ "title": "Mine", "tags": ["mine"] })).await.good();
        let before = ann.tasks().await;
        Self { ann, id: id_of(&task).to_owned(), path: path_of(&task), before, app }
    }

    /// Requests that create, replace and patch a task: a method and a path.
    pub fn writes(&self) -> [(&'static str, &str); 3] {
        [("POST", "/api/tasks"), ("PUT", &self.path), ("PATCH", &self.path)]
    }

    /// Asserts that the task is as it was, and still the only one.
    pub async fn assert_unchanged(&self) {
        assert_eq!(self.ann.tasks().await, self.before);
    }
}
