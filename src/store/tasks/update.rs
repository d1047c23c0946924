//! Changes to fields of a task.

use diesel::sql_types::{Array, Bool, Date, Nullable, SmallInt, Text, Time, Timestamptz};
use serde::Serialize;

use super::{
    rows::{DueColumns, TagColumns, TaskRow, task_columns},
    target::TaskTarget,
};
use crate::{
    store::sql::statement::{Write, WriteStatement},
    task::{Description, Due, DueChange, Priority, TaskPatch, TimeZone, Title},
};

/// Changes what is given of a task.
#[derive(Serialize)]
pub(super) struct Update {
    target: TaskTarget,
    columns: ChangedColumns,
    /// The version of the task that the due date was computed from, if it depends on the task's.
    #[serde(skip)]
    read: Option<i64>,
}

/// The columns an update sets. `None` keeps what is there, and is left out of the fingerprint.
#[derive(Serialize)]
struct ChangedColumns {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<ChangedDue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<TagColumns>,
}

/// What was asked for, which is part of the fingerprint.
#[derive(Serialize)]
enum ChangedDue {
    To(DueColumns),
    Zone(Option<String>, #[serde(skip)] DueColumns),
}

impl ChangedDue {
    fn columns(&self) -> &DueColumns {
        match self {
            Self::To(columns) | Self::Zone(_, columns) => columns,
        }
    }
}

impl Update {
    pub(super) fn new(target: TaskTarget, patch: TaskPatch) -> Self {
        Self::of_task(target, patch, None)
    }

    /// An update of a task that was read before, whose due date moves to another zone.
    pub(super) fn of_task(target: TaskTarget, patch: TaskPatch, moved: Option<(i64, Due)>) -> Self {
        let TaskPatch { title, description, completed, priority, due, tags } = patch;
        let (read, moved) = moved.unzip();
        let due = due.map(|change| match change {
            DueChange::Set(due) => ChangedDue::To(due.into()),
            DueChange::Zone(zone) => ChangedDue::Zone(zone.as_ref().map(zone_name), moved.into()),
        });
        let columns = ChangedColumns {
            title: title.map(Title::into_string),
            description: description.map(|text| text.map(Description::into_string)),
            completed,
            priority: priority.map(Priority::level),
            due,
            tags: tags.map(Into::into),
        };
        Self { target, columns, read }
    }
}

fn zone_name(zone: &TimeZone) -> String {
    zone.name().to_owned()
}

impl Write for Update {
    const NAME: &'static str = "update";
    type Row = TaskRow;
    const SQL: &'static str = concat!(
        "UPDATE tasks
         SET title = coalesce($4, title),
             description = CASE WHEN $5 THEN $6 ELSE description END,
             completed = coalesce($7, completed),
             completed_at = CASE WHEN NOT coalesce($7, completed) THEN NULL WHEN completed THEN completed_at
                            ELSE (SELECT statement_timestamp()) END,
             priority = coalesce($8, priority),
             due_date = CASE WHEN $9 THEN $10 ELSE due_date END,
             due_time = CASE WHEN $9 THEN $11 ELSE due_time END,
             due_zone = CASE WHEN $9 THEN $12 ELSE due_zone END,
             due_at = CASE WHEN $9 THEN $13 ELSE due_at END,
             tags = coalesce($14, tags),
             tag_keys = CASE WHEN $14 IS NULL THEN tag_keys ELSE $15 END,
             version = version + 1, position = tandem_position(), updated_at = statement_timestamp()
         WHERE user_id = $1 AND current_user = 'tandem_api' AND id = $2 AND coalesce(version = $3, true)
         RETURNING ",
        task_columns!()
    );

    fn statement<'a>(&'a self, owner: &'a str) -> impl WriteStatement<'a, TaskRow> {
        let ChangedColumns { title, description, completed, priority, due, tags } = &self.columns;
        let DueColumns { date, time, zone, at } = due.as_ref().map(ChangedDue::columns).cloned().unwrap_or_default();
        let target = TaskTarget { expected: self.target.expected.or(self.read), ..self.target };
        target
            .statement(owner, Self::SQL)
            .bind::<Nullable<Text>, _>(title)
            .bind::<Bool, _>(description.is_some())
            .bind::<Nullable<Text>, _>(description.as_ref().and_then(Option::as_ref))
            .bind::<Nullable<Bool>, _>(completed)
            .bind::<Nullable<SmallInt>, _>(priority)
            .bind::<Bool, _>(due.is_some())
            .bind::<Nullable<Date>, _>(date)
            .bind::<Nullable<Time>, _>(time)
            .bind::<Nullable<Text>, _>(zone)
            .bind::<Nullable<Timestamptz>, _>(at)
            .bind::<Nullable<Array<Text>>, _>(tags.as_ref().map(|tags| &tags.names))
            .bind::<Nullable<Array<Text>>, _>(tags.as_ref().and_then(|tags| tags.keys.as_ref()))
    }
}
