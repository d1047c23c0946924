//! What a replica pushes: the tasks as it has them now, and as it had them before. Each push is merged, in order, with what
//! the ones before it left.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{
    Change, DeletedTask, Description, Due, FieldError, NewTask, Priority, Tags, Task, TaskId, Title, Violation,
};

/// The names of the two sides of a push.
const TASK: &str = "task";
const BASE: &str = "base";

/// All of a task that clients set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskState {
    /// The title.
    pub title: Title,
    /// The description, if any.
    pub description: Option<Description>,
    /// Whether it is completed.
    pub completed: bool,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is due, if ever.
    pub due: Option<Due>,
    /// The tags.
    pub tags: Tags,
}

impl TaskState {
    /// A new task in this state.
    #[must_use]
    pub fn into_new(self, id: Option<TaskId>) -> NewTask {
        let Self { title, description, completed, priority, due, tags } = self;
        NewTask { id, title, description, completed, priority, due, tags }
    }

    fn create(&self, user_id: &str, id: TaskId, now: DateTime<Utc>) -> Task {
        let Self { title, description, completed, priority, due, tags } = self.clone();
        Task {
            user_id: user_id.to_owned(),
            id,
            title: title.into_string(),
            description: description.map(Description::into_string),
            completed,
            version: 1,
            created_at: now,
            updated_at: now,
            position: 0,
            priority,
            due,
            tags: tags.into_parts().0,
            completed_at: completed.then_some(now),
        }
    }

    fn is_state_of(&self, row: &Task) -> bool {
        self.fields() == Fields::of(row)
    }

    /// The row with what the client changed, if nobody else has changed the same.
    fn rebase(&self, base: &Self, row: &Task) -> Option<Task> {
        let (new, base, old) = (self.fields(), base.fields(), Fields::of(row));
        Some(Task {
            title: merged(old.title, &base.title, new.title)?.to_owned(),
            description: merged(old.description, &base.description, new.description)?.map(ToOwned::to_owned),
            completed: merged(old.completed, &base.completed, new.completed)?,
            priority: merged(old.priority, &base.priority, new.priority)?,
            due: merged(old.due, &base.due, new.due)?.map(|WallClock(due)| due.clone()),
            tags: merged(old.tags, &base.tags, new.tags)?.to_vec(),
            ..row.clone()
        })
    }

    fn fields(&self) -> Fields<'_> {
        Fields {
            title: self.title.as_str(),
            description: self.description.as_ref().map(Description::as_str),
            completed: self.completed,
            priority: self.priority,
            due: self.due.as_ref().map(WallClock),
            tags: self.tags.names(),
        }
    }
}

/// What clients set, as it is compared.
#[derive(PartialEq)]
struct Fields<'a> {
    title: &'a str,
    description: Option<&'a str>,
    completed: bool,
    priority: Priority,
    due: Option<WallClock<'a>>,
    tags: &'a [String],
}

impl<'a> Fields<'a> {
    fn of(row: &'a Task) -> Self {
        Self {
            title: &row.title,
            description: row.description.as_deref(),
            completed: row.completed,
            priority: row.priority,
            due: row.due.as_ref().map(WallClock),
            tags: &row.tags,
        }
    }
}

/// Compared without the instant, for which another release may know another offset.
struct WallClock<'a>(&'a Due);

impl PartialEq for WallClock<'_> {
    fn eq(&self, Self(other): &Self) -> bool {
        let parts = |due: &Due| (due.date(), due.time(), due.zone().cloned());
        parts(self.0) == parts(other)
    }
}

/// A field that a client changed from its base, in a row that others may have changed as well; `None` if both have.
fn merged<T: PartialEq>(row: T, base: &T, new: T) -> Option<T> {
    if new == *base || new == row { Some(row) } else { (row == *base).then_some(new) }
}

/// A change that a client made to its replica of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPush {
    /// The task.
    pub id: TaskId,
    /// What became of it.
    pub change: PushedChange,
}

/// What a client made of a task. The base is what the client had when it made the change, if it had the task at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushedChange {
    /// It has this state now.
    Set {
        /// Now.
        task: TaskState,
        /// Before.
        base: Option<TaskState>,
    },
    /// It was deleted.
    Delete {
        /// Before.
        base: Option<TaskState>,
    },
    /// Something invalid, which is refused: the client is told what is there.
    Refused,
}

/// What a client pushes at once, in order.
#[derive(Debug, Default)]
pub struct Pushes {
    /// Those whose ids are ids.
    pub pushes: Vec<TaskPush>,
    /// Why some are refused.
    pub refused: Vec<PushRefusal>,
}

/// A push that is refused.
#[derive(Debug)]
pub struct PushRefusal {
    /// The id; as it was sent, if it is none.
    pub id: String,
    /// Why.
    pub reason: Refusal,
}

/// Why a push is refused.
#[derive(Debug)]
pub enum Refusal {
    /// These fields are invalid.
    Invalid(Vec<FieldError>),
    /// The user has as many tasks as they may have, which are these.
    BeyondQuota(u32),
}

/// One side of a push: a deleted task, or the state of one.
#[derive(Debug)]
pub enum Side {
    /// It is deleted.
    Deleted,
    /// It has this state, if that is valid.
    State(Result<TaskState, Vec<FieldError>>),
}

impl Pushes {
    /// Adds a push. The base is given with its id; one that is deleted is the same as none.
    pub fn add(&mut self, id: String, task: Side, base: Option<(String, Side)>) {
        let mut errors = Vec::new();
        let mut check = |object, side: Result<TaskState, Vec<FieldError>>| {
            side.map_err(|invalid| errors.extend(invalid.into_iter().map(|error| error.of(object)))).ok()
        };
        let task = match task {
            Side::Deleted => None,
            Side::State(state) => Some(check(TASK, state)),
        };
        let base = base.and_then(|(base_id, side)| match side {
            Side::Deleted => None,
            Side::State(state) => Some((base_id, check(BASE, state))),
        });
        let parsed: Result<TaskId, _> = id.parse();
        // Only what may have to be created needs an id of a new task.
        let is_new = matches!((&task, &base), (Some(_), None));
        let parsed = if is_new { parsed.and_then(TaskId::check_new) } else { parsed };
        if let Err(violation) = parsed {
            errors.push(FieldError::new("id", violation).with_input(id.as_str()).of(TASK));
        } else if let Some((base_id, _)) = base.as_ref().filter(|(base_id, _)| base_id.parse() != parsed) {
            let violation = Violation::Custom("must be the id of the task");
            errors.push(FieldError::new("id", violation).with_input(base_id.as_str()).of(BASE));
        }
        let base = base.map(|(_, state)| state);
        let change = match (task, base) {
            _ if !errors.is_empty() => PushedChange::Refused,
            (Some(Some(task)), base) => PushedChange::Set { task, base: base.flatten() },
            (_, base) => PushedChange::Delete { base: base.flatten() },
        };
        let known = id.parse().ok();
        self.pushes.extend(known.map(|id| TaskPush { id, change }));
        if !errors.is_empty() {
            let id = known.map_or(id, |id: TaskId| id.to_string());
            self.refused.push(PushRefusal { id, reason: Refusal::Invalid(errors) });
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.pushes.len() + no_ids(&self.refused).count()
    }
}

/// What became of pushes.
#[derive(Debug, Default)]
pub struct Pushed {
    /// What is there where a push wasn't applied.
    pub conflicts: Vec<Change>,
    /// Those that are refused.
    pub refused: Vec<PushRefusal>,
}

impl Pushed {
    /// Of the pushes that were refused, the ids that are none, each once: nothing can be there.
    pub fn no_ids(&self) -> impl Iterator<Item = &str> {
        no_ids(&self.refused).collect::<BTreeSet<_>>().into_iter()
    }
}

fn no_ids(refused: &[PushRefusal]) -> impl Iterator<Item = &str> {
    refused.iter().map(|refusal| refusal.id.as_str()).filter(|id| id.parse::<TaskId>().is_err())
}

/// What pushes change, and what they don't.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// New tasks, as they were at first.
    pub created: Vec<Task>,
    /// The last states of tasks that were changed. They may have been created before.
    pub updated: Vec<Task>,
    /// Tasks that were deleted. They may have been created and changed before.
    pub deleted: Vec<TaskId>,
    /// Of each push that was not applied, the state of its task at the end, each task once. What isn't there is a deletion with
    /// version 0.
    pub conflicts: Vec<Change>,
    /// Tasks that were not created because the user may have no more, each once. They are among the conflicts.
    pub beyond_quota: Vec<TaskId>,
}

/// The time of a push.
#[derive(Clone, Copy, Debug)]
pub struct PushTime {
    /// Of what is created and changed.
    pub changes: DateTime<Utc>,
    /// Of what is deleted.
    pub deletions: DateTime<Utc>,
}

/// Merges pushes with a user's tasks and tombstones, of which those with their ids must be given. New states have no position
/// of their own yet. The user may have so many more tasks: what is created takes from that, and what is deleted gives it back.
#[must_use]
pub fn merge(
    user_id: &str,
    time: PushTime,
    found: impl IntoIterator<Item = Change>,
    pushes: &[TaskPush],
    room: usize,
) -> Merged {
    let mut merger = Merger { user_id, time, room, states: states(found), merged: Merged::default() };
    let mut unmerged = Vec::new();
    for TaskPush { id, change } in pushes {
        if !merger.apply(*id, change) && !unmerged.contains(id) {
            unmerged.push(*id);
        }
    }
    Merged { conflicts: states_of(&unmerged, time, merger.states.into_values()), ..merger.merged }
}

/// Of tasks and tombstones, what is there: a task may be there again, in spite of its tombstone.
fn states(found: impl IntoIterator<Item = Change>) -> HashMap<TaskId, Change> {
    let mut states = HashMap::new();
    for change in found {
        if matches!(change, Change::Task(_)) || !states.contains_key(&change.id()) {
            states.insert(change.id(), change);
        }
    }
    states
}

/// What is there of these tasks. What isn't there is a deletion with version 0.
#[must_use]
pub fn states_of(ids: &[TaskId], time: PushTime, found: impl IntoIterator<Item = Change>) -> Vec<Change> {
    let mut states = states(found);
    let absent = |id| DeletedTask { id, version: 0, position: 0, deleted_at: time.deletions };
    ids.iter().map(|&id| states.remove(&id).unwrap_or_else(|| Change::Deleted(absent(id)))).collect()
}

struct Merger<'a> {
    user_id: &'a str,
    time: PushTime,
    /// How many more tasks the user may have by now.
    room: usize,
    /// What is there by now.
    states: HashMap<TaskId, Change>,
    merged: Merged,
}

impl Merger<'_> {
    /// Whether the client and the server have the same now.
    fn apply(&mut self, id: TaskId, change: &PushedChange) -> bool {
        let row = match self.states.get(&id) {
            Some(Change::Task(row)) => Some(row),
            Some(Change::Deleted(_)) => return matches!(change, PushedChange::Delete { .. }),
            None => None,
        };
        match (change, row) {
            (PushedChange::Refused, _) | (PushedChange::Set { base: Some(_), .. }, None) => false,
            (PushedChange::Set { base: None, .. }, None) if self.room == 0 => {
                if !self.merged.beyond_quota.contains(&id) {
                    self.merged.beyond_quota.push(id);
                }
                false
            }
            (PushedChange::Set { task, base: None }, None) => {
                let new = task.create(self.user_id, id, self.time.changes);
                self.merged.created.push(new.clone());
                self.room -= 1;
                self.states.insert(id, Change::Task(new));
                true
            }
            (PushedChange::Set { task, base: None }, Some(row)) => task.is_state_of(row),
            (PushedChange::Set { task, base: Some(base) }, Some(row)) => {
                let Some(rebased) = task.rebase(base, row) else { return false };
                if rebased == *row {
                    // No event would tell the client of what others have changed besides.
                    return task.is_state_of(row);
                }
                let changed = row.next(rebased, self.time.changes);
                self.merged.updated.retain(|task| task.id != id);
                self.merged.updated.push(changed.clone());
                self.states.insert(id, Change::Task(changed));
                true
            }
            (PushedChange::Delete { .. }, None) => true,
            (PushedChange::Delete { base }, Some(row)) => {
                let is_known = base.as_ref().is_some_and(|base| base.is_state_of(row));
                if is_known {
                    let deleted_at = self.time.deletions;
                    let deleted = DeletedTask { id, version: row.version + 1, position: row.position, deleted_at };
                    self.states.insert(id, Change::Deleted(deleted));
                    self.merged.deleted.push(id);
                    self.room = self.room.saturating_add(1);
                }
                is_known
            }
        }
    }
}
