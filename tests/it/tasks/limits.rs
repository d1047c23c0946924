//! The documents and OpenAPI's texts repeat limits of the code.

use std::collections::BTreeSet;

use tandem::{
    http::guard::MAX_BODY,
    rest::openapi,
    task::{
        CURSOR_LIFETIME, KEY_LIFETIME, MAX_BULK, MAX_DESCRIPTION, MAX_KEY, MAX_LIMIT, MAX_SEARCH, MAX_TAG, MAX_TAGS,
        MAX_TITLE, TOMBSTONE_LIFETIME,
    },
};

const GRAPHQL_PAGE: &str = include_str!("../../../docs/GRAPHQL.md");
const REST_PAGE: &str = include_str!("../../../docs/REST.md");
const LIVE_PAGE: &str = include_str!("../../../docs/LIVE.md");

/// The numbers between these words, as in "up to 100 tasks".
fn numbers(text: &str, before: &str, after: &str) -> BTreeSet<usize> {
    let words: Vec<_> = text.split_whitespace().map(|word| word.trim_matches(['.', ',', ';', ':', '"', '`'])).collect();
    let matches = |window: &&[&str]| {
        [before, "", after].iter().zip(*window).all(|(known, word)| known.is_empty() || known == word)
    };
    words.windows(3).filter(matches).filter_map(|window| window[1].parse().ok()).collect()
}

#[test]
fn documents_state_the_limits_of_the_code() {
    let lengths = [MAX_TITLE, MAX_DESCRIPTION, MAX_SEARCH, MAX_TAG];
    let [page, hours, cursor_days, tombstone_days] =
        [MAX_LIMIT, KEY_LIFETIME.num_hours(), CURSOR_LIFETIME.num_days(), TOMBSTONE_LIFETIME.num_days()]
            .map(|number| usize::try_from(number).unwrap());
    let mib = MAX_BODY / 1024 / 1024;
    let cases: [(&str, &str, &str, &[usize]); 11] = [
        (GRAPHQL_PAGE, "to", "tasks", &[MAX_BULK]),
        (openapi(), "within", "hours", &[hours]),
        (openapi(), "than", "MiB", &[mib]),
        (REST_PAGE, "", "characters", &lengths),
        (REST_PAGE, "to", "visible", &[MAX_KEY]),
        (REST_PAGE, "to", "tasks", &[MAX_BULK]),
        (REST_PAGE, "to", "tags", &[MAX_TAGS]),
        (REST_PAGE, "to", "|", &[page]),
        (REST_PAGE, "", "hours", &[hours]),
        (REST_PAGE, "", "MiB", &[mib]),
        (LIVE_PAGE, "", "days", &[cursor_days, tombstone_days]),
    ];
    for (text, before, after, limits) in cases {
        let expected: BTreeSet<_> = limits.iter().copied().collect();
        assert_eq!(numbers(text, before, after), expected, "`{before} … {after}` in {}", text.lines().next().unwrap());
    }
}
