//! The product's transaction, on plain tokio-postgres.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use tokio::sync::Semaphore;
use tokio_postgres::{Client, Config, NoTls, Row, Statement, types::ToSql};
use uuid::Uuid;

use crate::processes::cluster::{PLANS, POOL_SIZE};

const ACT_AS: &str = "SELECT set_config('role', 'tandem_api', true), tandem_speak_for($1), \
     set_config('statement_timeout', '5000', true), set_config('search_path', 'public', true)";
const ACT_AS_LOCKED: &str = "SELECT set_config('role', 'tandem_api', true), tandem_speak_for($1), \
     set_config('statement_timeout', '5000', true), set_config('search_path', 'public', true), \
     set_config('lock_timeout', '5000', true), tandem_lock($1)";
const LIST: &str = "SELECT user_id, id, title, description, completed, version, created_at, updated_at, \
     priority, due_date, due_time, due_zone, due_at, tags, completed_at \
     FROM tasks WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2";
const FIND: &str = "SELECT user_id, id, title, description, completed, version, created_at, updated_at, \
     priority, due_date, due_time, due_zone, due_at, tags, completed_at \
     FROM tasks WHERE user_id = $1 AND id = $2";
const TOGGLE: &str = "UPDATE tasks SET completed = NOT completed, \
     completed_at = CASE WHEN completed THEN NULL ELSE statement_timestamp() END, version = version + 1, position = tandem_position(), \
     updated_at = statement_timestamp() WHERE user_id = $1 AND id = $2 \
     RETURNING user_id, id, title, description, completed, version, created_at, updated_at, \
     priority, due_date, due_time, due_zone, due_at, tags, completed_at";
const CREATE: &str = "INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at) \
     VALUES ($1, $2, $3::text, $4::text, $5, statement_timestamp(), statement_timestamp()) \
     RETURNING user_id, id, title, description, completed, version, created_at, updated_at, \
     priority, due_date, due_time, due_zone, due_at, tags, completed_at";

pub struct Database {
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

struct Connection {
    client: Client,
    begin_read: Statement,
    begin_write: Statement,
    act_as: Statement,
    act_as_locked: Statement,
    list: Statement,
    find: Statement,
    toggle: Statement,
    create: Statement,
    commit: Statement,
}

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Database {
    pub async fn open(url: &str) -> Result<Self> {
        let idle = try_join_all((0..POOL_SIZE).map(|_| Connection::open(url))).await?;
        Ok(Self { permits: Semaphore::new(idle.len()), idle: Mutex::new(idle) })
    }

    pub async fn list(&self, user: &str, limit: i64) -> Result<Vec<Row>> {
        self.run(|c| [&c.begin_read, &c.act_as, &c.list], user, &[&user, &limit]).await
    }

    pub async fn find(&self, user: &str, id: Uuid) -> Result<Vec<Row>> {
        self.run(|c| [&c.begin_read, &c.act_as, &c.find], user, &[&user, &id]).await
    }

    pub async fn toggle(&self, user: &str, id: Uuid) -> Result<Vec<Row>> {
        self.run(|c| [&c.begin_write, &c.act_as_locked, &c.toggle], user, &[&user, &id]).await
    }

    pub async fn create(
        &self,
        user: &str,
        title: &str,
        description: Option<&str>,
        completed: bool,
    ) -> Result<Vec<Row>> {
        let id = Uuid::now_v7();
        self.run(
            |c| [&c.begin_write, &c.act_as_locked, &c.create],
            user,
            &[&user, &id, &title, &description, &completed],
        )
        .await
    }

    /// Pipelines the four statements. A request that is cancelled loses its connection, which only happens at the end of
    /// a run.
    async fn run(
        &self,
        statements: impl Fn(&Connection) -> [&Statement; 3],
        user: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>> {
        let _permit = self.permits.acquire().await?;
        let connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().context("no connection")?;
        let [begin, act_as, query] = statements(&connection);
        let client = &connection.client;
        let owner: Params<'_> = &[&user];
        let (opened, acting, rows, committed) = futures::join!(
            client.execute(begin, &[]),
            client.execute(act_as, owner),
            client.query(query, params),
            client.execute(&connection.commit, &[]),
        );
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        opened?;
        acting?;
        committed?;
        Ok(rows?)
    }
}

impl Connection {
    async fn open(url: &str) -> Result<Self> {
        let (client, connection) = url.parse::<Config>()?.options(PLANS).connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(Self {
            begin_read: client.prepare("BEGIN READ ONLY").await?,
            begin_write: client.prepare("BEGIN READ WRITE").await?,
            act_as: client.prepare(ACT_AS).await?,
            act_as_locked: client.prepare(ACT_AS_LOCKED).await?,
            list: client.prepare(LIST).await?,
            find: client.prepare(FIND).await?,
            toggle: client.prepare(TOGGLE).await?,
            create: client.prepare(CREATE).await?,
            commit: client.prepare("COMMIT").await?,
            client,
        })
    }
}
