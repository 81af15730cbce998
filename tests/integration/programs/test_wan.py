# SPDX-License-Identifier: Apache-2.0
"""Links whose way over the WAN a WAN driver makes, on a fake one: its calls take long, run once whatever dies, and the
sites' gateways only hold the access sides."""
import concurrent.futures
import json
import pathlib
import re
import shutil
import signal
import sys
import time
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_programs import body, create, refused, stage  # noqa: E402
from cloud import wait_until  # noqa: E402

SITES = ("east", "west")
LONG_MS = 5000


class Nms:
    """The pretended NMS that both conductors drive."""

    def __init__(self, folder):
        self.state, self.control = folder / "nms.json", folder / "nms-control.json"

    def settings(self, domain):
        return f"[wan:{domain}]\ndriver = fake\nstate_file = {self.state}\ncontrol_file = {self.control}\n"

    def tell(self, **what):
        self.control.write_text(json.dumps(what))

    def memory(self):
        return json.loads(self.state.read_text()) if self.state.exists() else {"calls": 0, "circuits": {}}

    def circuit(self, link):
        return self.memory()["circuits"].get(link["id"])


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    with stage(tmp_path_factory.mktemp("wan")) as here:
        here.nms = Nms(here.folder)
        with open(here.folder / "conductor.conf", "a") as settings:
            settings.write(here.nms.settings("wan"))
        shutil.copy(here.folder / "conductor.conf", here.folder / "second.conf")
        here.start_all(SITES)
        here.start("second", "atlas-conductor")
        yield here


@pytest.fixture(scope="module")
def cloud(programs):
    return programs.cloud(SITES)


@pytest.fixture
def vpn(programs, cloud):
    yield cloud.vpn("blue", "vpls", SITES)
    programs.nms.tell()
    cloud.clear()
    assert not programs.nms.memory()["circuits"] and not programs.nms.memory()["violations"]


def calls_of(programs, link, event="wan_call"):
    """The conductors that worked on the link's circuit, one for each time they did."""
    return [name for name in ("conductor", "second") for line in programs.log(name).splitlines()
            if f"event={event} " in line and f"link={link['id']}" in line]


def change(cloud, link, **what):
    answer = cloud.ask("PUT", f"/v1/virtual-links/{link['id']}", {"virtual_link": what})
    assert answer.status == 202, answer.text
    return cloud.settled(link)


def test_a_link_is_made_changed_switched_and_taken_away_by_the_wan(programs, cloud, vpn):
    nms, before = programs.nms, programs.nms.memory()["calls"]
    network = str(uuid.uuid4())
    link = cloud.settled(create(cloud, vpn, a_end={"network_id": network}))
    assert (link["status"], link["operating_status"], link["ignored_parameters"]) == ("ACTIVE", "ONLINE", []), link
    ends = [cloud.get(f"/v1/virtual-ports/{e['virtual_port_id']}").body["virtual_port"] for e in link["endpoints"]]
    assert [end["status"] for end in ends] == ["ACTIVE", "ACTIVE"]
    assert ends[0]["plug_status"] == "plugged" and all(end["vif_id"].startswith("ca1:") for end in ends)
    circuit = nms.circuit(link)["want"]
    assert (circuit["a_to_z_kbps"], circuit["z_to_a_kbps"]) == (1000, 1000)
    for end, name in zip(circuit["ends"], ("east-1", "west-1")):
        held = json.loads((programs.folder / f"{name}.json").read_text())
        assert not held["ports"] and [a["tag"] for a in held["attachments"]] == [end["tag"]] and end["gateway"] == name

    assert change(cloud, link, bandwidth={"a_to_z_kbps": 3000})["bandwidth"] == {"a_to_z_kbps": 3000, "z_to_a_kbps": 1000}
    circuit = nms.circuit(link)["want"]
    assert (circuit["a_to_z_kbps"], circuit["z_to_a_kbps"]) == (3000, 1000)
    assert nms.memory()["calls"] == before + 2
    assert change(cloud, link, admin_state_up=False)["operating_status"] == "OFFLINE" and not nms.circuit(link)
    assert change(cloud, link, admin_state_up=True)["operating_status"] == "ONLINE" and nms.circuit(link)["whole"]
    assert cloud.delete(link) is None
    assert not nms.memory()["circuits"] and nms.memory()["calls"] == before + 5
    for name in ("east-1", "west-1"):
        assert not json.loads((programs.folder / f"{name}.json").read_text())["attachments"]


def test_what_the_wan_refuses_is_told_and_can_be_tried_again(programs, cloud, vpn):
    programs.nms.tell(refuse="There is no path with so much bandwidth.")
    link = cloud.settled(create(cloud, vpn))
    assert link["status"] == "ERROR"
    assert link["status_reason"] == "WAN wan: There is no path with so much bandwidth."
    programs.nms.tell()
    answer = cloud.ask("POST", f"/v1/virtual-links/{link['id']}/retry", headers={"X-Roles": "admin"})
    assert answer.status == 202, answer.text
    assert cloud.settled(link)["status"] == "ACTIVE" and programs.nms.circuit(link)["whole"]


@pytest.mark.parametrize("fault", ["half", "lie", "unreachable"])
def test_what_the_wan_leaves_undone_is_asked_for_until_it_is_there(programs, cloud, vpn, fault):
    programs.nms.tell(**{fault: True})
    link = create(cloud, vpn)
    wait_until(lambda: len(calls_of(programs, link, "wan_answer")) >= 2, 20, "a second call")
    assert cloud.link_now(link)["status"] == "BUILD"
    programs.nms.tell()
    assert cloud.settled(link)["status"] == "ACTIVE" and programs.nms.circuit(link)["whole"]


def test_a_long_call_runs_once_and_its_links_can_be_deleted_meanwhile(programs, cloud, vpn):
    before = programs.nms.memory()["calls"]
    programs.nms.tell(latency_ms=LONG_MS)
    asked = time.monotonic()
    link = create(cloud, vpn)
    assert cloud.settled(link)["status"] == "ACTIVE"
    assert time.monotonic() - asked >= LONG_MS / 1000
    assert programs.nms.memory()["calls"] == before + 1 and len(calls_of(programs, link)) == 1
    assert cloud.delete(link) is None
    assert programs.nms.memory()["calls"] == before + 2

    link = create(cloud, vpn)
    wait_until(lambda: programs.nms.circuit(link), 10, "the call")
    assert cloud.delete(link) is None  # when the call has ended
    assert programs.nms.memory()["calls"] == before + 4 and not programs.nms.circuit(link)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_call_goes_on_elsewhere_when_its_conductor_dies(programs, cloud, vpn, how):
    before = programs.nms.memory()["calls"]
    programs.nms.tell(latency_ms=LONG_MS * 2)
    link = create(cloud, vpn)
    [victim] = wait_until(lambda: programs.nms.circuit(link) and calls_of(programs, link), 10, "the call")
    programs.running[victim].send_signal(how)
    assert programs.running.pop(victim).wait(20) == (-signal.SIGKILL if how == signal.SIGKILL else 0)
    try:
        assert cloud.link_now(link)["status"] == "BUILD"
        assert cloud.settled(link)["status"] == "ACTIVE"
    finally:
        programs.start(victim, "atlas-conductor")
    heir = {"conductor": "second", "second": "conductor"}[victim]
    assert programs.nms.memory()["calls"] == before + 1, "the NMS was asked twice for one circuit"
    assert calls_of(programs, link).count(heir) == 1 and calls_of(programs, link, "wan_answer") == [heir]


@pytest.mark.parametrize("point", ["conductor.before_wan_call", "conductor.after_wan_call", "conductor.before_commit"])
def test_a_create_survives_the_death_of_all_conductors_at_its_call(programs, cloud, vpn, point):
    before = programs.nms.memory()["calls"]
    for name in ("conductor", "second"):
        assert programs.stop(name) == 0
    programs.start("conductor", "atlas-conductor", {"ATLAS_FAILPOINTS": f"{point}=kill:{4 if 'commit' in point else 1}"})
    with concurrent.futures.ThreadPoolExecutor() as threads:
        asked = threads.submit(cloud.ask, "POST", "/v1/virtual-links", body(vpn), timeout=60)
        assert programs.running.pop("conductor").wait(30) == -signal.SIGKILL
        for name in ("conductor", "second"):
            programs.start(name, "atlas-conductor")
        answer = asked.result()
    assert answer.status == 202, answer.text
    assert cloud.settled(answer.body["virtual_link"])["status"] == "ACTIVE"
    assert programs.nms.memory()["calls"] == before + 1


def test_a_wan_that_cannot_change_bandwidth_says_so_at_once(programs, cloud, vpn):
    link = cloud.settled(create(cloud, vpn))
    for name in ("conductor", "second"):
        assert programs.stop(name) == 0
        with open(programs.folder / f"{name}.conf", "a") as settings:
            settings.write("changes_live = false\nlimits_bandwidth = false\n")
        programs.start(name, "atlas-conductor")
    answer = cloud.ask("PUT", f"/v1/virtual-links/{link['id']}", {"virtual_link": {"bandwidth": {"a_to_z_kbps": 5}}})
    refused(answer, 409, "link.bandwidth_fixed", "WAN wan")
    assert cloud.delete(link) is None
    link = cloud.settled(create(cloud, vpn))
    assert link["ignored_parameters"] == ["bandwidth"] and programs.nms.circuit(link)["want"]["a_to_z_kbps"] == 0


def test_a_domain_that_cannot_be_is_refused_at_start(programs):
    import subprocess
    from test_programs import BIN
    for section, word in (("[wan:Core]\ndriver = fake\n", "wan:Core"), ("[wan:core]\ndriver = corba\n", "corba"),
                          ("[wan:core]\ndriver = fake\nlatncy_ms = 1\n", "latency_ms")):
        text = re.sub(r"\[wan:wan\](.|\n)*", "", (programs.folder / "conductor.conf").read_text())
        (programs.folder / "bad.conf").write_text(text + section)
        done = subprocess.run([BIN / "atlas-conductor", "--config-file", programs.folder / "bad.conf"],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode != 0 and word in done.stderr, done.stderr
