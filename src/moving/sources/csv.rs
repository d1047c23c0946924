//! A file of comma-separated values, whose first line has their names. Semicolons and tabs separate, too.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::{Batches, NOT_UTF8};
use crate::moving::record::Record;

/// A quoted value that is longer is not meant to be one.
const MAX_VALUE: usize = 16 * 1024 * 1024;

pub(in crate::moving) struct Lines {
    path: PathBuf,
    delimiter: u8,
    columns: Vec<String>,
    count: u64,
}

impl Lines {
    /// Reads the file once, to count its records.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let said = |error: io::Error| error.to_string();
        let head = |delimiter| -> Result<_, String> {
            let mut reader = Reader::open(path, delimiter).map_err(said)?;
            let row = reader.next().map_err(said)?.ok_or("the file is empty")?;
            row.check()?;
            let texts = row.values.into_iter().map(|name| String::from_utf8(name).map(|name| name.trim().to_owned()));
            let columns: Vec<_> = texts.collect::<Result<_, _>>().map_err(|_| NOT_UTF8)?;
            Ok((delimiter, reader, row.is_torn, columns))
        };
        // Whichever separates most names, and not within quotes.
        let heads = [b'\t', b';', b','].map(head).into_iter().collect::<Result<Vec<_>, _>>()?;
        let widest = heads.into_iter().max_by_key(|(_, _, is_torn, columns)| (!is_torn, columns.len()));
        let (delimiter, mut reader, _, columns) = widest.ok_or("the file is empty")?;
        let twice = (1..columns.len()).find(|at| columns[..*at].contains(&columns[*at]));
        if let Some(at) = twice {
            return Err(format!("two columns are called {}: rename one in the first line", columns[at]));
        }
        let mut count = 0;
        while let Some(row) = reader.next().map_err(said)? {
            count += 1;
            row.check()?;
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

    fn send(&self, batches: &mut Batches<'_>) -> io::Result<()> {
        let mut reader = Reader::open(&self.path, self.delimiter)?;
        reader.next()?;
        while let Some(row) = reader.next()? {
            let line = Some(row.line);
            let record = match self.values(row) {
                Ok(values) => Record { line, values, ..Record::default() },
                Err(flaw) => Record { line, flaw: Some(flaw), ..Record::default() },
            };
            if !batches.push(record) {
                break;
            }
        }
        Ok(())
    }

    /// An empty value is none.
    fn values(&self, row: Row) -> Result<Map<String, Value>, String> {
        if row.is_torn {
            return Err("text behind a closing quote: write a quote inside quotes twice".to_owned());
        }
        if row.values.len() != self.columns.len() {
            return Err(format!("{} values, and {} names in the first line", row.values.len(), self.columns.len()));
        }
        let mut values = Map::new();
        for (name, value) in self.columns.iter().zip(row.values) {
            let text = String::from_utf8(value).map_err(|_| format!("{name} is {NOT_UTF8}"))?;
            values.insert(name.clone(), if text.is_empty() { Value::Null } else { text.into() });
        }
        Ok(values)
    }
}

/// Reads rows by RFC 4180, with any line ends. The crate `csv` neither says that a quote is left open, which takes all rows
/// behind it into one value, nor on which line of the file a row begins.
struct Reader<R> {
    bytes: io::Bytes<R>,
    delimiter: u8,
    /// The next byte, if it was read.
    peeked: Option<u8>,
    /// The line of the next byte, from 1.
    line: u64,
}

#[derive(Debug, Default, PartialEq)]
struct Row {
    /// Where it begins.
    line: u64,
    values: Vec<Vec<u8>>,
    /// Whether the file ends within quotes.
    is_open: bool,
    /// Whether something stands between a closing quote and the next delimiter.
    is_torn: bool,
}

impl Row {
    fn check(&self) -> Result<(), String> {
        let line = self.line;
        let opens =
            || format!("the record of line {line} opens a quote that nothing closes: close it, or write it twice");
        if self.is_open { Err(opens()) } else { Ok(()) }
    }
}

impl Reader<BufReader<File>> {
    fn open(path: &Path, delimiter: u8) -> io::Result<Self> {
        let mut reader = Self::new(BufReader::new(File::open(path)?), delimiter);
        // The mark of UTF-8.
        if reader.peek()? == Some(0xef) {
            let mark = [reader.take()?, reader.take()?, reader.take()?];
            if mark != [Some(0xef), Some(0xbb), Some(0xbf)] {
                return Err(io::Error::new(io::ErrorKind::InvalidData, NOT_UTF8));
            }
        }
        Ok(reader)
    }
}

impl<R: BufRead> Reader<R> {
    fn new(bytes: R, delimiter: u8) -> Self {
        Self { bytes: bytes.bytes(), delimiter, peeked: None, line: 1 }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        if self.peeked.is_none() {
            self.peeked = self.bytes.next().transpose()?;
        }
        Ok(self.peeked)
    }

    /// The next byte. Lines end with LF, CR LF or CR.
    fn take(&mut self) -> io::Result<Option<u8>> {
        let taken = self.peek()?;
        self.peeked = None;
        if taken == Some(b'\n') || taken == Some(b'\r') && self.peek()? != Some(b'\n') {
            self.line += 1;
        }
        Ok(taken)
    }

    /// The next row; blank lines are none.
    fn next(&mut self) -> io::Result<Option<Row>> {
        while let Some(b'\r' | b'\n') = self.peek()? {
            self.take()?;
        }
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let mut row = Row { line: self.line, ..Row::default() };
        loop {
            let value = self.value(&mut row)?;
            row.values.push(value);
            match self.take()? {
                Some(byte) if byte == self.delimiter => {}
                _ => return Ok(Some(row)),
            }
        }
    }

    /// The next value, up to what ends it.
    fn value(&mut self, row: &mut Row) -> io::Result<Vec<u8>> {
        let mut value = Vec::new();
        let is_quoted = self.peek()? == Some(b'"');
        if is_quoted {
            self.take()?;
            loop {
                match self.take()? {
                    Some(b'"') if self.peek()? == Some(b'"') => value.extend(self.take()?),
                    Some(b'"') => break,
                    Some(byte) if value.len() < MAX_VALUE => value.push(byte),
                    _ => {
                        row.is_open = true;
                        break;
                    }
                }
            }
        }
        while let Some(byte) = self.peek()?.filter(|byte| *byte != self.delimiter && !matches!(byte, b'\r' | b'\n')) {
            row.is_torn |= is_quoted;
            value.push(byte);
            self.take()?;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        let mut reader = Reader::new(text.as_bytes(), b',');
        std::iter::from_fn(|| reader.next().unwrap()).collect()
    }

    #[test]
    fn rows_have_the_line_they_begin_on_and_their_values() {
        for (text, expected) in [
            ("a,b\n1,2\n", vec![(1, vec!["a", "b"]), (2, vec!["1", "2"])]),
            ("a\r\n\r\n\"x\r\ny\"\r\nb", vec![(1, vec!["a"]), (3, vec!["x\r\ny"]), (5, vec!["b"])]),
            ("a\r\rb\r", vec![(1, vec!["a"]), (3, vec!["b"])]),
            ("\n\n,\n", vec![(3, vec!["", ""])]),
            ("\"a \"\"b\"\",\",5\" disk\n", vec![(1, vec!["a \"b\",", "5\" disk"])]),
            ("\"\"", vec![(1, vec![""])]),
            ("", vec![]),
        ] {
            let rows = rows(text);
            assert!(rows.iter().all(|row| !row.is_open && !row.is_torn), "{text:?}");
            let found: Vec<(u64, Vec<&str>)> = rows
                .iter()
                .map(|row| (row.line, row.values.iter().map(|value| str::from_utf8(value).unwrap()).collect()))
                .collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn quotes_that_are_not_what_they_should_be_are_noticed() {
        for (text, is_open, is_torn) in [
            ("a,\"b\nc,d\n", true, false),
            ("a,\"b\nc,\"d\n", false, true),
            ("\"a\" ,b\n", false, true),
            ("\"", true, false),
        ] {
            let last = rows(text).pop().unwrap();
            assert_eq!((last.is_open, last.is_torn), (is_open, is_torn), "{text:?}");
        }
    }
}
