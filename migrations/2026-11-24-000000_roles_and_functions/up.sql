-- tandem_api runs the requests, tandem_feed polls for changes, tandem_sweeper removes what has expired. Roles belong to the
-- cluster: they may exist, and other databases may be creating them or granting them at the same moment.
DO $$
DECLARE
    role name;
    privilege text := 'MEMBER';
    options text := '';
BEGIN
    -- PostgreSQL 16 split membership: the login is to switch to the roles, not to inherit what they may do.
    IF current_setting('server_version_num')::int >= 160000 THEN
        privilege := 'SET';
        options := 'WITH SET TRUE, INHERIT FALSE';
    END IF;
    FOREACH role IN ARRAY ARRAY['tandem_api', 'tandem_feed', 'tandem_sweeper'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', role);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        BEGIN
            IF NOT pg_has_role(current_user, role, privilege) THEN
                EXECUTE format('GRANT %I TO %I %s', role, current_user, options);
            END IF;
        EXCEPTION WHEN unique_violation THEN
            NULL;
        END;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role);
    END LOOP;
END
$$;

-- Every write draws from it. No CACHE: each connection would draw from a stock of its own, and positions would not grow.
CREATE SEQUENCE feed_positions;

COMMENT ON SEQUENCE feed_positions IS
    'The last position given to a change. If rows were copied without it, `tandem feed reset` sets it.';

GRANT USAGE ON SEQUENCE feed_positions TO tandem_api;

-- Functions, because Citus needs other bodies for some of them: src/store/distribution/functions.sql. On a single server the
-- planner inlines them.
CREATE FUNCTION tandem_speak_for(speaker text) RETURNS text LANGUAGE sql VOLATILE
    AS $$ SELECT set_config('app.user_id', speaker, true) $$;

COMMENT ON FUNCTION tandem_speak_for IS 'Sets the user the transaction speaks for, until it ends.';

CREATE FUNCTION tandem_next_position() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT nextval('feed_positions') $$;

COMMENT ON FUNCTION tandem_next_position IS 'A position greater than all that were drawn before.';

-- The seed of the hash is an arbitrary number that only this project uses.
CREATE FUNCTION tandem_lock(speaker text) RETURNS text LANGUAGE sql VOLATILE
    AS $$ SELECT CASE WHEN pg_advisory_xact_lock(hashtextextended(speaker, 8241978302147713)) IS NOT NULL
                      THEN set_config('app.position', tandem_next_position()::text, true) END $$;

COMMENT ON FUNCTION tandem_lock IS
    'Takes the user''s lock until the transaction ends, so that the user''s changes become visible in the order of their '
    'positions; then draws the position of what the transaction changes.';

CREATE FUNCTION tandem_position() RETURNS bigint LANGUAGE sql STABLE
    AS $$ SELECT current_setting('app.position')::bigint $$;

COMMENT ON FUNCTION tandem_position IS 'The position of what this transaction changes, which tandem_lock has drawn.';

CREATE FUNCTION tandem_time() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT now() $$;

COMMENT ON FUNCTION tandem_time IS 'The time of this transaction, the same in all its statements.';

GRANT EXECUTE ON FUNCTION tandem_speak_for, tandem_lock, tandem_next_position, tandem_position, tandem_time TO PUBLIC;
