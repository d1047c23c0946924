//! What the server has been asked for and has not answered.

use std::collections::VecDeque;

/// The end of the answer to a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::connection::wire) enum End {
    /// The server says that it is ready.
    Ready,
    /// The server goes on with the next statement.
    Joined,
    /// The server says that it is ready, with the last one of joined statements.
    Last,
    /// The same, but it has skipped that one, which is sent once more then.
    Skipped,
}

#[derive(Debug, Default)]
pub(in crate::store::connection::wire) struct Unanswered {
    pub(in crate::store::connection::wire) ends: VecDeque<End>,
    /// The last one of joined statements, while the server may skip it.
    pub(in crate::store::connection::wire) last: Vec<u8>,
}

impl Unanswered {
    /// Whether something may have to be sent before anything else is.
    pub(in crate::store::connection::wire) fn has_joined(&self) -> bool {
        !self.last.is_empty()
    }
}
