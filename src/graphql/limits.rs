//! What one request may cost. The schema itself watches depth and complexity.

use async_graphql::{
    Positioned,
    parser::types::{ExecutableDocument, Field, Selection, SelectionSet},
};

/// Limits on one GraphQL request.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How deep fields may be nested.
    pub depth: usize,
    /// How much the fields of one operation may cost together: 1 each, lists 10 more.
    pub complexity: usize,
    /// How many fields of one document may be renamed.
    pub aliases: usize,
    /// How many operations may be sent together.
    pub batch: usize,
    /// Whether the schema can be asked for.
    pub introspection: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 15, complexity: 500, aliases: 30, batch: 10, introspection: true }
    }
}

/// How many fields of a document are renamed, those in fragments included.
pub(super) fn aliases(document: &ExecutableDocument) -> usize {
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
