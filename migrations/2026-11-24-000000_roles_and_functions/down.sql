DROP FUNCTION tandem_time, tandem_position, tandem_next_position, tandem_lock, tandem_speak_for;
DROP SEQUENCE feed_positions;

-- The roles stay: they belong to the cluster, and other databases may use them.
DO $$
BEGIN
    EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM tandem_api, tandem_feed, tandem_sweeper', current_schema());
END
$$;
