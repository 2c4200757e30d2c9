#!/usr/bin/env python3
"""The cost of `avouch report show` for many domains and a long time.  Not a
test: it prints figures.

usage: show_scale.py PROGRAM [DOMAINS [DAYS [CROWD]]]

The store has DOMAINS domains (1000) with one report each for DAYS days (365),
from six sources; five of the domains are spoofed from CROWD addresses (20000).
"""

import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/milter", ROOT + "/tests/report"]

import samples  # noqa: E402

OWN, SHARED = 3, 400  # sources used by one domain only, and by many
SPOOFED = 5           # domains
TODAY = samples.NOW // samples.DAY


def shapes(db, domains):
    """Adds four shapes per domain: good, through an ESP, forwarded, spoofed."""
    columns = ("id, hash, header_from, envelope_from, disposition, "
               "dkim_aligned, spf_aligned, automatic, override, comment, "
               "spf_domain, spf_scope, spf_result, dkim, used")
    rows = []
    for n in range(domains):
        name = "domain%d.example" % n
        for k, (envelope, dkim, spf, override, result, signed) in enumerate((
                (name, 1, 1, "", "pass", "pass %s s1" % name),
                ("bounce.esp%d.example" % (n % 40), 1, 0, "", "pass",
                 "pass %s s2\npass esp%d.example k1" % (name, n % 40)),
                ("lists.example.net", 0, 0, "mailing_list", "pass",
                 "fail %s s1" % name),
                (name, 0, 0, "", "fail", ""))):
            rows.append((n * 4 + k + 1, 0, name, envelope, "none", dkim, spf,
                         0, override, "", envelope, "mfrom", result, signed,
                         1))
    db.executemany("INSERT INTO shape (%s) VALUES (%s)" % (
        columns, ",".join("?" * 15)), rows)


def received_rows(domains, days, crowd):
    r = random.Random(1)
    report = 0
    for n in range(domains):
        for day in range(days):
            report += 1
            own = [n * OWN + k + 1 for k in range(OWN)]
            base = domains * OWN
            yield report, own[0], n * 4 + 1, 40 + day % 7
            yield report, own[1], n * 4 + 1, 20
            yield report, own[2], n * 4 + 1, 5
            yield report, base + 1 + (n + day) % SHARED, n * 4 + 2, 30
            yield report, base + 1 + n % SHARED // 8 * 8, n * 4 + 3, 1
            yield (report, base + SHARED + 1 + r.randrange(crowd), n * 4 + 4,
                   2)
            if n < SPOOFED and day < 30:
                for k in range(day * crowd // 30, (day + 1) * crowd // 30):
                    yield report, base + SHARED + 1 + k, n * 4 + 4, 3


def fill(store, domains, days, crowd):
    with sqlite3.connect(store) as db:
        db.execute("PRAGMA synchronous=OFF")
        for table in ("received_row", "received", "source", "shape"):
            db.execute("DELETE FROM " + table)
        shapes(db, domains)
        sources = domains * OWN + SHARED + crowd
        db.executemany("INSERT INTO source (id, address, used) "
                       "VALUES (?, ?, 1)",
                       ((n + 1, "10.%d.%d.%d" % (n >> 16, n >> 8 & 255,
                                                 n & 255))
                        for n in range(sources)))
        db.executemany(
            "INSERT INTO received (id, organisation, email, contact, "
            "report_id, begin_at, end_at, domain, p, sp, np, adkim, aspf, fo, "
            "testing, pct, discovery, version, generator, errors, file, "
            "read_at, rows, messages) VALUES (?, 'Reporter', '', '', ?, ?, ?, "
            "?, 'none', '', '', '', '', '', '', '', '', '', '', '', '', 1, 6, "
            "100)",
            ((n * days + day + 1, str(n * days + day),
              (TODAY - day) * samples.DAY,
              (TODAY - day + 1) * samples.DAY - 1, "domain%d.example" % n)
             for n in range(domains) for day in range(days)))
        db.executemany("INSERT OR IGNORE INTO received_row (report, source, "
                       "shape, messages) VALUES (?, ?, ?, ?)",
                       received_rows(domains, days, crowd))
        return db.execute("SELECT count(*) FROM received_row").fetchone()[0]


def measure(title, words):
    begin = time.time()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with tempfile.TemporaryFile() as out:
        r = subprocess.run(["/usr/bin/env", "time", "-f", "%M", *words],
                           stdout=out, stderr=subprocess.PIPE, check=False)
        size = out.tell()
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    print("%-28s status %d  %6.1f s  %6.1f s CPU  %8s kB memory  %6.1f MB out"
          % (title, r.returncode, time.time() - begin, used,
             r.stderr.decode().split()[-1], size / 1e6), flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv[1])
    domains, days, crowd = (
        int(sys.argv[i]) if len(sys.argv) > i else default
        for i, default in ((2, 1000), (3, 365), (4, 20000)))
    with tempfile.TemporaryDirectory(prefix="avouch-scale-") as home:
        store, one = home + "/store.db", home + "/one.xml"
        with open(one, "w", encoding="utf-8") as f:
            f.write(samples.report(1, [samples.record("192.0.2.1", 1)]))
        subprocess.run([program, "report", "read", "--store", store, one],
                       check=True, stdout=subprocess.DEVNULL)
        rows = fill(store, domains, days, crowd)
        print("%d reports, %d rows, %d MB" % (
            domains * days, rows, os.path.getsize(store) >> 20), flush=True)
        show = [program, "report", "show", "--no-dns", "--store", store,
                "--now", str(samples.NOW)]
        year = ["--days", str(min(days, 400))]
        measure("page, 30 days", show + ["--html", "-"])
        measure("page, all days", show + year + ["--html", "-"])
        measure("text, all days", show + year)
        measure("CSV, all days", show + year + ["--csv"])
        measure("JSON, all days", show + year + ["--json"])
        measure("page, one domain, all days",
                show + year + ["--html", "-", "--domain", "domain0.example"])


if __name__ == "__main__":
    main()
