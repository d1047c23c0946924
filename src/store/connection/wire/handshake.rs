//! The start of a connection. tokio-postgres hands the socket over only where it expects TLS, so it is told to expect that
//! always and at once; whether it is TLS is settled here, in the same words.

use std::{convert::Infallible, io};

use futures::{FutureExt, future::BoxFuture};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres::{
    Config, Socket,
    config::{SslMode, SslNegotiation},
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::either::Either;

use super::coalescer::SyncCoalescer;

/// "Do you speak TLS?": the length of the packet, and a number that no version of the protocol has.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const YES: u8 = b'S';

type Tls = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Makes the streams of connections to servers with host names.
#[derive(Clone)]
pub(in crate::store::connection) struct Wire {
    tls: Option<MakeRustlsConnect>,
    mode: SslMode,
    negotiation: SslNegotiation,
}

impl Wire {
    /// Does what the configuration says about TLS in tokio-postgres' place.
    pub(in crate::store::connection) fn intercept_tls(config: &mut Config, tls: Option<MakeRustlsConnect>) -> Self {
        let wire = Self { tls, mode: config.get_ssl_mode(), negotiation: config.get_ssl_negotiation() };
        config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        wire
    }
}

impl MakeTlsConnect<Socket> for Wire {
    type Stream = SyncCoalescer<Either<Socket, Tls>>;
    type TlsConnect = Handshake;
    type Error = Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, Infallible> {
        let tls = self.tls.as_mut().map(|tls| MakeTlsConnect::<Socket>::make_tls_connect(tls, host)).transpose()?;
        Ok(Handshake { tls, mode: self.mode, negotiation: self.negotiation })
    }
}

/// That of one connection.
pub(in crate::store::connection) struct Handshake {
    tls: Option<<MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect>,
    mode: SslMode,
    negotiation: SslNegotiation,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = SyncCoalescer<Either<Socket, Tls>>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Stream>>;

    fn connect(self, mut socket: Socket) -> Self::Future {
        async move {
            let Some(tls) = self.tls else { return Ok(SyncCoalescer::new(Either::Left(socket))) };
            let is_tls = self.negotiation == SslNegotiation::Direct || offers_tls(&mut socket).await?;
            match (is_tls, self.mode) {
                (true, _) => Ok(SyncCoalescer::new(Either::Right(tls.connect(socket).await?))),
                (false, SslMode::Require) => Err(io::Error::other("the server does not support TLS")),
                (false, _) => Ok(SyncCoalescer::new(Either::Left(socket))),
            }
        }
        .boxed()
    }
}

async fn offers_tls(socket: &mut Socket) -> io::Result<bool> {
    socket.write_all(&SSL_REQUEST).await?;
    Ok(socket.read_u8().await? == YES)
}

impl TlsStream for SyncCoalescer<Either<Socket, Tls>> {
    fn channel_binding(&self) -> ChannelBinding {
        match self.get_ref() {
            Either::Left(_) => ChannelBinding::none(),
            Either::Right(tls) => tls.channel_binding(),
        }
    }
}
