//! Rows as responses, in the REST door's JSON.

use anyhow::{Context, Result};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

#[derive(Serialize)]
struct Task<'a> {
    id: Uuid,
    user_id: &'a str,
    title: &'a str,
    description: Option<&'a str>,
    completed: bool,
    priority: Option<&'static str>,
    /// The measured tasks are due on a day, if at all.
    due_date: Option<NaiveDate>,
    due_timezone: Option<&'a str>,
    tags: Vec<&'a str>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
}

const PRIORITIES: [Option<&str>; 5] = [None, Some("low"), Some("medium"), Some("high"), Some("urgent")];

impl<'a> Task<'a> {
    /// By position, which is cheaper than by name.
    fn of(row: &'a Row) -> Result<Self> {
        Ok(Self {
            user_id: row.try_get(0)?,
            id: row.try_get(1)?,
            title: row.try_get(2)?,
            description: row.try_get(3)?,
            completed: row.try_get(4)?,
            version: row.try_get(5)?,
            created_at: row.try_get(6)?,
            updated_at: row.try_get(7)?,
            priority: PRIORITIES.get(usize::try_from(row.try_get::<_, i16>(8)?)?).copied().flatten(),
            due_date: row.try_get(9)?,
            due_timezone: row.try_get(11)?,
            tags: row.try_get(13)?,
            completed_at: row.try_get(14)?,
        })
    }
}

pub fn tasks(rows: &[Row]) -> Result<Response> {
    json(StatusCode::OK, &rows.iter().map(Task::of).collect::<Result<Vec<_>>>()?)
}

pub fn task(status: StatusCode, rows: &[Row]) -> Result<Response> {
    json(status, &Task::of(rows.first().context("no row")?)?)
}

fn json(status: StatusCode, body: &impl Serialize) -> Result<Response> {
    Ok((status, [(header::CONTENT_TYPE, "application/json")], serde_json::to_vec(body)?).into_response())
}
