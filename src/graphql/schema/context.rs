//! What a resolver method gets from its request.

use async_graphql::Context;

use crate::{error::Error, graphql::error::GraphqlError, store::UserTasks};

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
