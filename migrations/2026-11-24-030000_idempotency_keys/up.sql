CREATE DOMAIN idempotency_key AS text
    CONSTRAINT idempotency_key_length CHECK (octet_length(VALUE) BETWEEN 1 AND 255);
CREATE DOMAIN idempotency_outcome AS jsonb
    CONSTRAINT idempotency_outcome_size CHECK (pg_column_size(VALUE) <= 1048576);

COMMENT ON DOMAIN idempotency_key IS '1 to 255 bytes.';
COMMENT ON DOMAIN idempotency_outcome IS 'At most 1 MiB.';

CREATE TABLE idempotency_keys (
    user_id     text            COLLATE "C" NOT NULL,
    key         idempotency_key NOT NULL,
    part        integer         NOT NULL,
    fingerprint bytea           NOT NULL,
    outcome     idempotency_outcome,
    created_at  timestamptz     NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key, part)
);

COMMENT ON TABLE idempotency_keys IS 'Writes done under clients'' idempotency keys, so that a retried request is answered instead of repeated. Every row belongs to one user; row-level security is forced.';
COMMENT ON COLUMN idempotency_keys.user_id IS 'The owner of the key, as in tasks.';
COMMENT ON COLUMN idempotency_keys.key IS 'The Idempotency-Key header: 1 to 255 visible ASCII characters.';
COMMENT ON COLUMN idempotency_keys.part IS 'Which write of the request: 0 for REST, numbered across the whole request for GraphQL.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'A format byte, then the SHA-256 of the request. Reusing the key for a different request is refused.';
COMMENT ON COLUMN idempotency_keys.outcome IS 'What the write returned, as a JSON array, at most 1 MiB. Null only within the transaction that writes.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When the write was done. The key expires after 24 hours, and is then removed in the background.';

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

GRANT SELECT, INSERT, DELETE ON idempotency_keys TO tandem_api;
GRANT UPDATE (outcome) ON idempotency_keys TO tandem_api;
-- The sweeper can't read what was asked for or answered.
GRANT SELECT (user_id, key, part, created_at), DELETE ON idempotency_keys TO tandem_sweeper;

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;

CREATE POLICY idempotency_keys_of_current_user ON idempotency_keys
    USING (user_id = nullif(current_setting('app.user_id', true), ''))
    WITH CHECK (user_id = nullif(current_setting('app.user_id', true), ''));

-- The login is a member of the role and must not see more because of that: hence the condition.
CREATE POLICY idempotency_keys_expired ON idempotency_keys TO tandem_sweeper
    USING (current_user = 'tandem_sweeper' AND created_at < now() - interval '24 hours')
    WITH CHECK (false);

COMMENT ON POLICY idempotency_keys_of_current_user ON idempotency_keys IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing.';
COMMENT ON POLICY idempotency_keys_expired ON idempotency_keys IS 'Expired keys of all users, to be deleted.';
