//! Load on a server: many connections, each as another user with every request.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    time::Duration,
};

use anyhow::{Result, ensure};
use futures::future::{join_all, try_join_all};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{load::client::Client, load::workload::Requests};

/// What goes before the measurement, for caches to fill.
const WARM_UP: Duration = Duration::from_millis(300);

pub struct Generator<'a> {
    pub address: SocketAddr,
    pub requests: Requests<'a>,
    pub connections: usize,
    /// The time from one request to the next; without it, each connection sends when it was answered.
    pub pace: Option<Duration>,
}

/// What came of it.
pub struct Outcome<T> {
    pub elapsed: Duration,
    /// How long the answers took. Under a pace, from when the request was due, so that a server that stalls can't hide
    /// it by keeping requests from being sent.
    pub times: Vec<Duration>,
    pub errors: usize,
    /// What was used before and after.
    pub usage: (T, T),
}

impl Generator<'_> {
    /// Measures for this long; `usage` is read when the measurement begins and when it ends.
    pub async fn run<T>(&self, duration: Duration, usage: impl Fn() -> Result<T>) -> Result<Outcome<T>> {
        let clients = try_join_all((0..self.connections).map(|_| Client::connect(self.address))).await?;
        let record = Record::new();
        let clients = join_all(clients.into_iter().map(|client| self.drive(client, &record)));
        let control = async {
            sleep(WARM_UP).await;
            let before = usage()?;
            record.phase.set(Phase::Measuring);
            let started = Instant::now();
            sleep(duration).await;
            record.phase.set(Phase::Over);
            anyhow::Ok(((before, usage()?), started.elapsed()))
        };
        let (control, _) = futures::join!(control, clients);
        let (usage, elapsed) = control?;
        if let Some(error) = record.first_error.take() {
            eprintln!("  first of {} errors: {error}", record.errors.get());
        }
        let times = record.times.take();
        ensure!(!times.is_empty(), "nothing was answered");
        Ok(Outcome { elapsed, times, errors: record.errors.get(), usage })
    }

    /// Sends one request after the other until it is over. A connection that fails is replaced.
    async fn drive(&self, mut client: Client, record: &Record) {
        let mut request = Vec::new();
        while record.phase.get() != Phase::Over {
            self.requests.next(&mut request);
            let sent = self.due(record).await;
            let answered = match client.send(&request).await {
                Ok(answer) => answer.quick_check(),
                Err(error) => Err(error),
            };
            let has_failed = answered.is_err();
            record.note(sent.elapsed(), answered);
            if has_failed {
                match Client::connect(self.address).await {
                    Ok(another) => client = another,
                    Err(_) => return,
                }
            }
        }
    }

    /// When the next request is to be sent: now, or at its turn.
    async fn due(&self, record: &Record) -> Instant {
        let Some(pace) = self.pace else { return Instant::now() };
        let turn = record.turns.get();
        record.turns.set(turn + 1);
        let due = record.began + pace * turn;
        sleep_until(due).await;
        due
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmingUp,
    Measuring,
    Over,
}

/// What the connections share.
struct Record {
    began: Instant,
    phase: Cell<Phase>,
    turns: Cell<u32>,
    times: RefCell<Vec<Duration>>,
    errors: Cell<usize>,
    first_error: RefCell<Option<anyhow::Error>>,
}

impl Record {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            phase: Cell::new(Phase::WarmingUp),
            turns: Cell::new(0),
            times: RefCell::default(),
            errors: Cell::new(0),
            first_error: RefCell::default(),
        }
    }

    fn note(&self, time: Duration, answered: Result<()>) {
        match answered {
            Ok(()) if self.phase.get() == Phase::Measuring => self.times.borrow_mut().push(time),
            Ok(()) => {}
            Err(error) => {
                self.errors.set(self.errors.get() + 1);
                self.first_error.borrow_mut().get_or_insert(error);
            }
        }
    }
}
