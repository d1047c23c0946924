-- The collation that the other tables' user ids have: a distributed database keeps rows of one user together only if it is the
-- same everywhere, and comparing takes less time.
DROP POLICY idempotency_keys_of_current_user ON idempotency_keys;

ALTER TABLE idempotency_keys ALTER COLUMN user_id TYPE text COLLATE "C";

CREATE POLICY idempotency_keys_of_current_user ON idempotency_keys
    USING (user_id = current_setting('app.user_id', true))
    WITH CHECK (user_id = current_setting('app.user_id', true));

COMMENT ON POLICY idempotency_keys_of_current_user ON idempotency_keys IS
    'Only the rows of the user the transaction speaks for. Unset or empty matches nothing: user_id is never empty.';
