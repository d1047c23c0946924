//! Asks the server on this machine how it is: a health check for images that have no curl.

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

/// Less than the patience of container engines.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Whether it is ready, or just alive. What it answers is printed.
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

/// Where a server that listens on this address is found from here.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
