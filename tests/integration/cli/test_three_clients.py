# SPDX-License-Identifier: Apache-2.0
"""The demo's story with tokens of a real Keystone, told by curl, by `atlas` and by OpenStack's own clients: each finds the
service in the catalogue, joins two sites, plugs a network, changes the bandwidth, is refused more than is left, sees nothing
of another project, and takes all of it away."""
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import urllib.request
import uuid

import pytest

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1] / "keystone"))
from test_keystone import BIN, World, wait_until, world  # noqa: E402,F401

PEOPLE = {"mia": "red", "bob": "blue"}
TOO_MUCH_KBPS = 50_000_000


@pytest.fixture(scope="module")
def cloud(world):  # noqa: F811
    """The catalogue leads to the real API."""
    conf = world.folder / "manage.conf"
    conf.write_text(conf.read_text().replace("http://api.example:9797", world.url))
    assert "Moved endpoint public" in world.programs.manage("keystone", "sync")
    someone = world.person("mia")
    wait_until(lambda: {g["name"] for g in someone.get("/v1/gateways").body["gateways"]} >= {"east-1", "west-1"}, 20, "gateways")
    yield world
    someone.clear()


def environment(cloud, who):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    return {**kept, "OS_AUTH_URL": cloud.keystone.url, "OS_USERNAME": who, "OS_PASSWORD": "secret",
            "OS_PROJECT_NAME": PEOPLE[who], "OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default"}


# ---- the drivers: ask(method, path, body) gives (status, object); each with a token and an endpoint it got by itself ----

class Curl:
    """What a shell script does: a token, the catalogue, then the API."""

    def __init__(self, cloud, who):
        auth = {"auth": {"identity": {"methods": ["password"], "password": {"user": {
            "name": who, "domain": {"id": "default"}, "password": "secret"}}},
            "scope": {"project": {"name": PEOPLE[who], "domain": {"id": "default"}}}}}
        status, headers, body = self.curl("POST", cloud.keystone.url.removesuffix("/v3") + "/v3/auth/tokens", auth)
        assert status == 201
        self.token = re.search(r"(?im)^x-subject-token: (\S+)", headers)[1]
        service, = [s for s in body["token"]["catalog"] if s["type"] == "elastic-network"]
        self.url, = [e["url"] for e in service["endpoints"] if e["interface"] == "public"]

    def curl(self, method, url, body=None, *headers):
        words = ["curl", "-sS", "--max-time", "60", "-X", method, "-D", "-", url, "-H", "Content-Type: application/json"]
        words += [w for h in headers for w in ("-H", h)]
        words += [] if body is None else ["--data-binary", "@-"]
        done = subprocess.run(words, input=None if body is None else json.dumps(body), capture_output=True, text=True,
                              timeout=90, check=False)
        assert done.returncode == 0, done.stderr
        head, _, text = done.stdout.replace("\r\n", "\n").partition("\n\n")
        return int(head.split()[1]), head, json.loads(text) if text else None

    def ask(self, method, path, body=None):
        key = [f"Idempotency-Key: {uuid.uuid4()}"] if method == "POST" else []
        status, _, answer = self.curl(method, self.url + path, body, f"X-Auth-Token: {self.token}", *key)
        return status, answer


class Sdk:
    """openstacksdk's connection, and the adapter of keystoneauth beneath it."""

    def __init__(self, cloud, who):
        import openstack
        self.connection = openstack.connect(
            load_yaml_config=False, load_envvars=False, auth_type="password", region_name="here", auth={
                "auth_url": cloud.keystone.url, "username": who, "password": "secret", "project_name": PEOPLE[who],
                "user_domain_id": "default", "project_domain_id": "default"})
        from keystoneauth1.adapter import Adapter
        self.api = Adapter(self.connection.session, service_type="elastic-network", interface="public", region_name="here")
        from openstack import proxy
        as_sdk = proxy.Proxy(self.connection.session, service_type="elastic-network", interface="public")
        assert as_sdk.get("/v1/sites").json()["sites"] == self.api.get("/v1/sites").json()["sites"]

    def ask(self, method, path, body=None):
        answer = self.api.request(path, method, raise_exc=False, **({} if body is None else {"json": body}))
        return answer.status_code, answer.json() if answer.content else None


def done(driver, operation_id):
    def look():
        status, answer = driver.ask("GET", f"/v1/operations/{operation_id}")
        assert status == 200
        return answer["operation"] if answer["operation"]["status"] != "running" else None
    operation = wait_until(look, 60, f"the end of operation {operation_id}")
    assert operation["status"] == "done", operation
    return operation


def started(driver, method, path, body=None):
    """A change that is an operation, followed to its end: the object as it was answered."""
    status, answer = driver.ask(method, path, body)
    assert status == 202, answer
    thing, = answer.values()
    if thing.get("operation_id"):
        done(driver, thing["operation_id"])
    return thing


def story(driver, rival):
    status, answer = driver.ask("GET", "/v1/gateways")
    assert status == 200 and {"east-1", "west-1"} <= {g["name"] for g in answer["gateways"]}
    status, answer = driver.ask("POST", "/v1/vpns", {"vpn": {"name": "blue", "type": "vpls"}})
    assert status == 201
    vpn = answer["vpn"]["id"]
    sites = {s["name"]: s["id"] for s in driver.ask("GET", "/v1/sites")[1]["sites"]}
    for site in ("east", "west"):
        assert driver.ask("PUT", f"/v1/vpns/{vpn}/add_site", {"site_id": sites[site]})[0] == 200
    ends = [{"site_id": sites["east"]}, {"site_id": sites["west"]}]

    def body(kbps):
        return {"virtual_link": {"name": "blue-ew", "vpn_id": vpn, "endpoints": ends,
                                 "bandwidth": {"a_to_z_kbps": kbps, "z_to_a_kbps": kbps}}}
    link = started(driver, "POST", "/v1/virtual-links", body(2000))["id"]
    path = f"/v1/virtual-links/{link}"
    assert driver.ask("GET", path)[1]["virtual_link"]["status"] == "ACTIVE"
    port = driver.ask("GET", path)[1]["virtual_link"]["endpoints"][0]["virtual_port_id"]
    network = str(uuid.uuid4())
    started(driver, "POST", f"/v1/virtual-ports/{port}/attach", {"network_id": network})
    settled(driver, path)
    plugged = driver.ask("GET", f"/v1/virtual-ports/{port}")[1]["virtual_port"]
    assert (plugged["plug_status"], plugged["network_id"]) == ("plugged", network)
    started(driver, "PUT", path, {"virtual_link": {"bandwidth": {"a_to_z_kbps": 4000, "z_to_a_kbps": 4000}}})
    assert driver.ask("GET", path)[1]["virtual_link"]["bandwidth"]["a_to_z_kbps"] == 4000
    status, answer = driver.ask("PUT", path, {"virtual_link": {"bandwidth": {"a_to_z_kbps": TOO_MUCH_KBPS}}})
    assert (status, answer["error"]["type"]) == (409, "link.bandwidth_unavailable"), answer
    assert rival.ask("GET", path)[0] == 404 and rival.ask("DELETE", path)[0] == 404
    assert rival.ask("GET", "/v1/virtual-links")[1]["virtual_links"] == []
    started(driver, "POST", f"/v1/virtual-ports/{port}/detach", {})
    settled(driver, path)
    started(driver, "DELETE", path)
    assert driver.ask("GET", path)[0] == 404
    assert driver.ask("DELETE", f"/v1/vpns/{vpn}")[0] == 204
    assert driver.ask("GET", "/v1/vpns")[1]["vpns"] == []


def settled(driver, path):
    wait_until(lambda: not driver.ask("GET", path)[1]["virtual_link"]["operation_id"], 60, f"rest of {path}")


def in_one_request(driver):
    """The same as one connection, and away again."""
    answer = driver.ask("POST", "/v1/connections", {"connection": {
        "name": "at-once", "type": "vpls", "endpoints": [{"site_id": s, "network_id": str(uuid.uuid4())} for s in ("east", "west")],
        "bandwidth": {"a_to_z_kbps": 500, "z_to_a_kbps": 500}}})
    assert answer[0] == 202, answer
    connection = answer[1]["connection"]
    done(driver, connection["operation_id"])
    path = f"/v1/virtual-links/{connection['virtual_link_ids'][0]}"
    assert driver.ask("GET", path)[1]["virtual_link"]["status"] == "ACTIVE"
    started(driver, "DELETE", path)
    assert driver.ask("DELETE", f"/v1/vpns/{connection['vpn_id']}")[0] == 204


def test_curl_tells_the_story(cloud):
    story(Curl(cloud, "mia"), Curl(cloud, "bob"))
    in_one_request(Curl(cloud, "mia"))


def test_openstacksdk_and_keystoneauth_tell_the_story(cloud):
    story(Sdk(cloud, "mia"), Sdk(cloud, "bob"))
    in_one_request(Sdk(cloud, "mia"))


# ---- atlas ----

def run(cloud, who, *words, env=None):
    return subprocess.run([BIN / "atlas", *words], capture_output=True, text=True, timeout=120, check=False,
                          env=environment(cloud, who) if env is None else env)


def said(cloud, *words, **more):
    answer = run(cloud, "mia", *words, **more)
    assert answer.returncode == 0, f"{words}: {answer.stderr}"
    return answer.stdout.strip()


def refusal(cloud, who, code, *words):
    answer = run(cloud, who, *words)
    assert answer.returncode == code and answer.stdout == "", f"{words}: {answer.stdout}{answer.stderr}"
    assert "  next: " in answer.stderr
    return answer.stderr


def test_atlas_tells_the_story(cloud):
    assert "east-1" in said(cloud, "gateway", "list", "-f", "value", "-c", "name").split()
    said(cloud, "vpn", "create", "blue", "--type", "vpls")
    for site in ("east", "west"):
        said(cloud, "vpn", "add-site", "blue", site)
    made = run(cloud, "mia", "link", "create", "blue-ew", "--vpn", "blue", "--a-site", "east", "--z-site", "west",
               "--bandwidth", "2M", "--wait", "-f", "value", "-c", "id", "-c", "status")
    assert made.returncode == 0 and made.stdout.split()[1] == "ACTIVE", made.stderr
    link = made.stdout.split()[0]
    steps = re.findall(r"^ +[0-9]+\.[0-9]{3} s  (.+)$", made.stderr, re.M)
    assert steps[0].startswith("accepted") and steps[-1] == "active", made.stderr
    network = str(uuid.uuid4())
    assert said(cloud, "port", "attach", "blue-ew/east", "--network", network, "--wait", "-f", "value",
                "-c", "plug_status") == "plugged"
    assert said(cloud, "link", "set", "blue-ew", "--bandwidth", "4M", "--wait", "-f", "value", "-c", "bandwidth") == "4M"
    told = refusal(cloud, "mia", 1, "link", "set", "blue-ew", "--bandwidth", "2G")
    assert "kbit/s left" in told and re.search(r"^  request: req-[0-9a-f-]{36}$", told, re.M), told
    said(cloud, "link", "add-tag", "blue-ew", "gold one")
    assert said(cloud, "link", "list", "--tag", "gold one", "-f", "value", "-c", "id") == link
    assert said(cloud, "link", "list", "--tag", "other", "-f", "value", "-c", "id") == ""
    assert said(cloud, "link", "disable", "blue-ew", "--wait", "-f", "value", "-c", "operating_status") == "OFFLINE"
    assert "It is switched off" in said(cloud, "explain", "blue-ew")
    assert said(cloud, "link", "enable", "blue-ew", "--wait", "-f", "value", "-c", "status") == "ACTIVE"
    told = said(cloud, "explain", "blue-ew")
    assert "It works: both ends were read back" in told and "It waits for nothing." in told
    history = said(cloud, "link", "history", "blue-ew", "-f", "value", "-c", "what").splitlines()
    assert "accepted; receiving ends are raised, sending ends lowered" in history
    operation = said(cloud, "operation", "list", "--link", "blue-ew", "--type", "update", "-f", "value", "-c", "id").split()[0]
    shown = said(cloud, "operation", "show", operation)
    assert re.search(r"^at +took_ms +row what$", shown, re.M) and "bandwidth changed at both ends" in shown
    assert "There is no link named blue-ew." in refusal(cloud, "bob", 1, "link", "show", "blue-ew")
    assert "could not be found" in refusal(cloud, "bob", 1, "link", "delete", link)
    assert "ask for the role that may do it" in refusal(cloud, "mia", 1, "agent", "list")
    said(cloud, "port", "detach", "blue-ew/east", "--wait")
    said(cloud, "link", "delete", "blue-ew", "--wait")
    assert "gone from both ends" in said(cloud, "link", "history", link, "-f", "value", "-c", "what")
    said(cloud, "vpn", "delete", "blue")
    assert said(cloud, "vpn", "list", "-f", "json") == "[]"


def test_atlas_connects_in_one_command(cloud):
    network = str(uuid.uuid4())
    made = run(cloud, "mia", "connect", f"east:{network}", "west", "--bandwidth", "2M:1M", "--name", "offices", "--type", "vpls", "--wait",
               "-f", "value", "-c", "status", "-c", "virtual_link_ids")
    assert made.returncode == 0 and made.stdout.split()[0] == "done", made.stderr
    assert re.findall(r"^ +[0-9]+\.[0-9]{3} s  (.+)$", made.stderr, re.M) == ["accepted; the links are being built", "all links are active"]
    assert said(cloud, "link", "list", "-f", "value", "-c", "name", "-c", "status", "-c", "bandwidth") == "offices ACTIVE 2M:1M"
    again = refusal(cloud, "mia", 1, "connect", "east", "west", "--bandwidth", "2M", "--vpn", "offices")
    assert "already has a virtual link" in again
    assert "give SITE, SITE:NETWORK-ID" in refusal(cloud, "mia", 2, "connect", "east:lan", "west", "--bandwidth", "2M")
    project = cloud.keystone.projects[PEOPLE["mia"]]
    quota = lambda *words: [line.split() for line in said(cloud, "quota", "show", project, "-f", "value").splitlines()]  # noqa: E731
    assert quota() == [["vpn", "-1", "1"], ["virtual_link", "-1", "1"], ["kbps", "-1", "2000"]]
    assert "update_quota" in refusal(cloud, "mia", 1, "quota", "set", project, "--vpns", "5")
    said(cloud, "link", "delete", "offices", "--wait")
    said(cloud, "vpn", "delete", "offices")


def test_atlas_is_told_who_it_is_in_every_way(cloud, tmp_path):
    """clouds.yaml with its secrets apart, a token, an application credential; none of them is ever printed."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    where = {"auth_url": cloud.keystone.url, "project_name": "red", "project_domain_id": "default"}
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": {"ours": {"region_name": "here", "auth": {
        **where, "username": "mia", "user_domain_id": "default"}}}}))
    (tmp_path / "secure.yaml").write_text(json.dumps({"clouds": {"ours": {"auth": {"password": "secret"}}}}))
    token = cloud.token("mia")
    user = cloud.keystone.found("user", "mia")
    status, _, answer = cloud.keystone.ask("POST", f"/users/{user}/application_credentials", {"application_credential": {
        "name": f"c{uuid.uuid4()}"}}, token=token)
    assert status == 201, answer
    credential = answer["application_credential"]
    ways = [
        {"OS_CLOUD": "ours", "OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml")},
        {"OS_AUTH_URL": where["auth_url"], "OS_TOKEN": token, "OS_PROJECT_NAME": "red", "OS_PROJECT_DOMAIN_ID": "default"},
        {"OS_AUTH_URL": where["auth_url"], "OS_APPLICATION_CREDENTIAL_ID": credential["id"],
         "OS_APPLICATION_CREDENTIAL_SECRET": credential["secret"]},
    ]
    for way in ways:
        answer = run(cloud, "mia", "vpn", "create", "mine", "--type", "vpls", "-f", "value", "-c", "project_id", env={**bare, **way})
        assert answer.stdout.strip() == cloud.keystone.projects["red"], f"{way}: {answer.stderr}"
        assert run(cloud, "mia", "vpn", "delete", "mine", env={**bare, **way}).returncode == 0
    wrong = run(cloud, "mia", "vpn", "list", env={**environment(cloud, "mia"), "OS_PASSWORD": "not-this"})
    assert wrong.returncode == 1 and "credentials" in wrong.stderr and "not-this" not in wrong.stderr
    nowhere = run(cloud, "mia", "vpn", "list", env={**environment(cloud, "mia"), "OS_REGION_NAME": "moon"})
    assert nowhere.returncode == 1 and "elastic-network" in nowhere.stderr and "moon" in nowhere.stderr


class Counting(http.server.ThreadingHTTPServer):
    """Keystone, with a count of the tokens it was asked for."""

    def __init__(self, keystone):
        super().__init__(("127.0.0.1", 0), Forward)
        self.keystone, self.asked = keystone.removesuffix("/v3"), 0


class Forward(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.asked += 1
        request = urllib.request.Request(self.server.keystone + self.path, self.rfile.read(int(self.headers["Content-Length"])),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as got:
            text = got.read()
            self.send_response(got.status)
            self.send_header("X-Subject-Token", got.headers["X-Subject-Token"])
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


def test_one_token_is_enough_for_a_run(cloud):
    with Counting(cloud.keystone.url) as keystone:
        thread = threading.Thread(target=keystone.serve_forever)
        thread.start()
        try:
            env = {**environment(cloud, "mia"), "OS_AUTH_URL": f"http://127.0.0.1:{keystone.server_port}/v3"}
            said(cloud, "vpn", "create", "one", "--type", "vpls", env=env)  # and lists the sites
            said(cloud, "vpn", "add-site", "one", "east", env=env)  # and finds both
            assert keystone.asked == 2
        finally:
            keystone.shutdown()
            thread.join()
    said(cloud, "vpn", "delete", "one")


def test_watch_tells_what_happens_and_goes_on_where_it_stopped(cloud):
    def watching(*words):
        return subprocess.Popen([BIN / "atlas", "watch", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=environment(cloud, "mia"))
    said(cloud, "vpn", "create", "unseen", "--type", "vpls")
    last = said(cloud, "event", "list", "-f", "value", "-c", "id").split()[-1]
    child = watching("--after", last, "-c", "id", "-c", "type")
    try:
        said(cloud, "vpn", "create", "seen", "--type", "vpls")
        event, kind = child.stdout.readline().split()
        assert int(event) > int(last)
        assert kind.startswith("vpn."), kind
        child.terminate()
        _, told = child.communicate(timeout=20)
        place = re.search(r"atlas watch --after ([0-9]+)", told)
        assert child.returncode == 130 and int(place[1]) <= int(event), told
        said(cloud, "vpn", "delete", "unseen")
        again = watching("--after", place[1], "-c", "id", "-c", "type")
        try:
            later = place[1]
            while int(later) <= int(event):  # the last one may come twice, never not at all
                later, kind = again.stdout.readline().split()
            assert kind.startswith("vpn.")
        finally:
            again.terminate()
            again.communicate(timeout=20)
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate(timeout=20)
        said(cloud, "vpn", "delete", "seen")
