# SPDX-License-Identifier: Apache-2.0
"""Three brokers and quorum queues: one of them may go at any time."""
import json
import signal

from load import Load
from servers import signalled
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


def test_a_command_that_kills_its_agents_is_set_aside_at_the_delivery_limit(cluster_world, say):
    """The limit and what becomes of the message are the operator's policy; what it was for is done in the end all the same."""
    world, n_killed = cluster_world, 0
    rule = {"delivery-limit": 2, "dead-letter-exchange": "atlas", "dead-letter-routing-key": "atlas-dead.limit"}
    node = world.cluster.nodes[0]
    node.ctl("set_policy", "-p", "atlas", "--apply-to", "queues", "--priority", "9", "limit", r"^atlas-agent\.", json.dumps(rule))
    try:
        with Load(world) as load:
            load.goes_on()
            world.kill("east-1")
            while world.waiting("atlas-dead")[0][0] == 0:
                assert n_killed < 6, "no limit"
                world.start("east-1", environ={"ATLAS_FAILPOINTS": "agent.after_apply=kill:1"})
                assert world.running.pop("east-1").wait(20) == -signal.SIGKILL
                n_killed += 1
            world.start("east-1")
            back_s = load.goes_on()
        with world.broker_session() as session:
            letter = session.channel().basic_get("atlas-dead", no_ack=True)
            n_dead = 1 + session.channel().queue_purge("atlas-dead")
        death = letter.headers["x-death"][0]
        check(world, load)
    finally:
        node.ctl("clear_policy", "-p", "atlas", "limit")
    # The first agent's end counts too.
    assert (death["queue"], death["reason"]) == ("atlas-agent.east", "delivery_limit") and n_killed >= 2, (death, n_killed)
    say(f"{load}; {n_killed} agents died of it, {n_dead} commands set aside, 40 more links {back_s:.1f} s after")
