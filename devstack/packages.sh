#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing of the Debian packages a purpose needs: packages.sh build|test|bench|lab ...
# No service is started by it: until the installation is over, policy-rc.d answers 101.
set -euo pipefail

declare -A packages=(
[build]="gcc g++ cmake ninja-build pkg-config ccache librabbitmq-dev libjansson-dev libcurl4-openssl-dev
         libssh2-1-dev libpq-dev libevent-dev libyaml-dev libsmartcols-dev libcmocka-dev"
[test]="rabbitmq-server postgresql-15 openssh-server openssh-client openssl curl jq iproute2 procps
        python3-pytest python3-hypothesis python3-jsonschema python3-keystoneauth1 python3-oslo.messaging
        python3-oslo.policy python3-psycopg2 shellcheck keystone uwsgi-core uwsgi-plugin-python3"
[bench]="wrk postgresql-client-15 jq curl"
[lab]="rabbitmq-server postgresql-15 keystone neutron-server neutron-openvswitch-agent openvswitch-switch
       uwsgi-core uwsgi-plugin-python3 openssh-server openssh-client openssl curl jq iproute2 procps
       ethtool iputils-ping iperf3 python3-psycopg2 python3-openstackclient"
)

die() {
        printf 'packages.sh: %s\n' "$*" >&2
        exit 1
}

# Prints those of the named packages which are not installed.
missing() {
        local installed p
        installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null | sed -n 's/^.i  *//p')
        for p; do
                grep -qxF -- "$p" <<<"$installed" || printf '%s\n' "$p"
        done
}

# Runs apt-get with services forbidden to start; whatever policy was there before comes back.
install_quietly() (
        policy=/usr/sbin/policy-rc.d
        exec 8</usr/sbin
        flock -w 600 8 || die "another installation is running"
        saved=$(mktemp -d)
        [ ! -e "$policy" ] || cp -a "$policy" "$saved/policy"
        # shellcheck disable=SC2317 # called by the trap
        restore() {
                if [ -e "$saved/policy" ]; then cp -a "$saved/policy" "$policy"; else rm -f "$policy"; fi
                rm -rf "$saved"
        }
        trap restore EXIT
        trap 'exit 1' INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$saved/none"
        install -m 755 "$saved/none" "$policy"
        export DEBIAN_FRONTEND=noninteractive
        apt-get -q -o DPkg::Lock::Timeout=600 update
        apt-get -qy -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold \
                --no-install-recommends install "$@"
)

[ $# -gt 0 ] || die "usage: packages.sh build|test|bench|lab ..."
wanted=()
for group; do
        [ -n "${packages[$group]-}" ] || die "no group '$group'; there are: ${!packages[*]}"
        read -ra names -d '' <<<"${packages[$group]}" || true
        wanted+=("${names[@]}")
done
mapfile -t todo < <(missing "${wanted[@]}" | sort -u)
[ ${#todo[@]} -gt 0 ] || exit 0
[ "$(id -u)" = 0 ] || exec sudo "$0" "$@"
printf 'installing %s\n' "${todo[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_quietly "${todo[@]}" >"$log" 2>&1 || { tail -n 40 "$log" >&2; die "apt-get failed"; }
