//! `RxDB`'s own replication, from npm: a client that writes without a network.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use tandem::store::Target;
use tokio::runtime::Handle;

use crate::{
    skip,
    support::{
        SECRET,
        cluster::{Cluster, scratch_dir},
        command, db,
        instance::Instance,
        node::Project,
    },
};

const SETTINGS: [(&str, &str); 3] = [("STATEMENT_TIMEOUT", "2s"), ("CHECKOUT_TIMEOUT", "2s"), ("JWT_LEEWAY", "0s")];

#[tokio::test(flavor = "multi_thread")]
async fn rxdb_loses_nothing_that_is_typed_on_three_devices() {
    let project = match Project::open("tests/rxdb") {
        Ok(project) => project,
        Err(why) => skip!(Node, "{why}"),
    };
    let Some(cluster) = Cluster::durable() else { skip!(Postgres) };
    let url = cluster.url("postgres", "postgres");
    db::migrate(&db::config(Target::parse(&url).unwrap(), 1)).await;
    let mut servers = [Instance::start(&url, &SETTINGS).await, Instance::start(&url, &SETTINGS).await];
    let urls = servers.each_ref().map(Instance::url).join(" ");
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut program = Command::new("node")
            .arg("main.js")
            .current_dir(project.dir())
            .envs([("TANDEM_URLS", urls.as_str()), ("TANDEM_SECRET", SECRET)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = program.stdin.take().unwrap();
        for line in BufReader::new(program.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some(request) = line.strip_prefix("> ") else {
                println!("{line}");
                continue;
            };
            match request {
                "kill server 0" => runtime.block_on(servers[0].restart()),
                "kill server 1" => runtime.block_on(servers[1].restart()),
                "kill database" => {
                    cluster.crash();
                    cluster.up();
                }
                "reset" => {
                    let arguments = ["feed", "reset", "--yes"];
                    let output = command::output(
                        &scratch_dir(),
                        &arguments,
                        &[("DATABASE_URL", &url), ("BETTER_AUTH_SECRET", SECRET)],
                    );
                    assert!(output.status.success(), "{}", command::stderr(&output));
                }
                request => panic!("an unknown request: {request}"),
            }
            writeln!(input, "done").unwrap();
        }
        assert!(program.wait().unwrap().success());
    })
    .await
    .unwrap();
}

#[test]
fn the_guide_shows_the_replication_that_the_test_runs() {
    let guide = include_str!("../../../docs/FRONTEND.md");
    assert!(guide.contains(&format!("```js\n{}```", include_str!("../../rxdb/replicate.js"))));
}
