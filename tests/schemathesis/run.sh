#!/usr/bin/env bash
# Fuzzes a running server by its own OpenAPI document, with TANDEM_TOKEN, a token of the user demo: run.sh <url>
# Each prefix for itself: a task that was deleted under one of them is gone from the others too, which looks like a fault.
set -euo pipefail
cd "$(dirname "$0")"
export PYTHONPATH=. SCHEMATHESIS_HOOKS=hooks
for prefix in '^/api/tasks' '^/api/v1/tasks' '^/api/\{user_id\}/tasks' '^/api/me'; do
    schemathesis run "$1/openapi.json" --include-path-regex "$prefix" --max-examples "${MAX_EXAMPLES:-30}" --seed "${SEED:-1}"
done
