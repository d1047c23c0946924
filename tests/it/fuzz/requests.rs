//! Requests to every route, mostly of the right shape, with parts that are not.

use std::fmt::Write;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Method, Request, Uri},
};
use proptest::{collection, option, prelude::*, sample::select};
use serde_json::{Value, json};

use super::text::{damaged, json as any_json, object, text};
use crate::support::{
    SECRET,
    token::{signed, token},
};

/// What the requests can be about.
pub struct World {
    /// Tasks of the user who asks, and one of another.
    pub ids: Vec<String>,
    pub cursors: Vec<String>,
}

type Headers = Vec<(&'static str, Vec<u8>)>;

/// A request that may be invalid.
#[derive(Clone, Debug)]
pub struct Sent {
    pub method: String,
    pub target: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Sent {
    pub fn get(target: &str) -> Self {
        Self { method: "GET".into(), target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// `None` if HTTP has no such request.
    pub fn build(self) -> Option<Request<Body>> {
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = Method::from_bytes(self.method.as_bytes()).ok()?;
        *request.uri_mut() = self.target.parse::<Uri>().ok().filter(|uri| uri.path().starts_with('/'))?;
        for (name, value) in self.headers {
            request.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_bytes(&value).ok()?);
        }
        Some(request)
    }
}

/// Any request, mostly one of Ann's.
pub fn request(world: &World) -> BoxedStrategy<Sent> {
    let methods = select(&["GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY"][..]);
    let rest = (methods.clone(), rest_path(world), query(world), headers(), rest_body(world));
    let graphql = (select(&["POST", "POST", "POST", "GET", "PUT"][..]), query(world), headers(), graphql_body(world));
    prop_oneof![
        3 => rest.prop_map(|(method, path, query, headers, body)| sent(method, format!("{path}{query}"), headers, body)),
        2 => graphql.prop_map(|(method, query, headers, body)| sent(method, format!("/graphql{query}"), headers, body)),
    ]
    .boxed()
}

fn sent(method: &str, target: String, headers: Headers, body: Vec<u8>) -> Sent {
    Sent { method: method.to_owned(), target, headers, body }
}

/// Text as it may appear in a URL; some of it isn't UTF-8.
fn in_url(text: &str, is_broken: bool) -> String {
    let mut encoded = text.bytes().fold(String::new(), |mut all, byte| {
        let _ =
            if byte.is_ascii_alphanumeric() { write!(all, "{}", char::from(byte)) } else { write!(all, "%{byte:02X}") };
        all
    });
    encoded.push_str(if is_broken { "%FF" } else { "" });
    encoded
}

fn segment() -> BoxedStrategy<String> {
    (text(), prop::bool::weighted(0.1)).prop_map(|(text, is_broken)| in_url(&text, is_broken)).boxed()
}

fn rest_path(world: &World) -> BoxedStrategy<String> {
    let id = prop_oneof![6 => select(world.ids.clone()), 1 => segment()];
    let prefix = prop_oneof![
        5 => select(&["/api/tasks", "/api/v1/tasks", "/api/ann/tasks", "/api/bob/tasks"][..]).prop_map(str::to_owned),
        1 => segment().prop_map(|user| format!("/api/{user}/tasks")),
    ];
    let rest = prop_oneof![
        2 => Just(String::new()),
        1 => Just("/bulk".to_owned()),
        3 => id.clone().prop_map(|id| format!("/{id}")),
        2 => id.prop_map(|id| format!("/{id}/complete")),
        1 => segment().prop_map(|segment| format!("/{segment}/{segment}")),
    ];
    let others = select(
        &[
            "/",
            "/livez",
            "/readyz",
            "/health",
            "/graphiql",
            "/app",
            "/service-worker.js",
            "/dev/token",
            "/docs",
            "/docs/",
            "/openapi.json",
            "/metrics",
        ][..],
    );
    prop_oneof![
        8 => (prefix, rest, select(&["", "", "/", "//"][..])).prop_map(|(prefix, rest, end)| format!("{prefix}{rest}{end}")),
        1 => others.prop_map(str::to_owned),
        1 => segment().prop_map(|segment| format!("/assets/{segment}")),
        1 => segment().prop_map(|segment| format!("/{segment}")),
    ]
    .boxed()
}

const NAMES: [&str; 22] = [
    "priority",
    "tags",
    "tags_match",
    "due_before",
    "due_after",
    "has_due",
    "status",
    "sort",
    "order",
    "search",
    "limit",
    "offset",
    "cursor",
    "direction",
    "envelope",
    "completed",
    "query",
    "variables",
    "operationName",
    "extensions",
    "documentId",
    "q",
];
const WORDS: [&str; 22] = [
    "due_date",
    "high,none",
    "2026-03-29",
    "2026-03-29T09:00:00Z",
    "all",
    "pending",
    "completed",
    "created",
    "updated",
    "title",
    "asc",
    "desc",
    "1",
    "0",
    "10",
    "true",
    "next",
    "prev",
    "{__typename}",
    "{\"a\":1}",
    "{me{id}}",
    "null",
];

fn query(world: &World) -> BoxedStrategy<String> {
    let value = prop_oneof![
        4 => select(&WORDS[..]).prop_map(|word| in_url(word, false)),
        2 => segment(),
        1 => cursor(world).prop_map(|cursor| in_url(&cursor, false)),
    ];
    let pair = (prop_oneof![6 => select(&NAMES[..]).prop_map(str::to_owned), 1 => segment()], value)
        .prop_map(|(name, value)| format!("{name}={value}"));
    prop_oneof![
        3 => Just(String::new()),
        4 => collection::vec(pair, 1..5).prop_map(|pairs| format!("?{}", pairs.join("&"))),
        1 => "[!$-;=?-Z_a-z~%]{0,30}".prop_map(|raw| format!("?{raw}")),
    ]
    .boxed()
}

/// A cursor from the server, damaged or not, or arbitrary text.
pub fn cursor(world: &World) -> BoxedStrategy<String> {
    let real = select(world.cursors.clone()).prop_map(String::into_bytes).boxed();
    prop_oneof![2 => damaged(real).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()), 1 => text()].boxed()
}

fn headers() -> BoxedStrategy<Headers> {
    let content_types = [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=latin1",
        "text/plain",
        "multipart/form-data",
        "application/graphql",
        "application/merge-patch+json",
        "",
    ];
    let accepts = [
        "*/*",
        "application/json",
        "application/graphql-response+json",
        "application/problem+json",
        "text/html",
        "image/png",
        "application/json;q=0",
        ";;;",
        "a/b,,c",
    ];
    let tags = ["*", "\"1\"", "W/\"1\"", "\"1\", \"2\"", "1", "\"", "\"99999999999999999999\""];
    let content_type = prop_oneof![5 => Just("application/json"), 1 => select(content_types.to_vec())];
    (
        prop_oneof![8 => Just(vec![ann()]), 1 => token_headers()],
        option::weighted(0.9, header("content-type", content_type.prop_map(str::to_owned))),
        option::weighted(0.4, header("accept", select(accepts.to_vec()).prop_map(str::to_owned))),
        option::weighted(0.2, header("if-match", select(tags.to_vec()).prop_map(str::to_owned))),
        option::weighted(0.2, header("if-none-match", select(tags.to_vec()).prop_map(str::to_owned))),
        option::weighted(0.3, header("idempotency-key", prop_oneof!["[a-c]", text()])),
        option::weighted(
            0.1,
            header("content-encoding", select(vec!["gzip", "identity", "br", "x"]).prop_map(str::to_owned)),
        ),
        option::weighted(
            0.1,
            header("origin", select(vec!["http://localhost", "null", "http://x", ""]).prop_map(str::to_owned)),
        ),
        option::weighted(0.1, header("x-request-id", text())),
    )
        .prop_map(|(token, a, b, c, d, e, f, g, h)| {
            token.into_iter().chain([a, b, c, d, e, f, g, h].into_iter().flatten()).collect()
        })
        .boxed()
}

/// The header with this value, sometimes with other bytes.
fn header(
    name: &'static str,
    value: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<(&'static str, Vec<u8>)> {
    prop_oneof![9 => value.prop_map(String::into_bytes), 1 => collection::vec(32..=255_u8, 0..30)]
        .prop_map(move |value| (name, value))
        .boxed()
}

fn ann() -> (&'static str, Vec<u8>) {
    ("authorization", format!("Bearer {}", token("ann")).into_bytes())
}

/// No token, several, damaged ones, and signed ones with senseless claims.
pub fn token_headers() -> BoxedStrategy<Headers> {
    let name = prop_oneof![Just("ann".to_owned()), Just("eve".to_owned()), "[a-z\u{0}é]{0,300}"];
    let number = prop_oneof![
        Just(json!(4_102_444_800_u64)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
    ];
    let claims = object(vec![
        ("sub", name.prop_map(Value::from).boxed()),
        ("exp", number.clone().boxed()),
        ("nbf", Just(json!(0)).boxed()),
        ("iat", number.boxed()),
        ("iss", text().prop_map(Value::from).boxed()),
        ("aud", any_json()),
    ]);
    let strange = claims.prop_map(|claims| signed(SECRET, &claims));
    let token = prop_oneof![Just(token("ann")), strange, text()].prop_map(String::into_bytes).boxed();
    let value = (select(&["Bearer ", "bearer  ", "Basic ", "", "Bearer"][..]), damaged(token));
    let one = value.prop_map(|(scheme, token)| ("authorization", [scheme.as_bytes(), &token].concat()));
    collection::vec(one, 0..3).boxed()
}

fn strings(value: impl Strategy<Value = String> + 'static) -> BoxedStrategy<Value> {
    value.prop_map(Value::from).boxed()
}

const DATES: [&str; 7] = [
    "2026-03-29",
    "2026-03-29T02:30",
    "2026-10-25T02:30:00",
    "2026-03-29T09:00:00.000Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "",
];
const ZONES: [&str; 5] = ["Europe/Berlin", "Pacific/Apia", "UTC", "Mars/Olympus", ""];

fn rest_body(world: &World) -> BoxedStrategy<Vec<u8>> {
    let ids = || collection::vec(strings(select(world.ids.clone())), 0..4).prop_map(Value::from).boxed();
    let task = || {
        object(vec![
            ("title", strings(prop_oneof!["[a-z]{1,10}", text()])),
            ("description", prop_oneof![Just(Value::Null), strings(text())].boxed()),
            ("completed", any::<bool>().prop_map(Value::from).boxed()),
            (
                "priority",
                strings(
                    prop_oneof![3 => select(&["low", "HIGH", "none", ""][..]).prop_map(str::to_owned), 1 => text()],
                ),
            ),
            ("due_date", strings(prop_oneof![3 => select(DATES.to_vec()).prop_map(str::to_owned), 1 => text()])),
            ("due_timezone", strings(prop_oneof![3 => select(ZONES.to_vec()).prop_map(str::to_owned), 1 => text()])),
            ("tags", collection::vec(strings(prop_oneof!["[a-z]{1,10}", text()]), 0..4).prop_map(Value::from).boxed()),
        ])
    };
    let tasks = collection::vec(task(), 0..4).prop_map(Value::from).boxed();
    let bulk = object(vec![("create", tasks), ("complete", ids()), ("delete", ids())]);
    let json = prop_oneof![6 => task(), 3 => bulk, 1 => any_json()];
    let bytes = prop_oneof![
        8 => json.prop_map(|json| json.to_string().into_bytes()),
        1 => Just(Vec::new()),
        1 => collection::vec(any::<u8>(), 0..200),
        1 => (1..70_000_usize).prop_map(|count| b"[".repeat(count)),
    ];
    damaged(bytes.boxed())
}

const DOCUMENTS: [&str; 12] = [
    "{ me { id taskCounts { all } } }",
    "query($s: TaskStatus, $n: Int = 2) { tasks(status: $s, limit: $n) { id title } }",
    "query Q($c: String, $f: Int) { tasksConnection(first: $f, after: $c) { edges { cursor node { ...T } } totalCount } } fragment T on Task { id version }",
    "query($id: ID!) { task(id: $id) { title } node(id: $id) { __typename ... on Task { createdAt } } }",
    "mutation($t: String!) { createTask(input: { title: $t }) { id } }",
    "mutation M($i: CreateTaskInput!, $id: ID!) { a: createTask(input: $i) { id } toggleTask(id: $id) { completed } }",
    "mutation($id: ID!, $v: Int) { updateTask(id: $id, input: { title: \"b\" }, expectedVersion: $v) { version } }",
    "mutation($ids: [ID!]!) { deleteTasks(ids: $ids) { count } completeAll { count } }",
    "{ __schema { types { name fields { name } } } }",
    "subscription { tasks { id } }",
    "query A { me { id } } mutation B { clearCompleted { count } }",
    "{ a: tasks { ...F } b: tasks { ...F } } fragment F on Task { id @skip(if: true) title @include(if: $nope) }",
];

fn graphql_body(world: &World) -> BoxedStrategy<Vec<u8>> {
    let id = || strings(select(world.ids.clone()));
    let variables = object(vec![
        ("t", strings(text())),
        ("s", strings(select(vec!["ALL", "PENDING"]).prop_map(str::to_owned))),
        ("n", (0..5).prop_map(Value::from).boxed()),
        ("f", (-1..5).prop_map(Value::from).boxed()),
        ("v", (0..3).prop_map(Value::from).boxed()),
        ("c", strings(cursor(world))),
        ("id", id()),
        ("ids", collection::vec(id(), 0..3).prop_map(Value::from).boxed()),
        ("i", object(vec![("title", strings(text())), ("completed", any::<bool>().prop_map(Value::from).boxed())])),
    ]);
    let document = damaged(select(&DOCUMENTS[..]).prop_map(|document| document.as_bytes().to_vec()).boxed());
    let document =
        prop_oneof![8 => document.prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()), 1 => text()];
    let operation = object(vec![
        ("query", strings(document.clone())),
        ("query", strings(document)),
        ("variables", variables),
        ("operationName", strings(select(vec!["Q", "A", "B", "M", ""]).prop_map(str::to_owned))),
        ("extensions", any_json()),
        ("documentId", strings(text())),
    ]);
    let batch = collection::vec(operation.clone(), 0..4).prop_map(Value::from);
    damaged(
        prop_oneof![6 => operation, 1 => batch, 1 => any_json()].prop_map(|json| json.to_string().into_bytes()).boxed(),
    )
}
