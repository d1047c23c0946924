//! The checks of a token, in order, and their results.

use std::fmt;

/// A check. Ordered as they run: of two errors, the greater one got further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The token is not too long.
    Size,
    /// It has three parts, and its header and claims are JSON objects.
    Form,
    /// It has no critical header parameters, and `typ` is that of an access token.
    Header,
    /// A key source accepts its algorithm.
    Algorithm,
    /// It is from the source's issuer.
    Issuer,
    /// It is for the source's audience.
    Audience,
    /// The source has its key.
    Key,
    /// That key signed it.
    Signature,
    /// It is valid now.
    Times,
    /// It was issued as an access token.
    Purpose,
    /// It has a valid user id.
    User,
}

impl Check {
    /// The name in the output of `tandem check`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Form => "form",
            Self::Header => "header",
            Self::Algorithm => "algorithm",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Times => "times",
            Self::Purpose => "purpose",
            Self::User => "user",
        }
    }
}

/// Why a token is refused. The client sees it, so it must not contain secrets.
#[derive(Clone, Debug)]
pub(crate) struct TokenError {
    /// The check that failed.
    pub check: Check,
    /// The reason.
    pub reason: String,
}

impl TokenError {
    pub(super) fn new(check: Check, reason: impl Into<String>) -> Self {
        Self { check, reason: reason.into() }
    }
}

/// The result of one check, for people who want to know why a token is accepted or refused.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// Whether it passed.
    pub has_passed: bool,
    /// Details, or why it failed.
    pub detail: String,
}

/// Records the findings of all checks. By default, as for requests, it records nothing.
#[derive(Default)]
pub(crate) struct Trail(Option<Vec<Finding>>);

impl Trail {
    pub(super) fn recording() -> Self {
        Self(Some(Vec::new()))
    }

    pub(super) fn passed(&mut self, check: Check, detail: impl FnOnce() -> String) {
        self.record(check, true, detail);
    }

    pub(super) fn failed(&mut self, error: &TokenError) {
        self.record(error.check, false, || error.reason.clone());
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.0.unwrap_or_default()
    }

    fn record(&mut self, check: Check, has_passed: bool, detail: impl FnOnce() -> String) {
        if let Some(findings) = &mut self.0 {
            // After fetching a key, a source repeats its checks.
            findings.retain(|finding| finding.check != check);
            findings.push(Finding { check, has_passed, detail: detail() });
        }
    }
}

/// Formats text from a token so that it is safe to print: short, without quotes and unprintable characters.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 64;
        let printable = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { '?' };
        let shown: String = self.0.chars().take(LONGEST).map(printable).collect();
        let rest = if self.0.chars().nth(LONGEST).is_some() { "…" } else { "" };
        write!(f, "\"{shown}{rest}\"")
    }
}
