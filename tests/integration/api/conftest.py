# SPDX-License-Identifier: Apache-2.0
"""The real programs on fake drivers, once for all tests of this folder."""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "programs")]
from contract import Checked  # noqa: E402
from test_programs import programs  # noqa: E402,F401


@pytest.fixture(scope="module")
def cloud(programs):
    here = programs.cloud(kind=Checked)
    yield here
    here.clear()


@pytest.fixture
def vpn(cloud):
    yield cloud.vpn("blue", "vpls", ["east", "west"])
    cloud.clear()


@pytest.fixture(scope="module")
def operator(cloud):
    return cloud.as_project("ops", "admin")
