#!/usr/bin/env python3
"""Floods: whatever an MTA, or a client that sends mail through it, sends to
avouch-milter, memory stays bounded and other connections are still served.

usage: flood.py PROGRAM [PART-OF-A-NAME] [--long]    make faults: the long form
"""

import os
import re
import resource
import socket
import struct
import subprocess
import sys
import threading
import time

import lab
import miltproto
import signing
from proto import OURS, session
from suite import SANITIZED, Suite, holds, needs_plain_memory, same, true

suite = Suite()

SECONDS = 180  # longest wait for something that must happen
MIB = 1 << 20
BANK = "alice@bank.example"
CLAIM = b" mx.example.net; dmarc=pass"
MESSAGE = 12 * MIB  # most memory of a message: its arena, its jobs, libmilter
SESSION = 64 << 10  # most memory of an idle connection
KEPT = 8 * MIB  # free memory that malloc may keep: TRIM_BYTES of milter/main.c


def status(l, name):
    with open("/proc/%d/status" % l.milter.process.pid) as f:
        return int(re.search(name + r":\s*(\d+)", f.read()).group(1))


def memory(l):
    return status(l, "VmRSS") * 1024


def descriptors(l):
    return len(os.listdir("/proc/%d/fd" % l.milter.process.pid))


class Bounded:
    """Checks that memory never grows by more than `bytes` within the block."""

    def __init__(self, l, most):
        self.l = l
        self.most = most

    def __enter__(self):
        self.before = memory(self.l)
        with open("/proc/%d/clear_refs" % self.l.milter.process.pid,
                  "w") as f:
            f.write("5")  # reset the peak: proc(5)
        self.began = time.monotonic()

    def __exit__(self, kind, *_):
        if kind is None:
            peak = status(self.l, "VmHWM") * 1024
            print("memory %.1f -> %.1f MiB at most, %.1f after; %.1f s" % (
                self.before / MIB, peak / MIB, memory(self.l) / MIB,
                time.monotonic() - self.began))
            true(peak - self.before <= self.most or SANITIZED, "memory")


def packets(fields):
    return b"".join(struct.pack(">I", len(n) + len(v) + 3) + b"L" + n +
                    b"\0" + v + b"\0" for n, v in fields)


def with_fields(l, fields, repeated=1):
    """Sends a forged message with these fields before its From; returns
    Changes."""
    m = session(l)
    m.mail()
    m.rcpt()
    data = packets(fields)
    for _ in range(repeated):
        m.socket.sendall(data)
    m.header("From", b" " + BANK.encode())
    m.headers_end()
    changes = m.end()
    m.quit()
    return changes


def is_rejected(changes, code="550 5.7.26 "):
    same((changes.reply, changes.text[:len(code)]), ("y", code), "reply")


def is_over_limit(changes):
    is_rejected(changes, "550 5.3.4 ")
    holds(changes.text, "limit.header")


def serves(l):
    """Checks that other connections are served, and returns how fast."""
    began = time.monotonic()
    m = session(l)
    changes = m.message(l.signed)
    m.quit()
    same(lab.results(changes.inserted[0][2])["dmarc"], "pass", "verdict")
    return time.monotonic() - began


class Traffic:
    """Connections that are opened and closed, as on any server.

    libmilter counts a worker as idle until it wakes, so two connections may be
    handed to the same worker.  If the first stalls in the middle of a packet,
    the second waits until another connection makes libmilter start a worker.
    """

    def __enter__(self):
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def __init__(self, l):
        self.where = l.where

    def run(self):
        while not self.over.wait(0.05):
            socket.create_connection(("127.0.0.1", self.where)).close()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


# ---- one message ----

@suite.test("a field of 10 MB: connection closed; a header of 10 MB: rejected")
def _(l):
    with Bounded(l, MESSAGE):
        m = session(l)
        m.mail()
        m.rcpt()
        try:  # the MTA then acts as without a milter: it tempfails
            m.header("X-Big", b" " + b"x" * (10 * MIB))
            m.headers_end()
            raise AssertionError("it was accepted: %s" % m.end().reply)
        except ConnectionError:
            pass
        is_over_limit(with_fields(l, [(b"X-Big", b" " + b"x" * 102000)], 100))
    serves(l)


@suite.test("64 concurrent headers of 9 MB: memory is returned to the system")
def _(l):
    needs_plain_memory()
    n = 64
    before = memory(l)
    data = packets([(b"X-Big", b" " + b"x" * 90000)] * 100)
    barrier = threading.Barrier(n, timeout=SECONDS)
    faults = []

    def flood():
        try:
            m = session(l)
            m.mail()
            m.rcpt()
            m.socket.sendall(data)
            m.header("From", b" " + BANK.encode())
            barrier.wait()  # all of them are in memory at the same time
            m.headers_end()
            m.end()
            m.quit()
        except Exception as e:
            faults.append(e)

    with Bounded(l, n * MESSAGE):
        threads = [threading.Thread(target=flood) for _ in range(n)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    same(faults, [], "faults")
    most = before + KEPT + n * SESSION
    until = time.monotonic() + SECONDS
    while memory(l) > most and time.monotonic() < until:
        time.sleep(0.1)
    print("# memory %.1f MiB" % (memory(l) / MIB))
    true(memory(l) <= most, "memory is kept")


@suite.test("a million fields before From")
def _(l):
    thousand = [(b"X-%d" % i, b" y") for i in range(1000)]
    with Bounded(l, MESSAGE):
        is_over_limit(with_fields(l, thousand, 1000 if l.long else 30))
    serves(l)


@suite.test("ten thousand fields of each kind that is read")
def _(l):
    n = 10000
    with Bounded(l, MESSAGE):
        for name, value in (
                (b"Received", b" from x by y; Thu, 01 Jan 2026 12:00:00 +0000"),
                (b"DKIM-Signature", b" v=1; a=rsa-sha256; d=bank.example; "
                 b"s=demo; h=from; bh=AAAA; b=AAAA"),
                (b"ARC-Seal", b" i=1; a=rsa-sha256; d=bank.example; s=demo; "
                 b"cv=none; b=AAAA"),
                (b"From", b" a@bank.example"), (b"List-Idle", b" <x.y>"),
                (OURS.encode(), b" other.example; dmarc=pass")):
            began = time.monotonic()
            is_over_limit(with_fields(l, [(name, value)] * n))
            took = time.monotonic() - began
            print("%s: %.2f s" % (name.decode(), took))
    serves(l)


@suite.test("fields that claim to be ours: 512 are removed, more are rejected")
def _(l):
    n = 300000 if l.long else 10000
    for more in ("", "mode = monitor\n",
                 'skip_networks = { "192.0.2.0/24" }\n'):
        l.milter.reload(l.settings(more))
        with Bounded(l, MESSAGE):
            for name in (OURS, "x-avouch-quarantine"):
                m = session(l)
                m.mail("x@plain.example")
                m.rcpt()
                data = packets([(name.encode(), CLAIM)] * 1000)
                for _ in range(n // 1000):
                    m.socket.sendall(data)
                m.header("From", b" x@plain.example")
                m.headers_end()
                changes = m.end()
                m.quit()
                same((changes.reply, changes.text[:10], changes.removed),
                     ("y", "550 5.7.1 ", []), "reply")
                holds(changes.text, "limit.forged_fields")
    l.milter.reload(l.settings())


@suite.test("a client that does not read its replies")
def _(l):
    m = session(l)
    m.mail("x@plain.example")
    m.rcpt()
    with Traffic(l), Bounded(l, MESSAGE):
        m.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        m.socket.sendall(packets([(OURS.encode(), CLAIM)] * 512))
        m.header("From", b" x@plain.example")
        m.headers_end()
        m.packet("E")
        for _ in range(10):
            serves(l)
        letter, removed = "m", 0
        while letter in "mi":
            letter, _ = m.read()
            removed += letter == "m"
    same((letter, removed), ("c", 512), "reply")
    m.quit()


@suite.test("ten thousand recipients")
def _(l):
    with Bounded(l, MESSAGE):
        m = session(l)
        m.mail()
        for i in range(10000):
            m.rcpt("user%d@domain%d.example" % (i, i))
        m.header("From", b" " + BANK.encode())
        m.headers_end()
        is_rejected(m.end())
        m.quit()
    serves(l)


@suite.test("a signed line of 100 MB: hashed as it arrives")
def _(l):
    size = 100 * MIB if l.long else 20 * MIB
    body = (b"x" * 5000 + b" \t ") * (size // 5003) + b"y\r\n"
    for canon in ("relaxed/relaxed", "simple/simple"):
        signed = l.sign(lab.message(body=body), "bank.example", canon=canon)
        head = signed[:len(signed) - len(body)]
        m = session(l)
        with Bounded(l, MESSAGE):
            m.mail("x@plain.example")
            m.rcpt()
            for name, value in signing.split(head)[0]:
                m.header(name, value.rstrip(b"\r\n").replace(b"\r\n", b"\n"))
            m.headers_end()
            for at in range(0, len(body), 65535):
                m.body(body[at:at + 65535])
            changes = m.end()
        same(lab.results(changes.inserted[0][2])["dkim"], "pass", canon)
        m.quit()


@suite.test("avouch check: a line of 100 MB from standard input")
def _(l):
    needs_plain_memory()
    size = 100 * MIB if l.long else 20 * MIB
    body = b"x" * size + b"\r\n"
    line = l.sign(lab.message(body=body), "bank.example",
                  canon="simple/simple")
    header = b"".join(b"X-%d: %s\r\n" % (i, b"y" * 99990)
                      for i in range(size // 1000000)) + lab.message()
    for text, wanted in ((line, "dkim=pass"), (header, "limit.header")):
        # limit private memory, not pages of files, to 32 MiB
        r = subprocess.run(
            [os.path.dirname(l.program) + "/avouch", "check",
             "--config", "/dev/null", "--zone", l.zone, "--ip", "192.0.2.1", "--helo", "x.example",
             "--mail-from", "x@plain.example", "-"], input=text,
            capture_output=True, timeout=SECONDS,
            preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_DATA, (32 * MIB, 32 * MIB)))
        same(r.returncode, 0, r.stderr)
        holds(r.stdout.decode(), wanted)


# ---- many connections ----

@suite.test("packets with a length of 2 GB that never arrive")
def _(l):
    with Traffic(l), Bounded(l, 16 * MIB):
        open_ones = []
        for size in (1 << 31, 0xffffffff, (4 << 20) + 2, 4 << 20):
            for _ in range(50):
                m = session(l)
                m.mail()
                m.socket.sendall(struct.pack(">I", size) + b"Lx")
                open_ones.append(m)
        serves(l)
        for m in open_ones:
            m.close()


@suite.test("a thousand connections that do nothing")
def _(l):
    n = 1000
    before = descriptors(l)
    with Bounded(l, n * SESSION):
        idle = [session(l) for _ in range(n)]
        took = max(serves(l) for _ in range(20))
        until = time.monotonic() + SECONDS
        while status(l, "Threads") >= 50 and time.monotonic() < until:
            time.sleep(0.1)
        threads = status(l, "Threads")
        print("%d threads; others within %.0f ms" % (threads, took * 1e3))
        true(threads < 50, "idle connections have no threads")
        for m in idle:
            m.close()
    wait_descriptors(l, before)


def wait_descriptors(l, before):
    until = time.monotonic() + SECONDS
    while descriptors(l) > before and time.monotonic() < until:
        time.sleep(0.05)
    true(descriptors(l) <= before, "descriptors: %d, %d" % (
        before, descriptors(l)))


@suite.test("clients that send a byte a second delay no one else")
def _(l):
    n = 200
    before = descriptors(l)
    slow = [session(l) for _ in range(n)]
    text = struct.pack(">I", 40) + b"M<x@bank.example>"
    with Traffic(l), Bounded(l, n * 4 * SESSION):
        for i in range(6 if l.long else 2):
            for m in slow:
                m.socket.sendall(text[i * 2:i * 2 + 1])
            took = max(serves(l) for _ in range(5))
            print("others within %.0f ms, %d threads" % (
                took * 1e3, status(l, "Threads")))
            time.sleep(1)
    for m in slow:
        m.close()
    wait_descriptors(l, before)


@suite.test("connections that open and close at every step")
def _(l):
    before = descriptors(l)
    with Bounded(l, 16 * MIB):
        for i in range(20000 if l.long else 2000):
            s = socket.create_connection(("127.0.0.1", l.where))
            if i % 4 == 1:
                s.sendall(b"\0\0")
            elif i % 4 == 2:
                s.sendall(struct.pack(">IcIII", 13, b"O", 6, 0x1ff, 0x1fffff))
            elif i % 4 == 3:
                s.sendall(struct.pack(">IcIII", 13, b"O", 6, 0x1ff, 0x1fffff)
                          + packets([(b"From", b" x")]))
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))  # close with a reset
            s.close()
        serves(l)
    wait_descriptors(l, before)


@suite.test("many concurrent floods, then SIGTERM")
def _(l):
    stop = threading.Event()

    def flood(number):
        while not stop.is_set():
            try:
                m = session(l)
                m.mail()
                m.socket.sendall(packets([(b"X", b"y" * 60000)] * 8))
                if number % 2:
                    m.headers_end()
                    m.body(b"x" * 65535)
                m.close()
            except OSError:
                pass

    threads = [threading.Thread(target=flood, args=(i,)) for i in range(8)]
    with Bounded(l, 8 * MESSAGE):
        for t in threads:
            t.start()
        for _ in range(10):
            serves(l)
    same(l.milter.stop(), 0, "status")
    stop.set()
    for t in threads:
        t.join()
    l.start_milter()


@suite.test("inet: many messages on a connection, none waits for TCP")
def _(l):
    # Nagle's algorithm with delayed acknowledgements would cost each message
    # 40 ms; without it, at least one message takes less, even on a slow
    # machine.
    for steps in (miltproto.ALL_STEPS,
                  miltproto.ALL_STEPS & ~miltproto.NO_REPLY):
        m = session(l, steps=steps)
        took = []
        until = time.monotonic() + SECONDS
        while len(took) < 50 or (min(took) >= 0.03 and
                                 time.monotonic() < until):
            began = time.monotonic()
            same(m.message(l.signed).reply, "c", "reply")
            took.append(time.monotonic() - began)
        m.quit()
        took.sort()
        print("fastest %.2f ms, median %.2f ms" % (
            took[0] * 1e3, took[len(took) // 2] * 1e3))
        true(took[0] < 0.03, "it waits for TCP")


def main():
    words = [a for a in sys.argv[2:] if a != "--long"]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (
        hard if hard == resource.RLIM_INFINITY else min(hard, 4096), hard))
    with lab.Lab(sys.argv[1]) as l:
        l.long = "--long" in sys.argv
        l.add_key("bank.example")
        l.start_milter()
        l.signed = l.sign(lab.message(), "bank.example")
        return suite.run(l, words[0] if words else None)


if __name__ == "__main__":
    sys.exit(main())
