-- The two logins of docs/OPERATIONS.md: the owner of the tables, who migrates, and the one that serves, which can become the
-- roles that requests run as and do nothing else. Neither is a superuser. Running this again sets the passwords again.
\set ON_ERROR_STOP on
\set owner_password `cat /run/secrets/owner_password`
\set server_password `cat /run/secrets/server_password`

-- The migrations would create the last three, but the login that serves is to be a member of them from the start.
SELECT format('CREATE ROLE %I %s', name, rights)
FROM (VALUES ('tandem_owner', 'LOGIN CREATEROLE'), ('tandem_server', 'LOGIN NOINHERIT'),
             ('tandem_api', 'NOLOGIN'), ('tandem_feed', 'NOLOGIN'), ('tandem_sweeper', 'NOLOGIN')) roles (name, rights)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE tandem_owner PASSWORD :'owner_password';
ALTER ROLE tandem_server PASSWORD :'server_password';
GRANT tandem_api, tandem_feed, tandem_sweeper TO tandem_owner WITH ADMIN OPTION;
GRANT tandem_api, tandem_feed, tandem_sweeper TO tandem_server;
ALTER DATABASE tandem OWNER TO tandem_owner;
