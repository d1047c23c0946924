//! OpenAPI schemas and parameters, with the limits that the domain enforces.

use utoipa::openapi::{
    KnownFormat, Object, ObjectBuilder, RefOr, Required, Schema, SchemaFormat, Type,
    path::{Parameter, ParameterBuilder, ParameterIn},
};

use crate::task::{
    Description, Limit, MAX_DESCRIPTION, MAX_LIMIT, MAX_OFFSET, MAX_SEARCH, MAX_TITLE, Offset, Search, Title,
};

/// No control characters.
const ONE_LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
/// No control characters, and at least one character that isn't white space.
const NOT_BLANK: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
/// No control characters other than line breaks and tabs.
const LINES: &str = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$";

/// Implements utoipa's traits for a type with this schema.
macro_rules! schema {
    ($type:ty, $schema:expr) => {
        impl utoipa::ToSchema for $type {}

        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $schema.into()
            }
        }
    };
}

pub(crate) use schema;

schema!(Title, {
    let title = string().max_length(Some(MAX_TITLE)).pattern(Some(NOT_BLANK)).min_length(Some(1));
    title.examples(["Buy milk"]).description(Some("Not blank, no control characters."))
});
schema!(Description, {
    let description = string().max_length(Some(MAX_DESCRIPTION)).pattern(Some(LINES)).examples(["2 litres"]);
    description.description(Some("No control characters other than line breaks and tabs."))
});
schema!(Search, string().max_length(Some(MAX_SEARCH)).pattern(Some(ONE_LINE)));
schema!(Limit, integer(1, MAX_LIMIT).default(Some(Limit::default().get().into())));
schema!(Offset, integer(0, MAX_OFFSET));

pub(crate) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(crate) fn uuid() -> Object {
    string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))).build()
}

pub(crate) fn one_of(words: impl IntoIterator<Item = String>) -> Object {
    string().enum_values(Some(words)).build()
}

pub(crate) fn integer(min: i64, max: i64) -> ObjectBuilder {
    let integer = ObjectBuilder::new().schema_type(Type::Integer);
    integer.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64))).minimum(Some(min)).maximum(Some(max))
}

/// A header, which is optional.
pub(crate) fn header_param(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    param(name, description, schema).parameter_in(ParameterIn::Header).required(Required::False).build()
}

pub(crate) fn path_param(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Parameter {
    param(name, description, schema).parameter_in(ParameterIn::Path).required(Required::True).build()
}

fn param(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    ParameterBuilder::new().name(name).description(Some(description)).schema(Some(schema))
}
