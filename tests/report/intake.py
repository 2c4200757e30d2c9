#!/usr/bin/env python3
"""avouch report intake: mail that a real Postfix delivers by pipe(8), as in
etc/postfix-reports.snippet, and a Maildir.

usage: intake.py PROGRAM [PART-OF-A-NAME]
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/milter", ROOT + "/tests/report"]

import postfix  # noqa: E402
import smtp  # noqa: E402
from reading import Lab, one, rows  # noqa: E402
from samples import (failure, gzipped, mail, tls, tls_mail,  # noqa: E402
                     tls_policy)
from suite import Skip, Suite, holds, same, true, until  # noqa: E402

suite = Suite()

REPORTER = "noreply@receiver.example"
USER = "nobody"
SECONDS = 120  # limit for anything that must happen eventually


def wait(what, seen, pause=0.1):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = seen()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError("not seen: " + what)


def maildir(c, name):
    for folder in ("new", "cur", "tmp"):
        os.makedirs(c.path(name + "/" + folder))
    return c.path(name)


def mails(path, folder):
    try:
        return sorted(os.listdir(path + "/" + folder))
    except FileNotFoundError:
        return []


# ---- standard input ----

@suite.test("intake: 0 for mail that is read, known, rejected or not a report")
def statuses(c):
    store = c.store()
    for data, want, words in (
            (mail(gzipped(one(1))), "reports stored: 1,", ""),
            (mail(gzipped(one(1))), "already in the store: 1", ""),
            (tls_mail(tls(1, [tls_policy()])), "TLS reports stored: 1", ""),
            (failure(), "failure reports stored: 1", ""),
            (b"Subject: hello\n\nhello\n", "files or messages without a report: 1",
             "standard input: a message without a report"),
            (b"", "files or messages without a report: 1", "it is empty"),
            (mail(b"PK\3\4broken"), "refused: 1", "standard input: refused: "),
            (b"From: a\nTo: " + b"a:" * 50000 + b"\n\n", "refused: 1",
             "too many address groups")):
        status, out, err = c.run("intake", "--store", store, stdin=data)
        same(status, 0, want)
        holds(out, want)
        holds(err, words)
    same(rows(store), (1, 1, 5))


@suite.test("intake: 75 if the mail system should try again")
def again(c):
    data = mail(gzipped(one(1)))
    store = c.store()
    same(c.run("intake", "--store", store, stdin=data)[0], 0)
    with open(store, "r+b") as f:
        f.write(b"no database")
    broken = c.file("broken.conf", "mode = nothing\n")
    none = c.file("none.conf", "mode = monitor\n")
    for words in (["--store", c.path("none/there.db")], ["--store", store],
                  ["--config", c.path("not-there.conf")],
                  ["--config", broken], ["--config", none]):
        status, _, err = c.run("intake", *words, stdin=data)
        same(status, 75, words)
        true(err != "", words)


# ---- a Maildir ----

@suite.test("a Maildir: mail that was read in cur, the rest in .refused, none twice")
def folders(c):
    path, store = maildir(c, "md"), c.store()
    for name, data in (("1.a", mail(gzipped(one(1)))), ("2.b", failure()),
                       ("3.c", b"Subject: hello\n\nhello\n"),
                       ("4.d", mail(b"PK\3\4broken", "r.zip")),
                       ("5.e", mail(gzipped(one(1)))),
                       ("6.f", mail(gzipped(one(2))))):
        c.file("md/new/" + name, data)
    c.file("md/tmp/7", mail(gzipped(one(3))))
    os.symlink("/etc/passwd", path + "/new/link")
    os.mkfifo(path + "/new/pipe")
    status, out, err = c.run("intake", "--json", "--store", store, path)
    output = json.loads(out)
    same((status, output["stored"], output["failures"], output["known"],
          output["without"], output["refused"]), (0, 2, 1, 1, 1, 1), err)
    holds(err, "md/new/3.c: a message without a report\n")
    holds(err, "md/new/4.d: refused: ")
    same(mails(path, "cur"), ["1.a:2,S", "2.b:2,S", "5.e:2,S", "6.f:2,S"])
    same(mails(path, ".refused/cur"), ["3.c:2,", "4.d:2,"])
    same(mails(path, "new"), ["link", "pipe"])
    same(mails(path, "tmp"), ["7"])
    status, out, err = c.run("intake", "--store", store, path)
    same((status, err), (0, ""))
    holds(out, "reports stored: 0,")
    same(rows(store)[0], 2)


@suite.test("an unusable Maildir or store: 75, all mail stays")
def stays(c):
    path = maildir(c, "stays")
    c.file("stays/new/1", mail(gzipped(one(1))))
    status, _, err = c.run("intake", "--store", c.path("none/a.db"), path)
    same(status, 75, err)
    same(mails(path, "new"), ["1"])
    status, _, err = c.run("intake", "--store", c.store(), c.path("nowhere"))
    same(status, 75)
    holds(err, "nowhere/: No such file")


@suite.test("a Maildir, killed at any time: each report once, no mail is lost")
def killed(c):
    path, store = maildir(c, "kill"), c.store()
    n = 300
    for i in range(n):
        c.file("kill/new/%03d" % i, mail(gzipped(one(1 + i % 20, org="o%d" % (
            i // 20)))))
    kills = 0
    for _ in range(n):
        p = subprocess.Popen(
            [c.program, "report", "intake", "--store", store, path],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        left = len(mails(path, "new"))
        if left > 10 and kills < 20:
            wait("a mail that is moved", lambda: len(
                mails(path, "new")) < left or p.poll() is not None, 0.001)
            kills += p.poll() is None
            p.send_signal(signal.SIGKILL)
        p.communicate(timeout=SECONDS)
        if not mails(path, "new"):
            break
    true(kills >= 2, "killed %d times" % kills)
    same(rows(store), (n, n, 5 * n))
    same((len(mails(path, "cur")), mails(path, ".refused/cur")), (n, []))


@suite.test("the unit of the timer reads a Maildir if there is one")
def unit(c):
    with open(ROOT + "/etc/avouch-report.service", encoding="utf-8") as f:
        command, = re.findall(
            r"^ExecStart=-/bin/sh -c '(.*report intake.*)'$", f.read(), re.M)
    store = c.store()
    conf = c.file("unit.conf", 'mode = monitor\nreport { store = "%s" '
                  "min_free = 0%% }\n" % store)
    path = c.path("unit/reports")
    for old, new in (("/usr/bin/avouch ", c.program + " "),
                     ("/etc/avouch/avouch.conf", conf),
                     ("/var/lib/avouch/reports", path)):
        holds(command, old)
        command = command.replace(old, new)

    def run():
        r = subprocess.run(["/bin/sh", "-c", command], capture_output=True,
                           text=True, timeout=SECONDS, check=False)
        same((r.returncode, r.stderr), (0, ""))
        return r.stdout

    same(run(), "")
    maildir(c, "unit/reports")
    c.file("unit/reports/new/1", tls_mail(tls(1, [tls_policy()])))
    holds(run(), "TLS reports stored: 1")
    same(mails(path, "cur"), ["1:2,S"])


# ---- a real Postfix ----

def snippet(c):
    """Returns the service of the snippet, changed to run as the test's user.
    """
    with open(ROOT + "/etc/postfix-reports.snippet", encoding="utf-8") as f:
        text = f.read()
    for line in ("dmarc: reports@intake.invalid", "owner-dmarc: postmaster",
                 "transport_maps = inline:{ intake.invalid=avouch-intake: }"):
        holds(text, line)
    service = "".join(line for line in text.splitlines(True)
                      if line.strip() and line[0] != "#")
    holds(service, "user=avouch argv=/usr/bin/avouch report intake\n")
    return service.replace("user=avouch", "user=" + USER).replace(
        "/usr/bin/avouch report intake", c.home + "/avouch report intake "
        "--config %s/avouch.conf" % c.home)


class Server:
    """A Postfix with the snippet's service, aliases and transport."""

    def __init__(self, c, **options):
        try:
            postfix.check()
        except postfix.CannotRun as e:
            raise Skip(str(e)) from e
        os.chmod(c.home, 0o755)
        shutil.copy(c.program, c.home + "/avouch")
        self.stores = c.path("stores")
        os.makedirs(self.stores, exist_ok=True)
        shutil.chown(self.stores, USER)
        self.store = self.stores + "/%d.db" % len(os.listdir(self.stores))
        c.file("avouch.conf", 'mode = monitor\nreport { store = "%s" '
               "min_free = 0%% }\n" % self.store)
        self.sink = smtp.Sink()
        home = c.path("postfix%d" % self.sink.port)
        self.postfix = postfix.Postfix(
            home, smtp.free_port(), self.sink.port, "", services=snippet(c) +
            "local unix - n n - - local\nvirtual unix - n n - - virtual\n",
            mydestination="reports.example, mx.example.net", smtpd_milters="",
            non_smtpd_milters="", minimal_backoff_time="1s",
            maximal_backoff_time="2s", queue_run_delay="1s",
            transport_retry_time="1s",
            alias_maps="inline:{{dmarc=reports@intake.invalid},"
            "{owner-dmarc=postmaster@example.net}}",
            transport_maps="inline:{intake.invalid=avouch-intake:,"
            "receiver.example=lmtp:inet:127.0.0.1:%d}" % self.sink.port,
            **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.postfix.stop()
        self.sink.close()

    def send(self, data, to="dmarc@reports.example"):
        with smtp.Client(self.postfix.port) as client:
            reply = client.message(REPORTER, to,
                                   data.replace(b"\n", b"\r\n"))
        same(reply.code, 250, str(reply))
        return reply.queue_id()

    def log(self):
        with open(self.postfix.log, encoding="utf-8") as f:
            return f.read()

    def empty(self):
        wait("an empty queue", lambda: not self.postfix.queue())

    def nothing_returned(self):
        self.empty()
        same(self.sink.take(REPORTER, 0), None, "returned to the reporter")


def stored(server):
    try:
        return rows(server.store)[0]
    except sqlite3.Error:
        return 0


@suite.test("Postfix, pipe(8): reports are stored, nothing is returned")
def pipe(c):
    with Server(c) as server:
        for data in (mail(gzipped(one(1))), mail(gzipped(one(2))),
                     tls_mail(tls(1, [tls_policy()])), failure(),
                     b"Subject: hello\n\nhello\n",
                     mail(b"PK\3\4broken", "r.zip")):
            server.send(data)
        server.empty()
        same(stored(server), 2, server.postfix.tail())
        server.nothing_returned()
        until(lambda: len(re.findall(r"relay=avouch-intake, .*status=sent",
                                     server.log())) == 6, "6 are logged")
        true(os.stat(server.store).st_uid != 0, "the store is root's")


@suite.test("Postfix, pipe(8): while the store is locked, mail waits")
def locked(c):
    with Server(c) as server:
        server.send(mail(gzipped(one(1))))
        server.empty()
        holder = sqlite3.connect(server.store, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        server.send(mail(gzipped(one(2))))
        wait("a temporary failure", lambda: re.search(
            r"relay=avouch-intake, .*dsn=4.3.0, status=deferred",
            server.log()))
        holder.execute("ROLLBACK")
        holder.close()
        server.empty()
        same(stored(server), 2)
        server.nothing_returned()


@suite.test("Postfix: undeliverable mail goes to the postmaster")
def undeliverable(c):
    with Server(c, maximal_queue_lifetime="0") as server:
        os.remove(c.path("avouch.conf"))
        server.send(mail(gzipped(one(1))))
        returned = server.sink.take("postmaster@example.net", SECONDS)
        true(returned is not None, server.postfix.tail())
        server.nothing_returned()


@suite.test("Postfix delivers into the Maildir")
def postfix_maildir(c):
    path = maildir(c, "box")
    for folder in ("", "/new", "/cur", "/tmp"):
        shutil.chown(path + folder, USER)
    with Server(c, virtual_transport="virtual", virtual_mailbox_base=c.home,
                virtual_mailbox_maps="static:box/",
                virtual_uid_maps="static:65534",
                virtual_gid_maps="static:65534") as server:
        for day in range(1, 6):
            server.send(mail(gzipped(one(day))), "dmarc@example.net")
        server.empty()
        same(len(mails(path, "new")), 5)
    output = json.loads(c.run("intake", "--json", "--store", c.store(), path)[1])
    same((output["stored"], len(mails(path, "cur"))), (5, 5))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    lab = Lab(sys.argv[1])
    try:
        return suite.run(lab, sys.argv[2] if len(sys.argv) > 2 else None)
    finally:
        shutil.rmtree(lab.home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
