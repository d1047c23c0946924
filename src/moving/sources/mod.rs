//! Where old tasks come from. Each source is read in order and in bounded memory, as records of named values.

mod catalog;
mod csv;
mod ndjson;
mod postgres;
mod sqlite;

use std::{fs::File, io::Read, path::Path};

use tokio::sync::mpsc;

use super::{mapping::Mapping, record::Record};

/// How many records are handed on at a time.
const BATCH: usize = 256;
/// How many batches wait to be taken.
const BATCHES: usize = 4;

const NOT_UTF8: &str = "not UTF-8: convert the file with iconv";

/// Batches of records, or why there are no more.
pub(super) type Records = mpsc::Receiver<Result<Vec<Record>, String>>;

/// A source that was found, and not read yet.
pub(super) enum Source {
    Postgres(postgres::Table),
    Sqlite(sqlite::Table),
    Ndjson(ndjson::Lines),
    Csv(csv::Lines),
}

impl Source {
    /// A `PostgreSQL` URL or a file, which is recognized by its contents or its name.
    pub(super) async fn open(place: &str, table: Option<&str>) -> Result<Self, String> {
        if place.starts_with("postgres://") || place.starts_with("postgresql://") {
            return postgres::Table::open(place, table).await.map(Self::Postgres);
        }
        Self::open_file(Path::new(place), table).map_err(|error| format!("{place}: {error}"))
    }

    fn open_file(path: &Path, table: Option<&str>) -> Result<Self, String> {
        let mut start = [0; 16];
        let length = File::open(path).and_then(|mut file| file.read(&mut start)).map_err(|error| error.to_string())?;
        let start = &start[..length];
        if start == b"SQLite format 3\0" {
            return sqlite::Table::open(path, table).map(Self::Sqlite);
        }
        match start {
            [] => return Err("the file is empty".to_owned()),
            [0x1f, 0x8b, ..] => return Err("the file is compressed: gunzip it first".to_owned()),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(NOT_UTF8.to_owned()),
            _ if table.is_some() => return Err("a file of this kind has no tables: leave out --table".to_owned()),
            _ => {}
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
        match (extension.as_str(), first) {
            ("csv" | "tsv", _) => csv::Lines::open(path).map(Self::Csv),
            (_, Some(b'[')) => Err("this is a JSON array. Write one object per line: jq -c '.[]'".to_owned()),
            ("json" | "jsonl" | "ndjson", _) | (_, Some(b'{')) => ndjson::Lines::open(path).map(Self::Ndjson),
            _ => csv::Lines::open(path).map(Self::Csv),
        }
    }

    /// What it is, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Postgres(table) => format!("PostgreSQL, table {}", table.name()),
            Self::Sqlite(table) => format!("SQLite, table {}", table.name()),
            Self::Ndjson(_) => "NDJSON".to_owned(),
            Self::Csv(_) => "CSV".to_owned(),
        }
    }

    /// The table, which is part of what ids are made of.
    pub(super) fn table(&self) -> Option<&str> {
        match self {
            Self::Postgres(table) => Some(table.bare_name()),
            Self::Sqlite(table) => Some(table.name()),
            Self::Ndjson(_) | Self::Csv(_) => None,
        }
    }

    /// The names of the values that its records have.
    pub(super) fn columns(&self) -> &[String] {
        match self {
            Self::Postgres(table) => table.columns(),
            Self::Sqlite(table) => table.columns(),
            Self::Ndjson(lines) => lines.columns(),
            Self::Csv(lines) => lines.columns(),
        }
    }

    /// Where tags are, if they are in tables of their own.
    pub(super) fn tag_table(&self) -> Option<&str> {
        match self {
            Self::Postgres(table) => table.tag_table(),
            Self::Sqlite(table) => table.tag_table(),
            Self::Ndjson(_) | Self::Csv(_) => None,
        }
    }

    /// Other tables with something of tasks, which nothing reads.
    pub(super) fn others(&self) -> &[String] {
        match self {
            Self::Postgres(table) => table.others(),
            Self::Sqlite(table) => table.others(),
            Self::Ndjson(_) | Self::Csv(_) => &[],
        }
    }

    /// How many records it has.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Postgres(table) => table.count(),
            Self::Sqlite(table) => table.count(),
            Self::Ndjson(lines) => lines.count(),
            Self::Csv(lines) => lines.count(),
        }
    }

    /// Reads all records, users one after the other where the source can sort.
    pub(super) fn read(self, mapping: &Mapping) -> Records {
        let (sender, records) = mpsc::channel(BATCHES);
        let order = mapping.order();
        match self {
            Self::Postgres(table) => drop(tokio::spawn(async move { table.read(&order, sender).await })),
            Self::Sqlite(table) => drop(tokio::task::spawn_blocking(move || table.read(&order, &sender))),
            Self::Ndjson(lines) => drop(tokio::task::spawn_blocking(move || lines.read(&sender))),
            Self::Csv(lines) => drop(tokio::task::spawn_blocking(move || lines.read(&sender))),
        }
        records
    }
}

/// Hands records on in batches. Whoever takes them may go away, which ends the reading.
struct Batches<'a> {
    sender: &'a mpsc::Sender<Result<Vec<Record>, String>>,
    batch: Vec<Record>,
}

impl<'a> Batches<'a> {
    fn new(sender: &'a mpsc::Sender<Result<Vec<Record>, String>>) -> Self {
        Self { sender, batch: Vec::with_capacity(BATCH) }
    }

    /// Whether anybody still takes them.
    fn push(&mut self, record: Record) -> bool {
        self.batch.push(record);
        self.batch.len() < BATCH || self.send()
    }

    fn send(&mut self) -> bool {
        self.sender.blocking_send(Ok(std::mem::take(&mut self.batch))).is_ok()
    }

    fn end(mut self, ended: Result<(), String>) {
        let is_taken = self.send();
        if let (true, Err(error)) = (is_taken, ended) {
            // Whoever went away doesn't need to know.
            let _ = self.sender.blocking_send(Err(error));
        }
    }
}
