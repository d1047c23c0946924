//! A Citus cluster given by `TEST_CITUS_URL`: a superuser, in a database on the coordinator that
//! knows all nodes. Each test's database is created on all of them, and dropped at its end.

use futures::future::join_all;
use tokio::sync::Mutex;
use url::Url;

use super::{
    TestDb,
    db::{self, connect, on_own_runtime},
    network::Network,
};

/// Each copies the cluster's roles to the nodes, which only one can do at a time.
static JOINING: Mutex<()> = Mutex::const_new(());

/// Enough for all nodes, and few enough to be created quickly.
const SHARDS: u8 = 4;

/// The superuser's URL on each node, the coordinator's first.
#[derive(Clone, Debug)]
pub struct Nodes(Vec<Url>);

impl Nodes {
    /// Those of the cluster that this URL leads to.
    pub async fn of(admin_url: &str) -> Self {
        let admin = connect(admin_url).await;
        let nodes = "SELECT nodename, nodeport FROM pg_dist_node WHERE noderole = 'primary' ORDER BY groupid";
        let rows = admin.query(nodes, &[]).await.expect("the nodes of a Citus cluster");
        let nodes = rows.iter().map(|row| {
            let mut url = Url::parse(admin_url).expect("a URL");
            url.set_host(Some(row.get(0))).expect("a host");
            url.set_port(u16::try_from(row.get::<_, i32>(1)).ok()).expect("a port");
            url
        });
        Self(nodes.collect())
    }

    /// The loopback port of a worker.
    pub fn worker(&self, number: usize) -> u16 {
        self.0[number].port().expect("a port")
    }

    /// A connection of the superuser to a database of a node.
    pub async fn superuser(&self, number: usize, database: &str) -> tokio_postgres::Client {
        connect(in_database(&self.0[number], database).as_str()).await
    }

    /// Makes a database on all nodes.
    pub async fn create(&self, database: &str, owner: &str) {
        for node in &self.0 {
            let admin = connect(node.as_str()).await;
            admin.batch_execute(&format!("CREATE DATABASE {database} OWNER {owner}")).await.expect("a database");
        }
        let shards = format!("ALTER DATABASE {database} SET citus.shard_count = {SHARDS}");
        connect(self.0[0].as_str()).await.batch_execute(&shards).await.expect("a setting");
    }

    /// Lets a database use the nodes. Its coordinator reaches the worker with this number through this port.
    pub async fn join(&self, database: &str, detour: Option<(usize, u16)>) {
        for number in 0..self.0.len() {
            self.superuser(number, database).await.batch_execute("CREATE EXTENSION citus").await.expect("Citus");
        }
        let _alone = JOINING.lock().await;
        let coordinator = self.superuser(0, database).await;
        for (number, node) in self.0.iter().enumerate() {
            let host = node.host_str().expect("a host");
            let port = detour.filter(|(through, _)| *through == number).map_or(self.worker(number), |(_, port)| port);
            let function = if number == 0 { "citus_set_coordinator_host" } else { "citus_add_node" };
            let add = format!("SELECT {function}('{host}', {port})");
            coordinator.batch_execute(&add).await.expect("a node");
        }
    }

    fn drop(&self, database: &str) {
        let (nodes, database) = (self.clone(), database.to_owned());
        on_own_runtime(async move {
            let drop = format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)");
            let mut left = nodes.0;
            // A node that has it keeps connecting to the others.
            for _ in 0..5 {
                for node in std::mem::take(&mut left) {
                    if connect(node.as_str()).await.batch_execute(&drop).await.is_err() {
                        left.push(node);
                    }
                }
            }
        });
    }
}

/// The same server's database of another name.
fn in_database(url: &Url, name: &str) -> Url {
    let mut url = url.clone();
    url.set_path(name);
    url
}

/// A database on all nodes, until this is dropped.
pub struct Spread {
    pub nodes: Nodes,
    pub name: String,
}

impl Spread {
    /// A connection of the superuser to each node, first the coordinator.
    pub async fn superusers(&self) -> Vec<tokio_postgres::Client> {
        join_all((0..self.nodes.0.len()).map(|number| self.nodes.superuser(number, &self.name))).await
    }
}

impl Drop for Spread {
    fn drop(&mut self) {
        self.nodes.drop(&self.name);
    }
}

/// A database whose first worker is behind this network.
pub async fn behind_network() -> Option<(TestDb, Network)> {
    let db = TestDb::on_citus().await?;
    let spread = db.spread();
    let network = Network::to(spread.nodes.worker(1)).await;
    spread.nodes.join(&spread.name, Some((1, network.port))).await;
    db::migrate(&db.config).await;
    Some((db, network))
}
