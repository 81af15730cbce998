# SPDX-License-Identifier: Apache-2.0
"""The same files mean the same to us and to oslo.config."""
import json
import os
import pathlib
import random
import subprocess

from oslo_config import cfg

N_FILES = 2000
BUILD = pathlib.Path(os.environ.get("ATLAS_BUILD", "build/dev"))
LINES = [
    "[DEFAULT]", "[section]", "[section]", "[DEFAULT", "[]", "", "   ", "# comment", "; comment", " # inside",
    "text = word", "text: word", "text=a=b:c", "text = 'quoted'", 'text = "quoted"', 'text = "half', "text = '",
    "text = a ; b # c", "text = 100%", "text =", "text", "= value", " = value", "  continued", "\tcontinued ; x",
    "other = one", "other : two  ", "other = \u00e9\u20ac", "flag = yes", "flag = OFF", "flag = 1", "flag = maybe",
    "number = 7", "number = -7", "number = +7", "number = 7.5", "number = seven", "number = 07", "text\t=\ttab",
]
GOOD = [line for line in LINES if "=" in line and line[0] not in " ="]


def some_file(rng):
    """Mostly well-formed lines, else nearly every file would be refused."""
    lines = ["[DEFAULT]"] if rng.random() < 0.95 else []
    section = "DEFAULT"
    for _ in range(rng.randrange(12)):
        line = rng.choice(LINES if rng.random() < 0.3 else GOOD)
        if line in ("[DEFAULT]", "[section]"):
            section = line[1:-1]
        wanted = "section" if line.lstrip().startswith(("other", "flag")) else "DEFAULT"
        if line[:4] in ("text", "numb", "othe", "flag") and wanted != section:
            lines.append("[%s]" % wanted)  # oslo.config does not look at options it does not know
            section = wanted
        lines.append(line)
    return rng.choice(["\n", "\r\n"]).join(lines) + rng.choice(["", "\n"])


def as_oslo_reads(path):
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt("text", default="none"),
                        cfg.IntOpt("number", default=1, min=-1000, max=1000)])
    conf.register_opts([cfg.StrOpt("other", default="none"), cfg.BoolOpt("flag", default=True)], "section")
    try:
        conf(["--config-file", str(path)], project="atlas-interop", default_config_files=[])
        return [conf.text, conf.number, conf.section.other, conf.section.flag]
    except (cfg.ConfigFileParseError, cfg.ConfigFileValueError):
        return None


def test_both_read_the_same_from_random_files(tmp_path):
    rng = random.Random(20130901)
    paths = [tmp_path / ("%d.conf" % i) for i in range(N_FILES)]
    for path in paths:
        path.write_bytes(some_file(rng).encode())
    dump = next(BUILD.rglob("config-dump"))
    ours = [json.loads(line) for line in
            subprocess.run([dump, *paths], check=True, capture_output=True, text=True).stdout.splitlines()]
    assert len(ours) == N_FILES
    n_read = 0
    for path, mine in zip(paths, ours):
        theirs = as_oslo_reads(path)
        assert mine == theirs, path.read_text()
        n_read += theirs is not None
    assert N_FILES / 5 < n_read < N_FILES * 4 / 5  # both kinds were really tried
