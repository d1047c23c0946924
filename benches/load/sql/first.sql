\set user 1000000000000001000
\startpipeline
BEGIN READ ONLY;
SELECT set_config('role', 'tandem_api', true), tandem_speak_for(:user), set_config('statement_timeout', '5000', true), set_config('search_path', 'public', true);
SELECT user_id, id, title, description, completed, version, created_at, updated_at, position, priority, due_date, due_time, due_zone, due_at, tags, completed_at FROM tasks WHERE user_id = :user ORDER BY created_at DESC, id DESC LIMIT 21;
COMMIT;
\endpipeline
