//! From a request to a socket.

use std::sync::Arc;

use async_graphql::Data;
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::{
    extract::{
        FromRequestParts,
        ws::{WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};
use tokio::spawn;
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
/// What is read at once. Most messages of clients are shorter, and thousands of sockets have such a buffer each.
const READ_BUFFER: usize = 256;

/// Whether a request asks for a WebSocket.
pub(in crate::graphql) fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Makes a socket of a request's connection.
pub(in crate::graphql) async fn upgrade(state: SharedState, mut parts: Parts) -> Response {
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return error_response(Error::new(Code::BadUserInput, rejection.body_text())),
    };
    let limits = state.streams.limits();
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        // Somewhat more than is accepted, so that the client can be told.
        .max_message_size(limits.message.saturating_mul(2))
        .max_frame_size(limits.message.saturating_mul(2))
        .protocols([SUBPROTOCOL]);
    let Some(protocol) = protocol(&upgrade, &mut parts).await else { return wrong_subprotocol(upgrade) };
    let Parts { headers, extensions, .. } = parts;
    let connection = extensions.get::<Connection>().cloned().unwrap_or_default();
    let client = state.rate_limits.client(&extensions, &headers);
    let upgrading = Upgrading { state, protocol, client, headers, connection };
    // In a task of its own: axum's keeps what it took to make the socket for as long as it lives.
    upgrade.on_upgrade(async move |socket| {
        spawn(upgrading.serve(socket));
    })
}

/// What a socket begins with.
struct Upgrading {
    state: SharedState,
    protocol: GraphQLProtocol,
    client: Option<Client>,
    headers: HeaderMap,
    connection: Connection,
}

impl Upgrading {
    fn serve(self, socket: WebSocket) -> impl Future<Output = ()> + Send {
        let Self { state, protocol, client, headers, connection } = self;
        let (streams, verifier) = (state.streams.clone(), state.verifier.clone());
        let admission = Admission::default();
        // Boxed, as is the door: otherwise each of the futures around them has room for them.
        let socket = Box::new(Socket::new(socket, connection, streams.limits(), Arc::clone(&admission)));
        let origin = Arc::new(UpgradeRequest::new(&headers));
        let operations =
            Operations::new(Arc::clone(&state.graphql), state.db.clone(), Arc::clone(&admission), Arc::clone(&origin));
        let door = Box::new(Door { verifier, streams, client, headers, origin });
        serve(socket, protocol, operations, door, admission)
    }
}

/// Whether the client speaks the protocol.
async fn protocol(upgrade: &WebSocketUpgrade, parts: &mut Parts) -> Option<GraphQLProtocol> {
    upgrade.selected_protocol()?;
    // Of several it would take the first one it knows, also the protocol before this one.
    parts.headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    GraphQLProtocol::from_request_parts(parts, &()).await.ok()
}

/// Closes the socket at once. A browser shows its page the code only if one of its subprotocols was selected.
fn wrong_subprotocol(mut upgrade: WebSocketUpgrade) -> Response {
    let other = upgrade.requested_protocols().next().cloned();
    if let Some(other) = other {
        upgrade.set_selected_protocol(other);
    }
    upgrade.on_upgrade(async |mut socket| {
        let _ = socket.send(Close::NO_SUBPROTOCOL.into()).await;
    })
}

async fn serve(
    mut socket: Box<Socket>,
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
    let carried = GraphQLWebSocket::new(&mut *socket, operations, protocol).on_connection_init(on_init);
    carried.on_ping(|_, payload| async { Ok(payload) }).serve().await;
    socket.finish().await;
}
