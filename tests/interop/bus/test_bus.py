# SPDX-License-Identifier: Apache-2.0
"""Our bus and oslo.messaging's, each as the client and as the server of the other: calls, casts, results, failures."""
import concurrent.futures
import json
import queue
import re

import oslo_messaging
import peers
import pytest
from atlas import exceptions

VALUES = {"text": 'h"\\é長😀\n', "n": 2 ** 62, "none": None, "list": [1, {"a": True}], "tenth": 0.1, "empty": {}}
CONTEXT = {"request_id": "req-7", "project_id": "p", "roles": ["member"], "is_admin": False}


# ---- Python asks, C answers ----

def test_python_calls_c(site, our_server):
    for _ in range(20):
        answer = site.client("c-topic").call(CONTEXT, "echo", **VALUES)
        assert answer == {"args": VALUES, "context": CONTEXT, "version": "1.0"}


def test_python_calls_a_named_c_server(site):
    site.our_server("c-named.lyon")
    answer = site.client("c-named", server="lyon").call(CONTEXT, "echo", n=1)
    assert answer["args"] == {"n": 1}


def test_python_gets_none_for_nothing(site, our_server):
    assert site.client("c-topic").call({}, "nothing") is None


def test_python_casts_to_c(site, our_server):
    site.client("c-topic").cast(CONTEXT, "note", **VALUES)
    assert our_server.heard() == {"cast": VALUES, "context": CONTEXT}


def test_python_gets_a_refusal_of_an_unknown_class(site, our_server):
    with pytest.raises(oslo_messaging.RemoteError) as raised:
        site.client("c-topic").call({}, "refuse")
    assert raised.value.exc_type == "Conflict"
    assert raised.value.value == "Only 5 kbit/s are left."


def test_python_gets_a_refusal_of_a_known_class_with_all_it_says(site, our_server):
    with pytest.raises(exceptions.Conflict) as raised:
        site.client("c-topic", modules=["atlas.exceptions"]).call({}, "refuse")
    why = raised.value
    assert (why.code, why.type, why.message) == (409, "link.bandwidth_unavailable", "Only 5 kbit/s are left.")
    assert (why.details, why.retry_after_ms) == ({"left_kbps": 5}, 1500)


def test_many_python_threads_call_c(site, our_server):
    with concurrent.futures.ThreadPoolExecutor(64) as threads:
        answers = threads.map(lambda n: site.client("c-topic").call({}, "echo", n=n)["args"]["n"], range(256))
    assert list(answers) == list(range(256))


def test_python_gets_a_failure_of_a_builtin_class_rebuilt(site, our_server):
    with pytest.raises(ValueError, match='no such "thing"'):
        site.client("c-topic").call({}, "fail")


def test_python_gets_a_failure_of_a_module_nobody_knows(site, our_server):
    with pytest.raises(oslo_messaging.RemoteError) as raised:
        site.client("c-topic", modules=["elsewhere"]).call({}, "fail_strangely")
    assert (raised.value.exc_type, raised.value.value) == ("Stranger", "länge")


# ---- C asks, Python answers ----

@pytest.mark.parametrize("server", [None, "paris"])
def test_c_calls_python(ours, endpoint, server):
    result = ours.call("py-topic", "echo", server=server, **VALUES)["result"]
    assert result["args"] == VALUES
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", result["context"].pop("traceparent"))
    assert result["context"] == peers.CONTEXT


def test_c_gets_null_for_none(ours, endpoint):
    assert ours.call("py-topic", "nothing") == {"result": None}


@pytest.mark.parametrize("server", [None, "paris"])
def test_c_casts_to_python(ours, endpoint, server):
    assert ours.cast("py-topic", "note", server=server, **VALUES) == 0
    assert endpoint.casts.get(timeout=5) == VALUES


def test_c_gets_the_failure_of_a_builtin_class(ours, endpoint):
    fault = ours.call("py-topic", "fail")["fault"]
    assert (fault["code"], fault["type"]) == (500, "bus.remote_failure")
    assert fault["message"] == 'ValueError: no such "thing"'


def test_c_gets_the_failure_of_an_unknown_class(ours, endpoint):
    fault = ours.call("py-topic", "fail_strangely")["fault"]
    assert (fault["code"], fault["type"]) == (500, "bus.remote_failure")
    assert fault["message"] == "Stranger: länge"


def test_c_gets_its_own_refusals_back_whole(site, ours):
    """A Python peer may refuse in our words: a class of atlas.exceptions with what it is made of."""
    class Refusing:
        target = oslo_messaging.Target(version="1.0")

        def refuse(self, context):
            why = exceptions.Conflict("Only 5 are left.")
            why.kwargs = {"message": "Only 5 are left.", "code": 409, "type": "link.bandwidth_unavailable",
                          "details": {"left_kbps": 5}, "retry_after_ms": 7}
            raise why

    site.server(Refusing(), "py-refusing")
    fault = ours.call("py-refusing", "refuse")["fault"]
    assert (fault["code"], fault["type"], fault["retry_after_ms"]) == (409, "link.bandwidth_unavailable", 7)
    assert json.loads(fault["details"]) == {"left_kbps": 5}


def test_c_learns_that_nobody_serves_a_topic(ours, endpoint):
    assert ours.cast("py-nobody", "note") == 1
    assert ours.call("py-nobody", "echo")["fault"]["type"] == "bus.unroutable"


# ---- one topic, served by both ----

def test_python_and_c_share_the_work_of_one_topic(site, ours):
    """What both declare is the same, or the second one would be refused."""
    for order, topic in (("c", "both-1"), ("python", "both-2")):
        endpoint = peers.Endpoint()
        if order == "c":
            site.our_server(topic)
        site.server(endpoint, topic)
        if order == "python":
            site.our_server(topic)
        for n in range(20):
            assert site.client(topic).call({}, "echo", n=n)["args"] == {"n": n}
            assert ours.call(topic, "echo", n=n)["result"]["args"] == {"n": n}
            site.client(topic).call({}, "count")
        assert 0 < endpoint.n_seen < 20


# ---- notifications ----

@pytest.mark.parametrize("priority", ["info", "error"])
def test_c_notifies_python(site, ours, priority):
    class Listener:
        def __init__(self):
            self.heard = queue.Queue()

        def info(self, context, *what):
            self.heard.put(("info", context, *what))

        def error(self, context, *what):
            self.heard.put(("error", context, *what))

    listener = Listener()
    closing = site.listener(listener)
    ours.tell("notify", event_type="atlas.link.create.end", priority=priority, payload={"text": "länge"})
    ours.heard()
    level, context, publisher, event, payload, metadata = listener.heard.get(timeout=5)
    assert (level, publisher, event, payload) == (priority, "atlas.host", "atlas.link.create.end", {"text": "länge"})
    assert context["request_id"] == "req-1"
    assert sorted(metadata) == ["message_id", "timestamp"]
    closing.close()


@pytest.mark.parametrize("priority", ["info", "error"])
def test_python_notifies_c(site, priority):
    ours = site.our_listener(f"heard.{priority}")
    getattr(site.notifier("heard"), priority)({"request_id": "req-7"}, "compute.start", {"text": "länge", "n": [1, 2.5, None]})
    heard = ours.heard()
    assert len(heard.pop("message_id")) == 36 and heard.pop("timestamp").startswith("20")
    assert heard.pop("context")["request_id"] == "req-7"
    assert heard == {"queue": f"heard.{priority}", "priority": priority.upper(), "event_type": "compute.start",
                     "publisher_id": "python.host", "payload": {"text": "länge", "n": [1, 2.5, None]}}


def test_both_listen_to_one_topic(site):
    """A queue is the same whoever declares it: each notification is heard once."""
    class Listener:
        def __init__(self):
            self.heard = queue.Queue()

        def info(self, context, publisher_id, event_type, payload, metadata):
            self.heard.put(payload)

    listener, c = Listener(), site.our_listener("shared.info")
    site.listener(listener, "shared")
    notifier = site.notifier("shared")
    for n in range(20):
        notifier.info({}, "compute.start", n)
    got = [c.heard()["payload"] for _ in range(10)] + [listener.heard.get(timeout=5) for _ in range(10)]
    assert sorted(got) == list(range(20))
    assert c.said.empty() and listener.heard.empty()


def test_what_is_no_notification_goes_to_the_dead_letters(broker, site):
    c = site.our_listener("rubbish.info")
    with broker.channel(site.url.rsplit("/", 1)[1]) as channel:
        channel.queue_declare("atlas-dead", durable=True, auto_delete=False)
        channel.queue_bind("atlas-dead", "atlas", "atlas-dead.#")
        for body in ("no JSON", '{"oslo.version": "2.0", "oslo.message": "{}"}'):
            channel.basic_publish(peers.amqp.Message(body), "atlas", "rubbish.info")
        letters = [peers.until(lambda: channel.basic_get("atlas-dead", no_ack=True), "a dead letter") for _ in range(2)]
    assert "event_type" in letters[1].headers["reason"] and letters[1].headers["queue"] == "rubbish.info"
    site.notifier("rubbish").info({}, "compute.start", "still here")
    assert c.heard()["payload"] == "still here"
