//! Types and root fields (specification, sections 3 and 4).

mod context;
mod error;
mod mutation;
mod query;
mod source;
mod subscription;
mod types;
mod validated;

use async_graphql::{SDLExportOptions, Schema};

pub(super) use self::{
    error::request_error,
    source::{Event, Source},
    types::json::ResponseBudget,
};
use self::{mutation::Mutation, query::Query, subscription::Subscription, validated::Validated};

/// The schema with its resolvers.
pub(super) type Executor = Schema<Query, Mutation, Subscription>;

/// The schema in the schema definition language: the content of `schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    executor().sdl_with_options(SDLExportOptions::new().include_specified_by())
}

pub(super) fn executor() -> Executor {
    Schema::build(Query, Mutation, Subscription).extension(Validated).limit_recursive_depth(usize::MAX).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{DEFAULT_PAGE, MAX_BULK, MAX_DESCRIPTION, MAX_LIMIT, MAX_SEARCH, MAX_TAG, MAX_TAGS, MAX_TITLE};

    /// Descriptions are literals, so they can't name the constants.
    #[test]
    fn descriptions_have_the_numbers_of_the_limits() {
        let sdl = sdl();
        let occurrences = |text: String| sdl.matches(text.as_str()).count();
        for (text, expected) in [
            (format!("1 to {MAX_TITLE} characters"), 4),
            (format!("t most {MAX_DESCRIPTION} characters"), 4),
            (format!("ignoring case; at most {MAX_SEARCH} characters"), 3),
            (format!("up to {MAX_BULK} tasks"), 4),
            (format!("up to {MAX_BULK} changes"), 1),
            (format!("1 to {MAX_LIMIT}."), 3),
            (format!("0 to {MAX_LIMIT}."), 3),
            (format!("Defaults to {DEFAULT_PAGE} unless"), 1),
            (format!(": Int! = {DEFAULT_PAGE}"), 1),
            (format!("t most {MAX_TAGS}, each of 1 to {MAX_TAG} characters"), 4),
            (format!("in any case; at most {MAX_TAGS}."), 2),
            (format!(": Int = {DEFAULT_PAGE}"), 3),
        ] {
            assert_eq!(occurrences(text.clone()), expected, "{text}");
        }
    }
}
