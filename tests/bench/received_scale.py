#!/usr/bin/env python3
"""The cost of reading and showing many received reports.

usage: received_scale.py PROGRAM [--reports N] [--domains N] [--keep DIR]

Makes N aggregate reports (100,000, about 1 GB of XML) for 1,000 domains and a
year, reads them with `avouch report read`, and shows them; prints the rate,
the peak of memory and the sizes.  With --keep the reports are made only once
and stay in DIR.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/report"]

from samples import NOW, record, report  # noqa: E402

DAYS = 365
RECORDS = 14  # per report, on average: about 10 KB
ORGANISATIONS = 40


def sources(seed):
    """The sources of a domain: a few send most of its mail."""
    r = random.Random(seed)
    return ["%d.%d.%d.%d" % (r.randrange(1, 224), r.randrange(256),
                             r.randrange(256), r.randrange(1, 255))
            for _ in range(60)]


def make(folder, n, domains):
    names = ["d%04d.example" % i for i in range(domains)]
    known = [sources(i) for i in range(domains)]
    r = random.Random(1)
    size = 0
    for i in range(n):
        at = i % domains
        rows = [record(
            known[at][int(60 * r.random() ** 3)] if r.random() < 0.9
            else "203.0.%d.%d" % (r.randrange(256), r.randrange(256)),
            r.randrange(1, 500), dkim=r.choice(["pass"] * 9 + ["fail"]),
            spf=r.choice(["pass"] * 7 + ["fail"]), domain=names[at])
            for _ in range(r.randrange(1, 2 * RECORDS))]
        text = report(r.randrange(DAYS), rows, domain=names[at],
                      org="Receiver %d" % r.randrange(ORGANISATIONS),
                      number="%d.%s" % (i, names[at]))
        text += "<!-- %s -->\n" % ("x" * max(0, 10000 - len(text) - 12))
        place = "%s/%03d" % (folder, i // 1000)
        os.makedirs(place, exist_ok=True)
        with open("%s/%06d.xml" % (place, i), "w", encoding="ascii") as f:
            f.write(text)
        size += len(text)
    return size


def run(*words):
    """Elapsed seconds, CPU seconds, and peak memory in bytes."""
    before = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("%s: status %d" % (" ".join(words), status))
    return (time.monotonic() - before, used.ru_utime + used.ru_stime,
            used.ru_maxrss * 1024)


def say(what, count, unit, took):
    clock, cpu, memory = took
    print("%-28s %8.1f s (%.1f s of CPU), %.0f %s/s, peak %d MB" % (
        what, clock, cpu, count / clock, unit, memory >> 20), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("--reports", type=int, default=100000)
    p.add_argument("--domains", type=int, default=1000)
    p.add_argument("--keep")
    o = p.parse_args()
    program = os.path.abspath(o.program)
    home = tempfile.mkdtemp(prefix="avouch-received-")
    folder = o.keep or home + "/reports"
    try:
        if not os.path.isdir(folder):
            size = make(folder, o.reports, o.domains)
            print("%d reports, %.2f GB" % (o.reports, size / 1e9), flush=True)
        store = home + "/store.db"
        common = ["--store", store, "--now", str(NOW)]
        say("read", o.reports, "reports",
            run(program, "report", "read", *common, folder))
        print("%-28s %8d MB" % ("store", os.path.getsize(store) >> 20))
        say("read again, all known", o.reports, "reports",
            run(program, "report", "read", *common, folder))
        page = home + "/page.html"
        zone = home + "/zone"
        with open(zone, "w", encoding="ascii") as f:
            f.write("$TTL 300\na.example. TXT x\n")
        for days in ("30", str(DAYS)):
            say("show --html, %s days" % days, 1, "pages", run(
                program, "report", "show", *common, "--days", days, "--zone",
                zone, "--html", page))
            print("%-28s %8d KB" % ("page", os.path.getsize(page) >> 10))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
