//! The REST API: paths, parameters, headers, its document and its older clients.

mod caching;
mod fastapi;
mod openapi;
mod replay;
mod routes;
mod totals;
