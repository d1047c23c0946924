//! The key sets of issuers, fetched as the server would.

use futures::future::join_all;

use super::Verdict;
use crate::{auth::KeySource, config::Config};

const CHECK: &str = "keys";

pub(in crate::cli::doctor) async fn examine(config: &Config) -> Vec<Verdict> {
    // What is wrong with the settings was said already.
    let sources = config.key_sources().unwrap_or_default();
    join_all(sources.iter().filter(|source| source.is_published()).map(fetched)).await
}

async fn fetched(source: &KeySource) -> Verdict {
    match source.fetch().await {
        Ok(0) => {
            Verdict::failure(CHECK, format!("{source} has no usable key. See docs/AUTH.md for the kinds that are"))
        }
        Ok(count) => Verdict::ok(CHECK, format!("{source} has {count} usable")),
        Err(reason) => {
            let advice = "Is the URL right, and can it be reached from here?";
            Verdict::failure(CHECK, format!("{source} can't be fetched: {reason}. {advice}"))
        }
    }
}
