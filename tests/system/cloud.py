# SPDX-License-Identifier: Apache-2.0
"""A tenant of Cloud Atlas over plain HTTP."""
import json
import time
import urllib.error
import urllib.request


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text
        self.body = json.loads(text) if text else None

    def error(self):
        return self.body["error"]


def wait_until(predicate, seconds, what):
    """The first true answer of 'predicate'; fails with the last one after 'seconds'."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        last = predicate()
        if last:
            return last
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {seconds} s; last: {last}")


class Cloud:
    def __init__(self, url, project, roles="member", token=None):
        self.url, self.project, self.roles, self.token = url, project, roles, token

    def as_project(self, project):
        return Cloud(self.url, project, self.roles)

    def raw(self, method, path, data=None, headers=None, timeout=15):
        request = urllib.request.Request(self.url + path, data=data, method=method)
        if self.token is None:
            request.add_header("X-Project-Id", self.project)
            request.add_header("X-Roles", self.roles)
        else:
            request.add_header("X-Auth-Token", self.token)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as got:
                return Answer(got.status, got.headers, got.read().decode())
        except urllib.error.HTTPError as got:
            return Answer(got.code, got.headers, got.read().decode())

    def ask(self, method, path, body=None, **how):
        return self.raw(method, path, None if body is None else json.dumps(body).encode(), **how)

    def get(self, path):
        return self.ask("GET", path)

    def vpn(self, name, kind, sites):
        answer = self.ask("POST", "/v1/vpns", {"vpn": {"name": name, "type": kind}})
        assert answer.status == 201, answer.text
        made = answer.body["vpn"]
        for site in sites:
            answer = self.ask("PUT", f"/v1/vpns/{made['id']}/add_site", {"site_id": site})
            assert answer.status == 200, answer.text
        return made

    def link_body(self, vpn, kbps=10000, **ends):
        return {"virtual_link": {
            "name": "link", "vpn_id": vpn["id"],
            "endpoints": [dict(site_id="site-a", **ends.get("a", {})), dict(site_id="site-b", **ends.get("z", {}))],
            "bandwidth": {"a_to_z_kbps": kbps, "z_to_a_kbps": kbps},
        }}

    def link_ask(self, vpn, kbps=10000, **ends):
        return self.ask("POST", "/v1/virtual-links", self.link_body(vpn, kbps, **ends))

    def link(self, vpn, kbps=10000, **ends):
        answer = self.link_ask(vpn, kbps, **ends)
        assert answer.status == 202, answer.text
        return answer.body["virtual_link"]

    def link_now(self, link):
        answer = self.get(f"/v1/virtual-links/{link['id']}")
        return answer.body["virtual_link"] if answer.status == 200 else None

    def settled(self, link, seconds=60):
        """The link once no operation holds it, or None when it is gone."""
        def look():
            answer = self.get(f"/v1/virtual-links/{link['id']}")
            if answer.status == 404:
                return "gone"
            if answer.status != 200:
                return None
            now = answer.body["virtual_link"]
            return now if not now["operation_id"] else None
        now = wait_until(look, seconds, f"rest of link {link['id']}")
        return None if now == "gone" else now

    def delete(self, link, seconds=60):
        answer = self.ask("DELETE", f"/v1/virtual-links/{link['id']}")
        assert answer.status in (202, 404), answer.text
        return self.settled(link, seconds)

    def clear(self):
        for link in self.get("/v1/virtual-links").body["virtual_links"]:
            assert self.delete(link) is None
        for vpn in self.get("/v1/vpns").body["vpns"]:
            answer = self.ask("DELETE", f"/v1/vpns/{vpn['id']}")
            assert answer.status == 204, answer.text
