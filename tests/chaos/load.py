# SPDX-License-Identifier: Apache-2.0
"""Tenants at work: links are created over REST and over RPC (oslo.messaging's own client), and earlier ones are deleted, all
the time, while something breaks. Every request has a key and is sent again until it is answered for good, as a careful
tenant does; so in the end each stands for exactly one link."""
import itertools
import json
import queue
import threading
import time
import urllib.error
import uuid

import oslo_messaging
from oslo_config import cfg
from oslo_messaging._metrics import client as metrics

from world import N_GATEWAYS, PROJECT

N_REST, N_RPC = 4, 2
REST_S = 0.03  # a worker's rest between two requests
RPC_TIMEOUT_S = 4
PATIENCE_S = 60


class Refused(Exception):
    pass


def rpc_client(world):
    conf = cfg.ConfigOpts()
    conf.register_opts(metrics.oslo_messaging_metrics, group="oslo_messaging_metrics")
    conf([], default_config_files=[])
    url = world.url("atlas-conductor", world.passwords["atlas-conductor"])
    transport = oslo_messaging.get_rpc_transport(conf, url)
    conf.set_override("control_exchange", "atlas")
    for name, value in (("amqp_durable_queues", True), ("heartbeat_timeout_threshold", 3), ("kombu_reconnect_delay", 0.2),
                        ("rabbit_retry_backoff", 1), ("rabbit_interval_max", 1), ("rabbit_quorum_queue", world.quorum)):
        conf.set_override(name, value, group="oslo_messaging_rabbit")
    target = oslo_messaging.Target(exchange="atlas", topic="atlas-conductor", version="1.0")
    return transport, oslo_messaging.get_rpc_client(transport, target, timeout=RPC_TIMEOUT_S)


class Load:
    """'rpc' false: over REST only. 'plugs': links of equal number at both sites are plugged into a network."""

    def __init__(self, world, rpc=True, n_vpns=60):
        self.world, self.rpc = world, rpc
        pairs = [(vpn, a, z) for vpn in world.new_vpns(n_vpns)
                 for a, z in itertools.product(range(N_GATEWAYS), repeat=2)]
        self.wanted, self.old = queue.SimpleQueue(), queue.SimpleQueue()
        world.links = {name for name, in world.rows("SELECT name FROM vlink")}
        for pair in pairs:
            self.wanted.put(pair)
        for name in world.links:
            self.old.put(name)
        self.gateways = dict(world.rows("SELECT name, id::text FROM gateway"))
        self.sites = dict(world.rows("SELECT name, id::text FROM site"))
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.made = {"rest": 0, "rpc": 0}
        self.deleted = self.again = 0
        self.slowest_s = 0.0
        self.broken = []  # what no tenant should ever see

    # ---- one request ----

    def body(self, pair, name):
        vpn, a, z = pair
        east = {"site_id": self.sites["east"], "gateway_id": self.gateways[f"east-gw{a}"]}
        west = {"site_id": self.sites["west"], "gateway_id": self.gateways[f"west-gw{z}"]}
        if a == z:
            east["network_id"] = str(uuid.uuid5(uuid.UUID(vpn), f"east-{a}"))
        return {"name": name, "vpn_id": vpn, "endpoints": [east, west], "bandwidth": {"a_to_z_kbps": 1000, "z_to_a_kbps": 500}}

    def ask(self, method, path, body=None, headers=None):
        """The answer, or None where there is none to be had now."""
        try:
            answer = self.world.api.ask(method, path, body, headers=headers, timeout=15)
        except (urllib.error.URLError, OSError, json.JSONDecodeError):
            return None  # the API process itself is away
        return None if answer.status in (429, 503) else answer

    def create_rest(self, pair, name):
        answer = self.ask("POST", "/v1/virtual-links", {"virtual_link": self.body(pair, name)}, {"Idempotency-Key": name})
        if answer is not None and answer.status != 202:
            raise Refused(f"create {name}: {answer.text}")
        return answer is not None

    def create_rpc(self, client, pair, name):
        context = {"request_id": f"req-{uuid.uuid4()}", "project_id": PROJECT, "user_id": "u", "roles": ["member"], "is_admin": False}
        link = {**self.body(pair, name), "id": name, "description": ""}
        try:
            client.call(context, "create_virtual_link", virtual_link=link, idempotency_key=name)
        except (oslo_messaging.MessagingTimeout, oslo_messaging.MessageDeliveryFailure):
            return False
        except oslo_messaging.RemoteError as error:
            if error.exc_type not in ("TooManyRequests", "Unavailable"):
                raise Refused(f"create {name}: {error}") from error
            return False
        return True

    def delete(self, name):
        found = self.world.rows("SELECT id::text FROM vlink WHERE name = %s", name)
        if not found:
            return True
        answer = self.ask("DELETE", f"/v1/virtual-links/{found[0][0]}")
        if answer is not None and answer.status not in (202, 404):
            raise Refused(f"delete {name}: {answer.text}")
        return answer is not None

    # ---- until it is answered ----

    def insist(self, what, *words):
        """False when the load ended before there was an answer, which then is owed no more."""
        began = time.monotonic()
        while True:
            try:
                if what(*words):
                    break
            except psycopg2_errors():
                pass
            with self.lock:
                self.again += 1
            assert time.monotonic() - began < PATIENCE_S, f"{what.__name__} {words} found no answer"
            time.sleep(0.1)
        with self.lock:
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def work(self, how, client):
        for turn in itertools.count():
            if self.stopping.wait(REST_S):
                return
            try:
                pair, name = self.wanted.get_nowait(), str(uuid.uuid4())
                with self.lock:
                    self.world.links.add(name)
                if client:
                    self.insist(self.create_rpc, client, pair, name)
                else:
                    self.insist(self.create_rest, pair, name)
                with self.lock:
                    self.made[how] += 1
                if turn % 2 == 0 and not self.old.empty():
                    name = self.old.get_nowait()
                    self.insist(self.delete, name)
                    with self.lock:
                        self.world.links.discard(name)
                        self.deleted += 1
            except queue.Empty:
                return
            except Exception as error:  # told by check(), where the test hears it
                with self.lock:
                    self.broken.append(f"{how}: {type(error).__name__}: {error}")
                return

    # ---- all of them ----

    def __enter__(self):
        self.transport, client = rpc_client(self.world) if self.rpc else (None, None)
        kinds = [("rest", None)] * N_REST + [("rpc", client)] * (N_RPC if self.rpc else 0)
        self.threads = [threading.Thread(target=self.work, args=kind, daemon=True) for kind in kinds]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE_S + 20)
            if thread.is_alive():
                self.broken.append(f"{thread.name} hangs")
        if self.transport:
            self.transport.cleanup()

    def n_made(self):
        with self.lock:
            return sum(self.made.values())

    def goes_on(self, n=40, seconds=30):
        """Waits until 'n' more links were accepted, over every way; how long that took."""
        began, first = time.monotonic(), dict(self.made)
        ways = [way for way in self.made if way == "rest" or self.rpc]
        while self.n_made() < sum(first.values()) + n or any(self.made[way] == first[way] for way in ways):
            assert not self.broken, self.broken
            assert time.monotonic() - began < seconds, f"only {self.made} after {seconds} s, {first} before"
            time.sleep(0.02)
        return time.monotonic() - began

    def __str__(self):
        return (f"{self.made['rest']} links by REST and {self.made['rpc']} by RPC, {self.deleted} deleted, "
                f"{self.again} requests repeated, the slowest {self.slowest_s:.1f} s")


def psycopg2_errors():
    import psycopg2
    return psycopg2.OperationalError, psycopg2.InterfaceError
