#!/usr/bin/env bash
# Requests per second of the list of 20 through both doors, beside pgbench running the same four statements pipelined
# on the same PostgreSQL in the same run. Prints each round, then the medians and their ratios, and what each door costs
# the server in CPU time for a request, which depends less on what else the machine does.
#
#   cargo build --release && benches/throughput.sh [rounds] [seconds]
#
# Needs wrk, curl and PostgreSQL's own binaries (Debian: wrk, curl, postgresql). EMBEDDED=1 measures the embedded
# database instead, without pgbench, which needs a server.
set -euo pipefail
cd "$(dirname "$0")/.."

ROUNDS=${1:-3} SECONDS_EACH=${2:-5} CONNECTIONS=16 TASKS=20
PGBIN=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -n 1)
BIN=${BIN:-$PWD/target/release/tandem}
DIR=$(mktemp -d) PG_PORT=54399 PORT=8099
export BETTER_AUTH_SECRET=a-secret-for-measuring-only RUST_LOG=${RUST_LOG:-warn}

as_postgres() { if [ "$(id -u)" = 0 ]; then setpriv --reuid postgres --regid postgres --clear-groups "$@"; else "$@"; fi; }
cleanup() {
    # It writes until it has ended.
    [ -z "${server:-}" ] || { kill "$server" && wait "$server"; } 2> /dev/null || true
    [ ! -d "$DIR/data" ] || as_postgres "$PGBIN/pg_ctl" -D "$DIR/data" -m immediate -s stop || true
    rm -rf "$DIR"
}
trap cleanup EXIT

if [ -z "${EMBEDDED:-}" ]; then
    [ "$(id -u)" != 0 ] || chown postgres "$DIR"
    as_postgres "$PGBIN/initdb" -D "$DIR/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 > /dev/null
    as_postgres "$PGBIN/pg_ctl" -D "$DIR/data" -l "$DIR/data/log" -w -s \
        -o "-p $PG_PORT -c listen_addresses=127.0.0.1 -c unix_socket_directories=$DIR" start
    export DATABASE_URL=postgres://postgres@127.0.0.1:$PG_PORT/postgres
fi

TOKEN=$("$BIN" token --user bench)
(cd "$DIR" && exec "$BIN" --port "$PORT" > /dev/null 2> "$DIR.log") &
server=$!
URL=http://127.0.0.1:$PORT
curl -s --retry 50 --retry-connrefused --retry-delay 1 "$URL/livez" > /dev/null
for n in $(seq "$TASKS"); do
    curl -sf "$URL/api/tasks" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
        -d "{\"title\": \"Task number $n\", \"description\": \"Something to be done\"}" > /dev/null
done
[ -n "${EMBEDDED:-}" ] || "$PGBIN/psql" -q "$DATABASE_URL" -c 'VACUUM ANALYZE tasks'

COLUMNS_OF_A_TASK=user_id,id,title,description,completed,version,created_at,updated_at
cat > "$DIR/list.sql" << SQL
\\startpipeline
BEGIN READ ONLY;
SELECT set_config('role', 'tandem_api', true), set_config('app.user_id', 'bench', true);
SELECT $COLUMNS_OF_A_TASK FROM tasks WHERE user_id = 'bench' ORDER BY created_at DESC, id DESC LIMIT 21;
COMMIT;
\\endpipeline
SQL
cat > "$DIR/graphql.lua" << 'LUA'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"query":"{ tasks(limit: 20) { id title description completed version createdAt updatedAt } }"}'
LUA

load() { wrk -t1 -c"$CONNECTIONS" -d"$1s" -H "Authorization: Bearer $TOKEN" "${@:2}"; }
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000000 / hz }' "/proc/$server/stat"; }
# Requests per second, and after it microseconds of the server's CPU time for each request.
rate() {
    before=$(cpu)
    load "$SECONDS_EACH" "$@" > "$DIR/wrk"
    awk -v spent="$(($(cpu) - before))" '/requests in/ { n = $1 } /Requests\/sec/ { rate = int($2) } /Non-2xx/ { exit 1 }
        END { print rate, int(spent / n) }' "$DIR/wrk"
}
pgbench_rate() {
    "$PGBIN/pgbench" -n -M prepared -c 8 -j 1 -T "$SECONDS_EACH" -f "$DIR/list.sql" "$DATABASE_URL" 2> /dev/null |
        awk '/^tps/ { print int($3) }'
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

load 2 "$URL/api/tasks?limit=20" > /dev/null
load 2 -s "$DIR/graphql.lua" "$URL/graphql" > /dev/null
for round in $(seq "$ROUNDS"); do
    pg=0
    [ -n "${EMBEDDED:-}" ] || pg=$(pgbench_rate)
    read -r rest rest_cpu <<< "$(rate "$URL/api/tasks?limit=20")"
    read -r graphql graphql_cpu <<< "$(rate -s "$DIR/graphql.lua" "$URL/graphql")"
    echo "round $round: pgbench $pg, REST $rest, GraphQL $graphql requests/s; CPU $rest_cpu and $graphql_cpu µs"
    echo "$rest_cpu" >> "$DIR/rest_cpu"; echo "$graphql_cpu" >> "$DIR/gql_cpu"
    echo "$pg" >> "$DIR/pg"; echo "$rest" >> "$DIR/rest"; echo "$graphql" >> "$DIR/gql"
done
pg=$(median < "$DIR/pg") rest=$(median < "$DIR/rest") graphql=$(median < "$DIR/gql")
echo "median: pgbench $pg, REST $rest, GraphQL $graphql requests/s"
awk -v p="$pg" -v r="$rest" -v g="$graphql" 'BEGIN {
    if (p > 0) printf "ratio to pgbench: REST %.2f, GraphQL %.2f\n", r / p, g / p
    printf "GraphQL to REST: %.2f\n", g / r
}'
rest=$(median < "$DIR/rest_cpu") graphql=$(median < "$DIR/gql_cpu")
echo "CPU for a request: REST $rest µs, GraphQL $graphql µs"
awk -v r="$rest" -v g="$graphql" 'BEGIN { printf "GraphQL to REST: %.2f\n", g / r }'
