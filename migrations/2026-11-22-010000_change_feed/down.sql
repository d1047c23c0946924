DROP POLICY tasks_positions ON tasks;
REVOKE ALL ON tasks FROM tandem_feed;
DROP POLICY tasks_of_current_user ON tasks;
ALTER TABLE tasks ALTER COLUMN user_id TYPE text;
CREATE POLICY tasks_of_current_user ON tasks
    USING (user_id = current_setting('app.user_id', true))
    WITH CHECK (user_id = current_setting('app.user_id', true));
COMMENT ON POLICY tasks_of_current_user ON tasks IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing: user_id is never empty.';

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
