//! Once for each request: what depends on its variables. `@skip` and `@include` are decided, arguments filled in, omitted
//! ones left out, and fields with the same response key merged (`CollectFields`, specification, section 6.3.2).

use std::collections::HashMap;

use async_graphql::{
    Name, PathSegment, Pos, Positioned, ServerError, Value, Variables,
    indexmap::IndexMap,
    parser::types::{
        DocumentOperations, ExecutableDocument, Field as OutputField, InlineFragment, OperationDefinition, Selection,
        SelectionSet, TypeCondition,
    },
};
use async_graphql_value::Value as InputValue;

use super::compile::{Field, FieldSet, PageSize, Plan, SLICING};
use crate::{
    error::Code,
    graphql::{error::worded, limits::Cost},
};

/// The most that a page can have, whatever is asked for.
const MAX_PAGE: u64 = crate::task::MAX_LIMIT.unsigned_abs();

/// What a page of a stream can have.
const STREAMED_PAGE: usize = 100;

impl Plan {
    /// The operation with these variables, which were coerced.
    pub(in crate::graphql) fn bind(&self, variables: &Variables) -> Bound {
        let mut binder = Binder { variables, cost: Cost::default(), failures: FailedFields::default() };
        // What a subscription sends has no page size in its arguments.
        let page = if self.is_subscription() { STREAMED_PAGE } else { 1 };
        let selection_set = binder.set(&[&self.root], Scale { objects: 1, page });
        let operation = OperationDefinition {
            ty: self.operation,
            variable_definitions: Vec::new(),
            directives: Vec::new(),
            selection_set: at(selection_set),
        };
        let operations = DocumentOperations::Single(at(operation));
        let document = ExecutableDocument { operations, fragments: HashMap::new() };
        Bound { document, cost: binder.cost, failures: binder.failures }
    }
}

/// An operation that can run.
pub(in crate::graphql) struct Bound {
    pub(in crate::graphql) document: ExecutableDocument,
    /// What its answer can cost.
    pub(in crate::graphql) cost: Cost,
    pub(in crate::graphql) failures: FailedFields,
}

/// Fields that failed before anything ran.
#[derive(Default)]
pub(in crate::graphql) struct FailedFields(Vec<FailedField>);

/// A root field whose arguments can't be coerced. Its name runs in its place: async-graphql would make null of everything.
struct FailedField {
    key: Name,
    error: ServerError,
}

impl FailedFields {
    /// The error of the first one.
    pub(in crate::graphql) fn into_first(self) -> Option<ServerError> {
        self.0.into_iter().next().map(|failed| failed.error)
    }

    /// Puts null, and an error, in the place of each. Root fields with required arguments are nullable.
    pub(in crate::graphql) fn complete(self, data: &mut Value, errors: &mut Vec<ServerError>) {
        let Value::Object(fields) = data else { return };
        for FailedField { key, error } in self.0 {
            fields.insert(key, Value::Null);
            errors.push(error);
        }
    }
}

/// How often something is in the answer.
#[derive(Clone, Copy)]
struct Scale {
    objects: usize,
    page: usize,
}

struct Binder<'a> {
    variables: &'a Variables,
    cost: Cost,
    failures: FailedFields,
}

impl<'a> Binder<'a> {
    /// The fields of one object, selected in one place or in several.
    fn set(&mut self, sets: &[&'a FieldSet], scale: Scale) -> SelectionSet {
        if let [FieldSet { fields, is_collected: true }] = sets {
            let items = fields.iter().map(|field| self.field(field, &[field], scale)).collect();
            return SelectionSet { items };
        }
        let mut collected: IndexMap<&str, Vec<&Field>> = IndexMap::new();
        for field in sets.iter().flat_map(|set| &set.fields).filter(|field| self.is_there(field)) {
            collected.entry(&field.key).or_default().push(field);
        }
        let fields = collected.into_values();
        let items = fields.filter_map(|fields| Some(self.field(fields.first()?, &fields, scale))).collect();
        SelectionSet { items }
    }

    fn is_there(&self, field: &Field) -> bool {
        // Null is not true: such a field is not skipped, and not included.
        field.conditions.iter().all(|condition| {
            let is_true = self.variables.get(&condition.variable) == Some(&Value::Boolean(true));
            is_true == condition.wanted
        })
    }

    /// Fields of one response key. Validation saw to it that they are the same but for what is selected of them.
    fn field(&mut self, first: &'a Field, fields: &[&'a Field], scale: Scale) -> Positioned<Selection> {
        if let Some(variable) = first.required.iter().find(|name| self.variables.get(*name) == Some(&Value::Null)) {
            return self.fail(first, variable);
        }
        let arguments: Vec<_> = first
            .arguments
            .iter()
            .filter_map(|(name, value)| Some((at(name.clone()), at(constant(value, self.variables)?))))
            .collect();
        let inner = self.scale(first, &arguments, scale);
        let mut items = Vec::new();
        for (index, typed) in first.selections.iter().enumerate() {
            let sets: Vec<_> =
                fields.iter().filter_map(|field| field.selections.get(index)).map(|typed| &typed.set).collect();
            let set = self.set(&sets, inner);
            match &typed.on {
                None => items = set.items,
                Some(on) => items.push(at(Selection::InlineFragment(at(on_type(on, set))))),
            }
        }
        let place = |name: &Name| Positioned::new(name.clone(), first.position);
        let field = OutputField {
            alias: (first.key != first.name).then(|| place(&first.key)),
            name: place(&first.name),
            arguments,
            directives: Vec::new(),
            selection_set: at(SelectionSet { items }),
        };
        Positioned::new(Selection::Field(Positioned::new(field, first.position)), first.position)
    }

    fn fail(&mut self, field: &Field, variable: &Name) -> Positioned<Selection> {
        let message = format!("Variable `${variable}`: null was given where a value is required");
        let mut error = worded(Code::BadUserInput, message);
        error.locations = vec![field.position];
        error.path = vec![PathSegment::Field(field.key.to_string())];
        self.failures.0.push(FailedField { key: field.key.clone(), error });
        at(Selection::Field(at(OutputField {
            alias: Some(at(field.key.clone())),
            name: at(Name::new("__typename")),
            arguments: Vec::new(),
            directives: Vec::new(),
            selection_set: at(SelectionSet::default()),
        })))
    }

    /// Adds what a field costs; how often what is selected of it is there.
    fn scale(&mut self, field: &Field, arguments: &[Argument], scale: Scale) -> Scale {
        let argument =
            |wanted: &str| arguments.iter().find(|(name, _)| name.node == wanted).map(|(_, value)| &value.node);
        let page = match &field.size.page {
            PageSize::Inherited => scale.page,
            PageSize::Sliced(default) => {
                SLICING.iter().filter_map(|name| length(argument(name)?)).max().unwrap_or(*default)
            }
            PageSize::PerInput(list) => {
                let inputs = argument(list).and_then(length).unwrap_or_default();
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

type Argument = (Positioned<Name>, Positioned<InputValue>);

/// How long a list gets by this argument; `None` when that is left to the default. A negative number is refused later.
fn length(value: &InputValue) -> Option<usize> {
    match value {
        InputValue::List(items) => Some(items.len()),
        InputValue::Number(number) => usize::try_from(number.as_u64().unwrap_or_default().min(MAX_PAGE)).ok(),
        _ => None,
    }
}

/// The value with those of variables in it; `None` when it is an omitted variable. A list keeps its length: there, what is
/// omitted is null.
fn constant(value: &InputValue, variables: &Variables) -> Option<InputValue> {
    Some(match value {
        InputValue::Variable(name) => variables.get(name)?.clone().into_value(),
        InputValue::List(items) => {
            InputValue::List(items.iter().map(|item| constant(item, variables).unwrap_or(InputValue::Null)).collect())
        }
        InputValue::Object(fields) => {
            let fields = fields.iter().filter_map(|(name, value)| Some((name.clone(), constant(value, variables)?)));
            InputValue::Object(fields.collect())
        }
        constant => constant.clone(),
    })
}

fn on_type(name: &Name, set: SelectionSet) -> InlineFragment {
    InlineFragment {
        type_condition: Some(at(TypeCondition { on: at(name.clone()) })),
        directives: Vec::new(),
        selection_set: at(set),
    }
}

/// What has no place in the document's text, or none that an error would name.
fn at<T>(node: T) -> Positioned<T> {
    Positioned::new(node, Pos::default())
}
