//! graphql-js as the reference: it and the server validate and execute generated documents over the same tasks. What
//! differs is a bug, or listed in `tests/graphql/differential/known.js`.
//!
//! `DIFFERENTIAL_DOCUMENTS` says how many documents, `DIFFERENTIAL_SEED` which ones.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::post,
};
use tandem::{
    graphql::{Limits, MAX_NESTING},
    store::Target,
};
use tokio_postgres::Client;

use crate::{
    skip,
    support::{App, SECRET, TestDb, node::Project, proxy::Proxy},
};

const DOCUMENTS: &str = "1000";
const SEED: &str = "1";
const FIXTURE: &str = include_str!("../../graphql/differential/fixture.json");
/// The tasks that each of these users starts with: the same for all, including their ids.
const SEED_USERS: &str = "INSERT INTO tasks \
    (user_id, id, title, description, completed, version, created_at, updated_at, position, priority, due_date, due_time, \
     due_zone, due_at, tags, tag_keys, completed_at) \
    SELECT users.name, id, title, description, completed, version, created_at, updated_at, \
    (extract(epoch FROM updated_at) * 1000000)::bigint, \
    array_position(ARRAY['NONE', 'LOW', 'MEDIUM', 'HIGH', 'URGENT'], priority) - 1, \
    (due->>'date')::date, (due->>'time')::time, due->>'timeZone', \
    coalesce(due->>'at', (due->>'date') || ' ' || coalesce(due->>'time', '23:59:59.999999') || ' UTC')::timestamptz, \
    tags, nullif(lower(tags::text)::text[], '{}'), completed_at \
    FROM unnest($1::text[]) AS users(name), \
    jsonb_to_recordset($2::text::jsonb) AS fixture(id uuid, title text, description text, completed boolean, \
    version bigint, created_at timestamptz, updated_at timestamptz, priority text, due jsonb, tags text[], \
    completed_at timestamptz)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_documents_are_validated_and_executed_as_by_graphql_js() {
    let project = match Project::open("tests/graphql") {
        Ok(project) => project,
        Err(why) => skip!(Node, "{why}"),
    };
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    let proxy = Proxy::before(db.url()).await;
    db.config.target = Target::parse(&proxy.url).unwrap();
    let control_url = Control::listen(db.superuser().await, proxy).await;
    let url = App::builder().db(db).limits(unlimited()).build().await.listen().await;
    let setting = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let documents = setting("DIFFERENTIAL_DOCUMENTS", DOCUMENTS);
    let seed = setting("DIFFERENTIAL_SEED", SEED);
    let environment = [
        ("TANDEM_URL", url.as_str()),
        ("CONTROL_URL", &control_url),
        ("SECRET", SECRET),
        ("DIFFERENTIAL_DOCUMENTS", &documents),
        ("DIFFERENTIAL_SEED", &seed),
    ];
    let finished = project.run("node", &["differential/main.js"], &environment).await;
    println!("{}", finished.text);
    assert!(finished.is_ok, "the server and graphql-js differ, with DIFFERENTIAL_SEED={seed}");
}

/// Limits have tests of their own.
fn unlimited() -> Limits {
    Limits {
        depth: usize::MAX,
        complexity: usize::MAX,
        response: usize::MAX,
        event: usize::MAX,
        aliases: usize::MAX,
        root_fields: usize::MAX,
        directives: usize::MAX,
        selections: usize::MAX,
        tokens: usize::MAX,
        nesting: MAX_NESTING,
        batch: usize::MAX,
        timeout: Duration::from_mins(2),
        introspection: true,
    }
}

/// What the program needs besides the server: new users, and how many transactions each caused.
struct Control {
    database: Client,
    proxy: Proxy,
    users: AtomicUsize,
}

impl Control {
    /// Serves on a free port; the URL without a path.
    async fn listen(database: Client, proxy: Proxy) -> String {
        let control = Arc::new(Self { database, proxy, users: AtomicUsize::new(0) });
        let router = Router::new()
            .route("/users/{count}", post(Self::add_users))
            .route(
                "/transactions",
                post(async |State(control): State<Arc<Self>>| Json(control.proxy.take_transactions())),
            )
            .with_state(control);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    async fn add_users(State(control): State<Arc<Self>>, Path(count): Path<usize>) -> Json<Vec<String>> {
        let first = control.users.fetch_add(count, Ordering::Relaxed);
        let users: Vec<_> = (first..first + count).map(|index| format!("user-{index}")).collect();
        control.database.execute(SEED_USERS, &[&users, &FIXTURE]).await.unwrap();
        Json(users)
    }
}
