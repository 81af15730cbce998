# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR
# SPDX-License-Identifier: Apache-2.0
# The whole lab's functions, for stack.sh, unstack.sh, the demo and whoever plays: `. devstack/lib/all.sh; env_load`.
lab_lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=common.sh
. "$lab_lib/common.sh"
# shellcheck source=settings.sh
. "$lab_lib/settings.sh"
# shellcheck source=network.sh
. "$lab_lib/network.sh"
# shellcheck source=gateway.sh
. "$lab_lib/gateway.sh"
# shellcheck source=vm.sh
. "$lab_lib/vm.sh"
# shellcheck source=postgres.sh
. "$lab_lib/postgres.sh"
# shellcheck source=rabbitmq.sh
. "$lab_lib/rabbitmq.sh"
# shellcheck source=os.sh
. "$lab_lib/os.sh"
# shellcheck source=keystone.sh
. "$lab_lib/keystone.sh"
# shellcheck source=neutron.sh
. "$lab_lib/neutron.sh"
# shellcheck source=atlas.sh
. "$lab_lib/atlas.sh"
