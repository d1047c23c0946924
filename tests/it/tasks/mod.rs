//! The operations on tasks, the same through both APIs.

mod arguments;
mod bulk;
mod concurrency;
mod errors;
mod fields;
mod formats;
mod idempotency;
mod limits;
mod list_model;
mod lists;
mod many;
mod parity;
mod zones;
