# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the demo's story is told with: titles, commands shown as a user types them, promises that are checked.

checks=0

title() {
        printf '\n\033[1m%s\033[0m\n' "$*"
}

say() {
        printf '  %s\n' "$*"
}

# A command of the tenant, shown and run.
show() {
        printf '  \033[36m$ atlas %s\033[0m\n' "$*"
        atlas "$@" 2>&1 | sed 's/^/  /' || { say "FAILED: atlas $*"; exit 1; }
}

# check WHAT command ...: a promise; the story ends where one is broken.
check() {
        local what=$1
        shift
        if "$@" >"$LAB/log/check.log" 2>&1; then
                checks=$((checks + 1))
                printf '  \033[32mok\033[0m  %s\n' "$what"
        else
                printf '  \033[31mNOT SO\033[0m  %s\n' "$what"
                sed 's/^/      /' "$LAB/log/check.log"
                exit 1
        fi
}

refuses() {
        ! "$@"
}

# refused TEXT arguments ...: the command must fail, and say TEXT.
refused() {
        local text=$1 answer
        shift
        printf '  \033[36m$ atlas %s\033[0m\n' "$*"
        if answer=$(atlas "$@" 2>&1); then
                printf '%s\n' "$answer" >"$LAB/log/check.log"
                check "it is refused" false
        fi
        printf '%s\n' "  ${answer//$'\n'/$'\n'  }"
        check "it is refused, and says why" grep -qF -- "$text" <<<"$answer"
}

refused_rival() {
        as_rival refused "$@"
}

### Who and what ###

network_of() {
        cat "$LAB/story/network-$1"
}

# vm_at SITE IP: Alice's network, port and VM there.
vm_at() {
        local network port mac ip
        mkdir -p "$LAB/story"
        network=$(as_alice os_network "$1" "blue-$1" 10.10.0.0/24)
        printf '%s\n' "$network" >"$LAB/story/network-$1"
        read -r port mac ip < <(as_alice os_port "$1" "$network" "vm-$1" "$2")
        vm_create "$1" vm "$port" "$mac" "$ip/24"
        wait_for 30 "the port of the VM at site-$1" "$(daemon_log "neutron-agent-$1")" os_port_is "$1" "$port" ACTIVE
        say "site-$1: network $network, VM with $ip"
}

# ping_across N [options]: from the VM at site a to the one at site b; all must be answered.
ping_across() {
        local n=$1
        shift
        # The first packets may wait for address resolution; they count too, with a second to spare.
        vm_exec a vm ping -n -c "$n" -i 0.2 -W 2 "$@" 10.10.0.12 | tee "$LAB/log/ping.log" | grep -q " $n received"
}

id_of() {
        atlas "$1" show "$2" -f value -c id
}

link_is() {
        [ "$(atlas link show "$1" -f value -c status)" = "$2" ]
}

# port_of LINK a|z
port_of() {
        atlas link show "$1" -f json | jq -r ".endpoints[$([ "$2" = a ] && echo 0 || echo 1)].virtual_port_id"
}

### Measuring ###

# TCP from a to b for some seconds, in kbit/s of payload.
measure_kbps() {
        vm_exec b vm iperf3 -s -1 -B 10.10.0.12 >/dev/null 2>&1 &
        wait_for 5 "iperf3" /dev/null vm_exec b vm sh -c 'ss -Htln | grep -q :5201'
        vm_exec a vm iperf3 -c 10.10.0.12 -t 6 -O 2 -J | jq '.end.sum_received.bits_per_second / 1000 | floor'
        wait $! || true
}

between() {
        printf '%s is not between %s and %s\n' "$1" "$2" "$3"
        (($1 >= $2 && $1 <= $3))
}

rate_between() {
        local kbps
        kbps=$(measure_kbps)
        say "measured over TCP: $kbps kbit/s $3"
        check "within its reservation" between "$kbps" "$1" "$2"
}

# change_under_traffic LINK BANDWIDTH KBPS WHAT MAX-LOST
change_under_traffic() {
        local result
        vm_exec b vm "$DEVSTACK/lib/numbered.py" receive 10.10.0.12 7000 15 >"$LAB/story/numbered" &
        local receiver=$!
        sleep 0.5
        vm_exec a vm "$DEVSTACK/lib/numbered.py" send 10.10.0.12 7000 6 "$3" &
        local sender=$!
        sleep 2
        show link set "$1" --bandwidth "$2" --wait -c name -c bandwidth -c status
        wait "$sender"
        wait "$receiver"
        result=$(cat "$LAB/story/numbered")
        say "$4: $result"
        check "nothing lost, nothing reordered" jq -e ".lost <= $5 and .reordered == 0 and .received > 0" <<<"$result"
}

# With site b's agent held, the create must be under way when the conductor dies; then both go on.
kill_in_the_middle() {
        local agent
        agent=$(daemon_pid atlas-agent-b)
        kill -STOP "$agent"
        say "(site b's agent is held, so that the create cannot finish)"
        show link create green-ab --vpn green --a-site site-a --z-site site-b --bandwidth 5M -c id -c status
        check "the create is under way" link_is green-ab BUILD
        daemon_stop atlas-conductor KILL
        say "(kill -9 of the conductor; it is started again, and the agent let go)"
        kill -CONT "$agent"
        atlas_start atlas-conductor
        daemon_ready atlas-conductor 20 atlas_started atlas-conductor
        wait_for 60 "the link" "$(daemon_log atlas-conductor)" link_settled green-ab
}

link_settled() {
        ! link_is "$1" BUILD
}

### Without a trace ###

rows_of() {
        psql -qtAX "$PG_ATLAS_OWNER_URL" -c "SELECT count(*) FROM $1"
}

nothing_left() {
        local letter table
        for letter in a b; do
                # shellcheck disable=SC2016 # awk's own
                check "gateway of site-$letter: no interface, no flow of it" gateway_exec "$letter" sh -c '
                        test -z "$(ip -br link | awk "{print \$1}" | grep -E "^ca[a-z]" || true)" &&
                        test -z "$(ovs-ofctl -O OpenFlow13 dump-flows br-atlas | grep cookie || true)"'
                check "Neutron of site-$letter: no port of it" no_wan_port "$letter"
        done
        for table in vlink vport attachment work reservation; do
                check "database: no row in $table" test "$(rows_of "$table")" = 0
        done
        check "database: its history is there" test "$(rows_of event)" -gt 0
}

no_wan_port() {
        [ "$(as_admin os_get "$1" '/v2.0/ports?device_owner=network:cloud-atlas' | jq '.ports | length')" = 0 ]
}

# Takes away what an earlier telling of the story left, so that it can be told again.
story_clean() {
        local letter id
        atlas_clean
        as_rival atlas_clean
        for letter in a b; do
                vm_delete "$letter" vm
                for id in $(as_alice os_get "$letter" '/v2.0/networks?name=blue-'"$letter" | jq -r '.networks[].id'); do
                        story_network_delete "$letter" "$id"
                done
        done
        rm -rf "$LAB/story"
}

atlas_clean() {
        local id
        for id in $(atlas link list -f value -c id); do
                atlas link delete "$id" --wait >/dev/null
        done
        for id in $(atlas vpn list -f value -c id); do
                atlas vpn delete "$id"
        done
}

story_network_delete() {
        local port
        for port in $(as_admin os_get "$1" "/v2.0/ports?network_id=$2" | jq -r '.ports[].id'); do
                as_admin os_delete "$1" "/v2.0/ports/$port"
        done
        as_admin os_delete "$1" "/v2.0/networks/$2"
}
