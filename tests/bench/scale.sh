#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What many links, many open operations and many agents cost, on fake drivers. Usage: tests/bench/scale.sh [option...]
#
#   --levels LIST      numbers of links at which one more is measured (1000,100000; a night's: 1000,100000,1000000)
#   --gateways N       of each of the two sites (250)
#   --open N           open operations a conductor finds when it starts (100000)
#   --agents N         agents, each of a site of its own, that lose the broker at once (500)
#   --only LIST        of: levels open agents (comma between; all)
#   --keep             leave the folder with logs and settings
#
# Each part has servers of its own. Links are made as tenants make them, none is put into the tables.
set -euo pipefail
cd "$(dirname "$0")/../.."

levels=1000,100000 gateways=250 open=100000 agents=500 keep='' only=levels,open,agents
while [ $# -gt 0 ]; do
        case $1 in
        --levels) levels=$2; shift ;;
        --gateways) gateways=$2; shift ;;
        --open) open=$2; shift ;;
        --agents) agents=$2; shift ;;
        --only) only=$2; shift ;;
        --keep) keep=1 ;;
        -h | --help) sed -n '3,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "scale.sh: what is \"$1\"? See --help." >&2; exit 2 ;;
        esac
        shift
done
wanted() { [[ ",$only," == *",$1,"* ]]; }
ulimit -n "$(ulimit -Hn)"

. tests/bench/stage.sh
devstack/packages.sh build test bench
stage_build atlas-conductor atlas-agent link_bench
now_ms() { date +%s%3N; }
steal() { awk '/^cpu /{ t = 0; for (i = 2; i <= 9; i++) t += $i; print t, $9 }' /proc/stat; }

# Processor of all that work on a link, in ms: conductor and agents, then PostgreSQL.
spent() { echo "$(($(cpu_ms "${pid[conductor]}") + $(cpu_ms "${pid[agent-a]}") + $(cpu_ms "${pid[agent-z]}"))) $(cpu_ms "$pid_postgres")"; }
writes() { sql -c "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables"; }

### One more link among many ###

# level N: up to N links, then 2 000 more under load, 200 one by one, and a minute of nothing.
measure_level() {
        local there more=2000 before after
        there=$(sql -c "SELECT count(*) FROM vlink")
        if [ "$1" -gt "$there" ]; then
                "$bench/link_bench" load "$url" "$db" $(($1 - there)) 256 64 free >"$dir/fill"
                row "filled to $1 links" "$(sed -n 's/^links_per_s=//p' "$dir/fill") links/s to ACTIVE"
        fi
        sql -c "VACUUM ANALYZE" && sql -c "CHECKPOINT" # what the fill left to do is not the next link's cost
        before=$(spent)
        "$bench/link_bench" load "$url" "$db" "$more" 256 64 free >"$dir/load"
        after=$(spent)
        "$bench/link_bench" idle "$url" "$db" 200 >"$dir/idle"
        awk -v n="$more" -v b="$before" -v a="$after" -v level="$1" -v first="${first-}" -v idle="$(sed -n 's/^active_p50_ms=//p' "$dir/idle")" \
                -v p99="$(sed -n 's/^active_p99_ms=//p' "$dir/idle")" 'BEGIN {
                        split(b, x, " "); split(a, y, " ")
                        ours = (y[1] - x[1]) / n; pg = (y[2] - x[2]) / n
                        printf "%-34s %.2f ms of processor (ours %.2f, PostgreSQL %.2f)", "one more link at " level, ours + pg, ours, pg
                        if (first) printf ", %.2f x of the first level (goal: 1.5)", (ours + pg) / first
                        printf "; alone p50 %s ms, p99 %s ms\n", idle, p99 }'
        if [ -z "${first-}" ]; then
                first=$(awk -v n="$more" -v b="$before" -v a="$after" 'BEGIN { split(b, x, " "); split(a, y, " "); print (y[1] - x[1] + y[2] - x[2]) / n }')
        fi
        measure_nothing "$1"
}

measure_nothing() { # LEVEL
        local seconds=60 before after w
        sleep 5
        before=$(spent) w=$(writes)
        sleep "$seconds"
        after=$(spent) w=$(($(writes) - w))
        awk -v s="$seconds" -v w="$w" -v b="$before" -v a="$after" -v level="$1" 'BEGIN {
                split(b, x, " "); split(a, y, " ")
                printf "%-34s %.1f rows written a second (goal: 10), %.2f %% of a core: ours %.2f, PostgreSQL %.2f (goal: 5)\n", "nothing to do at " level,
                       w / s, (y[1] - x[1] + y[2] - x[2]) / s / 10, (y[1] - x[1]) / s / 10, (y[2] - x[2]) / s / 10 }'
}

measure_levels() {
        local level
        stage_folder
        servers_start
        programs_start "$gateways" 0
        for level in ${levels//,/ }; do measure_level "$level"; done
        row "memory at $level links" "$(for p in conductor agent-a agent-z; do printf '%s %d MiB  ' "$p" $(($(rss_kb "${pid[$p]}") / 1024)); done)"
        finish
}

### Many open operations ###

# The conductor is killed while all wait for agents that are away; its successor has resumed when every gateway was sent its work.
measure_open() {
        local from n
        stage_folder
        servers_start
        programs_start "$gateways" 0 'open_operations = 0\nstep_percent = 10000\napply_timeout = 3600'
        stop agent-a KILL
        stop agent-z KILL
        "$bench/link_bench" open "$url" "$db" "$open" 256 64 free >"$dir/open"
        n=$(sql -c "SELECT count(*) FROM timer WHERE kind = 0")
        stop conductor KILL
        from=$(now_ms)
        start conductor atlas-conductor
        while [ "$(sql -c "SELECT count(*) FROM gateway WHERE inflight_by IS DISTINCT FROM (SELECT max(number) FROM conductor) AND EXISTS (SELECT FROM work WHERE gateway_id = gateway.id)")" -gt 0 ]; do
                [ $(($(now_ms) - from)) -lt 120000 ] || die "not resumed"
                sleep 0.05
        done
        row "$n open operations" "resumed $(($(now_ms) - from)) ms after their conductor's successor was started (goal: 5000): all $((2 * gateways)) gateways sent anew"
        finish
}

### Many agents ###

measure_agents() {
        local i from before
        stage_folder
        servers_start
        programs_start 1 0
        "$bench/link_bench" sites "$url" "$db" "$agents"
        for ((i = 0; i < agents; i++)); do
                agent_conf "$(printf 'site-%04d' "$i")" 1 0 >"$dir/a$i.conf"
                "$bin/atlas-agent" --config-file "$dir/a$i.conf" >"$dir/a$i.log" 2>&1 </dev/null &
                pid[a$i]=$!
        done
        "$bench/link_bench" wait "$url" "$db" $((agents + 2))
        sleep 15 # the last of them has told that it is there
        before="$(broker_messages) $(spent) $(counter conductor atlas_conductor_casts_total)"
        from=$(now_ms)
        tests/support/broker.sh ctl "$dir/rabbitmq" --quiet close_all_connections bench
        while [ "$(connected)" -lt $((agents + 3)) ]; do
                [ $(($(now_ms) - from)) -lt 120000 ] || die "not all agents came back"
                sleep 0.2
        done
        row "$agents agents lost the broker" "all back after $(($(now_ms) - from)) ms"
        sleep 30
        awk -v b="$before" -v a="$(broker_messages) $(spent) $(counter conductor atlas_conductor_casts_total)" -v n="$agents" 'BEGIN {
                split(b, x, " "); split(a, y, " ")
                printf "%-34s %.1f messages an agent, %d commands of the conductor, its processor and its agents'"'"' %d ms, PostgreSQL'"'"'s %d ms\n", "in the 30 s after that", (y[1] - x[1]) / n, y[4] - x[4], y[2] - x[2], y[3] - x[3] }'
        finish
}

# Queues of agents that have a consumer again.
connected() {
        tests/support/broker.sh ctl "$dir/rabbitmq" --quiet list_queues name consumers | awk '/^atlas-(agent\.|conductor)/ && $2 > 0' | wc -l
}

before_steal=$(steal)
for part in levels open agents; do
        ! wanted "$part" || "measure_$part"
done
trap - EXIT
awk -v b="$before_steal" -v a="$(steal)" 'BEGIN { split(b, x, " "); split(a, y, " "); printf "%-34s %.1f %%\n", "steal", 100 * (y[2] - x[2]) / (y[1] - x[1]) }'
