#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks for a VPN of two sites and a virtual link in it, over the message bus: create_link.py FILE PROJECT SITE SITE KBPS"""
import json
import sys
import uuid

import oslo_messaging
from oslo_config import cfg

file, project, *sites, kbps = sys.argv[1:]
cfg.CONF(["--config-file", file])
transport = oslo_messaging.get_rpc_transport(cfg.CONF, allowed_remote_exmods=["atlas.exceptions"])
conductor = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="atlas-conductor", version="1.0"))
context = {"request_id": f"req-{uuid.uuid4()}", "project_id": project, "roles": ["member"], "is_admin": False}

vpn = {"id": str(uuid.uuid4()), "name": "blue", "description": "", "type": "vpls"}
conductor.call(context, "create_vpn", vpn=vpn)
for site in sites:
    conductor.call(context, "add_site", vpn_id=vpn["id"], site_id=site)
link = conductor.call(context, "create_virtual_link", virtual_link={
    "id": str(uuid.uuid4()), "name": "-".join(sites), "description": "", "vpn_id": vpn["id"],
    "endpoints": [{"site_id": site} for site in sites],
    "bandwidth": {"a_to_z_kbps": int(kbps), "z_to_a_kbps": int(kbps)}})
print(json.dumps(link))
transport.cleanup()
