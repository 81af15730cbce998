# SPDX-License-Identifier: Apache-2.0
"""Conductors and agents come and go while tenants ask: work is shared, and what is stopped in order leaves nothing behind."""
import random

import pytest

from load import Load
from truth import check
from world import SITES, wait_until

MORE = ("conductor-2", "conductor-3", "east-2", "east-3", "west-2", "west-3")


@pytest.fixture
def many(world):
    """Three conductors, and three agents a site."""
    world.start(*MORE)
    yield world
    for name in [name for name in world.running if name in MORE]:
        world.stop(name)
    gone = [name for name in ("conductor-1", "east-1", "west-1") if name not in world.running]
    if gone:
        world.start(*gone)


def redelivered(world):
    return int(sum(world.metric(name, "atlas_bus_redelivered_total") for name in list(world.running)))


def shares(world, names, metric, before):
    """What each did of it since 'before', as parts of the whole."""
    each = {name: world.metric(name, metric) - before[name] for name in names}
    return {name: n / max(1, sum(each.values())) for name, n in each.items()}


def test_work_is_shared_fairly(many, say):
    groups = [(["conductor-1", "conductor-2", "conductor-3"], "atlas_conductor_inputs_total")]
    groups += [([f"{site}-{i}" for i in (1, 2, 3)], "atlas_agent_commands_total") for site in SITES]
    before = [{name: many.metric(name, metric) for name in names} for names, metric in groups]
    with Load(many) as load:
        load.goes_on(200)
    check(many, load)
    parts = [shares(many, names, metric, was) for (names, metric), was in zip(groups, before)]
    for part in parts:
        assert all(1 / 6 < each < 1 / 2 for each in part.values()), part
    say(f"{load}; shares " + ", ".join(f"{name} {part:.0%}" for each in parts for name, part in each.items()))


def test_what_is_stopped_in_order_is_not_delivered_again(many, say):
    again = redelivered(many)
    stopped = ("conductor-2", "east-2", "west-2", "conductor-1", "east-1", "west-1")
    with Load(many) as load:
        for name in stopped:
            load.goes_on(20)
            many.stop(name)
        back_s = load.goes_on()
    check(many, load)
    waste = redelivered(many) - again
    # Only what was on its way to a program that stops may be given back, undone.
    assert waste <= 2 * len(stopped), f"{waste} messages were delivered again"
    say(f"{load}; {len(stopped)} programs stopped, {max(waste, 0)} messages given back, 40 more links {back_s:.1f} s after")


def test_programs_are_killed_and_started_at_random(many, say):
    dice, n_killed, caught = random.Random(7), 0, 0
    names = sorted(name for name in many.running if name not in ("api-1", "conductor-1"))
    with Load(many) as load:
        load.goes_on()
        for name in (dice.choice(names) for _ in range(12)):
            if name in many.running:
                many.kill(name)
                n_killed, caught = n_killed + 1, caught + many.under_way()
            else:
                many.start(name)
            load.goes_on(10)
        gone = [name for name in names if name not in many.running]
        many.start(*gone)
        back_s = load.goes_on()
    check(many, load)
    assert n_killed >= 4 and caught
    say(f"{load}; {n_killed} killed with {caught} operations under way, 40 more links {back_s:.1f} s after the last start")


def test_the_only_conductor_is_away_for_a_while(world, say):
    with Load(world) as load:
        load.goes_on()
        world.kill("conductor-1")
        wait_until(lambda: world.waiting("atlas-conductor")[0][0] > 0, 10, "requests that wait for a conductor")
        world.start("conductor-1")
        back_s = load.goes_on()
    check(world, load)
    say(f"{load}; 40 more links {back_s:.1f} s after it was back")


def test_a_site_is_without_agents_for_a_while(world, say):
    with Load(world) as load:
        load.goes_on()
        world.kill("east-1")
        load.goes_on()
        assert world.waiting("atlas-agent.east")[0][1] == 0
        world.start("east-1")
        back_s = load.goes_on()
    check(world, load)
    say(f"{load}; 40 more links {back_s:.1f} s after it was back")


def test_everything_is_killed_at_once_and_started_in_any_order(world, say):
    dice, broker = random.Random(11), world.brokers[0]
    with Load(world) as load:
        load.goes_on()
        names = list(world.running)
        for name in names:
            world.kill(name)
        broker.kill()
        caught = world.under_way()
        world.database.kill()
        for start in dice.sample([broker.start, world.database.start], 2):
            start()
        for name in dice.sample(names, len(names)):
            world.start(name)
        back_s = load.goes_on()
    check(world, load)
    assert caught
    say(f"{load}; {len(names)} programs and both servers killed with {caught} operations under way, 40 more links {back_s:.1f} s after")
