#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What atlas-api answers on this machine, beside a bare evhttp and pgbench -S in the same run. Usage: tests/bench/http.sh [option...]
#
#   --seconds N        of each measurement (5)
#   --watchers N       streams of events (1000)
#   --slow N           slow clients beside honest ones (4000; needs slowhttptest)
#   --only LIST        of: get tokens list post watch slow (comma between; all)
#   --keep             leave the folder with logs and settings
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=5 watchers=1000 slow=4000 keep='' only=get,tokens,list,post,watch,slow
while [ $# -gt 0 ]; do
        case $1 in
        --seconds) seconds=$2; shift ;;
        --watchers) watchers=$2; shift ;;
        --slow) slow=$2; shift ;;
        --only) only=$2; shift ;;
        --keep) keep=1 ;;
        -h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "http.sh: what is \"$1\"? See --help." >&2; exit 2 ;;
        esac
        shift
done
wanted() { [[ ",$only," == *",$1,"* ]]; }
ulimit -n "$(ulimit -Hn)"

. tests/bench/stage.sh
devstack/packages.sh build test bench
stage_build atlas-conductor atlas-agent atlas-api link_bench http_bench
stage_folder
servers_start
port=$(free_port)
{ conf_head "bind_port = $port"; printf '[database]\nconnection = %s\n' "$db"; } >"$dir/api.conf"
start api atlas-api
row "memory idle, api" "$(awk -v kb="$(rss_kb "${pid[api]}")" 'BEGIN { printf "%.1f MiB", kb / 1024 }')"

### Measuring ###

# Hundredths of a second of processor: ours and PostgreSQL's; of the machine: all, idle, stolen.
processor() {
        cat /proc/[0-9]*/stat 2>/dev/null | awk -v api="${pid[$server]}" -v pg="$pid_postgres" '
                { p = $1; sub(/^.*\) /, ""); t = $12 + $13 }
                p == api { a = t }
                $2 == pg { d += t }
                END { print a + 0, d + 0 }'
        awk '/^cpu /{ t = 0; for (i = 2; i <= 9; i++) t += $i; print t, $5 + $6, $9 }' /proc/stat
}

# load NAME CONNECTIONS wrk's other arguments...: per_s, p99 (ms), and what it cost. Of whom is said by 'server', as whom by 'token'.
server=api token=
load() {
        local name=$1 connections=$2 before after
        shift 2
        before=$(processor | tr '\n' ' ')
        wrk -t 1 -c "$connections" -d "$seconds" --latency -H 'X-Project-Id: bench' -H 'X-Roles: member' -H "X-Auth-Token: $token" "$@" >"$dir/wrk"
        after=$(processor | tr '\n' ' ')
        ! grep -q Non-2xx "$dir/wrk" || die "$name was refused: $(cat "$dir/wrk")"
        per_s=$(awk '/Requests\/sec/ { printf "%d", $2 }' "$dir/wrk")
        p99=$(awk '$1 == "99%" { v = $2 + 0; if ($2 ~ /us$/) v /= 1000; else if ($2 !~ /ms$/) v *= 1000; printf "%.1f", v }' "$dir/wrk")
        cost=$(echo "$before $after" | awk -v n="$(awk '/requests in/ { print $1 }' "$dir/wrk")" '
                { printf "api %.0f us, postgres %.0f us; idle %.0f %%, steal %.1f %%", ($6 - $1) * 10000 / n, ($7 - $2) * 10000 / n,
                  100 * ($9 - $4) / ($8 - $3), 100 * ($10 - $5) / ($8 - $3) }')
}

api=http://127.0.0.1:$port
if wanted get || wanted tokens || wanted list || wanted slow; then
        sql -f tests/bench/http_seed.sql
        sql -c "SELECT id FROM vlink WHERE project_id = 'bench' ORDER BY random() LIMIT 20000" >"$dir/ids"
        export ATLAS_BENCH_IDS=$dir/ids
fi

# The same answer to everything: evhttp, and src/http without anything behind it; in turns, for the machine is not always as fast.
measure_bare() {
        local bytes=$1 how round
        bare_per_s=0
        for round in 1 2; do
                for how in bare own; do
                        bare=$(free_port)
                        "$bench/http_bench" $how "$bare" "$bytes" &
                        pid[bare]=$!
                        sleep 0.3
                        load $how 64 "http://127.0.0.1:$bare/"
                        row "$how, $bytes bytes, round $round" "$per_s/s, p99 $p99 ms"
                        [ $how = own ] || bare_per_s=$((per_s > bare_per_s ? per_s : bare_per_s))
                        stop bare
                done
        done
}

measure_get() {
        local bytes bare bare_per_s
        bytes=$(curl -sf -H 'X-Project-Id: bench' "$api/v1/virtual-links/$(head -n 1 "$dir/ids")" | wc -c)
        measure_bare "$bytes"
        pgbench -i -q -s 1 -d "$db" >/dev/null 2>&1
        row "pgbench -S, 16 clients, prepared" "$(pgbench -S -n -M prepared -c 16 -j 1 -T "$seconds" -d "$db" 2>/dev/null | awk '/^tps/ { printf "%d/s", $3 }')"
        load GET 64 -s tests/bench/http_get.lua "$api"
        row "GET one of 100 000 links" "$per_s/s ($(awk -v a="$per_s" -v b="$bare_per_s" 'BEGIN { printf "%.2f", a / b }') of bare), p99 $p99 ms, 64 connections; each: $cost"
}

# The same with tokens: each loop asks a real Keystone once, then knows.
measure_tokens() {
        local keystone port
        keystone=$(tests/support/keystone.sh start "$dir/keystone")
        port=$(free_port)
        { conf_head "bind_port = $port"; printf 'auth_strategy = keystone\n[database]\nconnection = %s\n' "$db"; } >"$dir/tokens.conf"
        printf '[keystone_authtoken]\nauth_url = %s\nusername = admin\npassword = secret\nproject_name = admin\n' "$keystone" >>"$dir/tokens.conf"
        start tokens atlas-api
        token=$(curl -sf -D - -o "$dir/answer" -H 'Content-Type: application/json' "$keystone/auth/tokens" -d '{"auth": {"identity": {"methods": ["password"],
                "password": {"user": {"name": "admin", "domain": {"id": "default"}, "password": "secret"}}},
                "scope": {"project": {"name": "admin", "domain": {"id": "default"}}}}}' | tr -d '\r' | sed -n 's/^[Xx]-[Ss]ubject-[Tt]oken: //p')
        server=tokens load GET 64 -s tests/bench/http_get.lua "http://127.0.0.1:$port"
        token=
        row "GET with a token" "$per_s/s, p99 $p99 ms, 64 connections; each: $cost"
        stop tokens
        tests/support/keystone.sh remove "$dir/keystone" >/dev/null 2>&1 || true
}

measure_list() {
        local page marker
        for page in 1 50 99; do
                marker=$(sql -c "SELECT id FROM vlink WHERE project_id = 'bench' ORDER BY id OFFSET $((page * 1000 - 1)) LIMIT 1")
                load list 2 "$api/v1/virtual-links?limit=1000&marker=$marker"
                row "list 1 000 of 100 000, page $((page + 1))" "p99 $p99 ms, $per_s/s; each: $cost"
        done
}

measure_post() {
        local i id
        programs_start 32 0
        for ((i = 0; i < 200; i++)); do
                id=$(curl -sf -H 'X-Project-Id: bench' -H 'X-Roles: member' -d '{"vpn": {"name": "bench", "type": "mpls"}}' "$api/v1/vpns" | jq -r .vpn.id)
                for site in bench-a bench-z; do
                        curl -sf -o "$dir/answer" -X PUT -H 'X-Project-Id: bench' -H 'X-Roles: member' -d "{\"site_id\": \"$site\"}" "$api/v1/vpns/$id/add_site"
                done
                echo "$id"
        done >"$dir/vpns"
        ATLAS_BENCH_VPNS=$dir/vpns load POST 64 -s tests/bench/http_post.lua "$api"
        row "POST virtual link to 202" "$per_s/s, p99 $p99 ms, 64 connections; each: $cost"
        for i in conductor agent-a agent-z; do stop "$i"; done
}

measure_watch() {
        local before after
        before=$(rss_kb "${pid[api]}")
        "$bench/http_bench" watch "$port" "$db" "$watchers" 10 >"$dir/watch" &
        pid[watch]=$!
        for ((i = 0; i < 600; i++)); do
                ! grep -qs all_heard_ms_max "$dir/watch" || break
                kill -0 "${pid[watch]}" 2>/dev/null || die "the watchers ended"
                sleep 0.1
        done
        after=$(rss_kb "${pid[api]}")
        row "$watchers watchers, all have heard" "$(awk -F= '/mean/ { m = $2 } /max/ { x = $2 } END { printf "mean %d ms, at most %d ms (looks alone, no hints)", m, x }' "$dir/watch")"
        row "memory of a watcher" "$(awk -v n="$watchers" -v kb=$((after - before)) 'BEGIN { printf "%.1f KiB", kb / n }')"
        stop watch
}

# Connections that the API holds open now.
open_connections() { ss -Htn state established "sport = :$port" | wc -l; }

# slowhttptest in the background, honest requests beside it once all of its clients are there; it opens them again when the
# API has thrown them out, so that what counts is how many there are before and after.
measure_slow() {
        local kind i before
        command -v slowhttptest >/dev/null || { row "slow clients" "slowhttptest is not installed"; return 0; }
        for kind in -H -B -X; do
                slowhttptest "$kind" -c "$slow" -r "$slow" -i 5 -l $((seconds + 6)) -w 64 -y 128 -n 5 -z 32 \
                        -u "$api/v1/virtual-links?limit=1000" >"$dir/slow$kind.log" 2>&1 &
                pid[slow]=$!
                for ((i = 0; i < 100 && $(open_connections) < slow * 95 / 100; i++)); do sleep 0.1; done
                before=$(open_connections)
                load slow 4 -s tests/bench/http_get.lua "$api"
                row "beside $before slow clients ($kind)" "p99 $p99 ms, $per_s/s; $(open_connections) of them at its end"
                stop slow
        done
}

for what in get tokens list watch slow post; do
        ! wanted "$what" || "measure_$what"
done
