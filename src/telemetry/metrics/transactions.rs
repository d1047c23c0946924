//! Transactions: their outcome, their duration, and how long they waited for a connection.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

use super::{family::Family, recorder};

pub(super) const DURATION: &str = "tandem_db_transaction_seconds";
pub(super) const OUTCOMES: &str = "tandem_db_transactions_total";
pub(super) const CHECKOUT: &str = "tandem_db_checkout_seconds";
pub(super) const FOREIGN_ROWS: &str = "tandem_db_foreign_rows_total";

/// The outcome of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionOutcome {
    /// Committed.
    Committed,
    /// Rolled back for a reason that allows a retry, such as a deadlock or a failover.
    RolledBack,
    /// Failed without changing anything, and isn't retried.
    Failed,
    /// No response, because the connection broke or the timeout passed: it may have been committed.
    Unknown,
}

impl TransactionOutcome {
    pub(super) const ALL: [(Self, &str); 4] = [
        (Self::Committed, "committed"),
        (Self::RolledBack, "rolled_back"),
        (Self::Failed, "failed"),
        (Self::Unknown, "unknown"),
    ];
}

pub(super) struct Transactions {
    by_statement: Family<&'static str, Histogram>,
    /// In the order of [`TransactionOutcome::ALL`].
    outcomes: [Counter; TransactionOutcome::ALL.len()],
    checkout: Histogram,
    foreign_rows: Counter,
}

impl Transactions {
    pub(super) fn register() -> Self {
        Self {
            by_statement: Family::default(),
            outcomes: TransactionOutcome::ALL.map(|(_, outcome)| counter!(OUTCOMES, "outcome" => outcome)),
            checkout: histogram!(CHECKOUT),
            foreign_rows: counter!(FOREIGN_ROWS),
        }
    }
}

/// Records the end of a transaction, by the name of its statement.
pub(crate) fn transaction_ended(statement: &'static str, outcome: TransactionOutcome, elapsed: Duration) {
    let Some(recorder) = recorder() else { return };
    let Transactions { by_statement, outcomes, .. } = &recorder.transactions;
    let register = || (statement, histogram!(DURATION, "statement" => statement));
    by_statement.with(statement, register, |histogram| histogram.record(elapsed.as_secs_f64()));
    outcomes[outcome as usize].increment(1);
}

/// Records how long a transaction waited for a connection.
pub(crate) fn checked_out(waited: Duration) {
    if let Some(recorder) = recorder() {
        recorder.transactions.checkout.record(waited.as_secs_f64());
    }
}

/// Records that the database answered a user with another user's row, which was withheld.
pub(crate) fn foreign_row() {
    if let Some(recorder) = recorder() {
        recorder.transactions.foreign_rows.increment(1);
    }
}
