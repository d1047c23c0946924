//! Minutes of faults under load, with the default settings: `benches/soak.sh` runs this and prints its figures.
//!
//! What `faults.rs` asserts in seconds is asserted here over a long time: promises are kept, and memory stays flat. How
//! soon writes succeed after a fault is printed, not asserted: that depends on the machine.

use std::time::{Duration, Instant};

use tandem::store::Target;

use crate::{
    skip,
    support::{
        cluster::Cluster,
        db, eventually,
        hostile::Company,
        instance::Instance,
        ledger::Load,
        proxy::{Direction, Proxy},
    },
};

/// How long the load runs between two faults.
const CALM: Duration = Duration::from_secs(5);
/// How long the database is frozen: longer than every default limit of the server.
const FREEZE: Duration = Duration::from_secs(8);
/// As many as a write under a key has in each direction.
const MESSAGES: usize = 24;
/// By how much memory may grow after every kind of fault has happened once, in KiB.
const GROWTH: u64 = 32 * 1024;

#[derive(Clone, Copy, Debug)]
enum Fault {
    BackendsTerminated,
    DatabaseCrashed,
    DatabaseFrozen,
    ConnectionsCut,
    ServerKilled,
}

const FAULTS: [Fault; 5] = [
    Fault::BackendsTerminated,
    Fault::DatabaseCrashed,
    Fault::DatabaseFrozen,
    Fault::ConnectionsCut,
    Fault::ServerKilled,
];

struct Soak {
    cluster: Cluster,
    proxies: [Proxy; 2],
    servers: [Instance; 2],
    load: Load,
}

impl Soak {
    async fn start(cluster: Cluster, clients: usize) -> Self {
        let url = cluster.url("postgres", "postgres");
        db::migrate(&db::config(Target::parse(&url).unwrap(), 1)).await;
        let proxies = [Proxy::before(&url).await, Proxy::before(&url).await];
        let servers = [Instance::start(&proxies[0].url, &[]).await, Instance::start(&proxies[1].url, &[]).await];
        let load = Load::start(servers.iter().map(Instance::url), clients);
        load.progress(clients).await;
        Self { cluster, proxies, servers, load }
    }

    /// Causes a fault, and returns at its end.
    async fn suffer(&mut self, fault: Fault) {
        match fault {
            Fault::BackendsTerminated => {
                let admin = db::connect(&self.cluster.url("postgres", "postgres")).await;
                let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tandem'";
                admin.execute(all, &[]).await.unwrap();
            }
            Fault::DatabaseCrashed => {
                self.cluster.crash();
                self.cluster.up();
            }
            Fault::DatabaseFrozen => {
                let frozen = self.cluster.freeze().await;
                tokio::time::sleep(FREEZE).await;
                drop(frozen);
            }
            Fault::ConnectionsCut => self.cut_connections().await,
            // The first one keeps running, so that its memory can be measured.
            Fault::ServerKilled => self.servers[1].restart().await,
        }
    }

    /// Cuts the connections of both servers behind every message of a transaction, in both directions.
    async fn cut_connections(&self) {
        for (messages, direction) in (0..MESSAGES).flat_map(|n| [(n, Direction::Requests), (n, Direction::Answers)]) {
            for proxy in &self.proxies {
                proxy.cut_after(messages, direction);
            }
            let is_due = async || self.proxies.iter().any(Proxy::is_cut_due);
            eventually("connections are cut", async || !is_due().await).await;
        }
    }

    fn memory(&self) -> u64 {
        self.servers[0].memory().unwrap_or_default()
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{variable}: {value}")))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: benches/soak.sh"]
async fn promises_are_kept_and_memory_stays_flat_over_minutes_of_faults() {
    let Some(cluster) = Cluster::durable() else { skip!(Postgres) };
    let (seconds, clients) = (number("SOAK_SECONDS", 600), number("SOAK_CLIENTS", 100));
    let mut soak = Soak::start(cluster, usize::try_from(clients).unwrap()).await;
    let (start, mut settled_memory) = (Instant::now(), None);
    println!("{:>7}  {:<20} {:>12} {:>10} {:>10}", "second", "fault", "writes again", "writes", "memory");
    loop {
        for fault in FAULTS {
            soak.suffer(fault).await;
            let end = Instant::now();
            soak.load.progress(1).await;
            let gap = end.elapsed();
            soak.proxies.iter().for_each(Proxy::forget);
            tokio::time::sleep(CALM).await;
            println!(
                "{:>7}  {:<20} {:>9} ms {:>10} {:>6} MiB",
                start.elapsed().as_secs(),
                format!("{fault:?}"),
                gap.as_millis(),
                soak.load.acknowledged(),
                soak.memory() / 1024,
            );
        }
        if start.elapsed().as_secs() >= seconds {
            break;
        }
        settled_memory.get_or_insert(soak.memory());
    }
    let (retries, memory) = (soak.load.retries(), soak.memory());
    let acknowledged = soak.load.acknowledged();
    let admin = db::connect(&soak.cluster.url("postgres", "postgres")).await;
    soak.load.finish().await.assert_kept(&admin).await;
    println!(
        "{acknowledged} writes acknowledged, {retries} requests repeated; all there, none twice, none seen by another user"
    );
    if let Some(settled) = settled_memory {
        assert!(memory <= settled + GROWTH, "memory grew from {settled} KiB to {memory} KiB");
    }
}

/// What hostile clients may take of memory at a time, in KiB: two of their users don't read responses, and each may have
/// `RESPONSE_MEMORY_PER_USER`; the rest is for connections, and for responses that are being made.
const TAKEN: u64 = 128 * 1024;
/// How many clients write while hostile ones are there, and how long each waits between two writes.
const WRITERS: usize = 20;
const WRITERS_PAUSE: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: benches/soak.sh"]
async fn hostile_clients_cost_others_little_and_memory_stays_flat() {
    let Some(cluster) = Cluster::durable() else { skip!(Postgres) };
    let phase = Duration::from_secs(number("SOAK_SECONDS", 600) / 4);
    let url = cluster.url("postgres", "postgres");
    db::migrate(&db::config(Target::parse(&url).unwrap(), 1)).await;
    // The writers' machine is a proxy to it, so each of them has an address of their own.
    let server = Instance::start(&url, &[("RATE_LIMITS", "true"), ("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let load = Load::paced([server.url()], WRITERS, WRITERS_PAUSE);
    load.progress(10 * WRITERS).await;
    load.take_percentile(0.99);
    println!("{:>8}  {:>12} {:>10} {:>10}", "hostile", "p99", "writes", "memory");
    let look = |company: &str| {
        let (p99, memory) = (load.take_percentile(0.99), server.memory().unwrap());
        println!("{company:>8}  {:>9} ms {:>10} {:>6} MiB", p99.as_millis(), load.acknowledged(), memory / 1024);
        (p99, memory)
    };
    tokio::time::sleep(phase).await;
    let (p99_alone, memory_alone) = look("no");
    let company = Company::start(server.address()).await;
    let mut phases = Vec::new();
    for _ in 0..3 {
        tokio::time::sleep(phase).await;
        phases.push(look("yes"));
    }
    println!("{}", company.deeds());
    drop(company);
    let admin = db::connect(&url).await;
    let hostile = "DELETE FROM tasks WHERE user_id NOT LIKE 'user-%'";
    admin.execute(hostile, &[]).await.unwrap();
    load.finish().await.assert_kept(&admin).await;
    for (p99, memory) in phases {
        assert!(memory <= memory_alone + TAKEN, "memory grew from {memory_alone} KiB to {memory} KiB");
        assert!(p99 <= 2 * p99_alone, "{p99:?} instead of {p99_alone:?}");
    }
}
