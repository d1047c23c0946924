//! The last wall: whatever let a row of another user through, it is never an answer.

use crate::{
    auth::CurrentUser,
    error::{Error, Result},
    telemetry,
};

/// A row that comes back from the database.
pub(super) trait HasOwner {
    /// Whose it is; `None` of a row that has nothing that users wrote.
    fn owner(&self) -> Option<&str> {
        None
    }
}

/// These rows, if none is another user's.
pub(super) fn all_of<R: HasOwner>(user: &CurrentUser, rows: Vec<R>) -> Result<Vec<R>> {
    if rows.iter().filter_map(HasOwner::owner).all(|owner| owner == user.id()) {
        return Ok(rows);
    }
    telemetry::foreign_row();
    Err(Error::internal("the database answered with a row of another user: run `tandem doctor`, and keep what it says"))
}
