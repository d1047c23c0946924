//! Rows as responses, in the REST door's JSON.

use anyhow::{Context, Result};
use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
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
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

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
