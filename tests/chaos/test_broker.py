# SPDX-License-Identifier: Apache-2.0
"""The broker goes, stands still, or refuses, while tenants ask: nothing that was accepted is lost or done twice."""
import time

import amqp
import pytest
from load import Load
from servers import Paused
from truth import check
from world import wait_until


def nothing_is_begun(world, seconds):
    """Nothing new is begun while the broker is of no use, once what it held is done. How long the slowest GET took."""
    slowest_s = reads_and_refuses(world, seconds / 2)
    before = world.one("SELECT count(*) FROM operation")
    slowest_s = max(slowest_s, reads_and_refuses(world, seconds / 2))
    assert world.one("SELECT count(*) FROM operation") == before
    return slowest_s


def reads_and_refuses(world, seconds):
    """While the broker is of no use a GET is answered at once, and a write refused with 503 soon; how long the slowest GET took."""
    end, slowest_s = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        began = time.monotonic()
        assert world.api.get("/v1/vpns?limit=1").status == 200
        slowest_s = max(slowest_s, time.monotonic() - began)
        began = time.monotonic()
        answer = world.api.ask("POST", "/v1/vpns", {"vpn": {"name": "none", "type": "vpls"}})
        took_s = time.monotonic() - began
        assert answer.status == 503 and took_s < 3, (answer.text, took_s)
        time.sleep(0.2)
    assert slowest_s < 1, slowest_s
    return slowest_s


def test_a_load_without_a_fault(world, say):
    with Load(world) as load:
        load.goes_on(100)
    check(world, load)
    say(load)


def test_the_broker_restarts(world, say):
    broker, lost = world.brokers[0], world.reconnects()
    with Load(world) as load:
        load.goes_on()
        pid = broker.pid
        broker.stop()
        caught = world.under_way()
        broker.start()
        back_s = load.goes_on()
    check(world, load)
    assert broker.pid != pid and world.reconnects() > lost and caught
    say(f"{load}; {caught} operations were under way, {world.reconnects() - lost} connections lost, 40 more links {back_s:.1f} s after it was back")


def test_the_broker_is_killed(world, say):
    broker, lost = world.brokers[0], world.reconnects()
    with Load(world) as load:
        load.goes_on()
        pid = broker.pid
        broker.kill()
        caught = world.under_way()
        broker.start()
        back_s = load.goes_on()
    check(world, load)
    assert broker.pid != pid and world.reconnects() > lost and caught
    say(f"{load}; {caught} operations were under way, {world.reconnects() - lost} connections lost, 40 more links {back_s:.1f} s after it was back")


def test_the_broker_is_away_for_longer_than_a_step_may_take(world, say):
    """What is waited for cannot come while the bus is down: deadlines rest."""
    broker, percent, step_s = world.brokers[0], 10, 3
    world.stop("conductor-1")
    world.start("conductor-1", step_percent=percent)
    try:
        with Load(world) as load:
            load.goes_on()
            broker.kill()
            began, caught = time.monotonic(), world.under_way()
            time.sleep(step_s)
            broker.start()
            away_s = time.monotonic() - began
            back_s = load.goes_on()
        check(world, load)
    finally:
        world.stop("conductor-1")
        world.start("conductor-1")
    assert away_s > step_s and caught
    say(f"{load}; {caught} operations were under way, the broker was away for {away_s:.1f} s, 40 more links {back_s:.1f} s after")


def test_the_broker_stands_still_for_longer_than_a_heartbeat(world, say):
    lost, pause_s = world.reconnects(), 7.5
    with Load(world) as load:
        load.goes_on()
        with Paused(world.brokers[0].pid):
            slowest_s = nothing_is_begun(world, pause_s)
        back_s = load.goes_on()
    check(world, load)
    assert world.reconnects() > lost
    say(f"{load}; paused {pause_s} s, {world.reconnects() - lost} connections given up, a GET took at most "
        f"{slowest_s:.2f} s meanwhile, 40 more links {back_s:.1f} s after")


def test_the_broker_stands_still_for_a_moment(world, say):
    with Load(world) as load:
        load.goes_on()
        with Paused(world.brokers[0].pid):
            time.sleep(2)
        back_s = load.goes_on()
    check(world, load)
    say(f"{load}; paused 2 s, 40 more links {back_s:.1f} s after")


@pytest.mark.parametrize("command, alarmed, well", [
    ("set_vm_memory_high_watermark", "0.0000001", "0.4"), ("set_disk_free_limit", "100000GB", "1MB")], ids=["memory", "disk"])
def test_the_broker_runs_short_of(world, say, command, alarmed, well):
    broker, blocked = world.brokers[0], world.logs(r"event=bus_blocked blocked=yes")
    with Load(world) as load:
        load.goes_on()
        broker.ctl(command, alarmed)
        try:
            wait_until(lambda: world.logs(r"event=bus_blocked blocked=yes") > blocked, 20, "word of the alarm")
            slowest_s = nothing_is_begun(world, 4)
        finally:
            broker.ctl(command, well)
        back_s = load.goes_on()
    check(world, load)
    say(f"{load}; {world.logs(r'event=bus_blocked blocked=yes') - blocked} connections blocked, a GET took at most "
        f"{slowest_s:.2f} s meanwhile, 40 more links {back_s:.1f} s after")


def test_the_operator_closes_every_connection(world, say):
    broker, lost = world.brokers[0], world.reconnects()
    with Load(world) as load:
        load.goes_on()
        broker.ctl("close_all_connections", "-p", "atlas", "maintenance of a chaotic kind")
        back_s = load.goes_on()
    check(world, load)
    assert world.reconnects() - lost >= 7  # api 2, conductor 2, agents 1 and 2: at least as many
    assert world.logs(r"event=bus_lost .*maintenance of a chaotic kind")
    say(f"{load}; {world.reconnects() - lost} connections lost, 40 more links {back_s:.1f} s after")


def delete_queue(world, name):
    """How many messages went with it."""
    with world.broker_session() as session:
        return session.channel().queue_delete(name)


def is_consumed(world, name):
    try:
        return world.waiting(name)[0][1] > 0
    except amqp.exceptions.NotFound:
        return False


def test_the_conductors_queues_are_deleted(world, say):
    lost, went = world.reconnects(), 0
    with Load(world) as load:
        for name in ("atlas-conductor", "atlas-event", "atlas-heartbeat"):
            load.goes_on(20)
            went += delete_queue(world, name)
            wait_until(lambda: is_consumed(world, name), 15, f"{name} again")
        back_s = load.goes_on()
    check(world, load)
    assert world.reconnects() > lost
    say(f"{load}; 3 queues deleted with {went} messages, 40 more links {back_s:.1f} s after")


def test_a_sites_queue_is_deleted_and_put_back_by_bus_sync(world, say):
    lost, away = world.reconnects(), world.logs(r"event=bus_away .*NOT_FOUND")
    with Load(world) as load:
        load.goes_on()
        went = delete_queue(world, "atlas-agent.east")
        wait_until(lambda: world.logs(r"event=bus_away .*NOT_FOUND") > away, 15, "an agent without its queue")
        load.goes_on(20)
        assert not is_consumed(world, "atlas-agent.east"), "an agent may declare nothing"
        world.bus_sync()
        back_s = load.goes_on()
    check(world, load)
    assert world.reconnects() > lost
    say(f"{load}; the queue went with {went} messages; 40 more links {back_s:.1f} s after it was put back")


def test_consumers_are_cancelled(world, say):
    """A queue that is deleted and at once there again: what its consumers hear is a cancel."""
    lost = world.reconnects()
    queues = {"atlas-conductor": "atlas-conductor", "atlas-event": "atlas-event.*", "atlas-agent.west": "atlas-agent.west"}
    with Load(world) as load:
        for name, key in queues.items():
            load.goes_on(20)
            with world.broker_session() as session:
                channel = session.channel()
                channel.queue_delete(name)
                channel.queue_declare(name, durable=True, auto_delete=False)
                channel.queue_bind(name, "atlas", key)
            wait_until(lambda: is_consumed(world, name), 15, f"a consumer of {name}")
        back_s = load.goes_on()
    check(world, load)
    assert world.reconnects() - lost >= len(queues) and world.logs(r"event=bus_lost .*ended the consumer")
    say(f"{load}; {world.reconnects() - lost} consumers cancelled, 40 more links {back_s:.1f} s after")


def test_the_broker_lost_its_data_and_bus_sync_puts_back_what_it_held(world, say):
    broker = world.brokers[0]
    passwords = dict(world.passwords)
    with Load(world) as load:
        load.goes_on()
        broker.kill()
        caught = world.under_way()
        broker.lose_data()
        broker.start()
        assert "atlas" not in broker.ctl("list_vhosts").split()
        world.bus_sync()
        assert world.passwords == passwords
        back_s = load.goes_on()
    check(world, load)
    assert caught
    say(f"{load}; {caught} operations were under way, 40 more links {back_s:.1f} s after bus sync")


def test_the_broker_lost_its_data_and_loads_the_definitions_at_boot(world, say):
    broker = world.brokers[0]
    definitions = broker.folder / "definitions.json"
    broker.ctl("export_definitions", definitions)
    broker.settings(f"load_definitions = {definitions}\n")
    try:
        with Load(world) as load:
            load.goes_on()
            broker.kill()
            caught = world.under_way()
            broker.lose_data()
            broker.start()
            back_s = load.goes_on()
        check(world, load)
    finally:
        broker.settings("")
    assert caught
    say(f"{load}; {caught} operations were under way, 40 more links {back_s:.1f} s after it was back")
