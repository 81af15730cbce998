#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The first process of a gateway host: gateway-init.sh HOME NAME, started in the host's network namespace and in
# process, mount and host name namespaces of its own. It makes the machine look like one (its own /run, /var/lib,
# /var/log, boot id), starts Open vSwitch and sshd, then adopts what is left over. When it ends, the kernel ends
# everything in the host.
set -euo pipefail
home=$1 name=$2

trap 'exit 0' TERM

hostname "$name"
mount -n -t proc proc /proc
mkdir -p "$home"/{run,lib,log,etc}
rm -rf "$home/run"/*
mount -n --bind "$home/lib" /var/lib
mount -n --bind "$home/log" /var/log
mount -n --bind "$home/run" /run
mkdir -p /run/openvswitch /run/sshd /run/lock

# Every start is a new boot, as it would be with a machine.
cat /proc/sys/kernel/random/uuid >/run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id

# root has a home of its own, and may enter by key where its account is locked.
mkdir -p /var/lib/root
sed 's#^\(root:[^:]*:0:0:[^:]*\):.*#\1:/var/lib/root:/bin/bash#' /etc/passwd >/run/passwd
mount --bind /run/passwd /etc/passwd
(umask 077 && sed 's/^root:[^:]*:/root:*:/' /etc/shadow >/run/shadow)
mount --bind /run/shadow /etc/shadow
[[ $home == /tmp/* ]] || mount -t tmpfs -o mode=1777 tmpfs /tmp
install -m 600 "$home/authorized_keys" /run/authorized_keys

db=$home/etc/conf.db
[ -e "$db" ] || ovsdb-tool create "$db" /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server "$db" --remote=punix:/run/openvswitch/db.sock --pidfile --detach --no-chdir \
        --log-file=/var/log/ovsdb-server.log -vconsole:off
ovs-vsctl --timeout=10 --no-wait -- init -- set Open_vSwitch . external_ids:system-id="$name" external_ids:hostname="$name" \
        other_config:n-handler-threads=1 other_config:n-revalidator-threads=1
ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile --detach --no-chdir \
        --log-file=/var/log/ovs-vswitchd.log -vconsole:off
ovs-vsctl --timeout=20 --may-exist add-br br-atlas \
        -- set bridge br-atlas datapath_type=netdev fail_mode=secure protocols=OpenFlow10,OpenFlow13,OpenFlow15 \
        -- --may-exist add-port br-atlas wan0 -- set interface wan0 ofport_request=1
/usr/sbin/sshd -f "$home/sshd_config" -E /var/log/sshd.log
: >/run/ready

while :; do
        sleep infinity &
        wait $! || true
done
