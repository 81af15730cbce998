# SPDX-License-Identifier: Apache-2.0
"""What an OpenStack user already knows how to use: Neutron's conventions, each by its name."""
import concurrent.futures
import re
import time
import urllib.request
import uuid

from keystoneauth1 import adapter, discover, noauth, session
import pytest

from test_programs import body, create, refused

STRANGER = "ffffffffffffffffffffffffffffffff"


def names(answer, many="vpns"):
    assert answer.status == 200, answer.text
    return [each["name"] for each in answer.body[many]]


@pytest.fixture
def colours(cloud):
    """Five VPNs of two types."""
    made = {}
    for name, kind in (("red", "vpls"), ("green", "mpls"), ("blue", "vpls"), ("amber", "mpls"), ("", "vpls")):
        made[name] = cloud.vpn(name, kind, [])
    yield made
    cloud.clear()


# ---- discovery ----

def test_the_root_and_the_version_document_need_nobody(cloud):
    root = urllib.request.urlopen(cloud.url + "/", timeout=5)
    assert root.status == 200
    versions = cloud.get("/").body["versions"]
    assert [(each["id"], each["status"]) for each in versions] == [("v1.0", "CURRENT")]
    assert versions[0]["links"] == [{"rel": "self", "href": cloud.url + "/v1/"}]
    for path in ("/v1", "/v1/"):
        assert cloud.get(path).body["version"] == versions[0]
    assert cloud.ask("POST", "/", {}).status == 405


class Project(noauth.NoAuth):
    """noauth: the headers say who asks."""

    def get_headers(self, session, **kwargs):
        return {"X-Project-Id": "keystoneauth", "X-Roles": "member"}


def test_keystoneauth_discovers_and_speaks(cloud):
    client = session.Session(auth=Project())
    found = discover.Discover(client, cloud.url)
    assert found.url_for("1") == cloud.url + "/v1/"
    assert found.version_data()[0]["version"] == (1, 0)
    api = adapter.Adapter(client, service_type="elastic-network", endpoint_override=cloud.url, min_version="1")
    made = api.post("/v1/vpns", json={"vpn": {"name": "by-adapter", "type": "vpls"}})
    assert made.status_code == 201
    vpn = made.json()["vpn"]
    assert [each["id"] for each in api.get("/v1/vpns").json()["vpns"]] == [vpn["id"]]
    missing = api.get(f"/v1/vpns/{uuid.uuid4()}", raise_exc=False)
    assert missing.status_code == 404
    assert api.delete(f"/v1/vpns/{vpn['id']}").status_code == 204


def test_keystoneauth_reads_our_errors(cloud):
    from keystoneauth1 import exceptions
    api = adapter.Adapter(session.Session(auth=Project()), endpoint_override=cloud.url)
    with pytest.raises(exceptions.NotFound) as caught:
        api.get(f"/v1/vpns/{uuid.uuid4()}")
    assert "could not be found" in caught.value.message
    assert caught.value.request_id.startswith("req-")


def test_extensions_are_listed_by_alias(cloud):
    listed = cloud.get("/v1/extensions").body["extensions"]
    aliases = [each["alias"] for each in listed]
    assert aliases == sorted(set(aliases))
    for alias in ("pagination", "sorting", "standard-attr-tag", "revision-if-match", "idempotency-key"):
        assert alias in aliases
    assert cloud.get("/v1/extensions/sorting").body["extension"] == listed[aliases.index("sorting")]
    refused(cloud.get("/v1/extensions/teleport"), 404, "not_found", "teleport")


# ---- lists ----

def test_a_filter_that_is_repeated_means_or_and_others_and(cloud, colours):
    assert sorted(names(cloud.get("/v1/vpns?name=red&name=blue"))) == ["blue", "red"]
    assert names(cloud.get("/v1/vpns?name=red&name=blue&name=green&type=mpls")) == ["green"]
    assert names(cloud.get("/v1/vpns?name=")) == [""]


def test_an_unknown_filter_is_refused_and_named(cloud):
    refused(cloud.get("/v1/vpns?colour=red"), 400, "request.invalid_query", "colour")


def test_fields_leave_only_what_was_asked_for(cloud, colours):
    for each in cloud.get("/v1/vpns?fields=name&fields=type").body["vpns"]:
        assert sorted(each) == ["name", "type"]
    one = cloud.get(f"/v1/vpns/{colours['red']['id']}?fields=id").body["vpn"]
    assert one == {"id": colours["red"]["id"]}


def test_lists_are_sorted_by_several_keys(cloud, colours):
    ask = lambda query: names(cloud.get("/v1/vpns?" + query))  # noqa: E731
    assert ask("sort_key=name") == ["", "amber", "blue", "green", "red"]
    assert ask("sort_key=name&sort_dir=desc") == ["red", "green", "blue", "amber", ""]
    assert ask("sort_key=type&sort_dir=asc&sort_key=name&sort_dir=desc") == ["green", "amber", "red", "blue", ""]
    refused(cloud.get("/v1/vpns?sort_key=site_ids"), 400, "request.invalid_query", "sort_key")
    refused(cloud.get("/v1/vpns?sort_key=name&sort_dir=up"), 400, "request.invalid_query", "sort_dir")
    refused(cloud.get("/v1/vpns?sort_key=name&sort_key=id&sort_dir=asc"), 400, "request.invalid_query", "sort_dir")


def walk(cloud, path, many, rel):
    """The pages that the links lead to."""
    pages = []
    while path:
        answer = cloud.get(path)
        assert answer.status == 200, answer.text
        pages.append(names(answer, many))
        path = next((link["href"][len(cloud.url):] for link in answer.body.get(many + "_links", [])
                     if link["rel"] == rel), None)
        assert len(pages) < 10
    return pages


@pytest.mark.parametrize("order", ["", "sort_key=name", "sort_key=name&sort_dir=desc",
                                   "sort_key=type&sort_dir=desc&sort_key=name&sort_dir=asc", "sort_key=created_at"])
def test_pages_lead_forward_and_back_in_any_order(cloud, colours, order):
    whole = names(cloud.get("/v1/vpns?" + order))
    there = walk(cloud, f"/v1/vpns?limit=2&{order}", "vpns", "next")
    assert there == [whole[0:2], whole[2:4], whole[4:5]]
    back = walk(cloud, f"/v1/vpns?limit=2&page_reverse=True&{order}", "vpns", "previous")
    assert back == [whole[3:5], whole[1:3], whole[0:1]]
    last = next(each["id"] for each in colours.values() if each["name"] == whole[4])
    before = cloud.get(f"/v1/vpns?limit=2&page_reverse=True&marker={last}&{order}")
    assert names(before) == whole[2:4]
    assert sorted(link["rel"] for link in before.body["vpns_links"]) == ["next", "previous"]


def test_a_marker_that_is_nowhere_is_no_place_to_go_on_from(cloud, colours):
    path = f"/v1/vpns?sort_key=name&marker={uuid.uuid4()}"
    refused(cloud.get(path), 404, "not_found")
    rival = cloud.as_project(STRANGER)
    refused(rival.get(f"/v1/vpns?sort_key=name&marker={colours['red']['id']}"), 404, "not_found")
    for limit in ("-1", "x", "1.5", ""):
        refused(cloud.get(f"/v1/vpns?limit={limit}"), 400, "request.invalid_query", "limit")


def test_tags_are_set_added_removed_and_asked_for(cloud, colours):
    red, blue = (f"/v1/vpns/{colours[name]['id']}/tags" for name in ("red", "blue"))
    assert cloud.get(red).body == {"tags": []}
    assert cloud.ask("PUT", red, {"tags": ["warm", "loud"]}).body == {"tags": ["loud", "warm"]}
    assert cloud.ask("POST", red, {"tags": ["big"]}).body == {"tags": ["big", "loud", "warm"]}
    assert cloud.ask("PUT", blue + "/cold").status == 201
    assert cloud.ask("PUT", blue + "/big").status == 201
    assert cloud.get(blue + "/cold").status == 204
    refused(cloud.get(blue + "/warm"), 404, "not_found", "warm")
    ask = lambda query: sorted(names(cloud.get("/v1/vpns?fields=name&" + query)))  # noqa: E731
    assert ask("tags=big") == ["blue", "red"]
    assert ask("tags=big,cold") == ["blue"]
    assert ask("tags=big&tags=cold") == ["blue"]
    assert ask("tags-any=cold,warm") == ["blue", "red"]
    assert ask("not-tags=big,cold") == ["", "amber", "green", "red"]
    assert ask("not-tags-any=big,cold") == ["", "amber", "green"]
    assert cloud.ask("DELETE", blue + "/cold").status == 204
    refused(cloud.ask("DELETE", blue + "/cold"), 404, "not_found", "cold")
    assert cloud.ask("DELETE", red).status == 204
    assert cloud.get(f"/v1/vpns/{colours['red']['id']}").body["vpn"]["tags"] == []


def test_links_have_tags_too(cloud, vpn):
    link = cloud.settled(create(cloud, vpn))
    path = f"/v1/virtual-links/{link['id']}/tags/gr%C3%BCn%20%26%20gut"
    assert cloud.ask("PUT", path).status == 201
    assert cloud.get(path).status == 204
    assert cloud.get("/v1/virtual-links?tags=gr%C3%BCn%20%26%20gut").body["virtual_links"][0]["id"] == link["id"]
    rival = cloud.as_project(STRANGER)
    refused(rival.get(path), 404, "not_found")
    refused(rival.ask("PUT", path), 404, "not_found")
    refused(rival.ask("DELETE", path), 404, "not_found")


# ---- what every object says ----

def test_times_are_whole_seconds_of_utc_and_changed_since_uses_them(cloud, colours):
    shown = cloud.get(f"/v1/vpns/{colours['red']['id']}").body["vpn"]
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(form, shown["created_at"]) and re.fullmatch(form, shown["updated_at"])
    time.sleep(1.1)
    change = cloud.ask("PUT", f"/v1/vpns/{shown['id']}", {"vpn": {"description": "warm"}}).body["vpn"]
    assert change["updated_at"] > shown["updated_at"] and change["created_at"] == shown["created_at"]
    assert names(cloud.get(f"/v1/vpns?changed_since={change['updated_at']}")) == ["red"]
    assert len(names(cloud.get(f"/v1/vpns?changed_since={shown['created_at']}"))) == 5
    assert names(cloud.get("/v1/vpns?changed_since=2999-01-01T00:00:00Z")) == []
    refused(cloud.get("/v1/vpns?changed_since=yesterday"), 400, "request.invalid_query", "changed_since")


def test_project_id_and_tenant_id_are_the_same(cloud, vpn):
    shown = cloud.get(f"/v1/vpns/{vpn['id']}").body["vpn"]
    assert shown["project_id"] == shown["tenant_id"] == cloud.project
    for name in ("project_id", "tenant_id"):
        assert vpn["id"] in [each["id"] for each in cloud.get(f"/v1/vpns?{name}={cloud.project}").body["vpns"]]
        assert cloud.ask("POST", "/v1/vpns", {"vpn": {"type": "vpls", name: cloud.project}}).status == 201
        refused(cloud.ask("POST", "/v1/vpns", {"vpn": {"type": "vpls", name: STRANGER}}), 400, "request.invalid", name)


def test_if_match_lets_one_of_two_changes_through(cloud, vpn):
    path, old = f"/v1/vpns/{vpn['id']}", cloud.get(f"/v1/vpns/{vpn['id']}").body["vpn"]["revision_number"]
    match = {"If-Match": f"revision_number={old}"}
    changed = cloud.ask("PUT", path, {"vpn": {"name": "first"}}, headers=match)
    assert changed.status == 200 and changed.body["vpn"]["revision_number"] == old + 1
    late = refused(cloud.ask("PUT", path, {"vpn": {"name": "second"}}, headers=match), 412, "revision_mismatch")
    assert late["details"]["revision_number"] == old + 1
    refused(cloud.ask("DELETE", path, headers=match), 412, "revision_mismatch")
    refused(cloud.ask("PUT", path + "/tags/x", headers=match), 412, "revision_mismatch")
    for bad in ("*", "7", "revision_number=", "revision_number=x", 'revision_number=1, revision_number=2'):
        refused(cloud.ask("PUT", path, {"vpn": {}}, headers={"If-Match": bad}), 400, "request.invalid_header", "If-Match")
    assert cloud.get(path).body["vpn"]["name"] == "first"


def test_if_match_holds_for_links(cloud, vpn):
    link = cloud.settled(create(cloud, vpn))
    stale = {"If-Match": f"revision_number={link['revision_number'] + 7}"}
    path = f"/v1/virtual-links/{link['id']}"
    refused(cloud.ask("PUT", path, {"virtual_link": {"name": "x"}}, headers=stale), 412, "revision_mismatch")
    refused(cloud.ask("DELETE", path, headers=stale), 412, "revision_mismatch")
    fresh = {"If-Match": f"revision_number={cloud.get(path).body['virtual_link']['revision_number']}"}
    assert cloud.ask("DELETE", path, headers=fresh).status == 202


# ---- operators ----

def test_agents_are_shown_to_operators_only(cloud, operator):
    agents = operator.get("/v1/agents").body["agents"]
    assert sorted(each["host"] for each in agents) == ["east", "strict", "west"]
    assert all(each["alive"] and each["binary"] == "atlas-agent" for each in agents)
    assert operator.get("/v1/agents?host=east&alive=true").body["agents"][0]["topic"] == "atlas-agent.east"
    assert operator.get(f"/v1/agents/{agents[0]['id']}").body["agent"] == agents[0]
    refused(cloud.get("/v1/agents"), 403, "policy.forbidden", "get_agent")
    refused(cloud.get(f"/v1/agents/{agents[0]['id']}"), 403, "policy.forbidden", "get_agent")


def test_only_operators_retry_and_force_delete(cloud, operator, vpn):
    link = cloud.settled(create(cloud, vpn))
    path = f"/v1/virtual-links/{link['id']}"
    refused(cloud.ask("POST", path + "/retry"), 403, "policy.forbidden", "retry_virtual_link")
    refused(cloud.ask("POST", path + "/force_delete"), 403, "policy.forbidden", "force_delete_virtual_link")
    assert operator.ask("POST", path + "/retry").status == 409
    assert operator.ask("POST", path + "/force_delete").status == 204
    assert cloud.get(path).status == 404


def test_only_operators_freeze_and_release(cloud, operator, vpn):
    gateway = f"/v1/gateways/{cloud.get('/v1/gateways?name=east-1').body['gateways'][0]['id']}"
    refused(cloud.get("/v1/freeze"), 403, "policy.forbidden", "get_freeze")
    refused(cloud.ask("PUT", "/v1/freeze", {"freeze": {"frozen": True}}), 403, "policy.forbidden", "update_freeze")
    refused(cloud.ask("POST", gateway + "/release"), 403, "policy.forbidden", "release_gateway")
    assert operator.get("/v1/freeze").body["freeze"]["frozen"] is False
    try:
        answer = operator.ask("PUT", "/v1/freeze", {"freeze": {"frozen": True, "reason": "Work on the WAN."}})
        assert answer.status == 200 and answer.body["freeze"]["frozen"] is True, answer.text
        assert operator.get("/v1/freeze").body == answer.body
        shown = operator.get(gateway).body["gateway"]
        assert shown["frozen"] is True and shown["halted"] is False and shown["status"] == "ACTIVE"
        assert "frozen" not in cloud.get(gateway).body["gateway"] and cloud.get(gateway).body["gateway"]["status"] == "ACTIVE"
        refused(cloud.ask("POST", "/v1/virtual-links", body(vpn)), 503, "service.frozen", "Work on the WAN.")
    finally:
        answer = operator.ask("PUT", "/v1/freeze", {"freeze": {"frozen": False}})
    assert answer.body["freeze"]["frozen"] is False
    assert cloud.settled(create(cloud, vpn))["status"] == "ACTIVE"
    assert operator.ask("POST", gateway + "/release").body["gateway"]["halted"] is False
    types = [each["type"] for each in operator.get("/v1/events?all_projects=true").body["events"]]
    assert {"control.frozen", "control.unfrozen"} <= set(types)


def test_a_link_is_taken_down_and_up(cloud, vpn):
    link = cloud.settled(create(cloud, vpn))
    path = f"/v1/virtual-links/{link['id']}"
    answer = cloud.ask("PUT", path, {"virtual_link": {"admin_state_up": False}})
    assert answer.status == 202, answer.text
    down = cloud.settled(link)
    assert (down["admin_state_up"], down["operating_status"], down["status"]) == (False, "OFFLINE", "DOWN")
    assert cloud.ask("PUT", path, {"virtual_link": {"admin_state_up": True}}).status == 202
    assert cloud.settled(link)["status"] == "ACTIVE"


# ---- around a request ----

def test_a_clients_own_request_id_is_logged_beside_ours(programs, cloud):
    own = f"req-{uuid.uuid4()}"
    answer = cloud.ask("POST", "/v1/vpns", {"vpn": {"type": "vpls"}}, headers={"X-Openstack-Request-Id": own})
    ours = answer.headers["X-Openstack-Request-Id"]
    assert ours != own and re.fullmatch(r"req-[0-9a-f-]{36}", ours)
    line = next(each for each in programs.log("api").splitlines() if f"request={ours}" in each)
    assert f"global_request={own}" in line
    bad = cloud.ask("GET", "/v1/vpns", headers={"X-Openstack-Request-Id": "req-'; DROP TABLE vpn"})
    line = next(each for each in programs.log("api").splitlines()
                if f"request={bad.headers['X-Openstack-Request-Id']}" in each)
    assert "DROP" not in line


def test_a_trace_goes_on_through_the_programs(programs, cloud):
    trace = uuid.uuid4().hex
    answer = cloud.ask("POST", "/v1/vpns", {"vpn": {"type": "vpls"}},
                       headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    line = next(each for each in programs.log("api").splitlines()
                if f"request={answer.headers['X-Openstack-Request-Id']}" in each)
    assert f"trace={trace}" in line


def test_what_a_proxy_says_counts_by_option_only(programs, cloud):
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "wan.example", "X-Forwarded-Prefix": "/atlas/"}
    assert cloud.ask("GET", "/", headers=said).body["versions"][0]["links"][0]["href"] == cloud.url + "/v1/"
    conf = programs.folder / "api.conf"
    (programs.folder / "proxied.conf").write_text(
        conf.read_text() + "[oslo_middleware]\nenable_proxy_headers_parsing = true\n")
    programs.start("proxied", "atlas-api")
    try:
        behind = cloud.as_project(cloud.project)
        behind.url = f"http://127.0.0.1:{programs.found('proxied', r'event=api.ready .* port=([0-9]+)')}"
        seen = lambda **more: behind.ask("GET", "/", headers={**said, **more}).body["versions"][0]["links"][0]["href"]  # noqa: E731
        assert seen() == "https://wan.example/atlas/v1/"
        assert seen(**{"X-Forwarded-Proto": "gopher"}) == "http://wan.example/atlas/v1/"
        assert seen(**{"X-Forwarded-Host": "first.example, second.example"}) == "https://first.example/atlas/v1/"
        assert "evil" not in seen(**{"X-Forwarded-Host": "e<vil>"})
        made = behind.ask("POST", "/v1/vpns", {"vpn": {"type": "vpls"}}, headers=said)
        assert made.headers["Location"] == f"https://wan.example/atlas/v1/vpns/{made.body['vpn']['id']}"
    finally:
        programs.stop("proxied")


def test_health_names_what_is_missing_and_never_waits(programs, cloud):
    assert cloud.get("/healthcheck").body == {"live": True, "ready": True, "failing": [],
                                              "dependencies": {"database": "ok", "bus": "ok"}}
    assert cloud.get("/healthcheck/live").body == {"live": True}
    conf = (programs.folder / "api.conf").read_text()
    (programs.folder / "lonely.conf").write_text(re.sub(r"(transport_url = \S+@127\.0\.0\.1):\d+", r"\1:1", conf))
    programs.start("lonely", "atlas-api")
    try:
        lonely = cloud.as_project(cloud.project)
        lonely.url = f"http://127.0.0.1:{programs.found('lonely', r'event=api.ready .* port=([0-9]+)')}"
        began = time.monotonic()
        answer = lonely.get("/healthcheck")
        assert (answer.status, answer.body["failing"], answer.body["live"]) == (503, ["bus"], True)
        assert lonely.get("/healthcheck/live").status == 200
        assert lonely.get("/v1/vpns").status == 200
        refused(lonely.ask("POST", "/v1/vpns", {"vpn": {"type": "vpls"}}), 503, "bus.unavailable")
        assert time.monotonic() - began < 3
    finally:
        programs.stop("lonely")


# ---- never twice, never lost ----

def test_the_same_key_makes_one_link_and_another_body_is_refused(cloud, vpn):
    key = {"Idempotency-Key": f"key-{uuid.uuid4()}"}
    ask = lambda: cloud.ask("POST", "/v1/virtual-links", body(vpn), headers=key)  # noqa: E731
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        answers = [each.result() for each in [threads.submit(ask) for _ in range(4)]]
    assert {each.status for each in answers} == {202}, [each.text for each in answers]
    assert len({each.body["virtual_link"]["id"] for each in answers}) == 1
    assert len(cloud.get("/v1/virtual-links").body["virtual_links"]) == 1
    other = cloud.ask("POST", "/v1/virtual-links", body(vpn, kbps=2000), headers=key)
    refused(other, 422, "request.key_reused")
    bad = cloud.ask("POST", "/v1/virtual-links", body(vpn), headers={"Idempotency-Key": "x" * 256})
    refused(bad, 400, "request.invalid_header", "Idempotency-Key")


def test_each_post_counts_once_for_its_key(cloud, vpn):
    key = lambda: {"Idempotency-Key": f"once-{uuid.uuid4()}"}  # noqa: E731
    for path, sent, other in (
            ("/v1/vpns", {"vpn": {"name": "once", "type": "vpls"}}, {"vpn": {"name": "twice", "type": "vpls"}}),
            (f"/v1/vpns/{vpn['id']}/tags", {"tags": ["once"]}, {"tags": ["twice"]})):
        under = key()
        first, again = (cloud.ask("POST", path, sent, headers=under) for _ in range(2))
        assert first.status < 300 and (again.status, again.body) == (first.status, first.body)
        refused(cloud.ask("POST", path, other, headers=under), 422, "request.key_reused")
        assert cloud.as_project(STRANGER).ask("POST", "/v1/vpns", {"vpn": {"type": "vpls"}}, headers=under).status == 201
    assert len(cloud.get("/v1/vpns?name=once").body["vpns"]) == 1
    link = cloud.settled(create(cloud, vpn))
    path, under = f"/v1/virtual-ports/{link['endpoints'][0]['virtual_port_id']}/attach", key()
    sent = {"network_id": str(uuid.uuid4())}
    first = cloud.ask("POST", path, sent, headers=under)
    cloud.settled(link)
    assert cloud.ask("POST", path, sent, headers=under).body == first.body
    refused(cloud.ask("POST", path, {"network_id": str(uuid.uuid4())}, headers=under), 422, "request.key_reused")


def test_a_change_without_an_answer_says_how_to_ask(programs, cloud, vpn):
    """The conductor is away for longer than the call waits: what it does later is found by asking as told."""
    conf = (programs.folder / "api.conf").read_text()
    (programs.folder / "hasty.conf").write_text(conf.replace("[DEFAULT]\n", "[DEFAULT]\nrpc_response_timeout = 1\n"))
    programs.start("hasty", "atlas-api")
    programs.stop("conductor")
    try:
        hasty = cloud.as_project(cloud.project)
        hasty.url = f"http://127.0.0.1:{programs.found('hasty', r'event=api.ready .* port=([0-9]+)')}"
        path = f"/v1/vpns/{vpn['id']}"
        for method, sent in (("PUT", {"vpn": {"name": "late"}}), ("DELETE", None)):
            error = refused(hasty.ask(method, path, sent), 503, "service.outcome_unknown", f"GET {path}")
            assert error["details"]["href"] == path
        # What is as it was asked for is done, whoever did it.
        assert hasty.ask("PUT", path, {"vpn": {"name": "blue"}}).status == 200
        assert hasty.ask("PUT", path + "/add_site", {"site_id": str(uuid.uuid4())}).status == 503
        made = hasty.ask("POST", "/v1/vpns", {"vpn": {"type": "vpls"}})
        assert "/v1/vpns/" in refused(made, 503, "service.outcome_unknown")["message"]
        keyed = hasty.ask("POST", "/v1/vpns", {"vpn": {"type": "vpls"}}, headers={"Idempotency-Key": "again"})
        assert "same Idempotency-Key" in refused(keyed, 503, "service.outcome_unknown")["message"]
    finally:
        programs.start("conductor", "atlas-conductor")
        programs.stop("hasty")
    refused(cloud.ask("GET", f"/v1/vpns/{uuid.uuid4()}"), 404, "not_found")


# ---- bulk ----

def many(*bodies):
    return {"virtual_links": [each["virtual_link"] for each in bodies]}


def test_many_links_are_created_at_once_or_none(cloud, vpn):
    other = cloud.vpn("green", "vpls", ["east", "west"])
    answer = cloud.ask("POST", "/v1/virtual-links", many(body(vpn), body(other)))
    assert answer.status == 202, answer.text
    links = answer.body["virtual_links"]
    assert [each["vpn_id"] for each in links] == [vpn["id"], other["id"]]
    assert [cloud.settled(each)["status"] for each in links] == ["ACTIVE", "ACTIVE"]
    third, fourth = cloud.vpn("red", "vpls", ["east", "west"]), cloud.vpn("grey", "vpls", ["east", "west"])
    for wrong, status, kind in ((body(fourth, kbps=9000), 409, "link.bandwidth_unavailable"),
                                (body(vpn), 409, "link.pair_in_use"), (body(third), 409, "link.pair_in_use"),
                                (body({"id": str(uuid.uuid4())}), 404, "not_found")):
        answer = cloud.ask("POST", "/v1/virtual-links", many(body(third), wrong))
        refused(answer, status, kind, "virtual_links[1]")
    assert len(cloud.get("/v1/virtual-links").body["virtual_links"]) == 2
    # What was refused holds nothing: the whole rest can be had.
    assert cloud.settled(create(cloud, third, kbps=8000))["status"] == "ACTIVE"


def test_what_is_wrong_in_one_of_many_is_named(cloud, vpn):
    wrong = many(body(vpn), body(vpn))
    wrong["virtual_links"][1]["bandwidth"]["a_to_z_kbps"] = 0
    error = refused(cloud.ask("POST", "/v1/virtual-links", wrong), 400, "request.invalid")
    assert error["details"]["attribute"] == "virtual_links[1].bandwidth.a_to_z_kbps"
    for sent in ([], {}, [{}], None, [body(vpn)["virtual_link"]] * 101):
        refused(cloud.ask("POST", "/v1/virtual-links", {"virtual_links": sent}), 400, "request.invalid")
    both = {**many(body(vpn)), **body(vpn)}
    refused(cloud.ask("POST", "/v1/virtual-links", both), 400, "request.invalid")


def test_many_links_under_one_key_are_made_once(cloud, vpn):
    other, key = cloud.vpn("green", "vpls", ["east", "west"]), {"Idempotency-Key": f"many-{uuid.uuid4()}"}
    first, again = (cloud.ask("POST", "/v1/virtual-links", many(body(vpn), body(other)), headers=key) for _ in range(2))
    assert first.status == again.status == 202, again.text
    assert [each["id"] for each in first.body["virtual_links"]] == [each["id"] for each in again.body["virtual_links"]]
    assert len(cloud.get("/v1/virtual-links").body["virtual_links"]) == 2
