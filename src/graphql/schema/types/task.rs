//! The task object. The macro lists its fields once: one that the store has and that is neither listed nor hidden here
//! doesn't compile.

use async_graphql::{
    ID, InputValueError, InputValueResult, Interface, Name, Scalar, ScalarType, SimpleObject, Value,
    indexmap::IndexMap, parser::types::SelectionSet,
};
use chrono::{DateTime, Utc};

use super::json::{FlatObject, WriteJson, WriteObject, fragment_on};
use crate::task::{self, rfc3339};

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

            fn write_field(&self, name: &str, json: &mut Vec<u8>) {
                let $row { $($field,)* $($hidden: _),* } = self;
                match name {
                    $($name => $field.write(json),)*
                    _ => {}
                }
            }
        }
    };
}
pub(in crate::graphql::schema) use object;

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
        /// Starts at 1 and grows by 1 with each change. Mutations compare `expectedVersion` with it.
        version as "version": i64,
        /// When the task was created.
        created_at as "createdAt": Timestamp,
        /// When the task was last changed.
        updated_at as "updatedAt": Timestamp,
    }
}

/// A task with all of its fields.
pub(in crate::graphql::schema) fn to_value(task: &task::Task) -> Value {
    let field = |name: &&str| {
        let mut json = Vec::new();
        task.write_field(name, &mut json);
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

/// A point in time.
pub(in crate::graphql) struct Timestamp(DateTime<Utc>);

/// A point in time: RFC 3339 in UTC with microseconds, like `2026-01-31T09:30:00.000000Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for Timestamp {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(DateTime::parse_from_rfc3339(text)?.to_utc())),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(rfc3339(self.0))
    }
}
