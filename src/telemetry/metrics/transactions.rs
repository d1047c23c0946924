//! Transactions: how long they waited for a connection and took in the database, and what became of them.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

use super::{family::Family, recorder};

pub(super) const DURATION: &str = "tandem_db_transaction_seconds";
pub(super) const OUTCOMES: &str = "tandem_db_transactions_total";
pub(super) const CHECKOUT: &str = "tandem_db_checkout_seconds";

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was committed.
    Committed,
    /// It was rolled back, and the request may be tried once more: a deadlock, or a primary that became a standby.
    RolledBack,
    /// It failed for good, and changed nothing.
    Failed,
    /// The connection broke, or there was no answer in time: it may have been committed.
    Unknown,
}

impl Outcome {
    pub(super) const ALL: [(Self, &str); 4] = [
        (Self::Committed, "committed"),
        (Self::RolledBack, "rolled_back"),
        (Self::Failed, "failed"),
        (Self::Unknown, "unknown"),
    ];
}

pub(super) struct Transactions {
    by_statement: Family<&'static str, Histogram>,
    /// In the order of [`Outcome`].
    outcomes: [Counter; Outcome::ALL.len()],
    checkout: Histogram,
}

impl Transactions {
    pub(super) fn register() -> Self {
        Self {
            by_statement: Family::default(),
            outcomes: Outcome::ALL.map(|(_, outcome)| counter!(OUTCOMES, "outcome" => outcome)),
            checkout: histogram!(CHECKOUT),
        }
    }
}

/// Records a transaction that ended, by the name of its statement.
pub(crate) fn transaction_ended(statement: &'static str, outcome: Outcome, elapsed: Duration) {
    let Some(recorder) = recorder() else { return };
    let Transactions { by_statement, outcomes, .. } = &recorder.transactions;
    let register = || (statement, histogram!(DURATION, "statement" => statement));
    by_statement.with(statement, register, |histogram| histogram.record(elapsed.as_secs_f64()));
    outcomes[outcome as usize].increment(1);
}

/// Records how long a transaction waited for its connection.
pub(crate) fn checked_out(waited: Duration) {
    if let Some(recorder) = recorder() {
        recorder.transactions.checkout.record(waited.as_secs_f64());
    }
}
