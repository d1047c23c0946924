//! Between tokio-postgres and the server: one Sync for several statements.
//!
//! tokio-postgres ends each statement with a Sync, and the server sends the answer to each Sync by itself: a transaction of
//! four statements wakes both sides up four times. Here the statements that were written together lose their Syncs but for
//! the last one, and tokio-postgres is told at the end of each statement what it would have been told by the server.
//!
//! After a failure the server skips everything up to the next Sync, and so the last statement, too. But a COMMIT must not be
//! skipped, so that it ends the transaction whatever became of it: a last statement that was skipped is sent once more.

mod answers;
mod handshake;
mod message;
mod requests;
mod stream;
mod unanswered;

pub(in crate::store) use self::handshake::Wire;
