//! One connection: where to, TLS or not, and the limits the server is asked to keep.

use std::{sync::Arc, time::Duration};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{
    CancelToken, Config, NoTls, Socket,
    config::{Host, SslMode},
    error::SqlState,
    tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Chain;

/// The name our connections have in `pg_stat_activity`.
const APPLICATION_NAME: &str = "tandem";
/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Which database, and how to talk to it. The password doesn't show in `Debug`.
#[derive(Clone, Debug)]
pub struct Target {
    config: Config,
    ca_file: Option<String>,
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
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        Ok(Self { config, ca_file })
    }

    /// The database over a Unix socket, without TLS.
    #[cfg(all(feature = "embedded", unix))]
    pub(super) fn socket(directory: &std::path::Path, port: u16, user: &str, database: &str) -> Self {
        let mut config = Config::new();
        config.host_path(directory).port(port).user(user).dbname(database).ssl_mode(SslMode::Disable);
        config.application_name(APPLICATION_NAME).connect_timeout(CONNECT_TIMEOUT);
        Self { config, ca_file: None }
    }

    /// What makes connections; fails if the certificates to trust can't be read.
    pub(super) fn connector(&self, statement_timeout: Duration) -> Result<Connector, std::io::Error> {
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
        Ok(Connector { limited, plain: self.config.clone(), tls, can_cancel: !is_local })
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

/// Kept by the server, so that nothing runs on after a client has given up.
fn limits(statement_timeout: Duration) -> String {
    let millis = statement_timeout.as_millis();
    // Short statements gain nothing from compilation, which can take longer than they do.
    format!("-c statement_timeout={millis} -c idle_in_transaction_session_timeout={millis} -c jit=off")
}

/// Makes connections to one database.
pub(super) struct Connector {
    limited: Config,
    plain: Config,
    tls: Option<MakeRustlsConnect>,
    can_cancel: bool,
}

impl Connector {
    /// A new connection. Transaction poolers refuse start-up options: behind those, only our own deadlines hold.
    pub(super) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let opened = match self.open(&self.limited).await {
            Err(error) if refuses_options(&error) => {
                tracing::warn!(%error, "connected without server-side time-outs: this pooler refuses start-up options");
                self.open(&self.plain).await
            }
            opened => opened,
        };
        opened.unwrap_or_else(|error| Err(ConnectionError::BadConnection(Chain(&error).to_string())))
    }

    /// Whether there is somebody to ask while a connection is busy: the embedded database has nobody.
    pub(super) fn can_cancel(&self) -> bool {
        self.can_cancel
    }

    /// Asks the server to give up what a connection is doing. If it can't be reached, its own limit will do.
    pub(super) async fn cancel(&self, token: &CancelToken) {
        let cancelled = match &self.tls {
            Some(tls) => token.cancel_query(tls.clone()).await,
            None => token.cancel_query(NoTls).await,
        };
        if let Err(error) = cancelled {
            tracing::debug!(%error, "can't cancel a query");
        }
    }

    async fn open(&self, config: &Config) -> Result<ConnectionResult<AsyncPgConnection>, tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => log_in(config, tls.clone()).await,
            None => log_in(config, NoTls).await,
        }
    }
}

/// The outer error is one the server or the network gave, the inner one is diesel's.
async fn log_in<T>(config: &Config, tls: T) -> Result<ConnectionResult<AsyncPgConnection>, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket, Stream: Send + 'static>,
{
    let (client, connection) = config.connect(tls).await?;
    Ok(AsyncPgConnection::try_from_client_and_connection(client, connection).await)
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
        let Target { config, ca_file } = Target::parse(url).unwrap();
        assert_eq!(config.get_password(), Some(b"a+b+c".as_slice()));
        assert_eq!((config.get_options(), config.get_ssl_mode()), (Some("-c search_path=a"), SslMode::Require));
        assert_eq!(ca_file, None);
    }

    #[test]
    fn a_url_needs_nothing_but_a_host() {
        let target = Target::parse("postgresql://db.example.com").unwrap();
        assert_eq!(target.config.get_connect_timeout(), Some(&CONNECT_TIMEOUT));
        for text in ["", "db.example.com", "mysql://db.example.com", "postgres://db.example.com?sslmode=sometimes"] {
            assert!(Target::parse(text).is_err(), "{text:?}");
        }
    }
}
