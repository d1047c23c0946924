//! Looks for what keeps a server from serving, before it serves: in the settings, the database and the key sets.

mod database;
mod keys;
mod settings;
mod verdict;

pub use self::verdict::Verdict;
use crate::config::Config;

/// A verdict for each check. Offline, only what needs no network is checked.
pub async fn examine(config: &Config, is_offline: bool) -> Vec<Verdict> {
    let mut verdicts = settings::examine(config);
    if is_offline {
        verdicts.extend(["database", "keys"].map(|check| Verdict::skipped(check, "not asked, because of --offline")));
        return verdicts;
    }
    verdicts.extend(database::examine(config).await);
    verdicts.extend(keys::examine(config).await);
    verdicts
}
