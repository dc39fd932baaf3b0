-- The queue of the background jobs, one table per lane: what works on this database, and what waits for others. The columns
-- up to priority are those that db-scheduler expects; task_name is the kind, task_instance the job's id.
CREATE TABLE jobs (
    task_name            text        NOT NULL,
    task_instance        text        NOT NULL,
    task_data            bytea,
    execution_time       timestamptz NOT NULL,
    picked               boolean     NOT NULL DEFAULT false,
    picked_by            text,
    last_success         timestamptz,
    last_failure         timestamptz,
    consecutive_failures integer,
    last_heartbeat       timestamptz,
    version              bigint      NOT NULL DEFAULT 1,
    priority             smallint,
    -- Ours: what the job is about, when it was enqueued (the time within its id), how its last attempt failed.
    data                 jsonb       NOT NULL DEFAULT '{}',
    created_at           timestamptz NOT NULL DEFAULT now(),
    last_error           text,
    PRIMARY KEY (task_name, task_instance)
    -- Rows come and go: room for the new version of a row on its page, and a vacuum before the table has doubled.
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

CREATE INDEX jobs_due ON jobs (execution_time);
CREATE INDEX jobs_alive ON jobs (last_heartbeat) WHERE last_heartbeat IS NOT NULL;

CREATE TABLE outbound_jobs (LIKE jobs INCLUDING ALL);
ALTER TABLE outbound_jobs
    SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

-- Jobs that have used up their attempts.
CREATE TABLE dead_jobs (
    id         uuid        PRIMARY KEY,
    kind       text        NOT NULL,
    data       jsonb       NOT NULL,
    attempts   integer     NOT NULL,
    last_error text        NOT NULL,
    created_at timestamptz NOT NULL,
    died_at    timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX dead_jobs_died ON dead_jobs (died_at);

-- Whatever has not had its effect yet.
CREATE VIEW unfinished_jobs AS
    SELECT task_name AS kind, data FROM jobs
    UNION ALL SELECT task_name, data FROM outbound_jobs
    UNION ALL SELECT kind, data FROM dead_jobs;

-- The id of what a job writes is the job's own: it cannot be written twice, and it sorts by time.
CREATE TABLE notifications (
    user_id    text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id         uuid        NOT NULL,
    task_id    uuid        NOT NULL,
    message    text        NOT NULL,
    created_at timestamptz NOT NULL,
    read_at    timestamptz,
    PRIMARY KEY (user_id, id)
);

CREATE INDEX notifications_unread ON notifications (user_id, id) WHERE read_at IS NULL;

CREATE TABLE activity (
    user_id    text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id         uuid        NOT NULL,
    task_id    uuid        NOT NULL,
    action     text        NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id)
);

CREATE INDEX activity_task ON activity (user_id, task_id, id);
-- For the sweep: the log is written in the order of time.
CREATE INDEX activity_created ON activity USING brin (created_at);

-- Changed with every completion: room for the new version of a row on its page.
CREATE TABLE stats (
    user_id    text        PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    total      bigint      NOT NULL DEFAULT 0,
    completed  bigint      NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

INSERT INTO stats (user_id, total, completed)
    SELECT user_id, count(*), count(*) FILTER (WHERE completed) FROM tasks GROUP BY user_id;
