#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Takes the lab away: its processes, namespaces, interfaces, and its folder with all that was in it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/all.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/all.sh"

need_root "$@"
[ -e "$LAB" ] || exit 0
[ -e "$LAB_MARKER" ] || die "$LAB is not a lab"
lab_lock
if [ -e "$LAB/.settled" ]; then
        env_load
        atlas_down
        neutron_down &
        pids=($!)
        keystone_down &
        pids+=($!)
        all_of "${pids[@]}"
        pids=()
        for letter in "${SITES[@]}"; do
                gateway_down "$letter" &
                pids+=($!)
        done
        rabbitmq_down &
        pids+=($!)
        pg_down &
        pids+=($!)
        all_of "${pids[@]}"
fi
daemons_sweep
[ ! -e "$LAB/.settled" ] || network_down
rm -rf --one-file-system "$LAB"
printf 'the lab in %s is gone\n' "$LAB"
