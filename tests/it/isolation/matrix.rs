//! The isolation matrix: every operation of both doors, called by everyone who must not reach a task.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tandem::rest::{ME_ROUTES, PREFIXES, ROUTES};

use crate::support::{
    App, OneTask, check_all, id_of,
    token::{expired, signed},
};

/// The response to a user who names another user's task.
#[derive(Debug)]
enum Stranger {
    /// Their own data, which is empty at first: at this JSON pointer of the response.
    OwnNothing(&'static str, &'static str),
    /// Their own new task.
    OwnTask,
    /// Null, as for a task that never existed.
    Null,
    /// `NOT_FOUND`, as for a task that never existed.
    NotFound,
    /// `BAD_USER_INPUT`, as for anything but the user's own id.
    OwnIdOnly,
}
use Stranger::{NotFound, Null, OwnIdOnly, OwnNothing, OwnTask};

/// GraphQL's root fields, each with documents that name a task as `$ID`.
const FIELDS: [(&str, &str, Stranger); 32] = [
    ("me", "{ me { taskCounts { all } } }", OwnNothing("/data/me/taskCounts/all", "0")),
    ("me", "{ me { tags { name } } }", OwnNothing("/data/me/tags", "[]")),
    ("tasks", "{ tasks { id } }", OwnNothing("/data/tasks", "[]")),
    ("tasksConnection", "{ tasksConnection { nodes { id } } }", OwnNothing("/data/tasksConnection/nodes", "[]")),
    ("tasksConnection", "{ tasksConnection { totalCount } }", OwnNothing("/data/tasksConnection/totalCount", "0")),
    ("changes", "{ changes { items { __typename } } }", OwnNothing("/data/changes/items", "[]")),
    ("trash", "{ trash { nodes { title } } }", OwnNothing("/data/trash/nodes", "[]")),
    ("trash", "{ trash { totalCount } }", OwnNothing("/data/trash/totalCount", "0")),
    ("task", r#"{ task(id: "$ID") { title } }"#, Null),
    ("node", r#"{ node(id: "$ID") { id } }"#, Null),
    (
        "createTasks",
        r#"mutation { createTasks(inputs: [{ title: "x" }]) { version } }"#,
        OwnNothing("/data/createTasks", r#"[{"version":1}]"#),
    ),
    (
        "createTask",
        r#"mutation { createTask(input: { id: "$ID", title: "x" }) { version } }"#,
        OwnNothing("/data/createTask", r#"{"version":1}"#),
    ),
    (
        "pushTasks",
        r#"mutation { pushTasks(changes: [{ task: { id: "$ID", title: "x" } }]) { conflicts { __typename } } }"#,
        OwnNothing("/data/pushTasks/conflicts", "[]"),
    ),
    (
        "pushTasks",
        r#"mutation { pushTasks(changes: [{ task: { id: "$ID", title: "", deleted: true }, base: { id: "$ID", title: "Mine", tags: ["mine"] } }])
           { conflicts { __typename } } }"#,
        OwnNothing("/data/pushTasks/conflicts", "[]"),
    ),
    (
        "pushTasks",
        r#"mutation { pushTasks(changes: [{ task: { id: "$ID", title: "x" }, base: { id: "$ID", title: "Mine", tags: ["mine"] } }])
           { conflicts { ... on DeletedTask { version } ... on Task { title } } } }"#,
        OwnNothing("/data/pushTasks/conflicts", r#"[{"version":0}]"#),
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
    ("restoreTask", r#"mutation { restoreTask(id: "$ID") { title } }"#, NotFound),
    ("restoreTask", r#"mutation { restoreTask(id: "$ID", expectedVersion: 9) { title } }"#, NotFound),
    ("restoreTasks", r#"mutation { restoreTasks(ids: ["$ID"]) { count } }"#, NotFound),
    ("purgeTask", r#"mutation { purgeTask(id: "$ID") { id } }"#, NotFound),
    ("emptyTrash", "mutation { emptyTrash { count } }", OwnNothing("/data/emptyTrash/count", "0")),
    ("toggleTask", r#"mutation { toggleTask(id: "$ID") { id } }"#, NotFound),
    ("setTaskCompleted", r#"mutation { setTaskCompleted(id: "$ID", completed: true) { id } }"#, NotFound),
    ("eraseMe", r#"mutation { eraseMe(confirm: "ann") }"#, OwnIdOnly),
];

/// REST routes below a prefix, each with a body.
const CALLS: [(&str, &str, Option<&str>, Stranger); 22] = [
    ("GET", "/", None, OwnNothing("", "[]")),
    ("POST", "/", Some(r#"{"title":"x"}"#), OwnTask),
    ("POST", "/", Some(r#"{"id":"$ID","title":"x"}"#), OwnNothing("/version", "1")),
    ("POST", "/bulk", Some(r#"{"create":[{"id":"$ID","title":"x"}]}"#), OwnNothing("/tasks/0/version", "1")),
    (
        "POST",
        "/push",
        Some(r#"{"changes":[{"task":{"id":"$ID","title":"x"}}]}"#),
        OwnNothing("", r#"{"conflicts":[],"refused":[]}"#),
    ),
    (
        "POST",
        "/push",
        Some(
            r#"{"changes":[{"task":{"id":"$ID","deleted":true},"base":{"id":"$ID","title":"Mine","tags":["mine"]}}]}"#,
        ),
        OwnNothing("", r#"{"conflicts":[],"refused":[]}"#),
    ),
    (
        "POST",
        "/push",
        Some(r#"{"changes":[{"task":{"id":"$ID","title":"x"},"base":{"id":"$ID","title":"Mine","tags":["mine"]}}]}"#),
        OwnNothing("/conflicts/0/deleted/version", "0"),
    ),
    ("POST", "/bulk", Some(r#"{"create":[]}"#), OwnNothing("/tasks", "[]")),
    ("POST", "/bulk", Some(r#"{"complete":["$ID"]}"#), NotFound),
    ("POST", "/bulk", Some(r#"{"delete":["$ID"]}"#), NotFound),
    ("GET", "/changes", None, OwnNothing("/changes", "[]")),
    ("GET", "/trash", None, OwnNothing("", "[]")),
    ("DELETE", "/trash", None, OwnNothing("/count", "0")),
    ("DELETE", "/trash/{task_id}", None, NotFound),
    ("POST", "/restore", Some(r#"{"ids":["$ID"]}"#), NotFound),
    ("POST", "/{task_id}/restore", None, NotFound),
    ("GET", "/{task_id}", None, NotFound),
    ("PUT", "/{task_id}", Some(r#"{"title":"x"}"#), NotFound),
    ("PATCH", "/{task_id}", Some(r#"{"title":"x"}"#), NotFound),
    ("DELETE", "/{task_id}", None, NotFound),
    ("PATCH", "/{task_id}/complete", None, NotFound),
    ("PATCH", "/{task_id}/complete", Some(r#"{"completed":true}"#), NotFound),
];

fn random_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn path(prefix: &str, route: &str, user: &str, id: &str) -> String {
    format!("{prefix}{}", route.trim_end_matches('/')).replace("{user_id}", user).replace("{task_id}", id)
}

/// The body, with this task's id.
fn naming(body: Option<&str>, id: &str) -> Option<Value> {
    body.map(|body| serde_json::from_str(&body.replace("$ID", id)).unwrap())
}

/// The ways to be unauthenticated; where they can, they claim to be Ann.
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
async fn without_a_valid_token_every_operation_is_refused_and_changes_nothing() {
    let task = OneTask::new().await;
    check_all(bad_tokens(), async |(_, token)| {
        let nobody = match token {
            Some(token) => task.app.bearer(token),
            None => task.app.anonymous(),
        };
        let mut calls: Vec<_> =
            FIELDS.iter().map(|(_, document, _)| nobody.graphql(document.replace("$ID", &task.id))).collect();
        calls.push(nobody.post("/graphql", json!([{ "query": "{ tasks { id } }" }])));
        for prefix in PREFIXES {
            calls.extend(CALLS.iter().map(|(method, route, body, _)| {
                nobody.call(method, path(prefix, route, "ann", &task.id)).maybe_json(naming(*body, &task.id))
            }));
        }
        calls.extend(ME_ROUTES.iter().map(|(method, path)| nobody.call(method, path)));
        for call in calls {
            let answer = call.await;
            answer.refused(401, "UNAUTHENTICATED");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer}");
            assert!(!answer.text.contains("Mine"), "{answer}");
        }
        task.assert_unchanged().await;
    })
    .await;
}

#[tokio::test]
async fn another_users_task_looks_absent_through_graphql() {
    let task = OneTask::new().await;
    check_all(FIELDS.iter().enumerate(), async |(index, (field, document, expected))| {
        let bob = task.app.user(&format!("bob-{index}"));
        let answer = bob.graphql(document.replace("$ID", &task.id)).await;
        answer.status(200);
        match expected {
            OwnNothing(pointer, value) => {
                assert_eq!(answer.json.pointer(pointer).map(Value::to_string).as_deref(), Some(*value));
            }
            OwnTask => assert_ne!(answer.data()["createTask"]["id"], json!(task.id)),
            Null => assert_eq!(answer.data(), &json!({ *field: null })),
            NotFound => assert_eq!((answer.code(), &answer.json["data"]), ("NOT_FOUND", &json!({ *field: null }))),
            OwnIdOnly => {
                assert_eq!((answer.code(), &answer.json["data"]), ("BAD_USER_INPUT", &json!({ *field: null })));
            }
        }
        if document.contains("$ID") {
            let absent = bob.graphql(document.replace("$ID", &random_id())).await;
            assert_eq!((absent.status, absent.text), (answer.status, answer.text));
        }
        task.assert_unchanged().await;
    })
    .await;
}

#[tokio::test]
async fn another_users_task_looks_absent_through_rest() {
    let task = OneTask::new().await;
    let cases = PREFIXES.iter().flat_map(|prefix| CALLS.iter().enumerate().map(move |call| (prefix, call)));
    check_all(cases, async |(prefix, (index, (method, route, body, expected)))| {
        let user = format!("bob-{index}-{}", prefix.len());
        let bob = task.app.user(&user);
        let ask = |id: &str| bob.call(method, path(prefix, route, &user, id)).maybe_json(naming(*body, id));
        let answer = ask(&task.id).await;
        match expected {
            OwnNothing(pointer, nothing) => {
                assert_eq!(answer.json.pointer(pointer).map(Value::to_string).as_deref(), Some(*nothing), "{answer}");
            }
            OwnTask => assert_eq!(answer.json["user_id"], json!(user)),
            Null | NotFound | OwnIdOnly => {
                answer.refused(404, "NOT_FOUND");
                let absent = ask(&random_id()).await;
                assert_eq!((absent.status, absent.text), (answer.status, answer.text));
            }
        }
        task.assert_unchanged().await;
    })
    .await;
}

/// The same matrix, but the task is in the trash.
#[tokio::test]
async fn another_users_trash_looks_empty_through_both_doors() {
    let app = App::new().await;
    let ann = app.user("ann");
    let id = id_of(&ann.create("Mine").await).to_owned();
    ann.delete(format!("/api/tasks/{id}")).await.status(204);
    let trash = async || ann.get("/api/tasks/trash").await.good();
    let before = trash().await;
    let told = async |index: usize, door: &str| {
        let bob = app.user(&format!("bob-{index}-{door}"));
        let ask = async |id: &str| match door {
            "graphql" => bob.graphql(FIELDS[index].1.replace("$ID", id)).await,
            _ => {
                let (method, route, body, _) = &CALLS[index];
                bob.call(method, path("/api/tasks", route, "", id)).maybe_json(naming(*body, id)).await
            }
        };
        let (names, expected) = match door {
            "graphql" => (FIELDS[index].1, &FIELDS[index].2),
            _ => (CALLS[index].1, &CALLS[index].3),
        };
        let answer = ask(&id).await;
        assert!(!answer.text.contains("Mine"), "{answer}");
        if matches!(expected, Null | NotFound) {
            let absent = ask(&random_id()).await;
            assert_eq!((absent.status, absent.text), (answer.status, answer.text));
        }
        assert_eq!(trash().await, before, "{names}");
    };
    for index in 0..FIELDS.len() {
        told(index, "graphql").await;
    }
    for index in 0..CALLS.len() {
        told(index, "rest").await;
    }
}

#[tokio::test]
async fn an_expected_version_does_not_reveal_another_users_task() {
    let task = OneTask::new().await;
    let bob = task.app.user("bob");
    let changes = [("PUT", Some(json!({ "title": "x" }))), ("PATCH", Some(json!({ "title": "x" }))), ("DELETE", None)];
    let cases = changes.iter().flat_map(|change| ["\"1\"", "\"9\"", "*"].map(|version| (change, version)));
    check_all(cases, async |((method, body), version)| {
        let call = bob.call(method, &task.path).maybe_json(body.clone()).if_match(version);
        call.await.refused(404, "NOT_FOUND");
    })
    .await;
    bob.get(&task.path).header("if-none-match", "\"1\"").await.status(404);
    task.assert_unchanged().await;
}

#[tokio::test]
async fn every_operation_below_another_users_path_is_forbidden() {
    let task = OneTask::new().await;
    let bob = task.app.user("bob");
    check_all(&CALLS, async |(method, route, body, _)| {
        for id in [task.id.clone(), random_id(), "no-uuid".to_owned()] {
            let path = path("/api/{user_id}/tasks", route, "ann", &id);
            bob.call(method, path).maybe_json(naming(*body, &id)).await.refused(403, "FORBIDDEN");
        }
    })
    .await;
    task.assert_unchanged().await;
}

#[tokio::test]
async fn a_user_id_in_a_path_is_compared_exactly_after_decoding() {
    let app = App::new().await;
    let cases = [
        ("a/b c%", "a%2Fb%20c%25", 200),
        ("שלום", "%D7%A9%D7%9C%D7%95%D7%9D", 200),
        ("ann", "an%6E", 200),
        ("ann", "Ann", 403),
        ("ann", "ann%20", 403),
        ("ann", "ann%00", 403),
        ("é", "e%CC%81", 403),
        ("v1", "v1", 200),
    ];
    check_all(cases, async |(user, spelt, status)| {
        let answer = app.user(user).get(format!("/api/{spelt}/tasks")).await;
        assert_eq!(answer.status.as_u16(), status, "{user} at {spelt}: {}", answer.text);
    })
    .await;
}

#[tokio::test]
async fn what_concerns_all_of_a_user_concerns_nobody_else() {
    let task = OneTask::new().await;
    let bob = task.app.user("bob");
    check_all(ME_ROUTES, async |(method, path)| {
        for path in [path.to_owned(), format!("{path}/")] {
            let answer = bob.call(method, &path).await;
            assert!(answer.status.is_success() && answer.text.is_empty(), "{answer}");
            assert!(answer.header("cache-control").contains("no-"), "{answer}");
        }
        task.assert_unchanged().await;
    })
    .await;
    for method in ["POST", "PUT", "PATCH"] {
        bob.call(method, "/api/me").await.refused(405, "METHOD_NOT_ALLOWED");
    }
}

#[tokio::test]
async fn every_root_field_is_in_the_matrix() {
    let app = App::new().await;
    let ann = app.user("ann");
    let query = "{ __schema { queryType { fields { name } } mutationType { fields { name } } \
                 subscriptionType { fields { name } } } }";
    let answer = ann.graphql(query).await;
    let schema = &answer.data()["__schema"];
    let fields = ["queryType", "mutationType"].map(|root| schema[root]["fields"].as_array().unwrap());
    let of_schema: BTreeSet<_> = fields.into_iter().flatten().map(|field| field["name"].as_str().unwrap()).collect();
    assert_eq!(of_schema, FIELDS.iter().map(|(name, _, _)| *name).collect());
    // `streams.rs` has these, through every outlet.
    assert_eq!(schema["subscriptionType"], json!({ "fields": [{ "name": "changes" }] }));
}

#[test]
fn every_rest_route_is_in_the_matrix() {
    let in_matrix: BTreeSet<_> = CALLS.iter().map(|(method, route, _, _)| (*method, *route)).collect();
    assert_eq!(ROUTES.iter().copied().collect::<BTreeSet<_>>(), in_matrix);
}

#[tokio::test]
async fn every_route_serves_its_methods_and_names_them_when_it_refuses_another() {
    const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"];
    let app = App::new().await;
    let ann = app.user("ann");
    let routes: BTreeSet<_> = ROUTES.iter().map(|(_, route)| *route).collect();
    let urls = PREFIXES.iter().flat_map(|prefix| routes.iter().map(move |route| (*prefix, *route)));
    let cases = urls.flat_map(|(prefix, route)| METHODS.map(|method| (method, prefix, route)));
    let (mut served, mut refused) = (0, 0);
    check_all(cases, async |(method, prefix, route)| {
        let id = id_of(&ann.create("Mine").await).to_owned();
        if route == "/trash/{task_id}" {
            ann.delete(format!("/api/tasks/{id}")).await.status(204);
        }
        let is_bodyless = method == "GET" || method == "DELETE";
        let body = (!is_bodyless).then(|| json!({ "title": "x", "create": [], "changes": [], "ids": [] }));
        let answer = ann.call(method, path(prefix, route, "ann", &id)).maybe_json(body).await;
        let listed = ROUTES.iter().filter(|(_, path)| *path == route).map(|(method, _)| *method);
        let mut listed: BTreeSet<_> = listed.collect();
        if listed.contains(method) {
            assert!(answer.status.is_success(), "{answer}");
            served += 1;
        } else {
            if listed.contains("GET") {
                listed.insert("HEAD");
            }
            let allowed: BTreeSet<_> = answer.refused(405, "METHOD_NOT_ALLOWED").header("allow").split(',').collect();
            assert_eq!(allowed, listed, "{answer}");
            refused += 1;
        }
    })
    .await;
    // Counted, so that a case that is skipped doesn't pass for one that holds.
    let all = PREFIXES.len() * routes.len() * METHODS.len();
    assert_eq!((served, served + refused), (PREFIXES.len() * ROUTES.len(), all));
}
