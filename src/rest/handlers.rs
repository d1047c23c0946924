//! Each route: its inputs, one call to a resolver, its answer.

use axum::http::StatusCode;

use super::{
    body::{Completion, JsonBody},
    error::RestError,
    extract::{Id, IfMatch, IfNoneMatch, Mine, Place},
    query::ListQuery,
    wire::{Created, TaskList, Versioned},
};
use crate::{
    resolvers,
    task::{NewTask, TaskPatch},
};

pub(super) async fn list(
    Mine(tasks): Mine,
    place: Place,
    query: ListQuery,
    known: IfNoneMatch,
) -> Result<TaskList, RestError> {
    let page = resolvers::list(&tasks, query.filter.clone(), query.page.clone()).await?;
    let total = match page.total() {
        Some(total) => total,
        None => resolvers::counts(&tasks, query.filter.search.clone()).await?.of(query.filter.status),
    };
    Ok(TaskList::new(page, total, &place, &query).unless_known(&known))
}

pub(super) async fn create(
    Mine(tasks): Mine,
    place: Place,
    JsonBody(new): JsonBody<NewTask>,
) -> Result<Created, RestError> {
    Ok(Created::new(resolvers::create(&tasks, new).await?, &place))
}

pub(super) async fn get(Mine(tasks): Mine, Id(id): Id, known: IfNoneMatch) -> Result<Versioned, RestError> {
    Ok(Versioned::new(resolvers::get(&tasks, id).await?, &known))
}

pub(super) async fn update(
    Mine(tasks): Mine,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    JsonBody(patch): JsonBody<TaskPatch>,
) -> Result<Versioned, RestError> {
    Ok(resolvers::update(&tasks, id, patch, expected).await?.into())
}

pub(super) async fn delete(Mine(tasks): Mine, Id(id): Id, IfMatch(expected): IfMatch) -> Result<StatusCode, RestError> {
    resolvers::delete(&tasks, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn complete(
    Mine(tasks): Mine,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    JsonBody(Completion(completed)): JsonBody<Completion>,
) -> Result<Versioned, RestError> {
    Ok(resolvers::complete(&tasks, id, completed, expected).await?.into())
}
