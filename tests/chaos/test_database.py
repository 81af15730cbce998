# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL goes and comes back under the same load."""
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
