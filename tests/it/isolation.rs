//! The isolation matrix: every operation of both doors, asked by everyone who must not get at a task.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};
use tandem::rest::{PREFIXES, ROUTES};

use crate::support::{
    Answer, App,
    app::{graphql_request, rest_request},
    token,
    token::{expired, signed},
};

/// What somebody is answered who names another user's task.
enum Stranger {
    /// Their own data, which at first is none: at this JSON pointer of the answer.
    OwnNothing(&'static str, &'static str),
    /// Their own new task.
    OwnTask,
    /// Null, as for a task that never was.
    Null,
    /// `NOT_FOUND`, as for a task that never was.
    NotFound,
}
use Stranger::{NotFound, Null, OwnNothing, OwnTask};

/// Root fields of GraphQL, each with documents that name a task as `$ID`.
const FIELDS: [(&str, &str, Stranger); 18] = [
    ("me", "{ me { taskCounts { all } } }", OwnNothing("/data/me/taskCounts/all", "0")),
    ("tasks", "{ tasks { id } }", OwnNothing("/data/tasks", "[]")),
    ("tasksConnection", "{ tasksConnection { nodes { id } } }", OwnNothing("/data/tasksConnection/nodes", "[]")),
    ("tasksConnection", "{ tasksConnection { totalCount } }", OwnNothing("/data/tasksConnection/totalCount", "0")),
    ("task", r#"{ task(id: "$ID") { title } }"#, Null),
    ("node", r#"{ node(id: "$ID") { id } }"#, Null),
    (
        "createTasks",
        r#"mutation { createTasks(inputs: [{ title: "x" }]) { version } }"#,
        OwnNothing("/data/createTasks", r#"[{"version":1}]"#),
    ),
    ("completeTasks", r#"mutation { completeTasks(ids: ["$ID"]) { count } }"#, NotFound),
    ("deleteTasks", r#"mutation { deleteTasks(ids: ["$ID"]) { count } }"#, NotFound),
    ("completeAll", "mutation { completeAll { count } }", OwnNothing("/data/completeAll/count", "0")),
    ("clearCompleted", "mutation { clearCompleted { count } }", OwnNothing("/data/clearCompleted/count", "0")),
    ("createTask", r#"mutation { createTask(input: { title: "x" }) { id } }"#, OwnTask),
    ("updateTask", r#"mutation { updateTask(id: "$ID", input: { title: "x" }) { id } }"#, NotFound),
    ("updateTask", r#"mutation { updateTask(id: "$ID", input: { title: "x" }, expectedVersion: 9) { id } }"#, NotFound),
    ("deleteTask", r#"mutation { deleteTask(id: "$ID") { id } }"#, NotFound),
    ("deleteTask", r#"mutation { deleteTask(id: "$ID", expectedVersion: 9) { id } }"#, NotFound),
    ("toggleTask", r#"mutation { toggleTask(id: "$ID") { id } }"#, NotFound),
    ("setTaskCompleted", r#"mutation { setTaskCompleted(id: "$ID", completed: true) { id } }"#, NotFound),
];

/// REST routes below a prefix, each with a body.
const CALLS: [(&str, &str, Option<&str>, Stranger); 11] = [
    ("GET", "/", None, OwnNothing("", "[]")),
    ("POST", "/", Some(r#"{"title":"x"}"#), OwnTask),
    ("POST", "/bulk", Some(r#"{"create":[]}"#), OwnNothing("/tasks", "[]")),
    ("POST", "/bulk", Some(r#"{"complete":["$ID"]}"#), NotFound),
    ("POST", "/bulk", Some(r#"{"delete":["$ID"]}"#), NotFound),
    ("GET", "/{task_id}", None, NotFound),
    ("PUT", "/{task_id}", Some(r#"{"title":"x"}"#), NotFound),
    ("PATCH", "/{task_id}", Some(r#"{"title":"x"}"#), NotFound),
    ("DELETE", "/{task_id}", None, NotFound),
    ("PATCH", "/{task_id}/complete", None, NotFound),
    ("PATCH", "/{task_id}/complete", Some(r#"{"completed":true}"#), NotFound),
];

/// Ann, who owns the one task that everybody is after.
struct Owner {
    app: App,
    id: String,
    before: Value,
}

impl Owner {
    async fn new() -> Self {
        let app = App::new().await;
        let id = app.create("ann", "Mine").await["id"].as_str().unwrap().to_owned();
        let before = app.tasks_of("ann").await;
        Self { app, id, before }
    }

    async fn assert_untouched(&self, by: &str) {
        assert_eq!(self.app.tasks_of("ann").await, self.before, "{by}");
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        self.app.send(request).await
    }
}

fn random_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn field_request(token: Option<&str>, document: &str, id: &str) -> Request<Body> {
    graphql_request(token, &json!({ "query": document.replace("$ID", id) }))
}

fn path(prefix: &str, route: &str, user: &str, id: &str) -> String {
    format!("{prefix}{}", route.trim_end_matches('/')).replace("{user_id}", user).replace("{task_id}", id)
}

/// The body for this task.
fn naming(body: Option<&str>, id: &str) -> Option<String> {
    body.map(|body| body.replace("$ID", id))
}

fn call_request(token: Option<&str>, method: &str, path: &str, body: Option<&str>) -> Request<Body> {
    rest_request(token, method, path, body.map(|body| serde_json::from_str(body).unwrap()))
}

/// The way to be nobody, all of which claim to be Ann where they can.
fn bad_tokens() -> [(&'static str, Option<String>); 4] {
    let in_an_hour = chrono::Utc::now().timestamp() + 3600;
    [
        ("no token", None),
        ("a token of another secret", Some(signed("another secret", &json!({ "sub": "ann", "exp": in_an_hour })))),
        ("an expired token", Some(expired("ann"))),
        ("no JWT at all", Some("ann".to_owned())),
    ]
}

#[tokio::test]
async fn without_a_good_token_no_operation_answers_or_changes_anything() {
    let ann = Owner::new().await;
    for (kind, token) in bad_tokens() {
        let token = token.as_deref();
        let mut requests: Vec<_> = FIELDS
            .iter()
            .map(|(_, document, _)| ((*document).to_owned(), field_request(token, document, &ann.id)))
            .collect();
        requests.push(("a batch".into(), graphql_request(token, &json!([{ "query": "{ tasks { id } }" }]))));
        for prefix in PREFIXES {
            requests.extend(CALLS.iter().map(|(method, route, body, _)| {
                let path = path(prefix, route, "ann", &ann.id);
                (format!("{method} {path}"), call_request(token, method, &path, naming(*body, &ann.id).as_deref()))
            }));
        }
        for (name, request) in requests {
            let answer = ann.send(request).await;
            let told = (answer.status, answer.code(), answer.header("www-authenticate").starts_with("Bearer"));
            assert_eq!(told, (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", true), "{kind}: {name}: {}", answer.text);
            assert!(!answer.text.contains("Mine"), "{kind}: {name}");
        }
        ann.assert_untouched(kind).await;
    }
}

#[tokio::test]
async fn through_graphql_anothers_task_is_as_absent_as_one_that_never_was() {
    let ann = Owner::new().await;
    for (index, (field, document, expected)) in FIELDS.iter().enumerate() {
        let stranger = token(&format!("bob-{index}"));
        let answer = ann.send(field_request(Some(&stranger), document, &ann.id)).await;
        assert_eq!(answer.status, StatusCode::OK, "{document}");
        match expected {
            OwnNothing(pointer, value) => {
                assert_eq!(answer.json.pointer(pointer).map(Value::to_string).as_deref(), Some(*value), "{document}");
            }
            OwnTask => assert_ne!(answer.data()["createTask"]["id"], json!(ann.id), "{document}"),
            Null => assert_eq!(answer.data(), &json!({ *field: null }), "{document}"),
            NotFound => {
                assert_eq!((answer.code(), &answer.json["data"]), ("NOT_FOUND", &Value::Null), "{document}");
            }
        }
        if document.contains("$ID") {
            let absent = ann.send(field_request(Some(&stranger), document, &random_id())).await;
            assert_eq!((absent.status, absent.text), (answer.status, answer.text), "{document}");
        }
        ann.assert_untouched(document).await;
    }
}

#[tokio::test]
async fn through_rest_anothers_task_is_as_absent_as_one_that_never_was() {
    let ann = Owner::new().await;
    for prefix in PREFIXES {
        for (index, (method, route, body, expected)) in CALLS.iter().enumerate() {
            let user = format!("bob-{index}-{}", prefix.len());
            let ask = |id: &str| {
                let path = path(prefix, route, &user, id);
                call_request(Some(&token(&user)), method, &path, naming(*body, id).as_deref())
            };
            let answer = ann.send(ask(&ann.id)).await;
            let name = format!("{method} {prefix}{route}: {}", answer.text);
            match expected {
                OwnNothing(pointer, nothing) => {
                    let found = answer.json.pointer(pointer).map(ToString::to_string);
                    assert_eq!(found.as_deref(), Some(*nothing), "{name}");
                    assert_eq!(answer.header("x-total-count"), if *method == "GET" { "0" } else { "" }, "{name}");
                }
                OwnTask => assert_eq!(answer.json["user_id"], json!(user), "{name}"),
                Null | NotFound => {
                    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "NOT_FOUND"), "{name}");
                    let absent = ann.send(ask(&random_id())).await;
                    assert_eq!((absent.status, absent.text), (answer.status, answer.text), "{name}");
                }
            }
            ann.assert_untouched(&name).await;
        }
    }
}

#[tokio::test]
async fn an_expected_version_does_not_tell_whether_anothers_task_is_there() {
    let ann = Owner::new().await;
    for (method, body) in [("PUT", Some(r#"{"title":"x"}"#)), ("PATCH", Some(r#"{"title":"x"}"#)), ("DELETE", None)] {
        for version in ["\"1\"", "\"9\"", "*"] {
            let mut request = call_request(Some(&token("bob")), method, &format!("/api/tasks/{}", ann.id), body);
            request.headers_mut().insert("if-match", version.parse().unwrap());
            let answer = ann.send(request).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (404, "NOT_FOUND"), "{method} {version}");
        }
    }
    let mut request = call_request(Some(&token("bob")), "GET", &format!("/api/tasks/{}", ann.id), None);
    request.headers_mut().insert("if-none-match", "\"1\"".parse().unwrap());
    assert_eq!(ann.send(request).await.status, StatusCode::NOT_FOUND);
    ann.assert_untouched("versions").await;
}

#[tokio::test]
async fn anothers_path_is_forbidden_whatever_is_asked_there() {
    let ann = Owner::new().await;
    for (method, route, body, _) in &CALLS {
        for id in [ann.id.clone(), random_id(), "no-uuid".to_owned()] {
            let path = path("/api/{user_id}/tasks", route, "ann", &id);
            let body = naming(*body, &id);
            let answer = ann.send(call_request(Some(&token("bob")), method, &path, body.as_deref())).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (403, "FORBIDDEN"), "{method} {path}");
        }
    }
    ann.assert_untouched("bob").await;
}

#[tokio::test]
async fn a_user_id_is_compared_to_the_letter_after_decoding() {
    let app = App::new().await;
    for (user, spelt, status) in [
        ("a/b c%", "a%2Fb%20c%25", 200),
        ("שלום", "%D7%A9%D7%9C%D7%95%D7%9D", 200),
        ("ann", "an%6E", 200),
        ("ann", "Ann", 403),
        ("ann", "ann%20", 403),
        ("ann", "ann%00", 403),
        ("é", "e%CC%81", 403),
        ("v1", "v1", 200),
    ] {
        let answer = app.rest(user, "GET", &format!("/api/{spelt}/tasks"), None).await;
        assert_eq!(answer.status.as_u16(), status, "{user} at {spelt}: {}", answer.text);
    }
}

#[tokio::test]
async fn every_root_field_is_in_the_matrix() {
    let app = App::new().await;
    let query = "{ __schema { subscriptionType { name } \
                 queryType { fields { name } } mutationType { fields { name } } } }";
    let answer = app.graphql("ann", query, json!({})).await;
    let schema = &answer.data()["__schema"];
    let fields = ["queryType", "mutationType"].map(|root| schema[root]["fields"].as_array().unwrap());
    let of_schema: BTreeSet<_> = fields.into_iter().flatten().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(of_schema, FIELDS.iter().map(|(name, _, _)| *name).collect());
    assert_eq!(schema["subscriptionType"], Value::Null);
}

#[test]
fn every_rest_route_is_in_the_matrix() {
    let in_matrix: BTreeSet<_> = CALLS.iter().map(|(method, route, _, _)| (*method, *route)).collect();
    assert_eq!(ROUTES.iter().copied().collect::<BTreeSet<_>>(), in_matrix);
}

#[tokio::test]
async fn the_table_of_routes_is_what_the_router_answers() {
    let app = App::new().await;
    let paths: BTreeSet<_> = ROUTES.iter().map(|(_, route)| *route).collect();
    for (prefix, route) in PREFIXES.iter().flat_map(|prefix| paths.iter().map(move |route| (prefix, route))) {
        let listed: BTreeSet<_> = ROUTES.iter().filter(|(_, path)| path == route).map(|(method, _)| *method).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"] {
            let id = app.create("ann", "Mine").await["id"].as_str().unwrap().to_owned();
            let body = (method != "GET" && method != "DELETE").then(|| json!({ "title": "x", "create": [] }));
            let answer = app.rest("ann", method, &path(prefix, route, "ann", &id), body).await;
            let name = format!("{method} {prefix}{route}: {}", answer.text);
            if listed.contains(method) {
                assert!(answer.status.is_success(), "{name}");
                continue;
            }
            assert_eq!((answer.status.as_u16(), answer.code()), (405, "METHOD_NOT_ALLOWED"), "{name}");
            let allowed: BTreeSet<_> = answer.header("allow").split(',').filter(|method| *method != "HEAD").collect();
            assert_eq!(allowed, listed, "{name}");
        }
    }
}
