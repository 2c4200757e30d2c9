#!/usr/bin/env python3
"""Errors of avouch-milter's store while mail arrives: mail flows, rows wait,
and they are stored automatically once the error is gone.  Cases that need root
are skipped for other users.

usage: storefaults.py PROGRAM [PART-OF-A-NAME | all]; all: also the slow tests
"""

import contextlib
import os
import pwd
import sqlite3
import subprocess
import sys
import threading
import time

import lab
from store import ask, fresh, messages_of, session, store
from suite import Skip, Suite, holds, lacks, same, true

suite = Suite()
slow = Suite()

COMMIT_WAIT = 0.1  # seconds: longest wait of a message for the store
CURED = 180        # seconds within which the end of the error must be noticed
SLOW = 1800        # seconds until the queue of the store is full


def send(l, count, sender="ceo@bank.example"):
    """Sends `count` messages and returns the seconds that each took."""
    m = session(l)
    took = []
    message = lab.message(sender)
    for _ in range(count):
        began = time.monotonic()
        same(m.message(message, "a@bank.example").reply, "c", "reply")
        took.append(time.monotonic() - began)
    m.quit()
    return took


def kept(l):
    try:
        return sum(messages_of(l).values())
    except sqlite3.OperationalError:
        return 0  # the file or its tables do not exist


def wait_kept(l, count):
    until = time.monotonic() + CURED
    while kept(l) < count and time.monotonic() < until:
        time.sleep(0.05)
    same(kept(l), count, "messages kept")


def flows(l, count, cause="store"):
    """Sends mail during an error: it is logged once, and no message waits.
    Returns the log line and the number of messages."""
    send(l, 2)
    line = l.milter.wait_log(cause=cause)
    took = send(l, count - 2)
    # either all of them would wait, or none, but the host may be slow
    while min(took) >= COMMIT_WAIT and len(took) < 500:
        took += send(l, 1)
    true(min(took) < COMMIT_WAIT, "the fastest took %.3f s" % min(took))
    same(len(l.milter.log(cause=cause)), 1, "log lines")
    return line, 2 + len(took)


def ends(l, lost):
    l.milter.stop()
    line = l.milter.log(event="store")[-1]
    same((line["lost"], line["waiting"]), (str(lost), "0"), "the end")


def own(path):
    """Creates a folder to which the daemon may write as user nobody."""
    os.mkdir(path)
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return path


def user():
    return 'user = "nobody"\n' if os.getuid() == 0 else ""


@suite.test("locked by another program: rows wait, and are stored afterwards")
def _(l):
    fresh(l)
    send(l, 3)
    wait_kept(l, 3)
    other = sqlite3.connect(store(l), isolation_level=None, timeout=CURED)
    other.execute("BEGIN IMMEDIATE")
    line, n = flows(l, 40)
    holds(line["text"], "database is locked")
    same(kept(l), 3, "kept while it is locked")
    other.execute("COMMIT")
    other.close()
    wait_kept(l, 3 + n)
    ends(l, 0)


@contextlib.contextmanager
def disk(path, size):
    """Mounts a separate file system; skips the test if that is impossible."""
    os.makedirs(path, exist_ok=True)
    if os.getuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", path],
            capture_output=True, check=False).returncode != 0:
        raise Skip("only root can mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@suite.test("a full disk: rows wait, and are stored when there is space")
def _(l):
    folder = l.home + "/disk"
    with disk(folder, "8m"):
        fresh(l, path=folder + "/store.db", report="min_free = 0%")
        send(l, 1)
        with open(folder + "/other", "wb", buffering=0) as f:
            with contextlib.suppress(OSError):
                while f.write(bytes(4096)):
                    pass
        n = 1
        while not l.milter.log(cause="store") and n < 3000:
            send(l, 50, "a@x%d.bank.example" % n)
            n += 50
        holds(l.milter.wait_log(cause="store")["text"], "full")
        send(l, 100)
        os.unlink(folder + "/other")
        wait_kept(l, n + 100)
        ends(l, 0)


@suite.test("min_free: rows are lost while another program fills the disk")
def _(l):
    folder = l.home + "/floor"
    with disk(folder, "8m"):
        fresh(l, path=folder + "/store.db", report="min_free = 50%")
        send(l, 1)
        with open(folder + "/other", "wb") as f:
            f.write(bytes(5 << 20))
        lost = 0
        while not l.milter.log(cause="store-limit") and lost < 3000:
            send(l, 1)
            time.sleep(0.01)
            lost += 1
        line = l.milter.wait_log(cause="store-limit")
        holds(line["text"], "report.min_free = 50.0%")
        same(line["level"], "warning", "level")
        os.unlink(folder + "/other")
        until = time.monotonic() + CURED
        while not l.milter.log(event="store") and time.monotonic() < until:
            send(l, 1)
            time.sleep(0.01)
        holds(l.milter.log(event="store")[0]["text"],
              "is within its limits again")
        l.milter.stop()
        end = l.milter.log(event="store")[-1]
        true(int(end["lost"]) > 0, "messages were lost")
        same((int(end["put"]), end["waiting"]),
             (int(end["committed"]) + int(end["lost"]), "0"), "the end")


def spoil(path):
    """Overwrites the file with garbage."""
    with open(path, "r+b") as f:
        f.write(b"\xa5" * os.path.getsize(path))


@suite.test("corrupted while in use: set aside, and a new one is created")
def _(l):
    fresh(l)
    send(l, 5)
    l.milter.stop()
    l.start_milter('report { store = "%s" }\n' % store(l))
    send(l, 2)
    wait_kept(l, 7)
    # SQLite does not read pages again that are in its cache.  A commit by
    # another connection empties the cache, so the next message finds the
    # garbage.  The daemon has no other transaction in between.
    other = sqlite3.connect(store(l), isolation_level=None, timeout=CURED)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO meta VALUES ('test', '1')")
    for suffix in ("-wal", ""):
        spoil(store(l) + suffix)
    other.execute("COMMIT")
    other.close()
    send(l, 1)
    line = l.milter.wait_log(event="store-corrupt")
    holds(line["text"], "it was renamed to " + store(l) + ".corrupt-")
    wait_kept(l, 1)  # the message that found the garbage
    send(l, 10)
    wait_kept(l, 11)
    same(ask(l, "PRAGMA integrity_check"), [("ok",)], "the new one")
    same(len([f for f in os.listdir(l.home)
              if ".corrupt-" in f and f[-1] == "Z"]), 1, "files set aside")
    ends(l, 0)


@suite.test("not a database at start: set aside, and mail is stored")
def _(l):
    fresh(l)
    l.milter.stop()
    with open(store(l), "w") as f:
        f.write("Dear grandmother, " * 500)
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(store(l) + suffix)
    l.start_milter('report { store = "%s" }\n' % store(l))
    send(l, 10)
    wait_kept(l, 10)
    l.milter.wait_log(event="store-corrupt")
    ends(l, 0)


@suite.test("removed while in use: a new one is created")
def _(l):
    fresh(l)
    send(l, 5)
    wait_kept(l, 5)
    for suffix in ("", "-wal", "-shm"):
        os.unlink(store(l) + suffix)
    send(l, 7)
    wait_kept(l, 7)
    l.milter.wait_log(cause="store-moved")
    os.rename(store(l), store(l) + ".elsewhere")  # but keep its log
    send(l, 4)
    wait_kept(l, 4)
    ends(l, 0)


@suite.test("a folder that is read-only, then writable")
def _(l):
    folder = own(l.home + "/keep")
    os.chmod(folder, 0o555)
    path = folder + "/store.db"
    fresh(l, user(), path=path)
    _, n = flows(l, 40)
    true(not os.path.exists(path), "there is no store")
    os.chmod(folder, 0o755)
    wait_kept(l, n)
    os.chmod(folder, 0o555)  # open files stay open
    send(l, 10)
    wait_kept(l, n + 10)
    os.chmod(folder, 0o755)
    ends(l, 0)


@suite.test("a folder that disappears and comes back")
def _(l):
    folder = own(l.home + "/come")
    fresh(l, user(), path=folder + "/store.db")
    send(l, 3)
    os.rename(folder, folder + ".away")
    _, n = flows(l, 40)
    os.rename(folder + ".away", folder)
    wait_kept(l, 3 + n)
    ends(l, 0)


def wait_line(l, part):
    """Waits for a log line without reading all 100,000 lines repeatedly."""
    seen, until = 0, time.monotonic() + SLOW
    while True:
        lines = l.milter.lines[seen:]
        if any(part in line for line in lines):
            return
        true(time.monotonic() < until, "no line with " + part)
        seen += len(lines)
        time.sleep(0.2)


@slow.test("more messages than can wait: counted as lost, and logged")
def _(l):
    fresh(l)
    send(l, 1)
    other = sqlite3.connect(store(l), isolation_level=None, timeout=CURED)
    other.execute("BEGIN IMMEDIATE")
    _, n = flows(l, 40)
    full, sent = threading.Event(), []

    def fill():
        while not full.is_set():
            sent.append(len(send(l, 500)))

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for t in threads:
        t.start()
    try:
        wait_line(l, "cause=store-lost")
    finally:
        full.set()
        for t in threads:
            t.join()
    other.execute("COMMIT")
    other.close()
    send(l, 5)
    l.milter.stop()
    lines = l.milter.log(cause="store-lost")
    holds(lines[0]["text"], "the queue is full")
    # every message is counted, but logged only once a minute; none waits at
    # the end
    lacks(lines[-1]["text"], "the daemon is stopping")
    lost = int(l.milter.log(event="store")[-1]["lost"])
    true(lost > 0, "lost")
    same(kept(l), 1 + n + sum(sent) + 5 - lost, "kept")


def main():
    only = sys.argv[2] if len(sys.argv) > 2 else None
    if only == "all":
        suite.tests += slow.tests
        only = None
    with lab.Lab(sys.argv[1]) as l:
        return suite.run(l, only)


if __name__ == "__main__":
    sys.exit(main())
