# SPDX-License-Identifier: Apache-2.0
"""Plain AMQP as a stranger would speak it: envelopes written by hand, over the distribution's py-amqp."""
import json
import urllib.parse
import uuid

import amqp


def envelope(method, args=None, unique_id=None, **context):
    inner = {"method": method, "args": args or {}, "version": "1.0", "_unique_id": unique_id or uuid.uuid4().hex,
             **{f"_context_{key}": value for key, value in context.items()}}
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(inner)})


class Wire:
    """One connection with one channel and confirms; a channel the broker closed is replaced."""

    def __init__(self, url, **more):
        at = urllib.parse.urlparse(url)
        login = {} if at.username is None else {"userid": urllib.parse.unquote(at.username),
                                                "password": urllib.parse.unquote(at.password)}
        self.user = login.get("userid")
        self.connection = amqp.Connection(f"{at.hostname}:{at.port}", virtual_host=at.path[1:] or "/", confirm_publish=True,
                                          read_timeout=10, write_timeout=10, **login, **more)
        self.connection.connect()
        self.returned = []
        self.open()

    def open(self):
        self.channel = self.connection.channel()
        self.channel.confirm_select()
        self.channel.events["basic_return"].add(lambda *what: self.returned.append(what))
        return self.channel

    def publish(self, body, exchange, key, **properties):
        """True when a queue took it; raises what the broker answers."""
        self.returned.clear()
        properties.setdefault("content_type", "application/json")
        self.channel.basic_publish(amqp.Message(body, **properties), exchange=exchange, routing_key=key, mandatory=True)
        return not self.returned

    def cast(self, key, method, args=None, exchange="atlas", **context):
        return self.publish(envelope(method, args, **context), exchange, key)

    def get(self, queue):
        return self.channel.basic_get(queue, no_ack=True)

    def close(self):
        try:
            self.connection.close()
        except (OSError, amqp.exceptions.AMQPError):
            pass  # the broker was first
