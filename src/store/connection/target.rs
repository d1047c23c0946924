//! Which database, and whether the way there is encrypted.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{
    Config, NoTls,
    config::{Host, SslMode, TargetSessionAttrs},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Chain;

/// The name our connections have in `pg_stat_activity`.
const APPLICATION_NAME: &str = "tandem";
/// How long making a connection may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The same of the embedded database, which can be slow on a busy machine, but never out of reach.
#[cfg(all(feature = "embedded", unix))]
const EMBEDDED_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a connection may be silent before the network is asked whether the other side is still there, and how long it
/// may stay unacknowledged. Both sides keep to it.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long after that it is asked again, and how often.
pub(super) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
pub(super) const KEEPALIVE_RETRIES: u32 = 3;

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
        name_hosts(&mut config)?;
        config.application_name(APPLICATION_NAME);
        set_defaults(&mut config, |name| url.query_pairs().any(|(given, _)| given == name));
        Ok(Self { config, ca_file, is_embedded: false })
    }

    /// The embedded database over a Unix socket, without TLS.
    #[cfg(all(feature = "embedded", unix))]
    pub(in crate::store) fn socket(directory: &std::path::Path, port: u16, user: &str, database: &str) -> Self {
        let mut config = Config::new();
        config.host_path(directory).port(port).user(user).dbname(database).ssl_mode(SslMode::Disable);
        config.application_name(APPLICATION_NAME).connect_timeout(EMBEDDED_TIMEOUT);
        Self { config, ca_file: None, is_embedded: true }
    }

    /// The embedded database over TCP.
    #[cfg(all(feature = "embedded", not(unix)))]
    pub(in crate::store) fn embedded(url: &str) -> Result<Self, String> {
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

    /// A connection of its own to a database that isn't this store's, for whoever reads an older backend's tables.
    pub(crate) async fn client(&self) -> Result<tokio_postgres::Client, String> {
        let said = |error: tokio_postgres::Error| Chain(&error).to_string();
        match self.tls().map_err(|error| error.to_string())? {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls).await.map_err(said)?;
                tokio::spawn(connection);
                Ok(client)
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(said)?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Whether it is on this machine, reached without TCP.
    pub(super) fn is_socket(&self) -> bool {
        self.config.get_hosts().iter().any(is_socket)
    }

    /// Whether it is the database that this process runs.
    pub(super) fn is_embedded(&self) -> bool {
        self.is_embedded
    }

    /// What encrypts connections, if they are to be.
    pub(super) fn tls(&self) -> io::Result<Option<MakeRustlsConnect>> {
        if self.config.get_ssl_mode() == SslMode::Disable {
            return Ok(None);
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(self.roots()?)
            .with_no_client_auth();
        Ok(Some(MakeRustlsConnect::new(config)))
    }

    /// The certificates to trust.
    fn roots(&self) -> io::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let Some(file) = &self.ca_file else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            return Ok(roots);
        };
        let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        roots.add_parsable_certificates(
            certificates.map_err(|error| io::Error::other(format!("sslrootcert {file}: {error}")))?,
        );
        Ok(roots)
    }
}

fn is_socket(host: &Host) -> bool {
    !matches!(host, Host::Tcp(_))
}

/// Hosts of which only the address is known have it for their name too, as TLS needs one.
fn name_hosts(config: &mut Config) -> Result<(), String> {
    if config.get_hosts().is_empty() {
        for address in config.get_hostaddrs().to_vec() {
            config.host(address.to_string());
        }
    }
    let sockets = config.get_hosts().iter().filter(|host| is_socket(host)).count();
    if sockets != 0 && sockets != config.get_hosts().len() {
        return Err("has hosts and Unix sockets, which can't be mixed".to_owned());
    }
    Ok(())
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
        config.keepalives_interval(KEEPALIVE_INTERVAL);
    }
    if !is_given("keepalives_retries") {
        config.keepalives_retries(KEEPALIVE_RETRIES);
    }
    if !is_given("tcp_user_timeout") {
        config.tcp_user_timeout(KEEPALIVE);
    }
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
        assert_eq!(
            (config.get_keepalives_idle(), config.get_keepalives_retries()),
            (KEEPALIVE, Some(KEEPALIVE_RETRIES))
        );
        assert_eq!(config.get_keepalives_interval(), Some(KEEPALIVE_INTERVAL));
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
