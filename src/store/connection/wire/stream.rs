//! The stream of a connection, below tokio-postgres and above TLS.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::{answers, message::Message, requests, unanswered::Unanswered};

/// How much is read at once: a page of tasks and more.
const READ_SIZE: usize = 8 * 1024;

/// Joins the statements that are written together. tokio-postgres writes whole messages.
pub(in crate::store) struct Joined<S> {
    stream: S,
    /// Whether the first packet, which is no message yet, has gone out.
    has_started: bool,
    unanswered: Unanswered,
    to_server: BytesMut,
    from_server: BytesMut,
    to_client: BytesMut,
}

impl<S> Joined<S> {
    pub(in crate::store::connection::wire) fn new(stream: S) -> Self {
        let (unanswered, to_server, from_server, to_client) = Default::default();
        Self { stream, has_started: false, unanswered, to_server, from_server, to_client }
    }

    pub(in crate::store::connection::wire) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Moves the messages that are whole.
    fn complete_answers(&mut self) {
        let mut rest = &*self.from_server;
        while let Some((message, behind)) = Message::split(rest) {
            answers::complete(message, &mut self.unanswered, &mut self.to_client, &mut self.to_server);
            rest = behind;
        }
        let done = self.from_server.len() - rest.len();
        self.from_server.advance(done);
    }
}

impl<S: AsyncWrite + Unpin> Joined<S> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.to_server.has_remaining() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.to_server))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.to_server.advance(sent),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Joined<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while !this.to_client.has_remaining() {
            // A statement that was skipped.
            if let Poll::Ready(sent) = Pin::new(&mut *this).poll_flush(cx) {
                sent?;
            }
            this.from_server.reserve(READ_SIZE);
            if ready!(poll_read_buf(Pin::new(&mut this.stream), cx, &mut this.from_server))? == 0 {
                return Poll::Ready(Ok(()));
            }
            this.complete_answers();
        }
        let taken = this.to_client.split_to(this.to_client.len().min(buf.remaining()));
        buf.put_slice(&taken);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Joined<S> {
    /// Takes all or nothing, so that it always begins with a new message. Behind joined statements nothing is sent until they
    /// are answered; it is the answer that wakes the writer, because the same task reads.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(this.poll_send(cx))?;
        if this.unanswered.has_joined() {
            return Poll::Pending;
        }
        if this.has_started {
            requests::join(buf, &mut this.unanswered, &mut this.to_server);
        } else {
            this.has_started = true;
            this.to_server.extend_from_slice(buf);
        }
        // What can't be sent now is sent by the flush.
        if let Poll::Ready(sent) = this.poll_send(cx) {
            sent?;
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

    use super::*;

    fn messages(tags: &str, body: u8) -> Vec<u8> {
        tags.bytes().flat_map(|tag| [tag, 0, 0, 0, 5, body]).collect()
    }

    #[tokio::test]
    async fn a_last_statement_that_was_skipped_is_sent_before_what_is_written_next() {
        let (client, mut server) = duplex(1024);
        let mut joined = Joined::new(client);
        joined.write_all(b"start").await.unwrap();
        let (mut answers, mut requests) = split(joined);
        let ask = async {
            requests.write_all(&messages("BESBESBES", b'1')).await.unwrap();
            requests.write_all(&messages("BES", b'2')).await.unwrap();
        };
        let listen = async {
            let mut heard = Vec::new();
            loop {
                answers.read_buf(&mut heard).await.unwrap();
                let tags: String = Message::all(&heard).map(|message| char::from(message.tag())).collect();
                if tags.len() == 10 {
                    return tags;
                }
            }
        };
        let serve = async {
            let expect = async |server: &mut tokio::io::DuplexStream, expected: Vec<u8>| {
                let mut received = vec![0; expected.len()];
                server.read_exact(&mut received).await.unwrap();
                assert_eq!(received, expected);
            };
            expect(&mut server, [&b"start"[..], &messages("BEBEBES", b'1')].concat()).await;
            server.write_all(&messages("EZ", b'x')).await.unwrap();
            expect(&mut server, messages("BES", b'1')).await;
            server.write_all(&messages("2CZ", b'x')).await.unwrap();
            expect(&mut server, messages("BES", b'2')).await;
            server.write_all(&messages("2CZ", b'x')).await.unwrap();
        };
        let ((), heard, ()) = futures::join!(ask, listen, serve);
        assert_eq!(heard, "EZEZ2CZ2CZ");
    }
}
