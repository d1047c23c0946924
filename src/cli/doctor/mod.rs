//! `tandem doctor`: finds problems with the settings, the database and the key sets before a server starts.

mod cluster;
mod database;
mod keys;
mod settings;
mod verdict;

pub use self::verdict::Verdict;
use crate::config::Config;

/// Runs all checks; offline, only those that don't need the network.
pub async fn examine(config: &Config, is_offline: bool) -> Vec<Verdict> {
    let mut verdicts = settings::examine(config);
    if is_offline {
        verdicts.extend(["database", "keys"].map(|check| Verdict::skipped(check, "because of --offline")));
        return verdicts;
    }
    verdicts.extend(database::examine(config).await);
    verdicts.extend(keys::examine(config).await);
    verdicts
}
