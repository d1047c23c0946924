//! The app as a browser meets it, its sync module, and what docs/FRONTEND.md shows. Skipped without Node.

use std::process::Command;

use crate::{
    skip,
    support::{
        App, check_all,
        node::{Project, has_graphiql},
        token,
    },
};

const CHROMIUM: &str = "chromium";

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

#[tokio::test]
async fn a_browser_is_led_to_the_app_and_a_program_told_what_is_served() {
    let app = App::new().await;
    let led = app.anonymous().get("/").headers(&[BROWSER]).await;
    assert_eq!((led.status.as_u16(), led.header("location"), led.header("vary")), (307, "/app", "accept"));
    let told = app.anonymous().get("/").await.good();
    assert_eq!((&told["name"], &told["doors"]["app"]), (&"Tandem".into(), &"/app".into()));
    let page = app.anonymous().get("/app").headers(&[BROWSER]).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.header("content-security-policy").contains("unsafe"), "{page}");
}

#[tokio::test]
async fn in_development_the_app_gets_a_token_for_any_name_but_only_on_this_machine() {
    let app = App::new().await;
    let anyone = app.anonymous();
    let token = anyone.call("POST", "/dev/token?user=zoe").headers(&[("host", "localhost:8000")]).await;
    let zoe = app.bearer(token.good()["token"].as_str().unwrap());
    assert_eq!(zoe.graphql("{ me { id } }").await.data()["me"]["id"], "zoe");
    let nameless = anyone.call("POST", "/dev/token").headers(&[("host", "localhost")]).await;
    nameless.refused(422, "BAD_USER_INPUT");
    check_all(["tandem.example.com", "localhost.example.com:8000"], async |host| {
        anyone.call("POST", "/dev/token?user=zoe").headers(&[("host", host)]).await.refused(404, "NOT_FOUND");
        let page = anyone.get("/app").headers(&[("host", host)]).await;
        assert!(!page.text.contains("/dev/token"), "{host}");
    })
    .await;
}

macro_rules! project {
    ($path:expr) => {
        match Project::open($path) {
            Ok(project) => project,
            Err(why) => skip!(Node, "{why}"),
        }
    };
}

#[tokio::test]
async fn the_replica_converges_with_a_server_whatever_the_network_loses() {
    let project = project!("web");
    let scripts = [&["run", "codegen", "--", "--check"][..], &["run", "check"], &["test"]];
    check_all(scripts, async |script| {
        let finished = project.run("npm", script, &[]).await;
        assert!(finished.is_ok, "{script:?}: {}", finished.text);
    })
    .await;
}

#[tokio::test]
async fn the_app_keeps_what_is_typed_through_kills_conflicts_and_expired_tokens() {
    let project = project!("web");
    let page = App::new().await.anonymous().get("/app").await;
    let has_browser = Command::new(CHROMIUM).arg("--version").output().is_ok();
    let missing = match (has_graphiql(&page.text), has_browser) {
        (false, _) => "the app is not part of this build",
        (_, false) => "there is no chromium here",
        _ => {
            let program = std::env::var("TANDEM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_tandem").to_owned());
            let finished = project.run("npm", &["run", "--silent", "test:browser"], &[("TANDEM", &program)]).await;
            assert!(finished.is_ok, "{}", finished.text);
            return;
        }
    };
    skip!(Node, "{missing}");
}

#[tokio::test]
async fn every_recipe_of_the_guide_shows_what_others_change() {
    let project = project!("tests/frontend");
    let compiled = project.run("npm", &["run", "--silent", "relay"], &[]).await;
    assert!(compiled.is_ok, "{}", compiled.text);
    check_all(["tokens", "apollo", "urql", "relay", "tanstack-db", "rest"], async |recipe| {
        let app = App::new().await;
        app.user("ann").create("Water plants").await;
        let url = app.listen().await;
        let env = [("TANDEM_URL", url.as_str()), ("TANDEM_TOKEN", &token("ann"))];
        let finished = project.run("node", &[&format!("{recipe}.js")], &env).await;
        assert!(finished.is_ok, "{recipe}: {}", finished.text);
    })
    .await;
}

#[test]
fn the_guide_shows_the_recipes_that_the_tests_run() {
    let guide = include_str!("../../../docs/FRONTEND.md");
    for recipe in [
        include_str!("../../frontend/recipes/tokens.js"),
        include_str!("../../frontend/recipes/apollo.js"),
        include_str!("../../frontend/recipes/urql.js"),
        include_str!("../../frontend/recipes/relay.js"),
        include_str!("../../frontend/recipes/tanstack-db.js"),
        include_str!("../../frontend/recipes/rest.js"),
    ] {
        assert!(guide.contains(&format!("```js\n{recipe}```")), "{recipe}");
    }
    let resuming = include_str!("../../frontend/recipes/resuming.js");
    assert_eq!(resuming, include_str!("../../graphql/snippets/live-resuming.js"), "docs/LIVE.md has it");
}
