# SPDX-License-Identifier: Apache-2.0
"""The Python programs of docs/python-peers.md against the real conductor, database and broker: one asks for a link, one
is a site's agent. The other site's agent is atlas-agent on fake drivers."""
import json
import os
import pathlib
import subprocess
import sys
import uuid

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


class Stage(Programs):
    """Conductor, database, broker; atlas-agent serves "west"."""

    def __init__(self, folder, connection):
        super().__init__(folder, connection)
        made(SUPPORT / "broker.sh", "ctl", folder / "mq", "add_user", "python", "secret")
        made(SUPPORT / "broker.sh", "ctl", folder / "mq", "set_permissions", "-p", "atlas", "python", ".*", ".*", ".*")
        address = (folder / "mq" / "url").read_text().strip().split("@")[1]
        self.conf("python", f"rabbit://python:secret@{address}atlas", "control_exchange = atlas\nrpc_response_timeout = 20\n",
                  "[oslo_messaging_rabbit]\namqp_durable_queues = true\n")

    def python(self, name, *words):
        with open(self.folder / f"{name}.log", "a") as log:
            self.running[name] = subprocess.Popen([*PYTHON, HERE / f"{name}.py", self.folder / "python.conf", *words],
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
        here.python("site_agent", "east", "east-1")
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
    conf(["--config-file", str(stage.folder / "python.conf")])
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
    told = made(*PYTHON, HERE / "create_link.py", stage.folder / "python.conf", PROJECT, "east", "west", "1000")
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


def test_a_python_agent_that_lost_its_memory_gets_everything_again(stage, cloud, link):
    applied = lambda: stage.log("conductor").count("event=ports_applied")  # noqa: E731
    before = stage.sql(f"SELECT generation FROM vport WHERE vlink_id = '{link['id']}'")
    stage.running.pop("site_agent").kill()
    stage.python("site_agent", "east", "east-1")
    boot = stage.sql("SELECT boot_id FROM gateway WHERE name = 'east-1'")
    wait_until(lambda: stage.sql("SELECT boot_id FROM gateway WHERE name = 'east-1'") != boot, 20, "the new boot id")
    assert applied() >= 0 and before
    there = cloud.settled(link)
    assert there["status"] == "ACTIVE", there


@pytest.mark.parametrize("what, version, namespace, kind", [
    ("nonsense", "1.0", None, "NoSuchMethod"), ("create_vpn", "2.0", None, "UnsupportedVersion"),
    ("create_vpn", "1.1", None, "UnsupportedVersion"), ("create_vpn", "1.0", "strange", "UnsupportedVersion"),
    ("_private", "1.0", None, "NoSuchMethod")])
def test_the_conductor_refuses_as_oslo_messaging_does(stage, conductor, what, version, namespace, kind):
    lines = stage.log("conductor").count(" WARN ") + stage.log("conductor").count(" ERROR ")
    with pytest.raises(oslo_messaging.RemoteError) as raised:
        conductor(version=version, namespace=namespace).call(CONTEXT, what)
    assert raised.value.exc_type == kind
    after = stage.log("conductor").count(" WARN ") + stage.log("conductor").count(" ERROR ")
    assert after == lines + 1, stage.log("conductor")[-1000:]
    with pytest.raises(exceptions.NotFound):
        conductor().call(CONTEXT, "delete_virtual_link", virtual_link_id=str(uuid.uuid4()))


@pytest.mark.parametrize("args, kind", [
    ({}, exceptions.BadRequest), ({"virtual_link": 7}, exceptions.BadRequest), ({"virtual_link": {}}, exceptions.BadRequest),
    ({"virtual_link": {"id": "x", "endpoints": [None, {}]}}, exceptions.BadRequest)])
def test_the_conductor_says_what_is_wrong_with_arguments(conductor, args, kind):
    with pytest.raises(kind) as raised:
        conductor().call(CONTEXT, "create_virtual_link", **args)
    assert (raised.value.code, raised.value.type) == (400, "request.invalid")


def test_python_deletes_the_link(conductor, cloud, link):
    conductor().call(CONTEXT, "delete_virtual_link", virtual_link_id=link["id"])
    wait_until(lambda: cloud.get(f"/v1/virtual-links/{link['id']}").status == 404, 20, "the link's end")


def test_a_python_agent_stops_in_order(stage):
    assert stage.stop("site_agent") == 0, stage.log("site_agent")
    assert stage.log("site_agent") == ""
