//! Limits on the cost of one request. The operations of a batch share them.

use std::{ops::AddAssign, time::Duration};

use clap::Args;

use crate::setting::{self, HOUR, MILLISECOND, duration, number};

/// The upper bound of [`Limits::nesting`]. The parser recurses no deeper.
pub const MAX_NESTING: usize = 64;

/// An upper bound of the settings, so that a limit always limits something.
const MAX: usize = 1_000_000;

/// The upper bound of [`Limits::response`].
const MAX_RESPONSE: usize = 1 << 30;

/// Limits on one GraphQL request.
#[derive(Args, Clone, Debug)]
pub struct Limits {
    /// Maximum depth of nested fields in an operation
    #[arg(
        long = "graphql-max-depth",
        env = "GRAPHQL_MAX_DEPTH",
        value_name = "NUMBER",
        default_value = "15",
        value_parser = number(1..=MAX)
    )]
    pub depth: usize,
    /// Maximum field values in a response; those in a list count once for each item of its page
    #[arg(
        long = "graphql-max-complexity",
        env = "GRAPHQL_MAX_COMPLEXITY",
        value_name = "NUMBER",
        default_value = "25000",
        value_parser = number(1..=MAX)
    )]
    pub complexity: usize,
    /// Maximum bytes in a response, estimated before execution and checked while lists are written
    #[arg(
        long = "graphql-max-response",
        env = "GRAPHQL_MAX_RESPONSE",
        value_name = "BYTES",
        default_value = "8388608",
        value_parser = number(1..=MAX_RESPONSE)
    )]
    pub response: usize,
    /// Maximum bytes in an event of a subscription; a page of the feed with each field once has less than the default
    #[arg(
        long = "graphql-max-event",
        env = "GRAPHQL_MAX_EVENT",
        value_name = "BYTES",
        default_value = "1048576",
        value_parser = number(1..=MAX_RESPONSE)
    )]
    pub event: usize,
    /// Maximum aliases in a request; those of a fragment count wherever it is spread
    #[arg(
        long = "graphql-max-aliases",
        env = "GRAPHQL_MAX_ALIASES",
        value_name = "NUMBER",
        default_value = "30",
        value_parser = number(0..=MAX)
    )]
    pub aliases: usize,
    /// Maximum root fields in a request; those of a fragment count wherever it is spread
    #[arg(
        long = "graphql-max-root-fields",
        env = "GRAPHQL_MAX_ROOT_FIELDS",
        value_name = "NUMBER",
        default_value = "20",
        value_parser = number(1..=MAX)
    )]
    pub root_fields: usize,
    /// Maximum directives in a request; those of a fragment count wherever it is spread
    #[arg(
        long = "graphql-max-directives",
        env = "GRAPHQL_MAX_DIRECTIVES",
        value_name = "NUMBER",
        default_value = "50",
        value_parser = number(0..=MAX)
    )]
    pub directives: usize,
    /// Maximum fields in a request; those of a fragment count wherever it is spread
    #[arg(
        long = "graphql-max-selections",
        env = "GRAPHQL_MAX_SELECTIONS",
        value_name = "NUMBER",
        default_value = "1000",
        value_parser = number(1..=MAX)
    )]
    pub selections: usize,
    /// Maximum tokens (names, values and punctuation) in the documents of a request
    #[arg(
        long = "graphql-max-tokens",
        env = "GRAPHQL_MAX_TOKENS",
        value_name = "NUMBER",
        default_value = "1000",
        value_parser = number(1..=MAX)
    )]
    pub tokens: usize,
    /// Maximum nesting of brackets in a document
    #[arg(
        long = "graphql-max-nesting",
        env = "GRAPHQL_MAX_NESTING",
        value_name = "NUMBER",
        default_value = "64",
        value_parser = number(1..=MAX_NESTING)
    )]
    pub nesting: usize,
    /// Maximum operations in a batch; the other limits apply to all of them together
    #[arg(
        long = "graphql-max-batch",
        env = "GRAPHQL_MAX_BATCH",
        value_name = "NUMBER",
        default_value = "10",
        value_parser = number(1..=MAX)
    )]
    pub batch: usize,
    /// Maximum time for one operation; then a query is cancelled, and a mutation is completed in the background
    #[arg(
        long = "graphql-timeout",
        env = "GRAPHQL_TIMEOUT",
        value_name = "DURATION",
        default_value = "10s",
        value_parser = duration(MILLISECOND..=HOUR)
    )]
    pub timeout: Duration,
    /// Whether introspection is allowed.
    #[arg(skip = true)]
    pub introspection: bool,
}

impl Default for Limits {
    fn default() -> Self {
        setting::defaults()
    }
}

/// The cost of an operation, or of the operations of a batch together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) tokens: usize,
    pub(super) aliases: usize,
    pub(super) root_fields: usize,
    pub(super) directives: usize,
    pub(super) selections: usize,
    pub(super) complexity: usize,
    pub(super) response: usize,
    /// Inputs of bulk mutations.
    pub(super) changes: usize,
    /// The maximum in a batch, not the sum.
    pub(super) depth: usize,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        for (sum, one) in [
            (&mut self.tokens, other.tokens),
            (&mut self.aliases, other.aliases),
            (&mut self.root_fields, other.root_fields),
            (&mut self.directives, other.directives),
            (&mut self.selections, other.selections),
            (&mut self.complexity, other.complexity),
            (&mut self.response, other.response),
            (&mut self.changes, other.changes),
        ] {
            *sum = sum.saturating_add(one);
        }
        self.depth = self.depth.max(other.depth);
    }
}

impl Limits {
    /// The error names the limit that is exceeded.
    pub(super) fn check(&self, cost: &Cost) -> Result<(), String> {
        for (count, max, noun, name) in [
            (cost.tokens, self.tokens, "tokens", "GRAPHQL_MAX_TOKENS"),
            (cost.aliases, self.aliases, "aliases", "GRAPHQL_MAX_ALIASES"),
            (cost.root_fields, self.root_fields, "root fields", "GRAPHQL_MAX_ROOT_FIELDS"),
            (cost.directives, self.directives, "directives", "GRAPHQL_MAX_DIRECTIVES"),
            (cost.selections, self.selections, "selections", "GRAPHQL_MAX_SELECTIONS"),
            (cost.depth, self.depth, "levels of fields", "GRAPHQL_MAX_DEPTH"),
            (cost.complexity, self.complexity, "field values in its response", "GRAPHQL_MAX_COMPLEXITY"),
            (cost.response, self.response, "estimated bytes in its response", "GRAPHQL_MAX_RESPONSE"),
        ] {
            if count > max {
                return Err(format!("The request has {count} {noun}, the limit ({name}) is {max}"));
            }
        }
        Ok(())
    }
}
