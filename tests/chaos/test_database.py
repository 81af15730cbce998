# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL goes and comes back under the same load."""
import time

from load import Load
from truth import check
from world import wait_until


def away(world):
    return int(world.metric("conductor-1", "atlas_conductor_store_away_total"))


def test_the_database_restarts(world, say):
    pid, before = world.database.pid, away(world)
    with Load(world) as load:
        load.goes_on()
        world.database.restart()
        back_s = load.goes_on()
    check(world, load)
    assert world.database.pid != pid and away(world) > before
    say(f"{load}; {away(world) - before} waits of the conductor, 40 more links {back_s:.1f} s after it was back")


def test_the_database_is_killed(world, say):
    pid, before = world.database.pid, away(world)
    with Load(world) as load:
        load.goes_on()
        world.database.kill()
        world.database.start()
        back_s = load.goes_on()
    check(world, load)
    assert world.database.pid != pid and away(world) > before
    say(f"{load}; {away(world) - before} waits of the conductor, 40 more links {back_s:.1f} s after it was back")


def test_the_database_fails_over_to_its_synchronous_standby(replicated_world, say):
    world = replicated_world
    wait_until(world.database.is_synchronous, 20, "a synchronous standby")
    before = away(world)
    with Load(world) as load:
        load.goes_on()
        caught = world.under_way()
        world.database.fail_over()
        back_s = load.goes_on()
    check(world, load)
    assert caught and away(world) > before
    assert world.one("SELECT inet_server_addr() IS NULL AND NOT pg_is_in_recovery() AND current_setting('unix_socket_directories') = %s",
                     str(world.database.folder))
    say(f"{load}; {caught} operations were under way, 40 more links {back_s:.1f} s after the standby was promoted")


def asks_while_full(world, seconds):
    """A change is refused with words that say what to do, and soon; how many were, and how long the slowest took."""
    end, n, slowest_s = time.monotonic() + seconds, 0, 0.0
    while time.monotonic() < end:
        began = time.monotonic()
        answer = world.api.ask("POST", "/v1/vpns", {"vpn": {"name": "none", "type": "vpls"}})
        slowest_s = max(slowest_s, time.monotonic() - began)
        if answer.status == 201:  # it had room for one more
            continue
        assert answer.status == 503 and int(answer.headers["Retry-After"]) >= 1, answer.text
        assert answer.error()["type"] in ("service.unavailable", "service.outcome_unknown"), answer.text
        n += answer.error()["type"] == "service.unavailable" and "nothing was done" in answer.error()["message"]
    return n, slowest_s


def test_the_databases_disk_is_full(small_disk_world, say):
    world = small_disk_world
    before = away(world)
    with Load(world) as load:
        load.goes_on()
        caught, n_bytes = world.under_way(), world.database.fill()
        assert world.database.is_full()
        wait_until(lambda: away(world) > before, 60, "a database that takes nothing")
        world.database.fill()  # what it gave back meanwhile
        n_refused, slowest_s = asks_while_full(world, 8)
        world.database.empty()
        world.database.start()  # in case it gave up
        back_s = load.goes_on()
    check(world, load)
    assert n_refused > 0 and slowest_s < 6
    say(f"{load}; {n_bytes >> 20} MiB were filled up with {caught} operations under way, {n_refused} requests were told that nothing "
        f"was done, the slowest after {slowest_s:.1f} s; 40 more links {back_s:.1f} s after there was room again")
