//! Checks a cluster of Citus, if the database is on one.

use super::Verdict;
use crate::store::{self, Cluster, ClusterNode, DbConfig};

/// The longest that a change may be half committed, in seconds.
const MAX_RECOVERY: i32 = 300;

const REBALANCE: &str = "Move shards with SELECT citus_rebalance_start(shard_transfer_mode := 'block_writes'): the default \
                         mode replicates rows, which forced row-level security refuses";

pub(super) async fn examine(config: &DbConfig) -> Vec<Verdict> {
    match store::cluster(config).await {
        Ok(Some(cluster)) => judge(&cluster),
        Ok(None) => Vec::new(),
        Err(error) => vec![Verdict::failure("Citus", error.report())],
    }
}

fn judge(cluster: &Cluster) -> Vec<Verdict> {
    if !cluster.facts.is_distributed {
        let advice = "`tandem migrate` says how they are distributed";
        return vec![Verdict::warning("Citus", format!("the tables are on one server. {advice}"))];
    }
    vec![nodes(&cluster.nodes), logins(&cluster.facts.roles_without_login), commits(cluster)]
}

fn nodes(nodes: &[ClusterNode]) -> Verdict {
    let check = "nodes";
    let told: Vec<_> = nodes
        .iter()
        .filter(|node| node.may_have_shards || node.shards > 0)
        .map(|node| format!("{} has {} shards", node.address, node.shards))
        .collect();
    let told = told.join(", ");
    let inactive: Vec<_> = nodes.iter().filter(|node| !node.is_active).map(|node| node.address.as_str()).collect();
    if !inactive.is_empty() {
        let advice = "Activate them with citus_activate_node, or remove them";
        return Verdict::warning(check, format!("{told}; not active: {}. {advice}", inactive.join(", ")));
    }
    let shards = |of: &ClusterNode| of.shards;
    let wanted: Vec<_> = nodes.iter().filter(|node| node.may_have_shards).map(shards).collect();
    let is_even = wanted.iter().max().copied().unwrap_or(0) <= 2 * wanted.iter().min().copied().unwrap_or(0).max(1);
    let is_emptied = nodes.iter().all(|node| node.may_have_shards || node.shards == 0);
    if is_even && is_emptied {
        Verdict::ok(check, told)
    } else {
        Verdict::warning(check, format!("{told}. {REBALANCE}"))
    }
}

fn logins(missing: &[String]) -> Verdict {
    let check = "nodes' logins";
    if missing.is_empty() {
        return Verdict::ok(check, "the coordinator logs in as tandem_api, tandem_feed and tandem_sweeper, too");
    }
    let roles = missing.join(", ");
    Verdict::failure(check, format!("the nodes don't let {roles} log in. Run `tandem migrate` as the tables' owner"))
}

/// No request needs two phases, but migrations and the removal of what has expired do.
fn commits(cluster: &Cluster) -> Verdict {
    let check = "two-phase commits";
    if cluster.facts.max_prepared_transactions == 0 {
        return Verdict::failure(
            check,
            "max_prepared_transactions is 0. Set it to at least max_connections on every node",
        );
    }
    match cluster.facts.recovery_seconds {
        Some(seconds @ 0..=MAX_RECOVERY) => Verdict::ok(check, format!("finished within {seconds} s of a failure")),
        _ => Verdict::warning(check, "not finished soon after a failure. Set citus.recover_2pc_interval to 1min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(port: u16, shards: i64) -> ClusterNode {
        ClusterNode { address: format!("w:{port}"), is_active: true, may_have_shards: true, shards }
    }

    #[test]
    fn a_new_or_a_leaving_node_asks_for_a_rebalance_in_the_mode_that_works() {
        assert_eq!(nodes(&[node(1, 16), node(2, 16)]), Verdict::ok("nodes", "w:1 has 16 shards, w:2 has 16 shards"));
        let leaving = ClusterNode { may_have_shards: false, ..node(2, 16) };
        for uneven in [[node(1, 32), node(2, 0)], [node(1, 16), leaving]] {
            let told = nodes(&uneven).to_string();
            assert!(told.starts_with("warn") && told.contains("'block_writes'"), "{told}");
        }
    }

    #[test]
    fn a_node_that_takes_no_part_is_named() {
        let told = nodes(&[node(1, 16), ClusterNode { is_active: false, ..node(2, 16) }]).to_string();
        assert!(told.starts_with("warn") && told.contains("not active: w:2"), "{told}");
    }
}
