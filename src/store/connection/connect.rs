//! Making connections, with the limits the server is asked to keep.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use diesel::{
    ConnectionError, ConnectionResult, define_sql_function,
    dsl::sql,
    sql_types::{Bool, Nullable, Text},
};
use tokio::time::timeout;
use tokio_postgres::{CancelToken, Config, NoTls, Socket, error::SqlState, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    Connection,
    advice::explain,
    target::{CONNECT_TIMEOUT, KEEPALIVE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, Target},
    wire::Wire,
};
use crate::{
    error::{Chain, Error},
    store::DbConfig,
};

/// Whether the database can have distributed tables.
pub(in crate::store) const HAS_CITUS: &str = "EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')";

/// Kept by the server, so that nothing runs on after a client has given up, or can't be reached any more.
fn limits(statement_timeout: Duration) -> String {
    // A statement is planned once, for any user: PostgreSQL would plan each page of a long list anew, which takes longer
    // than reading it. Such a plan must not sort, because it doesn't know how long this user's list is. Compilation takes
    // longer than these statements run.
    const PLANS: &str = "-c plan_cache_mode=force_generic_plan -c enable_sort=off -c jit=off";
    let millis = statement_timeout.as_millis();
    let (idle, interval) = (KEEPALIVE.as_secs(), KEEPALIVE_INTERVAL.as_secs());
    let tcp = format!(
        "-c tcp_keepalives_idle={idle} -c tcp_keepalives_interval={interval} \
         -c tcp_keepalives_count={KEEPALIVE_RETRIES} -c tcp_user_timeout={}",
        KEEPALIVE.as_millis()
    );
    format!("-c statement_timeout={millis} -c idle_in_transaction_session_timeout={millis} {tcp} {PLANS}")
}

define_sql_function!(fn current_schema() -> Nullable<Text>);
define_sql_function!(fn quote_ident(name: Nullable<Text>) -> Nullable<Text>);

/// What is between tokio-postgres and the socket.
#[derive(Clone)]
enum Transport {
    /// One `Sync` for a transaction, and TLS if need be.
    Wire(Wire),
    Tls(MakeRustlsConnect),
    Plain,
}

impl Transport {
    /// tokio-postgres doesn't hand over Unix sockets.
    fn to(target: &Target, config: &mut Config, single_sync: bool) -> io::Result<Self> {
        let tls = if target.is_socket() { None } else { target.tls()? };
        Ok(match tls {
            tls if single_sync && !target.is_socket() => Self::Wire(Wire::intercept_tls(config, tls)),
            Some(tls) => Self::Tls(tls),
            None => Self::Plain,
        })
    }
}

/// Makes connections to one database.
pub(in crate::store) struct Connector {
    limited: Config,
    plain: Config,
    transport: Transport,
    timeout: Duration,
    is_embedded: bool,
    names_statements: bool,
    is_distributed: AtomicBool,
}

impl Connector {
    /// Fails if the certificates to trust can't be read.
    pub(in crate::store) fn new(config: &DbConfig) -> io::Result<Self> {
        let target = &config.target;
        let mut plain = target.config().clone();
        let transport = Transport::to(target, &mut plain, config.single_sync)?;
        let limits = limits(config.statement_timeout);
        let options = plain.get_options().map_or_else(|| limits.clone(), |given| format!("{limits} {given}"));
        let mut limited = plain.clone();
        limited.options(options);
        Ok(Self {
            timeout: plain.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT),
            limited,
            plain,
            transport,
            is_embedded: target.is_embedded(),
            names_statements: config.prepared_statements,
            is_distributed: AtomicBool::default(),
        })
    }

    /// A new connection, or a failure in time: TLS, start-up and the first statements can hang as well as TCP.
    pub(in crate::store) async fn connect(&self) -> ConnectionResult<Connection> {
        self.in_time(self.connect_unlimited()).await
    }

    /// The same, and the schema that the login's search path finds first, quoted.
    pub(in crate::store) async fn connect_to_schema(&self) -> ConnectionResult<(Connection, Arc<str>)> {
        let connect = async {
            let connection = self.connect_unlimited().await?;
            let facts = diesel::select((quote_ident(current_schema()), sql::<Bool>(HAS_CITUS)));
            let facts = connection.load::<_, (Option<String>, bool), _>(facts).await;
            let facts = facts.map_err(|error| explain(&error.to_string()))?.pop();
            let (schema, is_distributed) = facts.unwrap_or_default();
            self.is_distributed.store(is_distributed, Ordering::Relaxed);
            Ok((connection, schema.unwrap_or_default().into()))
        };
        self.in_time(connect).await
    }

    async fn in_time<T>(&self, connect: impl Future<Output = ConnectionResult<T>>) -> ConnectionResult<T> {
        let late = |_| Err(ConnectionError::BadConnection(format!("no connection within {:?}", self.timeout)));
        timeout(self.timeout, connect).await.unwrap_or_else(late)
    }

    /// Transaction poolers refuse start-up options. Behind those, each transaction brings its limits.
    async fn connect_unlimited(&self) -> ConnectionResult<Connection> {
        let opened = match self.open(&self.limited).await {
            Err(error) if refuses_options(&error) => {
                tracing::warn!(%error, "connected without start-up options, which this pooler refuses: limits are set in each transaction only");
                self.open(&self.plain).await
            }
            opened => opened,
        };
        match opened {
            Ok(Err(ConnectionError::CouldntSetupConfiguration(error))) => Err(explain(&error.to_string())),
            Ok(connection) => connection,
            Err(error) if is_refusal(&error) => Err(ConnectionError::InvalidConnectionUrl(Chain(&error).to_string())),
            Err(error) => Err(ConnectionError::BadConnection(Chain(&error).to_string())),
        }
    }

    /// Whether there is somebody to ask while a connection is busy: the embedded database has nobody.
    pub(in crate::store) fn can_cancel(&self) -> bool {
        !self.is_embedded
    }

    /// Whether statements are prepared by name.
    pub(in crate::store) fn names_statements(&self) -> bool {
        self.names_statements
    }

    /// Whether the database can have distributed tables, as the last connection has found it.
    pub(in crate::store) fn is_distributed(&self) -> bool {
        self.is_distributed.load(Ordering::Relaxed)
    }

    /// Whether there can't be a second connection: the embedded database serves one at a time.
    pub(in crate::store) fn has_one_backend(&self) -> bool {
        self.is_embedded
    }

    /// Asks the server to give up what a connection is doing. If it can't be reached, its own limit will do.
    pub(in crate::store) async fn cancel(&self, token: &CancelToken) {
        let request = async {
            match self.transport.clone() {
                Transport::Wire(wire) => token.cancel_query(wire).await,
                Transport::Tls(tls) => token.cancel_query(tls).await,
                Transport::Plain => token.cancel_query(NoTls).await,
            }
        };
        match timeout(self.timeout, request).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "can't cancel a query"),
            Err(_) => tracing::debug!("can't cancel a query in time"),
        }
    }

    /// How long a connection may take to be made.
    pub(in crate::store) fn timeout(&self) -> Duration {
        self.timeout
    }

    async fn open(&self, config: &Config) -> Result<ConnectionResult<Connection>, tokio_postgres::Error> {
        match self.transport.clone() {
            Transport::Wire(wire) => log_in(config, wire, self.names_statements).await,
            Transport::Tls(tls) => log_in(config, tls, self.names_statements).await,
            Transport::Plain => log_in(config, NoTls, self.names_statements).await,
        }
    }
}

/// The outer error is one the server or the network gave, the inner one is diesel's.
async fn log_in<T>(
    config: &Config,
    tls: T,
    names_statements: bool,
) -> Result<ConnectionResult<Connection>, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket, Stream: Send + 'static>,
{
    let (client, connection) = config.connect(tls).await?;
    Ok(Connection::new(client, connection, names_statements).await)
}

/// What a failure to connect is to whoever starts: where no other attempt would go better, the URL is wrong.
pub(in crate::store) fn failure(error: ConnectionError) -> Error {
    match error {
        ConnectionError::InvalidConnectionUrl(_) => Error::internal(error),
        error => Error::unavailable(error),
    }
}

/// The server is there, and doesn't let this login in.
fn is_refusal(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        [
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            SqlState::INVALID_PASSWORD,
            SqlState::INVALID_CATALOG_NAME,
            SqlState::INSUFFICIENT_PRIVILEGE,
        ]
        .contains(code)
    })
}

fn refuses_options(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::PROTOCOL_VIOLATION || error.message().contains("startup parameter")
    })
}
