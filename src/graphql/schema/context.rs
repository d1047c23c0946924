//! What root fields share: the caller's tasks, and the form of a field that is null when it fails.

use async_graphql::Context;

use super::error::GraphqlError;
use crate::{error::Error, store::UserTasks};

/// Access to the caller's tasks.
pub(in crate::graphql) trait ContextExt {
    /// The tasks of the user who asks. The HTTP handler puts them there.
    fn tasks(&self) -> Result<&UserTasks, GraphqlError>;
}

impl ContextExt for Context<'_> {
    fn tasks(&self) -> Result<&UserTasks, GraphqlError> {
        self.data_opt().ok_or_else(|| Error::internal("the request context has no user").into())
    }
}

/// A field that is null when it fails, with an error beside it. `Result<Option<_>>` would make null what is around it.
pub(in crate::graphql) type Nullable<T> = Option<Result<T, async_graphql::Error>>;

/// Waits for a field that is null when it fails.
pub(in crate::graphql) async fn nullable<T>(field: impl Future<Output = Result<T, GraphqlError>>) -> Nullable<T> {
    Some(field.await.map_err(Into::into))
}
