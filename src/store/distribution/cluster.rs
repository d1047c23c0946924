//! What the coordinator knows about its cluster, for whoever sets one up.

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Untyped},
};

use crate::{
    error::{Error, Result},
    store::{
        DbConfig,
        connection::connect::{Connector, HAS_CITUS},
        sql::statement::{Sql, SqlRow},
    },
};

const NODES: &str = "
    SELECT nodename || ':' || nodeport AS address, isactive AS is_active,
           shouldhaveshards AS may_have_shards,
           (SELECT count(*) FROM pg_dist_placement JOIN pg_dist_shard USING (shardid)
            WHERE groupid = node.groupid AND logicalrelid = to_regclass('tasks')) AS shards
    FROM pg_dist_node node WHERE noderole = 'primary' ORDER BY groupid";

const FACTS: &str = "
    SELECT (SELECT count(*) FROM pg_dist_partition
            WHERE logicalrelid = to_regclass('tasks') AND partmethod = 'h') = 1 AS is_distributed,
           (SELECT setting::int / 1000 FROM pg_settings WHERE name = 'citus.recover_2pc_interval') AS recovery_seconds,
           current_setting('max_prepared_transactions')::int AS max_prepared_transactions,
           ARRAY(
               SELECT rolname::text FROM pg_roles
               WHERE rolname IN ('tandem_api', 'tandem_feed', 'tandem_sweeper') AND NOT rolcanlogin ORDER BY rolname
           ) AS roles_without_login";

/// A node of a cluster.
#[derive(Clone, Debug, QueryableByName)]
pub struct ClusterNode {
    /// Its name and port.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// Whether it takes part.
    #[diesel(sql_type = Bool)]
    pub is_active: bool,
    /// Whether it may have users' rows. The coordinator doesn't, as a rule.
    #[diesel(sql_type = Bool)]
    pub may_have_shards: bool,
    /// How many shards of the users' tasks it has.
    #[diesel(sql_type = BigInt)]
    pub shards: i64,
}

impl SqlRow for ClusterNode {
    type Columns = Untyped;
}

/// What holds for the whole cluster.
#[derive(Clone, Debug, QueryableByName)]
pub struct ClusterFacts {
    /// Whether the tables are distributed.
    #[diesel(sql_type = Bool)]
    pub is_distributed: bool,
    /// How many seconds pass before transactions are ended that some nodes have committed; negative if that never happens.
    #[diesel(sql_type = Nullable<Integer>)]
    pub recovery_seconds: Option<i32>,
    /// How many transactions can be between the two phases of their commit.
    #[diesel(sql_type = Integer)]
    pub max_prepared_transactions: i32,
    /// The roles as which the coordinator can't log in at the nodes.
    #[diesel(sql_type = Array<Text>)]
    pub roles_without_login: Vec<String>,
}

impl SqlRow for ClusterFacts {
    type Columns = Untyped;
}

/// A cluster, as its coordinator describes it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The coordinator and the workers.
    pub nodes: Vec<ClusterNode>,
    /// What holds for all of them.
    pub facts: ClusterFacts,
}

/// Asks the coordinator. `None` if the database has no Citus.
pub async fn cluster(config: &DbConfig) -> Result<Option<Cluster>> {
    let connection = Connector::new(config).map_err(Error::internal)?.connect().await.map_err(Error::unavailable)?;
    let has_citus = Sql::<bool>::returning(format!("SELECT {HAS_CITUS}")).rows(&connection).await;
    if !has_citus.map_err(Error::internal)?.contains(&true) {
        return Ok(None);
    }
    let nodes = Sql::<ClusterNode>::returning(NODES).rows(&connection).await.map_err(Error::internal)?;
    let facts = Sql::<ClusterFacts>::returning(FACTS).rows(&connection).await.map_err(Error::internal)?;
    Ok(facts.into_iter().next().map(|facts| Cluster { nodes, facts }))
}
