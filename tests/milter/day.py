#!/usr/bin/env python3
"""A day of mixed mail on a fast clock: the daemon's clocks do not advance
while five minutes' worth of mail arrives, and then jump ahead by five minutes.
DNS answers expire after a minute, an hour or a day; some connections stay open
all day; the configuration is reloaded every hour, and midnight falls in the
middle.  Memory must not grow in the second half of the day, and no message may
be lost.

usage: day.py PROGRAM [MESSAGES]      `make soak-day` has 300,000 of them
"""

import math
import multiprocessing
import os
import signal
import socket
import sqlite3
import struct
import sys
import time

import endurance
import lab
from suite import DAY, SANITIZED, Suite, same, true, until

suite = Suite()

HOUR, STEP = 3600, 300   # seconds
PROCESSES = 8
OPEN = 20      # connections that stay open all day
LONG = 100000  # messages; with fewer, memory use has not settled by midnight
MAILS = []     # inherited by the processes that send mail


def work(where, count, seed):
    endurance.work(where, count, MAILS, seed)


def load_curve(total):
    """Returns the number of messages in each step: 15 times as many at 15:00
    as at 3:00."""
    steps = DAY // STEP
    weights = [8 + 7 * math.cos(2 * math.pi * (i / steps - 3 / 24))
               for i in range(steps)]  # from 12:00
    return [round(total * w / sum(weights)) for w in weights]


class Clock:
    def __init__(self, path):
        self.path = path
        noon = DAY // 2 - time.time() % DAY
        self.ahead = int(noon if noon > 0 else noon + DAY)
        self.last = time.monotonic()  # when it was last set
        self.set()

    def set(self):
        with open(self.path, "wb") as f:
            f.write(struct.pack("=q", self.ahead))

    def step(self):
        now = time.monotonic()
        # minus the time that passed, or a slow host would reach midnight early
        self.ahead += max(0, STEP - int(now - self.last))
        self.last = now
        with open(self.path, "r+b") as f:
            f.write(struct.pack("=q", self.ahead))


class Open:
    """A connection that stays open, with a message every hour."""

    def __init__(self, where):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(where)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(endurance.opening(
            "192.0.2.9", "mail1." + endurance.DOMAIN))

    def send(self):
        domain, message, wanted = MAILS[0]
        self.socket.sendall(endurance.transaction(
            message, b"x@" + domain.encode(), b"4abc"))
        same(endurance.verdict(self.file), wanted, "an old connection")


@suite.test("24 hours: nothing is lost, memory and cost stay the same")
def _(l):
    w = endurance.Watched(l, l.milter)
    where = l.home + "/soak.sock"
    steps = load_curve(l.count)
    opened = [Open(where) for _ in range(OPEN)]
    sent = 0
    hours = []  # (memory, CPU ms of a message)
    days = [0, 0]
    mail, cpu = 0, w.cpu()
    with multiprocessing.get_context("fork").Pool(
            PROCESSES, signal.signal, (signal.SIGTERM, signal.SIG_DFL)) as pool:
        for i, count in enumerate(steps):
            each = -(-count // PROCESSES)
            pool.starmap(work, [(where, each, i * PROCESSES + n)
                                for n in range(PROCESSES)])
            mail += each * PROCESSES
            if i % (HOUR // STEP) == 0:
                for connection in opened:
                    connection.send()
                mail += OPEN
            l.clock.step()
            if (i + 1) % (HOUR // STEP):
                continue
            days[i >= len(steps) // 2] += mail
            sent += mail
            until(lambda: w.page().one("store_committed_total") == sent,
                  "%d stored" % sent)
            cost = (w.cpu() - cpu) / mail * 1e3
            hours.append((w.memory(), cost))
            page = w.page()
            print("%02d:00: %6d messages, %.3f ms of CPU each, %.2f MiB, %d "
                  "descriptors, %d names kept, store %.2f MiB" % (
                      (12 + (i + 1) * STEP // HOUR) % 24, mail, cost,
                      hours[-1][0] / 2**20, w.descriptors(),
                      page.one("dns_cache_entries"),
                      os.path.getsize(w.store) / 2**20), flush=True)
            l.milter.reload()
            mail, cpu = 0, w.cpu()
        pool.close()
        pool.join()  # one that is terminated may hang
    same(w.page().one("store_lost_total"), 0, "lost")
    db = sqlite3.connect(w.store)
    same([row[0] for row in db.execute(
        "SELECT sum(messages) FROM replay GROUP BY day ORDER BY day")], days,
        "messages of the two days")
    db.close()
    true(w.descriptors() <= OPEN + 40, "descriptors: %d" % w.descriptors())
    if l.count < LONG:
        return
    half, end = max(h[0] for h in hours[6:12]), max(h[0] for h in hours[18:])
    print("memory, the most of the last six hours against six before midnight: "
          "%+.2f %%" % ((end / half - 1) * 100))
    true(end <= half * (1 + endurance.MOST), "memory grows")


def main():
    if SANITIZED:
        return suite.skip_all("the clock cannot be preloaded with sanitizers")
    with lab.Lab(sys.argv[1]) as l:
        l.count = int(sys.argv[2]) if len(sys.argv) > 2 else 300000
        l.clock = Clock(l.home + "/clock")
        endurance.begin(l, environment=dict(
            LD_PRELOAD=l.preload("turnclock"), CLOCK_ALL="yes",
            CLOCK_CONTROL=l.clock.path))
        MAILS.extend(l.mails)
        return suite.run(l)


if __name__ == "__main__":
    sys.exit(main())
