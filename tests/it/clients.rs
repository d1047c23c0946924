//! The GraphQL door as others judge it: the audits and clients of npm, and a browser. Skipped where there is no Node.

use std::process::Command;

use crate::{
    skip,
    support::{
        App,
        node::{Project, is_required},
        token,
    },
};

const PROJECT: &str = "tests/graphql";
const CHROMIUM: &str = "chromium";

macro_rules! project {
    ($path:expr) => {
        match Project::open($path) {
            Ok(project) => project,
            Err(why) => skip!("{why}"),
        }
    };
}

/// Runs a program of ours against a fresh server, as Ann.
async fn run(project: &Project, program: &str) {
    let app = App::new().await;
    app.create("ann", "Water plants").await;
    let url = app.listen().await;
    let finished = project.run("node", &[program], &[("TANDEM_URL", &url), ("TANDEM_TOKEN", &token("ann"))]).await;
    assert!(finished.is_ok, "{program}: {}", finished.text);
}

#[tokio::test]
async fn every_audit_of_graphql_over_http_passes() {
    run(&project!(PROJECT), "audits.js").await;
}

#[tokio::test]
async fn graphiql_works_in_a_browser_without_the_internet() {
    let project = project!(PROJECT);
    let page = App::new().await.rest("ann", "GET", "/graphiql", None).await;
    let is_built = !page.text.contains("unpkg.com");
    let has_browser = Command::new(CHROMIUM).arg("--version").output().is_ok();
    let missing = match (is_built, has_browser) {
        (false, _) => "the playground was not built before: npm ci --prefix playground",
        (_, false) => "there is no chromium here",
        _ => return run(&project, "graphiql.js").await,
    };
    assert!(!is_required(), "REQUIRE_NODE=1, but {missing}");
    skip!("{missing}");
}
