//! One client's connection, HTTP/1.1 or HTTP/2, from its first byte to its last.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Request, Response, StatusCode, Version, header},
};
use futures::TryFutureExt;
use hyper::{
    body::{Body as _, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use parking_lot::Mutex;
use tokio::{
    net::TcpStream,
    sync::{Notify, OwnedSemaphorePermit, watch},
    time::{Instant, interval_at, timeout},
};

use super::{
    activity::{Activity, InFlight, Socket},
    addresses::Counted,
    request_body::RequestBody,
    response_body::{CHUNK, Patience, ResponseBody},
};
use crate::{
    config::ConnectionLimits,
    http::{
        guard::{self, AboveLimit},
        health::Readiness,
        streams,
    },
    router::App,
    telemetry::OpenConnection,
};

/// The largest request head; longer ones get 431.
const MAX_HEAD: usize = 32 * 1024;
/// How many requests of one HTTP/2 connection run concurrently.
const MAX_STREAMS: u32 = 100;
/// What a client may send ahead on one HTTP/2 stream: the largest body that is read.
const STREAM_WINDOW: u32 = 64 * 1024;
/// What a client may send ahead on all of its streams.
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// How much of a response HTTP/2 buffers.
const SEND_BUFFER: usize = 64 * 1024;
/// How often an HTTP/2 client is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);

/// Which requests of a connection are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serving {
    /// All of them.
    Everything,
    /// Health checks; all others are refused. One request, and the connection is closed.
    HealthOnly,
}

/// What a connection holds while it is open.
pub(super) struct Held {
    pub(super) _permit: OwnedSemaphorePermit,
    pub(super) _of_address: Counted,
    pub(super) _counted: OpenConnection,
}

/// Where a request comes from.
#[derive(Clone)]
struct Origin {
    peer: SocketAddr,
    connection: streams::Connection,
}

/// Serves connections: a router, and what its clients may do.
pub(super) struct Connections<A> {
    app: A,
    builder: Builder<TokioExecutor>,
    limits: ConnectionLimits,
    readiness: Readiness,
    serving: Serving,
}

impl<A: App> Connections<A> {
    pub(super) fn new(app: A, limits: ConnectionLimits, readiness: Readiness, serving: Serving) -> Self {
        Self { app, builder: builder(), limits, readiness, serving }
    }

    /// Serves one connection until it ends, is overdue, or `stopping` changes and its requests are finished. An upgraded
    /// connection lives on, and keeps `held`.
    pub(super) async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        held: Arc<Held>,
        mut stopping: watch::Receiver<()>,
    ) {
        let activity = Arc::new(Activity::new());
        let io = TokioIo::new(Socket { stream, activity: Arc::clone(&activity) });
        let origin =
            Origin { peer, connection: streams::Connection::new(held, stopping.clone(), self.limits.send_timeout) };
        // One for the connection: each clone counts references that all connections share.
        let app = Mutex::new(self.app.clone());
        let overdue_response = Arc::new(Notify::new());
        let service = service_fn(|request: Request<Incoming>| {
            let in_flight = activity.begin(request.version());
            Arc::clone(&self).answer(request, &app, origin.clone(), in_flight, &overdue_response)
        });
        let mut connection = pin!(self.builder.serve_connection_with_upgrades(io, service));
        tokio::select! {
            ended = connection.as_mut() => return log_end(ended),
            _ = stopping.changed() => connection.as_mut().graceful_shutdown(),
            () = overdue_response.notified() => return,
            () = self.overdue(&activity) => {
                connection.as_mut().graceful_shutdown();
                // All that is left is a response that the client doesn't read.
                let is_stalled = activity.is_stalled(&self.limits);
                let patience = if is_stalled { Duration::ZERO } else { self.limits.header_timeout };
                return log_end(timeout(patience, connection).await.unwrap_or(Ok(())));
            }
        }
        log_end(connection.await);
    }

    /// Checked periodically: a timer for each request would cost more than it is worth.
    async fn overdue(&self, activity: &Activity) {
        let period = (self.limits.header_timeout / 4).max(Duration::from_millis(1));
        let mut ticks = interval_at(Instant::now() + period, period);
        loop {
            ticks.tick().await;
            if activity.is_overdue(&self.limits) || activity.is_stalled(&self.limits) {
                return;
            }
        }
    }

    /// Not an `async fn`, which keeps its arguments twice.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        app: &Mutex<A>,
        origin: Origin,
        in_flight: InFlight,
        overdue: &Arc<Notify>,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> + use<A> {
        let overdue = Arc::clone(overdue);
        let version = request.version();
        let mut request = request.map(|body| Body::new(RequestBody::new(body, self.limits.body_timeout)));
        request.extensions_mut().insert(ConnectInfo(origin.peer));
        request.extensions_mut().insert(origin.connection);
        if self.serving == Serving::HealthOnly {
            request.extensions_mut().insert(AboveLimit);
        }
        let answer = app.lock().call(request);
        answer.map_ok(move |mut response| {
            if version <= Version::HTTP_11 && self.is_last(&response) {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            self.send(response, version, in_flight, overdue)
        })
    }

    /// Gives the response a deadline, if it has a known length and more than one frame.
    fn send(
        &self,
        mut response: Response<Body>,
        version: Version,
        in_flight: InFlight,
        overdue: Arc<Notify>,
    ) -> Response<ResponseBody> {
        let held = response.extensions_mut().remove::<Arc<guard::Held>>();
        let ConnectionLimits { send_timeout, header_timeout: grace, .. } = self.limits;
        response.map(|body| match body.size_hint().exact() {
            Some(length @ 1..) if version == Version::HTTP_2 || length > CHUNK as u64 => {
                ResponseBody::timed(body, length, held, in_flight, Patience { send_timeout, grace, overdue })
            }
            _ => ResponseBody::untimed(body, in_flight),
        })
    }

    /// Whether the connection is closed after this response. A client that kept its connection to a server which is leaving
    /// could send a request just as it is closed.
    fn is_last(&self, response: &Response<Body>) -> bool {
        match response.status() {
            // A WebSocket's response says `Connection: Upgrade`.
            StatusCode::SWITCHING_PROTOCOLS => false,
            StatusCode::REQUEST_TIMEOUT => true,
            _ => self.serving == Serving::HealthOnly || self.readiness.is_leaving(),
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // `Activity` limits the time for heads.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER);
    builder
}

fn log_end<E: std::fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
