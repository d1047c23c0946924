//! Database connections are shared fairly: no request and no user gets all of them, and they are handed out in order.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};

use crate::{
    skip,
    support::{App, Lock, TestDb, User, path_of},
};

/// How long a request waits for a connection: longer than a busy machine takes to make one.
const CHECKOUT: Duration = Duration::from_secs(2);

/// Has the server open all of its connections, which takes a while.
async fn connect_all(app: &App) {
    let count = i64::from(app.db.config.pool_size);
    let lock = Lock::table(&app.db).await;
    let lists = join_all((0..count).map(|index| app.user(&format!("user {index}")).get("/api/tasks").send()));
    let connected = async {
        lock.blocks(count).await;
        lock.release().await;
    };
    tokio::join!(lists, connected);
}

#[tokio::test]
async fn a_request_with_many_fields_leaves_connections_to_others() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    (db.config.pool_size, db.config.transactions_per_user) = (8, 4);
    let app = App::builder().db(db).build().await;
    connect_all(&app).await;
    let lock = Lock::table(&app.db).await;
    let fields = (0..8).map(|index| format!("f{index}: tasks {{ id }}")).collect::<Vec<_>>().join(" ");
    let asked = app.user("ann").graphql(format!("{{ {fields} }}")).send();
    let check = async {
        lock.blocks(2).await;
        for _ in 0..100 {
            assert!(lock.blocked().await <= 2, "half of its user's share");
        }
        lock.release().await;
    };
    let (answer, ()) = tokio::join!(asked, check);
    assert_eq!(answer.good().as_object().unwrap().len(), 8);
}

#[tokio::test]
async fn a_user_who_has_all_their_connections_waits_while_others_are_served() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    (db.config.pool_size, db.config.transactions_per_user) = (4, 1);
    db.config.checkout_timeout = CHECKOUT;
    let app = App::builder().db(db).build().await;
    let (ann, bob) = (app.user("ann"), app.user("bob"));
    let task = ann.create("Busy").await;
    connect_all(&app).await;
    let lock = Lock::rows(&app.db).await;
    let toggles = join_all((0..6).map(|_| ann.call("PATCH", format!("{}/complete", path_of(&task))).send()));
    let others = async {
        lock.blocks(1).await;
        for _ in 0..20 {
            assert_eq!(bob.tasks().await, serde_json::json!([]));
        }
        bob.get("/readyz").await.status(200);
        ann.get("/api/tasks").await.refused(503, "SERVICE_UNAVAILABLE");
        lock.release().await;
    };
    let (answers, ()) = tokio::join!(toggles, others);
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.code() == "SERVICE_UNAVAILABLE"));
    ann.tasks().await;
}

#[tokio::test]
async fn a_busy_server_is_ready() {
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    (db.config.pool_size, db.config.transactions_per_user) = (2, 2);
    db.config.checkout_timeout = CHECKOUT;
    let app = App::builder().db(db).build().await;
    let (ann, eve) = (app.user("ann"), app.user("eve"));
    let (anns, eves) = (ann.create("Busy").await, eve.create("Busy").await);
    connect_all(&app).await;
    let lock = Lock::rows(&app.db).await;
    let toggle = |user: &User, task| user.call("PATCH", format!("{}/complete", path_of(task))).send();
    let probed = async {
        lock.blocks(2).await;
        app.user("bob").get("/api/tasks").await.refused(503, "SERVICE_UNAVAILABLE");
        ann.get("/readyz").await.status(200);
        lock.release().await;
    };
    let (first, second, ()) = tokio::join!(toggle(&ann, &anns), toggle(&eve, &eves), probed);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
}

#[tokio::test]
async fn requests_get_connections_in_the_order_in_which_they_asked() {
    const CLIENTS: usize = 40;
    const REQUESTS: usize = 10;
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    (db.config.pool_size, db.config.transactions_per_user) = (2, 2);
    let app = App::builder().db(db).build().await;
    // Tokens are verified and connections opened before the race.
    let users: Vec<_> = (0..CLIENTS).map(|index| app.user(&format!("user {index}"))).collect();
    join_all(users.iter().map(User::tasks)).await;
    let answered: Vec<Cell<usize>> = vec![Cell::new(0); CLIENTS];
    let furthest_apart = RefCell::new(0);
    let clients: FuturesUnordered<_> = users
        .iter()
        .zip(&answered)
        .map(|(user, count)| async {
            for _ in 0..REQUESTS {
                user.tasks().await;
                count.set(count.get() + 1);
                let counts = || answered.iter().map(Cell::get);
                let apart = counts().max().unwrap_or_default() - counts().min().unwrap_or_default();
                furthest_apart.replace_with(|most| (*most).max(apart));
            }
        })
        .collect();
    clients.collect::<()>().await;
    // In a queue everyone has had a turn before anyone has another, except for the two that are being served.
    assert!(*furthest_apart.borrow() <= 2, "{furthest_apart:?}");
}
