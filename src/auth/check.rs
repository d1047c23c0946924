//! The checks a token goes through, in their order, and what is told about them.

use std::fmt;

/// One check of a token. The order is that of the checks: of two refusals, the later one came further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// It is not too long.
    Size,
    /// It has three parts, two of them JSON objects.
    Form,
    /// Its header asks for nothing unknown, and doesn't say that it is something else.
    Header,
    /// A key source is for its algorithm.
    Algorithm,
    /// It comes from the source's issuer.
    Issuer,
    /// It was made for the source's audience.
    Audience,
    /// The source has the key it names.
    Key,
    /// That key made the signature.
    Signature,
    /// It is valid now.
    Times,
    /// It was issued as an access token.
    Purpose,
    /// It says whose it is.
    User,
}

impl Check {
    /// A word for it.
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

/// The check that failed, and why: for the client, so nothing secret is in it.
#[derive(Clone, Debug)]
pub(super) struct TokenError {
    /// The check.
    pub check: Check,
    /// Why it failed.
    pub reason: String,
}

impl TokenError {
    pub(super) fn new(check: Check, reason: impl Into<String>) -> Self {
        Self { check, reason: reason.into() }
    }
}

/// A line for people who want to know why a token is accepted or refused.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was checked.
    pub check: Check,
    /// Whether it passed.
    pub has_passed: bool,
    /// What was found.
    pub detail: String,
}

/// What was found on the way. A request keeps none: only [`Trail::kept`] writes anything down.
#[derive(Default)]
pub(super) struct Trail(Option<Vec<Finding>>);

impl Trail {
    pub(super) fn kept() -> Self {
        Self(Some(Vec::new()))
    }

    pub(super) fn passed(&mut self, check: Check, detail: impl FnOnce() -> String) {
        self.note(check, true, detail);
    }

    pub(super) fn failed(&mut self, refusal: &TokenError) {
        self.note(refusal.check, false, || refusal.reason.clone());
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.0.unwrap_or_default()
    }

    fn note(&mut self, check: Check, has_passed: bool, detail: impl FnOnce() -> String) {
        if let Some(findings) = &mut self.0 {
            // A source that had to fetch a key checks again.
            findings.retain(|finding| finding.check != check);
            findings.push(Finding { check, has_passed, detail: detail() });
        }
    }
}

/// Text of a token's sender in an answer: short, printable, and unable to break out of where it stands.
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
