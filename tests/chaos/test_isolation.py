# SPDX-License-Identifier: Apache-2.0
"""Gateways that hang, sites that fall silent, devices that lose their memory: the others go on, and each says how it is."""
import json
import time
import uuid

import pytest

from truth import devices_agree, settled
from world import N_GATEWAYS, SITES, wait_until

HUNG = N_GATEWAYS - 1  # of each site
SILENT_S = 30
RESTORED_S = 30
MANY = 4000


def emptied(world):
    """Asks for the end of what a page shows; whether nothing is left."""
    for link in world.api.get("/v1/virtual-links?fields=id&provisioning_status=ACTIVE&provisioning_status=ERROR"
                               "&provisioning_status=PENDING_CREATE&provisioning_status=PENDING_UPDATE").body["virtual_links"]:
        world.api.ask("DELETE", f"/v1/virtual-links/{link['id']}")
    return world.one("SELECT count(*) FROM vlink") == 0


@pytest.fixture
def world(isolated_world):
    yield isolated_world
    wait_until(lambda: emptied(isolated_world), 180, "an empty world")


@pytest.fixture
def operator(world):
    return type(world.api)(world.api.url, "ops", "admin")


def gateways(who):
    return {each["name"]: each for each in who.get("/v1/gateways").body["gateways"]}


def create(world, vpn, i, j=None):
    ids = {name: each["id"] for name, each in gateways(world.api).items()}
    ends = [{"site_id": site, "gateway_id": ids[f"{site}-gw{k}"]} for site, k in zip(SITES, (i, i if j is None else j))]
    answer = world.api.ask("POST", "/v1/virtual-links", {"virtual_link": {
        "name": f"{i}", "vpn_id": vpn, "endpoints": ends, "bandwidth": {"a_to_z_kbps": 1000, "z_to_a_kbps": 1000}}})
    assert answer.status == 202, answer.text
    return answer.body["virtual_link"]["id"]


def status(world, link):
    return world.api.get(f"/v1/virtual-links/{link}").body["virtual_link"]["status"]


def becomes_active(world, link):
    began = time.monotonic()
    wait_until(lambda: status(world, link) == "ACTIVE", 30, "ACTIVE")
    return time.monotonic() - began


def test_gateways_that_hang_delay_nobody_else(world, operator, say):
    """All but one of each site hang, with work that waits for them, until they are only looked at."""
    hung = [f"{site}-gw{i}" for site in SITES for i in range(HUNG)]
    vpns = world.new_vpns(14)
    alone_s = max(becomes_active(world, create(world, vpn, HUNG)) for vpn in vpns[:4])
    with world.told(hung, {"hang": True}):
        waiting = [create(world, vpns[4], i) for i in range(HUNG)]
        beside_s = max(becomes_active(world, create(world, vpn, HUNG)) for vpn in vpns[4:8])
        wait_until(lambda: all(each["status"] == "DOWN" and "commands in a row" in each["status_reason"]
                               for name, each in gateways(operator).items() if name in hung), 60, "the quarantine of all that hang")
        shown = gateways(operator)
        assert all(shown[f"{site}-gw{HUNG}"]["status"] == "ACTIVE" for site in SITES), shown
        quarantined_s = max(becomes_active(world, create(world, vpn, HUNG)) for vpn in vpns[8:12])
        assert all(status(world, link) != "ACTIVE" for link in waiting)
    began = time.monotonic()
    fresh = [create(world, vpns[12], i) for i in range(HUNG)]
    for link in fresh:
        becomes_active(world, link)
    back_s = time.monotonic() - began
    wait_until(lambda: all(each["status"] == "ACTIVE" and each["status_reason"] is None for each in gateways(operator).values()), 20, "all well")
    # Far from the 2 s that each command to a gateway that hangs takes.
    assert max(beside_s, quarantined_s) < 2, (alone_s, beside_s, quarantined_s)
    say(f"{len(hung)} of {2 * N_GATEWAYS} gateways hang: a link beside them took at most {beside_s:.2f} s, {quarantined_s:.2f} s while they were "
        f"only looked at ({alone_s:.2f} s before); links over them {back_s:.1f} s after they worked again")


def test_a_gateway_that_refuses_for_now_one_link_takes_the_others(world, say):
    vpns = world.new_vpns(6)
    poison = create(world, vpns[0], 0)
    becomes_active(world, poison)
    port = world.one("SELECT p.id::text FROM vport p WHERE link_id = %s AND site_name = 'east'", poison)
    with world.told(["east-gw0"], {"refuse_ports": [port], "busy": True}):
        answer = world.api.ask("PUT", f"/v1/virtual-links/{poison}", {"virtual_link": {"bandwidth": {"a_to_z_kbps": 5, "z_to_a_kbps": 5}}})
        assert answer.status == 202, answer.text
        wait_until(lambda: world.rows("SELECT 1 FROM work WHERE tries > 2"), 20, "a port that is asked again and again")
        others_s = max(becomes_active(world, create(world, vpn, 0)) for vpn in vpns[1:])
    wait_until(lambda: world.api.get(f"/v1/virtual-links/{poison}").body["virtual_link"]["bandwidth"]["a_to_z_kbps"] == 5, 40, "the change")
    assert others_s < 2
    say(f"links beside one that was refused again and again took at most {others_s:.2f} s")


def test_a_silent_sites_links_read_unknown_and_no_row_is_written(world, operator, say):
    links = [create(world, vpn, i) for i, vpn in enumerate(world.new_vpns(3))]
    for link in links:
        becomes_active(world, link)
    settled(world)
    rows = "SELECT count(*), max(xmin::text::bigint), max(revision_number) FROM vlink"
    before, n_events = world.rows(rows), world.one("SELECT count(*) FROM event WHERE type LIKE 'virtual_%%'")
    world.kill("west-1")
    began = time.monotonic()
    wait_until(lambda: all(status(world, link) == "UNKNOWN" for link in links), SILENT_S + 15, "UNKNOWN")
    silent_s = time.monotonic() - began
    assert gateways(operator)["west-gw0"]["status"] == "UNKNOWN" and gateways(operator)["east-gw0"]["status"] == "ACTIVE"
    shown = world.api.get(f"/v1/virtual-links/{links[0]}").body["virtual_link"]
    assert (shown["operating_status"], shown["provisioning_status"]) == ("UNKNOWN", "ACTIVE") and shown["verified_at"]
    assert world.rows(rows) == before and world.one("SELECT count(*) FROM event WHERE type LIKE 'virtual_%%'") == n_events
    world.start("west-1")
    began = time.monotonic()
    wait_until(lambda: all(status(world, link) == "ACTIVE" for link in links), 10, "ACTIVE")
    # The last word may be 10 s old in its row when the site falls silent.
    assert SILENT_S - 15 < silent_s < SILENT_S + 3
    say(f"UNKNOWN {silent_s:.1f} s after the site's agent was killed, ACTIVE {time.monotonic() - began:.1f} s after it was back")


def test_what_drifts_is_put_right_and_what_is_unknown_stays(world, say):
    vpn = world.new_vpns(1)[0]
    link = create(world, vpn, 0)
    becomes_active(world, link)
    settled(world)
    path = world.folder / "east-gw0.json"
    world.stop("east-1")  # nobody else writes the file meanwhile
    held = json.loads(path.read_text())
    stranger = {**held["ports"][0], "id": str(uuid.uuid4()), "link_id": str(uuid.uuid4()), "local_label": 999999}
    path.write_text(json.dumps({**held, "ports": [stranger]}))
    world.start("east-1")
    began = time.monotonic()
    wait_until(lambda: len(json.loads(path.read_text())["ports"]) == 2, 30, "the lost port again")
    back_s = time.monotonic() - began
    said = world.rows("SELECT reason FROM event WHERE type = 'gateway.audited' AND object_id = (SELECT id FROM gateway WHERE name = 'east-gw0')")
    assert any("1 are unknown and left alone" in reason for reason, in said), said
    assert stranger["id"] in [port["id"] for port in json.loads(path.read_text())["ports"]]
    world.stop("east-1")
    held = json.loads(path.read_text())
    path.write_text(json.dumps({**held, "ports": [port for port in held["ports"] if port["id"] != stranger["id"]]}))
    world.start("east-1")
    say(f"the lost port was there again after {back_s:.1f} s")


def test_a_restarted_gateway_is_restored(world, say):
    """Thousands of links of one gateway, all gone from it with its memory."""
    vpns = world.new_vpns(-(-MANY // N_GATEWAYS))
    ids = {name: each["id"] for name, each in gateways(world.api).items()}
    pairs = [(vpn, j) for vpn in vpns for j in range(N_GATEWAYS)][:MANY]
    began = time.monotonic()
    for at in range(0, MANY, 100):
        links = [{"name": "", "vpn_id": vpn, "endpoints": [{"site_id": "east", "gateway_id": ids["east-gw0"]},
                                                           {"site_id": "west", "gateway_id": ids[f"west-gw{j}"]}],
                  "bandwidth": {"a_to_z_kbps": 1, "z_to_a_kbps": 1}} for vpn, j in pairs[at:at + 100]]
        wait_until(lambda: world.api.ask("POST", "/v1/virtual-links", {"virtual_links": links}).status == 202, 60, "100 links")
    settled(world, 180)
    made_s = time.monotonic() - began
    path = world.folder / "east-gw0.json"
    world.stop("east-1")
    held = json.loads(path.read_text())
    assert len(held["ports"]) == MANY
    path.write_text(json.dumps({**held, "boot_id": "after-the-fire", "ports": [], "attachments": [], "epoch": 0, "seq": 0}))
    world.start("east-1")
    began = time.monotonic()
    wait_until(lambda: len(json.loads(path.read_text())["ports"]) == MANY, 4 * RESTORED_S, f"{MANY} links")
    restored_s = time.monotonic() - began
    settled(world)
    devices_agree(world)
    say(f"{MANY} links made in {made_s:.0f} s; lost by their gateway, all were there again {restored_s:.1f} s after an agent saw it")
    world.rows("UPDATE gateway SET audit_wanted = audit_wanted")
