//! `tandem export`: everything that users have.

use std::io::{ErrorKind, Write};

use crate::{
    auth::CurrentUser,
    config::Config,
    error::{Error, Result},
    moving::Export,
    server::database::Database,
    store::Db,
};

/// Writes the lines of one user, or of all, to standard output.
pub(super) async fn export(config: &Config, user: Option<&str>) -> Result<()> {
    let database = Database::open(config).await?;
    let db = Db::open(&database.config.for_operators()).await?;
    let done = match user {
        Some(user) => of_user(&db, user).await.map(drop),
        None => of_all(&db).await,
    };
    drop(db);
    done?;
    database.close().await
}

async fn of_all(db: &Db) -> Result<()> {
    let mut last = String::new();
    loop {
        let users = db.users_after(&last).await?;
        let Some(next) = users.last() else { return Ok(()) };
        last.clone_from(next);
        for user in users {
            if !of_user(db, &user).await? {
                return Ok(());
            }
        }
    }
}

/// Whether anybody still reads.
async fn of_user(db: &Db, user: &str) -> Result<bool> {
    let user = CurrentUser::named_by_operator(user);
    let user = user.map_err(|violation| Error::internal(format!("the user id {violation}")))?;
    let mut export = Export::new(db.tasks(user));
    while let Some(lines) = export.next().await? {
        match std::io::stdout().write_all(lines.text.as_bytes()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(false),
            Err(error) => return Err(Error::internal(error)),
        }
    }
    Ok(true)
}
