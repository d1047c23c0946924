//! What one request may cost. The schema itself watches depth and complexity.

use std::collections::HashMap;

use async_graphql::{
    Positioned,
    parser::types::{ExecutableDocument, Field, Selection, SelectionSet},
};

use super::shape::Shape;

/// How many brackets of a document may be open at once, so that the parser's stack suffices by far.
pub(super) const MAX_NESTING: usize = 64;

/// Limits on one GraphQL request.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How deep fields may be nested.
    pub depth: usize,
    /// How much the fields of one operation may cost together: 1 each, lists 10 more.
    pub complexity: usize,
    /// How many fields of one document may be renamed.
    pub aliases: usize,
    /// How many fields one document may select, those of a fragment counted wherever it is spread.
    pub selections: usize,
    /// How many words and signs one document may have.
    pub tokens: usize,
    /// How many operations may be sent together.
    pub batch: usize,
    /// Whether the schema can be asked for.
    pub introspection: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 15, complexity: 500, aliases: 30, selections: 1000, tokens: 1000, batch: 10, introspection: true }
    }
}

impl Limits {
    /// Whether a document may be parsed; the error names the limit.
    pub(super) fn check_text(&self, document: &str) -> Result<(), String> {
        let shape = Shape::of(document);
        if shape.nesting > MAX_NESTING {
            return Err(format!("The document nests {} brackets, the limit is {MAX_NESTING}", shape.nesting));
        }
        if shape.tokens > self.tokens {
            let tokens = shape.tokens;
            return Err(format!("The document has {tokens} tokens, the limit (GRAPHQL_MAX_TOKENS) is {}", self.tokens));
        }
        Ok(())
    }

    /// Whether a parsed document may be run; the error names the limit.
    pub(super) fn check_document(&self, document: &ExecutableDocument) -> Result<(), String> {
        let aliases = aliases(document);
        if aliases > self.aliases {
            return Err(format!(
                "The document renames {aliases} fields, the limit (GRAPHQL_MAX_ALIASES) is {}",
                self.aliases
            ));
        }
        let selections = Selections::of(document);
        if selections > self.selections {
            return Err(format!(
                "The document selects {selections} fields, the limit (GRAPHQL_MAX_SELECTIONS) is {}",
                self.selections
            ));
        }
        Ok(())
    }
}

/// How many fields of a document are renamed, those in fragments included.
fn aliases(document: &ExecutableDocument) -> usize {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set);
    operations.chain(fragments).map(aliases_in).sum()
}

fn aliases_in(set: &Positioned<SelectionSet>) -> usize {
    let in_selection = |selection: &Positioned<Selection>| match &selection.node {
        Selection::Field(Positioned { node: Field { alias, selection_set, .. }, .. }) => {
            usize::from(alias.is_some()) + aliases_in(selection_set)
        }
        Selection::InlineFragment(fragment) => aliases_in(&fragment.node.selection_set),
        Selection::FragmentSpread(_) => 0,
    };
    set.node.items.iter().map(in_selection).sum()
}

/// Counts what a document selects once its fragments are unfolded. Each fragment is counted once, for twenty that spread
/// each other ten times unfold to more than anything could walk through.
struct Selections<'a> {
    document: &'a ExecutableDocument,
    of_fragments: HashMap<&'a str, usize>,
}

impl<'a> Selections<'a> {
    fn of(document: &'a ExecutableDocument) -> usize {
        let mut counted = Self { document, of_fragments: HashMap::new() };
        let sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
        sets.fold(0, |sum: usize, set| sum.saturating_add(counted.set(set)))
    }

    fn set(&mut self, set: &'a Positioned<SelectionSet>) -> usize {
        set.node.items.iter().fold(0, |sum: usize, item| sum.saturating_add(self.selection(&item.node)))
    }

    fn selection(&mut self, selection: &'a Selection) -> usize {
        let inner = match selection {
            Selection::Field(field) => self.set(&field.node.selection_set),
            Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set),
            Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
        };
        inner.saturating_add(1)
    }

    /// Fragments that spread themselves count for nothing here: the schema refuses them.
    fn fragment(&mut self, name: &'a str) -> usize {
        if let Some(count) = self.of_fragments.get(name) {
            return *count;
        }
        self.of_fragments.insert(name, 0);
        let count = self.document.fragments.get(name).map_or(0, |fragment| self.set(&fragment.node.selection_set));
        self.of_fragments.insert(name, count);
        count
    }
}
