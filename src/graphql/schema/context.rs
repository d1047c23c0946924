//! Access to what an operation is executed with, and nullable fields.

use async_graphql::Context;
use futures::{FutureExt, future::BoxFuture};

use super::{error::GraphqlError, source::Source};
use crate::{error::Error, live::Hub, store::UserTasks};

/// What resolvers take from the context.
pub(in crate::graphql) trait ContextExt {
    /// The current user's tasks.
    fn tasks(&self) -> Result<&UserTasks, GraphqlError>;

    /// Only in a subscription.
    fn live(&self) -> Result<&Hub, GraphqlError>;

    /// Only in a subscription.
    fn source(&self) -> Result<&Source, GraphqlError>;
}

impl ContextExt for Context<'_> {
    fn tasks(&self) -> Result<&UserTasks, GraphqlError> {
        self.data_opt().ok_or_else(|| Error::internal("the context has no user").into())
    }

    fn live(&self) -> Result<&Hub, GraphqlError> {
        self.data_opt().ok_or_else(|| Error::internal("the context has no hub").into())
    }

    fn source(&self) -> Result<&Source, GraphqlError> {
        self.data_opt().ok_or_else(|| Error::internal("the context has no source").into())
    }
}

/// A field that is null if it fails. With `Result<Option<_>>`, null propagates to the parent.
pub(in crate::graphql) type Nullable<T> = Option<Result<T, async_graphql::Error>>;

/// Boxed: the future of any field of an object is as large as the largest of them, and async-graphql moves it three times.
pub(in crate::graphql) fn nullable<'a, T: 'a>(
    field: impl Future<Output = Result<T, GraphqlError>> + Send + 'a,
) -> BoxFuture<'a, Nullable<T>> {
    field.map(|result| Some(result.map_err(Into::into))).boxed()
}
