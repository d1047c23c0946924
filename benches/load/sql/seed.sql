-- 1,000 users with 100 tasks each, and user 1000 with 100,000. The rows of a user lie apart, as they do where tasks come in over time.
INSERT INTO tasks (user_id, id, title, description, completed, created_at, updated_at, position)
SELECT (1000000000000000000 + u)::text,
       ('0190000000007000' || (8000000000000000 + u::bigint * 1000000 + t))::uuid,
       'Task number ' || t, 'Something to be done', t % 3 = 0, at, at, t
FROM generate_series(0, 1000) u,
     generate_series(1, CASE u WHEN 1000 THEN 100000 ELSE 100 END) t,
     LATERAL (SELECT timestamptz '2025-01-01 00:00:00+00' + t * interval '1 s' AS at) times
ORDER BY t, u;
