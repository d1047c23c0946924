//! The REST API: paths, parameters, headers, its OpenAPI document and older clients.

mod caching;
mod fastapi;
mod frontends;
mod openapi;
mod replay;
mod routes;
mod totals;
