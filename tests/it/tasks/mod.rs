//! The operations on tasks, the same through both APIs.

mod arguments;
mod bulk;
mod concurrency;
mod errors;
mod formats;
mod idempotency;
mod limits;
mod lists;
mod many;
mod parity;
