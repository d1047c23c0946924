//! OpenAPI schemas and parameters, with the limits that the domain enforces.

use serde_json::json;
use utoipa::openapi::{
    ArrayBuilder, KnownFormat, Object, ObjectBuilder, RefOr, Required, Schema, SchemaFormat, Type,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::AnyOfBuilder,
};

use crate::{
    rest::request::fields::PRIORITIES,
    task::{
        Description, Due, Limit, MAX_DESCRIPTION, MAX_LIMIT, MAX_OFFSET, MAX_SEARCH, MAX_TAG, MAX_TAGS, MAX_TITLE,
        Offset, Priority, Search, Tags, TimeZone, Title,
    },
};

/// No control characters.
const ONE_LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
/// No control characters, and at least one character that isn't white space.
const NOT_BLANK: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
/// No control characters other than line breaks and tabs.
const LINES: &str = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$";

/// A day of any month, with a time.
const LOCAL_TIME: &str =
    r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$";
/// A year that no offset moves out of range, and no leap second.
const INSTANT: &str = r"^[1-8][0-9]{3}-.*T[0-9]{2}:[0-9]{2}:[0-5][0-9]";

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
schema!(Priority, one_of(PRIORITIES.map(ToOwned::to_owned)));
schema!(Due, {
    let description = "A day, or a day with a time: `2026-03-29`, `2026-03-29T09:00` without a zone, or with `Z` or an offset. An \
                       instant is kept in UTC, unless a time zone is given beside it. Fractions of seconds are cut.";
    let day = string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)));
    let time = string().pattern(Some(LOCAL_TIME));
    let instant = string().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).pattern(Some(INSTANT));
    let due = AnyOfBuilder::new()
        .item(day)
        .item(time)
        .item(instant)
        .description(Some(description))
        .examples(["2026-03-29"])
        .build();
    Schema::AnyOf(due)
});
schema!(TimeZone, string().examples(["Europe/Berlin"]).description(Some("The name of a zone in the IANA database.")));
schema!(Tags, {
    let tag = string().min_length(Some(1)).max_length(Some(MAX_TAG)).pattern(Some(NOT_BLANK));
    let tags = ArrayBuilder::new().items(tag).max_items(Some(MAX_TAGS)).examples([json!(["home", "errand"])]);
    tags.description(Some("Tags that differ only in case are the same: the first is kept."))
});
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
