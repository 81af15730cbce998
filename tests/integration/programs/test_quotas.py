# SPDX-License-Identifier: Apache-2.0
"""Quotas under a crowd: two conductors, many at once, a real database; and an operator who changes them meanwhile."""
import concurrent.futures
import json

import pytest

from test_programs import BIN, cloud, made, programs, refused  # noqa: F401


def create(cloud, name):  # noqa: F811
    return cloud.ask("POST", "/v1/vpns", {"vpn": {"name": name, "type": "vpls"}})


@pytest.fixture
def second(programs):  # noqa: F811
    """Another conductor on the same queue."""
    programs.conf("conductor2", programs.url("conductor"), "metrics_port = 0\nhost = second\n",
                  (programs.folder / "conductor.conf").read_text().split("metrics_port = 0\n", 1)[1])
    programs.start("conductor2", "atlas-conductor")
    yield
    programs.stop("conductor2")


def test_of_many_at_once_no_more_get_in_than_the_quota(programs, cloud, second):  # noqa: F811
    said = programs.manage("quota", "set", cloud.project, "--vpns", "7")
    assert [line.split() for line in said.splitlines()] == [
        ["resource", "limit", "used"], ["vpns", "7", "0"], ["virtual_links", "default", "0"], ["kbps", "default", "0"]]
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda i: create(cloud, f"v{i}"), range(40)))
    assert sorted(a.status for a in answers) == [201] * 7 + [409] * 33
    for answer in answers:
        if answer.status == 409:
            error = refused(answer, 409, "quota.exceeded", "vpn")
            assert error["details"] == {"resource": "vpn", "limit": 7, "used": 7, "requested": 1}
    assert len(cloud.get("/v1/vpns").body["vpns"]) == 7
    stranger = cloud.as_project("somebody-else")
    answer = create(stranger, "theirs")
    assert answer.status == 201
    assert stranger.ask("DELETE", f"/v1/vpns/{answer.body['vpn']['id']}").status == 204


def test_what_is_given_back_can_be_had_again_and_a_lower_quota_takes_nothing(programs, cloud):  # noqa: F811
    vpns = cloud.get("/v1/vpns").body["vpns"]
    assert cloud.ask("DELETE", f"/v1/vpns/{vpns[0]['id']}").status == 204
    assert create(cloud, "again").status == 201
    programs.manage("quota", "set", cloud.project, "--vpns=3", "--kbps=none")
    refused(create(cloud, "more"), 409, "quota.exceeded", "vpn")
    assert ["vpns", "3", "7"] in [line.split() for line in programs.manage("quota", "show", cloud.project).splitlines()]
    programs.manage("quota", "set", cloud.project, "--vpns=default")
    assert create(cloud, "more").status == 201
    cloud.clear()


def test_a_limit_that_is_none_is_refused(programs, cloud):  # noqa: F811
    with pytest.raises(AssertionError, match="a limit is a number from 0"):
        made(BIN / "atlas-manage", "--config-file", programs.folder / "manage.conf", "quota", "set", cloud.project, "--vpns", "-5")
    assert json.dumps(cloud.get("/v1/vpns").body) == '{"vpns": []}'
