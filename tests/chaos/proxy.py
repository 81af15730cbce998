# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that can become a black hole: connections stay open, and every byte of them is lost."""
import selectors
import socket
import threading


class Proxy:
    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.peer = {}          # socket: where its bytes go, or None for nowhere
        self.is_cut = self.done = False
        self.swallowed = 0      # bytes
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def cut(self):
        """What is connected never hears anything again, and what connects now neither."""
        self.is_cut = True

    def mend(self):
        """What connects from now on gets through."""
        self.is_cut = False

    def close(self):
        self.done = True
        self.thread.join(5)

    def run(self):
        while not self.done:
            for key, _ in self.selector.select(0.1):
                if self.is_cut:
                    self.peer = dict.fromkeys(self.peer)
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    self.carry(key.fileobj)
        for each in [self.listener, *self.peer]:
            each.close()

    def accept(self):
        near, _ = self.listener.accept()
        pair = [near]
        self.peer[near] = None
        if not self.is_cut:
            try:
                far = socket.create_connection(self.target, 5)
            except OSError:
                near.close()
                del self.peer[near]
                return
            self.peer[near], self.peer[far] = far, near
            pair.append(far)
        for each in pair:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(each, selectors.EVENT_READ)

    def carry(self, one):
        other = self.peer[one]
        try:
            data = one.recv(1 << 16)
            if other is None:
                self.swallowed += len(data)
            elif data:
                other.sendall(data)
        except OSError:
            data = b""
        if not data:
            for each in (one, other):
                if each is not None and each in self.peer:
                    self.selector.unregister(each)
                    each.close()
                    del self.peer[each]
