# SPDX-License-Identifier: Apache-2.0
"""The lab for the system tests: its own folder, prefix and addresses, shorter deadlines."""
import os
import pathlib
import subprocess

import pytest

from cloud import Cloud

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Lab:
    """A stack of devstack/ of our own; its shell functions are called by name."""

    def __init__(self, folder):
        self.folder = folder
        self.environ = dict(
            os.environ,
            ATLAS_LAB=str(folder),
            ATLAS_LAB_PREFIX="ct",
            ATLAS_LAB_NET="198.18.161",
            ATLAS_STEP_PERCENT="40",
            ATLAS_APPLY_TIMEOUT="6",
        )

    def script(self, name):
        subprocess.run([ROOT / "devstack" / name], env=self.environ, check=True, timeout=900, stdin=subprocess.DEVNULL)

    def sh(self, text, check=True, timeout=120):
        """Runs shell text with the lab's functions and settings loaded; gives what it printed."""
        command = f'set -euo pipefail; . "{ROOT}/devstack/lib/all.sh"; . "{ROOT}/devstack/lib/story.sh"; env_load; {text}'
        done = subprocess.run(
            ["bash", "-c", command], env=self.environ, check=False, timeout=timeout,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        if check and done.returncode:
            raise AssertionError(f"{text}: exit {done.returncode}\n{done.stdout}")
        return done.stdout.strip()

    def setting(self, name):
        return self.sh(f'printf %s "${name}"')


@pytest.fixture(scope="session")
def lab():
    folder = pathlib.Path(os.environ.get("ATLAS_TEST_LAB", "/var/tmp/cloud-atlas-test-lab"))
    lab = Lab(folder)
    lab.script("unstack.sh")
    try:
        lab.script("stack.sh")
        yield lab
    finally:
        lab.script("unstack.sh")
    assert not folder.exists()
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in left.splitlines() if line.startswith("ct-")]


@pytest.fixture(scope="session")
def cloud(lab):
    return Cloud(lab.setting("ATLAS_API_URL"), lab.setting("PROJECT_ID_ALICE"), token=lab.sh("as_alice os_token"))


@pytest.fixture
def vpn(cloud):
    """A VPN over both sites, gone afterwards with its links."""
    made = cloud.vpn("blue", "vpls", ["site-a", "site-b"])
    yield made
    cloud.clear()
