# SPDX-License-Identifier: Apache-2.0
"""A private Keystone (keystone.sh) and its administrator."""
import json
import pathlib
import subprocess
import urllib.error
import urllib.request

SCRIPT = pathlib.Path(__file__).with_name("keystone.sh")


class Keystone:
    def __init__(self, folder):
        self.folder = folder
        self.url = self.run("start").strip()
        self.projects, self.roles = {}, {}
        self.admin = self.token("admin", "admin")

    def run(self, command):
        done = subprocess.run([SCRIPT, command, self.folder], capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, method, path, body=None, token=None, **headers):
        """Status, headers, body."""
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(), method=method)
        request.add_header("Content-Type", "application/json")
        if token or hasattr(self, "admin"):
            request.add_header("X-Auth-Token", token or self.admin)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=60) as got:
                text = got.read()
                return got.status, got.headers, json.loads(text) if text else None
        except urllib.error.HTTPError as got:
            return got.code, got.headers, got.read().decode()

    def made(self, noun, **fields):
        status, _, body = self.ask("POST", f"/{noun}s", {noun: fields})
        assert status == 201, body
        return body[noun]["id"]

    def found(self, noun, name):
        return self.ask("GET", f"/{noun}s?name={name}")[2][f"{noun}s"][0]["id"]

    def user(self, name, project, role):
        """A user of that role in the project, both made where they are missing; password "secret"."""
        if project not in self.projects:
            self.projects[project] = self.made("project", name=project, domain_id="default")
        user = self.made("user", name=name, domain_id="default", password="secret")
        self.grant(user, project, role)
        return user

    def grant(self, user, project, role):
        status, _, body = self.ask("PUT", f"/projects/{self.projects[project]}/users/{user}/roles/{self.found('role', role)}")
        assert status == 204, body

    def token(self, user, project, password="secret"):
        auth = {"identity": {"methods": ["password"], "password": {"user": {
            "name": user, "domain": {"id": "default"}, "password": password}}}}
        auth["scope"] = {"project": {"name": project, "domain": {"id": "default"}}} if project else "unscoped"
        status, headers, body = self.ask("POST", "/auth/tokens", {"auth": auth})
        assert status == 201, body
        return headers["X-Subject-Token"]

    def revoke(self, token):
        assert self.ask("DELETE", "/auth/tokens", X_Subject_Token=token)[0] == 204
