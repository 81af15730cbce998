#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A fake peer: the parts of Keystone and Neutron that our clients use, and all the ways to misbehave.

Prints its port on standard output and ends when its standard input does. Control:
  POST /_fake/rule {"method", "path" (prefix), "do", "times": 1, "skip": 0, "arg"}   a misbehaviour to come
  POST /_fake/wire {"port_id", "on": true}    what Neutron's agent would say of a port's interface
  POST /_fake/port {…} | /_fake/network {…}   things of tenants, as they are; PUT /_fake/port/<id> changes one
  POST /_fake/set {"agents": […], "page": n, "lifetime": s, "port_security": bool}
  GET  /_fake/state                           {"ports", "fired": {do: n}, "requests": [["METHOD", "path"], …]}
"""
import datetime
import json
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

WRITABLE = {"network_id", "project_id", "name", "device_id", "device_owner", "fixed_ips", "admin_state_up",
            "binding:host_id", "binding:profile", "description"}


class Cloud:
    def __init__(self):
        self.lock = threading.RLock()
        self.ports, self.networks, self.tokens, self.wired = {}, {}, set(), set()
        self.rules, self.fired, self.requests = [], {}, []
        self.settings = {"agents": ["gw-host"], "page": 0, "lifetime": 3600, "port_security": True}

    def rule(self, method, path):
        for r in self.rules:
            if r["method"] == method and path.startswith(r["path"]):
                if r.get("skip", 0) > 0:
                    r["skip"] -= 1
                    continue
                r["times"] = r.get("times", 1) - 1
                if r["times"] <= 0:
                    self.rules.remove(r)
                self.fired[r["do"]] = self.fired.get(r["do"], 0) + 1
                return r
        return {"do": None}

    def bind(self, port, spoil=False):
        host = port["binding:host_id"]
        good = host in self.settings["agents"] and not spoil
        port["binding:vif_type"] = "unbound" if not host else "ovs" if good else "binding_failed"
        up = port["id"] in self.wired and port["binding:vif_type"] == "ovs" and port["admin_state_up"]
        port["status"] = "ACTIVE" if up else "DOWN"

    def make(self, body, spoil=False):
        port = {"id": str(uuid.uuid4()), "name": "", "device_id": "", "device_owner": "", "fixed_ips": [],
                "admin_state_up": True, "binding:host_id": "", "binding:profile": {}, "description": "",
                "project_id": "service", "revision_number": 1, "mac_address": "fa:16:3e:00:00:%02x" % (len(self.ports) % 256),
                "created_at": datetime.datetime.utcnow().isoformat() + "Z", "port_security_enabled": True}
        port.update(body)
        port["tenant_id"] = port["project_id"]
        self.bind(port, spoil)
        self.ports[port["id"]] = port
        return port


CLOUD = Cloud()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=None, headers=()):
        data = b"" if body is None else json.dumps(body).encode()
        self.raw(status, data, headers)

    def raw(self, status, data, headers=(), length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.send_header("X-Openstack-Request-Id", "req-" + str(uuid.uuid4()))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def error(self, status, kind, message):
        self.answer(status, {"NeutronError": {"type": kind, "message": message, "detail": ""}})

    def serve(self):
        url = urlsplit(self.path)
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(text) if text else None
        if url.path.startswith("/_fake/"):
            with CLOUD.lock:
                return self.control(url.path, body)
        with CLOUD.lock:
            CLOUD.requests.append([self.command, self.path])
            rule = CLOUD.rule(self.command, url.path)
        return self.misbehave(rule, url, body)

    do_GET = do_POST = do_PUT = do_DELETE = serve

    def misbehave(self, rule, url, body):
        do, arg = rule["do"], rule.get("arg")
        if do == "hang":
            time.sleep(arg or 30)
            self.close_connection = True
        elif do == "unauthorized":
            self.answer(401, {"error": {"message": "The request you have made requires authentication."}})
        elif do == "status":
            self.error(arg, "Fake", "a fake says no")
        elif do == "busy":
            self.raw(503, b"", [("Retry-After", str(arg if arg is not None else 1))])
        elif do == "redirect":
            self.raw(302, b"", [("Location", "/_fake/state")])
        elif do == "truncated_json":
            self.raw(200, b'{"ports": [{"id": "')
        elif do == "duplicate_json":
            self.raw(200, b'{"ports": [], "ports": []}')
        elif do == "cut":
            self.raw(200, b'{"ports"', length=1000)
            self.close_connection = True
        elif do == "too_much":
            self.raw(200, b" " * (9 << 20))
        elif do == "cut_after":
            self.wfile = _Nowhere()
            self.route(url, body, rule)
            self.close_connection = True
        elif do == "conflict_after":
            real, self.wfile = self.wfile, _Nowhere()
            self.route(url, body, rule)
            self.wfile = real
            self._headers_buffer = []
            self.error(409, "Conflict", "executed, but says conflict")
        else:
            self.route(url, body, rule)

    def route(self, url, body, rule):
        parts = [p for p in url.path.split("/") if p]
        with CLOUD.lock:
            if parts[:1] == ["identity"]:
                return self.keystone(body)
            if self.headers.get("X-Auth-Token") not in CLOUD.tokens:
                return self.answer(401, {"error": {"message": "no token"}})
            if parts[1:2] == ["ports"]:
                return self.port(parts[2:], parse_qs(url.query), body, rule)
            if parts[1:2] == ["networks"]:
                network = CLOUD.networks.get(parts[2])
                return self.answer(200, {"network": network}) if network else self.error(404, "NetworkNotFound", "no network")
            if parts[1:] == ["extensions", "port-security"] and CLOUD.settings["port_security"]:
                return self.answer(200, {"extension": {"alias": "port-security"}})
            return self.error(404, "HTTPNotFound", "no such resource")

    def keystone(self, body):
        user = body["auth"]["identity"]["password"]["user"]
        if user["name"] != "atlas" or user["password"] != "secret":
            return self.answer(401, {"error": {"code": 401, "message": "The request you have made requires authentication."}})
        token = "token-" + uuid.uuid4().hex
        CLOUD.tokens.add(token)
        now = datetime.datetime(2001, 1, 1)   # a clock that is wrong must not matter
        end = now + datetime.timedelta(seconds=CLOUD.settings["lifetime"])
        here = "http://127.0.0.1:%d" % self.server.server_port
        endpoint = [{"interface": i, "region_id": r, "region": r, "url": here + ("" if r == "here" else "/elsewhere")}
                    for i in ("public", "internal") for r in ("there", "here")]
        self.answer(201, {"token": {"issued_at": now.isoformat() + ".000000Z", "expires_at": end.isoformat() + ".000000Z",
                                    "catalog": [{"type": "network", "endpoints": endpoint}]}}, [("X-Subject-Token", token)])

    def port(self, rest, query, body, rule):
        if self.command == "POST":
            return self.port_post(body["port"], rule)
        if not rest:
            return self.port_list(query)
        port = CLOUD.ports.get(rest[0])
        if not port:
            return self.error(404, "PortNotFound", "Port %s could not be found." % rest[0])
        if self.command == "DELETE":
            del CLOUD.ports[port["id"]]
            return self.answer(204)
        if self.command == "PUT":
            return self.port_put(port, body["port"], rule)
        return self.answer(200, {"port": port})

    def writable(self, body):
        allowed = WRITABLE | ({"port_security_enabled"} if CLOUD.settings["port_security"] else set())
        strange = set(body) - allowed
        if strange:
            self.error(400, "HTTPBadRequest", "Unrecognized attribute(s) '%s'" % ", ".join(strange))
        return not strange

    def port_post(self, body, rule):
        if not self.writable(body):
            return None
        if body["network_id"] not in CLOUD.networks:
            return self.error(404, "NetworkNotFound", "Network %s could not be found." % body["network_id"])
        return self.answer(201, {"port": CLOUD.make(body, rule["do"] == "binding_failed")})

    def port_put(self, port, body, rule):
        if rule["do"] == "changed_before":
            port.update(rule["arg"] or {}, revision_number=port["revision_number"] + 1)
        match = self.headers.get("If-Match")
        if match and match != "revision_number=%d" % port["revision_number"]:
            return self.error(412, "RevisionNumberConstraintFailed", "revision changed")
        if not self.writable(body):
            return None
        port.update(body, revision_number=port["revision_number"] + 1)
        CLOUD.bind(port, rule["do"] == "binding_failed")
        return self.answer(200, {"port": port})

    def port_list(self, query):
        ports = sorted((p for p in CLOUD.ports.values() if p["device_id"] in query["device_id"]), key=lambda p: p["id"])
        ports = [p for p in ports if p["id"] > query.get("marker", [""])[0]]
        page, links = CLOUD.settings["page"], []
        if page and len(ports) > page:
            ports, links = ports[:page], [{"rel": "next", "href": "http://elsewhere.example/"}]
        self.answer(200, {"ports": ports, "ports_links": links})

    def control(self, path, body):
        what = path.split("/")[2:]
        if what[0] == "rule":
            CLOUD.rules.append(body)
        elif what[0] == "wire":
            (CLOUD.wired.add if body.get("on", True) else CLOUD.wired.discard)(body["port_id"])
            if body["port_id"] in CLOUD.ports:
                CLOUD.bind(CLOUD.ports[body["port_id"]])
        elif what[0] == "port":
            if len(what) > 1:
                CLOUD.ports[what[1]].update(body)
            else:
                return self.answer(200, CLOUD.make(body))
        elif what[0] == "network":
            CLOUD.networks[body["id"]] = body
        elif what[0] == "set":
            CLOUD.settings.update(body)
        elif what[0] == "forget_tokens":
            CLOUD.tokens.clear()
        elif what[0] == "reset":
            tokens = CLOUD.tokens
            CLOUD.__init__()
            CLOUD.tokens = tokens
        return self.answer(200, {"ports": list(CLOUD.ports.values()), "fired": CLOUD.fired, "requests": CLOUD.requests})


class _Nowhere:
    closed = True

    def write(self, data):
        pass

    def flush(self):
        pass

    def close(self):
        pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
