# SPDX-License-Identifier: Apache-2.0
"""Both ends of a conversation: our bus (the program bus-peer) and oslo.messaging. One file is read by both."""
import contextlib
import json
import os
import pathlib
import queue
import signal
import subprocess
import threading
import time

import amqp
import oslo_messaging
from oslo_config import cfg
from oslo_messaging._drivers import amqpdriver, impl_rabbit  # noqa: F401
from oslo_messaging._metrics import client as metrics

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("ATLAS_BUILD", "build/dev")
PEER = BUILD / "tests/interop/bus-peer"
BROKER_SH = ROOT / "tests/support/broker.sh"
TIMEOUT = 10
amqpdriver.ACK_REQUEUE_EVERY_SECONDS_MAX = 0.2  # of a server of oslo.messaging that is to stop
# Of bus-peer's messages, besides a W3C trace context.
CONTEXT = {"request_id": "req-1", "roles": ["member"], "is_admin": False}


def until(predicate, what, timeout=TIMEOUT):
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s"
        time.sleep(0.05)
    return value


class Broker:
    """A private RabbitMQ."""

    def __init__(self, folder, extra=""):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        if extra:
            (folder / "extra.conf").write_text(extra)
        subprocess.run([BROKER_SH, "guard", folder, str(os.getpid())], check=True)
        subprocess.run([BROKER_SH, "start", folder], check=True, timeout=120)
        self.url = (folder / "url").read_text().strip()
        self.address = self.url.split("@")[1].rstrip("/")

    def ctl(self, *words):
        return subprocess.run([BROKER_SH, "ctl", self.folder, *words], check=True, timeout=60,
                              stdout=subprocess.PIPE, text=True).stdout

    def vhost(self, name):
        """A new one; its URL."""
        self.ctl("add_vhost", name)
        self.ctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        return self.url + name

    def table(self, kind, vhost, *columns):
        """What rabbitmqctl lists, by the first column."""
        rows = json.loads(self.ctl("list_" + kind, "-p", vhost, *columns, "--formatter", "json"))
        return {row[columns[0]]: row for row in rows}

    @contextlib.contextmanager
    def channel(self, vhost="/"):
        """Plain AMQP, for what neither peer would say."""
        with amqp.Connection(self.address, userid="guest", password="guest", virtual_host=vhost) as connection:
            yield connection.channel()

    def remove(self):
        subprocess.run([BROKER_SH, "remove", self.folder], check=True, timeout=60)


class Site:
    """A broker's vhost with one file of options, and the programs that read it."""

    def __init__(self, folder, url, rabbit=(), timeout=5, exchange="atlas"):
        self.folder, self.url = folder, url
        self.file = folder / "peers.conf"
        options = {"amqp_durable_queues": "true", **dict(rabbit)}
        self.file.write_text(
            f"[DEFAULT]\ntransport_url = {url}\ncontrol_exchange = {exchange}\nrpc_response_timeout = {timeout}\n"
            "[oslo_messaging_rabbit]\n" + "".join(f"{key} = {value}\n" for key, value in options.items()))
        self.conf = cfg.ConfigOpts()
        self.conf.register_opts(metrics.oslo_messaging_metrics, group="oslo_messaging_metrics")
        self.conf(["--config-file", str(self.file)])
        self.exits = contextlib.ExitStack()
        self._transports = {}

    def transport(self, *modules):
        """oslo.messaging's, which rebuilds exceptions of these modules."""
        if modules not in self._transports:
            self._transports[modules] = oslo_messaging.get_rpc_transport(self.conf, allowed_remote_exmods=list(modules))
            self.exits.callback(self._transports[modules].cleanup)
        return self._transports[modules]

    def client(self, topic, modules=(), **target):
        """oslo.messaging's."""
        target = oslo_messaging.Target(topic=topic, **{"version": "1.0", **target})
        return oslo_messaging.get_rpc_client(self.transport(*modules), target)

    def server(self, endpoint, topic, server="paris", **more):
        """oslo.messaging's; serves until the end, or until what is given back is closed."""
        it = oslo_messaging.get_rpc_server(self.transport(), oslo_messaging.Target(topic=topic, server=server),
                                           [endpoint], executor="threading", **more)
        it.start()
        return self._closing(lambda: (it.stop(), it.wait()))

    def listener(self, endpoint, topic="notifications"):
        transport = oslo_messaging.get_notification_transport(self.conf)
        it = oslo_messaging.get_notification_listener(transport, [oslo_messaging.Target(topic=topic)], [endpoint],
                                                      executor="threading")
        it.start()
        return self._closing(lambda: (it.stop(), it.wait(), transport.cleanup()))

    def ours(self):
        """Our client."""
        return self.exits.enter_context(OurClient(self))

    def our_server(self, *queues, **served):
        return self.exits.enter_context(OurServer(self, *queues, **served))

    def notifier(self, topic="notifications"):
        """oslo.messaging's."""
        transport = oslo_messaging.get_notification_transport(self.conf)
        self.exits.callback(transport.cleanup)
        return oslo_messaging.Notifier(transport, "python.host", driver="messagingv2", topics=[topic])

    def our_listener(self, *queues):
        return self.exits.enter_context(OurListener(self, *queues))

    def _closing(self, action):
        stack = contextlib.ExitStack()
        stack.callback(action)
        self.exits.callback(stack.close)
        return stack

    def close(self):
        self.exits.close()


class OurProgram:
    def __init__(self, site, *words):
        self.log = site.folder / f"peer-{time.monotonic_ns()}.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([PEER, site.file, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=log, text=True)
        self.said = queue.Queue()
        self.ready = threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            if line == "ready\n":
                self.ready.set()
            else:
                self.said.put(line)

    def heard(self, timeout=TIMEOUT):
        try:
            return json.loads(self.said.get(timeout=timeout))
        except queue.Empty:
            raise AssertionError(f"bus-peer said nothing for {timeout} s: {self.log.read_text()}") from None

    def warnings(self):
        """What it wrote to its log."""
        return self.log.read_text().splitlines()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(TIMEOUT) == 0, self.log.read_text()


class OurServer(OurProgram):
    def __init__(self, site, *queues, fanout="", namespace="", version=""):
        super().__init__(site, "serve", fanout, namespace, version, *queues)
        self.ready.wait(20)
        assert self.ready.is_set(), self.log.read_text()


class OurListener(OurProgram):
    def __init__(self, site, *queues):
        super().__init__(site, "listen", *queues)
        self.ready.wait(20)
        assert self.ready.is_set(), self.log.read_text()


class OurClient(OurProgram):
    def __init__(self, site):
        super().__init__(site, "ask")

    def tell(self, verb, **more):
        self.process.stdin.write(json.dumps({"verb": verb, **more}) + "\n")
        self.process.stdin.flush()

    def ask(self, verb, topic, method, how=(), server=None, timeout=TIMEOUT, **args):
        self.tell(verb, topic=topic, method=method, server=server, args=args, **dict(how))
        return self.heard(timeout)

    def call(self, topic, method, **more):
        return self.ask("call", topic, method, **more)

    def cast(self, topic, method, **more):
        return self.ask("cast", topic, method, **more)["sent"]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(TIMEOUT) == 0, self.log.read_text()


class Stranger(Exception):
    """An exception no peer knows."""


class Endpoint:
    """What oslo.messaging serves: the same methods as bus-peer."""
    target = oslo_messaging.Target(version="1.0")

    def __init__(self):
        self.casts = queue.Queue()
        self.n_seen = 0

    def echo(self, context, **args):
        context.pop("client_timeout")  # of oslo.messaging's own
        return {"args": args, "context": context}

    def nothing(self, context):
        return None

    def note(self, context, **args):
        self.casts.put(args)

    def count(self, context):
        self.n_seen += 1
        return self.n_seen

    def seen(self, context):
        return self.n_seen

    def slow(self, context, seconds):
        time.sleep(seconds)

    def fail(self, context):
        raise ValueError('no such "thing"')

    def fail_strangely(self, context):
        raise Stranger("länge")

    def info(self, context, message):
        self.n_seen += 1
        return [*message[:3], time.time(), 0]
