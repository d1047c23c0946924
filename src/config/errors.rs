//! What is wrong with the settings.

use std::fmt;

/// One line for each invalid setting, so that all of them can be fixed at once.
#[derive(Debug, Default)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// The setting of this name is invalid because of this. The reason must not show a secret.
    pub(super) fn push(&mut self, name: &str, reason: impl fmt::Display) {
        self.0.push(format!("{name}: {reason}"));
    }

    /// Fails if there are any.
    pub(super) fn none_or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid settings\n  ")?;
        f.write_str(&self.0.join("\n  "))
    }
}
