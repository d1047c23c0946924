\set number random(0, 999)
\set user 1000000000000000000 + :number
\set task 8000000000000000 + :number * 1000000 + random(1, 100)
\startpipeline
BEGIN READ WRITE;
SELECT set_config('role', 'tandem_api', true), tandem_speak_for(:user), set_config('statement_timeout', '5000', true), set_config('search_path', 'public', true), set_config('lock_timeout', '5000', true), pg_advisory_xact_lock(hashtextextended(:user, 8241978302147713));
UPDATE tasks SET completed = NOT completed, version = version + 1, updated_at = tandem_clock(greatest(statement_timestamp(), (SELECT updated_at FROM tasks WHERE user_id = :user AND updated_at >= statement_timestamp() ORDER BY updated_at DESC LIMIT 1), (SELECT deleted_at FROM deleted_tasks WHERE user_id = :user AND deleted_at >= statement_timestamp() ORDER BY deleted_at DESC LIMIT 1))) WHERE user_id = :user AND id = ('0190000000007000' || :task)::uuid RETURNING user_id, id, title, description, completed, version, created_at, updated_at;
COMMIT;
\endpipeline
