#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A private RabbitMQ for tests: its own folder, node name, ports and epmd.
#
#   broker.sh start DIR     starts it (again, with what it held) and waits; DIR/url has the transport URL
#   broker.sh guard DIR PID removes it when process PID is gone, however it ended
#   broker.sh stop DIR      stops it in order, if it runs
#   broker.sh kill DIR      kills it at once
#   broker.sh ctl DIR ...   rabbitmqctl with these arguments
#   broker.sh remove DIR    stops it and removes the folder
set -euo pipefail

usage() { sed -n '3,10s/^# \?//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
verb=$1
dir=$(realpath -m "$2")
shift 2
bin=/usr/lib/rabbitmq/bin

# Three free ports: AMQP, Erlang's distribution, epmd.
free_ports() {
        /usr/bin/python3 -c 'import socket
s = [socket.socket() for _ in range(3)]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*[x.getsockname()[1] for x in s])'
}

settings() {
        read -r port dist epmd < "$dir/ports"
        export HOME=$dir LANG=C.UTF-8 ERL_CRASH_DUMP=$dir/erl_crash.dump
        export RABBITMQ_NODENAME=atlas-$port@localhost RABBITMQ_NODE_PORT=$port RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
        export RABBITMQ_DIST_PORT=$dist ERL_EPMD_PORT=$epmd ERL_EPMD_ADDRESS=127.0.0.1
        export RABBITMQ_MNESIA_BASE=$dir/mnesia RABBITMQ_LOG_BASE=$dir/log RABBITMQ_PID_FILE=$dir/pid
        export RABBITMQ_CONF_ENV_FILE=$dir/none RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf RABBITMQ_ENABLED_PLUGINS_FILE=$dir/plugins
        export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
}

running() { [ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

start() {
        mkdir -p "$dir"
        [ -f "$dir/ports" ] || free_ports > "$dir/ports"
        settings
        running && return
        cat "$dir/extra.plugins" > "$dir/plugins" 2>/dev/null || echo '[].' > "$dir/plugins"
        printf 'listeners.tcp.1 = 127.0.0.1:%s\nloopback_users = none\ndisk_free_limit.absolute = 1MB\nlog.console = false\n' "$port" > "$dir/rabbitmq.conf"
        [ -f "$dir/extra.conf" ] && cat "$dir/extra.conf" >> "$dir/rabbitmq.conf"
        rm -f "$dir/pid"
        setsid "$bin/rabbitmq-server" > "$dir/out" 2>&1 < /dev/null &
        if ! timeout 90 "$bin/rabbitmqctl" --timeout 80 wait "$dir/pid" > "$dir/wait" 2>&1; then
                cat "$dir/wait" "$dir/out" >&2
                exit 1
        fi
        echo "rabbit://guest:guest@127.0.0.1:$port/" > "$dir/url"
}

gone() {
        for _ in $(seq 200); do
                running || return 0
                sleep 0.05
        done
        return 1
}

stop() {
        [ -f "$dir/ports" ] || return 0
        settings
        if running; then
                timeout 30 "$bin/rabbitmqctl" stop "$dir/pid" > /dev/null 2>&1 || true
                gone || kill -KILL "$(cat "$dir/pid")" 2>/dev/null || true
        fi
        epmd -port "$epmd" -kill > /dev/null 2>&1 || true
}

guard() {
        setsid bash -c 'tail --pid="$1" -f /dev/null; exec "$2" remove "$3"' guard "$1" "$(realpath "$0")" "$dir" > /dev/null 2>&1 < /dev/null &
}

case $verb in
guard) guard "$1" ;;
start) start ;;
stop) stop ;;
kill) settings; if running; then kill -KILL "$(cat "$dir/pid")"; gone; fi ;;
ctl) settings; exec "$bin/rabbitmqctl" --quiet "$@" ;;
remove) stop; rm -rf "$dir" ;;
*) usage ;;
esac
