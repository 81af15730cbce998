# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# The stage of the benches; they source it, in the project's top folder. RabbitMQ, PostgreSQL (commits on disk) and the programs
# are private, in $dir, and gone at the end.

build=$PWD/build/release
bin=$build/bin
bench=$build/tests/bench
declare -A pid

stage_build() { # TARGET...
        [ -z "${ATLAS_BENCH_BUILT-}" ] || return 0
        mkdir -p build
        { { [ -f build/release/build.ninja ] || cmake --preset release; } &&
                cmake --build --preset release --target "$@"; } >build/bench.log 2>&1 ||
                { tail -n 30 build/bench.log >&2; exit 1; }
}

finish() {
        local p
        for p in "${pid[@]}"; do kill "$p" 2>/dev/null || true; done
        for p in "${pid[@]}"; do wait "$p" 2>/dev/null || true; done
        pid=()
        [ ! -d "$dir/keystone" ] || tests/support/keystone.sh remove "$dir/keystone" >/dev/null 2>&1 || true
        tests/support/broker.sh remove "$dir/rabbitmq" >/dev/null 2>&1 || true
        tests/support/postgres.sh remove "$dir/postgres" >/dev/null 2>&1 || true
        if [ -n "$keep" ]; then echo "left in $dir"; else rm -rf "$dir"; fi
}
die() {
        printf '%s: %s\n' "${0##*/}" "$*" >&2
        tail -n 5 "$dir"/*.log >&2 2>/dev/null || true
        exit 1
}

stage_folder() {
        dir=$(mktemp -d /tmp/atlas-bench-XXXXXX)
        chmod 755 "$dir"
        trap finish EXIT
        trap 'exit 1' INT TERM
}

servers_start() {
        tests/support/broker.sh start "$dir/rabbitmq"
        url=$(<"$dir/rabbitmq/url")
        db=$(ATLAS_PG_FSYNC=on tests/support/postgres.sh start "$dir/postgres")
        [ -z "${quorum-}" ] || export ATLAS_BENCH_QUORUM=1
        "$bench/link_bench" seed "$url" "$db"
        pid_postgres=$(head -n 1 "$dir/postgres/data/postmaster.pid")
        pid_rabbitmq=$(<"$dir/rabbitmq/pid")
}

conf_head() {
        printf '[DEFAULT]\ntransport_url = %s\nmetrics_port = 0\n%s\n' "$url" "$1"
        [ -z "${quorum-}" ] || printf '[oslo_messaging_rabbit]\nrabbit_quorum_queue = true\n'
}

# start NAME PROGRAM: with NAME.conf, until it says that it started.
start() {
        : >"$dir/$1.log"
        "$bin/$2" --config-file "$dir/$1.conf" >>"$dir/$1.log" 2>&1 </dev/null &
        pid[$1]=$!
        for ((i = 0; i < 200; i++)); do
                ! grep -qsE "event=(started|api.ready)" "$dir/$1.log" || return 0
                kill -0 "${pid[$1]}" 2>/dev/null || die "$1 ended"
                sleep 0.05
        done
        die "$1 did not start"
}

stop() { # NAME [SIGNAL]
        kill "-${2:-TERM}" "${pid[$1]}" 2>/dev/null || true
        wait "${pid[$1]}" 2>/dev/null || true
        unset "pid[$1]"
}

agent_conf() { # SITE GATEWAYS LATENCY_MS
        local n
        conf_head "site = $1"
        printf '[cloud]\ndriver = fake\nlatency_ms = %s\n' "$3"
        for ((n = 1; n <= $2; n++)); do
                printf '[gateway:gw-%03d]\ndriver = fake\ntype = mpls\ndomain = bench\nlatency_ms = %s\n' "$n" "$3"
                printf 'capacity_to_wan_kbps = 2000000000\ncapacity_from_wan_kbps = 2000000000\n'
        done
}

# programs_start GATEWAYS LATENCY_MS [LINES]: of each site; further lines of [conductor]
programs_start() {
        { conf_head ''; printf '[database]\nconnection = %s\n[conductor]\n%b\n' "$db" "${3-}"; } >"$dir/conductor.conf"
        agent_conf bench-a "$1" "$2" >"$dir/agent-a.conf"
        agent_conf bench-z "$1" "$2" >"$dir/agent-z.conf"
        start conductor atlas-conductor
        start agent-a atlas-agent
        start agent-z atlas-agent
        "$bench/link_bench" wait "$url" "$db" $((2 * $1))
}

### Looking at it ###

sql() { psql -qAtX -v ON_ERROR_STOP=1 -d "$db" "$@"; }
free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Milliseconds of processor a process and its children (also those that ended) used: cpu_ms PID
cpu_ms() {
        { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk -v root="$1" -v hz="$(getconf CLK_TCK)" '
                { pid = $1; sub(/^.*\) /, ""); }
                pid == root { sum += $12 + $13 + $14 + $15 }
                $2 == root { sum += $12 + $13 + $14 + $15 }
                END { printf "%d\n", sum * 1000 / hz }'
}

rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# One of a program's counters: counter NAME METRIC
counter() {
        local port
        port=$(grep -oE '(metrics_port|event=metrics port)=[0-9]+' "$dir/$1.log" | head -n 1 | grep -oE '[0-9]+$')
        curl -sf "http://127.0.0.1:$port/metrics" | awk -v m="$2" '$1 == m { print $2; exit }'
}

# The broker's own: messages that came to it and that it delivered.
broker_messages() {
        tests/support/broker.sh ctl "$dir/rabbitmq" --quiet eval \
                'lists:sum([maps:get(messages_received_total, C, 0) || C <- maps:values(rabbit_global_counters:overview())]).'
}

row() { printf '%-34s %s\n' "$1" "$2"; }
