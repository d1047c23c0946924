-- Expired keys are removed in the background, by a role that can do nothing else.
-- Roles belong to the cluster: another database may be creating this one at the same moment.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tandem_sweeper') THEN
        CREATE ROLE tandem_sweeper NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

-- Lets the connecting role become tandem_sweeper. PostgreSQL 16 split membership into inheriting and switching.
DO $$
DECLARE
    may_switch boolean;
BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        EXECUTE 'SELECT pg_has_role(current_user, ''tandem_sweeper'', ''SET'')' INTO may_switch;
        IF NOT may_switch THEN
            EXECUTE format('GRANT tandem_sweeper TO %I WITH SET TRUE, INHERIT FALSE', current_user);
        END IF;
    ELSIF NOT pg_has_role(current_user, 'tandem_sweeper', 'MEMBER') THEN
        EXECUTE format('GRANT tandem_sweeper TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation THEN
    NULL;
END
$$;

DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO tandem_sweeper', current_schema());
END
$$;

-- It can't read what was asked for or answered.
GRANT SELECT (user_id, key, part, created_at), DELETE ON idempotency_keys TO tandem_sweeper;

CREATE POLICY idempotency_keys_expired ON idempotency_keys TO tandem_sweeper
    USING (created_at < now() - interval '24 hours')
    WITH CHECK (false);

COMMENT ON POLICY idempotency_keys_expired ON idempotency_keys IS 'Expired keys of all users, to be deleted.';

DROP INDEX idempotency_keys_by_created;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- A hundred tasks of the longest texts take half of it.
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_outcome_size CHECK (pg_column_size(outcome) <= 1048576);

COMMENT ON COLUMN idempotency_keys.fingerprint IS 'A byte for the format, then the SHA-256 of what was asked for: the same key with another request is refused.';
COMMENT ON COLUMN idempotency_keys.outcome IS 'What the write returned, as a JSON array, at most 1 MiB. Null only within the transaction that writes.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When it was done. It expires after 24 hours, and is then removed in the background.';
