//! A file with a JSON object on each line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::{Batches, NOT_UTF8};
use crate::moving::record::Record;

/// The longest line. A task takes a few kilobytes.
const MAX_LINE: u64 = 1 << 20;

pub(in crate::moving) struct Lines {
    path: PathBuf,
    columns: Vec<String>,
    count: u64,
}

impl Lines {
    /// Reads the file once, to learn which names it has.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let (mut columns, mut count, mut flaw) = (Vec::new(), 0, None);
        each(path, |record| {
            count += 1;
            flaw = flaw.take().or(record.line.zip(record.flaw));
            for name in record.values.keys() {
                if !columns.contains(name) {
                    columns.push(name.clone());
                }
            }
            true
        })
        .map_err(|error| error.to_string())?;
        if let (true, Some((line, flaw))) = (columns.is_empty(), flaw) {
            return Err(format!("line {line}: {flaw}"));
        }
        Ok(Self { path: path.to_owned(), columns, count })
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn read(self, sender: &mpsc::Sender<Result<Vec<Record>, String>>) {
        let mut batches = Batches::new(sender);
        let ended = each(&self.path, |record| batches.push(record)).map_err(|error| error.to_string());
        batches.end(ended);
    }
}

/// Calls this with each line that isn't blank, until it returns false.
fn each(path: &Path, mut take: impl FnMut(Record) -> bool) -> io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if file.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let is_whole = line.ends_with(b"\n") || (line.len() as u64) < MAX_LINE;
        if !is_whole {
            skip_line(&mut file)?;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let parsed = if is_whole { parse(&line) } else { Err(format!("the line is longer than {MAX_LINE} bytes")) };
        let record = match parsed {
            Ok(values) => Record { line: Some(number), values, ..Record::default() },
            Err(flaw) => Record { line: Some(number), flaw: Some(flaw), ..Record::default() },
        };
        if !take(record) {
            break;
        }
    }
    Ok(())
}

fn skip_line(file: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffered = file.fill_buf()?;
        if buffered.is_empty() {
            return Ok(());
        }
        match buffered.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                file.consume(at + 1);
                return Ok(());
            }
            None => {
                let length = buffered.len();
                file.consume(length);
            }
        }
    }
}

fn parse(line: &[u8]) -> Result<Map<String, Value>, String> {
    let line = str::from_utf8(line).map_err(|_| NOT_UTF8)?;
    serde_json::from_str(line).map_err(|error| format!("not a JSON object: {error}"))
}
