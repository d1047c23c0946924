//! Rows as diesel reads them.

use chrono::{DateTime, Utc};
use diesel::prelude::{Queryable, Selectable};
use serde::Deserialize;
use uuid::Uuid;

use super::schema::tasks;
use crate::task::Task;

#[derive(Deserialize, Queryable, Selectable)]
#[diesel(table_name = tasks, check_for_backend(diesel::pg::Pg))]
pub(super) struct TaskRow {
    user_id: String,
    id: Uuid,
    title: String,
    description: Option<String>,
    completed: bool,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<TaskRow> for Task {
    fn from(row: TaskRow) -> Self {
        Self {
            user_id: row.user_id,
            id: row.id.into(),
            title: row.title,
            description: row.description,
            completed: row.completed,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
