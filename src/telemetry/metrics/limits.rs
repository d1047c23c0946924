//! Limits that clients hit.

use metrics::{Counter, counter};

use super::recorder;

pub(super) const LIMITS_HIT: &str = "tandem_limits_hit_total";

/// A limit that clients can hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// `RATE_LIMIT_PER_USER`.
    User,
    /// `RATE_LIMIT_PER_ADDRESS`.
    Address,
    /// `RATE_LIMIT_REFUSED_TOKENS`.
    RefusedTokens,
    /// `MAX_CONNECTIONS`.
    Connections,
    /// The size of a body.
    Body,
    /// The cost limits of GraphQL.
    Cost,
    /// `CHECKOUT_TIMEOUT`.
    Checkout,
    /// `MAX_TASKS_PER_USER`.
    Tasks,
}

impl Limit {
    const ALL: [(Self, &str); 8] = [
        (Self::User, "user"),
        (Self::Address, "address"),
        (Self::RefusedTokens, "refused_tokens"),
        (Self::Connections, "connections"),
        (Self::Body, "body"),
        (Self::Cost, "cost"),
        (Self::Checkout, "checkout"),
        (Self::Tasks, "tasks"),
    ];
}

/// In the order of [`Limit::ALL`].
pub(super) struct Limits([Counter; Limit::ALL.len()]);

impl Limits {
    pub(super) fn register() -> Self {
        Self(Limit::ALL.map(|(_, limit)| counter!(LIMITS_HIT, "limit" => limit)))
    }
}

/// Counts a request or connection that hit a limit.
pub(crate) fn limit_hit(limit: Limit) {
    if let Some(recorder) = recorder() {
        recorder.limits.0[limit as usize].increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::TransactionOutcome, *};

    #[test]
    fn each_value_indexes_its_own_counter() {
        assert!(Limit::ALL.iter().enumerate().all(|(index, (limit, _))| *limit as usize == index));
        assert!(TransactionOutcome::ALL.iter().enumerate().all(|(index, (outcome, _))| *outcome as usize == index));
    }
}
