# SPDX-License-Identifier: Apache-2.0
"""oslo.messaging's options: for each, both peers read the same file, and what they declare is the same."""
import contextlib
import json
import shutil
import socket
import subprocess
import uuid

import peers
import pytest

# Options of [oslo_messaging_rabbit], and what the broker then holds: (durable, auto_delete, x-queue-type) of named queues.
OPTIONS = {
    "durable": ({}, (True, False, None)),
    "not durable": ({"amqp_durable_queues": "false"}, (False, False, None)),
    "auto-delete": ({"amqp_auto_delete": "true"}, (True, True, None)),
    "auto-delete, not durable": ({"amqp_durable_queues": "false", "amqp_auto_delete": "true"}, (False, True, None)),
    "quorum": ({"rabbit_quorum_queue": "true"}, (True, False, "quorum")),
    "quorum, not durable": ({"rabbit_quorum_queue": "true", "amqp_durable_queues": "false"}, (True, False, "quorum")),
    "quorum with a limit": ({"rabbit_quorum_queue": "true", "rabbit_quorum_delivery_limit": 7}, (True, False, "quorum")),
    "short-lived replies": ({"rabbit_transient_queues_ttl": 60}, (True, False, None)),
}


@contextlib.contextmanager
def open_site(broker, tmp_path, **more):
    vhost = "v-" + uuid.uuid4().hex[:8]
    site = peers.Site(tmp_path, broker.vhost(vhost), **more)
    site.vhost = vhost
    try:
        yield site
    finally:
        site.close()


def talk(site, order="python"):
    """Each calls a topic that both serve: who comes second finds what the first declared."""
    endpoint, topic = peers.Endpoint(), "shared"
    servers = {"python": lambda: site.server(endpoint, topic), "c": lambda: site.our_server(topic, topic + ".paris")}
    first, second = ("python", "c") if order == "python" else ("c", "python")
    servers[first]()
    servers[second]()
    ours = site.ours()
    for n in range(12):
        assert site.client(topic).call({}, "echo", n=n)["args"] == {"n": n}
        assert site.client(topic, server="paris").call({}, "echo", n=n)["args"] == {"n": n}
        assert ours.call(topic, "echo", n=n)["result"]["args"] == {"n": n}
        assert ours.call(topic, "echo", n=n, server="paris")["result"]["args"] == {"n": n}
    return ours


# Equal is equal in either order: each is first with every other option.
@pytest.mark.parametrize("name, order", [("durable", "c"), *zip(OPTIONS, ["python", "c"] * len(OPTIONS))])
def test_both_declare_the_same(broker, tmp_path, name, order):
    rabbit, (durable, auto_delete, kind) = OPTIONS[name]
    with open_site(broker, tmp_path, rabbit=rabbit) as site:
        talk(site, order)
        queues = broker.table("queues", site.vhost, "name", "durable", "auto_delete", "arguments", "type")
        for queue in ("shared", "shared.paris"):
            row = queues[queue]
            arguments = dict((key, value) for key, _, value in map(tuple, row["arguments"])) if isinstance(
                row["arguments"], list) else dict(row["arguments"])
            assert (row["durable"], row["auto_delete"], arguments.get("x-queue-type")) == (durable, auto_delete, kind), row
            assert arguments.get("x-delivery-limit") == rabbit.get("rabbit_quorum_delivery_limit"), row
        exchange = broker.table("exchanges", site.vhost, "name", "type", "durable", "auto_delete")["atlas"]
        assert (exchange["type"], exchange["durable"], exchange["auto_delete"]) == ("topic", durable, auto_delete)
        replies = [row for queue, row in queues.items() if queue.startswith("reply_")]
        assert len(replies) == 2, queues.keys()  # Python's and ours
        ttl = rabbit.get("rabbit_transient_queues_ttl", 1800) * 1000
        for row in replies:
            assert not row["durable"] and not row["auto_delete"] and str(ttl) in str(row["arguments"]), row


def test_another_exchange(broker, tmp_path):
    with open_site(broker, tmp_path, exchange="others") as site:
        talk(site)
        assert {"others"} == {name for name in broker.table("exchanges", site.vhost, "name")
                              if name and not name.startswith("amq.") and not name.endswith("_fanout")}


def test_two_exchanges_do_not_hear_each_other(broker, tmp_path):
    """One topic, two exchanges, one vhost: oslo.messaging's own rule is that the queue is shared and the keys are not."""
    with open_site(broker, tmp_path) as site:
        (tmp_path / "other").mkdir()
        other = peers.Site(tmp_path / "other", site.url, exchange="others")
        site.our_server("here")
        assert other.ours().call("here", "echo")["fault"]["type"] in ("bus.unroutable", "bus.unavailable")
        assert site.ours().call("here", "echo")["result"]
        other.close()


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_several_hosts_of_which_one_is_there(broker, tmp_path):
    with open_site(broker, tmp_path) as site:
        site.close()
        url = f"rabbit://guest:guest@127.0.0.1:{closed_port()},guest:guest@{broker.address}/{site.vhost}"
        several = peers.Site(tmp_path, url)
        talk(several)
        several.close()


# ---- TLS ----

@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A broker with a TLS port; certificates of an authority made for it."""
    folder = tmp_path_factory.mktemp("tls")
    if not shutil.which("openssl"):
        pytest.fail("openssl is needed")

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, cwd=folder, capture_output=True, timeout=60)

    for name in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    for name, alt in (("server", "IP:127.0.0.1,DNS:localhost"), ("misnamed", "DNS:elsewhere")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / "alt").write_text(f"subjectAltName = {alt}\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "alt", "-out", f"{name}.pem")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    brokers = {}
    for name in ("server", "misnamed"):
        port = closed_port()
        here = peers.Broker(folder / f"broker-{name}", f"""listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {folder}/ca.pem
ssl_options.certfile = {folder}/{name}.pem
ssl_options.keyfile = {folder}/{name}.key
ssl_options.verify = verify_none
""")
        here.tls = f"rabbit://guest:guest@localhost:{port}/"
        brokers[name] = here
    brokers["folder"] = folder
    yield brokers
    for name in ("server", "misnamed"):
        brokers[name].remove()


def tls_site(tls, broker, tmp_path, ca="ca"):
    return peers.Site(tmp_path, tls[broker].tls, rabbit={
        "ssl": "true", "ssl_ca_file": tls["folder"] / f"{ca}.pem"})


def test_a_certificate_says_who_a_python_peer_is(tmp_path):
    """EXTERNAL: its user has no password; the broker takes the certificate's common name."""
    folder = tmp_path / "external"
    subprocess.run([peers.ROOT / "tests/support/tls.sh", folder], check=True, timeout=60)
    broker, tls = peers.Broker(folder), folder / "tls"
    try:
        options = {"ssl": "true", "ssl_ca_file": tls / "ca.pem", "rabbit_login_method": "EXTERNAL"}
        own = {"ssl_cert_file": tls / "client.pem", "ssl_key_file": tls / "client-key.pem"}
        url = f"rabbit://localhost:{(tls / 'port').read_text().strip()}/"
        broker.ctl("add_user", "site-paris", "unused")
        broker.ctl("clear_password", "site-paris")
        broker.ctl("set_permissions", "site-paris", ".*", ".*", ".*")
        without = peers.Site(tmp_path, url, rabbit=options)
        with pytest.raises(peers.amqp.AccessRefused):
            without.client("nobody").prepare(retry=0).cast({}, "note")
        without.close()
        site = peers.Site(tmp_path, url, rabbit={**options, **own})
        talk(site)
        users = {row["user"] for row in json.loads(broker.ctl("list_connections", "user", "--formatter", "json"))}
        assert users == {"site-paris"}
        site.close()
    finally:
        broker.remove()


def test_both_speak_tls(tls, tmp_path):
    site = tls_site(tls, "server", tmp_path)
    talk(site)
    rows = tls["server"].ctl("list_connections", "ssl", "name", "--formatter", "csv")
    assert "true" in rows and "false" not in rows, rows
    site.close()


@pytest.mark.parametrize("broker, ca", [("misnamed", "ca"), ("server", "other-ca")])
def test_c_does_not_speak_to_a_broker_it_cannot_verify(tls, tmp_path, broker, ca):
    """oslo.messaging of the distribution takes a certificate of any name; we do not."""
    site = tls_site(tls, broker, tmp_path, ca)
    ours = site.ours()
    assert ours.call("any", "echo")["fault"]["type"] == "bus.unavailable"
    assert "ssl" in " ".join(ours.warnings()).lower() or "certificate" in " ".join(ours.warnings()), ours.warnings()
    site.close()
