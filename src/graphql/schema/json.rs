//! Values that are shown at once. async-graphql makes a future, and a box for it, of every field of every object; a list
//! of tasks is hundreds of them, and none has anything to wait for.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value,
    indexmap::{IndexMap, map::Entry},
    parser::types::{Field, FragmentDefinition, Selection, SelectionSet},
    registry::Registry,
};

/// The fragments of a document.
pub(in crate::graphql) type Fragments = std::collections::HashMap<Name, Positioned<FragmentDefinition>>;

/// What has all it takes to be shown.
pub(in crate::graphql) trait Plain: OutputType {
    /// What is selected of it.
    fn show(&self, set: &SelectionSet, fragments: &Fragments) -> Value;
}

impl<T: Plain> Plain for Vec<T> {
    fn show(&self, set: &SelectionSet, fragments: &Fragments) -> Value {
        Value::List(self.iter().map(|item| item.show(set, fragments)).collect())
    }
}

impl<T: Plain> Plain for &T {
    fn show(&self, set: &SelectionSet, fragments: &Fragments) -> Value {
        T::show(self, set, fragments)
    }
}

/// An object of this type with these fields. Every fragment in a valid document applies to it: its condition is the type
/// itself, or one that the type is a kind of.
pub(in crate::graphql) fn object(
    name: &str,
    set: &SelectionSet,
    fragments: &Fragments,
    show: &impl Fn(&Field) -> Value,
) -> Value {
    let mut fields = IndexMap::with_capacity(set.items.len());
    fill(&mut fields, name, set, fragments, show);
    Value::Object(fields)
}

fn fill(
    fields: &mut IndexMap<Name, Value>,
    name: &str,
    set: &SelectionSet,
    fragments: &Fragments,
    show: &impl Fn(&Field) -> Value,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => {
                let is_name = field.node.name.node == "__typename";
                let value = if is_name { Value::String(name.to_owned()) } else { show(&field.node) };
                merge(fields, field.node.response_key().node.clone(), value);
            }
            Selection::InlineFragment(fragment) => {
                fill(fields, name, &fragment.node.selection_set.node, fragments, show);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    fill(fields, name, &fragment.node.selection_set.node, fragments, show);
                }
            }
        }
    }
}

/// A field that is selected twice has what is selected of it in either place.
fn merge(fields: &mut IndexMap<Name, Value>, key: Name, value: Value) {
    match fields.entry(key) {
        Entry::Vacant(vacant) => drop(vacant.insert(value)),
        Entry::Occupied(mut occupied) => {
            if let (Value::Object(there), Value::Object(more)) = (occupied.get_mut(), value) {
                more.into_iter().for_each(|(key, value)| merge(there, key, value));
            }
        }
    }
}

/// Shows it at once.
pub(in crate::graphql) struct AtOnce<T>(pub(in crate::graphql) T);

impl<T: Plain> OutputType for AtOnce<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::qualified_type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        Ok(self.0.show(&ctx.item.node, &ctx.query_env.fragments))
    }
}
