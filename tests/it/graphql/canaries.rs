//! The flaws of async-graphql and apollo-compiler that we work around (docs/GRAPHQL.md, "What we mend around the libraries
//! and why"), each shown on the library alone, in the order of that table. A test that fails after an upgrade is good news:
//! what its message names can be deleted, with the row and the test.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use apollo_compiler::ExecutableDocument;
use async_graphql::{
    EmptySubscription, Object, Request, Response, Schema, ServerError, SimpleObject, ValidationMode, ValidationResult,
    Value, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation},
    parser, value,
};
use async_trait::async_trait;
use serde_json::json;

struct Query;

#[derive(SimpleObject)]
struct Item {
    id: usize,
}

#[Object]
impl Query {
    async fn or_seven(&self, #[graphql(default = 7)] number: Option<i32>) -> Option<i32> {
        number
    }

    async fn items(&self) -> Vec<Item> {
        vec![Item { id: 1 }, Item { id: 2 }]
    }
}

/// Counts the mutations that ran.
#[derive(Clone, Default)]
struct Mutation(Arc<AtomicUsize>);

#[Object]
impl Mutation {
    async fn count(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    async fn count_by(&self, number: i32) -> i32 {
        number
    }
}

/// What async-graphql alone responds, and how many mutations ran.
async fn run(document: &str, variables: serde_json::Value) -> (Response, usize) {
    let mutation = Mutation::default();
    let schema = Schema::new(Query, mutation.clone(), EmptySubscription);
    let response = schema.execute(Request::new(document).variables(Variables::from_json(variables))).await;
    (response, mutation.0.load(Ordering::Relaxed))
}

#[tokio::test]
async fn async_graphql_runs_a_mutation_twice_that_is_selected_twice() {
    let (response, ran) = run("mutation { count count }", json!({})).await;
    assert!(response.is_ok(), "{response:?}");
    assert_eq!(ran, 2, "src/graphql/plan/bind.rs need not merge fields of one response key");
}

#[tokio::test]
async fn async_graphql_takes_an_omitted_variable_for_null_where_there_is_a_default() {
    let (response, _) = run("query($number: Int) { orSeven(number: $number) }", json!({})).await;
    let mended = "src/graphql/plan/bind.rs need not leave out arguments whose variable is omitted";
    assert_eq!(response.data, value!({ "orSeven": null }), "{mended}");
}

#[tokio::test]
async fn async_graphql_coerces_variables_after_earlier_mutations_ran() {
    let document = "mutation($number: Int!) { count countBy(number: $number) }";
    let (response, ran) = run(document, json!({})).await;
    assert!(response.is_err(), "{response:?}");
    assert_eq!(ran, 1, "src/graphql/plan/variables.rs need not coerce variables before anything runs");
}

#[tokio::test]
async fn async_graphql_makes_a_map_of_each_object_and_has_no_value_that_is_json_already() {
    let (response, _) = run("{ items { id } }", json!({})).await;
    // That each field is a boxed future, too, can't be seen from outside.
    let mended = "src/graphql/schema/types/json.rs need not write lists as JSON into `Value::Binary`";
    assert_eq!(response.data, value!({ "items": [{ "id": 1 }, { "id": 2 }] }), "{mended}");
    // Exhaustive, so that a variant for what is JSON already doesn't compile here.
    match response.data {
        Value::Object(_) => {}
        Value::Null
        | Value::Number(_)
        | Value::String(_)
        | Value::Boolean(_)
        | Value::Binary(_)
        | Value::Enum(_)
        | Value::List(_) => panic!("{mended}"),
    }
}

/// Keeps the complexity that validation counted, for which it walks the whole document.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

impl ExtensionFactory for Counted {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl Extension for Counted {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        self.0.store(result.complexity, Ordering::Relaxed);
        Ok(result)
    }
}

#[tokio::test]
async fn async_graphql_validates_parsed_documents_in_every_mode() {
    for mode in [ValidationMode::Strict, ValidationMode::Fast] {
        // Exhaustive, so that a mode without validation doesn't compile here.
        match mode {
            ValidationMode::Strict | ValidationMode::Fast => {}
        }
        let counted = Counted::default();
        let schema = Schema::build(Query, Mutation::default(), EmptySubscription);
        let schema = schema.validation_mode(mode).extension(counted.clone()).finish();
        let mut request = Request::new("");
        request.set_parsed_query(parser::parse_query("{ items { id } }").unwrap());
        assert!(schema.execute(request).await.is_ok());
        assert_eq!(counted.0.load(Ordering::Relaxed), 2, "src/graphql/schema/validated.rs need not skip validation");
    }
}

/// Whether apollo-compiler alone finds a document valid.
fn accepts(document: &str) -> bool {
    let sdl =
        "type Query { sum(of: [Int!], point: Point): Int total(of: [Int!]!): Int } input Point { x: Int y: Int! }";
    let definitions = apollo_compiler::Schema::parse_and_validate(sdl, "schema.graphql").unwrap();
    ExecutableDocument::parse_and_validate(&definitions, document, "document.graphql").is_ok()
}

#[test]
fn apollo_compiler_accepts_variables_of_another_type_inside_of_values() {
    let mended = "src/graphql/plan/validation.rs need not check the types of variables";
    assert!(!accepts("query($number: Int) { total(of: $number) }"), "it does check whole arguments");
    for document in [
        "query($number: Int) { sum(of: [$number]) }",
        "query($list: [Int!]) { sum(of: [$list]) }",
        "query($number: Int) { sum(point: { x: 1, y: $number }) }",
        "query($list: [Int!] = null) { total(of: $list) }",
    ] {
        assert!(accepts(document), "{mended}: {document}");
    }
}

#[test]
fn apollo_compiler_accepts_an_input_object_that_names_a_field_twice() {
    assert!(
        accepts("{ sum(point: { y: 1, y: 2 }) }"),
        "src/graphql/plan/validation.rs need not look for duplicate fields"
    );
}

#[test]
fn apollo_compiler_does_not_know_is_one_of() {
    assert!(accepts("{ __type(name: \"Point\") { name } }"));
    let mended = "src/graphql/plan/definitions.rs need not add `isOneOf`";
    assert!(!accepts("{ __type(name: \"Point\") { isOneOf } }"), "{mended}");
}
