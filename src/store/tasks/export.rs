//! The trash in the order of deletion, for exports.

use diesel::sql_types::{self, BigInt, Interval, Text};

use super::{
    rows::task_columns,
    trash::{TrashedRow, in_trash},
};
use crate::{
    store::sql::statement::{Read, Sql, Statement},
    task::Position,
};
use chrono::TimeDelta;

/// The next tasks in the trash behind a deletion, oldest first.
pub(super) struct ExportTrash {
    pub(super) after: Position,
    pub(super) limit: i64,
    pub(super) lifetime: TimeDelta,
}

impl Read for ExportTrash {
    const NAME: &'static str = "export_trash";
    type Row = TrashedRow;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<TrashedRow> + 'a {
        const SQL: &str = concat!(
            "SELECT ",
            task_columns!(),
            ", deleted_at FROM deleted_tasks WHERE user_id = $1 AND current_user = 'tandem_api' AND ",
            in_trash!(),
            " AND (position, id) > ($3, $4) ORDER BY position, id LIMIT $5"
        );
        Sql::<TrashedRow>::returning(SQL)
            .bind::<Text, _>(owner)
            .bind::<Interval, _>(self.lifetime)
            .bind::<BigInt, _>(self.after.number)
            .bind::<sql_types::Uuid, _>(self.after.id)
            .bind::<BigInt, _>(self.limit)
    }
}
