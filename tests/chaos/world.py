# SPDX-License-Identifier: Apache-2.0
"""Cloud Atlas as an operator has it: a broker (or a cluster of them), PostgreSQL, and any number of conductors, agents and
API processes over them, each of which can be started, stopped, killed and paused by its name."""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.request
import uuid

import amqp
import psycopg2

from servers import SUPPORT, Database, is_there, made

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ATLAS_BUILD", ROOT / "build" / "dev")) / "bin"
sys.path.insert(0, str(ROOT / "tests" / "system"))
from cloud import Cloud, wait_until  # noqa: E402

PROJECT = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
SITES = ("east", "west")
N_GATEWAYS = 6  # of each site
CAPACITY = 2_000_000_000
MAX_KBPS = 1_000_000  # of one link at the site "west"
DEVICE_MS = 30  # so that there is always something under way


class World:
    """'brokers': those that run the one bus, in the order in which programs try them."""

    def __init__(self, folder, brokers, quorum=False, database=Database):
        self.folder, self.brokers, self.quorum = folder, brokers, quorum
        self.running, self.every, self.passwords, self.api = {}, [], {}, None
        self.links = set()  # names of the links that have to be there, kept by the load
        self.database = database(folder / "pg")

    def prepare(self):
        """Schema, sites, and the bus."""
        made("psql", "-X", f"{self.database.connection} dbname=postgres", "-c", "CREATE DATABASE atlas")
        self.manage("db", "sync")
        for site in SITES:
            self.manage("site", "add", site)
        self.bus_sync()

    # ---- settings ----

    def url(self, user, password, hosts=None):
        hosts = hosts or [f"127.0.0.1:{broker.port}" for broker in self.brokers]
        return "rabbit://" + ",".join(f"{user}:{password}@{host}" for host in hosts) + "/atlas"

    def connection(self, user):
        return self.database.connection.replace("user=postgres", f"user={user}") + " dbname=atlas"

    @contextlib.contextmanager
    def told(self, names, what):
        """Gateways or clouds (east-gw0, west-cloud) do as they are told, which everybody reads when he looks next."""
        paths = [self.folder / f"{name}.control" for name in names]
        for path in paths:
            fresh = path.with_suffix(".fresh")
            fresh.write_text(json.dumps(what))
            fresh.rename(path)
        try:
            yield
        finally:
            for path in paths:
                path.unlink()

    def write(self, name, user, password, head, rest, hosts=None):
        (self.folder / f"{name}.conf").write_text(
            f"[DEFAULT]\ntransport_url = {self.url(user, password, hosts)}\n{head}"
            f"[oslo_messaging_rabbit]\nheartbeat_timeout_threshold = 3\nrabbit_quorum_queue = {str(self.quorum).lower()}\n{rest}")

    def configure(self, name, hosts=None, step_percent=100):
        """'conductor-N', 'api-N' or '<site>-N': the file of that program."""
        kind = name.rpartition("-")[0]
        user = f"atlas-site-{kind}" if kind in SITES else f"atlas-{kind}"
        head, rest = "metrics_port = 0\n", ""
        if kind == "conductor":
            head += f"host = {name}\n"
            rest = (f"[database]\nconnection = {self.connection('atlas_conductor')}\n"
                    f"[conductor]\nstep_percent = {step_percent}\napply_timeout = 2\naudit_interval = 3600\nquarantine = 1\n")
        elif kind == "api":
            head += "bind_port = 0\nrpc_response_timeout = 4\n"
            rest = f"[database]\nconnection = {self.connection('atlas_api')}\n"
        else:
            head += f"site = {kind}\nhost = {name}\n"
            rest = ((f"[policy]\nmax_kbps = {MAX_KBPS}\n" if kind == "west" else "") +
                    f"[cloud]\ndriver = fake\nstate_file = {self.folder}/{kind}-cloud.json\n"
                    f"control_file = {self.folder}/{kind}-cloud.control\n")
            for i in range(N_GATEWAYS):
                rest += (f"[gateway:{kind}-gw{i}]\ndriver = fake\ntype = vpls\ndomain = wan\n"
                         f"state_file = {self.folder}/{kind}-gw{i}.json\n"
                         f"control_file = {self.folder}/{kind}-gw{i}.control\n"
                         f"latency_ms = {DEVICE_MS}\ncapacity_to_wan_kbps = {CAPACITY}\ncapacity_from_wan_kbps = {CAPACITY}\n")
        self.write(name, user, self.passwords[user], head, rest, hosts)

    def manage(self, *words):
        node = next((broker for broker in self.brokers if is_there(broker.pid)), self.brokers[0])
        self.write("manage", "guest", "guest", "",
                   f"[database]\nconnection = {self.database.connection} dbname=atlas\n"
                   f"[bus]\nrabbitmqctl = {SUPPORT}/broker.sh ctl {node.folder}\n", [f"127.0.0.1:{node.port}"])
        return made(BIN / "atlas-manage", "--config-file", self.folder / "manage.conf", *words)

    def bus_sync(self):
        said = self.manage("bus", "sync", "--write-passwords", self.folder / "passwords")
        lines = (self.folder / "passwords").read_text().splitlines()
        self.passwords = dict(line.split(" = ") for line in lines if not line.startswith("#"))
        return said

    # ---- programs ----

    def start(self, *names, environ=None, **settings):
        """Starts them together, and waits until each is ready, or with failpoints in 'environ' perhaps gone already."""
        waiting = []
        for name in names:
            kind = name.rpartition("-")[0]
            self.configure(name, **settings)
            ready, said = os.pipe()
            with open(self.folder / f"{name}.log", "a", encoding="utf-8") as log:
                self.running[name] = subprocess.Popen(
                    [BIN / ("atlas-agent" if kind in SITES else f"atlas-{kind}"), "--config-file",
                     self.folder / f"{name}.conf", "--ready-fd", str(said)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[said], env={**os.environ, **(environ or {})})
            self.every.append(self.running[name])
            os.close(said)
            waiting.append((name, ready))
        for name, ready in waiting:
            with os.fdopen(ready) as pipe:
                assert pipe.read() == "ready\n" or environ, self.log(name)[-2000:]
            if name.startswith("api-"):
                self.api = Cloud("http://127.0.0.1:" + self.found(name, r"event=api.ready .* port=([0-9]+)"), PROJECT)

    def start_all(self):
        self.start("conductor-1", *(f"{site}-1" for site in SITES), "api-1")
        wait_until(lambda: len(self.api.get("/v1/gateways").body["gateways"]) == N_GATEWAYS * len(SITES), 30, "all gateways")

    def stop(self, name):
        """SIGTERM; it has to end well, and by itself."""
        process = self.running.pop(name)
        process.terminate()
        assert process.wait(20) == 0, self.log(name)[-2000:]

    def kill(self, name):
        process = self.running.pop(name)
        process.kill()
        assert process.wait(10) == -9, name

    def pid(self, name):
        return self.running[name].pid

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def logs(self, pattern):
        """How often a line of any program says that."""
        return sum(len(re.findall(pattern, path.read_text(errors="replace"))) for path in self.folder.glob("*-[0-9].log"))

    def found(self, name, pattern):
        return re.findall(pattern, self.log(name))[-1]

    def metric(self, name, metric):
        """The sum over its labels."""
        port = "".join(self.found(name, r"metrics_port=([0-9]+)|event=metrics port=([0-9]+)"))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as got:
            text = got.read().decode()
        return sum(float(n) for n in re.findall(rf"^{metric}(?:{{[^}}]*}})? ([0-9.e+]+)$", text, re.M))

    def reconnects(self):
        """Connections to the broker that the running programs lost."""
        return int(sum(self.metric(name, "atlas_bus_reconnects_total") for name in list(self.running)))

    def close(self):
        for process in self.every:
            process.kill()
        for process in self.every:
            process.wait()
        self.database.remove()

    # ---- the bus, as its operator sees it ----

    def broker_session(self):
        node = next(broker for broker in self.brokers if is_there(broker.pid))
        session = amqp.Connection(host=f"127.0.0.1:{node.port}", userid="guest", password="guest", virtual_host="atlas",
                                  connect_timeout=5, read_timeout=10, write_timeout=10)
        session.connect()
        return session

    def waiting(self, *queues):
        """Messages and consumers of each queue, in the order asked."""
        with self.broker_session() as session:
            seen = [session.channel().queue_declare(queue, passive=True) for queue in queues]
        return [(each.message_count, each.consumer_count) for each in seen]

    # ---- the database ----

    def rows(self, sql, *values):
        connection = psycopg2.connect(f"{self.database.connection} dbname=atlas")
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def one(self, sql, *values):
        return self.rows(sql, *values)[0][0]

    def under_way(self):
        """Operations that have begun and not ended."""
        return self.one("SELECT count(*) FROM operation WHERE result = 0")

    def new_vpns(self, n):
        """One is made as tenants make them, the others are copies of its rows: what matters here is what becomes of links."""
        template, ids = self.api.vpn("template", "vpls", SITES)["id"], [str(uuid.uuid4()) for _ in range(n)]
        self.rows("INSERT INTO vpn SELECT (jsonb_populate_record(v, jsonb_build_object('id', fresh, 'name', fresh))).* "
                  "FROM vpn v, unnest(%s::uuid[]) AS fresh WHERE v.id = %s", ids, template)
        self.rows("INSERT INTO vpn_site SELECT (jsonb_populate_record(s, jsonb_build_object('vpn_id', fresh))).* "
                  "FROM vpn_site s, unnest(%s::uuid[]) AS fresh WHERE s.vpn_id = %s", ids, template)
        return ids
