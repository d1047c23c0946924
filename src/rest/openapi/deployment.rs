//! What the settings of a server change in the document.

use serde_json::json;
use utoipa::openapi::{
    OpenApi, RefOr, Schema,
    header::HeaderBuilder,
    path::Operation,
    schema::{AdditionalProperties, Object},
};

use super::schemas::{one_of, string};
use crate::{
    rest::settings::{DeleteForm, ListForm, RestSettings, UnknownFields},
    task::Priority,
};

/// The bodies that are objects of fields.
const BODIES: [&str; 5] = ["CreateTask", "UpdateTask", "Completion", "TaskState", "RestoreTasks"];

/// Describes what a server with these settings does.
pub(super) fn adapt(document: &mut OpenApi, rest: RestSettings) {
    let schemas = document.components.iter_mut().flat_map(|components| &mut components.schemas);
    for (name, schema) in schemas {
        if let RefOr::T(Schema::Object(object)) = schema {
            adapt_schema(name, object, rest);
        }
    }
    if rest.delete == DeleteForm::NoContent
        && let Some(components) = &mut document.components
    {
        components.schemas.remove("Deleted");
    }
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            adapt_operation(operation, rest);
        }
        if let Some(delete) = &mut item.delete
            && ["200", "204"].iter().all(|status| delete.responses.responses.contains_key(*status))
        {
            let other = if rest.delete == DeleteForm::Message { "204" } else { "200" };
            delete.responses.responses.remove(other);
        }
    }
}

fn adapt_schema(name: &str, object: &mut Object, rest: RestSettings) {
    if name == "Task" && !rest.status {
        object.properties.remove("status");
    }
    if !BODIES.contains(&name) {
        return;
    }
    if rest.status && name != "RestoreTasks" {
        let status = one_of(["pending", "completed"].map(ToOwned::to_owned));
        object.properties.insert("status".to_owned(), status.into());
    }
    if rest.unknown_fields == UnknownFields::Refuse {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
    let default = rest.default_priority;
    if name == "CreateTask"
        && default != Priority::None
        && let Some(RefOr::T(Schema::OneOf(priority))) = object.properties.get_mut("priority")
    {
        priority.default = Some(json!(default.word()));
    }
}

fn adapt_operation(operation: &mut Operation, rest: RestSettings) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && parameter.name == "envelope"
            && rest.lists == ListForm::Envelope
            && let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
        {
            schema.default = Some(json!(true));
        }
    }
    if operation.request_body.is_none() || rest.unknown_fields != UnknownFields::Report {
        return;
    }
    for status in ["200", "201"] {
        if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
            let description = "The names of fields in the body that this server doesn't know, separated by commas";
            let header = HeaderBuilder::new().schema(Some(string())).description(Some(description)).build();
            response.headers.insert("Ignored-Fields".to_owned(), header.into());
        }
    }
}
