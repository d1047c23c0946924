//! The change feed against a model of its readers: whatever is written, read, saved and restored, and whatever clocks and
//! operators do, a replica that has caught up is the list.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{TimeDelta, Utc};
use proptest::{
    collection::vec,
    prelude::*,
    sample::Index,
    test_runner::{Config as Runs, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use tandem::store;
use tokio::runtime::Runtime;
use tokio_postgres::Client;

use crate::{
    skip,
    support::{
        App, User, id_of, path_of,
        replica::{Outlet, PAGE, Replica, in_rest_words},
    },
};

const CASES: u32 = 40;
const SEED: u64 = 1;
/// Citus refuses stable functions of columns in an UPDATE, which the difference of a time and an interval is.
const EARLIER: &str = "
    CREATE FUNCTION earlier(at timestamptz, micros bigint) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE
    AS $$ BEGIN RETURN at - micros * interval '1 us'; END $$";
/// How many replicas each user has.
const REPLICAS: usize = 2;

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Create(usize),
    Toggle(Index),
    Delete(Vec<Index>),
    /// Deleted tasks are taken out of the trash.
    Undelete(Vec<Index>),
    Purge(Index),
    Sweep,
    CompleteAll,
    ClearCompleted,
    /// A replica reads a page.
    Pull(usize, Outlet, usize),
    CatchUp(usize),
    /// A replica starts with nothing.
    StartOver(usize),
    /// A client keeps what it has.
    Save(usize),
    /// A client that crashed resumes from what it kept.
    Load(usize),
    /// Time passes: days and hours. Clocks may go back.
    Pass(i64, i64),
    /// The operator starts a new era.
    Reset,
    Backup,
    /// The backup is restored; all replicas catch up before anything else is written.
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    let replica = || 0..REPLICAS;
    let outlet = prop_oneof![Just(Outlet::Rest), Just(Outlet::Graphql)];
    prop_oneof![
        6 => (1_usize..5).prop_map(Step::Create),
        4 => any::<Index>().prop_map(Step::Toggle),
        4 => vec(any::<Index>(), 1..4).prop_map(Step::Delete),
        3 => vec(any::<Index>(), 1..4).prop_map(Step::Undelete),
        1 => any::<Index>().prop_map(Step::Purge),
        1 => Just(Step::Sweep),
        1 => Just(Step::CompleteAll),
        1 => Just(Step::ClearCompleted),
        8 => (replica(), outlet, 1_usize..5).prop_map(|(replica, outlet, limit)| Step::Pull(replica, outlet, limit)),
        2 => replica().prop_map(Step::CatchUp),
        1 => replica().prop_map(Step::StartOver),
        2 => replica().prop_map(Step::Save),
        1 => replica().prop_map(Step::Load),
        2 => (0..33_i64).prop_map(|days| Step::Pass(days, 0)),
        2 => (-1..2_i64).prop_map(|hours| Step::Pass(0, hours)),
        1 => Just(Step::Reset),
        1 => Just(Step::Backup),
        1 => Just(Step::Restore),
    ]
}

/// One user, with replicas of the user's tasks.
struct World<'a> {
    app: &'a App,
    admin: &'a Client,
    name: String,
    user: User,
    replicas: [Replica; REPLICAS],
    saved: [Replica; REPLICAS],
    backup: [Value; 2],
}

#[test]
fn a_replica_that_has_caught_up_is_the_list() {
    let runtime = Runtime::new().unwrap();
    let Some(app) = runtime.block_on(App::on_server()) else { skip!(Postgres) };
    let admin = runtime.block_on(app.db.superuser());
    runtime.block_on(admin.batch_execute(EARLIER)).unwrap();
    let runs = Runs { cases: CASES, failure_persistence: None, max_shrink_iters: 300, ..Runs::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&SEED.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(runs, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let run = |steps: Vec<Step>| {
        runtime.block_on(World::new(&app, &admin).run(steps));
        Ok(())
    };
    runner.run(&vec(step(), 1..60), run).unwrap_or_else(|error| panic!("{error}"));
}

impl<'a> World<'a> {
    fn new(app: &'a App, admin: &'a Client) -> Self {
        let name = format!("user-{}", uuid::Uuid::now_v7());
        let user = app.user(&name);
        let backup = [json!([]), json!([])];
        Self { app, admin, name, user, replicas: Default::default(), saved: Default::default(), backup }
    }

    async fn run(mut self, steps: Vec<Step>) {
        for step in steps {
            self.take(step).await;
        }
        for replica in 0..REPLICAS {
            self.catch_up(replica).await;
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Create(count) => {
                let inputs = vec![json!({ "title": "New" }); count];
                let many = "mutation($inputs: [CreateTaskInput!]!) { createTasks(inputs: $inputs) { id } }";
                self.user.graphql(many).variables(json!({ "inputs": inputs })).await.good();
            }
            Step::Toggle(index) => {
                if let [task] = self.some(&[index]).await.as_slice() {
                    self.user.toggle(task).await.good();
                }
            }
            Step::Delete(indices) => match self.some(&indices).await.as_slice() {
                [] => {}
                [task] => drop(self.user.delete(path_of(task)).await.status(204)),
                tasks => {
                    let ids: Vec<_> = tasks.iter().map(id_of).collect();
                    self.user.post("/api/tasks/bulk", json!({ "delete": ids })).await.good();
                }
            },
            Step::Undelete(indices) => {
                let trash = self.user.get("/api/tasks/trash").await.good();
                let ids: Vec<_> = pick(&trash, &indices).iter().map(|task| id_of(task).to_owned()).collect();
                self.user.post("/api/tasks/restore", json!({ "ids": ids })).await.good();
            }
            Step::Purge(index) => {
                let trash = self.user.get("/api/tasks/trash").await.good();
                if let [task] = pick(&trash, &[index]).as_slice() {
                    self.user.delete(format!("/api/tasks/trash/{}", id_of(task))).await.status(204);
                }
            }
            Step::Sweep => drop(self.app.store.sweep().await.map_err(|error| error.report()).unwrap()),
            Step::CompleteAll => drop(self.user.graphql("mutation { completeAll { count } }").await.good()),
            Step::ClearCompleted => drop(self.user.graphql("mutation { clearCompleted { count } }").await.good()),
            Step::Pull(replica, outlet, limit) => drop(self.pull(replica, outlet, limit).await),
            Step::CatchUp(replica) => self.catch_up(replica).await,
            Step::StartOver(replica) => self.replicas[replica] = Replica::default(),
            Step::Save(replica) => self.saved[replica] = self.replicas[replica].clone(),
            Step::Load(replica) => self.replicas[replica] = self.saved[replica].clone(),
            Step::Pass(days, hours) => self.pass(TimeDelta::days(days) + TimeDelta::hours(hours)).await,
            Step::Reset => {
                store::reset_feed(&self.app.db.config).await.map_err(|error| error.report()).unwrap();
            }
            Step::Backup => self.backup = self.rows().await,
            Step::Restore => self.restore().await,
        }
    }

    /// Some of the tasks that are there, each once.
    async fn some(&self, indices: &[Index]) -> Vec<Value> {
        pick(&self.user.tasks().await, indices)
    }

    /// Reads a page, which must be a reset exactly when it has to be.
    async fn pull(&mut self, replica: usize, outlet: Outlet, limit: usize) -> bool {
        let (known, user) = (&self.replicas[replica], &self.user);
        let page = match outlet {
            Outlet::Rest => user.get(known.path(limit)).await.good(),
            Outlet::Graphql => in_rest_words(&user.graphql(PAGE).variables(known.variables(limit)).await.good()),
        };
        if let Some(cursor) = &known.cursor {
            let wire = Wire::read(cursor);
            let is_of_another_era = wire.era() != self.era().await;
            let is_lost = is_of_another_era || wire.is_ahead(self.head().await) || wire.age() > TimeDelta::days(30);
            assert_eq!(page["reset"], is_lost, "{page}");
        }
        self.replicas[replica].apply(&page)
    }

    async fn catch_up(&mut self, replica: usize) {
        while self.pull(replica, Outlet::Rest, 3).await {}
        self.replicas[replica].assert_is(&self.user.tasks().await);
    }

    /// Moves everything that has happened into the past, cursors and backups too.
    async fn pass(&mut self, time: TimeDelta) {
        let micros = time.num_microseconds().unwrap();
        for move_back in [
            "UPDATE tasks SET created_at = earlier(created_at, $2), updated_at = earlier(updated_at, $2),
                              position = position - $2 WHERE user_id = $1",
            "UPDATE deleted_tasks SET deleted_at = earlier(deleted_at, $2), position = position - $2 WHERE user_id = $1",
        ] {
            self.admin.execute(move_back, &[&self.name, &micros]).await.unwrap();
        }
        // New positions come after those that were moved ahead.
        let follow = "SELECT setval('feed_positions', last_value - least($1::bigint, 0)) FROM feed_positions";
        self.admin.execute(follow, &[&micros]).await.unwrap();
        for replica in self.replicas.iter_mut().chain(&mut self.saved) {
            replica.cursor = replica.cursor.as_ref().map(|cursor| Wire::read(cursor).moved_back(micros));
            replica.move_back(time);
        }
        self.backup = self.backup_moved_back(time);
    }

    fn backup_moved_back(&self, time: TimeDelta) -> [Value; 2] {
        let mut backup = self.backup.clone();
        for row in backup.iter_mut().flat_map(|rows| rows.as_array_mut().unwrap()) {
            for column in ["created_at", "updated_at", "deleted_at"] {
                if let Some(at) = row[column].as_str() {
                    let at = chrono::DateTime::parse_from_rfc3339(at).unwrap() - time;
                    row[column] = json!(at.to_rfc3339());
                }
            }
            row["position"] = json!(row["position"].as_i64().unwrap() - time.num_microseconds().unwrap());
        }
        backup
    }

    async fn rows(&self) -> [Value; 2] {
        let mut rows = [json!([]), json!([])];
        for (rows, table) in rows.iter_mut().zip(["tasks", "deleted_tasks"]) {
            let all = format!("SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text FROM {table} t WHERE user_id = $1");
            *rows = serde_json::from_str(self.admin.query_one(&all, &[&self.name]).await.unwrap().get(0)).unwrap();
        }
        rows
    }

    async fn restore(&mut self) {
        for (rows, table) in self.backup.iter().zip(["tasks", "deleted_tasks"]) {
            self.admin.execute(&format!("DELETE FROM {table} WHERE user_id = $1"), &[&self.name]).await.unwrap();
            let insert =
                format!("INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, $1::text::jsonb)");
            self.admin.execute(&insert, &[&rows.to_string()]).await.unwrap();
        }
        for replica in 0..REPLICAS {
            self.catch_up(replica).await;
        }
        self.saved.clone_from(&self.replicas);
    }

    async fn era(&self) -> i64 {
        self.admin.query_one("SELECT era::bigint FROM feed_era", &[]).await.unwrap().get(0)
    }

    /// The last position.
    async fn head(&self) -> Option<i64> {
        let head = "SELECT greatest((SELECT max(position) FROM tasks WHERE user_id = $1), \
                    (SELECT max(position) FROM deleted_tasks WHERE user_id = $1))";
        self.admin.query_one(head, &[&self.name]).await.unwrap().get(0)
    }
}

/// Some of a list, each once.
fn pick(list: &Value, indices: &[Index]) -> Vec<Value> {
    let mut tasks = list.as_array().unwrap().clone();
    let mut picked = Vec::new();
    for index in indices {
        if !tasks.is_empty() {
            picked.push(tasks.swap_remove(index.index(tasks.len())));
        }
    }
    picked
}

/// What a cursor says: the era, the position, where a first sync began, how fresh it is, and the head when it was read.
#[derive(Debug)]
struct Wire(Value);

impl Wire {
    fn read(cursor: &str) -> Self {
        Self(serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap())
    }

    fn era(&self) -> i64 {
        self.0[0].as_i64().unwrap()
    }

    fn is_ahead(&self, head: Option<i64>) -> bool {
        self.0[1][0].as_i64().max(self.0[4].as_i64()) > head
    }

    fn age(&self) -> TimeDelta {
        TimeDelta::microseconds(Utc::now().timestamp_micros() - self.0[3].as_i64().unwrap())
    }

    fn moved_back(mut self, micros: i64) -> String {
        for pointer in ["/1/0", "/2", "/3", "/4"] {
            if let Some(at) = self.0.pointer_mut(pointer)
                && let Some(before) = at.as_i64()
            {
                *at = json!(before - micros);
            }
        }
        BASE64_URL_SAFE_NO_PAD.encode(self.0.to_string())
    }
}
