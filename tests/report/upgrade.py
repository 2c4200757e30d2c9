#!/usr/bin/env python3
"""Stores made by older versions of avouch (tests/report/schema): each is
upgraded to the current schema with all its rows, even if the upgrade is
killed; a store of a newer version is left unchanged.

usage: upgrade.py PROGRAM [PART-OF-A-NAME]
"""

import atexit
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/milter", ROOT + "/tests/report"]

import samples  # noqa: E402
from hosts import JOINED, SECONDS, joined  # noqa: E402
from postgres import Missing, Postgres, memory  # noqa: E402
from suite import Skip, Suite, holds, same, true  # noqa: E402

suite = Suite()

SCHEMA = ROOT + "/tests/report/schema/"
STORED = 6  # received reports in each store
KEPT = "SELECT day, domain, record, address, header_from, envelope_from, " \
    "disposition, dkim_aligned, spf_aligned, automatic, override, comment, " \
    "spf_domain, spf_scope, spf_result, dkim, messages, last FROM "
KILL_AT = range(0, 12, 2)  # MB of the write-ahead log
LARGE = 12000  # strings and reports in a large store
FIRST = {"sqlite": 3, "postgresql": 4}  # older versions were never in use


class Lab:
    milter = None

    def __init__(self, program):
        self.program = os.path.abspath(program)
        self.home = tempfile.mkdtemp(prefix="avouch-upgrade-", dir=memory())
        atexit.register(shutil.rmtree, self.home, True)
        self.reports = self.home + "/in"
        os.mkdir(self.reports)
        for i, text in enumerate(list(samples.month())[:STORED]):
            with open("%s/%d.xml" % (self.reports, i), "w",
                      encoding="utf-8") as f:
                f.write(text)
        try:
            self.pg = Postgres()
        except Missing as e:
            self.pg, self.missing = None, e
        self.n = 0

    def need_postgres(self):
        if self.pg is None:
            raise Skip(str(self.missing))
        return self.pg

    def start(self, what, store, *words):
        return subprocess.Popen(
            [self.program, "report", what, "--store", store, "--now",
             str(samples.NOW), *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, what, store, *words):
        p = self.start(what, store, *words)
        out, err = p.communicate(timeout=SECONDS)
        return p.returncode, out.decode(), err.decode()

    def shows(self, store):
        status, out, err = self.run("show", store, "--json")
        same((status, err), (0, ""))
        return json.loads(out)

    def new(self):
        self.n += 1
        return "%s/%d.db" % (self.home, self.n)

    def load(self, name):
        """Creates a file from a dump."""
        path = self.new()
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA page_size=2048")
            db.execute("PRAGMA auto_vacuum=INCREMENTAL")
            with open(SCHEMA + name, encoding="utf-8") as f:
                db.executescript(f.read())
        return path

    def load_database(self, name):
        self.n += 1
        database = "u%d" % self.n
        self.pg.create(database)
        self.pg.load(database, SCHEMA + name)
        return database


def dumps(kind):
    """Returns (version, name) of each, the oldest first."""
    found = sorted((int(re.search(r"-(\d+)\.sql", path).group(1)),
                    os.path.basename(path))
                   for path in glob.glob("%s%s-*.sql" % (SCHEMA, kind)))
    same([v for v, _ in found], list(range(FIRST[kind], found[-1][0] + 1)))
    return found


def unchanged(found, wanted, what):
    for table, rows in wanted.items():
        same(found[table], rows, "%s of %s" % (table, what))


def ask(path, query):
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as db:
        return db.execute(query).fetchall()


def version_of(path):
    return ask(path, "PRAGMA user_version")[0][0]


def columns_of(path):
    """Returns the columns of each table."""
    return {t: [r[1] for r in ask(path, "PRAGMA table_info(%s)" % t)]
            for (t,) in ask(path, "SELECT name FROM sqlite_master "
                            "WHERE type = 'table'")}


def content(path, columns):
    """Returns all rows of the tables, with those columns."""
    found = {}
    for table, names in columns.items():
        listed = ", ".join('"%s"' % name for name in names)
        found[table] = ask(path, "SELECT %s FROM %s ORDER BY %s" % (
            listed, table, listed))
    return found


def structure(path):
    """Returns tables, columns, keys and indexes in a form without syntax."""
    found = {}
    for table, names in columns_of(path).items():
        info = ask(path, "PRAGMA table_info(%s)" % table)
        # the name of an index made for UNIQUE is only a number
        indexes = sorted(
            (unique, origin, tuple(r[2] for r in ask(
                path, "PRAGMA index_info('%s')" % name)))
            for _, name, unique, origin, _ in ask(
                path, "PRAGMA index_list(%s)" % table))
        found[table] = [r[1:] for r in info], indexes
        true(names, table)
    return found


@suite.test("a file of each version is upgraded with all its rows")
def files(c):
    fresh = c.new()
    same(c.run("read", fresh, c.reports)[0], 0)
    today, wanted = version_of(fresh), structure(fresh)
    shown = c.shows(fresh)
    for version, name in dumps("sqlite"):
        path = c.load(name)
        same(version_of(path), version)
        columns = columns_of(path)
        before = content(path, columns)
        rows = ask(path, KEPT + JOINED)
        true(len(rows) > 10 and before["received_row"], name)
        same(c.shows(path), shown, name)
        same(version_of(path), today, name)
        unchanged(content(path, columns), before, name)
        same(sorted(ask(path, KEPT + JOINED)), sorted(rows), name)
        same(structure(path), wanted, name)
        # reports in the store are recognized, new ones are stored
        output = json.loads(c.run("read", path, "--json", c.reports)[1])
        same((output["stored"], output["known"]), (0, STORED), name)
        same(c.shows(path), shown, name)
    same(version, today - 1, "there must be a dump of each older version")


@suite.test("a shared store of each version is upgraded")
def databases(c):
    pg = c.need_postgres()
    pg.create("fresh")
    same(c.run("read", pg.url("fresh"), c.reports)[0], 0)

    def shape(database):
        return (pg.rows(database, "SELECT table_name, column_name, data_type, "
                        "is_nullable, is_identity FROM "
                        "information_schema.columns WHERE table_schema = "
                        "'avouch' ORDER BY table_name, column_name"),
                pg.rows(database, "SELECT indexdef FROM pg_indexes WHERE "
                        "schemaname = 'avouch' ORDER BY indexdef"))

    def tables(database):
        return sorted({row[0] for row in shape(database)[0]} - {"meta"})

    def all_of(database, names):
        return {t: sorted(pg.rows(database, "SELECT * FROM avouch." + t))
                for t in names}

    wanted, shown = shape("fresh"), c.shows(pg.url("fresh"))
    for version, name in dumps("postgresql"):
        database = c.load_database(name)
        names = tables(database)
        before = all_of(database, names)
        rows = pg.rows(database, KEPT + joined("avouch."))
        true(len(rows) > 10 and before["received_row"], name)
        # several hosts upgrade at the same time
        running = [c.start("show", pg.url(database)) for _ in range(4)]
        for p in running:
            err = p.communicate(timeout=SECONDS)[1]
            same((p.returncode, err), (0, b""), name)
        unchanged(all_of(database, names), before, name)
        same(sorted(pg.rows(database, KEPT + joined("avouch."))),
             sorted(rows), name)
        same(shape(database), wanted, name)
        same(c.shows(pg.url(database)), shown, name)
        output = json.loads(c.run("read", pg.url(database), "--json",
                                c.reports)[1])
        same((output["stored"], output["known"]), (0, STORED), name)
    today = pg.psql("fresh", "SELECT value FROM avouch.meta "
                    "WHERE name = 'schema'")
    same(version, int(today) - 1, "there must be a dump of each older version")


@suite.test("a newer store is left unchanged, and the error names it")
def newer(c):
    path = c.load(dumps("sqlite")[-1][1])
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=99")
    with open(path, "rb") as f:
        before = f.read()
    status, _, err = c.run("show", path)
    same(status, 75)
    holds(err, path)
    holds(err, "a newer version of avouch made this store: its tables have "
          "version 99, but this avouch supports version ")
    with open(path, "rb") as f:
        true(f.read() == before, "it was changed")
    pg = c.need_postgres()
    database = c.load_database(dumps("postgresql")[-1][1])
    pg.psql(database, "UPDATE avouch.meta SET value = '99' "
            "WHERE name = 'schema'")
    status, _, err = c.run("show", pg.url(database))
    same(status, 75)
    holds(err, "its tables have version 99, but this avouch supports version ")
    # a store of an older version that this role may not change
    database = c.load_database(dumps("postgresql")[0][1])
    pg.psql(database, "CREATE ROLE guest LOGIN; GRANT USAGE ON SCHEMA avouch "
            "TO guest; GRANT SELECT ON ALL TABLES IN SCHEMA avouch TO guest")
    status, _, err = c.run("show", pg.url(database, "guest"))
    same(status, 75)
    holds(err, "cannot upgrade its tables from version %d to " %
          dumps("postgresql")[0][0])


def large(c, name):
    """Makes a store large enough that its upgrade takes time and log space."""
    path = c.load(name)
    with contextlib.closing(sqlite3.connect(path)) as db:
        for table in ("shape", "received"):
            names = [r[1] for r in db.execute("PRAGMA table_info(%s)" % table)]
            key = {"shape": "comment", "received": "report_id"}[table]
            rest = [n for n in names if n not in ("id", key)]
            texts = ", ".join('"%s"' % n for n in rest)
            db.execute(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                "FROM n WHERE i < %d) INSERT INTO %s (%s, %s) SELECT "
                "printf('%%0300d', i), %s FROM n, (SELECT * FROM %s LIMIT 1)" % (
                    LARGE, table, key, texts, texts, table))
        db.commit()
    return path


@suite.test("a file whose upgrade is killed is unchanged or upgraded")
def killed_file(c):
    version, name = dumps("sqlite")[0]
    path = large(c, name)
    columns = columns_of(path)
    before = content(path, columns)
    met = 0
    for megabytes in KILL_AT:
        copy = c.new()
        shutil.copy(path, copy)
        p = c.start("show", copy)
        while p.poll() is None:
            try:
                if os.path.getsize(copy + "-wal") > megabytes << 20:
                    p.kill()
                    break
            except FileNotFoundError:
                pass
        p.communicate(timeout=SECONDS)
        true(p.returncode in (0, -signal.SIGKILL), p.returncode)
        met += version_of(copy) == version
        unchanged(content(copy, columns), before, "the file after the kill")
        c.shows(copy)
        true(version_of(copy) > version, "upgraded")
        unchanged(content(copy, columns), before, "the file upgraded after it")
    print("%d of %d were killed during the upgrade" % (met, len(KILL_AT)))
    true(met >= 3, "too few kills interrupted the upgrade")


# Stops the upgrade after a number of statements while the lock (1, 1) is held.
GATE = """
CREATE SEQUENCE public.statements;
CREATE TABLE public.gate AS SELECT 1 AS statement;
CREATE FUNCTION public.gate() RETURNS event_trigger AS $$
BEGIN
IF nextval('public.statements') >= (SELECT statement FROM public.gate) THEN
PERFORM pg_advisory_xact_lock_shared(1, 1); END IF;
END $$ LANGUAGE plpgsql;
CREATE EVENT TRIGGER gate ON ddl_command_end EXECUTE FUNCTION public.gate();
"""


@suite.test("a shared store whose upgrade is killed")
def killed_database(c):
    pg = c.need_postgres()
    version, name = dumps("postgresql")[0]
    database = c.load_database(name)
    pg.psql(database, GATE)
    rows = pg.rows(database, KEPT + joined("avouch."))
    busy = ("SELECT count(*) FROM pg_stat_activity WHERE datname = '%s' AND "
            "application_name LIKE 'avouch%%' AND application_name NOT LIKE "
            "'%%mx9%%'" % database)
    number = "SELECT value FROM avouch.meta WHERE name = 'schema'"
    for statement in (1, 2, 4):
        pg.psql(database, "SELECT setval('public.statements', 1, false); "
                "UPDATE public.gate SET statement = %d" % statement)
        holder = pg.hold(database, 1, 1)
        p = c.start("show", pg.url(database))
        until = time.monotonic() + SECONDS
        while pg.psql("postgres",
                      busy + " AND wait_event_type = 'Lock'") == "0":
            true(time.monotonic() < until and p.poll() is None, "no upgrade")
        p.kill()
        p.communicate(timeout=SECONDS)
        pg.release(holder)
        while pg.psql("postgres", busy) != "0":
            true(time.monotonic() < until, "the server continues")
        same(pg.psql(database, number), str(version))
        same(sorted(pg.rows(database, KEPT + joined("avouch."))),
             sorted(rows))
    c.shows(pg.url(database))
    true(int(pg.psql(database, number)) > version, "upgraded")
    same(sorted(pg.rows(database, KEPT + joined("avouch."))), sorted(rows))


def main():
    # sent by timeout(1): processes that were started must end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return suite.run(Lab(sys.argv[1]),
                     sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
