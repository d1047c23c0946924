//! What one request may cost. A batch has one budget: what its operations cost is added up.

use std::{ops::AddAssign, time::Duration};

use clap::Args;

use crate::setting::{self, HOUR, MILLISECOND, duration, number};

/// The most that [`Limits::nesting`] may be, which is also as deep as the parser follows selections.
pub const MAX_NESTING: usize = 64;

/// No limit may be so high that it is none.
const MAX: usize = 1_000_000;

/// Larger answers are for pages to give.
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
    /// Maximum field values in an answer; those of a list count once for each item of its page
    #[arg(
        long = "graphql-max-complexity",
        env = "GRAPHQL_MAX_COMPLEXITY",
        value_name = "NUMBER",
        default_value = "20000",
        value_parser = number(1..=MAX)
    )]
    pub complexity: usize,
    /// Maximum bytes in an answer, estimated before anything is executed and checked while lists are written
    #[arg(
        long = "graphql-max-response",
        env = "GRAPHQL_MAX_RESPONSE",
        value_name = "BYTES",
        default_value = "8388608",
        value_parser = number(1..=MAX_RESPONSE)
    )]
    pub response: usize,
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
    /// Maximum time for one operation. A running query is cancelled then, a mutation is completed
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

/// What a document costs, or the documents of a batch together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) tokens: usize,
    pub(super) aliases: usize,
    pub(super) root_fields: usize,
    pub(super) directives: usize,
    pub(super) selections: usize,
    pub(super) complexity: usize,
    pub(super) response: usize,
    /// The tasks that changes to many name.
    pub(super) changes: usize,
    /// The deepest one of a batch.
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
    /// Whether this much may be done; the error names the limit.
    pub(super) fn check(&self, cost: &Cost) -> Result<(), String> {
        for (count, max, noun, name) in [
            (cost.tokens, self.tokens, "tokens", "GRAPHQL_MAX_TOKENS"),
            (cost.aliases, self.aliases, "aliases", "GRAPHQL_MAX_ALIASES"),
            (cost.root_fields, self.root_fields, "root fields", "GRAPHQL_MAX_ROOT_FIELDS"),
            (cost.directives, self.directives, "directives", "GRAPHQL_MAX_DIRECTIVES"),
            (cost.selections, self.selections, "selections", "GRAPHQL_MAX_SELECTIONS"),
            (cost.depth, self.depth, "levels of fields", "GRAPHQL_MAX_DEPTH"),
            (cost.complexity, self.complexity, "field values in its answer", "GRAPHQL_MAX_COMPLEXITY"),
            (cost.response, self.response, "bytes in its answer by estimate", "GRAPHQL_MAX_RESPONSE"),
        ] {
            if count > max {
                return Err(format!("The request has {count} {noun}, the limit ({name}) is {max}"));
            }
        }
        Ok(())
    }
}
