//! A database with tasks in it, and the servers on it.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use clap::ValueEnum;
use tokio_postgres::NoTls;

use crate::{
    load::{
        client::{Client, http},
        generator::Generator,
        requests::{Door, PAGE, Requests},
        users::{HEAVY_TASKS, HEAVY_USER, Users},
        workload::{Load, Workload},
    },
    measurement::{Case, Figures, Latency, Measurement, Subject},
    processes::{
        cluster::Cluster,
        pgbench,
        server::{SECRET, Server},
    },
    usage::{self, CpuTimes},
};

/// Its fields are dropped in this order: servers end before the database does.
pub struct Testbed {
    pub product: Server,
    floor: Server,
    database: tokio_postgres::Client,
    cluster: Cluster,
    pub users: Users,
    /// In the middle of the heavy user's list.
    cursor: String,
    duration: Duration,
}

impl Testbed {
    /// Measures for this duration each. The product logs from this level on.
    pub async fn start(product: &Path, duration: Duration, log_level: &str) -> Result<Self> {
        let cluster = Cluster::start()?;
        // It migrates the database.
        let product = Server::product(product, &cluster, log_level).await?;
        let (database, connection) = tokio_postgres::connect(&cluster.url(), NoTls).await?;
        tokio::spawn(connection);
        database.batch_execute(include_str!("../sql/seed.sql")).await?;
        let floor = Server::floor(&cluster).await?;
        let users = Users::new(SECRET)?;
        let cursor = middle_cursor(&product, &users).await?;
        let testbed = Self { product, floor, database, cluster, users, cursor, duration };
        testbed.check_responses().await?;
        Ok(testbed)
    }

    /// Each server answers each workload with the tasks that were asked for.
    async fn check_responses(&self) -> Result<()> {
        for subject in Subject::ALL {
            let Some(door) = subject.door() else { continue };
            let mut client = Client::connect(self.server(subject).address).await?;
            for &workload in Workload::value_variants() {
                let tasks = match workload {
                    Workload::Mixed => continue,
                    _ if !subject.supports(workload, Load::Few) => continue,
                    Workload::List | Workload::First | Workload::Deep => PAGE,
                    Workload::Get | Workload::Create | Workload::Toggle => 1,
                };
                let response = client.send(&self.requests(door, workload).next()).await?;
                response.ensure_tasks(tasks).with_context(|| format!("{workload} of {subject}"))?;
            }
        }
        Ok(())
    }

    /// At this rate, if the load is paced.
    pub async fn measure(&self, case: Case, requests_per_second: Option<f64>) -> Result<Measurement> {
        if case.workload.writes() {
            self.restore().await?;
        }
        let figures = match case.subject.door() {
            None => pgbench::measure(&self.cluster, case.workload, self.duration).await?,
            Some(door) => self.measure_server(case, door, requests_per_second).await?,
        };
        let measurement = Measurement { case, figures };
        eprintln!("  {measurement}");
        Ok(measurement)
    }

    async fn measure_server(&self, case: Case, door: Door, requests_per_second: Option<f64>) -> Result<Figures> {
        let server = self.server(case.subject);
        let generator = Generator {
            address: server.address,
            requests: self.requests(door, case.workload),
            connections: case.load.connections(),
            interval: requests_per_second.map(|rate| Duration::from_secs_f64(1.0 / rate)),
        };
        let cpu = || CpuTimes::read(server.pid(), self.cluster.postmaster);
        let outcome = generator.run(self.duration, cpu).await?;
        let requests = f64::from(u32::try_from(outcome.latencies.len())?);
        let us_per_request = |time: Duration| time.as_secs_f64() * 1e6 / requests;
        Ok(Figures {
            requests_per_second: requests / outcome.elapsed.as_secs_f64(),
            errors: outcome.errors,
            server_cpu_us: Some(us_per_request(outcome.cpu.server)),
            postgres_cpu_us: us_per_request(outcome.cpu.postgres),
            resident_mib: Some(usage::resident_mib(server.pid())?),
            latency: Latency::of(outcome.latencies),
        })
    }

    fn server(&self, subject: Subject) -> &Server {
        if subject == Subject::Floor { &self.floor } else { &self.product }
    }

    fn requests(&self, door: Door, workload: Workload) -> Requests<'_> {
        Requests { door, workload, users: &self.users, cursor: &self.cursor }
    }

    /// Removes tasks that were added and row versions that updates left, so that each measurement finds the same data.
    pub async fn restore(&self) -> Result<()> {
        // The seed's tasks are older.
        for statement in
            ["DELETE FROM tasks WHERE created_at > '2025-06-01'", "VACUUM ANALYZE tasks", "VACUUM deleted_tasks"]
        {
            self.database.batch_execute(statement).await?;
        }
        Ok(())
    }
}

/// The cursor of the task in the middle of the heavy user's list, from the product.
async fn middle_cursor(product: &Server, users: &Users) -> Result<String> {
    let mut client = Client::connect(product.address).await?;
    let path = format!("/api/tasks?limit=1&offset={}", HEAVY_TASKS / 2 - 1);
    let response = client.send(&http("GET", &path, users.token(HEAVY_USER), "")).await?;
    response.ensure_tasks(1)?;
    let head = String::from_utf8_lossy(response.head);
    let (_, link) = head.split_once("cursor=").context("no link to the next page")?;
    Ok(link.split('>').next().unwrap_or_default().to_owned())
}
