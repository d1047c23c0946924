#!/usr/bin/env bash
# Writes under idempotency keys by many clients through both doors of two servers, while PostgreSQL is crashed, frozen for
# 8 s and loses its backends, and a server is killed. Prints how soon writes succeed after each fault, and the memory of
# a server that runs throughout; fails if a promise is broken or memory grows.
#
#   benches/soak.sh                       10 minutes, 100 clients, a release build
#   SOAK_SECONDS=60 SOAK_CLIENTS=20 benches/soak.sh
#   PROFILE=test benches/soak.sh          without waiting for a release build
set -euo pipefail
cd "$(dirname "$0")/.."

REQUIRE_POSTGRES=1 cargo test --locked --quiet --profile "${PROFILE:-release}" --test it soak:: -- --ignored --nocapture
