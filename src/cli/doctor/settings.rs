//! Finds settings that are valid but probably not intended. Invalid ones are reported before any command runs.

use super::Verdict;
use crate::config::Config;

/// File descriptors that a server needs besides its connections, for listeners, files and key sets, with a reserve.
const OTHER_FILES: u64 = 128;

pub(super) fn examine(config: &Config) -> Vec<Verdict> {
    let mut verdicts = vec![mode(config), signers(config), rest(config), trash(config)];
    verdicts.extend(config.tokens.warnings().into_iter().map(|warning| Verdict::warning("tokens", warning)));
    if let Err(error) = config.graphql.documents() {
        verdicts.push(Verdict::failure("documents", error));
    }
    if !config.is_development() {
        verdicts.extend([address(config), proxies(config), metrics(config)]);
    }
    verdicts.extend(open_files(config));
    verdicts
}

fn mode(config: &Config) -> Verdict {
    if cfg!(not(feature = "embedded")) && config.database.database_url.is_none() {
        return Verdict::failure("settings", "this build has no embedded database. Set DATABASE_URL");
    }
    if config.is_development() {
        let detail = "development mode: embedded database, generated secret, no rate limits. For production, set DATABASE_URL, \
                      and BETTER_AUTH_URL or another setting for who signs tokens";
        return Verdict::warning("settings", detail);
    }
    Verdict::ok("settings", "all are valid")
}

fn signers(config: &Config) -> Verdict {
    match config.key_sources() {
        Ok(_) if config.is_development() => Verdict::ok("tokens", "signed with the development secret"),
        Ok(sources) => {
            let names: Vec<_> = sources.iter().map(ToString::to_string).collect();
            Verdict::ok("tokens", format!("signed with keys of {}", names.join(", ")))
        }
        Err(error) => Verdict::failure("tokens", error),
    }
}

fn rest(config: &Config) -> Verdict {
    let changed = config.rest.changed();
    let detail =
        if changed.is_empty() { "no setting for older frontends is on".to_owned() } else { changed.join(", ") };
    Verdict::ok("rest", detail)
}

fn trash(config: &Config) -> Verdict {
    let detail = match config.database.trash_days {
        0 => "nothing of deleted tasks is kept".to_owned(),
        days => format!("deleted tasks can be restored for {days} days"),
    };
    Verdict::ok("trash", detail)
}

fn address(config: &Config) -> Verdict {
    let address = config.server.address();
    if address.ip().is_loopback() {
        let detail =
            format!("{address} is reachable only from this machine. To accept other clients, set HOST=0.0.0.0");
        return Verdict::warning("address", detail);
    }
    Verdict::ok("address", address.to_string())
}

fn proxies(config: &Config) -> Verdict {
    if config.rate_limits.trusted_proxies.is_some() {
        return Verdict::ok("proxies", "those in TRUSTED_PROXIES say whom they speak for");
    }
    let detail = "TRUSTED_PROXIES is not set, so X-Forwarded-For is ignored, and all clients of a proxy share the limits of \
                  one address. If there is a proxy in front, set it to the proxy's addresses";
    Verdict::warning("proxies", detail)
}

fn metrics(config: &Config) -> Verdict {
    match config.logs.metrics_listen {
        Some(address) => Verdict::ok("metrics", format!("on {address}, for anyone who can reach it")),
        None => Verdict::warning("metrics", "disabled. Set METRICS_LISTEN, like 0.0.0.0:9090"),
    }
}

/// Skipped on systems without `/proc`.
fn open_files(config: &Config) -> Option<Verdict> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next())?;
    let limit = soft.parse().unwrap_or(u64::MAX);
    let connections = config.server.connections.connections as u64;
    let needed = connections + u64::from(config.database.database_pool_size) + OTHER_FILES;
    if limit < needed {
        let detail = format!(
            "the limit is {limit}, but MAX_CONNECTIONS={connections} needs {needed}. Raise it (ulimit -n, LimitNOFILE), \
             or lower MAX_CONNECTIONS"
        );
        return Some(Verdict::warning("open files", detail));
    }
    Some(Verdict::ok("open files", format!("the limit is {limit}, at most {needed} are needed")))
}
