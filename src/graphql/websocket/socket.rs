//! One socket as async-graphql sees it, and its time: each message passes the protocol, and what the client should have
//! done long ago ends it.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Error, extract::ws};
use futures::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Sleep, sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Bytes, Message,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{
    close::Close,
    init::{Admission, Admitted},
    metered::{Metered, is_exceeded},
    protocol::Protocol,
};
use crate::http::{
    rate_limiting::Client,
    streams::{Connection, Ended, Lifetime, StreamLimits},
};

/// How many pings may be unanswered.
const MAX_UNANSWERED: u8 = 2;
/// How long a client that is told why its socket is closed may send nothing, and how long it may send.
const CLOSING: Duration = Duration::from_secs(2);
const MAX_CLOSING: Duration = Duration::from_secs(30);
/// What is read at once. Most messages of clients are shorter, and thousands of sockets have such a buffer each.
const READ_BUFFER: usize = 256;

/// One socket.
pub(super) struct Socket<S> {
    inner: WebSocketStream<Metered<S>>,
    protocol: Protocol,
    /// Whose messages are counted, if addresses are limited.
    client: Option<Client>,
    admission: Admission,
    lifetime: Lifetime,
    /// Pings since the client was last heard.
    unanswered: u8,
    heartbeat: Duration,
    /// Held to the end.
    connection: Connection,
    /// Set while the client doesn't read.
    stalled: Option<Pin<Box<Sleep>>>,
    ended: Option<Ended>,
    close: Option<Close>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Of a connection whose client has been told that it is one.
    pub(super) async fn new(
        io: S,
        connection: Connection,
        client: Option<Client>,
        limits: &StreamLimits,
        admission: Admission,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(limits.message))
            .max_frame_size(Some(limits.message));
        Self {
            inner: WebSocketStream::from_raw_socket(Metered::new(io), Role::Server, Some(config)).await,
            protocol: Protocol::new(limits.operations),
            client,
            admission,
            lifetime: Lifetime::without_session(connection.stopping(), limits.init_timeout),
            unanswered: 0,
            heartbeat: limits.heartbeat,
            connection,
            stalled: None,
            ended: None,
            close: None,
        }
    }

    /// Says why the socket is closed, if the client can still be told, and waits for it to hear.
    pub(super) async fn finish(&mut self) {
        if let (Some(ended), Some(Ok(admitted))) = (self.ended, self.admission.get()) {
            admitted.permit.ended(ended);
        }
        if let Some(close) = self.close.take() {
            tracing::debug!(code = close.code, "closing a socket");
            if let Ok(Ok(())) = timeout(CLOSING, self.inner.send(close.into())).await {
                let _ = timeout(MAX_CLOSING, self.drain()).await;
            }
        }
    }

    /// Drops what the client still sends: unread, it would make the kernel drop what is on its way to the client. It may be
    /// the rest of a message that is too large, which tungstenite would keep.
    async fn drain(&mut self) -> io::Result<()> {
        let io = &mut self.inner.get_mut().io;
        io.shutdown().await?;
        let mut dropped = [0; 512];
        while let Ok(1..) = timeout(CLOSING, io.read(&mut dropped)).await? {}
        Ok(())
    }

    /// From now on nothing is read, and nothing but this sent.
    fn end(&mut self, ended: Ended, close: Option<Close>) {
        self.ended.get_or_insert(ended);
        self.close = self.close.take().or(close);
    }

    pub(super) fn refuse(&mut self, close: Close) {
        self.end(Ended::Refused, Some(close));
    }

    /// Lets time pass: pings at a heartbeat, or ends.
    fn tick(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(beat) = self.lifetime.poll_beat(context) {
            match beat {
                Err(ended) => return self.end(ended, Close::of(ended)),
                // What it answers is not read meanwhile.
                Ok(()) if self.stalled.is_some() => {}
                Ok(()) if self.unanswered >= MAX_UNANSWERED => return self.end(Ended::Silent, None),
                Ok(()) => self.ping(context),
            }
        }
    }

    fn ping(&mut self, context: &mut Context<'_>) {
        self.unanswered += 1;
        if self.inner.poll_ready_unpin(context).is_ready() {
            // Written with what is written next, and before anything is read.
            let _ = self.inner.start_send_unpin(Message::Ping(Bytes::new()));
        }
    }

    /// A message for async-graphql, if it is for it.
    fn receive(&mut self, message: &Message) -> Option<ws::Message> {
        let is_answer = mem::take(&mut self.unanswered) > 0 && message.is_pong();
        if let Some(client) = &self.client
            && !is_answer
            && let Err(error) = client.charge()
        {
            self.refuse(Close::try_again_later(error.message()));
            return None;
        }
        let received = match message {
            Message::Text(text) => self.protocol.receive(text),
            Message::Binary(_) => Err(Close::invalid("it is binary")),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => Ok(None),
        };
        received.map_err(|close| self.refuse(close)).ok().flatten().map(|text| ws::Message::Text(text.into()))
    }

    /// A message for the client, if it is to hear it.
    fn pass(&mut self, message: &ws::Message) -> Option<Message> {
        let ws::Message::Text(text) = message else {
            // A close frame: `connection_init` was refused.
            let refused = self.admission.get().and_then(|admission| admission.as_ref().err().cloned());
            self.refuse(refused.unwrap_or(Close::UNAUTHORIZED));
            return None;
        };
        let was_acknowledged = self.protocol.is_acknowledged();
        let passed = self.protocol.send(text).map_err(|close| self.refuse(close)).ok().flatten();
        if !was_acknowledged
            && self.protocol.is_acknowledged()
            && let Some(Ok(Admitted { session, .. })) = self.admission.get()
        {
            self.lifetime.admit(session.clone(), self.heartbeat);
            self.inner.get_mut().admit();
        }
        passed.map(|text| Message::Text(text.into()))
    }

    /// Ready once everything is written.
    fn poll_written(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Poll::Ready(written) = self.inner.poll_flush_unpin(context) {
            self.stalled = None;
            return Poll::Ready(written.map_err(Error::new));
        }
        self.poll_stalled(context).map(Err)
    }

    /// Fails if the client has read nothing for too long, or time is up anyway.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        let send_timeout = self.connection.send_timeout();
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(send_timeout)));
        if stalled.poll_unpin(context).is_ready() {
            self.end(Ended::Stalled, None);
        } else {
            self.tick(context);
        }
        if self.ended.is_some() { Poll::Ready(Error::new("the socket has ended")) } else { Poll::Pending }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Socket<S> {
    type Item = Result<ws::Message, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            this.tick(context);
            // Answers to a client's pings would pile up if it went on sending without reading any.
            if this.ended.is_some() || ready!(this.poll_written(context)).is_err() {
                return Poll::Ready(None);
            }
            match ready!(this.inner.poll_next_unpin(context)) {
                Some(Ok(message)) => {
                    if let Some(message) = this.receive(&message) {
                        return Poll::Ready(Some(Ok(message)));
                    }
                }
                Some(Err(tungstenite::Error::Capacity(_))) => this.refuse(Close::TOO_LARGE),
                Some(Err(tungstenite::Error::Io(error))) if is_exceeded(&error) => this.refuse(Close::TOO_LARGE),
                Some(Err(_)) | None => return Poll::Ready(None),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<ws::Message> for Socket<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_written(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: ws::Message) -> Result<(), Error> {
        match self.pass(&message) {
            Some(message) => self.inner.start_send_unpin(message).map_err(Error::new),
            None => Ok(()),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_written(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_close_unpin(context).map_err(Error::new)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::{
        io::{DuplexStream, duplex},
        join, select,
        sync::watch,
    };

    use super::*;
    use crate::auth::{ClaimRules, KeySource, Verifier, mint};

    /// The bytes that are on their way in either direction at most.
    const CAPACITY: usize = 256;
    /// What ends nothing.
    const LONG: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(20);

    type Peer = WebSocketStream<DuplexStream>;

    /// A socket, its client, and what stops the server.
    async fn socket(send_timeout: Duration) -> (Socket<DuplexStream>, Peer, watch::Sender<()>) {
        let (server, client) = duplex(CAPACITY);
        let (stop, stopping) = watch::channel(());
        let connection = Connection::new(Arc::new(()), stopping, send_timeout);
        let limits = StreamLimits { init_timeout: LONG, ..StreamLimits::default() };
        let socket = Socket::new(server, connection, None, &limits, Admission::default()).await;
        (socket, WebSocketStream::from_raw_socket(client, Role::Client, None).await, stop)
    }

    /// More than is sent to a client that doesn't read.
    fn long() -> ws::Message {
        ws::Message::Text(format!(r#"{{"type":"pong","payload":"{}"}}"#, "x".repeat(4 * CAPACITY)).into())
    }

    async fn read(client: &mut Peer) -> Message {
        client.next().await.unwrap().unwrap()
    }

    /// The code that a client is told, once it has read what came before.
    async fn told(client: &mut Peer) -> Option<u16> {
        let mut code = None;
        while let Some(Ok(message)) = client.next().await {
            if let Message::Close(frame) = message {
                code = frame.map(|frame| frame.code.into());
            }
        }
        code
    }

    async fn finish(mut socket: Socket<DuplexStream>) {
        socket.finish().await;
    }

    #[tokio::test]
    async fn the_first_reason_to_close_is_the_one_that_is_told() {
        let (mut socket, mut client, stop) = socket(LONG).await;
        client.send("no JSON".into()).await.unwrap();
        assert!(socket.next().await.is_none());
        stop.send(()).unwrap();
        assert!(socket.next().await.is_none());
        assert_eq!(socket.ended, Some(Ended::Refused));
        assert_eq!(join!(finish(socket), told(&mut client)).1, Some(4400));
    }

    #[tokio::test]
    async fn a_client_that_is_still_sending_hears_why_the_socket_was_closed() {
        let (mut socket, mut client, _stop) = socket(LONG).await;
        client.send("no JSON".into()).await.unwrap();
        assert!(socket.next().await.is_none());
        let rest = async {
            client.send("x".repeat(4 * CAPACITY).into()).await.unwrap();
            told(&mut client).await
        };
        assert_eq!(join!(finish(socket), rest).1, Some(4400));
    }

    #[tokio::test]
    async fn a_stopping_server_does_not_wait_for_a_client_that_does_not_read() {
        let (mut socket, mut client, stop) = socket(LONG).await;
        let stopped = async { stop.send(()).unwrap() };
        let (sent, ()) = timeout(LONG, async { join!(biased; socket.send(long()), stopped) }).await.unwrap();
        assert!(sent.is_err());
        assert_eq!(join!(finish(socket), told(&mut client)).1, Some(1012));
    }

    #[tokio::test]
    async fn a_client_that_reads_again_has_all_of_its_time_again() {
        let (mut socket, mut client, _stop) = socket(LONG).await;
        let mut sending = Box::pin(socket.send(long()));
        assert!(futures::poll!(&mut sending).is_pending());
        let (sent, _) = join!(sending, read(&mut client));
        sent.unwrap();
        assert!(socket.stalled.is_none());
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_has_the_same_time_if_a_ping_is_what_it_does_not_read() {
        let (mut socket, _client, _stop) = socket(SHORT).await;
        socket.inner.start_send_unpin("x".repeat(4 * CAPACITY).into()).unwrap();
        assert!(timeout(LONG, socket.send(long())).await.unwrap().is_err());
        assert_eq!(socket.ended, Some(Ended::Stalled));
    }

    #[tokio::test]
    async fn nothing_more_is_taken_from_a_client_that_reads_no_answers() {
        let (mut socket, mut client, _stop) = socket(SHORT).await;
        let pings = async {
            for _ in 0..CAPACITY {
                client.send(Message::Ping(vec![0; 100].into())).await.unwrap();
            }
        };
        select! {
            message = socket.next() => assert!(message.is_none()),
            () = pings => panic!("it took them all, and keeps its answers"),
        }
        assert_eq!(socket.ended, Some(Ended::Stalled));
    }

    #[tokio::test]
    async fn a_client_is_not_called_silent_while_it_is_not_listened_to() {
        let (mut socket, mut client, _stop) = socket(LONG).await;
        let verifier = Verifier::new(vec![KeySource::hs256(&["secret".into()])], ClaimRules::default());
        let token = mint(&"secret".into(), "ann", LONG).unwrap();
        let session = verifier.verify(&token).await.unwrap();
        socket.lifetime.admit(session, Duration::from_millis(1));
        // Many heartbeats.
        assert!(timeout(SHORT, socket.send(long())).await.is_err(), "{:?}", socket.ended);
        let (flushed, _) = join!(socket.flush(), read(&mut client));
        flushed.unwrap();
    }
}
