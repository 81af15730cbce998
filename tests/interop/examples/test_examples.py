# SPDX-License-Identifier: Apache-2.0
"""The Python programs of docs/python-peers.md against the real conductor, database and broker: one asks for a link, one
is a site's agent. The other site's agent is atlas-agent on fake drivers."""
import json
import os
import pathlib
import subprocess
import sys
import time
import uuid

import amqp
import oslo_messaging
import pytest
from oslo_config import cfg
from oslo_messaging._metrics import client as metrics

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE), str(ROOT / "tests/integration/programs"), str(ROOT / "tests/system")]
from atlas import exceptions  # noqa: E402
from cloud import Cloud, wait_until  # noqa: E402
from test_programs import PROJECT, SUPPORT, Programs, made  # noqa: E402

PYTHON = ["/usr/bin/python3", "-W", "ignore"]


# As [bus] peers of atlas-manage has them: what each serves, and what it may send.
PEERS = "tenant:>atlas-conductor east:atlas-agent.east>atlas-event.east,atlas-heartbeat.east"


class Stage(Programs):
    """Conductor, database, broker; atlas-agent serves "west". Each Python program has a user and an exchange of its own."""

    def __init__(self, folder, connection):
        super().__init__(folder, connection)
        address = (folder / "mq" / "url").read_text().strip().split("@")[1]
        for peer in ("tenant", "east"):
            user = f"atlas-peer-{peer}"
            self.conf(peer, f"rabbit://{user}:{self.passwords[user]}@{address}atlas",
                      f"control_exchange = {user}\nrpc_response_timeout = 20\n",
                      "[oslo_messaging_rabbit]\namqp_durable_queues = true\n")

    def conf(self, name, url, head, rest):
        super().conf(name, url, head, rest + (f"peers = {PEERS}\n" if name == "manage" else ""))

    def python(self, name, peer, *words):
        with open(self.folder / f"{name}.log", "a") as log:
            self.running[name] = subprocess.Popen([*PYTHON, HERE / f"{name}.py", self.folder / f"{peer}.conf", *words],
                                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def sql(self, query):
        return made("psql", "-XqAt", f"{self.connection} dbname=atlas", "-c", query).strip()


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder, here = tmp_path_factory.mktemp("examples"), None
    for each in (folder, *folder.parents):  # PostgreSQL runs as another user
        if pathlib.Path("/tmp") in each.parents:
            each.chmod(0o755)
    try:
        connection = made(SUPPORT / "postgres.sh", "start", folder / "pg", env={**os.environ, "ATLAS_PG_FSYNC": "off"}).strip()
        made(SUPPORT / "broker.sh", "start", folder / "mq")
        here = Stage(folder, connection)
        here.start("conductor", "atlas-conductor")
        here.start("west", "atlas-agent")
        here.start("api", "atlas-api")
        here.python("site_agent", "east", "east", "east-1")
        wait_until(lambda: here.sql("SELECT count(*) FROM gateway WHERE name IN ('east-1', 'west-1')") == "2", 20, "gateways")
        yield here
    finally:
        if here:
            here.close()
        subprocess.run([SUPPORT / "broker.sh", "remove", folder / "mq"], check=False)
        subprocess.run([SUPPORT / "postgres.sh", "remove", folder / "pg"], check=False)


@pytest.fixture(scope="module")
def conductor(stage):
    conf = cfg.ConfigOpts()
    conf.register_opts(metrics.oslo_messaging_metrics, group="oslo_messaging_metrics")
    conf(["--config-file", str(stage.folder / "tenant.conf")])
    transport = oslo_messaging.get_rpc_transport(conf, allowed_remote_exmods=["atlas.exceptions"])
    yield lambda **target: oslo_messaging.get_rpc_client(
        transport, oslo_messaging.Target(topic="atlas-conductor", **{"version": "1.0", **target}))
    transport.cleanup()


CONTEXT = {"request_id": "req-test", "project_id": PROJECT, "roles": ["member"], "is_admin": False}


@pytest.fixture(scope="module")
def cloud(stage):
    """The tenant's view, over REST."""
    return Cloud(f"http://127.0.0.1:{stage.found('api', r'event=api.ready .* port=([0-9]+)')}", PROJECT)


@pytest.fixture(scope="module")
def link(stage, cloud):
    told = made(*PYTHON, HERE / "create_link.py", stage.folder / "tenant.conf", PROJECT, "east", "west", "1000")
    return json.loads(told)["virtual_link"]


def test_a_python_program_creates_a_link_that_a_python_agent_serves(cloud, link):
    assert link["provisioning_status"] == "PENDING_CREATE" and link["operation_id"]
    there = cloud.settled(link)
    assert (there["status"], there["operating_status"]) == ("ACTIVE", "ONLINE"), there
    assert there["bandwidth"] == {"a_to_z_kbps": 1000, "z_to_a_kbps": 1000}


def test_python_changes_the_link(conductor, cloud, link):
    change = {"bandwidth": {"a_to_z_kbps": 3000}}
    answer = conductor().call(CONTEXT, "update_virtual_link", virtual_link_id=link["id"], virtual_link=change)
    assert answer["virtual_link"]["provisioning_status"] == "PENDING_UPDATE"
    there = cloud.settled(link)
    assert (there["status"], there["bandwidth"]["a_to_z_kbps"]) == ("ACTIVE", 3000)


def test_python_attaches_a_network_at_the_python_agents_site(conductor, cloud, link):
    port, network = link["endpoints"][0]["virtual_port_id"], str(uuid.uuid4())
    conductor().call(CONTEXT, "attach_virtual_port", virtual_port_id=port, network_id=network)
    assert cloud.settled(link)["status"] == "ACTIVE"
    there = cloud.get(f"/v1/virtual-ports/{port}").body["virtual_port"]
    assert (there["plug_status"], there["network_id"]) == ("plugged", network)
    assert there["vif_id"].startswith("ca1:python:east-1:")
    conductor().call(CONTEXT, "detach_virtual_port", virtual_port_id=port)
    assert cloud.settled(link)["status"] == "ACTIVE"


@pytest.fixture
def heartbeats(stage):
    """What the site's agent says of its gateway, the latest for each question."""
    address = (stage.folder / "mq" / "url").read_text().strip().split("@")[1].rstrip("/")
    with amqp.Connection(address, userid="guest", password="guest", virtual_host="atlas") as connection:
        channel, heard = connection.channel(), []
        queue = channel.queue_declare("", exclusive=True).queue
        channel.queue_bind(queue, "atlas", "atlas-heartbeat.east")
        channel.basic_consume(queue, no_ack=True, callback=lambda message: heard.append(
            json.loads(json.loads(message.body)["oslo.message"])["args"]["gateways"][0]))

        def ask(wanted, seconds=20):
            end = time.monotonic() + seconds
            while not (heard and wanted(heard[-1])):
                connection.drain_events(timeout=max(0.1, end - time.monotonic()))
            return heard[-1]
        yield ask


def test_a_python_agent_that_lost_its_memory_gets_everything_again(stage, cloud, link, heartbeats):
    assert cloud.settled(link)["status"] == "ACTIVE"
    before = heartbeats(lambda said: True)
    assert before["digest"] != "0" * 16
    stage.running.pop("site_agent").kill()
    stage.python("site_agent", "east", "east", "east-1")
    after = heartbeats(lambda said: said["boot_id"] != before["boot_id"])
    assert heartbeats(lambda said: said["boot_id"] == after["boot_id"] and said["digest"] == before["digest"])
    assert cloud.settled(link)["status"] == "ACTIVE"


@pytest.mark.parametrize("what, version, namespace, kind", [
    ("nonsense", "1.0", None, "NoSuchMethod"), ("create_vpn", "2.0", None, "UnsupportedVersion"),
    ("create_vpn", "1.1", None, "UnsupportedVersion"), ("create_vpn", "1.0", "strange", "UnsupportedVersion"),
    ("_private", "1.0", None, "NoSuchMethod")])
def test_the_conductor_refuses_as_oslo_messaging_does(stage, conductor, what, version, namespace, kind):
    def lines():
        return [line for line in stage.log("conductor").splitlines() if " WARN " in line or " ERROR " in line]

    time.sleep(1.1)  # such a line is written once a second
    before = len(lines())
    with pytest.raises(oslo_messaging.RemoteError) as raised:
        conductor(version=version, namespace=namespace).call(CONTEXT, what)
    assert raised.value.exc_type == kind
    assert len(lines()) == before + 1 and f"method={what}" in lines()[-1], lines()
    with pytest.raises(exceptions.NotFound):
        conductor().call(CONTEXT, "delete_virtual_link", virtual_link_id=str(uuid.uuid4()))


@pytest.mark.parametrize("args, kind", [
    ({}, exceptions.BadRequest), ({"virtual_link": 7}, exceptions.BadRequest), ({"virtual_link": {}}, exceptions.BadRequest),
    ({"virtual_link": {"id": "x", "endpoints": [None, {}]}}, exceptions.BadRequest)])
def test_the_conductor_says_what_is_wrong_with_arguments(conductor, args, kind):
    with pytest.raises(kind) as raised:
        conductor().call(CONTEXT, "create_virtual_link", **args)
    assert (raised.value.code, raised.value.type) == (400, "message.invalid")


def test_python_deletes_the_link(conductor, cloud, link):
    conductor().call(CONTEXT, "delete_virtual_link", virtual_link_id=link["id"])
    wait_until(lambda: cloud.get(f"/v1/virtual-links/{link['id']}").status == 404, 20, "the link's end")


def test_a_python_agent_stops_in_order(stage):
    assert stage.stop("site_agent") == 0, stage.log("site_agent")
    assert "Traceback" not in stage.log("site_agent")
