//! What stands around the work of a transaction: `BEGIN`, the switch to the API role and the user, and `COMMIT`.

use diesel::sql_types::Text;

use crate::store::{pool::Access, sql::statement::Sql};

pub(in crate::store) const BEGIN_READ_ONLY: &str = "BEGIN READ ONLY";
/// The snapshot of the work must be taken behind the user's lock, whatever level is the default here.
pub(in crate::store) const BEGIN_READ_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE";
pub(in crate::store) const COMMIT: &str = "COMMIT";

/// Until the transaction ends, this is the API role, and speaks for this user. The timeout is set here too, for poolers
/// that refuse start-up options; and the schema, because a search path with "$user" means another one to another role.
const SWITCH: &str = "SELECT set_config('role', 'tandem_api', true), tandem_speak_for($1),
    set_config('statement_timeout', $2, true), set_config('search_path', $3, true)";

/// The same for a write, which also takes the user's lock: changes of one user become visible one transaction after the
/// other, in the order of their positions. The lock is released after the changes are visible. Users whose hashes collide
/// only wait for each other. The statement timeout that is set here doesn't hold for this statement yet, and the lock's own
/// timeout not for what follows. What the wait for the lock took is gone from the transaction's time.
const SWITCH_AND_LOCK: &str = "SELECT set_config('role', 'tandem_api', true), tandem_speak_for($1),
    set_config('search_path', $3, true),
    set_config('lock_timeout', $4, true), tandem_lock($1), set_config('lock_timeout', $2, true),
    set_config('statement_timeout',
        greatest(1, $2::int - floor(1000 * extract(epoch FROM clock_timestamp() - now())))::text, true)";

/// Between two statements that may take long: leaves the second one what the transaction has left of its time. PostgreSQL
/// limits each statement by itself, and transactions only since version 17.
const LIMIT_REST: &str = "SELECT set_config('statement_timeout', greatest(1, ceil(1000 * extract(epoch FROM
    current_setting('statement_timeout')::interval - (clock_timestamp() - now()))))::text, true)";

impl Access {
    pub(super) fn begin(self) -> Sql<'static> {
        Sql::new(match self {
            Self::ReadOnly => BEGIN_READ_ONLY,
            Self::ReadWrite => BEGIN_READ_WRITE,
        })
    }

    pub(super) fn switch<'a>(self, to: &Switch<'a>) -> Sql<'a> {
        let switch = |sql| {
            Sql::new(sql).bind::<Text, _>(to.user).bind::<Text, _>(to.statement_timeout).bind::<Text, _>(to.schema)
        };
        match self {
            Self::ReadOnly => switch(SWITCH),
            Self::ReadWrite => switch(SWITCH_AND_LOCK).bind::<Text, _>(to.lock_timeout),
        }
    }
}

/// Limits the next statement to what the transaction has left of its time. Only once in a transaction.
pub(super) fn limit_rest() -> Sql<'static> {
    Sql::new(LIMIT_REST)
}

/// What a transaction switches to.
pub(super) struct Switch<'a> {
    pub(super) user: &'a str,
    pub(super) statement_timeout: &'a str,
    /// How long a write waits for its user's lock.
    pub(super) lock_timeout: &'a str,
    pub(super) schema: &'a str,
}
