#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A private PostgreSQL cluster in a folder of its own, reached by a socket there (and by TCP on 127.0.0.1 if a port is given).
#
#   postgres.sh start DIR [PORT]     makes DIR if it is not there, starts, prints the connection string
#   postgres.sh stop DIR             stops; the data stay
#   postgres.sh restart DIR [MODE]   MODE: fast (default), immediate (as after a crash)
#   postgres.sh standby DIR OF       makes DIR a copy of the running one in OF that follows it, and starts it
#   postgres.sh promote DIR          the standby follows no more: it may be written to
#   postgres.sh remove DIR           stops and removes DIR
#   postgres.sh run DIR [PORT]       start, then remove as soon as standard input ends
#
# Commits are on disk when they return (fsync), unless ATLAS_PG_FSYNC=off. Further settings: ATLAS_PG_SETTINGS="name=value …".
set -euo pipefail

usage() { sed -n '3,14s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
command=$1 dir=$(realpath -m "$2")
bin=
for folder in /usr/lib/postgresql/*/bin; do
        if [ -x "$folder/initdb" ]; then bin=$folder; fi
done
[ -n "$bin" ] || bin=$(pg_config --bindir)

# The server refuses to be root.
as_postgres() {
        if [ "$(id -u)" = 0 ]; then
                (cd / && runuser -u postgres -- env LC_ALL=C.UTF-8 "$@")
        else
                LC_ALL=C.UTF-8 "$@"
        fi
}

make_cluster() {
        mkdir -p "$dir"
        if [ "$(id -u)" = 0 ]; then chown postgres: "$dir"; fi
        as_postgres "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-sync >"$dir/initdb.log"
        {
                echo "unix_socket_directories = '$dir'"
                echo "fsync = ${ATLAS_PG_FSYNC:-on}"
                echo "full_page_writes = ${ATLAS_PG_FSYNC:-on}"
                echo "max_connections = 200"
                echo "shared_buffers = 256MB"
                echo "max_wal_size = 2GB"
                echo "log_lock_waits = on"
                for setting in ${ATLAS_PG_SETTINGS:-}; do echo "${setting%%=*} = '${setting#*=}'"; done
        } >>"$dir/data/postgresql.conf"
}

start() {
        [ -f "$dir/data/PG_VERSION" ] || make_cluster
        {
                echo "port = ${1:-5432}"
                echo "listen_addresses = '${1:+127.0.0.1}'"
        } >"$dir/data/port.conf"
        grep -q port.conf "$dir/data/postgresql.conf" || echo "include = 'port.conf'" >>"$dir/data/postgresql.conf"
        if ! as_postgres "$bin/pg_ctl" -D "$dir/data" status >/dev/null; then
                as_postgres "$bin/pg_ctl" -D "$dir/data" -l "$dir/postgres.log" -w -t 60 start >/dev/null ||
                        { tail -20 "$dir/postgres.log" >&2; exit 1; }
        fi
        echo "host=$dir port=${1:-5432} user=postgres"
}

standby() { # OF
        mkdir -p "$dir"
        if [ "$(id -u)" = 0 ]; then chown postgres: "$dir"; fi
        as_postgres "$bin/pg_basebackup" -d "host=$1 user=postgres application_name=standby" -D "$dir/data" -X stream -c fast -R --no-sync
        echo "unix_socket_directories = '$dir'" >>"$dir/data/postgresql.conf"
        start
}

stop() {
        if [ -f "$dir/data/postmaster.pid" ]; then
                as_postgres "$bin/pg_ctl" -D "$dir/data" -m "${1:-fast}" -w -t 60 stop >/dev/null
        fi
}

remove() {
        stop immediate || true
        rm -rf "$dir"
}

case $command in
start) start "${3:-}" ;;
stop) stop ;;
restart)
        stop "${3:-fast}"
        as_postgres "$bin/pg_ctl" -D "$dir/data" -l "$dir/postgres.log" -w -t 60 start >/dev/null
        ;;
standby) standby "$(realpath "${3:?}")" ;;
promote) as_postgres "$bin/pg_ctl" -D "$dir/data" -w -t 60 promote >/dev/null ;;
remove) remove ;;
run)
        trap remove EXIT
        start "${3:-}"
        cat >/dev/null
        ;;
*) usage ;;
esac
