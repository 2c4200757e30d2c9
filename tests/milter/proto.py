#!/usr/bin/env python3
"""avouch-milter over the milter protocol alone: old and new MTAs, events in
any order, connections that end at any point, and starting and stopping the
daemon. Needs neither root nor Postfix.

usage: proto.py PROGRAM [PART-OF-A-NAME]
"""

import contextlib
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import time

import daemon
import lab
import miltproto
import promtext
import smtp
from suite import (WAIT, Skip, Suite, holds, lacks, needs_plain_memory, same,
                   true, until)

suite = Suite()

OURS = "Authentication-Results"
PLAIN = lab.message("x@plain.example")


def session(l, connect=True, **options):
    m = miltproto.Milter(l.where, **options)
    if connect:
        m.connect()
        m.helo()
    return m


def field(changes, space=True):
    """Returns our field's value; it must be the only insertion, at index 0."""
    found = [(i, v) for i, n, v in changes.inserted if n == OURS]
    same(len(found), 1, "fields of ours")
    same(found[0][0], 0, "index")
    value = found[0][1]
    same(value[:1] == " ", space, "leading space of %r" % value)
    value = value.lstrip()
    true(value.startswith(lab.HOST + ";"), value)
    true(all(32 <= ord(c) < 127 or c in "\t\n" for c in value), value)
    same(re.findall(r"\n(?!\t)", value), [], "folds")
    return value


def alive(l):
    """Checks that a normal session still gets its verdict."""
    same(l.milter.process.poll(), None, "the milter runs")
    m = session(l)
    r = lab.results(field(m.message(l.signed)))
    same((r["dkim"], r["dmarc"]), ("pass", "pass"), "results")
    m.quit()


# ---- negotiation ----

@suite.test("negotiation: requests only options that are used, and macros")
def _(l):
    m = session(l, connect=False)
    same(m.actions, miltproto.ADD_HEADERS | miltproto.CHANGE_HEADERS |
         miltproto.QUARANTINE | miltproto.SET_SYMBOLS, "actions")
    for flag in (0x80, 0x1000, 0x2000, 0x4000, 0x8000, 0x40000):
        true(m.steps & flag, "no reply is due: %x" % flag)
    true(not m.steps & 0x80000, "over TCP a body chunk gets a reply: skip")
    true(m.steps & miltproto.SKIP and m.steps & miltproto.LEADING_SPACE and
         m.steps & 0x300 == 0x100, "steps %x" % m.steps)
    for name in (b"j v ", b"{client_ptr}", b"{client_resolve}", b"{auth_type}", b"{auth_authen}",
                 b"\x05i\x00"):
        true(name in m.symbols, "%r in %r" % (name, m.symbols))
    m.quit()


@suite.test("an old MTA: no skip, no NR options, no leading space")
def _(l):
    m = session(l, actions=0x3f, steps=0x7f, version=2)
    same(m.steps & (miltproto.NO_REPLY | miltproto.SKIP |
                    miltproto.LEADING_SPACE), 0, "steps")
    same(m.symbols, b"", "macros")
    odd = l.sign(lab.message(more=b"X-A:  two spaces\r\nX-B: \tx\r\n"),
                 "bank.example", canon="simple/simple",
                 headers=["from", "x-a", "x-b"])
    for _ in range(2):
        r = lab.results(field(m.message(odd), space=False))
        same(r["dkim"], "pass", "dkim")
    m.quit()


@suite.test("leading space: restored if the MTA removes it")
def _(l):
    odd = l.sign(lab.message(more=b"X-A: \t a\r\nX-B:  b\r\n\t c\r\n"),
                 "bank.example", canon="simple/simple",
                 headers=["from", "x-a", "x-b", "subject"])
    for steps, space in ((miltproto.ALL_STEPS, True),
                         (miltproto.ALL_STEPS & ~miltproto.LEADING_SPACE,
                          False)):
        m = session(l, steps=steps)
        same(lab.results(field(m.message(odd), space))["dkim"], "pass", "")
        m.quit()


@suite.test("an MTA that does not allow header changes is rejected")
def _(l):
    for actions in (0x01, 0x10, 0x20):
        try:
            session(l, connect=False, actions=actions)
            raise AssertionError("negotiated")
        except ConnectionError:
            pass
    alive(l)


@suite.test("a new connection on the same socket (QUIT_NC)")
def _(l):
    m = session(l)
    for _ in range(5):
        r = lab.results(field(m.message(l.signed)))
        same(r["dmarc"], "pass", "dmarc")
        m.quit_new_connection()
        m.connect(address="203.0.113.9")
        m.helo("other.example")
    value = field(m.message(PLAIN))
    holds(value, "203.0.113.9")
    m.quit()


# ---- events in any order ----

@suite.test("end of message without anything before it")
def _(l):
    for events in ("", "C", "CH", "CHM", "CHMR", "CHMRN", "CHMRB", "M", "MR",
                   "CM", "CMRLN", "HM", "CHHM", "CHMM", "CHMHM"):
        m = miltproto.Milter(l.where)
        for e in events:
            {"C": m.connect, "H": m.helo, "M": m.mail, "R": m.rcpt,
             "L": lambda: m.header("Subject", b" x"), "N": m.headers_end,
             "B": lambda: m.body(b"x\r\n")}[e]()
        try:
            # libmilter itself ignores events that no MTA can send
            m.socket.settimeout(0.3)
            changes = m.end()
            if changes.reply == "c":
                field(changes)
        except (ConnectionError, TimeoutError):
            pass
        m.close()
    alive(l)


@suite.test("an abort, or a closed connection, after each event")
def _(l):
    for last in range(1, 9):
        for end in ("abort", "quit", "close", "abort and go on"):
            m = miltproto.Milter(l.where)
            steps = [m.connect, m.helo, m.mail, m.rcpt,
                     lambda: m.header(OURS, b" mx.example.net; spf=pass"),
                     m.headers_end, lambda: m.body(b"half a mess"),
                     lambda: m.body(b"age\r\n")]
            for step in steps[:last]:
                step()
            if end.startswith("abort"):
                m.abort()
            if end == "abort and go on":
                changes = m.message(PLAIN)
                same(changes.removed, [], "carried over")
                field(changes)
            if end == "quit":
                m.quit()
            else:
                m.close()
    alive(l)


@suite.test("connections without data, and with half a packet")
def _(l):
    for data in (b"", b"\0", b"\0\0\0\x0d", b"\0\0\0\x0dO\0\0", b"\0\0\0\x01",
                 b"\0\0\0\0", b"\xff\xff\xff\xffL", b"\0\0\0\x01Z",
                 b"\0\0\0\x05L\0\0\0\0", b"GET / HTTP/1.0\r\n\r\n"):
        for _ in range(3):
            s = socket.create_connection(("127.0.0.1", l.where))
            s.sendall(data)
            s.close()
    alive(l)


@suite.test("clients of every address family, and without one")
def _(l):
    for how, wanted in ((lambda m: m.connect("2001:db8::1"), "2001:db8::1"),
                        (lambda m: m.connect("IPv6:2001:db8::2"), ""),
                        (lambda m: m.connect("::ffff:192.0.2.9"),
                         "policy.iprev=192.0.2.9"),
                        (lambda m: m.connect(None), ""),
                        (lambda m: m.connect_unix(), "")):
        m = miltproto.Milter(l.where)
        how(m)
        m.helo()
        try:
            holds(field(m.message(PLAIN)), wanted)
        except ConnectionError:  # libmilter does not accept "IPv6:"
            same(wanted, "", "hung up")
        m.close()
    alive(l)


@suite.test("iprev: what Sendmail reports about the client's name; own users")
def _(l):
    for who, macros, wanted in (
            ("203.0.113.9", dict(resolve="OK"), "iprev=permerror"),
            ("203.0.113.9", dict(resolve="FAIL"), "iprev=permerror"),
            ("203.0.113.9", dict(resolve="TEMP", ptr="a.example"),
             "iprev=temperror (a.example)"),
            ("203.0.113.9", dict(resolve="FORGED"), "iprev=fail"),
            ("203.0.113.9", dict(resolve="nonsense; dmarc=pass"),
             "iprev=permerror"),
            ("203.0.113.9", dict(ptr="a.example"), "iprev=fail (a.example)"),
            ("127.0.0.1", dict(resolve="FAIL"), "; none"),
            ("127.0.0.1", dict(resolve="FORGED", ptr="a.example"),
             "iprev=fail")):
        m = miltproto.Milter(l.where)
        m.connect(who, name="[%s]" % who, **{
            "client_" + k: v for k, v in macros.items()})
        m.helo()
        text = field(m.message(PLAIN))
        holds(text, wanted)
        lacks(text, "dmarc=pass")
        m.close()


@suite.test("a client without an address: this host's own, or unknown")
def _(l):
    forged = lab.message("alice@bank.example")
    for how, local in ((lambda m: m.connect_unix(), True),
                       (lambda m: m.connect(None, "localhost"), True),
                       (lambda m: m.connect(None, "unknown"), False),
                       (lambda m: m.connect(None, "localhost.evil"), False),
                       (lambda m: m.connect(None, ""), False),
                       (lambda m: None, False)):
        m = miltproto.Milter(l.where)
        how(m)
        m.helo("localhost")
        value = field(m.message(forged, "alice@bank.example"))
        if local:
            holds(value, "%s; none (local user, not checked" % lab.HOST)
        else:
            r = lab.results(value)
            same((r["spf"], r["dkim"], r["dmarc"]),
                 ("temperror", "none", "temperror"), "results")
            holds(value, "address is unknown")
        m.quit()


@suite.test("forged fields: removed highest first, ours at index 0")
def _(l):
    m = session(l)
    forged = b"Authentication-Results: mx.example.net; spf=pass\r\n"
    other = b"Authentication-Results: other.example; spf=pass\r\n"
    changes = m.message(forged + other + forged * 2 + other + forged + PLAIN)
    same(changes.removed, [(OURS, 6), (OURS, 4), (OURS, 3), (OURS, 1)],
         "removed")
    field(changes)
    changes = m.message(forged * 300 + PLAIN)
    same(changes.removed, [(OURS, n) for n in range(300, 0, -1)], "removed")
    m.quit()


def as_postfix(fields, changes):
    """Applies changes like Postfix, which removes fields immediately: later
    numbers count the remaining fields."""
    left = list(fields)
    for name, number in changes.removed:
        at = [i for i, (n, _) in enumerate(left) if n.lower() == name.lower()]
        if number <= len(at):
            del left[at[number - 1]]
    return left


def as_sendmail(fields, changes):
    """Applies changes like Sendmail, which empties a field but still counts
    it."""
    left = list(fields)
    for name, number in changes.removed:
        at = [i for i, (n, _) in enumerate(fields)
              if n.lower() == name.lower()]
        if number <= len(at):
            left[at[number - 1]] = None
    return [f for f in left if f is not None]


@suite.test("field numbers are correct on Postfix and on Sendmail")
def _(l):
    kinds = [(OURS, " mx.example.net; spf=pass"),
             (OURS.lower(), " mx.example.net; dkim=pass"),
             (OURS, " other.example; spf=pass"), ("X-Other", " 1"),
             ("X-Avouch-Quarantine", " no")]
    m = session(l)
    for start in range(5):
        for step in (1, 2, 3, 4):
            fields = [kinds[(start + i * step + i // 7) % 5]
                      for i in range(23)] + [("From", " x@plain.example")]
            m.mail()
            m.rcpt()
            for name, value in fields:
                m.header(name, value.encode())
            m.headers_end()
            changes = m.end()
            wanted = [f for f in fields
                      if "mx.example.net" not in f[1] and
                      not f[0].startswith("X-Avouch")]
            same(as_postfix(fields, changes), wanted, "on Postfix")
            same(as_sendmail(fields, changes), wanted, "on Sendmail")
    m.quit()


@suite.test("like Sendmail: DATA, the queue ID at MAIL, unrequested macros")
def _(l):
    l.milter.reload(l.settings().replace(
        'authserv_id = "%s"\n' % lab.HOST, ""))
    steps = miltproto.ALL_STEPS & ~miltproto.SET_SYMBOLS
    m = miltproto.Milter(l.where, steps=steps)
    for number in range(3):
        if number == 0:
            m.macros("C", j=lab.HOST, _="host [192.0.2.10]",
                     daemon_name="MTA", if_name="mx", if_addr="192.0.2.1")
            m.event("C", b"mail.bank.example\0" + b"4" +
                    struct.pack(">H", 25) + b"192.0.2.10\0")
            m.macros("H", tls_version="TLSv1.3", cipher_bits="256")
            m.helo("mail.bank.example")
        m.macros("M", i="6AM3ik4r02101%d" % number, mail_mailer="esmtp",
                 mail_host="bank.example.", mail_addr="alice@bank.example")
        m.event("M", b"<alice@bank.example>\0SIZE=1000\0")
        m.macros("R", rcpt_mailer="local", rcpt_host="", rcpt_addr="bob")
        m.rcpt()
        same(m.event("T"), ("c", b""), "DATA is answered over TCP")
        for line in l.signed.partition(b"\r\n\r\n")[0].replace(
                b"\r\n\t", b"\n\t").split(b"\r\n"):
            name, _, value = line.partition(b":")
            m.header(name, value)
        m.headers_end()
        m.body(l.signed.partition(b"\r\n\r\n")[2])
        m.macros("E", msg_id="<x@bank.example>")
        m.packet("E")
        letters = []
        while not letters or letters[-1] not in "cry":
            letters.append(m.read()[0])
        same(letters, ["i", "c"], "replies")
        line = l.milter.wait_log(event="message",
                                 queue_id="6AM3ik4r02101%d" % number)
        same((line["spf"], line["dkim"].split(":")[0], line["dmarc"]),
             ("pass", "pass", "pass"), "log")
    m.quit()
    l.milter.reload(l.settings())


@suite.test("a field of 3 MB, a name of 60 KB")
def _(l):
    def sent():
        m = session(l)
        m.mail()
        m.rcpt()
        m.header(OURS, b" mx.example.net; " + b"x" * (3 << 20))
        m.header(b"X" * 60000, b" y")
        m.header("From", b" x@plain.example")
        m.headers_end()
        changes = m.end()
        m.quit()
        return changes

    same(sent().text[:33], "550 5.3.4 The header of this mess", "refused")
    l.milter.reload(l.settings("mode = monitor\n"))
    changes = sent()
    same(changes.removed, [(OURS, 1)], "removed")
    field(changes)
    l.milter.reload(l.settings())


@suite.test("bodies cut anywhere, and skipped if they are not needed")
def _(l):
    body = b"a\r\n.b\r\n\r\n \t\r\nc\rd e\r\n\r\n\r\n"
    signed = l.sign(lab.message(body=body), "bank.example",
                    canon="relaxed/relaxed")
    simple = l.sign(lab.message(body=body), "bank.example",
                    canon="relaxed/simple")
    m = session(l)
    for chunk in (1, 2, 3, 5, 7, len(body) - 1, 65535):
        for message in (signed, simple):
            r = lab.results(field(m.message(message, chunk=chunk)))
            same(r["dkim"], "pass", "chunks of %d" % chunk)
            true(not m.skipped, "skipped")
    m.message(PLAIN)
    true(m.skipped, "the body is not needed")
    m.quit()
    m = session(l, steps=miltproto.ALL_STEPS & ~miltproto.SKIP)
    m.message(PLAIN)
    true(not m.skipped, "skip was not agreed on")
    m.quit()


@suite.test("unix sockets: body chunks never get a reply, needed or not")
def _(l):
    path = l.home + "/chunks.sock"
    d = daemon.Daemon(l.program, l.home, l.settings(socket="unix:" + path),
                      name="chunks")
    try:
        m = miltproto.Milter(path)
        m.connect()
        m.helo()
        same(m.steps & (0x80000 | miltproto.SKIP), 0x80000, "steps")
        for message, result in ((l.signed, "pass"), (PLAIN, "none")) * 2:
            r = lab.results(field(m.message(message, chunk=7)))
            same(r["dkim"], result, "dkim")
        m.quit()
        old = miltproto.Milter(path, steps=0x7f, version=2)
        old.connect()
        old.helo()  # an old MTA waits for a reply to each chunk
        r = lab.results(field(old.message(l.signed, chunk=7), space=False))
        same(r["dkim"], "pass", "dkim, an old MTA")
        old.quit()
    finally:
        d.stop()


@suite.test("no hold queue: annotated and delivered, and the log says so")
def _(l):
    l.milter.reload(l.settings("dmarc { on_quarantine = quarantine }\n"))
    m = session(l)
    changes = m.message(lab.message("x@shop.example"), "x@shop.example")
    true(changes.quarantined, "held")
    m.quit()
    m = session(l, actions=0x1f | miltproto.SET_SYMBOLS)
    changes = m.message(lab.message("x@shop.example"), "x@shop.example")
    same((changes.reply, changes.quarantined), ("c", None), "reply")
    field(changes)
    l.milter.wait_log(level="error", cause="hold")
    m.quit()
    l.milter.reload(l.settings())


# ---- start, reload and shutdown ----

def run(l, *arguments, seconds=WAIT, **options):
    return subprocess.run([l.program, *arguments], capture_output=True,
                          text=True, timeout=seconds,
                          stdin=subprocess.DEVNULL, **options)


def configured(l, text, name="other"):
    path = "%s/%s.conf" % (l.home, name)
    with open(path, "w") as f:
        f.write(text)
    return path


@suite.test("command line: -V, -t, -h, errors")
def _(l):
    r = run(l, "-V")
    same((r.returncode, r.stdout[:14]), (0, "avouch-milter "), "-V")
    same(run(l, "--version").stdout, r.stdout, "--version")
    for name in ("-h", "--help"):
        r = run(l, name)
        same((r.returncode, r.stderr), (0, ""), name)
        holds(r.stdout, "--version")
    for wrong in (["-x"], ["word"], ["-c"], ["--nosuch"], ["--help=x"]):
        r = run(l, *wrong)
        same(r.returncode, 64, "status")
        holds(r.stderr, "usage:")
    good = configured(l, l.settings())
    r = run(l, "-t", "-c", good)
    same(r.returncode, 0, r.stderr)
    holds(r.stdout, "the configuration is valid")
    bad = configured(l, 'mode = monitor\nmoda = enforce\nsample = 5x\n', "bad")
    for arguments in (["-t", "-c", bad], ["-f", "-c", bad]):
        r = run(l, *arguments)
        same(r.returncode, 78, "status")
        holds(r.stderr, bad + ":2:")
        holds(r.stderr, "did you mean mode")
    r = run(l, "-f", "-c", l.home + "/not-there")
    same(r.returncode, 78, "status")
    holds(r.stderr, "not-there")


@suite.test("an invalid zone file: file, line, status 78")
def _(l):
    zone = l.home + "/wrong.zone"
    with open(zone, "w") as f:
        f.write("a.example. IN A 192.0.2.1\nb.example. IN NONSENSE x\n")
    text = l.settings(socket="inet:%d" % smtp.free_port())
    r = run(l, "-f", "-c", configured(l, text.replace(l.zone, zone)))
    same(r.returncode, 78, r.stderr)
    holds(r.stderr, zone + ":2")


@suite.test("a busy port: the process that uses it")
def _(l):
    r = run(l, "-f", "-c", configured(l, l.settings()))
    same(r.returncode, 69, "status")
    holds(r.stderr, "is in use by process %d (" % l.milter.process.pid)
    alive(l)


@suite.test("unix sockets: busy, left over, not a socket, mode")
def _(l):
    path = l.home + "/u.sock"
    conf = configured(l, l.settings("socket_mode = 0600\n",
                                    socket="unix:" + path))

    def start():
        p = subprocess.Popen([l.program, "-f", "-c", conf],
                             stderr=subprocess.DEVNULL)

        def listens():
            with contextlib.suppress(OSError):
                miltproto.Milter(path).quit()
                return True

        until(listens, "it listens")
        return p

    p = start()
    try:
        same(os.stat(path).st_mode & 0o777, 0o600, "mode")
        r = run(l, "-f", "-c", conf)
        same(r.returncode, 69, "status")
        holds(r.stderr, "is in use by process %d (" % p.pid)
    finally:
        p.kill()
        p.wait()
    true(os.path.exists(path), "left over by SIGKILL")
    p = start()
    p.terminate()
    same(p.wait(WAIT), 0, "status")
    true(not os.path.exists(path), "removed at the end")
    with open(path, "w") as f:
        f.write("not a socket")
    r = run(l, "-f", "-c", conf)
    same(r.returncode, 69, "status")
    holds(r.stderr, "exists and is not a socket")
    true(os.path.exists(path), "not removed: not our socket")


@suite.test("systemd notifications: READY, RELOADING, STOPPING, WATCHDOG")
def _(l):
    port = smtp.free_port()
    d = daemon.Daemon(l.program, l.home,
                      l.settings(socket="inet:%d@127.0.0.1" % port),
                      name="systemd", environment={"WATCHDOG_USEC": "200000"})
    try:
        d.wait_state("WATCHDOG=1")
        d.wait_state("WATCHDOG=1")
        d.signal(signal.SIGHUP)
        d.wait_state("RELOADING=1")
        d.wait_state("READY=1")
        d.signal(signal.SIGTERM)
        d.wait_state("STOPPING=1")
        same(d.wait(), 0, "status")
    finally:
        d.stop()


@suite.test("start: version, mode, socket, resolvers in the log")
def _(l):
    line = l.milter.wait_log(event="start")
    same(line["mode"], "enforce", "mode")
    same(line["socket"], l.socket, "socket")
    holds(line["resolvers"], l.zone)
    true(re.fullmatch(r"[0-9.]+", line["version"]), line["version"])


@suite.test("libmilter: its signal thread is parked, workers wake")
def _(l):
    same(l.milter.log(event="libmilter"), [], "warnings")


@suite.test("libmilter that receives signals: our handlers get them first")
def _(l):
    needs_plain_memory()
    # Simulate a libmilter or linker that does not use our sigwait().
    program = l.home + "/avouch-milter"
    with open(l.program, "rb") as f:
        text = f.read()
    true(b"\0sigwait\0" in text, "the name is not in the program")
    with open(program, "wb") as f:
        f.write(text.replace(b"\0sigwait\0", b"\0sigwaiX\0"))
    os.chmod(program, 0o755)
    port = smtp.free_port()
    text = l.settings(socket="inet:%d@127.0.0.1" % port)
    d = daemon.Daemon(program, l.home, text, name="signals")
    line = d.wait_log(event="libmilter")
    same(line["level"], "warning", "level")
    holds(line["text"], "signal handlers are used instead")
    for i in range(20):
        d.reload()
    m = miltproto.Milter(port)
    m.connect()
    m.helo()
    same(m.message(l.signed).reply, "c", "reply")
    m.quit()
    same(d.stop(), 0, "status")
    same(len(d.log(event="reload", level="info")), 20, "reloads")
    same(d.log(event="stop")[-1]["text"], "ended", "the end")


@suite.test("libmilter's workers cannot be woken: logged, mail is processed")
def _(l):
    if os.geteuid() != 0:
        raise Skip("needs root, who may use a socket of mode 0")
    d = daemon.Daemon(
        l.program, l.home, l.settings(
            'user = "nobody"\nsocket_mode = 0000\n',
            socket="unix:%s/mode.sock" % l.home), name="wake")
    line = d.wait_log(event="libmilter")
    same(line["level"], "warning", "level")
    for part in ("mode.sock", "socket_mode"):
        holds(line["text"], part)
    m = miltproto.Milter(l.home + "/mode.sock")
    m.connect()
    m.helo()
    same(m.message(l.signed).reply, "c", "reply")
    m.quit()
    same(d.stop(), 0, "status")


@suite.test("endless SIGHUP: each message sees only one configuration")
def _(l):
    texts = [l.settings("mode = monitor\n"), l.settings()]
    forged = lab.message("alice@bank.example")
    for n in range(200):
        l.milter.configure(texts[n % 2])
        l.milter.signal(signal.SIGHUP)
        m = session(l)
        changes = m.message(forged)
        if changes.reply == "c":
            holds(field(changes), "would reject")
        else:
            same(changes.text[:10], "550 5.7.26", "refused")
        m.quit()
    l.milter.reload(texts[1])
    alive(l)


@suite.test("out of descriptors: deferred, no busy loop, recovers")
def _(l):
    port = smtp.free_port()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < 120:
        raise Skip("the limit of open files is too low to test it")
    d = daemon.Daemon(l.program, l.home,
                      l.settings(socket="inet:%d@127.0.0.1" % port),
                      name="few", wrapper=("prlimit", "--nofile=120:120"))
    sessions = []
    try:
        welcome = later = refused = 0
        for _ in range(150):
            try:
                m = miltproto.Milter(port)
                sessions.append(m)
                reply = m.connect()
                if reply is None:
                    welcome += 1
                else:
                    same(reply[0], "y", "reply")
                    true(reply[1].startswith(b"421 4.3.2 "), reply)
                    if later == 0:  # a client that continues anyway
                        m.helo()
                        changes = m.message(PLAIN)
                        same((changes.reply, changes.text[:9]),
                             ("y", "451 4.3.0"), "its message")
                    later += 1
            except ConnectionError:
                refused += 1
        true(welcome >= 30 and later > 0 and refused > 0,
             "%d, %d, %d" % (welcome, later, refused))
        before = _cpu(d.process.pid)
        time.sleep(1)
        true(_cpu(d.process.pid) - before < 0.3, "it is busy-looping")
        while sessions:
            sessions.pop().close()

        def admitted():
            with contextlib.suppress(ConnectionError):
                m = miltproto.Milter(port)
                if m.connect() is None:
                    return m
                m.close()

        m = until(admitted, "closed connections are removed")
        m.helo()
        field(m.message(PLAIN))
        m.quit()
    finally:
        while sessions:
            sessions.pop().close()
        same(d.stop(), 0, "status")


def _cpu(pid):
    with open("/proc/%d/stat" % pid) as f:
        values = f.read().rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


def http(where, request=b"GET /metrics HTTP/1.0\r\n\r\n"):
    """Sends a small HTTP/1.0 request and returns (status, text)."""
    s = socket.socket(socket.AF_UNIX if isinstance(where, str)
                      else socket.AF_INET)
    s.settimeout(WAIT)
    s.connect(where if isinstance(where, str) else ("127.0.0.1", where))
    s.sendall(request)
    data = b""
    while True:
        more = s.recv(65536)
        if not more:
            break
        data += more
    s.close()
    head, _, text = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), text.decode()


def wait_stored(where):
    """Waits until the store has written all messages: a reply does not wait
    long for a slow disk."""
    until(lambda: promtext.parse(http(where)[1]).one("store_queued") == 0,
          "all messages are stored")


@suite.test("metrics and the store: all counters, over HTTP")
def _(l):
    port, store = smtp.free_port(), l.home + "/store.db"
    for where in (smtp.free_port(), l.home + "/metrics.sock"):
        listen = ("unix:%s" if isinstance(where, str) else "inet:%d") % where
        d = daemon.Daemon(l.program, l.home, l.settings(
            'metrics { listen = "%s" }\nreport { store = "%s" }\n' % (
                listen, store),
            socket="inet:%d@127.0.0.1" % port), name="metrics")
        try:
            m = miltproto.Milter(port)
            m.connect()
            m.helo()
            for _ in range(3):
                m.message(l.signed)
            same(m.message(lab.message("alice@bank.example")).reply, "y", "")
            m.message(b"Authentication-Results: mx.example.net\r\n" * 4 +
                      PLAIN)
            d.reload()

            def page():
                status, text = http(where)
                same(status, 200, "status")
                return promtext.parse(text)

            until(lambda: page().one("store_committed_total") == 5, "5 stored")
            v = page()
            for name, wanted in (
                    ("connections", 1), ("connections_total", 1),
                    ("forged_fields_total", 4), ("store_lost_total", 0),
                    ("store_put_total", 5), ("store_queued", 0)):
                same(v.one(name), wanted, name)
            same(v.one("messages_total", action="reject"), 1, "rejected")
            same(http(where, b"GET /other HTTP/1.0\r\n\r\n")[0], 404, "")
            same(http(where, b"POST /metrics HTTP/1.0\r\n"
                      b"Content-Length: 0\r\n\r\n")[0], 405, "")
            m.quit()
        finally:
            same(d.stop(), 0, "status")
        os.unlink(store)
    true(not os.path.exists(where), "the socket is removed")


@suite.test("out of memory: no message passes without our field, none is "
            "rejected")
def _(l):
    needs_plain_memory()
    library = l.preload("failmalloc")
    control = l.home + "/memory"
    with open(control, "wb") as f:
        f.write(bytes(20))
    port = smtp.free_port()
    d = daemon.Daemon(
        l.program, l.home, l.settings(
            socket="inet:%d@127.0.0.1" % port), name="memory",
        environment=dict(LD_PRELOAD=library, FAIL_CONTROL=control))
    forged = (b"Authentication-Results: mx.example.net; dmarc=pass\r\n" * 3 +
              b"X-Avouch-Quarantine: none\r\n")
    message = l.sign(forged + lab.message(), "bank.example",
                     headers=["from", "subject"])

    def say(every, spare):
        with open(control, "r+b") as f:
            f.write(struct.pack("=III", 0, 0, 0))
            f.seek(0)
            f.write(struct.pack("=III", every, spare, 0))

    def one():
        """Sends a message and returns "checked", "unchecked" or "later"."""
        try:
            m = miltproto.Milter(port)
            reply = m.connect()
            if reply is not None:
                true(reply[1].startswith(b"4"), reply)
                return "later"
            m.helo()
            changes = m.message(message)
            m.quit()
        except ConnectionError:
            return "later"
        if changes.reply in "ty":
            true(changes.text[:1] in ("", "4"), changes.text)
            return "later"
        same(changes.reply, "c", "reply")
        field(changes)
        same([r for r in changes.removed if r[0] == OURS],
             [(OURS, 3), (OURS, 2), (OURS, 1)], "removed")
        same([r for r in changes.removed if r[0] == "X-Avouch-Quarantine"],
             [("X-Avouch-Quarantine", 1)], "removed")
        return "checked" if "dmarc=pass" in field(changes) else "unchecked"

    try:
        seen = set()
        same(one(), "checked", "with memory")
        for spare in range(60):  # all later allocations fail
            say(1, spare)
            seen.add(one())
        for every in range(2, 40):  # memory is available again each time
            say(every, 0)
            for _ in range(3):
                seen.add(one())
        say(0, 0)
        same(seen, {"checked", "unchecked", "later"}, "what was seen")
        same(one(), "checked", "with memory again")
    except AssertionError:
        print("\n".join(d.lines[-3:]))
        raise
    finally:
        same(d.stop(), 0, "status")


@suite.test("SIGTERM with open connections and incomplete messages")
def _(l):
    port = smtp.free_port()
    d = daemon.Daemon(l.program, l.home, l.settings(
        "timeout = 60s\n", socket="inet:%d@127.0.0.1" % port), name="term")
    # every event has a reply: once it arrives, the daemon knows the message
    sessions = [miltproto.Milter(port, steps=miltproto.ALL_STEPS &
                                 ~miltproto.NO_REPLY) for _ in range(20)]
    for i, m in enumerate(sessions):
        m.connect()
        if i % 2:
            m.mail()
            m.rcpt()
            m.header("From", b" x@plain.example")
    m = sessions[1]
    d.signal(signal.SIGTERM)
    d.wait_log(event="stop")
    m.headers_end()
    field(m.end())  # this message was in progress and is finished
    d.signal(signal.SIGTERM)  # the others are not waited for
    same(d.wait(), 0, "status")
    for m in sessions:
        m.close()


def main():
    with lab.Lab(sys.argv[1]) as l:
        l.add_key("bank.example")
        l.start_milter()
        l.signed = l.sign(lab.message(), "bank.example")
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
