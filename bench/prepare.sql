-- Moves the harness's rows into Heddle's tables, in the same database, so that Heddle and its peers do the same
-- statements on the same rows. Run after Heddle has migrated the schema. Tokens are fixed: this is a benchmark.
INSERT INTO users (id, email, name, role)
SELECT id, id || '@bench.example', id, 'user'
FROM (SELECT 'user-' || n AS id FROM generate_series(0, 999) n UNION ALL SELECT 'ins-' || n FROM generate_series(0, 199) n) u
ON CONFLICT DO NOTHING;

INSERT INTO tokens (user_id, id, name, scopes, digest)
SELECT id, gen_random_uuid(), 'bench', '{read,write}', sha256(convert_to('hdl_' || rpad(id, 43, 'x'), 'UTF8'))
FROM users WHERE id ~ '^(user|ins)-'
ON CONFLICT DO NOTHING;

INSERT INTO tasks (id, user_id, title, description, completed, created_at, completed_at, updated_at)
SELECT id, user_id, title, description, completed, created_at, completed_at, created_at FROM seed.tasks;

-- What the jobs would have counted and written.
INSERT INTO stats (user_id, total, completed)
SELECT user_id, count(*), count(*) FILTER (WHERE completed) FROM tasks GROUP BY user_id
ON CONFLICT (user_id) DO UPDATE SET total = excluded.total, completed = excluded.completed;

INSERT INTO notifications (user_id, id, task_id, message, created_at)
SELECT user_id,
    -- An id that sorts by the time, as Heddle's own do.
    CAST(lpad(to_hex(CAST(extract(epoch FROM created_at) * 1000 AS bigint)), 12, '0') || '7000' || '8'
        || lpad(to_hex(id), 15, '0') AS uuid),
    gen_random_uuid(), message, created_at
FROM seed.notifications;

-- The peers' read_one looks a task up by its id alone.
CREATE INDEX IF NOT EXISTS bench_tasks_id ON tasks (id);
VACUUM ANALYZE;
CHECKPOINT;
