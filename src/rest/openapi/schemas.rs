//! OpenAPI schemas of the domain's types, with the limits that the domain enforces.

use utoipa::openapi::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};

use crate::task::{
    Description, Limit, MAX_DESCRIPTION, MAX_LIMIT, MAX_OFFSET, MAX_SEARCH, MAX_TITLE, Offset, Search, Title,
};

/// No control characters.
const ONE_LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
/// The same, and at least one character that is not white space.
const NOT_BLANK: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
/// No control characters but line breaks and tabs.
const LINES: &str = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$";

/// The schema of a type.
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

pub(in crate::rest) use schema;

schema!(Title, {
    let title = text(MAX_TITLE, NOT_BLANK).min_length(Some(1)).examples(["Buy milk"]);
    title.description(Some("Not blank, no control characters."))
});
schema!(Description, {
    let description = text(MAX_DESCRIPTION, LINES).examples(["2 litres"]);
    description.description(Some("No control characters other than line breaks and tabs."))
});
schema!(Search, text(MAX_SEARCH, ONE_LINE));
schema!(Limit, integer(1, MAX_LIMIT).default(Some(Limit::default().get().into())));
schema!(Offset, integer(0, MAX_OFFSET));

pub(in crate::rest) fn uuid() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
}

/// One of some words.
pub(in crate::rest) fn one_of(words: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

fn text(max: usize, pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).max_length(Some(max)).pattern(Some(pattern))
}

pub(in crate::rest) fn integer(min: i64, max: i64) -> ObjectBuilder {
    let integer = ObjectBuilder::new().schema_type(Type::Integer);
    integer.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64))).minimum(Some(min)).maximum(Some(max))
}
