# SPDX-License-Identifier: Apache-2.0
"""The program `atlas` itself, against a small service of the test's own: headers, exit codes, signals."""
import http.server
import json
import os
import pathlib
import pty
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = pathlib.Path(os.environ.get("ATLAS_BUILD", ROOT / "build" / "dev")) / "bin" / "atlas"
SITE = {"id": "22222222-2222-4222-8222-222222222222", "name": "Zürich", "alive": True, "last_seen_at": None,
        "description": ""}
LINK = "55555555-5555-4555-8555-555555555555"
OPERATION = "88888888-8888-4888-8888-888888888888"


class Service(http.server.ThreadingHTTPServer):
    """Answers (method, path) with (status, body); keeps what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked, self.drops, self.streams = {}, [], 0, []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        if self.server.drops > 0 and self.command == "POST":
            self.server.drops -= 1
            self.server.asked.append((self.command, self.path, dict(self.headers), b""))
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        if self.headers.get("Accept", "").startswith("text/event-stream") and self.server.streams:
            self.stream(self.server.streams.pop(0))
            return
        status, value = self.server.answers.get((self.command, self.path), (404, {"error": {
            "code": 404, "type": "not_found", "title": "Not Found", "message": "It could not be found."}}))
        text = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("X-Openstack-Request-Id", "req-7")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def stream(self, text):
        """Says that much, then cuts the line."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text.encode())
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *args):
        pass


@pytest.fixture
def service():
    server = Service()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def environment(url):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    return {**kept, "OS_AUTH_TYPE": "none", "OS_ENDPOINT": url, "OS_PROJECT_ID": "demo", "LC_ALL": "C"}


def atlas(service, *words):
    url = service if isinstance(service, str) else f"http://127.0.0.1:{service.server_port}"
    return subprocess.run([str(PROGRAM), *words], capture_output=True, text=True, timeout=120, env=environment(url))


def test_a_list_comes_with_who_asks(service):
    service.answers["GET", "/v1/sites"] = 200, {"sites": [SITE]}
    done = atlas(service, "site", "list", "--os-roles", "admin")
    assert done.returncode == 0 and "Zürich" in done.stdout
    headers = service.asked[0][2]
    assert headers["X-Project-Id"] == "demo" and headers["X-Roles"] == "admin"
    assert json.loads(atlas(service, "site", "list", "-f", "json").stdout) == [SITE]


def test_every_post_has_its_own_key(service):
    for _ in range(2):
        assert atlas(service, "vpn", "create", "blue", "--type", "vpls").returncode == 1
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in service.asked]
    assert len(keys) == 2 and keys[0] != keys[1]
    assert json.loads(service.asked[0][3]) == {"vpn": {"name": "blue", "type": "vpls"}}


def test_a_refusal_has_its_request(service):
    refused = atlas(service, "site", "show", SITE["id"])
    assert refused.returncode == 1 and refused.stdout == ""
    assert refused.stderr.startswith("atlas: Not Found: It could not be found.\n  request: req-7\n  next: ")


def test_nobody_there(service):
    port = service.server_port
    away = atlas(f"http://127.0.0.1:{port + 1 if port < 65535 else 1}", "site", "list")
    assert away.returncode == 4 and "No answer" in away.stderr


def test_without_a_service_it_says_which_variable_is_missing():
    env = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    done = subprocess.run([str(PROGRAM), "site", "list"], capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode == 2 and "OS_AUTH_URL is not set" in done.stderr


def running(service):
    service.answers["DELETE", f"/v1/virtual-links/{LINK}"] = 202, {
        "virtual_link": {"id": LINK, "operation_id": OPERATION, "endpoints": []}}
    service.answers["GET", f"/v1/operations/{OPERATION}"] = 200, {"operation": {
        "id": OPERATION, "type": "delete", "status": "running",
        "steps": [{"at": "2026-01-31T10:00:00.000Z", "from": "START", "to": "UNPLUG"}]}}


def test_waiting_ends_at_its_time(service):
    running(service)
    done = atlas(service, "link", "delete", LINK, "--wait", "--timeout", "1")
    assert done.returncode == 5 and f"atlas operation show {OPERATION}" in done.stderr
    assert done.stderr.count("accepted") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_the_operation_and_says_how_to_look(service, number):
    running(service)
    child = subprocess.Popen([str(PROGRAM), "link", "delete", LINK, "--wait"], text=True, stderr=subprocess.PIPE,
                             env=environment(f"http://127.0.0.1:{service.server_port}"))
    deadline = time.monotonic() + 30
    while not any(path.startswith("/v1/operations/") for _, path, _, _ in service.asked):
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.01)
    child.send_signal(number)
    _, told = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "The operation goes on." in told and f"atlas operation show {OPERATION}" in told


def test_a_closed_pipe_is_no_success(service):
    service.answers["GET", "/v1/sites"] = 200, {"sites": [SITE]}
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(PROGRAM), "site", "list"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                              env=environment(f"http://127.0.0.1:{service.server_port}"))
    assert done.returncode == 70 and "ENOSPC" in done.stderr


def test_a_lost_connection_is_tried_again_under_the_same_key(service):
    service.drops = 2
    service.answers["POST", "/v1/vpns"] = 201, {"vpn": {"id": LINK, "site_ids": []}}
    service.answers["GET", "/v1/sites"] = 200, {"sites": [SITE]}
    done = atlas(service, "vpn", "create", "blue", "--type", "vpls", "-f", "value", "-c", "id")
    assert (done.returncode, done.stdout) == (0, LINK + "\n"), done.stderr
    keys = [headers["Idempotency-Key"] for method, _, headers, _ in service.asked if method == "POST"]
    assert len(keys) == 3 and len(set(keys)) == 1
    assert done.stderr.count("asking again under the same key") == 1


def event(number, what="vpn.create"):
    body = {"event": {"id": str(number), "type": what, "at": "T", "object_type": "vpn", "object_id": LINK}}
    return f"id: {number}\ndata: {json.dumps(body)}\n\n"


def test_a_watch_goes_on_after_a_cut_where_it_was(service):
    service.answers["GET", "/v1/events"] = 503, {}
    service.streams = ["retry: 1000\nid: 3\n\n" + event(4) + event(5)[:-20], ": alive\n\n" + event(5) + event(6)]
    child = subprocess.Popen([str(PROGRAM), "watch", "-c", "id"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=environment(f"http://127.0.0.1:{service.server_port}"))
    try:
        assert [child.stdout.readline() for _ in range(3)] == ["4\n", "5\n", "6\n"]
        deadline = time.monotonic() + 30
        while len(service.asked) < 3:  # only then is the last place taken
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=30)
    assert child.returncode == 130 and "atlas watch --after 6" in told
    places = [headers.get("Last-Event-ID") for _, path, headers, _ in service.asked if path == "/v1/events"]
    assert places[:3] == [None, "4", "6"]


def test_on_a_terminal_the_last_line_is_alive(service):
    running(service)
    leader, follower = pty.openpty()
    child = subprocess.Popen([str(PROGRAM), "link", "delete", LINK, "--wait", "--timeout", "1"], stderr=follower,
                             stdout=subprocess.DEVNULL, env=environment(f"http://127.0.0.1:{service.server_port}"))
    os.close(follower)
    text = b""
    try:
        while True:
            text += os.read(leader, 4096)
    except OSError:  # the child's end is closed
        pass
    finally:
        os.close(leader)
    assert child.wait(30) == 5
    shown = text.decode()
    assert len(re.findall(r"\r +[0-9]\.[0-9] s  …\x1b\[K", shown)) >= 2, shown
    assert shown.count("accepted") == 1 and "Not done within 1 s" in shown


def complete(service, *words):
    script = f"""source {ROOT}/docs/completion/atlas
COMP_WORDS=({PROGRAM} {" ".join(f"'{w}'" for w in words)}); COMP_CWORD={len(words)}
_atlas; printf '%s\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True,
                          env=environment(f"http://127.0.0.1:{service.server_port}"))
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_and_names(service):
    service.answers["GET", "/v1/sites"] = 200, {"sites": [SITE]}
    service.answers["GET", "/v1/vpns"] = 200, {"vpns": [{"name": "blue", "site_ids": []}, {"name": "black", "site_ids": []}]}
    assert complete(service, "op") == ["operation"]
    assert complete(service, "vpn", "add") == ["add-site", "add-tag"]
    assert complete(service, "vpn", "show", "bl") == ["blue", "black"]
    assert complete(service, "vpn", "add-site", "blue", "Z") == ["Zürich"]
    assert complete(service, "link", "list", "--st") == ["--status"]
    assert complete(service, "link", "list", "--vpn", "blu") == ["blue"]
    assert complete(service, "site", "list", "-f", "j") == ["json"]
    assert complete(service, "site", "list", "--vp") == []
    assert complete(service, "completion", "") == ["bash"]
