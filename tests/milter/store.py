#!/usr/bin/env python3
"""The data that avouch-milter stores for reports: sends messages over the
milter protocol, and reads the store with SQLite and with the command.  Needs
neither root nor Postfix.

usage: store.py PROGRAM [PART-OF-A-NAME]; avouch is in the same directory
"""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import lab
import miltproto
from suite import WAIT, Suite, holds, one_day, same, true, until

suite = Suite()

KILLS = 20
CLIENTS = 6
CLIENTS_WAIT = 20  # seconds: longest wait for three fast replies to each
SURE = 0.09  # seconds: a faster reply did not reach the limit of 0.1 s


def store(l):
    """Returns the file that fresh() configured."""
    return l.store


def settings(path, more="", report=""):
    return 'report { store = "%s"\n%s }\n%s' % (path, report, more)


def ask(l, query):
    """Runs a query.  A new store may have no tables yet."""
    end = time.monotonic() + WAIT
    while True:
        db = sqlite3.connect("file:%s?mode=ro" % store(l), uri=True,
                             timeout=WAIT)
        try:
            return db.execute(query).fetchall()
        except sqlite3.OperationalError as e:
            if "no such table" not in str(e) or time.monotonic() > end:
                raise
            time.sleep(0.1)
        finally:
            db.close()


def wait_stored(l, n):
    """Waits until `n` messages are in the file: a reply does not wait long for
    a slow disk."""
    until(lambda: sum(fates(l).values()) >= n, "%d messages stored" % n)


def messages_of(l):
    """Returns {author domain: number of messages in the rows}."""
    return dict(ask(l, "SELECT header_from, sum(messages) FROM kept "
                       "JOIN shape ON shape.id = kept.shape "
                       "GROUP BY header_from"))


def fates(l):
    return {(a, r): n for a, r, n in ask(
        l, "SELECT action, rule, sum(messages) FROM replay "
           "JOIN decision ON decision.id = replay.decision "
           "GROUP BY action, rule")}


def fresh(l, more="", path=None, report=""):
    """Restarts the daemon with an empty store."""
    if l.milter is not None:
        l.milter.stop()
    for name in os.listdir(l.home):
        if name.startswith(("store.db", "avouch.")):
            os.unlink(os.path.join(l.home, name))
    l.store = path or l.home + "/store.db"
    l.start_milter(settings(l.store, more, report))


def session(l, address="192.0.2.10"):
    m = miltproto.Milter(l.where)
    reply = m.connect(address)
    if reply is not None and reply[0] != "c":
        raise ConnectionError("deferred")
    m.helo()
    return m


@suite.test("a row for each message that DMARC checked, facts for all")
def _(l):
    one_day()
    fresh(l)
    m = session(l)
    forged = lab.message("ceo@bank.example")
    for _ in range(3):
        same(m.message(l.signed, "alice@bank.example").reply, "c", "good")
    m.quit()
    m = session(l, "203.0.113.77")
    same(m.message(forged, "x@other.example").reply, "y", "forged")
    same(m.message(lab.message("x@plain.example")).reply, "c", "no record")
    m.quit()
    m = session(l, "127.0.0.1")
    same(m.message(l.signed).reply, "c", "own user")
    m.quit()
    wait_stored(l, 6)
    same(messages_of(l), {"bank.example": 4}, "messages")
    rows = ask(l, "SELECT policy.domain, record, address, disposition, "
                  "dkim_aligned, spf_aligned, dkim, spf_result, messages "
                  "FROM kept JOIN policy ON policy.id = kept.policy "
                  "JOIN source ON source.id = kept.source "
                  "JOIN shape ON shape.id = kept.shape ORDER BY address")
    policy = ("bank.example",
              "v=DMARC1; p=reject; rua=mailto:dmarc@bank.example")
    same(rows, [
        policy + ("192.0.2.10", "none", 1, 1, "pass bank.example demo",
                  "pass", 3),
        policy + ("203.0.113.77", "reject", 0, 0, "", "none", 1)], "rows")
    same(fates(l), {("accept", "default"): 4,
                    ("reject", "dmarc.on_reject"): 1,
                    ("accept", "skip.network"): 1}, "fates")


@suite.test("a deferred message is not a row yet")
def _(l):
    fresh(l, "dmarc { on_reject = tempfail }\n")
    m = session(l, "203.0.113.77")
    reply = m.message(lab.message("ceo@bank.example"), "x@other.example")
    same(reply.reply, "y", "deferred")
    holds(reply.text, "451")
    m.quit()
    wait_stored(l, 1)
    same(messages_of(l), {}, "messages")
    same(fates(l), {("tempfail", "dmarc.on_reject"): 1}, "fates")


def avouch(l, *arguments, status=0):
    """Returns the output of the command built beside the daemon."""
    r = subprocess.run([os.path.join(os.path.dirname(l.program), "avouch"),
                        *arguments], capture_output=True, text=True,
                       check=False)
    same((r.returncode, r.stderr != ""), (status, status != 0), r.stderr)
    return r.stdout


@suite.test("policy replay: the effect of a new configuration")
def _(l):
    one_day()
    fresh(l)
    m = session(l, "203.0.113.77")
    for _ in range(2):
        m.message(lab.message("ceo@bank.example"), "x@other.example")
    m.message(lab.message("x@plain.example"))
    m.quit()
    wait_stored(l, 3)
    new = l.home + "/new.conf"
    with open(new, "w") as f:
        f.write(l.settings(settings(
            store(l), "dmarc { on_reject = tempfail }\n")))
    out = json.loads(avouch(l, "policy", "replay", "--config", new, "--json"))
    same((out["messages"], out["otherwise"], out["unchecked"], out["unlisted"]),
         (3, 2, 0, 0), "sums")
    same(out["changes"], [{
        "domain": "bank.example", "messages": 2,
        "then": {"action": "reject", "would": "reject",
                 "rule": "dmarc.on_reject"},
        "now": {"action": "tempfail", "would": "tempfail",
                "rule": "dmarc.on_reject"}}], "changes")
    out = avouch(l, "policy", "replay", "--config", new, "--days", "1")
    for part in ("changed ", "bank.example", "reject, rule dmarc."):
        holds(out, part)
    out = json.loads(avouch(l, "policy", "replay", "--json", "--config",
                            l.milter.path))
    same((out["messages"], out["otherwise"]), (3, 0), "the current configuration")
    avouch(l, "policy", "replay", "--config", new, "--store",
           l.home + "/none.db", status=75)
    avouch(l, "policy", "replay", "--config", new, "--days", "0", status=64)
    avouch(l, "policy", "relay", "--config", new, status=64)
    avouch(l, "policy", "replay", "--config", l.home + "/none", status=78)
    with open(new, "w") as f:
        f.write("mode = monitor\n")
    avouch(l, "policy", "replay", "--config", new, status=78)
    same(json.loads(avouch(l, "policy", "replay", "--config", new, "--store",
                           store(l), "--json"))["otherwise"], 2, "monitor")


@suite.test("mail flows without a usable store")
def _(l):
    fresh(l, path=l.home + "/nowhere/store.db")
    m = session(l)
    for _ in range(50):
        same(m.message(l.signed, "alice@bank.example").reply, "c", "reply")
    m.quit()
    same(len(l.milter.wait_logs(1, cause="store")), 1, "log lines")
    l.milter.stop()
    line = l.milter.wait_log(event="store")
    same((line["waiting"], line["lost"]), ("0", "50"), "the end")


@suite.test("a full store: mail flows, nothing is lost")
def _(l):
    fresh(l)
    pid = l.milter.process.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (150000, -1))
    m = session(l)
    n = 0
    while not l.milter.log(cause="store") and n < 3000:
        n += 1
        sender = "a@x%d.bank.example" % n
        same(m.message(lab.message(sender), "a@bank.example").reply, "c",
             "reply")
    holds(l.milter.wait_log(cause="store")["text"], "store.db")
    for _ in range(20):
        same(m.message(l.signed, "alice@bank.example").reply, "c", "reply")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (-1, -1))
    m.quit()
    wait_stored(l, n + 20)
    same(sum(messages_of(l).values()), n + 20, "messages kept")
    l.milter.stop()
    same(l.milter.wait_log(event="store")["lost"], "0", "lost")


@suite.test("retention option: old rows are deleted, and their space is freed")
def _(l):
    one_day()
    fresh(l)
    m = session(l)
    same(m.message(l.signed, "alice@bank.example").reply, "c", "reply")
    m.quit()
    l.milter.stop()
    today = int(time.time()) // 86400
    db = sqlite3.connect(store(l))
    for age in (29, 31, 300):  # days; each row has its own shape
        first = age * 10000
        db.executemany("INSERT INTO shape SELECT ?, hash, ?, envelope_from, "
                       "disposition, dkim_aligned, spf_aligned, automatic, "
                       "override, comment, spf_domain, spf_scope, spf_result, "
                       "dkim, ? FROM shape WHERE id = 1",
                       [(first + i, "x%d.example" % i, today - age)
                        for i in range(2000)])
        db.executemany("INSERT INTO kept VALUES (?, 1, 1, ?, 1, 1)",
                       [(today - age, first + i) for i in range(2000)])
        db.execute("INSERT INTO replay VALUES (?, 1, 1, 1, 1)",
                   (today - age + 25,))
    db.commit()
    db.close()
    was = os.path.getsize(store(l))
    l.start_milter('report { store = "%s"  retention = 30d  '
                   'replay_retention = 5d }\n' % store(l))
    end = time.monotonic() + WAIT
    while (time.monotonic() < end and
           (ask(l, "SELECT count(*) FROM shape") != [(2001,)] or
            ask(l, "PRAGMA freelist_count")[0][0] * 4 >
            ask(l, "PRAGMA page_count")[0][0])):
        time.sleep(0.1)
    same(ask(l, "SELECT day, count(*) FROM kept GROUP BY day"),
         [(today - 29, 2000), (today, 1)], "rows")
    same(ask(l, "SELECT day FROM replay ORDER BY day"),
         [(today - 4,), (today,)], "facts")
    same(ask(l, "SELECT count(*) FROM shape"), [(2001,)], "shapes")
    same(ask(l, "PRAGMA integrity_check"), [("ok",)], "the file")
    l.milter.stop()
    true(os.path.getsize(store(l)) < was * 0.6, "%d bytes, were %d" % (
        os.path.getsize(store(l)), was))


class Client(threading.Thread):
    """Sends messages until the connection is closed; each client has its own
    domain."""

    def __init__(self, l, number):
        super().__init__(daemon=True)
        self.l = l
        self.domain = "c%d.bank.example" % number
        self.message = lab.message("a@" + self.domain)
        self.begun = self.sure = self.late = 0
        self.start()

    def run(self):
        try:
            m = session(self.l)
            while True:
                self.begun += 1
                began = time.monotonic()
                if m.message(self.message, "a@bank.example").reply != "c":
                    return  # deferred: the daemon is ending
                if time.monotonic() - began < SURE:
                    self.sure += 1
                else:
                    self.late += 1
        except OSError:
            pass


def run_clients(l, seconds, end):
    clients = [Client(l, i) for i in range(CLIENTS)]
    give_up = time.monotonic() + CLIENTS_WAIT
    while (min(c.sure for c in clients) < 3 and
           time.monotonic() < give_up):
        time.sleep(0.005)
    time.sleep(seconds)
    end()
    for c in clients:
        c.join(WAIT)
        true(not c.is_alive(), "the client ended")
    return clients


@suite.test("kill -9 under load, %d times: every answered message is stored" % KILLS)
def _(l):
    fresh(l)
    had = {}
    answered = late = 0
    for i in range(KILLS):
        def kill():
            l.milter.process.kill()
            l.milter.wait()

        clients = run_clients(l, i * 37 % 100 / 1000, kill)
        now = messages_of(l)
        for c in clients:
            n = now.get(c.domain, 0) - had.get(c.domain, 0)
            true(c.sure <= n <= c.begun, "kill %d: %s answered %d (and %d "
                 "late), begun %d, kept %d" % (
                     i, c.domain, c.sure, c.late, c.begun, n))
            answered += c.sure
            late += c.late
        had = now
        l.milter.start()
    print("%d messages answered, %d late, %d kept" % (
        answered, late, sum(had.values())))
    same(sum(had.values()), sum(fates(l).values()), "facts")


@suite.test("SIGTERM under load: nothing is lost")
def _(l):
    fresh(l)
    clients = run_clients(l, 0.3, lambda: l.milter.signal(signal.SIGTERM))
    same(l.milter.wait(), 0, "status")
    true(not os.path.exists(store(l) + "-wal"), "the store is closed")
    now = messages_of(l)
    for c in clients:
        n = now.get(c.domain, 0)
        true(c.sure + c.late <= n <= c.begun, "%s: %d answered, %d kept" % (
            c.domain, c.sure + c.late, n))
    line = l.milter.wait_log(event="store")
    same(line["lost"], "0", "lost")


def main():
    with lab.Lab(sys.argv[1]) as l:
        l.add_key("bank.example")
        l.signed = l.sign(lab.message(), "bank.example")
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
