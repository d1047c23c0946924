//! What one request may cost. A batch has one budget: what its operations cost is added up.

use std::{ops::AddAssign, time::Duration};

/// The most that [`Limits::nesting`] may be, which is also as deep as the parser follows selections.
pub const MAX_NESTING: usize = 64;

/// Limits on one GraphQL request.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How deep fields may be nested.
    pub depth: usize,
    /// How much the fields may cost together: 1 each, lists 10 more.
    pub complexity: usize,
    /// How many fields may be renamed.
    pub aliases: usize,
    /// How many fields may be selected at the root, those of a fragment counted wherever it is spread.
    pub root_fields: usize,
    /// How many directives may be used.
    pub directives: usize,
    /// How many fields may be selected, those of a fragment counted wherever it is spread.
    pub selections: usize,
    /// How many words and signs the documents may have.
    pub tokens: usize,
    /// How many brackets of one document may be open at once, at most [`MAX_NESTING`].
    pub nesting: usize,
    /// How many operations may be sent together.
    pub batch: usize,
    /// How long one operation may take.
    pub timeout: Duration,
    /// Whether the schema can be asked for, and errors suggest names from it.
    pub introspection: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 15,
            complexity: 500,
            aliases: 30,
            root_fields: 20,
            directives: 50,
            selections: 1000,
            tokens: 1000,
            nesting: MAX_NESTING,
            batch: 10,
            timeout: Duration::from_secs(10),
            introspection: true,
        }
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
            (cost.complexity, self.complexity, "points of complexity", "GRAPHQL_MAX_COMPLEXITY"),
            (cost.depth, self.depth, "levels of fields", "GRAPHQL_MAX_DEPTH"),
        ] {
            if count > max {
                return Err(format!("The request has {count} {noun}, the limit ({name}) is {max}"));
            }
        }
        Ok(())
    }
}
