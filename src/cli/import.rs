//! `tandem import`: tasks of an older backend.

use std::{path::PathBuf, process::ExitCode};

use chrono::TimeDelta;
use clap::Args;

use super::REFUSED;
use crate::{
    config::Config,
    error::{Error, Result},
    moving::{self, Import, Imported, Rename},
    server::database::Database,
    store::{self, Db},
    task::TimeZone,
};

#[derive(Args, Debug)]
pub(super) struct ImportArgs {
    /// `postgres://` URL, SQLite file, NDJSON file or CSV file
    #[arg(value_name = "SOURCE")]
    place: String,
    /// Write the tasks; without it, only report what would be done
    #[arg(long)]
    apply: bool,
    /// Table with the tasks, if the source is a database [default: the one named task, tasks, todo or todos]
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// A column whose name isn't recognized, and the field it has, or `none`; may be repeated
    #[arg(long = "map", value_name = "THEIRS=OURS", value_parser = str::parse::<Rename>)]
    renames: Vec<Rename>,
    /// Time zone of due times without an offset or a zone of their own [default: UTC; if a column has zones, wherever the user is]
    #[arg(long, value_name = "ZONE", value_parser = time_zone)]
    timezone: Option<TimeZone>,
    /// Name of the old backend, from which new ids are made of ids that aren't UUIDs. A second backend needs another one
    #[arg(long, value_name = "NAME", default_value = "import")]
    source: String,
    /// Write the users, the old ids and the new ids of all tasks that are there afterwards to this file, as CSV
    #[arg(long, value_name = "FILE", requires = "apply")]
    id_map: Option<PathBuf>,
    /// Cut titles and descriptions that are too long, instead of leaving their tasks out
    #[arg(long)]
    truncate: bool,
}

fn time_zone(text: &str) -> Result<TimeZone, String> {
    text.parse().map_err(|_| format!("must be a time zone like Europe/Berlin, got `{text}`"))
}

/// Reports, and with `--apply` writes. Exits with 3 if something was left out.
pub(super) async fn import(config: &Config, args: ImportArgs) -> Result<ExitCode> {
    let ImportArgs { place, apply, table, renames, timezone, source, id_map, truncate } = args;
    let trash_lifetime = TimeDelta::days(config.database.trash_days);
    let quota = config.database.max_tasks_per_user;
    let import = Import { place, table, renames, timezone, source, id_map, truncates: truncate, trash_lifetime, quota };
    let out = std::io::stdout();
    let Imported { left_out, .. } = if apply {
        let database = Database::open(config).await?;
        let pending = store::pending(&database.migrating).await?.map_err(Error::internal)?;
        if !pending.is_empty() {
            return Err(Error::internal("the database isn't migrated: run `tandem migrate`"));
        }
        let db = Db::open(&database.config.for_operators()).await?;
        db.prove_isolation().await?;
        let imported = moving::import(&import, Some(&db), out).await;
        drop(db);
        database.close().await?;
        imported
    } else {
        moving::import(&import, None, out).await
    }
    .map_err(Error::internal)?;
    Ok(if left_out == 0 { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}
