//! What a document costs before its variables are known, counted before anything unfolds it.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, Name,
    executable::{Selection, SelectionSet},
};

use crate::graphql::limits::Cost;

/// What all operations of a document cost together, each fragment counted wherever it is spread.
pub(in crate::graphql) fn cost_of(document: &ExecutableDocument, tokens: usize) -> Cost {
    let mut counter = Counter { document, fragments: HashMap::new() };
    let mut cost = Cost { tokens, ..Cost::default() };
    for operation in document.operations.iter() {
        cost += counter.set(&operation.selection_set);
        cost.directives += operation.directives.len();
        cost.directives += operation.variables.iter().map(|variable| variable.directives.len()).sum::<usize>();
    }
    cost
}

/// Whether a document asks for the schema.
pub(in crate::graphql) fn asks_for_schema(document: &ExecutableDocument) -> bool {
    let mut fields = document.operations.iter().flat_map(|operation| operation.root_fields(document));
    fields.any(|field| matches!(field.name.as_str(), "__schema" | "__type"))
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    /// Each is counted once: twenty that spread each other ten times unfold to more than anything could walk through.
    fragments: HashMap<&'a Name, Cost>,
}

impl<'a> Counter<'a> {
    /// `root_fields` are the fields of this set itself.
    fn set(&mut self, set: &'a SelectionSet) -> Cost {
        let mut cost = Cost::default();
        for selection in &set.selections {
            cost += match selection {
                Selection::Field(field) => {
                    let inner = self.set(&field.selection_set);
                    Cost {
                        root_fields: 1,
                        aliases: inner.aliases.saturating_add(usize::from(field.alias.is_some())),
                        depth: inner.depth + 1,
                        ..inner
                    }
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            };
            // A fragment is work too, even an empty one.
            cost += Cost { selections: 1, directives: selection.directives().len(), ..Cost::default() };
        }
        cost
    }

    fn fragment(&mut self, name: &'a Name) -> Cost {
        if let Some(cost) = self.fragments.get(name) {
            return *cost;
        }
        let cost =
            self.document.fragments.get(name).map_or(Cost::default(), |fragment| self.set(&fragment.selection_set));
        self.fragments.insert(name, cost);
        cost
    }
}
