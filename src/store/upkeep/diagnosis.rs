//! What a connection reveals about its database, for whoever sets up a server.

use std::time::Instant;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz, Untyped},
};

use crate::{
    error::{Error, Result},
    store::{
        DbConfig,
        connection::{Connection, connect::Connector},
        sql::statement::{Sql, SqlRow},
    },
};

const FACTS: &str = "
    SELECT current_user::text AS login,
           current_setting('server_version') AS version,
           current_setting('server_version_num')::int AS version_number,
           (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS is_encrypted,
           (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS bypasses_rls,
           ARRAY(
               SELECT role FROM unnest(ARRAY['tandem_api', 'tandem_feed', 'tandem_sweeper']) role WHERE NOT EXISTS (
                   SELECT FROM pg_roles WHERE rolname = role AND pg_has_role(current_user, oid, 'MEMBER'))
           ) AS missing_roles,
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               AS max_connections,
           current_setting('plan_cache_mode') AS plan_cache_mode,
           clock_timestamp() AS clock";

/// How many queries are timed. The fastest one shows the distance, slower ones also the load.
const QUESTIONS: usize = 5;

/// A database, as the login of a connection sees it.
#[derive(Clone, Debug, QueryableByName)]
pub struct Facts {
    /// The login's name.
    #[diesel(sql_type = Text)]
    pub login: String,
    /// The server's version for people.
    #[diesel(sql_type = Text)]
    pub version: String,
    /// The same as a number, like 150004.
    #[diesel(sql_type = Integer)]
    pub version_number: i32,
    /// Whether the server's last hop is encrypted; unknown behind some poolers.
    #[diesel(sql_type = Nullable<Bool>)]
    pub is_encrypted: Option<bool>,
    /// Whether the login bypasses row-level security, unless it becomes another role.
    #[diesel(sql_type = Bool)]
    pub bypasses_rls: bool,
    /// The roles that the login isn't a member of, though it has to be.
    #[diesel(sql_type = Array<Text>)]
    pub missing_roles: Vec<String>,
    /// How many connections the server accepts from all of its clients.
    #[diesel(sql_type = Integer)]
    pub max_connections: i32,
    /// `force_generic_plan`, unless a pooler refused the startup options.
    #[diesel(sql_type = Text)]
    pub plan_cache_mode: String,
    /// The server's time.
    #[diesel(sql_type = Timestamptz)]
    pub clock: DateTime<Utc>,
}

impl SqlRow for Facts {
    type Columns = Untyped;
}

/// What was found out, and how.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// What the server says.
    pub facts: Facts,
    /// By how many milliseconds the server's clock is ahead of this machine's.
    pub clock_skew: i64,
    /// How many milliseconds a question took.
    pub round_trip: i64,
}

/// Connects and asks. The cause of an error says what stands in the way.
pub async fn diagnose(config: &DbConfig) -> Result<Diagnosis> {
    let connector = Connector::new(config).map_err(Error::internal)?;
    let connection = connector.connect().await.map_err(Error::unavailable)?;
    // The first one is also prepared, which would look like a slow network.
    ask(&connection).await?;
    let mut diagnosis = examine(&connection).await?;
    for _ in 1..QUESTIONS {
        let another = examine(&connection).await?;
        if another.round_trip < diagnosis.round_trip {
            diagnosis = another;
        }
    }
    Ok(diagnosis)
}

async fn examine(connection: &Connection) -> Result<Diagnosis> {
    let started = Instant::now();
    let facts = ask(connection).await?;
    let round_trip = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    let clock_skew = (facts.clock - Utc::now()).num_milliseconds() + round_trip / 2;
    Ok(Diagnosis { facts, clock_skew, round_trip })
}

async fn ask(connection: &Connection) -> Result<Facts> {
    let facts = Sql::<Facts>::returning(FACTS).rows(connection).await.map_err(Error::internal)?;
    facts.into_iter().next().ok_or_else(|| Error::internal("a SELECT without a row"))
}
