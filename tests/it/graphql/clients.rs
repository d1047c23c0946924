//! The GraphQL door as others see it: audits and clients from npm, and a browser. Skipped without Node.

use std::process::Command;

use crate::{
    skip,
    support::{
        App, check_all,
        node::{Project, has_graphiql},
        token,
    },
};

const PROJECT: &str = "tests/graphql";
const CHROMIUM: &str = "chromium";

macro_rules! project {
    ($path:expr) => {
        match Project::open($path) {
            Ok(project) => project,
            Err(why) => skip!(Node, "{why}"),
        }
    };
}

/// Runs a program of ours against a fresh server, as Ann.
async fn run(project: &Project, program: &str) {
    let app = App::new().await;
    let ann = app.user("ann");
    ann.create("Water plants").await;
    let url = app.listen().await;
    let finished = project.run("node", &[program], &[("TANDEM_URL", &url), ("TANDEM_TOKEN", &token("ann"))]).await;
    assert!(finished.is_ok, "{program}: {}", finished.text);
}

#[tokio::test]
async fn every_audit_of_graphql_over_http_passes() {
    run(&project!(PROJECT), "audits.js").await;
}

#[tokio::test]
async fn apollo_client_normalizes_its_cache_and_uses_persisted_queries() {
    run(&project!(PROJECT), "apollo.js").await;
}

#[tokio::test]
async fn urql_and_graphql_request_work_with_the_server() {
    run(&project!(PROJECT), "urql.js").await;
}

#[tokio::test]
async fn typescript_generated_from_the_schema_compiles() {
    let finished = project!(PROJECT).run("npm", &["run", "--silent", "codegen"], &[]).await;
    assert!(finished.is_ok, "{}", finished.text);
}

#[tokio::test]
async fn relays_compiler_accepts_the_connection_and_the_node() {
    let finished = project!(PROJECT).run("npm", &["run", "--silent", "relay"], &[]).await;
    assert!(finished.is_ok, "{}", finished.text);
}

#[tokio::test]
async fn clients_of_every_outlet_follow_changes_and_catch_up_after_a_broken_connection() {
    let project = project!(PROJECT);
    let programs = ["graphql-ws", "graphql-sse", "apollo", "urql", "rest"];
    check_all(programs, async |client| run(&project, &format!("live/{client}.js")).await).await;
}

#[test]
fn the_guide_shows_the_clients_that_the_tests_run() {
    let guide = include_str!("../../../docs/GRAPHQL.md");
    for snippet in [include_str!("../../graphql/snippets/apollo.js"), include_str!("../../graphql/snippets/urql.js")] {
        assert!(guide.contains(&format!("```js\n{snippet}```")), "{snippet}");
    }
    let live = include_str!("../../../docs/LIVE.md");
    let indented = include_str!("../../graphql/snippets/live-resuming.js");
    assert!(live.replace("\n   ", "\n").contains(indented), "in docs/LIVE.md, indented");
    for snippet in [
        include_str!("../../graphql/snippets/live-graphql-ws.js"),
        include_str!("../../graphql/snippets/live-fetch.js"),
    ] {
        assert!(live.contains(&format!("```js\n{snippet}```")), "{snippet}");
    }
}

#[tokio::test]
async fn graphiql_works_in_a_browser_without_the_internet() {
    let project = project!(PROJECT);
    let page = App::new().await.user("ann").get("/graphiql").await;
    let has_browser = Command::new(CHROMIUM).arg("--version").output().is_ok();
    let missing = match (has_graphiql(&page.text), has_browser) {
        (false, _) => "GraphiQL is not part of this build",
        (_, false) => "there is no chromium here",
        _ => return run(&project, "graphiql.js").await,
    };
    skip!(Node, "{missing}");
}

#[tokio::test]
async fn a_typed_rest_client_generated_from_the_document_works() {
    let project = project!("tests/openapi");
    for script in ["generate", "compile"] {
        let finished = project.run("npm", &["run", "--silent", script], &[]).await;
        assert!(finished.is_ok, "{script}: {}", finished.text);
    }
    run(&project, "node_modules/.generated/client.js").await;
}
