-- What is left of a deleted task: that it is gone, so that replicas of a user's list can learn it.
CREATE TABLE deleted_tasks (
    user_id    text        COLLATE "C" NOT NULL,
    deleted_at timestamptz NOT NULL,
    id         uuid        NOT NULL,
    version    bigint      NOT NULL,
    PRIMARY KEY (user_id, deleted_at, id),
    CONSTRAINT deleted_tasks_user_id_length   CHECK (octet_length(user_id) BETWEEN 1 AND 255),
    CONSTRAINT deleted_tasks_version_positive CHECK (version >= 1)
);

COMMENT ON TABLE deleted_tasks IS 'Which tasks were deleted, and nothing of what they said. Every row belongs to one user; row-level security is forced.';
COMMENT ON COLUMN deleted_tasks.user_id IS 'Whose task it was, as in tasks.';
COMMENT ON COLUMN deleted_tasks.deleted_at IS 'When it was deleted: its position in the user''s change feed. Kept for 31 days, then removed by a later deletion of the user''s.';
COMMENT ON COLUMN deleted_tasks.id IS 'The id it had in tasks.';
COMMENT ON COLUMN deleted_tasks.version IS 'One more than the version it had.';

GRANT SELECT, INSERT, DELETE ON deleted_tasks TO tandem_api;

ALTER TABLE deleted_tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE deleted_tasks FORCE ROW LEVEL SECURITY;

CREATE POLICY deleted_tasks_of_current_user ON deleted_tasks
    USING (user_id = current_setting('app.user_id', true))
    WITH CHECK (user_id = current_setting('app.user_id', true));

COMMENT ON POLICY deleted_tasks_of_current_user ON deleted_tasks IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing: user_id is never empty.';

-- Random, so that a cursor of another database, or of an earlier life of this one, is recognized.
CREATE TABLE feed_era (
    era integer NOT NULL PRIMARY KEY
);

COMMENT ON TABLE feed_era IS 'One row, the same for all users. No rows of users.';
COMMENT ON COLUMN feed_era.era IS 'A number that every cursor of the change feed carries. A new one makes all clients start over.';

INSERT INTO feed_era VALUES (floor(random() * 2147483647)::integer);

GRANT SELECT ON feed_era TO tandem_api;

-- Functions, because a distributed database needs other ones by these names: it refuses volatile functions in an UPDATE, and
-- doesn't pass on set_config. PostgreSQL puts the bodies in the places of the calls when it plans.
CREATE FUNCTION tandem_clock(last_change timestamptz) RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT greatest(clock_timestamp(), last_change + interval '1 microsecond') $$;

COMMENT ON FUNCTION tandem_clock IS 'Now, but later than the user''s last change, whatever clocks do.';

CREATE FUNCTION tandem_speak_for(speaker text) RETURNS text LANGUAGE sql VOLATILE
    AS $$ SELECT set_config('app.user_id', speaker, true) $$;

COMMENT ON FUNCTION tandem_speak_for IS 'Sets the user the transaction speaks for, until it ends.';

GRANT EXECUTE ON FUNCTION tandem_clock, tandem_speak_for TO PUBLIC;

COMMENT ON COLUMN tasks.updated_at IS 'When the task last changed: its position in the user''s change feed, later than that of every earlier change. Microseconds, UTC.';

-- Ids of users are never sorted for people. In the collation of the database, comparing them takes most of an index's time,
-- and a change now looks two positions up.
DROP POLICY tasks_of_current_user ON tasks;

ALTER TABLE tasks ALTER COLUMN user_id TYPE text COLLATE "C";

CREATE POLICY tasks_of_current_user ON tasks
    USING (user_id = current_setting('app.user_id', true))
    WITH CHECK (user_id = current_setting('app.user_id', true));

COMMENT ON POLICY tasks_of_current_user ON tasks IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing: user_id is never empty.';

-- Servers ask which users have changes, by a role that can see nothing else.
-- Roles belong to the cluster: another database may be creating this one at the same moment.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tandem_feed') THEN
        CREATE ROLE tandem_feed NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

-- Lets the connecting role become tandem_feed. PostgreSQL 16 split membership into inheriting and switching.
DO $$
DECLARE
    may_switch boolean;
BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        EXECUTE 'SELECT pg_has_role(current_user, ''tandem_feed'', ''SET'')' INTO may_switch;
        IF NOT may_switch THEN
            EXECUTE format('GRANT tandem_feed TO %I WITH SET TRUE, INHERIT FALSE', current_user);
        END IF;
    ELSIF NOT pg_has_role(current_user, 'tandem_feed', 'MEMBER') THEN
        EXECUTE format('GRANT tandem_feed TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation THEN
    NULL;
END
$$;

DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO tandem_feed', current_schema());
END
$$;

GRANT SELECT (user_id, updated_at) ON tasks TO tandem_feed;
GRANT SELECT (user_id, deleted_at) ON deleted_tasks TO tandem_feed;
GRANT SELECT ON feed_era TO tandem_feed;

-- The login is a member of the role, and must not see more by that: hence the condition.
CREATE POLICY tasks_positions ON tasks FOR SELECT TO tandem_feed USING (current_user = 'tandem_feed');
CREATE POLICY deleted_tasks_positions ON deleted_tasks FOR SELECT TO tandem_feed USING (current_user = 'tandem_feed');

COMMENT ON POLICY tasks_positions ON tasks IS 'When something of whose changed last. The role may read no other column.';
COMMENT ON POLICY deleted_tasks_positions ON deleted_tasks IS 'When something of whose was deleted last. The role may read no other column.';
