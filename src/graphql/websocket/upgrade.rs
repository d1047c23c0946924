//! From a request to a socket.

use std::sync::Arc;

use async_graphql::Data;
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
    http::{self, HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};
use hyper_util::rt::TokioIo;
use tokio::spawn;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tracing::Instrument;

use super::{
    close::Close,
    init::{Admission, Door},
    operations::Operations,
    socket::Socket,
};
use crate::{
    error::{Code, Error},
    graphql::error_response,
    http::{rate_limiting::Client, streams::Connection},
    state::SharedState,
    telemetry::UpgradeRequest,
};

/// The subprotocol that is spoken.
const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Whether a request asks for a WebSocket.
pub(in crate::graphql) fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Makes a socket of a request's connection (RFC 6455, section 4.2). axum's socket hides its connection, from which the rest
/// of a message that is too large has to be read.
pub(in crate::graphql) async fn upgrade(state: SharedState, mut request: Request) -> Response {
    let upgrading = hyper::upgrade::on(&mut request);
    let (mut parts, _) = request.into_parts();
    let response = create_response_with_body(&http::Request::from_parts(parts.clone(), ()), Body::empty);
    let mut response = match response {
        Ok(response) => response,
        Err(error) => return error_response(Error::new(Code::BadUserInput, error.to_string())),
    };
    let (selected, protocol) = negotiate(&mut parts).await;
    if let Some(selected) = selected {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, selected);
    }
    let Parts { headers, extensions, .. } = parts;
    let connection = extensions.get::<Connection>().cloned().unwrap_or_default();
    let client = state.rate_limits.client(&extensions, &headers);
    let upgraded = Upgraded { state, client, headers, connection };
    spawn(async move {
        let Ok(io) = upgrading.await else { return };
        // In a task of its own: this one keeps what it took to make the socket for as long as it lives.
        spawn(upgraded.serve(TokioIo::new(io), protocol).await);
    });
    response
}

/// The subprotocol to select, and what async-graphql calls it if it is the one that is spoken.
async fn negotiate(parts: &mut Parts) -> (Option<HeaderValue>, Option<GraphQLProtocol>) {
    let headers = parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let offered = || headers.iter().flat_map(|header| header.to_str().unwrap_or_default().split(',')).map(str::trim);
    if !offered().any(|offered| offered == SUBPROTOCOL) {
        // A browser shows its page the code that a socket is closed with only if a subprotocol was selected.
        return (offered().next().and_then(|first| HeaderValue::from_str(first).ok()), None);
    }
    // Of several it would take the first one it knows, also the protocol before this one.
    let ours = HeaderValue::from_static(SUBPROTOCOL);
    parts.headers.insert(header::SEC_WEBSOCKET_PROTOCOL, ours.clone());
    (Some(ours), GraphQLProtocol::from_request_parts(parts, &()).await.ok())
}

/// What a socket begins with.
struct Upgraded {
    state: SharedState,
    client: Option<Client>,
    headers: HeaderMap,
    connection: Connection,
}

impl Upgraded {
    /// Without a protocol, the socket is closed at once.
    async fn serve(
        self,
        io: TokioIo<hyper::upgrade::Upgraded>,
        protocol: Option<GraphQLProtocol>,
    ) -> impl Future<Output = ()> + Send {
        let Self { state, client, headers, connection } = self;
        let (streams, verifier) = (state.streams.clone(), state.verifier.clone());
        let admission = Admission::default();
        // Boxed, as is the door: otherwise each of the futures around them has room for them.
        let mut socket =
            Box::new(Socket::new(io, connection, client.clone(), streams.limits(), Arc::clone(&admission)).await);
        let origin = Arc::new(UpgradeRequest::new(&headers));
        let operations =
            Operations::new(Arc::clone(&state.graphql), state.db.clone(), Arc::clone(&admission), Arc::clone(&origin));
        let door = Box::new(Door { verifier, streams, client, headers, origin });
        async move {
            match protocol {
                Some(protocol) => serve(&mut socket, protocol, operations, door, admission).await,
                None => socket.refuse(Close::NO_SUBPROTOCOL),
            }
            socket.finish().await;
        }
    }
}

async fn serve(
    socket: &mut Socket<TokioIo<hyper::upgrade::Upgraded>>,
    protocol: GraphQLProtocol,
    operations: Operations,
    door: Box<Door>,
    admission: Admission,
) {
    let on_init = |payload| async move {
        let span = door.origin.span();
        let admitted = door.admit(payload).instrument(span).await;
        let is_admitted = admitted.is_ok();
        let _ = admission.set(admitted);
        if is_admitted { Ok(Data::default()) } else { Err("refused".into()) }
    };
    let carried = GraphQLWebSocket::new(socket, operations, protocol).on_connection_init(on_init);
    carried.on_ping(|_, payload| async { Ok(payload) }).serve().await;
}
