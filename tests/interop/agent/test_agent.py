# SPDX-License-Identifier: Apache-2.0
"""atlas-agent on fake drivers, with oslo.messaging in the conductor's place: what a Python peer casts is done, and what
the agent casts is what oslo.messaging understands. Nothing is acknowledged before its answer stands in the broker."""
import json
import os
import pathlib
import queue
import signal
import subprocess
import time
import uuid

import amqp
import oslo_messaging
import pytest
from oslo_config import cfg

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("ATLAS_BUILD", "build/dev")
AGENT = BUILD / "bin/atlas-agent"
BROKER = ROOT / "tests/support/broker.sh"
QUEUE = "atlas-agent.east"
TIMEOUT = 20


class Conductor:
    """Takes the agent's events; casts commands."""

    def __init__(self, url):
        self.events = queue.Queue()
        conf = cfg.CONF  # oslo.messaging's metrics look nowhere else
        conf([])
        oslo_messaging.set_transport_defaults("atlas")
        self.transport = oslo_messaging.get_rpc_transport(conf, url=url)
        conf.set_override("amqp_durable_queues", True, group="oslo_messaging_rabbit")
        self.servers = [self.serve("atlas-event"), self.serve("atlas-heartbeat")]
        self.client = oslo_messaging.get_rpc_client(
            self.transport, oslo_messaging.Target(topic="atlas-agent", server="east", version="1.0"))

    def serve(self, topic):
        server = oslo_messaging.get_rpc_server(
            self.transport, oslo_messaging.Target(topic=topic, server="east"), [self], executor="threading")
        server.start()
        return server

    def take(self, method):
        def handler(context, **args):
            self.events.put((method, context, args))
        return handler

    def __getattr__(self, name):
        if name in ("discovered", "ports_applied", "audited", "plugged", "unplugged", "heartbeat"):
            return self.take(name)
        raise AttributeError(name)

    def cast(self, method, **args):
        self.client.cast({"request_id": "req-" + method}, method, **args)

    def wait(self, method, wanted=lambda args: True, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        while True:
            got, context, args = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            if got == method and wanted(args):
                return args

    def close(self):
        for server in self.servers:
            server.stop()
            server.wait()
        self.transport.cleanup()


class Agent:
    def __init__(self, folder, url, name="agent-1", failpoints="", extra=""):
        self.conf = folder / f"{name}.conf"
        self.control = folder / "control.json"
        self.conf.write_text(f"""[DEFAULT]
site = east
host = {name}
metrics_port = 0
transport_url = {url}
[cloud]
driver = fake
state_file = {folder}/cloud.json
control_file = {folder}/cloud-control.json
[policy]
max_kbps = 5000
[gateway:gw1]
driver = fake
capacity_to_wan_kbps = 100000
capacity_from_wan_kbps = 100000
state_file = {folder}/gw1.json
control_file = {self.control}
probe_interval = 1
[gateway:gw2]
driver = fake
capacity_to_wan_kbps = 100000
capacity_from_wan_kbps = 100000
state_file = {folder}/gw2.json
{extra}""")
        self.log = open(folder / f"{name}.log", "a")
        self.process = subprocess.Popen([AGENT, "--config-file", self.conf], stderr=self.log,
                                        env={**os.environ, "ATLAS_FAILPOINTS": failpoints})

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT)

    def kill(self):
        self.process.kill()
        self.process.wait(TIMEOUT)


class World:
    def __init__(self, folder, url):
        self.folder, self.url, self.agents = folder, url, []
        connection = amqp.Connection(url.split("@")[1].rstrip("/"), userid="guest", password="guest")
        connection.connect()
        self.channel = connection.channel()
        self.channel.exchange_declare("atlas", "topic", durable=True, auto_delete=False)
        self.channel.queue_declare(QUEUE, durable=True, auto_delete=False)
        self.channel.queue_bind(QUEUE, "atlas", QUEUE)
        self.channel.queue_declare("atlas-dead", durable=True, auto_delete=False)
        self.channel.queue_bind("atlas-dead", "atlas", "atlas-dead.#")
        for name in (QUEUE, "atlas-dead"):
            self.channel.queue_purge(name)
        self.conductor = Conductor(url)

    def agent(self, **more):
        self.agents.append(Agent(self.folder, self.url, **more))
        return self.agents[-1]

    def waiting(self, name=QUEUE):
        """Messages in a queue that nobody consumes now."""
        return self.channel.queue_declare(name, passive=True).message_count

    def wait_until(self, predicate, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        while not predicate():
            assert time.monotonic() < deadline, "nothing came of it in time"
            time.sleep(0.05)

    def close(self):
        for agent in self.agents:
            agent.kill()
        self.conductor.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broker")
    subprocess.run([BROKER, "guard", folder, str(os.getpid())], check=True)
    subprocess.run([BROKER, "start", folder], check=True)
    yield folder
    subprocess.run([BROKER, "remove", folder], check=True)


@pytest.fixture
def world(broker, tmp_path):
    w = World(tmp_path, (broker / "url").read_text().strip())
    yield w
    w.close()


VPN, ATTACHMENT, NETWORK = (str(uuid.uuid4()) for _ in range(3))


def port(label, **more):
    return {"id": str(uuid.uuid4()), "link_id": str(uuid.uuid4()), "vpn_id": VPN, "attachment_id": ATTACHMENT,
            "project_id": "blue", "generation": 1, "present": True, "site": "east", "peer_site": "west",
            "local_label": label, "peer_label": 77, "peer_address": "x", "tx_kbps": 1000, "rx_kbps": 1000,
            "mtu": 1400, **more}


def command(seq, ports=(), gateway="gw1", timeout_ms=30000):
    return {"gateway": gateway, "epoch": 1, "seq": seq, "timeout_ms": timeout_ms, "ports": list(ports),
            "attachments": [{"id": ATTACHMENT, "vpn_id": VPN, "project_id": "blue", "generation": 1,
                             "present": True, "tag": 7}]}


def plug(generation=1):
    return {"gateway": "gw1", "timeout_ms": 30000,
            "attachment": {"id": ATTACHMENT, "vpn_id": VPN, "project_id": "blue", "generation": generation,
                           "vif_id": f"ca1:fake:gw1:7:{ATTACHMENT}", "tag": 7, "mtu": 1400, "network_id": NETWORK}}


def test_an_agent_tells_of_its_gateways_when_it_starts_and_when_asked(world):
    world.agent()
    args = world.conductor.wait("discovered")
    assert args["host"] == "agent-1"
    assert [g["name"] for g in args["gateways"]] == ["gw1", "gw2"]
    assert all(g["reachable"] and g["fence"] == "device" for g in args["gateways"])
    world.conductor.cast("discover")
    world.conductor.wait("discovered")
    beat = world.conductor.wait("heartbeat", lambda a: a["gateways"] and all(g["reachable"] for g in a["gateways"]))
    assert beat["gateways"][0]["digest"] == "0" * 16
    assert world.agents[0].stop() == 0
    assert world.waiting() == 0


def test_a_link_end_is_applied_audited_plugged_and_taken_away(world):
    world.agent()
    one = port(100)
    world.conductor.cast("apply", **command(1, [one]))
    args = world.conductor.wait("ports_applied")
    assert (args["gateway"], args["epoch"], args["seq"], args["expired"]) == ("gw1", 1, 1, False)
    assert args["ports"] == [{"id": one["id"], "generation": 1, "present": True}]
    assert args["attachments"][0]["vif_id"] == f"ca1:fake:gw1:7:{ATTACHMENT}"
    world.conductor.cast("plug", **plug())
    args = world.conductor.wait("plugged")
    assert args["network_id"] == NETWORK and args["neutron_port_id"] and "fault" not in args
    world.conductor.cast("audit", gateway="gw1", epoch=1, seq=2, timeout_ms=30000, vif_ids=[])
    args = world.conductor.wait("audited")
    assert args["ports"] == [{"id": one["id"], "generation": 1}] and len(args["digest"]) == 16
    beat = world.conductor.wait("heartbeat", lambda a: a["gateways"] and a["gateways"][0]["seq"] == 2)  # the audit's
    assert beat["gateways"][0]["digest"] == args["digest"]
    world.conductor.cast("unplug", **plug(2))
    world.conductor.wait("unplugged")
    gone = command(3, [{**one, "generation": 2, "present": False}])
    gone["attachments"][0].update(present=False, generation=2)
    world.conductor.cast("apply", **gone)
    args = world.conductor.wait("ports_applied")
    assert not args["ports"][0]["present"] and not args["attachments"][0]["present"]
    assert json.loads((world.folder / "cloud.json").read_text()) == {"plugs": []}
    assert json.loads((world.folder / "gw1.json").read_text())["ports"] == []


def test_refusals_are_answered_port_by_port(world):
    world.agent()
    ports = [port(100), port(101, tx_kbps=9000), port(102, mtu="wide"), port(103)]
    world.conductor.cast("apply", **command(1, ports))
    args = world.conductor.wait("ports_applied")
    assert [p["present"] for p in args["ports"]] == [True, False, False, True]
    assert args["ports"][1]["fault"]["type"] == "site.policy"
    assert args["ports"][2]["fault"]["message"] == "mtu: must be an integer."
    world.conductor.cast("apply", **command(1, gateway="gw9"))
    assert world.conductor.wait("ports_applied")["fault"]["type"] == "gateway.unknown"
    world.conductor.cast("apply", **command(0))
    assert world.conductor.wait("ports_applied")["fault"]["type"] == "gateway.stale"
    world.conductor.cast("reboot")
    world.conductor.cast("apply", gateway="gw1")
    world.wait_until(lambda: world.waiting("atlas-dead") == 2)


def test_a_slow_gateway_does_not_hold_up_another_and_late_commands_expire(world):
    agent = world.agent()
    world.conductor.wait("discovered")
    agent.control.write_text('{"latency_ms": 1500}')
    world.conductor.cast("apply", **command(1, [port(100)]))
    world.conductor.cast("apply", **command(2, [port(101)], timeout_ms=1000))
    world.conductor.cast("apply", **command(1, [port(100)], gateway="gw2"))
    events = [world.conductor.wait("ports_applied") for _ in range(3)]
    assert [(e["gateway"], e["seq"], e["expired"]) for e in events] == [
        ("gw2", 1, False), ("gw1", 1, False), ("gw1", 2, True)]


# The second event an agent publishes is the command's: the first tells of its gateways.
@pytest.mark.parametrize("failpoint, answers", [("before_apply=kill", 1), ("after_apply=kill", 1),
                                                ("after_publish=kill:2", 2)])
def test_a_command_survives_the_agents_death(world, failpoint, answers):
    first = world.agent(failpoints="agent." + failpoint)
    world.conductor.wait("discovered")
    world.conductor.cast("apply", **command(1, [port(100)]))
    assert first.process.wait(TIMEOUT) == -signal.SIGKILL
    world.wait_until(lambda: world.waiting() == 1)
    world.agent(name="agent-2")
    for _ in range(answers):
        assert world.conductor.wait("ports_applied")["ports"][0]["present"]
    assert len(json.loads((world.folder / "gw1.json").read_text())["ports"]) == 1
    assert world.agents[1].stop() == 0
    world.wait_until(lambda: world.waiting() == 0)


@pytest.mark.parametrize("failpoint", ["before_plug", "after_plug"])
def test_a_plug_survives_the_agents_death(world, failpoint):
    first = world.agent(failpoints=f"agent.{failpoint}=kill")
    world.conductor.wait("discovered")
    world.conductor.cast("plug", **plug())
    assert first.process.wait(TIMEOUT) == -signal.SIGKILL
    world.agent(name="agent-2")
    assert world.conductor.wait("plugged")["network_id"] == NETWORK
    assert len(json.loads((world.folder / "cloud.json").read_text())["plugs"]) == 1


def test_a_stopped_agent_finishes_the_command_in_hand_and_gives_the_others_back(world):
    agent = world.agent()
    world.conductor.wait("discovered")
    agent.control.write_text('{"latency_ms": 1000}')
    for seq in range(1, 5):
        world.conductor.cast("apply", **command(seq, [port(99 + seq)]))
    world.wait_until(lambda: world.waiting() == 0)
    assert agent.stop() == 0
    assert world.conductor.wait("ports_applied")["seq"] == 1
    world.wait_until(lambda: world.waiting() == 3)
    agent.control.unlink()
    world.agent(name="agent-2")
    assert [world.conductor.wait("ports_applied")["seq"] for _ in range(3)] == [2, 3, 4]


def test_a_silent_gateway_is_said_to_be_out_of_reach_and_comes_back(world):
    agent = world.agent()
    world.conductor.wait("discovered")
    agent.control.write_text('{"unreachable": true}')
    world.conductor.wait("heartbeat", lambda a: a["gateways"] and not a["gateways"][0]["reachable"])
    world.conductor.cast("apply", **command(1, [port(100)]))
    fault = world.conductor.wait("ports_applied")["fault"]
    assert fault["code"] == 503 and fault["retry_after_ms"] > 0
    agent.control.unlink()
    world.conductor.wait("heartbeat", lambda a: a["gateways"] and a["gateways"][0]["reachable"])


def test_a_gateway_that_lost_its_memory_is_told_of_at_once(world):
    world.agent()
    world.conductor.wait("discovered")
    world.conductor.cast("apply", **command(5, [port(100)]))
    world.conductor.wait("ports_applied")
    (world.folder / "gw1.json").unlink()
    args = world.conductor.wait("discovered")
    assert args["gateways"][0]["seq"] == 0 and args["gateways"][0]["digest"] == "0" * 16


def test_a_restart_of_the_broker_loses_nothing_and_is_followed_by_a_discovery(world, broker):
    agent = world.agent()
    world.conductor.wait("discovered")
    agent.control.write_text('{"latency_ms": 3000}')
    world.conductor.cast("apply", **command(1, [port(100)]))
    world.wait_until(lambda: world.waiting() == 0)
    for verb in ("kill", "start"):
        subprocess.run([BROKER, verb, broker], check=True)
    assert world.conductor.wait("ports_applied", timeout=60)["ports"][0]["present"]
    world.conductor.wait("discovered", timeout=60)
    world.conductor.cast("audit", gateway="gw1", epoch=1, seq=2, timeout_ms=30000, vif_ids=[])
    assert len(world.conductor.wait("audited", timeout=60)["ports"]) == 1
    assert agent.stop() == 0


def test_a_wrong_file_is_refused_in_words(world):
    agent = world.agent(extra="capacity = 3\n")
    assert agent.process.wait(TIMEOUT) == 2
    assert 'has no option "capacity"' in (world.folder / "agent-1.log").read_text()
