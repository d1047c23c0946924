//! Two validation rules that apollo-compiler leaves out: input field uniqueness (specification, section 5.6.3), and
//! variables inside lists and input objects (section 5.8.5).

use std::collections::HashSet;

use apollo_compiler::{
    ExecutableDocument, Name, Node,
    ast::{Argument, Directive, InputValueDefinition, Type, Value, VariableDefinition},
    executable::{Selection, SelectionSet},
    parser::SourceSpan,
};
use async_graphql::ServerError;

use super::{definitions::Definitions, values::position};
use crate::{error::Code, graphql::error::server_error};

/// Completes apollo-compiler's validation.
pub(in crate::graphql) fn validate_values(
    definitions: &Definitions,
    document: &ExecutableDocument,
) -> Result<(), Vec<ServerError>> {
    let mut errors = Vec::new();
    for operation in document.operations.iter() {
        let variables = &operation.variables;
        let mut validator = Validator { definitions, document, variables, seen: HashSet::new(), errors: &mut errors };
        for variable in variables {
            validator.directives(&variable.directives);
            if let Some(default) = &variable.default_value {
                validator.value(default, &variable.ty, false);
            }
        }
        validator.directives(&operation.directives);
        validator.set(&operation.selection_set);
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

struct Validator<'a> {
    definitions: &'a Definitions,
    document: &'a ExecutableDocument,
    variables: &'a [Node<VariableDefinition>],
    /// Fragments that were validated for this operation.
    seen: HashSet<&'a Name>,
    errors: &'a mut Vec<ServerError>,
}

impl<'a> Validator<'a> {
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
        self.errors.push(ServerError { locations, ..server_error(Code::GraphqlValidationFailed, message) });
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
