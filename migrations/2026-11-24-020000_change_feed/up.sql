-- What is left of a deleted task: that it is gone, so that replicas of a user's list can learn it.
CREATE TABLE deleted_tasks (
    user_id    text         COLLATE "C" NOT NULL,
    deleted_at timestamptz  NOT NULL,
    id         uuid         NOT NULL,
    version    task_version NOT NULL,
    position   bigint       NOT NULL DEFAULT tandem_next_position(),
    PRIMARY KEY (user_id, position, id)
);

COMMENT ON TABLE deleted_tasks IS 'Tombstones of deleted tasks, without their text. Every row belongs to one user; row-level security is forced.';
COMMENT ON COLUMN deleted_tasks.user_id IS 'The owner of the task, as in tasks.';
COMMENT ON COLUMN deleted_tasks.deleted_at IS 'When it was deleted. Kept for 31 days, then removed in the background, but for the newest of each user.';
COMMENT ON COLUMN deleted_tasks.id IS 'The id it had in tasks.';
COMMENT ON COLUMN deleted_tasks.version IS 'One more than the version it had.';
COMMENT ON COLUMN deleted_tasks.position IS 'The position of the deletion in the user''s change feed, as in tasks.';

-- Tombstones are written in the order of their age. An index that could sort by it would tempt the planner away from the
-- primary key.
CREATE INDEX deleted_tasks_by_age ON deleted_tasks USING brin (deleted_at);

GRANT SELECT, INSERT, DELETE ON deleted_tasks TO tandem_api;
GRANT SELECT (user_id, position) ON deleted_tasks TO tandem_feed;
GRANT SELECT (user_id, deleted_at, id, position), DELETE ON deleted_tasks TO tandem_sweeper;

ALTER TABLE deleted_tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE deleted_tasks FORCE ROW LEVEL SECURITY;

CREATE POLICY deleted_tasks_of_current_user ON deleted_tasks
    USING (user_id = nullif(current_setting('app.user_id', true), ''))
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), ''));

-- The login is a member of the roles and must not see more because of that: hence the conditions.
CREATE POLICY deleted_tasks_positions ON deleted_tasks FOR SELECT TO tandem_feed USING (current_user = 'tandem_feed');
CREATE POLICY deleted_tasks_expired ON deleted_tasks TO tandem_sweeper
    USING (current_user = 'tandem_sweeper' AND deleted_at < now() - interval '31 days')
    WITH CHECK (false);

COMMENT ON POLICY deleted_tasks_of_current_user ON deleted_tasks IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing.';
COMMENT ON POLICY deleted_tasks_positions ON deleted_tasks IS
    'The positions of all users'' last deletions. The role may read no other column.';
COMMENT ON POLICY deleted_tasks_expired ON deleted_tasks IS
    'Tombstones of all users that are older than any valid cursor, to be deleted.';

CREATE TABLE feed_era (
    era integer NOT NULL PRIMARY KEY
);

COMMENT ON TABLE feed_era IS 'A single row, shared by all users. Holds no user data.';
COMMENT ON COLUMN feed_era.era IS 'A number that every cursor of the change feed carries. A new one makes all clients start over.';

-- Random, so that a cursor of another database, or of an earlier life of this one, is recognized.
INSERT INTO feed_era VALUES (floor(random() * 2147483647)::integer);

GRANT SELECT ON feed_era TO tandem_api, tandem_feed;
