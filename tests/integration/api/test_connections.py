# SPDX-License-Identifier: Apache-2.0
"""Connections: a VPN, its members, links and plugs in one request, all or nothing; and quotas over REST."""
import json
import uuid

from cloud import wait_until
from test_programs import GATEWAYS, refused


def ask(cloud, *sites, kbps=1000, headers=None, **more):
    ends = [site if isinstance(site, dict) else {"site_id": site} for site in sites]
    return cloud.ask("POST", "/v1/connections", {"connection": {
        "endpoints": ends, "bandwidth": {"a_to_z_kbps": kbps, "z_to_a_kbps": kbps}, **more}}, headers=headers)


def ended(cloud, answer):
    """Its operation, once it is over."""
    assert answer.status == 202, answer.text
    path = answer.headers["Location"].removeprefix(cloud.url)
    assert path == f"/v1/operations/{answer.body['connection']['operation_id']}"

    def look():
        operation = cloud.get(path).body["operation"]
        return operation if operation["status"] != "running" else None
    return wait_until(look, 60, "the connection's end")


def nothing_is_left(programs, cloud):
    assert cloud.get("/v1/vpns").body["vpns"] == []
    assert cloud.get("/v1/virtual-links").body["virtual_links"] == []
    for gateways in GATEWAYS.values():
        for name, *_ in gateways:
            state = programs.folder / f"{name}.json"
            held = json.loads(state.read_text()) if state.exists() else {"ports": [], "attachments": []}
            assert not held["ports"] and not held["attachments"], (name, held)


def test_two_sites_are_connected_in_one_request(programs, cloud):
    networks = {site: str(uuid.uuid4()) for site in ("east", "west")}
    answer = ask(cloud, *({"site_id": s, "network_id": n} for s, n in networks.items()), name="offices", type="vpls")
    operation = ended(cloud, answer)
    assert (operation["type"], operation["status"], operation["status_reason"]) == ("connect", "done", None)
    assert [(s["from"], s["to"]) for s in operation["steps"]] == [("START", "LINKS"), ("LINKS", "DONE")]
    connection = answer.body["connection"]
    assert operation["virtual_link_ids"] == connection["virtual_link_ids"] and len(operation["virtual_link_ids"]) == 1
    vpn = cloud.get(f"/v1/vpns/{connection['vpn_id']}").body["vpn"]
    assert vpn["name"] == "offices" and len(vpn["site_ids"]) == 2
    link = cloud.get(f"/v1/virtual-links/{connection['virtual_link_ids'][0]}").body["virtual_link"]
    assert (link["name"], link["status"], link["vpn_id"]) == ("offices", "ACTIVE", vpn["id"])
    assert {e["network_id"] for e in link["endpoints"]} == set(networks.values())
    parts = cloud.get(f"/v1/operations?parent_id={operation['id']}").body["operations"]
    assert [(p["type"], p["virtual_link_id"]) for p in parts] == [("create", link["id"])]
    cloud.clear()
    nothing_is_left(programs, cloud)


def test_a_type_needs_no_naming(cloud):
    operation = ended(cloud, ask(cloud, "east", "strict", kbps=100))
    assert operation["status"] == "done", operation
    assert cloud.get("/v1/vpns").body["vpns"][0]["type"] == "vpls"  # strict has no other
    cloud.clear()


def test_one_site_that_refuses_takes_all_back(programs, cloud):
    """Site strict takes links with east only: of the full mesh one link fails."""
    operation = ended(cloud, ask(cloud, "east", "west", "strict", kbps=100))
    assert operation["status"] == "failed"
    assert "strict" in operation["status_reason"] and len(operation["virtual_link_ids"]) == 3
    assert [(s["from"], s["to"]) for s in operation["steps"]] == [("START", "LINKS"), ("LINKS", "UNDO"), ("UNDO", "FAILED")]
    nothing_is_left(programs, cloud)


def test_a_named_vpn_stays_with_what_it_had(programs, cloud, vpn):
    cloud.ask("PUT", f"/v1/vpns/{vpn['id']}/remove_site", {"site_id": "west"})
    had = cloud.get(f"/v1/vpns/{vpn['id']}").body["vpn"]["site_ids"]
    operation = ended(cloud, ask(cloud, "east", "west", "strict", kbps=100, vpn_id=vpn["id"]))
    assert operation["status"] == "failed"
    assert cloud.get(f"/v1/vpns/{vpn['id']}").body["vpn"]["site_ids"] == had
    operation = ended(cloud, ask(cloud, "east", "west", vpn_id=vpn["id"]))
    assert operation["status"] == "done" and operation["vpn_id"] == vpn["id"]
    refused(ask(cloud, "east", "west", vpn_id=vpn["id"]), 409, "link.pair_in_use", vpn["id"])


def test_a_delete_of_one_link_meanwhile_takes_all_back(programs, cloud):
    (programs.folder / "west-control.json").write_text(json.dumps({"latency_ms": 1500}))
    try:
        answer = ask(cloud, "east", {"site_id": "west", "network_id": str(uuid.uuid4())}, type="vpls")
        link = answer.body["connection"]["virtual_link_ids"][0]
        assert cloud.ask("DELETE", f"/v1/virtual-links/{link}").status in (202, 204)
        operation = ended(cloud, answer)
    finally:
        (programs.folder / "west-control.json").unlink()
    assert operation["status"] == "failed" and link in operation["status_reason"], operation
    nothing_is_left(programs, cloud)


def test_the_client_may_wait_for_it(cloud):
    answer = ask(cloud, "east", "west", type="vpls", headers={"Prefer": "wait=20"})
    assert answer.status == 201 and answer.headers["Preference-Applied"] == "wait=20"
    assert answer.body["connection"]["status"] == "done"
    cloud.clear()
    answer = ask(cloud, "east", "west", "strict", kbps=100, headers={"Prefer": "wait=20"})
    assert answer.status == 202 and answer.body["connection"]["status"] == "failed"
    assert "strict" in answer.body["connection"]["status_reason"]


def test_it_is_made_once_for_each_key(cloud):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, second = (ask(cloud, "east", "west", type="vpls", headers=key) for _ in range(2))
    assert first.status == second.status == 202 and first.body == second.body
    assert len(cloud.get("/v1/vpns").body["vpns"]) == 1
    refused(ask(cloud, "east", "west", type="mpls", headers=key), 422, "request.key_reused")
    assert ended(cloud, first)["status"] == "done"
    cloud.clear()


def test_what_cannot_be_is_refused_and_leaves_nothing(programs, cloud):
    refused(ask(cloud, "east"), 400, "request.invalid", "connection.endpoints")
    refused(ask(cloud, *["east"] * 9), 400, "request.invalid", "connection.endpoints")
    refused(ask(cloud, "east", "east"), 400, "request.same_site", "east")
    refused(ask(cloud, "east", "nowhere"), 404, "not_found", "nowhere")
    refused(ask(cloud, "east", "west", type="carrier-pigeon"), 409, "gateway.domain_mismatch", "carrier-pigeon", "east", "west")
    refused(ask(cloud, "east", "west", vpn_id=str(uuid.uuid4())), 404, "not_found")
    refused(ask(cloud, "east", "west", type="vpls", kbps=20000), 409, "link.bandwidth_unavailable")
    both = {"site_id": "west", "network_id": str(uuid.uuid4()), "port_id": str(uuid.uuid4())}
    refused(ask(cloud, "east", both), 400, "request.invalid", "connection.endpoints[1]")
    refused(ask(cloud, "east", "west", project_id="somebody-else"), 400, "request.invalid", "connection.project_id")
    nothing_is_left(programs, cloud)


def test_quotas_count_all_of_it_at_once(programs, cloud, operator):
    path = f"/v1/quotas/{cloud.project}"
    for limits, over in (({"vpn": 0}, "vpn"), ({"vpn": -1, "virtual_link": 2}, "virtual_link"), ({"virtual_link": -1, "kbps": 250}, "kbps")):
        assert operator.ask("PUT", path, {"quota": limits}).status == 200
        error = refused(ask(cloud, "east", "west", "strict", kbps=100), 409, "quota.exceeded", over)
        assert error["details"]["resource"] == over
        nothing_is_left(programs, cloud)
    assert operator.ask("DELETE", path).status == 204


def test_quotas_have_neutrons_shapes(cloud, operator):
    path = f"/v1/quotas/{cloud.project}"
    default = cloud.get(path).body["quota"]
    assert default == {"project_id": cloud.project, "tenant_id": cloud.project, "vpn": -1, "virtual_link": -1, "kbps": -1}
    assert operator.ask("PUT", path, {"quota": {"vpn": 3, "kbps": 5000}}).body["quota"] == {**default, "vpn": 3, "kbps": 5000}
    assert ended(cloud, ask(cloud, "east", "west", type="vpls", kbps=700))["status"] == "done"
    assert cloud.get(path + "/details").body["quota"] == {
        "vpn": {"limit": 3, "used": 1, "reserved": 0}, "virtual_link": {"limit": -1, "used": 1, "reserved": 0},
        "kbps": {"limit": 5000, "used": 700, "reserved": 0}}
    assert operator.get(path).body["quota"]["vpn"] == 3
    for wrong in ({"vpn": -2}, {"vpn": 1.5}, {"vpn": "3"}, {"vpn": True}, {"kbps": 2 ** 63}, {"floatingip": 1}):
        refused(operator.ask("PUT", path, {"quota": wrong}), 400, "request.invalid", *([] if 2 ** 63 in wrong.values() else wrong))
    assert operator.ask("DELETE", path).status == 204
    assert cloud.get(path).body["quota"] == default
    refused(cloud.ask("PUT", path, {"quota": {"vpn": 99}}), 403, "policy.forbidden", "update_quota")
    refused(cloud.ask("DELETE", path), 403, "policy.forbidden", "delete_quota")
    refused(cloud.get("/v1/quotas/somebody-else"), 404, "not_found", "somebody-else")
    refused(cloud.get("/v1/quotas/somebody-else/details"), 404, "not_found", "somebody-else")
    cloud.clear()
