#!/usr/bin/env python3
"""Several hosts share a PostgreSQL: avouch report push, and the other commands
that use the database.  This starts a real server.

usage: central.py PROGRAM [KILLS [PART-OF-A-NAME]]

KILLS is the number of pushes and of senders to kill (24 by default).
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/milter", ROOT + "/tests/report"]

import samples  # noqa: E402
from delay import Distant  # noqa: E402
from hosts import (DAY, NOW, SECONDS, TODAY, Lab,  # noqa: E402
                   agree, end, slow)
from postgres import Missing  # noqa: E402
from suite import Skip, Suite, holds, lacks, same, true  # noqa: E402

suite = Suite()

KILLS = 24
APPLICATION = 0x61766f75  # SCHEMA_APPLICATION: the first number of our locks

BOUNCE = """From: MAILER-DAEMON@example.net
To: dmarc@mx.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

gone
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; example.net

Final-Recipient: rfc822; {to}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {id}

--b--
"""


@suite.test("a push moves the rows of closed days, only those, and only once")
def push(c):
    database = c.fresh()
    one, two = c.host(database), c.host(database)
    one.fill((TODAY - 3, TODAY - 1), 200)
    two.fill((TODAY - 3, TODAY - 2), 200)
    output = one.push()
    same((output["days"], output["messages"]),
         (2, sum(r[-2] for r in one.kept())))
    same([e["what"] for e in output["events"]], ["pushed"] * 2)
    agree(c, database, one)
    # both have closed the days up to yesterday, also those without mail
    same([e["rows"] > 0 for e in two.push()["events"]], [True, True, False])
    agree(c, database, one, two)
    same(one.push()["days"] + two.push()["days"], 0)
    # today has not ended
    before = c.kept(database)
    one.add(TODAY, "d1.example", "192.0.2.1", 5)
    same(one.push()["days"], 0)
    same(c.kept(database), before)
    same(one.push(now=NOW + DAY)["rows"], 1)
    agree(c, database, one, two)
    same(one.run("push", now=NOW + DAY)[:2], (0, "nothing to push\n"))


@suite.test("a store used only by this host has nothing to push")
def alone(c):
    host = c.host("none")
    status, out, err = c.run("push", "--store", host.store)
    same((status, out, err), (0, "nothing to push\n", ""))


@suite.test("a push of many rows needs no more round trips than one of a few")
def round_trips(c):
    database = c.fresh()
    far = Distant(c.pg.home + "/.s.PGSQL.5432")
    url = "postgresql://owner@127.0.0.1:%d/%s" % (far.port, database)
    host = c.host(database, url)
    host.push(now=NOW - 4 * DAY)
    found = []
    for day, rows in ((TODAY - 3, 10), (TODAY - 2, 3000), (TODAY - 1, 0)):
        if rows:
            host.fill((day,), rows)
        far.count()
        host.push(now=(day + 1) * DAY)
        found.append(far.count()[0])
    agree(c, database, host)
    # the server may answer a COPY in several pieces
    true(found[1] <= found[0] + 5, found)
    true(max(found) < 100, found)
    print("round trips, with those of the connection and of retention: %s"
          % found)


@suite.test("a lock of another host: reading still works, the error names the host")
def locked(c):
    database = c.fresh()
    url = c.pg.url(database, more="&options=-c%20lock_timeout%3D1s")
    host = c.host(database, url)
    host.fill((TODAY - 2,), 5)
    host.push(now=NOW - DAY)
    host.fill((TODAY - 1,), 5)
    p = c.pg.hold(database, APPLICATION, 0)
    try:
        status, _, err = host.run("push")
        same(status, 75)
        holds(err, "avouch on mx9.example (PostgreSQL process ")
        holds(err, " has held the lock for ")
        for words in (("show",), ("show", "--json"), ("show", "--csv"),
                      ("send", "--dry-run"), ("failures",)):
            status, _, err = host.run(*words)
            same((status, err), (0, ""), words)
    finally:
        c.pg.release(p)
    true(host.push()["rows"] > 0, "the lock is free")
    agree(c, database, host)


@suite.test("pushes that are killed")
def killed(c):
    database = c.fresh()
    hosts = [c.host(database), c.host(database)]
    hosts[0].push(now=TODAY * DAY - 31 * DAY)
    slow(c, database, 0.01, 0.02)
    today, kills, done = TODAY, 0, 0
    while kills < c.kills:
        for host in hosts:
            host.fill(range(today - 30, today), 15)
        left = list(hosts)
        while left and kills < c.kills:
            host = c.random.choice(left)
            p = host.start("push", now=today * DAY)
            try:
                p.wait(c.random.uniform(0.02, 0.4))
            except subprocess.TimeoutExpired:
                p.kill()
                kills += 1
            status, _, err = end(p)
            if status == 0:
                done += 1
                left.remove(host)
            else:
                same(status, -signal.SIGKILL, err)
        today += 30
    for host in hosts:
        host.push(now=today * DAY)
    agree(c, database, *hosts)
    print("%d pushes killed, %d ended before; %d rows of %d days" % (
        kills, done, len(c.kept(database)), today - TODAY))


WAITS = "wait_event_type = 'Lock' AND query LIKE "
FOR_LOCK = WAITS + "'%pg_advisory_xact_lock%'"
# The steps of a push, a trigger that stops it there, and a query of
# pg_stat_activity that finds it.
STEPS = (
    ("the rows are sent, another host has the lock", None, FOR_LOCK),
    ("the rows are merged",
     "TRIGGER gate BEFORE INSERT ON avouch.kept FOR EACH STATEMENT",
     WAITS + "'INSERT INTO policy%'"),
    ("the token is recorded",
     "TRIGGER gate BEFORE INSERT OR UPDATE ON avouch.host FOR EACH ROW",
     WAITS + "'INSERT INTO host%'"),
    ("it is committed",
     "CONSTRAINT TRIGGER gate AFTER INSERT OR UPDATE ON avouch.host "
     "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW", WAITS + "'COMMIT'"),
)
GATE = """
CREATE OR REPLACE FUNCTION avouch.gate() RETURNS trigger AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared(%d, %d); RETURN NEW; END
$$ LANGUAGE plpgsql;
DROP TRIGGER IF EXISTS gate ON avouch.kept;
DROP TRIGGER IF EXISTS gate ON avouch.host;
CREATE %s EXECUTE FUNCTION avouch.gate()
"""


def stop_at(c, database, trigger):
    """Stops pushes at a trigger, or before they get the lock, until the
    returned process is released."""
    lock = (APPLICATION, 0)
    if trigger is not None:
        lock = (1, 1)
        c.pg.psql(database, GATE % (*lock, trigger))
    return c.pg.hold(database, *lock)


def wait_activity(c, database, where, step, process):
    """Waits until the process runs such a query."""
    until = time.monotonic() + SECONDS
    while c.pg.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE "
                    "datname = '%s' AND application_name NOT LIKE '%%mx9%%' "
                    "AND %s" % (database, where)) == "0":
        true(time.monotonic() < until and process.poll() is None, step)


@suite.test("a push that is killed at each of its steps")
def at_each_step(c):
    database = c.fresh()
    host = c.host(database)
    host.push(now=(TODAY - 8) * DAY)
    running = ("SELECT count(*) FROM pg_stat_activity WHERE datname = '%s' "
               "AND application_name LIKE 'avouch on %%'" % database)
    for n, (step, trigger, where) in enumerate(STEPS):
        day = TODAY - 8 + n
        host.fill((day,), 20)
        holder = stop_at(c, database, trigger)
        before = c.kept(database)
        p = host.start("push", now=(day + 1) * DAY)
        wait_activity(c, database, where, step, p)
        p.kill()
        same(end(p)[0], -signal.SIGKILL, step)
        c.pg.release(holder)
        until = time.monotonic() + SECONDS
        while c.pg.psql("postgres", running) != "0":
            true(time.monotonic() < until, "the server continues: " + step)
        # all rows or none, and only a commit stores them
        same(len(c.kept(database)) > len(before), n == 3, step)
        output = host.push(now=(day + 1) * DAY)
        same([e["what"] for e in output["events"]],
             ["known" if n == 3 else "pushed"], step)
        agree(c, database, host)


@suite.test("a push that is killed while the database commits")
def committing(c):
    database = c.fresh()
    host = c.host(database)
    host.fill((TODAY - 3,), 30)
    host.push(now=NOW - 2 * DAY)
    host.fill((TODAY - 2,), 30)
    step, trigger, where = STEPS[3]
    holder = stop_at(c, database, trigger)
    p = host.start("push", now=NOW - DAY)
    wait_activity(c, database, where, step, p)
    p.kill()
    same(end(p)[0], -signal.SIGKILL)
    p = host.start("push", now=NOW - DAY)
    wait_activity(c, database, FOR_LOCK, "it waits for the commit", p)
    c.pg.release(holder)
    status, _, err = end(p)
    same((status, err), (0, ""))
    agree(c, database, host)


@suite.test("a push that died before it could record its work")
def unnoted(c):
    database = c.fresh()
    host = c.host(database)
    host.fill((TODAY - 3,), 50)
    host.push(now=NOW - 2 * DAY)
    was = {n: host.meta(n) for n in ("push_ticket", "pushed")}
    host.fill((TODAY - 2, TODAY - 1), 50)
    host.push(now=NOW - DAY)
    host.set_meta(**was)
    output = host.push()
    same([e["what"] for e in output["events"]], ["known", "pushed"])
    agree(c, database, host)
    # the very first push
    host = c.host(c.fresh())
    host.fill((TODAY - 1,), 50)
    host.push()
    host.set_meta(push_ticket="", pushed="")
    same([e["what"] for e in host.push()["events"]], ["known"])
    agree(c, host.database, host)


@suite.test("simultaneous pushes of one store and of several")
def at_once(c):
    database = c.fresh()
    hosts = [c.host(database) for _ in range(3)]
    for host in hosts:
        host.fill(range(TODAY - 6, TODAY), 100)
    running = [host.start("push") for host in hosts * 2]
    for p in running:
        status, out, err = end(p)
        true(status == 0 or "another run is in progress" in err, out + err)
    agree(c, database, *hosts)


@suite.test("PostgreSQL dies in the middle of a push, and restarts")
def server_dies(c):
    database = c.fresh()
    host = c.host(database)
    host.push(now=TODAY * DAY - 31 * DAY)
    slow(c, database, 0.01, 0.02)
    broken, today = 0, TODAY - 20
    for _ in range(20):
        if broken == 3:
            break
        today += 20
        host.fill(range(today - 20, today), 40)
        p = host.start("push", now=today * DAY)
        time.sleep(c.random.uniform(0.05, 0.3))
        c.pg.stop()
        status, _, err = end(p)
        true(status in (0, 75), err)
        broken += status == 75
        if broken == 1:
            status, _, err = host.run("push")
            same(status, 75)
            holds(err, "postgresql://owner@/")
        c.pg.start()
    same(broken, 3, "pushes during which PostgreSQL died")
    host.push(now=today * DAY)
    agree(c, database, host)


@suite.test("a connection that is cut in the middle of a push")
def cut(c):
    database = c.fresh()
    host = c.host(database)
    host.fill(range(TODAY - 20, TODAY), 80)
    for _ in range(4):
        p = host.start("push")
        time.sleep(c.random.uniform(0.05, 0.3))
        c.pg.psql("postgres", "SELECT pg_terminate_backend(pid) FROM "
                  "pg_stat_activity WHERE application_name LIKE 'avouch%'")
        status, _, err = end(p)
        true(status in (0, 75), err)
        if status == 75:
            true("terminating connection" in err or
                 "closed the connection" in err or
                 "no connection to the server" in err, err)
    host.push()
    agree(c, database, host)


@suite.test("a file that was copied, or restored from a backup")
def two_files(c):
    database = c.fresh()
    host, other = c.host(database), c.host(database)
    host.fill((TODAY - 3,), 30)
    host.push(now=NOW - 2 * DAY)
    shutil.copy(host.store, other.store)
    host.fill((TODAY - 2,), 30)
    host.push(now=NOW - DAY)
    other.add(TODAY - 2, "other.example", "192.0.2.7", 3)
    before = c.kept(database)
    status, _, err = other.run("push", now=NOW - DAY)
    same(status, 78)
    holds(err, "--as copy")
    holds(err, "--as restored")
    same(c.kept(database), before)
    same(other.push("--as", "copy", now=NOW - DAY)["rows"], 1)
    same(len(c.kept(database)), len(before) + 1)
    # two copies push at the same time, before either is known as a copy
    twin = c.host(database)
    shutil.copy(host.store, twin.store)
    for one in (host, twin):
        one.add(TODAY - 1, "twin.example", "192.0.2.7", 3)
    slow(c, database, 0.3, 0.3)
    running = [one.start("push") for one in (host, twin)]
    same(sorted(end(p)[0] for p in running), [0, 78])
    same([r[-2] for r in c.kept(database) if r[1] == "twin.example"], [3])
    slow(c, database, 0, 0)
    if host.run("push")[0] == 78:
        host, twin = twin, host
    # pushes still work afterwards
    other.fill((TODAY - 1,), 30)
    other.push()
    backup = c.path("backup.db")
    with host.sqlite() as db:
        db.execute("VACUUM INTO ?", (backup,))
    host.add(TODAY, "late.example", "192.0.2.9", 4)
    host.push(now=NOW + DAY)
    rows = c.kept(database)
    for end_of in ("", "-wal", "-shm"):
        if os.path.exists(host.store + end_of):
            os.remove(host.store + end_of)
    shutil.copy(backup, host.store)
    host.add(TODAY, "late.example", "192.0.2.9", 2)  # fewer messages than before
    host.add(TODAY + 1, "new.example", "192.0.2.9", 2)
    same(host.run("push", now=NOW + 2 * DAY)[0], 78)
    same(host.push("--as", "restored", now=NOW + 2 * DAY)["rows"], 1)
    same(len(c.kept(database)), len(rows) + 1)
    same(host.run("push", "--as", "what")[0], 64)


@suite.test("a database that was restored, or is a different one")
def older(c):
    database = c.fresh()
    host = c.host(database)
    host.fill((TODAY - 3,), 30)
    host.push(now=NOW - 2 * DAY)
    was = c.pg.rows(database, "SELECT day, ticket FROM avouch.host")[0]
    host.fill((TODAY - 2, TODAY - 1), 30)
    host.push()
    c.pg.psql(database, "DELETE FROM avouch.kept WHERE day > %d; UPDATE "
              "avouch.host SET day = %d, ticket = '%s'" % (
                  TODAY - 3, int(was[0]), was[1]))
    same([e["what"] for e in host.push()["events"]],
         ["again", "pushed", "pushed"])
    agree(c, database, host)
    c.pg.psql(database, "DROP SCHEMA avouch CASCADE")
    output = host.push()
    same([(e["what"], e["day"] is None) for e in output["events"]],
         [("again", True)] + [("pushed", False)] * 3)
    agree(c, database, host)


@suite.test("late rows count for the first open day")
def late(c):
    database = c.fresh()
    one, two = c.host(database), c.host(database)
    one.add(TODAY - 1, "a.example", "192.0.2.1", 5, TODAY * DAY - 1)
    two.add(TODAY - 1, "a.example", "192.0.2.1", 7, TODAY * DAY - 2)
    one.push()
    c.pg.psql(database, "INSERT INTO avouch.meta VALUES ('closed', '%d')" % (
        TODAY - 1))
    two.push()
    same([(r[0], r[-2]) for r in sorted(c.kept(database))],
         [(TODAY - 1, 5), (TODAY, 7)])


@suite.test("late rows of a reported day: the push says which day they count for")
def moved(c):
    database = c.fresh()
    host = c.host(database)
    host.push(now=NOW - 2 * DAY)
    host.add(TODAY - 1, "a.example", "192.0.2.1", 5)
    c.pg.psql(database, "INSERT INTO avouch.meta VALUES ('closed', '%d')" % (
        TODAY - 1))
    holds(host.run("push")[1], "pushed 2026-02-15: rows 1, messages 5; its "
          "reports have been made, so these rows count for "
          "2026-02-16\n")
    host.add(TODAY, "a.example", "192.0.2.1", 6)
    events = host.push(now=NOW + DAY)["events"]
    same([e["counts_for"] for e in events], [None])


@suite.test("a host whose clock was days ahead has closed days for all")
def ahead(c):
    database = c.fresh()
    host = c.host(database)
    host.add(TODAY - 2, "a.example", "192.0.2.1", 4)
    host.push(now=NOW - DAY)
    # no reports were made for the days, so they are open again
    closed = ("INSERT INTO avouch.meta VALUES ('closed', '%d') "
              "ON CONFLICT (name) DO UPDATE SET value = excluded.value")
    c.pg.psql(database, closed % (TODAY + 5))
    host.add(TODAY - 1, "a.example", "192.0.2.1", 5)
    same([e["counts_for"] for e in host.push()["events"]], ["2026-02-16"])
    same(c.pg.rows(database, "SELECT value FROM avouch.meta "
                   "WHERE name = 'closed'"), [(str(TODAY - 1),)])
    # reports were made, so there must be an error
    c.pg.psql(database, closed % (TODAY + 5))
    c.pg.psql(database, "INSERT INTO avouch.report (day, domain, part, parts, "
              "report_id, record, made, rows, messages, note) VALUES "
              "(%d, 'z.example', 1, 1, 'z', '', 1, 1, 1, '')" % (TODAY + 2))
    host.add(TODAY, "a.example", "192.0.2.1", 6)
    before = c.kept(database)
    status, _, err = host.run("push", now=NOW + DAY)
    same(status, 75)
    holds(err, "reports already cover the days up to 2026-02-21, which has not "
          "ended")
    same(c.kept(database), before)
    # nothing is lost: the rows are pushed when that day has ended
    output = host.push(now=NOW + 7 * DAY)
    same(sum(e["messages"] for e in output["events"]), 6)
    same([e["counts_for"] for e in output["events"] if e["rows"]],
         ["2026-02-22"])


@suite.test("a clock that differs from the database's: nothing is pushed or sent")
def clocks(c):
    library = os.path.join(os.path.dirname(c.program), "tests/turnclock.so")
    if not os.path.exists(library):
        raise Skip("%s was not built" % library)
    today = int(time.time()) // DAY
    database = c.fresh()
    host = c.host(database)
    host.add(today - 1, "a.example", "192.0.2.1", 5)
    control = c.path("turn")
    env = {"LD_PRELOAD": library, "CLOCK_CONTROL": control}

    def turn(seconds):
        with open(control, "wb") as f:
            f.write(struct.pack("=q", seconds))

    for days in (5, -5):
        turn(days * DAY)
        for what in ("push", "send"):
            status, _, err = host.run(what, now=None, env=env)
            same(status, 75, err)
            holds(err, "this host's clock says ")
            holds(err, "the database's clock says ")
    same(c.pg.rows(database, "SELECT * FROM avouch.host"), [])
    same(c.pg.rows(database, "SELECT * FROM avouch.meta WHERE name = "
                   "'closed'"), [])
    turn(5)
    status, _, err = host.run("push", now=None, env=env)
    same((status, err), (0, ""))
    agree(c, database, host)


@suite.test("rows that were already sent from the file are not pushed")
def sent_before(c):
    host = c.host(c.fresh())
    for name in ("a.example", "b.example"):
        for day in (TODAY - 2, TODAY - 1):
            host.add(day, name, "192.0.2.1", 5)
    with host.sqlite() as db:
        db.execute("INSERT INTO report (day, domain, part, parts, report_id, "
                   "record, made, rows, messages, note) VALUES "
                   "(?, 'a.example', 1, 1, 'x', '', 1, 1, 5, '')",
                   (TODAY - 1,))
        db.execute("INSERT INTO delivery (report, destination, state, "
                   "attempts, changed, not_before, note) VALUES "
                   "(1, 'a@a.example', 2, 1, 1, 0, '')")
        # a failure report does not count
        db.execute("INSERT INTO report (day, domain, part, parts, report_id, "
                   "record, made, rows, messages, note) VALUES "
                   "(?, 'b.example', 1, 0, 'y', '', 1, 1, 1, '')",
                   (TODAY - 1,))
        db.execute("INSERT INTO delivery (report, destination, state, "
                   "attempts, changed, not_before, note) VALUES "
                   "(2, 'b@b.example', 2, 1, 1, 0, '')")
    same(host.push()["waiting"], 1)
    same(sorted((r[0], r[1]) for r in c.kept(host.database)),
         [(TODAY - 2, "a.example"), (TODAY - 2, "b.example"),
          (TODAY - 1, "b.example")])


@suite.test("hosts that share a store share the key for failure reports")
def redaction_key(c):
    database = c.fresh()
    hosts = [c.host(database) for _ in range(3)]
    hosts[0].set_meta(redaction_key="1 2")
    hosts[1].set_meta(redaction_key="3 4")
    for host in hosts:
        host.push()
    same([host.meta("redaction_key") for host in hosts], ["1 2"] * 3)
    same(c.pg.rows(database, "SELECT value FROM avouch.meta "
                   "WHERE name = 'redaction_key'"), [("1 2",)])


@suite.test("rows past their retention are deleted")
def retention(c):
    host = c.host(c.fresh())
    for day in (TODAY - 500, TODAY - 399, TODAY - 1):
        host.add(day, "r%d.example" % day, "192.0.2.1", 1)
    same(host.push()["days"], 3)
    same(sorted(r[0] for r in c.kept(host.database)), [TODAY - 399, TODAY - 1])
    same([r[0] for r in c.pg.rows(host.database, "SELECT domain FROM "
                                  "avouch.policy ORDER BY domain")],
         ["r%d.example" % (TODAY - n) for n in (399, 1)])


@suite.test("the module tests of the queries, in PostgreSQL")
def query_tests(c):
    for name in ("query_test", "query_deliveries_test", "query_received_test"):
        program = os.path.join(os.path.dirname(c.program), "tests/report/store",
                               name)
        if not os.path.exists(program):
            raise Skip("%s was not built" % program)
        r = subprocess.run([program], capture_output=True, check=False,
                           timeout=SECONDS, env=dict(
                               os.environ,
                               AVOUCH_TEST_STORE=c.pg.url(c.fresh())))
        same(r.returncode, 0, (r.stdout + r.stderr).decode())


@suite.test("the tables are created once, by any of the hosts")
def tables(c):
    database = c.fresh()
    url = c.pg.url(database)
    running = [c.start("show", "--store", url) for _ in range(8)]
    same([end(p)[0] for p in running], [0] * 8)
    # older versions are tested in upgrade.py
    c.pg.psql(database, "UPDATE avouch.meta SET value = '99' "
              "WHERE name = 'schema'")
    status, _, err = c.run("show", "--store", url)
    same(status, 75)
    holds(err, "a newer version of avouch made this store")
    c.pg.psql(database, "DELETE FROM avouch.meta")
    holds(c.run("show", "--store", url)[2], "belongs to another program")
    c.pg.create("latin", "TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'")
    holds(c.run("show", "--store", c.pg.url("latin"))[2],
          "must have the encoding UTF8")


@suite.test("a role that may only read can show; other commands report an error")
def reader(c):
    database = c.fresh()
    host = c.host(database)
    host.push()
    c.pg.psql(database, "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA "
              "avouch TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA avouch "
              "TO reader")
    url = c.pg.url(database, "reader")
    same(c.run("show", "--store", url)[0], 0)
    poor = c.host(database, url)
    poor.fill((TODAY - 1,), 5)
    status, _, err = poor.run("push")
    same(status, 75)
    holds(err, "permission denied")
    same(c.kept(database), [])


@suite.test("no password is ever shown")
def secret(c):
    c.pg.psql("postgres", "CREATE ROLE secretive LOGIN PASSWORD 'right'")
    database = c.fresh()
    tail = "@/%s?host=%s" % (database, c.pg.home)
    bad = ("postgresql://secretive:hush-hush" + tail,
           "postgresql://secretive:hush-hush@[::1/x",
           "postgresql://secretive:hush-hush%zz" + tail,
           "postgresql://secretive:hush/hush-hush" + tail,
           "postgresql://secretive@/x?password=hush-hush&host=/nowhere",
           "postgresql://secretive@/x?sslpassword=hush-hush&host=/nowhere",
           "postgresql://secretive@/x?p%61ssword=hush-hush&what",
           "postgres://a:hush-hush@nowhere.invalid/b")
    for url in bad:
        for words in (("show",), ("push", "--json"), ("read", "/dev/null")):
            status, out, err = c.run(*words, "--store", url)
            same(status, 75, url)
            lacks(out + err, "hush-hush")
        host = c.host(database, url)
        text = out + err
        for config in ("show", "check"):
            r = subprocess.run(
                [c.program, "config", config, "--config", host.conf],
                capture_output=True, check=False, timeout=SECONDS)
            text += (r.stdout + r.stderr).decode()
            same(r.returncode, 0, text)
        lacks(text, "hush-hush")
    with open(host.conf, "w", encoding="ascii") as f:
        f.write('report { store = "postgre://a:hush-hush@b/c" }')
    status, out, err = host.run("push")
    same(status, 78)
    lacks(out + err, "hush-hush")
    holds(err, "***")
    # the correct password works, in the URL or in a password file
    url = "postgresql://secretive:right" + tail
    c.pg.psql(database, "GRANT CREATE ON DATABASE %s TO secretive" % database)
    same(c.run("show", "--store", url)[0], 0)
    passwords = c.path("pgpass")
    with open(passwords, "w", encoding="ascii") as f:
        f.write("*:*:*:secretive:right\n")
    os.chmod(passwords, 0o600)
    same(c.run("show", "--store", "postgresql://secretive" + tail,
               env={"PGPASSFILE": passwords})[0], 0)


def senders(c, days, domains):
    """Returns two hosts that have pushed the same domains, and the number of
    reports that this makes."""
    database = c.fresh()
    hosts = [c.host(database), c.host(database)]
    for host in hosts:
        with host.sqlite() as db:
            for day in range(TODAY - days, TODAY):
                for n in range(domains):
                    host.put(db, day, "s%d.example" % n, "192.0.2.%d" % n, 20)
        host.push()
    c.mails()
    return hosts, days * domains


def once(c, wanted):
    """Checks by Message-ID that each report was sent exactly once."""
    ids = c.mails()
    same(len(ids) - len(set(ids)), 0, "messages that were sent twice")
    same(len(ids), wanted, "messages")


@suite.test("two simultaneous senders: one sends, for all hosts together")
def two_senders(c):
    hosts, wanted = senders(c, 2, 20)
    running = [h.start("send") for h in hosts * 2]
    for p in running:
        status, out, err = end(p)
        true(status == 0 or "another run is in progress" in err, out + err)
    once(c, wanted)
    output = hosts[1].run("send")[1]
    holds(output, "sent 0,")
    rows = c.pg.rows(hosts[0].database, "SELECT sum(messages), "
                     "count(distinct report_id) FROM avouch.report")
    same(rows, [(str(wanted * 40), str(wanted))])


@suite.test("a day is sent when all hosts have pushed it, or cannot")
def patience(c):
    database = c.fresh()
    one, two, gone = (c.host(database) for _ in range(3))
    c.mails()
    for host, day in ((one, TODAY - 2), (two, TODAY - 2), (gone, TODAY - 5)):
        host.add(day, "p.example", "192.0.2.1", 20)
    gone.push(now=NOW - 4 * DAY)
    one.push(now=NOW - DAY)
    two.push(now=NOW - DAY)
    one.add(TODAY - 1, "p.example", "192.0.2.1", 20)
    one.push()
    status, out, err = one.run("send")
    same(status, 0, err)
    holds(out, "not pushed yet by ")
    same(len(c.mails()), 2)  # of the previous days
    output = json.loads(one.run("send", "--json")[1])
    same((output["complete"], output["events"][0]["domain"]), (False, None))
    two.push()
    same(one.run("send")[0], 0)
    once(c, 1)
    # if a host is away, half a day is waited for it
    one.add(TODAY, "p.example", "192.0.2.1", 20)
    one.push(now=NOW + DAY)
    one.run("send", now=NOW + DAY)
    once(c, 0)
    one.run("send", now=NOW + DAY + 12 * 3600)
    once(c, 1)
    # rows that it pushes later count for the next day
    two.add(TODAY, "p.example", "192.0.2.1", 7)
    two.push(now=NOW + DAY + 13 * 3600)
    same(c.pg.rows(database, "SELECT messages FROM avouch.kept WHERE day = %d"
                   % (TODAY + 1)), [("7",)])


@suite.test("pushed rows are not sent from the file as well")
def from_file(c):
    host = c.host(c.fresh())
    host.add(TODAY - 1, "f.example", "192.0.2.1", 20)
    host.push()
    c.mails()
    same(host.run("send", "--store", host.store)[0], 0)
    once(c, 0)
    host.run("send")
    once(c, 1)


@suite.test("senders that are killed, on any host")
def killed_senders(c):
    kills, done, wanted = 0, 0, 0
    while kills < c.kills:
        hosts, wanted = senders(c, 3, 40)
        end_of = NOW
        while kills < c.kills:
            p = c.random.choice(hosts).start("send", now=end_of)
            try:
                p.wait(c.random.uniform(0.03, 0.35))
            except subprocess.TimeoutExpired:
                p.kill()
                kills += 1
            status, out, err = end(p)
            if status == 0 and "waiting 0" in out and "sent 0," in out:
                done += 1
                break
            true(status in (0, 75, -signal.SIGKILL), err)
        finish(hosts, end_of)
        once(c, wanted)
    print("%d senders killed; %d times all %d reports were sent before" % (
        kills, done, wanted))


@contextlib.contextmanager
def sending(c, host):
    """Sends, and sendmail(8) takes until the end of the block."""
    c.write("wait", "")
    p = host.start("send")
    try:
        until = time.monotonic() + SECONDS
        while c.pg.psql(host.database, "SELECT count(*) FROM avouch.delivery "
                        "WHERE state = 1") != "1":
            true(time.monotonic() < until and p.poll() is None,
                 "no report was handed over")
        yield
    finally:
        os.remove(c.path("wait"))
    same(end(p)[0], 0)


@suite.test("a sender that is blocked by another host names that host")
def busy(c):
    hosts, wanted = senders(c, 1, 1)
    with sending(c, hosts[0]):
        status, _, err = hosts[1].run("send")
        same(status, 75, err)
        holds(err, "another run is in progress: avouch on " +
              socket.gethostname()[:40])
    finish(hosts, NOW)
    once(c, wanted)


@suite.test("a report that another host is sending is left to it")
def in_hand(c):
    hosts, wanted = senders(c, 1, 1)
    with sending(c, hosts[0]):
        # the other host's lock ends with its connections
        c.pg.psql("postgres", "SELECT pg_terminate_backend(pid) FROM "
                  "pg_stat_activity WHERE application_name LIKE 'avouch%'")
        status, out, err = hosts[1].run("send")
        same(status, 0, err)
        holds(out, "another host may be sending it")
    finish(hosts, NOW)
    once(c, wanted)


def finish(hosts, now):
    """Sends until nothing is left; a helper may still be running."""
    until = time.monotonic() + SECONDS
    while True:
        now += 1000
        status, out, err = hosts[0].run("send", now=now)
        if status == 0 and "waiting 0" in out:
            return
        true(status in (0, 75) and time.monotonic() < until, out + err)


@suite.test("PostgreSQL dies while reports are sent, and restarts")
def server_dies_sending(c):
    hosts, wanted = senders(c, 2, 40)
    c.write("seconds", "0.03")
    broken = 0
    for _ in range(3):
        p = hosts[0].start("send")
        time.sleep(c.random.uniform(0.3, 0.8))
        c.pg.stop()
        time.sleep(0.3)
        c.pg.start()
        status, out, err = end(p)
        true(status in (0, 75), err)
        broken += status == 75
    true(broken >= 1, "all was sent before PostgreSQL died")
    c.write("seconds", "0")
    finish(hosts, NOW)
    once(c, wanted)


@suite.test("received reports are read into it and shown as from a file")
def reading(c):
    url, store = c.pg.url(c.fresh()), c.path("received.db")
    folder = os.fsencode(c.path("in"))
    os.makedirs(folder)
    texts = list(samples.month())
    long = "\u00e9" * 3000  # 6000 bytes, more than an index entry may have
    for number in (long + "1", long[:400] + "2"):
        texts.append(samples.report(
            1, [samples.record("192.0.2.1", 3)], org=long, number=number))
    for i, text in enumerate(texts):
        with open(folder + b"/\xff\n%d.xml" % i, "wb") as f:
            f.write(text.encode())
    now = samples.NOW
    for store_name in (store, url):
        output = json.loads(c.run("read", "--json", "--store", store_name,
                                os.fsdecode(folder), now=now)[1])
        same((output["stored"] + output["known"], output["refused"]),
             (len(texts), 0), store_name)
        output = json.loads(c.run("read", "--json", "--store", store_name,
                                os.fsdecode(folder), now=now)[1])
        same((output["stored"], output["known"]), (0, len(texts)), store_name)
    for words in (("--json",), ("--csv",), (), ("--domain", "shop.example")):
        output = [c.run("show", "--no-dns", "--store", name, *words, now=now)
                for name in (store, url)]
        same(output[0], output[1], words)
        same(output[0][0], 0)
        true(len(output[0][1]) > 200, output[0][1])


@suite.test("several hosts read the same reports at the same time")
def reading_at_once(c):
    url = c.pg.url(c.fresh())
    path = c.path("month.mbox")
    with open(path, "wb") as f:
        for text in samples.month():
            f.write(b"From a@example.com Mon\n" + samples.mail(
                samples.gzipped(text)) + b"\n")
    running = [c.start("read", "--json", "--store", url, path,
                       now=samples.NOW) for _ in range(3)]
    output = [end(p) for p in running]
    same([t[0] for t in output], [0] * 3, output)
    output = [json.loads(t[1]) for t in output]
    same((sum(t["stored"] for t in output), sum(t["known"] for t in output)),
         (60, 120))


@suite.test("a bounce on one host is respected by the other")
def bounce(c):
    hosts, wanted = senders(c, 1, 2)
    hosts[0].run("send")
    ids = c.mails()
    same(len(ids), wanted)
    number = ids[0].split(".")[2].split("@")[0]
    address = c.pg.psql(hosts[0].database, "SELECT destination FROM "
                        "avouch.delivery WHERE id = %s" % number)
    maildir = c.path("bounces")
    for folder in ("new", "cur"):
        os.makedirs("%s/%s" % (maildir, folder))
    with open(maildir + "/new/1.mx", "w", encoding="ascii") as f:
        f.write(BOUNCE.format(id=ids[0], to=address))
    r = subprocess.run([c.program, "report", "bounce", "--config",
                        hosts[1].conf, "--now", str(NOW), maildir],
                       capture_output=True, check=False, timeout=SECONDS)
    holds(r.stdout.decode(), "reports to %s are suppressed: " % address)
    for host in hosts:
        for n in range(2):
            host.add(TODAY, "s%d.example" % n, "192.0.2.1", 20)
        host.push(now=NOW + DAY)
    holds(hosts[0].run("send", now=NOW + DAY)[1], "mail to every address bounces")
    once(c, 1)


def main():
    # sent by timeout(1): processes that were started must end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    program = sys.argv[1]
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else KILLS
    try:
        lab = Lab(program, kills)
    except Missing as e:
        return suite.skip_all(e)
    return suite.run(lab, sys.argv[3] if len(sys.argv) > 3 else None)


if __name__ == "__main__":
    sys.exit(main())
