//! Tokens by result.

use metrics::{Counter, counter};

use super::recorder;

pub(super) const TOKENS: &str = "tandem_tokens_total";

pub(super) struct Tokens {
    cached: Counter,
    verified: Counter,
    refused: Counter,
}

impl Tokens {
    pub(super) fn register() -> Self {
        let result = |result: &'static str| counter!(TOKENS, "result" => result);
        Self { cached: result("cached"), verified: result("verified"), refused: result("refused") }
    }
}

/// The result of checking a token.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TokenResult {
    /// Verified earlier.
    Cached,
    /// Verified now.
    Verified,
    /// Refused.
    Refused,
}

/// Counts a token.
pub(crate) fn token_checked(result: TokenResult) {
    let Some(Tokens { cached, verified, refused }) = recorder().map(|recorder| &recorder.tokens) else { return };
    match result {
        TokenResult::Cached => cached.increment(1),
        TokenResult::Verified => verified.increment(1),
        TokenResult::Refused => refused.increment(1),
    }
}
