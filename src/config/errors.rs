//! Invalid settings.

use std::fmt;

/// One line for each invalid setting, so that all of them can be fixed at once.
#[derive(Debug, Default)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// Adds an invalid setting. The reason must not contain secrets.
    pub(super) fn push(&mut self, name: &str, reason: impl fmt::Display) {
        self.0.push(format!("{name}: {reason}"));
    }

    /// Fails if there are any errors.
    pub(super) fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid settings\n  ")?;
        f.write_str(&self.0.join("\n  "))
    }
}
