//! Streams during faults: the database is away, or positions jump. They stay open, miss nothing and invent nothing.

use chrono::Utc;
use futures::{StreamExt, future::join_all, stream};
use serde_json::json;

use crate::{
    skip,
    support::{
        App, User, eventually, id_of,
        instance::Instance,
        network::Network,
        path_of,
        replica::Replica,
        stream::{OUTLETS, Stream, items},
        token,
    },
};

const STREAMS: usize = 1000;
/// Each has streams through all outlets, at both servers.
const USERS: usize = 50;
/// How many streams are opened or read at a time.
const AT_A_TIME: usize = 50;
/// By how much a server may grow while the database is away, in kB. A thousand streams that kept a page each would take
/// tens of megabytes.
const GROWTH: u64 = 16 * 1024;

fn name(user: usize) -> String {
    format!("user-{}", user % USERS)
}

/// The sum of a server's metrics that start like this.
async fn count(server: &Instance, series: &str) -> u64 {
    let metrics = server.metrics().await;
    let found = metrics.lines().filter(|line| line.starts_with(series));
    found.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// All streams, each of which has delivered its first page, which is empty.
async fn open_all(servers: &[Instance]) -> Vec<(usize, Stream)> {
    let open = |number: usize| async move {
        let url = servers[number % servers.len()].url();
        let outlet = OUTLETS[number / servers.len() % OUTLETS.len()];
        let mut stream = Stream::open(outlet, &url, &token(&name(number)), None).await;
        assert!(stream.next().await.0.is_empty());
        (number, stream)
    };
    stream::iter(0..STREAMS).map(open).buffer_unordered(AT_A_TIME).collect().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_streams_outlive_a_database_that_is_away_and_miss_nothing() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let network = Network::to(url::Url::parse(app.db.url()).unwrap().port().unwrap()).await;
    // These clients don't answer pings while they wait for their turn to read.
    let settings = [
        ("METRICS_LISTEN", "127.0.0.1:0"),
        ("CHECKOUT_TIMEOUT", "2s"),
        ("STATEMENT_TIMEOUT", "1s"),
        ("STREAM_HEARTBEAT", "10m"),
    ];
    let url = network.url(app.db.url());
    let servers = [Instance::start(&url, &settings).await, Instance::start(&url, &settings).await];
    let mut streams = open_all(&servers).await;
    let memory = servers.each_ref().map(Instance::memory);

    network.forget_connections();
    network.swallow(true);
    let refused = |user: usize| {
        let request = reqwest::Client::new().post(format!("{}/api/tasks", servers[user % 2].url()));
        request.bearer_auth(token(&name(user))).json(&json!({ "title": "Refused" })).send()
    };
    // A write without a response may have succeeded, so the streams of its user try to read. Those of the other users learn
    // of changes when polls succeed again.
    for answer in join_all((0..USERS / 2).map(refused)).await {
        assert_eq!(answer.unwrap().status(), 503);
    }
    network.cut(true);
    network.swallow(false);
    for server in &servers {
        let failed = count(server, "tandem_feed_polls_total{result=\"error\"}").await;
        eventually("more polls fail", async || {
            count(server, "tandem_feed_polls_total{result=\"error\"}").await >= failed + 3
        })
        .await;
        assert_eq!(count(server, "tandem_streams_ended_total").await, 0, "{}", server.metrics().await);
    }
    // A server that reaches the database makes the changes that the streams are to deliver.
    for user in 0..USERS {
        app.user(&name(user)).create(&format!("Meanwhile {user}")).await;
    }
    network.cut(false);

    let told = stream::iter(&mut streams).map(async |(number, stream)| {
        let expected = format!("Meanwhile {}", *number % USERS);
        assert_eq!(stream.next().await.0, [expected], "stream {number}");
    });
    told.buffer_unordered(AT_A_TIME).collect::<()>().await;
    for (server, before) in servers.iter().zip(memory) {
        assert_eq!(count(server, "tandem_streams{").await, STREAMS as u64 / 2);
        if let (Some(before), Some(after)) = (before, server.memory()) {
            assert!(after < before + GROWTH, "{before} kB, then {after} kB");
        }
    }
}

/// Creates, changes and deletes tasks at servers in turn; the resulting changes, in order.
async fn work(users: &[User]) -> Vec<(String, u64)> {
    let [first, second] = users else { panic!("two servers") };
    let kept = first.create("kept").await;
    let gone = second.create("gone").await;
    assert!(gone["updated_at"].as_str().unwrap() < Utc::now().to_rfc3339().as_str(), "times aren't positions");
    second.toggle(&kept).await.good();
    first.delete(path_of(&gone)).await.status(204);
    first.toggle(&kept).await.good();
    let [kept, gone] = [&kept, &gone].map(|task| id_of(task).to_owned());
    vec![(kept.clone(), 1), (gone.clone(), 1), (kept.clone(), 2), (gone, 2), (kept, 3)]
}

/// Reads until the last one of these changes. Some in between may be skipped, but what is delivered
/// is one of them, in order.
async fn assert_told(stream: &mut Stream, changes: &[(String, u64)]) {
    let mut left = changes.iter();
    let last = changes.last().unwrap();
    loop {
        let page = stream.page().await;
        assert_eq!(page["reset"], false);
        for item in items(&page) {
            let told = (id_of(item).to_owned(), item["version"].as_u64().unwrap());
            assert!(left.any(|change| *change == told), "{told:?} is not one of {changes:?}, or out of order");
            if told == *last {
                return;
            }
        }
    }
}

/// Reads what a replica has not seen yet, without a reset.
async fn catch_up(replica: &mut Replica, user: &User) {
    let page = user.get(replica.path(1000)).await.good();
    assert_eq!((&page["reset"], replica.apply(&page)), (&json!(false), false));
    replica.assert_is(&user.tasks().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_that_jump_an_hour_ahead_of_the_clock_lose_and_invent_nothing() {
    let Some(app) = App::on_server().await else { skip!(Postgres) };
    let other = app.another().await;
    let polling = other.live.clone();
    tokio::spawn(async move { polling.keep_polling().await });
    let users = [app.user("ann"), other.user("ann")];
    let url = other.listen().await;
    let mut streams = Stream::open_all(&url, &token("ann")).await;
    let mut early = Replica::default();
    catch_up(&mut early, &users[0]).await;
    let mut always = early.clone();
    for _ in 0..3 {
        let jump = "SELECT setval('feed_positions', last_value + 3600000000) FROM feed_positions";
        app.db.superuser().await.execute(jump, &[]).await.unwrap();
        let changes = work(&users).await;
        for stream in &mut streams {
            assert_told(stream, &changes).await;
        }
        catch_up(&mut always, &users[1]).await;
    }
    catch_up(&mut early, &users[0]).await;
}
