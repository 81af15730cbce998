# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The lab's cables: a WAN (a bridge in a namespace, wide enough for MPLS and Ethernet around a full frame), a management
# network in 198.18.0.0/15 (kept for laboratories), and each gateway host's namespace with its `wan0` and `mgmt0`.

wan_mtu=1600

netns_ensure() {
        [ -e "/run/netns/$1" ] || ip netns add "$1"
        ip -n "$1" link set lo up
}

netns_delete() {
        local pids
        [ -e "/run/netns/$1" ] || return 0
        pids=$(ip netns pids "$1")
        # shellcheck disable=SC2086 # a list
        [ -z "$pids" ] || kill -KILL $pids 2>/dev/null || true
        ip netns delete "$1"
}

link_delete() {
        ! ip link show dev "$1" >/dev/null 2>&1 || ip link delete "$1"
}

# Quiet: no address of its own, and checksums filled in by the sender, for nobody behind a veth does it later.
link_quiet() {
        local netns=$1 dev=$2
        ip -n "$netns" link set "$dev" addrgenmode none
        ip netns exec "$netns" ethtool -K "$dev" tx off >/dev/null
        ip -n "$netns" link set "$dev" up
}

bridge_ensure() {
        ip "${@:2}" link show dev "$1" >/dev/null 2>&1 || ip "${@:2}" link add "$1" type bridge mcast_snooping 0
        ip "${@:2}" link set "$1" addrgenmode none
        ip "${@:2}" link set "$1" up
}

network_up() {
        local letter
        [ -e /run/netns ] || : >"$LAB/.made-run-netns"
        if [ ! -e "$LAB/.network-made" ]; then
                [ ! -e "/run/netns/$WAN_NETNS" ] || die "another lab has namespace $WAN_NETNS: set ATLAS_LAB_PREFIX and ATLAS_LAB_NET"
                [ -z "$(ip -4 -o addr show to "$LAB_NET.0/24")" ] || die "$LAB_NET.0/24 is in use here: set ATLAS_LAB_NET"
                : >"$LAB/.network-made"
        fi
        netns_ensure "$WAN_NETNS"
        bridge_ensure wan -n "$WAN_NETNS"
        ip -n "$WAN_NETNS" link set wan mtu $wan_mtu
        bridge_ensure "$LAB_PREFIX-mgmt"
        ip addr replace "$MGMT_ADDR/24" dev "$LAB_PREFIX-mgmt"
        for letter in "${SITES[@]}"; do
                network_gateway "$letter"
        done
}

network_gateway() {
        local letter=$1 netns mgmt
        netns=$(site "$letter" GW_NETNS)
        mgmt=$LAB_PREFIX-mgmt-$letter
        netns_ensure "$netns"
        if ! ip -n "$netns" link show dev wan0 >/dev/null 2>&1; then
                ip -n "$WAN_NETNS" link add "wan-$letter" mtu $wan_mtu type veth peer name wan0 netns "$netns" \
                        mtu $wan_mtu address "$(site "$letter" WAN_MAC)"
                ip -n "$WAN_NETNS" link set "wan-$letter" master wan
                link_quiet "$WAN_NETNS" "wan-$letter"
                link_quiet "$netns" wan0
        fi
        if ! ip link show dev "$mgmt" >/dev/null 2>&1; then
                ip link add "$mgmt" type veth peer name mgmt0 netns "$netns"
                ip link set "$mgmt" addrgenmode none
                ip link set "$mgmt" master "$LAB_PREFIX-mgmt" up
                link_quiet "$netns" mgmt0
                ip -n "$netns" addr add "$(site "$letter" GW_HOST)/24" dev mgmt0
        fi
}

# Deletes every namespace and interface of the lab, and /run/netns if there was none before.
network_down() {
        local netns letter
        [ -e "$LAB/.network-made" ] || return 0
        # The kernel takes a namespace apart at its leisure; what reaches into this one goes now.
        for letter in "${SITES[@]}"; do
                link_delete "$LAB_PREFIX-mgmt-$letter"
        done
        link_delete "$LAB_PREFIX-mgmt"
        for netns in $(ip netns list | awk -v p="$LAB_PREFIX-" 'index($1, p) == 1 { print $1 }'); do
                netns_delete "$netns"
        done
        if [ -e "$LAB/.made-run-netns" ] && [ -d /run/netns ] && [ -z "$(ls -A /run/netns)" ]; then
                ! mountpoint -q /run/netns || umount -n /run/netns
                rmdir /run/netns
        fi
        rm -f "$LAB/.network-made"
}
