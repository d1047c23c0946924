//! What root fields share: the caller's tasks, and the form of a field that is null when it fails.

use async_graphql::Context;
use futures::{FutureExt, future::BoxFuture};

use super::{error::GraphqlError, subscription::Source};
use crate::{error::Error, live::Hub, store::UserTasks};

/// Access to what an operation is run with.
pub(in crate::graphql) trait ContextExt {
    /// The tasks of the user who asks.
    fn tasks(&self) -> Result<&UserTasks, GraphqlError>;

    /// What wakes streams. Only subscriptions have it.
    fn live(&self) -> Result<&Hub, GraphqlError>;

    /// Where a subscription puts the source of its events.
    fn source(&self) -> Result<&Source, GraphqlError>;
}

impl ContextExt for Context<'_> {
    fn tasks(&self) -> Result<&UserTasks, GraphqlError> {
        self.data_opt().ok_or_else(|| Error::internal("the request context has no user").into())
    }

    fn live(&self) -> Result<&Hub, GraphqlError> {
        self.data_opt().ok_or_else(|| Error::internal("the request context has no hub").into())
    }

    fn source(&self) -> Result<&Source, GraphqlError> {
        self.data_opt().ok_or_else(|| Error::internal("the request context has no place for a source").into())
    }
}

/// A field that is null when it fails, with an error beside it. `Result<Option<_>>` would make null what is around it.
pub(in crate::graphql) type Nullable<T> = Option<Result<T, async_graphql::Error>>;

/// Waits for a field that is null when it fails. In a box: what resolves any field of an object is as large as the largest of
/// them, and async-graphql moves it three times.
pub(in crate::graphql) fn nullable<'a, T: 'a>(
    field: impl Future<Output = Result<T, GraphqlError>> + Send + 'a,
) -> BoxFuture<'a, Nullable<T>> {
    field.map(|done| Some(done.map_err(Into::into))).boxed()
}
