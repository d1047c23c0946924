//! Every setting, as a flag and an environment variable. All are read and checked at once, and all faults told together.

mod faults;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use axum::http::HeaderValue;
use clap::Args;
use secrecy::SecretString;

use self::faults::{Faults, words};
use crate::{
    auth::{ClaimRules, JwksConfig, KeySource, NewToken},
    graphql::{Documents, Limits, MAX_NESTING},
    server::ConnectionLimits,
    store::Target,
    telemetry::LogFormat,
};

const SERVER: &str = "Server";
const DATABASE: &str = "Database";
const TOKENS: &str = "Tokens";
const GRAPHQL: &str = "GraphQL";
const LOGS: &str = "Logs and metrics";

/// The settings as they are given: text, so that every fault can be told and not just the first.
#[derive(Args, Debug)]
pub struct Settings {
    /// Address to listen on
    #[arg(long, env = "HOST", value_name = "IP", default_value = "127.0.0.1", global = true, help_heading = SERVER)]
    host: String,
    /// Port to listen on; 0 takes a free one
    #[arg(long, env = "PORT", value_name = "PORT", default_value = "8000", global = true, help_heading = SERVER)]
    port: String,
    /// PostgreSQL 14 or newer, like `postgres://user:password@host/database?sslmode=require`; without it an embedded
    /// database in the data directory is used
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true, global = true, help_heading = DATABASE)]
    database_url: Option<String>,
    /// Where the embedded database and the development secret are kept
    #[arg(long, env = "DATA_DIR", value_name = "DIRECTORY", default_value = "./.tandem", global = true, help_heading = DATABASE)]
    data_dir: PathBuf,
    /// Whether to migrate the database before serving
    #[arg(long, env = "MIGRATE_ON_START", value_name = "true|false", default_value = "true", global = true, help_heading = DATABASE)]
    migrate_on_start: String,
    /// The most database connections at once; the embedded database has 1
    #[arg(long, env = "DATABASE_POOL_SIZE", value_name = "NUMBER", default_value = "16", global = true, help_heading = DATABASE)]
    database_pool_size: String,
    /// How long a request waits for a database connection
    #[arg(long, env = "CHECKOUT_TIMEOUT", value_name = "DURATION", default_value = "2s", global = true, help_heading = DATABASE)]
    checkout_timeout: String,
    /// How long one SQL statement may run
    #[arg(long, env = "STATEMENT_TIMEOUT", value_name = "DURATION", default_value = "5s", global = true, help_heading = DATABASE)]
    statement_timeout: String,
    /// How long one request may take
    #[arg(long, env = "REQUEST_TIMEOUT", value_name = "DURATION", default_value = "15s", global = true, help_heading = SERVER)]
    request_timeout: String,
    /// The most connections of clients at once; those above it are refused with 503, except for health checks
    #[arg(long, env = "MAX_CONNECTIONS", value_name = "NUMBER", default_value = "4096", global = true, help_heading = SERVER)]
    max_connections: String,
    /// How long a client may take to send a request's head
    #[arg(long, env = "HEADER_TIMEOUT", value_name = "DURATION", default_value = "10s", global = true, help_heading = SERVER)]
    header_timeout: String,
    /// How long a client may take to send a request's body
    #[arg(long, env = "BODY_TIMEOUT", value_name = "DURATION", default_value = "10s", global = true, help_heading = SERVER)]
    body_timeout: String,
    /// How long a connection may stay open without a request; longer than that of a proxy in front
    #[arg(long, env = "IDLE_TIMEOUT", value_name = "DURATION", default_value = "75s", global = true, help_heading = SERVER)]
    idle_timeout: String,
    /// How long requests in flight may go on after a signal to stop
    #[arg(long, env = "SHUTDOWN_TIMEOUT", value_name = "DURATION", default_value = "10s", global = true, help_heading = SERVER)]
    shutdown_timeout: String,
    /// The secret that signs HS256 tokens, as in Better Auth; at least 16 bytes
    #[arg(long, env = "BETTER_AUTH_SECRET", value_name = "SECRET", hide_env_values = true, global = true, help_heading = TOKENS)]
    better_auth_secret: Option<String>,
    /// Versioned secrets like 2:new,1:old, at least 16 bytes each; a token signed with any of them is accepted
    #[arg(long, env = "BETTER_AUTH_SECRETS", value_name = "SECRETS", hide_env_values = true, global = true, help_heading = TOKENS)]
    better_auth_secrets: Option<String>,
    /// The Better Auth server whose tokens are accepted, like `https://app.example.com`: its keys are fetched
    /// from /api/auth/jwks there, and issuer and audience of its tokens are that origin
    #[arg(long, env = "BETTER_AUTH_URL", value_name = "URL", global = true, help_heading = TOKENS)]
    better_auth_url: Option<String>,
    /// Where issuers publish their keys, separated by commas; instead of Better Auth's own place. What the tokens of
    /// one must say can follow its URL, like `#iss=https://a.example&aud=api&alg=EdDSA`
    #[arg(long, env = "JWKS_URL", value_name = "URLS", global = true, help_heading = TOKENS)]
    jwks_url: Option<String>,
    /// How often published keys are fetched; a key that was withdrawn is accepted for that long
    #[arg(long, env = "JWKS_REFRESH", value_name = "DURATION", default_value = "10m", global = true, help_heading = TOKENS)]
    jwks_refresh: String,
    /// The `iss` claim tokens must have; when unset the origin of `BETTER_AUTH_URL` for published keys, else any
    #[arg(long, env = "JWT_ISSUER", value_name = "ISSUER", global = true, help_heading = TOKENS)]
    jwt_issuer: Option<String>,
    /// The `aud` claim tokens must have; when unset the origin of `BETTER_AUTH_URL` for published keys, else any
    #[arg(long, env = "JWT_AUDIENCE", value_name = "AUDIENCE", global = true, help_heading = TOKENS)]
    jwt_audience: Option<String>,
    /// How far the issuer's clock may be off
    #[arg(long, env = "JWT_LEEWAY", value_name = "DURATION", default_value = "30s", global = true, help_heading = TOKENS)]
    jwt_leeway: String,
    /// The claims that may hold the user id, the first one present counts
    #[arg(long, env = "JWT_USER_ID_CLAIMS", value_name = "NAMES", default_value = "sub,user_id,id,userId", global = true, help_heading = TOKENS)]
    jwt_user_id_claims: String,
    /// Origins whose pages may call the API, separated by commas; in development any page on this machine may
    #[arg(long, env = "CORS_ORIGINS", value_name = "ORIGINS", global = true, help_heading = SERVER)]
    cors_origins: Option<String>,
    /// Whether to serve the GraphiQL page; by default in development only
    #[arg(long, env = "GRAPHIQL", value_name = "true|false", global = true, help_heading = GRAPHQL)]
    graphiql: Option<String>,
    /// Whether the GraphQL schema can be asked for, and errors suggest names from it; by default in development only
    #[arg(long, env = "GRAPHQL_INTROSPECTION", value_name = "true|false", global = true, help_heading = GRAPHQL)]
    graphql_introspection: Option<String>,
    /// How deep a GraphQL operation may nest fields
    #[arg(long, env = "GRAPHQL_MAX_DEPTH", value_name = "NUMBER", default_value = "15", global = true, help_heading = GRAPHQL)]
    graphql_max_depth: String,
    /// How much a GraphQL request may cost: 1 for each field, 10 more for each list
    #[arg(long, env = "GRAPHQL_MAX_COMPLEXITY", value_name = "NUMBER", default_value = "500", global = true, help_heading = GRAPHQL)]
    graphql_max_complexity: String,
    /// How many fields a GraphQL request may rename
    #[arg(long, env = "GRAPHQL_MAX_ALIASES", value_name = "NUMBER", default_value = "30", global = true, help_heading = GRAPHQL)]
    graphql_max_aliases: String,
    /// How many fields a GraphQL request may select at the root
    #[arg(long, env = "GRAPHQL_MAX_ROOT_FIELDS", value_name = "NUMBER", default_value = "20", global = true, help_heading = GRAPHQL)]
    graphql_max_root_fields: String,
    /// How many directives a GraphQL request may use
    #[arg(long, env = "GRAPHQL_MAX_DIRECTIVES", value_name = "NUMBER", default_value = "50", global = true, help_heading = GRAPHQL)]
    graphql_max_directives: String,
    /// How many fields a GraphQL request may select, those of a fragment counted wherever it is spread
    #[arg(long, env = "GRAPHQL_MAX_SELECTIONS", value_name = "NUMBER", default_value = "1000", global = true, help_heading = GRAPHQL)]
    graphql_max_selections: String,
    /// How many words and signs a GraphQL request may have
    #[arg(long, env = "GRAPHQL_MAX_TOKENS", value_name = "NUMBER", default_value = "1000", global = true, help_heading = GRAPHQL)]
    graphql_max_tokens: String,
    /// How many brackets of a GraphQL document may be open at once, at most 64
    #[arg(long, env = "GRAPHQL_MAX_NESTING", value_name = "NUMBER", default_value = "64", global = true, help_heading = GRAPHQL)]
    graphql_max_nesting: String,
    /// How many GraphQL operations may be sent together; the other limits hold for all of them together
    #[arg(long, env = "GRAPHQL_MAX_BATCH", value_name = "NUMBER", default_value = "10", global = true, help_heading = GRAPHQL)]
    graphql_max_batch: String,
    /// How long a GraphQL operation may take
    #[arg(long, env = "GRAPHQL_TIMEOUT", value_name = "DURATION", default_value = "10s", global = true, help_heading = GRAPHQL)]
    graphql_timeout: String,
    /// Whether a GraphQL document that was sent once can be named by its hash (automatic persisted queries)
    #[arg(long, env = "GRAPHQL_APQ", value_name = "true|false", default_value = "true", global = true, help_heading = GRAPHQL)]
    graphql_apq: String,
    /// A file of the only GraphQL documents to be run, by their ids; without it any is run
    #[arg(long, env = "GRAPHQL_TRUSTED_DOCUMENTS", value_name = "FILE", global = true, help_heading = GRAPHQL)]
    graphql_trusted_documents: Option<PathBuf>,
    /// Whether other GraphQL documents are refused, or run and added to the file
    #[arg(long, env = "GRAPHQL_TRUST_MODE", value_name = "learn|enforce", default_value = "enforce", global = true, help_heading = GRAPHQL)]
    graphql_trust_mode: String,
    /// Whether to serve metrics at /metrics, to anybody; by default in development only
    #[arg(long, env = "METRICS", value_name = "true|false", global = true, help_heading = LOGS)]
    metrics: Option<String>,
    /// What to log, like info or tandem=debug
    #[arg(long, env = "RUST_LOG", value_name = "FILTER", default_value = "info", global = true, help_heading = LOGS)]
    log: String,
    /// How to log: pretty, json, or auto for pretty on a terminal and JSON elsewhere
    #[arg(long, env = "LOG_FORMAT", value_name = "auto|pretty|json", default_value = "auto", global = true, help_heading = LOGS)]
    log_format: String,
}

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The database; `None` for the embedded one.
    pub database: Option<Target>,
    /// Where the embedded database and the development secret are kept.
    pub data_dir: PathBuf,
    /// Whether to migrate before serving.
    pub migrate_on_start: bool,
    /// The most database connections at once.
    pub pool_size: u32,
    /// How long a request waits for a connection.
    pub checkout_timeout: Duration,
    /// How long one statement may run.
    pub statement_timeout: Duration,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// What clients may keep open.
    pub connections: ConnectionLimits,
    /// How long requests in flight may go on after a signal to stop.
    pub shutdown_timeout: Duration,
    /// HS256 secrets, the first of which signs.
    pub secrets: Vec<SecretString>,
    /// Where issuers publish their keys.
    pub jwks: Vec<JwksConfig>,
    /// The `iss` claim to ask for where a source doesn't say.
    pub issuer: Option<String>,
    /// The `aud` claim to ask for where a source doesn't say.
    pub audience: Option<String>,
    /// What is asked of every token.
    pub claim_rules: ClaimRules,
    /// Origins whose pages may call the API.
    pub cors_origins: Option<Vec<HeaderValue>>,
    /// Whether to serve GraphiQL.
    pub graphiql: bool,
    /// What one GraphQL request may cost.
    pub limits: Limits,
    /// Which GraphQL documents are run.
    pub documents: Documents,
    /// Whether to serve metrics.
    pub metrics: bool,
    /// What to log.
    pub log: String,
    /// How to log.
    pub log_format: LogFormat,
}

impl Config {
    /// Checks the settings. The error has a line for each fault.
    pub fn check(settings: Settings) -> Result<Self, String> {
        let mut faults = Faults::default();
        let host: IpAddr = faults.parse("HOST", &settings.host).unwrap_or_else(|| [127, 0, 0, 1].into());
        let port = faults.parse("PORT", &settings.port).unwrap_or_default();
        let database = settings.database_url.as_ref().and_then(|url| faults.take("DATABASE_URL", Target::parse(url)));
        let jwks = faults.jwks(&settings);
        let secrets = faults.secrets(settings.better_auth_secret, settings.better_auth_secrets);
        let is_development = settings.database_url.is_none() && secrets.is_empty() && jwks.is_empty();
        let config = Self {
            listen: SocketAddr::new(host, port),
            database,
            data_dir: settings.data_dir,
            migrate_on_start: faults.parse("MIGRATE_ON_START", &settings.migrate_on_start).unwrap_or_default(),
            pool_size: faults.positive("DATABASE_POOL_SIZE", &settings.database_pool_size),
            checkout_timeout: faults.duration("CHECKOUT_TIMEOUT", &settings.checkout_timeout),
            statement_timeout: faults.duration("STATEMENT_TIMEOUT", &settings.statement_timeout),
            request_timeout: faults.duration("REQUEST_TIMEOUT", &settings.request_timeout),
            connections: ConnectionLimits {
                connections: faults.positive("MAX_CONNECTIONS", &settings.max_connections),
                header_timeout: faults.duration("HEADER_TIMEOUT", &settings.header_timeout),
                body_timeout: faults.duration("BODY_TIMEOUT", &settings.body_timeout),
                idle_timeout: faults.duration("IDLE_TIMEOUT", &settings.idle_timeout),
            },
            shutdown_timeout: faults.duration("SHUTDOWN_TIMEOUT", &settings.shutdown_timeout),
            secrets,
            jwks,
            issuer: settings.jwt_issuer,
            audience: settings.jwt_audience,
            claim_rules: ClaimRules {
                user_id_claims: words(&settings.jwt_user_id_claims),
                leeway: faults.duration("JWT_LEEWAY", &settings.jwt_leeway),
            },
            cors_origins: settings.cors_origins.map(|origins| faults.origins(&origins)),
            graphiql: faults.flag("GRAPHIQL", settings.graphiql.as_ref()).unwrap_or(is_development),
            limits: Limits {
                depth: faults.positive("GRAPHQL_MAX_DEPTH", &settings.graphql_max_depth),
                complexity: faults.positive("GRAPHQL_MAX_COMPLEXITY", &settings.graphql_max_complexity),
                aliases: faults.parse("GRAPHQL_MAX_ALIASES", &settings.graphql_max_aliases).unwrap_or_default(),
                root_fields: faults.positive("GRAPHQL_MAX_ROOT_FIELDS", &settings.graphql_max_root_fields),
                directives: faults
                    .parse("GRAPHQL_MAX_DIRECTIVES", &settings.graphql_max_directives)
                    .unwrap_or_default(),
                selections: faults.positive("GRAPHQL_MAX_SELECTIONS", &settings.graphql_max_selections),
                tokens: faults.positive("GRAPHQL_MAX_TOKENS", &settings.graphql_max_tokens),
                nesting: faults.at_most(MAX_NESTING, "GRAPHQL_MAX_NESTING", &settings.graphql_max_nesting),
                batch: faults.positive("GRAPHQL_MAX_BATCH", &settings.graphql_max_batch),
                timeout: faults.duration("GRAPHQL_TIMEOUT", &settings.graphql_timeout),
                introspection: faults
                    .flag("GRAPHQL_INTROSPECTION", settings.graphql_introspection.as_ref())
                    .unwrap_or(is_development),
            },
            documents: Documents {
                by_hash: faults.parse("GRAPHQL_APQ", &settings.graphql_apq).unwrap_or_default(),
                trusted: faults.trusted(settings.graphql_trusted_documents.as_ref(), &settings.graphql_trust_mode),
            },
            metrics: faults.flag("METRICS", settings.metrics.as_ref()).unwrap_or(is_development),
            log: faults.take("RUST_LOG", LogFormat::check_filter(&settings.log)).unwrap_or_default(),
            log_format: faults.parse("LOG_FORMAT", &settings.log_format).unwrap_or_default(),
        };
        faults.none_or(config)
    }

    /// Whether this is a server to try things out with: embedded database, and nothing that says who signs tokens.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.database.is_none() && self.secrets.is_empty() && self.jwks.is_empty()
    }

    /// Where keys come from; none in development. The error names the variables that would say so.
    pub fn key_sources(&self) -> Result<Vec<KeySource>, String> {
        if self.is_development() {
            return Ok(Vec::new());
        }
        let shared = (!self.secrets.is_empty())
            .then(|| KeySource::hs256(&self.secrets).with_claims(self.issuer.clone(), self.audience.clone()));
        let published = self.jwks.iter().cloned().map(|jwks| KeySource::jwks(jwks).map_err(|error| error.to_string()));
        let sources = shared.map(Ok).into_iter().chain(published).collect::<Result<Vec<_>, _>>()?;
        if sources.is_empty() {
            return Err("nothing says who signs tokens: set BETTER_AUTH_URL or JWKS_URL for tokens signed with \
                        published keys, BETTER_AUTH_SECRET or BETTER_AUTH_SECRETS for a shared secret. To try things out, leave DATABASE_URL \
                        unset: the server then makes its own"
                .to_owned());
        }
        Ok(sources)
    }

    /// A token as this server asks for it.
    #[must_use]
    pub fn new_token<'a>(&'a self, user: &'a str, ttl: Duration) -> NewToken<'a> {
        NewToken { user, ttl, issuer: self.issuer.as_deref(), audience: self.audience.as_deref() }
    }
}
