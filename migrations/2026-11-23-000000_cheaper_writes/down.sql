COMMENT ON COLUMN deleted_tasks.deleted_at IS 'When it was deleted: its position in the user''s change feed. Kept for 31 days, then removed by a later deletion of the user''s.';

ALTER POLICY idempotency_keys_expired ON idempotency_keys USING (created_at < now() - interval '24 hours');
REVOKE ALL ON deleted_tasks FROM tandem_sweeper;

ALTER POLICY tasks_of_current_user ON tasks
    USING (user_id = current_setting('app.user_id', true))
    WITH CHECK (user_id = current_setting('app.user_id', true));
ALTER POLICY deleted_tasks_of_current_user ON deleted_tasks
    USING (user_id = current_setting('app.user_id', true))
    WITH CHECK (user_id = current_setting('app.user_id', true));
ALTER POLICY idempotency_keys_of_current_user ON idempotency_keys
    USING (user_id = current_setting('app.user_id', true))
    WITH CHECK (user_id = current_setting('app.user_id', true));

COMMENT ON POLICY tasks_of_current_user ON tasks IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing: user_id is never empty.';
COMMENT ON POLICY deleted_tasks_of_current_user ON deleted_tasks IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing: user_id is never empty.';
COMMENT ON POLICY idempotency_keys_of_current_user ON idempotency_keys IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing: user_id is never empty.';

-- Whatever of this a distributed database takes only one by one.
DO $$
BEGIN
    DROP POLICY deleted_tasks_expired ON deleted_tasks;
    DROP INDEX deleted_tasks_by_age;
    ALTER TABLE tasks ALTER COLUMN title TYPE text;
    ALTER TABLE tasks ALTER COLUMN description TYPE text;
    ALTER TABLE tasks ALTER COLUMN version TYPE bigint;
    ALTER TABLE tasks ADD CONSTRAINT tasks_user_id_length CHECK (octet_length(user_id) BETWEEN 1 AND 255);
    ALTER TABLE tasks ADD CONSTRAINT tasks_title_length CHECK (char_length(title) BETWEEN 1 AND 200);
    ALTER TABLE tasks ADD CONSTRAINT tasks_description_length CHECK (char_length(description) <= 1000);
    ALTER TABLE tasks ADD CONSTRAINT tasks_version_positive CHECK (version >= 1);
    ALTER TABLE deleted_tasks ALTER COLUMN version TYPE bigint;
    ALTER TABLE deleted_tasks ADD CONSTRAINT deleted_tasks_user_id_length CHECK (octet_length(user_id) BETWEEN 1 AND 255);
    ALTER TABLE deleted_tasks ADD CONSTRAINT deleted_tasks_version_positive CHECK (version >= 1);
    ALTER TABLE idempotency_keys ALTER COLUMN key TYPE text;
    ALTER TABLE idempotency_keys ALTER COLUMN outcome TYPE jsonb;
    ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_user_id_length CHECK (octet_length(user_id) BETWEEN 1 AND 255);
    ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_key_length CHECK (octet_length(key) BETWEEN 1 AND 255);
    ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_outcome_size CHECK (pg_column_size(outcome) <= 1048576);
END
$$;

DROP DOMAIN task_title, task_description, task_version, idempotency_key, idempotency_outcome;
