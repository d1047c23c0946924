//! Variables, coerced to their types before anything runs, as the specification has it. async-graphql would only do it
//! when a field asks for one, and takes an absent variable for null.

use async_graphql::{
    Name, Number, Positioned, Value, Variables,
    indexmap::IndexMap,
    parser::types::{BaseType, Type, VariableDefinition},
};

use super::types::{Input, InputField, Types};

/// A variable, or a part of one, that does not fit its type.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::graphql) struct Fault {
    /// Where, like `input.title`.
    pub(in crate::graphql) path: String,
    /// What is wrong with it.
    pub(in crate::graphql) message: String,
}

/// The variables an operation runs with: those given that it declares, and defaults. What is absent stays absent.
pub(in crate::graphql) fn coerce(
    types: &Types,
    definitions: &[Positioned<VariableDefinition>],
    mut given: Variables,
) -> Result<Variables, Vec<Fault>> {
    let mut coercion = Coercion { types, faults: Vec::new() };
    let mut coerced = Variables::default();
    for VariableDefinition { name, var_type, default_value, .. } in definitions.iter().map(|each| &each.node) {
        let value = match (given.remove(&name.node), default_value) {
            (Some(value), _) => coercion.value(&var_type.node, value, &name.node),
            (None, Some(default)) => default.node.clone(),
            (None, None) if var_type.node.nullable => continue,
            (None, None) => {
                coercion.fault(&name.node, format!("the required type is {}, and no value was given", var_type.node));
                continue;
            }
        };
        coerced.insert(name.node.clone(), value);
    }
    if coercion.faults.is_empty() { Ok(coerced) } else { Err(coercion.faults) }
}

struct Coercion<'a> {
    types: &'a Types,
    faults: Vec<Fault>,
}

impl Coercion<'_> {
    fn fault(&mut self, path: &str, message: String) -> Value {
        self.faults.push(Fault { path: path.to_owned(), message });
        Value::Null
    }

    fn value(&mut self, ty: &Type, value: Value, path: &str) -> Value {
        match (&ty.base, value) {
            (_, Value::Null) if ty.nullable => Value::Null,
            (_, Value::Null) => self.fault(path, format!("the required type is {ty}, and null was given")),
            (BaseType::List(of), Value::List(items)) => {
                let items = items.into_iter().enumerate();
                Value::List(items.map(|(index, item)| self.value(of, item, &format!("{path}.{index}"))).collect())
            }
            // One value is a list of one.
            (BaseType::List(of), value) => Value::List(vec![self.value(of, value, path)]),
            (BaseType::Named(name), value) => self.named(name, value, path),
        }
    }

    fn named(&mut self, name: &str, value: Value, path: &str) -> Value {
        let types = self.types;
        match types.input(name) {
            Some(Input::Object { fields, is_one_of }) => match value {
                Value::Object(value) => self.object(name, fields, *is_one_of, value, path),
                _ => self.fault(path, format!("must be an object of type {name}")),
            },
            Some(Input::Enum(words)) => match value {
                Value::String(word) if words.contains(word.as_str()) => Value::Enum(Name::new(word)),
                _ => self.fault(path, format!("must be a word of the enum {name}")),
            },
            Some(Input::Scalar) => value,
            None => match scalar(name, value) {
                Some(value) => value,
                None => self.fault(path, format!("must be of type {name}")),
            },
        }
    }

    fn object(
        &mut self,
        name: &str,
        fields: &[InputField],
        is_one_of: bool,
        mut given: IndexMap<Name, Value>,
        path: &str,
    ) -> Value {
        if is_one_of && (given.len() != 1 || given.values().any(|value| *value == Value::Null)) {
            return self.fault(path, format!("exactly one field of {name} must be given, and not be null"));
        }
        let mut coerced = IndexMap::new();
        for InputField { name, ty, default } in fields {
            let path = format!("{path}.{name}");
            match (given.swap_remove(name), default) {
                (Some(value), _) => drop(coerced.insert(name.clone(), self.value(ty, value, &path))),
                (None, Some(default)) => drop(coerced.insert(name.clone(), default.clone())),
                (None, None) if ty.nullable => {}
                (None, None) => drop(self.fault(&path, format!("the required type is {ty}, and no value was given"))),
            }
        }
        for unknown in given.keys() {
            self.fault(&format!("{path}.{unknown}"), format!("{name} has no such field"));
        }
        Value::Object(coerced)
    }
}

/// GraphQL's own scalars; `None` for a value that is none of theirs.
fn scalar(name: &str, value: Value) -> Option<Value> {
    match (name, value) {
        ("Int", Value::Number(number)) => whole(&number).map(|number| Value::Number(number.into())),
        ("ID", Value::Number(number)) => number.as_i64().map(|number| Value::String(number.to_string())),
        ("ID" | "String", Value::String(text)) => Some(Value::String(text)),
        ("Boolean", Value::Boolean(is)) => Some(Value::Boolean(is)),
        ("Float", Value::Number(number)) => Some(Value::Number(number)),
        _ => None,
    }
}

/// An `Int` has 32 bits; 1.0 is one.
fn whole(number: &Number) -> Option<i32> {
    match number.as_i64() {
        Some(number) => i32::try_from(number).ok(),
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is in range")]
        None => number
            .as_f64()
            .filter(|number| number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(number))
            .map(|number| number as i32),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    const SDL: &str = "type Query { a: Int } scalar Any enum Color { RED GREEN } \
        input Point { x: Int! y: Int! = 7 label: String children: [Point!] } \
        input One @oneOf { a: Int b: String } schema { query: Query }";

    fn coerced(declared: &str, given: serde_json::Value) -> Result<serde_json::Value, Vec<String>> {
        let document = parse_query(format!("query({declared}) {{ a }}")).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let definitions = &operation.node.variable_definitions;
        let result = coerce(&Types::of(SDL), definitions, Variables::from_json(given));
        let paths = |faults: Vec<Fault>| faults.into_iter().map(|fault| fault.path).collect();
        result.map(|variables| serde_json::to_value(variables).unwrap()).map_err(paths)
    }

    #[test]
    fn what_fits_is_brought_into_the_form_of_its_type() {
        for (declared, given, expected) in [
            ("$a: Int!", json!({ "a": 1, "b": 2 }), json!({ "a": 1 })),
            ("$a: Int", json!({}), json!({})),
            ("$a: Int", json!({ "a": null }), json!({ "a": null })),
            ("$a: Int = 3", json!({}), json!({ "a": 3 })),
            ("$a: Int = 3", json!({ "a": null }), json!({ "a": null })),
            ("$a: Int!", json!({ "a": 2.0 }), json!({ "a": 2 })),
            ("$a: Int!", json!({ "a": 2_147_483_647 }), json!({ "a": 2_147_483_647 })),
            ("$a: Float", json!({ "a": 1 }), json!({ "a": 1 })),
            ("$a: ID!", json!({ "a": 7 }), json!({ "a": "7" })),
            ("$a: Boolean", json!({ "a": false }), json!({ "a": false })),
            ("$a: [Int!]!", json!({ "a": [1, 2] }), json!({ "a": [1, 2] })),
            ("$a: [[Int]]", json!({ "a": 1 }), json!({ "a": [[1]] })),
            ("$a: Color", json!({ "a": "RED" }), json!({ "a": "RED" })),
            ("$a: Any", json!({ "a": { "b": [1] } }), json!({ "a": { "b": [1] } })),
            ("$a: Point", json!({ "a": { "x": 1 } }), json!({ "a": { "x": 1, "y": 7 } })),
            ("$a: Point", json!({ "a": { "x": 1, "label": null } }), json!({ "a": { "x": 1, "y": 7, "label": null } })),
            ("$a: One", json!({ "a": { "b": "x" } }), json!({ "a": { "b": "x" } })),
        ] {
            assert_eq!(coerced(declared, given.clone()), Ok(expected), "{declared} {given}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        for (declared, given, paths) in [
            ("$a: Int!", json!({}), &["a"][..]),
            ("$a: Int!", json!({ "a": null }), &["a"]),
            ("$a: Int! = 1", json!({ "a": null }), &["a"]),
            ("$a: Int", json!({ "a": "1" }), &["a"]),
            ("$a: Int", json!({ "a": 1.5 }), &["a"]),
            ("$a: Int", json!({ "a": 2_147_483_648_i64 }), &["a"]),
            ("$a: String", json!({ "a": 1 }), &["a"]),
            ("$a: ID", json!({ "a": true }), &["a"]),
            ("$a: Boolean", json!({ "a": "true" }), &["a"]),
            ("$a: Color", json!({ "a": "BLUE" }), &["a"]),
            ("$a: [Int!]", json!({ "a": [1, null, "x"] }), &["a.1", "a.2"]),
            ("$a: Point", json!({ "a": 1 }), &["a"]),
            ("$a: Point", json!({ "a": { "y": null, "z": 1 } }), &["a.x", "a.y", "a.z"]),
            ("$a: Point", json!({ "a": { "x": 1, "children": [{}] } }), &["a.children.0.x"]),
            ("$a: One", json!({ "a": {} }), &["a"]),
            ("$a: One", json!({ "a": { "a": null } }), &["a"]),
            ("$a: One", json!({ "a": { "a": 1, "b": "x" } }), &["a"]),
            ("$a: Int!, $b: Int!", json!({}), &["a", "b"]),
        ] {
            let paths = paths.iter().map(ToString::to_string).collect();
            assert_eq!(coerced(declared, given.clone()), Err(paths), "{declared} {given}");
        }
    }
}
