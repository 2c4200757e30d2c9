#!/usr/bin/env python3
"""The cost of the store as it grows, and of simultaneous pushes by several
hosts to a distant PostgreSQL.  Not a test: it prints figures.

usage: store_scale.py PROGRAM push [HOSTS [ROWS [MILLISECONDS [KILLS]]]]
       store_scale.py PROGRAM grow [ROWS ...]

push: a day of ROWS rows (250000) on each of HOSTS hosts (4), all pushed at the
      same time over connections with a round trip of MILLISECONDS (20).  KILLS
      pushes (0) are killed on the way and started again.
grow: a file of ROWS rows (0 10000 100000 1000000) in 30 days, and as many in
      received reports: the cost of one more message (store_bench, which must
      be built), `report send` of the last day, and `report show`.
"""

import math
import os
import random
import re
import resource
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/milter", ROOT + "/tests/report"]

from delay import Distant  # noqa: E402
from hosts import DAY, NOW, TODAY, Lab, agree, end  # noqa: E402
from suite import same  # noqa: E402

SHAPES = 8  # per domain
DAYS = 30
DOMAINS = 200      # in a store that grows
OF_REPORT = 50     # rows of a received report
SQLITE_STEP = 50000


def texts(db, domains, addresses):
    """Adds the strings that rows refer to: `domains`, each with SHAPES shapes.
    """
    db.executemany("INSERT INTO policy (domain, record, used) VALUES (?, ?, 1)",
                   (("sender%d.example" % n, "v=DMARC1; p=none; rua="
                     "mailto:dmarc@sender%d.example" % n)
                    for n in range(domains)))
    db.executemany("INSERT INTO source (address, used) VALUES (?, 1)",
                   (("10.%d.%d.%d" % (n >> 16, n >> 8 & 255, n & 255),)
                    for n in range(addresses)))
    db.executemany(
        "INSERT INTO shape (hash, header_from, envelope_from, disposition, "
        "dkim_aligned, spf_aligned, automatic, override, comment, spf_domain, "
        "spf_scope, spf_result, dkim, used) "
        "VALUES (0, ?, ?, ?, ?, ?, 0, '', '', ?, 'mfrom', ?, ?, 1)",
        (("sender%d.example" % n, "bounce%d.sender%d.example" % (k, n),
          "reject" if k == 7 else "none", k % 2, k // 2 % 2,
          "bounce%d.sender%d.example" % (k, n), "fail" if k == 7 else "pass",
          "pass sender%d.example sel%d" % (n, k))
         for n in range(domains) for k in range(SHAPES)))


def fill(host, days, rows, seed=1, domains=None):
    """Adds `rows` rows for each of the days."""
    r = random.Random(seed)
    domains = domains or max(20, rows // 50)
    addresses = max(100, rows // 5)
    with host.sqlite() as db:
        db.execute("PRAGMA synchronous=OFF")
        texts(db, domains, addresses)
        for day in days:
            left = rows
            while left > 0:
                step = []
                for _ in range(min(left, SQLITE_STEP)):
                    n = int(r.random() ** 2 * domains)
                    step.append((day, n + 1, r.randrange(addresses) + 1,
                                 n * SHAPES + r.randrange(SHAPES) + 1,
                                 1 + int(r.random() ** 4 * 200),
                                 day * DAY + r.randrange(DAY)))
                left -= db.executemany(
                    "INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?, ?, ?)",
                    step).rowcount


def push(c, hosts, rows, milliseconds, kills):
    database = c.fresh()
    far = Distant(c.pg.home + "/.s.PGSQL.5432", milliseconds / 1000)
    url = "postgresql://owner@127.0.0.1:%d/%s" % (far.port, database)
    many = [c.host(database, url) for _ in range(hosts)]
    for seed, host in enumerate(many):
        fill(host, (TODAY - 1,), rows, seed)
    c.run("show", "--store", url)  # creates the tables
    far.count()
    took, killed, peaks = [0.0] * hosts, [0] * hosts, [0] * hosts

    def watch(i, p):
        """Records the peak memory of the process, in KB."""
        while p.poll() is None:
            try:
                with open("/proc/%d/status" % p.pid, encoding="ascii") as f:
                    found = re.search(r"VmHWM:\s+(\d+)", f.read())
                    name = os.readlink("/proc/%d/exe" % p.pid)
            except OSError:
                continue
            if found and name == c.program:
                peaks[i] = max(peaks[i], int(found.group(1)))
            time.sleep(0.02)

    def one(i):
        began = time.monotonic()
        while True:
            p = many[i].start("push")
            threading.Thread(target=watch, args=(i, p), daemon=True).start()
            if killed[i] < kills // hosts:
                try:
                    p.wait(random.uniform(0.1, 4))
                except subprocess.TimeoutExpired:
                    p.kill()
                    killed[i] += 1
            status, _, err = end(p)
            if status == 0:
                break
            if status != -9:
                print(err)
        took[i] = time.monotonic() - began

    began = time.monotonic()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(hosts)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    all_of_it = time.monotonic() - began
    turns, sent = far.count()
    agree(c, database, *many)
    print("%d hosts x %d rows, %d ms away: %.1f s in all (each: %s), %d pushes "
          "killed, %d round trips, %.1f MB sent, %d rows there, peak of a push "
          "%.1f MB" % (
              hosts, rows, milliseconds, all_of_it,
              ", ".join("%.1f" % t for t in took), sum(killed), turns,
              sent / 1e6, len(c.kept(database)),
              max(peaks) / 1024))


def fill_received(host, rows):
    """Adds received reports with as many rows, for the days before today."""
    r = random.Random(2)
    with host.sqlite() as db:
        sources = db.execute("SELECT count(*) FROM source").fetchone()[0]
        shapes = db.execute("SELECT count(*) FROM shape").fetchone()[0]
        names = [row[1] for row in db.execute("PRAGMA table_info(received)")]
        numbers = ("begin_at", "end_at", "read_at", "rows", "messages")
        for n in range(-(-rows // OF_REPORT)):
            begin = (TODAY - 1 - n % DAYS) * DAY
            values = dict.fromkeys(names, "")
            values.update(dict.fromkeys(numbers, 0), id=n + 1,
                          organisation="receiver%d" % (n % 40),
                          report_id=str(n), begin_at=begin,
                          end_at=begin + DAY - 1, domain="mine%d.example" % (
                              n % 3), p="none", rows=OF_REPORT,
                          messages=OF_REPORT * 5)
            db.execute("INSERT INTO received (%s) VALUES (%s)" % (
                ", ".join(names), ", ".join("?" * len(names))),
                       [values[name] for name in names])
            db.executemany(
                "INSERT OR IGNORE INTO received_row (report, source, shape, "
                "messages) VALUES (?, ?, ?, 5)",
                ((n + 1, r.randrange(sources) + 1, r.randrange(shapes) + 1)
                 for _ in range(OF_REPORT)))


def cpu_of(host, *words):
    """CPU seconds, which do not depend on other load."""
    def used():
        u = resource.getrusage(resource.RUSAGE_CHILDREN)
        return u.ru_utime + u.ru_stime

    before = used()
    p = host.start(*words)
    err = p.communicate()[1]
    same((p.returncode, err), (0, b""), words)
    return used() - before


def grown(c, rows):
    host = c.host("none")
    with open(host.conf, "w", encoding="utf-8") as f:
        f.write('report { store = "%s"  email = "dmarc@mx.example"  '
                'sendmail = "/bin/true" }\n'
                'nameservers = "zone:%s"\n' % (host.store, c.zone))
    if rows:
        fill(host, range(TODAY - DAYS, TODAY), rows // DAYS, domains=DOMAINS)
        fill_received(host, rows)
    size = os.path.getsize(host.store) / 1e6
    out = subprocess.run(
        [os.path.dirname(c.program) + "/tests/bench/store_bench", host.store,
         "60000", "16"], check=True, stdout=subprocess.PIPE).stdout.decode()
    rate, cpu, mean, slowest = map(float, re.search(
        r"threads: (\d+) messages/s, CPU ([\d.]+) us.* put mean ([\d.]+) ms, "
        r"slowest ([\d.]+) ms", out).groups())
    found = [size, rate, cpu, mean, slowest]
    found.append(cpu_of(host, "send", "--day", "yesterday"))
    for words in ((), ("--json",), ("--html", c.path("page.html"))):
        found.append(cpu_of(host, "show", "--days", str(DAYS), *words))
    return found


COLUMNS = ("rows", "MB", "messages/s", "CPU us a message", "put mean ms",
           "put slowest ms", "send CPU s", "show CPU s",
           "show --json CPU s", "show --html CPU s")


def grow(c, sizes):
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    before = None
    for rows in sizes:
        found = grown(c, rows)
        print("| %d | %s |" % (rows, " | ".join("%.4g" % n for n in found)),
              flush=True)
        if before and before[0]:
            doublings = math.log2(rows / before[0])
            print("| factor for each doubling | %s |" % " | ".join(
                "%.2f" % ((b / a) ** (1 / doublings) if a > 0 and b > 0
                          else 1) for a, b in zip(before[1], found)),
                  flush=True)
        before = rows, found


def main():
    program, what = sys.argv[1:3]
    numbers = [int(n) for n in sys.argv[3:]]
    c = Lab(program, 0)
    if what == "push":
        push(c, *(numbers + [4, 250000, 20, 0][len(numbers):]))
    if what == "grow":
        grow(c, numbers or [0, 10000, 100000, 1000000])
    return 0


if __name__ == "__main__":
    sys.exit(main())
