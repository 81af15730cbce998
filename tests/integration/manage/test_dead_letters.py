# SPDX-License-Identifier: Apache-2.0
"""What nobody can do becomes a dead letter with its reason, its neighbours are done, and an operator can see it, send it
again and throw it away."""
import pathlib
import re
import signal
import subprocess
import sys
import uuid

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / folder) for folder in ("integration/programs", "support", "system")]
from cloud import wait_until  # noqa: E402
from test_programs import BIN, PROJECT, SUPPORT, made, stage  # noqa: E402
from wire import Wire, envelope  # noqa: E402

REDELIVERIES = 3


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("dead")) as here:
        with open(here.folder / "conductor.conf", "a") as settings:
            settings.write(f"redeliveries = {REDELIVERIES}\n")
        yield here


@pytest.fixture
def api(programs):
    here = Wire(programs.url("api"))
    yield here
    here.close()


@pytest.fixture(autouse=True)
def nothing_left(programs):
    yield
    if "conductor" in programs.running:
        assert programs.stop("conductor") == 0
    programs.manage("bus", "dead", "drop", "all")
    assert dead(programs) == []


def dead(programs):
    """[(id, written as, reason)]"""
    lines = [line.split(None, 3) for line in programs.manage("bus", "dead", "list").splitlines()]
    return [(line[0], line[2], line[3] if len(line) > 3 else "") for line in lines]


def sql(programs, text):
    return made("psql", "-X", "-A", "-t", f"{programs.connection} dbname=atlas", "-c", text).strip()


def queue(programs, name, what="messages"):
    lines = made(SUPPORT / "broker.sh", "ctl", programs.folder / "mq", "list_queues", "-p", "atlas", "name", what).splitlines()
    return next(int(line.split()[1]) for line in lines if line.split()[0] == name)


def vpns(names):
    return [envelope("create_vpn", {"vpn": {"id": str(uuid.uuid4()), "name": name, "description": "", "type": "vpls"}},
                     project_id=PROJECT, request_id=f"req-{uuid.uuid4()}") for name in names]


def poison():
    return envelope("remove_site", {"vpn_id": str(uuid.uuid4()), "site_id": "east"}, project_id=PROJECT)


def put(api, bodies):
    for body in bodies:
        assert api.publish(body, "atlas", "atlas-conductor")


def count(programs, prefix):
    return int(sql(programs, f"SELECT count(*) FROM vpn WHERE name LIKE '{prefix}-%'"))


def test_a_message_that_kills_every_conductor_is_dead_after_so_many_and_its_neighbours_are_done(programs, api):
    bodies = vpns(f"kill-{i}" for i in range(63))
    put(api, [*bodies[:20], poison(), *bodies[20:]])
    deaths = 0
    while True:
        try:
            programs.start("conductor", "atlas-conductor", {"ATLAS_FAILPOINTS": "conductor.remove_site=kill"})
        except AssertionError:
            pass  # it died before it said that it was ready
        try:
            wait_until(lambda: count(programs, "kill") == 63 and dead(programs), 4, "peace")
            break
        except AssertionError:
            pass
        assert programs.running.pop("conductor").wait(10) == -signal.SIGKILL
        deaths += 1
        assert deaths <= 2 * REDELIVERIES, programs.log("conductor")[-2000:]
    # The first batch, which nobody counts; then the message alone, as often as the setting says.
    assert deaths == 1 + REDELIVERIES
    (_, writer, reason), = dead(programs)
    assert writer == "atlas-dead.atlas-conductor" and f"begun {REDELIVERIES} times" in reason
    wait_until(lambda: queue(programs, "atlas-conductor") == 0, 5, "an empty queue")
    assert sql(programs, "SELECT count(*) FROM redelivered") == "0"


def test_a_message_that_fails_by_itself_is_dead_at_once_and_its_neighbours_are_done(programs, api):
    bodies = vpns(f"fail-{i}" for i in range(63))
    put(api, [*bodies[:40], poison(), *bodies[40:]])
    programs.start("conductor", "atlas-conductor", {"ATLAS_FAILPOINTS": "conductor.remove_site=fail:*"})
    wait_until(lambda: count(programs, "fail") == 63 and dead(programs), 10, "all neighbours")
    (_, writer, reason), = dead(programs)
    assert writer == "atlas-dead.atlas-conductor" and "vpn.c" in reason


def test_what_the_database_refuses_is_dead_and_its_neighbours_are_done(programs, api):
    sql(programs, "ALTER TABLE vpn ADD CONSTRAINT poison CHECK (description <> 'poison')")
    try:
        bodies = vpns(f"data-{i}" for i in range(63))
        bad = bodies[30].replace('\\"description\\": \\"\\"', '\\"description\\": \\"poison\\"')
        assert bad != bodies[30]
        put(api, [*bodies[:30], bad, *bodies[31:]])
        programs.start("conductor", "atlas-conductor")
        wait_until(lambda: count(programs, "data") == 62 and dead(programs), 10, "all neighbours")
        (_, _, reason), = dead(programs)
        assert "database refuses" in reason
    finally:
        sql(programs, "ALTER TABLE vpn DROP CONSTRAINT poison")


def test_what_cannot_be_decoded_is_dead_with_its_reason_and_shown_without_harm(programs, api):
    put(api, ["no json \x1b[2J", *vpns(["bytes-1"])])
    programs.start("conductor", "atlas-conductor")
    wait_until(lambda: count(programs, "bytes") == 1 and dead(programs), 10, "the good one")
    (name, _, reason), = dead(programs)
    shown = programs.manage("bus", "dead", "show", name)
    assert reason in shown and r"no json \x1b[2J" in shown and "\x1b" not in shown
    assert re.search(r"^queue +atlas-conductor$", shown, re.M) and re.search(r"^time +20\d\d-", shown, re.M)


def test_a_replayed_letter_is_done_when_its_fault_is_mended(programs, api):
    sql(programs, "ALTER TABLE vpn ADD CONSTRAINT poison CHECK (name <> 'mend-1')")
    put(api, vpns(["mend-1"]))
    programs.start("conductor", "atlas-conductor")
    (name, _, _), = wait_until(lambda: dead(programs), 10, "the dead letter")
    assert '"method": "create_vpn"' in programs.manage("bus", "dead", "show", name)
    assert "sent again to atlas-conductor" in programs.manage("bus", "dead", "replay", name)
    wait_until(lambda: dead(programs), 10, "its second death")  # nothing is mended yet
    sql(programs, "ALTER TABLE vpn DROP CONSTRAINT poison")
    (name, _, _), = dead(programs)
    programs.manage("bus", "dead", "replay", name)
    wait_until(lambda: count(programs, "mend") == 1, 10, "the vpn")
    assert dead(programs) == []


def test_an_event_is_replayed_as_its_site_sent_it(programs):
    site = Wire(programs.url("site-east"))
    programs.start("conductor", "atlas-conductor")
    site.publish("rubbish", "atlas", "atlas-event.east")
    (name, writer, _), = wait_until(lambda: dead(programs), 10, "the dead letter")
    assert writer == "atlas-dead.atlas-event"
    assert programs.stop("conductor") == 0
    assert "sent again to atlas-event.east" in programs.manage("bus", "dead", "replay", name)
    admin = Wire((programs.folder / "mq" / "url").read_text().strip() + "atlas")
    got = admin.get("atlas-event")
    assert got.body in ("rubbish", b"rubbish") and got.delivery_info["routing_key"] == "atlas-event.east"
    admin.close()
    site.close()


def test_letters_are_chosen_by_id_and_the_others_stay_in_their_order(programs, api):
    put(api, [f"letter {i}" for i in range(5)])
    programs.start("conductor", "atlas-conductor")
    wait_until(lambda: len(dead(programs)) == 5, 10, "five dead letters")
    before = [name for name, _, _ in dead(programs)]
    assert len(set(before)) == 5
    programs.manage("bus", "dead", "drop", before[2])
    assert [name for name, _, _ in dead(programs)] == before[:2] + before[3:]
    for verb in ("show", "drop", "replay"):
        gone = subprocess.run([BIN / "atlas-manage", "--config-file", programs.folder / "manage.conf", "bus", "dead", verb, before[2]],
                              capture_output=True, text=True, timeout=60)
        assert gone.returncode == 2 and before[2] in gone.stderr
    assert programs.stop("conductor") == 0
    assert programs.manage("bus", "dead", "replay", "all").count("sent again") == 4
    assert queue(programs, "atlas-conductor") == 4 and dead(programs) == []
    programs.start("conductor", "atlas-conductor")
    wait_until(lambda: len(dead(programs)) == 4, 10, "them again")


def test_what_names_no_queue_can_only_be_dropped(programs):
    site = Wire(programs.url("site-east"))
    assert site.publish("from nowhere", "atlas", "atlas-dead.east")
    (name, writer, _), = dead(programs)
    assert writer == "atlas-dead.east"
    done = subprocess.run([BIN / "atlas-manage", "--config-file", programs.folder / "manage.conf", "bus", "dead", "replay", name],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "only be dropped" in done.stderr and len(dead(programs)) == 1
    assert "dropped" in programs.manage("bus", "dead", "drop", name)
    site.close()
