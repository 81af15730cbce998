#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A gateway host for tests, to be used inside alone.sh: a network namespace with an Open vSwitch of its own (userspace
# datapath), sshd, and a WAN port into the bridge "wan" that all such hosts share.
#
#   gateway_host.sh up DIR NAME N      N (1..250) numbers it: sshd at 10.254.N.2 port 22, WAN address 0a:ca:00:00:00:N
#                                      DIR gets client_key, host_key.pub; DIR/bin is first on the PATH of ssh commands
#   gateway_host.sh exec DIR NAME COMMAND...
#   gateway_host.sh vm DIR NAME VM ADDRESS/LEN TAP     a namespace VM whose wire is port TAP of the host's br-int
#   gateway_host.sh down DIR NAME      its processes and interfaces
set -euo pipefail
verb=$1 dir=$2 name=$3
shift 3

in_host() {
        nsenter --target "$(cat "$dir/init.pid")" --net --mount -- "$@"
}

wait_for() { # a file, at most 20 s
        for ((i = 0; i < 400; i++)); do
                [ -e "$1" ] && return
                sleep 0.05
        done
        echo "$1 did not appear" >&2
        return 1
}

up() {
        local n=$1
        mkdir -p "$dir"/{run,db,bin}
        rm -rf "$dir"/run/*
        [ -e "$dir/host_key" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
        [ -e "$dir/client_key" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/client_key"
        # Two hosts may start at once: one of them makes it.
        ip link add wan mtu 1600 type bridge stp_state 0 mcast_snooping 0 2>/dev/null || ip link show wan >/dev/null
        ip link set wan up
        ip netns add "$name"
        ip link add "mg$n" type veth peer name mgmt0 netns "$name"
        ip addr add "10.254.$n.1/30" dev "mg$n"
        ip link set "mg$n" up
        ip link add "wan$n" mtu 1600 type veth peer name wan0 mtu 1600 address "$(printf '0a:ca:00:00:00:%02x' "$n")" netns "$name"
        ip link set "wan$n" master wan up
        ip -n "$name" link set lo up
        ip -n "$name" addr add "10.254.$n.2/30" dev mgmt0
        ip -n "$name" link set mgmt0 up
        ip -n "$name" link set wan0 up
        ip netns exec "$name" unshare --mount --propagation private -- "$0" inside "$dir" "$name" "$n" \
                >"$dir/log" 2>&1 </dev/null &
        wait_for "$dir/run/ready" || { tail -20 "$dir/log" >&2; exit 1; }
}

inside() {
        echo $$ >"$dir/init.pid"
        mount --bind "$dir/run" /run
        mkdir -p /run/openvswitch /run/sshd
        [ -e "$dir/db/conf.db" ] || ovsdb-tool create "$dir/db/conf.db" /usr/share/openvswitch/vswitch.ovsschema
        ovsdb-server "$dir/db/conf.db" --remote=punix:/run/openvswitch/db.sock --pidfile --detach --no-chdir \
                --log-file="$dir/ovsdb.log" -vconsole:off
        ovs-vsctl --no-wait -- init -- set Open_vSwitch . other_config:n-handler-threads=1 other_config:n-revalidator-threads=1
        ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile --detach --no-chdir \
                --log-file="$dir/vswitchd.log" -vconsole:off
        for bridge in br-atlas br-int; do
                ovs-vsctl --timeout=20 --may-exist add-br "$bridge" \
                        -- set bridge "$bridge" datapath_type=netdev protocols=OpenFlow10,OpenFlow13,OpenFlow15
        done
        ovs-vsctl --timeout=20 set-fail-mode br-atlas secure -- --may-exist add-port br-atlas wan0
        ovs-ofctl -O OpenFlow13 del-flows br-atlas
        cat >"$dir/sshd_config" <<END
ListenAddress 10.254.$1.2:22
HostKey $dir/host_key
PidFile /run/sshd.pid
AuthorizedKeysFile $dir/client_key.pub
StrictModes no
PermitRootLogin prohibit-password
AuthenticationMethods publickey
UsePAM no
SetEnv PATH=$dir/bin:/usr/sbin:/usr/bin:/sbin:/bin
END
        /usr/sbin/sshd -f "$dir/sshd_config" -E "$dir/sshd.log"
        : >/run/ready
        exec sleep infinity
}

vm() {
        local vm=$1 address=$2 tap=$3
        ip netns add "$vm"
        ip link add "$tap" mtu 1500 netns "$name" type veth peer name eth0 mtu 1500 netns "$vm"
        ip netns exec "$vm" ethtool -K eth0 tx off >/dev/null
        ip -n "$vm" link set lo up
        ip -n "$vm" addr add "$address" dev eth0
        ip -n "$vm" link set eth0 up
        ip -n "$name" link set "$tap" up
        in_host ovs-vsctl --timeout=20 add-port br-int "$tap"
}

down() {
        for pid in openvswitch/ovs-vswitchd.pid openvswitch/ovsdb-server.pid sshd.pid; do
                [ ! -e "$dir/run/$pid" ] || kill "$(cat "$dir/run/$pid")" || true
        done
        kill "$(cat "$dir/init.pid")"
        ip netns del "$name"
}

case $verb in
up) up "$@" ;;
inside) inside "$@" ;;
exec) in_host "$@" ;;
vm) vm "$@" ;;
down) down ;;
*) exit 2 ;;
esac
