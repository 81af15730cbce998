# SPDX-License-Identifier: Apache-2.0
"""A dump of the database is restored under a running network: what was made, changed and deleted since is listed, adopted or
discarded; and until an operator says so nothing at the gateways is cut or changed."""
import json
import uuid

import pytest

from test_programs import PROJECT, Programs, create, made, refused, stage, wait_until

SITES = ("east", "west")


class Restorable(Programs):
    def psql(self, database, *words):
        return made("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", f"{self.connection} dbname={database}", *words)

    def dump(self):
        made("pg_dump", "-Fc", "-f", self.folder / "dump", f"{self.connection} dbname=atlas")

    def restore(self):
        """As operators do: everything that writes is stopped, the database is replaced."""
        self.psql("postgres", "-c", "DROP DATABASE atlas WITH (FORCE)", "-c", "CREATE DATABASE atlas")
        made("pg_restore", "-d", f"{self.connection} dbname=atlas", self.folder / "dump")

    def device(self, name):
        """What the gateway holds, without its fence."""
        held = json.loads((self.folder / f"{name}.json").read_text())
        return {kind: sorted(held[kind], key=lambda o: o["id"]) for kind in ("ports", "attachments")}

    def devices(self):
        return {name: self.device(name) for name in ("east-1", "west-1", "east-mpls", "west-mpls", "east-plain", "west-plain")}

    def plugged(self):
        return json.loads((self.folder / "east.json").read_text())

    def status(self):
        return self.manage("restore", "status")

    def is_read(self):
        said = self.status()
        return said if " 0 of " in f" {said.splitlines()[-1]}" and "not described" not in said else None


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("restore"), Restorable) as here:
        here.start_all(SITES)
        yield here


def active(cloud, link):
    now = cloud.settled(link)
    assert now and (now["status"], now["operating_status"]) == ("ACTIVE", "ONLINE"), now
    return now


@pytest.fixture(scope="module")
def scene(programs):
    """Five links: kept, changed and deleted after the dump, made after it in a known and in an unknown VPN."""
    cloud = programs.cloud(SITES)
    network = str(uuid.uuid4())
    kinds = ("vpls", "mpls", "plain")
    vpns = {kind: cloud.vpn(kind, kind, SITES) for kind in kinds}
    kept = active(cloud, create(cloud, vpns["vpls"], kbps=1000, a_end={"network_id": network}))
    changed = active(cloud, create(cloud, vpns["mpls"], kbps=1000))
    deleted = active(cloud, create(cloud, vpns["plain"], kbps=1000))
    programs.dump()
    change = {"virtual_link": {"bandwidth": {"a_to_z_kbps": 3000, "z_to_a_kbps": 2000}}}
    assert cloud.ask("PUT", f"/v1/virtual-links/{changed['id']}", change).status == 202
    active(cloud, changed)
    assert cloud.delete(deleted) is None
    plug = {"a_end": {"network_id": str(uuid.uuid4())}}
    unknown = active(cloud, create(cloud, cloud.vpn("new", "vpls", SITES), kbps=700, **plug))
    same_labels = active(cloud, create(cloud, cloud.vpn("plain2", "plain", SITES)))
    programs.stop("api")
    programs.stop("conductor")
    before, plugs = programs.devices(), programs.plugged()
    programs.restore()
    programs.manage("restore", "begin")
    programs.start("conductor", "atlas-conductor")
    programs.start("api", "atlas-api")
    said = wait_until(programs.is_read, 40, "all gateways read")
    return {"cloud": programs.cloud(SITES), "kept": kept, "changed": changed, "deleted": deleted, "unknown": unknown,
            "same_labels": same_labels, "vpns": vpns, "before": before, "plugs": plugs, "said": said}


def test_what_is_found_and_what_is_missing_is_listed(scene):
    lines = scene["said"].splitlines()
    ends = [line for line in lines if line.startswith(f"found    {scene['unknown']['id']} link end at ")]
    assert len(ends) == 2 and all("700/700 kbit/s" in line and " label " in line for line in ends), scene["said"]
    assert sum(line.startswith("found ") and " access side at " in line for line in lines) >= 2
    missing = [line for line in lines if line.startswith("missing ")]
    assert len(missing) == 1 and scene["deleted"]["id"] in missing[0]
    assert scene["kept"]["id"] not in scene["said"] and scene["changed"]["id"] not in scene["said"]


def test_nothing_at_the_gateways_or_networks_has_changed(programs, scene):
    assert programs.devices() == scene["before"]
    assert programs.plugged() == scene["plugs"]


def test_what_is_there_as_before_is_active_and_what_was_changed_is_as_the_gateways_have_it(scene):
    cloud = scene["cloud"]
    assert active(cloud, scene["kept"])["bandwidth"] == {"a_to_z_kbps": 1000, "z_to_a_kbps": 1000}
    assert active(cloud, scene["changed"])["bandwidth"] == {"a_to_z_kbps": 3000, "z_to_a_kbps": 2000}
    gateway = next(g for g in cloud.get("/v1/gateways").body["gateways"] if g["name"] == "east-mpls")
    assert gateway["available"]["to_wan_kbps"] == 7000
    gone = cloud.link_now(scene["deleted"])
    assert gone["status"] == "ERROR" and "restored" in gone["status_reason"]


def test_what_was_found_keeps_its_numbers_and_bandwidth(programs, scene):
    cloud = scene["cloud"]
    taken = {name: {p["local_label"] for p in programs.device(name)["ports"]} for name in ("east-1", "west-1")}
    vpn = cloud.vpn("after", "vpls", SITES)
    active(cloud, create(cloud, vpn, kbps=500))
    for name, labels in taken.items():
        ports = programs.device(name)["ports"]
        assert len({p["local_label"] for p in ports}) == len(ports) == len(labels) + 1
    refused(cloud.ask("POST", "/v1/virtual-links", {"virtual_link": {
        "name": "l", "vpn_id": cloud.vpn("much", "vpls", SITES)["id"], "endpoints": [{"site_id": "east"}, {"site_id": "west"}],
        "bandwidth": {"a_to_z_kbps": 8500, "z_to_a_kbps": 1}}}), 409, "link.bandwidth_unavailable", "7800")


def test_a_link_of_an_unknown_vpn_is_adopted_for_a_project(programs, scene):
    cloud, link = scene["cloud"], scene["unknown"]
    before = programs.device("east-1"), programs.device("west-1")
    with pytest.raises(AssertionError, match="name the project"):
        programs.manage("restore", "adopt", link["id"])
    programs.manage("restore", "adopt", link["id"], "--project", PROJECT)
    now = active(cloud, link)
    assert now["bandwidth"] == {"a_to_z_kbps": 700, "z_to_a_kbps": 700}
    assert (programs.device("east-1"), programs.device("west-1")) == before
    ends = [cloud.get(f"/v1/virtual-ports/{e['virtual_port_id']}").body["virtual_port"] for e in now["endpoints"]]
    assert [e["plug_status"] for e in ends] == ["plugged", "unplugged"]
    assert cloud.delete(link) is None  # a link as any other, plug and all
    for name in ("east-1", "west-1"):
        assert link["id"] not in json.dumps(programs.device(name))


def test_a_link_that_was_found_is_discarded(programs, scene):
    link = scene["same_labels"]
    programs.manage("restore", "discard", link["id"])
    wait_until(lambda: not programs.device("east-plain")["ports"] and not programs.device("west-plain")["ports"], 20, "its end")
    wait_until(lambda: not programs.device("east-plain")["attachments"], 20, "its access side's end")
    assert link["id"] not in programs.status()


def test_a_link_that_is_missing_is_built_again(programs, scene):
    cloud, link = scene["cloud"], scene["deleted"]
    programs.manage("restore", "adopt", link["id"])
    active(cloud, link)
    assert len(programs.device("east-plain")["ports"]) == 1
    assert programs.status().splitlines()[-1] == "0 of 9 gateways unread, 0 objects found, 0 links missing."


def test_who_knows_no_such_link_is_told(programs, scene):
    for verb in ("adopt", "discard"):
        with pytest.raises(AssertionError, match="could not be found"):
            programs.manage("restore", verb, str(uuid.uuid4()))


def test_events_after_the_restore_stand_behind_those_before(programs, scene):
    epochs = programs.psql("atlas", "-c", "SELECT DISTINCT id >> 57 FROM event ORDER BY 1").split()
    assert epochs == ["0", "1"]
