//! One socket as async-graphql sees it, and its time: each message passes the protocol, and what the client should have
//! done long ago ends it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Error,
    body::Bytes,
    extract::ws::{Message, WebSocket},
};
use futures::{FutureExt, Sink, SinkExt, Stream, StreamExt};
use tokio::time::{Sleep, sleep, timeout};

use super::{
    close::Close,
    init::{Admission, Admitted},
    protocol::Protocol,
};
use crate::streams::{Connection, Ended, Lifetime, StreamLimits};

/// How many pings may be unanswered.
const MAX_UNANSWERED: u8 = 2;
/// How long a client may take to answer a close frame.
const CLOSING: Duration = Duration::from_secs(2);

/// One socket.
pub(super) struct Socket {
    inner: WebSocket,
    protocol: Protocol,
    admission: Admission,
    lifetime: Lifetime,
    /// Pings since the client was last heard.
    unanswered: u8,
    heartbeat: Duration,
    max_message: usize,
    send_timeout: Duration,
    /// Set while the client doesn't read.
    stalled: Option<Pin<Box<Sleep>>>,
    ended: Option<Ended>,
    close: Option<Close>,
}

impl Socket {
    pub(super) fn new(inner: WebSocket, connection: &Connection, limits: &StreamLimits, admission: Admission) -> Self {
        Self {
            inner,
            protocol: Protocol::new(limits.operations),
            admission,
            lifetime: Lifetime::without_session(connection.stopping(), limits.init_timeout),
            unanswered: 0,
            heartbeat: limits.heartbeat,
            max_message: limits.message,
            send_timeout: connection.send_timeout(),
            stalled: None,
            ended: None,
            close: None,
        }
    }

    /// Says why the socket is closed, if the client can still be told, and waits for it to hear.
    pub(super) async fn finish(&mut self) {
        if let (Some(ended), Some(Ok(admitted))) = (self.ended, self.admission.get()) {
            admitted.place.ended(ended);
        }
        if let Some(close) = self.close.take() {
            tracing::debug!(code = close.code, "closing a socket");
            // What is still on its way to us would make the kernel drop what is on its way to the client.
            let close = async {
                self.inner.send(close.into()).await?;
                while self.inner.next().await.transpose()?.is_some() {}
                Ok::<_, Error>(())
            };
            let _ = timeout(CLOSING, close).await;
        }
    }

    /// From now on nothing is read, and nothing but this sent.
    fn end(&mut self, ended: Ended, close: Option<Close>) {
        self.ended.get_or_insert(ended);
        self.close = self.close.take().or(close);
    }

    fn refuse(&mut self, close: Close) {
        self.end(Ended::Refused, Some(close));
    }

    /// Lets time pass: pings at a heartbeat, or ends.
    fn tick(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(beat) = self.lifetime.poll_beat(context) {
            match beat {
                Err(ended) => return self.end(ended, Close::of(ended)),
                Ok(()) if self.unanswered >= MAX_UNANSWERED => return self.end(Ended::Silent, None),
                Ok(()) => self.ping(context),
            }
        }
    }

    fn ping(&mut self, context: &mut Context<'_>) {
        self.unanswered += 1;
        // If there is no room for it, the client has something else to answer.
        if self.inner.poll_ready_unpin(context).is_ready() {
            let sent = self.inner.start_send_unpin(Message::Ping(Bytes::new()));
            drop(sent.map(|()| self.inner.poll_flush_unpin(context)));
        }
    }

    /// A message for async-graphql, if it is for it.
    fn receive(&mut self, message: Message) -> Option<Message> {
        self.unanswered = 0;
        let received = match message {
            Message::Text(text) if text.len() > self.max_message => Err(Close::TOO_LARGE),
            Message::Text(text) => self.protocol.receive(&text),
            Message::Binary(_) => Err(Close::invalid("it is binary")),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(None),
        };
        received.map_err(|close| self.refuse(close)).ok().flatten().map(|text| Message::Text(text.into()))
    }

    /// A message for the client, if it is to hear it.
    fn pass(&mut self, message: Message) -> Option<Message> {
        let Message::Text(text) = message else {
            // A close frame: `connection_init` was refused.
            let refused = self.admission.get().and_then(|admission| admission.as_ref().err().cloned());
            self.refuse(refused.unwrap_or(Close::UNAUTHORIZED));
            return None;
        };
        let was_acknowledged = self.protocol.is_acknowledged();
        let passed = self.protocol.send(&text);
        if !was_acknowledged
            && self.protocol.is_acknowledged()
            && let Some(Ok(Admitted { session, .. })) = self.admission.get()
        {
            self.lifetime.admit(session.clone(), self.heartbeat);
        }
        passed.map(|text| Message::Text(text.into()))
    }

    /// Fails if the client has read nothing for too long, or time is up anyway.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<Error> {
        let send_timeout = self.send_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(send_timeout)));
        if stalled.poll_unpin(context).is_ready() {
            self.end(Ended::Stalled, None);
        } else {
            self.tick(context);
        }
        if self.ended.is_some() { Poll::Ready(Error::new("the socket has ended")) } else { Poll::Pending }
    }
}

impl Stream for Socket {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            this.tick(context);
            if this.ended.is_some() {
                return Poll::Ready(None);
            }
            match ready!(this.inner.poll_next_unpin(context)) {
                Some(Ok(message)) => {
                    if let Some(message) = this.receive(message) {
                        return Poll::Ready(Some(Ok(message)));
                    }
                }
                Some(Err(_)) | None => return Poll::Ready(None),
            }
        }
    }
}

impl Sink<Message> for Socket {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready_unpin(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        match self.pass(message) {
            Some(message) => self.inner.start_send_unpin(message),
            None => Ok(()),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Poll::Ready(flushed) = self.inner.poll_flush_unpin(context) {
            self.stalled = None;
            return Poll::Ready(flushed);
        }
        self.poll_stalled(context).map(Err)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_close_unpin(context)
    }
}
