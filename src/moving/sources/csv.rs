//! A file of comma-separated values, whose first line has their names. Semicolons and tabs separate, too.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use csv::{ByteRecord, Reader, ReaderBuilder};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::Batches;
use crate::moving::record::Record;

pub(in crate::moving) struct Lines {
    path: PathBuf,
    delimiter: u8,
    columns: Vec<String>,
    count: u64,
}

impl Lines {
    /// Reads the file once, to count its records.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let mut head = String::new();
        BufReader::new(File::open(path).map_err(|error| error.to_string())?)
            .read_line(&mut head)
            .map_err(|error| error.to_string())?;
        let count_of = |delimiter: u8| head.bytes().filter(|byte| *byte == delimiter).count();
        let delimiter =
            [b';', b'\t'].into_iter().find(|delimiter| count_of(*delimiter) > count_of(b',')).unwrap_or(b',');
        let mut reader = open(path, delimiter).map_err(|error| error.to_string())?;
        let columns = reader.headers().map_err(|error| error.to_string())?.iter().map(|name| name.trim().to_owned());
        let columns = columns.collect();
        let mut record = ByteRecord::new();
        let mut count = 0;
        while reader.read_byte_record(&mut record).map_err(|error| error.to_string())? {
            count += 1;
        }
        Ok(Self { path: path.to_owned(), delimiter, columns, count })
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn read(self, sender: &mpsc::Sender<Result<Vec<Record>, String>>) {
        let mut batches = Batches::new(sender);
        let ended = self.send(&mut batches).map_err(|error| error.to_string());
        batches.end(ended);
    }

    fn send(&self, batches: &mut Batches<'_>) -> csv::Result<()> {
        let mut reader = open(&self.path, self.delimiter)?;
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record)? {
            let line = record.position().map(csv::Position::line);
            let record = match self.values(&record) {
                Ok(values) => Record { line, values, flaw: None },
                Err(flaw) => Record { line, flaw: Some(flaw), ..Record::default() },
            };
            if !batches.push(record) {
                break;
            }
        }
        Ok(())
    }

    /// An empty value is none.
    fn values(&self, record: &ByteRecord) -> Result<Map<String, Value>, String> {
        if record.len() != self.columns.len() {
            return Err(format!("{} values, and {} names in the first line", record.len(), self.columns.len()));
        }
        let mut values = Map::new();
        for (name, value) in self.columns.iter().zip(record) {
            let text = str::from_utf8(value).map_err(|_| format!("{name} is not UTF-8"))?;
            values.insert(name.clone(), if text.is_empty() { Value::Null } else { text.into() });
        }
        Ok(values)
    }
}

fn open(path: &Path, delimiter: u8) -> csv::Result<Reader<File>> {
    ReaderBuilder::new().delimiter(delimiter).flexible(true).from_path(path)
}
