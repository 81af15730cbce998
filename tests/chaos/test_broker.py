# SPDX-License-Identifier: Apache-2.0
"""The broker goes, stands still, or refuses, while tenants ask: nothing that was accepted is lost or done twice."""
import time

from load import Load
from servers import Paused
from truth import check
from world import wait_until

LOST = r"event=bus_lost "


def test_a_load_without_a_fault(world, say):
    with Load(world) as load:
        load.goes_on(100)
    check(world, load)
    say(load)


def test_the_broker_restarts(world, say):
    broker, lost = world.brokers[0], world.logs(LOST)
    with Load(world) as load:
        load.goes_on()
        pid = broker.pid
        broker.stop()
        broker.start()
        back_s = load.goes_on()
    check(world, load)
    assert broker.pid != pid and world.logs(LOST) > lost
    say(f"{load}; {world.logs(LOST) - lost} connections lost, 40 more links {back_s:.1f} s after it was back")


def test_the_broker_is_killed(world, say):
    broker, lost = world.brokers[0], world.logs(LOST)
    with Load(world) as load:
        load.goes_on()
        pid = broker.pid
        broker.kill()
        broker.start()
        back_s = load.goes_on()
    check(world, load)
    assert broker.pid != pid and world.logs(LOST) > lost
    say(f"{load}; {world.logs(LOST) - lost} connections lost, 40 more links {back_s:.1f} s after it was back")
