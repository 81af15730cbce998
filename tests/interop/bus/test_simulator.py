# SPDX-License-Identifier: Apache-2.0
"""The traffic of oslo.messaging's own load simulator (tools/simulator.py of its source): topic profiler_topic, server
profiler_server, method info, a message [seq, cargo, client_ts, server_ts, return_ts] that comes back with the server's
time; casts; notifications "compute.start". Each peer is once the client and once the server; nothing is lost or changed."""
import concurrent.futures
import queue
import random
import string
import time

import peers
import pytest

THREADS, EACH = 8, 25
TOPIC, SERVER = "profiler_topic", "profiler_server"


def cargoes(n):
    """Lengths like those the simulator measured in a cloud: median about 2.4, mean about 3.2 thousand characters."""
    chance = random.Random(14)
    for _ in range(n):
        length = min(60000, int(chance.lognormvariate(7.8, 0.75)))
        yield "".join(chance.choices(string.ascii_lowercase, k=length))


@pytest.fixture(scope="module", params=["c", "python"])
def profiler(request, broker, tmp_path_factory):
    """The server; a vhost of its own."""
    folder = tmp_path_factory.mktemp("simulator-" + request.param)
    site = peers.Site(folder, broker.vhost(folder.name), timeout=20)
    if request.param == "c":
        site.our_server(TOPIC, f"{TOPIC}.{SERVER}", fanout=TOPIC)
    else:
        site.server(peers.Endpoint(), TOPIC, SERVER)
    yield site
    site.close()


def python_clients(site, action):
    """The simulator's clients, each with its messages; what 'action' gave for all of them."""
    def run(n):
        client = site.client(TOPIC, server=SERVER if n % 2 else None)
        return [action(client, [seq, cargo, time.time(), 0, 0]) for seq, cargo in enumerate(cargoes(EACH))]

    with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
        return [answer for answers in threads.map(run, range(THREADS)) for answer in answers]


def seen(site):
    return site.client(TOPIC).call({}, "seen")


def right(message, answer):
    seq, cargo, client_ts, server_ts, return_ts = answer
    return (answer[:3] == message[:3] and return_ts == 0 and abs(server_ts - client_ts) < 20
            and [seq, cargo, client_ts] == message[:3])


def test_calls_of_python_clients(profiler):
    before = seen(profiler)
    assert all(python_clients(profiler, lambda client, message: right(message, client.call({}, "info", message=message))))
    assert seen(profiler) == before + THREADS * EACH


def test_casts_of_python_clients(profiler):
    before = seen(profiler)
    python_clients(profiler, lambda client, message: client.cast({}, "info", message=message))
    peers.until(lambda: seen(profiler) == before + THREADS * EACH, "all casts")


def test_calls_and_casts_of_c_clients(profiler):
    before = seen(profiler)

    def run(n):
        ours, server = profiler.ours(), SERVER if n % 2 else None
        for seq, cargo in enumerate(cargoes(EACH)):
            message = [seq, cargo, time.time(), 0, 0]
            assert right(message, ours.call(TOPIC, "info", server=server, message=message)["result"])
            assert ours.cast(TOPIC, "info", server=server, message=message) == 0

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        list(threads.map(run, range(4)))
    peers.until(lambda: seen(profiler) == before + 4 * EACH * 2, "all casts")


def test_notifications_of_c(site):
    class Listener:
        def __init__(self):
            self.heard = queue.Queue()

        def info(self, context, publisher_id, event_type, payload, metadata):
            self.heard.put((event_type, payload))

    listener, ours = Listener(), site.ours()
    site.listener(listener)
    sent = [[seq, cargo, time.time(), 0, 0] for seq, cargo in enumerate(cargoes(THREADS * EACH))]
    for message in sent:
        ours.tell("notify", event_type="compute.start", priority="info", payload=message)
        ours.heard()
    heard = [listener.heard.get(timeout=10) for _ in sent]
    assert {event for event, _ in heard} == {"compute.start"}
    assert sorted(payload for _, payload in heard) == sent


def test_notifications_of_python_clients(site):
    c, notifier = site.our_listener("simulated.info"), site.notifier("simulated")
    sent = [[seq, cargo, time.time(), 0, 0] for seq, cargo in enumerate(cargoes(THREADS * EACH))]
    with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda message: notifier.info({}, "compute.start", message), sent))
    heard = [c.heard() for _ in sent]
    assert {h["event_type"] for h in heard} == {"compute.start"}
    assert sorted(h["payload"] for h in heard) == sent
