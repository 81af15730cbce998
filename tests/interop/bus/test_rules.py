# SPDX-License-Identifier: Apache-2.0
"""What is wrong, double, late or not ours: the caller gets the standard failure, the log one line, and whoever consumes
goes on consuming."""
import json
import threading
import time
import uuid

import oslo_messaging
import pytest


def str_or_nothing(value):
    return value.replace(" ", "-") if isinstance(value, str) else ""


def healthy(site, server, topic="c-topic"):
    """Still answers, and wrote no more than it should."""
    assert site.client(topic).call({}, "echo")["args"] == {}
    return server.warnings()


@pytest.fixture
def server(site, request):
    """One of our own for the test, so that its log is the test's; on a queue named after the test."""
    name = request.node.name.replace("[", "-").replace("]", "")[:200]
    here = site.our_server(name)
    here.topic = name
    return here


def publish(broker, site, body, key, exchange="atlas", **properties):
    with broker.channel(site.url.rsplit("/", 1)[1]) as channel:
        from amqp import Message
        body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        channel.basic_publish(Message(body, content_type="application/json", content_encoding="utf-8", **properties),
                              exchange, key)


def envelope(inner, version="2.0"):
    return {"oslo.version": version, "oslo.message": json.dumps(inner)}


# ---- version and namespace ----

@pytest.mark.parametrize("target, served", [
    ({"version": "1.0"}, True), ({"version": "1.1"}, False), ({"version": "2.0"}, False), ({"version": "0.9"}, False),
    ({"version": "1.0", "namespace": "strange"}, False)])
def test_python_is_told_which_version_c_does_not_serve(site, server, target, served):
    client = site.client(server.topic, **target)
    if served:
        assert client.call({}, "nothing") is None
        assert server.warnings() == []
        return
    with pytest.raises(oslo_messaging.RemoteError) as raised:
        client.call({}, "nothing")
    assert raised.value.exc_type == "UnsupportedVersion"
    assert raised.value.value == (
        f"Endpoint does not support RPC version {target['version']}. Attempted method: nothing")
    assert len(healthy(site, server, server.topic)) == 1


def test_a_peer_that_knows_the_dispatchers_failures_gets_them_rebuilt_or_told(site, server):
    """UnsupportedVersion and NoSuchMethod as oslo.messaging's own dispatcher sends them."""
    client = site.client(server.topic, modules=["oslo_messaging.rpc.dispatcher"], version="2.0")
    with pytest.raises((oslo_messaging.UnsupportedVersion, oslo_messaging.RemoteError)) as raised:
        client.call({}, "nothing")
    assert "Endpoint does not support RPC version 2.0" in str(raised.value)


def test_python_hears_of_an_unknown_method(site, server):
    with pytest.raises(oslo_messaging.RemoteError) as raised:
        site.client(server.topic).call({}, "nonsense")
    assert (raised.value.exc_type, raised.value.value) == (
        "NoSuchMethod", "Endpoint does not support RPC method nonsense")
    healthy(site, server, server.topic)


def test_a_cast_of_a_wrong_version_ends_no_consumer(site, server):
    site.client(server.topic, version="7.0").cast({}, "note", n=1)
    site.client(server.topic, namespace="strange").cast({}, "note", n=2)
    healthy(site, server, server.topic)
    assert server.said.empty()


def test_c_hears_of_an_unknown_method_of_python(ours, endpoint):
    fault = ours.call("py-topic", "nonsense")["fault"]
    assert (fault["code"], fault["type"]) == (500, "bus.remote_failure")
    assert fault["message"] == "NoSuchMethod: Endpoint does not support RPC method nonsense"


@pytest.mark.parametrize("target", [{"version": "2.0"}, {"version": "1.0", "namespace": "strange"}])
def test_c_hears_which_version_python_does_not_serve(site, ours, target):
    class Other:
        def echo(self, context):
            return "never"

    Other.target = oslo_messaging.Target(**target)
    topic = "py-other-" + uuid.uuid4().hex
    site.server(Other(), topic)
    fault = ours.call(topic, "echo")["fault"]
    assert fault["message"] == "UnsupportedVersion: Endpoint does not support RPC version 1.0. Attempted method: echo"


SERVED = oslo_messaging.Target(namespace="atlas.test", version="1.5")


@pytest.mark.parametrize("asked, served", [
    ({"version": "1.0"}, True), ({"version": "1.5"}, True), ({"version": "1.6"}, False), ({"version": "2.0"}, False),
    ({"version": "1.5.1"}, False), ({"version": "1.4.9"}, True), ({"namespace": None}, False), ({"namespace": "other"}, False)],
    ids=lambda value: "-".join(f"{v}" for v in value.values()) if isinstance(value, dict) else "")
def test_both_serve_the_same_versions_of_a_namespace(site, ours, asked, served):
    """A minor that is not above the server's; each asked by the other, with one answer."""
    import peers
    how = {"namespace": "atlas.test", "version": "1.0", **asked}

    class Endpoint(peers.Endpoint):
        target = SERVED

    c, python = "c-" + uuid.uuid4().hex, "py-" + uuid.uuid4().hex
    site.our_server(c, namespace="atlas.test", version="1.5")
    site.server(Endpoint(), python)
    for topic in (c, python):
        by_c = ours.call(topic, "nothing", how=how)
        try:
            by_python = site.client(topic, **how).call({}, "nothing")
            assert served and by_python is None and by_c == {"result": None}, topic
        except oslo_messaging.RemoteError as why:
            text = f"Endpoint does not support RPC version {how['version']}. Attempted method: nothing"
            assert not served and (why.exc_type, why.value) == ("UnsupportedVersion", text), topic
            assert by_c["fault"]["message"] == f"UnsupportedVersion: {text}"


# ---- replies that are not as they should be ----

class OddServer:
    """Answers each request to a queue with what 'answers' makes of it: a list of reply documents."""

    def __init__(self, broker, site, topic, answers):
        self.answers, self.stop = answers, threading.Event()
        vhost = site.url.rsplit("/", 1)[1]
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(broker, vhost, topic), daemon=True)
        self.thread.start()
        assert self.ready.wait(10)

    def run(self, broker, vhost, topic):
        with broker.channel(vhost) as channel:
            channel.exchange_declare("atlas", "topic", durable=True, auto_delete=False)
            channel.queue_declare(topic, durable=True, auto_delete=False)
            channel.queue_bind(topic, "atlas", topic)
            channel.basic_consume(topic, no_ack=True, callback=lambda message: self.answer(channel, message))
            self.ready.set()
            while not self.stop.is_set():
                try:
                    channel.connection.drain_events(timeout=0.1)
                except OSError:  # of the time that is over
                    pass

    def answer(self, channel, message):
        import amqp
        request = json.loads(json.loads(message.body)["oslo.message"])
        whole = {"result": 7, "failure": None, "ending": True, "_msg_id": request["_msg_id"],
                 "_unique_id": uuid.uuid4().hex}
        for reply in self.answers(request, whole):
            body = reply if isinstance(reply, bytes) else json.dumps(envelope(reply))
            channel.basic_publish(amqp.Message(body), "", request["_reply_q"])

    def close(self):
        self.stop.set()
        self.thread.join(5)


def without(key):
    return lambda request, whole: [{k: v for k, v in whole.items() if k != key}]


@pytest.mark.parametrize("name, answers", [
    ("missing failure", without("failure")), ("missing ending", without("ending")),
    ("failure that is an object", lambda request, whole: [{**whole, "failure": {"class": "ValueError"}}]),
    ("failure that is no JSON", lambda request, whole: [{**whole, "failure": "{oops"}]),
    ("ending that is no boolean", lambda request, whole: [{**whole, "ending": 1}]),
], ids=str_or_nothing)
def test_c_gets_a_failure_for_a_reply_it_cannot_read(broker, site, name, answers):
    topic = "odd-" + uuid.uuid4().hex
    wrong, state = OddServer(broker, site, topic, lambda r, w: answers(r, w) if r["method"] == "odd" else [w]), site.ours()
    began = time.monotonic()
    fault = state.call(topic, "odd")["fault"]
    assert time.monotonic() - began < 4, "it waited for its time to be up"
    assert fault["code"] >= 500, fault
    assert state.call(topic, "even") == {"result": 7}
    assert len(state.warnings()) == 1, state.warnings()
    wrong.close()


@pytest.mark.parametrize("rubbish", [b"", b"{", b"\xff\xfe", b"[]", b'{"oslo.version": "3.0", "oslo.message": "{}"}',
                                     b'{"oslo.version": "2.0", "oslo.message": "{}"}', b"[" * 50000],
                         ids=["empty", "half", "no utf-8", "list", "version 3.0", "no call", "deep"])
def test_c_waits_for_the_right_reply_when_rubbish_comes_first(broker, site, rubbish):
    topic = "odd-" + uuid.uuid4().hex
    server, state = OddServer(broker, site, topic, lambda request, whole: [rubbish, whole]), site.ours()
    for _ in range(2):
        assert state.call(topic, "any") == {"result": 7}
    assert 1 <= len(state.warnings()) <= 2, state.warnings()
    server.close()


def test_c_takes_the_first_of_two_replies(broker, site):
    topic = "odd-" + uuid.uuid4().hex
    server = OddServer(broker, site, topic, lambda request, whole: [whole, {**whole, "result": 8}])
    state = site.ours()
    assert [state.call(topic, "any") for _ in range(5)] == [{"result": 7}] * 5
    assert state.warnings() == []
    server.close()


def test_c_ignores_the_reply_of_another_call(broker, site):
    topic = "odd-" + uuid.uuid4().hex
    server = OddServer(broker, site, topic, lambda request, whole: [{**whole, "_msg_id": uuid.uuid4().hex}, whole])
    assert site.ours().call(topic, "any") == {"result": 7}
    server.close()


# ---- requests that are not as they should be ----

REQUEST = {"method": "note", "args": {"n": 1}, "version": "1.0"}


@pytest.mark.parametrize("name, body", [
    ("empty", b""), ("half", b'{"oslo.version": "2.0", "oslo.mess'), ("not utf-8", b"\xff\xfe\x00"), ("list", b"[]"),
    ("deep", b"[" * 60000), ("envelope 2.1", envelope(REQUEST, "2.1")), ("envelope 1.0", envelope(REQUEST, "1.0")),
    ("envelope 2", envelope(REQUEST, "2")), ("inner no string", {"oslo.version": "2.0", "oslo.message": REQUEST}),
    ("no method", envelope({"args": {}})), ("method is a number", envelope({"method": 7})),
    ("args is a list", envelope({**REQUEST, "args": [1]})), ("version is a word", envelope({**REQUEST, "version": "x"})),
    ("half a call", envelope({**REQUEST, "_msg_id": "1"})),
], ids=str_or_nothing)
def test_what_c_cannot_read_goes_to_the_dead_letters(broker, site, server, name, body):
    with broker.channel(site.url.rsplit("/", 1)[1]) as channel:
        channel.queue_declare("atlas-dead", durable=True, auto_delete=False)
        channel.queue_bind("atlas-dead", "atlas", "atlas-dead.#")
        channel.queue_purge("atlas-dead")
        publish(broker, site, body, server.topic)
        lines = healthy(site, server, server.topic)
        assert len(lines) == 1 and "dead_letter" in lines[0], lines
        dead = channel.basic_get("atlas-dead", no_ack=True)
        assert dead.headers["reason"] and dead.headers["queue"] == server.topic
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        assert (dead.body if isinstance(dead.body, bytes) else dead.body.encode()) == sent
    assert server.said.empty()


def test_a_bare_message_without_an_envelope_is_understood_by_both(broker, site, server, endpoint):
    publish(broker, site, {**REQUEST, "_unique_id": "1", "_context_user": "u"}, server.topic)
    assert server.heard() == {"cast": {"n": 1}, "context": {"user": "u"}}
    publish(broker, site, {**REQUEST, "_unique_id": "2"}, "py-topic")
    assert endpoint.casts.get(timeout=5) == {"n": 1}


def test_a_message_without_version_counts_as_1_0(broker, site, server):
    publish(broker, site, envelope({"method": "note", "args": {"n": 1}}), server.topic)
    assert server.heard()["cast"] == {"n": 1}


# ---- twice, and too late ----

@pytest.mark.parametrize("who", ["c", "python"])
def test_a_message_that_comes_twice_is_carried_out_once(broker, site, server, ours, endpoint, who):
    topic = server.topic if who == "c" else "py-topic"
    before = ours.call(topic, "seen")["result"]
    body = envelope({"method": "count", "args": {}, "version": "1.0", "_unique_id": uuid.uuid4().hex})
    for _ in range(3):
        publish(broker, site, body, topic)
        assert ours.call(topic, "seen")["result"] == before + 1
    for _ in range(3):  # without a mark, or with another one, it is another message
        publish(broker, site, envelope({"method": "count", "args": {}, "version": "1.0"}), topic)
    publish(broker, site, envelope({"method": "count", "_unique_id": uuid.uuid4().hex}), topic)
    assert ours.call(topic, "seen")["result"] == before + 5


def test_a_call_that_expired_in_the_queue_is_not_carried_out_by_c(site):
    site.our_server("c-late").close()
    with pytest.raises(oslo_messaging.MessagingTimeout):
        site.client("c-late").prepare(timeout=1).call({}, "count")
    site.our_server("c-late")
    assert site.client("c-late").call({}, "seen") == 0


def test_a_call_that_expired_in_the_queue_is_not_carried_out_by_python(broker, site):
    import peers
    with broker.channel(site.url.rsplit("/", 1)[1]) as channel:
        channel.exchange_declare("atlas", "topic", durable=True, auto_delete=False)
        channel.queue_declare("py-late", durable=True, auto_delete=False)
        channel.queue_bind("py-late", "atlas", "py-late")
    ours = site.ours()
    assert ours.call("py-late", "count", timeout=20)["fault"]["type"] == "bus.timeout"
    endpoint = peers.Endpoint()
    site.server(endpoint, "py-late")
    assert ours.call("py-late", "seen") == {"result": 0}


def test_a_cast_waits_for_its_server(site):
    site.our_server("c-waiting").close()
    site.client("c-waiting").cast({}, "note", n=5)
    assert site.our_server("c-waiting").heard()["cast"] == {"n": 5}
