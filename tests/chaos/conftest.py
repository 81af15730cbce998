# SPDX-License-Identifier: Apache-2.0
import contextlib
import os
import pathlib

import pytest

from servers import Broker, Cluster, OnSmallDisk, Replicated
from world import World


@pytest.fixture
def say(request, capfd):
    """Prints what a case saw, in one line under its name."""
    def tell(text):
        with capfd.disabled():
            print(f"\n{request.node.name}: {text}", flush=True)
    return tell


def folder_of(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp(name)
    folder.chmod(0o755)
    for parent in folder.parents:  # PostgreSQL runs as another user
        if parent != pathlib.Path("/tmp") and pathlib.Path("/tmp") in parent.parents:
            parent.chmod(0o755)
    return folder


@contextlib.contextmanager
def one_of_each(folder, **more):
    """One broker, one conductor, one agent a site, one API."""
    broker, here = Broker(folder / "mq"), None
    try:
        broker.start()
        here = World(folder, [broker], **more)
        here.prepare()
        here.start_all()
        yield here
    finally:
        if here:
            here.close()
        broker.remove()


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    with one_of_each(folder_of(tmp_path_factory, "chaos")) as here:
        yield here


@pytest.fixture(scope="module")
def matrix_world(tmp_path_factory):
    """One more, where operations may fail."""
    with one_of_each(folder_of(tmp_path_factory, "matrix")) as here:
        yield here


@pytest.fixture(scope="module")
def isolated_world(tmp_path_factory):
    """One more, where gateways hang and sites fall silent."""
    with one_of_each(folder_of(tmp_path_factory, "isolated")) as here:
        yield here


@pytest.fixture(scope="module")
def small_disk_world(tmp_path_factory):
    """One more, whose PostgreSQL has a small disk of its own."""
    if os.getuid() != 0:
        pytest.skip("a disk is mounted by root only")
    with one_of_each(folder_of(tmp_path_factory, "small"), database=OnSmallDisk) as here:
        yield here


@pytest.fixture(scope="module")
def replicated_world(tmp_path_factory):
    """One more, over two PostgreSQL."""
    with one_of_each(folder_of(tmp_path_factory, "replicated"), database=Replicated) as here:
        yield here


@pytest.fixture(scope="module")
def cluster_world(tmp_path_factory):
    """The same over three brokers and quorum queues."""
    folder = folder_of(tmp_path_factory, "cluster")
    cluster, here = Cluster(folder / "mq"), None
    try:
        cluster.start()
        here = World(folder, cluster.nodes, quorum=True)
        here.cluster = cluster
        here.prepare()
        here.start_all()
        yield here
    finally:
        if here:
            here.close()
        cluster.remove()
