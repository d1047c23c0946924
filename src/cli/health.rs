//! `tandem health`: a health check for images without curl.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use crate::{
    config::Config,
    error::{Chain, Error, Result},
    http::guard::PROBES,
};

/// Less than the timeout of container engines.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Checks whether the server is ready, or only whether it is alive, and prints its response.
pub(super) async fn health(config: &Config, live: bool) -> Result<ExitCode> {
    let [alive, is_ready, _] = PROBES;
    let address = config.logs.metrics_listen.unwrap_or_else(|| config.server.address());
    let url = format!("http://{}{}", reachable(address), if live { alive } else { is_ready });
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().map_err(Error::internal)?;
    let unreachable = |error: reqwest::Error| Error::unavailable(format!("{url}: {}", Chain(&error.without_url())));
    let response = client.get(&url).send().await.map_err(unreachable)?;
    let is_good = response.status().is_success();
    super::print(&format!("{}\n", response.text().await.map_err(unreachable)?))?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The address at which this machine reaches a server that listens on `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
