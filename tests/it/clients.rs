//! The GraphQL door as others judge it: the audits and clients of npm. Skipped where there is no Node.

use crate::{
    skip,
    support::{App, node::Project, token},
};

const PROJECT: &str = "tests/graphql";

#[tokio::test]
async fn every_audit_of_graphql_over_http_passes() {
    let project = match Project::open(PROJECT) {
        Ok(project) => project,
        Err(why) => skip!("{why}"),
    };
    let url = App::new().await.listen().await + "/graphql";
    let audits = project.run("node", &["audits.js"], &[("TANDEM_URL", &url), ("TANDEM_TOKEN", &token("ann"))]).await;
    assert!(audits.is_ok, "{}", audits.text);
}
