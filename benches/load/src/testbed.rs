//! One run: a database, the servers on it, and the measurements in turns.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use tokio_postgres::NoTls;

use crate::{
    Settings,
    load::client::Client,
    load::generator::Generator,
    load::users::{LIGHT_USERS, Users},
    load::workload::{Door, Requests, Workload, http},
    measurement::{Cell, Figures, Latency, Load, count},
    processes::cluster::Cluster,
    processes::pgbench,
    processes::server::{SECRET, Server},
    subject::Subject,
    train, usage,
};

const FEW: usize = 16;
const MANY: usize = 1000;
/// What is measured on many connections.
const ON_MANY: [Workload; 2] = [Workload::List, Workload::Mixed];

/// Servers end before the database does.
pub struct Session {
    product: Server,
    floor: Server,
    database: tokio_postgres::Client,
    cluster: Cluster,
    users: Users,
    cursor: String,
    duration: Duration,
}

impl Session {
    /// The product logs from this level on.
    pub async fn start(binary: &Path, duration: Duration, log: &str) -> Result<Self> {
        let cluster = Cluster::start()?;
        // It migrates the database.
        let product = Server::product(binary, &cluster, log).await?;
        let (database, connection) = tokio_postgres::connect(&cluster.url(), NoTls).await?;
        tokio::spawn(connection);
        database.batch_execute(include_str!("../sql/seed.sql")).await?;
        let floor = Server::floor(&cluster).await?;
        let users = Users::new(SECRET)?;
        let cursor = middle(&product, &users).await?;
        let session = Self { product, floor, database, cluster, users, cursor, duration };
        session.check().await?;
        Ok(session)
    }

    /// Everything, as often as it is asked for. Who comes first changes from one measurement to the next.
    pub async fn rounds(&mut self, settings: &Settings) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        for round in 0..settings.rounds {
            eprintln!("round {}", round + 1);
            self.tidy_up().await?;
            let wanted = |workload: &Workload| {
                settings.only.is_empty() || settings.only.iter().any(|name| name == workload.name())
            };
            for (turn, workload) in Workload::ALL.into_iter().filter(wanted).enumerate() {
                for subject in in_turn(round + turn).filter(|subject| subject.does(workload)) {
                    cells.push(self.measure(subject, workload, Load::Few, None).await?);
                }
            }
            if settings.few_connections {
                continue;
            }
            for (turn, workload) in ON_MANY.into_iter().filter(wanted).enumerate() {
                for subject in in_turn(round + turn).filter(|subject| subject.door().is_some()) {
                    let closed = self.measure(subject, workload, Load::Many, None).await?;
                    let half = closed.figures.requests_per_second / 2.0;
                    cells.push(closed);
                    if workload == Workload::Mixed {
                        cells.push(self.measure(subject, workload, Load::Paced, Some(half)).await?);
                    }
                }
            }
        }
        Ok(cells)
    }

    /// Everything once through both doors of the product, which is then stopped.
    pub async fn train(self) -> Result<()> {
        let followers = train::follow(self.product.address(), &self.users).await?;
        for workload in Workload::ALL {
            for subject in [Subject::Rest, Subject::GraphQl] {
                self.measure(subject, workload, Load::Few, None).await?;
            }
        }
        train::ask_besides(self.product.address(), &self.users, self.duration).await?;
        drop(followers);
        self.product.stop()
    }

    async fn measure(&self, subject: Subject, workload: Workload, load: Load, rate: Option<f64>) -> Result<Cell> {
        if workload.writes() {
            self.tidy_up().await?;
        }
        let figures = match subject.door() {
            None => self.pgbench(workload).await?,
            Some(door) => self.serve(subject, door, workload, load, rate).await?,
        };
        let cell = Cell { subject, workload, load, figures };
        eprintln!("  {cell}");
        Ok(cell)
    }

    async fn pgbench(&self, workload: Workload) -> Result<Figures> {
        let before = usage::cpu_with_children(self.cluster.postmaster())?;
        let outcome = pgbench::run(&self.cluster, workload, self.duration).await?;
        let used = usage::cpu_with_children(self.cluster.postmaster())?.saturating_sub(before);
        Ok(Figures {
            requests_per_second: outcome.per_second,
            postgres_cpu_us: used.as_secs_f64() * 1e6 / outcome.transactions,
            ..Figures::default()
        })
    }

    async fn serve(
        &self,
        subject: Subject,
        door: Door,
        workload: Workload,
        load: Load,
        rate: Option<f64>,
    ) -> Result<Figures> {
        let server = self.server(subject);
        let requests = self.requests(door, workload);
        let connections = if load == Load::Few { FEW } else { MANY };
        let pace = rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
        let usage = || Ok((usage::cpu(server.process())?, usage::cpu_with_children(self.cluster.postmaster())?));
        let generator = Generator { address: server.address(), requests, connections, pace };
        let outcome = generator.run(self.duration, usage).await?;
        let requests = count(outcome.times.len());
        let ((server_before, postgres_before), (server_after, postgres_after)) = outcome.usage;
        let each = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() * 1e6 / requests;
        Ok(Figures {
            requests_per_second: requests / outcome.elapsed.as_secs_f64(),
            errors: outcome.errors,
            server_cpu_us: Some(each(server_before, server_after)),
            postgres_cpu_us: each(postgres_before, postgres_after),
            resident_mib: Some(count(usize::try_from(usage::resident(server.process())? / 1024)?) / 1024.0),
            latency: Latency::of(outcome.times),
        })
    }

    /// That every workload is answered with what was asked for, before anything is measured.
    async fn check(&self) -> Result<()> {
        for subject in Subject::ALL {
            let Some(door) = subject.door() else { continue };
            let mut client = Client::connect(self.server(subject).address()).await?;
            for workload in
                Workload::ALL.into_iter().filter(|workload| subject.does(*workload) && *workload != Workload::Mixed)
            {
                let mut request = Vec::new();
                let tasks = self.requests(door, workload).next(&mut request);
                let answer = client.send(&request).await?;
                answer.check(tasks).with_context(|| format!("{} of {}", workload.name(), subject.name()))?;
            }
        }
        Ok(())
    }

    fn requests(&self, door: Door, workload: Workload) -> Requests<'_> {
        Requests { door, workload, users: &self.users, cursor: &self.cursor }
    }

    fn server(&self, subject: Subject) -> &Server {
        if subject == Subject::Floor { &self.floor } else { &self.product }
    }

    /// What was added is removed, and the row versions that changes have left, so that each measurement finds the same
    /// data.
    async fn tidy_up(&self) -> Result<()> {
        for statement in
            ["DELETE FROM tasks WHERE created_at > '2025-06-01'", "VACUUM ANALYZE tasks", "VACUUM deleted_tasks"]
        {
            self.database.batch_execute(statement).await?;
        }
        Ok(())
    }
}

fn in_turn(turn: usize) -> impl Iterator<Item = Subject> {
    Subject::ALL.into_iter().cycle().skip(turn % Subject::ALL.len()).take(Subject::ALL.len())
}

/// The cursor in the middle of the heavy user's list, as the product makes it.
async fn middle(product: &Server, users: &Users) -> Result<String> {
    let mut client = Client::connect(product.address()).await?;
    let request = http("GET", "/api/tasks?limit=1&offset=49999", users.token(LIGHT_USERS), "");
    let answer = client.send(request.as_bytes()).await?;
    answer.check(1)?;
    let head = String::from_utf8_lossy(answer.head);
    let (_, cursor) = head.split_once("cursor=").context("no link to the next page")?;
    Ok(cursor.split('>').next().unwrap_or_default().to_owned())
}
