# SPDX-License-Identifier: Apache-2.0
"""What a tenant is told, and what is left behind, when parts of the world are away."""
import pytest

from cloud import wait_until


def gateway_holds(lab, letter):
    """Names of our interfaces on a gateway host."""
    return lab.sh(f"""gateway_exec {letter} sh -c 'ip -br link | sed "s/[@ ].*//" | grep -E "^ca" || true'""").split()


def gateways_empty(lab):
    return not gateway_holds(lab, "a") and not gateway_holds(lab, "b")


def test_a_link_to_a_site_whose_agent_is_down_ends_in_error_and_the_other_end_is_rolled_back(lab, cloud, vpn):
    lab.sh("daemon_stop atlas-agent-b")
    try:
        link = cloud.settled(cloud.link(vpn))
        assert link["provisioning_status"] == "ERROR"
        assert "site-b" in link["status_reason"]
        wait_until(lambda: not gateway_holds(lab, "a"), 20, "the rollback at site a")
    finally:
        lab.sh("atlas_up")
    assert cloud.delete(link) is None
    wait_until(lambda: gateways_empty(lab), 20, "empty gateways")


def test_a_delete_while_an_agent_is_down_is_finished_by_a_later_delete(lab, cloud, vpn):
    link = cloud.settled(cloud.link(vpn))
    assert link["status"] == "ACTIVE"
    lab.sh("daemon_stop atlas-agent-b")
    try:
        left = cloud.delete(link)
        assert left["provisioning_status"] == "ERROR"
        assert "site-b" in left["status_reason"]
    finally:
        lab.sh("atlas_up")
    assert cloud.delete(link) is None
    wait_until(lambda: gateways_empty(lab), 20, "empty gateways")


def test_an_unreachable_gateway_gives_an_error_that_names_it(lab, cloud, vpn):
    lab.sh('ip -n "$SITE_B_GW_NETNS" link set mgmt0 down')
    try:
        link = cloud.settled(cloud.link(vpn))
        assert link["provisioning_status"] == "ERROR"
        assert "gw-b cannot be reached" in link["status_reason"]
        assert lab.setting("SITE_B_GW_HOST") not in link["status_reason"]
    finally:
        lab.sh('ip -n "$SITE_B_GW_NETNS" link set mgmt0 up')
    assert cloud.delete(link) is None


def test_a_changed_host_key_is_refused(lab, cloud, vpn):
    lab.sh("""
        cp "$LAB/etc/atlas-agent-b.conf" "$LAB/etc/kept.conf"
        ssh-keygen -q -t ed25519 -N '' -f "$LAB/tmp/other"
        sed -i "s|^host_key = .*|host_key = $(cut -d' ' -f1,2 "$LAB/tmp/other.pub")|" "$LAB/etc/atlas-agent-b.conf"
        daemon_stop atlas-agent-b
        atlas_start atlas-agent atlas-agent-b
        daemon_ready atlas-agent-b 20 atlas_started atlas-agent-b""")
    try:
        link = cloud.settled(cloud.link(vpn))
        assert link["provisioning_status"] == "ERROR"
        assert "host key" in link["status_reason"]
    finally:
        lab.sh('mv "$LAB/etc/kept.conf" "$LAB/etc/atlas-agent-b.conf"; rm -f "$LAB"/tmp/other*; daemon_stop atlas-agent-b; atlas_up')
    assert cloud.delete(link) is None


def test_a_network_of_another_project_is_refused_and_nothing_stays(lab, cloud, vpn):
    network = lab.sh("as_mallory os_network a theirs 10.77.0.0/24")
    try:
        link = cloud.settled(cloud.link(vpn, a={"network_id": network}))
        assert link["provisioning_status"] == "ERROR"
        assert "site-a" in link["status_reason"] or network in link["status_reason"]
        wait_until(lambda: gateways_empty(lab), 20, "the rollback")
        assert lab.sh("as_admin os_get a '/v2.0/ports?device_owner=network:cloud-atlas' | jq '.ports | length'") == "0"
    finally:
        lab.sh(f"story_network_delete a {network}")


def test_a_tenant_may_plug_the_vif_id_itself(lab, cloud, vpn):
    link = cloud.settled(cloud.link(vpn))
    end = cloud.get(f"/v1/virtual-ports/{link['endpoints'][0]['virtual_port_id']}").body["virtual_port"]
    network = lab.sh("as_alice os_network a mine 10.78.0.0/24")
    try:
        lab.sh(f"""as_alice os_post a /v2.0/ports '{{"port": {{"network_id": "{network}", "device_id": "{end["vif_id"]}"}}}}'""")

        def plugged():
            now = cloud.get(f"/v1/virtual-ports/{end['id']}").body["virtual_port"]
            return now if now["plug_status"] == "plugged" else None

        now = wait_until(plugged, 60, "the audit that finds the port")
        assert now["network_id"] == network
        assert cloud.delete(link) is None
    finally:
        lab.sh(f"story_network_delete a {network}")


@pytest.mark.parametrize("part, stop, start", [
    ("broker", "rabbitmq_down", "rabbitmq_up"),
    ("database", "daemon_stop pg-atlas INT", "pg_atlas_up"),
])
def test_a_restart_is_survived_and_the_api_says_so_meanwhile(lab, cloud, vpn, part, stop, start):
    link = cloud.settled(cloud.link(vpn))
    assert link["status"] == "ACTIVE"
    lab.sh(stop)
    try:
        answer = wait_until(
            lambda: (lambda a: a if a.status == 503 else None)(cloud.ask("PUT", f"/v1/virtual-links/{link['id']}", {"virtual_link": {"name": part}})),
            20, "503")
        assert answer.headers["Retry-After"]
    finally:
        lab.sh(start)
    wait_until(lambda: cloud.ask("PUT", f"/v1/virtual-links/{link['id']}", {"virtual_link": {"name": part}}).status == 200, 60, "the API again")
    answer = wait_until(
        lambda: (lambda a: a if a.status == 202 else None)(cloud.ask("PUT", f"/v1/virtual-links/{link['id']}", {"virtual_link": {"bandwidth": {"a_to_z_kbps": 20000}}})),
        30, "a change")
    now = cloud.settled(link)
    assert now["status"] == "ACTIVE" and now["bandwidth"]["a_to_z_kbps"] == 20000


def test_a_restarted_gateway_is_restored(lab, cloud, vpn):
    link = cloud.settled(cloud.link(vpn))
    before = sorted(gateway_holds(lab, "b"))
    assert before
    lab.sh("gateway_reboot b", timeout=180)
    wait_until(lambda: sorted(gateway_holds(lab, "b")) == before, 60, "the gateway's interfaces again")
    assert cloud.link_now(link)["status"] == "ACTIVE"


def test_a_bad_message_harms_no_other(lab, cloud, vpn):
    lab.sh(r"""/usr/bin/python3 - <<END
import json, kombu
url = "$RABBIT_ADMIN_URL".replace("rabbit:", "amqp:")
with kombu.Connection(url) as connection:
    producer = connection.Producer()
    for body in ("not json", '{"oslo.version": "2.0", "oslo.message": "{}"}', '{"oslo.version": "9.0", "oslo.message": "{}"}',
                 json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps({"method": "create_virtual_link", "args": {"virtual_link": 7}})})):
        producer.publish(body, exchange="atlas", routing_key="atlas-conductor", content_type="application/json", content_encoding="utf-8")
END""")
    link = cloud.settled(cloud.link(vpn))
    assert link["status"] == "ACTIVE"
