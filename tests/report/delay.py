"""A distant server: a TCP port that forwards to a unix socket after a delay.
"""

import queue
import socket
import threading
import time

CHUNK = 1 << 16
QUEUED = 64  # chunks on their way; if full, the sender waits, as for a TCP window


class Distant:
    """`seconds` is the time of a round trip."""

    def __init__(self, path, seconds=0.0):
        self.path = path
        self.seconds = seconds
        self.lock = threading.Lock()
        self.turns = 0  # number of times the server answered
        self.sent = 0   # bytes to the server
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def count(self):
        """Returns (turns, bytes to the server) since the previous call."""
        with self.lock:
            found = self.turns, self.sent
            self.turns = self.sent = 0
        return found

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(self.path)
            except OSError:
                near.close()
                continue
            last = [None]
            self.join(near, far, last)
            self.join(far, near, last)

    def join(self, source, target, last):
        pending = queue.Queue(QUEUED)
        threading.Thread(target=self.read, args=(source, target, pending, last),
                         daemon=True).start()
        threading.Thread(target=self.write, args=(source, target, pending),
                         daemon=True).start()

    def read(self, source, target, pending, last):
        to_server = target.family == socket.AF_UNIX
        while True:
            try:
                chunk = source.recv(CHUNK)
            except OSError:
                chunk = b""
            with self.lock:
                if chunk and not to_server and last[0]:
                    self.turns += 1
                last[0] = to_server
                self.sent += len(chunk) if to_server else 0
            pending.put((time.monotonic() + self.seconds / 2, chunk))
            if not chunk:
                return

    @staticmethod
    def write(source, target, pending):
        while True:
            when, chunk = pending.get()
            time.sleep(max(0.0, when - time.monotonic()))
            try:
                if chunk:
                    target.sendall(chunk)
                    continue
            except OSError:
                pass
            for one in (source, target):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            while chunk:  # discard the rest
                chunk = pending.get()[1]
            return

    def close(self):
        self.listener.close()
