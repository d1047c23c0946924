//! Who is on the other side of a socket: the token in `connection_init`, or in the header of the request that was upgraded.

use std::sync::{Arc, OnceLock};

use axum::http::HeaderMap;
use serde_json::Value;

use super::close::Close;
use crate::{
    auth::{VerifiedToken, Verifier},
    error::{Code, Error},
    http::{
        rate_limiting::Client,
        streams::{Outlet, StreamPermit, Streams},
    },
    telemetry::UpgradeRequest,
};

/// The names that a payload may have a token under, or its `headers`, as Hasura's clients send it.
const TOKEN_NAMES: [&str; 3] = ["Authorization", "authorization", "token"];

/// What `connection_init` came to, once it did.
pub(super) type Admission = Arc<OnceLock<Result<Admitted, Close>>>;

/// A client that was let in.
pub(super) struct Admitted {
    pub(super) session: VerifiedToken,
    pub(super) permit: StreamPermit,
}

/// What it takes to let a client in.
pub(super) struct Door {
    pub(super) verifier: Verifier,
    pub(super) streams: Streams,
    /// The address, if tokens are counted by address.
    pub(super) client: Option<Client>,
    /// Of the request that was upgraded.
    pub(super) headers: HeaderMap,
    pub(super) origin: Arc<UpgradeRequest>,
}

impl Door {
    /// Lets a client in by the payload of `connection_init`.
    pub(super) async fn admit(self, payload: Value) -> Result<Admitted, Close> {
        let session = self.session(&payload).await.map_err(|error| refused(&error))?;
        let permit = self.streams.open(session.user(), Outlet::WebSocket).map_err(|error| refused(&error))?;
        Ok(Admitted { session, permit })
    }

    async fn session(&self, payload: &Value) -> Result<VerifiedToken, Error> {
        let Some(token) = token(payload) else { return self.verifier.authenticate(&self.headers).await };
        if let Some(client) = &self.client
            && !self.verifier.remembers_token(token)
        {
            client.check_refused_tokens()?;
        }
        let session = self.verifier.verify(token).await;
        if let (Err(error), Some(client)) = (&session, &self.client)
            && error.is_invalid_token()
        {
            client.charge_refused_token();
        }
        session
    }
}

/// The token in a payload, with `Bearer` before it or without.
fn token(payload: &Value) -> Option<&str> {
    let objects = [Some(payload), payload.get("headers")];
    let mut values = objects.into_iter().flatten().flat_map(|object| TOKEN_NAMES.map(|name| object.get(name)));
    let text = values.find_map(|value| value?.as_str())?.trim();
    let (scheme, token) = text.split_once(' ').unwrap_or(("", text));
    Some(if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { text })
}

fn refused(error: &Error) -> Close {
    error.log();
    match error.code() {
        Code::TooManyStreams | Code::RateLimited | Code::ServiceUnavailable => Close::try_again_later(error.message()),
        _ => Close::forbidden(error.message()),
    }
}
