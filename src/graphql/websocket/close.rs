//! The codes that a socket is closed with: those of `graphql-transport-ws`, and of RFC 6455's registry.

use std::borrow::Cow;

use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

use crate::http::streams::Ended;

/// The longest reason that fits a close frame, in bytes.
const MAX_REASON: usize = 123;

/// How a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    reason: Cow<'static, str>,
}

impl Close {
    pub(super) const RESTART: Self = Self::new(1012, "Service restart");
    pub(super) const TOO_LARGE: Self = Self::new(1009, "Message too large (SOCKET_MAX_MESSAGE)");
    pub(super) const UNAUTHORIZED: Self = Self::new(4401, "Unauthorized");
    pub(super) const TOKEN_ENDED: Self = Self::new(4403, "Forbidden: the token is no longer accepted");
    pub(super) const NO_SUBPROTOCOL: Self = Self::new(4406, "Subprotocol not acceptable: use graphql-transport-ws");
    pub(super) const NO_INIT: Self = Self::new(4408, "Connection initialisation timeout");
    pub(super) const FLOODED: Self = Self::new(1013, "Too many operations beyond the rate limit, try again later");
    pub(super) const SECOND_INIT: Self = Self::new(4429, "Too many initialisation requests");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    /// The client sent something that is not of the protocol.
    pub(super) fn invalid(what: impl std::fmt::Display) -> Self {
        Self { code: 4400, reason: format!("Invalid message: {what}").into() }
    }

    /// The client may not connect.
    pub(super) fn forbidden(why: &str) -> Self {
        Self { code: 4403, reason: format!("Forbidden: {why}").into() }
    }

    /// The client may connect later.
    pub(super) fn try_again_later(why: &str) -> Self {
        Self { code: 1013, reason: why.to_owned().into() }
    }

    /// The id of a running operation was used for another one.
    pub(super) fn duplicate(id: &str) -> Self {
        Self { code: 4409, reason: format!("Subscriber for {id} already exists").into() }
    }

    /// How a socket ends for this reason; `None` if its client can't be told.
    pub(super) fn of(ended: Ended) -> Option<Self> {
        match ended {
            Ended::NoInit => Some(Self::NO_INIT),
            Ended::Token => Some(Self::TOKEN_ENDED),
            Ended::Shutdown => Some(Self::RESTART),
            Ended::Stalled | Ended::Silent | Ended::Refused | Ended::Failed => None,
        }
    }
}

impl From<Close> for Message {
    fn from(Close { code, reason }: Close) -> Self {
        let cut = reason.floor_char_boundary(MAX_REASON);
        let reason = reason.get(..cut).unwrap_or_default();
        Self::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_its_frame() {
        let Message::Close(Some(frame)) = Close::duplicate(&format!("x{}", "ü".repeat(100))).into() else {
            panic!("no close frame")
        };
        assert_eq!((frame.code.into(), frame.reason.len()), (4409_u16, MAX_REASON - 1));
    }
}
