//! Input values in documents: the two rules about them that apollo-compiler leaves out, and their coercion
//! (specification, sections 5.6.3, 5.8.5 and 3.5 to 3.12).

use std::collections::HashSet;

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::{Argument, Directive, InputValueDefinition, Type, Value, VariableDefinition},
    executable::{Selection, SelectionSet},
    parser::SourceSpan,
    schema::ExtendedType,
};
use async_graphql::{Pos, ServerError, indexmap::IndexMap};
use async_graphql_value::{Name as OutputName, Number, Value as OutputValue};

use super::definitions::Definitions;
use crate::{error::Code, graphql::error::worded};

/// Checks that no input object names a field twice, and that every variable fits the place it is used in, inside of
/// lists and input objects too.
pub(in crate::graphql) fn check_values(
    definitions: &Definitions,
    document: &ExecutableDocument,
) -> Result<(), Vec<ServerError>> {
    let mut errors = Vec::new();
    for operation in document.operations.iter() {
        let variables = &operation.variables;
        let mut walk = Walk { definitions, document, variables, seen: HashSet::new(), errors: &mut errors };
        for variable in variables {
            walk.directives(&variable.directives);
            if let Some(default) = &variable.default_value {
                walk.value(default, &variable.ty, false);
            }
        }
        walk.directives(&operation.directives);
        walk.set(&operation.selection_set);
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

struct Walk<'a> {
    definitions: &'a Definitions,
    document: &'a ExecutableDocument,
    variables: &'a [Node<VariableDefinition>],
    /// The fragments this operation spreads, each of which is looked at once.
    seen: HashSet<&'a Name>,
    errors: &'a mut Vec<ServerError>,
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            self.directives(selection.directives());
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments, &field.definition.arguments);
                    self.set(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    let document = self.document;
                    let fragment = document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment.filter(|fragment| self.seen.insert(&fragment.name)) {
                        self.directives(&fragment.directives);
                        self.set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &[Node<Directive>]) {
        for directive in directives {
            if let Some(definition) = self.definitions.schema().directive_definitions.get(&directive.name) {
                self.arguments(&directive.arguments, &definition.arguments);
            }
        }
    }

    fn arguments(&mut self, arguments: &[Node<Argument>], definitions: &[Node<InputValueDefinition>]) {
        for argument in arguments {
            if let Some(definition) = definitions.iter().find(|definition| definition.name == argument.name) {
                self.value(&argument.value, &definition.ty, definition.default_value.is_some());
            }
        }
    }

    fn value(&mut self, value: &Node<Value>, ty: &Type, has_default: bool) {
        match &**value {
            Value::Variable(name) => self.variable(name, ty, has_default, value.location()),
            Value::List(items) => items.iter().for_each(|item| self.value(item, ty.item_type(), false)),
            Value::Object(fields) => self.object(fields, ty),
            _ => {}
        }
    }

    fn object(&mut self, fields: &[(Name, Node<Value>)], ty: &Type) {
        let definition = self.definitions.schema().get_input_object(ty.inner_named_type());
        let mut names = HashSet::new();
        for (name, value) in fields {
            if !names.insert(name) {
                self.error(format!("there can be only one input field named `{name}`"), name.location());
            }
            if let Some(field) = definition.and_then(|definition| definition.fields.get(name)) {
                self.value(value, &field.ty, field.default_value.is_some());
            }
        }
    }

    fn variable(&mut self, name: &Name, location: &Type, has_default: bool, span: Option<SourceSpan>) {
        if let Some(variable) = self.variables.iter().find(|variable| variable.name == *name)
            && !is_allowed(variable, location, has_default)
        {
            let ty = &variable.ty;
            let message = format!("variable `${name}` of type `{ty}` cannot be used where `{location}` is expected");
            self.error(message, span);
        }
    }

    fn error(&mut self, message: String, span: Option<SourceSpan>) {
        let locations = span.and_then(|span| position(span, self.document)).into_iter().collect();
        self.errors.push(ServerError { locations, ..worded(Code::GraphqlValidationFailed, message) });
    }
}

/// `IsVariableUsageAllowed`.
fn is_allowed(variable: &VariableDefinition, location: &Type, has_default: bool) -> bool {
    if location.is_non_null() && !variable.ty.is_non_null() {
        let has_value = variable.default_value.as_ref().is_some_and(|default| !default.is_null());
        return (has_value || has_default) && variable.ty.is_assignable_to(&location.clone().nullable());
    }
    variable.ty.is_assignable_to(location)
}

/// Where something starts in the document's text.
pub(super) fn position(span: SourceSpan, document: &ExecutableDocument) -> Option<Pos> {
    let start = span.line_column_range(&document.sources)?.start;
    Some(Pos { line: start.line, column: start.column })
}

/// Adds the variables that stand where null is no value. Their type may allow it, for the sake of a default; then a
/// request that gives null fails the field (`CoerceArgumentValues`, specification, section 6.4.1).
pub(super) fn required_variables(definitions: &Definitions, value: &Value, ty: &Type, required: &mut Vec<OutputName>) {
    match value {
        Value::Variable(name) if ty.is_non_null() => required.push(OutputName::new(name)),
        Value::List(items) => {
            for item in items {
                required_variables(definitions, item, ty.item_type(), required);
            }
        }
        Value::Object(fields) => {
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

/// A value as async-graphql reads it, coerced to its type: one value is a list of one, and an `ID` is text. Variables
/// stay.
pub(super) fn coerce_literal(definitions: &Definitions, value: &Value, ty: &Type) -> OutputValue {
    match (value, ty) {
        (Value::Variable(name), _) => OutputValue::Variable(OutputName::new(name)),
        (Value::Null, _) => OutputValue::Null,
        (Value::List(items), _) => {
            OutputValue::List(items.iter().map(|item| coerce_literal(definitions, item, ty.item_type())).collect())
        }
        (value, Type::List(of) | Type::NonNullList(of)) => {
            OutputValue::List(vec![coerce_literal(definitions, value, of)])
        }
        (Value::Object(fields), Type::Named(name) | Type::NonNullNamed(name)) => {
            let object = definitions.schema().types.get(name).and_then(ExtendedType::as_input_object);
            let field = |(name, value): &(Name, Node<Value>)| {
                let ty = object.and_then(|object| object.fields.get(name)).map_or(ty, |field| &field.ty);
                (OutputName::new(name), coerce_literal(definitions, value, ty))
            };
            OutputValue::Object(fields.iter().map(field).collect::<IndexMap<_, _>>())
        }
        (Value::Int(number), Type::Named(name) | Type::NonNullNamed(name)) if name == "ID" => {
            OutputValue::String(number.as_str().to_owned())
        }
        (Value::Int(number), _) => self::number(number.as_str()),
        (Value::Float(number), _) => self::number(number.as_str()),
        (Value::String(text), _) => OutputValue::String(text.clone()),
        (Value::Boolean(is), _) => OutputValue::Boolean(*is),
        (Value::Enum(word), _) => OutputValue::Enum(OutputName::new(word)),
    }
}

fn number(digits: &str) -> OutputValue {
    digits.parse::<Number>().map_or(OutputValue::Null, OutputValue::Number)
}
