//! The commands.

use std::time::Duration;

use clap::{Parser, Subcommand};
use secrecy::SecretString;

use crate::{
    auth,
    config::{Config, Settings},
    database::Database,
    error::{Error, Result},
    graphql, server, store,
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
Every setting is a flag or an environment variable; a file .env in the working directory is read too. With neither
DATABASE_URL nor a secret set, the server runs in development mode: embedded database, its own secret, GraphiQL.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve both doors (the default)
    Serve,
    /// Bring the database to this version's schema
    Migrate {
        /// Undo all migrations instead, which drops all tasks
        #[arg(long)]
        revert: bool,
    },
    /// Print the GraphQL schema
    Schema,
    /// Make a token for a user, signed with the configured or the development secret
    Token {
        /// The user id
        #[arg(long)]
        user: String,
        /// How long it is good for
        #[arg(long, default_value = "30d", value_parser = humantime::parse_duration)]
        ttl: Duration,
    },
}

impl Cli {
    /// Carries the command out.
    pub async fn run(self) -> Result<()> {
        let config = Config::check(self.settings).map_err(Error::internal)?;
        config.log_format.start(&config.log);
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => server::serve(config).await,
            Command::Migrate { revert } => migrate(&config, revert).await,
            Command::Schema => print(&graphql::sdl()),
            Command::Token { user, ttl } => print(&format!("{}\n", token(&config, &user, ttl)?)),
        }
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
    auth::mint(&secret, user, ttl).map_err(Error::internal)
}

/// To standard output; a reader who has seen enough is no error.
fn print(text: &str) -> Result<()> {
    use std::io::{ErrorKind, Write};
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::internal(error)),
        _ => Ok(()),
    }
}
