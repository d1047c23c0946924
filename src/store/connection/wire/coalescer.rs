//! The stream of a connection, below tokio-postgres and above TLS.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::{answers, message::Message, requests::Requests, unanswered::Unanswered};

/// How much is read at once: a page of tasks and more.
const READ_SIZE: usize = 8 * 1024;

/// Leaves out the `Sync`s within a transaction, and answers them.
#[derive(Debug)]
pub struct SyncCoalescer<S> {
    stream: S,
    /// Whether the first packet, which is no message yet, has gone out.
    has_started: bool,
    requests: Requests,
    unanswered: Unanswered,
    /// Who waits to write until a transaction is answered.
    writer: Option<Waker>,
    to_server: BytesMut,
    from_server: BytesMut,
    to_client: BytesMut,
}

impl<S> SyncCoalescer<S> {
    /// Above a stream on which nothing was sent yet.
    pub fn new(stream: S) -> Self {
        let (to_server, from_server, to_client) = Default::default();
        let (requests, unanswered) = Default::default();
        Self { stream, has_started: false, requests, unanswered, writer: None, to_server, from_server, to_client }
    }

    pub(super) fn get_ref(&self) -> &S {
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
        if !self.unanswered.may_repeat_commit()
            && let Some(writer) = self.writer.take()
        {
            writer.wake();
        }
    }
}

impl<S: AsyncWrite + Unpin> SyncCoalescer<S> {
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

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for SyncCoalescer<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while !this.to_client.has_remaining() {
            // A COMMIT that was skipped.
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

impl<S: AsyncWrite + Unpin> AsyncWrite for SyncCoalescer<S> {
    /// Takes all or nothing, so that it always begins with a new message, and nothing before a transaction is answered.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(this.poll_send(cx))?;
        if this.unanswered.may_repeat_commit() {
            this.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if this.has_started {
            this.requests.coalesce(buf, &mut this.unanswered, &mut this.to_server)?;
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
    use futures::join;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split},
        task::yield_now,
    };
    use tokio_postgres::{Config, NoTls};

    use super::{
        super::message::example::{executed, message, tags, unnamed},
        *,
    };

    /// What tells a server that the client may go on.
    fn ready() -> Vec<u8> {
        message('Z', "I")
    }

    async fn expect(server: &mut DuplexStream, expected: &[u8]) {
        let mut received = vec![0; expected.len()];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(received, expected);
    }

    #[tokio::test]
    async fn a_commit_that_was_skipped_is_sent_before_what_is_written_next() {
        let (client, mut server) = duplex(1024);
        let mut coalescer = SyncCoalescer::new(client);
        coalescer.write_all(b"start").await.unwrap();
        let (mut answers, mut requests) = split(coalescer);
        let (begin, work, commit) = (unnamed("BEGIN"), unnamed("SELECT 1"), unnamed("COMMIT"));
        let next = executed("next");
        let ask = async {
            requests.write_all(&[begin.clone(), work.clone(), commit.clone()].concat()).await.unwrap();
            requests.write_all(&next).await.unwrap();
        };
        let listen = async {
            let mut heard = Vec::new();
            while tags(&heard).len() < 10 {
                answers.read_buf(&mut heard).await.unwrap();
            }
            tags(&heard)
        };
        let without_sync = |statement: &[u8]| statement[..statement.len() - message('S', "").len()].to_vec();
        let serve = async {
            let transaction = [without_sync(&begin), without_sync(&work), commit.clone()].concat();
            expect(&mut server, &[&b"start"[..], &transaction].concat()).await;
            server.write_all(&[message('E', ""), ready()].concat()).await.unwrap();
            expect(&mut server, &commit).await;
            server.write_all(&[message('2', ""), message('C', ""), ready()].concat()).await.unwrap();
            expect(&mut server, &next).await;
            server.write_all(&[message('2', ""), message('C', ""), ready()].concat()).await.unwrap();
        };
        let ((), heard, ()) = join!(ask, listen, serve);
        assert_eq!(heard, "EZEZ2CZ2CZ");
    }

    #[tokio::test]
    async fn a_writer_that_waits_for_an_answer_is_woken_by_it() {
        let (client, mut server) = duplex(1024);
        let mut coalescer = SyncCoalescer::new(client);
        coalescer.write_all(b"start").await.unwrap();
        let (mut answers, mut requests) = split(coalescer);
        requests.write_all(&[unnamed("BEGIN"), unnamed("COMMIT")].concat()).await.unwrap();
        // In a task of its own, which nothing else wakes.
        let writer = tokio::spawn(async move { requests.write_all(&executed("next")).await });
        yield_now().await;
        let answer = "2C2CZ".chars().flat_map(|tag| message(tag, "")).collect::<Vec<_>>();
        server.write_all(&answer).await.unwrap();
        let mut heard = Vec::new();
        while tags(&heard).len() < "2CZ2CZ".len() {
            answers.read_buf(&mut heard).await.unwrap();
        }
        writer.await.unwrap().unwrap();
    }

    /// What this stream takes for granted of tokio-postgres. If a new version of it fails here, see `wire/mod.rs`.
    #[tokio::test]
    async fn tokio_postgres_writes_a_transaction_at_once_in_whole_messages_each_statement_with_a_sync() {
        let (client, mut server) = duplex(64 * 1024);
        let serve = async {
            let mut received = Vec::new();
            server.read_buf(&mut received).await.unwrap();
            let authenticated = message('R', "\0\0\0\0");
            server.write_all(&[authenticated, ready()].concat()).await.unwrap();
            received.clear();
            while !tags(&received).ends_with('S') {
                server.read_buf(&mut received).await.unwrap();
            }
            let answered = "12nC".repeat(3);
            let answers = answered.chars().flat_map(|tag| match tag {
                'C' => message(tag, "SELECT 0\0"),
                tag => message(tag, ""),
            });
            server.write_all(&answers.chain(ready()).collect::<Vec<_>>()).await.unwrap();
            tags(&received)
        };
        let ask = async {
            let stream = SyncCoalescer::new(client);
            let (client, connection) = Config::new().user("ann").connect_raw(stream, NoTls).await.unwrap();
            let transaction = async {
                let (begun, done, committed) = join!(
                    client.execute_typed("BEGIN READ ONLY", &[]),
                    client.execute_typed("SELECT 1", &[]),
                    client.execute_typed("COMMIT", &[]),
                );
                [begun.unwrap(), done.unwrap(), committed.unwrap()]
            };
            tokio::select! {
                rows = transaction => rows,
                ended = connection => panic!("{ended:?}"),
            }
        };
        let (received, rows) = join!(serve, ask);
        assert_eq!((received.as_str(), rows), ("PBDEPBDEPBDES", [0; 3]));
    }
}
