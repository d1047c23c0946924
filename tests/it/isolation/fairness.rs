//! Database connections are shared fairly: no request and no user gets all of them, and they are handed out in order.

use std::{cell::RefCell, time::Duration};

use futures::future::join_all;

use crate::{
    skip,
    support::{App, Lock, TestDb, User},
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
    let toggles = join_all((0..6).map(|_| ann.toggle(&task).send()));
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
    let probed = async {
        lock.blocks(2).await;
        app.user("bob").get("/api/tasks").await.refused(503, "SERVICE_UNAVAILABLE");
        ann.get("/readyz").await.status(200);
        lock.release().await;
    };
    let (first, second, ()) = tokio::join!(ann.toggle(&anns).send(), eve.toggle(&eves).send(), probed);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
}

#[tokio::test]
async fn requests_get_connections_in_the_order_in_which_they_asked() {
    const CLIENTS: usize = 20;
    const REQUESTS: usize = 10;
    let Some(mut db) = TestDb::on_server().await else { skip!(Postgres) };
    db.config.pool_size = 1;
    let app = App::on(db).await;
    // Tokens are verified and the connection opened before the race.
    let users: Vec<_> = (0..CLIENTS).map(|index| app.user(&format!("user {index}"))).collect();
    join_all(users.iter().map(User::tasks)).await;
    let served = RefCell::new(Vec::new());
    // Polled in turn, so they queue in this order; a client that was served queues again behind all others.
    let clients = users.iter().enumerate().map(async |(index, user)| {
        for _ in 0..REQUESTS {
            user.tasks().await;
            served.borrow_mut().push(index);
        }
    });
    join_all(clients).await;
    let in_turn: Vec<_> = (0..CLIENTS).cycle().take(CLIENTS * REQUESTS).collect();
    assert_eq!(served.into_inner(), in_turn);
}
