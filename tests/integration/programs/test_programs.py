# SPDX-License-Identifier: Apache-2.0
"""All programs together on fake drivers: from a tenant's request to ACTIVE and back, and what the tenant is told when
something cannot be. Broker and database are real, users and rights those of `atlas-manage bus sync`."""
import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.request
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SUPPORT = ROOT / "tests" / "support"
BIN = pathlib.Path(os.environ.get("ATLAS_BUILD", ROOT / "build" / "dev")) / "bin"
sys.path.insert(0, str(ROOT / "tests" / "system"))
from cloud import Cloud, wait_until  # noqa: E402

PROJECT = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
STRANGER = "ffffffffffffffffffffffffffffffff"
# name, type, domain, capacity each way, more; of each site
GATEWAYS = {
    "east": [("east-1", "vpls", "wan", 10000, ""), ("east-far", "vpls", "island", 10000, ""),
             ("east-mpls", "mpls", "wan", 10000, ""), ("east-only", "only", "wan", 10000, ""),
             ("east-plain", "plain", "wan", 10000, "")],
    "west": [("west-1", "vpls", "wan", 10000, ""), ("west-mpls", "mpls", "wan", 10000, ""),
             ("west-only", "only", "wan", 10000, "observe_only = true\n"),
             ("west-plain", "plain", "wan", 10000, "limits_bandwidth = false\n")],
    "strict": [("strict-1", "vpls", "wan", 100000, "")],
}
POLICY = {"strict": f"[policy]\nprojects = {PROJECT}\nmax_kbps = 500\npeer_sites = east\n"}


def made(*words, **more):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=180, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Programs:
    """atlas-api, atlas-conductor and an agent a site, each with a file and a log of its own."""

    def __init__(self, folder, connection):
        self.folder, self.running, self.connection = folder, {}, connection
        made("psql", "-X", f"{connection} dbname=postgres", "-c", "CREATE DATABASE atlas")
        self.conf("manage", (folder / "mq" / "url").read_text().strip() + "atlas", "",
                  f"[database]\nconnection = {connection} dbname=atlas\n[bus]\nrabbitmqctl = {SUPPORT}/broker.sh ctl {folder}/mq\n")
        self.manage("db", "sync")
        for site in GATEWAYS:
            self.manage("site", "add", site)
        self.manage("bus", "sync", "--write-passwords", folder / "passwords")
        lines = (folder / "passwords").read_text().splitlines()
        self.passwords = dict(line.split(" = ") for line in lines if not line.startswith("#"))
        database = "[database]\nconnection = " + connection.replace("user=postgres", "user={}") + " dbname=atlas\n"
        self.conf("conductor", self.url("conductor"), "metrics_port = 0\n", database.format("atlas_conductor") +
                  "[conductor]\nstep_percent = 10\napply_timeout = 2\naudit_interval = 5\nquarantine = 0\n")
        self.conf("api", self.url("api"), "bind_port = 0\nmetrics_port = 0\n", database.format("atlas_api"))
        for site, gateways in GATEWAYS.items():
            self.conf(site, self.url(f"site-{site}"), f"site = {site}\nmetrics_port = 0\n", self.site(site, gateways))

    def url(self, user):
        address = (self.folder / "mq" / "url").read_text().strip().split("@")[1]
        return f"rabbit://atlas-{user}:{self.passwords['atlas-' + user]}@{address}atlas"

    def conf(self, name, url, head, rest):
        (self.folder / f"{name}.conf").write_text(f"[DEFAULT]\ntransport_url = {url}\n{head}{rest}")

    def site(self, site, gateways):
        text = POLICY.get(site, "") + f"[cloud]\ndriver = fake\nstate_file = {self.folder}/{site}.json\n"
        text += f"control_file = {self.folder}/{site}-control.json\n"
        for name, kind, domain, kbps, more in gateways:
            text += f"[gateway:{name}]\ndriver = fake\ntype = {kind}\ndomain = {domain}\nstate_file = {self.folder}/{name}.json\n"
            text += f"capacity_to_wan_kbps = {kbps}\ncapacity_from_wan_kbps = {kbps}\n{more}"
        return text

    def manage(self, *words):
        return made(BIN / "atlas-manage", "--config-file", self.folder / "manage.conf", *words)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def start(self, name, program, environ=None):
        ready, said = os.pipe()
        os.set_inheritable(said, True)
        with open(self.folder / f"{name}.log", "a") as log:
            self.running[name] = subprocess.Popen(
                [BIN / program, "--config-file", self.folder / f"{name}.conf", "--ready-fd", str(said)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[said], env={**os.environ, **(environ or {})})
        os.close(said)
        with os.fdopen(ready) as pipe:
            assert pipe.read() == "ready\n", self.log(name)

    def start_all(self, sites=tuple(GATEWAYS)):
        self.start("conductor", "atlas-conductor")
        for site in sites:
            self.start(site, "atlas-agent")
        self.start("api", "atlas-api")

    def cloud(self, sites=tuple(GATEWAYS), kind=Cloud):
        """A tenant's view, once these sites were heard of and their gateways are known."""
        here = kind(f"http://127.0.0.1:{self.found('api', r'event=api.ready .* port=([0-9]+)')}", PROJECT)
        n = sum(len(GATEWAYS[site]) for site in sites)
        wait_until(lambda: len(here.get("/v1/gateways").body["gateways"]) == n, 20, "all gateways")
        wait_until(lambda: all(s["alive"] for s in here.get("/v1/sites").body["sites"] if s["name"] in sites), 20, "all sites")
        return here

    def stop(self, name):
        """SIGTERM; what the program's exit code was."""
        process = self.running.pop(name)
        process.terminate()
        return process.wait(20)

    def found(self, name, pattern):
        return re.findall(pattern, self.log(name))[-1]

    def close(self):
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            process.wait()


@contextlib.contextmanager
def stage(folder, kind=Programs):
    """A database, a broker and the programs' files in 'folder'; all of it is stopped at the end."""
    for each in (folder, *folder.parents):  # PostgreSQL runs as another user
        if pathlib.Path("/tmp") in each.parents:
            each.chmod(0o755)
    here = None
    try:
        connection = made(SUPPORT / "postgres.sh", "start", folder / "pg", env={**os.environ, "ATLAS_PG_FSYNC": "off"}).strip()
        made(SUPPORT / "broker.sh", "start", folder / "mq")
        here = kind(folder, connection)
        yield here
    finally:
        if here:
            here.close()
        subprocess.run([SUPPORT / "broker.sh", "remove", folder / "mq"], check=False)
        subprocess.run([SUPPORT / "postgres.sh", "remove", folder / "pg"], check=False)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("programs")) as here:
        here.start_all()
        yield here


@pytest.fixture(scope="module")
def cloud(programs):
    return programs.cloud()


@pytest.fixture
def vpn(cloud):
    yield cloud.vpn("blue", "vpls", ["east", "west"])
    cloud.clear()


def body(vpn, a="east", z="west", kbps=1000, **more):
    ends = [{"site_id": a, **more.pop("a_end", {})}, {"site_id": z, **more.pop("z_end", {})}]
    return {"virtual_link": {"name": "link", "vpn_id": vpn["id"], "endpoints": ends,
                             "bandwidth": {"a_to_z_kbps": kbps, "z_to_a_kbps": kbps}, **more}}


def create(cloud, *args, **more):
    answer = cloud.ask("POST", "/v1/virtual-links", body(*args, **more))
    assert answer.status == 202, answer.text
    return answer.body["virtual_link"]


def refused(answer, status, kind, *words):
    """The refusal as the tenant reads it: of that kind, naming what it is about, with a request id."""
    assert answer.status == status, answer.text
    error = answer.error()
    assert (error["code"], error["type"]) == (status, kind), answer.text
    assert error["request_id"].startswith("req-")
    for word in words:
        assert word in error["message"], answer.text
    return error


def ask_link(cloud, *args, **more):
    return cloud.ask("POST", "/v1/virtual-links", body(*args, **more))


def gateway_id(cloud, name):
    return next(g["id"] for g in cloud.get("/v1/gateways").body["gateways"] if g["name"] == name)


def test_what_a_gateway_cannot_honour_is_said(cloud):
    plain = cloud.vpn("plain", "plain", ["east", "west"])
    link = create(cloud, plain)
    assert link["ignored_parameters"] == ["bandwidth"]
    assert cloud.settled(link)["ignored_parameters"] == ["bandwidth"]
    cloud.clear()


def test_a_link_is_created_changed_plugged_and_taken_away(programs, cloud, vpn):
    network = str(uuid.uuid4())
    answer = cloud.ask("POST", "/v1/virtual-links", body(vpn, a_end={"network_id": network}))
    assert answer.status == 202
    link = cloud.settled(answer.body["virtual_link"])
    assert (link["status"], link["operating_status"], link["ignored_parameters"]) == ("ACTIVE", "ONLINE", []), link
    ends = [cloud.get(f"/v1/virtual-ports/{e['virtual_port_id']}").body["virtual_port"] for e in link["endpoints"]]
    assert [e["plug_status"] for e in ends] == ["plugged", "unplugged"]
    assert ends[0]["network_id"] == network and all(e["vif_id"].startswith("ca1:") for e in ends)

    other = str(uuid.uuid4())
    assert cloud.ask("POST", f"/v1/virtual-ports/{ends[1]['id']}/attach", {"network_id": other}).status == 202
    assert cloud.settled(link)["status"] == "ACTIVE"
    assert cloud.get(f"/v1/virtual-ports/{ends[1]['id']}").body["virtual_port"]["network_id"] == other
    change = {"virtual_link": {"bandwidth": {"a_to_z_kbps": 3000}}}
    assert cloud.ask("PUT", f"/v1/virtual-links/{link['id']}", change).status == 202
    assert cloud.settled(link)["bandwidth"] == {"a_to_z_kbps": 3000, "z_to_a_kbps": 1000}
    assert cloud.ask("POST", f"/v1/virtual-ports/{ends[1]['id']}/detach").status == 202
    assert cloud.settled(link)["status"] == "ACTIVE"
    assert cloud.get(f"/v1/virtual-ports/{ends[1]['id']}").body["virtual_port"]["plug_status"] == "unplugged"
    assert cloud.delete(link) is None
    for name in ("east-1", "west-1"):
        held = json.loads((programs.folder / f"{name}.json").read_text())
        assert not held["ports"] and not held["attachments"], held


def test_a_request_is_followed_by_its_id_through_all_programs(programs, cloud, vpn):
    answer = ask_link(cloud, vpn)
    link = cloud.settled(answer.body["virtual_link"])
    assert link["status"] == "ACTIVE"
    request = answer.headers["X-Openstack-Request-Id"]
    operation = cloud.get(f"/v1/operations?virtual_link_id={link['id']}").body["operations"][0]
    assert operation["request_id"] == request
    for name in ("api", "conductor", "east", "west"):
        assert f"request={request}" in programs.log(name), name


def test_each_program_tells_its_metrics(programs, cloud, vpn):
    assert cloud.settled(create(cloud, vpn))["status"] == "ACTIVE"
    for name in ("api", "conductor", *GATEWAYS):
        port = programs.found(name, r"metrics_port=([0-9]+)|event=metrics port=([0-9]+)")
        with urllib.request.urlopen(f"http://127.0.0.1:{''.join(port)}/metrics", timeout=5) as got:
            text = got.read().decode()
        assert re.search(r"^# TYPE atlas_\w+ counter$", text, re.M), name
        assert re.search(r"^atlas_bus_published_total [1-9]", text, re.M), name


def test_sites_that_do_not_fit_are_refused(cloud, vpn):
    refused(ask_link(cloud, vpn, "east", "east"), 400, "request.same_site", "east")
    refused(ask_link(cloud, vpn, "east", "strict"), 409, "vpn.site_not_member", "strict", vpn["id"])
    refused(ask_link(cloud, vpn, "east", "nowhere"), 404, "not_found", "nowhere")
    thin = cloud.vpn("thin", "mpls", [])
    answer = cloud.ask("PUT", f"/v1/vpns/{thin['id']}/add_site", {"site_id": "strict"})
    refused(answer, 409, "site.no_gateway_of_type", "strict", "mpls")


def test_gateways_that_do_not_fit_are_refused(cloud, vpn):
    far, mpls, west = (gateway_id(cloud, name) for name in ("east-far", "east-mpls", "west-1"))
    refused(ask_link(cloud, vpn, a_end={"gateway_id": mpls}), 409, "gateway.type_mismatch", "east-mpls", "mpls", "vpls")
    answer = ask_link(cloud, vpn, a_end={"gateway_id": far}, z_end={"gateway_id": west})
    refused(answer, 409, "gateway.domain_mismatch", "east", "west", "domain")
    refused(ask_link(cloud, vpn, a_end={"gateway_id": west}), 404, "not_found", west)


def test_one_vpn_has_one_link_over_a_pair_of_gateways(cloud, vpn):
    link = create(cloud, vpn)
    refused(ask_link(cloud, vpn), 409, "link.pair_in_use", vpn["id"], "east-1", "west-1")
    assert cloud.settled(link)["status"] == "ACTIVE"


def test_a_network_is_attached_to_one_vpn(cloud, vpn):
    network, other = str(uuid.uuid4()), cloud.vpn("green", "vpls", ["east", "west"])
    assert cloud.settled(create(cloud, vpn, a_end={"network_id": network}))["status"] == "ACTIVE"
    refused(ask_link(cloud, other, a_end={"network_id": network}), 409, "network.in_use", network, vpn["id"])
    second = cloud.settled(create(cloud, other))
    port = second["endpoints"][0]["virtual_port_id"]
    answer = cloud.ask("POST", f"/v1/virtual-ports/{port}/attach", {"network_id": network})
    refused(answer, 409, "network.in_use", network, vpn["id"])


def test_a_port_on_a_network_of_another_vpn_ends_the_attach(programs, cloud, vpn):
    network, port, other = str(uuid.uuid4()), str(uuid.uuid4()), cloud.vpn("green", "vpls", ["east", "west"])
    control = programs.folder / "east-control.json"
    control.write_text(json.dumps({"ports": {port: {"network_id": network, "project_id": PROJECT}}}))
    try:
        assert cloud.settled(create(cloud, vpn, a_end={"network_id": network}))["status"] == "ACTIVE"
        second = cloud.settled(create(cloud, other))
        end = second["endpoints"][0]["virtual_port_id"]
        assert cloud.ask("POST", f"/v1/virtual-ports/{end}/attach", {"port_id": port}).status == 202
        cloud.settled(second)
        end = cloud.get(f"/v1/virtual-ports/{end}").body["virtual_port"]
        assert end["plug_status"] != "plugged", end
    finally:
        control.unlink()


def test_a_port_deleted_behind_our_back_is_noticed_and_plugged_again(programs, cloud, vpn):
    network = str(uuid.uuid4())
    link = cloud.settled(create(cloud, vpn, a_end={"network_id": network}))
    end = link["endpoints"][0]["virtual_port_id"]
    plugs = programs.folder / "east.json"

    def port_now():
        return cloud.get(f"/v1/virtual-ports/{end}").body["virtual_port"]

    def held():
        return [p["network_id"] for p in json.loads(plugs.read_text())["plugs"]]

    assert port_now()["plug_status"] == "plugged" and held() == [network]
    with open(f"{plugs}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        plugs.write_text(json.dumps({"plugs": []}))
    wait_until(lambda: held() == [network], 30, "the port again")
    wait_until(lambda: port_now()["plug_status"] == "plugged", 10, "the end to say so")
    events = cloud.get(f"/v1/events?object_id={end}").body["events"]
    assert any(e["type"] == "virtual_port.port_gone" and network in e["reason"] for e in events), events


def test_bandwidth_that_is_not_there_is_refused_with_what_is_left(cloud, vpn):
    answer = ask_link(cloud, vpn, kbps=0)
    assert "bandwidth.a_to_z_kbps" in refused(answer, 400, "request.invalid")["details"]["attribute"]
    link = cloud.settled(create(cloud, vpn, kbps=9000))
    other = cloud.vpn("green", "vpls", ["east", "west"])
    error = refused(ask_link(cloud, other, kbps=1001), 409, "link.bandwidth_unavailable", "1000 kbit/s left")
    assert error["details"]["available_kbps"] == 1000
    change = {"virtual_link": {"bandwidth": {"z_to_a_kbps": 10001}}}
    answer = cloud.ask("PUT", f"/v1/virtual-links/{link['id']}", change)
    refused(answer, 409, "link.bandwidth_unavailable", "10000 kbit/s left")
    assert cloud.settled(create(cloud, other, kbps=1000))["status"] == "ACTIVE"


def test_another_project_finds_nothing(cloud, vpn):
    link = cloud.settled(create(cloud, vpn))
    rival, port = cloud.as_project(STRANGER), link["endpoints"][0]["virtual_port_id"]
    refused(rival.get(f"/v1/vpns/{vpn['id']}"), 404, "not_found")
    refused(rival.get(f"/v1/virtual-links/{link['id']}"), 404, "not_found")
    refused(rival.get(f"/v1/virtual-ports/{port}"), 404, "not_found")
    refused(ask_link(rival, vpn), 404, "not_found", vpn["id"])
    refused(rival.ask("PUT", f"/v1/virtual-links/{link['id']}", {"virtual_link": {"name": "mine"}}), 404, "not_found")
    refused(rival.ask("DELETE", f"/v1/virtual-links/{link['id']}"), 404, "not_found")
    refused(rival.ask("DELETE", f"/v1/vpns/{vpn['id']}"), 404, "not_found")
    refused(rival.ask("PUT", f"/v1/vpns/{vpn['id']}/add_site", {"site_id": "strict"}), 404, "not_found")
    refused(rival.ask("POST", f"/v1/virtual-ports/{port}/attach", {"network_id": str(uuid.uuid4())}), 404, "not_found")
    assert rival.get("/v1/virtual-links").body["virtual_links"] == []
    assert rival.get("/v1/operations").body["operations"] == [] and rival.get("/v1/events").body["events"] == []


def test_a_key_stands_for_one_request(cloud, vpn):
    key = {"Idempotency-Key": f"key-{uuid.uuid4()}"}
    first = cloud.ask("POST", "/v1/virtual-links", body(vpn), headers=key)
    again = cloud.ask("POST", "/v1/virtual-links", body(vpn), headers=key)
    assert (first.status, again.status) == (202, 202)
    assert first.body["virtual_link"]["id"] == again.body["virtual_link"]["id"]
    refused(cloud.ask("POST", "/v1/virtual-links", body(vpn, kbps=2000), headers=key), 422, "request.key_reused")
    cloud.settled(first.body["virtual_link"])


@pytest.mark.parametrize("sites, kbps, project, words", [
    (("east", "strict"), 501, PROJECT, ("strict", "500 kbit/s")),
    (("west", "strict"), 100, PROJECT, ("strict", "west")),
    (("east", "strict"), 100, STRANGER, ("strict", "project")),
])
def test_what_a_site_forbids_is_told_to_the_tenant(cloud, sites, kbps, project, words):
    tenant = cloud.as_project(project)
    forbidden = tenant.vpn("forbidden", "vpls", sites)
    try:
        link = tenant.settled(create(tenant, forbidden, *sites, kbps=kbps))
        assert (link["provisioning_status"], link["status"]) == ("ERROR", "ERROR"), link
        assert all(word in link["status_reason"] for word in words), link["status_reason"]
    finally:
        tenant.clear()


def test_what_a_site_allows_is_made(cloud):
    allowed = cloud.vpn("allowed", "vpls", ["east", "strict"])
    try:
        assert cloud.settled(create(cloud, allowed, "east", "strict", kbps=500))["status"] == "ACTIVE"
    finally:
        cloud.clear()


def test_a_gateway_that_is_only_observed_is_not_changed(programs, cloud):
    watched = cloud.vpn("watched", "only", ["east", "west"])
    try:
        link = cloud.settled(create(cloud, watched))
        assert link["provisioning_status"] == "ERROR" and "only observed" in link["status_reason"], link
        held = programs.folder / "west-only.json"
        assert not held.exists() or not json.loads(held.read_text())["ports"]
    finally:
        cloud.clear()


@pytest.mark.parametrize("nth", [2, 3, 4])
@pytest.mark.parametrize("point", ["conductor.before_commit", "conductor.after_commit", "conductor.after_publish"])
def test_a_create_survives_the_conductors_death(programs, cloud, vpn, point, nth):
    assert programs.stop("conductor") == 0
    programs.start("conductor", "atlas-conductor", {"ATLAS_FAILPOINTS": f"{point}=kill:{nth}"})
    with concurrent.futures.ThreadPoolExecutor() as threads:
        asked = threads.submit(cloud.ask, "POST", "/v1/virtual-links", body(vpn), timeout=60)
        assert programs.running.pop("conductor").wait(30) == -signal.SIGKILL
        programs.start("conductor", "atlas-conductor")
        answer = asked.result()
    assert answer.status == 202, answer.text
    link = cloud.settled(answer.body["virtual_link"])
    assert link["status"] == "ACTIVE", link
    assert [each["id"] for each in cloud.get("/v1/virtual-links").body["virtual_links"]] == [link["id"]]


def test_sigterm_ends_each_program_in_order(programs, cloud, vpn):
    link = create(cloud, vpn)
    for name in ("conductor", "east", "west", "strict", "api"):
        assert programs.stop(name) == 0, programs.log(name)[-400:]
    programs.start("conductor", "atlas-conductor")
    for site in GATEWAYS:
        programs.start(site, "atlas-agent")
    programs.start("api", "atlas-api")
    cloud.url = f"http://127.0.0.1:{programs.found('api', r'event=api.ready .* port=([0-9]+)')}"
    assert cloud.settled(link)["status"] == "ACTIVE"
