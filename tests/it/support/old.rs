//! The former way to ask, until its last uses are gone.
#![allow(dead_code)]

use serde_json::{Value, json};

use super::{Answer, App};

impl App {
    pub async fn rest(&self, user: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.user(user).call(method, path).maybe_json(body).await
    }

    pub async fn graphql(&self, user: &str, query: &str, variables: Value) -> Answer {
        self.user(user).post("/graphql", json!({ "query": query, "variables": variables })).await
    }

    pub async fn create(&self, user: &str, title: &str) -> Value {
        self.user(user).create(title).await
    }

    pub async fn tasks_of(&self, user: &str) -> Value {
        self.user(user).tasks().await
    }
}
