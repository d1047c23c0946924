//! Which new id an old one became, as CSV, of tasks that are there after an import.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// Written beside the file, which it replaces once all is in it: a list that is cut off says that tasks were not imported.
pub(super) struct IdMap {
    csv: csv::Writer<File>,
    part: PathBuf,
    path: PathBuf,
}

impl IdMap {
    /// The source must be another file.
    pub(super) fn create(path: &Path, source: &str) -> Result<Self, String> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let source = fs::canonicalize(source).ok();
        if source.is_some() && [path, &part].iter().any(|path| fs::canonicalize(path).ok() == source) {
            return Err(format!("{} is what is imported: name another file with --id-map", path.display()));
        }
        let csv = csv::Writer::from_path(&part).map_err(|error| format!("{}: {error}", part.display()))?;
        let mut map = Self { csv, part, path: path.to_owned() };
        map.write(&[["user_id", "old_id", "new_id"]])?;
        Ok(map)
    }

    pub(super) fn write<T: AsRef<[u8]>>(&mut self, lines: &[[T; 3]]) -> Result<(), String> {
        let written = lines.iter().try_for_each(|line| self.csv.write_record(line));
        written.map_err(|error| format!("{}: {error}", self.part.display()))
    }

    pub(super) fn finish(mut self) -> Result<(), String> {
        let finished = self.csv.flush().and_then(|()| fs::rename(&self.part, &self.path));
        finished.map_err(|error| format!("{}: {error}", self.path.display()))
    }
}
