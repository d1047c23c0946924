//! Once per document: inlines fragments and evaluates constant directives (`CollectFields`, specification,
//! section 6.3.2, as far as it doesn't depend on variables).

use std::collections::HashSet;

use apollo_compiler::{
    ExecutableDocument, Name as ApolloName, Node,
    ast::{DirectiveList, InputValueDefinition, OperationType as ApolloOperationType, Type, Value as ApolloValue},
    executable::{self, Operation, Selection, SelectionSet},
    schema::ExtendedType,
};
use async_graphql::{Name, parser::types::OperationType};

use super::{
    definitions::Definitions,
    model::{Condition, Field, FieldSet, PageSize, Plan, Size, TypedSet, Variable},
    values::{coerce_literal, position, required_variables},
};
use crate::task::DEFAULT_PAGE;

/// Arguments that set the length of a list.
pub(super) const SLICING: [&str; 3] = ["first", "last", "limit"];

/// The plans of all operations.
pub(in crate::graphql) fn normalize(definitions: &Definitions, document: &ExecutableDocument) -> Vec<Plan> {
    let normalizer = Normalizer { definitions, document };
    document.operations.iter().map(|operation| normalizer.plan(operation)).collect()
}

struct Normalizer<'a> {
    definitions: &'a Definitions,
    document: &'a ExecutableDocument,
}

impl Normalizer<'_> {
    fn plan(&self, operation: &Operation) -> Plan {
        let root = self.field_set(operation.object_type(), &operation.selection_set);
        let mut names = root.fields.iter().map(|field| field.name.as_str());
        let first = names.next().unwrap_or_default();
        let root_field = if names.all(|name| name == first) { first } else { "several" };
        let variables = operation.variables.iter().map(|variable| {
            let default = variable.default_value.as_ref();
            Variable {
                name: Name::new(&variable.name),
                ty: (*variable.ty).clone(),
                default: default.and_then(|value| coerce_literal(self.definitions, value, &variable.ty).into_const()),
            }
        });
        Plan {
            name: operation.name.as_ref().map(ToString::to_string),
            operation_type: match operation.operation_type {
                ApolloOperationType::Query => OperationType::Query,
                ApolloOperationType::Mutation => OperationType::Mutation,
                ApolloOperationType::Subscription => OperationType::Subscription,
            },
            root_field: root_field.into(),
            variables: variables.collect(),
            root,
        }
    }

    fn field_set(&self, object: &ApolloName, set: &SelectionSet) -> FieldSet {
        let mut fields = Vec::with_capacity(set.selections.len());
        self.inline(object, set, &[], &mut fields);
        let mut keys = HashSet::new();
        let is_collected =
            fields.iter().all(|field: &Field| field.conditions.is_empty() && keys.insert(&field.response_key));
        FieldSet { fields, is_collected }
    }

    /// Adds the fields that apply to this object type, each with the conditions of its enclosing fragments.
    fn inline(&self, object: &ApolloName, set: &SelectionSet, enclosing: &[Condition], fields: &mut Vec<Field>) {
        for selection in &set.selections {
            let Some(conditions) = conditions(selection.directives(), enclosing) else { continue };
            let applies = |on: &ApolloName| self.definitions.applies(on, object);
            match selection {
                Selection::Field(field) => fields.push(self.field(field, conditions)),
                Selection::InlineFragment(fragment) => {
                    if fragment.type_condition.as_ref().is_none_or(applies) {
                        self.inline(object, &fragment.selection_set, &conditions, fields);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    if let Some(fragment) = fragment.filter(|fragment| applies(fragment.type_condition())) {
                        self.inline(object, &fragment.selection_set, &conditions, fields);
                    }
                }
            }
        }
    }

    fn field(&self, field: &executable::Field, conditions: Vec<Condition>) -> Field {
        let name = Name::new(&field.name);
        let response_key = field.alias.as_ref().map_or_else(|| name.clone(), Name::new);
        let start = field.alias.as_ref().unwrap_or(&field.name).location();
        let mut required = Vec::new();
        let arguments = field.arguments.iter().filter_map(|argument| {
            let definition = field.definition.argument_by_name(&argument.name)?;
            required_variables(self.definitions, &argument.value, &definition.ty, &mut required);
            let value = coerce_literal(self.definitions, &argument.value, &definition.ty);
            Some((Name::new(&argument.name), value))
        });
        Field {
            position: start.and_then(|span| position(span, self.document)).unwrap_or_default(),
            arguments: arguments.collect(),
            required,
            is_nullable: !field.ty().is_non_null(),
            conditions,
            selections: if field.selection_set.is_empty() { Vec::new() } else { self.selections(field) },
            size: Size {
                is_list: field.ty().is_list() && !is_value(field.ty()),
                page: page_size(&field.definition.arguments),
                bytes: response_key.len() + value_bytes(field.ty()),
            },
            response_key,
            name,
        }
    }

    fn selections(&self, field: &executable::Field) -> Vec<TypedSet> {
        let ty = field.ty().inner_named_type();
        let is_abstract = !matches!(self.definitions.schema().types.get(ty), Some(ExtendedType::Object(_)));
        let typed = |object: &ApolloName| TypedSet {
            on: is_abstract.then(|| Name::new(object)),
            set: self.field_set(object, &field.selection_set),
        };
        self.definitions.possible_types(ty).iter().map(typed).collect()
    }
}

/// `None` if a constant directive excludes the selection.
fn conditions(directives: &DirectiveList, enclosing: &[Condition]) -> Option<Vec<Condition>> {
    let mut conditions = enclosing.to_vec();
    for (directive, included_if) in [("skip", false), ("include", true)] {
        let condition = directives.get(directive).and_then(|directive| directive.specified_argument_by_name("if"));
        match condition.map(|value| &**value) {
            Some(ApolloValue::Boolean(value)) if *value != included_if => return None,
            Some(ApolloValue::Variable(variable)) => {
                conditions.push(Condition { variable: Name::new(variable), included_if });
            }
            _ => {}
        }
    }
    Some(conditions)
}

fn page_size(arguments: &[Node<InputValueDefinition>]) -> PageSize {
    let slicing = arguments.iter().filter(|argument| SLICING.contains(&argument.name.as_str()));
    let defaults = slicing.map(|argument| argument.default_value.as_ref().and_then(|value| value.to_i32()));
    if let Some(default) = defaults.reduce(Option::or) {
        let default = default.map_or(DEFAULT_PAGE, i64::from);
        return PageSize::Sliced(usize::try_from(default).unwrap_or_default());
    }
    let list = arguments.iter().find(|argument| argument.ty.is_list());
    list.map_or(PageSize::Inherited, |argument| PageSize::PerInput(Name::new(&argument.name)))
}

/// Whether a list counts as one value: a list of texts, or of what is invalid, belongs to an object, and is no page.
fn is_value(ty: &Type) -> bool {
    matches!(ty.inner_named_type().as_str(), "String" | "InvalidField")
}

/// An estimate of a value's length as JSON, with punctuation.
fn value_bytes(ty: &Type) -> usize {
    4 + match ty.inner_named_type().as_str() {
        "String" => 256,
        "ID" => 38,
        "Boolean" => 5,
        "Int" => 11,
        _ => 32,
    }
}
