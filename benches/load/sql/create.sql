\set user random(1000000000000000000, 1000000000000000999)
\set task random(8500000000000000, 8999999999999999)
\startpipeline
BEGIN READ WRITE;
SELECT set_config('role', 'tandem_api', true), tandem_speak_for(:user), set_config('statement_timeout', '5000', true), set_config('search_path', 'public', true), set_config('lock_timeout', '5000', true), tandem_lock(:user);
INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at, priority, due_date, due_time, due_zone, due_at, tags, tag_keys, completed_at) VALUES (:user, CASE WHEN current_user = 'tandem_api' THEN ('0190000000007000' || :task)::uuid END, 'Buy milk', 'Two litres', false, statement_timestamp(), statement_timestamp(), 0, NULL, NULL, NULL, NULL, '{}', NULL, NULL) RETURNING user_id, id, title, description, completed, version, created_at, updated_at, position, priority, due_date, due_time, due_zone, due_at, tags, completed_at;
COMMIT;
\endpipeline
