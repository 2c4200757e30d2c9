#!/usr/bin/env python3
"""A stress test for sanitizers: many kinds of mail from clients that may hang
up, name servers that are slow, fail or are replaced by reloads, a small cache,
the store, metrics, and SIGTERM in the middle, all at the same time.

usage: reload_storm.py PROGRAM [SECONDS]
"""

import random
import sys
import threading
import time

import lab
import miltproto
import signing
import smtp
import wrongdns
from proto import http
from suite import Suite, same, true

CLIENTS = 12
RELOAD_EVERY = 0.25   # seconds
METRICS_EVERY = 0.05  # seconds
DOMAIN = "storm.example"
OURS = "Authentication-Results"

suite = Suite()

SETTINGS = """\
socket = "inet:{port}@127.0.0.1"
authserv_id = "mx.example.net"
log_target = stderr
mode = {mode}
nameservers = {{ "127.0.0.1@{dns}" }}
timeout = 1s
report {{ store = "{store}" failure_reports = true }}
metrics {{ listen = "unix:{metrics}" }}
"""


def random_faults(server, q, tcp):
    """Mostly answers correctly; otherwise late, truncated, not at all, or with
    a failure."""
    mood = random.random()
    if mood < 0.5:
        time.sleep(mood / 20)
    elif mood < 0.6 and not tcp:
        return [wrongdns.packet(q, cut=True)]
    elif mood < 0.65:
        return []
    elif mood < 0.7:
        return [wrongdns.packet(q, code=wrongdns.SERVFAIL)]
    return wrongdns.truth(server, q, tcp)


class Storm:
    def __init__(self, l, key):
        self.l = l
        self.key = key
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.faults = []
        self.answered = self.pages = 0

    def message(self, domain, signed):
        m = lab.message("x@" + domain, body=b"line\r\n" * 200)
        if signed:
            m = signing.sign(m, self.key, domain, "sel")
        return m

    def one(self, m, domain):
        signed = random.random() < 0.5
        changes = m.message(self.message(domain, signed), "x@" + domain)
        true(changes.reply in "cy", "reply %r" % changes.reply)
        for _, name, value in changes.inserted:
            if name == OURS and not signed:
                true(lab.results(value)["dmarc"] != "pass", value)
        with self.lock:
            self.answered += 1

    def half(self, m):
        """Sends an incomplete message."""
        steps = [m.mail, m.rcpt,
                 lambda: m.header("From", b" x@d1." + DOMAIN.encode()),
                 m.headers_end, lambda: m.body(b"half"), m.abort]
        for step in steps[:random.randint(1, len(steps))]:
            step()

    def connection(self):
        m = miltproto.Milter(self.l.where)
        m.connect("203.0.113.%d" % random.randint(1, 250))
        for _ in range(random.randint(1, 5)):
            domain = "d%d.%s" % (random.randint(1, 60), DOMAIN)
            m.helo("mail." + domain)
            if random.random() < 0.25:
                self.half(m)
            else:
                self.one(m, domain)
        random.choice((m.quit, m.close))()

    def guarded(self, work):
        """Repeats the work until the test ends; connections may fail at the
        very end."""
        while not self.over.is_set():
            try:
                work()
            except OSError as e:
                if not self.over.wait(1):
                    self.faults.append(repr(e))
            except Exception as e:
                self.faults.append(repr(e))

    def metrics(self):
        same(http(self.l.metrics)[0], 200, "metrics")
        self.pages += 1
        time.sleep(METRICS_EVERY)

    def run(self, seconds):
        d = self.l.milter
        threads = [threading.Thread(target=self.guarded, args=(work,))
                   for work in [self.connection] * CLIENTS + [self.metrics]]
        until = time.monotonic() + seconds
        for t in threads:
            t.start()
        reloads = 0
        while time.monotonic() < until:
            reloads += 1
            d.reload(self.l.texts[reloads % len(self.l.texts)])
            time.sleep(RELOAD_EVERY)
        threading.Timer(0.3, self.over.set).start()
        status = d.stop(120)
        self.over.set()
        for t in threads:
            t.join()
        print("%d messages, %d reloads, %d pages of metrics" % (
            self.answered, reloads, self.pages))
        return status


@suite.test("everything at the same time, and SIGTERM in the middle")
def _(l):
    storm = Storm(l, l.key)
    same(storm.run(l.seconds), 0, "status")
    same(storm.faults, [], "faults")
    true(storm.answered > l.seconds * 5, "only %d messages" % storm.answered)


def main():
    with lab.Lab(sys.argv[1]) as l:
        l.seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5
        l.key = signing.Key("ed25519", l.home)
        wrongdns.TTL = 1  # so that all names are queried again and again
        servers = [wrongdns.WrongDns(DOMAIN, l.key.record())
                   for _ in range(2)]
        for s in servers:
            s.behave = random_faults
        l.where = smtp.free_port()
        l.metrics = l.home + "/metrics.sock"
        l.texts = [SETTINGS.format(port=l.where, mode=mode, dns=s.port,
                                   store=l.home + "/store.db",
                                   metrics=l.metrics)
                   for s in servers for mode in ("enforce", "monitor")]
        l.start_with(l.texts[0])
        return suite.run(l)


if __name__ == "__main__":
    sys.exit(main())
