//! Once for each document: fragments are unfolded and constant directives decided (`CollectFields`, specification,
//! section 6.3.2, as far as it doesn't depend on variables).

use std::{collections::HashSet, sync::Arc};

use apollo_compiler::{
    ExecutableDocument, Name,
    ast::{DirectiveList, InputValueDefinition, OperationType, Type, Value},
    executable::{self, Operation, Selection, SelectionSet},
    schema::ExtendedType,
};
use async_graphql::{Name as OutputName, Pos, parser::types};
use async_graphql_value::Value as OutputValue;

use super::{
    definitions::Definitions,
    values::{coerce_literal, position, required_variables},
    variables::Variable,
};

/// One operation, ready for the variables of a request.
pub(in crate::graphql) struct Plan {
    name: Option<String>,
    pub(super) operation: types::OperationType,
    pub(super) variables: Vec<Variable>,
    pub(super) root: FieldSet,
    root_field: Arc<str>,
}

impl Plan {
    /// The only root field, or `several`.
    pub(in crate::graphql) fn root_field(&self) -> &Arc<str> {
        &self.root_field
    }

    /// The operation's name.
    pub(in crate::graphql) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether it changes something.
    pub(in crate::graphql) fn is_mutation(&self) -> bool {
        self.operation == types::OperationType::Mutation
    }

    /// Whether it goes on.
    pub(in crate::graphql) fn is_subscription(&self) -> bool {
        self.operation == types::OperationType::Subscription
    }
}

/// Fields of one object type, fragments unfolded, in the order of the document.
#[derive(Default)]
pub(super) struct FieldSet {
    pub(super) fields: Vec<Field>,
    /// No field is conditional and no response key there twice: nothing is left to do for a request.
    pub(super) is_collected: bool,
}

/// One field, wherever in the document it is.
pub(super) struct Field {
    pub(super) key: OutputName,
    pub(super) name: OutputName,
    pub(super) position: Pos,
    pub(super) arguments: Vec<(OutputName, OutputValue)>,
    /// Variables in its arguments that must not be null.
    pub(super) required: Vec<OutputName>,
    pub(super) conditions: Vec<Condition>,
    /// What is selected of it, for each object type it can be. Empty for a scalar.
    pub(super) selections: Vec<TypedSet>,
    pub(super) size: Size,
}

/// What is selected of an object type.
pub(super) struct TypedSet {
    /// The object type, where there are others too.
    pub(super) on: Option<OutputName>,
    pub(super) set: FieldSet,
}

/// `@skip` or `@include` with a variable.
#[derive(Clone)]
pub(super) struct Condition {
    pub(super) variable: OutputName,
    /// What the variable must be for the field to be there.
    pub(super) wanted: bool,
}

/// How a field's part of the answer grows.
pub(super) struct Size {
    pub(super) is_list: bool,
    pub(super) page: PageSize,
    /// About how many bytes one value takes, with its key.
    pub(super) bytes: usize,
}

/// How many items the lists in a field have.
pub(super) enum PageSize {
    /// As many as the field around it says.
    Inherited,
    /// As many as `first`, `last` or `limit` says, or this many.
    Sliced(usize),
    /// As many as the list in this argument has.
    PerInput(OutputName),
}

/// The plans of all operations of a valid document.
pub(in crate::graphql) fn compile(definitions: &Definitions, document: &ExecutableDocument) -> Vec<Plan> {
    let compiler = Compiler { definitions, document };
    document.operations.iter().map(|operation| compiler.plan(operation)).collect()
}

fn only_name(root: &FieldSet) -> Arc<str> {
    let mut names = root.fields.iter().map(|field| field.name.as_str());
    let first = names.next().unwrap_or_default();
    if names.all(|name| name == first) { first } else { "several" }.into()
}

struct Compiler<'a> {
    definitions: &'a Definitions,
    document: &'a ExecutableDocument,
}

impl Compiler<'_> {
    fn plan(&self, operation: &Operation) -> Plan {
        let root = self.set(operation.object_type(), &operation.selection_set);
        Plan {
            root_field: only_name(&root),
            name: operation.name.as_ref().map(ToString::to_string),
            operation: match operation.operation_type {
                OperationType::Query => types::OperationType::Query,
                OperationType::Mutation => types::OperationType::Mutation,
                OperationType::Subscription => types::OperationType::Subscription,
            },
            variables: operation.variables.iter().map(|variable| Variable::new(self.definitions, variable)).collect(),
            root,
        }
    }

    fn set(&self, object: &Name, set: &SelectionSet) -> FieldSet {
        let mut fields = Vec::with_capacity(set.selections.len());
        self.unfold(object, set, &[], &mut fields);
        let mut keys = HashSet::new();
        let is_collected = fields.iter().all(|field: &Field| field.conditions.is_empty() && keys.insert(&field.key));
        FieldSet { fields, is_collected }
    }

    /// Adds the fields that an object of this type has, each with the conditions of the fragments around it.
    fn unfold(&self, object: &Name, set: &SelectionSet, around: &[Condition], fields: &mut Vec<Field>) {
        for selection in &set.selections {
            let Some(conditions) = conditions(selection.directives(), around) else { continue };
            match selection {
                Selection::Field(field) => fields.push(self.field(field, conditions)),
                Selection::InlineFragment(fragment) => {
                    if fragment.type_condition.as_ref().is_none_or(|on| self.definitions.applies(on, object)) {
                        self.unfold(object, &fragment.selection_set, &conditions, fields);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.fragment_name);
                    let applies = |on: &Name| self.definitions.applies(on, object);
                    if let Some(fragment) = fragment.filter(|fragment| applies(fragment.type_condition())) {
                        self.unfold(object, &fragment.selection_set, &conditions, fields);
                    }
                }
            }
        }
    }

    fn field(&self, field: &executable::Field, conditions: Vec<Condition>) -> Field {
        let name = OutputName::new(&field.name);
        let start = field.alias.as_ref().unwrap_or(&field.name).location();
        let key = field.alias.as_ref().map_or_else(|| name.clone(), OutputName::new);
        let mut required = Vec::new();
        let arguments = field.arguments.iter().filter_map(|argument| {
            let definition = field.definition.argument_by_name(&argument.name)?;
            required_variables(self.definitions, &argument.value, &definition.ty, &mut required);
            let value = coerce_literal(self.definitions, &argument.value, &definition.ty);
            Some((OutputName::new(&argument.name), value))
        });
        Field {
            position: start.and_then(|span| position(span, self.document)).unwrap_or_default(),
            arguments: arguments.collect(),
            required,
            conditions,
            selections: self.selections(field),
            size: Size {
                is_list: field.ty().is_list(),
                page: page(&field.definition.arguments),
                bytes: key.len() + value_bytes(field.ty()),
            },
            key,
            name,
        }
    }

    fn selections(&self, field: &executable::Field) -> Vec<TypedSet> {
        if field.selection_set.is_empty() {
            return Vec::new();
        }
        let ty = field.ty().inner_named_type();
        let is_abstract = !matches!(self.definitions.schema().types.get(ty), Some(ExtendedType::Object(_)));
        let possible = self.definitions.possible_types(ty).iter();
        let typed = |object: &Name| TypedSet {
            on: is_abstract.then(|| OutputName::new(object)),
            set: self.set(object, &field.selection_set),
        };
        possible.map(typed).collect()
    }
}

/// What must hold for a selection to be there; `None` when it never is.
fn conditions(directives: &DirectiveList, around: &[Condition]) -> Option<Vec<Condition>> {
    let mut conditions = around.to_vec();
    for (name, wanted) in [("skip", false), ("include", true)] {
        let condition = directives.get(name).and_then(|directive| directive.specified_argument_by_name("if"));
        match condition.map(|value| &**value) {
            Some(Value::Boolean(is)) if *is != wanted => return None,
            Some(Value::Variable(variable)) => {
                conditions.push(Condition { variable: OutputName::new(variable), wanted });
            }
            _ => {}
        }
    }
    Some(conditions)
}

/// Arguments that say how long a list gets.
pub(super) const SLICING: [&str; 3] = ["first", "last", "limit"];

/// What a page has when nothing says how long it is.
const DEFAULT_PAGE: usize = 100;

fn page(arguments: &[apollo_compiler::Node<InputValueDefinition>]) -> PageSize {
    let slicing = arguments.iter().filter(|argument| SLICING.contains(&argument.name.as_str()));
    let defaults = slicing.map(|argument| argument.default_value.as_ref().and_then(|value| value.to_i32()));
    if let Some(default) = defaults.reduce(Option::or) {
        return PageSize::Sliced(default.and_then(|default| usize::try_from(default).ok()).unwrap_or(DEFAULT_PAGE));
    }
    let list = arguments.iter().find(|argument| argument.ty.is_list());
    list.map_or(PageSize::Inherited, |argument| PageSize::PerInput(OutputName::new(&argument.name)))
}

/// About how many bytes a value of this type takes in JSON, with the punctuation around it.
fn value_bytes(ty: &Type) -> usize {
    4 + match ty.inner_named_type().as_str() {
        "String" => 256,
        "ID" => 38,
        "Boolean" => 5,
        "Int" => 11,
        _ => 32,
    }
}
