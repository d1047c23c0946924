//! Connection poolers between the server and its database.

use futures::future::join_all;
use serde_json::json;
use tandem::store::Target;

use crate::{
    skip,
    support::{
        App, SECRET, TestDb,
        cluster::scratch_dir,
        command::{output, stderr},
        db,
        followers::Crowd,
        instance::Instance,
        ledger::Load,
        path_of,
        pooler::Pooler,
        stream::{OUTLETS, Stream},
        token,
    },
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

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_mixes_up_prepared_statements_is_refused_with_a_sentence() {
    let Some((db, _bouncer)) = behind_pgbouncer("transaction").await else { skip!(PgBouncer) };
    let refused = match tandem::store::Db::open(&db.config).await {
        Ok(store) => store.check_pooler().await.err(),
        Err(error) => Some(error),
    };
    let report = refused.map(|error| error.report()).unwrap_or_default();
    assert!(report.contains("max_prepared_statements"), "{report:?}");
    assert!(report.contains("DATABASE_PREPARED_STATEMENTS=false"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_start_behind_such_a_pooler_say_so_and_exit() {
    let Some(db) = TestDb::empty().await else { skip!(Postgres) };
    let Some(bouncer) = Pooler::before(db.url(), "transaction").await else { skip!(PgBouncer) };
    let url = bouncer.url(db.url());
    let start = || {
        let env = [("DATABASE_URL", url.clone()), ("BETTER_AUTH_SECRET", SECRET.to_owned())];
        tokio::task::spawn_blocking(move || {
            output(&scratch_dir(), &["--port", "0"], &env.each_ref().map(|(name, value)| (*name, value.as_str())))
        })
    };
    for refused in join_all([start(), start()]).await {
        let refused = refused.unwrap();
        assert!(
            !refused.status.success() && stderr(&refused).contains("max_prepared_statements"),
            "{}",
            stderr(&refused)
        );
    }
}

/// Two processes use the same names for statements, and the pooler has fewer connections than they do.
#[tokio::test(flavor = "multi_thread")]
async fn without_prepared_statements_two_servers_migrate_and_keep_every_promise_behind_such_a_pooler() {
    let Some(db) = TestDb::empty().await else { skip!(Postgres) };
    let Some(bouncer) = Pooler::before(db.url(), "transaction").await else { skip!(PgBouncer) };
    let (url, settings) = (bouncer.url(db.url()), [("DATABASE_PREPARED_STATEMENTS", "false")]);
    let servers = tokio::join!(Instance::start(&url, &settings), Instance::start(&url, &settings));
    let load = Load::start([servers.0.url(), servers.1.url()], 16);
    load.progress(400).await;
    assert_eq!(load.retries(), 0);
    load.finish().await.assert_kept(&db.superuser().await).await;
}

/// The heads of feeds are read by another role, and writes wait for each other's locks.
#[tokio::test(flavor = "multi_thread")]
async fn without_prepared_statements_streams_and_followers_miss_nothing_behind_such_a_pooler() {
    let Some(db) = TestDb::empty().await else { skip!(Postgres) };
    let Some(bouncer) = Pooler::before(db.url(), "transaction").await else { skip!(PgBouncer) };
    let (url, settings) = (bouncer.url(db.url()), [("DATABASE_PREPARED_STATEMENTS", "false")]);
    let (here, there) = tokio::join!(Instance::start(&url, &settings), Instance::start(&url, &settings));
    for user in OUTLETS {
        let mut stream = Stream::open(user, &there.url(), &token(user), None).await;
        assert!(stream.next().await.0.is_empty());
        let create = reqwest::Client::new().post(format!("{}/api/tasks", here.url())).bearer_auth(token(user));
        assert_eq!(create.json(&json!({ "title": "Elsewhere" })).send().await.unwrap().status(), 201);
        assert_eq!(stream.next().await.0, ["Elsewhere"], "{user}");
    }
    let crowd = Crowd::start([here.url(), there.url()], 8, 4);
    crowd.progress(300).await;
    crowd.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_prepared_statements_users_stay_apart_and_expired_keys_are_removed_behind_such_a_pooler() {
    let Some((mut db, _bouncer)) = behind_pgbouncer("transaction").await else { skip!(PgBouncer) };
    db.config.prepared_statements = false;
    assert_eq!(db::migrate(&db.config).await, Vec::<String>::new(), "all done");
    let app = App::on(db).await;
    app.store.check_pooler().await.map_err(|error| error.report()).unwrap();
    app.store.prove_isolation().await.map_err(|error| error.report()).unwrap();
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    let lists = join_all((0..40).map(async |index| {
        let user = if index % 2 == 0 { &ann } else { &bob };
        user.create("Mine").await;
        user.tasks().await
    }));
    for (index, list) in lists.await.iter().enumerate() {
        let owner = if index % 2 == 0 { "ann" } else { "bob" };
        assert!(list.as_array().unwrap().iter().all(|task| task["user_id"] == owner), "{list}");
    }
    let expired = "INSERT INTO idempotency_keys (user_id, key, part, fingerprint, created_at)
                   VALUES ('ann', 'key', 0, '', now() - interval '25 hours')";
    app.db.superuser().await.batch_execute(expired).await.unwrap();
    assert_eq!(app.store.sweep().await.map_err(|error| error.report()).unwrap(), 1);
}
