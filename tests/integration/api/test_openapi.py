# SPDX-License-Identifier: Apache-2.0
"""The API's description is the contract: every route is walked, every answer and error held against it."""
import json
import subprocess
import uuid

import pytest

from contract import DOCUMENT, OPERATIONS, ROOT, Checked
from test_programs import body, create


def test_what_is_served_is_what_the_repository_has(cloud):
    assert cloud.get("/v1/openapi.json").body == DOCUMENT


def test_the_linter_of_openapi_finds_nothing(tmp_path):
    tool = subprocess.run([ROOT / "tests/support/spectral.sh"], capture_output=True, text=True, timeout=300)
    if tool.returncode != 0:
        pytest.skip(f"Spectral is not to be had: {tool.stderr.strip()[-200:]}")
    rules = tmp_path / "rules.yaml"
    rules.write_text('extends: ["spectral:oas"]\n')
    done = subprocess.run([tool.stdout.strip(), "lint", "--fail-severity=hint", "-f", "json", "-r", rules,
                           ROOT / "docs/openapi.json"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    broken = json.loads(json.dumps(DOCUMENT))
    del broken["info"]
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    done = subprocess.run([tool.stdout.strip(), "lint", "-r", rules, tmp_path / "broken.json"], timeout=120,
                          capture_output=True, text=True)
    assert done.returncode != 0, "the linter finds nothing anywhere"


def test_every_operation_has_a_name_of_its_own():
    names = [each.description["operationId"] for each in OPERATIONS]
    assert len(names) == len(set(names))


# ---- every route ----

def no_operation(answer):
    assert answer.status < 300, answer.text
    return answer


@pytest.fixture(scope="module")
def objects(cloud):
    """One of each noun, by the path of its list."""
    vpn = cloud.vpn("walked", "vpls", ["east", "west"])
    link = cloud.settled(create(cloud, vpn, a_end={"network_id": str(uuid.uuid4())}))
    first = lambda path, many: cloud.get(path).body[many][0]["id"]  # noqa: E731
    cloud.ask("PUT", f"/v1/vpns/{vpn['id']}/tags/seen")
    cloud.ask("PUT", f"/v1/virtual-links/{link['id']}/tags/seen")
    yield {"/v1/vpns": vpn["id"], "/v1/virtual-links": link["id"],
           "/v1/virtual-ports": link["endpoints"][1]["virtual_port_id"],
           "/v1/sites": "east", "/v1/gateways": first("/v1/gateways", "gateways"),
           "/v1/operations": first("/v1/operations", "operations"), "/v1/events": first("/v1/events", "events"),
           "/v1/agents": first("/v1/sites", "sites"), "/v1/extensions": "sorting", "/v1/quotas": cloud.project}
    cloud.clear()


def of_noun(operation, objects):
    return next(path for path in objects if operation.pattern.startswith(path))


def request_of(operation, cloud, objects, operator):
    """A request of this operation that succeeds, on what is there."""
    who = operator if operation.for_operators else cloud
    if operation.name == "PUT /v1/freeze":
        return who, operation.pattern, {"freeze": {"frozen": False, "reason": "walked"}}
    if "{id}" not in operation.pattern:
        if operation.method != "POST":
            return who, operation.pattern, None
        vpn = cloud.vpn("other", "vpls", ["east", "west"])
        if "connections" in operation.pattern:
            return who, operation.pattern, {"connection": {k: v for k, v in body(vpn)["virtual_link"].items() if k != "name"}}
        return who, operation.pattern, (body(vpn) if "links" in operation.pattern else {"vpn": {"type": "vpls"}})
    path = operation.path(id=objects[of_noun(operation, objects)], tag="seen")
    sent = None
    if operation.pattern.endswith("}/tags"):
        sent = {"tags": ["seen", "more"]} if operation.method in ("PUT", "POST") else None
    elif operation.pattern.endswith("/attach"):
        sent = {"network_id": str(uuid.uuid4())}
    elif operation.pattern.endswith("_site"):
        vpn = cloud.vpn("membered", "vpls", ["strict"] if "remove" in operation.pattern else [])
        path, sent = operation.path(id=vpn["id"]), {"site_id": "strict"}
    elif operation.method == "PUT" and not operation.pattern.endswith("{tag}"):
        sent = {"vpn" if "vpns" in path else "virtual_link": {"description": "changed"}} if "quotas" not in path else {"quota": {"vpn": -1}}
    elif operation.method == "DELETE" and operation.pattern == "/v1/vpns/{id}":
        path = operation.path(id=cloud.vpn("deleted", "vpls", [])["id"])
    elif operation.pattern.endswith("/force_delete") or operation.name == "DELETE /v1/virtual-links/{id}":
        link = cloud.settled(create(cloud, cloud.vpn("doomed", "vpls", ["east", "west"])))
        path = operation.path(id=link["id"])
    return who, path, sent


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_each_operation_succeeds_as_described(operation, cloud, objects, operator):
    who, path, sent = request_of(operation, cloud, objects, operator)
    for name in ("seen",) if "{tag}" in operation.pattern else ():
        cloud.ask("PUT", path)  # so that it is there to be seen or removed
        assert name in path
    if operation.pattern.endswith(("/retry", "/force_delete")):
        who = operator
        if operation.pattern.endswith("/retry"):  # of a link that is not in ERROR: the refusal is as described
            assert who.ask("POST", path).status == 409
            return
    answer = who.ask(operation.method, path, sent)
    if operation.pattern.endswith("/attach") or operation.pattern.endswith("/detach"):
        cloud.settled({"id": objects["/v1/virtual-links"]})
    assert answer.status < 300, answer.text


READS = [each for each in OPERATIONS if each.method == "GET" and each.pattern.startswith("/v1/")
         and not each.pattern.startswith(("/v1/extensions", "/v1/openapi"))]


@pytest.mark.parametrize("operation", READS, ids=lambda each: each.name)
def test_each_read_is_as_described_for_an_operator_too(operation, cloud, objects, operator):
    path = operation.path(id=objects[of_noun(operation, objects)], tag="none") if "{" in operation.pattern else operation.pattern
    answer = operator.get(path + ("?all_projects=true" if any(
        each["name"] == "all_projects" for each in operation.parameters) else ""))
    assert answer.status == (404 if "{tag}" in operation.pattern else 200), answer.text


LISTS = [each for each in READS if "{id}" not in each.pattern and each.pattern != "/v1/freeze"]


@pytest.mark.parametrize("operation", LISTS, ids=lambda each: each.name)
def test_each_parameter_of_a_list_is_taken(operation, operator):
    values = {"limit": "1", "page_reverse": "true", "all_projects": "true", "changed_since": "2026-01-01T00:00:00Z",
              "sort_dir": None, "marker": None}
    for parameter in operation.parameters:
        name = parameter["name"]
        if parameter["in"] != "query" or values.get(name, "") is None:
            continue
        words = parameter["schema"].get("items", {}).get("enum") or [values.get(name, "1")]
        for word in words:
            if operator.get(f"{operation.pattern}?{name}={word}").status == 200:
                continue
            answer = operator.get(f"{operation.pattern}?{name}=true")
            assert answer.status == 200, f"{name}: {answer.text}"


# ---- every error ----

@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "401" in each.responses], ids=lambda each: each.name)
def test_who_says_no_project_is_told_so(operation, cloud):
    nobody = Checked(cloud.url, "")
    assert nobody.ask(operation.method, operation.path(id=uuid.uuid4(), tag="x") if "{" in operation.pattern
                      else operation.pattern, {} if operation.body else None).status == 401


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "{id}" in each.pattern and "quotas" not in each.pattern],
                         ids=lambda each: each.name)
def test_what_is_not_there_is_404(operation, operator):
    sent = None
    if operation.body:
        sent = {"tags": ["x"]} if "/tags" in operation.pattern else {"site_id": "east"}
        if operation.pattern.endswith("/attach"):
            sent = {"network_id": str(uuid.uuid4())}
        elif operation.pattern.endswith(("/detach", "/retry", "/force_delete", "/release")):
            sent = {}
        elif operation.pattern.count("/") == 3:
            sent = {operation.body["required"][0]: {}}
    answer = operator.ask(operation.method, operation.path(id=uuid.uuid4(), tag="x"), sent)
    assert answer.status == 404, answer.text
