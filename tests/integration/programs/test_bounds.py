# SPDX-License-Identifier: Apache-2.0
"""One project, or one kind of message, cannot take what others need."""
import pathlib
import sys
import threading
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from test_programs import PROJECT, STRANGER, SUPPORT, create, made, refused, stage  # noqa: E402
from cloud import wait_until  # noqa: E402
from wire import Wire, envelope  # noqa: E402

LIMIT = 3
SITES = ("east", "west")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("bounds")) as here:
        conf = here.folder / "conductor.conf"  # what waits for agents that are away must outlast the case
        conf.write_text(conf.read_text().replace("step_percent = 10\n", f"step_percent = 100\nopen_operations = {LIMIT}\n"))
        here.start_all(SITES)
        yield here


@pytest.fixture(scope="module")
def cloud(programs):
    return programs.cloud(SITES)


def ask(cloud, vpn):
    ends = [{"site_id": site} for site in SITES]
    return cloud.ask("POST", "/v1/virtual-links", {"virtual_link": {
        "name": "x", "vpn_id": vpn["id"], "endpoints": ends, "bandwidth": {"a_to_z_kbps": 1, "z_to_a_kbps": 1}}})


def test_a_projects_work_under_way_is_bounded_and_another_projects_is_not(programs, cloud):
    vpns = [cloud.vpn(f"v{i}", "vpls", SITES) for i in range(LIMIT + 1)]
    rival = cloud.as_project(STRANGER)
    theirs = rival.vpn("theirs", "vpls", SITES)
    ready = cloud.settled(create(cloud, vpns[0], kbps=1))
    for site in SITES:
        assert programs.stop(site) == 0
    held = [create(cloud, vpn, kbps=1) for vpn in vpns[1:]]

    again = cloud.vpn("again", "vpls", SITES)
    answer = ask(cloud, again)
    error = refused(answer, 429, "project.too_much_under_way", PROJECT, f"no more than {LIMIT}")
    assert error["details"]["limit"] == LIMIT and int(answer.headers["Retry-After"]) >= 1
    change = {"virtual_link": {"bandwidth": {"a_to_z_kbps": 2}}}
    refused(cloud.ask("PUT", f"/v1/virtual-links/{ready['id']}", change), 429, "project.too_much_under_way")
    assert cloud.get(f"/v1/virtual-links/{ready['id']}").body["virtual_link"]["revision_number"] == ready["revision_number"]
    port = ready["endpoints"][0]["virtual_port_id"]
    answer = cloud.ask("POST", f"/v1/virtual-ports/{port}/attach", {"network_id": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"})
    refused(answer, 429, "project.too_much_under_way")
    assert ask(rival, theirs).status == 202
    assert cloud.ask("DELETE", f"/v1/virtual-links/{held[0]['id']}").status == 202  # what frees is never refused

    for site in SITES:
        programs.start(site, "atlas-agent")
    assert cloud.settled(held[0]) is None
    assert all(cloud.settled(link)["status"] == "ACTIVE" for link in held[1:])
    assert ask(cloud, again).status == 202
    cloud.clear()
    rival.clear()


def test_as_many_as_are_asked_for_at_once_are_bounded_too(programs, cloud):
    """In one batch: the count grows with what the batch itself accepts."""
    vpns = [cloud.vpn(f"v{i}", "vpls", SITES) for i in range(8)]
    assert programs.stop("conductor") == 0
    for site in SITES:
        assert programs.stop(site) == 0
    answers = [None] * len(vpns)

    def one(i):
        answers[i] = ask(cloud, vpns[i])

    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(vpns))]
    for thread in threads:
        thread.start()
    lines = wait_until(lambda: "atlas-conductor\t8" in made(SUPPORT / "broker.sh", "ctl", programs.folder / "mq", "list_queues",
                                                             "-p", "atlas", "name", "messages"), 10, "all in the queue")
    assert lines
    programs.start("conductor", "atlas-conductor")
    for thread in threads:
        thread.join(30)
    assert sorted(answer.status for answer in answers) == [202] * LIMIT + [429] * (len(vpns) - LIMIT)
    for site in SITES:
        programs.start(site, "atlas-agent")
    cloud.clear()


def test_a_projects_changes_on_their_way_are_bounded_and_another_projects_are_not(programs, cloud):
    """While no conductor takes them, those of one project fill no more of the queue than they may."""
    (programs.folder / "api-2.conf").write_text(
        (programs.folder / "api.conf").read_text().replace("[DEFAULT]\n", f"[DEFAULT]\nproject_changes = {LIMIT}\n", 1))
    programs.start("api-2", "atlas-api")
    busy = type(cloud)(f"http://127.0.0.1:{programs.found('api-2', r'event=api.ready .* port=([0-9]+)')}", PROJECT)
    rival, answers = busy.as_project(STRANGER), []

    def change(who, name):
        answers.append(who.ask("POST", "/v1/vpns", {"vpn": {"name": name, "type": "vpls"}}, timeout=60))

    def queued():
        return made(SUPPORT / "broker.sh", "ctl", programs.folder / "mq", "list_queues", "-p", "atlas", "name", "messages")

    assert programs.stop("conductor") == 0
    threads = [threading.Thread(target=change, args=(busy, f"b{i}")) for i in range(LIMIT)]
    for thread in threads:
        thread.start()
    wait_until(lambda: f"atlas-conductor\t{LIMIT}" in queued(), 10, "all in the queue")
    error = refused(busy.ask("POST", "/v1/vpns", {"vpn": {"name": "one more", "type": "vpls"}}), 429, "project.too_many_changes")
    assert error["code"] == 429
    assert busy.get("/v1/vpns").status == 200  # looking is no change
    threads.append(threading.Thread(target=change, args=(rival, "theirs")))
    threads[-1].start()
    wait_until(lambda: f"atlas-conductor\t{LIMIT + 1}" in queued(), 10, "the other project's too")
    programs.start("conductor", "atlas-conductor")
    for thread in threads:
        thread.join(60)
    assert [answer.status for answer in answers] == [201] * (LIMIT + 1)
    assert busy.ask("POST", "/v1/vpns", {"vpn": {"name": "one more", "type": "vpls"}}).status == 201
    busy.clear()
    rival.clear()
    assert programs.stop("api-2") == 0


def test_a_storm_of_creates_delays_no_answer_of_a_site(programs, cloud):
    """Thousands of creates wait; the events and heartbeats that come behind them are taken first."""
    api = Wire(programs.url("api"))
    assert programs.stop("conductor") == 0
    n = 6000
    for i in range(n):
        vpn = {"vpn": {"id": f"{i:08x}-0000-4000-8000-000000000000", "name": "storm", "description": "", "type": "vpls"}}
        api.publish(envelope("create_vpn", vpn, project_id="storm"), "atlas", "atlas-conductor")
    site = Wire(programs.url("site-strict"))
    site.cast("atlas-heartbeat.strict", "heartbeat", {"host": "x", "gateways": []})

    def sql(text):
        return int(made("psql", "-X", "-A", "-t", f"{programs.connection} dbname=atlas", "-c", text))

    sql_seen = "SELECT last_seen_ms FROM site WHERE name = 'strict'"
    assert sql(sql_seen) == 0
    programs.start("conductor", "atlas-conductor")
    wait_until(lambda: sql(sql_seen) > 0, 20, "the heartbeat")
    done = sql(f"SELECT count(*) FROM vpn WHERE name = 'storm' AND created_ms <= ({sql_seen})")
    # Of those before it no more were done than a conductor takes off the queue at once, twice.
    assert done < 1500, done
    wait_until(lambda: sql("SELECT count(*) FROM vpn WHERE name = 'storm'") == n, 60, "the storm's end")
    api.close()
    site.close()


def test_conductors_and_agents_share_their_queues(programs, cloud):
    """Two agents of one site with one file: both work, and so do two conductors."""
    for name in ("east", "conductor"):
        (programs.folder / f"{name}-2.conf").write_text(
            (programs.folder / f"{name}.conf").read_text().replace("[DEFAULT]\n", "[DEFAULT]\nhost = second\n", 1))
    programs.start("east-2", "atlas-agent")
    programs.start("conductor-2", "atlas-conductor")
    site = [name for name in programs.running if name.startswith(("east", "conductor"))]
    assert len(site) == 4
    try:
        for i in range(8):
            vpn = cloud.vpn(f"s{i}", "vpls", SITES)
            assert cloud.settled(create(cloud, vpn, kbps=1))["status"] == "ACTIVE"


        def taken(name):
            port = "".join(programs.found(name, r"metrics_port=([0-9]+)|event=metrics port=([0-9]+)"))
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as got:
                text = got.read().decode()
            return int(next(line for line in text.splitlines() if line.startswith("atlas_bus_delivered_total")).split()[1])

        counts = {name: taken(name) for name in site}
        assert all(n >= 3 for n in counts.values()), counts
    finally:
        for name in ("east-2", "conductor-2"):
            assert programs.stop(name) == 0
        cloud.clear()
