GRANT SELECT (updated_at) ON tasks TO tandem_feed;
GRANT SELECT (deleted_at) ON deleted_tasks TO tandem_feed;

COMMENT ON COLUMN tasks.updated_at IS
    'When the task last changed: its position in the user''s change feed, later than that of every earlier change. Microseconds, UTC.';
COMMENT ON COLUMN deleted_tasks.deleted_at IS
    'When it was deleted: its position in the user''s change feed. Kept for 31 days, then removed in the background.';

DO $$
BEGIN
    DROP INDEX tasks_by_position;
    DROP INDEX tasks_by_status_position;
    CREATE INDEX tasks_by_updated ON tasks (user_id, updated_at, id);
    CREATE INDEX tasks_by_status_updated ON tasks (user_id, completed, updated_at, id);
    ALTER TABLE tasks DROP COLUMN position;
    ALTER TABLE deleted_tasks DROP CONSTRAINT deleted_tasks_pkey;
    ALTER TABLE deleted_tasks ADD CONSTRAINT deleted_tasks_pkey PRIMARY KEY (user_id, deleted_at, id);
    ALTER TABLE deleted_tasks DROP COLUMN position;
END
$$;

DROP FUNCTION tandem_position, tandem_next_position, tandem_lock;
DROP SEQUENCE feed_positions;

CREATE FUNCTION tandem_clock(last_change timestamptz) RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT greatest(clock_timestamp(), last_change + interval '1 microsecond') $$;

COMMENT ON FUNCTION tandem_clock IS 'Now, but later than the user''s last change, whatever clocks do.';

GRANT EXECUTE ON FUNCTION tandem_clock TO PUBLIC;

-- Cursors name positions: clients start over.
DELETE FROM feed_era;
INSERT INTO feed_era VALUES (floor(random() * 2147483647)::integer);
