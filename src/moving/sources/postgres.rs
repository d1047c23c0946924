//! A table of a `PostgreSQL` database, in one snapshot. PostgreSQL turns each row into JSON, whatever its types.

use std::pin::pin;

use futures::StreamExt;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::{
    BATCH,
    catalog::{self, TagTable, find, find_others, find_tags, quoted},
};
use crate::{error::Chain, moving::record::Record, store::Target};

/// Times have offsets in UTC, and dates are in ISO 8601.
const BEGIN: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = ISO;
    SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
/// The tables of each schema, those of the current one first.
const COLUMNS: &str = "
    SELECT table_schema::text, table_name::text, column_name::text FROM information_schema.columns
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
    ORDER BY table_schema <> current_schema(), table_schema, table_name, ordinal_position";

/// Each table whose rows belong to those of another one.
const REFERENCES: &str = "
    SELECT n.nspname::text, c.relname::text, tn.nspname || '.' || tc.relname FROM pg_constraint AS r
    JOIN pg_class AS c ON c.oid = r.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_class AS tc ON tc.oid = r.confrelid JOIN pg_namespace AS tn ON tn.oid = tc.relnamespace
    WHERE r.contype = 'f'";

pub(in crate::moving) struct Table {
    client: Client,
    tasks: catalog::Table,
    tags: Option<TagTable>,
    others: Vec<String>,
    count: u64,
}

impl Table {
    pub(super) async fn open(url: &str, table: Option<&str>) -> Result<Self, String> {
        let client = Target::parse(url)?.client().await?;
        client.batch_execute(BEGIN).await.map_err(said)?;
        let mut tables: Vec<catalog::Table> = Vec::new();
        for row in client.query(COLUMNS, &[]).await.map_err(said)? {
            let (schema, name): (String, String) = (row.get(0), row.get(1));
            match tables.last_mut() {
                Some(last) if last.schema.as_deref() == Some(&*schema) && last.name == name => {
                    last.columns.push(row.get(2));
                }
                _ => {
                    let (schema, columns, references) = (Some(schema), vec![row.get(2)], Vec::new());
                    tables.push(catalog::Table { schema, name, columns, references });
                }
            }
        }
        for row in client.query(REFERENCES, &[]).await.map_err(said)? {
            let (schema, name): (&str, &str) = (row.get(0), row.get(1));
            let of = tables.iter_mut().filter(|table| table.schema.as_deref() == Some(schema) && table.name == name);
            of.for_each(|table| table.references.push(row.get(2)));
        }
        let tasks = find(&tables, table)?;
        let tags = find_tags(&tables, &tasks);
        let others = find_others(&tables, &tasks, tags.as_ref());
        let count = client.query_one(&format!("SELECT count(*) FROM {}", tasks.quoted()), &[]).await.map_err(said)?;
        let count = u64::try_from(count.get::<_, i64>(0)).unwrap_or_default();
        Ok(Self { client, tasks, tags, others, count })
    }

    pub(super) fn name(&self) -> String {
        self.tasks.full_name()
    }

    pub(super) fn bare_name(&self) -> &str {
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

    pub(super) async fn read(self, order: &[String], sender: mpsc::Sender<Result<Vec<Record>, String>>) {
        if let Err(error) = self.send(order, &sender).await {
            // Whoever went away doesn't need to know.
            let _ = sender.send(Err(error)).await;
        }
    }

    async fn send(&self, order: &[String], sender: &mpsc::Sender<Result<Vec<Record>, String>>) -> Result<(), String> {
        let from = self.tasks.quoted();
        let by: Vec<_> = order.iter().map(|column| format!("t.{}", quoted(column))).collect();
        // `t.*` is the row even if it has a column `t`. Ids are compared as text: some are UUIDs in one table, and text in the
        // other.
        let select = match (&self.tags, order.last()) {
            (Some(tags), Some(id)) => format!(
                "SELECT to_jsonb(t.*)::text, g.names FROM {from} AS t
                 LEFT JOIN (SELECT task::text, jsonb_agg(name)::text AS names FROM ({}) AS tags GROUP BY 1) AS g
                 ON g.task = t.{}::text",
                tags.query,
                quoted(id)
            ),
            _ => format!("SELECT to_jsonb(t.*)::text, NULL::text FROM {from} AS t"),
        };
        let none: [&str; 0] = [];
        let rows = self.client.query_raw(&format!("{select} ORDER BY {}", by.join(", ")), none).await.map_err(said)?;
        let mut rows = pin!(rows.ready_chunks(BATCH));
        while let Some(rows) = rows.next().await {
            let mut batch = Vec::with_capacity(rows.len());
            for row in rows {
                let row = row.map_err(said)?;
                let (text, tags): (&str, Option<&str>) = (row.get(0), row.get(1));
                let values: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
                batch.push(Record { values, tags: tags.into(), ..Record::default() });
            }
            if sender.send(Ok(batch)).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn said(error: tokio_postgres::Error) -> String {
    Chain(&error).to_string()
}
