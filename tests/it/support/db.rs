//! A fresh, migrated database for each test.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use chrono::TimeDelta;
use tandem::store::{self, Db, DbConfig, EMBEDDED_POOL_SIZE, Embedded, Target};
use tokio_postgres::{Client, NoTls};

use super::{
    citus::{Nodes, Spread},
    cluster::{Cluster, scratch_dir},
    pgbouncer::PgBouncer,
};

/// The tested server's login: it may create roles, as on hosted databases, and isn't a superuser.
const LOGIN: &str = "app";
const TEMPLATE: &str = "tandem_template";

/// A database of its own for one test.
pub struct TestDb {
    /// How the tested server connects to it.
    pub config: DbConfig,
    kind: Kind,
}

enum Kind {
    /// A database of the run's cluster, or of the server of `TEST_DATABASE_URL`.
    Server {
        /// As the tested server connects to it, perhaps through a pooler.
        url: String,
        /// The same without a pooler.
        direct_url: String,
        admin_url: String,
        /// Its nodes, if it is distributed.
        spread: Option<Spread>,
    },
    Embedded {
        _database: Box<Embedded>,
    },
}

impl TestDb {
    /// A fresh database, on a server if there is one.
    pub async fn fresh() -> Self {
        match Self::on_server().await {
            Some(database) => database,
            None => Self::embedded(),
        }
    }

    /// A fresh database on a server, for tests that need more than one connection.
    pub async fn on_server() -> Option<Self> {
        Some(Server::shared()?.create_migrated().await)
    }

    /// A fresh database on a server without any schema.
    pub async fn empty() -> Option<Self> {
        Some(Server::shared()?.create(&unique_name(), "template1").await)
    }

    /// A fresh database of a Citus cluster, without its extension and without any schema.
    pub async fn on_citus() -> Option<Self> {
        let server = Server::shared()?;
        let nodes = server.nodes.clone()?;
        let name = unique_name();
        nodes.create(&name, LOGIN).await;
        Some(server.database(&name, Some(Spread { nodes, name: name.clone() })))
    }

    /// Whether it is on Citus.
    pub fn is_spread(&self) -> bool {
        matches!(self.kind, Kind::Server { spread: Some(_), .. })
    }

    /// The nodes it is on, and its name. Only on Citus.
    pub fn spread(&self) -> &Spread {
        match &self.kind {
            Kind::Server { spread: Some(spread), .. } => spread,
            _ => panic!("it is on one server"),
        }
    }

    /// A database that the test has created itself.
    pub fn at(config: DbConfig, url: &str) -> Self {
        Self {
            config,
            kind: Kind::Server {
                url: url.to_owned(),
                direct_url: url.to_owned(),
                admin_url: url.to_owned(),
                spread: None,
            },
        }
    }

    fn embedded() -> Self {
        let open = async {
            let embedded = Embedded::open(&scratch_dir()).await.map_err(|error| error.report()).expect("a database");
            let config = config(embedded.target().clone(), EMBEDDED_POOL_SIZE);
            migrate(&config).await;
            Self { config, kind: Kind::Embedded { _database: Box::new(embedded) } }
        };
        on_own_runtime(open)
    }

    /// The store's handle to it.
    pub async fn open(&self) -> Db {
        Db::open(&self.config).await.map_err(|error| error.report()).expect("an open database")
    }

    /// Its URL for the login of the tested server. Only on a server.
    pub fn url(&self) -> &str {
        match &self.kind {
            Kind::Server { url, .. } => url,
            Kind::Embedded { .. } => panic!("the embedded database has no URL"),
        }
    }

    /// A connection of the test's own, as the login of the tested server. Only on a server.
    pub async fn client(&self) -> Client {
        match &self.kind {
            Kind::Server { direct_url, .. } => connect(direct_url).await,
            Kind::Embedded { .. } => panic!("the embedded database has one connection"),
        }
    }

    /// A connection of the test's own that row-level security doesn't restrict. Only on a server.
    pub async fn superuser(&self) -> Client {
        match &self.kind {
            Kind::Server { admin_url, .. } => connect(admin_url).await,
            Kind::Embedded { .. } => panic!("the embedded database has one connection"),
        }
    }

    /// The same to each of its nodes; first the one that the tested server uses.
    pub async fn superusers(&self) -> Vec<Client> {
        match &self.kind {
            Kind::Server { spread: Some(spread), .. } => spread.superusers().await,
            _ => vec![self.superuser().await],
        }
    }
}

/// The settings of a tested server.
pub fn config(target: Target, pool_size: u32) -> DbConfig {
    // Long enough for a busy machine: only tests of a limit set shorter ones.
    let patience = Duration::from_mins(1);
    DbConfig {
        target,
        pool_size,
        transactions_per_user: 4,
        checkout_timeout: patience,
        statement_timeout: patience,
        prepared_statements: PgBouncer::shared().is_none_or(|pooler| pooler.tracks_statements),
        single_sync: true,
        slow_query: patience,
        max_tasks_per_user: 100_000,
        trash_lifetime: TimeDelta::days(30),
    }
}

/// Migrates, or fails the test with the reason.
pub async fn migrate(config: &DbConfig) -> Vec<String> {
    store::migrate(config).await.map_err(|error| error.report()).expect("migrations").versions
}

async fn migrated(database: TestDb) -> TestDb {
    migrate(&database.config).await;
    database
}

/// A connection, driven in the background.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// A server with a migrated template database that others are copied from.
struct Server {
    admin_url: String,
    login: Option<&'static str>,
    /// Of a Citus cluster.
    nodes: Option<Nodes>,
}

impl Server {
    fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        SERVER.get_or_init(|| Self::find().map(|server| on_own_runtime(server.prepare()))).as_ref()
    }

    /// The cluster of `TEST_CITUS_URL`, or the server of `TEST_DATABASE_URL`, whose user may create databases and roles, else
    /// the cluster of this run.
    fn find() -> Option<Self> {
        let variable = |name| std::env::var(name).ok().filter(|url| !url.is_empty());
        if let Some(admin_url) = variable("TEST_CITUS_URL") {
            let of = admin_url.clone();
            let nodes = on_own_runtime(async move { Nodes::of(&of).await });
            return Some(Self { admin_url, login: Some(LOGIN), nodes: Some(nodes) });
        }
        match variable("TEST_DATABASE_URL") {
            Some(admin_url) => Some(Self { admin_url, login: None, nodes: None }),
            None => Cluster::shared().map(|cluster| Self {
                admin_url: cluster.url("postgres", "postgres"),
                login: Some(LOGIN),
                nodes: None,
            }),
        }
    }

    async fn prepare(self) -> Self {
        let admin = connect(&self.admin_url).await;
        if let Some(login) = self.login {
            let role = format!(
                "DO $$ BEGIN CREATE ROLE {login} LOGIN CREATEROLE NOSUPERUSER; EXCEPTION WHEN duplicate_object THEN END $$"
            );
            admin.batch_execute(&role).await.expect("a login");
        }
        if self.nodes.is_some() {
            // Creates the roles, which belong to the cluster.
            drop(self.create_migrated().await);
            return self;
        }
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {TEMPLATE}")).await.expect("no old template");
        // A pooler would stay connected to it, and a template must not be in use.
        let Kind::Server { direct_url, .. } = self.create(TEMPLATE, "template1").await.kind else { unreachable!() };
        migrate(&config(Target::parse(&direct_url).expect("a target"), 1)).await;
        self
    }

    /// A new database with the schema.
    async fn create_migrated(&self) -> TestDb {
        if self.nodes.is_none() {
            return self.create(&unique_name(), TEMPLATE).await;
        }
        // Templates only work on a single server.
        let database = self.create(&unique_name(), "template1").await;
        on_own_runtime(migrated(database))
    }

    /// A new database, like another one.
    async fn create(&self, name: &str, like: &str) -> TestDb {
        if let Some(nodes) = self.nodes.clone() {
            nodes.create(name, LOGIN).await;
            nodes.join(name, None).await;
            return self.database(name, Some(Spread { nodes, name: name.to_owned() }));
        }
        let owner = self.login.map(|login| format!("OWNER {login}")).unwrap_or_default();
        let admin = connect(&self.admin_url).await;
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {like} {owner}")).await.expect("a database");
        self.database(name, None)
    }

    fn database(&self, name: &str, spread: Option<Spread>) -> TestDb {
        let with = |user: Option<&str>| {
            let mut url = url::Url::parse(&self.admin_url).expect("a URL");
            url.set_path(name);
            if let Some(user) = user {
                url.set_username(user).expect("a user");
            }
            url.to_string()
        };
        let direct_url = with(self.login);
        let url = through_pooler(&direct_url);
        let config = config(Target::parse(&url).expect("a target"), 8);
        TestDb { config, kind: Kind::Server { url, direct_url, admin_url: with(None), spread } }
    }
}

/// The URL through the pooler of this run, if there is one.
fn through_pooler(url: &str) -> String {
    let Some(pooler) = PgBouncer::shared() else { return url.to_owned() };
    let mut url = url::Url::parse(url).expect("a URL");
    url.set_port(Some(pooler.port)).expect("a port");
    url.to_string()
}

/// Blocks on it on a thread and a runtime of its own: migrations block, and a test's runtime has one thread.
pub fn on_own_runtime<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let run = move || tokio::runtime::Runtime::new().expect("a runtime").block_on(future);
    thread::spawn(run).join().expect("a database to test with")
}

fn unique_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("tandem_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
