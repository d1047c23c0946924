DROP TABLE idempotency_keys;
DROP DOMAIN idempotency_key, idempotency_outcome;
