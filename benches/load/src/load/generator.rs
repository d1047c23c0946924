//! Sends requests over many connections, and times the responses. It runs on a single thread.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    time::Duration,
};

use anyhow::{Result, ensure};
use futures::future::{join_all, try_join_all};
use tokio::time::{Instant, sleep, sleep_until};

use super::{client::Client, requests::Requests};
use crate::usage::CpuTimes;

/// How long caches may fill before the measurement.
const WARM_UP: Duration = Duration::from_millis(300);

pub struct Generator<'a> {
    pub address: SocketAddr,
    pub requests: Requests<'a>,
    pub connections: usize,
    /// From one request of all connections to the next. Without it, each connection sends when its last request is
    /// answered.
    pub interval: Option<Duration>,
}

pub struct Outcome {
    pub elapsed: Duration,
    /// Of the requests that succeeded. With an interval they count from when a request was due, so that a server that
    /// stalls can't hide it by keeping requests from being sent.
    pub latencies: Vec<Duration>,
    /// Requests that failed, during the warm-up too.
    pub errors: u32,
    /// Used during the measurement.
    pub cpu: CpuTimes,
}

impl Generator<'_> {
    /// Measures for this long, once warmed up. `cpu` reads the CPU times so far.
    pub async fn run(&self, duration: Duration, cpu: impl Fn() -> Result<CpuTimes>) -> Result<Outcome> {
        let clients = try_join_all((0..self.connections).map(|_| Client::connect(self.address))).await?;
        let run = Run {
            began: Instant::now(),
            phase: Cell::new(Phase::WarmUp),
            due: Cell::new(0),
            latencies: RefCell::default(),
            errors: Cell::new(0),
            first_error: RefCell::default(),
        };
        let clock = async {
            sleep(WARM_UP).await;
            let before = cpu()?;
            run.phase.set(Phase::Measurement);
            let started = Instant::now();
            sleep(duration).await;
            run.phase.set(Phase::Over);
            let elapsed = started.elapsed();
            anyhow::Ok((elapsed, cpu()?.since(&before)))
        };
        let (measured, _) = futures::join!(clock, join_all(clients.into_iter().map(|client| self.drive(client, &run))));
        let (elapsed, cpu) = measured?;
        let errors = run.errors.get();
        if let Some(error) = run.first_error.take() {
            eprintln!("  the first of {errors} errors: {error}");
        }
        let latencies = run.latencies.take();
        ensure!(!latencies.is_empty(), "no request succeeded");
        Ok(Outcome { elapsed, latencies, errors, cpu })
    }

    /// Sends one request after the other until the run is over, over another connection when one has failed.
    async fn drive(&self, mut client: Client, run: &Run) {
        while run.phase.get() != Phase::Over {
            let request = self.requests.next();
            let due = match self.interval {
                None => Instant::now(),
                Some(interval) => {
                    let due = run.began + interval * run.due.replace(run.due.get() + 1);
                    sleep_until(due).await;
                    due
                }
            };
            match client.send(&request).await.and_then(|response| response.ensure_success()) {
                Ok(()) if run.phase.get() == Phase::Measurement => run.latencies.borrow_mut().push(due.elapsed()),
                Ok(()) => {}
                Err(error) => {
                    run.errors.set(run.errors.get() + 1);
                    run.first_error.borrow_mut().get_or_insert(error);
                    let Ok(another) = Client::connect(self.address).await else { return };
                    client = another;
                }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measurement,
    Over,
}

/// What the connections share.
struct Run {
    began: Instant,
    phase: Cell<Phase>,
    /// Requests that were given their turn, with an interval.
    due: Cell<u32>,
    latencies: RefCell<Vec<Duration>>,
    errors: Cell<u32>,
    first_error: RefCell<Option<anyhow::Error>>,
}
