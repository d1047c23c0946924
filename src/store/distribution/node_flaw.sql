-- Asked of each node: what is wrong with the shards that it has, or "same" and a digest of their policies.
WITH shards AS (
    SELECT t.relname AS of_table, shard_name(logicalrelid, shardid) AS name,
           c.relrowsecurity AND c.relforcerowsecurity AS is_forced,
           ARRAY(
               SELECT (polcmd, polpermissive, polroles::regrole[], pg_get_expr(polqual, polrelid),
                       pg_get_expr(polwithcheck, polrelid))::text
               FROM pg_policy WHERE polrelid = c.oid ORDER BY 1
           )::text AS policies
    FROM pg_dist_shard JOIN pg_dist_placement USING (shardid) JOIN pg_dist_local_group USING (groupid)
    JOIN pg_class t ON t.oid = logicalrelid
    LEFT JOIN pg_class c ON c.oid = to_regclass(shard_name(logicalrelid, shardid))
    WHERE logicalrelid IN (
        to_regclass('{schema}.tasks'), to_regclass('{schema}.deleted_tasks'), to_regclass('{schema}.idempotency_keys'))
)
SELECT coalesce(
    (SELECT min(format('the role %1$s bypasses row-level security. ALTER ROLE %1$s NOSUPERUSER NOBYPASSRLS', rolname))
     FROM pg_roles WHERE rolname IN ('tandem_api', 'tandem_feed', 'tandem_sweeper') AND (rolsuper OR rolbypassrls)),
    (SELECT min(format('row-level security is not forced on the shard %s. On the whole table: '
         'ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name, of_table))
     FROM shards WHERE is_forced IS NOT TRUE),
    (SELECT min(format('the shards of %s differ in their policies. Recreate those of the whole table', of_table))
     FROM (SELECT of_table FROM shards GROUP BY of_table HAVING count(DISTINCT policies) > 1) AS differing),
    (SELECT 'same ' || md5(string_agg(DISTINCT of_table || policies, ',')) FROM shards)
)
