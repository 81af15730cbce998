# SPDX-License-Identifier: Apache-2.0
"""What oslo.messaging's own notification listener hears of links, ports and VPNs, and how a Python caller hears that too
much is under way. All programs are real, on fake drivers."""
import pathlib
import queue
import sys
import time
import uuid

import oslo_messaging
import pytest
from oslo_config import cfg
from oslo_messaging._metrics import client as metrics

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/interop/examples"), str(ROOT / "tests/integration/programs"), str(ROOT / "tests/system")]
from atlas import exceptions  # noqa: E402
from test_programs import GATEWAYS, PROJECT, Programs, create, made, stage  # noqa: E402

SITES = ("east", "west")
LIMIT = 2


class Stage(Programs):
    """With a peer that listens, and may ask."""

    def conf(self, name, url, head, rest):
        more = "peers = hear:notifications,billing>atlas-conductor\n" if name == "manage" else ""
        super().conf(name, url, head, rest + more)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("notifications"), Stage) as here:
        with open(here.folder / "conductor.conf", "a") as settings:
            settings.write(f"open_operations = {LIMIT}\n[oslo_messaging_notifications]\ndriver = messagingv2\n"
                           "topics = notifications, billing\n")
        here.start_all(SITES)
        yield here


@pytest.fixture(scope="module")
def cloud(programs):
    return programs.cloud(SITES)


@pytest.fixture(scope="module")
def oslo(programs):
    """A configuration as another service has it: a user and an exchange of its own."""
    (programs.folder / "oslo.conf").write_text(
        f"[DEFAULT]\ntransport_url = {programs.url('peer-hear')}\ncontrol_exchange = atlas-peer-hear\nrpc_response_timeout = 20\n"
        "[oslo_messaging_rabbit]\namqp_durable_queues = true\n")
    conf = cfg.ConfigOpts()
    conf.register_opts(metrics.oslo_messaging_metrics, group="oslo_messaging_metrics")
    conf(["--config-file", str(programs.folder / "oslo.conf")])
    return conf


CONTEXT = {"request_id": "req-test", "project_id": PROJECT, "user_id": "alice", "is_admin": False}


@pytest.fixture(scope="module")
def conductor(oslo):
    transport = oslo_messaging.get_rpc_transport(oslo, allowed_remote_exmods=["atlas.exceptions"])
    yield oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="atlas-conductor", version="1.0"))
    transport.cleanup()


class Listener:
    def __init__(self):
        self.heard = queue.Queue()

    def info(self, context, publisher, event, payload, metadata):
        self.heard.put(("info", context, publisher, event, payload))

    def error(self, context, publisher, event, payload, metadata):
        self.heard.put(("error", context, publisher, event, payload))

    def of(self, wanted, seconds=20):
        """All that comes about one object, until the event 'last'; None: the first."""
        last, about = wanted
        end, heard = time.monotonic() + seconds, []
        while not heard or last not in (None, heard[-1][3]):
            it = self.heard.get(timeout=max(0.1, end - time.monotonic()))
            if it[4]["object_id"] == about:
                heard.append(it)
        return heard


@pytest.fixture(scope="module")
def listen(oslo):
    transport = oslo_messaging.get_notification_transport(oslo)
    running = []

    def start(topic):
        it = Listener()
        server = oslo_messaging.get_notification_listener(transport, [oslo_messaging.Target(topic=topic)], [it],
                                                          executor="threading")
        server.start()
        running.append(server)
        return it
    yield start
    for server in running:
        server.stop()
        server.wait()
    transport.cleanup()


@pytest.fixture(scope="module")
def listener(listen, cloud):
    return listen("notifications")


@pytest.fixture
def vpn(cloud):
    yield cloud.vpn("blue", "vpls", SITES)
    cloud.clear()


def events(heard):
    return [it[3] for it in heard]


def test_a_vpn_is_told(cloud, listener):
    vpn = cloud.vpn("told", "vpls", SITES)
    assert cloud.ask("PUT", f"/v1/vpns/{vpn['id']}", {"vpn": {"name": "renamed"}}).status == 200
    assert cloud.ask("DELETE", f"/v1/vpns/{vpn['id']}").status == 204
    heard = listener.of(("vpn.delete.end", vpn["id"]))
    assert events(heard) == ["vpn.create.end", "vpn.add_site.end", "vpn.add_site.end", "vpn.update.end", "vpn.delete.end"]
    assert heard[3][4]["vpn"]["name"] == "renamed" and heard[4][4]["vpn"]["id"] == vpn["id"]


def test_a_links_life_is_told(cloud, conductor, listener, vpn):
    link = cloud.settled(create(cloud, vpn))
    heard = listener.of(("virtual_link.create.end", link["id"]))
    assert events(heard) == ["virtual_link.create.start", "virtual_link.create.end"]
    for level, context, publisher, event, payload in heard:
        assert level == "info" and publisher.startswith("atlas.") and context["project_id"] == PROJECT
        assert context["request_id"] == payload["request_id"] and context["request_id"].startswith("req-")
        assert payload["virtual_link"]["id"] == link["id"] and uuid.UUID(payload["operation_id"])
    assert heard[0][4]["virtual_link"]["status"] == "BUILD"
    # To the letter what REST shows.
    assert heard[1][4]["virtual_link"] == cloud.get(f"/v1/virtual-links/{link['id']}").body["virtual_link"]

    cloud.ask("PUT", f"/v1/virtual-links/{link['id']}", {"virtual_link": {"bandwidth": {"a_to_z_kbps": 5}}})
    heard = listener.of(("virtual_link.update.end", link["id"]))
    assert events(heard) == ["virtual_link.update.start", "virtual_link.update.end"]
    assert heard[1][4]["virtual_link"]["bandwidth"]["a_to_z_kbps"] == 5
    cloud.settled(link)
    for up in (False, True):
        conductor.call(CONTEXT, "update_virtual_link", virtual_link_id=link["id"], virtual_link={"admin_state_up": up})
        heard = listener.of(("virtual_link.update.end", link["id"]))
        assert heard[-1][4]["virtual_link"]["operating_status"] == ("ONLINE" if up else "OFFLINE")
        assert [it[4]["user_id"] for it in heard] == ["alice", "alice"]
        operation = cloud.get(f"/v1/operations/{heard[-1][4]['operation_id']}").body["operation"]
        assert operation["user_id"] == "alice"
        assert sum(step["duration_ms"] for step in operation["steps"]) == operation["duration_ms"]
        cloud.settled(link)
    cloud.ask("PUT", f"/v1/virtual-links/{link['id']}", {"virtual_link": {"name": "renamed"}})
    heard = listener.of(("virtual_link.update.end", link["id"]))
    assert events(heard) == ["virtual_link.update.end"] and heard[0][4]["virtual_link"]["name"] == "renamed"

    cloud.ask("DELETE", f"/v1/virtual-links/{link['id']}")
    heard = listener.of(("virtual_link.delete.end", link["id"]))
    assert events(heard) == ["virtual_link.delete.start", "virtual_link.delete.end"]
    assert [end["site_id"] for end in heard[1][4]["virtual_link"]["endpoints"]] == [end["site_id"] for end in link["endpoints"]]


def test_attaching_is_told_of_the_port(cloud, listener, vpn):
    link = cloud.settled(create(cloud, vpn))
    port, network = link["endpoints"][0]["virtual_port_id"], str(uuid.uuid4())
    assert cloud.ask("POST", f"/v1/virtual-ports/{port}/attach", {"network_id": network}).status == 202
    heard = listener.of(("virtual_port.attach.end", link["id"]))
    assert events(heard)[-2:] == ["virtual_port.attach.start", "virtual_port.attach.end"]
    shown = heard[-1][4]["virtual_port"]
    assert (shown["id"], shown["plug_status"], shown["network_id"]) == (port, "plugged", network)
    cloud.settled(link)
    assert cloud.ask("POST", f"/v1/virtual-ports/{port}/detach", {}).status == 202
    heard = listener.of(("virtual_port.detach.end", link["id"]))
    assert heard[-1][4]["virtual_port"]["plug_status"] == "unplugged"


def test_a_failure_is_told_as_an_error_with_its_reason(cloud, listener):
    only = cloud.vpn("only", "only", SITES)  # one end's agent may only look
    link = create(cloud, only)
    heard = listener.of(("virtual_link.create.error", link["id"]), 60)
    level, _, _, _, payload = heard[-1]
    assert level == "error" and payload["reason"] and payload["virtual_link"]["status"] == "ERROR"
    cloud.ask("DELETE", f"/v1/virtual-links/{link['id']}")
    cloud.clear()


def test_an_operation_that_is_pre_empted_ends_too(programs, cloud, listener, vpn):
    for site in SITES:
        assert programs.stop(site) == 0
    link = create(cloud, vpn)
    cloud.ask("DELETE", f"/v1/virtual-links/{link['id']}")
    for site in SITES:
        programs.start(site, "atlas-agent")
    heard = []
    while len(heard) < 4:  # errors have a queue of their own
        heard += listener.of((None, link["id"]), 60)
    assert sorted(events(heard)) == ["virtual_link.create.error", "virtual_link.create.start",
                                     "virtual_link.delete.end", "virtual_link.delete.start"]


def test_what_an_operator_does_is_history_too(programs, cloud):
    """With who did it."""
    programs.manage("quota", "set", PROJECT, "--vpns", "500")
    told = made("psql", "-XqAt", f"{programs.connection} dbname=atlas", "-c",
                "SELECT type, user_id, site, reason FROM event WHERE type IN ('site.add', 'quota.set') ORDER BY id").splitlines()
    assert [line.split("|")[0] for line in told] == ["site.add"] * len(GATEWAYS) + ["quota.set"]
    assert all("@" in line.split("|")[1] for line in told) and "vpns 500" in told[-1]
    assert {line.split("|")[2] for line in told[:-1]} == set(GATEWAYS)


def test_every_topic_is_told(cloud, listen, listener):
    billing = listen("billing")
    vpn = cloud.vpn("twice", "vpls", [])
    assert cloud.ask("DELETE", f"/v1/vpns/{vpn['id']}").status == 204
    for each in (listener, billing):
        assert events(each.of(("vpn.delete.end", vpn["id"]))) == ["vpn.create.end", "vpn.delete.end"]


def test_too_much_under_way_is_a_class_of_its_own(programs, cloud, conductor):
    vpns = [cloud.vpn(f"many-{i}", "vpls", SITES) for i in range(LIMIT + 1)]
    for site in SITES:
        assert programs.stop(site) == 0

    def ask(vpn):
        return conductor.call(CONTEXT, "create_virtual_link", virtual_link={
            "id": str(uuid.uuid4()), "name": "", "description": "", "vpn_id": vpn["id"],
            "endpoints": [{"site_id": site} for site in SITES], "bandwidth": {"a_to_z_kbps": 1, "z_to_a_kbps": 1}})

    try:
        links = [ask(vpn)["virtual_link"] for vpn in vpns[:LIMIT]]
        with pytest.raises(exceptions.TooManyRequests) as raised:
            ask(vpns[LIMIT])
        assert (raised.value.code, raised.value.type) == (429, "project.too_much_under_way")
        with pytest.raises(exceptions.PreconditionFailed):
            conductor.call(CONTEXT, "update_vpn", vpn_id=vpns[0]["id"], vpn={"name": "x"}, revision_number=77)
    finally:
        for site in SITES:
            programs.start(site, "atlas-agent")
    for link in links:
        cloud.settled(link)
    cloud.clear()
