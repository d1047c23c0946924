//! What operators see of the feed.

use chrono::Utc;
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::task::Changes;

const POLLS: &str = "tandem_feed_polls_total";
const RESETS: &str = "tandem_feed_resets_total";
const LAG: &str = "tandem_feed_lag_seconds";

/// Describes them to the collector.
pub(crate) fn describe() {
    describe_counter!(POLLS, Unit::Count, "Polls for changes made on other servers, by result: ok or error");
    describe_counter!(RESETS, Unit::Count, "Pages that told a client to start over");
    describe_histogram!(LAG, Unit::Seconds, "Time from when a change was made to when a waiting stream read it");
}

pub(super) fn polled(is_ok: bool) {
    counter!(POLLS, "result" => if is_ok { "ok" } else { "error" }).increment(1);
}

/// A page was read, by a stream that had waited for it or not.
pub(super) fn read(page: &Changes, has_waited: bool) {
    if page.reset {
        counter!(RESETS).increment(1);
    }
    if let Some(change) = page.items.first().filter(|_| has_waited) {
        let lag = Utc::now().signed_duration_since(change.time());
        histogram!(LAG).record(lag.to_std().unwrap_or_default().as_secs_f64());
    }
}
