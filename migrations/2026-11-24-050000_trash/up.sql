-- What a deleted task said is kept with its tombstone for TRASH_DAYS, so that the deletion can be undone. In a block, because
-- Citus can't take it among other statements. A server of the release before keeps nothing: its tombstones have nulls.
DO $$
BEGIN
    ALTER TABLE deleted_tasks
        ADD COLUMN title        task_title,
        ADD COLUMN description  task_description,
        ADD COLUMN completed    boolean,
        ADD COLUMN created_at   timestamptz,
        ADD COLUMN updated_at   timestamptz,
        ADD COLUMN priority     task_priority,
        ADD COLUMN due_date     date,
        ADD COLUMN due_time     time,
        ADD COLUMN due_zone     task_zone,
        ADD COLUMN due_at       timestamptz,
        ADD COLUMN tags         task_tags,
        ADD COLUMN completed_at timestamptz,
        ADD COLUMN tag_keys     task_tags;
END
$$;

COMMENT ON TABLE deleted_tasks IS
    'Tombstones of deleted tasks, with what the tasks said while they are in the trash. Every row belongs to one user; '
    'row-level security is forced.';
COMMENT ON COLUMN deleted_tasks.title IS 'The title the task had; null once what it said is gone.';
COMMENT ON COLUMN deleted_tasks.description IS 'The description it had; null as in tasks, and once what it said is gone.';
COMMENT ON COLUMN deleted_tasks.completed IS 'Whether it was done; null once what it said is gone.';
COMMENT ON COLUMN deleted_tasks.created_at IS
    'When it was created; null once what it said is gone. So it says whether the task is in the trash, also to those who may '
    'not read what it said.';
COMMENT ON COLUMN deleted_tasks.updated_at IS 'When it last changed before it was deleted; null once what it said is gone.';
COMMENT ON COLUMN deleted_tasks.priority IS 'The priority it had, as in tasks; null once what it said is gone.';
COMMENT ON COLUMN deleted_tasks.due_date IS 'The day when it was due, as in tasks.';
COMMENT ON COLUMN deleted_tasks.due_time IS 'The time of day when it was due, as in tasks.';
COMMENT ON COLUMN deleted_tasks.due_zone IS 'The time zone of that time, as in tasks.';
COMMENT ON COLUMN deleted_tasks.due_at IS 'The instant when it was due, as in tasks.';
COMMENT ON COLUMN deleted_tasks.tags IS 'The tags it had; null once what it said is gone.';
COMMENT ON COLUMN deleted_tasks.completed_at IS 'When it was completed, as in tasks.';
COMMENT ON COLUMN deleted_tasks.tag_keys IS 'The tags in folded case, as in tasks.';

-- A task has one tombstone at most, because restoring it removes the tombstone. That holds for those that are there already:
-- until now, servers made the ids, and no id was used again. The second index is what the sweeper reads: the oldest of
-- what is still to be emptied. In a block, because Citus takes each of these statements only alone.
DO $$
BEGIN
    CREATE UNIQUE INDEX deleted_tasks_by_id ON deleted_tasks (user_id, id);
    CREATE INDEX deleted_tasks_in_trash ON deleted_tasks (deleted_at) WHERE created_at IS NOT NULL;
END
$$;

-- A tombstone is emptied, but stays what it is: neither its owner, its id, its version nor its position can change.
GRANT UPDATE (title, description, completed, created_at, updated_at, priority, due_date, due_time, due_zone, due_at, tags,
              completed_at, tag_keys) ON deleted_tasks TO tandem_api, tandem_sweeper;
-- The sweeper learns that there is something to be emptied, but can't read it.
GRANT SELECT (created_at) ON deleted_tasks TO tandem_sweeper;

-- PostgreSQL wants to see the row that an UPDATE leaves, too.
CREATE POLICY deleted_tasks_keys ON deleted_tasks FOR SELECT TO tandem_sweeper USING (current_user = 'tandem_sweeper');
CREATE POLICY deleted_tasks_emptied ON deleted_tasks FOR UPDATE TO tandem_sweeper
    USING (current_user = 'tandem_sweeper' AND created_at IS NOT NULL)
    WITH CHECK (num_nonnulls(title, description, completed, created_at, updated_at, priority, due_date, due_time, due_zone,
                             due_at, tags, completed_at, tag_keys) = 0);

COMMENT ON POLICY deleted_tasks_keys ON deleted_tasks IS
    'When the tasks of all users were created and deleted. The role may read nothing of what they said.';
COMMENT ON POLICY deleted_tasks_emptied ON deleted_tasks IS 'What tasks in the trash said can be removed, and not replaced.';
