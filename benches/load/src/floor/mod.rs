//! The floor: a server that does nothing but the transaction. It takes the REST door's requests, finds the token's user,
//! pipelines the same four statements and writes the rows as JSON. It has no middleware, validation, time limits or error
//! responses: what the product costs beyond it pays for these.

mod database;
mod response;
mod tokens;

use std::{net::Ipv4Addr, sync::Arc};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, patch},
};
use serde::Deserialize;
use tokio::net::TcpListener;
use uuid::Uuid;

use self::{database::Database, tokens::Tokens};

#[derive(clap::Args, Debug)]
pub struct Settings {
    #[arg(long)]
    secret: String,
}

struct Floor {
    database: Database,
    tokens: Tokens,
}

type Shared = State<Arc<Floor>>;

pub async fn serve(settings: Settings) -> Result<()> {
    let database = Database::open(&std::env::var("DATABASE_URL")?).await?;
    let floor = Arc::new(Floor { database, tokens: Tokens::new(&settings.secret) });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, std::env::var("PORT")?.parse()?)).await?;
    let router = Router::new()
        .route("/livez", get(async || "live"))
        .route("/api/tasks", get(list).post(create))
        .route("/api/tasks/{id}", get(find))
        .route("/api/tasks/{id}/complete", patch(toggle))
        .with_state(floor);
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("{error}");
        }
    });
    Ok(axum::serve(listener, router).await?)
}

#[derive(Deserialize)]
struct Page {
    limit: i64,
}

#[derive(Deserialize)]
struct NewTask {
    title: String,
    description: Option<String>,
    completed: bool,
}

async fn list(State(floor): Shared, headers: HeaderMap, Query(page): Query<Page>) -> Result<Response, Failure> {
    let user = floor.user(&headers)?;
    let rows = floor.database.list(&user, page.limit + 1).await?;
    let shown = rows.len().min(usize::try_from(page.limit)?);
    Ok(response::tasks(rows.get(..shown).unwrap_or_default())?)
}

async fn find(State(floor): Shared, headers: HeaderMap, Path(id): Path<Uuid>) -> Result<Response, Failure> {
    let user = floor.user(&headers)?;
    Ok(response::task(StatusCode::OK, &floor.database.find(&user, id).await?)?)
}

async fn toggle(State(floor): Shared, headers: HeaderMap, Path(id): Path<Uuid>) -> Result<Response, Failure> {
    let user = floor.user(&headers)?;
    Ok(response::task(StatusCode::OK, &floor.database.toggle(&user, id).await?)?)
}

async fn create(State(floor): Shared, headers: HeaderMap, Json(new): Json<NewTask>) -> Result<Response, Failure> {
    let user = floor.user(&headers)?;
    let rows = floor.database.create(&user, &new.title, new.description.as_deref(), new.completed).await?;
    Ok(response::task(StatusCode::CREATED, &rows)?)
}

impl Floor {
    fn user(&self, headers: &HeaderMap) -> Result<Arc<str>> {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        self.tokens.user(value.trim_start_matches("Bearer "))
    }
}

/// Any error: it makes the run worthless.
struct Failure(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0.to_string()).into_response()
    }
}
