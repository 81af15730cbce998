#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A private Keystone in a folder of its own: SQLite, Fernet tokens, no caches, a free port of 127.0.0.1. Its admin's password is
# "secret", of project "admin".
#
#   keystone.sh start DIR      makes DIR if it is not there, starts, prints its URL; again after stop: the same port and data
#   keystone.sh stop DIR       stops; the data stay
#   keystone.sh freeze DIR     stops its processes where they are (SIGSTOP); thaw DIR lets them go on
#   keystone.sh remove DIR     stops and removes DIR
set -euo pipefail

usage() { sed -n '3,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# = 2 ] || usage
command=$1 dir=$(realpath -m "$2")

running() { [ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

manage() { keystone-manage --config-file "$dir/keystone.conf" "$@" >>"$dir/log" 2>&1; }

make() {
        mkdir -p "$dir"
        chmod 700 "$dir"
        cat >"$dir/keystone.conf" <<END
[DEFAULT]
use_stderr = true
[database]
connection = sqlite:///$dir/keystone.db
[token]
provider = fernet
[fernet_tokens]
key_repository = $dir/fernet-keys/
[credential]
key_repository = $dir/credential-keys/
[identity]
password_hash_rounds = 4
[cache]
enabled = false
END
        /usr/bin/python3 - >"$dir/port" <<'END'
import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])
END
        manage fernet_setup --keystone-user "$(id -un)" --keystone-group "$(id -gn)"
        manage credential_setup --keystone-user "$(id -un)" --keystone-group "$(id -gn)"
        manage db_sync
        # Readers must not hold up writers.
        /usr/bin/python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("PRAGMA journal_mode=WAL")' "$dir/keystone.db"
        manage bootstrap --bootstrap-password secret --bootstrap-region-id here \
                --bootstrap-public-url "http://127.0.0.1:$(cat "$dir/port")/v3"
        : >"$dir/made"
}

start() {
        local port tries
        [ -e "$dir/made" ] || make || { tail -n 20 "$dir/log" >&2; exit 1; }
        port=$(cat "$dir/port")
        OS_KEYSTONE_CONFIG_DIR=$dir OS_KEYSTONE_CONFIG_FILES=keystone.conf setsid uwsgi --plugin python3 \
                --http-socket "127.0.0.1:$port" --wsgi-file "$(command -v keystone-wsgi-public)" --master --processes 2 \
                --die-on-term --need-app --add-header "Connection: close" --socket-timeout 30 --buffer-size 65535 --disable-logging >>"$dir/log" 2>&1 </dev/null &
        echo $! >"$dir/pid"
        for ((tries = 0; tries < 300; tries++)); do
                if curl -sS -m 2 -o /dev/null "http://127.0.0.1:$port/v3" 2>/dev/null; then
                        echo "http://127.0.0.1:$port/v3"
                        return
                fi
                running || break
                sleep 0.1
        done
        tail -n 20 "$dir/log" >&2
        exit 1
}

stop() {
        local pid tries
        running || return 0
        pid=$(cat "$dir/pid")
        kill -CONT -- "-$pid" 2>/dev/null || true
        kill -TERM "$pid" 2>/dev/null || true
        for ((tries = 0; tries < 100; tries++)); do
                kill -0 "$pid" 2>/dev/null || break
                sleep 0.1
        done
        kill -KILL -- "-$pid" 2>/dev/null || true
        rm -f "$dir/pid"
}

case $command in
start) start ;;
stop) stop ;;
freeze) kill -STOP -- "-$(cat "$dir/pid")" ;;
thaw) kill -CONT -- "-$(cat "$dir/pid")" ;;
remove)
        stop
        rm -rf "$dir"
        ;;
*) usage ;;
esac
