//! The part of a document's cost that doesn't depend on variables, counted before fragments are inlined.

use std::collections::HashMap;

use apollo_compiler::{
    ExecutableDocument, Name,
    executable::{Selection, SelectionSet},
};

use crate::graphql::limits::Cost;

/// The cost of all operations together. A fragment counts wherever it is spread.
pub(in crate::graphql) fn document_cost(document: &ExecutableDocument, tokens: usize) -> Cost {
    let mut counter = Counter { document, fragments: HashMap::new() };
    let mut cost = Cost { tokens, ..Cost::default() };
    for operation in document.operations.iter() {
        cost += counter.set(&operation.selection_set);
        cost.directives += operation.directives.len();
        cost.directives += operation.variables.iter().map(|variable| variable.directives.len()).sum::<usize>();
    }
    cost
}

/// Whether an operation selects the schema. `__typename` is always allowed.
pub(in crate::graphql) fn is_introspection(document: &ExecutableDocument) -> bool {
    let mut fields = document.operations.iter().flat_map(|operation| operation.root_fields(document));
    fields.any(|field| matches!(field.name.as_str(), "__schema" | "__type"))
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    /// Counted once each: twenty fragments that each spread the next one ten times would take forever to walk.
    fragments: HashMap<&'a Name, Cost>,
}

impl<'a> Counter<'a> {
    /// `root_fields` counts the fields of this set only.
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
            // An empty fragment is work, too.
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
