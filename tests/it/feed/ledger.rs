//! The change feed's promise, under load and faults: no cursor passes a change that is committed later.

use tandem::store::Target;

use crate::{
    skip,
    support::{
        TestDb, citus::behind_network, cluster::Cluster, db, followers::Crowd, instance::Instance, network::Network,
    },
};

const WRITERS: usize = 8;
/// Through each outlet.
const FOLLOWERS: usize = 4;
/// How many writes and changes show progress.
const SOME: usize = 300;
/// Short enough for a test to see them exceeded.
const LIMITS: [(&str, &str); 3] =
    [("STATEMENT_TIMEOUT", "2s"), ("CHECKOUT_TIMEOUT", "2s"), ("DATABASE_POOL_SIZE", "8")];

/// A database that can fail.
enum Database {
    /// Which loses its server.
    Single(Cluster),
    /// Which loses all connections to a node: the cluster was given to the tests, and isn't theirs to kill.
    Spread(Box<TestDb>, Network),
}

impl Database {
    async fn new() -> Option<Self> {
        if let Some((database, network)) = behind_network().await {
            return Some(Self::Spread(Box::new(database), network));
        }
        let single = Self::Single(Cluster::durable()?);
        db::migrate(&db::config(Target::parse(&single.url()).unwrap(), 1)).await;
        Some(single)
    }

    fn url(&self) -> String {
        match self {
            Self::Single(cluster) => cluster.url("postgres", "postgres"),
            Self::Spread(database, _) => database.url().to_owned(),
        }
    }

    fn fail(&self) {
        match self {
            Self::Single(cluster) => {
                cluster.crash();
                cluster.up();
            }
            Self::Spread(_, network) => {
                network.cut(true);
                network.cut(false);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_miss_nothing_while_servers_and_the_database_are_killed() {
    let Some(database) = Database::new().await else { skip!(Postgres) };
    let url = database.url();
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
        database.fail();
        crowd.progress(SOME).await;
        kills += 1;
    }
    println!("{}; {kills} kills; 0 differences", crowd.finish().await);
}
