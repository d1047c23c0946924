//! The commands.

use std::{ffi::OsStr, process::ExitCode, time::Duration};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, builder::Resettable};
use secrecy::SecretString;

use crate::{
    auth::{self, Finding, Verifier},
    config::{Config, Settings},
    database::Database,
    development::Development,
    error::{Error, Result},
    graphql, rest, server, store,
};

/// A multi-user task backend: GraphQL and REST on one isolated data path
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

const AFTER_HELP: &str = "\
Every setting is a flag or an environment variable; a file .env in the working directory is read too, below both. With
neither DATABASE_URL nor a secret or an issuer of tokens set, the server runs in development mode: embedded database,
its own secret, GraphiQL, metrics.
Durations are written like 500ms, 10s, 2m or 30d.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve both doors (the default)
    Serve,
    /// Bring the database to this version's schema
    Migrate {
        /// Undo all migrations instead, which drops all tasks; asks for --yes too
        #[arg(long, requires = "yes")]
        revert: bool,
        /// Yes, drop all tasks
        #[arg(long, requires = "revert")]
        yes: bool,
    },
    /// Print the GraphQL schema
    Schema,
    /// Print the REST door's OpenAPI document
    Openapi,
    /// Make a token for a user, signed with the configured or the development secret
    Token {
        /// The user id, 1 to 255 bytes
        #[arg(long, value_name = "ID")]
        user: String,
        /// How long it is good for, like 15m, 12h or 30d
        #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = humantime::parse_duration)]
        ttl: Duration,
    },
    /// Tell check by check why a token is accepted or refused; exits with 0 or 3
    Check {
        /// The token, or - to read it from standard input, where other users of this machine can't see it
        #[arg(long, value_name = "TOKEN")]
        token: String,
    },
}

/// The exit code of a check that refused its token; 1 and 2 are for commands that couldn't be carried out.
const REFUSED: u8 = 3;

impl Cli {
    /// Reads the command line and the environment. A variable that is set to nothing is as good as one that isn't set,
    /// as compose files and `.env` templates mean it.
    #[must_use]
    pub fn read() -> Self {
        let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
        let command = Self::command()
            .mut_args(|arg| if arg.get_env().is_some_and(is_empty) { arg.env(Resettable::Reset) } else { arg });
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }

    /// Carries the command out. What it found out, if anything, is in the exit code.
    pub async fn run(self) -> Result<ExitCode> {
        let config = Config::check(self.settings).map_err(Error::internal)?;
        config.log_format.start(&config.log);
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => server::serve(config).await,
            Command::Migrate { revert, .. } => migrate(&config, revert).await,
            Command::Schema => print(&graphql::sdl()),
            Command::Openapi => print(rest::openapi()),
            Command::Token { user, ttl } => print(&format!("{}\n", token(&config, &user, ttl)?)),
            Command::Check { token } => return check(&config, &token).await,
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

async fn migrate(config: &Config, revert: bool) -> Result<()> {
    let database = Database::open(config).await?;
    let (done, verb) = if revert {
        (store::revert(&database.config).await?, "reverted")
    } else {
        (store::migrate(&database.config).await?, "applied")
    };
    let lines = done.iter().fold(String::new(), |lines, version| lines + verb + " " + version + "\n");
    print(if lines.is_empty() { "nothing to do\n" } else { &lines })?;
    database.close().await
}

fn token(config: &Config, user: &str, ttl: Duration) -> Result<String> {
    let secret: SecretString = match config.secrets.first() {
        Some(secret) => secret.clone(),
        None if config.is_development() => auth::dev_secret(&config.data_dir).map_err(Error::internal)?,
        None => return Err(Error::internal("no secret to sign with: set BETTER_AUTH_SECRET or BETTER_AUTH_SECRETS")),
    };
    config.new_token(user, ttl).sign(&secret).map_err(Error::internal)
}

async fn check(config: &Config, token: &str) -> Result<ExitCode> {
    let sources = if config.is_development() {
        vec![Development::open(config)?.key_source(config)]
    } else {
        config.key_sources().map_err(Error::internal)?
    };
    let token = if token == "-" {
        std::io::read_to_string(std::io::stdin()).map_err(Error::internal)?
    } else {
        token.to_owned()
    };
    let verifier = Verifier::new(sources, config.claim_rules.clone());
    let findings = verifier.explain(token.trim()).await;
    let sources = verifier.sources().into_iter().map(|(source, failure)| {
        let failure = failure.map(|failure| format!(", which can't be fetched: {failure}")).unwrap_or_default();
        format!("      keys of {source}{failure}\n")
    });
    let checks = findings.iter().map(|Finding { check, has_passed, detail }| {
        format!("{:4}  {}: {detail}\n", if *has_passed { "ok" } else { "FAIL" }, check.as_str())
    });
    let lines: String = sources.chain(checks).collect();
    let is_accepted = findings.iter().all(|finding| finding.has_passed);
    print(&format!("{lines}{}\n", if is_accepted { "accepted" } else { "refused" }))?;
    Ok(if is_accepted { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

/// To standard output; a reader who has seen enough is no error.
fn print(text: &str) -> Result<()> {
    use std::io::{ErrorKind, Write};
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::internal(error)),
        _ => Ok(()),
    }
}
