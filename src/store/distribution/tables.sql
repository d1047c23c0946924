-- Each user's rows are on one shard of each table, and these shards are on one server.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tasks', 'deleted_tasks', 'idempotency_keys'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass(name));
        -- The owner is to copy the rows of all users. Nobody else sees the table meanwhile: it is locked.
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', name);
        PERFORM create_distributed_table(
            name, 'user_id', colocate_with => CASE name WHEN 'tasks' THEN 'none' ELSE 'tasks' END);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        PERFORM truncate_local_data_after_distributing_table(name::regclass);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('feed_era')) THEN
        PERFORM create_reference_table('feed_era');
        PERFORM truncate_local_data_after_distributing_table('feed_era');
    END IF;
END
$$;
