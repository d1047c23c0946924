//! Random requests, tokens, cursors and settings. Whatever comes in, the server never fails internally
//! (500), reports errors in the format of its door, and changes nothing when it refuses.
//!
//! `FUZZ_SECONDS` says how long each target is fuzzed, `FUZZ_CASES` how many cases it gets at most, `FUZZ_SEED` which ones.

mod requests;
mod text;
mod wire;

use std::{
    env,
    fmt::Debug,
    time::{Duration, Instant},
};

use axum::{body::Body, http::Request};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use clap::{Args, Command, FromArgMatches};
use proptest::{
    prelude::*,
    test_runner::{Config as Runs, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use serde_json::{Value, json};
use tandem::config::Config;
use tokio::runtime::Runtime;

use self::{
    requests::{Sent, World, cursor, request, token_headers},
    text::text,
};
use crate::support::{Answer, App, User, answer, id_of};

const SECONDS: u64 = 2;
const SEED: u64 = 1;
/// How many cases run between two looks at the clock.
const ROUND: u32 = 64;

type Verdict = Result<(), TestCaseError>;

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}: {value}")))
}

/// Checks cases until the time is up. A failure is shrunk.
fn fuzz<S: Strategy>(strategy: &S, check: impl Fn(S::Value) -> Verdict)
where
    S::Value: Debug,
{
    let end = Instant::now() + Duration::from_secs(setting("FUZZ_SECONDS", SECONDS));
    let first = setting("FUZZ_SEED", SEED);
    let rounds = setting("FUZZ_CASES", u64::MAX).div_ceil(ROUND.into());
    for seed in (first..).take(usize::try_from(rounds).unwrap_or(usize::MAX)) {
        if Instant::now() >= end {
            return;
        }
        let runs = Runs { cases: ROUND, failure_persistence: None, max_shrink_iters: 2000, ..Runs::default() };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut runner = TestRunner::new_with_rng(runs, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        runner.run(strategy, &check).unwrap_or_else(|error| panic!("FUZZ_SEED={seed}: {error}"));
    }
}

/// A server with tasks of two users. Requests are Ann's; Bob's tasks must never change.
struct Site {
    runtime: Runtime,
    app: App,
    ann: User,
    bob: User,
    bobs: Value,
    world: World,
}

impl Site {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let app = runtime.block_on(App::new());
        let [ann, bob] = ["ann", "bob"].map(|name| app.user(name));
        let (world, bobs) = runtime.block_on(async {
            let mut ids = Vec::new();
            for user in [&ann, &ann, &ann, &bob] {
                ids.push(id_of(&user.create("Water the plants").await).to_owned());
            }
            let page = ann.graphql("{ tasksConnection { edges { cursor } } }").await.good();
            let edges = page["tasksConnection"]["edges"].as_array().unwrap();
            let cursors = edges.iter().map(|edge| edge["cursor"].as_str().unwrap().to_owned()).collect();
            (World { ids, cursors }, bob.tasks().await)
        });
        Self { runtime, app, ann, bob, bobs, world }
    }

    /// Sends it, and checks what must hold whatever it was.
    fn check(&self, sent: Sent) -> Verdict {
        self.runtime.block_on(async {
            let Some(request) = sent.build() else { return Ok(()) };
            let is_write = !matches!(request.method().as_str(), "GET" | "HEAD" | "OPTIONS");
            let sent_to = request.uri().path().to_owned();
            let is_graphql = sent_to == "/graphql";
            let before = if is_write { Some(self.state().await) } else { None };
            let answer = self.send(request).await;
            let is_page = sent_to.starts_with("/graphiql");
            has_a_good_form(&answer, (!is_page).then_some(is_graphql))?;
            let was_refused = answer.status.as_u16() >= 400
                || is_graphql && answer.json.get("data").is_none() && !answer.json.is_array();
            if let (Some(before), true) = (before, was_refused) {
                prop_assert_eq!(self.state().await, before, "refused with {}, and changed something", answer.status);
            }
            Ok(())
        })
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        answer::to(self.app.router(), request).await
    }

    async fn state(&self) -> Value {
        self.ann.get("/api/tasks?limit=1000").await.good()
    }

    /// At the end, the other user's tasks are as they were, and no connection is left in a transaction.
    fn is_unharmed(&self) {
        self.runtime.block_on(async {
            assert_eq!(self.bob.tasks().await, self.bobs);
            self.app.anonymous().get("/readyz").await.status(200);
        });
    }
}

/// `is_graphql` says which format an error has; the playground's pages have either.
fn has_a_good_form(answer: &Answer, is_graphql: Option<bool>) -> Verdict {
    let status = answer.status.as_u16();
    prop_assert!(status < 500, "{}", answer);
    if status < 400 || answer.text.is_empty() {
        return Ok(());
    }
    prop_assert!(!answer.code().is_empty(), "an error without a code: {}", answer);
    prop_assert!(answer.header("content-type").contains("json"), "{}", answer);
    if let Some(is_graphql) = is_graphql {
        prop_assert_eq!(answer.json.pointer("/errors/0/message").is_some(), is_graphql, "{}", answer);
    }
    prop_assert_eq!(status == 401, answer.headers.contains_key("www-authenticate"), "{}", answer);
    Ok(())
}

#[test]
fn no_request_breaks_the_server() {
    let site = Site::new();
    fuzz(&request(&site.world), |sent| site.check(sent));
    site.is_unharmed();
}

#[test]
fn no_token_breaks_the_server() {
    let site = Site::new();
    let sent = token_headers().prop_map(|headers| Sent { headers, ..Sent::get("/api/tasks") });
    fuzz(&sent, |sent| site.check(sent));
    site.is_unharmed();
}

#[test]
fn no_cursor_breaks_the_server() {
    let site = Site::new();
    fuzz(&cursor(&site.world), |cursor| {
        let list = "query($c: String) { a: tasksConnection(after: $c) { nodes { id } } }";
        site.runtime.block_on(async {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("cursor", &cursor).finish();
            has_a_good_form(&site.ann.get(format!("/api/tasks?{query}")).await, Some(false))?;
            let answer = site.ann.graphql(list).variables(json!({ "c": cursor })).await;
            prop_assert!(matches!(answer.code(), "" | "BAD_USER_INPUT"), "{}", answer);
            Ok(())
        })
    });
}

#[test]
fn no_base64_of_json_is_taken_for_a_cursor_that_breaks_a_query() {
    let site = Site::new();
    let key = prop_oneof![any::<i64>().prop_map(Value::from), text().prop_map(Value::from), Just(Value::Null)];
    let column = prop_oneof![Just("created"), Just("updated"), Just("title"), Just("id")];
    let parts = (column, any::<bool>(), key, any::<u128>());
    let cursor = parts.prop_map(|(column, descending, key, id)| {
        let sort = json!({ "column": column, "descending": descending });
        BASE64_URL_SAFE_NO_PAD.encode(json!([sort, key, uuid::Uuid::from_u128(id)]).to_string())
    });
    fuzz(&cursor, |cursor| {
        let path = format!("/api/tasks?sort=title&cursor={cursor}");
        site.runtime.block_on(async { has_a_good_form(&site.ann.get(path).await, Some(false)) })
    });
}

#[test]
fn no_setting_makes_the_configuration_panic() {
    let command = Config::augment_args(Command::new("tandem"));
    let flags: Vec<String> = command.get_arguments().filter_map(|arg| Some(format!("--{}", arg.get_long()?))).collect();
    assert!(flags.len() > 20, "{flags:?}");
    let flag = proptest::sample::select(flags);
    let value = prop_oneof![text(), "-?[0-9]{1,25}(ms|s|m|h|d|y)?", "(https?|postgres|redis)://[a-z:/?=&%@0-9.]{0,30}"];
    fuzz(&proptest::collection::vec((flag, value), 1..5), |settings| {
        let args = settings.iter().map(|(flag, value)| format!("{flag}={value}"));
        let arguments = std::iter::once("tandem".to_owned()).chain(args);
        if let Ok(matches) = command.clone().try_get_matches_from(arguments) {
            let config = Config::from_arg_matches(&matches).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let _ = (config.limits(), config.key_sources().is_ok(), config.is_development());
        }
        Ok(())
    });
}
