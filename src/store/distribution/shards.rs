//! The part of the proof of isolation for distributed tables: row-level security must be forced on each shard, as nothing on
//! the coordinator keeps a statement on a shard from another user's rows. Nodes that are down are left out.

use std::collections::BTreeSet;

use diesel::{
    QueryResult, QueryableByName,
    sql_types::{Bool, Integer, Nullable, Text, Untyped},
};

use crate::store::{
    connection::Connection,
    sql::statement::{Sql, SqlRow},
};

/// The nodes that have shards of the user's tables.
const NODES: &str = "
    SELECT DISTINCT groupid AS id, nodename AS name, nodeport AS port
    FROM pg_dist_node JOIN pg_dist_placement USING (groupid) JOIN pg_dist_shard USING (shardid)
    WHERE noderole = 'primary' AND logicalrelid = to_regclass($1 || '.tasks') ORDER BY id";

/// How many milliseconds a node may take to connect and to answer: the others must be asked, too.
const LIMITS: &str = "
    SELECT set_config('statement_timeout', '1000', true), set_config('citus.node_connection_timeout', '800', true)";

/// Precedes the digest of a node's policies.
const SAME: &str = "same ";

/// The nodes that have shards.
#[derive(Default)]
pub(in crate::store) struct Nodes {
    /// Those whose shards keep users apart.
    pub(in crate::store) proved: Vec<i32>,
    /// Those that did not answer, and why.
    pub(in crate::store) away: Vec<String>,
}

impl Nodes {
    /// Finds two made-up users with this prefix whose rows would be on nodes that answer. `None` if no table is distributed.
    pub(in crate::store) fn users_query(&self, prefix: &str) -> Option<String> {
        let ids: Vec<_> = self.proved.iter().map(ToString::to_string).collect();
        let query = format!(
            "SELECT id FROM (SELECT '{prefix}' || gen_random_uuid() AS id FROM generate_series(1, 10000)) AS candidates
             WHERE (SELECT groupid FROM pg_dist_placement
                    WHERE shardid = get_shard_id_for_distribution_column('tasks', id)) IN ({}) LIMIT 2",
            ids.join(", ")
        );
        (!ids.is_empty()).then_some(query)
    }
}

#[derive(QueryableByName)]
struct Node {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    port: i32,
}

impl SqlRow for Node {
    type Columns = Untyped;
}

const ASK_NODE: &str = "SELECT success, result FROM master_run_on_worker(ARRAY[$1], ARRAY[$2], ARRAY[$3], false)";

/// What a node said, or why it didn't.
#[derive(QueryableByName)]
struct NodeAnswer {
    #[diesel(sql_type = Bool)]
    success: bool,
    #[diesel(sql_type = Nullable<Text>)]
    result: Option<String>,
}

impl SqlRow for NodeAnswer {
    type Columns = Untyped;
}

/// Asks all nodes, outside of any transaction. The inner error is what is wrong with a shard.
pub(in crate::store) async fn examine(connection: &Connection, schema: &str) -> QueryResult<Result<Nodes, String>> {
    let (mut nodes, mut policies) = (Nodes::default(), BTreeSet::new());
    for node in Sql::<Node>::returning(NODES).bind::<Text, _>(schema).rows(connection).await? {
        let address = format!("{}:{}", node.name, node.port);
        match ask(connection, &node, schema).await? {
            Ok(told) => match told.strip_prefix(SAME) {
                Some(digest) => {
                    policies.insert(digest.to_owned());
                    nodes.proved.push(node.id);
                }
                None => return Ok(Err(format!("on the node {address}, {told}"))),
            },
            Err(reason) => nodes.away.push(format!("{address}: {reason}")),
        }
    }
    if policies.len() > 1 {
        return Ok(Err("the nodes differ in the policies of their shards. Recreate those of the tables".to_owned()));
    }
    if nodes.proved.is_empty() && !nodes.away.is_empty() {
        return Ok(Err(format!("no node answers: {}", nodes.away.join("; "))));
    }
    Ok(Ok(nodes))
}

/// What a node says of its shards, or why it doesn't answer.
async fn ask(connection: &Connection, node: &Node, schema: &str) -> QueryResult<Result<String, String>> {
    let question = include_str!("node_flaw.sql").replace("{schema}", &schema.replace('\'', "''"));
    let ask = Sql::<NodeAnswer>::returning(ASK_NODE)
        .bind::<Text, _>(&node.name)
        .bind::<Integer, _>(node.port)
        .bind::<Text, _>(question);
    connection.execute(Sql::new("BEGIN")).await?;
    connection.execute(Sql::new(LIMITS)).await?;
    let answers = ask.rows(connection).await;
    connection.execute(Sql::new("ROLLBACK")).await?;
    Ok(match answers.map(|mut answers| answers.pop()) {
        Ok(Some(NodeAnswer { success: true, result })) => Ok(result.unwrap_or_default()),
        Ok(Some(NodeAnswer { result, .. })) => Err(result.unwrap_or_default()),
        Ok(None) => Err("no answer".to_owned()),
        Err(error) => Err(error.to_string()),
    })
}
