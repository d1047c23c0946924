//! A client of the server under test: one set of credentials, and a verb for each kind of request.

use std::{fmt, pin::Pin};

use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, Method, Request, header},
};
use futures::FutureExt;
use serde_json::{Value, json};

use super::{Answer, answer, path_of};

/// A client that sends the same token, or none, with every request. Cheap to clone.
#[derive(Clone)]
pub struct User {
    router: Router,
    token: Option<String>,
}

impl User {
    pub fn new(router: Router, token: Option<String>) -> Self {
        Self { router, token }
    }

    pub fn get(&self, path: impl AsRef<str>) -> Call {
        self.call("GET", path)
    }

    pub fn post(&self, path: impl AsRef<str>, body: Value) -> Call {
        self.call("POST", path).json(body)
    }

    pub fn put(&self, path: impl AsRef<str>, body: Value) -> Call {
        self.call("PUT", path).json(body)
    }

    pub fn patch(&self, path: impl AsRef<str>, body: Value) -> Call {
        self.call("PATCH", path).json(body)
    }

    pub fn delete(&self, path: impl AsRef<str>) -> Call {
        self.call("DELETE", path)
    }

    /// A GraphQL operation; [`Call::variables`] adds variables.
    pub fn graphql(&self, document: impl AsRef<str>) -> Call {
        self.post("/graphql", json!({ "query": document.as_ref() }))
    }

    /// A request with any method, without a body.
    pub fn call(&self, method: &str, path: impl AsRef<str>) -> Call {
        let mut request = Request::new(());
        *request.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
        *request.uri_mut() = path.as_ref().parse().expect("a path");
        let call = Call { router: self.router.clone(), request, body: Payload::Empty };
        match &self.token {
            Some(token) => call.header("authorization", format!("Bearer {token}")),
            None => call,
        }
    }

    /// A new task, made through REST.
    pub async fn create(&self, title: &str) -> Value {
        self.post("/api/tasks", json!({ "title": title })).await.good()
    }

    /// Toggles whether a task is completed, through REST.
    pub fn toggle(&self, task: &Value) -> Call {
        self.call("PATCH", format!("{}/complete", path_of(task)))
    }

    /// The first 1,000 tasks, as REST lists them.
    pub async fn tasks(&self) -> Value {
        self.get("/api/tasks").await.good()
    }

    /// How many tasks there are, if no more than 1,000.
    pub async fn task_count(&self) -> usize {
        self.tasks().await.as_array().expect("a list").len()
    }
}

/// A request that is sent when it is awaited.
pub struct Call {
    router: Router,
    request: Request<()>,
    body: Payload,
}

enum Payload {
    Empty,
    Json(Value),
    Bytes(Vec<u8>),
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.request.method(), self.request.uri())
    }
}

impl Call {
    /// Adds a header, whose value may be any bytes that HTTP allows, to those of that name.
    pub fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a header's value");
        self.request.headers_mut().append(HeaderName::from_static(name), value);
        self
    }

    /// Adds headers.
    pub fn headers(self, headers: &[(&'static str, &str)]) -> Self {
        headers.iter().fold(self, |call, (name, value)| call.header(name, value))
    }

    /// With the version that is expected of the task.
    pub fn if_match(self, tag: &str) -> Self {
        self.header("if-match", tag)
    }

    /// Under an idempotency key.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With a JSON body, declared as such unless the content type is set.
    pub fn json(mut self, body: Value) -> Self {
        self.body = Payload::Json(body);
        self
    }

    /// With a JSON body, if there is one.
    pub fn maybe_json(self, body: Option<Value>) -> Self {
        match body {
            Some(body) => self.json(body),
            None => self,
        }
    }

    /// With these bytes as the body, whatever they are.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Payload::Bytes(body.into());
        self
    }

    /// With these bytes as the body, declared to be JSON.
    pub fn json_bytes(self, body: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", "application/json").bytes(body)
    }

    /// With the variables of a GraphQL operation.
    pub fn variables(mut self, variables: Value) -> Self {
        match &mut self.body {
            Payload::Json(body) => body["variables"] = variables,
            _ => panic!("only a GraphQL operation has variables"),
        }
        self
    }

    /// Sends it. Awaiting the call does the same.
    pub async fn send(self) -> Answer {
        let Self { router, mut request, body } = self;
        let body = match body {
            Payload::Empty => Body::empty(),
            Payload::Bytes(bytes) => bytes.into(),
            Payload::Json(json) => {
                let content_type = HeaderValue::from_static("application/json");
                request.headers_mut().entry(header::CONTENT_TYPE).or_insert(content_type);
                json.to_string().into()
            }
        };
        answer::to(router, request.map(|()| body)).await
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed()
    }
}
