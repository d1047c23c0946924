//! Documents that were parsed, validated and compiled, kept by their text: clients send the same few again and again.

use std::{cell::RefCell, sync::Arc};

use async_graphql::ServerError;
use quick_cache::{Weighter, unsync::Cache};
use thread_local::ThreadLocal;

use super::{parse::parse, token_count::TokenCount};
use crate::{
    error::Code,
    graphql::{
        error::worded,
        limits::{Cost, Limits},
        plan::{Definitions, Plan, asks_for_schema, check_values, compile, cost_of},
    },
    telemetry::{self, Limit},
};

/// How many bytes of text a thread keeps. What is made of a document takes some ten times as much.
const MAX_CACHED: u64 = 256 * 1024;
/// As which the shortest text counts.
const MIN_WEIGHT: u64 = 64;
/// About how many documents a thread keeps.
const DOCUMENTS: usize = 256;

/// A document that fits the schema.
pub(in crate::graphql) struct Document {
    /// One for each operation.
    plans: Vec<Plan>,
    /// What can be told without variables.
    pub(in crate::graphql) cost: Cost,
}

impl Document {
    /// The plan of the operation to be run: the one that is named, or the only one.
    pub(in crate::graphql) fn plan(&self, name: Option<&str>) -> Result<&Plan, ServerError> {
        let found = match (self.plans.as_slice(), name) {
            (plans, Some(name)) => plans.iter().find(|plan| plan.name() == Some(name)),
            ([only], None) => Some(only),
            _ => None,
        };
        found.ok_or_else(|| match name {
            Some(name) => worded(Code::GraphqlValidationFailed, format!("The document has no operation `{name}`")),
            None => worded(Code::GraphqlValidationFailed, "The document doesn't have exactly one operation: name one"),
        })
    }
}

/// Compiles documents, and keeps them.
///
/// Each thread has its own: a request counts references to a dozen names of its document, and the processors that ran it
/// last would wait for each other at every one.
#[derive(Default)]
pub(in crate::graphql) struct DocumentCache {
    documents: ThreadLocal<RefCell<Documents>>,
}

type Documents = Cache<String, Arc<Document>, TextLength>;

#[derive(Clone)]
struct TextLength;

impl Weighter<String, Arc<Document>> for TextLength {
    fn weight(&self, text: &String, _: &Arc<Document>) -> u64 {
        u64::try_from(text.len()).unwrap_or(u64::MAX).max(MIN_WEIGHT)
    }
}

impl DocumentCache {
    /// The document of this text, unless it exceeds a limit or doesn't fit the schema.
    pub(in crate::graphql) fn get(
        &self,
        text: &str,
        definitions: &Definitions,
        limits: &Limits,
    ) -> Result<Arc<Document>, Vec<ServerError>> {
        let documents = self.documents.get_or(|| RefCell::new(Cache::with_weighter(DOCUMENTS, MAX_CACHED, TextLength)));
        if let Some(document) = documents.borrow().get(text) {
            return Ok(Arc::clone(document));
        }
        let document = Arc::new(prepare(text, definitions, limits)?);
        documents.borrow_mut().insert(text.to_owned(), Arc::clone(&document));
        Ok(document)
    }
}

fn prepare(text: &str, definitions: &Definitions, limits: &Limits) -> Result<Document, Vec<ServerError>> {
    let tokens = check_size(text, limits).map_err(refused)?;
    let document = parse(definitions, text)?;
    check_values(definitions, &document)?;
    if !limits.introspection && asks_for_schema(&document) {
        return Err(refused("The schema can't be asked for here (GRAPHQL_INTROSPECTION)".to_owned()));
    }
    let cost = cost_of(&document, tokens);
    limits.check(&cost).map_err(|reason| {
        telemetry::limit_hit(Limit::Cost);
        refused(reason)
    })?;
    Ok(Document { plans: compile(definitions, &document), cost })
}

/// How many tokens a text has, if it may be parsed.
fn check_size(text: &str, limits: &Limits) -> Result<usize, String> {
    let TokenCount { tokens, nesting } = TokenCount::of(text);
    if nesting > limits.nesting {
        telemetry::limit_hit(Limit::Cost);
        let limit = limits.nesting;
        return Err(format!("The request nests {nesting} brackets, the limit (GRAPHQL_MAX_NESTING) is {limit}"));
    }
    // Counted by who adds up what a request costs.
    limits.check(&Cost { tokens, ..Cost::default() })?;
    Ok(tokens)
}

fn refused(reason: String) -> Vec<ServerError> {
    vec![worded(Code::GraphqlValidationFailed, reason)]
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;

    use super::*;

    const SEEDS: [&str; 6] = [
        "query Q($a: [ID!] = [1], $b: Boolean! = true) { tasks(status: PENDING, limit: 3) @skip(if: $b) { id ...F } node(id: $a) { id } }",
        "fragment F on Task { title ... on Node @include(if: true) { id __typename } } { t: tasksConnection(first: 1) { edges { node { ...F } } } }",
        "mutation M($t: String!, $i: UpdateTaskInput) { createTask(input: { title: $t, description: null }) { id } updateTask(id: 1, input: $i) { id } }",
        "mutation { createTasks(inputs: [{ title: \"a\\u0041\\uD83D\\uDE00\" }, { title: \"\"\"b \\\"\"\" c\"\"\" }]) { version } }",
        "{ __schema { types { name fields(includeDeprecated: true) { args { defaultValue } } } } __type(name: \"Task\") { isOneOf } }",
        "{ tasks { x: id ...G } } fragment G on Task { x: id ...G2 } fragment G2 on Node { id } # comment",
    ];

    /// Small, and the same on every run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % bound
        }
    }

    /// Cuts, repeats and swaps pieces of seeds.
    fn mutate(random: &mut Random) -> String {
        let piece = |random: &mut Random| {
            let words: Vec<&str> = SEEDS[random.below(SEEDS.len())].split_inclusive([' ', '(', ':', '{']).collect();
            let start = random.below(words.len());
            words[start..(start + 1 + random.below(8)).min(words.len())].concat()
        };
        let mut text: Vec<char> = SEEDS[random.below(SEEDS.len())].chars().collect();
        for _ in 0..=random.below(3) {
            let start = random.below(text.len() + 1);
            let end = start + random.below(text.len() - start + 1).min(random.below(12));
            let with = if random.below(2) == 0 { piece(random) } else { String::new() };
            text.splice(start..end, with.chars());
        }
        text.into_iter().collect()
    }

    #[test]
    fn a_document_of_any_length_is_compiled_once_for_a_thread() {
        let definitions = Definitions::of(&crate::graphql::sdl());
        let cache = DocumentCache::default();
        for length in [1, 60_000] {
            let text = format!("{{ __typename }} # {}", "x".repeat(length));
            let get = || cache.get(&text, &definitions, &Limits::default()).unwrap_or_else(|_| panic!("{length}"));
            assert!(Arc::ptr_eq(&get(), &get()), "{length}");
        }
    }

    #[test]
    fn no_document_panics() {
        let definitions = Definitions::of(&crate::graphql::sdl());
        let mut random = Random(9);
        let mut accepted = 0;
        for _ in 0..3000 {
            let text = mutate(&mut random);
            let Ok(document) = prepare(&text, &definitions, &Limits::default()) else { continue };
            accepted += 1;
            for plan in &document.plans {
                if let Ok(variables) = plan.coerce(&definitions, Variables::default()) {
                    plan.bind(&variables);
                }
            }
        }
        assert!(accepted > 100, "{accepted} documents were good enough to be planned");
    }
}
