//! Once per request: evaluates `@skip` and `@include`, substitutes variables in arguments, and merges fields with the same
//! response key (`CollectFields`, specification, section 6.3.2). The result is what async-graphql executes.

use std::collections::HashMap;

use async_graphql::{
    Name, PathSegment, Pos, Positioned, ServerError, Value as ConstValue, Variables,
    indexmap::IndexMap,
    parser::types::{
        DocumentOperations, ExecutableDocument, Field as BoundField, InlineFragment, OperationDefinition,
        OperationType, Selection, SelectionSet, TypeCondition,
    },
};
use async_graphql_value::Value;

use super::{
    model::{Field, FieldSet, PageSize, Plan},
    normalize::SLICING,
};
use crate::{
    error::Code,
    graphql::{error::server_error, limits::Cost},
    task::{DEFAULT_PAGE, MAX_LIMIT},
};

/// An operation without variables, directives and named fragments.
pub(in crate::graphql) struct BoundOperation {
    pub(in crate::graphql) document: ExecutableDocument,
    /// The most that its response can cost.
    pub(in crate::graphql) cost: Cost,
    pub(in crate::graphql) failed: FailedFields,
}

/// Root fields whose arguments can't be coerced (`CoerceArgumentValues`, specification, section 6.4.1). `__typename` is
/// executed in their place, because async-graphql would fail the whole operation. No other field has an argument that must
/// not be null.
#[derive(Default)]
pub(in crate::graphql) struct FailedFields(Vec<FailedField>);

struct FailedField {
    response_key: Name,
    is_nullable: bool,
    error: ServerError,
}

impl FailedFields {
    /// The first error.
    pub(in crate::graphql) fn into_first(self) -> Option<ServerError> {
        self.0.into_iter().next().map(|field| field.error)
    }

    /// Makes them null in the response, or else all of the data.
    pub(in crate::graphql) fn complete(self, data: &mut ConstValue, errors: &mut Vec<ServerError>) {
        for FailedField { response_key, is_nullable, error } in self.0 {
            match data {
                ConstValue::Object(fields) if is_nullable => drop(fields.insert(response_key, ConstValue::Null)),
                _ => *data = ConstValue::Null,
            }
            errors.push(error);
        }
    }
}

/// Binds coerced variables.
pub(in crate::graphql) fn bind(plan: &Plan, variables: &Variables) -> BoundOperation {
    let mut binder = Binder { variables, cost: Cost::default(), failed: FailedFields::default() };
    // The size of an event's page is not among the arguments.
    let page = if plan.operation_type == OperationType::Subscription { to_usize(DEFAULT_PAGE) } else { 1 };
    let selection_set = binder.set(&[&plan.root], Scale { objects: 1, page });
    let operation = OperationDefinition {
        ty: plan.operation_type,
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set: unpositioned(selection_set),
    };
    let operations = DocumentOperations::Single(unpositioned(operation));
    let document = ExecutableDocument { operations, fragments: HashMap::new() };
    BoundOperation { document, cost: binder.cost, failed: binder.failed }
}

/// How many times a selection set is executed.
#[derive(Clone, Copy)]
struct Scale {
    objects: usize,
    /// The length of lists that don't say their own.
    page: usize,
}

struct Binder<'a> {
    variables: &'a Variables,
    cost: Cost,
    failed: FailedFields,
}

type Argument = (Positioned<Name>, Positioned<Value>);

impl<'a> Binder<'a> {
    /// The fields of one object, merged from one selection set or several.
    fn set(&mut self, sets: &[&'a FieldSet], scale: Scale) -> SelectionSet {
        if let [FieldSet { fields, is_collected: true }] = sets {
            let items = fields.iter().map(|field| self.field(field, &[field], scale)).collect();
            return SelectionSet { items };
        }
        let mut collected: IndexMap<&str, Vec<&Field>> = IndexMap::new();
        for field in sets.iter().flat_map(|set| &set.fields).filter(|field| self.is_included(field)) {
            collected.entry(&field.response_key).or_default().push(field);
        }
        let fields = collected.into_values();
        let items = fields.filter_map(|fields| Some(self.field(fields.first()?, &fields, scale))).collect();
        SelectionSet { items }
    }

    /// Null counts as not true: it neither skips nor includes.
    fn is_included(&self, field: &Field) -> bool {
        field.conditions.iter().all(|condition| {
            let is_true = self.variables.get(&condition.variable) == Some(&ConstValue::Boolean(true));
            is_true == condition.included_if
        })
    }

    /// Merges fields with one response key. In a valid document they differ in nothing but their selection sets.
    fn field(&mut self, first: &'a Field, fields: &[&'a Field], scale: Scale) -> Positioned<Selection> {
        let is_null = |variable: &&Name| self.variables.get(*variable) == Some(&ConstValue::Null);
        if let Some(variable) = first.required.iter().find(is_null) {
            return self.fail(first, variable);
        }
        let arguments: Vec<_> = first
            .arguments
            .iter()
            .filter_map(|(name, value)| {
                Some((unpositioned(name.clone()), unpositioned(substitute(value, self.variables)?)))
            })
            .collect();
        let inner = self.add_cost(first, &arguments, scale);
        let mut items = Vec::new();
        for (index, typed) in first.selections.iter().enumerate() {
            let sets: Vec<_> =
                fields.iter().filter_map(|field| field.selections.get(index)).map(|typed| &typed.set).collect();
            let set = self.set(&sets, inner);
            match &typed.on {
                None => items = set.items,
                Some(on) => items.push(unpositioned(Selection::InlineFragment(unpositioned(InlineFragment {
                    type_condition: Some(unpositioned(TypeCondition { on: unpositioned(on.clone()) })),
                    directives: Vec::new(),
                    selection_set: unpositioned(set),
                })))),
            }
        }
        let positioned = |name: &Name| Positioned::new(name.clone(), first.position);
        let field = BoundField {
            alias: (first.response_key != first.name).then(|| positioned(&first.response_key)),
            name: positioned(&first.name),
            arguments,
            directives: Vec::new(),
            selection_set: unpositioned(SelectionSet { items }),
        };
        Positioned::new(Selection::Field(Positioned::new(field, first.position)), first.position)
    }

    fn fail(&mut self, field: &Field, variable: &Name) -> Positioned<Selection> {
        let message = format!("Variable `${variable}` is null where a value is required");
        let mut error = server_error(Code::BadUserInput, message);
        error.locations = vec![field.position];
        error.path = vec![PathSegment::Field(field.response_key.to_string())];
        let is_nullable = field.is_nullable;
        self.failed.0.push(FailedField { response_key: field.response_key.clone(), is_nullable, error });
        unpositioned(Selection::Field(unpositioned(BoundField {
            alias: Some(unpositioned(field.response_key.clone())),
            name: unpositioned(Name::new("__typename")),
            arguments: Vec::new(),
            directives: Vec::new(),
            selection_set: unpositioned(SelectionSet::default()),
        })))
    }

    /// Adds the cost of a field. Returns the scale of its selection set.
    fn add_cost(&mut self, field: &Field, arguments: &[Argument], scale: Scale) -> Scale {
        let argument =
            |wanted: &str| arguments.iter().find(|(name, _)| name.node == wanted).map(|(_, value)| &value.node);
        let page = match &field.size.page {
            PageSize::Inherited => scale.page,
            PageSize::Sliced(default) => {
                SLICING.iter().filter_map(|name| list_length(argument(name)?)).max().unwrap_or(*default)
            }
            PageSize::PerInput(list) => {
                let inputs = argument(list).and_then(list_length).unwrap_or_default();
                self.cost.changes = self.cost.changes.saturating_add(inputs);
                inputs
            }
        };
        let objects = if field.size.is_list { scale.objects.saturating_mul(page) } else { scale.objects };
        self.cost.complexity = self.cost.complexity.saturating_add(objects);
        self.cost.response = self.cost.response.saturating_add(objects.saturating_mul(field.size.bytes));
        Scale { objects, page }
    }
}

/// The length of the list that an argument sets; `None` if it doesn't. A resolver rejects a negative number.
fn list_length(value: &Value) -> Option<usize> {
    match value {
        Value::List(items) => Some(items.len()),
        Value::Number(number) => Some(to_usize(number.as_i64().unwrap_or_default().min(MAX_LIMIT))),
        _ => None,
    }
}

fn to_usize(size: i64) -> usize {
    usize::try_from(size).unwrap_or_default()
}

/// Replaces variables by their values; `None` for an omitted variable. In a list it becomes null: a list keeps its length.
fn substitute(value: &Value, variables: &Variables) -> Option<Value> {
    Some(match value {
        Value::Variable(name) => variables.get(name)?.clone().into_value(),
        Value::List(items) => {
            Value::List(items.iter().map(|item| substitute(item, variables).unwrap_or(Value::Null)).collect())
        }
        Value::Object(fields) => {
            let fields = fields.iter().filter_map(|(name, value)| Some((name.clone(), substitute(value, variables)?)));
            Value::Object(fields.collect())
        }
        constant => constant.clone(),
    })
}

/// For a node that no error refers to.
fn unpositioned<T>(node: T) -> Positioned<T> {
    Positioned::new(node, Pos::default())
}
