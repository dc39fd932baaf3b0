-- Every key of user data begins with user_id, so that the tables can later be distributed by it.

-- Lets one GIN index hold the owner and the labels. A trusted extension: the owner of the database may create it.
CREATE EXTENSION IF NOT EXISTS btree_gin;

CREATE TABLE users (
    id         text        PRIMARY KEY,
    email      text        NOT NULL,
    name       text        NOT NULL,
    role       text        NOT NULL CHECK (role IN ('user', 'admin')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX users_email ON users (lower(email));
CREATE INDEX users_created ON users (created_at DESC, id DESC);

CREATE TABLE tokens (
    user_id    text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id         uuid        NOT NULL,
    name       text        NOT NULL,
    scopes     text[]      NOT NULL,
    -- SHA-256 of the token's text; the text itself is 256 random bits and is stored nowhere.
    digest     bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    PRIMARY KEY (user_id, id)
);

CREATE UNIQUE INDEX tokens_digest ON tokens (digest);

CREATE TABLE tasks (
    user_id      text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id           uuid        NOT NULL,
    title        text        NOT NULL,
    description  text,
    completed    boolean     NOT NULL DEFAULT false,
    completed_at timestamptz,
    priority     smallint    NOT NULL DEFAULT 0,
    labels       text[]      NOT NULL DEFAULT '{}',
    due_at       timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    version      bigint      NOT NULL DEFAULT 1,
    PRIMARY KEY (user_id, id),
    CHECK (completed = (completed_at IS NOT NULL))
);

-- The list, newest first, and its most frequent filter. Both also serve the count. The due date at the end lets a list by
-- it skip rows without reading them.
CREATE INDEX tasks_created ON tasks (user_id, created_at DESC, id DESC, due_at);
CREATE INDEX tasks_open ON tasks (user_id, completed, created_at DESC, id DESC);
-- The rarer filters. Partial, so that a task without label, priority or date costs nothing here. No fastupdate: it would
-- put labels on a pending list that every reader has to walk until the next vacuum.
CREATE INDEX tasks_priority ON tasks (user_id, priority, created_at DESC, id DESC) WHERE priority > 0;
CREATE INDEX tasks_labels ON tasks USING gin (user_id, labels) WITH (fastupdate = off) WHERE labels <> '{}';
CREATE INDEX tasks_due ON tasks (user_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE idempotency_keys (
    user_id     text        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key         text        NOT NULL,
    fingerprint text        NOT NULL,
    status      integer     NOT NULL,
    headers     text[]      NOT NULL,
    body        bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);

CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
