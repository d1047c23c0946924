//! Accepts connections up to a limit, and keeps room for health checks beyond it.

use std::{pin::pin, sync::Arc};

use axum::serve::Listener;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use super::{
    addresses::Addresses,
    connection::{Connections, Held, Serving},
};
use crate::{
    config::ConnectionLimits,
    http::{health::Readiness, rate_limiting::TrustedProxies},
    router::App,
    telemetry,
};

/// How many connections above the limit are accepted, for health checks or a 503. Those above that are
/// closed without a response.
const RESERVE: usize = 64;

/// Serves connections until `stop` ends, then until their requests are finished.
pub async fn serve(
    mut listener: TcpListener,
    app: impl App,
    limits: ConnectionLimits,
    proxies: TrustedProxies,
    readiness: Readiness,
    stop: impl Future<Output = ()>,
) {
    let (stopping, stopped) = watch::channel(());
    let addresses = Addresses::new(limits.per_address(), proxies);
    let rooms = [
        Room::new(
            Connections::new(app.clone(), limits.clone(), readiness.clone(), Serving::Everything),
            limits.connections,
        ),
        Room::new(Connections::new(app, limits.of_reserve(), readiness, Serving::HealthOnly), RESERVE),
    ];
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stop => break,
        };
        let admitted = addresses.admit(peer.ip()).and_then(|counted| {
            let (room, permit) = rooms.iter().find_map(|room| Some((room, room.permit()?)))?;
            Some((counted, room, permit))
        });
        let Some((counted, room, permit)) = admitted else {
            telemetry::connection_refused();
            continue;
        };
        send_at_once(&stream);
        let (connections, stopped) = (Arc::clone(&room.connections), stopped.clone());
        let held = Arc::new(Held { _permit: permit, _of_address: counted, _counted: telemetry::connection_opened() });
        tokio::spawn(connections.serve(stream, peer, held, stopped));
    }
    drop((listener, stopped));
    stopping.send_replace(());
    stopping.closed().await;
}

/// A number of connections that are served alike.
struct Room<A> {
    connections: Arc<Connections<A>>,
    permits: Arc<Semaphore>,
}

impl<A: App> Room<A> {
    fn new(connections: Connections<A>, permits: usize) -> Self {
        Self { connections: Arc::new(connections), permits: Arc::new(Semaphore::new(permits)) }
    }

    fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }
}

fn send_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "can't turn Nagle's algorithm off");
    }
}
