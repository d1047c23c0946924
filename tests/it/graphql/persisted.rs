//! Documents that are named instead of sent: persisted by their hash, or trusted.

use std::{fs, sync::Arc};

use serde_json::{Value, json};
use tandem::graphql::{DocumentPolicy, TrustMode, TrustedDocuments};

use crate::support::{Answer, App, check_all};

const QUERY: &str = "{ me { id } }";
/// Its hash, from `sha256sum`.
const HASH: &str = "c53d78fa4c9c65a93967d42316fcd207fd611c7cac40a103820a866c3e5dd8f5";

async fn app_with(documents: DocumentPolicy) -> App {
    App::builder().documents(documents).build().await
}

async fn send(app: &App, body: Value) -> Answer {
    let ann = app.user("ann");
    ann.post("/graphql", body).await
}

fn by_hash(hash: &str) -> Value {
    json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } })
}

fn sent_with(hash: &str, query: &str) -> Value {
    let mut body = by_hash(hash);
    body["query"] = json!(query);
    body
}

#[tokio::test]
async fn a_document_is_named_by_its_hash_once_it_was_sent() {
    let app = app_with(DocumentPolicy::default()).await;
    let bob = app.user("bob");
    let unknown = send(&app, by_hash(HASH)).await;
    unknown.refused(200, "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(unknown.json["errors"][0]["message"], "PersistedQueryNotFound");
    let wrong = send(&app, sent_with(HASH, "{ me { taskCounts { all } } }")).await;
    assert_eq!((wrong.code(), wrong.json.get("data")), ("BAD_USER_INPUT", None));
    assert_eq!(send(&app, by_hash(HASH)).await.code(), "PERSISTED_QUERY_NOT_FOUND", "the wrong one was not kept");
    assert_eq!(send(&app, sent_with(HASH, QUERY)).await.data()["me"]["id"], "ann");
    let cases = [by_hash(HASH), json!({ "documentId": HASH }), json!({ "documentId": format!("sha256:{HASH}") })];
    check_all(cases, async |body| {
        assert_eq!(send(&app, body.clone()).await.data()["me"]["id"], "ann", "{body}");
    })
    .await;
    let bob = bob.post("/graphql", by_hash(HASH)).await;
    assert_eq!(bob.data()["me"]["id"], "bob", "a document is nobody's, its answer is");
}

#[tokio::test]
async fn clients_learn_where_persisted_queries_are_off() {
    let app = app_with(DocumentPolicy { by_hash: false, ..DocumentPolicy::default() }).await;
    assert_eq!(send(&app, sent_with(HASH, QUERY)).await.data()["me"]["id"], "ann");
    let answer = send(&app, by_hash(HASH)).await;
    assert_eq!(answer.code(), "PERSISTED_QUERY_NOT_SUPPORTED");
    assert_eq!(answer.json["errors"][0]["message"], "PersistedQueryNotSupported");
}

#[tokio::test]
async fn only_trusted_documents_run_whichever_tool_wrote_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let apollo = json!({
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{ "id": "me", "name": "Me", "type": "query", "body": QUERY }],
    });
    for (name, manifest) in [("by-id.json", json!({ "me": QUERY })), ("apollo.json", apollo)] {
        let file = directory.path().join(name);
        fs::write(&file, manifest.to_string()).unwrap();
        let trusted = Some(Arc::new(TrustedDocuments::open(&file, TrustMode::Enforce).unwrap()));
        let app = app_with(DocumentPolicy { trusted, by_hash: true }).await;
        for body in [json!({ "documentId": "me" }), by_hash("me"), json!({ "query": QUERY })] {
            assert_eq!(send(&app, body.clone()).await.data()["me"]["id"], "ann", "{name} {body}");
        }
        let other = "{ tasks { id } }";
        for body in [json!({ "query": other }), json!({ "query": other, "documentId": "me" })] {
            assert_eq!(send(&app, body.clone()).await.code(), "PERSISTED_QUERY_NOT_IN_LIST", "{name} {body}");
        }
        assert_eq!(send(&app, json!({ "documentId": "other" })).await.code(), "PERSISTED_QUERY_NOT_FOUND");
    }
    assert!(TrustedDocuments::open(&directory.path().join("absent.json"), TrustMode::Enforce).is_err());
}

#[tokio::test]
async fn learned_documents_can_be_enforced() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("documents.json");
    let open = |mode| Some(Arc::new(TrustedDocuments::open(&file, mode).unwrap()));
    let app = app_with(DocumentPolicy { trusted: open(TrustMode::Learn), by_hash: true }).await;
    for query in [QUERY, QUERY, "{ tasks { id } }"] {
        send(&app, json!({ "query": query })).await.data();
    }
    assert_eq!(send(&app, json!({ "query": "{ nothing }" })).await.code(), "GRAPHQL_VALIDATION_FAILED");
    let learnt: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!((learnt.as_object().map(serde_json::Map::len), &learnt[HASH]), (Some(2), &json!(QUERY)));
    let app = app_with(DocumentPolicy { trusted: open(TrustMode::Enforce), by_hash: true }).await;
    assert_eq!(send(&app, json!({ "documentId": HASH })).await.data()["me"]["id"], "ann");
    assert_eq!(
        send(&app, json!({ "query": "{ me { taskCounts { all } } }" })).await.code(),
        "PERSISTED_QUERY_NOT_IN_LIST"
    );
}
