"""Sends mail through the lab's Postfix and returns the results."""

import re
import time

import daemon
import lab
import smtp
import suite
from demo import STRANGER
from suite import same, true

numbers = iter(range(1, 10000))
kept = []  # header of each delivered message, with a short body


def reader():
    return "reader%d@example.net" % next(numbers)


def ours(message):
    """Returns our field; a message must have exactly one, at the top."""
    fields = [f for f in smtp.fields(message, "Authentication-Results")
              if lab.HOST in f.lower()]
    same(len(fields), 1, "fields of ours")
    true(message.startswith(b"Authentication-Results: " +
                            lab.HOST.encode() + b";"), "not at the top")
    return fields[0]


def send(l, message, who=STRANGER, sender=None, helo="host66.isp.example",
         client=None):
    """Returns (reply, delivered message or None).  MAIL FROM is the same as
    From if that is a bare address."""
    to = reader()
    if sender is None:
        sender, = smtp.fields(message, "From")
    if client is not None:
        reply = client.message(sender, to, message)
    else:
        with l.client(helo, **who) as c:
            reply = c.message(sender, to, message)
    got = l.sink.take(to) if reply.code == 250 else None
    if got is not None:
        kept.append(got.partition(b"\r\n\r\n")[0] + b"\r\n\r\nbody\r\n")
    return reply, got


def log_of(l, message, seconds=suite.WAIT):
    """Returns the log line of a delivered message, or None if another milter
    handled it."""
    queue_id, = re.search(rb"\bid (\w+)\r\n", message).groups()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = l.milter.of_queue_id.get(queue_id.decode())
        if text:
            return daemon.values(text)
        time.sleep(0.02)
    return None


def delivered(l, message, **how):
    reply, got = send(l, message, **how)
    same(reply.code, 250, str(reply))
    true(got is not None, "not delivered")
    return got


def verdict(l, message, **how):
    return lab.results(ours(delivered(l, message, **how)))


class settings:
    """Uses other settings within a block."""

    def __init__(self, l, more):
        self.l, self.more = l, more

    def __enter__(self):
        self.l.milter.reload(self.l.settings(self.more))

    def __exit__(self, *_):
        self.l.milter.reload(self.l.settings())
