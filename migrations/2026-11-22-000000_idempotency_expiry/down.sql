COMMENT ON COLUMN idempotency_keys.fingerprint IS 'SHA-256 of what was asked for: the same key with another request is refused.';
COMMENT ON COLUMN idempotency_keys.outcome IS 'The tasks the write returned, as a JSON array. Null only within the transaction that writes.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When it was done. Kept for 24 hours, then removed by the user''s next write with a key.';

ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_outcome_size;

DROP INDEX idempotency_keys_by_age;
CREATE INDEX idempotency_keys_by_created ON idempotency_keys (user_id, created_at);

DROP POLICY idempotency_keys_expired ON idempotency_keys;
REVOKE ALL ON idempotency_keys FROM tandem_sweeper;

-- The role stays: it belongs to the cluster, and other databases may use it.
DO $$
BEGIN
    EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM tandem_sweeper', current_schema());
END
$$;
