//! Objects that need nothing but themselves to be shown are written as JSON at once. async-graphql would make a future, and
//! a box for it, of every field of every object, and then a map of every object: for a list of tasks that is most of the
//! work. [`Value::Binary`] carries the JSON through async-graphql; `http::response` writes it out as it is.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerError, ServerResult, Value,
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
};
use chrono::{DateTime, Utc};

use crate::{
    error::Code,
    graphql::error::worded,
    task::{TaskId, rfc3339},
};

/// Writes one field of a `T`.
pub(in crate::graphql::schema) type Write<T> = Box<dyn Fn(&T, &mut Vec<u8>) + Send + Sync>;

/// The same for a field that a row has by itself.
pub(in crate::graphql::schema) type Column<T> = fn(&T, &mut Vec<u8>);

/// What a task takes as JSON, mostly.
const ROW_SIZE: usize = 512;

/// What is shown as an object of one type.
pub(in crate::graphql::schema) trait Row: Send + Sync + Sized + 'static {
    /// How the schema has it.
    type Type: OutputType;

    /// How a field is written; `None` for one that the type doesn't have.
    fn column(name: &str) -> Option<Column<Self>>;
}

/// What is selected of a row, looked up once for a whole list.
pub(in crate::graphql::schema) struct Columns<T>(Vec<(Vec<u8>, Write<T>)>);

impl<T> Columns<T> {
    /// No columns yet: an empty object.
    pub(in crate::graphql::schema) fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one under this response key.
    pub(in crate::graphql::schema) fn add(&mut self, key: &str, write: Write<T>) {
        let opening: &[u8] = if self.0.is_empty() { b"{\"" } else { b",\"" };
        self.0.push(([opening, key.as_bytes(), b"\":"].concat(), write));
    }

    /// Those of a selection set.
    pub(in crate::graphql::schema) fn select(
        set: &SelectionSet,
        type_name: &str,
        column: impl Fn(&Field) -> Option<Write<T>>,
    ) -> Self {
        let mut columns = Self::new();
        for field in fields(set) {
            let write = if is_type_name(field) { Some(constant(type_name)) } else { column(field) };
            if let Some(write) = write {
                columns.add(&field.response_key().node, write);
            }
        }
        columns
    }

    pub(in crate::graphql::schema) fn write(&self, row: &T, json: &mut Vec<u8>) {
        if self.0.is_empty() {
            json.push(b'{');
        }
        for (key, write) in &self.0 {
            json.extend_from_slice(key);
            write(row, json);
        }
        json.push(b'}');
    }

    /// A list of rows, as long as it fits the budget.
    pub(in crate::graphql::schema) fn write_all(
        &self,
        rows: &[T],
        budget: &ResponseBudget,
    ) -> Result<Vec<u8>, ServerError> {
        write_list(rows, budget, |row, json| self.write(row, json))
    }
}

/// Writes a list, as long as it fits the budget.
pub(in crate::graphql::schema) fn write_list<T>(
    items: &[T],
    budget: &ResponseBudget,
    write: impl Fn(&T, &mut Vec<u8>),
) -> Result<Vec<u8>, ServerError> {
    let mut json = vec![b'['];
    for item in items {
        let start = json.len();
        if start > 1 {
            json.push(b',');
        }
        write(item, &mut json);
        budget.take(json.len() - start)?;
    }
    json.push(b']');
    Ok(json)
}

impl<T: Row> Columns<T> {
    pub(in crate::graphql::schema) fn of(set: &SelectionSet) -> Self {
        Self::select(set, &T::Type::type_name(), |field| Some(Box::new(T::column(&field.name.node)?)))
    }
}

/// The fields of a selection set. A plan has no fragments left, but those on an interface.
fn fields(set: &SelectionSet) -> impl Iterator<Item = &Field> {
    set.items.iter().filter_map(|item| match &item.node {
        Selection::Field(field) => Some(&field.node),
        _ => None,
    })
}

fn is_type_name(field: &Field) -> bool {
    field.name.node == "__typename"
}

fn constant<T>(text: &str) -> Write<T> {
    let text = text.to_owned();
    Box::new(move |_, json| text.write(json))
}

/// What is written at once: a row or a list of rows.
pub(in crate::graphql::schema) trait Rows: Send + Sync {
    /// How the schema has it.
    type Type: OutputType;

    /// What is selected of it, as JSON.
    fn write(&self, set: &SelectionSet, budget: &ResponseBudget) -> Result<Vec<u8>, ServerError>;
}

impl<T: Row> Rows for T {
    type Type = T::Type;

    /// Looks up each field when it is written: they are written once.
    fn write(&self, set: &SelectionSet, budget: &ResponseBudget) -> Result<Vec<u8>, ServerError> {
        let mut json = Vec::with_capacity(ROW_SIZE);
        json.push(b'{');
        for field in fields(set) {
            let column = T::column(&field.name.node);
            if column.is_none() && !is_type_name(field) {
                continue;
            }
            json.extend_from_slice(if json.len() > 1 { b",\"" } else { b"\"" });
            json.extend_from_slice(field.response_key().node.as_bytes());
            json.extend_from_slice(b"\":");
            match column {
                Some(write) => write(self, &mut json),
                None => T::Type::type_name().write(&mut json),
            }
        }
        json.push(b'}');
        budget.take(json.len())?;
        Ok(json)
    }
}

impl<T: Row> Rows for Vec<T> {
    type Type = Vec<T::Type>;

    fn write(&self, set: &SelectionSet, budget: &ResponseBudget) -> Result<Vec<u8>, ServerError> {
        Columns::of(set).write_all(self, budget)
    }
}

impl<T: Row> Rows for &[T] {
    type Type = Vec<T::Type>;

    fn write(&self, set: &SelectionSet, budget: &ResponseBudget) -> Result<Vec<u8>, ServerError> {
        Columns::of(set).write_all(self, budget)
    }
}

/// Makes of rows a value that async-graphql can answer with.
pub(in crate::graphql::schema) struct Json<T>(pub(in crate::graphql::schema) T);

impl<T: Rows> OutputType for Json<T> {
    fn type_name() -> Cow<'static, str> {
        T::Type::type_name()
    }

    fn qualified_type_name() -> String {
        T::Type::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::Type::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let unlimited = ResponseBudget::new(usize::MAX);
        let json = self.0.write(&ctx.item.node, ctx.data_opt().unwrap_or(&unlimited));
        json.map(|json| Value::Binary(json.into())).map_err(|error| ctx.set_error_path(error))
    }
}

/// How many bytes the answers to a request may still have.
pub(in crate::graphql) struct ResponseBudget {
    limit: usize,
    left: AtomicUsize,
}

impl ResponseBudget {
    pub(in crate::graphql) fn new(limit: usize) -> Self {
        Self { limit, left: AtomicUsize::new(limit) }
    }

    fn take(&self, bytes: usize) -> Result<(), ServerError> {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        let too_large = |_| {
            worded(Code::BadUserInput, format!("The answer is larger than {} bytes (GRAPHQL_MAX_RESPONSE)", self.limit))
        };
        taken.map(drop).map_err(too_large)
    }
}

/// A value in JSON.
pub(in crate::graphql::schema) trait WriteJson {
    fn write(&self, json: &mut Vec<u8>);
}

impl WriteJson for str {
    fn write(&self, json: &mut Vec<u8>) {
        // Writing text to memory can't fail.
        let _ = serde_json::to_writer(json, self);
    }
}

impl WriteJson for String {
    fn write(&self, json: &mut Vec<u8>) {
        self.as_str().write(json);
    }
}

impl<T: WriteJson> WriteJson for Option<T> {
    fn write(&self, json: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(json),
            None => json.extend_from_slice(b"null"),
        }
    }
}

impl WriteJson for bool {
    fn write(&self, json: &mut Vec<u8>) {
        json.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl WriteJson for i64 {
    fn write(&self, json: &mut Vec<u8>) {
        let _ = serde_json::to_writer(json, self);
    }
}

impl WriteJson for TaskId {
    fn write(&self, json: &mut Vec<u8>) {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        self.as_uuid().hyphenated().encode_lower(&mut text);
        json.push(b'"');
        json.extend_from_slice(&text);
        json.push(b'"');
    }
}

impl WriteJson for DateTime<Utc> {
    fn write(&self, json: &mut Vec<u8>) {
        json.push(b'"');
        json.extend_from_slice(rfc3339(*self).as_bytes());
        json.push(b'"');
    }
}
