//! Moving in from another task backend, and out again: for operators, and for users who take their data along.
//!
//! What an old backend has is not trusted: its values pass the constructors of [`crate::task`], and are written through the
//! store, as the user they belong to.

mod export;
mod id_map;
mod import;
mod line;
mod mapping;
mod progress;
mod record;
mod report;
mod sources;
mod values;

pub use self::{
    export::{Export, Lines},
    import::{Import, Imported, import},
    mapping::Rename,
};
