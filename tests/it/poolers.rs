//! Connection poolers between the server and its database.

use futures::future::join_all;
use serde_json::json;
use tandem::store::Target;

use crate::{
    skip,
    support::{App, TestDb, path_of, pooler::Pooler},
};

async fn behind_pgbouncer(mode: &str) -> Option<(TestDb, Pooler)> {
    let mut db = TestDb::on_server().await?;
    let bouncer = Pooler::before(db.url(), mode).await?;
    db.config.target = Target::parse(&bouncer.url(db.url())).unwrap();
    Some((db, bouncer))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_lives_and_users_stay_apart_behind_a_session_pooler() {
    let Some((mut db, _bouncer)) = behind_pgbouncer("session").await else { skip!(PgBouncer) };
    db.config.pool_size = 3;
    let app = App::on(db).await;
    let ann = app.user("ann");
    app.store.prove_isolation().await.map_err(|error| error.report()).unwrap();
    let task = ann.create("Mine").await;
    let path = path_of(&task);
    let complete = format!("{path}/complete");
    let toggles = join_all((0..20).map(|_| ann.call("PATCH", &complete).send())).await;
    assert!(toggles.iter().all(|answer| answer.status == 200));
    assert_eq!(ann.put(&path, json!({ "title": "Still mine" })).await.json["version"], 22);
    assert_eq!(app.user("bob").get(&path).await.status, 404);
    assert_eq!(ann.delete(&path).await.status, 204);
}

/// Debian's PgBouncer tracks none; newer ones do, unless they are told not to, and are then told so here.
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_mixes_up_prepared_statements_is_refused_with_a_sentence() {
    let Some((db, _bouncer)) = behind_pgbouncer("transaction").await else { skip!(PgBouncer) };
    let refused = match tandem::store::Db::open(&db.config).await {
        Ok(store) => store.check_pooler().await.err(),
        Err(error) => Some(error),
    };
    let report = refused.map(|error| error.report()).unwrap_or_default();
    assert!(report.contains("max_prepared_statements"), "{report:?}");
}
