# SPDX-License-Identifier: Apache-2.0
"""The drivers by themselves, against the lab's real Neutron and gateways."""
import os
import pathlib
import subprocess


def test_the_neutron_driver_plugs_and_unplugs_without_a_trace(lab):
    program = pathlib.Path(os.environ["ATLAS_BUILD"]) / "tests/integration/drivers/integration-drivers-test_neutron_lab"
    done = subprocess.run([program], env=lab.environ, check=False, timeout=240, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
