//! Idempotency keys: a client identifies a write, so that a retry isn't executed twice.

use chrono::TimeDelta;

use super::Violation;

/// The request header with the key.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The response header that marks a replayed outcome.
pub const IDEMPOTENT_REPLAYED: &str = "idempotent-replayed";
/// For how long a key is remembered. A policy of the database repeats it.
pub const KEY_LIFETIME: TimeDelta = TimeDelta::hours(24);
/// Maximum length of a key, in characters.
pub const MAX_KEY: usize = 255;

/// A key: 1 to [`MAX_KEY`] visible ASCII characters, chosen by the client, unique among the user's recent requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the values of the header, of which only one is allowed.
    pub fn from_values<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Result<Option<Self>, Violation> {
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Self::try_from(value).map(Some),
            (Some(_), Some(_)) => Err(Violation::Custom("send only one key")),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&[u8]> for IdempotencyKey {
    type Error = Violation;

    fn try_from(bytes: &[u8]) -> Result<Self, Violation> {
        match bytes.len() {
            0 => Err(Violation::TooShort(1)),
            1..=MAX_KEY if bytes.iter().all(u8::is_ascii_graphic) => {
                Ok(Self(bytes.iter().copied().map(char::from).collect()))
            }
            1..=MAX_KEY => Err(Violation::Custom("must contain only visible ASCII characters")),
            _ => Err(Violation::TooLong(MAX_KEY)),
        }
    }
}
