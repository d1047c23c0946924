//! What sources are read as, and mapped from.

use serde_json::{Map, Value};

/// A row of a table, or a line of a file.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Its line, if it is in a file.
    pub(super) line: Option<u64>,
    pub(super) values: Map<String, Value>,
    /// Its tags, as far as they are in other tables.
    pub(super) tags: Value,
    /// Why it can't be read, if so.
    pub(super) flaw: Option<String>,
}

/// What names are compared by: `user_id`, `userId` and `User-ID` are the same.
pub(super) fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}
