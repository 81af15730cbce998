#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes vectors.json: what the installed oslo.messaging puts on the wire for given inputs.

The driver's own code makes each message; only the connection is replaced by one that records. Run
by hand when a newer oslo.messaging is to be compared: ./make_vectors.py > vectors.json
"""
import json
import os
import sys

import kombu.serialization
from oslo_config import cfg
import oslo_messaging
from oslo_messaging._metrics import client as metrics
from oslo_messaging._drivers import amqpdriver

sent = []


class Recorder:
    """Stands where a connection to the broker would."""
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def record(self, msg):
        _, _, body = kombu.serialization.dumps(msg, serializer='json')
        body = body if isinstance(body, str) else body.decode()
        sent.append(body.replace(os.path.abspath(__file__), 'make_vectors.py'))

    def topic_send(self, exchange_name, topic, msg, **_):
        self.record(msg)

    def notify_send(self, exchange, topic, msg, **_):
        self.record(msg)

    def direct_send(self, reply_q, msg):
        self.record(msg)


class Waiter:
    """Answers at once, so that call() returns."""
    def listen(self, msg_id):
        pass

    def unlisten(self, msg_id):
        pass

    def wait(self, msg_id, timeout, call_monitor_timeout):
        return None


def reply(result=None, failure=None, ending=True):
    incoming = amqpdriver.AMQPIncomingMessage(
        None, {}, {}, 'u', 'm' * 32, 'reply_1', None,
        amqpdriver.ObsoleteReplyQueuesCache(), None)
    incoming._send_reply(Recorder(), result, failure, ending)
    return sent.pop()


def raised(make):
    try:
        raise make()
    except Exception:
        return sys.exc_info()


def main():
    conf = cfg.ConfigOpts()
    conf.register_opts(metrics.oslo_messaging_metrics, group='oslo_messaging_metrics')
    conf([])
    transport = oslo_messaging.get_rpc_transport(conf, 'rabbit://u:p@127.0.0.1:1/')
    driver = transport._driver
    driver._get_connection = lambda *_, **__: Recorder()
    driver._get_reply_q = lambda: 'reply_' + 'a' * 32
    driver._waiter = Waiter()
    context = {'request_id': 'req-1', 'project_id': 'p', 'roles': ['member', 'reader'],
               'is_admin': False, 'user_id': None}
    texts = {'plain': 'abc', 'quotes': '"\\/', 'controls': '\b\f\n\r\t\x01\x1f\x7f',
             'latin': 'é', 'asian': '長い', 'emoji': '😀', 'empty': '', 'nested': '{"a": "\\"b\\""}'}
    values = {'n': 0, 'big': 9223372036854775807, 'small': -9223372036854775808, 't': True,
              'f': False, 'none': None, 'list': [1, 'two', [], {}], 'object': {'k': {'l': []}},
              'tenth': 0.1, 'one': 1.0, 'tiny': 1e-07}
    vectors = []

    def request(kind, method, args, ctxt=context, version=None):
        client = oslo_messaging.RPCClient(
            transport, oslo_messaging.Target(topic='t', version=version))
        if kind == 'call':
            client.call(ctxt, method, **args)
        else:
            client.cast(ctxt, method, **args)
        vectors.append({'kind': kind, 'method': method, 'version': version, 'args': args,
                        'context': ctxt, 'body': sent.pop()})

    request('cast', 'discover', {}, {})
    request('cast', 'apply', texts, version='1.0')
    request('call', 'create_virtual_link', values, version='1.3')
    request('call', 'no_context', {'a': 1}, {}, '1.0')

    for result in (None, 'text', 7, {'vpn': texts}, [values], True):
        vectors.append({'kind': 'result', 'result': result, 'body': reply(result)})
    vectors.append({'kind': 'heartbeat', 'body': reply(None, None, False)})
    for make in (lambda: ValueError('no such "thing"'), lambda: KeyError('é')):
        info = raised(make)
        body = reply(None, info)
        vectors.append({'kind': 'failure', 'class': info[0].__name__, 'module': 'builtins',
                        'message': str(info[1]), 'body': body})

    transport = oslo_messaging.get_notification_transport(conf, 'rabbit://u:p@127.0.0.1:1/')
    transport._driver._get_connection = lambda *_, **__: Recorder()
    notifier = oslo_messaging.Notifier(transport, 'atlas.host', driver='messagingv2',
                                       topics=['notifications'])
    notifier.info({'request_id': 'req-1', 'project_id': 'p'}, 'atlas.link.create.end', texts)
    vectors.append({'kind': 'notification', 'publisher_id': 'atlas.host',
                    'event_type': 'atlas.link.create.end', 'priority': 'info', 'payload': texts,
                    'body': sent.pop()})
    assert not sent
    json.dump(vectors, sys.stdout, indent=1)
    print()


main()
