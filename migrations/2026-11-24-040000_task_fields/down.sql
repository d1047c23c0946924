ALTER TABLE tasks
    DROP COLUMN priority,
    DROP COLUMN due_date,
    DROP COLUMN due_time,
    DROP COLUMN due_zone,
    DROP COLUMN due_at,
    DROP COLUMN tags,
    DROP COLUMN completed_at,
    DROP COLUMN tag_keys;
DROP DOMAIN task_priority, task_zone, task_tags;
