//! The only place that knows SQL. The one way to the tasks table is [`Db::tasks`], which asks for a
//! [`CurrentUser`](crate::auth::CurrentUser): what comes back, [`UserTasks`], can't name another user's rows.
//!
//! The generated schema is private, so no query can be written elsewhere:
//!
//! ```compile_fail,E0603
//! use tandem::store::sql::schema::tasks;
//! ```

mod config;
mod connection;
mod db;
mod distribution;
#[cfg(feature = "embedded")]
mod embedded;
mod feed;
mod pool;
mod proof;
mod sql;
mod tasks;
mod transaction;
mod upkeep;

#[cfg(feature = "embedded")]
pub use self::embedded::{Embedded, POOL_SIZE as EMBEDDED_POOL_SIZE};
pub use self::{
    config::DbConfig,
    connection::{
        SyncCoalescer,
        target::{Encryption, Target},
    },
    db::Db,
    distribution::{Cluster, ClusterNode, Distribution, cluster},
    feed::{Head, WatchedFeed, reset_feed},
    proof::isolation::Coverage,
    tasks::{Changed, Cleared, ManyDeleted, UserTasks},
    transaction::idempotency::{Idempotency, Replayed},
    upkeep::{
        diagnosis::{Diagnosis, Facts, diagnose},
        migrate::{MIGRATE_AS_OWNER, Migrated, distribute, migrate, pending, revert},
    },
};
