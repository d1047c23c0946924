//! The result of a check, with advice.

use std::fmt;

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    level: Level,
    check: &'static str,
    detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warning,
    Failure,
    Skipped,
}

impl Verdict {
    pub(super) fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { level: Level::Ok, check, detail: detail.into() }
    }

    /// The server works, but this should be changed.
    pub(super) fn warning(check: &'static str, detail: impl Into<String>) -> Self {
        Self { level: Level::Warning, check, detail: detail.into() }
    }

    /// The server would not start, or not serve.
    pub(super) fn failure(check: &'static str, detail: impl Into<String>) -> Self {
        Self { level: Level::Failure, check, detail: detail.into() }
    }

    pub(super) fn skipped(check: &'static str, reason: impl Into<String>) -> Self {
        Self { level: Level::Skipped, check, detail: reason.into() }
    }

    /// Whether the server would not start, or not serve.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.level == Level::Failure
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warn",
            Level::Failure => "FAIL",
            Level::Skipped => "skip",
        };
        write!(f, "{level:4}  {}: {}", self.check, self.detail)
    }
}
