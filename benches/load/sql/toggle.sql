\set number random(0, 999)
\set user 1000000000000000000 + :number
\set task 8000000000000000 + :number * 1000000 + random(1, 100)
\startpipeline
BEGIN READ WRITE;
SELECT set_config('role', 'tandem_api', true), tandem_speak_for(:user), set_config('statement_timeout', '5000', true), set_config('search_path', 'public', true), set_config('lock_timeout', '5000', true), tandem_lock(:user);
UPDATE tasks SET completed = NOT completed, completed_at = CASE WHEN completed THEN NULL ELSE (SELECT statement_timestamp()) END, version = version + 1, position = tandem_position(), updated_at = statement_timestamp() WHERE user_id = :user AND id = ('0190000000007000' || :task)::uuid RETURNING user_id, id, title, description, completed, version, created_at, updated_at, position, priority, due_date, due_time, due_zone, due_at, tags, completed_at;
COMMIT;
\endpipeline
