//! Random pipelines through the layer that leaves out `Sync`s, beneath the real tokio-postgres and in front of a real
//! PostgreSQL. Every statement asks for a number of its own, and its answer has to be the one that it would get if it were
//! sent with a `Sync` of its own: [`Model`] knows it. Statements fail, are given up after they were sent, and go through a
//! stream that takes and gives a few bytes at a time.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, join_all, poll_fn},
};
use proptest::{collection::vec, prelude::*, test_runner::TestCaseError};
use tandem::store::SyncCoalescer;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    runtime::Runtime,
    task::yield_now,
    time::timeout,
};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, Error, NoTls, Statement,
    error::SqlState,
    tls::NoTlsStream,
    types::{ToSql, Type},
};

use super::{Verdict, fuzz};
use crate::{skip, support::TestDb};

/// How long the answers to one case may take.
const PATIENCE: Duration = Duration::from_mins(1);

const SCHEMA: &str = "
    CREATE TABLE log (n bigint);
    CREATE TABLE doomed (n bigint);
    CREATE FUNCTION fail(n bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', n; END $$;
    CREATE FUNCTION fail_later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM fail(NEW.n); RETURN NEW; END $$;
    CREATE FUNCTION noted(n bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', n; RETURN n; END $$;
    CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON doomed DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION fail_later();";

/// What a statement does. All but the first ones have a number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Begin,
    Commit,
    Rollback,
    Empty,
    Number,
    Numbers,
    /// An answer of many packets.
    Large,
    Noted,
    /// A simple query.
    Simple,
    Prepare,
    Insert,
    /// Fails the COMMIT.
    Doom,
    Fail,
    /// After a row.
    FailMidway,
    FailToParse,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    action: Action,
    /// Whether the statement was prepared before, by name.
    is_named: bool,
    /// Whether nobody waits for the answer.
    is_given_up: bool,
}

/// Statements that are sent without waiting for an answer; how many of them before the connection gets to write.
#[derive(Clone, Debug)]
struct Pipeline {
    steps: Vec<Step>,
    pause_after: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Done,
    Numbers(Vec<i64>),
    Failed(String),
    /// As the transaction has failed before.
    Aborted,
}

/// What a server does that gets a `Sync` with each statement.
#[derive(Default)]
struct Model {
    state: State,
    committed: Vec<i64>,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Open {
        inserted: Vec<i64>,
        doomed: Option<i64>,
    },
    Failed,
}

impl Model {
    fn answer(&mut self, action: Action, n: i64) -> Answer {
        use Action::{Begin, Commit, Doom, Empty, Fail, FailMidway, FailToParse, Insert, Numbers, Prepare, Rollback};
        match (&mut self.state, action) {
            (State::Open { inserted, doomed }, Commit) => {
                let answer = doomed.map_or(Answer::Done, |n| Answer::Failed(n.to_string()));
                if answer == Answer::Done {
                    self.committed.append(inserted);
                }
                self.state = State::Idle;
                answer
            }
            (_, Commit | Rollback) => {
                self.state = State::Idle;
                Answer::Done
            }
            (State::Failed | State::Idle | State::Open { .. }, Empty) => Answer::Done,
            (State::Failed, _) => Answer::Aborted,
            (State::Idle, Begin) => {
                self.state = State::Open { inserted: Vec::new(), doomed: None };
                Answer::Done
            }
            (State::Open { .. }, Begin) | (_, Prepare) => Answer::Done,
            (State::Idle, Doom) => Answer::Failed(n.to_string()),
            (State::Idle, Insert) => {
                self.committed.push(n);
                Answer::Numbers(vec![n])
            }
            (State::Open { inserted, .. }, Insert) => {
                inserted.push(n);
                Answer::Numbers(vec![n])
            }
            (State::Open { doomed, .. }, Doom) => {
                doomed.get_or_insert(n);
                Answer::Numbers(vec![n])
            }
            (state, Fail | FailMidway | FailToParse) => {
                if let State::Open { .. } = state {
                    *state = State::Failed;
                }
                let failure = if action == FailToParse { missing(n) } else { n.to_string() };
                Answer::Failed(failure)
            }
            (_, Numbers) => Answer::Numbers((n..n + 3).collect()),
            _ => Answer::Numbers(vec![n]),
        }
    }
}

fn missing(n: i64) -> String {
    format!("relation \"missing_{n}\" does not exist")
}

/// The statement, where its text doesn't depend on its number.
fn sql(action: Action) -> Option<&'static str> {
    Some(match action {
        Action::Begin => "BEGIN READ WRITE",
        Action::Commit => "COMMIT",
        Action::Rollback => "ROLLBACK",
        Action::Empty => "",
        Action::Number => "SELECT $1::bigint",
        Action::Numbers => "SELECT generate_series($1::bigint, $1 + 2)",
        Action::Large => "SELECT $1::bigint, repeat('x', 30000)",
        Action::Noted => "SELECT noted($1::bigint)",
        Action::Insert => "INSERT INTO log VALUES ($1::bigint) RETURNING n",
        Action::Doom => "INSERT INTO doomed VALUES ($1::bigint) RETURNING n",
        Action::Fail => "SELECT fail($1::bigint)",
        Action::FailMidway => "SELECT CASE i WHEN 2 THEN fail($1::bigint) ELSE i END FROM generate_series(1, 3) AS i",
        Action::Simple | Action::Prepare | Action::FailToParse => return None,
    })
}

const NAMED: [Action; 11] = [
    Action::Begin,
    Action::Commit,
    Action::Rollback,
    Action::Number,
    Action::Numbers,
    Action::Large,
    Action::Noted,
    Action::Insert,
    Action::Doom,
    Action::Fail,
    Action::FailMidway,
];

fn has_number(action: Action) -> bool {
    !matches!(action, Action::Begin | Action::Commit | Action::Rollback | Action::Empty)
}

/// A connection, and what it has prepared.
struct Site {
    client: Client,
    prepared: Vec<(Action, Statement)>,
}

impl Site {
    /// Sends a statement when it is polled first.
    fn send(&self, Step { action, is_named, .. }: Step, n: i64) -> BoxFuture<'_, Answer> {
        let named = self.prepared.iter().find(|(of, _)| is_named && *of == action).map(|(_, statement)| statement);
        async move {
            let client = &self.client;
            let number: [(&(dyn ToSql + Sync), Type); 1] = [(&n, Type::INT8)];
            let number = if has_number(action) { &number[..] } else { &[] };
            let rows = match (action, sql(action)) {
                (Action::Simple, _) => {
                    return answer(client.simple_query(&format!("SELECT {n}")).await.map(|messages| {
                        let numbers = messages.iter().filter_map(|message| match message {
                            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
                            _ => None,
                        });
                        numbers.collect()
                    }));
                }
                (Action::Prepare, _) => {
                    return answer(client.prepare(&format!("SELECT {n}")).await.map(|_| Vec::new()));
                }
                (_, None) => client.query_typed(&format!("SELECT $1 FROM missing_{n}"), number).await,
                (_, Some(sql)) => match named {
                    Some(statement) => {
                        let number: Vec<_> = number.iter().map(|(value, _)| *value).collect();
                        client.query(statement, &number).await
                    }
                    None => client.query_typed(sql, number).await,
                },
            };
            answer(rows.map(|rows| rows.iter().map(|row| row.get(0)).collect()))
        }
        .boxed()
    }

    /// The answers that somebody waits for.
    async fn run(&self, pipeline: &Pipeline, first: i64) -> Vec<Option<Answer>> {
        let numbers = first..;
        let mut sent: Vec<_> = pipeline.steps.iter().zip(numbers).map(|(step, n)| self.send(*step, n).fuse()).collect();
        let mut answers = vec![None; sent.len()];
        let (before, behind) = (pipeline.pause_after.min(sent.len()), sent.len());
        for range in [0..before, before..behind] {
            let polled = poll_fn(|context| {
                for at in range.clone() {
                    if let Poll::Ready(answer) = sent[at].poll_unpin(context) {
                        answers[at] = Some(answer);
                    }
                }
                Poll::Ready(())
            });
            polled.await;
            for _ in 0..3 {
                yield_now().await;
            }
        }
        let awaited = sent.into_iter().enumerate().filter(|(at, _)| !pipeline.steps[*at].is_given_up);
        let awaited = awaited.filter(|(at, _)| answers[*at].is_none());
        let (places, futures): (Vec<_>, Vec<_>) = awaited.unzip();
        for (at, answer) in places.into_iter().zip(join_all(futures).await) {
            answers[at] = Some(answer);
        }
        answers
    }
}

fn answer(result: Result<Vec<i64>, Error>) -> Answer {
    match result {
        Ok(numbers) if numbers.is_empty() => Answer::Done,
        Ok(numbers) => Answer::Numbers(numbers),
        Err(error) => match error.as_db_error() {
            Some(error) if *error.code() == SqlState::IN_FAILED_SQL_TRANSACTION => Answer::Aborted,
            Some(error) => Answer::Failed(error.message().to_owned()),
            None => panic!("{error:?}"),
        },
    }
}

/// A stream that takes and gives as much as it likes, when it likes.
struct Whimsical {
    stream: TcpStream,
    mood: u64,
}

impl Whimsical {
    /// How many bytes to move this time; none for not now.
    fn whim(&mut self, context: &Context<'_>) -> Option<usize> {
        self.mood ^= self.mood << 13;
        self.mood ^= self.mood >> 7;
        self.mood ^= self.mood << 17;
        let count = [0, 1, 2, 3, 5, 6, 64, 700, 9000, 9000][usize::try_from(self.mood >> 33).unwrap_or_default() % 10];
        if count == 0 {
            context.waker().wake_by_ref();
        }
        (count > 0).then_some(count)
    }
}

impl AsyncRead for Whimsical {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(count) = self.whim(context) else { return Poll::Pending };
        let mut some = vec![0; count.min(buffer.remaining())];
        let mut some = ReadBuf::new(&mut some);
        let read = Pin::new(&mut self.stream).poll_read(context, &mut some);
        buffer.put_slice(some.filled());
        read
    }
}

impl AsyncWrite for Whimsical {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(count) = self.whim(context) else { return Poll::Pending };
        Pin::new(&mut self.stream).poll_write(context, &bytes[..count.min(bytes.len())])
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

type Wire = Connection<SyncCoalescer<Whimsical>, NoTlsStream>;

/// Reads and writes; keeps the texts of notices.
async fn drive(mut connection: Wire, notices: Arc<Mutex<Vec<String>>>) -> Result<(), Error> {
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message? {
            notices.lock().unwrap().push(notice.message().to_owned());
        }
    }
    Ok(())
}

async fn check(url: &str, pipelines: &[Pipeline], mood: u64) -> Verdict {
    let config: Config = url.parse().unwrap();
    let at = url::Url::parse(url).unwrap();
    let stream = TcpStream::connect((at.host_str().unwrap(), at.port().unwrap())).await.unwrap();
    // Otherwise a few bytes wait for the acknowledgement of those before.
    stream.set_nodelay(true).unwrap();
    let stream = SyncCoalescer::new(Whimsical { stream, mood: mood | 1 });
    let (client, connection) = config.connect_raw(stream, NoTls).await.unwrap();
    let notices = Arc::new(Mutex::new(Vec::new()));
    let driven = tokio::spawn(drive(connection, Arc::clone(&notices)));
    let mut prepared = Vec::new();
    for action in NAMED {
        prepared.push((action, client.prepare(sql(action).unwrap()).await.unwrap()));
    }
    let site = Site { client, prepared };
    let mut model = Model::default();
    let (mut first, mut noted) = (1, Vec::new());
    for pipeline in pipelines {
        let answers = site.run(pipeline, first).await;
        for (at, (Step { action, .. }, n)) in pipeline.steps.iter().zip(first..).enumerate() {
            let expected = model.answer(*action, n);
            if *action == Action::Noted && expected != Answer::Aborted {
                noted.push(n.to_string());
            }
            // Without a `Sync` of its own, it is skipped like all others.
            let is_skipped = *action == Action::Empty && answers[at] == Some(Answer::Aborted);
            if let Some(answer) = answers[at].as_ref().filter(|_| !is_skipped) {
                prop_assert_eq!(answer, &expected, "statement {} of {:?}", at, pipeline);
            }
        }
        first += i64::try_from(pipeline.steps.len()).unwrap();
    }
    site.client.batch_execute("ROLLBACK").await.unwrap();
    let rows = site.client.query("SELECT n FROM log ORDER BY n", &[]).await.unwrap();
    let stored: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    prop_assert_eq!(stored, model.committed);
    site.client.batch_execute("TRUNCATE log").await.unwrap();
    drop(site);
    driven.await.unwrap().map_err(|error| TestCaseError::fail(error.to_string()))?;
    let mut heard = notices.lock().unwrap().clone();
    heard.retain(|notice| notice.parse::<i64>().is_ok());
    prop_assert_eq!(heard, noted);
    Ok(())
}

fn step() -> impl Strategy<Value = Step> {
    use Action::{
        Begin, Commit, Doom, Empty, Fail, FailMidway, FailToParse, Insert, Large, Noted, Number, Numbers, Prepare,
        Rollback, Simple,
    };
    let rare = prop_oneof![
        Just(Begin),
        Just(Commit),
        Just(Rollback),
        Just(Empty),
        Just(Large),
        Just(Simple),
        Just(Prepare),
        Just(Doom),
        Just(Fail),
        Just(FailMidway),
        Just(FailToParse),
    ];
    let action = prop_oneof![3 => rare, 4 => prop_oneof![Just(Number), Just(Numbers), Just(Noted), Just(Insert)]];
    (action, any::<bool>(), prop::bool::weighted(0.1)).prop_map(|(action, is_named, is_given_up)| Step {
        action,
        is_named,
        is_given_up,
    })
}

/// Most of them are one transaction or several, some of which lack an edge.
fn pipeline() -> impl Strategy<Value = Pipeline> {
    let has_edge = || prop::bool::weighted(0.85);
    let transaction = || {
        (vec(step(), 0..5), any::<bool>(), has_edge(), has_edge()).prop_map(|(steps, is_named, begins, commits)| {
            let edge = |action| Step { action, is_named, is_given_up: false };
            let begin = begins.then(|| edge(Action::Begin));
            let commit = commits.then(|| edge(Action::Commit));
            begin.into_iter().chain(steps).chain(commit).collect::<Vec<_>>()
        })
    };
    let steps = prop_oneof![
        4 => transaction(),
        1 => vec(transaction(), 2..3).prop_map(|transactions| transactions.concat()),
        2 => vec(step(), 1..8),
    ];
    let pause_after = prop_oneof![3 => Just(usize::MAX), 1 => 0..6_usize];
    (steps, pause_after).prop_map(|(steps, pause_after)| Pipeline { steps, pause_after })
}

#[test]
fn every_answer_is_that_of_its_statement() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let db = Runtime::new().unwrap().block_on(TestDb::on_server());
    let Some(db) = db else { skip!(Postgres) };
    runtime.block_on(async { db.client().await.batch_execute(SCHEMA).await.unwrap() });
    fuzz(&(vec(pipeline(), 1..8), any::<u64>()), |(pipelines, mood)| {
        runtime.block_on(async {
            let checked = timeout(PATIENCE, check(db.url(), &pipelines, mood)).await;
            checked.unwrap_or_else(|_| Err(TestCaseError::fail("an answer never came")))
        })
    });
}
