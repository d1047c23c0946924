//! Documents that were once executed wrongly, each as the GraphQL specification has it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tandem::graphql::{DocumentPolicy, Limits, TrustMode, TrustedDocuments};

use crate::{
    skip,
    support::{App, Lock, TestDb, proxy::proxied},
};

const INVALID: &str = "GRAPHQL_VALIDATION_FAILED";
const MISSING: &str = "00000000-0000-7000-8000-000000000000";

async fn run(app: &App, document: &str, variables: Value) -> Value {
    let answer = app.user("ann").graphql(document).variables(variables).await;
    assert_eq!(answer.json.get("errors"), None, "{document}: {}", answer.text);
    answer.json["data"].clone()
}

async fn assert_refused(app: &App, document: &str, variables: Value) {
    let answer = app.user("ann").graphql(document).variables(variables).await;
    assert_eq!((answer.code(), answer.json.get("data")), (INVALID, None), "{document}: {}", answer.text);
}

async fn titles(app: &App) -> Vec<String> {
    let tasks = app.user("ann").tasks().await;
    tasks.as_array().unwrap().iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn row_1_a_variable_of_an_unknown_type_is_refused() {
    let app = App::new().await;
    assert_refused(&app, "query($a: [Nothing] = [1]) { me { id } }", json!({})).await;
    assert_refused(&app, "query($a: Task) { me { id } }", json!({})).await;
}

#[tokio::test]
async fn row_2_a_mutation_that_is_selected_twice_runs_once() {
    let app = App::new().await;
    let id = app.user("ann").create("a").await["id"].clone();
    let toggle = "mutation($i: ID!) { toggleTask(id: $i) { id } ...F } \
        fragment F on Mutation { toggleTask(id: $i) { completed version } }";
    let toggled = json!({ "toggleTask": { "id": id, "completed": true, "version": 2 } });
    assert_eq!(run(&app, toggle, json!({ "i": id })).await, toggled);
    let create = "mutation { createTask(input: { title: \"b\" }) { title } ... on Mutation { ...F } } \
        fragment F on Mutation { createTask(input: { title: \"b\" }) { completed } }";
    run(&app, create, json!({})).await;
    assert_eq!(titles(&app).await, ["b", "a"]);
}

#[tokio::test]
async fn row_3_a_list_that_is_selected_twice_is_read_once() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    app.user("ann").create("a").await;
    proxy.take_transactions();
    let document = "{ tasks { title } ...F } fragment F on Query { tasks { version } ...G } \
        fragment G on Query { tasks { title completed } }";
    let expected = r#"{"data":{"tasks":[{"title":"a","version":1,"completed":false}]}}"#;
    assert_eq!(app.user("ann").graphql(document).await.text, expected);
    assert_eq!(proxy.take_transactions().values().sum::<usize>(), 1);
}

#[tokio::test]
async fn row_4_fields_that_cannot_be_merged_are_refused() {
    let app = App::new().await;
    for document in [
        r#"{ task(id: "A") { id } ...F } fragment F on Query { task(id: "B") { title } }"#,
        "{ tasks { x: id ...G } } fragment G on Task { x: title }",
        "{ a: tasks { id } ...F } fragment F on Query { a: tasks(limit: 1) { id } }",
        "{ me { id } ... { me { id: taskCounts { all } } } }",
        r#"{ node(id: "x") { ... on Task { x: title } ... on Node { x: id } } }"#,
    ] {
        assert_refused(&app, document, json!({})).await;
    }
}

#[tokio::test]
async fn row_5_a_mistyped_input_field_is_refused_beside_a_variable() {
    let app = App::new().await;
    let document = "mutation($t: String!) { createTask(input: { title: $t, complted: true }) { id } }";
    assert_refused(&app, document, json!({ "t": "a" })).await;
    assert!(titles(&app).await.is_empty());
}

#[tokio::test]
async fn row_6_a_variable_that_may_be_missing_is_refused_where_a_value_is_needed() {
    let app = App::new().await;
    for (document, variables) in [
        (
            "mutation($t: String) { a: createTask(input: { title: \"x\" }) { id } b: createTask(input: { title: $t }) { id } }",
            json!({}),
        ),
        ("mutation($i: ID) { deleteTasks(ids: [$i]) { count } }", json!({ "i": MISSING })),
        ("mutation($i: [ID]!) { deleteTasks(ids: $i) { count } }", json!({ "i": [] })),
        ("query($i: ID = null) { task(id: $i) { id } }", json!({})),
    ] {
        assert_refused(&app, document, variables).await;
    }
    assert!(titles(&app).await.is_empty());
}

#[tokio::test]
async fn row_7_an_object_whose_fields_are_all_skipped_is_empty() {
    let app = App::new().await;
    app.user("ann").create("a").await;
    let document = "query($f: Boolean!) { me { id @include(if: $f) } tasks { id @include(if: $f) } \
        tasksConnection { edges @include(if: $f) { cursor } } }";
    let expected = json!({ "me": {}, "tasks": [{}], "tasksConnection": {} });
    assert_eq!(run(&app, document, json!({ "f": false })).await, expected);
    let nested = "query($f: Boolean!) { ... @include(if: $f) { me { id } } me @skip(if: $f) { ...F } \
        tasks { ... @skip(if: $f) { title } title @include(if: $f) } } fragment F on Viewer { id }";
    for f in [false, true] {
        let expected = json!({ "me": { "id": "ann" }, "tasks": [{ "title": "a" }] });
        assert_eq!(run(&app, nested, json!({ "f": f })).await, expected);
    }
}

#[tokio::test]
async fn row_8_a_directive_is_known_and_in_its_place_on_every_field() {
    let app = App::new().await;
    for document in [
        "{ __typename @nope }",
        "{ me { id @deprecated } }",
        "query @skip(if: true) { me { id } }",
        "{ me { id @skip } }",
        "{ me { id @skip(if: true) @skip(if: true) } }",
    ] {
        assert_refused(&app, document, json!({})).await;
    }
}

#[tokio::test]
async fn row_9_a_mutation_that_takes_too_long_is_not_said_not_to_have_run() {
    for (operation, request) in [(300, 30_000), (30_000, 300)] {
        let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
        let limits = Limits { timeout: Duration::from_millis(operation), ..Limits::default() };
        let app = App::builder().db(db).limits(limits).request_timeout(Duration::from_millis(request)).build().await;
        let lock = Lock::table(&app.db).await;
        let late = app
            .user("ann")
            .graphql("mutation { createTask(input: { title: \"a\" }) { id } }")
            .variables(json!({}))
            .await;
        assert_eq!((late.status.as_u16(), late.code()), (504, "TIMEOUT"), "{}", late.text);
        assert_eq!(late.json.get("data"), Some(&Value::Null), "{}", late.text);
        lock.release().await;
    }
}

#[tokio::test]
async fn row_10_a_short_document_with_a_huge_response_is_refused_by_its_cost() {
    let app = App::new().await;
    let fields = (0..11).fold(String::new(), |all, index| all + &format!(" a{index}:description"));
    let lists = (1..20).fold(String::new(), |all, index| all + &format!(" l{index}:tasks{{...F}}"));
    let bomb = format!("{{tasks{{...F}}{lists}}} fragment F on Task{{description{fields}}}");
    let answer = app.user("ann").graphql(&bomb).variables(json!({})).await;
    let message = answer.json["errors"][0]["message"].as_str().unwrap();
    assert_eq!((answer.code(), answer.json.get("data")), (INVALID, None), "{}", answer.text);
    assert!(message.contains("(GRAPHQL_MAX_ALIASES)"), "{message}");
    for (limits, name) in [
        (Limits { aliases: 1000, ..Limits::default() }, "(GRAPHQL_MAX_COMPLEXITY)"),
        (
            Limits { aliases: 1000, complexity: 1_000_000, response: 1 << 20, ..Limits::default() },
            "(GRAPHQL_MAX_RESPONSE)",
        ),
    ] {
        let app = App::builder().limits(limits).build().await;
        let answer = app.user("ann").graphql(&bomb).variables(json!({})).await;
        let message = answer.json["errors"][0]["message"].as_str().unwrap();
        assert!(answer.code() == INVALID && message.contains(name), "{}", answer.text);
    }
}

#[tokio::test]
async fn row_11_a_connection_reads_only_what_is_asked_for() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    app.user("ann").create("a").await;
    let admin = app.db.superuser().await;
    // Reading rows would fail now; counting them needs no title.
    admin
        .batch_execute(
            "REVOKE SELECT ON tasks FROM tandem_api; GRANT SELECT (user_id, completed) ON tasks TO tandem_api",
        )
        .await
        .unwrap();
    assert_eq!(
        run(&app, "{ tasksConnection { totalCount __typename } }", json!({})).await["tasksConnection"]["totalCount"],
        1
    );
    let answer = app.user("ann").graphql("{ tasksConnection { totalCount nodes { id } } }").variables(json!({})).await;
    assert_eq!(answer.json["data"], Value::Null, "{}", answer.text);
}

#[tokio::test]
async fn row_12_an_empty_page_says_whether_there_is_more() {
    let app = App::new().await;
    let document = "query($a: String) { tasksConnection(first: 0, after: $a) { nodes { id } edges { cursor } totalCount \
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } \
        last: tasksConnection(last: 0) { nodes { id } pageInfo { hasNextPage hasPreviousPage } } }";
    let page = |has_next, has_previous, total| {
        json!({ "nodes": [], "edges": [], "totalCount": total, "pageInfo": { "hasNextPage": has_next,
            "hasPreviousPage": has_previous, "startCursor": null, "endCursor": null } })
    };
    let data = run(&app, document, json!({})).await;
    assert_eq!(data["tasksConnection"], page(false, false, 0));
    app.user("ann").create("a").await;
    let data = run(&app, document, json!({})).await;
    assert_eq!(data["tasksConnection"], page(true, false, 1));
    assert_eq!(data["last"], json!({ "nodes": [], "pageInfo": { "hasNextPage": false, "hasPreviousPage": true } }));
    let cursor = run(&app, "{ tasksConnection { edges { cursor } } }", json!({})).await;
    let cursor = &cursor["tasksConnection"]["edges"][0]["cursor"];
    assert_eq!(run(&app, document, json!({ "a": cursor })).await["tasksConnection"], page(false, true, 1));
    let negative = app.user("ann").graphql("{ tasksConnection(first: -1) { totalCount } }").variables(json!({})).await;
    assert_eq!(negative.code(), "BAD_USER_INPUT", "{}", negative.text);
}

#[tokio::test]
async fn row_13_a_trusted_document_is_found_by_its_id_as_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("documents.json");
    std::fs::write(
        &file,
        json!({ "sha256:abc": "{ me { id } }", "abc": "{ __typename }", "x": "{ me { id } }" }).to_string(),
    )
    .unwrap();
    let trusted = Some(Arc::new(TrustedDocuments::open(&file, TrustMode::Enforce).unwrap()));
    let app = App::builder().documents(DocumentPolicy { trusted, by_hash: true }).build().await;
    for (id, expected) in [
        ("sha256:abc", json!({ "me": { "id": "ann" } })),
        ("abc", json!({ "__typename": "Query" })),
        ("x", json!({ "me": { "id": "ann" } })),
    ] {
        let body = json!({ "documentId": id });
        let answer = app.user("ann").post("/graphql", body).await;
        assert_eq!(answer.json["data"], expected, "{id}: {}", answer.text);
    }
}

#[tokio::test]
async fn row_14_the_language_is_read_to_the_letter() {
    let app = App::new().await;
    for (literal, title) in [
        (r#""""a \""" b""""#, "a \"\"\" b"),
        (r#""\uD83D\uDE00""#, "\u{1F600}"),
        (r#""\u{1F600}""#, "\u{1F600}"),
        ("\"\"\"\n      a\n        b\n    \"\"\"", "a\n  b"),
        (r#""\u0041\t\\ \/""#, "A\t\\ /"),
    ] {
        let document =
            format!("mutation {{ createTask(input: {{ title: \"x\", description: {literal} }}) {{ description }} }}");
        assert_eq!(run(&app, &document, json!({})).await["createTask"]["description"], title, "{literal}");
    }
    let spaced = "query($s: [ ID ! ] = [ ]) { __typename } ";
    assert_refused(&app, spaced, json!({})).await;
    let spaced = "mutation($s: [ ID ! ] ! = [ ]) { deleteTasks(ids: $s) { count } } ";
    assert_eq!(run(&app, spaced, json!({})).await["deleteTasks"]["count"], 0);
    for document in [
        "mutation { createTask(input: { title: \"a\", title: \"b\" }) { id } }",
        "query($i: CreateTaskInput = { title: \"a\", title: \"b\" }) { __typename @skip(if: false) }",
        r#"{ tasks(status: "PENDING") { id } }"#,
        "{ tasks(status: true) { id } }",
        "{ tasks(limit: 1.0) { id } }",
        "{ tasks(limit: 2147483648) { id } }",
    ] {
        assert_refused(&app, document, json!({})).await;
    }
    let surrogate = r#"mutation { createTask(input: { title: "\uD83D" }) { id } }"#;
    assert_eq!(app.user("ann").graphql(surrogate).variables(json!({})).await.code(), "GRAPHQL_PARSE_FAILED");
    assert_eq!(run(&app, "{ node(id: 99999999999999999999999) { id } }", json!({})).await["node"], Value::Null);
}
