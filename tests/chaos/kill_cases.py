# SPDX-License-Identifier: Apache-2.0
"""The kill matrix: which program is struck, where and how, while which row of which workflow runs. Generated from the
workflows' own tables (docs/flows/*.json); a row is in it with a stage, or below with the reason why it is not."""
import collections
import itertools
import json
import os

from world import ROOT, SITES

# How a tenant brings a row about: on links that are 'ready', 'ask', while something is 'amiss' (see test_kill_matrix.py).
Stage = collections.namedtuple("Stage", "ready ask amiss", defaults=("",))
STAGES = {
    (101, 102, 106): Stage("none", "create"),
    (103, 113): Stage("none", "create_much"),
    (114,): Stage("none", "create", "gateways refuse"),
    (107, 110): Stage("none", "create", "networks are not theirs"),
    (111, 116): Stage("none", "create", "clouds refuse"),
    (104, 105, 115): Stage("none", "create", "gateways hang"),
    (108, 109, 112): Stage("none", "create", "clouds hang"),
    (201, 202, 206): Stage("plugged", "change"),
    (203, 213): Stage("plugged", "change_much_to_west"),
    (207, 210): Stage("plugged", "change_much_from_west"),
    (214,): Stage("plugged", "change", "gateways refuse"),
    (204, 205, 215): Stage("plugged", "change", "gateways hang"),
    (301, 302, 306): Stage("plugged", "delete"),
    (303,): Stage("plugged", "delete", "clouds refuse"),
    (307,): Stage("plugged", "delete", "gateways refuse"),
    (304, 305): Stage("plugged", "delete", "clouds hang"),
    (308, 309): Stage("plugged", "delete", "gateways hang"),
    (401, 402): Stage("loose", "attach"),
    (403, 406): Stage("loose", "attach", "networks are not theirs"),
    (407,): Stage("loose", "attach", "clouds refuse"),
    (404, 405, 408): Stage("loose", "attach", "clouds hang"),
    (501, 502): Stage("plugged", "detach"),
    (503,): Stage("plugged", "detach", "clouds refuse"),
    (504, 505): Stage("plugged", "detach", "clouds hang"),
    (601, 602): Stage("off", "enable"),
    (603, 607): Stage("off", "enable", "gateways refuse"),
    (604, 605, 608): Stage("off", "enable", "gateways hang"),
    (701, 702): Stage("plugged", "disable"),
    (703,): Stage("plugged", "disable", "gateways refuse"),
    (704, 705): Stage("plugged", "disable", "gateways hang"),
    (801, 802): Stage("none", "connect"),
    (803, 806): Stage("none", "connect_much"),
}
STAGE_OF = {row: stage for rows, stage in STAGES.items() for row in rows}
NOT_HERE = {
    208: "only the second step may hang: tests/sim", 209: "as 208", 211: "only the second step and its undoing may fail: tests/sim",
    212: "as 211", 310: "a network refuses to let go after its ports were asked to go: tests/sim",
    311: "leaves on a gateway what nobody confirmed: tests/integration/conductor", 606: "a gateway that refuses only to build: tests/sim",
    804: "waits for minutes: tests/unit/conductor/test_connection.c, tests/sim", 805: "as 804", 807: "as 804",
}

CONDUCTOR_POINTS = ("before_commit", "after_commit", "mid_publish", "after_publish")
# What agents are told when a row is taken, and under which mark: a port's generation, or none for networks.
AGENT_POINTS = {
    "apply": ("before_apply", "after_apply", "after_publish"),
    "plug": ("before_plug", "after_plug"),
    "unplug": ("before_unplug", "after_unplug"),
}
TOLD = {
    101: ("apply", 1), 103: ("apply", 2), 201: ("apply", 2), 202: ("apply", 3), 302: ("apply", 2), 601: ("apply", 3), 701: ("apply", 2),
    102: ("plug", None), 401: ("plug", None), 107: ("unplug", None), 301: ("unplug", None), 501: ("unplug", None),
}
SENDS_NOTHING = {803}  # what is taken back there has left its gateways already
HOWS = ("kill", "stop")

Case = collections.namedtuple("Case", "row victim point mark how stage")


def flow_rows():
    return {row["pos"]: row for path in sorted((ROOT / "docs" / "flows").glob("*.json")) for row in json.loads(path.read_text())["rows"]}


def is_slow(stage):
    """What hangs, and a network that lets nobody go, ends by deadlines, which such cases run with at a tenth."""
    return stage.amiss.endswith("hang") or stage.amiss == "clouds refuse"


def cases_of(row, ends):
    stage = STAGE_OF[row]
    points = [point for point in CONDUCTOR_POINTS if point != "mid_publish" or not (ends or row in SENDS_NOTHING)]  # at the end nothing is sent
    turn = itertools.islice(itertools.cycle(points), row % 4, None)
    for point in points if not is_slow(stage) else (next(turn),):
        yield Case(row, "conductor", point, row, "kill", stage)
    if not is_slow(stage):
        yield Case(row, "conductor", next(turn), row, "stop", stage)
    if row in TOLD:
        command, mark = TOLD[row]
        for n, (site, point) in enumerate(itertools.product(SITES, AGENT_POINTS[command])):
            yield Case(row, site, point, mark, "kill", stage)
            if n % 3 == row % 3:
                yield Case(row, site, point, mark, "stop", stage)


def every_case():
    rows = flow_rows()
    return [case for row in sorted(rows) if row in STAGE_OF for case in cases_of(row, rows[row]["within_ms"] == 0)]


def some_cases():
    """Of each point and way one (killed agents: at each site), over as many rows as may be; the others are for
    ATLAS_KILL_MATRIX=all."""
    chosen, rows = {}, collections.Counter()
    for case in every_case():
        key = (case.victim if case.how == "kill" else "", case.point, case.how)
        if not is_slow(case.stage) and (key not in chosen or rows[case.row] < rows[chosen[key].row]):
            if key in chosen:
                rows[chosen[key].row] -= 1
            chosen[key] = case
            rows[case.row] += 1
    return sorted(chosen.values(), key=lambda case: case.row)


def wanted_cases():
    # Those that need short deadlines come last, so that conductors change their settings once.
    cases = every_case() if os.environ.get("ATLAS_KILL_MATRIX") == "all" else some_cases()
    return sorted(cases, key=lambda case: is_slow(case.stage))


def name_of(case):
    return f"{case.row}-{case.victim}-{case.point}-{case.how}"
