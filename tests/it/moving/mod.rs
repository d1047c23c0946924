//! Moving in from older backends, and out again.

mod export;
mod import;
mod schemas;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{App, SECRET, TestDb, cluster::scratch_dir, command::output};

/// What a command printed, and its exit code.
pub struct Printed {
    pub out: String,
    pub err: String,
    pub code: i32,
}

/// Runs `tandem import` with these arguments on a server's database.
pub fn import(db: &TestDb, args: &[&str]) -> Printed {
    import_with(db, args, &[])
}

pub fn import_with(db: &TestDb, args: &[&str], settings: &[(&str, &str)]) -> Printed {
    let env = [&[("DATABASE_URL", db.url()), ("BETTER_AUTH_SECRET", SECRET)], settings].concat();
    let output = output(&scratch_dir(), &[&["import"], args].concat(), &env);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Printed { out: text(&output.stdout), err: text(&output.stderr), code: output.status.code().unwrap_or(-1) }
}

/// A file with this text.
pub fn file(name: &str, text: &str) -> PathBuf {
    let path = scratch_dir().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// An SQLite file that this script has made.
pub fn sqlite(script: &str) -> PathBuf {
    let path = scratch_dir().join("old.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(script).unwrap();
    path
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// All tasks of a user, by title.
pub async fn tasks(app: &App, user: &str) -> Vec<Value> {
    let tasks = app.user(user).get("/api/tasks?sort=title&order=asc&limit=1000").await.good();
    tasks.as_array().unwrap().clone()
}
