//! An answer, finished to the letter of the specification. async-graphql puts fields in the order they were done, and
//! leaves out one that failed and can't be null; the specification wants the order they were asked for, and null for the
//! next thing around the failed field that can be.

use async_graphql::{
    Name, PathSegment, Positioned, ServerError, Value,
    indexmap::IndexMap,
    parser::types::{BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type},
};

use super::types::Types;

/// Finishes the data of an operation.
pub(in crate::graphql) fn complete(
    data: &mut Value,
    errors: &[ServerError],
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    types: &Types,
) {
    let set = &operation.selection_set;
    if let Some(root) = types.root(operation.ty) {
        let start = Place { sets: vec![(root.clone(), set)], ty: None };
        for error in errors.iter().filter(|error| !error.path.is_empty()) {
            let depth = Walk { document, types }.last_nullable(&start, &error.path);
            put_null(data, error.path.get(..depth).unwrap_or_default());
        }
    }
    order(data, &[set], document);
}

/// Where a path has got to: the selections there, each with the type they select from, and the type of the value.
struct Place<'a> {
    sets: Vec<(Name, &'a Positioned<SelectionSet>)>,
    ty: Option<Type>,
}

#[derive(Clone, Copy)]
struct Walk<'a> {
    document: &'a ExecutableDocument,
    types: &'a Types,
}

impl<'a> Walk<'a> {
    /// How many segments of the path lead to the last thing on it that can be null; none for the data as a whole.
    fn last_nullable(self, start: &Place<'a>, path: &[PathSegment]) -> usize {
        let mut place = Place { sets: start.sets.clone(), ty: None };
        let mut nullable = 0;
        for (index, segment) in path.iter().enumerate() {
            let next = match segment {
                PathSegment::Field(key) => self.field(&place, key),
                PathSegment::Index(_) => element(place),
            };
            let Some(next) = next else { return nullable };
            if next.ty.as_ref().is_some_and(|ty| ty.nullable) {
                nullable = index + 1;
            }
            place = next;
        }
        nullable
    }

    /// All selections of a response key say the same of its type, or the document would not have been valid.
    fn field(self, place: &Place<'a>, key: &str) -> Option<Place<'a>> {
        let mut found = Vec::new();
        for (parent, set) in &place.sets {
            self.find(parent, set, key, &mut found);
        }
        let ty = found.iter().find_map(|(parent, field)| self.types.field(parent, &field.name.node))?.clone();
        let inner = inner_name(&ty);
        let sets = found.into_iter().map(|(_, field)| (inner.clone(), &field.selection_set)).collect();
        Some(Place { sets, ty: Some(ty) })
    }

    fn find(self, parent: &Name, set: &'a Positioned<SelectionSet>, key: &str, found: &mut Vec<(Name, &'a Field)>) {
        for item in &set.node.items {
            match &item.node {
                Selection::Field(field) => {
                    if field.node.response_key().node == key {
                        found.push((parent.clone(), &field.node));
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
                    self.find(condition.unwrap_or(parent), &fragment.node.selection_set, key, found);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        let fragment = &fragment.node;
                        self.find(&fragment.type_condition.node.on.node, &fragment.selection_set, key, found);
                    }
                }
            }
        }
    }
}

fn element(place: Place<'_>) -> Option<Place<'_>> {
    match place.ty?.base {
        BaseType::List(of) => Some(Place { sets: place.sets, ty: Some(*of) }),
        BaseType::Named(_) => None,
    }
}

fn inner_name(ty: &Type) -> Name {
    match &ty.base {
        BaseType::Named(name) => name.clone(),
        BaseType::List(of) => inner_name(of),
    }
}

/// Where the path leaves what is there, something around it was null already.
fn put_null(data: &mut Value, path: &[PathSegment]) {
    let mut value = data;
    for (index, segment) in path.iter().enumerate() {
        let next = match (value, segment) {
            (Value::Object(fields), PathSegment::Field(key)) if index + 1 == path.len() => {
                fields.insert(Name::new(key), Value::Null);
                return;
            }
            (Value::Object(fields), PathSegment::Field(key)) => fields.get_mut(key.as_str()),
            (Value::List(items), PathSegment::Index(index)) => items.get_mut(*index),
            _ => None,
        };
        let Some(next) = next else { return };
        value = next;
    }
    *value = Value::Null;
}

/// Fields in the order they were asked for, all the way down.
fn order(value: &mut Value, sets: &[&Positioned<SelectionSet>], document: &ExecutableDocument) {
    if sets.is_empty() {
        return;
    }
    let mut wanted = IndexMap::new();
    for set in sets {
        collect(set, document, &mut wanted);
    }
    order_by(value, &wanted, document);
}

type Wanted<'a> = IndexMap<&'a str, Vec<&'a Positioned<SelectionSet>>>;

fn order_by(value: &mut Value, wanted: &Wanted<'_>, document: &ExecutableDocument) {
    match value {
        Value::List(items) => {
            let is_flat = wanted.values().all(Vec::is_empty);
            let is_done = |item: &Value| is_flat && matches!(item, Value::Object(fields) if has_order(fields, wanted));
            items.iter_mut().filter(|item| !is_done(item)).for_each(|item| order_by(item, wanted, document));
        }
        Value::Object(fields) => {
            let place = |name: &Name| wanted.get_index_of(name.as_str());
            if !has_order(fields, wanted) && !fields.keys().map(place).is_sorted() {
                fields.sort_by(|one, _, other, _| place(one).cmp(&place(other)));
            }
            for (name, value) in fields {
                if let Some(sets) = wanted.get(name.as_str()) {
                    order(value, sets, document);
                }
            }
        }
        _ => {}
    }
}

fn has_order(fields: &IndexMap<Name, Value>, wanted: &Wanted<'_>) -> bool {
    fields.len() == wanted.len() && fields.keys().zip(wanted.keys()).all(|(one, other)| one == other)
}

fn collect<'a>(set: &'a Positioned<SelectionSet>, document: &'a ExecutableDocument, wanted: &mut Wanted<'a>) {
    for item in &set.node.items {
        match &item.node {
            Selection::Field(field) => {
                let sets = wanted.entry(field.node.response_key().node.as_str()).or_default();
                if !field.node.selection_set.node.items.is_empty() {
                    sets.push(&field.node.selection_set);
                }
            }
            Selection::InlineFragment(fragment) => collect(&fragment.node.selection_set, document, wanted),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect(&fragment.node.selection_set, document, wanted);
                }
            }
        }
    }
}
