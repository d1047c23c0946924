//! The OpenAPI document and the page that shows it.

use std::collections::BTreeSet;

use serde_json::Value;
use tandem::rest::{ME_ROUTES, PREFIXES, ROUTES, openapi};

use crate::support::App;

fn document() -> Value {
    serde_json::from_str(openapi()).unwrap()
}

/// Each operation with its method and path.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    operations
}

#[test]
fn the_openapi_file_is_in_step_with_the_code() {
    let file = include_str!("../../../docs/openapi.json");
    let differs = file.lines().zip(openapi().lines()).find(|(file, code)| file != code);
    assert_eq!(differs, None, "refresh it: cargo run -- openapi > docs/openapi.json");
    assert_eq!(file.len(), openapi().len(), "refresh it: cargo run -- openapi > docs/openapi.json");
}

#[test]
fn every_route_and_nothing_else_is_described() {
    let document = document();
    let described: BTreeSet<_> =
        operations(&document).into_iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let routes = PREFIXES.iter().flat_map(|prefix| {
        ROUTES.iter().map(move |(method, path)| format!("{method} {prefix}{}", path.trim_end_matches('/')))
    });
    let of_user = ME_ROUTES.iter().map(|(method, path)| format!("{method} {path}"));
    assert_eq!(described, routes.chain(of_user).collect());
}

#[test]
fn every_operation_has_what_a_reader_needs() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: the id is taken");
        assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{name}");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters: Vec<_> = parameters.map(|p| p["name"].as_str().unwrap()).collect();
        let takes_key = method != "GET" && path != "/api/me";
        assert_eq!(parameters.contains(&"Idempotency-Key"), takes_key, "{name}");
        for placeholder in ["user_id", "task_id"] {
            assert_eq!(parameters.contains(&placeholder), path.contains(&format!("{{{placeholder}}}")), "{name}");
        }
        let responses = operation["responses"].as_object().unwrap();
        for status in ["401", "422", "500", "503", "504"] {
            assert!(responses[status]["content"]["application/problem+json"].is_object(), "{name} {status}");
            assert!(responses[status]["content"]["application/json"]["example"].is_object(), "{name} {status}");
        }
        assert!(responses.values().all(|response| !response["description"].as_str().unwrap().is_empty()), "{name}");
    }
}

#[tokio::test]
async fn the_document_and_its_page_are_served_from_the_program_itself() {
    let app = App::new().await;
    let ann = app.user("ann");
    let served = ann.get("/openapi.json").await;
    assert_eq!((served.text.as_str(), served.header("content-type")), (openapi(), "application/json"));
    assert_eq!(ann.get("/docs").await.header("location"), "/docs/");
    let page = ann.get("/docs/").await;
    assert!(page.status == 200 && page.header("content-type").starts_with("text/html"), "{}", page.text);
    let settings = ann.get("/docs/swagger-initializer.js").await.text;
    assert!(settings.contains("/openapi.json") && settings.contains("\"persistAuthorization\": true"), "{settings}");
    for attribute in ["src=\"", "href=\""] {
        for place in page.text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(!place.contains("//"), "{place} is elsewhere");
            let file = ann.get(format!("/docs/{}", place.trim_start_matches("./"))).await;
            file.status(200);
        }
    }
}
