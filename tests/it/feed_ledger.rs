//! The promise of the change feed, under load and faults: no cursor passes a change that is committed later.

use tandem::store::Target;

use crate::{
    skip,
    support::{cluster::Cluster, db, followers::Crowd, instance::Instance},
};

const WRITERS: usize = 8;
/// Through each outlet.
const FOLLOWERS: usize = 4;
/// How many writes and changes show that everything works.
const SOME: usize = 300;
/// Short enough for a test to see what happens after them.
const LIMITS: [(&str, &str); 3] =
    [("STATEMENT_TIMEOUT", "2s"), ("CHECKOUT_TIMEOUT", "2s"), ("DATABASE_POOL_SIZE", "8")];

#[tokio::test(flavor = "multi_thread")]
async fn followers_miss_nothing_while_servers_and_the_database_are_killed() {
    let Some(cluster) = Cluster::durable() else { skip!(Postgres) };
    let url = cluster.url("postgres", "postgres");
    db::migrate(&db::config(Target::parse(&url).unwrap(), 1)).await;
    let mut servers = [Instance::start(&url, &LIMITS).await, Instance::start(&url, &LIMITS).await];
    let crowd = Crowd::start(servers.iter().map(Instance::url), WRITERS, FOLLOWERS);
    crowd.progress(SOME).await;
    let mut kills = 0;
    for _ in 0..2 {
        for server in &mut servers {
            server.kill();
            crowd.progress(SOME).await;
            server.restart().await;
            kills += 1;
        }
        cluster.crash();
        cluster.up();
        crowd.progress(SOME).await;
        kills += 1;
    }
    println!("{}; {kills} kills; 0 differences", crowd.finish().await);
}
