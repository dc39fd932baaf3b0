-- What users have uploaded. The bytes are elsewhere, under the id in blob, which is another one with every upload: a row
-- never points to bytes that change.
CREATE TABLE files (
    user_id      text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- In Unicode's form C.
    name         text        NOT NULL,
    blob         uuid        NOT NULL,
    size         bigint      NOT NULL CHECK (size >= 0),
    sha256       bytea       NOT NULL,
    content_type text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, name)
);

CREATE INDEX files_created ON files (user_id, created_at DESC, blob DESC);
-- For the sweep, which has a blob and asks whose it is. Not unique, or the table could not be distributed by its owner.
CREATE INDEX files_blob ON files (blob);

-- How much of it each has, changed with every file; whoever changes it holds the row, so quotas are kept to the byte.
CREATE TABLE file_usage (
    user_id text   PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    files   bigint NOT NULL DEFAULT 0,
    bytes   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- An import is one entry, and about no single task.
ALTER TABLE activity ALTER COLUMN task_id DROP NOT NULL;
