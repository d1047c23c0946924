//! What a parsed document costs, counted before anything walks through all that it unfolds to.

use std::collections::HashMap;

use async_graphql::{
    Positioned,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

use crate::graphql::limits::Cost;

/// What can be counted without the schema; depth and complexity are for the validation to say.
pub(in crate::graphql) fn measure(document: &ExecutableDocument, tokens: usize) -> Cost {
    let mut written = Written::default();
    for (_, operation) in document.operations.iter() {
        written.directives += operation.node.directives.len();
        written.directives +=
            operation.node.variable_definitions.iter().map(|variable| variable.node.directives.len()).sum::<usize>();
        written.set(&operation.node.selection_set);
    }
    for fragment in document.fragments.values() {
        written.directives += fragment.node.directives.len();
        written.set(&fragment.node.selection_set);
    }
    Cost {
        tokens,
        aliases: written.aliases,
        directives: written.directives,
        root_fields: Unfolded::of(document, Level::Root),
        selections: Unfolded::of(document, Level::All),
        ..Cost::default()
    }
}

/// Whether a document asks for the schema.
pub(in crate::graphql) fn asks_for_schema(document: &ExecutableDocument) -> bool {
    let operations = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set);
    operations.chain(fragments).any(selects_schema)
}

fn selects_schema(set: &Positioned<SelectionSet>) -> bool {
    set.node.items.iter().any(|item| match &item.node {
        Selection::Field(field) => {
            matches!(field.node.name.node.as_str(), "__schema" | "__type") || selects_schema(&field.node.selection_set)
        }
        Selection::InlineFragment(fragment) => selects_schema(&fragment.node.selection_set),
        Selection::FragmentSpread(_) => false,
    })
}

/// What is counted as it is written, once.
#[derive(Default)]
struct Written {
    aliases: usize,
    directives: usize,
}

impl Written {
    fn set(&mut self, set: &Positioned<SelectionSet>) {
        for item in &set.node.items {
            match &item.node {
                Selection::Field(field) => {
                    self.aliases += usize::from(field.node.alias.is_some());
                    self.directives += field.node.directives.len();
                    self.set(&field.node.selection_set);
                }
                Selection::InlineFragment(fragment) => {
                    self.directives += fragment.node.directives.len();
                    self.set(&fragment.node.selection_set);
                }
                Selection::FragmentSpread(spread) => self.directives += spread.node.directives.len(),
            }
        }
    }
}

/// Which selections are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Fields at the root of an operation.
    Root,
    /// Everything, fragments too.
    All,
}

/// Counts what a document selects once its fragments are unfolded. Each fragment is counted once, for twenty that spread
/// each other ten times unfold to more than anything could walk through.
struct Unfolded<'a> {
    document: &'a ExecutableDocument,
    level: Level,
    of_fragments: HashMap<&'a str, usize>,
}

impl<'a> Unfolded<'a> {
    fn of(document: &'a ExecutableDocument, level: Level) -> usize {
        let mut unfolded = Self { document, level, of_fragments: HashMap::new() };
        let sets = document.operations.iter().map(|(_, operation)| &operation.node.selection_set);
        sets.fold(0, |sum: usize, set| sum.saturating_add(unfolded.set(set)))
    }

    fn set(&mut self, set: &'a Positioned<SelectionSet>) -> usize {
        set.node.items.iter().fold(0, |sum: usize, item| sum.saturating_add(self.selection(&item.node)))
    }

    fn selection(&mut self, selection: &'a Selection) -> usize {
        let (itself, inner) = match selection {
            Selection::Field(_) if self.level == Level::Root => (1, 0),
            Selection::Field(field) => (1, self.set(&field.node.selection_set)),
            Selection::InlineFragment(fragment) => (0, self.set(&fragment.node.selection_set)),
            Selection::FragmentSpread(spread) => (0, self.fragment(&spread.node.fragment_name.node)),
        };
        // A fragment is work too, even an empty one.
        inner.saturating_add(if self.level == Level::All { 1 } else { itself })
    }

    /// Fragments that spread themselves count for nothing here: the validation refuses them.
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
