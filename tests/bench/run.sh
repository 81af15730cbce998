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
#   --table            the load on classic and on quorum queues, with drivers of 0, 50 and 500 ms
#   --idle N           links created one by one for the idle latency (300)
#   --only LIST        of: load idle get rpc store (comma between; all)
#   --soak SECONDS     only our bus under load for so long: its memory must stay what it is
#   --keep             leave the folder with logs and settings
#
# RabbitMQ, PostgreSQL (commits on disk) and the programs are private, and gone at the end. With ATLAS_BENCH_HISTORY
# set, one line of JSON is added to that file.
set -euo pipefail
cd "$(dirname "$0")/../.."

links=20000 outstanding=256 per_vpn=64 how=free latency=0 gateways=32 idle=300 quorum='' keep='' soak='' table='' only=load,idle,get,rpc,store
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
        --table) table=1 ;;
        --soak) soak=$2; shift ;;
        --keep) keep=1 ;;
        -h | --help) sed -n '3,20s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "run.sh: what is \"$1\"? See --help." >&2; exit 2 ;;
        esac
        shift
done
queues=classic
[ -z "$quorum" ] || queues=quorum
wanted() { [[ ",$only," == *",$1,"* ]]; }

. tests/bench/stage.sh
devstack/packages.sh build test bench
stage_build atlas-conductor atlas-agent atlas-api link_bench bus_bench store_bench
stage_folder
declare -A result

### Looking at it ###

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
        echo "messages=$(broker_messages)"
        sql -c "SELECT 'commits=' || xact_commit, 'rollbacks=' || xact_rollback FROM pg_stat_database WHERE datname = current_database()" | tr '|' '\n'
        sql -c "SELECT 'updated=' || n_tup_upd, 'hot=' || n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'operation'" | tr '|' '\n'
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

# What nothing of ours could pass: PostgreSQL with the same rows by pgbench, RabbitMQ with as many messages by rabbitmq-c.
measure_floor() {
        local batch=64 times=$((links / 64 / 4 + 1)) before p
        for p in conductor agent-a agent-z; do stop "$p"; done
        before=$(cpu_ms "$pid_postgres")
        PGOPTIONS='-c client_min_messages=warning' pgbench -n -c 1 -t "$times" -D n=$batch -f tests/bench/floor.sql "$db" >"$dir/floor" 2>&1
        sleep 0.2
        awk -v n="$batch" -v t="$times" -v ms="$(($(cpu_ms "$pid_postgres") - before))" \
                '/^tps/ { printf "links_per_s=%.0f\ncpu_ms=%.2f\n", $3 * n, ms / n / t }' "$dir/floor" >"$dir/floor.values"
        echo "bare cast 256 20000" | "$bench/bus_bench" "$url" | awk '{ printf "messages_per_s=%.0f\n", $1 }' >>"$dir/floor.values"
        take floor <"$dir/floor.values"
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
        port=$(free_port)
        { conf_head "bind_port = $port"; printf '[database]\nconnection = %s\n' "$db"; } >"$dir/api.conf"
        [ -n "${pid[api]-}" ] || start api atlas-api
        "$bench/link_bench" load "$url" "$db" 1 1 1 free >/dev/null
        id=$(sql -c "SELECT id FROM vlink WHERE provisioning = 1 LIMIT 1")
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

per_link() { awk -v n="$1" -v l="$links" 'BEGIN { printf "%.2f", n / l }'; }

# What the design allows for k ports a command and N inputs a commit, heartbeats and hints apart.
show_load() {
        local p ours=0
        row "links/s to ACTIVE, sustained" "${result[load_links_per_s]} ($links links in ${result[load_seconds]} s, $outstanding outstanding, $per_vpn a VPN, $gateways gateways a site, $how, drivers $latency ms, $queues queues)"
        row "create to ACTIVE under that load" "p50 ${result[load_loaded_p50_ms]} ms"
        awk -v l="$links" -v casts="${result[load_casts]}" -v inputs="${result[load_inputs]}" -v batches="${result[load_batches]}" \
                -v commits="${result[load_commits]}" -v messages="${result[load_messages]}" -v rollbacks="${result[load_rollbacks]}" \
                -v updated="${result[load_updated]}" -v hot="${result[load_hot]}" -v rate="${result[load_links_per_s]}" \
                -v pg="${result[floor_links_per_s]}" -v pg_ms="${result[floor_cpu_ms]}" -v bare="${result[floor_messages_per_s]}" 'function row(name, text) { printf "%-34s %s\n", name, text }
                BEGIN {
                        k = 2 * l / casts; n = inputs / batches
                        row("ports per command, inputs per commit", sprintf("k = %.1f, N = %.1f", k, n))
                        row("messages per link", sprintf("%.2f by the broker (goal: 2 + 4/k = %.2f)", messages / l, 2 + 4 / k))
                        row("commits per link", sprintf("%.3f by PostgreSQL, rolled back %.3f (goal: (1 + 2/k)/N = %.3f)", commits / l, rollbacks / l, (1 + 2 / k) / n))
                        row("the floor", sprintf("PostgreSQL alone: %.0f links/s at %.2f ms of its processor (ours/floor %.2f); RabbitMQ alone: %.0f links/s (ours/floor %.2f)",
                                pg, pg_ms, rate / pg, bare * l / messages, rate / (bare * l / messages)))
                        row("HOT updates of operations", sprintf("%.1f %% of %d", updated ? 100 * hot / updated : 0, updated))
                }'
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
                        --arg latency "$latency" --arg gateways "$gateways" --arg queues "$queues" \
                        '$ARGS.named + ([inputs | split("\t") | {(.[0]): (.[1] | tonumber? // .)}] | add // {})' >>"$ATLAS_BENCH_HISTORY"
}

if [ -n "$table" ]; then
        export ATLAS_BENCH_BUILT=1
        for how_queued in '' --quorum; do
                for ms in 0 50 500; do
                        tests/bench/run.sh --only load --links "$links" --gateways "$gateways" --latency "$ms" $how_queued
                        echo
                done
        done
        exit
fi
if [ -n "$soak" ]; then
        tests/bench/bus_table.py --soak "$soak"
        exit
fi
if wanted load || wanted idle || wanted get; then
        servers_start
        programs_start "$gateways" "$latency" "${ATLAS_BENCH_CONDUCTOR-}"
        measure_memory
        ! wanted idle || measure_idle
        ! wanted load || measure_load
        ! wanted get || measure_get
        ! wanted load || measure_floor
fi
! wanted rpc || measure_rpc
! wanted store || measure_store
show
history
