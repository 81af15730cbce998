# SPDX-License-Identifier: Apache-2.0
"""A real Keystone decides who asks: all programs together on fake drivers, tokens of real users. What each persona may do is
tried for every request that `atlas-manage policy list` names."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request
import uuid

import pytest

HERE = pathlib.Path(__file__).resolve()
for folder in (HERE.parents[1] / "programs", HERE.parents[2] / "support", HERE.parents[2] / "system"):
    sys.path.insert(0, str(folder))
from cloud import Cloud, wait_until  # noqa: E402
from keystone import Keystone  # noqa: E402
from test_programs import BIN, GATEWAYS, SUPPORT, Programs, body, made  # noqa: E402

CACHE_S = 3
SERVICE = """
[keystone]
auth_url = {url}
username = admin
password = secret
project_name = admin
region_name = here
service_password = secret/of %the service
public_url = http://api.example:9797
"""
AUTH = """
[keystone_authtoken]
www_authenticate_uri = {url}
auth_url = {url}
username = cloud-atlas
password = secret/of %the service
project_name = service
token_cache_time = {cache}
token_cache_time_writes = 0
"""
# name, project, role
PEOPLE = [("rita", "red", "reader"), ("mia", "red", "member"), ("bob", "blue", "member"), ("ben", "blue", "reader"),
          ("olga", "ops", "admin")]


class Person(Cloud):
    """Somebody with a token (None: without)."""

    def __init__(self, url, token):
        super().__init__(url, "", token="" if token is None else token)


class World:
    def __init__(self, folder, keystone, programs):
        self.folder, self.keystone, self.programs = folder, keystone, programs
        self.url = f"http://127.0.0.1:{programs.found('api', r'event=api.ready .* port=([0-9]+)')}"
        self.metrics_url = f"http://127.0.0.1:{programs.found('api', r'event=metrics port=([0-9]+)')}/metrics"
        self.patient = f"http://127.0.0.1:{programs.found('patient', r'event=api.ready .* port=([0-9]+)')}"
        self.projects = {name: project for name, project, _ in PEOPLE}

    def token(self, name):
        return self.keystone.token(name, self.projects[name])

    def person(self, name):
        return Person(self.url, self.token(name) if name else None)

    def patient_person(self, name):
        """At the atlas-api that asks Keystone once a minute for changes too: for many requests."""
        return Person(self.patient, self.token(name) if name else None)

    def checks(self, answer):
        with urllib.request.urlopen(self.metrics_url, timeout=10) as got:
            return int(re.search(rf'token_checks_total{{answer="{answer}"}} ([0-9]+)', got.read().decode())[1])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keystone")
    for parent in (folder, *folder.parents):  # PostgreSQL runs as another user
        if pathlib.Path("/tmp") in parent.parents:
            parent.chmod(0o755)
    programs = None
    try:
        keystone = Keystone(folder / "keystone")
        connection = made(SUPPORT / "postgres.sh", "start", folder / "pg", env={**os.environ, "ATLAS_PG_FSYNC": "off"}).strip()
        made(SUPPORT / "broker.sh", "start", folder / "mq")
        programs = Programs(folder, connection)
        for name, text in (("manage", SERVICE), ("api", AUTH)):
            with open(folder / f"{name}.conf", "a", encoding="utf-8") as conf:
                conf.write(text.format(url=keystone.url, cache=CACHE_S))
        api = (folder / "api.conf").read_text()
        (folder / "api.conf").write_text(api.replace("bind_port", "auth_strategy = keystone\nbind_port", 1))
        first = programs.manage("keystone", "sync")
        for thing in ("project service", "role service", "user cloud-atlas", "service cloud-atlas", "endpoint public",
                      "endpoint internal", "endpoint admin"):
            assert f"Made {thing}." in first, first
        for name, project, role in PEOPLE:
            keystone.user(name, project, role)
        programs.start("conductor", "atlas-conductor")
        for site in ("east", "west"):
            programs.start(site, "atlas-agent")
        programs.start("api", "atlas-api")
        (folder / "patient.conf").write_text(re.sub("token_cache_time.*\n", "", (folder / "api.conf").read_text()))
        programs.start("patient", "atlas-api")
        yield World(folder, keystone, programs)
    finally:
        if programs:
            programs.close()
        subprocess.run([SUPPORT / "keystone.sh", "remove", folder / "keystone"], check=False)
        subprocess.run([SUPPORT / "broker.sh", "remove", folder / "mq"], check=False)
        subprocess.run([SUPPORT / "postgres.sh", "remove", folder / "pg"], check=False)


def refused(answer, status, kind):
    assert (answer.status, answer.error()["type"]) == (status, kind), answer.text
    return answer.error()


# ---- registration ----

def test_registering_again_changes_nothing_and_mends_what_was_changed(world):
    keystone = world.keystone
    service_token = keystone.token("cloud-atlas", "service", "secret/of %the service")
    assert world.programs.manage("keystone", "sync") == "Keystone knows the service.\n"
    assert keystone.ask("GET", "/auth/tokens", X_Subject_Token=service_token)[0] == 200
    listed = keystone.ask("GET", "/endpoints")[2]["endpoints"]
    ours = [e for e in listed if e["url"] == "http://api.example:9797"]
    assert sorted(e["interface"] for e in ours) == ["admin", "internal", "public"]
    assert {e["region_id"] for e in ours} == {"here"}
    keystone.ask("PATCH", f"/endpoints/{ours[0]['id']}", {"endpoint": {"url": "http://elsewhere"}})
    keystone.ask("DELETE", f"/endpoints/{ours[1]['id']}")
    said = world.programs.manage("keystone", "sync")
    assert f"Moved endpoint {ours[0]['interface']} to" in said and f"Made endpoint {ours[1]['interface']}." in said, said
    services = keystone.ask("GET", "/services?type=elastic-network")[2]["services"]
    assert len(services) == 1


def test_a_client_finds_the_service_in_the_catalogue(world):
    status, _, found = world.keystone.ask("GET", "/auth/catalog", token=world.token("mia"))
    entry = [s for s in found["catalog"] if s["type"] == "elastic-network"]
    assert status == 200 and len(entry) == 1 and len(entry[0]["endpoints"]) == 3


# ---- tokens ----

def test_without_a_valid_token_nobody_gets_in_and_is_told_where_to_ask(world):
    for token in (None, "", "garbage", "gAAAAA" + "B" * 180, "x" * 7000, "t\tt"):
        answer = Person(world.url, token).get("/v1/vpns")
        refused(answer, 401, "auth.required")
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{world.keystone.url}"'
    assert Person(world.url, None).get("/").status == 200


def test_a_token_for_no_project_acts_for_none(world):
    refused(Person(world.url, world.keystone.token("mia", None)).get("/v1/vpns"), 403, "auth.no_project")


def test_headers_that_name_somebody_else_are_dropped(world):
    mia = world.person("mia")
    lies = {"X-Project-Id": world.keystone.projects["blue"], "X-Roles": "admin", "X-User-Id": "root", "X-Tenant-Id": "blue",
            "X-Identity-Status": "Confirmed", "X-Is-Admin-Project": "True", "X-Service-Token": "x"}
    answer = mia.ask("POST", "/v1/vpns", {"vpn": {"name": "whose", "type": "vpls"}}, headers=lies)
    assert answer.status == 201 and answer.body["vpn"]["project_id"] == world.keystone.projects["red"]
    refused(mia.ask("GET", "/v1/vpns?all_projects=true", headers=lies), 403, "policy.forbidden")
    refused(Person(world.url, None).ask("GET", "/v1/vpns", headers=lies), 401, "auth.required")
    assert mia.ask("DELETE", f"/v1/vpns/{answer.body['vpn']['id']}").status == 204


def test_a_revoked_token_ends_at_once_for_changes_and_soon_for_reading(world):
    mia = world.person("mia")
    assert mia.get("/v1/vpns").status == 200
    world.keystone.revoke(mia.token)
    began = time.monotonic()
    refused(mia.ask("POST", "/v1/vpns", {"vpn": {"name": "late", "type": "vpls"}}), 401, "auth.required")
    wait_until(lambda: mia.get("/v1/vpns").status == 401, CACHE_S + 1, "the end of a revoked token")
    assert time.monotonic() - began < CACHE_S + 1


def test_reading_uses_what_is_known_of_a_token_for_its_time(world):
    rita = world.person("rita")
    before = world.checks("valid")
    for _ in range(50):
        assert rita.get("/v1/sites").status == 200
    assert 1 <= world.checks("valid") - before <= 2  # one of each loop


def test_many_requests_with_one_unknown_token_ask_once(world):
    bob = world.person("bob")
    before = world.checks("valid")
    world.keystone.run("freeze")
    try:
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            answers = [pool.submit(bob.get, "/v1/vpns") for _ in range(60)]
            time.sleep(1)
            world.keystone.run("thaw")
            assert [a.result().status for a in answers] == [200] * 60
    finally:
        world.keystone.run("thaw")
    assert 1 <= world.checks("valid") - before <= 2


def test_without_keystone_known_tokens_work_and_others_are_told_to_come_again(world):
    known, unknown = world.person("rita"), world.person("bob")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        world.keystone.run("freeze")
        try:
            # the tokens of both loops must be known: so long as one is not, its answer is 503
            world.keystone.run("thaw")
            for _ in range(20):
                assert known.get("/v1/sites").status == 200
            world.keystone.run("freeze")
            waiting = pool.submit(unknown.get, "/v1/vpns")
            began = time.monotonic()
            for _ in range(20):
                assert known.get("/v1/sites").status == 200
            assert known.ask("GET", "/healthcheck").status == 200
            assert time.monotonic() - began < 2, "a loop waited for Keystone"
            answer = waiting.result()
        finally:
            world.keystone.run("thaw")
    refused(answer, 503, "auth.unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    world.keystone.run("stop")
    try:
        began = time.monotonic()
        refused(world_unknown(world, unknown).get("/v1/vpns"), 503, "auth.unavailable")
        assert time.monotonic() - began < 4
    finally:
        world.keystone.run("start")
    wait_until(lambda: unknown.get("/v1/vpns").status == 200, 10, "Keystone's return")


def world_unknown(world, person):
    """The same person; nothing of the token is known, for no answer came before."""
    return Person(world.url, person.token)


def test_the_services_own_token_is_renewed_when_it_was_revoked(world):
    """Keystone forgets all tokens of the service's user: the next check gets a new one."""
    keystone = world.keystone
    user = keystone.found("user", "cloud-atlas")
    keystone.ask("PATCH", f"/users/{user}", {"user": {"password": "another"}})
    assert "Set the password of user cloud-atlas." in world.programs.manage("keystone", "sync")
    assert world.person("ben").get("/v1/vpns").status == 200


# ---- who may do what ----

def requests_of(world):
    """(rule, method, pattern) of every request."""
    rules, waiting = [], []
    for line in world.programs.manage("policy", "list").splitlines():
        if re.match(r"# [A-Z]+ /", line):
            waiting = [r.split(" ") for r in line[2:].split(", ")]
        elif named := re.match(r'#?"([^"]+)": ', line):
            rules += [(named[1], method, pattern) for method, pattern in waiting]
            waiting = []
    assert len(rules) > 20
    return rules


# What a change sends, where it needs a body to get as far as the object.
def bodies(things):
    return {
        "create_vpn": {"vpn": {"name": "new", "type": "vpls"}},
        "update_vpn": {"vpn": {"name": "renamed"}},
        "tag_vpn": {"tags": ["x"]},
        "tag_virtual_link": {"tags": ["x"]},
        "add_site": {"site_id": "east"},
        "remove_site": {"site_id": "east"},
        "create_virtual_link": body({"id": things["vpns"]}, name="new"),
        "create_connection": {"connection": {k: v for k, v in body({"id": things["vpns"]})["virtual_link"].items() if k != "name"}},
        "update_quota": {"quota": {"vpn": -1}},
        "update_virtual_link": {"virtual_link": {"name": "renamed"}},
        "attach_virtual_port": {"network_id": str(uuid.uuid4())},
        "update_freeze": {"freeze": {"frozen": False}},
    }


def things_of(world, person):
    """A VPN with a link at rest, and all that belongs to it, by collection."""
    vpn = person.vpn("blue", "vpls", ["east", "west"])
    answer = person.ask("POST", "/v1/virtual-links", body(vpn))
    assert answer.status == 202, answer.text
    link = person.settled(answer.body["virtual_link"])
    assert link["status"] == "ACTIVE", link
    for path in (f"/v1/vpns/{vpn['id']}", f"/v1/virtual-links/{link['id']}"):
        assert person.ask("PUT", f"{path}/tags", {"tags": ["x"]}).status == 200
    things = {"vpns": vpn["id"], "quotas": link["project_id"], "connections": None, "extensions": person.get("/v1/extensions").body["extensions"][0]["alias"],
              "agents": str(uuid.uuid4()), "virtual-links": link["id"],
              "virtual-ports": link["endpoints"][0]["virtual_port_id"],
              "sites": person.get("/v1/sites").body["sites"][0]["id"],
              "gateways": person.get("/v1/gateways").body["gateways"][0]["id"]}
    for collection in ("operations", "events"):
        things[collection] = person.get(f"/v1/{collection}").body[collection][-1]["id"]
    return things


def nowhere(things):
    return {c: "4611686018427387904" if c == "events" else str(uuid.uuid4()) for c in things}


SHARED = ("sites", "gateways", "extensions")
OPERATORS = ("agents",)
FOR_OPERATORS = ("get_agent", "retry_virtual_link", "force_delete_virtual_link", "release_gateway", "get_freeze", "update_freeze", "update_quota",
                 "delete_quota")


def what_of(rule, method, pattern, things):
    """The body of a change, if it takes one."""
    return None if pattern.endswith("{tag}") or method == "DELETE" else bodies(things).get(rule)


def path_of(pattern, things):
    collection = pattern.split("/")[2]
    return pattern.replace("{id}", str(things.get(collection))).replace("{tag}", "x")


def said(answer, pattern, things):
    """The answer without what differs from request to request."""
    text = answer.text.replace(str(things[pattern.split("/")[2]]), "ID") if "{id}" in pattern else answer.text
    return answer.status, re.sub(r"req-[0-9a-f-]{36}", "REQUEST", text)


@pytest.fixture(scope="module")
def things(world):
    mia = world.patient_person("mia")
    wait_until(lambda: len(mia.get("/v1/gateways").body["gateways"]) == len(GATEWAYS["east"]) + len(GATEWAYS["west"]),
               20, "all gateways")
    return things_of(world, mia)


def test_every_request_of_every_persona_is_decided_by_role_and_project(world, things):
    people = {name: world.patient_person(name) for name, _, _ in PEOPLE}
    before = {c: people["olga"].get(f"/v1/{c}/{i}").text for c, i in things.items() if c not in SHARED + OPERATORS + ("connections",)}
    asked = 0
    for rule, method, pattern in requests_of(world):
        what, reads = what_of(rule, method, pattern, things), method == "GET"
        shared = pattern.split("/")[2] in SHARED
        for who, own in (("", True), ("rita", True), ("bob", False), ("ben", False)):
            person = people[who] if who else Person(world.patient, None)
            there = person.ask(method, path_of(pattern, things), what)
            absent = nowhere(things)
            gone = person.ask(method, path_of(pattern, absent), what)
            asked += 1
            case = f"{who} {method} {pattern}: {there.status} {there.text}"
            if not who:
                assert there.status == gone.status == 401, case
            elif rule in FOR_OPERATORS or (not reads and who in ("rita", "ben")):
                assert there.status == gone.status == 403, case
                assert said(there, pattern, things) == said(gone, pattern, absent), case
            elif "{id}" not in pattern:
                if reads and not shared:
                    collection = pattern.split("/")[2].replace("-", "_")
                    ids = {o["id"] for o in there.body[collection]}
                    assert (things[pattern.split("/")[2]] in ids) == own, case
                elif rule in ("create_virtual_link", "create_connection"):  # in another project's VPN
                    assert there.status == 404, case
                else:
                    assert there.status in (200, 201), case
            elif own or shared:
                assert there.status in (200, 204) and gone.status == 404, case
            else:
                assert there.status == 404, case
                assert said(there, pattern, things) == said(gone, pattern, absent), case
    assert asked == 4 * len(requests_of(world))
    after = {c: people["olga"].get(f"/v1/{c}/{i}").text for c, i in things.items() if c not in SHARED + OPERATORS + ("connections",)}
    assert after == before


# In an order in which each finds what it needs.
CHANGES = ["create_vpn", "update_vpn", "tag_vpn", "tag_virtual_link", "add_site", "remove_site", "create_virtual_link",
           "create_connection", "update_quota", "delete_quota", "update_virtual_link", "attach_virtual_port", "detach_virtual_port",
           "retry_virtual_link", "delete_virtual_link", "force_delete_virtual_link", "delete_vpn", "release_gateway", "update_freeze"]


@pytest.mark.parametrize("who", ["olga", "mia"])
def test_members_and_operators_may_do_all_of_it(world, who):
    person, mia = world.patient_person(who), world.patient_person("mia")
    things = things_of(world, mia)
    deletes = "delete_virtual_link" if who == "olga" else "force_delete_virtual_link"  # the other one
    rules = [r for r in requests_of(world) if r[0] != deletes and (who == "olga" or r[0] not in FOR_OPERATORS)]
    if who == "olga":
        things["agents"] = person.get("/v1/agents").body["agents"][0]["id"]
    todo = [r for r in rules if r[1] == "GET"] + [r for name in CHANGES for r in rules if r[0] == name]
    for rule, method, pattern in todo:
        answer = person.ask(method, path_of(pattern, things), what_of(rule, method, pattern, things))
        assert answer.status < 500 and answer.status not in (400, 401, 403, 404), f"{rule}: {answer.text}"
        if method != "GET":
            mia.settled({"id": things["virtual-links"]})
    if who == "olga":
        listed = person.get("/v1/events?all_projects=true").body["events"]
        assert len(listed) > 10
    else:
        refused(person.get("/v1/events?all_projects=true"), 403, "policy.forbidden")


def test_a_policy_file_changes_who_may_what_and_a_wrong_one_stops_the_start(world):
    """Read by a second atlas-api."""
    programs, folder = world.programs, world.folder
    text = (folder / "api.conf").read_text() + f"[oslo_policy]\npolicy_file = {folder}/policy.yaml\n"
    (folder / "strict.conf").write_text(text)
    (folder / "policy.yaml").write_text('"create_vpn": "rule:admin_only"\n"get_vpn": "role:reader"\n')
    programs.start("strict", "atlas-api")
    try:
        url = f"http://127.0.0.1:{programs.found('strict', r'event=api.ready .* port=([0-9]+)')}"
        mia = Person(url, world.token("mia"))
        error = refused(mia.ask("POST", "/v1/vpns", {"vpn": {"name": "no", "type": "vpls"}}), 403, "policy.forbidden")
        assert error["details"] == {"rule": "create_vpn"}
        assert mia.get("/v1/vpns?all_projects=true").status == 200
    finally:
        programs.stop("strict")
    (folder / "policy.yaml").write_text('"get_vpn": "role:reader"\n"create_vpn": "rule:nobdoy"\n')
    done = subprocess.run([BIN / "atlas-api", "--config-file", folder / "strict.conf"], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode != 0
    assert f"{folder}/policy.yaml:2: rule create_vpn: rule:nobdoy is not there" in done.stderr
