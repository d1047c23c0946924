//! The migrations as files: the baseline, which made the schema of the first release, and those that came after it.

use std::fs;

/// The last migration of the baseline.
const BASELINE: &str = "2026-11-24-030000_idempotency_keys";

/// The names of all migrations, oldest first.
fn names() -> Vec<String> {
    let entries = fs::read_dir("migrations").unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(name: &str, file: &str) -> String {
    fs::read_to_string(format!("migrations/{name}/{file}")).unwrap()
}

/// The version that diesel makes of a migration's name.
fn version(name: &str) -> String {
    name.split('_').next().unwrap().replace('-', "")
}

/// What makes the baseline on an empty database, and records that it is there.
pub fn baseline() -> String {
    let table = "CREATE TABLE __diesel_schema_migrations (
        version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT current_timestamp);";
    let applied = names().into_iter().filter(|name| name.as_str() <= BASELINE).map(|name| {
        let (up, version) = (read(&name, "up.sql"), version(&name));
        format!("{up}; INSERT INTO __diesel_schema_migrations VALUES ('{version}');")
    });
    table.to_owned() + &applied.collect::<String>()
}

/// What reverts each migration that came after the baseline, newest first.
pub fn reverts() -> Vec<String> {
    let after = names().into_iter().rev().filter(|name| name.as_str() > BASELINE).map(|name| {
        let (down, version) = (read(&name, "down.sql"), version(&name));
        format!("{down}; DELETE FROM __diesel_schema_migrations WHERE version = '{version}'")
    });
    after.collect()
}
