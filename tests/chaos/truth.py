# SPDX-License-Identifier: Apache-2.0
"""What must hold when the dust has settled: the rows agree with themselves, with the devices and with what was promised."""
import collections
import json

from world import N_GATEWAYS, SITES, wait_until

SETTLE_S = 40

# What is under way. All of it has to end.
OPEN = {
    "operations": "SELECT count(*) FROM operation WHERE result = 0",
    "links held": "SELECT count(*) FROM vlink WHERE operation_id IS NOT NULL",
    "links not ACTIVE": "SELECT count(*) FROM vlink WHERE provisioning <> 1 OR operating <> 0",
    "gates closed": "SELECT count(*) FROM gateway WHERE inflight_seq <> 0",
    "work": "SELECT count(*) FROM work",
    "timers": "SELECT count(*) FROM timer WHERE kind <> 3",
    "plugs": "SELECT count(*) FROM attachment WHERE operation_id IS NOT NULL OR plug IN (1, 3) OR plug_sent <> 0",
    "ends unlike their wish": "SELECT count(*) FROM vport WHERE wanted <> present OR generation <> confirmed_generation",
}
# What must never be.
NEVER = {
    "operations failed": "SELECT count(*) FROM operation WHERE result = 2",
    "names twice": "SELECT count(*) FROM (SELECT name FROM vlink GROUP BY name HAVING count(*) > 1) AS twice",
    "labels twice": "SELECT count(*) FROM (SELECT gateway_id, label FROM vport WHERE present GROUP BY 1, 2 HAVING count(*) > 1) AS twice",
    "tags twice": "SELECT count(*) FROM (SELECT gateway_id, tag FROM attachment WHERE present GROUP BY 1, 2 HAVING count(*) > 1) AS twice",
    "labels not held": "SELECT count(*) FROM vport p WHERE NOT EXISTS (SELECT FROM integer_in_use i "
                       "WHERE i.gateway_id = p.gateway_id AND i.kind = 0 AND i.value = p.label AND i.owner_id = p.id)",
    "labels held for nobody": "SELECT count(*) FROM integer_in_use i WHERE kind = 0 AND owner_id IS NOT NULL "
                              "AND NOT EXISTS (SELECT FROM vport p WHERE p.id = i.owner_id)",
    "links with other than two ends": "SELECT count(*) FROM vlink l WHERE (SELECT count(*) FROM vport p WHERE p.link_id = l.id) <> 2",
    "bandwidth miscounted": "SELECT count(*) FROM gateway g WHERE "
                            "reserved_to_wan_kbps <> (SELECT coalesce(sum(kbps), 0) FROM reservation r WHERE r.resource_id = g.id AND direction = 0) OR "
                            "reserved_to_wan_kbps <> (SELECT coalesce(sum(tx_kbps), 0) FROM vport p WHERE p.gateway_id = g.id) OR "
                            "reserved_from_wan_kbps <> (SELECT coalesce(sum(kbps), 0) FROM reservation r WHERE r.resource_id = g.id AND direction = 1) OR "
                            "reserved_from_wan_kbps <> (SELECT coalesce(sum(rx_kbps), 0) FROM vport p WHERE p.gateway_id = g.id)",
}


def counts(world, table):
    """Those of the table that are not 0, seen at one time."""
    found = world.rows("SELECT " + ", ".join(f"({sql})" for sql in table.values()))[0]
    return {what: n for what, n in zip(table, found) if n}


def still_open(world):
    return counts(world, OPEN)


def settled(world, seconds=SETTLE_S):
    """Waits until nothing is under way."""
    last = {}

    def look():
        last.clear()
        last.update(still_open(world))
        return not last
    try:
        wait_until(look, seconds, "rest")
    except AssertionError as error:
        links = world.rows("SELECT l.id::text, l.provisioning, o.state, l.status_reason FROM vlink l LEFT JOIN operation o "
                           "ON o.id = l.operation_id WHERE l.provisioning <> 1 OR l.operating <> 0 OR l.operation_id IS NOT NULL LIMIT 5")
        raise AssertionError(f"stranded after {seconds} s: {last}; among them {links}; {world.folder}") from error


def device(world, name):
    path = world.folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {"ports": [], "attachments": [], "plugs": [], "violations": 0}


def devices_agree(world):
    """Each fake holds what its rows say, once, and nothing else; it never was asked for what cannot be."""
    ports, attachments, plugs = collections.defaultdict(dict), collections.defaultdict(dict), collections.defaultdict(dict)
    for gateway, *port in world.rows("SELECT g.name, p.id::text, p.generation, p.label, p.tx_kbps, p.rx_kbps "
                                     "FROM vport p JOIN gateway g ON g.id = p.gateway_id WHERE p.present"):
        ports[gateway][port[0]] = tuple(port[1:])
    for gateway, *attachment in world.rows("SELECT gateway_name, id::text, generation, tag FROM attachment WHERE present"):
        attachments[gateway][attachment[0]] = tuple(attachment[1:])
    for site, attachment, network in world.rows("SELECT site_name, id::text, network_id FROM attachment WHERE plug = 2"):
        plugs[site][attachment] = network
    for site in SITES:
        held = device(world, f"{site}-cloud")["plugs"]
        assert len(held) == len({plug["id"] for plug in held}), f"{site}: plugged twice"
        assert {plug["id"]: plug["network_id"] for plug in held} == plugs[site], f"plugs of {site}"
        for gateway in (f"{site}-gw{i}" for i in range(N_GATEWAYS)):
            held = device(world, gateway)
            assert held["violations"] == 0, f"{gateway} was asked {held['violations']} times for what cannot be"
            for kind, rows, words in (("ports", ports, ("generation", "local_label", "tx_kbps", "rx_kbps")),
                                      ("attachments", attachments, ("generation", "tag"))):
                assert len(held[kind]) == len({each["id"] for each in held[kind]}), f"{gateway}: {kind} twice"
                assert {each["id"]: tuple(each[word] for word in words) for each in held[kind]} == rows[gateway], f"{kind} of {gateway}"


def check(world, load, dead_letters=0, seconds=SETTLE_S, but=()):
    """All of it, after a load, but for some of NEVER."""
    assert not load.broken, load.broken
    settled(world, seconds)
    names = {name for name, in world.rows("SELECT name FROM vlink")}
    assert names == world.links, f"lost: {sorted(world.links - names)[:5]}; too many: {sorted(names - world.links)[:5]}"
    never = counts(world, {what: sql for what, sql in NEVER.items() if what not in but})
    assert not never, f"{never}; {world.folder}"
    devices_agree(world)
    dead = world.waiting("atlas-dead")[0][0]
    assert dead == dead_letters, f"{dead} dead letters"
