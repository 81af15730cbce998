# SPDX-License-Identifier: Apache-2.0
"""Call monitoring: the server says that it is at work, every half of what the caller asked for, and only then."""
import json
import time
import uuid

import oslo_messaging
import pytest
from amqp import Message


@pytest.mark.parametrize("monitor", [None, 2])
def test_python_hears_that_c_is_at_work(site, our_server, monitor):
    began = time.monotonic()
    client = site.client("c-topic").prepare(timeout=10, call_monitor_timeout=monitor)
    assert client.call({}, "slow", seconds=3.2) is None
    assert time.monotonic() - began > 3


def test_monitoring_does_not_lengthen_the_call(site, our_server):
    began = time.monotonic()
    with pytest.raises(oslo_messaging.MessagingTimeout):
        site.client("c-topic").prepare(timeout=3, call_monitor_timeout=2).call({}, "slow", seconds=6)
    assert 2.5 < time.monotonic() - began < 5


def test_c_hears_that_python_is_at_work(ours, endpoint):
    assert ours.call("py-topic", "slow", how={"monitor_ms": 2000}, seconds=3.2) == {"result": None}


def test_c_gives_up_a_server_that_is_silent(broker, site, ours):
    """A queue without a server: the monitored call ends after its two seconds, the other after its five."""
    with broker.channel(site.url.rsplit("/", 1)[1]) as channel:
        channel.exchange_declare("atlas", "topic", durable=True, auto_delete=False)
        channel.queue_declare("nobody-is-here", durable=True, auto_delete=False)
        channel.queue_bind("nobody-is-here", "atlas", "nobody-is-here")
    for how, least, most in (({"monitor_ms": 2000}, 1.5, 4), ({}, 4.5, 7)):
        began = time.monotonic()
        assert ours.call("nobody-is-here", "slow", how=how)["fault"]["type"] == "bus.timeout"
        assert least < time.monotonic() - began < most


# `_timeout` of the request, seconds of work, replies that are no end
@pytest.mark.parametrize("monitor, seconds, beats", [
    (None, 1.4, 0), (0, 1.4, 0), (1, 1.4, 0), (2, 2.6, 2), (2, 0.1, 0), (4, 4.5, 2), (2.9, 2.6, 2)])
@pytest.mark.parametrize("who", ["c", "python"])
def test_a_server_says_that_it_is_at_work_only_when_asked(broker, site, our_server, endpoint, who, monitor, seconds, beats):
    topic = {"c": "c-topic", "python": "py-topic"}[who]
    request = {"method": "slow", "args": {"seconds": seconds}, "version": "1.0", "_msg_id": uuid.uuid4().hex,
               "_reply_q": "reply_" + uuid.uuid4().hex, "_timeout": monitor, "_unique_id": uuid.uuid4().hex}
    replies = []
    with broker.channel(site.url.rsplit("/", 1)[1]) as channel:
        channel.queue_declare(request["_reply_q"], auto_delete=True)
        channel.basic_consume(request["_reply_q"], no_ack=True, callback=lambda message: replies.append(
            json.loads(json.loads(message.body)["oslo.message"])))
        body = json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(request)})
        channel.basic_publish(Message(body, content_type="application/json", content_encoding="utf-8"), "atlas", topic)
        deadline = time.monotonic() + seconds + 5
        while not (replies and replies[-1]["ending"]):
            channel.connection.drain_events(timeout=max(0.1, deadline - time.monotonic()))
    *working, last = replies
    assert len(working) == beats, replies
    for reply in working:
        assert (reply["result"], reply["failure"], reply["ending"]) == (None, None, False)
    assert (last["result"], last["failure"]) == (None, None)
    assert {reply["_msg_id"] for reply in replies} == {request["_msg_id"]}
