-- In a block, because Citus can't take it among other statements.
DO $$
BEGIN
    ALTER TABLE tasks
        DROP COLUMN priority,
        DROP COLUMN due_date,
        DROP COLUMN due_time,
        DROP COLUMN due_zone,
        DROP COLUMN due_at,
        DROP COLUMN tags,
        DROP COLUMN completed_at,
        DROP COLUMN tag_keys;
END
$$;
DROP DOMAIN task_priority, task_zone, task_tags;
