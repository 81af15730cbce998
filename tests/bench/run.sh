#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What Cloud Atlas reaches on this machine, on fake drivers. Usage: tests/bench/run.sh [option...]
#
#   --links N          links of the sustained load (20000)
#   --outstanding N    calls under way at the same time (256)
#   --per-vpn N        links that share a VPN (64)
#   --named            the client names the gateways; else the conductor chooses them
#   --latency MS       what the fake drivers take for each verb (0)
#   --gateways N       of each site (32)
#   --quorum           quorum queues
#   --idle N           links created one by one for the idle latency (300)
#   --only LIST        of: load idle get rpc store (comma between; all)
#   --soak SECONDS     only our bus under load for so long: its memory must stay what it is
#   --keep             leave the folder with logs and settings
#
# RabbitMQ, PostgreSQL (commits on disk) and the programs are private, and gone at the end. With ATLAS_BENCH_HISTORY
# set, one line of JSON is added to that file.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD

links=20000 outstanding=256 per_vpn=64 how=free latency=0 gateways=32 idle=300 quorum='' keep='' soak='' only=load,idle,get,rpc,store
while [ $# -gt 0 ]; do
        case $1 in
        --links) links=$2; shift ;;
        --outstanding) outstanding=$2; shift ;;
        --per-vpn) per_vpn=$2; shift ;;
        --latency) latency=$2; shift ;;
        --gateways) gateways=$2; shift ;;
        --idle) idle=$2; shift ;;
        --only) only=$2; shift ;;
        --named) how=named ;;
        --quorum) quorum=1 ;;
        --soak) soak=$2; shift ;;
        --keep) keep=1 ;;
        -h | --help) sed -n '3,19s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "run.sh: what is \"$1\"? See --help." >&2; exit 2 ;;
        esac
        shift
done
wanted() { [[ ",$only," == *",$1,"* ]]; }

build=$root/build/release
bin=$build/bin
bench=$build/tests/bench
if [ -z "${ATLAS_BENCH_BUILT-}" ]; then
        devstack/packages.sh build test bench
        mkdir -p build
        { { [ -f build/release/build.ninja ] || cmake --preset release; } &&
                cmake --build --preset release --target atlas-conductor atlas-agent atlas-api link_bench bus_bench store_bench; } >build/bench.log 2>&1 ||
                { tail -n 30 build/bench.log >&2; exit 1; }
fi

dir=$(mktemp -d /tmp/atlas-bench-XXXXXX)
chmod 755 "$dir"
declare -A pid result
finish() {
        local p
        for p in "${pid[@]}"; do kill "$p" 2>/dev/null || true; done
        for p in "${pid[@]}"; do wait "$p" 2>/dev/null || true; done
        tests/support/broker.sh remove "$dir/rabbitmq" >/dev/null 2>&1 || true
        tests/support/postgres.sh remove "$dir/postgres" >/dev/null 2>&1 || true
        if [ -n "$keep" ]; then echo "left in $dir"; else rm -rf "$dir"; fi
}
trap finish EXIT
trap 'exit 1' INT TERM
die() {
        printf 'run.sh: %s\n' "$*" >&2
        tail -n 5 "$dir"/*.log >&2 2>/dev/null || true
        exit 1
}

### The stage ###

servers_start() {
        tests/support/broker.sh start "$dir/rabbitmq"
        url=$(<"$dir/rabbitmq/url")
        db=$(ATLAS_PG_FSYNC=on tests/support/postgres.sh start "$dir/postgres")
        [ -z "$quorum" ] || export ATLAS_BENCH_QUORUM=1
        "$bench/link_bench" seed "$url" "$db"
}

conf_head() {
        printf '[DEFAULT]\ntransport_url = %s\nmetrics_port = 0\n%s\n' "$url" "$1"
        [ -z "$quorum" ] || printf '[oslo_messaging_rabbit]\nrabbit_quorum_queue = true\n'
}

# start NAME PROGRAM: with NAME.conf, until it says that it started.
start() {
        "$bin/$2" --config-file "$dir/$1.conf" >>"$dir/$1.log" 2>&1 </dev/null &
        pid[$1]=$!
        for ((i = 0; i < 200; i++)); do
                ! grep -qsE "event=(started|api.ready)" "$dir/$1.log" || return 0
                kill -0 "${pid[$1]}" 2>/dev/null || die "$1 ended"
                sleep 0.05
        done
        die "$1 did not start"
}

agent_conf() {
        local n
        conf_head "site = $1"
        printf '[cloud]\ndriver = fake\nlatency_ms = %s\n' "$latency"
        for ((n = 1; n <= gateways; n++)); do
                printf '[gateway:gw-%03d]\ndriver = fake\ntype = mpls\ndomain = bench\nlatency_ms = %s\n' "$n" "$latency"
                printf 'capacity_to_wan_kbps = 2000000000\ncapacity_from_wan_kbps = 2000000000\n'
        done
}

programs_start() {
        { conf_head ''; printf '[database]\nconnection = %s\n%s\n' "$db" "${ATLAS_BENCH_CONDUCTOR-}"; } >"$dir/conductor.conf"
        agent_conf bench-a >"$dir/agent-a.conf"
        agent_conf bench-z >"$dir/agent-z.conf"
        start conductor atlas-conductor
        start agent-a atlas-agent
        start agent-z atlas-agent
        "$bench/link_bench" wait "$url" "$db" $((2 * gateways))
}

### Looking at it ###

sql() { psql -qAtX -d "$db" -c "$1"; }

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

pids_of_servers() {
        pid_postgres=$(head -n 1 "$dir/postgres/data/postmaster.pid")
        pid_rabbitmq=$(<"$dir/rabbitmq/pid")
}

# Everything that only grows, as NAME=VALUE lines.
snapshot() {
        local p
        for p in conductor agent-a agent-z; do
                echo "cpu_$p=$(cpu_ms "${pid[$p]}")"
                echo "published_$p=$(counter "$p" atlas_bus_published_total)"
        done
        echo "cpu_postgres=$(cpu_ms "$pid_postgres")"
        echo "cpu_rabbitmq=$(cpu_ms "$pid_rabbitmq")"
        echo "batches=$(counter conductor atlas_conductor_batches_total)"
        echo "inputs=$(counter conductor atlas_conductor_inputs_total)"
        echo "casts=$(counter conductor atlas_conductor_casts_total)"
        sql "SELECT 'commits=' || xact_commit, 'rollbacks=' || xact_rollback FROM pg_stat_database WHERE datname = current_database()" | tr '|' '\n'
        awk '/^cpu /{ t = 0; for (i = 2; i <= 9; i++) t += $i; print "cpu_all=" t "\ncpu_idle=" $5 + $6 "\ncpu_steal=" $9 }' /proc/stat
}

# What grew between two snapshots.
growth() {
        awk -F= 'NR == FNR { was[$1] = $2; next } { print $1 "=" $2 - was[$1] }' "$1" "$2"
}

### What is measured ###

take() { # NAME=VALUE lines on standard input, under a prefix
        local line
        while read -r line; do result[$1_${line%%=*}]=${line#*=}; done
}

measure_memory() {
        local p
        for p in conductor agent-a agent-z ${pid[api]:+api}; do
                result[rss_$p]=$(rss_kb "${pid[$p]}")
        done
}

measure_load() {
        local half=$((links / 10 + 1))
        "$bench/link_bench" load "$url" "$db" $((half > 1000 ? 1000 : half)) "$outstanding" "$per_vpn" "$how" >/dev/null
        snapshot >"$dir/before"
        "$bench/link_bench" load "$url" "$db" "$links" "$outstanding" "$per_vpn" "$how" >"$dir/load"
        sleep 1.2 # a server process reports what it counted once a second
        snapshot >"$dir/after"
        take load <"$dir/load"
        growth "$dir/before" "$dir/after" >"$dir/growth"
        take load <"$dir/growth"
}

measure_idle() {
        snapshot >"$dir/before"
        "$bench/link_bench" idle "$url" "$db" "$idle" >"$dir/idle"
        sleep 1.2
        snapshot >"$dir/after"
        take idle <"$dir/idle"
        growth "$dir/before" "$dir/after" >"$dir/growth"
        take idle <"$dir/growth"
}

measure_get() {
        local id port
        [ -x "$bin/atlas-api" ] || return 0
        port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        { conf_head "bind_port = $port"; printf '[database]\nconnection = %s\n' "$db"; } >"$dir/api.conf"
        [ -n "${pid[api]-}" ] || start api atlas-api
        "$bench/link_bench" load "$url" "$db" 1 1 1 free >/dev/null
        id=$(sql "SELECT id FROM vlink WHERE provisioning = 1 LIMIT 1")
        result[get_cpu_api]=-$(cpu_ms "${pid[api]}")
        result[get_cpu_postgres]=-$(cpu_ms "$pid_postgres")
        wrk -t 1 -c 32 -d 5 --latency -H 'X-Project-Id: 0f1e2d3c4b5a69788796a5b4c3d2e1f0' -H 'X-Roles: member' \
                "http://127.0.0.1:$port/v1/virtual-links/$id" >"$dir/wrk"
        ! grep -q Non-2xx "$dir/wrk" || die "GET was refused: $(cat "$dir/wrk")"
        result[get_cpu_api]=$((result[get_cpu_api] + $(cpu_ms "${pid[api]}")))
        result[get_cpu_postgres]=$((result[get_cpu_postgres] + $(cpu_ms "$pid_postgres")))
        awk '/requests in/ { print "requests=" $1 }
             /Requests\/sec/ { print "per_s=" $2 }
             $1 == "50%" || $1 == "99%" {
                     v = $2 + 0; if ($2 ~ /us$/) v /= 1000; else if ($2 !~ /ms$/) v *= 1000
                     print "p" $1 + 0 "_ms=" v }' "$dir/wrk" >"$dir/get"
        take get <"$dir/get"
}

measure_rpc() {
        tests/bench/bus_table.py ${quorum:+--quorum} --values "$dir/rpc.values" >"$dir/rpc"
        take rpc <"$dir/rpc.values"
}

measure_store() {
        [ -x "$bench/store_bench" ] || return 0
        "$bench/store_bench" >"$dir/store"
        result[store]=$(tail -n 1 "$dir/store")
}

### Telling it ###

row() { printf '%-34s %s\n' "$1" "$2"; }
per_link() { awk -v n="$1" -v l="$links" 'BEGIN { printf "%.2f", n / l }'; }

show_load() {
        local p ours=0 sent=$((result[load_published_conductor] + result[load_published_agent-a] + result[load_published_agent-z] + links))
        row "links/s to ACTIVE, sustained" "${result[load_links_per_s]} ($links links, $outstanding outstanding, $per_vpn a VPN, gateways $how, drivers $latency ms)"
        row "create to ACTIVE under that load" "p50 ${result[load_loaded_p50_ms]} ms"
        row "messages per link" "$(per_link "$sent")"
        row "commits per link" "$(per_link "${result[load_commits]}") (PostgreSQL), $(per_link "${result[load_batches]}") (batches of $(awk -v i="${result[load_inputs]}" -v b="${result[load_batches]}" 'BEGIN { printf "%.1f", i / b }') inputs), rolled back $(per_link "${result[load_rollbacks]}")"
        for p in conductor agent-a agent-z postgres rabbitmq; do
                ((ours += ${result[load_cpu_$p]}))
                row "processor per link, $p" "$(per_link "${result[load_cpu_$p]}") ms"
        done
        row "processor over the run" "$(awk -v a="${result[load_cpu_all]}" -v i="${result[load_cpu_idle]}" -v s="${result[load_cpu_steal]}" -v ours="$ours" -v hz="$(getconf CLK_TCK)" \
                'BEGIN { t = a / 100; printf "these %.1f %%, idle %.1f %%, steal %.1f %%, others %.1f %%", ours * hz / 1000 / t, i / t, s / t, (a - i - s - ours * hz / 1000) / t }') of $(nproc) cores"
}

show() {
        local p
        ! wanted load || show_load
        ! wanted idle || row "create to ACTIVE, idle" "p50 ${result[idle_active_p50_ms]} ms, p99 ${result[idle_active_p99_ms]} ms (reply: ${result[idle_reply_p50_ms]}, ${result[idle_reply_p99_ms]})"
        if [ -n "${result[get_per_s]-}" ]; then
                row "GET one link" "${result[get_per_s]}/s, p99 ${result[get_p99_ms]} ms"
                row "processor per GET" "$(awk -v a="${result[get_cpu_api]}" -v p="${result[get_cpu_postgres]}" -v n="${result[get_requests]}" \
                        'BEGIN { printf "api %.0f us, postgres %.0f us", 1000 * a / n, 1000 * p / n }')"
        fi
        ! wanted rpc || cat "$dir/rpc"
        [ -z "${result[store]-}" ] || row "store alone" "${result[store]#store }"
        for p in conductor agent-a agent-z api; do
                [ -z "${result[rss_$p]-}" ] || row "memory idle, $p" "$(awk -v kb="${result[rss_$p]}" 'BEGIN { printf "%.1f MiB", kb / 1024 }')"
        done
}

history() {
        local k
        [ -n "${ATLAS_BENCH_HISTORY-}" ] || return 0
        for k in "${!result[@]}"; do printf '%s\t%s\n' "$k" "${result[$k]}"; done | sort |
                jq -cRn --arg commit "$(git describe --always --dirty)" --arg at "$(date -u +%FT%TZ)" --arg cores "$(nproc)" \
                        --arg links "$links" --arg outstanding "$outstanding" --arg per_vpn "$per_vpn" --arg how "$how" \
                        --arg latency "$latency" --arg gateways "$gateways" --arg queues "${quorum:+quorum}" \
                        '$ARGS.named + ([inputs | split("\t") | {(.[0]): (.[1] | tonumber? // .)}] | add // {})' >>"$ATLAS_BENCH_HISTORY"
}

if [ -n "$soak" ]; then
        tests/bench/bus_table.py --soak "$soak"
        exit
fi
if wanted load || wanted idle || wanted get; then
        servers_start
        pids_of_servers
        programs_start
        measure_memory
        ! wanted idle || measure_idle
        ! wanted load || measure_load
        ! wanted get || measure_get
fi
! wanted rpc || measure_rpc
! wanted store || measure_store
show
history
