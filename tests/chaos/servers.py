# SPDX-License-Identifier: Apache-2.0
"""The servers below Cloud Atlas, each private to a folder: brokers, alone or as a cluster, and PostgreSQL; and what can be
done to them."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"


def made(*words, timeout=120, **more):
    """What the command printed; it has to end well."""
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=timeout, check=False,
                          stdin=subprocess.DEVNULL, **more)
    assert done.returncode == 0, f"{words}: {done.stderr or done.stdout}"
    return done.stdout


def signalled(pid, what, seconds=10):
    """Sends a signal that ends the process, and sees that it did."""
    os.kill(pid, what)
    end = time.monotonic() + seconds
    while is_there(pid):
        assert time.monotonic() < end, f"process {pid} outlived signal {what}"
        time.sleep(0.01)


def is_there(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_stopped(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


class Paused:
    """With it a process stands still (SIGSTOP); afterwards it goes on."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        end = time.monotonic() + 5
        while not is_stopped(self.pid):
            assert time.monotonic() < end, f"process {self.pid} does not stand still"
            time.sleep(0.01)

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGCONT)


def free_ports(n):
    held = [socket.socket() for _ in range(n)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


class Broker:
    def __init__(self, folder, extra=""):
        self.folder = folder
        folder.mkdir()
        self.script("guard", os.getpid())
        self.settings(extra)

    def script(self, verb, *words, **how):
        return made(SUPPORT / "broker.sh", verb, self.folder, *words, **how)

    def settings(self, text):
        (self.folder / "extra.conf").write_text(text)

    def start(self):
        self.script("start")

    def stop(self):
        self.script("stop")

    def kill(self):
        self.script("kill")

    def remove(self):
        self.kill()
        self.script("remove")

    def ctl(self, *words):
        return self.script("ctl", *words)

    def lose_data(self):
        """As after a lost disk; the broker does not run."""
        assert (self.folder / "mnesia").is_dir()
        shutil.rmtree(self.folder / "mnesia")

    @property
    def pid(self):
        return int((self.folder / "pid").read_text())

    @property
    def port(self):
        return int((self.folder / "ports").read_text().split()[0])

    @property
    def node(self):
        return f"atlas-{self.port}@localhost"

    def log(self):
        return "".join(each.read_text(errors="replace") for each in sorted((self.folder / "log").glob("*.log")))


class Cluster:
    """Brokers on one machine that know each other: their own ports, one epmd, one cookie."""

    def __init__(self, folder, n=3):
        folder.mkdir()
        epmd, *ports = free_ports(1 + 2 * n)
        pairs = list(zip(ports[::2], ports[1::2]))
        peers = "".join(f"cluster_formation.classic_config.nodes.{i} = atlas-{port}@localhost\n"
                        for i, (port, _) in enumerate(pairs, 1))
        self.nodes = []
        for i, (port, distribution) in enumerate(pairs, 1):
            node = Broker(folder / f"node-{i}", "cluster_formation.peer_discovery_backend = classic_config\n"
                          "cluster_partition_handling = pause_minority\n" + peers)
            (node.folder / "ports").write_text(f"{port} {distribution} {epmd}\n")
            cookie = node.folder / ".erlang.cookie"
            cookie.write_text("ATLASCHAOS")
            cookie.chmod(0o400)
            self.nodes.append(node)

    def start(self):
        together = [subprocess.Popen([SUPPORT / "broker.sh", "start", node.folder], stdin=subprocess.DEVNULL) for node in self.nodes]
        assert [each.wait(120) for each in together] == [0] * len(together)
        assert len(self.running()) == len(self.nodes)

    def running(self, seen_from=0):
        text = self.nodes[seen_from].ctl("eval", "rabbit_mnesia:cluster_nodes(running).")
        return sorted(re.findall(r"atlas-(\d+)@", text))

    def leader(self, queue, vhost="atlas"):
        """The node that leads a quorum queue."""
        for node in self.nodes:
            if is_there(node.pid):
                text = node.ctl("list_queues", "-p", vhost, "name", "leader", "--formatter", "json")
                name = re.search(r'"leader": *"([^"]+)","name": *"%s"' % re.escape(queue), text)
                name = name or re.search(r'"name": *"%s","leader": *"([^"]+)"' % re.escape(queue), text)
                assert name, text
                return next(each for each in self.nodes if each.node == name.group(1))
        raise AssertionError("no node runs")

    def remove(self):
        for node in self.nodes:
            node.remove()


class Database:
    def __init__(self, folder):
        self.folder = folder
        self.connection = self.script("start", env={**os.environ, "ATLAS_PG_FSYNC": "off"}).strip()

    def script(self, verb, *words, **how):
        return made(SUPPORT / "postgres.sh", verb, self.folder, *words, **how)

    def start(self):
        self.script("start")

    def restart(self):
        self.script("restart")

    @property
    def pid(self):
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def children(self):
        out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, text=True, check=True)
        return [int(word) for word in out.stdout.split()]

    def kill(self):
        """All its processes at once, as when the machine goes."""
        parent = self.pid
        os.kill(parent, signal.SIGSTOP)  # starts no more children, and buries none: each id below is still one of its own
        every = [*self.children(), parent]
        for pid in every:
            os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 10
        while any(is_there(pid) for pid in every):
            assert time.monotonic() < end, "PostgreSQL outlived SIGKILL"
            time.sleep(0.01)
        # A process id that somebody else has, or that nobody buried, must not stop the next start.
        for left in [self.folder / "data" / "postmaster.pid", *self.folder.glob(".s.PGSQL.*.lock")]:
            left.unlink(missing_ok=True)

    def remove(self):
        self.script("remove")


class OnSmallDisk(Database):
    """A disk of its own, in memory, that can be filled up."""
    MEGABYTES = 320

    def __init__(self, folder):
        self.disk = folder.with_name("disk")
        self.disk.mkdir()
        made("mount", "-t", "tmpfs", "-o", f"size={self.MEGABYTES}m,mode=755", "tmpfs", self.disk)
        super().__init__(self.disk / "pg")

    def fill(self):
        """To the last byte; how many there were."""
        with open(self.disk / "ballast", "wb", buffering=0) as ballast:
            with contextlib.suppress(OSError):
                while ballast.write(b"\0" * 65536):
                    pass
            with contextlib.suppress(OSError):
                while ballast.write(b"\0"):
                    pass
            return ballast.tell()

    def empty(self):
        (self.disk / "ballast").unlink(missing_ok=True)

    def is_full(self):
        return os.statvfs(self.disk).f_bavail == 0

    def remove(self):
        super().remove()
        made("umount", self.disk)


class Replicated:
    """Two of them: what the first one commits is on the second one too."""

    def __init__(self, folder):
        folder.mkdir()
        folder.chmod(0o755)
        self.first = Database(folder / "first")
        self.folder = folder / "second"
        made(SUPPORT / "postgres.sh", "standby", self.folder, self.first.folder)
        self.connection = (f"host={self.first.folder},{self.folder} port=5432,5432 user=postgres connect_timeout=5 "
                           "target_session_attrs=read-write")
        for sql in ("ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()"):
            made("psql", "-X", self.first.connection, "-c", sql)

    def is_synchronous(self):
        return made("psql", "-XAt", self.first.connection, "-c", "SELECT sync_state FROM pg_stat_replication").strip() == "sync"

    def fail_over(self):
        """The first one's machine goes; the operator's watchdog promotes the second."""
        self.first.kill()
        made(SUPPORT / "postgres.sh", "promote", self.folder)

    def remove(self):
        made(SUPPORT / "postgres.sh", "remove", self.folder)
        self.first.remove()
