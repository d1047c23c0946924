CREATE TABLE tasks (
    user_id     text        NOT NULL,
    id          uuid        NOT NULL,
    title       text        NOT NULL,
    description text,
    completed   boolean     NOT NULL DEFAULT false,
    version     bigint      NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id),
    CONSTRAINT tasks_user_id_length     CHECK (octet_length(user_id) BETWEEN 1 AND 255),
    CONSTRAINT tasks_title_length       CHECK (char_length(title) BETWEEN 1 AND 200),
    CONSTRAINT tasks_description_length CHECK (char_length(description) <= 1000),
    CONSTRAINT tasks_version_positive   CHECK (version >= 1)
);

COMMENT ON TABLE tasks IS 'To-do items. Every row belongs to one user; row-level security is forced.';
COMMENT ON COLUMN tasks.user_id IS 'The owner: the user-id claim of a token, 1 to 255 bytes. No foreign key, users live in Better Auth.';
COMMENT ON COLUMN tasks.id IS 'UUIDv7 made by the server, unique within its owner.';
COMMENT ON COLUMN tasks.title IS '1 to 200 characters.';
COMMENT ON COLUMN tasks.description IS 'At most 1000 characters; null when there is none.';
COMMENT ON COLUMN tasks.completed IS 'Whether the task is done.';
COMMENT ON COLUMN tasks.version IS '1 when created, one more at each change: the ETag and the expected version of an update.';
COMMENT ON COLUMN tasks.created_at IS 'When the task was created; microseconds, UTC.';
COMMENT ON COLUMN tasks.updated_at IS 'When the task last changed; microseconds, UTC.';

-- One index for each sort, with and without a status, so that any page of any list is one range scan.
CREATE INDEX tasks_by_created ON tasks (user_id, created_at, id);
CREATE INDEX tasks_by_updated ON tasks (user_id, updated_at, id);
CREATE INDEX tasks_by_title ON tasks (user_id, title, id);
CREATE INDEX tasks_by_status_created ON tasks (user_id, completed, created_at, id);
CREATE INDEX tasks_by_status_updated ON tasks (user_id, completed, updated_at, id);
CREATE INDEX tasks_by_status_title ON tasks (user_id, completed, title, id);

-- Roles belong to the cluster: another database may be creating this one at the same moment.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tandem_api') THEN
        CREATE ROLE tandem_api NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

-- Lets the connecting role become tandem_api. PostgreSQL 16 split membership into inheriting and switching.
DO $$
DECLARE
    may_switch boolean;
BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        EXECUTE 'SELECT pg_has_role(current_user, ''tandem_api'', ''SET'')' INTO may_switch;
        IF NOT may_switch THEN
            EXECUTE format('GRANT tandem_api TO %I WITH SET TRUE, INHERIT FALSE', current_user);
        END IF;
    ELSIF NOT pg_has_role(current_user, 'tandem_api', 'MEMBER') THEN
        EXECUTE format('GRANT tandem_api TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation THEN
    NULL;
END
$$;

DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO tandem_api', current_schema());
END
$$;

-- A task never changes its owner or its id, so those columns can't be updated at all.
GRANT SELECT, INSERT, DELETE ON tasks TO tandem_api;
GRANT UPDATE (title, description, completed, version, updated_at) ON tasks TO tandem_api;

ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE tasks FORCE ROW LEVEL SECURITY;

CREATE POLICY tasks_of_current_user ON tasks
    USING (user_id = current_setting('app.user_id', true))
    WITH CHECK (user_id = current_setting('app.user_id', true));

COMMENT ON POLICY tasks_of_current_user ON tasks IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing: user_id is never empty.';
