#!/usr/bin/env python3
"""Writes sqlite-N.sql and postgresql-N.sql in this directory: stores of schema
version N, made by PROGRAM.  Run it with the last program before SCHEMA_VERSION
is increased; tests/report/upgrade.py then upgrades the stores.

usage: make.py PROGRAM [no-postgresql]
"""

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path[:0] = [ROOT + "/tests/milter", ROOT + "/tests/report"]

import samples  # noqa: E402
from postgres import Postgres  # noqa: E402

REPORTS = 6  # received reports
TODAY = samples.NOW // samples.DAY
STORE = "0123456789abcdef0123456789abcdef"
HEAD = "-- A %s of schema version %s, as the avouch of then made it.\n"


def read(program, store, home):
    """Creates the tables, and the strings of the reports in home/in."""
    subprocess.run([program, "report", "read", "--store", store, "--now",
                    str(samples.NOW), "in"], check=True, cwd=home,
                   stdout=subprocess.DEVNULL)


def fill(run, sources, shapes):
    """Adds rows of the daemon and of a sender that refer to existing strings.
    """
    for n in range(1, 4):
        run("INSERT INTO policy (domain, record, used) VALUES ('d%d.example', "
            "'v=DMARC1; p=none; rua=mailto:r@d%d.example', %d)" % (n, n, TODAY))
    messages = 0
    for day in (TODAY - 2, TODAY - 1):
        for policy in (1, 2, 3):
            for i in range(3):
                messages += 1
                run("INSERT INTO kept (day, policy, source, shape, messages, "
                    "last) VALUES (%d, %d, %d, %d, %d, %d)" % (
                        day, policy, sources[i % len(sources)],
                        shapes[(i + policy) % len(shapes)], messages,
                        day * samples.DAY + messages))
    run("INSERT INTO report (day, domain, part, parts, report_id, record, "
        "made, rows, messages, note) VALUES (%d, 'd1.example', 1, 1, 'a.1', "
        "'v=DMARC1; p=none', %d, 3, 6, '')" % (
            TODAY - 3, samples.NOW - samples.DAY))
    run("INSERT INTO delivery (report, destination, state, attempts, changed, "
        "not_before, note) VALUES (1, 'r@d1.example', 2, 1, %d, 0, '')" % (
            samples.NOW - samples.DAY))
    run("INSERT INTO bounce VALUES ('gone@d2.example', 3, %d, %d, 1, "
        "'550 no such user')" % (samples.NOW - 9 * samples.DAY,
                                 samples.NOW - samples.DAY))


def fill_replay(db, sources):
    """Adds rows of tables that only a file has."""
    hashed = "hash" in [r[1] for r in db.execute("PRAGMA table_info(facts)")]
    for n in (1, 2):
        db.execute("INSERT INTO facts (%sbytes, used) VALUES (%s?, ?)" % (
            ("hash, ", "%d, " % n) if hashed else ("", "")),
                   (bytes((1, n, 0, 255)), TODAY))
    db.execute("INSERT INTO decision (action, would, rule, used) "
               "VALUES ('reject', 'reject', 'dmarc.on_reject', ?)", (TODAY,))
    for n in (1, 2):
        db.execute("INSERT INTO replay VALUES (?, ?, ?, 1, ?)",
                   (TODAY - 1, sources[n], n, 3 + n))
    failure = db.execute("PRAGMA table_info(failure)").fetchall()[1:]
    if failure:
        db.execute("INSERT INTO failure (%s) VALUES (%s)" % (
            ", ".join(r[1] for r in failure), ", ".join(
                "'d1.example'" if r[2] == "TEXT" else "0" for r in failure)))


def file_dump(program, home):
    path = home + "/store.db"
    read(program, path, home)
    with contextlib.closing(sqlite3.connect(path)) as db:
        with db:
            ids = [[r[0] for r in db.execute("SELECT id FROM %s ORDER BY id" %
                                             table)]
                   for table in ("source", "shape")]
            fill(db.execute, *ids)
            fill_replay(db, ids[0])
            db.execute("UPDATE meta SET value = ? WHERE name = 'store'",
                       (STORE,))
        pragmas = [(name, db.execute("PRAGMA " + name).fetchone()[0])
                   for name in ("application_id", "user_version")]
        version = pragmas[1][1]
        with open("%s/sqlite-%d.sql" % (HERE, version), "w",
                  encoding="utf-8") as f:
            f.write(HEAD % ("file", version))
            f.writelines("PRAGMA %s = %d;\n" % pair for pair in pragmas)
            f.writelines(line + "\n" for line in db.iterdump())


def database_dump(program, home):
    pg = Postgres()
    url = pg.create("old")
    read(program, url, home)
    statements = ["SET search_path TO avouch"]
    fill(statements.append, *(
        [int(r[0]) for r in pg.rows("old", "SELECT id FROM avouch.%s "
                                    "ORDER BY id" % table)]
        for table in ("source", "shape")))
    statements.append("INSERT INTO host VALUES ('%s', 'mx1', %d, 'token', %d)" % (
        STORE, TODAY - 1, samples.NOW))
    pg.psql("old", ";".join(statements))
    version = pg.psql("old", "SELECT value FROM avouch.meta "
                      "WHERE name = 'schema'")
    text = subprocess.run(
        [pg.bin + "/pg_dump", "--schema=avouch", "--inserts", "--no-owner",
         "--no-privileges", url], check=True, cwd="/",
        stdout=subprocess.PIPE).stdout.decode()
    with open("%s/postgresql-%s.sql" % (HERE, version), "w",
              encoding="utf-8") as f:
        f.write(HEAD % ("shared store", version))
        f.writelines(line + "\n" for line in text.split("\n")
                     if line and not line.startswith((
                         "--", "\\", "SET ", "SELECT pg_catalog.set_config")))


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as home:
        os.mkdir(home + "/in")
        for i, text in enumerate(list(samples.month())[:REPORTS]):
            with open("%s/in/%d.xml" % (home, i), "w", encoding="utf-8") as f:
                f.write(text)
        file_dump(program, home)
        if "no-postgresql" not in sys.argv:
            database_dump(program, home)


if __name__ == "__main__":
    main()
