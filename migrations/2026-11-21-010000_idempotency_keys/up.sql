CREATE TABLE idempotency_keys (
    user_id     text        NOT NULL,
    key         text        NOT NULL,
    part        integer     NOT NULL,
    fingerprint bytea       NOT NULL,
    outcome     jsonb,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key, part),
    CONSTRAINT idempotency_keys_user_id_length CHECK (octet_length(user_id) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_key_length     CHECK (octet_length(key) BETWEEN 1 AND 255)
);

COMMENT ON TABLE idempotency_keys IS 'Writes that were done under a key of the client''s, so that a repeated request is answered and not done again. Every row belongs to one user; row-level security is forced.';
COMMENT ON COLUMN idempotency_keys.user_id IS 'Whose key it is, as in tasks.';
COMMENT ON COLUMN idempotency_keys.key IS 'The Idempotency-Key header: 1 to 255 visible ASCII characters.';
COMMENT ON COLUMN idempotency_keys.part IS 'Which write of the request: 0 for REST, counted through for GraphQL.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'SHA-256 of what was asked for: the same key with another request is refused.';
COMMENT ON COLUMN idempotency_keys.outcome IS 'The tasks the write returned, as a JSON array. Null only within the transaction that writes.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When it was done. Kept for 24 hours, then removed by the user''s next write with a key.';

CREATE INDEX idempotency_keys_by_created ON idempotency_keys (user_id, created_at);

GRANT SELECT, INSERT, DELETE ON idempotency_keys TO tandem_api;
GRANT UPDATE (outcome) ON idempotency_keys TO tandem_api;

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;

CREATE POLICY idempotency_keys_of_current_user ON idempotency_keys
    USING (user_id = current_setting('app.user_id', true))
    WITH CHECK (user_id = current_setting('app.user_id', true));

COMMENT ON POLICY idempotency_keys_of_current_user ON idempotency_keys IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing: user_id is never empty.';
