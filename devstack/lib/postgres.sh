# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL clusters: pg-atlas for Cloud Atlas alone (other databases' transactions would hold back its event
# horizon), pg-openstack for Keystone and the Neutrons. Over TCP with a password; over the socket, in a folder only
# root and postgres can enter, without.

pg_bin=/usr/lib/postgresql/15/bin

as_postgres() {
        setpriv --reuid=postgres --regid=postgres --init-groups -- env -C / "$@"
}

# pg_cluster_up NAME PORT LISTEN
pg_cluster_up() {
        local name=$1 port=$2 listen=$3 home=$LAB/$1
        daemon_running "$name" && return
        install -d -o postgres -g postgres -m 750 "$home"
        install -d -o postgres -g postgres -m 700 "$home/run"
        if [ ! -e "$home/data/PG_VERSION" ]; then
                rm -rf "$home/data"
                as_postgres "$pg_bin/initdb" -D "$home/data" -E UTF8 --locale=C.UTF-8 --no-sync \
                        --auth-local=trust --auth-host=scram-sha-256 >"$(daemon_log "$name")" 2>&1 ||
                        { fail_with_log "initdb failed" "$(daemon_log "$name")"; return 1; }
        fi
        cat >"$home/data/postgresql.auto.conf" <<END
port = $port
listen_addresses = '$listen'
unix_socket_directories = '$home/run'
max_connections = 200
shared_buffers = 64MB
fsync = on
log_line_prefix = '%m [%p] %u@%d '
END
        chown postgres: "$home/data/postgresql.auto.conf"
        # One that was killed just now holds its lock until it is gone altogether.
        wait_for 15 "the end of the former $name" "$(daemon_log "$name")" pg_unlocked "$home/data/postmaster.pid"
        daemon_start "$name" setpriv --reuid=postgres --regid=postgres --init-groups -- \
                env -C "$home" "$pg_bin/postgres" -D "$home/data"
        daemon_ready "$name" 30 "$pg_bin/pg_isready" -q -h "$home/run" -p "$port"
}

pg_unlocked() {
        local pid
        ! read -r pid <"$1" || ! kill -0 "$pid"
}

# pg_sql NAME PORT [psql arguments ...]: as the superuser.
pg_sql() {
        local name=$1 port=$2
        shift 2
        PGOPTIONS='-c client_min_messages=warning' psql -X -q -v ON_ERROR_STOP=1 -h "$LAB/$name/run" -p "$port" -U postgres "$@"
}

pg_atlas_up() {
        pg_cluster_up pg-atlas "$PG_ATLAS_PORT" 127.0.0.1
        [ ! -e "$LAB/pg-atlas/.made" ] || return 0
        pg_sql pg-atlas "$PG_ATLAS_PORT" postgres <<END
DROP DATABASE IF EXISTS cloud_atlas;
DROP ROLE IF EXISTS atlas_owner, atlas_conductor, atlas_api;
CREATE ROLE atlas_owner LOGIN PASSWORD '$PG_ATLAS_OWNER_PASSWORD';
CREATE ROLE atlas_conductor LOGIN PASSWORD '$PG_ATLAS_CONDUCTOR_PASSWORD';
CREATE ROLE atlas_api LOGIN PASSWORD '$PG_ATLAS_API_PASSWORD';
CREATE DATABASE cloud_atlas OWNER atlas_owner;
END
        : >"$LAB/pg-atlas/.made"
}

pg_openstack_up() {
        pg_cluster_up pg-openstack "$PG_OPENSTACK_PORT" ''
}

# A database of OpenStack's as SQLAlchemy names it.
pg_openstack_url() {
        printf 'postgresql+psycopg2://postgres@/%s?host=%s&port=%s' "$1" "$PG_OPENSTACK_SOCKET" "$PG_OPENSTACK_PORT"
}

pg_down() {
        daemon_stop pg-atlas INT 15
        daemon_stop pg-openstack INT 15
}
