# SPDX-License-Identifier: Apache-2.0
"""The checks that follow every case see what they are there for."""
import contextlib
import json

import pytest

from load import Load
from truth import check, device


@contextlib.contextmanager
def changed_device(world, name, change):
    path, held = world.folder / f"{name}.json", device(world, name)
    before = path.read_text()
    change(held)
    path.write_text(json.dumps(held))
    try:
        yield
    finally:
        path.write_text(before)


@contextlib.contextmanager
def changed_rows(world, there, back):
    """'there' and 'back' are statements; {link}, {port} and {gateway} stand for ids of one link."""
    row = world.rows("SELECT l.id::text, p.id::text, p.gateway_id::text, l.operation_id::text FROM vlink l "
                     "JOIN vport p ON p.link_id = l.id WHERE p.label > 0 LIMIT 1")[0]
    ids = dict(zip(("link", "port", "gateway"), row))
    world.rows(there.format(**ids))
    try:
        yield
    finally:
        world.rows(back.format(**ids))


DEVICES = {
    "a lost port": lambda held: held["ports"].pop(),
    "a port too many": lambda held: held["ports"].append({**held["ports"][0], "id": "00000000-0000-4000-8000-000000000000"}),
    "an old generation": lambda held: held["ports"][0].update(generation=0),
    "another label": lambda held: held["ports"][0].update(local_label=7),
    "a lost attachment": lambda held: held["attachments"].pop(),
    "a label taken twice": lambda held: held.update(violations=1),
}
ROWS = {
    "stranded": ("UPDATE vlink SET provisioning = 0 WHERE id = '{link}'", "UPDATE vlink SET provisioning = 1 WHERE id = '{link}'"),
    "gates closed": ("UPDATE gateway SET inflight_seq = 1 WHERE id = '{gateway}'", "UPDATE gateway SET inflight_seq = 0 WHERE id = '{gateway}'"),
    "lost": ("UPDATE vlink SET name = 'x' || name WHERE id = '{link}'", "UPDATE vlink SET name = substr(name, 2) WHERE id = '{link}'"),
    "labels not held": ("UPDATE integer_in_use SET owner_id = '{link}' WHERE owner_id = '{port}'",
                        "UPDATE integer_in_use SET owner_id = '{port}' WHERE owner_id = '{link}'"),
    "bandwidth miscounted": ("UPDATE gateway SET reserved_to_wan_kbps = reserved_to_wan_kbps + 1 WHERE id = '{gateway}'",
                             "UPDATE gateway SET reserved_to_wan_kbps = reserved_to_wan_kbps - 1 WHERE id = '{gateway}'"),
}


def test_the_checks_see_what_is_wrong(world, say):
    with Load(world, rpc=False) as load:
        load.goes_on(40)
    check(world, load)
    for what, change in DEVICES.items():
        with changed_device(world, "east-gw0", change), pytest.raises(AssertionError):
            check(world, load)
            pytest.fail(f"{what} was not seen")
    for what, (there, back) in ROWS.items():
        with changed_rows(world, there, back), pytest.raises(AssertionError, match=what):
            check(world, load, seconds=0.3)
    check(world, load)
    say(f"{len(DEVICES)} wrongs of devices and {len(ROWS)} of rows were seen")
