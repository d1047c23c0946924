//! One connection: where to, TLS or not, and the limits the server is asked to keep.

use std::{
    net::IpAddr,
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
use diesel_async::AsyncPgConnection;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::time::timeout;
use tokio_postgres::{
    CancelToken, Config, NoTls, Socket,
    config::{Host, SslMode, TargetSessionAttrs},
    error::SqlState,
    tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    connection::{Connection, Unnamed},
    distribution,
    pooler::explain,
};
use crate::error::Chain;

/// The name our connections have in `pg_stat_activity`.
const APPLICATION_NAME: &str = "tandem";
/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The same of the embedded database, which can be slow on a busy machine, but never out of reach.
#[cfg(all(feature = "embedded", unix))]
const EMBEDDED_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a connection may be silent before the network is asked whether the other side is still there, and how long it
/// may stay unacknowledged.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Whether a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// It stays on this machine.
    Local,
    /// Always.
    Required,
    /// If the server offers it.
    Preferred,
    /// Never.
    Disabled,
}

/// Which database, and how to talk to it. The password doesn't show in `Debug`.
#[derive(Clone, Debug)]
pub struct Target {
    config: Config,
    ca_file: Option<String>,
    is_embedded: bool,
}

impl Target {
    /// Reads a PostgreSQL URL. Certificates are always verified, so libpq's `verify-ca` and `verify-full` mean `require`;
    /// `sslrootcert` names a file of certificates to trust instead of the system's.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = url::Url::parse(text).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err("must start with postgres:// or postgresql://".to_owned());
        }
        let mut ca_file = None;
        let mut kept = url.clone();
        kept.query_pairs_mut().clear();
        for (name, value) in url.query_pairs() {
            let value = match (&*name, &*value) {
                ("sslrootcert", file) => {
                    ca_file = Some(file.to_owned());
                    continue;
                }
                ("sslmode", "verify-ca" | "verify-full") => "require",
                (_, value) => value,
            };
            kept.query_pairs_mut().append_pair(&name, value);
        }
        // The parser below takes a `+` for a plus, which in a query stands for a space.
        let query = kept.query().map(|query| query.replace('+', "%20"));
        kept.set_query(query.as_deref().filter(|query| !query.is_empty()));
        let mut config = kept.as_str().parse::<Config>().map_err(|error| Chain(&error).to_string())?;
        config.application_name(APPLICATION_NAME);
        set_defaults(&mut config, |name| url.query_pairs().any(|(given, _)| given == name));
        Ok(Self { config, ca_file, is_embedded: false })
    }

    /// The embedded database over a Unix socket, without TLS.
    #[cfg(all(feature = "embedded", unix))]
    pub(super) fn socket(directory: &std::path::Path, port: u16, user: &str, database: &str) -> Self {
        let mut config = Config::new();
        config.host_path(directory).port(port).user(user).dbname(database).ssl_mode(SslMode::Disable);
        config.application_name(APPLICATION_NAME).connect_timeout(EMBEDDED_TIMEOUT);
        Self { config, ca_file: None, is_embedded: true }
    }

    /// The embedded database over TCP.
    #[cfg(all(feature = "embedded", not(unix)))]
    pub(super) fn embedded(url: &str) -> Result<Self, String> {
        Ok(Self { is_embedded: true, ..Self::parse(url)? })
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub fn encryption(&self) -> Encryption {
        let is_loopback = |host: &str| host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        let is_local = |host: &Host| match host {
            Host::Tcp(host) => is_loopback(host),
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        match self.config.get_ssl_mode() {
            _ if self.config.get_hosts().iter().all(is_local) => Encryption::Local,
            SslMode::Disable => Encryption::Disabled,
            SslMode::Require => Encryption::Required,
            _ => Encryption::Preferred,
        }
    }

    /// What makes connections; fails if the certificates to trust can't be read.
    pub(super) fn connector(
        &self,
        statement_timeout: Duration,
        names_statements: bool,
    ) -> Result<Connector, std::io::Error> {
        let is_local = self.config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let needs_tls = !is_local && self.config.get_ssl_mode() != SslMode::Disable;
        let tls = if needs_tls { Some(self.tls()?) } else { None };
        let mut limited = self.config.clone();
        let limits = limits(statement_timeout);
        let options = match self.config.get_options() {
            Some(given) => format!("{limits} {given}"),
            None => limits,
        };
        limited.options(options);
        let timeout = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        let (plain, is_embedded) = (self.config.clone(), self.is_embedded);
        Ok(Connector {
            limited,
            plain,
            tls,
            timeout,
            is_embedded,
            names_statements,
            is_distributed: AtomicBool::default(),
        })
    }

    fn tls(&self) -> Result<MakeRustlsConnect, std::io::Error> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.ca_file {
            let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let certificates =
                certificates.map_err(|error| std::io::Error::other(format!("sslrootcert {file}: {error}")))?;
            roots.add_parsable_certificates(certificates);
        } else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }
}

/// What a URL leaves open. A standby is no use to a server that writes. Firewalls and NATs forget idle connections
/// without a word: probes keep them alive, and show when the other side is gone.
fn set_defaults(config: &mut Config, is_given: impl Fn(&str) -> bool) {
    if !is_given("connect_timeout") {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if !is_given("target_session_attrs") {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if !is_given("keepalives_idle") {
        config.keepalives_idle(KEEPALIVE);
    }
    if !is_given("keepalives_interval") {
        config.keepalives_interval(KEEPALIVE / 3);
    }
    if !is_given("keepalives_retries") {
        config.keepalives_retries(3);
    }
    if !is_given("tcp_user_timeout") {
        config.tcp_user_timeout(KEEPALIVE);
    }
}

/// Kept by the server, so that nothing runs on after a client has given up.
fn limits(statement_timeout: Duration) -> String {
    // A statement is planned once, for any user: PostgreSQL would plan each page of a long list anew, which takes longer
    // than reading it. Such a plan must not sort, because it doesn't know how long this user's list is. Compilation takes
    // longer than these statements run.
    const PLANS: &str = "-c plan_cache_mode=force_generic_plan -c enable_sort=off -c jit=off";
    let millis = statement_timeout.as_millis();
    format!("-c statement_timeout={millis} -c idle_in_transaction_session_timeout={millis} {PLANS}")
}

define_sql_function!(fn current_schema() -> Nullable<Text>);
define_sql_function!(fn quote_ident(name: Nullable<Text>) -> Nullable<Text>);

/// Makes connections to one database.
pub(super) struct Connector {
    limited: Config,
    plain: Config,
    tls: Option<MakeRustlsConnect>,
    timeout: Duration,
    is_embedded: bool,
    names_statements: bool,
    is_distributed: AtomicBool,
}

impl Connector {
    /// A new connection, or a failure in time: TLS, start-up and the first statements can hang as well as TCP.
    pub(super) async fn connect(&self) -> ConnectionResult<Connection> {
        self.in_time(self.connect_unlimited()).await
    }

    /// The same, and the schema that the login's search path finds first, quoted.
    pub(super) async fn connect_to_schema(&self) -> ConnectionResult<(Connection, Arc<str>)> {
        let connect = async {
            let connection = self.connect_unlimited().await?;
            let facts = diesel::select((quote_ident(current_schema()), sql::<Bool>(distribution::IS_INSTALLED)));
            let facts = connection.load::<_, (Option<String>, bool), _>(facts).await;
            let facts = facts.map_err(ConnectionError::CouldntSetupConfiguration)?.pop();
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
            Err(error) => Err(ConnectionError::BadConnection(Chain(&error).to_string())),
        }
    }

    /// Whether there is somebody to ask while a connection is busy: the embedded database has nobody.
    pub(super) fn can_cancel(&self) -> bool {
        !self.is_embedded
    }

    /// Whether statements are prepared by name.
    pub(super) fn names_statements(&self) -> bool {
        self.names_statements
    }

    /// Whether the database can have distributed tables, as the last connection has found it.
    pub(super) fn is_distributed(&self) -> bool {
        self.is_distributed.load(Ordering::Relaxed)
    }

    /// Whether there can't be a second connection: the embedded database serves one at a time.
    pub(super) fn has_one_backend(&self) -> bool {
        self.is_embedded
    }

    /// Asks the server to give up what a connection is doing. If it can't be reached, its own limit will do.
    pub(super) async fn cancel(&self, token: &CancelToken) {
        let request = async {
            match &self.tls {
                Some(tls) => token.cancel_query(tls.clone()).await,
                None => token.cancel_query(NoTls).await,
            }
        };
        match timeout(self.timeout, request).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "can't cancel a query"),
            Err(_) => tracing::debug!("can't cancel a query in time"),
        }
    }

    /// How long a connection may take to be made.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    async fn open(&self, config: &Config) -> Result<ConnectionResult<Connection>, tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => log_in(config, tls.clone(), self.names_statements).await,
            None => log_in(config, NoTls, self.names_statements).await,
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
    if !names_statements {
        return Ok(Ok(Connection::Unnamed(Unnamed::new(client, connection))));
    }
    let named = AsyncPgConnection::try_from_client_and_connection(client, connection).await;
    Ok(named.map(|connection| Connection::Named(Box::new(connection))))
}

fn refuses_options(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::PROTOCOL_VIOLATION || error.message().contains("startup parameter")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_signs_are_kept_in_a_password_and_are_spaces_in_an_option() {
        let url = "postgres://app:a+b%2Bc@db.example.com/tandem?options=-c+search_path%3Da&sslmode=verify-full";
        let Target { config, ca_file, .. } = Target::parse(url).unwrap();
        assert_eq!(config.get_password(), Some(b"a+b+c".as_slice()));
        assert_eq!((config.get_options(), config.get_ssl_mode()), (Some("-c search_path=a"), SslMode::Require));
        assert_eq!(ca_file, None);
    }

    #[test]
    fn what_a_url_leaves_open_is_limited_and_leads_to_a_server_that_writes() {
        let Target { config, .. } = Target::parse("postgres://db.example.com").unwrap();
        assert_eq!(config.get_connect_timeout(), Some(&CONNECT_TIMEOUT));
        assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!((config.get_keepalives_idle(), config.get_keepalives_retries()), (KEEPALIVE, Some(3)));
        assert_eq!(config.get_keepalives_interval(), Some(KEEPALIVE / 3));
        assert_eq!(config.get_tcp_user_timeout(), Some(&KEEPALIVE));
        let given = "postgres://db.example.com?target_session_attrs=any&tcp_user_timeout=1&connect_timeout=1";
        let Target { config, .. } = Target::parse(given).unwrap();
        assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::Any);
        assert_eq!(config.get_tcp_user_timeout(), config.get_connect_timeout());
    }

    #[test]
    fn a_url_needs_nothing_but_a_host() {
        Target::parse("postgresql://db.example.com").unwrap();
        for text in ["", "db.example.com", "mysql://db.example.com", "postgres://db.example.com?sslmode=sometimes"] {
            assert!(Target::parse(text).is_err(), "{text:?}");
        }
    }
}
