-- In blocks, because Citus takes each of these statements only alone.
DO $$
BEGIN
    DROP POLICY deleted_tasks_emptied ON deleted_tasks;
    DROP POLICY deleted_tasks_keys ON deleted_tasks;
    DROP INDEX deleted_tasks_by_id;
    DROP INDEX deleted_tasks_in_trash;
END
$$;
DO $$
BEGIN
    ALTER TABLE deleted_tasks
        DROP COLUMN title,
        DROP COLUMN description,
        DROP COLUMN completed,
        DROP COLUMN created_at,
        DROP COLUMN updated_at,
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
