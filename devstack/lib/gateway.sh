# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Gateway hosts: one per site, a machine in namespaces with the site's only Open vSwitch (userspace datapath) and sshd.
# In it, Neutron's agent owns br-int; br-atlas with the WAN port wan0 belongs to Cloud Atlas.

gateway_home() {
        printf '%s' "$LAB/gateway-${1#site-}"
}

gateway_configure() {
        local home=$1 letter=$2 host
        host=$(site "$letter" GW_HOST)
        mkdir -p "$home"
        [ -e "$home/host_key" ] || ssh-keygen -q -t ed25519 -N '' -C "$(site "$letter" GW_NAME)" -f "$home/host_key"
        [ -e "$home/agent_key" ] || ssh-keygen -q -t ed25519 -N '' -C "$(site "$letter" NAME)" -f "$home/agent_key"
        cp "$home/agent_key.pub" "$home/authorized_keys"
        printf '%s %s\n' "$host" "$(cut -d' ' -f1,2 "$home/host_key.pub")" >"$home/known_hosts"
        env_put "SITE_${letter^^}_GW_HOSTKEY" "$(cut -d' ' -f1,2 "$home/host_key.pub")"
        cat >"$home/sshd_config" <<END
ListenAddress $host:$(site "$letter" GW_PORT)
HostKey $home/host_key
PidFile /run/sshd.pid
AuthorizedKeysFile /run/authorized_keys
PermitRootLogin prohibit-password
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
AllowTcpForwarding no
X11Forwarding no
PrintMotd no
PrintLastLog no
MaxSessions 64
MaxStartups 100
LogLevel VERBOSE
Subsystem sftp internal-sftp
END
}

# Boots the site's gateway host, if it is not running.
gateway_up() {
        local letter=${1#site-} home
        home=$(gateway_home "$letter")
        daemon_running "gateway-$letter" && return
        gateway_configure "$home" "$letter"
        rm -f "$home/run/ready"
        daemon_start "gateway-$letter" ip netns exec "$(site "$letter" GW_NETNS)" \
                unshare --pid --fork --mount --propagation private --uts \
                "$DEVSTACK/lib/gateway-init.sh" "$home" "$(site "$letter" GW_NAME)"
        daemon_is_child "gateway-$letter"
        daemon_ready "gateway-$letter" 30 test -e "$home/run/ready"
}

# Ends the host with everything in it; its disk (Open vSwitch's database) and its cables stay.
gateway_down() {
        daemon_stop "gateway-${1#site-}"
}

# gateway_exec SITE command ...: as root on that host.
gateway_exec() {
        local pid
        pid=$(daemon_pid "gateway-${1#site-}") || die "the gateway host of $1 is not running"
        nsenter --target "$pid" --mount --net --pid --uts -- "${@:2}"
}

# gateway_daemon SITE NAME command ...: a daemon of the lab on that host.
gateway_daemon() {
        local pid
        pid=$(daemon_pid "gateway-$1") || die "the gateway host of $1 is not running"
        daemon_start "$2" nsenter --target "$pid" --mount --net --pid --uts -- "${@:3}"
        daemon_is_child "$2"
}

# gateway_ssh SITE command ...: as the site's agent enters it.
gateway_ssh() {
        ssh -F none -i "$(site "$1" GW_KEY)" -o UserKnownHostsFile="$(site "$1" GW_KNOWN_HOSTS)" -o BatchMode=yes -o ConnectTimeout=5 \
                -p "$(site "$1" GW_PORT)" "$(site "$1" GW_USER)@$(site "$1" GW_HOST)" "${@:2}"
}

# gateway_reboot SITE [empty]: as if the machine lost its power. Interfaces made since its start are gone, VMs stay
# plugged; Open vSwitch's database is read again. With `empty` br-atlas and the host's own files are lost too.
gateway_reboot() {
        local letter=${1#site-} netns dev
        netns=$(site "$letter" GW_NETNS)
        [ "${2-}" != empty ] || gateway_exec "$letter" sh -c 'ovs-vsctl --timeout=10 --if-exists del-br br-atlas; rm -rf /var/lib/*'
        gateway_down "$letter"
        while read -r dev; do
                ip -n "$netns" link delete "$dev" 2>/dev/null || true
        done < <(ip -n "$netns" -br link | awk '{ sub(/@.*/, "", $1) } $1 !~ /^(lo|wan0|mgmt0|tap.*)$/ { print $1 }')
        gateway_up "$letter"
        neutron_agent_up "$letter"
        neutron_agent_known "$letter"
}
