//! Which column has which field, and what a record means as a task.

use std::{collections::BTreeMap, str::FromStr};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::{Builder, Uuid};

use super::{
    record::{Record, folded},
    values::{self, Naive, is_empty},
};
use crate::{
    auth::CurrentUser,
    task::{Description, ImportedTask, MAX_DESCRIPTION, MAX_TITLE, Tags, TaskId, TaskState, TimeZone, Title},
};

/// A field of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Id,
    UserId,
    Title,
    Description,
    Completed,
    Priority,
    DueDate,
    DueTimezone,
    Tags,
    CreatedAt,
    UpdatedAt,
    CompletedAt,
    DeletedAt,
    IsDeleted,
    Version,
}

/// Each field with its name, and what old backends call it, in folded case and the first one preferred.
const FIELDS: [(Field, &str, &[&str]); 15] = [
    (Field::Id, "id", &["id", "uuid", "taskid", "todoid"]),
    (Field::UserId, "user_id", &["userid", "ownerid", "user", "owner"]),
    (Field::Title, "title", &["title", "name", "task"]),
    (Field::Description, "description", &["description", "details", "notes"]),
    (
        Field::Completed,
        "completed",
        &["completed", "iscompleted", "done", "isdone", "complete", "iscomplete", "status"],
    ),
    (Field::Priority, "priority", &["priority"]),
    (Field::DueDate, "due_date", &["duedate", "dueat", "duedatetime", "due", "deadline"]),
    (Field::DueTimezone, "due_timezone", &["duetimezone"]),
    (Field::Tags, "tags", &["tags", "labels"]),
    (Field::CreatedAt, "created_at", &["createdat", "created", "createdon"]),
    (Field::UpdatedAt, "updated_at", &["updatedat", "updated", "updatedon", "modifiedat"]),
    (Field::CompletedAt, "completed_at", &["completedat"]),
    (Field::DeletedAt, "deleted_at", &["deletedat"]),
    (Field::IsDeleted, "is_deleted", &["isdeleted", "deleted"]),
    (Field::Version, "version", &["version"]),
];

/// `theirs=ours`: a column whose name says nothing.
#[derive(Clone, Debug)]
pub struct Rename {
    column: String,
    /// `None` for a column that is left out on purpose.
    field: Option<Field>,
}

impl FromStr for Rename {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (column, name) =
            text.split_once('=').ok_or("must be a column of theirs and a field of ours, like text=title")?;
        let field = FIELDS.iter().find(|(_, field, _)| *field == name).map(|(field, ..)| *field);
        if field.is_none() && name != "none" {
            let names: Vec<_> = FIELDS.iter().map(|(_, name, _)| *name).collect();
            return Err(format!("`{name}` is no field: one of {} or none", names.join(", ")));
        }
        Ok(Self { column: column.to_owned(), field })
    }
}

/// How records become tasks.
#[derive(Clone)]
pub(super) struct Mapping {
    columns: BTreeMap<Field, String>,
    /// Columns that no field has.
    pub(super) unknown: Vec<String>,
    naive: Naive,
    /// What ids are made of, besides the old ones.
    namespace: [String; 2],
    truncates: bool,
}

/// How times are read and ids are made.
pub(super) struct Rules {
    pub(super) timezone: Option<TimeZone>,
    pub(super) source: String,
    pub(super) table: String,
    pub(super) truncates: bool,
}

/// A record as a task.
pub(super) struct Mapped {
    pub(super) user: CurrentUser,
    pub(super) old_id: String,
    pub(super) task: ImportedTask,
    /// When it was deleted, if it was.
    pub(super) deleted_at: Option<DateTime<Utc>>,
    /// What was changed to make it fit.
    pub(super) changes: Vec<Flaw>,
}

/// What is wrong with a value.
#[derive(Clone, Debug)]
pub(super) struct Flaw {
    pub(super) column: String,
    pub(super) value: Value,
    pub(super) reason: String,
}

impl Mapping {
    /// Finds the columns. Fails if one that is necessary is missing, or a renamed one isn't there.
    pub(super) fn find(names: &[String], renames: &[Rename], rules: Rules) -> Result<Self, String> {
        let mut columns = BTreeMap::new();
        let mut left: Vec<&String> = names.iter().collect();
        for Rename { column, field } in renames {
            let at = left.iter().position(|name| *name == column);
            left.remove(at.ok_or_else(|| format!("there is no column {column}: there are {}", names.join(", ")))?);
            let before = field.and_then(|field| columns.insert(field, column.clone()));
            if let Some(before) = before {
                return Err(format!("--map gives one field two columns, {before} and {column}: leave out one"));
            }
        }
        for (field, _, known) in FIELDS {
            let found = known.iter().find_map(|known| left.iter().position(|name| folded(name) == **known));
            if let (false, Some(at)) = (columns.contains_key(&field), found) {
                columns.insert(field, left.remove(at).clone());
            }
        }
        let missing = [(Field::Id, "id"), (Field::UserId, "user_id"), (Field::Title, "title")];
        if let Some((_, name)) = missing.iter().find(|(field, _)| !columns.contains_key(field)) {
            return Err(format!(
                "no column has the {name}: name it with --map theirs={name}. There are: {}",
                names.join(", ")
            ));
        }
        // Beside a column with zones, Tandem writes a time without an offset if it is meant wherever the user is.
        let naive = match rules.timezone {
            Some(zone) => Naive::In(zone),
            None if columns.contains_key(&Field::DueTimezone) => Naive::Anywhere,
            None => Naive::In(TimeZone::utc()),
        };
        let unknown = left.into_iter().cloned().collect();
        Ok(Self { columns, unknown, naive, namespace: [rules.source, rules.table], truncates: rules.truncates })
    }

    /// What was found: each field with its column.
    pub(super) fn found(&self) -> impl Iterator<Item = (&'static str, &str)> {
        FIELDS.iter().filter_map(|(field, name, _)| Some((*name, self.columns.get(field)?.as_str())))
    }

    /// What records are sorted by: the user, then the last change, in whose order tasks are listed, and the id.
    pub(super) fn order(&self) -> Vec<String> {
        let changed = if self.columns.contains_key(&Field::UpdatedAt) { Field::UpdatedAt } else { Field::CreatedAt };
        [Field::UserId, changed, Field::Id].iter().filter_map(|field| self.columns.get(field).cloned()).collect()
    }

    /// What the record is called in reports, if it isn't a line of a file.
    pub(super) fn id_of<'a>(&self, record: &'a Record) -> Option<&'a Value> {
        record.values.get(self.columns.get(&Field::Id)?)
    }

    /// The task that a record means, or all that is wrong with it.
    pub(super) fn read(&self, record: &Record) -> Result<Mapped, Vec<Flaw>> {
        if let Some(flaw) = &record.flaw {
            return Err(vec![Flaw { column: String::new(), value: Value::Null, reason: flaw.clone() }]);
        }
        let mut reader = Reader { mapping: self, record, flaws: Vec::new(), changes: Vec::new() };
        let old_id = reader.field(Field::Id, |value| if is_empty(value) { missing() } else { values::name(value) });
        let id = old_id.as_ref().map(|old| self.id(old));
        if id.is_some_and(|id| id.is_nil() || id.is_max()) {
            reader.flaw(Field::Id, "this UUID is no id");
        }
        let user = reader.field(Field::UserId, |value| {
            if is_empty(value) { missing() } else { CurrentUser::named_by_operator(&values::name(value)?) }
        });
        let title = reader.title();
        let description = reader.description();
        let priority = reader.field(Field::Priority, values::priority);
        let zone = reader.field(Field::DueTimezone, values::zone).flatten();
        let due = reader.field(Field::DueDate, |value| values::due(value, zone.clone(), &self.naive));
        let tags = reader.tags();
        let [created_at, updated_at, completed_at] = [Field::CreatedAt, Field::UpdatedAt, Field::CompletedAt]
            .map(|field| reader.field(field, values::instant).flatten());
        let completed = reader.completed(completed_at);
        let deleted = reader.deleted(updated_at.or(created_at));
        let Reader { flaws, changes, .. } = reader;
        let (Some(old_id), Some(id), Some(user), Some(title), Some(completed), Some(deleted_at), true) =
            (old_id, id, user, title, completed, deleted, flaws.is_empty())
        else {
            return Err(flaws);
        };
        let updated_at = updated_at.or(created_at).unwrap_or_else(Utc::now);
        let task = ImportedTask {
            id: TaskId::from(id),
            state: TaskState {
                title,
                description: description.flatten(),
                completed,
                priority: priority.unwrap_or_default(),
                due: due.flatten(),
                tags: tags.unwrap_or_default(),
            },
            created_at: created_at.unwrap_or(updated_at),
            updated_at,
            completed_at: completed_at.filter(|_| completed),
        };
        Ok(Mapped { user, old_id, task, deleted_at, changes })
    }

    /// A UUID stays what it is. Other ids become a UUIDv5, which is the same each time.
    fn id(&self, old: &str) -> Uuid {
        const NAMESPACE: Uuid = Uuid::from_u128(0x3f0e_8c4b_51a7_4d0a_9b1e_6d2c_7a94_e5d3);
        let [source, table] = &self.namespace;
        Uuid::parse_str(old).unwrap_or_else(|_| {
            let name = serde_json::json!([source, table, old]).to_string();
            let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[NAMESPACE.as_bytes(), name.as_bytes()].concat());
            let mut bytes = [0; 16];
            bytes.iter_mut().zip(hash.as_ref()).for_each(|(byte, of_hash)| *byte = *of_hash);
            Builder::from_sha1_bytes(bytes).into_uuid()
        })
    }
}

fn missing<T>() -> Result<T, String> {
    Err("there is none".to_owned())
}

/// Reads one record, and collects what is wrong with it.
struct Reader<'a> {
    mapping: &'a Mapping,
    record: &'a Record,
    flaws: Vec<Flaw>,
    changes: Vec<Flaw>,
}

impl<'a> Reader<'a> {
    /// `None` if the source has no such column, or this record has nothing there.
    fn value(&self, field: Field) -> Option<&'a Value> {
        self.record.values.get(self.mapping.columns.get(&field)?)
    }

    /// What the value means; `None` if it means nothing.
    fn field<T>(&mut self, field: Field, read: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        match read(self.value(field).unwrap_or(&Value::Null)) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.flaw(field, reason);
                None
            }
        }
    }

    fn flaw(&mut self, field: Field, reason: impl Into<String>) {
        let flaw = self.about(field, reason.into());
        self.flaws.push(flaw);
    }

    fn change(&mut self, field: Field, reason: String) {
        let change = self.about(field, reason);
        self.changes.push(change);
    }

    fn about(&self, field: Field, reason: String) -> Flaw {
        let column = self.mapping.columns.get(&field).cloned().unwrap_or_default();
        Flaw { column, value: self.value(field).cloned().unwrap_or_default(), reason }
    }

    fn title(&mut self) -> Option<Title> {
        let text = self.field(Field::Title, |value| if value.is_null() { missing() } else { values::text(value) })?;
        let text = self.cut(Field::Title, text, MAX_TITLE);
        Title::try_from(text).map_err(|violation| self.flaw(Field::Title, values::said(&violation))).ok()
    }

    fn description(&mut self) -> Option<Option<Description>> {
        let text =
            self.field(
                Field::Description,
                |value| {
                    if value.is_null() { Ok(None) } else { values::text(value).map(Some) }
                },
            )?;
        let Some(text) = text else { return Some(None) };
        let text = self.cut(Field::Description, text, MAX_DESCRIPTION);
        let description = Description::try_from(text);
        description.map(Some).map_err(|violation| self.flaw(Field::Description, values::said(&violation))).ok()
    }

    /// Cuts what is too long, if that is wanted.
    fn cut(&mut self, field: Field, text: String, max: usize) -> String {
        let length = text.chars().count();
        if length <= max || !self.mapping.truncates {
            return text;
        }
        self.change(field, format!("cut from {length} to {max} characters"));
        text.chars().take(max).collect()
    }

    /// Those of the column, then those of other tables.
    fn tags(&mut self) -> Option<Tags> {
        let of_column = self.field(Field::Tags, values::words)?;
        let of_tables = &self.record.tags;
        let tags = values::words(of_tables).and_then(|words| values::tags([of_column, words].concat()));
        let invalid = |reason| {
            let mut flaw = self.about(Field::Tags, reason);
            if !of_tables.is_null() {
                flaw = Flaw { column: "tags".to_owned(), value: of_tables.clone(), ..flaw };
            }
            self.flaws.push(flaw);
        };
        tags.map_err(invalid).ok()
    }

    /// Without a column that says whether it is completed, a time of completion does.
    fn completed(&mut self, completed_at: Option<DateTime<Utc>>) -> Option<bool> {
        if !self.mapping.columns.contains_key(&Field::Completed) {
            return Some(completed_at.is_some());
        }
        let (completed, begun) = self.field(Field::Completed, values::completed)?;
        if let Some(word) = begun {
            self.change(Field::Completed, format!("{word} became pending"));
        }
        if completed_at.is_some() && !completed {
            self.change(Field::CompletedAt, "dropped, as the task isn't completed".to_owned());
        }
        Some(completed)
    }

    /// When it was deleted, if it was: at its last change if there is only a mark. `None` if columns contradict each other.
    fn deleted(&mut self, changed_at: Option<DateTime<Utc>>) -> Option<Option<DateTime<Utc>>> {
        let [first, second] = [self.deletion(Field::DeletedAt)?, self.deletion(Field::IsDeleted)?];
        let now = Utc::now();
        let (time, field) = match (first, second) {
            (Deletion::At(time), _) => (time, Field::DeletedAt),
            (_, Deletion::At(time)) => (time, Field::IsDeleted),
            (Deletion::Marked, _) | (_, Deletion::Marked) => (changed_at.unwrap_or(now).min(now), Field::IsDeleted),
            _ => return Some(None),
        };
        if first == Deletion::Not || second == Deletion::Not {
            self.flaw(Field::IsDeleted, "the column of the time of deletion says otherwise");
            return None;
        }
        if time > now {
            self.change(field, "is in the future, became now".to_owned());
        }
        Some(Some(time.min(now)))
    }

    /// `None` if it isn't clear what the column says.
    fn deletion(&mut self, field: Field) -> Option<Deletion> {
        let Some(value) = self.value(field).filter(|value| !is_empty(value)) else { return Some(Deletion::Unsaid) };
        match values::completed(value) {
            Ok((is_deleted, _)) => Some(if is_deleted { Deletion::Marked } else { Deletion::Not }),
            Err(_) => self.field(field, values::instant)?.map(Deletion::At),
        }
    }
}

/// What a column says of a deletion.
#[derive(Clone, Copy, PartialEq)]
enum Deletion {
    /// Nothing.
    Unsaid,
    /// That there was none.
    Not,
    /// That there was one, but not when.
    Marked,
    At(DateTime<Utc>),
}
