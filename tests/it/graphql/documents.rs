//! Hostile GraphQL documents, and the limits on what one request may cost.

use std::{fmt::Write, time::Duration};

use axum::http::StatusCode;
use serde_json::{Value, json};
use tandem::graphql::{Limits, MAX_NESTING};

use crate::{
    skip,
    support::{Answer, App, Lock, TestDb, check_all, eventually},
};

const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";

async fn app_with(limits: Limits) -> App {
    App::builder().limits(limits).build().await
}

async fn send(app: &App, body: &Value) -> Answer {
    app.user("ann").post("/graphql", body.clone()).await
}

/// Asserts that a document was not run, and why.
async fn assert_refused(app: &App, document: &str, code: &str) {
    app.user("ann").graphql(document).await.refused(200, code).ran_nothing();
}

async fn assert_runs(app: &App, document: &str) {
    app.user("ann").graphql(document).await.good();
}

/// This many levels of nesting, or as many as fit into a body.
fn nested(levels: usize, before: &str, open: &str, middle: &str, close: &str, after: &str) -> String {
    let levels = levels.min(60_000 / (open.len() + close.len()));
    format!("{before}{}{middle}{}{after}", open.repeat(levels), close.repeat(levels))
}

#[tokio::test]
async fn nesting_is_refused_however_deep() {
    let app = App::new().await;
    let ann = app.user("ann");
    // What the parser accepts could still overflow the stack further in.
    let cases = [65, 100, 200, 300, 500, 800, 1300, 2000, 4000, 8000, usize::MAX];
    check_all(cases, async |levels| {
        for (before, open, middle, close, after) in [
            ("{ tasks(limit: ", "[", "1", "]", ") { id } }"),
            ("{ tasks(limit: ", "[", "", "", ""),
            ("{ tasks(limit: ", "{a:", "1", "}", ") { id } }"),
            ("{ tasks(limit: ", "{a:", "", "", ""),
            ("", "{a", "", "}", ""),
            ("", "{", "", "", ""),
            ("{", "...{", "me { id }", "}", "}"),
            ("{", "... on Query {", "me { id }", "}", "}"),
            ("query($a: ", "[", "Int", "]", ") { me { id } }"),
            ("query($a: ", "[", "", "", ""),
            ("query($a: Int = ", "[", "1", "]", ") { me { id } }"),
            ("{ me @include(if: ", "[", "true", "]", ") { id } }"),
            ("fragment F on Query ", "{a", "", "}", ""),
            ("{ task(id: [\"\"\"a\" ", "[", "1", "]", "]) { id } }"),
        ] {
            let document = nested(levels, before, open, middle, close, after);
            let answer = ann.graphql(&document).await;
            let is_refused = [PARSE_FAILED, VALIDATION_FAILED].contains(&answer.code());
            assert!(answer.status == StatusCode::OK && is_refused, "{before}{open} ×{levels}: {:.300}", answer.text);
        }
        let variables: String = nested(levels, r#"{"query":"{ me { id } }","variables":{"a":"#, "[", "1", "]", "}}");
        let (status, code) = if levels <= 100 { (200, "") } else { (400, "BAD_USER_INPUT") };
        ann.call("POST", "/graphql").json_bytes(variables).await.refused(status, code);
    })
    .await;
}

#[tokio::test]
async fn brackets_are_counted_up_to_the_limit() {
    let app = app_with(Limits { nesting: 3, ..Limits::default() }).await;
    assert_runs(&app, "{ tasks(search: \"{[((\") { id } }").await;
    assert_runs(&app, "{ tasksConnection { nodes { id } } }").await;
    assert_refused(&app, "{ tasksConnection { nodes { ... { id } } } }", VALIDATION_FAILED).await;
    // With the highest limit: whatever the parser accepts of this doesn't overflow the stack.
    let app = app_with(Limits { nesting: MAX_NESTING, depth: 1000, ..Limits::default() }).await;
    assert_runs(&app, &nested(MAX_NESTING - 2, "{", "... {", "me { id }", "}", "}")).await;
    assert_refused(&app, &nested(MAX_NESTING - 1, "{", "... {", "me { id }", "}", "}"), VALIDATION_FAILED).await;
    assert_refused(&app, &nested(MAX_NESTING - 2, "{ tasks(limit: ", "[", "1", "]", ") { id } }"), VALIDATION_FAILED)
        .await;
}

#[tokio::test]
async fn exponential_fragments_are_refused_at_once() {
    let app = App::new().await;
    // 20 fragments, each of which spreads the next one ten times: 10^20 fields.
    let mut bomb = "{ ...F0 }".to_owned();
    for level in 0..20 {
        write!(bomb, " fragment F{level} on Query {{ {} }}", format!("...F{} ", level + 1).repeat(10)).unwrap();
    }
    bomb += " fragment F20 on Query { me { id } }";
    assert_refused(&app, &bomb, VALIDATION_FAILED).await;
    let cases = [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }",
        "{ ...A } fragment A on Query { me { id } ...B } fragment B on Query { ... { ...A } }",
    ];
    check_all(cases, async |cycle| {
        assert_refused(&app, cycle, VALIDATION_FAILED).await;
    })
    .await;
}

#[tokio::test]
async fn long_documents_are_refused() {
    let app = App::new().await;
    let ann = app.user("ann");
    let aliases: String = (0..3000).fold(String::new(), |all, index| all + &format!("a{index}:__typename "));
    for document in [
        format!("{{ {aliases} }}"),
        format!("{{ {} }}", "__typename ".repeat(5000)),
        format!("{{ {} }}", "me { id } ".repeat(5000)),
        format!("{{ me {{ id {} }} }}", "@include(if: true) ".repeat(3000)),
        format!("{{ me {{ {} }} }}", "...F ".repeat(10_000)),
        (0..1000).fold("{ me { id } }".to_owned(), |all, index| all + &format!(" query Q{index} {{ me {{ id }} }}")),
        (0..1000).fold("{ me { id } }".to_owned(), |all, index| all + &format!(" fragment F{index} on Query {{ me }}")),
        format!(
            "query({}) {{ me {{ id }} }}",
            (0..4000).fold(String::new(), |all, index| all + &format!("$a{index}:Int "))
        ),
    ] {
        let answer = ann.graphql(&document).await;
        let is_refused = [PARSE_FAILED, VALIDATION_FAILED].contains(&answer.code());
        assert!(answer.status == StatusCode::OK && is_refused, "{document:.60}: {:.300}", answer.text);
    }
}

#[tokio::test]
async fn parse_errors_and_validation_errors_have_their_own_codes() {
    let app = App::new().await;
    let ann = app.user("ann");
    let cases = [
        "",
        " ",
        "{",
        "}",
        "{}",
        "{ me { id }",
        "{ me { id } } }",
        "query",
        "\0",
        "{ me(: 1) { id } }",
        "\u{feff}",
        "#",
    ];
    check_all(cases, async |document| {
        assert_refused(&app, document, PARSE_FAILED).await;
    })
    .await;
    let cases = [
        "{ nothing }",
        "{ me }",
        "{ me { id { id } } }",
        "{ me { password } }",
        "{ task { id } }",
        "{ me(id: 1) { id } }",
        "{ me { id } ...F }",
        "query($id: ID!) { me { id } }",
        "query($id: Nothing) { task(id: $id) { id } }",
        "mutation { nothing }",
        "subscription { tasks { id } }",
        "query A { me { id } } query B { me { id } }",
        "{ me { id @nothing } }",
        "type Query { a: Int }",
    ];
    check_all(cases, async |document| {
        let answer = ann.graphql(document).await;
        let is_refused = [PARSE_FAILED, VALIDATION_FAILED].contains(&answer.code());
        assert!(answer.status == StatusCode::OK && is_refused, "{document}: {}", answer.text);
        assert_eq!(answer.json.get("data"), None, "{document}");
    })
    .await;
    let named = json!({ "query": "query A { me { id } }", "operationName": "B" });
    assert_eq!(send(&app, &named).await.code(), VALIDATION_FAILED);
}

#[tokio::test]
async fn depth_is_counted_through_fragments_up_to_the_limit() {
    let app = app_with(Limits { depth: 3, ..Limits::default() }).await;
    assert_runs(&app, "{ tasksConnection { nodes { id } } }").await;
    assert_refused(&app, "{ tasksConnection { edges { node { id } } } }", VALIDATION_FAILED).await;
    assert_runs(&app, "{ tasksConnection { ...F } } fragment F on TaskConnection { nodes { ... { id } } }").await;
    let spread = "{ tasksConnection { ...F } } fragment F on TaskConnection { edges { node { ... { id } } } }";
    assert_refused(&app, spread, VALIDATION_FAILED).await;
}

#[tokio::test]
async fn complexity_is_counted_up_to_the_limit() {
    let app = app_with(Limits { complexity: 8, ..Limits::default() }).await;
    let cases = [
        ("{ tasks(limit: 2) { id title version } }", "{ tasks(limit: 2) { id title version completed } }"),
        (
            "{ tasksConnection(first: 2) { nodes { id title } } }",
            "{ tasksConnection(first: 2) { nodes { id title version } } }",
        ),
        (
            "{ tasksConnection(last: 2) { edges { cursor } pageInfo { endCursor } } }",
            "{ tasksConnection(last: 3) { edges { cursor } pageInfo { endCursor } } }",
        ),
        (
            "{ tasks(limit: 4) { ...F ...F ...F } } fragment F on Task { id }",
            "{ tasks(limit: 4) { ...F ...F } } fragment F on Task { id title }",
        ),
        ("query($n: Int = 4) { tasks(limit: $n) { id } }", "query($n: Int = 5) { tasks(limit: $n) { id } }"),
        ("query($n: Boolean = false) { tasks(limit: 4) { id title @include(if: $n) } }", "{ tasks { id } }"),
        ("{ tasks(limit: 3) { id } me { id } }", "{ tasks(limit: 3) { id } me { id } a: me { id } }"),
    ];
    check_all(cases, async |(fits, does_not)| {
        assert_runs(&app, fits).await;
        assert_refused(&app, does_not, VALIDATION_FAILED).await;
    })
    .await;
}

#[tokio::test]
async fn a_response_is_limited_by_its_estimate_and_while_it_is_written() {
    let app = app_with(Limits { response: 2000, ..Limits::default() }).await;
    let ann = app.user("ann");
    assert_runs(&app, "{ tasks(limit: 6) { description } }").await;
    assert_refused(&app, "{ tasks(limit: 7) { description } }", VALIDATION_FAILED).await;
    let create = "mutation($d: String) { createTask(input: { title: \"a\", description: $d }) { id } }";
    for _ in 0..3 {
        ann.graphql(create).variables(json!({ "d": "x".repeat(1000) })).await.data();
    }
    assert_runs(&app, "{ tasks(limit: 1) { description } }").await;
    for document in [
        "{ tasks(limit: 3) { description } }",
        "{ a: tasks(limit: 1) { description } b: tasks(limit: 1) { description } }",
    ] {
        let answer = ann.graphql(document).await;
        let message = answer.json["errors"][0]["message"].as_str().unwrap();
        assert_eq!((answer.code(), answer.json.get("data")), ("BAD_USER_INPUT", Some(&Value::Null)), "{}", answer.text);
        assert!(message.contains("(GRAPHQL_MAX_RESPONSE)"), "{message}");
    }
}

#[tokio::test]
async fn aliases_are_counted_everywhere_up_to_the_limit() {
    let app = app_with(Limits { aliases: 2, ..Limits::default() }).await;
    let cases = [
        "{ a: me { b: id X: id } }",
        "{ a: me { ... on Viewer { b: id X: id } } }",
        "{ a: me { ...F } } fragment F on Viewer { b: id X: id }",
    ];
    check_all(cases, async |document| {
        assert_runs(&app, &document.replace("X: ", "")).await;
        assert_refused(&app, document, VALIDATION_FAILED).await;
    })
    .await;
}

#[tokio::test]
async fn selections_are_counted_through_fragments_up_to_the_limit() {
    let app = app_with(Limits { selections: 6, ..Limits::default() }).await;
    let cases = [
        ("{ a: me { id } me { id b: id c: id } }", "{ a: me { id } me { id b: id c: id d: id } }"),
        (
            "{ me { ...F ...F id } } fragment F on Viewer { id }",
            "{ me { ...F ...F } } fragment F on Viewer { id a: id }",
        ),
        (
            "{ ... { me { id } } ... { __typename } }",
            "{ ... { me { id } } ... { __typename a: __typename b: __typename } }",
        ),
    ];
    check_all(cases, async |(fits, does_not)| {
        assert_runs(&app, fits).await;
        assert_refused(&app, does_not, VALIDATION_FAILED).await;
    })
    .await;
}

#[tokio::test]
async fn root_fields_are_counted_through_fragments_up_to_the_limit() {
    let app = app_with(Limits { root_fields: 2, ..Limits::default() }).await;
    let ann = app.user("ann");
    let cases = [
        ("{ me { id } __typename }", "{ me { id } __typename a: __typename }"),
        (
            "{ ...F } fragment F on Query { me { id } __typename }",
            "{ ...F ...F } fragment F on Query { me { id } __typename }",
        ),
        ("{ ... { me { id } } __typename }", "{ ... { me { id } a: __typename } __typename }"),
    ];
    check_all(cases, async |(fits, does_not)| {
        assert_runs(&app, fits).await;
        assert_refused(&app, does_not, VALIDATION_FAILED).await;
    })
    .await;
    let answer = ann.graphql("{ a: __typename b: __typename c: __typename }").await;
    let message = "The request has 3 root fields, the limit (GRAPHQL_MAX_ROOT_FIELDS) is 2";
    assert_eq!(answer.json["errors"][0]["message"], message);
}

#[tokio::test]
async fn directives_are_counted_everywhere_up_to_the_limit() {
    let app = app_with(Limits { directives: 2, ..Limits::default() }).await;
    let on = "@include(if: true)";
    for (fits, does_not) in [
        (format!("{{ me {on} {{ id {on} }} }}"), format!("{{ me {on} {{ id {on} }} __typename {on} }}")),
        (
            format!("{{ ... {on} {{ ...F {on} }} }} fragment F on Query {{ me {{ id }} }}"),
            format!("{{ ... {on} {{ ...F {on} }} }} fragment F on Query {{ me {{ id {on} }} }}"),
        ),
    ] {
        assert_runs(&app, &fits).await;
        assert_refused(&app, &does_not, VALIDATION_FAILED).await;
    }
}

#[tokio::test]
async fn a_batch_shares_one_budget() {
    let batch = |document: &str, count| Value::from(vec![json!({ "query": document }); count]);
    let generous = || Limits { batch: 10, ..Limits::default() };
    let cases = [
        (Limits { tokens: 12, ..generous() }, "{ me { id } }", "GRAPHQL_MAX_TOKENS"),
        (Limits { complexity: 4, ..generous() }, "{ me { id } }", "GRAPHQL_MAX_COMPLEXITY"),
        (Limits { selections: 4, ..generous() }, "{ me { id } }", "GRAPHQL_MAX_SELECTIONS"),
        (Limits { root_fields: 2, ..generous() }, "{ me { id } }", "GRAPHQL_MAX_ROOT_FIELDS"),
        (Limits { aliases: 2, ..generous() }, "{ me { a: id } }", "GRAPHQL_MAX_ALIASES"),
        (Limits { directives: 2, ..generous() }, "{ me { id @skip(if: false) } }", "GRAPHQL_MAX_DIRECTIVES"),
        (Limits { tokens: 8, ..generous() }, "{ { { {", "GRAPHQL_MAX_TOKENS"),
    ];
    check_all(cases, async |(limits, document, name)| {
        let app = app_with(limits).await;
        let two = send(&app, &batch(document, 2)).await;
        assert_eq!((two.status, two.json.as_array().map(Vec::len)), (StatusCode::OK, Some(2)), "{name}: {}", two.text);
        let three = send(&app, &batch(document, 3)).await;
        let message = three.json["errors"][0]["message"].as_str().unwrap_or_default();
        three.refused(400, VALIDATION_FAILED);
        assert!(message.contains(name), "{name}: {message}");
    })
    .await;
}

#[tokio::test]
async fn an_operation_past_its_deadline_is_cancelled_with_its_query() {
    let Some(db) = TestDb::on_server().await else { skip!(Postgres) };
    let limits = Limits { timeout: Duration::from_millis(300), ..Limits::default() };
    let app = App::builder().db(db).limits(limits).build().await;
    let ann = app.user("ann");
    let lock = Lock::table(&app.db).await;
    let late = ann.graphql("{ tasks { id } }").await;
    late.refused(504, "TIMEOUT");
    assert!(late.json["errors"][0]["message"].as_str().unwrap().contains("GRAPHQL_TIMEOUT"));
    // The lock is still held: only a cancelled query stops waiting for it before its own limit of a minute.
    eventually("the query is cancelled", async || lock.blocked().await == 0).await;
    lock.release().await;
    assert_runs(&app, "{ tasks { id } }").await;
}

#[tokio::test]
async fn tokens_are_counted_up_to_the_limit() {
    let app = app_with(Limits { tokens: 8, ..Limits::default() }).await;
    let ann = app.user("ann");
    assert_runs(&app, "{ a: me { id } } # and no more").await;
    assert_refused(&app, "{ a: me { id id } }", VALIDATION_FAILED).await;
    let answer = ann.graphql("{ a: me { id id } }").await;
    assert_eq!(answer.json["errors"][0]["message"], "The request has 9 tokens, the limit (GRAPHQL_MAX_TOKENS) is 8");
}

#[tokio::test]
async fn a_batch_runs_up_to_the_limit_and_operations_fail_separately() {
    let app = App::new().await;
    let batch = |count| Value::from(vec![json!({ "query": "{ me { id } }" }); count]);
    let answer = send(&app, &batch(10)).await;
    let one = json!({ "data": { "me": { "id": "ann" } } });
    assert_eq!((answer.status, answer.json), (StatusCode::OK, Value::from(vec![one.clone(); 10])));
    check_all([0, 11, 1000], async |count| {
        let answer = send(&app, &batch(count)).await;
        answer.refused(400, "BAD_USER_INPUT");
    })
    .await;
    let mixed = json!([{ "query": "{" }, { "query": "{ me { id } }" }, { "query": "{ nothing }" }]);
    let answer = send(&app, &mixed).await;
    let code = |index: usize| answer.json[index]["errors"][0]["extensions"]["code"].as_str();
    assert_eq!((code(0), &answer.json[1], code(2)), (Some(PARSE_FAILED), &one, Some(VALIDATION_FAILED)));
    let app = app_with(Limits { batch: 1, ..Limits::default() }).await;
    assert_eq!(send(&app, &batch(1)).await.json, json!([one]));
    assert_eq!(send(&app, &batch(2)).await.code(), "BAD_USER_INPUT");
}

#[tokio::test]
async fn the_introspection_of_common_tools_fits_the_default_limits() {
    let app = App::new().await;
    let types = "kind name ofType {".repeat(9) + "kind name" + &"}".repeat(9);
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{ name kind }} mutationType {{ name kind }} \
         subscriptionType {{ name kind }} types {{ ...FullType }} \
         directives {{ name description isRepeatable locations args(includeDeprecated: true) {{ ...InputValue }} }} }} }} \
         fragment FullType on __Type {{ kind name description specifiedByURL \
         fields(includeDeprecated: true) {{ name description args(includeDeprecated: true) {{ ...InputValue }} \
         type {{ ...TypeRef }} isDeprecated deprecationReason }} inputFields(includeDeprecated: true) {{ ...InputValue }} \
         interfaces {{ ...TypeRef }} enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }} \
         possibleTypes {{ ...TypeRef }} }} \
         fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue \
         isDeprecated deprecationReason }} fragment TypeRef on __Type {{ {types} }}"
    );
    assert_runs(&app, &query).await;
    let app = app_with(Limits { introspection: false, ..Limits::default() }).await;
    for document in ["{ __schema { types { name } } }", r#"{ __type(name: "Task") { name } }"#] {
        let answer = app.user("ann").graphql(document).await;
        assert!(!answer.text.contains("\"name\""), "{}", answer.text);
    }
    assert_runs(&app, "{ __typename }").await;
}
