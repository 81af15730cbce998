# SPDX-License-Identifier: Apache-2.0
"""What goes to all servers of a topic, whichever peer they are; and what goes to one that is named."""
import uuid

import peers
import pytest


@pytest.fixture
def topic():
    return "t-" + uuid.uuid4().hex[:8]


def collected(endpoint):
    return endpoint.casts.get(timeout=5)


def test_all_servers_hear_a_fanout_of_either_peer(site, ours, topic):
    pythons = [peers.Endpoint(), peers.Endpoint()]
    for n, endpoint in enumerate(pythons):
        site.server(endpoint, topic, f"py{n}")
    programs = [site.our_server(topic, f"{topic}.c{n}", fanout=topic) for n in range(2)]
    site.client(topic, fanout=True).cast({}, "note", who="python")
    assert ours.cast(topic, "note", how={"fanout": True}, who="c") == 0
    for endpoint in pythons:
        assert sorted(collected(endpoint)["who"] for _ in range(2)) == ["c", "python"]
    for program in programs:
        assert sorted(program.heard()["cast"]["who"] for _ in range(2)) == ["c", "python"]
    assert all(e.casts.empty() for e in pythons) and all(p.said.empty() for p in programs)


def test_the_named_server_alone_hears_what_is_for_it(site, ours, topic):
    python, program = peers.Endpoint(), None
    site.server(python, topic, "lyon")
    program = site.our_server(topic, f"{topic}.paris", fanout=topic)
    for name in ("lyon", "paris"):
        site.client(topic, server=name).cast({}, "note", to=name)
        assert ours.cast(topic, "note", server=name, to=name) == 0
    assert [collected(python) for _ in range(2)] == [{"to": "lyon"}] * 2
    assert [program.heard()["cast"] for _ in range(2)] == [{"to": "paris"}] * 2
    assert python.casts.empty() and program.said.empty()


def test_what_both_declare_for_a_fanout_is_the_same(broker, site, ours, topic):
    site.server(peers.Endpoint(), topic)
    site.our_server(topic, fanout=topic)
    vhost = site.url.rsplit("/", 1)[1]
    exchange = broker.table("exchanges", vhost, "name", "type", "durable", "auto_delete")[f"{topic}_fanout"]
    assert (exchange["type"], exchange["durable"], exchange["auto_delete"]) == ("fanout", False, True)
    rows = [{**row, "name": None} for name, row in
            broker.table("queues", vhost, "name", "durable", "auto_delete", "arguments", "exclusive").items()
            if name.startswith(f"{topic}_fanout_") and len(name) == len(topic) + 8 + 32]
    assert len(rows) == 2 and rows[0] == rows[1], rows
    assert not rows[0]["durable"] and not rows[0]["auto_delete"] and "1800000" in str(rows[0]["arguments"])


def test_a_fanout_that_nobody_serves_ends_nothing(site, ours, topic):
    site.client(topic, fanout=True).cast({}, "note")
    assert ours.cast(topic, "note", how={"fanout": True}) in (0, 1)
    site.our_server(topic, fanout=topic)
    assert ours.cast(topic, "note", how={"fanout": True}) == 0
