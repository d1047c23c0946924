//! Parses a document and validates it against the schema (specification, sections 2 and 5).

use apollo_compiler::{
    ExecutableDocument,
    parser::Parser,
    validation::{DiagnosticList, Valid},
};
use async_graphql::{Pos, ServerError};

use crate::{
    error::Code,
    graphql::{error::server_error, plan::Definitions},
};

/// Errors reported for one document.
const MAX_ERRORS: usize = 50;

pub(super) fn parse(definitions: &Definitions, text: &str) -> Result<Valid<ExecutableDocument>, Vec<ServerError>> {
    let ast = Parser::new().parse_ast(text, "document");
    let ast = ast.map_err(|failed| server_errors(&failed.errors, Code::GraphqlParseFailed))?;
    let document = ast.to_executable_validate(definitions.schema());
    document.map_err(|failed| server_errors(&failed.errors, Code::GraphqlValidationFailed))
}

fn server_errors(diagnostics: &DiagnosticList, code: Code) -> Vec<ServerError> {
    let errors = diagnostics.iter().take(MAX_ERRORS).map(|diagnostic| {
        let json = diagnostic.to_json();
        let locations = json.locations.into_iter().map(|at| Pos { line: at.line, column: at.column });
        ServerError { locations: locations.collect(), ..server_error(code, json.message) }
    });
    errors.collect()
}
