//! Changes to fields of a task.

use diesel::sql_types::{Array, Bool, Date, Nullable, SmallInt, Text, Time, Timestamptz};
use serde::{Deserialize, Serialize};

use super::{
    owned::HasOwner,
    push::{self, EditedRows, FindChanges, FoundRow},
    rows::{DueColumns, TagColumns, TaskRow, task_columns},
    target::TaskTarget,
};
use crate::{
    store::sql::statement::{Merge, Read, Sql, Statement, Write, WriteStatement},
    task::{Change, Description, Due, DueChange, Merged, Priority, TaskPatch, TimeZone, Title, Violation, states_of},
};

/// Changes what is given of a task. What the due date becomes must not depend on the task's.
#[derive(Serialize)]
pub(super) struct Update {
    target: TaskTarget,
    columns: ChangedColumns,
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
    due: Option<DueColumns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<TagColumns>,
}

impl From<TaskPatch> for ChangedColumns {
    fn from(TaskPatch { title, description, completed, priority, due, tags }: TaskPatch) -> Self {
        let due = due.and_then(|change| match change {
            DueChange::Set(due) => Some(due.into()),
            DueChange::Zone(_) => None,
        });
        Self {
            title: title.map(Title::into_string),
            description: description.map(|text| text.map(Description::into_string)),
            completed,
            priority: priority.map(Priority::level),
            due,
            tags: tags.map(Into::into),
        }
    }
}

impl Update {
    pub(super) fn new(target: TaskTarget, patch: TaskPatch) -> Self {
        Self { target, columns: patch.into() }
    }
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
        let DueColumns { date, time, zone, at } = due.clone().unwrap_or_default();
        self.target
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

/// Moves a task's due date to another zone, at the same time by the wall clock, and changes what else is given.
#[derive(Serialize)]
pub(super) struct MoveDue {
    target: TaskTarget,
    zone: Option<String>,
    columns: ChangedColumns,
    #[serde(skip)]
    of: FindChanges,
    #[serde(skip)]
    to: Option<TimeZone>,
    #[serde(skip)]
    patch: TaskPatch,
}

/// What became of it. Only what was done is stored.
#[derive(Deserialize, Serialize)]
pub(super) enum MovedRow {
    Done(TaskRow),
    /// The task is at another version.
    #[serde(skip)]
    Conflict(TaskRow),
    #[serde(skip)]
    Invalid(Violation),
}

impl HasOwner for MovedRow {
    fn owner(&self) -> Option<&str> {
        match self {
            Self::Done(row) | Self::Conflict(row) => row.owner(),
            Self::Invalid(_) => None,
        }
    }
}

impl MoveDue {
    pub(super) fn new(target: TaskTarget, zone: Option<TimeZone>, patch: TaskPatch) -> Self {
        let name = zone.as_ref().map(|zone| zone.name().to_owned());
        let of = FindChanges(vec![target.id.into()]);
        Self { target, zone: name, columns: patch.clone().into(), of, to: zone, patch }
    }

    /// The new due date. A task that has no time is in no zone.
    fn moved(&self, due: Option<&Due>) -> Result<Option<Due>, Violation> {
        match due.and_then(|due| due.in_zone(self.to.clone())) {
            Some(moved) => moved.map(Some),
            None if self.to.is_none() => Ok(due.cloned()),
            None => Err(Violation::Custom("only a task that is due at a time has a time zone")),
        }
    }
}

impl Merge for MoveDue {
    const NAME: &'static str = "move_due";
    type Found = FoundRow;
    type Row = MovedRow;
    type Edits = EditedRows;
    const GOES_ON_AT_QUOTA: bool = true;

    fn read<'a>(&'a self, owner: &'a str) -> impl Statement<FoundRow> + 'a {
        self.of.statement(owner)
    }

    /// No row if there is no such task.
    fn decide(&self, _owner: &str, found: Vec<FoundRow>, _room: usize) -> (EditedRows, Vec<MovedRow>) {
        let (time, found) = push::read(found);
        let Some(Change::Task(task)) = states_of(&self.of.0, time, found).pop() else { return Default::default() };
        let nothing = |row| (EditedRows::default(), vec![row]);
        if self.target.expected.is_some_and(|version| version != task.version) {
            return nothing(MovedRow::Conflict(task.into()));
        }
        let due = match self.moved(task.due.as_ref()) {
            Ok(due) => due,
            Err(violation) => return nothing(MovedRow::Invalid(violation)),
        };
        let has_time = task.due.as_ref().is_some_and(|due| due.time().is_some());
        if !has_time && (TaskPatch { due: None, ..self.patch.clone() }).is_empty() {
            return nothing(MovedRow::Done(task.into()));
        }
        let moved = self.patch.clone().apply(&task, due, time.changes);
        let rows = vec![MovedRow::Done(moved.clone().into())];
        (EditedRows::new(time, false, Merged { updated: vec![moved], ..Merged::default() }), rows)
    }

    fn creations(_: &EditedRows) -> usize {
        0
    }

    fn statements<'a>(edits: &'a EditedRows, owner: &'a str) -> Vec<Sql<'a>> {
        edits.statements(owner)
    }
}
