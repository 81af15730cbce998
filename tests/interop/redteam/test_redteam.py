# SPDX-License-Identifier: Apache-2.0
"""Somebody holds the credentials of one site's agents, and tries what can be tried with them against a running cloud. Each
attempt is judged by what the broker says and by what the database and the queues hold afterwards, not by the attacker."""
import base64
import json
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request
import uuid

import amqp
import pytest

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / folder) for folder in ("integration/programs", "support", "system")]
from cloud import Cloud, wait_until  # noqa: E402
from test_programs import GATEWAYS, PROJECT, SUPPORT, Programs, create, made  # noqa: E402
from wire import Wire, envelope  # noqa: E402

US, THEM = "east", "west"
QUEUES = ("atlas-conductor", "atlas-event", "atlas-heartbeat", "atlas-dead", f"atlas-agent.{THEM}")
REFUSED = amqp.exceptions.AccessRefused
# Of the link, both ends, the victim's gateways and sites: everything but what only tells when it was last looked at.
STATE = f"""SELECT md5(string_agg(t, E'\\n' ORDER BY t)) FROM (
    SELECT concat_ws(' ', id, name, provisioning, operating, revision_number, operation_id) AS t FROM vlink
    UNION ALL SELECT concat_ws(' ', id, generation, confirmed_generation, wanted, present, label, reason) FROM vport
    UNION ALL SELECT concat_ws(' ', id, generation, wanted, present, tag, plug, network_id) FROM attachment
    UNION ALL SELECT concat_ws(' ', id, name, epoch, boot_id, held_digest, reachable, capacity_to_wan_kbps) FROM gateway
        WHERE site_name <> '{US}'
    UNION ALL SELECT concat_ws(' ', id, name, description) FROM site UNION ALL SELECT concat_ws(' ', id, name) FROM vpn) rows"""


class World:
    def __init__(self, programs, cloud, link, management):
        self.programs, self.cloud, self.link, self.management = programs, cloud, link, management
        self.admin = Wire((programs.folder / "mq" / "url").read_text().strip() + "atlas")
        self.wire = Wire(programs.url(f"site-{US}"))

    def sql(self, text):
        return made("psql", "-X", "-A", "-t", f"{self.programs.connection} dbname=atlas", "-c", text).strip()

    def ctl(self, *words):
        return made(SUPPORT / "broker.sh", "ctl", self.programs.folder / "mq", *words)

    def topology(self):
        return {what: self.ctl(what, "-p", "atlas", *columns) for what, columns in (
            ("list_exchanges", ("name", "type", "durable")), ("list_bindings", ("source_name", "destination_name", "routing_key")),
            ("list_policies", ()), ("list_permissions", ()), ("list_topic_permissions", ()))}

    def dead(self):
        return [line.split(None, 3) for line in self.programs.manage("bus", "dead", "list").splitlines()]

    def refused(self, act):
        """'act' ends in the broker's 403; the channel is replaced."""
        with pytest.raises((REFUSED, amqp.exceptions.NotAllowed, amqp.exceptions.PreconditionFailed)) as what:
            act(self.wire.channel)
        if self.wire.connection.connected:
            self.wire.open()
        else:
            self.wire = Wire(self.programs.url(f"site-{US}"))
        return what.value

    def publish_refused(self, key, exchange="atlas", **properties):
        return self.refused(lambda c: self.wire.publish(envelope("apply"), exchange, key, **properties))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redteam")
    folder.chmod(0o755)
    for parent in folder.parents:  # PostgreSQL runs as another user
        if parent != pathlib.Path("/tmp") and pathlib.Path("/tmp") in parent.parents:
            parent.chmod(0o755)
    here = None
    try:
        connection = made(SUPPORT / "postgres.sh", "start", folder / "pg", env={**os.environ, "ATLAS_PG_FSYNC": "off"}).strip()
        port = made("/usr/bin/python3", "-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])").strip()
        (folder / "mq").mkdir()
        (folder / "mq" / "extra.plugins").write_text("[rabbitmq_management,rabbitmq_shovel,rabbitmq_shovel_management].\n")
        (folder / "mq" / "extra.conf").write_text(f"management.tcp.port = {port}\nmanagement.tcp.ip = 127.0.0.1\nmax_message_size = 1048576\n")
        made(SUPPORT / "broker.sh", "start", folder / "mq")
        here = Programs(folder, connection)
        here.start("conductor", "atlas-conductor")
        for site in (US, THEM):
            here.start(site, "atlas-agent")
        here.start("api", "atlas-api")
        cloud = Cloud(f"http://127.0.0.1:{here.found('api', r'event=api.ready .* port=([0-9]+)')}", PROJECT)
        wait_until(lambda: len(cloud.get("/v1/gateways").body["gateways"]) == sum(len(GATEWAYS[site]) for site in (US, THEM)), 20, "all gateways")
        link = cloud.settled(create(cloud, cloud.vpn("target", "vpls", [US, THEM])))
        assert link["status"] == "ACTIVE"
        yield World(here, cloud, link, f"http://127.0.0.1:{port}/api")
    finally:
        if here:
            here.close()
        subprocess.run([SUPPORT / "broker.sh", "remove", folder / "mq"], check=False)
        subprocess.run([SUPPORT / "postgres.sh", "remove", folder / "pg"], check=False)


# ---- attacks: each returns after it has seen that the attempt failed, or for later judgement ----

def publish_as_another_site(w):
    w.publish_refused(f"atlas-event.{THEM}")


def heartbeat_as_another_site(w):
    w.publish_refused(f"atlas-heartbeat.{THEM}")


def dead_letter_as_another_site(w):
    w.publish_refused(f"atlas-dead.{THEM}")


def command_another_sites_agent(w):
    w.publish_refused(f"atlas-agent.{THEM}")


def command_ones_own_agent(w):
    w.publish_refused(f"atlas-agent.{US}")


def call_the_conductor(w):
    w.publish_refused("atlas-conductor")


def keys_that_look_like_ones_own(w):
    for key in (f"atlas-event.{US}.{THEM}", f"atlas-event.{US}\n", f"xatlas-event.{US}", f"atlas-event.{US}x", "atlas-event.*", "#", ""):
        w.publish_refused(key)


def notify_the_operators_systems(w):
    w.publish_refused("notifications.info")


def use_the_default_exchange(w):
    for queue in QUEUES:
        w.publish_refused(queue, exchange="")


def use_the_brokers_own_exchanges(w):
    for exchange in ("amq.topic", "amq.direct", "amq.fanout", "amq.headers", "amq.match"):
        w.publish_refused(f"atlas-event.{THEM}", exchange=exchange, application_headers={"site": THEM})


def sender_selected_distribution(w):
    """CC and BCC headers name more keys than the one the broker checks: who takes such a message from a queue sees that its key
    is not that queue's, and sets it aside."""
    before = len(w.dead())
    delete = envelope("delete_virtual_link", {"virtual_link_id": w.link["id"]}, project_id=PROJECT, is_admin=True)
    for header in ("CC", "BCC"):
        for key in ("atlas-conductor", f"atlas-agent.{THEM}", f"atlas-event.{THEM}"):
            assert w.wire.publish(delete, "atlas", f"atlas-heartbeat.{US}", application_headers={header: [key]})
    wait_until(lambda: sum("key" in line[-1] for line in w.dead()[before:]) == 6, 10, "six dead letters")


def forge_the_user_id(w):
    for user in ("atlas-conductor", "atlas-api", f"atlas-site-{THEM}", "guest"):
        w.refused(lambda c, u=user: w.wire.publish(envelope("heartbeat"), "atlas", f"atlas-heartbeat.{US}", user_id=u))


def read_other_queues(w):
    for queue in QUEUES:
        w.refused(lambda c, q=queue: c.basic_get(q))
        w.refused(lambda c, q=queue: c.basic_consume(q, callback=print))


def declare_queues(w):
    for queue in ("mine", "reply_mine", "amq.gen-mine", f"atlas-agent.{US}x", ""):
        w.refused(lambda c, q=queue: c.queue_declare(q, auto_delete=False))
        w.refused(lambda c, q=queue: c.queue_declare(q, exclusive=True))


def declare_ones_own_queue_anew(w):
    w.refused(lambda c: c.queue_declare(f"atlas-agent.{US}", durable=True, auto_delete=False, arguments={"x-message-ttl": 1}))


def bind_queues(w):
    for queue in (*QUEUES, f"atlas-agent.{US}"):
        w.refused(lambda c, q=queue: c.queue_bind(q, "atlas", "atlas-agent.*"))


def unbind_queues(w):
    for queue in (*QUEUES, f"atlas-agent.{US}"):
        w.refused(lambda c, q=queue: c.queue_unbind(q, "atlas", q))


def delete_queues(w):
    for queue in (*QUEUES, f"atlas-agent.{US}"):
        w.refused(lambda c, q=queue: c.queue_delete(q))


def purge_other_queues(w):
    for queue in QUEUES:
        w.refused(lambda c, q=queue: c.queue_purge(q))


def declare_exchanges(w):
    for name, kind in (("mine", "fanout"), ("atlas", "topic"), (f"atlas-agent.{US}_fanout", "fanout")):
        w.refused(lambda c, n=name, k=kind: c.exchange_declare(n, k, durable=True, auto_delete=False))


def delete_exchanges(w):
    for name in ("atlas", "amq.topic"):
        w.refused(lambda c, n=name: c.exchange_delete(n))


def bind_exchanges(w):
    for destination, source in (("atlas", "amq.topic"), ("amq.topic", "atlas"), ("atlas", "atlas")):
        w.refused(lambda c, d=destination, s=source: c.exchange_bind(d, s, "#"))


def listen_to_the_firehose(w):
    for source in ("amq.rabbitmq.trace", "amq.rabbitmq.event", "amq.rabbitmq.log"):
        w.refused(lambda c, s=source: c.queue_bind(f"atlas-agent.{US}", s, "#"))
    w.publish_refused("publish.atlas", exchange="amq.rabbitmq.trace")


def fan_out_to_all_agents(w):
    for name in ("atlas-agent_fanout", "atlas-conductor_fanout"):
        with pytest.raises((REFUSED, amqp.exceptions.NotFound)):
            w.wire.publish(envelope("apply"), name, "")
        w.wire.open()


def answer_somebody_elses_call(w):
    w.publish_refused(f"reply_{uuid.uuid4().hex}", exchange="")
    w.publish_refused(f"reply_{uuid.uuid4().hex}")


def open_another_vhost(w):
    with pytest.raises((REFUSED, amqp.exceptions.NotAllowed, amqp.exceptions.AMQPError, OSError)):
        Wire(w.programs.url(f"site-{US}")[:-len("atlas")])


def ask_the_management_api(w):
    token = base64.b64encode(f"atlas-site-{US}:{w.programs.passwords[f'atlas-site-{US}']}".encode()).decode()
    for method, path in (("GET", "/overview"), ("GET", "/queues"), ("GET", "/users"), ("GET", "/definitions"), ("DELETE", "/queues/atlas/atlas-event"),
                         ("PUT", f"/users/atlas-site-{US}"), ("PUT", "/parameters/shovel/atlas/mine")):
        ask = urllib.request.Request(w.management + path, method=method, data=b"{}" if method == "PUT" else None, headers={"Authorization": f"Basic {token}"})
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(ask, timeout=10)
        assert refusal.value.code == 401


def send_too_much_at_once(w):
    w.refused(lambda c: w.wire.publish("x" * (2 << 20), "atlas", f"atlas-event.{US}"))
    before = len(w.dead())
    assert w.wire.publish("x" * (1 << 19), "atlas", f"atlas-event.{US}")  # the broker takes it, no program reads it
    wait_until(lambda: len(w.dead()) == before + 1, 10, "its dead letter")


def replay_an_old_event(w):
    """What the site itself once said, and what it might have said of the future, about the link that is up."""
    port = json.loads(w.sql(f"SELECT json_agg(json_build_object('id', id, 'generation', generation)) FROM vport WHERE site_name = '{US}'"))[0]
    for epoch, seq in ((0, 0), (1, 1)):
        w.wire.cast(f"atlas-event.{US}", "ports_applied", {"gateway": "east-1", "epoch": epoch, "seq": seq, "expired": False, "attachments": [],
                                                           "ports": [{**port, "present": True}]})


def speak_of_another_sites_gateway(w):
    """In one's own events: names and ids of the other site."""
    other = w.sql(f"SELECT id || ' ' || generation FROM vport WHERE site_name = '{THEM}'").split()
    seq = int(w.sql("SELECT seq FROM gateway WHERE name = 'west-1'"))
    result = [{"id": other[0], "generation": int(other[1]) + 5, "present": False, "fault": {"code": 500, "type": "x", "message": "x"}}]
    for name in ("west-1", f"../{THEM}/west-1", f"{THEM}/west-1"):
        w.wire.cast(f"atlas-event.{US}", "ports_applied", {"gateway": name, "epoch": 1, "seq": seq, "expired": False, "ports": result, "attachments": []})
        w.wire.cast(f"atlas-event.{US}", "audited", {"gateway": name, "epoch": 9, "seq": 9, "boot_id": "x", "digest": "0" * 16, "ports": [], "attachments": [],
                                                    "unknown": 0, "found_ports": []})
        w.wire.cast(f"atlas-heartbeat.{US}", "heartbeat", {"host": "x", "gateways": [
            {"name": name, "boot_id": "forged", "digest": "f" * 16, "epoch": 99, "seq": 99, "reachable": False}]})


def call_a_tenants_method_as_an_event(w):
    for method, args in (("delete_virtual_link", {"virtual_link_id": w.link["id"]}), ("delete_vpn", {"vpn_id": w.link["vpn_id"]})):
        w.wire.cast(f"atlas-event.{US}", method, args, project_id=PROJECT, is_admin=True)
        w.wire.cast(f"atlas-heartbeat.{US}", method, args, project_id=PROJECT, is_admin=True)


def send_bytes_nobody_can_read(w):
    before = len(w.dead())
    bodies = ["", "{", "[]", "null", json.dumps({"oslo.version": "9", "oslo.message": "{}"}), '{"oslo.version":"2.0","oslo.message":"' + "[" * 20000 + '"}']
    for body in bodies:
        assert w.wire.publish(body, "atlas", f"atlas-event.{US}")
    wait_until(lambda: len(w.dead()) == before + len(bodies), 10, "their dead letters")


def hide_in_a_dead_letter(w):
    """It says that it came from the conductor's queue, with a key of another site; an operator sees who wrote it."""
    headers = {"queue": "atlas-conductor", "key": f"atlas-event.{THEM}", "reason": "\x1b[2Jharmless"}
    assert w.wire.publish(envelope("delete_vpn"), "atlas", f"atlas-dead.{US}", application_headers=headers, message_id="feed-1")
    letter, = [line for line in w.dead() if line[0] == "feed-1"]
    assert letter[2] == f"atlas-dead.{US}" and "\x1b" not in " ".join(letter)
    w.programs.manage("bus", "dead", "drop", "feed-1")


def flood_the_events(w):
    """While one site floods, a link between others' ends and its own still comes up in time."""
    body = envelope("ports_applied", {"gateway": "none", "epoch": 1, "seq": 1, "ports": [], "attachments": []})
    flood = Wire(w.programs.url(f"site-{US}"))
    for _ in range(5000):
        flood.publish(body, "atlas", f"atlas-event.{US}")
    vpn = w.cloud.vpn("meanwhile", "vpls", [US, THEM])
    link = w.cloud.settled(create(w.cloud, vpn, kbps=1), 30)
    assert link["status"] == "ACTIVE" and w.cloud.delete(link) is None
    assert w.cloud.ask("DELETE", f"/v1/vpns/{vpn['id']}").status == 204
    flood.close()


def open_connections_without_end(w):
    held = []
    with pytest.raises((REFUSED, amqp.exceptions.NotAllowed, amqp.exceptions.AMQPError, OSError)):
        for _ in range(150):
            held.append(Wire(w.programs.url(f"site-{US}")))
    assert 50 < len(held) <= 100
    for wire in held:
        wire.close()


ATTACKS = [
    publish_as_another_site, heartbeat_as_another_site, dead_letter_as_another_site, command_another_sites_agent, command_ones_own_agent,
    call_the_conductor, keys_that_look_like_ones_own, notify_the_operators_systems, use_the_default_exchange, use_the_brokers_own_exchanges,
    sender_selected_distribution, forge_the_user_id, read_other_queues, declare_queues, declare_ones_own_queue_anew, bind_queues, unbind_queues,
    delete_queues, purge_other_queues, declare_exchanges, delete_exchanges, bind_exchanges, listen_to_the_firehose, fan_out_to_all_agents,
    answer_somebody_elses_call, open_another_vhost, ask_the_management_api, send_too_much_at_once, replay_an_old_event,
    speak_of_another_sites_gateway, call_a_tenants_method_as_an_event, send_bytes_nobody_can_read, hide_in_a_dead_letter, flood_the_events,
    open_connections_without_end,
]


@pytest.fixture(scope="module")
def whole(world):
    return world.sql(STATE), world.topology()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_the_attack_fails(world, whole, attack):
    attack(world)
    wait_until(lambda: all(int(line.split()[1]) == 0 for line in world.ctl("list_queues", "-p", "atlas", "name", "messages").splitlines()
                           if line.split()[0] in ("atlas-event", "atlas-heartbeat", "atlas-conductor")), 20, "the conductor to have taken all")
    wait_until(lambda: world.sql(STATE) == whole[0], 5, "rows as before")
    assert world.topology() == whole[1]
    assert world.cloud.get(f"/v1/virtual-links/{world.link['id']}").body["virtual_link"]["status"] == "ACTIVE"


def test_what_passive_declaration_reveals(world):
    """Whether a queue of a known name is there, how many messages wait in it and how many read it: no content."""
    for queue in QUEUES:
        there = world.wire.channel.queue_declare(queue, passive=True)
        assert there.queue == queue and there.message_count >= 0 and there.consumer_count >= 0
    with pytest.raises(amqp.exceptions.NotFound):
        world.wire.channel.queue_declare("atlas-agent.nowhere", passive=True)
    world.wire.open()
