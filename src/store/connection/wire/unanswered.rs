//! What the server has been asked for and has not answered.

use std::collections::VecDeque;

/// How the answer to a statement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The server says that it is ready.
    Ready,
    /// The server goes on with the next statement, as the `Sync` of this one was left out.
    NoSync,
    /// The server says that it is ready, with the `COMMIT` of a transaction without other `Sync`s.
    Commit,
    /// The same, but it has skipped the `COMMIT`, which is sent once more then.
    SkippedCommit,
}

#[derive(Debug, Default)]
pub(super) struct Unanswered {
    pub(super) ends: VecDeque<End>,
    /// The messages of a `COMMIT`, while the server may skip it.
    pub(super) commit: Vec<u8>,
}

impl Unanswered {
    /// Whether a `COMMIT` may have to be sent before anything else is.
    pub(super) fn may_repeat_commit(&self) -> bool {
        !self.commit.is_empty()
    }
}
