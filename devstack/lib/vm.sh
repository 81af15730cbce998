# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# "Virtual machines": namespaces whose eth0 is plugged into br-int as a Neutron port, as Nova would plug it.

vm_netns() {
        printf '%s-vm-%s-%s' "$LAB_PREFIX" "${1#site-}" "$2"
}

# vm_create SITE NAME PORT-ID MAC IP/LEN [MTU]
vm_create() {
        local netns gateway tap=tap${3:0:11} mtu=${6:-1500}
        netns=$(vm_netns "$1" "$2")
        gateway=$(site "$1" GW_NETNS)
        mkdir -p "$LAB/vm"
        printf '%s\n' "$tap" >"$LAB/vm/$netns"
        netns_ensure "$netns"
        ip -n "$gateway" link add "$tap" mtu "$mtu" type veth peer name eth0 netns "$netns" mtu "$mtu" address "$4"
        link_quiet "$gateway" "$tap"
        link_quiet "$netns" eth0
        ip -n "$netns" addr add "$5" dev eth0
        gateway_exec "$1" ovs-vsctl --timeout=10 --may-exist add-port br-int "$tap" -- set interface "$tap" \
                external_ids:iface-id="$3" external_ids:attached-mac="\"$4\"" external_ids:iface-status=active
}

# vm_exec SITE NAME command ...
vm_exec() {
        ATLAS_LAB_DAEMON=$LAB ip netns exec "$(vm_netns "$1" "$2")" "${@:3}"
}

# vm_delete SITE NAME: unplugs it and ends what runs in it; its Neutron port stays.
vm_delete() {
        local netns
        netns=$(vm_netns "$1" "$2")
        [ -e "$LAB/vm/$netns" ] || return 0
        gateway_exec "$1" ovs-vsctl --timeout=10 --if-exists del-port br-int "$(cat "$LAB/vm/$netns")"
        netns_delete "$netns"
        rm "$LAB/vm/$netns"
}
