//! What `/graphql` is served with, whatever the transport.

use std::convert::Infallible;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};

use super::engine::Schema;
use crate::{auth::Verifier, store::Db, streams::Streams};

/// What answers at the endpoint.
pub(super) struct Endpoint {
    pub(super) schema: Schema,
    pub(super) verifier: Verifier,
    pub(super) db: Db,
    pub(super) streams: Streams,
}

impl<S> FromRequestParts<S> for Endpoint
where
    S: Sync,
    Schema: FromRef<S>,
    Verifier: FromRef<S>,
    Db: FromRef<S>,
    Streams: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self {
            schema: Schema::from_ref(state),
            verifier: Verifier::from_ref(state),
            db: Db::from_ref(state),
            streams: Streams::from_ref(state),
        })
    }
}
