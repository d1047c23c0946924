//! Documents that were parsed, validated and normalized, cached by their text: clients send the same few over and over.

use std::{cell::RefCell, sync::Arc};

use async_graphql::ServerError;
use quick_cache::{Weighter, unsync::Cache};
use thread_local::ThreadLocal;

use super::{parse::parse, token_count::TokenCount};
use crate::{
    error::Code,
    graphql::{
        error::server_error,
        limits::{Cost, Limits},
        plan::{Definitions, Plan, document_cost, is_introspection, normalize, validate_values},
    },
    telemetry::{self, Limit},
};

/// Maximum bytes of text in one thread's cache. A normalized document is about ten times as large as its text.
const CACHE_BYTES: u64 = 256 * 1024;
/// Counted for a short document.
const MIN_WEIGHT: u64 = 64;
/// An estimate for the cache.
const EXPECTED_DOCUMENTS: usize = 256;

/// A valid document.
pub(in crate::graphql) struct Document {
    /// One for each operation.
    plans: Vec<Plan>,
    /// The part that doesn't depend on variables.
    pub(in crate::graphql) cost: Cost,
}

impl Document {
    /// `GetOperation` (specification, section 6.1): the operation of this name, or the only one.
    pub(in crate::graphql) fn plan(&self, name: Option<&str>) -> Result<&Plan, ServerError> {
        let found = match (self.plans.as_slice(), name) {
            (plans, Some(name)) => plans.iter().find(|plan| plan.name.as_deref() == Some(name)),
            ([only], None) => Some(only),
            _ => None,
        };
        found.ok_or_else(|| {
            let message = match name {
                Some(name) => format!("The document has no operation `{name}`"),
                None => "The document doesn't have exactly one operation: send `operationName`".to_owned(),
            };
            server_error(Code::GraphqlValidationFailed, message)
        })
    }
}

/// Each thread has a cache of its own: binding a plan clones a dozen of its reference-counted names, and cores that share
/// these counters wait for each other.
#[derive(Default)]
pub(in crate::graphql) struct DocumentCache {
    by_text: ThreadLocal<RefCell<Cache<String, Arc<Document>, TextLength>>>,
}

#[derive(Clone)]
struct TextLength;

impl Weighter<String, Arc<Document>> for TextLength {
    fn weight(&self, text: &String, _: &Arc<Document>) -> u64 {
        u64::try_from(text.len()).unwrap_or(u64::MAX).max(MIN_WEIGHT)
    }
}

impl DocumentCache {
    /// Fails if the document is invalid or exceeds a limit.
    pub(in crate::graphql) fn get(
        &self,
        text: &str,
        definitions: &Definitions,
        limits: &Limits,
    ) -> Result<Arc<Document>, Vec<ServerError>> {
        let cache = || RefCell::new(Cache::with_weighter(EXPECTED_DOCUMENTS, CACHE_BYTES, TextLength));
        let by_text = self.by_text.get_or(cache);
        if let Some(document) = by_text.borrow().get(text) {
            return Ok(Arc::clone(document));
        }
        let document = Arc::new(prepare(text, definitions, limits)?);
        by_text.borrow_mut().insert(text.to_owned(), Arc::clone(&document));
        Ok(document)
    }
}

/// Parses, validates and normalizes.
fn prepare(text: &str, definitions: &Definitions, limits: &Limits) -> Result<Document, Vec<ServerError>> {
    let invalid = |message: String| vec![server_error(Code::GraphqlValidationFailed, message)];
    let exceeded = |message: String| {
        telemetry::limit_hit(Limit::Cost);
        invalid(message)
    };
    let TokenCount { tokens, nesting } = TokenCount::of(text);
    if nesting > limits.nesting {
        let limit = limits.nesting;
        return Err(exceeded(format!(
            "The request nests {nesting} brackets, the limit (GRAPHQL_MAX_NESTING) is {limit}"
        )));
    }
    // The metric counts this limit once the budget of the request is checked.
    limits.check(&Cost { tokens, ..Cost::default() }).map_err(invalid)?;
    let document = parse(definitions, text)?;
    validate_values(definitions, &document)?;
    if !limits.introspection && is_introspection(&document) {
        return Err(invalid("Introspection is disabled (GRAPHQL_INTROSPECTION)".to_owned()));
    }
    let cost = document_cost(&document, tokens);
    limits.check(&cost).map_err(exceeded)?;
    Ok(Document { plans: normalize(definitions, &document), cost })
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;

    use super::*;
    use crate::graphql::plan::{bind, coerce_variables};

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
    fn a_document_of_any_length_is_prepared_once_per_thread() {
        let definitions = Definitions::new(&crate::graphql::sdl());
        let cache = DocumentCache::default();
        for length in [1, 60_000] {
            let text = format!("{{ __typename }} # {}", "x".repeat(length));
            let get = || cache.get(&text, &definitions, &Limits::default()).unwrap_or_else(|_| panic!("{length}"));
            assert!(Arc::ptr_eq(&get(), &get()), "{length}");
        }
    }

    #[test]
    fn no_document_panics() {
        let definitions = Definitions::new(&crate::graphql::sdl());
        let mut random = Random(9);
        let mut accepted = 0;
        for _ in 0..3000 {
            let text = mutate(&mut random);
            let Ok(document) = prepare(&text, &definitions, &Limits::default()) else { continue };
            accepted += 1;
            for plan in &document.plans {
                if let Ok(variables) = coerce_variables(&definitions, plan, Variables::default()) {
                    bind(plan, &variables);
                }
            }
        }
        assert!(accepted > 100, "{accepted} documents were valid");
    }
}
