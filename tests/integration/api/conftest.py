# SPDX-License-Identifier: Apache-2.0
"""The real programs on fake drivers, once for all tests of this folder."""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "programs")]
from contract import Checked  # noqa: E402
from test_programs import GATEWAYS, PROJECT, programs, wait_until  # noqa: E402,F401


@pytest.fixture(scope="module")
def cloud(programs):
    here = Checked(f"http://127.0.0.1:{programs.found('api', r'event=api.ready .* port=([0-9]+)')}", PROJECT)
    n = sum(map(len, GATEWAYS.values()))
    wait_until(lambda: len(here.get("/v1/gateways").body["gateways"]) == n, 20, "all gateways")
    yield here
    here.clear()


@pytest.fixture
def vpn(cloud):
    yield cloud.vpn("blue", "vpls", ["east", "west"])
    cloud.clear()


@pytest.fixture(scope="module")
def operator(cloud):
    return cloud.as_project("ops", "admin")
