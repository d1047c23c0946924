//! Streams of changes through every outlet, over real sockets: what they deliver, how they end, and their limits.

use std::time::Duration;

use serde_json::{Value, json};
use tandem::http::streams::StreamLimits;
use tokio::io::AsyncReadExt;

use crate::{
    skip,
    support::{
        App, SECRET, User, check_all,
        events::Events,
        eventually, http_client, id_of, path_of,
        server::Server,
        socket::Socket,
        stream::{CHANGES, OUTLETS, Stream},
        token,
        token::signed,
    },
};

/// Deletes a task.
async fn delete(user: &User, task: &Value) {
    user.delete(path_of(task)).await.status(204);
}

#[tokio::test]
async fn every_outlet_delivers_existing_new_and_missed_changes() {
    check_all(OUTLETS, async |outlet| {
        let app = App::new().await;
        let (ann, bob) = (app.user("ann"), app.user("bob"));
        let bread = ann.create("Bread").await;
        let url = app.listen().await;
        let mut stream = Stream::open(outlet, &url, &token("ann"), None).await;
        assert_eq!(stream.next().await.0, ["Bread"], "at once");
        bob.create("Bob's").await;
        ann.create("Milk").await;
        assert_eq!(stream.next().await.0, ["Milk"], "nobody else's");
        delete(&ann, &bread).await;
        let (deleted, cursor) = stream.next().await;
        assert_eq!(deleted, [id_of(&bread)]);
        drop(stream);
        ann.create("Salt").await;
        let mut resumed = Stream::open(outlet, &url, &token("ann"), Some(&cursor)).await;
        assert_eq!(resumed.next().await.0, ["Salt"]);
        let mut latest = Stream::open(outlet, &url, &token("ann"), Some("latest")).await;
        assert_eq!(latest.next().await.0, [""; 0], "empty, but at once");
        ann.create("Oil").await;
        assert_eq!((latest.next().await.0, resumed.next().await.0), (vec!["Oil".to_owned()], vec!["Oil".to_owned()]));
        let mut foreign = Stream::open(outlet, &url, &token("bob"), Some(&cursor)).await;
        let (items, _) = foreign.next().await;
        assert!(items.iter().all(|item| item == "Bob's"), "another user's cursor shows one's own feed: {items:?}");
    })
    .await;
}

#[tokio::test]
async fn operations_of_one_socket_do_not_disturb_each_other() {
    let app = App::new().await;
    let ann = app.user("ann");
    let url = app.listen().await;
    let mut socket = Socket::of(&url, "ann").await;
    for id in ["a", "b"] {
        socket.subscribe(id, CHANGES, json!({})).await;
        assert_eq!(socket.next().await["id"], id);
    }
    assert_eq!(socket.run("c", "{ me { id } }", json!({})).await["data"]["me"]["id"], "ann");
    // Completed and reused at once: a message in flight for the first one must not end the second.
    socket.send(json!({ "type": "complete", "id": "a" })).await;
    socket.subscribe("a", CHANGES, json!({ "after": "latest" })).await;
    assert_eq!(socket.next().await["type"], "next");
    socket.send(json!({ "type": "complete", "id": "b" })).await;
    assert_eq!(socket.run("c", "{ me { id } }", json!({})).await["data"]["me"]["id"], "ann", "b is gone by now");
    ann.create("Salt").await;
    let told = socket.next().await;
    assert_eq!((&told["id"], &told["payload"]["data"]["changes"]["items"][0]["title"]), (&json!("a"), &json!("Salt")));
}

#[tokio::test]
async fn what_cannot_be_streamed_is_refused_with_its_reason() {
    let url = App::new().await.listen().await;
    let mut socket = Socket::of(&url, "ann").await;
    let cases = [
        ("subscription { changes(after: \"garbage\") { cursor } }", "BAD_USER_INPUT"),
        ("subscription { a: changes { cursor } b: changes { cursor } }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "subscription { changes { cursor } ...F } fragment F on Subscription { b: changes { cursor } }",
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($a: Int) { changes(after: $a) { cursor } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
    ];
    for (document, code) in cases {
        let errors = socket.run("1", document, json!({})).await;
        assert_eq!(errors[0]["extensions"]["code"], code, "{document}");
        let mut events = Events::graphql(&url, &token("ann"), &json!({ "query": document })).await;
        let next = events.next().await.unwrap();
        assert_eq!((next.name.as_str(), next.json()), ("next", json!({ "errors": errors })), "{document}");
        assert_eq!(events.next().await.unwrap().name, "complete");
        assert_eq!(events.next().await, None);
    }
    for (query, headers) in [("?cursor=garbage", &[][..]), ("?cursor=latest", &[("last-event-id", "garbage")])] {
        let (status, body) = Events::rest(&url, &token("ann"), query, headers).await.refusal().await;
        assert_eq!((status, &body["code"]), (422, &json!("BAD_USER_INPUT")), "{query}");
    }
    let (status, body) = Events::rest(&url, "no token", "", &[]).await.refusal().await;
    assert_eq!((status, &body["code"]), (401, &json!("UNAUTHENTICATED")));
}

#[tokio::test]
async fn a_subscription_that_does_not_accept_events_is_not_acceptable() {
    let app = App::new().await;
    app.user("ann").graphql(CHANGES).await.refused(406, "NOT_ACCEPTABLE");
    let batch = json!([{ "query": "{ me { id } }" }]);
    let events = app.user("ann").post("/graphql", batch).header("accept", "text/event-stream").await;
    events.refused(406, "NOT_ACCEPTABLE");
}

#[tokio::test]
async fn rests_event_stream_works_with_event_source() {
    let app = App::new().await;
    let ann = app.user("ann");
    ann.create("Bread").await;
    let url = app.listen().await;
    let mut events = Events::rest(&url, &token("ann"), "", &[]).await;
    let header = |name: &str| events.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (header("content-type"), header("x-accel-buffering")),
        ("text/event-stream".to_owned(), "no".to_owned())
    );
    let first = events.next().await.unwrap();
    assert_eq!((first.name.as_str(), &json!(first.id)), ("changes", &first.json()["cursor"]));
    ann.create("Milk").await;
    let second = events.next().await.unwrap();
    let headers = [("last-event-id", first.id.as_str())];
    let mut resumed = Events::rest(&url, &token("ann"), "?cursor=latest", &headers).await;
    assert_eq!(resumed.next().await.unwrap().json()["changes"], second.json()["changes"], "it beats the cursor");
}

#[tokio::test]
async fn an_idle_event_stream_has_a_heartbeat() {
    let streams = StreamLimits { heartbeat: Duration::from_millis(20), ..StreamLimits::default() };
    let url = App::builder().streams(streams).build().await.listen().await;
    for outlet in ["graphql_sse", "rest_sse"] {
        let mut stream = Stream::open(outlet, &url, &token("ann"), None).await;
        stream.next().await;
        let (Stream::GraphqlSse(events) | Stream::RestSse(events)) = &mut stream else { panic!("no events") };
        for _ in 0..3 {
            assert!(events.any().await.unwrap().is_comment, "{outlet}");
        }
    }
}

#[tokio::test]
async fn streams_and_idle_sockets_end_with_their_token() {
    let settings = [("JWT_LEEWAY", "0s"), ("METRICS_LISTEN", "127.0.0.1:0")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let url = server.url();
    let soon = chrono::Utc::now().timestamp() + 2;
    let token = signed(SECRET, &json!({ "sub": "ann", "exp": soon }));
    let mut idle = Socket::let_in(&url, &token).await;
    let streams = Stream::open_all(&url, &token).await;
    for stream in streams {
        match stream {
            Stream::Socket(mut socket) => assert_eq!(socket.closed().await, Some(4403)),
            Stream::GraphqlSse(mut events) => assert_eq!(events.next().await, None, "no `complete`: there is more"),
            Stream::RestSse(mut events) => {
                let end = events.next().await.unwrap();
                assert_eq!((end.name.as_str(), end.json()), ("end", json!({ "code": "UNAUTHENTICATED" })));
                assert_eq!(events.next().await, None);
            }
        }
    }
    assert_eq!(idle.closed().await, Some(4403));
    assert!(chrono::Utc::now().timestamp() >= soon, "not before the token did");
    let metrics_url = format!("http://{}/metrics", server.metrics.unwrap());
    eventually("they are counted with their reason", async || {
        let metrics = reqwest::get(&metrics_url).await.unwrap().text().await.unwrap();
        metrics.contains(r#"tandem_streams_ended_total{outlet="websocket",reason="token"} 2"#)
    })
    .await;
}

#[tokio::test]
async fn a_stopping_server_spreads_reconnects_and_exits() {
    let Some(server) = Server::with(&[("SHUTDOWN_TIMEOUT", "60s")]).await else { skip!(Postgres) };
    let url = server.url();
    let (mut silent, mut idle) = (Socket::open(&url).await, Socket::of(&url, "ann").await);
    let streams = Stream::open_all(&url, &token("ann")).await;
    server.signal("-TERM");
    for stream in streams {
        match stream {
            Stream::Socket(mut socket) => assert_eq!(socket.closed().await, Some(1012)),
            Stream::GraphqlSse(mut events) | Stream::RestSse(mut events) => {
                let last = events.next().await.unwrap();
                assert!(last.retry.is_some_and(|retry| (1000..=10_000).contains(&retry)), "{last:?}");
                assert_eq!(events.next().await, None);
            }
        }
    }
    assert_eq!((silent.closed().await, idle.closed().await), (Some(1012), Some(1012)));
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn a_user_with_too_many_streams_is_refused_and_others_are_served() {
    let streams = StreamLimits { streams_per_user: 1, operations: 2, ..StreamLimits::default() };
    let url = App::builder().streams(streams).build().await.listen().await;
    let mut socket = Socket::of(&url, "ann").await;
    for id in ["a", "b"] {
        socket.subscribe(id, CHANGES, json!({})).await;
        assert_eq!(socket.next().await["type"], "next");
    }
    let errors = socket.run("c", CHANGES, json!({})).await;
    assert_eq!(errors[0]["extensions"]["code"], "TOO_MANY_STREAMS");
    socket.send(json!({ "type": "complete", "id": "a" })).await;
    assert_eq!(socket.run("c", "{ me { id } }", json!({})).await["data"]["me"]["id"], "ann", "there is room again");
    let (status, body) = Events::rest(&url, &token("ann"), "", &[]).await.refusal().await;
    assert_eq!((status, &body["code"]), (429, &json!("TOO_MANY_STREAMS")));
    let refused = Events::graphql(&url, &token("ann"), &json!({ "query": CHANGES })).await;
    let (status, body) = refused.refusal().await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (429, &json!("TOO_MANY_STREAMS")));
    let mut bobs = Stream::open("rest_sse", &url, &token("bob"), None).await;
    bobs.next().await;
    drop(socket);
    eventually("there is room again", async || Events::rest(&url, &token("ann"), "", &[]).await.status() == 200).await;
}

/// Through all outlets.
async fn open_streams(url: &str) -> u32 {
    let metrics = reqwest::get(format!("{url}/metrics")).await.unwrap().text().await.unwrap();
    let counts = metrics.lines().filter(|line| line.starts_with("tandem_streams{"));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap()).sum()
}

#[tokio::test]
async fn clients_that_never_or_hardly_read_are_cut_off_and_lose_nothing() {
    let settings = [("SEND_TIMEOUT", "300ms"), ("HEADER_TIMEOUT", "400ms"), ("METRICS_LISTEN", "127.0.0.1:0")];
    let Some(server) = Server::with(&settings).await else { skip!(Postgres) };
    let url = server.url();
    let metrics_url = format!("http://{}", server.metrics.unwrap());
    let db = server.db.superuser().await;
    let fill = "INSERT INTO tasks (user_id, id, title, description) \
                SELECT 'ann', gen_random_uuid(), 'x', repeat('x', 1000) FROM generate_series(1, 20000)";
    db.batch_execute(fill).await.unwrap();
    let mut socket = Socket::of(&url, "ann").await;
    socket.subscribe("1", &CHANGES.replace("title", "title description"), json!({})).await;
    let (mut silent, mut slow, mut other) = (server.connect().await, server.connect().await, server.connect().await);
    let token = token("ann");
    let request = format!(
        "GET /api/tasks/changes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\naccept: text/event-stream\r\n\r\n"
    );
    silent.send(&request).await;
    slow.send(&request).await;
    // Reads a byte for each response to another client: what was sent to it would take millions of them.
    let trickle = tokio::spawn(async move {
        while slow.0.read_u8().await.is_ok() {
            other.ask("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
        }
    });
    let ended = async |outlet: &str| {
        let metrics = reqwest::get(format!("{metrics_url}/metrics")).await.unwrap().text().await.unwrap();
        let line = format!("tandem_streams_ended_total{{outlet=\"{outlet}\",reason=");
        metrics.lines().filter(|found| found.starts_with(&line)).count()
    };
    for outlet in ["websocket", "rest_sse"] {
        eventually("they are cut off before they are read", async || ended(outlet).await > 0).await;
    }
    assert_eq!(socket.closed().await, None, "it can't be told");
    silent.rest().await;
    eventually("no stream is left", async || open_streams(&metrics_url).await == 0).await;
    trickle.abort();
    let mut again = Stream::open("websocket", &url, &token, None).await;
    assert_eq!(again.next().await.0.len(), 100);
}

#[tokio::test]
async fn events_are_charged_to_their_user() {
    let Some(server) = Server::with(&[("RATE_LIMIT_PER_USER", "1000")]).await else { skip!(Postgres) };
    check_all(OUTLETS, async |outlet| {
        let token = token(outlet);
        let mut streams = Vec::new();
        for _ in 0..20 {
            let mut stream = Stream::open(outlet, &server.url(), &token, None).await;
            stream.next().await;
            streams.push(stream);
        }
        // Alone, the writes would cost 500 points.
        for _ in 0..50 {
            let request = http_client().post(format!("{}/api/tasks", server.url())).bearer_auth(&token);
            let status = request.json(&json!({ "title": "Bread" })).send().await.unwrap().status();
            if status == 429 {
                return;
            }
            assert_eq!(status, 201);
            for stream in &mut streams {
                assert_eq!(stream.next().await.0, ["Bread"]);
            }
        }
        panic!("a thousand events were free");
    })
    .await;
}
