#!/usr/bin/env bash
# Writes under idempotency keys by many clients through both doors of two servers, while PostgreSQL is crashed, frozen for 8 s
# and loses its backends, connections are cut at every message of a transaction, and a server is killed. Prints how soon writes
# succeed after each fault, and the memory of a server that runs throughout; fails if a promise is broken or memory grows.
# Then writes for as long again, first alone and then beside hostile clients: bodies without a token, responses that are read
# slowly or not at all, subscriptions to many changes, flooded sockets, and all connections of an address. Fails if the writes'
# 99th percentile more than doubles, or memory grows; so the machine should have nothing else to do.
#
#   benches/soak.sh                       2 x 10 minutes, 100 clients, servers of a release build
#   SOAK_SECONDS=60 SOAK_CLIENTS=20 benches/soak.sh
#   TANDEM=target/debug/tandem benches/soak.sh    servers of another build
set -euo pipefail
cd "$(dirname "$0")/.."

[ -n "${TANDEM:-}" ] || cargo build --release --no-default-features --locked --quiet
TANDEM=$(realpath "${TANDEM:-target/release/tandem}")
export TANDEM
REQUIRE_POSTGRES=1 cargo test --locked --quiet --test it soak:: -- --ignored --nocapture --test-threads 1
