# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "examples")]
import peers  # noqa: E402


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    here = peers.Broker(tmp_path_factory.mktemp("broker"))
    yield here
    here.remove()


@pytest.fixture(scope="module")
def site(broker, tmp_path_factory):
    """Durable queues, exchange "atlas": what Cloud Atlas says when its file is empty. A vhost a module."""
    folder = tmp_path_factory.mktemp("site")
    here = peers.Site(folder, broker.vhost(folder.name))
    yield here
    here.close()


@pytest.fixture(scope="module")
def our_server(site):
    """The C program serves 'c-topic'."""
    return site.our_server("c-topic")


@pytest.fixture(scope="module")
def ours(site):
    return site.ours()


@pytest.fixture(scope="module")
def endpoint(site):
    """oslo.messaging serves 'py-topic' and 'py-topic.paris'."""
    endpoint = peers.Endpoint()
    site.server(endpoint, "py-topic")
    return endpoint
