#!/usr/bin/env bash
# Runs Heddle beside its peers with their harness and leaves the tables in bench/out, and with KEEP=<name> in bench/<name>.md.
#   JAVA_HOME=<JDK 25> bench/peers.sh [harness options] [peer ...]        e.g.  --secs 4 --workloads read_one vertx spring
# PEERS names the harness's folder (default ../shared/peers beside this checkout); its peers must have been built.
# Heddle runs with authentication, without the access log (the peers have neither), on the harness's database. Its rate
# limits count, and are higher than what the harness asks.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${JAVA_HOME:?set JAVA_HOME to a JDK 25}"
peers=${PEERS:-$PWD/../shared/peers}
work=${PEERS_WORK:-/tmp/peers-bench}
out=${OUT:-$PWD/bench/out}
mkdir -p "$work" "$out"

# As it is delivered: the runtime image, with the heap of the peers. SKIP_BUILD=1 takes the one that is there.
[ -n "${SKIP_BUILD:-}" ] || mvn -q -B -Pdist -DskipTests package
heddle=$PWD/target/heddle/bin/heddle
# The harness's stub as upstreams. Nothing is kept, but identical calls at once are one: see bench/README.md.
cat > "$work/heddle.yaml" <<YAML
upstreams:
  stub: {url: "http://127.0.0.1:18480", stale-if-error: 0s, resources: {json: /json}}
  tasks: {url: "http://127.0.0.1:18480", stale-if-error: 0s, resources: {delay-tasks: "/delay/20?tasks"}}
  users: {url: "http://127.0.0.1:18480", stale-if-error: 0s, resources: {delay-users: "/delay/20?users"}}
  stats: {url: "http://127.0.0.1:18480", stale-if-error: 0s, resources: {delay-stats: "/delay/20?stats"}}
dashboards:
  aggregate:
    tasks: {source: delay-tasks, timeout: 2s, default: []}
    users: {source: delay-users, timeout: 3s, default: []}
    stats: {source: delay-stats, timeout: 1s, default: {}}
batch:
  allow: http://127.0.0.1:18480
  private-networks: 127.0.0.0/8
YAML
cat > "$work/heddle.sh" <<SH
#!/bin/sh
export SERVER_PORT=\$PORT ADMIN_PORT=0 LOG_ACCESS=false RATE_LIMIT_TOKEN=1000000 RATE_LIMIT_TOKEN_BURST=10000000 RATE_LIMIT_ADDRESS=1000000 RATE_LIMIT_ADDRESS_BURST=10000000 DATA_DIRECTORY=$work/heddle-data
export DATABASE_MODE=external DATABASE_URL='jdbc:postgresql://'\$DB_HOST:\$DB_PORT/\$DB_NAME'?currentSchema=public' DATABASE_USERNAME=\$DB_USER DATABASE_PASSWORD=\$DB_PASS
export HEDDLE_JAVA_OPTS="${PEERS_JVM_OPTS:--Xms512m -Xmx512m} ${HEDDLE_JVM_OPTS:-}"
exec $heddle --config $work/heddle.yaml
SH
chmod +x "$work/heddle.sh"

# Runs a command while Heddle serves.
serve_while() {
  PORT=18099 DB_HOST=127.0.0.1 DB_PORT=55432 DB_NAME=bench DB_USER=bench DB_PASS=bench "$work/heddle.sh" > "$work/heddle-prepare.log" 2>&1 &
  pid=$!
  for _ in $(seq 300); do grep -q 'is ready' "$work/heddle-prepare.log" && break; sleep 0.1; done
  "$@"
  kill "$pid"; wait "$pid" || true
}

# The harness seeds its database and leaves it up.
"$peers/run.sh" --verify-only --keep-pg --starts 1 --workloads hash vertx >/dev/null
psql() { command psql -qAtX -v ON_ERROR_STOP=1 -h 127.0.0.1 -p 55432 -U bench -d bench "$@"; }
export PGPASSWORD=bench
postgres=$(psql -c 'SHOW server_version')
if [ "$(psql -c "SELECT to_regclass('seed.tasks') IS NULL")" = t ]; then
  psql -c 'CREATE SCHEMA seed; ALTER TABLE tasks SET SCHEMA seed'
  notes=$(psql -c "SELECT to_regclass('public.notifications') IS NOT NULL")
  [ "$notes" = t ] && psql -c 'ALTER TABLE notifications SET SCHEMA seed'
  serve_while true
  psql -f bench/prepare.sql
fi
# The file that is downloaded; as user-1, whose token is made below like all.
serve_while curl -sS -o /dev/null -w '%{http_code}\n' -H "Authorization: Bearer hdl_$(printf '%-43s' user-1 | tr ' ' x)" \
  -F "file=@$work/files/big-256m.bin" 'http://127.0.0.1:18099/upload?overwrite=true'

# The peers' notifications have another form than Heddle's, which names its schema: to them the seeded ones come first.
psql -c 'CREATE SCHEMA IF NOT EXISTS peer; CREATE OR REPLACE VIEW peer.notifications AS TABLE seed.notifications;
  ALTER ROLE bench SET search_path = peer, public'

python3 - "$work" <<'PY'
import json, sys
work = sys.argv[1]
tokens = {u: "hdl_" + u.ljust(43, "x") for u in [f"user-{n}" for n in range(1000)] + [f"ins-{n}" for n in range(200)]}
json.dump({"name": "heddle", "port": 18090, "cwd": ".", "start": work + "/heddle.sh", "warm": 50, "tokens": tokens,
           "token": tokens["user-17"], "loose": ["dashboard", "batch", "upload"],
           "paths": {"upload": "/upload?overwrite=true"}}, open(work + "/heddle.json", "w"))
PY
# The mails of earlier runs, out of the way and removed afterwards: for minutes after many files have been deleted, ext4 is slow
# to make new ones.
[ ! -d "$work/heddle-data/mail" ] || mv "$work/heddle-data/mail" "$work/mails-$(date +%s)"
"$peers/run.sh" --extra "$work/heddle.json" --out "$out" "$@"
rm -rf "$work"/mails-*

# Kept under a name of its own when there is one: KEEP=2026-11-26-peers.
if [ -n "${KEEP:-}" ]; then
  version=$(git describe --always --dirty)
  {
    printf '# Heddle beside its peers\n\n`bench/peers.sh %s`\n\n' "$*"
    printf 'Heddle %s as its runtime image, tokens checked, jobs durable, rates counted. %s. %s.\n\n' \
      "$version" "$("$JAVA_HOME/bin/java" -version 2>&1 | sed -n 2p)" "$postgres"
    cat "$out/results.md"
  } > "bench/$KEEP.md"
fi
