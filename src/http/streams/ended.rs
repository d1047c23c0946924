//! Why a stream ended.

/// Why a stream ended, unless its client was done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The client did not say who it is in time.
    NoInit,
    /// The token expired, or its key was withdrawn.
    Token,
    /// The server is being stopped.
    Shutdown,
    /// The client read nothing for too long.
    Stalled,
    /// The client did not answer pings.
    Silent,
    /// The client broke the protocol, or was refused.
    Refused,
    /// What is streamed failed.
    Failed,
}

impl Ended {
    /// Its name in metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NoInit => "no_init",
            Self::Token => "token",
            Self::Shutdown => "shutdown",
            Self::Stalled => "stalled",
            Self::Silent => "silent",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}
