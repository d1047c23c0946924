//! The length of a whole list: counted only when a client asks for it, in the same round trip as the page.

use serde_json::json;

use crate::{
    skip,
    support::{App, proxy::proxied},
};

const TOTAL: &str = "x-total-count";
const APPLIED: &str = "preference-applied";

async fn three_tasks(app: &App) {
    let ann = app.user("ann");
    for title in ["a", "b", "c"] {
        ann.create(title).await;
    }
}

#[tokio::test]
async fn a_list_has_its_total_only_when_it_is_asked_for() {
    let app = App::new().await;
    three_tasks(&app).await;
    for (query, prefer, total, applied) in [
        ("limit=2", "", "", ""),
        ("limit=9", "", "", ""),
        ("limit=2&count=false", "", "", ""),
        ("limit=2&count=true", "", "3", ""),
        ("limit=2&count=1&search=a", "", "1", ""),
        ("limit=2", "count=exact", "3", "count=exact"),
        ("limit=2", "return=minimal; x=1, Count = \"exact\"; y", "3", "count=exact"),
        ("limit=2", "count=planned", "", ""),
        ("limit=2&count=true", "count=exact", "3", "count=exact"),
        ("limit=2&envelope=true", "", "3", ""),
    ] {
        let mut call = app.user("ann").get(format!("/api/tasks?{query}"));
        if !prefer.is_empty() {
            call = call.header("prefer", prefer);
        }
        let answer = call.await;
        answer.status(200);
        assert_eq!((answer.header(TOTAL), answer.header(APPLIED)), (total, applied), "{query} {prefer}");
        assert_eq!(answer.header("link").is_empty(), query.contains('9') || query.contains("search"), "{query}");
    }
    let answer = app.user("ann").get("/api/tasks?count=maybe").await;
    assert_eq!((answer.status.as_u16(), &answer.json["detail"][0]["loc"]), (422, &json!(["query", "count"])));
}

#[tokio::test]
async fn a_list_with_its_total_has_a_tag_of_its_own_and_keeps_it_on_304() {
    let app = App::new().await;
    three_tasks(&app).await;
    let ann = app.user("ann");
    let bare = ann.get("/api/tasks?limit=1").await;
    let counted = ann.get("/api/tasks?limit=1").header("prefer", "count=exact").await;
    assert_ne!(bare.header("etag"), counted.header("etag"));
    assert!(bare.headers.get_all("vary").iter().any(|value| value == "prefer"), "{:?}", bare.headers);
    let known = ann.get("/api/tasks?limit=1").header("prefer", "count=exact");
    let known = known.header("if-none-match", counted.header("etag")).await;
    assert_eq!((known.status.as_u16(), known.header(TOTAL)), (304, "3"));
    let others = app.user("bob").get("/api/tasks?count=true").await;
    assert_eq!(others.header(TOTAL), "0", "others' tasks don't count");
    ann.create("d").await;
    let uncounted = ann.get("/api/tasks?limit=1&sort=title").await;
    ann.create("e").await;
    let again = ann.get("/api/tasks?limit=1&sort=title").await;
    assert_eq!(uncounted.header("etag"), again.header("etag"), "what is not in the answer doesn't change its tag");
}

#[tokio::test]
async fn a_page_and_its_total_are_one_flush() {
    let Some((app, proxy)) = proxied().await else { skip!(Postgres) };
    let ann = app.user("ann");
    three_tasks(&app).await;
    for (path, statements) in
        [("/api/tasks?limit=2", 4), ("/api/tasks?limit=2&count=true", 6), ("/api/tasks?limit=2&envelope=true", 6)]
    {
        ann.tasks().await;
        app.user("ann").get(path).await.good();
        proxy.hold(statements);
        app.user("ann").get(path).await.good();
        let seen = proxy.seen();
        assert_eq!((seen.statements.len(), seen.flushes), (statements, 1), "{path}: {:?}", seen.statements);
        proxy.hold(0);
    }
}
