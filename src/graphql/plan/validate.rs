//! Validation without execution, so that a document is validated once and not each time it is sent.

use std::sync::{Arc, OnceLock};

use async_graphql::{
    Request, Response, ServerError, ValidationResult,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextValidation},
    parser::types::ExecutableDocument,
};
use async_trait::async_trait;

use crate::graphql::schema::AsyncGraphql;

/// Makes of a schema one that only validates.
pub(in crate::graphql) struct Validate;

impl ExtensionFactory for Validate {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

/// Where the outcome is left for who asked.
type Outcome = Arc<OnceLock<ValidationResult>>;

#[async_trait]
impl Extension for Validate {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        if let Some(outcome) = ctx.data_opt::<Outcome>() {
            let _ = outcome.set(result);
        }
        Ok(result)
    }

    async fn execute(&self, _: &ExtensionContext<'_>, _: Option<&str>, _: NextExecute<'_>) -> Response {
        Response::default()
    }
}

/// Depth and complexity of a document that fits the schema, or why it doesn't.
pub(in crate::graphql) async fn validate(
    validator: &AsyncGraphql,
    document: &ExecutableDocument,
) -> Result<ValidationResult, Vec<ServerError>> {
    let outcome = Outcome::default();
    let mut request = Request::new(String::new()).data(Arc::clone(&outcome));
    request.set_parsed_query(document.clone());
    let response = validator.execute(request).await;
    // Which operation is to be run is not asked here: a document with many is valid all the same.
    outcome.get().copied().ok_or(response.errors)
}
