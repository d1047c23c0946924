-- Every INSERT and every UPDATE parses the CHECKs of its table anew, and evaluates all of them, whatever it sets: here that took
-- longer than the change feed takes. The CHECKs of a domain are parsed once a connection, and evaluated for the columns that
-- are set.
CREATE DOMAIN task_title AS text;
CREATE DOMAIN task_description AS text;
CREATE DOMAIN task_version AS bigint;
CREATE DOMAIN idempotency_key AS text;
CREATE DOMAIN idempotency_outcome AS jsonb;

COMMENT ON DOMAIN task_title IS '1 to 200 characters.';
COMMENT ON DOMAIN task_description IS 'At most 1000 characters.';
COMMENT ON DOMAIN task_version IS '1 or more.';
COMMENT ON DOMAIN idempotency_key IS '1 to 255 bytes.';
COMMENT ON DOMAIN idempotency_outcome IS 'At most 1 MiB.';

-- As long as the domains have no CHECKs, no row is read or written. In a block, because a distributed database takes such
-- statements one by one only.
DO $$
BEGIN
    ALTER TABLE tasks DROP CONSTRAINT tasks_title_length;
    ALTER TABLE tasks DROP CONSTRAINT tasks_description_length;
    ALTER TABLE tasks DROP CONSTRAINT tasks_version_positive;
    ALTER TABLE tasks ALTER COLUMN title TYPE task_title;
    ALTER TABLE tasks ALTER COLUMN description TYPE task_description;
    ALTER TABLE tasks ALTER COLUMN version TYPE task_version;
    ALTER TABLE deleted_tasks DROP CONSTRAINT deleted_tasks_version_positive;
    ALTER TABLE deleted_tasks ALTER COLUMN version TYPE task_version;
    ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_key_length;
    ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_outcome_size;
    ALTER TABLE idempotency_keys ALTER COLUMN key TYPE idempotency_key;
    ALTER TABLE idempotency_keys ALTER COLUMN outcome TYPE idempotency_outcome;
END
$$;

-- The rows that are there have met the same CHECKs of their tables.
ALTER DOMAIN task_title ADD CONSTRAINT task_title_length CHECK (char_length(VALUE) BETWEEN 1 AND 200) NOT VALID;
ALTER DOMAIN task_description ADD CONSTRAINT task_description_length CHECK (char_length(VALUE) <= 1000) NOT VALID;
ALTER DOMAIN task_version ADD CONSTRAINT task_version_positive CHECK (VALUE >= 1) NOT VALID;
ALTER DOMAIN idempotency_key ADD CONSTRAINT idempotency_key_length CHECK (octet_length(VALUE) BETWEEN 1 AND 255) NOT VALID;
ALTER DOMAIN idempotency_outcome ADD CONSTRAINT idempotency_outcome_size CHECK (pg_column_size(VALUE) <= 1048576) NOT VALID;

-- No domain for user_id: a distributed database doesn't change the type of the column that it distributes by. The policies
-- admit no other id than that of the user the transaction speaks for, and now no empty one.
ALTER POLICY tasks_of_current_user ON tasks
    USING (user_id = nullif(current_setting('app.user_id', true), ''))
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), ''));
ALTER POLICY deleted_tasks_of_current_user ON deleted_tasks
    USING (user_id = nullif(current_setting('app.user_id', true), ''))
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), ''));
ALTER POLICY idempotency_keys_of_current_user ON idempotency_keys
    USING (user_id = nullif(current_setting('app.user_id', true), ''))
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), ''));

ALTER TABLE tasks DROP CONSTRAINT tasks_user_id_length;
ALTER TABLE deleted_tasks DROP CONSTRAINT deleted_tasks_user_id_length;
ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_user_id_length;

COMMENT ON POLICY tasks_of_current_user ON tasks IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing.';
COMMENT ON POLICY deleted_tasks_of_current_user ON deleted_tasks IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing.';
COMMENT ON POLICY idempotency_keys_of_current_user ON idempotency_keys IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing.';

-- Old tombstones are removed in the background like old keys, and not by each deletion. They lie in the order of their ages;
-- and an index that could sort by them would tempt the planner away from the primary key.
DO $$
BEGIN
    CREATE INDEX deleted_tasks_by_age ON deleted_tasks USING brin (deleted_at);
END
$$;

GRANT SELECT (user_id, deleted_at, id), DELETE ON deleted_tasks TO tandem_sweeper;

-- The login is a member of the role, and must not see more by that: hence the conditions.
CREATE POLICY deleted_tasks_expired ON deleted_tasks TO tandem_sweeper
    USING (current_user = 'tandem_sweeper' AND deleted_at < now() - interval '31 days')
    WITH CHECK (false);
ALTER POLICY idempotency_keys_expired ON idempotency_keys
    USING (current_user = 'tandem_sweeper' AND created_at < now() - interval '24 hours');

COMMENT ON POLICY deleted_tasks_expired ON deleted_tasks IS 'Tombstones of all users that every cursor is too old for, to be deleted.';
COMMENT ON COLUMN deleted_tasks.deleted_at IS 'When it was deleted: its position in the user''s change feed. Kept for 31 days, then removed in the background.';
