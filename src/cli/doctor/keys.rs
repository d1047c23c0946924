//! Fetches issuers' key sets as the server would.

use futures::future::join_all;

use super::Verdict;
use crate::{auth::KeySource, config::Config};

const CHECK: &str = "keys";

pub(super) async fn examine(config: &Config) -> Vec<Verdict> {
    // The checks of the settings report an error.
    let sources = config.key_sources().unwrap_or_default();
    join_all(sources.iter().filter(|source| source.is_published()).map(fetched)).await
}

async fn fetched(source: &KeySource) -> Verdict {
    match source.fetch().await {
        Ok(0) => {
            Verdict::failure(CHECK, format!("{source} has no usable key. See docs/AUTH.md for the supported kinds"))
        }
        Ok(count) => Verdict::ok(CHECK, format!("{source}: {count} usable")),
        Err(reason) => {
            let advice = "Check the URL, and whether it can be reached from here";
            Verdict::failure(CHECK, format!("{source} can't be fetched: {reason}. {advice}"))
        }
    }
}
