//! The migrations as files: the baseline, which made the schema of the first release, and those that came after it.

use std::{fs, path::PathBuf};

/// The last migration of the baseline.
const BASELINE: &str = "2026-11-24-030000_idempotency_keys";

/// The directories of all migrations, oldest first.
fn all() -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir("migrations").unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// What makes the baseline on an empty database, and records that it is there.
pub fn baseline() -> String {
    let mut sql = "CREATE TABLE __diesel_schema_migrations (
        version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT current_timestamp);"
        .to_owned();
    for migration in all() {
        let name = migration.file_name().unwrap().to_str().unwrap();
        if name > BASELINE {
            break;
        }
        sql += &fs::read_to_string(migration.join("up.sql")).unwrap();
        sql += &format!("INSERT INTO __diesel_schema_migrations VALUES ('{}');", version(name));
    }
    sql
}

/// What reverts each migration that came after the baseline, newest first.
pub fn reverts() -> Vec<String> {
    let after = all().into_iter().filter(|migration| migration.file_name().unwrap().to_str().unwrap() > BASELINE);
    let revert = |migration: PathBuf| {
        let name = migration.file_name().unwrap().to_str().unwrap();
        let down = fs::read_to_string(migration.join("down.sql")).unwrap();
        format!("{down}; DELETE FROM __diesel_schema_migrations WHERE version = '{}'", version(name))
    };
    after.map(revert).rev().collect()
}

/// The version that diesel makes of a directory's name.
fn version(name: &str) -> String {
    name.split('_').next().unwrap().replace('-', "")
}
