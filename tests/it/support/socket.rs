//! A client of `graphql-transport-ws` that sends any message at any time.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{server::PATIENCE, token};

/// A WebSocket to the server under test.
pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// To the server at this URL, speaking the protocol; nothing is sent yet.
    pub async fn open(url: &str) -> Self {
        Self::with(url, "/graphql", &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap()
    }

    /// Opened with these headers; the error is why it was refused.
    pub async fn with(url: &str, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, tungstenite::Error> {
        let mut request = format!("{}{path}", url.replace("http://", "ws://")).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        Ok(Self { stream: connect_async(request).await?.0 })
    }

    /// Over this connection; `None` if it is refused.
    pub async fn over(connection: TcpStream) -> Option<Self> {
        let mut request = "ws://x/graphql".into_client_request().ok()?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
        let (stream, _) = client_async(request, MaybeTlsStream::Plain(connection)).await.ok()?;
        Some(Self { stream })
    }

    /// Authenticated as this user.
    pub async fn of(url: &str, user: &str) -> Self {
        Self::let_in(url, &token(user)).await
    }

    /// Authenticated with this token.
    pub async fn let_in(url: &str, token: &str) -> Self {
        let mut socket = Self::open(url).await;
        socket.send(init(token)).await;
        assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
        socket
    }

    pub async fn send(&mut self, message: Value) {
        self.send_text(message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.stream.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends an operation under this id.
    pub async fn subscribe(&mut self, id: &str, document: &str, variables: Value) {
        self.send(subscribe(id, json!({ "query": document, "variables": variables }))).await;
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        match self.message().await {
            Ok(message) => message,
            Err(code) => panic!("closed with {code:?}"),
        }
    }

    /// Runs an operation that isn't a stream: the payload of its only message.
    pub async fn run(&mut self, id: &str, document: &str, variables: Value) -> Value {
        self.subscribe(id, document, variables).await;
        self.only_answer(id).await
    }

    /// The payload of an operation's only message, which is a `next` or an `error`.
    pub async fn only_answer(&mut self, id: &str) -> Value {
        let mut answer = self.next().await;
        assert_eq!(answer["id"], id, "{answer}");
        if answer["type"] == "next" {
            assert_eq!(self.next().await, json!({ "type": "complete", "id": id }));
        }
        answer["payload"].take()
    }

    /// The code that the server closes the socket with, after any further messages.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.message().await {
                return code;
            }
        }
    }

    /// The next message, or the code that the server closes the socket with.
    pub async fn message(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match timeout(PATIENCE, self.stream.next()).await.expect("a message in time") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }
}

/// The message that authenticates.
pub fn init(token: &str) -> Value {
    json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } })
}

/// The message that starts an operation.
pub fn subscribe(id: &str, payload: Value) -> Value {
    let mut message = json!({ "type": "subscribe", "id": id });
    message["payload"] = payload;
    message
}
