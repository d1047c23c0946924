//! The checks that a token has to pass, in order, and what is reported about them.

use std::fmt;

/// One check of a token. Ordered as they run: of two errors, the greater one got further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Not too long.
    Size,
    /// Three parts, of which header and claims are JSON objects.
    Form,
    /// No unknown critical header parameter, and no `typ` of something else.
    Header,
    /// An algorithm that a key source accepts.
    Algorithm,
    /// The source's issuer.
    Issuer,
    /// The source's audience.
    Audience,
    /// A key that the source has.
    Key,
    /// Signed with that key.
    Signature,
    /// Valid now.
    Times,
    /// Issued as an access token.
    Purpose,
    /// A usable user id.
    User,
}

impl Check {
    /// Its name in the output of `tandem check`.
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

/// Why a token is refused. Sent to the client, so nothing secret is in it.
#[derive(Clone, Debug)]
pub(super) struct TokenError {
    /// The check that failed.
    pub check: Check,
    /// Why it failed.
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
    /// What was checked.
    pub check: Check,
    /// Whether it passed.
    pub has_passed: bool,
    /// What was found.
    pub detail: String,
}

/// The findings of all checks. Requests don't collect any; [`Trail::kept`] does.
#[derive(Default)]
pub(super) struct Trail(Option<Vec<Finding>>);

impl Trail {
    pub(super) fn kept() -> Self {
        Self(Some(Vec::new()))
    }

    pub(super) fn passed(&mut self, check: Check, detail: impl FnOnce() -> String) {
        self.note(check, true, detail);
    }

    pub(super) fn failed(&mut self, error: &TokenError) {
        self.note(error.check, false, || error.reason.clone());
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.0.unwrap_or_default()
    }

    fn note(&mut self, check: Check, has_passed: bool, detail: impl FnOnce() -> String) {
        if let Some(findings) = &mut self.0 {
            // A source that has fetched a key repeats its checks.
            findings.retain(|finding| finding.check != check);
            findings.push(Finding { check, has_passed, detail: detail() });
        }
    }
}

/// Text from a token, safe to show: short, printable, without quotes.
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
