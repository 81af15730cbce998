# SPDX-License-Identifier: Apache-2.0
"""A client that holds each answer against the API's description."""
import json
import pathlib
import re
import sys

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "system"))
from cloud import Cloud  # noqa: E402

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())


def resolved(schema):
    """The schema with its references followed."""
    if isinstance(schema, list):
        return [resolved(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = DOCUMENT
        for key in schema["$ref"].split("/")[1:]:
            target = target[key]
        return resolved(target)
    return {key: resolved(value) for key, value in schema.items()}


class Operation:
    """One method of one path."""

    def __init__(self, method, pattern, description):
        self.method, self.pattern, self.description = method.upper(), pattern, description
        self.parameters = resolved(description["parameters"])
        self.responses = resolved(description["responses"])
        body = resolved(description.get("requestBody", {}))
        self.body = body.get("content", {}).get("application/json", {}).get("schema")
        if self.body and "oneOf" in self.body:  # one, or many
            self.body = self.body["oneOf"][0]
        self.name = f"{self.method} {pattern}"

    @property
    def for_operators(self):
        return (self.pattern.endswith(("/retry", "/force_delete", "/release")) or self.pattern.startswith(("/v1/agents", "/v1/freeze"))
                or self.pattern == "/v1/quotas/{id}" and self.method != "GET")

    def matches(self, method, path):
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(self.pattern))
        return method == self.method and re.fullmatch(pattern, path)

    def path(self, **values):
        return self.pattern.format(**values)


OPERATIONS = [Operation(method, pattern, description) for pattern, methods in DOCUMENT["paths"].items()
              for method, description in methods.items()]


def operation_of(method, path):
    path = path.split("?")[0]
    found = [each for each in OPERATIONS if each.matches(method, path)]
    exact = [each for each in found if each.pattern == path]
    return (exact or found or [None])[0]


def check(method, path, answer):
    """The status is one that the operation names, and the body is of its schema."""
    operation = operation_of(method, path)
    if operation is None:
        return
    where = f"{method} {path}: {answer.status} {answer.text[:400]}"
    assert str(answer.status) in operation.responses, f"not described: {where}"
    content = operation.responses[str(answer.status)].get("content")
    if content is None:
        assert answer.body is None, where
        return
    schema = content["application/json"]["schema"]
    if "fields=" in path and answer.status == 200:
        return
    try:
        jsonschema.Draft202012Validator(schema).validate(answer.body)
    except jsonschema.ValidationError as wrong:
        raise AssertionError(f"{where}\n{wrong.message} at {list(wrong.absolute_path)}") from wrong
    if answer.status >= 400 and "error" in (answer.body or {}):
        assert answer.body["error"]["code"] == answer.status, where
        assert answer.body["error"]["request_id"] == answer.headers["X-Openstack-Request-Id"], where


class Checked(Cloud):
    """A tenant each of whose answers is checked; 'seen' are the (operation, status) that came."""
    seen = set()

    def as_project(self, project, roles=None):
        return Checked(self.url, project, roles or self.roles)

    def raw(self, method, path, data=None, headers=None, timeout=15):
        answer = super().raw(method, path, data, headers, timeout)
        check(method, path, answer)
        operation = operation_of(method, path)
        if operation:
            Checked.seen.add((operation.name, answer.status))
        return answer
