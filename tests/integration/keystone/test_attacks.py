# SPDX-License-Identifier: Apache-2.0
"""Mallory has a valid token, a member's, for a project of her own, and tries what can be tried over REST with it against another
tenant (victor), a site and the operator. After each attack all that is victor's is as it was, and so are sites and quotas.

 1 another project's ids in every path                    2 in every body, alone and among her own
 3 project_id and tenant_id in bodies                     4 the same, and all_projects, in queries
 5 headers that name another project, user and role       6 what only operators may do
 7 a higher quota                                         8 filters, sorting and tags that would tell what is there
 9 a marker that is another's                            10 If-Match and tags on another's objects
11 another's Idempotency-Key                             12 another's events as a stream, also resumed
13 tokens of another scope, of nobody, revoked, elsewhere in the request
14 another's operations and events by their ids          15 another project's network and port
16 writing sites, gateways, agents, operations and events
17 other methods: HEAD, OPTIONS, PATCH, and override headers
18 lines of our log out of request ids, trace ids, paths and names
19 names that mean something to a device or a shell      20 paths and ids in other spellings
21 one attribute twice, for two readers of one body      22 ids that the service mints
23 Prefer: wait as a look at another's operation          24 a link's name, tags and network as others' filter
"""
import json
import re
import socket
import time
import urllib.parse
import uuid

import pytest

from test_keystone import Person, body, refused, wait_until, world  # noqa: F401

SECRET = "victors-secret"


class Victim:
    def __init__(self, person, project):
        self.person, self.project = person, project
        self.network = str(uuid.uuid4())
        vpn = person.vpn(SECRET, "vpls", ["east", "west"])
        ask = body(vpn, a_end={"network_id": self.network}, name=SECRET, description=SECRET)
        answer = person.ask("POST", "/v1/virtual-links", ask, headers={"Idempotency-Key": SECRET})
        assert answer.status == 202, answer.text
        link = person.settled(answer.body["virtual_link"])
        assert link["status"] == "ACTIVE", link
        assert person.ask("PUT", f"/v1/virtual-links/{link['id']}/tags", {"tags": [SECRET]}).status == 200
        self.ids = {"vpns": vpn["id"], "virtual-links": link["id"], "virtual-ports": link["endpoints"][0]["virtual_port_id"],
                    "operations": person.get("/v1/operations").body["operations"][0]["id"],
                    "events": person.get("/v1/events").body["events"][-1]["id"], "quotas": project}

    def seen(self):
        """All that is victor's, as he sees it."""
        objects = {c: self.person.get(f"/v1/{c}/{i}").body for c, i in self.ids.items()}
        counts = {c: len(self.person.get(f"/v1/{c}").body[c.replace("-", "_")]) for c in self.ids if c != "quotas"}
        return json.dumps([objects, counts], sort_keys=True)


@pytest.fixture(scope="module")
def scene(world):  # noqa: F811
    world.keystone.user("mallory", "evil", "member")
    world.keystone.user("victor", "good", "member")
    world.projects.update(mallory="evil", victor="good")
    operator = world.patient_person("olga")
    mallory, victor = world.patient_person("mallory"), world.patient_person("victor")
    for who in (operator, mallory, victor):  # known to both loops; Keystone may be slow on a busy machine
        wait_until(lambda: all(who.get("/v1/sites").status == 200 for _ in range(12)), 60, "tokens that are known")
    wait_until(lambda: {g["name"] for g in victor.get("/v1/gateways").body["gateways"]} >= {"east-1", "west-1"}, 20, "both gateways")
    return type("Scene", (), {"world": world, "operator": operator, "mallory": mallory, "victor": victor,
                              "her": world.keystone.projects["evil"], "his": world.keystone.projects["good"],
                              "victim": Victim(victor, world.keystone.projects["good"])})


@pytest.fixture(autouse=True)
def unharmed(scene, request):
    before = scene.victim.seen(), scene.operator.get("/v1/quotas/" + scene.her).text, scene.operator.get("/v1/sites").body["sites"][0]["name"]
    yield
    for link in scene.mallory.get("/v1/virtual-links").body["virtual_links"]:
        assert scene.mallory.delete(link) is None
    for vpn in scene.mallory.get("/v1/vpns").body["vpns"]:
        scene.mallory.ask("DELETE", f"/v1/vpns/{vpn['id']}")
    if "stream" in request.node.name:
        return  # victor himself changed his link there
    assert before == (scene.victim.seen(), scene.operator.get("/v1/quotas/" + scene.her).text,
                      scene.operator.get("/v1/sites").body["sites"][0]["name"])


def clean(text):
    return re.sub(r"req-[0-9a-f-]{36}", "R", text)


def as_if_absent(scene, method, path, there, absent, what=None, headers=None):
    """His object is the same 404 as one that nobody has."""
    answers = [scene.mallory.ask(method, path.format(i), what, headers=headers) for i in (there, absent)]
    case = f"{method} {path}: {answers[0].status} {answers[0].text}"
    assert answers[0].status == 404 and SECRET not in answers[0].text, case
    assert clean(answers[0].text).replace(there, "ID") == clean(answers[1].text).replace(absent, "ID"), case


def raw(world, lines, wait_s=5):  # noqa: F811
    """What is answered to these bytes."""
    host, port = urllib.parse.urlsplit(world.patient).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=wait_s) as s:
        s.sendall(lines.encode("latin-1"))
        return s.recv(65536).decode("latin-1")


def test_01_ids_in_paths(scene):
    ids, put = scene.victim.ids, {"vpns": {"vpn": {"name": "mine"}}, "virtual-links": {"virtual_link": {"name": "mine"}}}
    for collection, there in ids.items():
        absent = "4611686018427387904" if collection == "events" else str(uuid.uuid4())
        as_if_absent(scene, "GET", f"/v1/{collection}/{{}}", there, absent)
        if collection in put:
            as_if_absent(scene, "PUT", f"/v1/{collection}/{{}}", there, absent, put[collection])
            as_if_absent(scene, "DELETE", f"/v1/{collection}/{{}}", there, absent)
            for tags in (("GET", "/tags", None), ("PUT", "/tags", {"tags": []}), ("POST", "/tags", {"tags": ["x"]}), ("DELETE", "/tags", None),
                         ("GET", "/tags/" + SECRET, None), ("PUT", "/tags/x", None), ("DELETE", "/tags/" + SECRET, None)):
                as_if_absent(scene, tags[0], f"/v1/{collection}/{{}}{tags[1]}", there, absent, tags[2])
    for action, what in (("attach", {"network_id": str(uuid.uuid4())}), ("detach", {})):
        as_if_absent(scene, "POST", f"/v1/virtual-ports/{{}}/{action}", ids["virtual-ports"], str(uuid.uuid4()), what)
    for action in ("add_site", "remove_site"):
        as_if_absent(scene, "PUT", f"/v1/vpns/{{}}/{action}", ids["vpns"], str(uuid.uuid4()), {"site_id": "east"})
    as_if_absent(scene, "GET", "/v1/quotas/{}/details", scene.his, "0" * 32)


def connection(**more):
    return {"connection": {"endpoints": [{"site_id": "east"}, {"site_id": "west"}], "type": "vpls",
                           "bandwidth": {"a_to_z_kbps": 1, "z_to_a_kbps": 1}, **more}}


def test_02_ids_in_bodies(scene):
    his = {"id": scene.victim.ids["vpns"]}
    refused(scene.mallory.ask("POST", "/v1/virtual-links", body(his)), 404, "not_found")
    refused(scene.mallory.ask("POST", "/v1/connections", connection(vpn_id=his["id"])), 404, "not_found")
    own = scene.mallory.vpn("own", "vpls", ["east", "west"])
    links = [body(vpn)["virtual_link"] for vpn in (own, his)]
    refused(scene.mallory.ask("POST", "/v1/virtual-links", {"virtual_links": links}), 404, "not_found")
    assert scene.mallory.get("/v1/virtual-links").body["virtual_links"] == []


@pytest.mark.parametrize("name", ["project_id", "tenant_id"])
def test_03_projects_in_bodies(scene, name):
    own = scene.mallory.vpn("own", "vpls", ["east", "west"])
    for path, what in (("/v1/vpns", {"vpn": {"name": "x", "type": "vpls", name: scene.his}}), ("/v1/connections", connection(**{name: scene.his})),
                       ("/v1/virtual-links", body(own, **{name: scene.his}))):
        refused(scene.mallory.ask("POST", path, what), 400, "request.invalid")
    refused(scene.mallory.ask("PUT", f"/v1/vpns/{own['id']}", {"vpn": {name: scene.his}}), 400, "request.invalid")


def test_04_projects_in_queries(scene):
    for collection in ("vpns", "virtual-links", "virtual-ports", "operations", "events"):
        for query in (f"project_id={scene.his}", f"tenant_id={scene.his}", f"project_id={scene.his}&project_id={scene.her}"):
            answer = scene.mallory.get(f"/v1/{collection}?{query}")
            assert scene.his not in answer.text and SECRET not in answer.text, answer.text
        refused(scene.mallory.get(f"/v1/{collection}?all_projects=true"), 403, "policy.forbidden")
        for spelling in ("all_projects=1", "all_projects=True", "all_tenants=1", "ALL_PROJECTS=true", "all%5Fprojects=true"):
            answer = scene.mallory.get(f"/v1/{collection}?{spelling}")
            assert answer.status in (400, 403) or SECRET not in answer.text, answer.text


def test_05_headers_that_name_others(scene):
    lies = {"X-Project-Id": scene.his, "X_Project_Id": scene.his, "X-Tenant-Id": scene.his, "X-Project-Name": "good", "X-Roles": "admin",
            "X-Role": "admin", "X-User-Id": "root", "X-Identity-Status": "Confirmed", "X-Is-Admin-Project": "True", "X-Service-Roles": "admin",
            "X-Forwarded-User": "admin", "OpenStack-System-Scope": "all", "X-Domain-Id": "default"}
    answer = scene.mallory.ask("POST", "/v1/vpns", {"vpn": {"name": "whose", "type": "vpls"}}, headers=lies)
    assert answer.status == 201 and answer.body["vpn"]["project_id"] == scene.her
    assert SECRET not in scene.mallory.ask("GET", "/v1/vpns", headers=lies).text
    refused(scene.mallory.ask("GET", f"/v1/vpns/{scene.victim.ids['vpns']}", headers=lies), 404, "not_found")
    refused(scene.mallory.ask("GET", "/v1/agents", headers=lies), 403, "policy.forbidden")


def test_06_what_operators_do(scene):
    link = scene.victim.ids["virtual-links"]
    for method, path in (("GET", "/v1/agents"), ("GET", f"/v1/agents/{uuid.uuid4()}"), ("POST", f"/v1/virtual-links/{link}/retry"),
                         ("POST", f"/v1/virtual-links/{link}/force_delete"), ("PUT", f"/v1/quotas/{scene.his}"), ("DELETE", f"/v1/quotas/{scene.his}")):
        refused(scene.mallory.ask(method, path, {"quota": {"vpn": 0}} if method == "PUT" else None), 403, "policy.forbidden")
    own = scene.mallory.ask("POST", "/v1/connections", connection()).body["connection"]["virtual_link_ids"][0]
    refused(scene.mallory.ask("POST", f"/v1/virtual-links/{own}/force_delete"), 403, "policy.forbidden")
    for answer in (scene.mallory.get("/v1/gateways"), scene.mallory.get("/v1/sites")):
        assert answer.status == 200 and not re.search("password|epoch|boot_id|amqp|rabbit", answer.text), answer.text


def test_07_a_higher_quota(scene):
    path = f"/v1/quotas/{scene.her}"
    assert scene.operator.ask("PUT", path, {"quota": {"vpn": 1, "kbps": 10}}).status == 200
    try:
        for method in ("PUT", "DELETE"):
            refused(scene.mallory.ask(method, path, {"quota": {"vpn": 99}} if method == "PUT" else None), 403, "policy.forbidden")
        for method in ("POST", "PATCH"):
            assert scene.mallory.ask(method, path, {"quota": {"vpn": 99}}).status == 405
        assert scene.mallory.ask("POST", "/v1/vpns", {"vpn": {"name": "1", "type": "vpls"}}).status == 201
        refused(scene.mallory.ask("POST", "/v1/vpns", {"vpn": {"name": "2", "type": "vpls"}}), 409, "quota.exceeded")
        refused(scene.mallory.ask("POST", "/v1/connections", connection()), 409, "quota.exceeded")
        refused(scene.mallory.ask("POST", "/v1/vpns", {"vpn": {"name": "2", "type": "vpls", "quota": 9}}), 400, "request.invalid")
        big = connection(vpn_id=scene.mallory.get("/v1/vpns").body["vpns"][0]["id"])
        big["connection"]["bandwidth"] = {"a_to_z_kbps": 11, "z_to_a_kbps": 1}
        refused(scene.mallory.ask("POST", "/v1/connections", big), 409, "quota.exceeded")
    finally:
        scene.operator.ask("DELETE", path)


def test_08_filters_sorting_and_tags(scene):
    ids = scene.victim.ids
    for query in (f"vpns?id={ids['vpns']}", f"vpns?name={SECRET}", f"virtual-links?vpn_id={ids['vpns']}", f"virtual-links?tags={SECRET}",
                  f"virtual-links?not-tags=x&sort_key=name&sort_dir=desc", f"virtual-links?description={SECRET}", "virtual-links?changed_since=2000-01-01T00:00:00Z",
                  f"virtual-ports?virtual_link_id={ids['virtual-links']}", f"virtual-ports?network_id={scene.victim.network}",
                  f"operations?virtual_link_id={ids['virtual-links']}", f"operations?parent_id={ids['operations']}", f"events?object_id={ids['virtual-links']}",
                  f"events?operation_id={ids['operations']}"):
        answer = scene.mallory.get(f"/v1/{query}")
        collection = query.split("?")[0].replace("-", "_")
        assert answer.status == 400 or answer.body[collection] == [], f"{query}: {answer.text}"
    for injection in ("id=' OR '1'='1", "name='; DROP TABLE vlink; --", "sort_key=name;select", "sort_key=project_id,(SELECT 1)", "fields=*"):
        answer = scene.mallory.get("/v1/vpns?" + urllib.parse.quote(injection, safe="="))
        assert answer.status == 400 or answer.body["vpns"] in ([], [{}]), answer.text


def test_09_a_marker_of_another(scene):
    for collection in ("vpns", "virtual-links", "virtual-ports", "operations"):
        path = f"/v1/{collection}?limit=1&sort_key=id&marker="
        there, absent = (scene.mallory.get(path + i) for i in (scene.victim.ids[collection], str(uuid.uuid4())))
        assert SECRET not in there.text and scene.his not in there.text
        assert there.status == absent.status
        by_name = scene.mallory.get(f"/v1/{collection}?limit=1&sort_key=created_at&marker={scene.victim.ids[collection]}")
        assert by_name.status in (400, 404) and SECRET not in by_name.text, by_name.text


def test_10_conditions_on_anothers_objects(scene):
    for collection in ("vpns", "virtual-links"):
        for revision in ("0", "1", "2", "9"):
            head = {"If-Match": f"revision_number={revision}"}
            as_if_absent(scene, "DELETE", f"/v1/{collection}/{{}}", scene.victim.ids[collection], str(uuid.uuid4()), headers=head)
            as_if_absent(scene, "PUT", f"/v1/{collection}/{{}}/tags", scene.victim.ids[collection], str(uuid.uuid4()), {"tags": []}, head)


def test_11_anothers_idempotency_key(scene):
    own = scene.mallory.vpn("own", "vpls", ["east", "west"])
    answer = scene.mallory.ask("POST", "/v1/virtual-links", body(own), headers={"Idempotency-Key": SECRET})
    assert answer.status == 202 and answer.body["virtual_link"]["project_id"] == scene.her, answer.text
    scene.mallory.settled(answer.body["virtual_link"])


def test_12_anothers_stream(scene):
    host, port = urllib.parse.urlsplit(scene.world.patient).netloc.split(":")
    link = scene.victim.ids["virtual-links"]
    streams = []
    for query, more in (("", ""), (f"?object_id={link}", ""), (f"?project_id={scene.his}", ""), ("", "Last-Event-ID: 1\r\n")):
        s = socket.create_connection((host, int(port)), timeout=5)
        s.sendall(f"GET /v1/events{query} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n{more}X-Auth-Token: {scene.mallory.token}\r\n\r\n".encode())
        streams.append(s)
    try:
        time.sleep(0.5)
        before = scene.victor.get(f"/v1/virtual-links/{link}").body["virtual_link"]
        own = scene.mallory.vpn("own-noise", "vpls", [])  # one of hers must come, or nothing was watched
        for name in ("a", SECRET):
            assert scene.victor.ask("PUT", f"/v1/virtual-links/{link}", {"virtual_link": {"name": name}}).status == 200
        heard = []
        for s in streams:
            s.settimeout(2)
            data = b""
            try:
                while True:
                    piece = s.recv(65536)
                    if not piece:
                        break
                    data += piece
            except TimeoutError:
                pass
            heard.append(data.decode())
        assert own["id"] in heard[0] and own["id"] in heard[3], heard
        for text in heard:
            assert link not in text and scene.his not in text, text
        assert before["name"] == SECRET
    finally:
        for s in streams:
            s.close()
        scene.victim.ids["events"] = scene.victor.get("/v1/events").body["events"][-1]["id"]


def test_13_tokens_of_another_scope(scene):
    keystone, url = scene.world.keystone, scene.world.patient
    refused(Person(url, keystone.token("mallory", None)).get("/v1/vpns"), 403, "auth.no_project")
    auth = {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "mallory", "domain": {"id": "default"}, "password": "secret"}}},
                     "scope": {"project": {"id": scene.his}}}}
    assert keystone.ask("POST", "/auth/tokens", auth)[0] == 401
    revoked = keystone.token("mallory", "evil")
    keystone.revoke(revoked)
    refused(Person(url, revoked).get("/v1/vpns"), 401, "auth.required")
    broken = scene.mallory.token[:-6] + ("AAAAAA" if not scene.mallory.token.endswith("AAAAAA") else "BBBBBB")
    refused(Person(url, broken).get("/v1/vpns"), 401, "auth.required")
    nobody = Person(url, None)
    for headers in ({"Authorization": f"Bearer {scene.mallory.token}"}, {"X-Subject-Token": scene.mallory.token},
                    {"X-Service-Token": scene.mallory.token}, {"Cookie": f"X-Auth-Token={scene.mallory.token}"}):
        refused(nobody.ask("GET", "/v1/vpns", headers=headers), 401, "auth.required")
    refused(nobody.get(f"/v1/vpns?X-Auth-Token={scene.mallory.token}"), 401, "auth.required")
    twice = raw(scene.world, f"GET /v1/vpns HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {scene.mallory.token}\r\nX-Auth-Token: {scene.victor.token}\r\n\r\n")
    assert SECRET not in twice


def test_14_anothers_operations_and_events(scene):
    for collection in ("operations", "events"):
        refused(scene.mallory.get(f"/v1/{collection}/{scene.victim.ids[collection]}"), 404, "not_found")
    n = int(scene.victim.ids["events"])
    for near in range(n - 3, n + 4):
        answer = scene.mallory.get(f"/v1/events/{near}")
        assert answer.status == 404 or answer.body["event"]["project_id"] == scene.her, answer.text
    for event in scene.mallory.get("/v1/events").body["events"]:
        assert event["project_id"] == scene.her, event


def test_15_anothers_network_and_port(scene):
    """The site's agent knows whose each is; and two tenants' networks never meet by one id."""
    programs, theirs = scene.world.programs, str(uuid.uuid4())
    control = programs.folder / "east-control.json"
    control.write_text(json.dumps({"networks": {theirs: scene.his}, "ports": {theirs: {"project_id": scene.his, "network_id": theirs}}}))
    try:
        for plug in ("network_id", "port_id"):
            what = connection()
            what["connection"]["endpoints"][0][plug] = theirs
            answer = scene.mallory.ask("POST", "/v1/connections", what, headers={"Prefer": "wait=30"})
            assert answer.status == 202 and answer.body["connection"]["status"] == "failed", answer.text
            assert "no such network or port in the link's project" in answer.body["connection"]["status_reason"]
            assert scene.mallory.get("/v1/vpns").body["vpns"] == []
        assert theirs not in (programs.folder / "east.json").read_text()
    finally:
        control.unlink()


def test_16_writing_what_is_the_services(scene):
    site = scene.mallory.get("/v1/sites").body["sites"][0]["id"]
    gateway = scene.mallory.get("/v1/gateways").body["gateways"][0]["id"]
    paths = {"sites": site, "gateways": gateway, "agents": site, "operations": scene.victim.ids["operations"], "events": scene.victim.ids["events"]}
    for collection, i in paths.items():
        for method, path in (("POST", f"/v1/{collection}"), ("PUT", f"/v1/{collection}/{i}"), ("DELETE", f"/v1/{collection}/{i}"),
                             ("PATCH", f"/v1/{collection}/{i}")):
            assert scene.mallory.ask(method, path, {}).status in (404, 405), (method, path)


def test_17_methods_by_other_ways(scene):
    link, vpn = scene.victim.ids["virtual-links"], scene.victim.ids["vpns"]
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"):
        for method in ("DELETE", "PUT"):
            refused(scene.mallory.ask("GET", f"/v1/virtual-links/{link}", headers={header: method}), 404, "not_found")
            refused(scene.mallory.ask("POST", f"/v1/vpns/{vpn}?_method={method}", {}, headers={header: method}), 405, "request.method_not_allowed")
    for method in ("OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND"):
        answer = scene.mallory.ask(method, f"/v1/virtual-links/{link}")
        assert answer.status in (400, 404, 405, 501) and SECRET not in answer.text
        assert "Access-Control-Allow-Origin" not in answer.headers
    head = raw(scene.world, f"HEAD /v1/virtual-links/{link} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {scene.mallory.token}\r\nConnection: close\r\n\r\n")
    assert head.startswith("HTTP/1.1 404") and SECRET not in head
    head = raw(scene.world, "HEAD /v1/agents HTTP/1.1\r\nHost: x\r\nX-Auth-Token: " + scene.mallory.token + "\r\nConnection: close\r\n\r\n")
    assert head.startswith("HTTP/1.1 403")


def test_18_lines_of_the_log(scene):
    programs = scene.world.programs
    forged = "event=forged level=error"
    for field in ("X-Openstack-Request-Id", "traceparent", "X-Auth-Token", "User-Agent", "Host", "X-Forwarded-For", "Idempotency-Key", "Prefer"):
        for value in (f"req-x {forged}", f"a\r\n {forged}", f"a\n{forged}\n", f"a\x00{forged}", f"a\x1b[2J{forged}", '" ' + forged + ' "'):
            token = "" if field == "X-Auth-Token" else f"X-Auth-Token: {scene.mallory.token}\r\n"
            host = "" if field == "Host" else "Host: x\r\n"
            raw(scene.world, f"GET /v1/vpns HTTP/1.1\r\n{host}{token}{field}: {value}\r\nConnection: close\r\n\r\n")
    for path in (f"/v1/%0a{forged.replace(' ', '%20')}", f"/v1/vpns/%0d%0a{forged.replace(' ', '%20')}", "/v1/vpns/%1b%5b2J"):
        scene.mallory.get(path)
    for name in (f"x\n{forged}\n", f"x\" {forged} \"", "\x1b[2J"):
        scene.mallory.ask("POST", "/v1/vpns", {"vpn": {"name": name, "type": "vpls"}})
        scene.mallory.ask("POST", "/v1/connections", connection(name=name, description=name))
    for link in scene.mallory.get("/v1/virtual-links").body["virtual_links"]:
        scene.mallory.settled(link)
    for name in ("patient", "conductor", "east", "west"):
        for line in programs.log(name).splitlines():
            assert "\x1b" not in line and not line.startswith(forged), line
            assert re.search(r"\bevent=\S", line.split('"')[0]) and not re.match(r".*\bevent=forged", line.split('"')[0]) or \
                line.split('"')[0].find("event=forged") > line.find("path="), line


def test_19_names_that_mean_something_elsewhere(scene):
    marks = ["$(touch /tmp/pwned)", "`id`", "'; reboot; '", "&& rm -rf /", "| nc evil 1", "%s%n", "../../etc", "\n!reload\n", "\x07\x1b]0;x"]
    name = "zz-mark " + " ".join(marks)
    answer = scene.mallory.ask("POST", "/v1/connections", connection(name=name[:255], description=name[:255]), headers={"Prefer": "wait=30"})
    assert answer.status == 201, answer.text
    link = answer.body["connection"]["virtual_link_ids"][0]
    assert scene.mallory.ask("PUT", f"/v1/virtual-links/{link}/tags", {"tags": ["zz-mark $(id)"]}).status == 200
    shown = scene.mallory.get(f"/v1/virtual-links/{link}").body["virtual_link"]
    assert shown["name"] == name[:255]
    for path in scene.world.programs.folder.glob("*.json"):
        assert "zz-mark" not in path.read_text(errors="replace"), path
    for site in ("east", "west"):
        assert "zz-mark" not in scene.world.programs.log(site)


def test_20_other_spellings(scene):
    vpn = scene.victim.ids["vpns"]
    for path in (f"/v1/vpns/{vpn.upper()}", f"/v1//vpns/{vpn}", f"//v1/vpns/{vpn}", f"/v1/./vpns/{vpn}", f"/v1/sites/../vpns/{vpn}", f"/v1/%2e%2e/v1/vpns/{vpn}",
                 f"/v1/vpns%2f{vpn}", f"/v1/vpns/{vpn};a=b", f"/v1/vpns/{vpn}%00", f"/v1/vpns/{vpn}.json", f"/v1/vpns/{vpn}/", f"/v1/vpns/{{{vpn}}}",
                 f"/v1/vpns/{vpn.replace('-', '')}", f"/v1/vpns/{vpn}%20", f"/V1/VPNS/{vpn}", f"/v1/vpns/{vpn}?project_id={scene.his}", f"/v1/vpns/{SECRET}"):
        answer = scene.mallory.get(path)
        assert answer.status in (400, 404) and SECRET not in answer.text.replace(path, "").replace(f" {SECRET} ", ""), f"{path}: {answer.text}"
    for absolute in (f"http://evil/v1/vpns/{vpn}", f"http://x@evil/v1/vpns/{vpn}"):
        got = raw(scene.world, f"GET {absolute} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {scene.mallory.token}\r\nConnection: close\r\n\r\n")
        assert got.startswith(("HTTP/1.1 404", "HTTP/1.1 400")) and SECRET not in got, got


def test_21_one_attribute_twice(scene):
    own, his = scene.mallory.vpn("own", "vpls", ["east", "west"])["id"], scene.victim.ids["vpns"]
    text = json.dumps(body({"id": own}))
    for first, second in ((own, his), (his, own)):
        sent = text.replace(f'"vpn_id": "{own}"', f'"vpn_id": "{first}", "vpn_id": "{second}"')
        assert sent != text
        refused(scene.mallory.raw("POST", "/v1/virtual-links", sent.encode()), 400, "request.invalid")
    smuggled = text.replace('"vpn_id"', '"vpn\\u005fid"', 1).replace("{", '{"vpn_id": "' + his + '", ', 1)
    refused(scene.mallory.raw("POST", "/v1/virtual-links", smuggled.encode()), 400, "request.invalid")


def test_22_ids_that_the_service_mints(scene):
    ids = scene.victim.ids
    own = scene.mallory.vpn("own", "vpls", ["east", "west"])
    for path, what in (("/v1/vpns", {"vpn": {"name": "x", "type": "vpls", "id": ids["vpns"]}}), ("/v1/virtual-links", body(own, id=ids["virtual-links"])),
                       ("/v1/connections", connection(id=ids["operations"])), ("/v1/connections", connection(new_vpn_id=ids["vpns"])),
                       ("/v1/virtual-links", body(own, operation_id=ids["operations"]))):
        refused(scene.mallory.ask("POST", path, what), 400, "request.invalid")


def test_23_waiting_as_a_look(scene):
    """An answer that is waited for comes as soon, and says no more, than one that is not."""
    for method, path, what in (("DELETE", f"/v1/virtual-links/{scene.victim.ids['virtual-links']}", None),
                               ("PUT", f"/v1/virtual-links/{scene.victim.ids['virtual-links']}", {"virtual_link": {"bandwidth": {"a_to_z_kbps": 1}}})):
        began = time.monotonic()
        refused(scene.mallory.ask(method, path, what, headers={"Prefer": "wait=20"}), 404, "not_found")
        assert time.monotonic() - began < 10


def test_24_what_others_have_named(scene):
    """Another's names, tags and networks are hers to use, and tell her nothing."""
    what = connection(name=SECRET)
    what["connection"]["endpoints"][0]["network_id"] = scene.victim.network
    answer = scene.mallory.ask("POST", "/v1/connections", what, headers={"Prefer": "wait=30"})
    assert answer.status == 201, answer.text  # the fake cloud has every network; that it is in use by another project is not told
    link = answer.body["connection"]["virtual_link_ids"][0]
    assert scene.mallory.ask("PUT", f"/v1/virtual-links/{link}/tags", {"tags": [SECRET]}).status == 200
    listed = scene.mallory.get(f"/v1/virtual-links?tags={SECRET}&name={SECRET}").body["virtual_links"]
    assert [each["id"] for each in listed] == [link]
