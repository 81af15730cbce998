# SPDX-License-Identifier: Apache-2.0
"""Three brokers and quorum queues: one of them may go at any time."""
import signal
import time

from load import Load
from servers import Paused, signalled
from truth import check
from world import wait_until


def leaders(world):
    return {queue: world.cluster.leader(queue) for queue in ("atlas-conductor", "atlas-event")}


def test_queues_are_quorum_queues_on_three_nodes(cluster_world, say):
    text = cluster_world.cluster.nodes[0].ctl("list_queues", "-p", "atlas", "name", "type", "members", "--no-table-headers")
    queues = [line for line in text.splitlines() if line.startswith("atlas-") and "\tquorum\t" in line]
    assert len(queues) == 6 and all(line.count("@localhost") == 3 for line in queues), text
    with Load(cluster_world) as load:
        load.goes_on(60)
    check(cluster_world, load)
    say(f"{load}; {len(queues)} quorum queues")


def test_the_leader_is_killed(cluster_world, say):
    world, lost = cluster_world, cluster_world.reconnects()
    led = leaders(world)
    leader = led["atlas-conductor"]
    with Load(world) as load:
        load.goes_on()
        signalled(leader.pid, signal.SIGKILL)
        back_s = load.goes_on()
        now = leaders(world)
        leader.start()
        wait_until(lambda: len(world.cluster.running()) == 3, 30, "three nodes")
        load.goes_on()
    check(world, load)
    assert now["atlas-conductor"] is not leader and world.reconnects() > lost
    say(f"{load}; {leader.node} led {sum(node is leader for node in led.values())} of {len(led)} queues looked at, "
        f"{world.reconnects() - lost} connections lost, 40 more links {back_s:.1f} s after its death")
