# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Cloud Atlas in the lab: its schema, its bus, its conductor and API, an agent for each site; and its command line.

# Where the programs are: given, or built here.
atlas_bin() {
        printf '%s/bin' "${ATLAS_BUILD:-$DEVSTACK/../build/lab}"
}

atlas_build() {
        [ -z "${ATLAS_BUILD-}" ] || return 0
        (cd "$DEVSTACK/.." && cmake --preset dev -B build/lab -DBUILD_TESTING=OFF && cmake --build build/lab -j "$(nproc)") >"$LAB/log/build.log" 2>&1 ||
                { fail_with_log "the build failed" "$LAB/log/build.log"; return 1; }
}

# atlas_conf NAME: takes the file's text on standard input; only root reads it, for it holds passwords.
atlas_conf() {
        mkdir -p "$LAB/etc"
        (umask 077 && cat >"$LAB/etc/$1.conf")
}

atlas_bus_url() {
        local name=RABBIT_ATLAS_${1^^}_PASSWORD
        name=${name//-/_}
        printf 'rabbit://atlas-%s:%s@%s:%s/atlas' "$1" "${!name}" "$RABBIT_HOST" "$RABBIT_PORT"
}

atlas_settings() {
        local letter s name
        # A gateway host has a /tmp of its own; the lab's folder it shares with us.
        install -D -m 755 "$(atlas_bin)/atlas-gateway-helper" "$LAB/bin/atlas-gateway-helper"
        for s in api conductor site_site_a site_site_b; do
                name=RABBIT_ATLAS_${s^^}_PASSWORD
                [ -n "${!name-}" ] || env_put "$name" "$(secret)"
        done
        atlas_conf passwords <<END
atlas-api = $RABBIT_ATLAS_API_PASSWORD
atlas-conductor = $RABBIT_ATLAS_CONDUCTOR_PASSWORD
atlas-site-site-a = $RABBIT_ATLAS_SITE_SITE_A_PASSWORD
atlas-site-site-b = $RABBIT_ATLAS_SITE_SITE_B_PASSWORD
END
        atlas_conf atlas-manage <<END
[DEFAULT]
transport_url = $RABBIT_ADMIN_URL
[database]
connection = $PG_ATLAS_OWNER_URL
[bus]
rabbitmqctl = $RABBITMQCTL
[keystone]
auth_url = $KEYSTONE_URL
username = admin
password = $KEYSTONE_PASSWORD_ADMIN
project_name = admin
service_password = $KEYSTONE_PASSWORD_CLOUD_ATLAS
public_url = $ATLAS_API_URL
END
        atlas_conf atlas-conductor <<END
[DEFAULT]
transport_url = $(atlas_bus_url conductor)
metrics_port = 0
[database]
connection = $PG_ATLAS_CONDUCTOR_URL
[conductor]
step_percent = ${ATLAS_STEP_PERCENT:-100}
apply_timeout = ${ATLAS_APPLY_TIMEOUT:-10}
audit_interval = 20
quarantine = 10
END
        atlas_conf atlas-api <<END
[DEFAULT]
auth_strategy = keystone
bind_port = $ATLAS_API_PORT
transport_url = $(atlas_bus_url api)
metrics_port = 0
[database]
connection = $PG_ATLAS_API_URL
[keystone_authtoken]
auth_url = $KEYSTONE_URL
username = cloud-atlas
password = $KEYSTONE_PASSWORD_CLOUD_ATLAS
project_name = service
END
        for letter in "${SITES[@]}"; do
                atlas_agent_settings "$letter"
        done
}

atlas_agent_settings() {
        local letter=$1 user password
        user=$(site "$letter" AGENT_USER)
        password=KEYSTONE_PASSWORD_$(tr 'a-z-' 'A-Z_' <<<"$user")
        atlas_conf "atlas-agent-$letter" <<END
[DEFAULT]
site = $(site "$letter" NAME)
transport_url = $(atlas_bus_url "site-site-$letter")
metrics_port = 0
[cloud]
driver = neutron
[neutron]
auth_url = $KEYSTONE_URL
username = $user
password = ${!password}
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = $(site "$letter" REGION)
helper = $LAB/bin/atlas-gateway-helper
[gateway:$(site "$letter" GW_NAME)]
driver = ovs
type = vpls
domain = $(site "$letter" WAN_DOMAIN)
capacity_to_wan_kbps = 100000
capacity_from_wan_kbps = 100000
agent_host = $(site "$letter" GW_NAME)
host = $(site "$letter" GW_HOST)
port = $(site "$letter" GW_PORT)
user = $(site "$letter" GW_USER)
key_file = $(site "$letter" GW_KEY)
host_key = $(site "$letter" GW_HOSTKEY)
helper = $LAB/bin/atlas-gateway-helper
END
}

atlas_manage() {
        "$(atlas_bin)/atlas-manage" --config-file "$LAB/etc/atlas-manage.conf" "$@"
}

atlas_records() {
        local letter
        {
                atlas_manage db sync
                for letter in "${SITES[@]}"; do
                        atlas_manage site list | grep -qw "site-$letter" || atlas_manage site add "site-$letter"
                done
                atlas_manage bus sync --password-file "$LAB/etc/passwords.conf"
                for letter in "${SITES[@]}"; do
                        atlas_manage "--keystone-region-name=$(site "$letter" REGION)" keystone sync
                done
        } >"$LAB/log/atlas-manage.log" 2>&1 || { fail_with_log "atlas-manage failed" "$LAB/log/atlas-manage.log"; return 1; }
}

# atlas_start PROGRAM [NAME [VARIABLE=VALUE ...]]: a daemon named NAME with etc/NAME.conf.
atlas_start() {
        local program=$1 name=${2:-$1}
        shift $(($# > 1 ? 2 : 1))
        daemon_running "$name" && return
        daemon_start "$name" env "$@" "$(atlas_bin)/$program" --config-file "$LAB/etc/${name%%@*}.conf"
}

atlas_started() {
        grep -q 'event=started' "$(daemon_log "$1")"
}

atlas_up() {
        local letter
        atlas_start atlas-conductor
        daemon_ready atlas-conductor 20 atlas_started atlas-conductor
        atlas_start atlas-api
        for letter in "${SITES[@]}"; do
                atlas_start atlas-agent "atlas-agent-$letter"
        done
        daemon_ready atlas-api 20 http_ready "$ATLAS_API_URL/"
        for letter in "${SITES[@]}"; do
                daemon_ready "atlas-agent-$letter" 20 atlas_started "atlas-agent-$letter"
        done
        wait_for 30 "the gateways" "$(daemon_log atlas-conductor)" atlas_gateways_known
}

atlas_gateways_known() {
        [ "$(as_operator atlas gateway list -f value -c name | wc -l)" = "${#SITES[@]}" ]
}

atlas_down() {
        local name
        for name in atlas-api atlas-agent-a atlas-agent-b atlas-conductor; do
                daemon_stop "$name"
        done
}

### The command line, as somebody ###

# Alice, or whom OS_USERNAME and OS_PROJECT_NAME say.
atlas() {
        local user=${OS_USERNAME:-alice}
        OS_AUTH_URL=$KEYSTONE_URL OS_USERNAME=$user OS_PASSWORD=$(os_password "$user") \
                OS_PROJECT_NAME=${OS_PROJECT_NAME:-atlas-demo} OS_REGION_NAME=$SITE_A_REGION "$(atlas_bin)/atlas" "$@"
}

as_operator() {
        as_admin "$@"
}

as_rival() {
        as_mallory "$@"
}
