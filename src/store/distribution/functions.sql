-- Citus hands on what SET sets, not what set_config does, and here it is told to.
CREATE OR REPLACE FUNCTION tandem_lock(speaker text) RETURNS text LANGUAGE plpgsql VOLATILE
    SET citus.propagate_set_commands = 'local'
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(speaker, 8241978302147713));
    EXECUTE 'SET LOCAL app.position = ' || tandem_next_position();
    EXECUTE 'SET LOCAL app.time = ' || quote_literal(to_jsonb(now()) #>> '{}');
    RETURN current_setting('app.position');
END
$$;

-- now() would be another time on another server.
CREATE OR REPLACE FUNCTION tandem_time() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('app.time')::timestamptz $$;

-- Citus finds the shard of a statement with subqueries only in a plan for known values.
CREATE OR REPLACE FUNCTION tandem_speak_for(speaker text) RETURNS text LANGUAGE plpgsql VOLATILE
    SET citus.propagate_set_commands = 'local'
    AS $$
BEGIN
    EXECUTE 'SET LOCAL app.user_id = ' || quote_literal(speaker);
    PERFORM set_config('plan_cache_mode', 'auto', true);
    RETURN speaker;
END
$$;

-- Citus connects to the other servers as the role that a transaction has become. They have no passwords: pg_hba.conf
-- admits them, from the cluster's own servers and from nowhere else.
SET LOCAL citus.enable_alter_role_propagation = on;

DO $$
DECLARE
    role name;
BEGIN
    FOR role IN SELECT rolname FROM pg_roles
        WHERE rolname IN ('tandem_api', 'tandem_feed', 'tandem_sweeper') AND NOT rolcanlogin ORDER BY rolname
    LOOP
        EXECUTE format('ALTER ROLE %I LOGIN', role);
    END LOOP;
END
$$;
