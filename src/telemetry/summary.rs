//! Writes what is known about a request after its response: the line in the log, and the fields of its trace's span.

use std::{fmt, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{extract::MatchedPath, http::Method};
use tracing::{field, info};

use super::{notes::Notes, traces};

pub(super) fn write(notes: &Notes, door: &'static str, method: Option<&Method>, status: u16, elapsed: Duration) {
    let operation = notes.operation.as_deref();
    traces::record_response(&notes.trace, door, status, operation);
    let (method, route) = (method.map(Method::as_str), notes.route.as_ref().map(MatchedPath::as_str));
    let user = notes.user.as_deref().map(|id| field::display(Hashed(id)));
    info!(method, route, status, ms = elapsed.as_secs_f64() * 1000.0, operation, user, "responded");
}

/// The first 12 digits of a user id's SHA-256: enough to find a user's requests, too little to identify the user.
struct Hashed<'a>(&'a str);

impl fmt::Display for Hashed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        digest(&SHA256, self.0.as_bytes()).as_ref().iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_has_the_start_of_what_sha256sum_prints_for_a_user() {
        // printf ann | sha256sum | cut -c1-12
        assert_eq!(Hashed("ann").to_string(), "49915e0d7d4b");
    }
}
