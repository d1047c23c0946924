//! Requests by API and operation: a route's pattern in REST, a root field in GraphQL.

use std::{sync::OnceLock, time::Duration};

use axum::http::Method;
use metrics::{Counter, Histogram, counter, histogram};

use super::{family::Family, recorder};
use crate::telemetry::GRAPHQL;

pub(super) const REQUESTS: &str = "tandem_requests_total";
pub(super) const DURATION: &str = "tandem_request_duration_seconds";

/// The statuses with a label of their own.
const STATUSES: [(u16, &str); 25] = [
    (101, "101"),
    (200, "200"),
    (201, "201"),
    (204, "204"),
    (206, "206"),
    (304, "304"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (406, "406"),
    (408, "408"),
    (409, "409"),
    (412, "412"),
    (413, "413"),
    (415, "415"),
    (422, "422"),
    (426, "426"),
    (428, "428"),
    (429, "429"),
    (500, "500"),
    (501, "501"),
    (503, "503"),
    (504, "504"),
];

/// The methods with a label of their own.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The operation of a request that was refused before its operation was known, or that matches no route.
const NONE: &str = "none";

/// The operations of each API; those of REST by method.
#[derive(Default)]
pub(super) struct Requests {
    graphql: Family<String, Operation>,
    routes: Family<&'static str, Family<String, Operation>>,
}

/// The metrics of an operation.
struct Operation {
    door: &'static str,
    name: String,
    duration: Histogram,
    by_status: [OnceLock<Counter>; STATUSES.len()],
    others: OnceLock<Counter>,
}

/// Counts a request. `route` is a pattern, `operation` a root field.
pub(crate) fn count_request(
    door: fn(&str) -> &'static str,
    method: &Method,
    route: Option<&str>,
    operation: Option<&str>,
    status: u16,
    elapsed: Duration,
) {
    let Some(recorder) = recorder() else { return };
    let record = |operation: &Operation| operation.record(status, elapsed);
    // A pattern with a trailing slash is the same route.
    let route = route.map_or(NONE, |route| route.strip_suffix('/').filter(|route| !route.is_empty()).unwrap_or(route));
    let door = door(route);
    if door == GRAPHQL {
        return count_graphql(operation, status, elapsed);
    }
    // Any other method is the client's invention.
    let method = METHODS.iter().copied().find(|known| *known == method.as_str()).unwrap_or("OTHER");
    let name = || if route == NONE { NONE.to_owned() } else { format!("{method} {route}") };
    let of_route = |of_method: &Family<String, Operation>| {
        of_method.with(route, || (route.to_owned(), Operation::new(door, name())), record);
    };
    recorder.requests.routes.with(method, || (method, Family::default()), of_route);
}

/// Counts a GraphQL request, or an operation on a WebSocket, by its root field.
pub(crate) fn count_graphql(operation: Option<&str>, status: u16, elapsed: Duration) {
    let Some(recorder) = recorder() else { return };
    let field = operation.unwrap_or(NONE);
    let register = || (field.to_owned(), Operation::new(GRAPHQL, field.to_owned()));
    recorder.requests.graphql.with(field, register, |operation| operation.record(status, elapsed));
}

impl Operation {
    fn new(door: &'static str, name: String) -> Self {
        let duration = histogram!(DURATION, "door" => door, "operation" => name.clone());
        Self { door, name, duration, by_status: Default::default(), others: OnceLock::new() }
    }

    fn record(&self, status: u16, elapsed: Duration) {
        self.duration.record(elapsed.as_secs_f64());
        let known = STATUSES.iter().position(|(known, _)| *known == status);
        let (counter, label) = match known {
            Some(index) => (&self.by_status[index], STATUSES[index].1),
            None => (&self.others, "other"),
        };
        let register = || counter!(REQUESTS, "door" => self.door, "operation" => self.name.clone(), "status" => label);
        counter.get_or_init(register).increment(1);
    }
}
