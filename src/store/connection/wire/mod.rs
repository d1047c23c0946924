//! Between tokio-postgres and the server: one `Sync` for a whole transaction.
//!
//! tokio-postgres ends each statement with a `Sync`, and the server answers each `Sync` by itself: a transaction of four
//! statements wakes both sides up four times. It can't be asked for less, see
//! [rust-postgres#1213](https://github.com/rust-postgres/rust-postgres/issues/1213), and
//! [#1306](https://github.com/rust-postgres/rust-postgres/issues/1306), which proposes it. Once it can, this room goes; until
//! then `DATABASE_SINGLE_SYNC=false` leaves it out.
//!
//! Of a transaction that is written as a whole, from `BEGIN` to `COMMIT`, all `Sync`s but the last are left out, and
//! tokio-postgres is told at the end of each statement what it would have been told by the server. After a failure the
//! server skips everything up to the next `Sync`, the `COMMIT` too. That must not be skipped, so that it ends the transaction
//! whatever became of it: it is sent once more. Nor must a `ROLLBACK` be, so what has one is sent as it is.
//!
//! What this takes for granted of tokio-postgres, whose version is pinned for that reason:
//!
//! - Each write to the stream is made of whole messages, but for the first packet. Anything else is refused
//!   (`InvalidData`), and the connection ends.
//! - It goes on reading while a write has to wait. Nothing is sent before a transaction is answered, as the `COMMIT` may have
//!   to be sent first; who waits for that is woken by the answer.
//! - Statements that are polled together are written together, and each ends with one `Sync`. Otherwise they are sent as they
//!   are: slower, and a test notices.
//! - With `ssl_negotiation=direct` it hands over the socket before it has sent anything (`handshake.rs`).

mod answers;
mod coalescer;
mod handshake;
mod message;
mod requests;
mod unanswered;

pub use self::coalescer::SyncCoalescer;
pub(super) use self::handshake::Wire;
