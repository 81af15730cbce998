# SPDX-License-Identifier: Apache-2.0
"""Wrong values for every attribute, parameter and header of every route, made from the API's description: what is wrong is
named, and never comes a 5xx, an answer that is not described, or another tenant's data."""
import http.client
import itertools
import json
import urllib.parse
import uuid

from hypothesis import HealthCheck, Phase, given, settings, strategies as st
import jsonschema
import pytest

from contract import OPERATIONS, check
from test_programs import create

SECRET = "a-name-that-only-its-owner-may-read"
STRANGER = "ffffffffffffffffffffffffffffffff"
# What may be typed where a text, a number or an id is expected.
TEXTS = ["", " ", "x" * 256, "x" * 5000, "ü" * 256, "\u0000", "a\u0000b", "\ud7ff\U0010ffff", "'; DROP TABLE vpn; --", "%s%n", "${jndi:x}",
         "../../etc/passwd", "null", "true", "{}", "-1", "1e999", "00000000-0000-0000-0000-00000000000G",
         "AAAAAAAA-0000-4000-8000-000000000001", "<script>", "\r\nX-Evil: 1"]
NUMBERS = [0, -1, 2147483648, 9223372036854775807, 1.5, -0.0, 1e308]
OTHERS = [None, True, False, [], {}, [[]], [None], {"a": {"b": 1}}, ["x"], {"id": "x"}]
WRONG = TEXTS + NUMBERS + OTHERS


def values_of(schema):
    """One right value of the schema: what a wrong one takes the place of."""
    kind = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
    if kind == "object":
        return {name: values_of(inner) for name, inner in schema["properties"].items() if name in schema.get("required", [])}
    if kind == "array":
        return [values_of(schema["items"]) for _ in range(schema.get("minItems", 1))]
    if kind == "integer":
        return schema.get("minimum", 1)
    pattern = schema.get("pattern", "")
    return str(uuid.uuid4()) if "{8}" in pattern or "{1,63}" in pattern else "x"


def places(schema, path=()):
    """The paths of all attributes."""
    yield path
    for name, inner in schema.get("properties", {}).items():
        yield from places(inner, path + (name,))
    if schema.get("type") == "array":
        yield from places(schema["items"], path + (0,))


def replaced(whole, path, value):
    if not path:
        return value
    if isinstance(whole, list):
        return [replaced(whole[0] if whole else None, path[1:], value)] + whole[1:]
    return {**(whole or {}), path[0]: replaced((whole or {}).get(path[0]), path[1:], value)}


def is_right(schema, value):
    return not list(jsonschema.Draft202012Validator(schema).iter_errors(value))


BODIES = [each for each in OPERATIONS if each.body]
CASES = [(operation, path) for operation in BODIES for path in places(operation.body)]


@pytest.fixture(scope="module")
def held(cloud):
    """What another project has, and must stay its own."""
    rich = cloud.as_project(STRANGER)
    vpn = rich.vpn(SECRET, "vpls", ["east", "west"])
    link = rich.settled(create(rich, vpn))
    yield {"vpn": vpn["id"], "link": link["id"], "port": link["endpoints"][0]["virtual_port_id"]}
    assert rich.get(f"/v1/vpns/{vpn['id']}").body["vpn"]["name"] == SECRET
    assert rich.link_now(link)["status"] == "ACTIVE"
    rich.clear()


def harmless(answer, where):
    assert answer.status < 500, f"{where}: {answer.text}"
    assert SECRET not in answer.text, where
    return answer


@pytest.mark.parametrize("operation, path", CASES,
                         ids=[f"{each.name}-{'.'.join(map(str, path)) or 'body'}" for each, path in CASES])
def test_a_wrong_value_is_refused_and_named(cloud, operator, held, operation, path):
    who = operator if operation.for_operators else cloud
    target = operation.pattern.format(id=uuid.uuid4(), tag="x") if "{" in operation.pattern else operation.pattern
    right = values_of(operation.body)
    n_refused = 0
    for wrong in WRONG:
        sent = replaced(right, path, wrong)
        answer = harmless(who.raw(operation.method, target, json.dumps(sent).encode()), f"{target} {json.dumps(sent)[:300]}")
        if is_right(operation.body, sent):
            assert answer.status != 400 or answer.body["error"]["type"] != "request.malformed", answer.text
            continue
        n_refused += 1
        assert answer.status == 400, f"{json.dumps(sent)[:300]}: {answer.text}"
        error = answer.body["error"]
        assert error["type"] == "request.invalid", answer.text
        named = error["details"]["attribute"]
        spelled = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path).lstrip(".")
        # The attribute itself, one inside of it, or (of a whole that lost its parts) the whole.
        assert named.startswith(spelled.split("[")[0]) or spelled.startswith(named), (named, spelled)
    assert n_refused > 3, "nothing was wrong"
    extra = replaced(right, path, {**(values_of(operation.body) if not path else {}), "surprise": 1})
    assert who.ask(operation.method, target, extra).status == 400


@pytest.mark.parametrize("operation", BODIES, ids=lambda each: each.name)
def test_bytes_that_are_no_json_are_refused(cloud, operator, operation):
    who = operator if operation.for_operators else cloud
    target = operation.pattern.format(id=uuid.uuid4(), tag="x") if "{" in operation.pattern else operation.pattern
    for data in (b"", b"{", b"\xff\xfe", b"nul", b'{"a":1,"a":2}', b"[" * 3000, b'{"a":' * 3000, b"1" * 400, b'"\\ud800"',
                 b"\x00{}", b"{}{}", b"1e99999", b"\xef\xbb\xbf{}"):
        answer = who.raw(operation.method, target, data)
        if data == b"" and operation.pattern.endswith(("/detach", "/retry", "/force_delete", "/release")):
            continue
        assert answer.status == 400, f"{data[:40]!r}: {answer.text}"
    assert who.raw(operation.method, target, b'{"a": "' + b"x" * 200000 + b'"}').status == 413


def test_another_projects_objects_cannot_be_told_from_none(cloud, held):
    """Each operation on each foreign object answers as on one that does not exist, but for the id."""
    nouns = {"/v1/vpns": held["vpn"], "/v1/virtual-links": held["link"], "/v1/virtual-ports": held["port"]}
    n = 0
    for operation in OPERATIONS:
        noun = next((each for each in nouns if operation.pattern.startswith(each + "/{id}")), None)
        if not noun:
            continue
        sent = values_of(operation.body) if operation.body else None
        if operation.pattern.endswith("/attach"):
            sent = {"network_id": str(uuid.uuid4())}
        answers = []
        for each in (nouns[noun], str(uuid.uuid4())):
            answer = harmless(cloud.ask(operation.method, operation.path(id=each, tag="x"), sent), operation.name)
            error = answer.body["error"]
            answers.append((answer.status, error["type"], error["message"].replace(each, "ID"), error["details"]))
        assert answers[0] == answers[1] and answers[0][0] == (403 if operation.for_operators else 404), (operation.name, answers)
        n += 1
    assert n > 15


# ---- properties ----

text = st.text(st.characters(blacklist_categories=("Cs",)), max_size=300)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), text,
                    st.sampled_from(TEXTS))
documents = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(text, inner, max_size=5)),
                         max_leaves=20)
fewer = settings(max_examples=150, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate, Phase.shrink],
                 suppress_health_check=list(HealthCheck))


def of_schema(schema):
    """Values near the schema: some of its attributes, right or wrong."""
    kind = schema["type"][0] if isinstance(schema.get("type"), list) else schema.get("type")
    if kind == "object":
        return st.one_of(
            st.fixed_dictionaries({}, optional={name: of_schema(inner) for name, inner in schema["properties"].items()}),
            st.fixed_dictionaries({name: of_schema(inner) for name, inner in schema["properties"].items()}), documents)
    if kind == "array":
        return st.one_of(st.lists(of_schema(schema["items"]), max_size=3), documents)
    if kind == "integer":
        return st.one_of(st.integers(1, 2147483647), scalars)
    return st.one_of(st.sampled_from(["east", "west", "vpls"]), st.uuids().map(str), text, documents)


@given(data=st.data())
@fewer
def test_whatever_the_body_is_the_answer_is_one_that_is_described(cloud, held, data):
    operation = data.draw(st.sampled_from(BODIES))
    ids = st.one_of(st.sampled_from(sorted(held.values())), st.uuids().map(str), text)
    path = operation.pattern
    for name in ("id", "tag"):
        path = path.replace("{%s}" % name, urllib.parse.quote(data.draw(ids), safe="") or "x")
    sent = data.draw(of_schema(operation.body))
    answer = harmless(cloud.ask(operation.method, path, sent), f"{operation.name} {path} {json.dumps(sent)[:500]}")
    if not is_right(operation.body, sent) and answer.status != (403 if operation.for_operators else 404):
        assert answer.status == 400, f"{json.dumps(sent)[:500]}: {answer.text}"


@given(data=st.data())
@fewer
def test_whatever_the_query_is_the_answer_is_one_that_is_described(cloud, held, data):
    operation = data.draw(st.sampled_from([each for each in OPERATIONS if each.method == "GET"]))
    names = [each["name"] for each in operation.parameters if each["in"] == "query"] or ["x"]
    value = st.one_of(text, st.sampled_from(TEXTS), st.integers().map(str), st.uuids().map(str),
                      st.sampled_from(["true", "asc", "desc", "id", "name", *names]))
    pairs = data.draw(st.lists(st.tuples(st.one_of(st.sampled_from(names), text), value), max_size=20))
    path = operation.pattern.replace("{id}", held["vpn"]).replace("{tag}", "x")
    harmless(cloud.get(f"{path}?{urllib.parse.urlencode(pairs)}"), f"{path} {pairs}")


header = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xff, blacklist_characters="\x7f"), max_size=300)
HEADERS = ["If-Match", "Idempotency-Key", "X-Openstack-Request-Id", "traceparent", "X-Roles", "X-User-Id", "X-Forwarded-Host",
           "Content-Type", "Accept", "Prefer", "OpenStack-API-Version", "Last-Event-ID", "Host"]


@given(data=st.data())
@fewer
def test_whatever_the_headers_are_the_answer_is_one_that_is_described(cloud, held, data):
    operation = data.draw(st.sampled_from([each for each in OPERATIONS if each.pattern.startswith("/v1/v")]))
    sent = data.draw(st.dictionaries(st.sampled_from(HEADERS), header, max_size=6))
    sent = {name: value for name, value in sent.items() if "admin" not in value}
    path = operation.pattern.replace("{id}", held["vpn"]).replace("{tag}", "x")
    address = urllib.parse.urlsplit(cloud.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=15)
    connection.putrequest(operation.method, path, skip_host="Host" in sent)
    for name, value in {"X-Project-Id": cloud.project, **sent}.items():
        connection.putheader(name, value.encode("latin-1"))
    connection.putheader("Content-Length", "2")
    connection.endheaders(b"{}")
    answer = connection.getresponse()
    said = answer.read().decode()
    assert answer.status < 500 and SECRET not in said, (operation.name, sent, said)
    connection.close()


def test_every_path_is_asked_with_every_method(cloud):
    methods = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")
    known = {(each.method, each.pattern) for each in OPERATIONS}
    for method, pattern in itertools.product(methods, {each.pattern for each in OPERATIONS}):
        path = pattern.replace("{id}", str(uuid.uuid4())).replace("{tag}", "x")
        answer = cloud.raw(method, path)
        if (method, pattern) in known:
            check(method, path, answer)
            assert answer.status < 500
        else:
            assert answer.status == 405, f"{method} {path}: {answer.status}"
            assert set(answer.headers["Allow"].replace(", HEAD", "").split(", ")) == {
                each for each, other in known if other == pattern}
