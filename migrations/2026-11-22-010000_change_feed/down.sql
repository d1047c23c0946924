DROP POLICY tasks_positions ON tasks;
REVOKE ALL ON tasks FROM tandem_feed;
DROP FUNCTION tandem_clock, tandem_speak_for;
DROP TABLE feed_era;
DROP TABLE deleted_tasks;

COMMENT ON COLUMN tasks.updated_at IS 'When the task last changed; microseconds, UTC.';

-- The role stays: it belongs to the cluster, and other databases may use it.
DO $$
BEGIN
    EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM tandem_feed', current_schema());
END
$$;
