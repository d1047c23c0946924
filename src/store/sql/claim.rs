//! Claims an idempotency key as SQL, and finds out what was done under it.
//!
//! The claim stands in front of its write, in the same transaction and the same round trip. If the key is taken, the
//! claim fails and PostgreSQL skips the write behind it. Of two requests at the same time, the second waits for the
//! first one's commit.

use std::sync::Arc;

use diesel::{
    QueryResult,
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    result::{DatabaseErrorKind, Error as DbError},
    sql_types::{Binary, Integer, Text},
};
use futures::future::BoxFuture;
use serde_json::Value;

use super::{
    fingerprint::Fingerprint,
    owner::{IS_API, OwnedBy, push_user},
    schema::idempotency_keys,
    statement::{Operation, Statement},
};
use crate::{store::connection::Connection, task::IdempotencyKey};

/// One write under a key.
#[derive(Clone)]
pub(in crate::store) struct Claim {
    pub(in crate::store) user: Arc<str>,
    pub(in crate::store) key: Arc<IdempotencyKey>,
    pub(in crate::store) part: i32,
    pub(in crate::store) fingerprint: Fingerprint,
}

impl Claim {
    /// Takes the key; `None` if somebody has it already.
    pub(in crate::store) async fn take(
        expire: BoxFuture<'_, QueryResult<usize>>,
        insert: BoxFuture<'_, QueryResult<usize>>,
    ) -> QueryResult<Option<()>> {
        let (expired, inserted) = futures::join!(expire, insert);
        expired?;
        match inserted {
            Err(DbError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(None),
            inserted => inserted.map(|_| Some(())),
        }
    }

    /// Frees the key if it has expired: the sweep may not have come by yet.
    pub(in crate::store) fn expire<'c>(&self, connection: &'c Connection) -> BoxFuture<'c, QueryResult<usize>> {
        connection.execute(Expire(self))
    }

    /// Inserts the key, which fails if it is taken.
    pub(in crate::store) fn insert<'c>(&self, connection: &'c Connection) -> BoxFuture<'c, QueryResult<usize>> {
        connection.execute(InsertKey(self))
    }
}

struct Expire<'a>(&'a Claim);

impl QueryFragment<Pg> for Expire<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours' AND ");
        push_key(self.0, &mut out)
    }
}

impl QueryId for Expire<'_> {
    type QueryId = Expire<'static>;
}

struct InsertKey<'a>(&'a Claim);

impl QueryFragment<Pg> for InsertKey<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO idempotency_keys (fingerprint, user_id, key, part) VALUES (CASE WHEN ");
        out.push_sql(IS_API);
        out.push_sql(" THEN ");
        out.push_bind_param::<Binary, [u8]>(self.0.fingerprint.as_bytes())?;
        // Without one, it can't be inserted.
        out.push_sql(" END, ");
        push_values(self.0, &mut out)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for InsertKey<'_> {
    type QueryId = InsertKey<'static>;
}

/// The condition that picks the row of the claimed key.
pub(in crate::store) fn push_key<'b>(claim: &'b Claim, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    out.push_sql("(user_id, key, part) = (");
    push_values(claim, out)?;
    out.push_sql(") AND ");
    out.push_sql(IS_API);
    Ok(())
}

fn push_values<'b>(claim: &'b Claim, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    push_user(&claim.user, out)?;
    out.push_sql(", ");
    out.push_bind_param::<Text, str>(claim.key.as_str())?;
    out.push_sql(", ");
    out.push_bind_param::<Integer, i32>(&claim.part)
}

/// Reads what was done under a key: the fingerprint and the outcome.
pub(in crate::store) struct Recall(pub(in crate::store) Claim);

impl Operation for Recall {
    const NAME: &'static str = "recall";
    type Row = (Vec<u8>, Option<Value>);

    fn statement<'a>(&'a self, owner: &'a str) -> impl Statement<Self::Row> + 'a {
        let Self(Claim { key, part, .. }) = self;
        idempotency_keys::table
            .filter(OwnedBy(owner))
            .filter(idempotency_keys::key.eq(key.as_str()).and(idempotency_keys::part.eq(part)))
            .select((idempotency_keys::fingerprint, idempotency_keys::outcome))
    }
}
