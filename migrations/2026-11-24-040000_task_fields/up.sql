-- What a server of the release before leaves out has its default here.
CREATE DOMAIN task_priority AS smallint CONSTRAINT task_priority_level CHECK (VALUE BETWEEN 0 AND 4);
CREATE DOMAIN task_zone AS text CONSTRAINT task_zone_length CHECK (char_length(VALUE) BETWEEN 1 AND 100);
CREATE DOMAIN task_tags AS text[] CONSTRAINT task_tags_count CHECK (cardinality(VALUE) <= 20);

COMMENT ON DOMAIN task_priority IS '0 to 4.';
COMMENT ON DOMAIN task_zone IS '1 to 100 characters.';
COMMENT ON DOMAIN task_tags IS 'At most 20 tags.';

-- In a block, because Citus can't take it among other statements.
DO $$
BEGIN
    ALTER TABLE tasks
        ADD COLUMN priority     task_priority NOT NULL DEFAULT 0,
        ADD COLUMN due_date     date,
        ADD COLUMN due_time     time,
        ADD COLUMN due_zone     task_zone,
        ADD COLUMN due_at       timestamptz,
        ADD COLUMN tags         task_tags     NOT NULL DEFAULT '{}',
        ADD COLUMN completed_at timestamptz,
        ADD COLUMN tag_keys     task_tags;
END
$$;

COMMENT ON COLUMN tasks.priority IS '0 for none, 1 low, 2 medium, 3 high, 4 urgent.';
COMMENT ON COLUMN tasks.due_date IS 'The day when the task is due; null if it is never due.';
COMMENT ON COLUMN tasks.due_time IS 'The time of day by the wall clock; null if the task is due on a day.';
COMMENT ON COLUMN tasks.due_zone IS 'The IANA time zone of the time; null if it is meant wherever the user is.';
COMMENT ON COLUMN tasks.due_at IS
    'What lists are sorted and filtered by: the instant of the due date and time, without a zone as if in UTC, and of a day its end.';
COMMENT ON COLUMN tasks.tags IS 'The tags as they were sent, each 1 to 50 characters; no two differ only in case.';
COMMENT ON COLUMN tasks.completed_at IS
    'When the task was completed; null while it is pending, and if it was completed by a release without this column.';
COMMENT ON COLUMN tasks.tag_keys IS 'The tags in folded case, by which they are found; null when there are none.';

-- Partial, so that tasks with neither a priority nor a due date cost what they did. Lists sorted by these end with the tasks
-- that have none, in the order of their ids. In a block, because Citus takes each of these statements only alone.
DO $$
BEGIN
    CREATE INDEX tasks_by_priority ON tasks (user_id, priority, id) WHERE priority > 0;
    CREATE INDEX tasks_by_status_priority ON tasks (user_id, completed, priority, id) WHERE priority > 0;
    CREATE INDEX tasks_by_due ON tasks (user_id, due_at, id) WHERE due_at IS NOT NULL;
    CREATE INDEX tasks_by_status_due ON tasks (user_id, completed, due_at, id) WHERE due_at IS NOT NULL;
END
$$;

GRANT UPDATE (priority, due_date, due_time, due_zone, due_at, tags, completed_at, tag_keys) ON tasks TO tandem_api;
