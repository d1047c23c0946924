//! GraphQL over WebSocket, subprotocol `graphql-transport-ws`.
//!
//! async-graphql-axum carries the socket: it acknowledges, multiplexes the operations and answers pings. What it does
//! otherwise than the protocol has it, `protocol` puts right on both sides of it:
//!
//! | the protocol | async-graphql 8.0.0-rc.5 |
//! | --- | --- |
//! | a message that is none closes with 4400 | 1002, and takes some of the older protocol's messages |
//! | `subscribe` before the acknowledgement closes with 4401 | 1011 |
//! | a refused `connection_init` closes with 4403, a late one with 4408 | 1002, and never |
//! | an id in use closes with 4409 | replaces the operation |
//! | an operation that doesn't run is an `error` | a `next` without data, and `complete` |
//! | nothing follows the client's `complete` | sends `complete`, which can end the next operation of that id |
//! | clients may name a document (`documentId`) | drops what it doesn't know of a request |
//!
//! It also writes bytes as lists of numbers, where `schema::json` has lists as JSON already. So requests and answers
//! travel through it in an envelope (`envelope`), and `operations` does the work. A socket is `socket`, which also keeps
//! its time, upon a connection that `metered` reads little of until the client is known.

mod close;
mod envelope;
mod init;
mod metered;
mod operations;
mod protocol;
mod socket;
mod upgrade;

pub(super) use self::upgrade::{is_upgrade, upgrade};
