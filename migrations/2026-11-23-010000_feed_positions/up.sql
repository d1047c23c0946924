-- A change's position was its time, and each write had to look up the user's last one in two indexes, because clocks go back.
-- A sequence doesn't, so a write only draws from it. Without CACHE: each connection would draw from a stock of its own.
CREATE SEQUENCE feed_positions;

COMMENT ON SEQUENCE feed_positions IS
    'The last position that was given to a change. After rows were copied without it, `tandem feed reset` sets it.';

GRANT USAGE ON SEQUENCE feed_positions TO tandem_api;

-- Functions, like tandem_speak_for, because a distributed database needs other ones by these names. PostgreSQL puts the
-- bodies of those in SQL in the places of the calls when it plans. The seed of the hash is any number that only this project
-- uses, the same one everywhere.
CREATE FUNCTION tandem_lock(speaker text) RETURNS void LANGUAGE sql VOLATILE
    AS $$ SELECT pg_advisory_xact_lock(hashtextextended(speaker, 8241978302147713)) $$;

COMMENT ON FUNCTION tandem_lock IS
    'Takes the user''s lock until the transaction ends: the user''s changes become visible in the order of their positions.';

CREATE FUNCTION tandem_next_position() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT nextval('feed_positions') $$;

COMMENT ON FUNCTION tandem_next_position IS 'A position behind all that were drawn before.';

CREATE FUNCTION tandem_position() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT tandem_next_position() $$;

COMMENT ON FUNCTION tandem_position IS 'The position of a change by a transaction that has its user''s lock.';

DROP FUNCTION tandem_clock;

GRANT EXECUTE ON FUNCTION tandem_lock, tandem_next_position, tandem_position TO PUBLIC;

-- The positions that changes had until now, in microseconds since 1970: cursors that clients keep stay good. Each row is written
-- once, while nobody else sees the tables. In a block, because a distributed database takes such statements one by one only.
DO $$
BEGIN
    ALTER TABLE tasks ADD COLUMN position bigint;
    ALTER TABLE tasks ALTER COLUMN position TYPE bigint USING (extract(epoch FROM updated_at) * 1000000)::bigint;
    ALTER TABLE tasks ALTER COLUMN position SET NOT NULL;
    ALTER TABLE tasks ALTER COLUMN position SET DEFAULT tandem_next_position();
    ALTER TABLE deleted_tasks ADD COLUMN position bigint;
    ALTER TABLE deleted_tasks ALTER COLUMN position TYPE bigint USING (extract(epoch FROM deleted_at) * 1000000)::bigint;
    ALTER TABLE deleted_tasks ALTER COLUMN position SET NOT NULL;
    ALTER TABLE deleted_tasks ALTER COLUMN position SET DEFAULT tandem_next_position();
    ALTER TABLE deleted_tasks DROP CONSTRAINT deleted_tasks_pkey;
    ALTER TABLE deleted_tasks ADD CONSTRAINT deleted_tasks_pkey PRIMARY KEY (user_id, position, id);
    DROP INDEX tasks_by_updated;
    DROP INDEX tasks_by_status_updated;
    CREATE INDEX tasks_by_position ON tasks (user_id, position, id);
    CREATE INDEX tasks_by_status_position ON tasks (user_id, completed, position, id);
    -- The owner is to see the rows of all users. Some may have been changed while the clock was ahead.
    ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE deleted_tasks NO FORCE ROW LEVEL SECURITY;
    PERFORM setval('feed_positions', greatest(
        (SELECT max(position) FROM tasks),
        (SELECT max(position) FROM deleted_tasks),
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    ));
    ALTER TABLE tasks FORCE ROW LEVEL SECURITY;
    ALTER TABLE deleted_tasks FORCE ROW LEVEL SECURITY;
END
$$;

-- Lists that are sorted by the last change are sorted by its position.
COMMENT ON COLUMN tasks.updated_at IS 'When the task last changed; microseconds, UTC.';
COMMENT ON COLUMN tasks.position IS
    'The place of the last change in the user''s change feed: more than that of every earlier change, whatever clocks do.';
COMMENT ON COLUMN deleted_tasks.deleted_at IS 'When it was deleted. Kept for 31 days, then removed in the background.';
COMMENT ON COLUMN deleted_tasks.position IS 'The place of the deletion in the user''s change feed, as in tasks.';

GRANT UPDATE (position) ON tasks TO tandem_api;
REVOKE SELECT (updated_at) ON tasks FROM tandem_feed;
GRANT SELECT (position) ON tasks TO tandem_feed;
REVOKE SELECT (deleted_at) ON deleted_tasks FROM tandem_feed;
GRANT SELECT (position) ON deleted_tasks TO tandem_feed;
GRANT SELECT (position) ON deleted_tasks TO tandem_sweeper;
