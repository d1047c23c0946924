//! A table of an SQLite file, which is opened for reading only.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params_from_iter, types::ValueRef};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    Batches,
    catalog::{self, TagTable, find, find_others, find_tags, quoted},
};
use crate::moving::record::Record;

const TABLES: &str = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'
                      ORDER BY name";
/// Of a table, the generated ones too, but not those that virtual tables hide.
const COLUMNS: &str = "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid";
/// The tables that a table's rows belong to.
const REFERENCES: &str = "SELECT \"table\" FROM pragma_foreign_key_list(?1)";

pub(in crate::moving) struct Table {
    connection: Connection,
    tasks: catalog::Table,
    tags: Option<TagTable>,
    others: Vec<String>,
    count: u64,
}

impl Table {
    pub(super) fn open(path: &Path, table: Option<&str>) -> Result<Self, String> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(said)?;
        // What is read must stay what it was while it is counted.
        connection.execute_batch("BEGIN").map_err(said)?;
        let tables = tables(&connection).map_err(said)?;
        let tasks = find(&tables, table)?;
        let tags = find_tags(&tables, &tasks);
        let others = find_others(&tables, &tasks, tags.as_ref());
        let count = format!("SELECT count(*) FROM {}", tasks.quoted());
        let count: i64 = connection.query_row(&count, [], |row| row.get(0)).map_err(said)?;
        Ok(Self { connection, tasks, tags, others, count: u64::try_from(count).unwrap_or_default() })
    }

    pub(super) fn name(&self) -> &str {
        &self.tasks.name
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.tasks.columns
    }

    pub(super) fn tag_table(&self) -> Option<&str> {
        self.tags.as_ref().map(|tags| tags.name.as_str())
    }

    pub(super) fn others(&self) -> &[String] {
        &self.others
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn read(self, order: &[String], sender: &mpsc::Sender<Result<Vec<Record>, String>>) {
        let mut batches = Batches::new(sender);
        let ended = self.send(order, &mut batches).map_err(said);
        batches.end(ended);
    }

    fn send(&self, order: &[String], batches: &mut Batches<'_>) -> rusqlite::Result<()> {
        let from = self.tasks.quoted();
        let by: Vec<_> = order.iter().map(|column| format!("t.{}", quoted(column))).collect();
        let columns = &self.tasks.columns;
        let values = columns.iter().map(|column| format!("t.{}", quoted(column))).collect::<Vec<_>>().join(", ");
        let select = match (&self.tags, order.last()) {
            (Some(tags), Some(id)) => format!(
                "SELECT {values}, g.names FROM {from} AS t
                 LEFT JOIN (SELECT task, json_group_array(name) AS names FROM ({}) GROUP BY task) AS g ON g.task = t.{}",
                tags.query,
                quoted(id)
            ),
            _ => format!("SELECT {values}, NULL FROM {from} AS t"),
        };
        let mut statement = self.connection.prepare(&format!("{select} ORDER BY {}", by.join(", ")))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mut values = Map::new();
            for (index, column) in columns.iter().enumerate() {
                values.insert(column.clone(), value(row.get_ref(index)?));
            }
            let tags = value(row.get_ref(columns.len())?);
            if !batches.push(Record { values, tags, ..Record::default() }) {
                break;
            }
        }
        Ok(())
    }
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<catalog::Table>> {
    let names = |statement: &str, of: &[&str]| -> rusqlite::Result<Vec<String>> {
        connection.prepare(statement)?.query_map(params_from_iter(of), |row| row.get(0))?.collect()
    };
    let table = |name: String| {
        // A view of a table that is gone can't be read, nor a virtual table whose module isn't there. That fails only
        // where it has the tasks.
        let columns = names(COLUMNS, &[&name]).unwrap_or_default();
        let references = names(REFERENCES, &[&name]).unwrap_or_default();
        catalog::Table { schema: None, name, columns, references }
    };
    Ok(names(TABLES, &[])?.into_iter().map(table).collect())
}

/// Sixteen bytes are taken for a UUID. Other bytes, and text that isn't UTF-8, fit no field.
fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => match str::from_utf8(text) {
            Ok(text) => text.into(),
            Err(_) => json!({ "not UTF-8": String::from_utf8_lossy(text) }),
        },
        ValueRef::Blob(bytes) => match Uuid::from_slice(bytes) {
            Ok(uuid) => uuid.to_string().into(),
            Err(_) => json!({ "bytes": bytes.len() }),
        },
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn said(error: rusqlite::Error) -> String {
    error.to_string()
}
