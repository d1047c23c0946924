//! What stands around the work of a transaction: `BEGIN`, the switch to the API role and the user, and `COMMIT`.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::Text,
};
use futures::future::BoxFuture;

use crate::store::{connection::Connection, pool::Access};

impl Access {
    pub(super) fn begin(self, connection: &Connection) -> BoxFuture<'_, QueryResult<usize>> {
        match self {
            Self::ReadOnly => connection.execute(BeginReadOnly),
            Self::ReadWrite => connection.execute(BeginReadWrite),
        }
    }

    pub(super) fn switch<'c>(
        self,
        switch: &Switch<'_>,
        connection: &'c Connection,
    ) -> BoxFuture<'c, QueryResult<usize>> {
        match self {
            Self::ReadOnly => connection.execute(switch),
            Self::ReadWrite => connection.execute(LockingSwitch(switch)),
        }
    }
}

/// Statements that are always the same, with the static id that lets them be prepared once a connection.
macro_rules! statement {
    ($name:ident, $sql:literal) => {
        #[derive(QueryId)]
        pub(in crate::store) struct $name;

        impl QueryFragment<Pg> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql($sql);
                Ok(())
            }
        }
    };
}

statement!(BeginReadOnly, "BEGIN READ ONLY");
// The snapshot of the work must be taken behind the lock, whatever level is the default here.
statement!(BeginReadWrite, "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE");
statement!(Commit, "COMMIT");

/// Until the transaction ends, this is the API role, and speaks for this user. The limit is set here too, for poolers that
/// refuse start-up options; and the schema, because a search path with "$user" means another one to another role.
pub(super) struct Switch<'a> {
    pub(super) user: &'a str,
    pub(super) statement_timeout: &'a str,
    pub(super) schema: &'a str,
}

impl QueryId for Switch<'_> {
    type QueryId = Switch<'static>;
}

impl QueryFragment<Pg> for Switch<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT set_config('role', 'tandem_api', true), tandem_speak_for(");
        out.push_bind_param::<Text, str>(self.user)?;
        out.push_sql("), set_config('statement_timeout', ");
        out.push_bind_param::<Text, str>(self.statement_timeout)?;
        out.push_sql(", true), set_config('search_path', ");
        out.push_bind_param::<Text, str>(self.schema)?;
        out.push_sql(", true)");
        Ok(())
    }
}

/// The same for a write, which also takes the user's lock: changes of one user become visible one transaction after the
/// other, in the order of their positions. The lock goes with the transaction, after its changes are visible. Users whose
/// hashes collide only wait for each other.
struct LockingSwitch<'a>(&'a Switch<'a>);

impl QueryId for LockingSwitch<'_> {
    type QueryId = LockingSwitch<'static>;
}

impl QueryFragment<Pg> for LockingSwitch<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        // The limit that this statement has just set does not hold for itself.
        out.push_sql(", set_config('lock_timeout', ");
        out.push_bind_param::<Text, str>(self.0.statement_timeout)?;
        out.push_sql(", true), tandem_lock(");
        out.push_bind_param::<Text, str>(self.0.user)?;
        out.push_sql(")");
        Ok(())
    }
}
