#!/usr/bin/env python3
"""200 messages a second while SIGHUP is sent every 100 ms with a different
configuration each time: no message may fail or see two configurations.

usage: soak.py PROGRAM [SECONDS]      make soak-reload runs a minute of it
"""

import os
import sys
import threading
import time

import lab
import miltproto
import promtext
import slowdns
import smtp
from proto import http
from suite import SANITIZED, Suite, same, true, until

RATE = 200         # messages a second
EVERY = 0.1        # seconds from one SIGHUP to the next
CLIENTS = 8        # connections at a time
MESSAGES_EACH = 3  # messages per connection, which takes 120 ms: never in
                   # step with the reloads
SLACK = 1 << 24    # bytes by which the daemon may grow after warm-up;
                   # malloc may keep half of that (TRIM_BYTES)

OURS = "Authentication-Results"
MARK = "X-Avouch-Quarantine"
suite = Suite()

# Alpha has all DNS answers, rejects mail and adds fields; bravo has no
# answers, rejects nothing and adds no fields.  Every message shows which one
# was used.
ALPHA = """\
socket = "{socket}"
authserv_id = "alpha.example.net"
log_target = stderr
log = none
mode = enforce
nameservers = "zone:{zone}"
reply {{ reject_text = "alpha {{domain}}" }}
metrics {{ listen = "unix:{metrics}" }}
"""

BRAVO = """\
socket = "{socket}"
authserv_id = "bravo.example.net"
log_target = stderr
log = none
mode = monitor
nameservers = {{ "127.0.0.1@{dns}" }}
override "bravo" {{ client = "0.0.0.0/0" action = tempfail }}
metrics {{ listen = "unix:{metrics}" }}
"""

CLAIMS = (b"Authentication-Results: alpha.example.net; spf=pass\r\n"
          b"Authentication-Results: bravo.example.net; spf=pass\r\n"
          b"X-Avouch-Quarantine: forged\r\n")
QUARANTINED = CLAIMS + lab.message("x@shop.example")
REJECTED = CLAIMS + lab.message("x@bank.example")


def fields(changes):
    return {n: v.strip() for _, n, v in changes.inserted}


def configuration(changes, message):
    """Returns the configuration that the message saw; all signs must agree."""
    put = fields(changes)
    if changes.reply == "y":
        same(changes.text, "550 5.7.26 alpha bank.example", "reply")
        true(message is REJECTED, "refused")
        return "alpha"
    same(changes.reply, "c", "reply")
    results = lab.results(put[OURS])
    if results[""] == "alpha.example.net":
        true(message is QUARANTINED, "should be refused")
        same(sorted(put), [OURS, MARK], "fields")
        same(put[MARK], "dmarc.on_quarantine", "annotation")
        same((results["spf"], results["dmarc"]), ("fail", "fail"), "results")
        same(sorted(changes.removed), [(OURS, 1), (MARK, 1)], "removed")
        return "alpha"
    same(results[""], "bravo.example.net", "authserv-id")
    same(list(put), [OURS], "fields")
    same((results["spf"], results["dmarc"]), ("none", "none"), "results")
    true("would tempfail, rule override bravo" in put[OURS], put[OURS])
    same(sorted(changes.removed), [(OURS, 2), (MARK, 1)], "removed")
    return "bravo"


class Load:
    """Clients that each send at a share of the rate, however long a message
    takes."""

    def __init__(self, port, seconds):
        self.port = port
        self.until = time.monotonic() + seconds
        self.lock = threading.Lock()
        self.faults = []
        self.seen = {"alpha": 0, "bravo": 0}
        self.waits = []

    def work(self, number):
        due = time.monotonic() + number / RATE
        try:
            while due < self.until:
                m = miltproto.Milter(self.port)
                m.connect("203.0.113.66")
                m.helo("host66.isp.example")
                which = set()
                for i in range(MESSAGES_EACH):
                    pause = due - time.monotonic()
                    if pause > 0:
                        time.sleep(pause)
                    due += CLIENTS / RATE
                    which.add(self.one(m, (QUARANTINED, REJECTED)[i % 2]))
                m.quit()
                same(len(which), 1, "configurations of a connection")
        except Exception as e:
            self.faults.append("%s: %s" % (type(e).__name__, e))

    def one(self, m, message):
        began = time.monotonic()
        changes = m.message(message, sender="x@bank.example")
        which = configuration(changes, message)
        with self.lock:
            self.waits.append(time.monotonic() - began)
            self.seen[which] += 1
        return which

    def run(self):
        threads = [threading.Thread(target=self.work, args=(n,))
                   for n in range(CLIENTS)]
        for t in threads:
            t.start()
        return threads


def resident(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def reload_until(d, texts, done):
    """Sends SIGHUP at intervals; returns how many were sent."""
    n = 0
    due = time.monotonic()
    while not done():
        d.configure(texts[n % 2])
        d.process.send_signal(1)
        n += 1
        due += EVERY
        time.sleep(max(0, due - time.monotonic()))
    return n


@suite.test("a reload every 100 ms at 200 messages a second")
def _(l):
    d = l.milter
    warm = Load(l.where, 1)  # warm up, so that memory use settles
    threads = warm.run()
    reload_until(d, l.texts, lambda: not any(t.is_alive() for t in threads))
    before = resident(d.process.pid), descriptors(d.process.pid)
    load = Load(l.where, l.seconds)
    began = time.monotonic()
    threads = load.run()
    sent = reload_until(d, l.texts,
                        lambda: not any(t.is_alive() for t in threads))
    took = time.monotonic() - began
    d.reload(l.texts[0])
    until(lambda: descriptors(d.process.pid) <= before[1],
          "descriptors: %d at first" % before[1])
    after = resident(d.process.pid), descriptors(d.process.pid)
    page = promtext.parse(http(l.metrics)[1])
    load.waits.sort()
    n = len(load.waits)
    same(load.faults, [], "faults")
    reloads = page.family("reloads_total")
    print("%d messages in %.1f s (%.0f a second), %d alpha, %d bravo, "
          "%d SIGHUPs, %d reloads in all; MAIL to reply %.1f ms "
          "median, %.1f ms p99, %.1f ms at most; memory %.1f -> %.1f MiB, "
          "descriptors %d -> %d" % (
              n, took, n / took, load.seen["alpha"], load.seen["bravo"],
              sent, reloads["ok"], load.waits[n // 2] * 1e3,
              load.waits[n * 99 // 100] * 1e3, load.waits[-1] * 1e3,
              before[0] / 2**20, after[0] / 2**20, before[1], after[1]))
    true(n >= RATE * l.seconds * 0.95, "only %d messages" % n)
    same(reloads["failed"], 0, "failed reloads")
    # A signal that arrives while another one is pending is lost; how often
    # that happens depends on the machine.
    true(reloads["ok"] >= 2, "reloads: %s" % reloads)
    true(min(load.seen.values()) > 0, "both were used")
    same(page.one("messages_in_hand"), 0, "in progress")
    true(SANITIZED or after[0] < before[0] + SLACK, "memory: %d, %d" % (
        before[0], after[0]))
    true(after[1] <= before[1] + 8, "descriptors: %d, %d" % (
        before[1], after[1]))


def main():
    with lab.Lab(sys.argv[1]) as l:
        l.seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5
        dns = slowdns.SlowDns(0, ttl=300)
        l.callback(dns.close)
        l.metrics = l.home + "/metrics.sock"
        l.where = smtp.free_port()
        values = dict(socket="inet:%d@127.0.0.1" % l.where, zone=l.zone,
                      dns=dns.port, metrics=l.metrics)
        l.texts = [t.format(**values) for t in (ALPHA, BRAVO)]
        l.start_with(l.texts[0])
        code = suite.run(l)
        return code


if __name__ == "__main__":
    sys.exit(main())
