#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Brings up the lab: two OpenStack sites, each with a gateway host, a WAN between them, and what Cloud Atlas stands on.
# Everything lives in $ATLAS_LAB (default /var/tmp/cloud-atlas-lab); unstack.sh takes it away. What runs already stays.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/all.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/all.sh"

need_root "$@"
"$DEVSTACK/packages.sh" build lab
if [ -e "$LAB" ] && [ ! -e "$LAB_MARKER" ] && [ -n "$(ls -A "$LAB")" ]; then
        die "$LAB is not empty and not a lab"
fi
mkdir -p "$LAB"/{pid,log,tmp}
chmod 1777 "$LAB/tmp"
: >"$LAB_MARKER"
lab_lock
began=$SECONDS
settings

openstack_neutron() {
        [ -e "$LAB/.neutron-installed" ] || part "Neutron's database" neutron_install
        local letter pids=()
        for letter in "${SITES[@]}"; do
                part "Neutron of site-$letter" neutron_server_up "$letter" &
                pids+=($!)
        done
        all_of "${pids[@]}"
}

agents() {
        local letter pids=()
        for letter in "${SITES[@]}"; do
                part "Neutron's agent on gw-$letter" neutron_agent_up "$letter" &
                pids+=($!)
        done
        all_of "${pids[@]}"
        for letter in "${SITES[@]}"; do
                neutron_agent_known "$letter"
        done
}

printf 'Cloud Atlas lab in %s\n' "$LAB"
part "building Cloud Atlas" atlas_build
part "WAN and management network" network_up
part "PostgreSQL for OpenStack" pg_openstack_up &
pids=($!)
part "PostgreSQL for Cloud Atlas" pg_atlas_up &
pids+=($!)
part "RabbitMQ" rabbitmq_up &
pids+=($!)
for letter in "${SITES[@]}"; do
        part "gateway host gw-$letter" gateway_up "$letter" &
        pids+=($!)
done
all_of "${pids[@]}" || die "the lab did not come up"
part "Keystone" keystone_up &
pids=($!)
openstack_neutron &
pids+=($!)
all_of "${pids[@]}" || die "the lab did not come up"
env_load
agents
atlas_settings
part "schema, sites, bus" atlas_records
part "conductor, API, agents" atlas_up

cat <<END
The lab is up after $((SECONDS - began)) s. Its settings: $LAB_ENV
  as a tenant:     . devstack/lib/all.sh; env_load; atlas gateway list
  her own cloud:   OS_CLIENT_CONFIG_FILE=$OS_CLIENT_CONFIG_FILE openstack --os-cloud alice-a network list
  a gateway host:  ip netns exec $SITE_A_GW_NETNS bash, or ssh -i $SITE_A_GW_KEY root@$SITE_A_GW_HOST
  all its parts:   . devstack/lib/all.sh; env_load
END
