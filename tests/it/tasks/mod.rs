//! The operations on tasks, the same through both APIs.

mod arguments;
mod bulk;
mod concurrency;
mod erasure;
mod errors;
mod fields;
mod formats;
mod idempotency;
mod ids;
mod limits;
mod list_model;
mod lists;
mod many;
mod parity;
mod push;
mod push_model;
mod quota;
mod trash;
mod zones;
