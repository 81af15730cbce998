# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Per site: a Neutron server with its own database and virtual host, and its Open vSwitch agent on the gateway host.

# The overlay takes 50 bytes, so that tenant networks are 1500 wide.
neutron_underlay_mtu=1550

neutron_rabbit_url() {
        printf 'rabbit://openstack:%s@%s:%s/%s' "$RABBIT_OPENSTACK_PASSWORD" "$2" "$RABBIT_PORT" "$(site "$1" NEUTRON_VHOST)"
}

neutron_configure() {
        local letter=$1 home=$LAB/neutron-$1 password
        password=$(os_password neutron)
        mkdir -p "$home/state/lock"
        (umask 077 && cat >"$home/server.conf") <<END
[DEFAULT]
use_stderr = true
bind_host = 127.0.0.1
bind_port = $(site "$letter" NEUTRON_PORT)
core_plugin = ml2
service_plugins =
api_paste_config = /etc/neutron/api-paste.ini
state_path = $home/state
transport_url = $(neutron_rabbit_url "$letter" 127.0.0.1)
api_workers = 1
rpc_workers = 1
rpc_state_report_workers = 0
global_physnet_mtu = $neutron_underlay_mtu
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
agent_down_time = 75
[database]
connection = $(pg_openstack_url "$(site "$letter" NEUTRON_DB)")
[keystone_authtoken]
www_authenticate_uri = $KEYSTONE_URL
auth_url = $KEYSTONE_URL
auth_type = password
username = neutron
password = $password
project_name = service
user_domain_id = default
project_domain_id = default
region_name = $(site "$letter" REGION)
service_token_roles_required = true
[oslo_concurrency]
lock_path = $home/state/lock
[quotas]
quota_network = -1
quota_subnet = -1
quota_port = -1
[ml2]
type_drivers = vxlan,flat,vlan
tenant_network_types = vxlan
mechanism_drivers = openvswitch
extension_drivers = port_security
path_mtu = $neutron_underlay_mtu
[ml2_type_vxlan]
vni_ranges = 1:4000
[securitygroup]
enable_security_group = false
END
        (umask 077 && cat >"$home/agent.conf") <<END
[DEFAULT]
use_stderr = true
host = $(site "$letter" GW_NAME)
state_path = $home/state
transport_url = $(neutron_rabbit_url "$letter" "$MGMT_ADDR")
[oslo_concurrency]
lock_path = $home/state/lock
[ovs]
datapath_type = netdev
ovsdb_connection = unix:/run/openvswitch/db.sock
local_ip = $(site "$letter" GW_HOST)
[agent]
root_helper =
tunnel_types = vxlan
report_interval = 10
polling_interval = 1
[securitygroup]
enable_security_group = false
firewall_driver = noop
END
}

# The schema is made once, and copied for the other sites.
neutron_install() {
        local letter db first='' log
        log=$(daemon_log neutron-db-manage)
        for letter in "${SITES[@]}"; do
                neutron_configure "$letter"
                db=$(site "$letter" NEUTRON_DB)
                pg_sql pg-openstack "$PG_OPENSTACK_PORT" postgres -c "DROP DATABASE IF EXISTS $db" \
                        -c "CREATE DATABASE $db ${first:+TEMPLATE $first}"
                [ -z "$first" ] || continue
                first=$db
                neutron-db-manage --config-file "$LAB/neutron-$letter/server.conf" upgrade heads >"$log" 2>&1 ||
                        { fail_with_log "neutron-db-manage failed" "$log"; return 1; }
        done
        : >"$LAB/.neutron-installed"
}

neutron_server_up() {
        local letter=$1
        daemon_running "neutron-server-$letter" && return
        neutron_configure "$letter"
        daemon_start "neutron-server-$letter" neutron-server --config-file "$LAB/neutron-$letter/server.conf"
        daemon_ready "neutron-server-$letter" 90 http_ready "$(site "$letter" NEUTRON_URL)/"
}

neutron_agent_up() {
        local letter=$1
        daemon_running "neutron-agent-$letter" && return
        gateway_daemon "$letter" "neutron-agent-$letter" neutron-openvswitch-agent --config-file "$LAB/neutron-$letter/agent.conf"
        daemon_ready "neutron-agent-$letter" 60 grep -q 'Agent initialized successfully' "$(daemon_log "neutron-agent-$letter")"
}

# Neutron binds a port only where it knows a living agent.
neutron_agent_alive() {
        as_admin os_get "$1" '/v2.0/agents?binary=neutron-openvswitch-agent' | jq -e '.agents | length == 1 and all(.alive)'
}

neutron_agent_known() {
        wait_for 60 "Neutron's agent of site-$1" "$(daemon_log "neutron-agent-$1")" neutron_agent_alive "$1"
}

# The servers; the agents end with their gateway hosts.
neutron_down() {
        local letter pids=()
        for letter in "${SITES[@]}"; do
                daemon_stop "neutron-server-$letter" INT 10 &
                pids+=($!)
        done
        all_of "${pids[@]}"
}
