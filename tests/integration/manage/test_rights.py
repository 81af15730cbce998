# SPDX-License-Identifier: Apache-2.0
"""Users as `atlas-manage` makes them: passwords that change under traffic, client certificates instead of passwords, and
programs of others with the distribution's oslo.messaging."""
import pathlib
import select
import ssl
import subprocess
import sys
import threading
import time
import uuid

import amqp
import pytest

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / folder) for folder in ("integration/manage", "support", "system")]
from cloud import wait_until  # noqa: E402
from test_atlas_manage import SUPPORT, Operator, made, run  # noqa: E402
from test_atlas_manage import servers  # noqa: E402,F401
from wire import Wire  # noqa: E402


@pytest.fixture
def operator(servers, request):  # noqa: F811
    name = request.node.name
    here = Operator(servers, name, name)
    made(here("db", "sync"))
    made(here("site", "add", "paris"))
    here.kept = here.folder / f"{name}.passwords"
    users = ("atlas-api", "atlas-conductor", "atlas-site-paris")  # they are the broker's, not a vhost's: each test gives them its own
    here.kept.write_text("".join(f"{user} = {uuid.uuid4().hex}\n" for user in users))
    return here


def add(operator, section_and_more):
    text = operator.settings.read_text()
    operator.settings.write_text(text.replace("[bus]\n", "[bus]\n" + section_and_more))


def passwords(operator):
    lines = operator.kept.read_text().splitlines()
    return dict(line.split(" = ") for line in lines if not line.startswith("#"))


def url(operator, user, password=None):
    address = (operator.folder / "mq" / "url").read_text().strip().split("@")[1]
    return f"amqp://{user}:{password or passwords(operator)[user]}@{address}{operator.vhost}"


def refused(url):
    with pytest.raises(amqp.exceptions.AccessRefused):
        Wire(url)
    return True


class Agent(threading.Thread):
    """Sends numbered events, each confirmed or sent again; on a lost connection logs in again with what 'url' says now."""

    def __init__(self, url):
        super().__init__()
        self.url, self.n, self.logins, self.refusals, self.stop = url, 0, 0, 0, False

    def run(self):
        wire = None
        while not self.stop:
            try:
                if not wire:
                    wire = Wire(self.url())
                    self.logins += 1
                assert wire.publish(str(self.n), "atlas", "atlas-event.paris")
                self.n += 1
            except amqp.exceptions.AccessRefused:
                wire, self.refusals = None, self.refusals + 1
                time.sleep(0.05)
            except (OSError, amqp.exceptions.AMQPError):
                wire = None
        wire.close()


def test_a_password_changes_while_events_flow_and_none_is_lost(operator):
    made(operator("bus", "sync", "--write-passwords", operator.kept))
    old = passwords(operator)
    in_file = dict(old)  # what the agent's own file says
    agent = Agent(lambda: url(operator, "atlas-site-paris", in_file["atlas-site-paris"]))
    agent.start()
    try:
        wait_until(lambda: agent.n > 100, 20, "traffic")
        said = made(operator("bus", "rotate", "atlas-site-paris", "--write-passwords", operator.kept))
        assert "bus disconnect atlas-site-paris" in said
        new = passwords(operator)
        assert new["atlas-site-paris"] != old["atlas-site-paris"]
        assert {user: new[user] for user in new if user != "atlas-site-paris"} == \
            {user: old[user] for user in old if user != "atlas-site-paris"}
        assert refused(url(operator, "atlas-site-paris", old["atlas-site-paris"]))
        at = agent.n
        wait_until(lambda: agent.n > at + 100, 20, "traffic over the connection that was open")
        assert (agent.logins, agent.refusals) == (1, 0)

        made(operator("bus", "disconnect", "atlas-site-paris"))
        wait_until(lambda: agent.refusals > 2, 20, "the end of who knows only the old one")
        in_file.update(new)
        at = agent.n
        wait_until(lambda: agent.n > at + 100, 20, "traffic with the new one")
        assert agent.logins == 2
    finally:
        agent.stop = True
        agent.join(20)
    admin = Wire((operator.folder / "mq" / "url").read_text().strip().replace("rabbit", "amqp") + operator.vhost)
    seen = set()
    while (message := admin.get("atlas-event")) is not None:
        seen.add(int(message.body))
    admin.close()
    assert seen >= set(range(agent.n)) and agent.n > 300


def test_what_rotates_and_disconnects_is_a_user_of_ours(operator):
    made(operator("bus", "sync", "--write-passwords", operator.kept))
    for words in (("rotate", "guest", "--write-passwords", operator.kept), ("rotate", "atlas-site-rome", "--write-passwords", operator.kept),
                  ("disconnect", "nobody")):
        wrong = operator("bus", *words)
        assert wrong.returncode == 2 and words[1] in wrong.stderr, wrong
    assert "--write-passwords" in operator("bus", "rotate", "atlas-api").stderr


def test_a_sites_user_is_bounded_and_queues_are(operator):
    made(operator("bus", "sync", "--write-passwords", operator.kept))
    limits = made(operator.ctl("list_user_limits", "--user", "atlas-site-paris"))
    assert "max-connections" in limits and "max-channels" in limits
    policies = {p["name"]: p for p in operator.listed("list_policies", "-p", operator.vhost)}
    assert set(policies) == {"atlas-dead", "atlas-heartbeat", "atlas-work", "atlas-commands"}
    queues = {q["name"]: q["policy"] for q in operator.listed("list_queues", "-p", operator.vhost, "name", "policy")}
    assert queues["atlas-agent.paris"] == "atlas-commands" and queues["atlas-event"] == "atlas-work"


def test_a_peer_that_cannot_be_is_refused(operator):
    text = operator.settings.read_text()
    for peers in ("x", "x:", "X:topic", "x:atlas-event", "x:atlas-conductor.1", "x:amq.topic", "x:reply_1", "x:a*", "x:t>a x/y:t"):
        operator.settings.write_text(text.replace("[bus]\n", f"[bus]\npeers = {peers}\n"))
        wrong = operator("bus", "sync", "--write-passwords", operator.kept)
        assert wrong.returncode == 2 and "[bus] peers" in wrong.stderr, peers


PEER = r"""
import sys, oslo_messaging, json
from oslo_config import cfg
url, exchange, topic, server = sys.argv[1:5]
conf = cfg.ConfigOpts()
oslo_messaging.set_transport_defaults(exchange)
conf([])
transport = oslo_messaging.get_rpc_transport(conf, url)
from oslo_messaging._metrics import client as metrics
conf.register_opts(metrics.oslo_messaging_metrics, group="oslo_messaging_metrics")
conf.set_override("amqp_durable_queues", True, "oslo_messaging_rabbit")
client = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="atlas-event.paris"))
class Endpoint:
    def apply(self, context, **args):
        client.cast({}, "ports_applied", gateway=args["gateway"])
        print("applied", args["gateway"], flush=True)
srv = oslo_messaging.get_rpc_server(transport, oslo_messaging.Target(topic=topic, server=server), [Endpoint()], executor="threading")
srv.start()
print("ready", flush=True)
sys.stdin.readline()
srv.stop(); srv.wait()
"""


def test_a_python_peer_serves_its_topic_and_nothing_else(operator):
    """As the site's agent: a command down, an event up; and what it must not, it cannot."""
    add(operator, "peers = nms:atlas-agent.paris>atlas-event.paris\n")
    made(operator("bus", "sync", "--write-passwords", operator.kept))
    login = url(operator, "atlas-peer-nms")
    peer = subprocess.Popen(["/usr/bin/python3", "-c", PEER, login.replace("amqp", "rabbit"), "atlas-peer-nms", "atlas-agent", "paris"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    conductor = Wire(url(operator, "atlas-conductor"))
    thief = Wire(login)
    try:
        assert peer.stdout.readline() == "ready\n", peer.communicate()[1]
        assert conductor.cast("atlas-agent.paris", "apply", {"gateway": "east"})
        assert select.select([peer.stdout], [], [], 15)[0], "the peer took no command"
        assert peer.stdout.readline() == "applied east\n"
        event = wait_until(lambda: conductor.get("atlas-event"), 10, "the event")
        assert event.delivery_info["routing_key"] == "atlas-event.paris" and "ports_applied" in event.body

        for key in ("atlas-event.lyon", "atlas-conductor", "atlas-agent.lyon", "atlas-heartbeat.paris"):
            assert not thief.cast(key, "x", exchange="atlas-peer-nms"), key  # returned: no binding
        for exchange in ("atlas", "", "amq.topic"):
            with pytest.raises(amqp.exceptions.AccessRefused):
                thief.cast("atlas-event.lyon", "x", exchange=exchange)
            thief.open()
        for attack in (lambda c: c.exchange_bind("atlas", "atlas-peer-nms", "#"), lambda c: c.exchange_bind("atlas-peer-nms", "atlas", "#"),
                       lambda c: c.exchange_delete("atlas"), lambda c: c.queue_bind("atlas-event", "atlas-peer-nms", "#"),
                       lambda c: c.basic_get("atlas-event"), lambda c: c.queue_delete("atlas-agent.lyon")):
            with pytest.raises(amqp.exceptions.AccessRefused):
                attack(thief.channel)
            thief.open()
        assert conductor.get("atlas-event") is None
    finally:
        peer.communicate("\n", timeout=20)
        thief.close()
        conductor.close()


# ---- client certificates ----

def openssl(*words, cwd):
    made(run("openssl", *words, cwd=cwd))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A CA, a certificate of the broker's host, and one for each of three names."""
    here = tmp_path_factory.mktemp("ca")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.pem", cwd=here)
    (here / "host").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    for name in ("localhost", "atlas-site-paris", "atlas-api", "mallory"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", cwd=here)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                *(("-extfile", "host") if name == "localhost" else ()), "-out", f"{name}.pem", cwd=here)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=atlas-site-paris", "-keyout", "self.key",
            "-out", "self.pem", cwd=here)
    here.chmod(0o755)
    for file in here.iterdir():
        file.chmod(0o644)
    return here


@pytest.fixture(scope="module")
def tls(servers, tmp_path_factory, authority):  # noqa: F811
    """A broker that lets in by certificate: the common name is the user."""
    folder = tmp_path_factory.mktemp("tls")
    (folder / "mq").mkdir()
    port = run("/usr/bin/python3", "-c", "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])").stdout.strip()
    (folder / "mq" / "extra.plugins").write_text("[rabbitmq_auth_mechanism_ssl].\n")
    (folder / "mq" / "extra.conf").write_text(
        f"listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {authority}/ca.pem\nssl_options.certfile = {authority}/localhost.pem\n"
        f"ssl_options.keyfile = {authority}/localhost.key\nssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n"
        "auth_mechanisms.1 = EXTERNAL\nauth_mechanisms.2 = PLAIN\nssl_cert_login_from = common_name\n")
    try:
        made(run(SUPPORT / "broker.sh", "start", folder / "mq"))
        yield folder, servers[1], port
    finally:
        run(SUPPORT / "broker.sh", "remove", folder / "mq")


def by_certificate(authority, port, vhost, name):
    context = {"ca_certs": str(authority / "ca.pem"), "certfile": str(authority / f"{name}.pem"), "keyfile": str(authority / f"{name}.key"),
               "cert_reqs": ssl.CERT_REQUIRED}
    return Wire(f"amqp://localhost:{port}/{vhost}", ssl=context, login_method="EXTERNAL")


def test_users_log_in_by_certificate_and_have_no_password(tls, authority, request):
    folder, connection, port = tls
    operator = Operator((folder, connection), "cert", "cert")
    operator.kept = folder / "kept"
    made(operator("db", "sync"))
    made(operator("site", "add", "paris"))
    add(operator, "client_certificates = true\n")
    assert "atlas-site-paris (by certificate)" in made(operator("bus", "sync"))
    assert "atlas-site-paris (password kept)" in made(operator("bus", "sync"))

    paris = by_certificate(authority, port, "cert", "atlas-site-paris")
    assert paris.cast("atlas-event.paris", "discovered", {"gateways": []})
    with pytest.raises(amqp.exceptions.AccessRefused):
        paris.cast("atlas-event.lyon", "discovered")
    paris.close()
    for password in ("", "guest", "atlas-site-paris"):
        assert not operator.knows("atlas-site-paris", password)
    with pytest.raises((amqp.exceptions.AccessRefused, OSError)):
        by_certificate(authority, port, "cert", "mallory")  # a good certificate of no user
    with pytest.raises((amqp.exceptions.AMQPError, OSError)):
        by_certificate(authority, port, "cert", "self")  # the right name, signed by nobody we trust
