//! Arguments whose variable was not given are as if they had not been written: their defaults count, and an update keeps
//! the field. async-graphql would read null, and clear it.

use async_graphql::{
    Name, Positioned,
    indexmap::IndexMap,
    parser::types::{DocumentOperations, ExecutableDocument, Selection, SelectionSet},
};
use async_graphql_value::Value;

/// Takes out of a document what stands for these variables.
pub(in crate::graphql) fn remove(document: &mut ExecutableDocument, absent: &[Name]) {
    if absent.is_empty() {
        return;
    }
    let operations: Vec<_> = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![operation],
        DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
    };
    for operation in operations {
        in_set(&mut operation.node.selection_set, absent);
    }
    for fragment in document.fragments.values_mut() {
        in_set(&mut fragment.node.selection_set, absent);
    }
}

fn in_set(set: &mut Positioned<SelectionSet>, absent: &[Name]) {
    for item in &mut set.node.items {
        match &mut item.node {
            Selection::Field(field) => {
                let field = &mut field.node;
                field.arguments.retain(|(_, value)| !is_absent(&value.node, absent));
                field.arguments.iter_mut().for_each(|(_, value)| in_value(&mut value.node, absent));
                in_set(&mut field.selection_set, absent);
            }
            Selection::InlineFragment(fragment) => in_set(&mut fragment.node.selection_set, absent),
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// A list keeps its length: there, what is absent is null.
fn in_value(value: &mut Value, absent: &[Name]) {
    match value {
        Value::Object(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .filter(|(_, value)| !is_absent(value, absent))
                .map(|(name, mut value)| {
                    in_value(&mut value, absent);
                    (name, value)
                })
                .collect::<IndexMap<_, _>>();
        }
        Value::List(items) => {
            for item in items {
                if is_absent(item, absent) {
                    *item = Value::Null;
                }
                in_value(item, absent);
            }
        }
        _ => {}
    }
}

fn is_absent(value: &Value, absent: &[Name]) -> bool {
    matches!(value, Value::Variable(name) if absent.contains(name))
}
