#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Serves a site with one gateway that exists in this program's memory: site_agent.py FILE SITE GATEWAY. Commands come down
as casts on the topic atlas-agent, directed to the site; what came of them goes up as casts with the site's keys. 'more' is
what later versions of the conductor may add."""
import functools
import signal
import sys
import threading
import uuid

import oslo_messaging
from oslo_config import cfg


def digest(objects):
    """XOR of the FNV-1a of what is there: two who have the same say the same."""
    total = 0
    for kind in objects.values():
        for name, generation in kind.items():
            value = 0xcbf29ce484222325
            for byte in f"{name} {generation}".encode():
                value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
            total ^= value
    return f"{total:016x}"


def locked(method):
    @functools.wraps(method)
    def run(self, context, **args):
        with self.lock:
            return method(self, context, **args)
    return run


class Agent:
    target = oslo_messaging.Target(version="1.0")

    def __init__(self, transport, site, gateway):
        self.gateway, self.boot, self.lock = gateway, uuid.uuid4().hex, threading.RLock()
        self.fence, self.objects = (0, 0), {"ports": {}, "attachments": {}}
        client = functools.partial(oslo_messaging.get_rpc_client, transport)
        self.events = client(oslo_messaging.Target(topic="atlas-event", server=site, version="1.0"))
        self.beats = client(oslo_messaging.Target(topic="atlas-heartbeat", server=site, version="1.0"))

    def state(self):
        return {"boot_id": self.boot, "digest": digest(self.objects), "epoch": self.fence[0], "seq": self.fence[1]}

    def beat(self):
        self.beats.cast({}, "heartbeat", host="python", gateways=[
            {"name": self.gateway, "reachable": True, **self.state()}])

    @locked
    def discover(self, context, **more):
        self.events.cast(context, "discovered", host="python", gateways=[{
            "name": self.gateway, "type": "vpls", "domain": "wan", "address": "192.0.2.1", "mtu": 1500,
            "capacity_to_wan_kbps": 10000, "capacity_from_wan_kbps": 10000, "capabilities": ["bandwidth"],
            "ranges": {"label": [[16, 999]], "tag": [[2, 99]]}, "fence": "device", "reachable": True, **self.state()}])

    def ensure(self, kind, wants):
        """Makes it so, and says what is there now. A lower generation than there is changes nothing."""
        there = self.objects[kind]
        for want in wants:
            if want["generation"] >= there.get(want["id"], 0):
                if want["present"]:
                    there[want["id"]] = want["generation"]
                else:
                    there.pop(want["id"], None)
            yield {"id": want["id"], "generation": want["generation"], "present": want["id"] in there}

    @locked
    def apply(self, context, gateway, epoch, seq, timeout_ms, ports, attachments, **more):
        answer = {"gateway": gateway, "epoch": epoch, "seq": seq, "expired": False, "ports": [], "attachments": []}
        if (epoch, seq) < self.fence:
            answer["fault"] = {"code": 409, "type": "gateway.stale", "message": "The gateway has seen a later command."}
        else:
            self.fence = (epoch, seq)
            tags = {want["id"]: want.get("tag") for want in attachments}
            answer["ports"] = list(self.ensure("ports", ports))
            answer["attachments"] = [{**result, "vif_id": f"ca1:python:{gateway}:{tags[result['id']]}:{result['id']}"}
                                     for result in self.ensure("attachments", attachments)]
        self.events.cast(context, "ports_applied", **answer)

    @locked
    def audit(self, context, gateway, epoch, seq, timeout_ms, vif_ids, **more):
        self.fence = max(self.fence, (epoch, seq))
        found = {kind: [{"id": name, "generation": generation} for name, generation in there.items()]
                 for kind, there in self.objects.items()}
        self.events.cast(context, "audited", gateway=gateway, **self.state(), **found, unknown=0, found_ports=[], gone=[])

    @locked
    def plug(self, context, gateway, timeout_ms, attachment, **more):
        self.events.cast(context, "plugged", gateway=gateway, attachment_id=attachment["id"],
                         generation=attachment["generation"], neutron_port_id=str(uuid.uuid4()),
                         network_id=attachment.get("network_id") or str(uuid.uuid4()))

    @locked
    def unplug(self, context, gateway, timeout_ms, attachment, **more):
        self.events.cast(context, "unplugged", gateway=gateway, attachment_id=attachment["id"],
                         generation=attachment["generation"])


def main():
    file, site, gateway = sys.argv[1:]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *what: stop.set())
    cfg.CONF(["--config-file", file])
    transport = oslo_messaging.get_rpc_transport(cfg.CONF)
    agent = Agent(transport, site, gateway)
    server = oslo_messaging.get_rpc_server(transport, oslo_messaging.Target(topic="atlas-agent", server=site), [agent],
                                           executor="threading")
    server.start()
    agent.discover({})
    while True:
        agent.beat()
        if stop.wait(5):
            break
    server.stop()
    server.wait()
    transport.cleanup()


if __name__ == "__main__":
    main()
