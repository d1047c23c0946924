//! The command line.

pub mod doctor;
mod export;
mod health;
mod import;

use std::{process::ExitCode, time::Duration};

use clap::{CommandFactory, Parser, Subcommand};

use self::doctor::Verdict;
use crate::{
    auth::{self, CurrentUser, Finding, Verifier},
    config::{self, Config, ConfigErrors},
    error::{Error, Result},
    graphql, rest,
    server::{self, database::Database, development::Development},
    setting::{DAY, SECOND, duration},
    store::{self, Db, Distribution},
};

/// Multi-user task backend with GraphQL and REST APIs on PostgreSQL
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

const AFTER_HELP: &str = "\
Every setting is a flag and an environment variable; the flag takes precedence. Variables are also read from the file .env
in the working directory, unless the environment has them. Durations are written like 500ms, 10s or 2m.

Without DATABASE_URL and without a setting for who signs tokens, the server runs in development mode: with an embedded
database, a generated secret, the app, GraphiQL, introspection and metrics, and without rate limits.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve both APIs (the default)
    Serve,
    /// Migrate the database to the schema of this version
    Migrate {
        /// Revert all migrations instead, which deletes all tasks; requires --yes
        #[arg(long, requires = "yes")]
        revert: bool,
        /// Confirm the deletion of all tasks
        #[arg(long, requires = "revert")]
        yes: bool,
        /// Also distribute existing rows to the nodes of a Citus cluster, which blocks reads and writes meanwhile. An empty
        /// database is always distributed
        #[arg(long, conflicts_with = "revert")]
        distribute: bool,
    },
    /// Manage the change feed
    Feed {
        #[command(subcommand)]
        command: FeedCommand,
    },
    /// Import tasks of an older backend; without --apply, only report what would be done. Servers may be serving meanwhile.
    /// Exits with 0 if all tasks fit, with 3 if some are left out
    Import(import::ImportArgs),
    /// Print the tasks of all users, or of one, as lines of JSON that `tandem import` takes
    Export {
        /// Only this user
        #[arg(long, value_name = "ID")]
        user: Option<String>,
    },
    /// Manage what users have
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Print the GraphQL schema
    Schema,
    /// Print the OpenAPI document of the REST API
    Openapi,
    /// Print docs/CONFIGURATION.md
    #[command(hide = true)]
    Settings,
    /// Print a token for a user, signed with the first configured secret, or in development mode with the generated secret
    Token {
        /// User id, 1 to 255 bytes
        #[arg(long, value_name = "ID")]
        user: String,
        /// How long the token is valid, like 15m, 12h or 30d
        #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = duration(SECOND..=10 * 365 * DAY))]
        ttl: Duration,
    },
    /// Check a token and print the result of every check; exits with 0 if the token is accepted, with 3 if it is refused
    Check {
        /// Token, or - to read it from standard input, which other users of this machine can't see
        #[arg(long, value_name = "TOKEN")]
        token: String,
    },
    /// Check the settings, the database and the key sets, and print advice on every problem; exits with 0 if a server could
    /// serve, with 3 if not
    Doctor {
        /// Skip the checks that need the network
        #[arg(long)]
        offline: bool,
    },
    /// Check whether the server on this machine is ready; exits with 0 if it is, with 1 if not
    Health {
        /// Check only whether it is alive
        #[arg(long)]
        live: bool,
    },
}

#[derive(Debug, Subcommand)]
enum FeedCommand {
    /// Make all clients read all tasks again, after a backup was restored or tasks were changed other than through this server;
    /// requires --yes
    Reset {
        /// Confirm that all clients read all tasks again
        #[arg(long, required = true)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Delete all that there is of a user, for ever: tasks, what is known of deleted ones, and idempotency keys. Servers may be
    /// serving meanwhile
    Erase {
        /// User id
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// The exit code of `check` for a refused token, and of `doctor` for a failure. 1 and 2 mean that the command itself failed.
const REFUSED: u8 = 3;

impl Cli {
    /// Reads the command line and the environment.
    pub fn read() -> std::result::Result<Self, ConfigErrors> {
        config::read(&Self::command(), std::env::args_os().collect(), |cli: &Self| &cli.config)
    }

    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode> {
        let traces = self.config.logs.start().map_err(Error::internal)?;
        let done = Box::pin(self.run_command()).await;
        traces.finish().await;
        done
    }

    async fn run_command(self) -> Result<ExitCode> {
        let config = self.config;
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => Box::pin(server::serve(config)).await,
            Command::Migrate { revert: true, .. } => revert(&config).await,
            Command::Migrate { distribute, .. } => migrate(&config, distribute).await,
            Command::Feed { command: FeedCommand::Reset { .. } } => reset_feed(&config).await,
            Command::Export { user } => export::export(&config, user.as_deref()).await,
            Command::Import(args) => return Box::pin(import::import(&config, args)).await,
            Command::User { command: UserCommand::Erase { id } } => erase(&config, &id).await,
            Command::Schema => print(&graphql::sdl()),
            Command::Openapi => print(rest::openapi()),
            Command::Settings => print(&reference()),
            Command::Token { user, ttl } => print(&format!("{}\n", token(&config, &user, ttl)?)),
            Command::Check { token } => return check(&config, &token).await,
            Command::Doctor { offline } => return examine(&config, offline).await,
            Command::Health { live } => return health::health(&config, live).await,
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

/// `docs/CONFIGURATION.md`.
#[must_use]
pub fn reference() -> String {
    config::reference(Cli::command())
}

async fn migrate(config: &Config, moves_rows: bool) -> Result<()> {
    let database = Database::open(config).await?;
    let migrating = &database.migrating;
    let done = if moves_rows { store::distribute(migrating).await } else { store::migrate(migrating).await }?;
    let mut lines = lines("applied", &done.versions);
    match done.distribution {
        Distribution::Done => lines += "distributed the tables by user\n",
        Distribution::Absent if moves_rows => lines += "this database doesn't have the extension citus\n",
        _ => {}
    }
    if lines.is_empty() {
        lines += "nothing to do\n";
    }
    if let Some(advice) = done.distribution.advice() {
        lines += advice;
        lines += "\n";
    }
    print(&lines)?;
    database.close().await
}

async fn revert(config: &Config) -> Result<()> {
    let database = Database::open(config).await?;
    let done = store::revert(&database.migrating).await?;
    print(if done.is_empty() { "nothing to do\n".to_owned() } else { lines("reverted", &done) }.as_str())?;
    database.close().await
}

fn lines(verb: &str, versions: &[String]) -> String {
    versions.iter().fold(String::new(), |lines, version| lines + verb + " " + version + "\n")
}

async fn reset_feed(config: &Config) -> Result<()> {
    let database = Database::open(config).await?;
    store::reset_feed(&database.migrating).await?;
    print("all clients of the change feed will read all tasks again\n")?;
    database.close().await
}

async fn erase(config: &Config, id: &str) -> Result<()> {
    let user =
        CurrentUser::named_by_operator(id).map_err(|violation| Error::internal(format!("the user id {violation}")))?;
    let database = Database::open(config).await?;
    let db = Db::open(&database.config.for_operators()).await?;
    let count = db.tasks(user).erase().await?;
    print(&format!("erased the user, who had {count} tasks\n"))?;
    drop(db);
    database.close().await
}

fn token(config: &Config, user: &str, ttl: Duration) -> Result<String> {
    let secret = match config.tokens.secrets().into_iter().next() {
        Some(secret) => secret,
        None if config.is_development() => auth::dev_secret(&config.database.data_dir).map_err(Error::internal)?,
        None => return Err(Error::internal("there is no secret to sign with. Set BETTER_AUTH_SECRET")),
    };
    config.tokens.new_token(user, ttl).sign(&secret).map_err(Error::internal)
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
    let verifier = Verifier::new(sources, config.tokens.claim_rules.clone());
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

async fn examine(config: &Config, offline: bool) -> Result<ExitCode> {
    let verdicts = doctor::examine(config, offline).await;
    let lines: Vec<_> = verdicts.iter().map(ToString::to_string).collect();
    print(&(lines.join("\n") + "\n"))?;
    let is_fit = !verdicts.iter().any(Verdict::is_failure);
    Ok(if is_fit { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

/// Prints to standard output. A closed pipe is not an error.
fn print(text: &str) -> Result<()> {
    use std::io::{ErrorKind, Write};
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::internal(error)),
        _ => Ok(()),
    }
}
