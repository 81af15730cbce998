# SPDX-License-Identifier: Apache-2.0
"""Our bus and oslo.messaging's, each as the client and as the server of the other."""
import json
import os
import pathlib
import queue
import signal
import subprocess
import threading

import oslo_messaging
import pytest
from oslo_config import cfg
from oslo_messaging._metrics import client as metrics

HERE = pathlib.Path(__file__).resolve()
BROKER = HERE.parents[2] / 'support' / 'broker.sh'
PEER = pathlib.Path(os.environ['ATLAS_BUILD']) / 'tests' / 'interop' / 'bus-peer'


@pytest.fixture(scope='module')
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp('broker')
    subprocess.run([BROKER, 'guard', folder, str(os.getpid())], check=True)
    subprocess.run([BROKER, 'start', folder], check=True, timeout=120)
    yield (folder / 'url').read_text().strip()
    subprocess.run([BROKER, 'remove', folder], check=True, timeout=60)


@pytest.fixture(scope='module')
def transport(url, tmp_path_factory):
    settings = tmp_path_factory.mktemp('oslo') / 'peer.conf'
    settings.write_text('[DEFAULT]\ncontrol_exchange = atlas\nrpc_response_timeout = 5\n'
                        '[oslo_messaging_rabbit]\namqp_durable_queues = true\n')
    conf = cfg.ConfigOpts()
    conf.register_opts(metrics.oslo_messaging_metrics, group='oslo_messaging_metrics')
    conf(['--config-file', str(settings)])
    transport = oslo_messaging.get_rpc_transport(conf, url)
    yield transport
    transport.cleanup()


@pytest.fixture
def our_server(url):
    """The C program serves 'c-topic'."""
    process = subprocess.Popen([PEER, 'serve', url, 'atlas', 'c-topic'], stdout=subprocess.PIPE,
                               text=True)
    assert process.stdout.readline() == 'ready\n'
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def client(transport, topic, version='1.0', **target):
    return oslo_messaging.get_rpc_client(
        transport, oslo_messaging.Target(topic=topic, version=version, **target))


VALUES = {'text': 'h"\\é長😀\n', 'n': 2 ** 62, 'none': None, 'list': [1, {'a': True}], 'tenth': 0.1}
CONTEXT = {'request_id': 'req-7', 'project_id': 'p', 'roles': ['member'], 'is_admin': False}


def test_python_calls_c(transport, our_server):
    for _ in range(20):
        answer = client(transport, 'c-topic').call(CONTEXT, 'echo', **VALUES)
        assert answer == {'args': VALUES, 'context': CONTEXT, 'version': '1.0'}


def test_python_gets_none_for_nothing(transport, our_server):
    assert client(transport, 'c-topic').call({}, 'nothing') is None


def test_python_gets_the_refusal_with_its_reason(transport, our_server):
    with pytest.raises(oslo_messaging.RemoteError) as raised:
        client(transport, 'c-topic').call({}, 'refuse')
    assert raised.value.exc_type == 'Conflict'
    assert raised.value.value == 'Only 5 kbit/s are left.'


def test_python_hears_of_an_unknown_method(transport, our_server):
    with pytest.raises(oslo_messaging.RemoteError) as raised:
        client(transport, 'c-topic').call({}, 'nonsense')
    assert raised.value.exc_type == 'NoSuchMethod'


def test_python_casts_to_c(transport, our_server):
    client(transport, 'c-topic').cast({}, 'cast', text='hello')
    assert our_server.stdout.readline() == 'cast hello\n'


def test_python_calls_while_it_monitors_the_call(transport, our_server):
    monitored = client(transport, 'c-topic').prepare(call_monitor_timeout=4)
    assert monitored.call({}, 'nothing') is None


class Endpoint:
    target = oslo_messaging.Target(version='1.0')

    def __init__(self):
        self.casts = queue.Queue()

    def echo(self, ctxt, **args):
        ctxt.pop('client_timeout')  # of oslo.messaging's own
        return {'args': args, 'context': ctxt}

    def nothing(self, ctxt):
        return None

    def fail(self, ctxt):
        raise ValueError('no such "thing"')

    def cast(self, ctxt, **args):
        self.casts.put(args)


@pytest.fixture
def their_server(transport):
    """oslo.messaging serves 'py-topic' and 'py-topic.paris'."""
    endpoint = Endpoint()
    server = oslo_messaging.get_rpc_server(
        transport, oslo_messaging.Target(topic='py-topic', server='paris'), [endpoint],
        executor='threading')
    server.start()
    yield endpoint
    server.stop()
    server.wait()


def ours(verb, url, topic, server, method, **args):
    done = subprocess.run([PEER, verb, url, 'atlas', topic, server, method, json.dumps(args)],
                          stdout=subprocess.PIPE, text=True, check=True, timeout=20)
    return json.loads(done.stdout)


OUR_CONTEXT = {'request_id': 'req-1', 'roles': ['member'], 'is_admin': False}


@pytest.mark.parametrize('server', ['', 'paris'])
def test_c_calls_python(url, their_server, server):
    answer = ours('call', url, 'py-topic', server, 'echo', **VALUES)
    assert answer['result']['context'].pop('traceparent').startswith('00-')
    assert answer == {'result': {'args': VALUES, 'context': OUR_CONTEXT}}


def test_c_gets_null_for_none(url, their_server):
    assert ours('call', url, 'py-topic', '', 'nothing') == {'result': None}


def test_c_gets_the_failure_of_python(url, their_server):
    fault = ours('call', url, 'py-topic', '', 'fail')['fault']
    assert (fault['code'], fault['type']) == (500, 'bus.remote_failure')
    assert fault['message'] == 'ValueError: no such "thing"'


def test_c_hears_of_an_unknown_method(url, their_server):
    fault = ours('call', url, 'py-topic', '', 'nonsense')['fault']
    assert 'NoSuchMethod' in fault['message']


def test_c_casts_to_python(url, their_server):
    assert ours('cast', url, 'py-topic', 'paris', 'cast', **VALUES) == 0
    assert their_server.casts.get(timeout=5) == VALUES


def test_c_learns_that_nobody_serves_a_topic(url, their_server):
    assert ours('cast', url, 'py-nobody', '', 'cast') == 1
    assert ours('call', url, 'py-nobody', '', 'echo')['fault']['type'] == 'bus.unroutable'


def test_c_notifies_python(url, transport):
    heard = queue.Queue()

    class Listener:
        def info(self, ctxt, publisher_id, event_type, payload, metadata):
            heard.put((ctxt.get('request_id'), publisher_id, event_type, payload))

    listener = oslo_messaging.get_notification_listener(
        oslo_messaging.get_notification_transport(transport.conf, url),
        [oslo_messaging.Target(topic='notifications')], [Listener()], executor='threading')
    listener.start()
    try:
        subprocess.run([PEER, 'notify', url, 'atlas'], check=True, timeout=20)
        assert heard.get(timeout=5) == ('req-1', 'atlas.host', 'atlas.link.create.end',
                                        {'text': 'länge'})
    finally:
        listener.stop()
        listener.wait()


def test_many_python_threads_call_c(transport, our_server):
    answers = []

    def call(n):
        answers.append(client(transport, 'c-topic').call({}, 'echo', n=n)['args']['n'])

    threads = [threading.Thread(target=call, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(64))
