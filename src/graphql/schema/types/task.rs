//! The task as clients see it. This is the one list of its fields in GraphQL; what the store has of a task and is not
//! listed here doesn't compile.

use std::sync::LazyLock;

use async_graphql::{ID, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};
use chrono::{DateTime, Utc};

use super::json::{Column, Columns, Row, WriteJson};
use crate::task::{self, rfc3339};

/// An object type, the same as a row that is written as JSON, and every field of it.
macro_rules! object {
    ($(#[$docs:meta])* $object:ident of $row:path, without $($hidden:ident),* {
        $($(#[$doc:meta])* $vis:vis $field:ident: $type:ty,)*
    }) => {
        $(#[$docs])*
        #[derive(SimpleObject)]
        pub(in crate::graphql) struct $object {
            $($(#[$doc])* $vis $field: $type,)*
        }

        impl From<$row> for $object {
            fn from(row: $row) -> Self {
                let $row { $($field,)* $($hidden: _),* } = row;
                Self { $($field: $field.into(),)* }
            }
        }

        static COLUMNS: ByName<$row> =
            ByName::new(|| by_name(&[$((stringify!($field), |row, json| row.$field.write(json))),*]));

        impl Row for $row {
            type Type = $object;

            fn column(name: &str) -> Option<Column<Self>> {
                COLUMNS.iter().find(|(known, _)| known == name).map(|(_, column)| *column)
            }
        }
    };
}
pub(in crate::graphql::schema) use object;

object! {
    /// A to-do item.
    Task of task::Task, without user_id, position {
        /// Unique among the user's tasks: a UUID. It never changes.
        pub(in crate::graphql::schema) id: ID,
        /// 1 to 200 characters.
        title: String,
        /// At most 1000 characters; null if there is none.
        description: Option<String>,
        /// Whether the task is done.
        completed: bool,
        /// 1 for a new task, incremented by each change. `expectedVersion` is compared with it.
        version: i64,
        /// When the task was created.
        created_at: Timestamp,
        /// When the task last changed.
        updated_at: Timestamp,
    }
}

/// A task with all of its fields, as the schema names them.
pub(in crate::graphql) fn to_value(task: &task::Task) -> Value {
    let mut columns = Columns::new();
    for (name, column) in &*COLUMNS {
        columns.add(name, Box::new(column));
    }
    let mut json = Vec::new();
    columns.write(task, &mut json);
    Value::Binary(json.into())
}

/// Columns by the names that clients know.
pub(in crate::graphql::schema) type ByName<T> = LazyLock<Vec<(String, Column<T>)>>;

/// Those of fields by the names that they have here.
pub(in crate::graphql::schema) fn by_name<T>(columns: &[(&str, Column<T>)]) -> Vec<(String, Column<T>)> {
    columns.iter().map(|(field, column)| (camel_case(field).collect(), *column)).collect()
}

/// `created_at` as `createdAt`, which is what async-graphql makes of it.
fn camel_case(field: &str) -> impl Iterator<Item = char> {
    let mut is_start = false;
    field.chars().filter_map(move |c| {
        let was_start = std::mem::replace(&mut is_start, c == '_');
        (c != '_').then_some(if was_start { c.to_ascii_uppercase() } else { c })
    })
}

/// A point in time.
pub(in crate::graphql) struct Timestamp(DateTime<Utc>);

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

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
