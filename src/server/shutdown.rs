//! The signals to stop.

use tokio::signal;

/// Ends at the first signal. A second one ends the process immediately; what is committed is kept.
pub(super) async fn requested() {
    signalled().await;
    tracing::info!("asked to stop: not ready any more");
    tokio::spawn(async {
        signalled().await;
        tracing::warn!("stopped at once");
        std::process::exit(130);
    });
}

/// Ctrl-C, or what a process manager sends.
async fn signalled() {
    #[cfg(unix)]
    let terminate = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        _ = signal::ctrl_c() => {}
        () = terminate => {}
    }
}
