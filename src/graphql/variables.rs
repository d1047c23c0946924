//! Variables are looked at before anything runs. The library notices a missing one only when it gets to the field that
//! needs it, and by then the mutations in front of that field are done.

use async_graphql::{
    Request, Value, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition},
};

/// The first required variable that was not given, in a sentence.
pub(super) fn missing(document: &ExecutableDocument, name: Option<&str>, variables: &Variables) -> Option<String> {
    let definitions = &operation(document, name)?.variable_definitions;
    let required = definitions.iter().map(|definition| &definition.node);
    let mut required = required.filter(|variable| !variable.var_type.node.nullable && variable.default_value.is_none());
    let is_absent = |name: &str| matches!(variables.get(name), None | Some(Value::Null));
    let variable = required.find(|variable| is_absent(&variable.name.node))?;
    Some(format!("Variable \"${}\" of type \"{}\" was not given", variable.name.node, variable.var_type.node))
}

/// Checks a request's variables; its document must be parsed.
pub(super) fn check(request: &mut Request) -> Result<(), String> {
    let (name, variables) = (request.operation_name.clone(), std::mem::take(&mut request.variables));
    let missing = request.parsed_query().ok().and_then(|document| missing(document, name.as_deref(), &variables));
    request.variables = variables;
    missing.map_or(Ok(()), Err)
}

fn operation<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => Some(&operations.get(name)?.node),
        (DocumentOperations::Multiple(_), None) => None,
    }
}
