# SPDX-License-Identifier: Apache-2.0
"""Our reading of rules beside oslo.policy's own: the same expressions, the same answers."""
import os
import pathlib
import random
import subprocess

from oslo_policy import _parser, policy

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("ATLAS_BUILD", ROOT / "build" / "dev")) / "bin"
LEAVES = ["role:admin", "role:Member", "role:reader", "project_id:%(project_id)s", "tenant_id:%(tenant_id)s", "project_id:own",
          "project_id:other", "user_id:user", "'own':%(project_id)s", "'':%(project_id)s", "@", "!", "rule:base", "rule:admin_only"]
ROLES = ["", "reader", "member,reader", "ADMIN", "administrator", "x,Admin,member"]
BASE = {"base": "role:member and not project_id:other", "admin_only": "role:admin"}


def expression(rng, depth):
    kind = rng.randrange(6) if depth else 0
    if kind < 2:
        return rng.choice(LEAVES)
    if kind == 2:
        return "not " + closed(rng, depth - 1)
    if kind == 3:
        return f"({expression(rng, depth - 1)})"
    word = rng.choice([" and ", " or ", " AND ", "  or\t"])
    return expression(rng, depth - 1) + word + expression(rng, depth - 1)


def closed(rng, depth):
    return rng.choice([rng.choice(LEAVES), f"({expression(rng, depth)})"])


def theirs(rules, roles, of):
    """oslo.policy's answers."""
    checks = {name: _parser.parse_rule(text) for name, text in rules.items()}
    enforcer = type("Enforcer", (), {"rules": policy.Rules(checks)})()
    creds = {"project_id": "own", "tenant_id": "own", "user_id": "user", "roles": roles.split(",") if roles else []}
    target = {"project_id": of, "tenant_id": of}
    return {name: bool(_parser._checks._check(check, target, creds, enforcer, None)) for name, check in checks.items()}


def ours(folder, roles):
    """{rule: (for the own project, for others')}"""
    done = subprocess.run([BIN / "atlas-manage", "--config-file", folder / "manage.conf", "policy", "check",
                           f"--policy-file={folder}/policy.yaml", f"--roles={roles}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    return {name: (own == "yes", other == "yes") for name, own, other in lines}


def test_many_expressions_have_the_answers_that_oslo_policy_gives(tmp_path):
    seed = int(os.environ.get("ATLAS_SEED", random.randrange(1 << 30)))
    rng = random.Random(seed)
    rules = {**BASE, **{f"r{i}": expression(rng, 4) for i in range(200)}}
    (tmp_path / "manage.conf").write_text("[DEFAULT]\ntransport_url = rabbit://nobody@localhost/\n[database]\nconnection = dbname=none\n")
    (tmp_path / "policy.yaml").write_text("".join(f'"{n}": "{t}"\n'.replace("\t", "\\t") for n, t in rules.items()))
    yes = no = 0
    for roles in ROLES:
        mine = ours(tmp_path, roles)
        for place, of in enumerate(("own", "")):
            for name, answer in theirs(rules, roles, of).items():
                assert mine[name][place] == answer, f"ATLAS_SEED={seed} {roles!r} {of!r}: {rules[name]}"
                yes, no = yes + answer, no + (not answer)
    assert yes > 300 and no > 300
