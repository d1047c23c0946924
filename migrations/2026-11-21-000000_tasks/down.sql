-- The role stays: it belongs to the cluster, and other databases may use it.
DROP TABLE tasks;

DO $$
BEGIN
    EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM tandem_api', current_schema());
END
$$;
