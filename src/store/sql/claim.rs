//! The statements of idempotency keys.
//!
//! A claim precedes its write in the same transaction and the same round trip. If the key is taken, the claim fails and
//! PostgreSQL skips the write. Of two concurrent requests, the second waits for the first to commit.

use std::sync::Arc;

use diesel::{
    prelude::*,
    sql_types::{Binary, Integer, Interval, Jsonb, Nullable, Text},
};
use serde_json::Value;

use super::{
    fingerprint::Fingerprint,
    statement::{Read, Sql, SqlRow, Statement},
};
use crate::task::{IdempotencyKey, KEY_LIFETIME};

/// One write under a key.
#[derive(Clone)]
pub(in crate::store) struct Claim {
    pub(in crate::store) key: Arc<IdempotencyKey>,
    pub(in crate::store) part: i32,
    pub(in crate::store) fingerprint: Fingerprint,
}

impl Claim {
    /// Frees the key if it has expired and was not swept yet.
    pub(in crate::store) fn expire<'a>(&'a self, owner: &'a str) -> Sql<'a> {
        self.named(
            owner,
            "DELETE FROM idempotency_keys
             WHERE (user_id, key, part) = ($1, $2, $3) AND current_user = 'tandem_api' AND created_at < now() - $4",
        )
        .bind::<Interval, _>(KEY_LIFETIME)
    }

    /// Inserts the key, which fails if it is taken. As any other role, the fingerprint is null, which the table refuses.
    pub(in crate::store) fn insert<'a>(&'a self, owner: &'a str) -> Sql<'a> {
        self.named(
            owner,
            "INSERT INTO idempotency_keys (user_id, key, part, fingerprint)
             VALUES ($1, $2, $3, CASE WHEN current_user = 'tandem_api' THEN $4 END)",
        )
        .bind::<Binary, _>(self.fingerprint.as_bytes())
    }

    /// Stores what was done.
    pub(in crate::store) fn record<'a>(&'a self, owner: &'a str, outcome: Value) -> Sql<'a> {
        self.named(
            owner,
            "UPDATE idempotency_keys SET outcome = $4
             WHERE (user_id, key, part) = ($1, $2, $3) AND current_user = 'tandem_api'",
        )
        .bind::<Jsonb, _>(outcome)
    }

    /// Frees the key, as nothing was done.
    pub(in crate::store) fn release<'a>(&'a self, owner: &'a str) -> Sql<'a> {
        self.named(
            owner,
            "DELETE FROM idempotency_keys
             WHERE (user_id, key, part) = ($1, $2, $3) AND current_user = 'tandem_api'",
        )
    }

    /// A statement whose `$1` to `$3` are the owner, the key and its part.
    fn named<'a, Row>(&'a self, owner: &'a str, text: &'static str) -> Sql<'a, Row> {
        Sql::returning(text).bind::<Text, _>(owner).bind::<Text, _>(self.key.as_str()).bind::<Integer, _>(self.part)
    }
}

/// What was done under a key.
#[derive(Queryable)]
pub(in crate::store) struct Recorded {
    pub(in crate::store) fingerprint: Vec<u8>,
    pub(in crate::store) outcome: Option<Value>,
}

impl SqlRow for Recorded {
    type Columns = (Binary, Nullable<Jsonb>);
}

/// Reads what was done under a key.
pub(in crate::store) struct Recall(pub(in crate::store) Claim);

impl Read for Recall {
    const NAME: &'static str = "recall";
    type Row = Recorded;

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<Recorded> + 'a {
        self.0.named::<Recorded>(
            owner,
            "SELECT fingerprint, outcome FROM idempotency_keys
             WHERE (user_id, key, part) = ($1, $2, $3) AND current_user = 'tandem_api'",
        )
    }
}
