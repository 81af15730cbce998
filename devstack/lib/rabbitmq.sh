# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A RabbitMQ node of the lab's own. Debian's wrapper would change user and folders, so the scripts behind it are called.

rabbitmq_configure() {
        local home=$LAB/rabbitmq letter vhosts permissions
        mkdir -p "$home/home" "$LAB/bin"
        cat >"$home/rabbitmq.conf" <<END
listeners.tcp.1 = 127.0.0.1:$RABBIT_PORT
listeners.tcp.2 = $MGMT_ADDR:$RABBIT_PORT
load_definitions = $home/definitions.json
log.file = rabbit.log
log.file.level = info
disk_free_limit.absolute = 64MB
raft.wal_max_size_bytes = 67108864
END
        printf '[].\n' >"$home/enabled_plugins"
        cat >"$home/env" <<END
export HOME='$home/home'
export ERL_CRASH_DUMP='$LAB/log/erl_crash.dump'
export RABBITMQ_CONF_ENV_FILE=/dev/null
export RABBITMQ_NODENAME='$RABBIT_NODE'
export RABBITMQ_DIST_PORT=$RABBIT_DIST_PORT
export ERL_EPMD_PORT=$RABBIT_EPMD_PORT
export ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_CONFIG_FILE='$home/rabbitmq.conf'
export RABBITMQ_ENABLED_PLUGINS_FILE='$home/enabled_plugins'
export RABBITMQ_MNESIA_BASE='$home/mnesia'
export RABBITMQ_LOG_BASE='$LAB/log'
export RABBITMQ_PID_FILE='$home/pid'
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none'
export RABBITMQ_CTL_ERL_ARGS='+S 2:2 +sbwt none'
END
        cat >"$RABBITMQCTL" <<END
#!/bin/sh
# rabbitmqctl of this lab's node.
. '$home/env'
exec /usr/lib/rabbitmq/bin/rabbitmqctl -q "\$@"
END
        chmod 755 "$RABBITMQCTL"

        permissions=$(rabbitmq_permission atlas-admin atlas)
        vhosts='{"name": "atlas"}'
        for letter in "${SITES[@]}"; do
                vhosts+=", {\"name\": \"neutron-$letter\"}"
                permissions+=", $(rabbitmq_permission openstack "neutron-$letter")"
        done
        (umask 077 && cat >"$home/definitions.json") <<END
{"vhosts": [$vhosts],
 "users": [{"name": "atlas-admin", "password": "$RABBIT_ADMIN_PASSWORD", "tags": "administrator"},
           {"name": "openstack", "password": "$RABBIT_OPENSTACK_PASSWORD", "tags": ""}],
 "permissions": [$permissions]}
END
}

rabbitmq_permission() {
        printf '{"user": "%s", "vhost": "%s", "configure": ".*", "write": ".*", "read": ".*"}' "$1" "$2"
}

rabbitmq_up() {
        daemon_running rabbitmq && return
        rabbitmq_configure
        # shellcheck disable=SC2016 # expanded by that shell
        daemon_start rabbitmq sh -c '. "$0"; exec /usr/lib/rabbitmq/bin/rabbitmq-server' "$LAB/rabbitmq/env"
        daemon_ready rabbitmq 60 port_open "$RABBIT_HOST" "$RABBIT_PORT"
}

rabbitmq_down() {
        daemon_stop rabbitmq TERM 20
        [ ! -e "$LAB/rabbitmq/env" ] || ERL_EPMD_PORT=$RABBIT_EPMD_PORT epmd -kill >/dev/null 2>&1 || true
}
