#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# alone.sh COMMAND...: runs it in network, mount and process namespaces of its own, with private /run and /tmp.
# Whatever it starts or makes there is gone when it ends.
set -eu
exec unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private -- sh -eu -c '
        mount -t tmpfs -o mode=0755 tmpfs /run
        mkdir /run/netns
        ip link set lo up
        "$@" # not exec: the first process buries the dead of all the others
        exit' alone "$@"
