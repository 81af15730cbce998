# SPDX-License-Identifier: Apache-2.0
"""atlas-manage against a real PostgreSQL and a real RabbitMQ of its own."""
import json
import os
import pathlib
import stat
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SUPPORT = ROOT / "tests" / "support"
PROGRAM = pathlib.Path(os.environ.get("ATLAS_BUILD", ROOT / "build" / "dev")) / "bin" / "atlas-manage"


def run(*words, **more):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=180, **more)


def made(result):
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manage")
    folder.chmod(0o755)
    for parent in folder.parents:  # PostgreSQL runs as another user
        if parent != pathlib.Path("/tmp") and pathlib.Path("/tmp") in parent.parents:
            parent.chmod(0o755)
    try:
        connection = made(run(SUPPORT / "postgres.sh", "start", folder / "pg", env={**os.environ, "ATLAS_PG_FSYNC": "off"}))
        made(run(SUPPORT / "broker.sh", "start", folder / "mq"))
        yield folder, connection.strip()
    finally:
        run(SUPPORT / "broker.sh", "remove", folder / "mq")
        run(SUPPORT / "postgres.sh", "remove", folder / "pg")


class Operator:
    def __init__(self, servers, vhost, database):
        folder, connection = servers
        self.folder = folder
        self.vhost = vhost
        made(run("psql", "-X", f"{connection} dbname=postgres", "-c", f'CREATE DATABASE "{database}"'))
        self.settings = folder / f"{database}.conf"
        self.settings.write_text(
            f"[DEFAULT]\ntransport_url = {(folder / 'mq' / 'url').read_text().strip()}{vhost}\n"
            f"[database]\nconnection = {connection} dbname={database}\n"
            f"[bus]\nrabbitmqctl = {SUPPORT / 'broker.sh'} ctl {folder / 'mq'}\n")

    def __call__(self, *words):
        return run(PROGRAM, "--config-file", self.settings, *words)

    def ctl(self, *words):
        return run(SUPPORT / "broker.sh", "ctl", self.folder / "mq", *words)

    def listed(self, what, *words):
        return json.loads(made(self.ctl(what, *words, "--formatter", "json")))

    def knows(self, user, password):
        return self.ctl("authenticate_user", user, password).returncode == 0


@pytest.fixture
def operator(servers, request):
    name = request.node.name
    return Operator(servers, name, name)


def test_the_schema_is_brought_forward_once(operator):
    assert "run `atlas-manage db sync`" in operator("db", "check").stderr
    assert operator("site", "list").returncode == 2
    assert "Applied" in made(operator("db", "sync"))
    assert "were applied before" in made(operator("db", "sync"))
    made(operator("db", "check"))


def test_sites_are_recorded_once(operator):
    made(operator("db", "sync"))
    assert made(operator("site", "list")) == ""
    made(operator("site", "add", "paris", "--description", "La Défense"))
    made(operator("site", "add", "lyon"))
    again = operator("site", "add", "paris")
    assert again.returncode == 2 and "there is one already" in again.stderr
    names = [line.split()[1] for line in made(operator("site", "list")).splitlines()]
    assert names == ["lyon", "paris"]
    assert "never" in made(operator("site", "list")) and "La Défense" in made(operator("site", "list"))


def test_the_bus_gets_its_users_and_keeps_their_passwords(operator):
    made(operator("db", "sync"))
    made(operator("site", "add", "paris"))
    refused = operator("bus", "sync")
    assert refused.returncode == 2 and "atlas-api" in refused.stderr
    assert not [u for u in operator.listed("list_users") if u["user"].startswith("atlas-")]

    kept = operator.folder / "passwords"
    made(operator("bus", "sync", "--write-passwords", kept))
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    passwords = dict(line.split(" = ") for line in kept.read_text().splitlines() if not line.startswith("#"))
    assert set(passwords) == {"atlas-api", "atlas-conductor", "atlas-site-paris"}
    assert all(operator.knows(user, password) for user, password in passwords.items())
    assert not operator.knows("atlas-api", passwords["atlas-conductor"])

    queues = {q["name"] for q in operator.listed("list_queues", "-p", operator.vhost)}
    assert queues == {"atlas-conductor", "atlas-event", "atlas-heartbeat", "atlas-dead", "atlas-agent.paris"}

    # A new site: a user and a queue more, everybody else as before.
    made(operator("site", "add", "nice"))
    made(operator("bus", "sync", "--write-passwords", kept))
    later = dict(line.split(" = ") for line in kept.read_text().splitlines() if not line.startswith("#"))
    assert set(later) - set(passwords) == {"atlas-site-nice"}
    assert all(later[user] == password and operator.knows(user, password) for user, password in passwords.items())
    assert "(password kept)" in made(operator("bus", "sync"))
    assert all(operator.knows(user, password) for user, password in later.items())

    # Given ones replace those.
    given = operator.folder / "given"
    given.write_text("atlas-site-nice = another one\n")
    made(operator("bus", "sync", "--password-file", given))
    assert operator.knows("atlas-site-nice", "another one")
    assert operator.knows("atlas-api", passwords["atlas-api"])
    given.write_text("atlas-site-nize = x\n")
    wrong = operator("bus", "sync", "--password-file", given)
    assert wrong.returncode == 2 and "atlas-site-nize" in wrong.stderr

    rights = {p["user"]: p for p in operator.listed("list_permissions", "-p", operator.vhost)}
    assert rights["atlas-site-paris"]["configure"] == "^$"
    assert rights["atlas-site-paris"]["read"] == r"^atlas-agent\.paris$"


def test_a_broker_or_database_that_is_away_is_told(operator):
    made(operator("db", "sync"))
    text = operator.settings.read_text()
    operator.settings.write_text(text.replace("rabbitmqctl = ", "rabbitmqctl = /no/such/"))
    gone = operator("bus", "sync")
    assert gone.returncode == 2 and "cannot be started" in gone.stderr
    operator.settings.write_text(text.replace("host=/", "host=/no/such/"))
    for words in (("db", "sync"), ("db", "check"), ("site", "list"), ("site", "add", "x"), ("bus", "sync")):
        away = operator(*words)
        assert away.returncode == 2 and away.stderr.startswith("atlas-manage: "), (words, away)
