# SPDX-License-Identifier: Apache-2.0
"""The demo's story, as told to a new user, on the lab of the tests."""


def test_the_demo_tells_the_whole_story(lab):
    lab.script("demo.sh")


def test_a_second_stack_is_harmless(lab, cloud):
    lab.script("stack.sh")
    assert cloud.get("/v1/gateways").status == 200
