#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""oslo.messaging under the load of bus_bench, as two processes: oslo_bench.py URL serve, oslo_bench.py URL ask. Each line
of the latter's input, "oslo WHAT OUTSTANDING N", is answered by "N_PER_SECOND P50_US P99_US"."""
import itertools
import logging
import os
import sys
import threading
import time

import oslo_messaging
from oslo_config import cfg

ARGS = {"virtual_link": {
    "id": "5b2c1e0a-5d1f-4f0e-9d6c-0a1b2c3d4e5f", "name": "paris-lyon", "description": "",
    "vpn_id": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    "endpoints": [{"site_id": "paris", "network_id": "11111111-2222-3333-4444-555555555555"},
                  {"site_id": "lyon", "network_id": "66666666-7777-8888-9999-000000000000"}],
    "bandwidth": {"a_to_z_kbps": 10000, "z_to_a_kbps": 20000}}}
CONTEXT = {"request_id": "req-5b2c1e0a-5d1f-4f0e-9d6c-0a1b2c3d4e5f", "project_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
           "roles": ["member"]}
EVENT = "atlas.link.create.end"


class Server:
    """Answers calls; counts casts and notifications."""

    def __init__(self):
        self.count = itertools.count(1)
        self.n = 0

    def create_virtual_link(self, context, **args):
        return args

    def cast(self, context, **args):
        self.n = next(self.count)

    def info(self, context, publisher_id, event_type, payload, metadata):
        self.n = next(self.count)

    def counted(self, context):
        return self.n


def serve(transport, notifications):
    server = Server()
    rpc = oslo_messaging.get_rpc_server(transport, oslo_messaging.Target(topic="bench-oslo", server="one"), [server],
                                        executor="threading")
    # Away from the queue that the C programs of the bench read.
    listener = oslo_messaging.get_notification_listener(
        notifications, [oslo_messaging.Target(topic="notifications_oslo")], [server], executor="threading")
    for each in (rpc, listener):
        each.start()
    print("ready", flush=True)
    sys.stdin.read()


def load(send, outstanding, n):
    """Calls 'send' n times from so many threads; what each took."""
    took, left, gate = [], itertools.count(), threading.Barrier(outstanding + 1)

    def run():
        gate.wait()
        while next(left) < n:
            began = time.perf_counter()
            send()
            took.append(time.perf_counter() - began)

    threads = [threading.Thread(target=run) for _ in range(outstanding)]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return began, sorted(took)


def ask(transport, notifications):
    client = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="bench-oslo", version="1.0"),
                                           timeout=60)
    notifier = oslo_messaging.Notifier(notifications, "atlas.host", driver="messagingv2", topics=["notifications_oslo"])
    sends = {"call": lambda: client.call(CONTEXT, "create_virtual_link", **ARGS),
             "cast": lambda: client.cast(CONTEXT, "cast", **ARGS),
             "notification": lambda: notifier.info(CONTEXT, EVENT, ARGS)}
    for line in sys.stdin:
        _, what, outstanding, n = line.split()
        n, before = int(n), client.call({}, "counted")
        began, took = load(sends[what], int(outstanding), n)
        while what != "call" and client.call({}, "counted") < before + n:
            time.sleep(0.01)
        seconds = time.perf_counter() - began
        print(f"{n / seconds:.1f} {took[n // 2] * 1e6:.0f} {took[n * 99 // 100] * 1e6:.0f}", flush=True)


def main():
    url, verb = sys.argv[1:]
    logging.getLogger().addHandler(logging.NullHandler())
    conf = cfg.CONF
    conf([])
    oslo_messaging.set_transport_defaults("atlas")
    transport = oslo_messaging.get_rpc_transport(conf, url=url)
    notifications = oslo_messaging.get_notification_transport(conf, url=url)
    conf.set_override("amqp_durable_queues", True, group="oslo_messaging_rabbit")
    conf.set_override("rabbit_quorum_queue", "ATLAS_BENCH_QUORUM" in os.environ, group="oslo_messaging_rabbit")
    {"serve": serve, "ask": ask}[verb](transport, notifications)


if __name__ == "__main__":
    main()
