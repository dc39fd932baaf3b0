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

-- The peers' read_one looks a task up by its id alone.
CREATE INDEX IF NOT EXISTS bench_tasks_id ON tasks (id);
VACUUM ANALYZE;
CHECKPOINT;
