//! Writes objects as JSON directly. async-graphql would box a future for each field of each object, and then build a map of
//! each object: for a list of tasks, that is most of the work. [`Value::Binary`] carries the JSON through async-graphql,
//! and `operation::to_json` copies it into the response.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_graphql::{
    ContextSelectionSet, OutputType, Positioned, ServerError, ServerResult, Value,
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
};
use chrono::{DateTime, Utc};

use crate::{
    error::Code,
    graphql::{error::server_error, limits::Limits},
    task::{TaskId, rfc3339},
};

/// The typical length of a task.
const OBJECT_BYTES: usize = 512;

/// A value that is written as an object.
pub(in crate::graphql::schema) trait WriteObject: Send + Sync {
    /// Its type in the schema.
    type Type: OutputType;

    /// Writes the selected fields.
    fn write_object(&self, set: &SelectionSet, json: &mut Vec<u8>);
}

/// An object that is written with its fields.
pub(in crate::graphql::schema) trait FlatObject: Send + Sync {
    /// Its type in the schema.
    type Type: OutputType;
    /// Its fields in the schema.
    const FIELDS: &'static [&'static str];

    /// Writes the value of one of [`Self::FIELDS`], with these fields if it is an object, or with all of them.
    fn write_field(&self, name: &str, set: Option<&SelectionSet>, json: &mut Vec<u8>);

    /// Writes all fields.
    fn write_all(&self, json: &mut Vec<u8>) {
        for (index, name) in Self::FIELDS.iter().enumerate() {
            json.extend_from_slice(if index == 0 { b"{" } else { b"," });
            name.write(json);
            json.push(b':');
            self.write_field(name, None, json);
        }
        json.push(b'}');
    }
}

impl<T: FlatObject> WriteObject for T {
    type Type = T::Type;

    fn write_object(&self, set: &SelectionSet, json: &mut Vec<u8>) {
        write_fields::<T::Type>(set, json, |field, json| {
            self.write_field(&field.name.node, Some(&field.selection_set.node), json);
        });
    }
}

/// Writes the selected fields of an object type, each with this function. A bound operation has no fragments on object types.
pub(in crate::graphql::schema) fn write_fields<T: OutputType>(
    set: &SelectionSet,
    json: &mut Vec<u8>,
    write_field: impl Fn(&Field, &mut Vec<u8>),
) {
    json.push(b'{');
    let mut separator: &[u8] = b"\"";
    for item in &set.items {
        let Selection::Field(field) = &item.node else { continue };
        let field = &field.node;
        json.extend_from_slice(separator);
        json.extend_from_slice(field.response_key().node.as_bytes());
        json.extend_from_slice(b"\":");
        if field.name.node == "__typename" {
            T::type_name().write(json);
        } else {
            write_field(field, json);
        }
        separator = b",\"";
    }
    json.push(b'}');
}

/// The selection set for an object type of an interface or a union: a bound operation has a fragment for each, and nothing
/// beside them.
pub(in crate::graphql::schema) fn fragment_on<'a>(set: &'a SelectionSet, type_name: &str) -> Option<&'a SelectionSet> {
    set.items.iter().find_map(|item| match &item.node {
        Selection::InlineFragment(fragment) => {
            let on = &fragment.node.type_condition.as_ref()?.node.on.node;
            (on == type_name).then_some(&fragment.node.selection_set.node)
        }
        _ => None,
    })
}

/// One object or a list of them.
pub(in crate::graphql::schema) trait WriteObjects: Send + Sync {
    /// Its type in the schema.
    type Type: OutputType;

    /// Fails if the budget is exceeded.
    fn write_objects(&self, set: &SelectionSet, budget: &ResponseBudget) -> Result<Vec<u8>, ServerError>;
}

impl<T: WriteObject> WriteObjects for T {
    type Type = T::Type;

    fn write_objects(&self, set: &SelectionSet, budget: &ResponseBudget) -> Result<Vec<u8>, ServerError> {
        let mut json = Vec::with_capacity(OBJECT_BYTES);
        self.write_object(set, &mut json);
        budget.take(json.len())?;
        Ok(json)
    }
}

impl<T: WriteObject> WriteObjects for &[T] {
    type Type = Vec<T::Type>;

    fn write_objects(&self, set: &SelectionSet, budget: &ResponseBudget) -> Result<Vec<u8>, ServerError> {
        let mut json = vec![b'['];
        for object in *self {
            let start = json.len();
            if start > 1 {
                json.push(b',');
            }
            object.write_object(set, &mut json);
            budget.take(json.len() - start)?;
        }
        json.push(b']');
        Ok(json)
    }
}

impl<T: WriteObject> WriteObjects for Vec<T> {
    type Type = Vec<T::Type>;

    fn write_objects(&self, set: &SelectionSet, budget: &ResponseBudget) -> Result<Vec<u8>, ServerError> {
        self.as_slice().write_objects(set, budget)
    }
}

/// Resolves to objects.
pub(in crate::graphql::schema) struct Json<T>(pub(in crate::graphql::schema) T);

impl<T: WriteObjects> OutputType for Json<T> {
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
        let budget = ctx.data::<Arc<ResponseBudget>>().map_err(|error| error.into_server_error(ctx.item.pos))?;
        let json = self.0.write_objects(&ctx.item.node, budget);
        json.map(|json| Value::Binary(json.into())).map_err(|error| ctx.set_error_path(error))
    }
}

/// The bytes that objects may still take in a response. The operations of a batch share them.
pub(in crate::graphql) struct ResponseBudget {
    limit: usize,
    /// The setting.
    name: &'static str,
    left: AtomicUsize,
}

impl ResponseBudget {
    pub(in crate::graphql) fn of_response(limits: &Limits) -> Self {
        Self { limit: limits.response, name: "GRAPHQL_MAX_RESPONSE", left: AtomicUsize::new(limits.response) }
    }

    /// Of an event of a subscription.
    pub(in crate::graphql) fn of_event(limits: &Limits) -> Self {
        Self { limit: limits.event, name: "GRAPHQL_MAX_EVENT", left: AtomicUsize::new(limits.event) }
    }

    fn take(&self, bytes: usize) -> Result<(), ServerError> {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken.map(drop).map_err(|_| {
            let message = format!("The response is larger than {} bytes ({})", self.limit, self.name);
            server_error(Code::BadUserInput, message)
        })
    }
}

/// A value.
pub(in crate::graphql::schema) trait WriteJson {
    fn write(&self, json: &mut Vec<u8>);

    /// An object is written with these fields.
    fn write_selected(&self, _set: &SelectionSet, json: &mut Vec<u8>) {
        self.write(json);
    }
}

/// Null if there is none.
impl<T: WriteJson> WriteJson for Option<T> {
    fn write(&self, json: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(json),
            None => json.extend_from_slice(b"null"),
        }
    }

    fn write_selected(&self, set: &SelectionSet, json: &mut Vec<u8>) {
        match self {
            Some(value) => value.write_selected(set, json),
            None => json.extend_from_slice(b"null"),
        }
    }
}

macro_rules! write_with_serde {
    ($($type:ty),*) => {
        $(impl WriteJson for $type {
            fn write(&self, json: &mut Vec<u8>) {
                // Writing to memory can't fail.
                let _ = serde_json::to_writer(json, self);
            }
        })*
    };
}

write_with_serde!(str, String, Vec<String>, bool, i64);

impl WriteJson for TaskId {
    fn write(&self, json: &mut Vec<u8>) {
        let _ = serde_json::to_writer(json, &self.as_uuid());
    }
}

impl WriteJson for DateTime<Utc> {
    fn write(&self, json: &mut Vec<u8>) {
        rfc3339(*self).write(json);
    }
}
