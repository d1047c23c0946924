//! The task object. The macro lists its fields once: one that the store has and that is neither listed nor hidden here
//! doesn't compile.

use async_graphql::{
    Enum, ID, InputValueResult, Interface, Name, Scalar, ScalarType, SimpleObject, Value, indexmap::IndexMap,
    parser::types::SelectionSet,
};

use super::json::{FlatObject, WriteJson, WriteObject, fragment_on};
use crate::task::{self, Violation};

/// An object type, and how a domain type is written as one.
macro_rules! object {
    ($(#[$docs:meta])* $object:ident of $row:path, hides $($hidden:ident),* {
        $($(#[$doc:meta])* $vis:vis $field:ident as $name:literal: $type:ty,)*
    }) => {
        $(#[$docs])*
        #[derive(SimpleObject)]
        pub(in crate::graphql) struct $object {
            $($(#[$doc])* #[graphql(name = $name)] $vis $field: $type,)*
        }

        impl FlatObject for $row {
            type Type = $object;
            const FIELDS: &'static [&'static str] = &[$($name),*];

            fn write_field(&self, name: &str, set: Option<&SelectionSet>, json: &mut Vec<u8>) {
                let $row { $($field,)* $($hidden: _),* } = self;
                match name {
                    $($name => write_value($field, set, json),)*
                    _ => {}
                }
            }
        }
    };
}
pub(in crate::graphql::schema) use object;

/// An object has a selection set, unless all of its fields are wanted.
pub(in crate::graphql::schema) fn write_value(value: &impl WriteJson, set: Option<&SelectionSet>, json: &mut Vec<u8>) {
    match set {
        Some(set) => value.write_selected(set, json),
        None => value.write(json),
    }
}

object! {
    /// A to-do item.
    Task of task::Task, hides user_id, position {
        /// A UUID, unique among the user's tasks. It never changes.
        pub(in crate::graphql::schema) id as "id": ID,
        /// 1 to 200 characters.
        title as "title": String,
        /// At most 1000 characters; null if there is none.
        description as "description": Option<String>,
        /// Whether the task is completed.
        completed as "completed": bool,
        /// How urgent the task is.
        priority as "priority": TaskPriority,
        /// When the task is due; null if it has no due date.
        due as "due": Option<Due>,
        /// At most 20, each of 1 to 50 characters, as they were sent. No two differ only in case.
        tags as "tags": Vec<String>,
        /// Starts at 1 and grows by 1 with each change. Mutations compare `expectedVersion` with it.
        version as "version": i64,
        /// When the task was created.
        created_at as "createdAt": Timestamp,
        /// When the task was last changed.
        updated_at as "updatedAt": Timestamp,
        /// When the task was completed; null while it is pending, and if it was completed before servers recorded this.
        completed_at as "completedAt": Option<Timestamp>,
    }
}

/// A task with all of its fields.
pub(in crate::graphql::schema) fn to_value(task: &task::Task) -> Value {
    let field = |name: &&str| {
        let mut json = Vec::new();
        task.write_field(name, None, &mut json);
        (Name::new(name), Value::Binary(json.into()))
    };
    Value::Object(task::Task::FIELDS.iter().map(field).collect::<IndexMap<_, _>>())
}

/// An object that can be fetched by its id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "&ID", desc = "Unique among the user's objects. It never changes."))]
pub(in crate::graphql) enum Node {
    Task(Task),
}

/// A task that is resolved as a [`Node`].
pub(in crate::graphql::schema) struct TaskNode(pub(in crate::graphql::schema) task::Task);

impl WriteObject for TaskNode {
    type Type = Node;

    fn write_object(&self, set: &SelectionSet, json: &mut Vec<u8>) {
        if let Some(set) = fragment_on(set, "Task") {
            self.0.write_object(set, json);
        }
    }
}

/// How urgent a task is.
#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[graphql(remote = "task::Priority")]
pub(in crate::graphql) enum TaskPriority {
    /// It has no priority.
    None,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// The highest.
    Urgent,
}

impl WriteJson for task::Priority {
    fn write(&self, json: &mut Vec<u8>) {
        self.word().to_ascii_uppercase().write(json);
    }
}

/// When a task is due: on a day (`date`), at a time wherever the user is (`date`, `time`), or at a time in a zone (`date`, `time`,
/// `timeZone`). In sorts and filters a day counts as its end, and a time without a zone as if in UTC.
#[derive(SimpleObject)]
#[graphql(name = "Due")]
pub(in crate::graphql) struct Due {
    /// The day.
    date: Date,
    /// The time by the wall clock; null if the whole day is meant.
    time: Option<LocalTime>,
    /// The zone of `time`; null if it is meant wherever the user is.
    #[graphql(name = "timeZone")]
    time_zone: Option<TimeZone>,
    /// The instant; null without a zone. A time that daylight saving skips has the offset before the gap, and of a time that occurs
    /// twice the first is meant.
    at: Option<Timestamp>,
}

impl FlatObject for task::Due {
    type Type = Due;
    const FIELDS: &'static [&'static str] = &["date", "time", "timeZone", "at"];

    fn write_field(&self, name: &str, _: Option<&SelectionSet>, json: &mut Vec<u8>) {
        match name {
            "date" => self.date().to_string().write(json),
            "time" => self.time().map(|time| time.format("%H:%M:%S").to_string()).write(json),
            "timeZone" => self.zone().map(|zone| zone.name().to_owned()).write(json),
            "at" => self.at().write(json),
            _ => {}
        }
    }
}

impl WriteJson for task::Due {
    fn write(&self, json: &mut Vec<u8>) {
        self.write_all(json);
    }

    fn write_selected(&self, set: &SelectionSet, json: &mut Vec<u8>) {
        self.write_object(set, json);
    }
}

/// A scalar whose input is validated by the resolver: its errors name the field, like those of other inputs.
macro_rules! scalar {
    ($(#[$docs:meta])* $scalar:ident, $name:literal $(, $url:literal)?) => {
        $(#[$docs])*
        pub(in crate::graphql) struct $scalar(Value);

        $(#[$docs])*
        #[Scalar(name = $name $(, specified_by_url = $url)?)]
        impl ScalarType for $scalar {
            fn parse(value: Value) -> InputValueResult<Self> {
                Ok(Self(value))
            }

            fn to_value(&self) -> Value {
                self.0.clone()
            }
        }

        impl $scalar {
            /// The text, or else the violation of a value of another type.
            pub(in crate::graphql::schema) fn text(&self) -> Result<&str, Violation> {
                match &self.0 {
                    Value::String(text) => Ok(text),
                    _ => Err(Violation::NotAString),
                }
            }
        }
    };
}

scalar! {
    /// A point in time: RFC 3339 in UTC with microseconds, like `2026-01-31T09:30:00.000000Z`.
    Timestamp, "DateTime", "https://scalars.graphql.org/andimarek/date-time.html"
}

scalar! {
    /// A day, like `2026-01-31`.
    Date, "Date"
}

scalar! {
    /// A time by the wall clock, like `09:30:00`. Seconds may be omitted in inputs; their fractions are cut.
    LocalTime, "LocalTime"
}

scalar! {
    /// The name of a time zone in the IANA database, like `Europe/Berlin`.
    TimeZone, "TimeZone"
}
