# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the lab decides once and keeps in $LAB/env: names, ports, addresses, passwords. The file is plain
# KEY='value' lines, to be sourced by a shell or read line by line.

LAB_ENV="$LAB/env"

env_load() {
        # shellcheck source=/dev/null
        . "$LAB_ENV"
        export OS_CLIENT_CONFIG_FILE
}

# env_put KEY VALUE: adds or replaces one line.
env_put() {
        [[ $2 != *\'* && $2 != *$'\n'* ]] || die "a quote or newline in $1"
        (
                flock 8
                sed -i "/^$1=/d" "$LAB_ENV"
                printf "%s='%s'\n" "$1" "$2" >>"$LAB_ENV"
        ) 8<"$LAB/pid"
        printf -v "$1" '%s' "$2"
}

# Prints n ports nobody listens on, below the range the kernel hands out.
free_ports() {
        local n=$1 port taken
        taken=$(ss -Htanu | awk '{ sub(/.*:/, "", $5); print $5 }' | sort -u)
        for ((port = 17700 + RANDOM % 12000; n > 0; port++)); do
                grep -qx "$port" <<<"$taken" && continue
                printf '%s\n' "$port"
                n=$((n - 1))
        done
}

settings_new() {
        local ports prefix=${ATLAS_LAB_PREFIX:-ca} net=${ATLAS_LAB_NET:-198.18.160} s v letter i=7
        [[ $prefix =~ ^[a-z][a-z0-9]{0,2}$ ]] || die "ATLAS_LAB_PREFIX: one to three small letters or digits"
        [[ $net =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "ATLAS_LAB_NET: three numbers of an IPv4 /24"
        mapfile -t ports < <(free_ports 14)
        (umask 077 && : >"$LAB_ENV")

        env_put LAB "$LAB"
        env_put LAB_PREFIX "$prefix"
        env_put LAB_NET "$net"
        env_put LAB_SITES "site-a site-b"
        env_put MGMT_ADDR "$net.1"
        env_put WAN_NETNS "$prefix-wan"

        env_put RABBIT_HOST 127.0.0.1
        env_put RABBIT_PORT "${ports[0]}"
        env_put RABBIT_DIST_PORT "${ports[1]}"
        env_put RABBIT_EPMD_PORT "${ports[2]}"
        env_put RABBIT_NODE "$prefix-lab@localhost"
        env_put RABBIT_VHOST atlas
        env_put RABBIT_ADMIN_USER atlas-admin
        env_put RABBIT_ADMIN_PASSWORD "$(secret)"
        env_put RABBIT_ADMIN_URL "rabbit://atlas-admin:$RABBIT_ADMIN_PASSWORD@127.0.0.1:$RABBIT_PORT/atlas"
        env_put RABBIT_OPENSTACK_PASSWORD "$(secret)"
        env_put RABBITMQCTL "$LAB/bin/rabbitmqctl"

        env_put PG_ATLAS_HOST 127.0.0.1
        env_put PG_ATLAS_PORT "${ports[3]}"
        env_put PG_ATLAS_SOCKET "$LAB/pg-atlas/run"
        env_put PG_ATLAS_DB cloud_atlas
        for s in owner conductor api; do
                env_put "PG_ATLAS_${s^^}_PASSWORD" "$(secret)"
                v=PG_ATLAS_${s^^}_PASSWORD
                env_put "PG_ATLAS_${s^^}_URL" "postgresql://atlas_$s:${!v}@127.0.0.1:$PG_ATLAS_PORT/cloud_atlas"
        done
        env_put PG_ATLAS_SUPER_URL "postgresql:///cloud_atlas?host=$LAB/pg-atlas/run&port=$PG_ATLAS_PORT&user=postgres"
        env_put PG_OPENSTACK_PORT "${ports[4]}"
        env_put PG_OPENSTACK_SOCKET "$LAB/pg-openstack/run"

        env_put KEYSTONE_PORT "${ports[5]}"
        env_put KEYSTONE_URL "http://127.0.0.1:$KEYSTONE_PORT/v3"
        for s in admin neutron alice mallory atlas_agent_site_a atlas_agent_site_b cloud_atlas; do
                env_put "KEYSTONE_PASSWORD_${s^^}" "$(secret)"
        done
        env_put OS_CLIENT_CONFIG_FILE "$LAB/clouds.yaml"

        env_put ATLAS_API_PORT "${ports[6]}"
        env_put ATLAS_API_URL "http://127.0.0.1:$ATLAS_API_PORT"

        for letter in "${SITES[@]}"; do
                s=SITE_${letter^^}
                env_put "${s}_NAME" "site-$letter"
                env_put "${s}_REGION" "Region${letter^^}"
                env_put "${s}_NEUTRON_PORT" "${ports[i]}"
                env_put "${s}_NEUTRON_URL" "http://127.0.0.1:${ports[i]}"
                env_put "${s}_NEUTRON_VHOST" "neutron-$letter"
                env_put "${s}_NEUTRON_DB" "neutron_$letter"
                env_put "${s}_AGENT_USER" "atlas-agent-site-$letter"
                env_put "${s}_GW_NAME" "gw-$letter"
                env_put "${s}_GW_NETNS" "$prefix-gw-$letter"
                env_put "${s}_GW_HOST" "$net.$((i + 4))"
                env_put "${s}_GW_PORT" 22
                env_put "${s}_GW_USER" root
                env_put "${s}_GW_KEY" "$LAB/gateway-$letter/agent_key"
                env_put "${s}_GW_KNOWN_HOSTS" "$LAB/gateway-$letter/known_hosts"
                env_put "${s}_GW_OVSDB" "unix:$LAB/gateway-$letter/run/openvswitch/db.sock"
                env_put "${s}_WAN_DOMAIN" wan
                env_put "${s}_WAN_MAC" "02:ca:00:00:00:$(printf '%02x' "'$letter")"
                i=$((i + 1))
        done
}

# The settings of this lab: kept ones, else new ones.
settings() {
        if [ -e "$LAB/.settled" ]; then
                env_load
        else
                settings_new
                : >"$LAB/.settled"
        fi
}
