# SPDX-License-Identifier: Apache-2.0
"""The network between the programs and the broker loses every byte, and says nothing."""
import pytest

from load import Load
from proxy import Proxy
from truth import check
from test_broker import nothing_is_begun

PROGRAMS = ("conductor-1", "east-1", "west-1", "api-1")


@pytest.fixture
def proxy(world):
    """Between all programs and the broker."""
    proxy = Proxy(world.brokers[0].port)
    for name in PROGRAMS:
        world.stop(name)
    world.start(*PROGRAMS, hosts=[f"127.0.0.1:{proxy.port}"])
    yield proxy
    for name in PROGRAMS:
        world.stop(name)
    proxy.close()
    world.start(*PROGRAMS)


def test_the_network_swallows_every_byte_for_a_while(world, proxy, say):
    lost = world.reconnects()
    with Load(world, rpc=False) as load:
        load.goes_on()
        proxy.cut()
        slowest_s = nothing_is_begun(world, 7.5)
        proxy.mend()
        back_s = load.goes_on()
    check(world, load)
    assert proxy.swallowed > 0 and world.reconnects() > lost
    say(f"{load}; {proxy.swallowed} bytes swallowed, {world.reconnects() - lost} connections given up, a GET took at most "
        f"{slowest_s:.2f} s meanwhile, 40 more links {back_s:.1f} s after")
