//! Input values in documents, coerced to their types (specification, sections 3.5 to 3.12).

use apollo_compiler::{
    ExecutableDocument, Name as ApolloName, Node,
    ast::{Type, Value as ApolloValue},
    parser::SourceSpan,
    schema::ExtendedType,
};
use async_graphql::{Pos, indexmap::IndexMap};
use async_graphql_value::{Name, Number, Value};

use super::definitions::Definitions;

/// The start of a span.
pub(super) fn position(span: SourceSpan, document: &ExecutableDocument) -> Option<Pos> {
    let start = span.line_column_range(&document.sources)?.start;
    Some(Pos { line: start.line, column: start.column })
}

/// Adds the variables that must not be null where they are used. Their own type may be nullable if there is a default; then
/// an explicit null fails the field (`CoerceArgumentValues`, specification, section 6.4.1).
pub(super) fn required_variables(definitions: &Definitions, value: &ApolloValue, ty: &Type, required: &mut Vec<Name>) {
    match value {
        ApolloValue::Variable(name) if ty.is_non_null() => required.push(Name::new(name)),
        ApolloValue::List(items) => {
            for item in items {
                required_variables(definitions, item, ty.item_type(), required);
            }
        }
        ApolloValue::Object(fields) => {
            let object = definitions.schema().get_input_object(ty.inner_named_type());
            for (name, value) in fields {
                if let Some(field) = object.and_then(|object| object.fields.get(name)) {
                    required_variables(definitions, value, &field.ty, required);
                }
            }
        }
        _ => {}
    }
}

/// Converts a literal to async-graphql's form. A single value becomes a list of one, and an `ID` a string. Variables stay.
pub(super) fn coerce_literal(definitions: &Definitions, value: &ApolloValue, ty: &Type) -> Value {
    match (value, ty) {
        (ApolloValue::Variable(name), _) => Value::Variable(Name::new(name)),
        (ApolloValue::Null, _) => Value::Null,
        (ApolloValue::List(items), _) => {
            Value::List(items.iter().map(|item| coerce_literal(definitions, item, ty.item_type())).collect())
        }
        (value, Type::List(of) | Type::NonNullList(of)) => Value::List(vec![coerce_literal(definitions, value, of)]),
        (ApolloValue::Object(fields), Type::Named(name) | Type::NonNullNamed(name)) => {
            let object = definitions.schema().types.get(name).and_then(ExtendedType::as_input_object);
            let field = |(name, value): &(ApolloName, Node<ApolloValue>)| {
                let ty = object.and_then(|object| object.fields.get(name)).map_or(ty, |field| &field.ty);
                (Name::new(name), coerce_literal(definitions, value, ty))
            };
            Value::Object(fields.iter().map(field).collect::<IndexMap<_, _>>())
        }
        (ApolloValue::Int(number), Type::Named(name) | Type::NonNullNamed(name)) if name == "ID" => {
            Value::String(number.as_str().to_owned())
        }
        (ApolloValue::Int(number), _) => self::number(number.as_str()),
        (ApolloValue::Float(number), _) => self::number(number.as_str()),
        (ApolloValue::String(text), _) => Value::String(text.clone()),
        (ApolloValue::Boolean(value), _) => Value::Boolean(*value),
        (ApolloValue::Enum(value), _) => Value::Enum(Name::new(value)),
    }
}

/// `-0` is an integer, while serde reads a float.
fn number(digits: &str) -> Value {
    let integer = digits.parse::<i64>().map(Number::from).ok();
    integer.or_else(|| digits.parse().ok()).map_or(Value::Null, Value::Number)
}
