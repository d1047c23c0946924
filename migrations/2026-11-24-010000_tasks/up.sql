-- Limits are CHECKs of domains: those are parsed once for each connection, and evaluated for the columns that a statement sets.
-- The CHECKs of a table are parsed and evaluated in each INSERT and UPDATE.
CREATE DOMAIN task_title AS text CONSTRAINT task_title_length CHECK (char_length(VALUE) BETWEEN 1 AND 200);
CREATE DOMAIN task_description AS text CONSTRAINT task_description_length CHECK (char_length(VALUE) <= 1000);
CREATE DOMAIN task_version AS bigint CONSTRAINT task_version_positive CHECK (VALUE >= 1);

COMMENT ON DOMAIN task_title IS '1 to 200 characters.';
COMMENT ON DOMAIN task_description IS 'At most 1000 characters.';
COMMENT ON DOMAIN task_version IS '1 or more.';

-- User ids have the collation "C" in every table: they are never sorted for people, and comparing them by a language's rules
-- takes longer. They need no CHECK: the policy admits only the id of the user the transaction speaks for, and no empty one.
CREATE TABLE tasks (
    user_id     text             COLLATE "C" NOT NULL,
    id          uuid             NOT NULL,
    title       task_title       NOT NULL,
    description task_description,
    completed   boolean          NOT NULL DEFAULT false,
    version     task_version     NOT NULL DEFAULT 1,
    created_at  timestamptz      NOT NULL DEFAULT now(),
    updated_at  timestamptz      NOT NULL DEFAULT now(),
    position    bigint           NOT NULL DEFAULT tandem_next_position(),
    PRIMARY KEY (user_id, id)
);

COMMENT ON TABLE tasks IS 'To-do items. Every row belongs to one user; row-level security is forced.';
COMMENT ON COLUMN tasks.user_id IS 'The owner: the user id claim of the token, 1 to 255 bytes. No foreign key: users live in Better Auth.';
COMMENT ON COLUMN tasks.id IS 'A UUID, unique within its owner: version 7 if the server made it, 4 or 7 if a client did.';
COMMENT ON COLUMN tasks.title IS '1 to 200 characters.';
COMMENT ON COLUMN tasks.description IS 'At most 1000 characters; null when there is none.';
COMMENT ON COLUMN tasks.completed IS 'Whether the task is done.';
COMMENT ON COLUMN tasks.version IS '1 when created, incremented by each change: the ETag, and the expected version of an update.';
COMMENT ON COLUMN tasks.created_at IS 'When the task was created; microseconds, UTC.';
COMMENT ON COLUMN tasks.updated_at IS 'When the task last changed; microseconds, UTC.';
COMMENT ON COLUMN tasks.position IS
    'The position of the last change in the user''s change feed: greater than that of every earlier change, whatever clocks do.';

-- An index for each sort, with and without a status: any page of any list is one range scan. Lists by the last change are
-- sorted by its position, which is also the order of the change feed. Of indexes that cost the same, the planner takes the one
-- that was created last: that is to be the small one by position, in whose order changes to many tasks are made.
CREATE INDEX tasks_by_created ON tasks (user_id, created_at, id);
CREATE INDEX tasks_by_title ON tasks (user_id, title, id);
CREATE INDEX tasks_by_status_created ON tasks (user_id, completed, created_at, id);
CREATE INDEX tasks_by_status_title ON tasks (user_id, completed, title, id);
CREATE INDEX tasks_by_position ON tasks (user_id, position, id);
CREATE INDEX tasks_by_status_position ON tasks (user_id, completed, position, id);

-- A task never changes its owner, its id or its creation, so nobody may update those columns.
GRANT SELECT, INSERT, DELETE ON tasks TO tandem_api;
GRANT UPDATE (title, description, completed, version, updated_at, position) ON tasks TO tandem_api;
GRANT SELECT (user_id, position) ON tasks TO tandem_feed;

ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE tasks FORCE ROW LEVEL SECURITY;

CREATE POLICY tasks_of_current_user ON tasks
    USING (user_id = nullif(current_setting('app.user_id', true), ''))
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), ''));

-- The login is a member of the role and must not see more because of that: hence the condition.
CREATE POLICY tasks_positions ON tasks FOR SELECT TO tandem_feed USING (current_user = 'tandem_feed');

COMMENT ON POLICY tasks_of_current_user ON tasks IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing.';
COMMENT ON POLICY tasks_positions ON tasks IS 'The positions of all users'' last changes. The role may read no other column.';
