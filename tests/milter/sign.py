#!/usr/bin/env python3
"""Signing, through a real Postfix: every path on which our own mail leaves,
and everything that must not be signed.

usage: sign.py PROGRAM [PART-OF-A-NAME]
"""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time

import daemon
import lab
import miltproto
import postfix
import signlab
import smtp
from demo import STRANGER
from signlab import next_reader, own_signatures, verify
from suite import Suite, holds, lacks, needs_plain_memory, same, true, until

suite = Suite()

BOTH = [("example.com", "r1"), ("example.com", "e1")]
ALICE = "alice@example.com"


def message(sender=ALICE, **more):
    return lab.message(sender, **more)


def taken(l, to):
    got = l.sink.take(to)
    true(got is not None, "not delivered")
    return got


def submitted(l, text, **how):
    reply, to = l.submit(text, **how)
    same(reply.code, 250, str(reply))
    return taken(l, to)


def signed(l, got, want=BOTH):
    same(own_signatures(got), want, "signatures")
    same(verify(l, got), ["pass"] * len(want), "verified")


def unsigned(got):
    same(own_signatures(got), [], "signatures")


def ours(got):
    return [f for f in smtp.fields(got, "Authentication-Results")
            if lab.HOST in f.lower()]


def logged(l, **wanted):
    return l.milter.wait_log(event="sign", **wanted)


# ---- each path on which our own mail leaves ----

@suite.test("submission with a login: signed, no results of ours")
def _(l):
    got = submitted(l, message())
    signed(l, got)
    same(smtp.fields(got, "Authentication-Results"), [], "results")
    true(got.startswith(b"DKIM-Signature: v=1; a=rsa-sha256;"), got[:80])
    logged(l, sign="signed", login=ALICE, domain="example.com",
           selectors="r1,e1")


@suite.test("sendmail(1)")
def _(l):
    got = taken(l, l.pipe(message().replace(b"\r\n", b"\n")))
    signed(l, got)


@suite.test("sendmail(1), as reports are sent: DMARC passes for receivers")
def _(l):
    l.add_record('_dmarc.example.org. IN TXT "v=DMARC1; p=reject; adkim=s"')
    reports = "dmarc-reports@example.org"
    got = taken(l, l.pipe(message(reports).replace(b"\r\n", b"\n"),
                          sender=reports))
    signed(l, got, [("example.org", "s1")])
    same(signlab.dmarc(l, got, reports), "pass")


@suite.test("a content filter that returns our own mail to the sign socket")
def _(l):
    got = submitted(l, message(), port="filtered")
    holds(got, b"X-Filtered: yes\r\n")
    signed(l, got)


@suite.test("SMTPUTF8")
def _(l):
    got = submitted(l, message("jos\u00e9@example.com",
                               subject="Gr\u00fc\u00dfe"),
                    sender="jos\u00e9@example.com")
    signed(l, got)


@suite.test("bounces from this host, MAILER-DAEMON below a domain with a key")
def _(l):
    to = next_reader()
    l.pipe(message(), sender=to, to="x@nowhere.example")
    got = taken(l, to)
    holds(got, b"MAILER-DAEMON@mx.example.net")
    signed(l, got, [("example.net", "m1")])


@suite.test("a login on a socket that verifies: signed, with our results")
def _(l):
    to = next_reader()
    with l.client("client.example.com", LOGIN=ALICE, **STRANGER) as c:
        same(c.message(ALICE, to, message()).code, 250, "reply")
    got = taken(l, to)
    same(len(ours(got)), 1, "results")
    lacks(ours(got)[0], ALICE)
    signed(l, got)


# ---- what must never be signed ----

FORGED = message("alice@example.com", subject="forged")


@suite.test("forged mail from other hosts: not signed, with the results")
def _(l):
    to = next_reader()
    with l.client("host66.isp.example", **STRANGER) as c:
        same(c.message(ALICE, to, FORGED).code, 250, "reply")
    got = taken(l, to)
    unsigned(got)
    same(len(ours(got)), 1, "results")


@suite.test("forged mail that a content filter returns: not signed")
def _(l):
    to = next_reader()
    with smtp.Client(l.ports["inbound"]) as c:
        c.become("host66.isp.example", **STRANGER)
        same(c.message(ALICE, to, FORGED).code, 250, "reply")
    got = taken(l, to)
    holds(got, b"X-Filtered: yes\r\n")
    unsigned(got)


@suite.test("forged mail from loopback on a verifying socket: not signed")
def _(l):
    to = next_reader()
    with smtp.Client(l.smtp_port) as c:
        c.become("localhost")
        same(c.message(ALICE, to, FORGED).code, 250, "reply")
    unsigned(taken(l, to))


# ---- mail that a local program sends on ----

# An address that may send for sub.example.org and sub.example.com.
PARTNER = dict(STRANGER, ADDR="192.0.2.9")


def arrived(l, text, sender, **client):
    """Receives a message from another host; returns it as it was delivered."""
    to = next_reader()
    with l.client("host66.isp.example", **client) as c:
        same(c.message(sender, to, text).code, 250, "reply")
    got = taken(l, to)
    same(len(ours(got)), 1, "results")
    return got


def sent_on(l, got, sender="list@example.net"):
    """Sends a delivered message on with sendmail(1), like a Sieve redirect."""
    return taken(l, l.pipe(got.replace(b"\r\n", b"\n"), sender=sender))


@suite.test("mail from other hosts that a redirect sends on: signed only if "
            "its author was authenticated")
def _(l):
    l.add_record('_dmarc.sub.example.org. IN TXT "v=DMARC1; p=none"')
    for domain in ("sub.example.org", "sub.example.com"):
        l.add_record('%s. IN TXT "v=spf1 ip4:192.0.2.9 ?all"' % domain)
    l.milter.reload(l.sign_settings())
    for domain, client, dmarc, want in (
            ("sub.example.org", STRANGER, "fail", []),
            ("sub.example.org", PARTNER, "pass", [("example.org", "s1")]),
            ("sub.example.com", STRANGER, "none", []),
            ("sub.example.com", PARTNER, "none", BOTH)):
        author = "a@" + domain
        got = arrived(l, message(author), author, **client)
        same(lab.results(ours(got)[0])["dmarc"], dmarc, domain)
        again = sent_on(l, got)
        signed(l, again, want)
        same(ours(again), [], "results")
        if not want:
            logged(l, sign="none", reason="not_own", **{
                "from": author, "mail_from": "list@example.net"})
            true(own_signatures(submitted(l, got, login=author)),
                 "a client that logged in")


@suite.test("own mail that a list manager or a filter sends on: signed")
def _(l):
    login = arrived(l, message(), ALICE, LOGIN=ALICE, **STRANGER)
    to = next_reader()
    with smtp.Client(l.smtp_port) as c:
        c.become("localhost")
        same(c.message(ALICE, to, message()).code, 250, "reply")
    for got in (login, taken(l, to), submitted(l, message())):
        again = sent_on(l, got.replace(b"Hello.", b"Changed."))
        signed(l, again)
        holds(again, b"Changed.\r\n")
    got = arrived(l, message("x@stranger.example"), "x@stranger.example",
                  **STRANGER)
    signed(l, sent_on(l, got.replace(b"From: x@stranger.example",
                                     b"From: X via L <list@example.com>")))


# ---- reasons ----

@suite.test("addresses of others: not signed, with the reason")
def _(l):
    for text, reason in (
            (message("x@stranger.example"), "no_key"),
            (b"From: a@example.com, b@example.org\r\nTo: x\r\n\r\nHi\r\n",
             "several_authors"),
            (b"From: <>\r\nTo: x\r\n\r\nHi\r\n", "no_author")):
        unsigned(submitted(l, text))
        logged(l, sign="none", reason=reason)
    got = taken(l, l.pipe(b"Received: from a by b; x\n" +
                          message("x@other.example")))
    unsigned(got)
    logged(l, sign="none", reason="not_own")


@suite.test("a login with another author address: signed and logged by default")
def _(l):
    got = submitted(l, message("bob@example.com"), login="eve@example.com",
                    sender="eve@example.com")
    signed(l, got)
    logged(l, sign="signed", author_mismatch="yes")


@suite.test("author = login: unsigned, or refused; senders allows others")
def _(l):
    path = l.home + "/senders"
    with open(path, "w") as f:
        f.write("bob@example.com eve@example.com\n")
    how = dict(login="eve@example.com", sender="eve@example.com")
    rule = 'author = login senders = "%s"' % path
    l.milter.reload(l.sign_settings(rule))
    signed(l, submitted(l, message("bob@example.com"), **how))
    unsigned(submitted(l, message("carol@example.com"), **how))
    logged(l, sign="none", reason="author_mismatch")
    l.milter.reload(l.sign_settings(rule + " on_author_mismatch = reject"))
    reply, _ = l.submit(message("carol@example.com"), **how)
    same(reply.code, 553, str(reply))
    holds(str(reply), "5.7.1")
    l.milter.reload(l.sign_settings(rule + " on_author_mismatch = reject",
                                    "mode = monitor\n"))
    unsigned(submitted(l, message("carol@example.com"), **how))
    logged(l, sign="none", reason="author_mismatch", would="reject")
    l.milter.reload(l.sign_settings())


@suite.test("a list of senders with an error: the reload keeps the old one")
def _(l):
    path = l.home + "/senders"
    with open(path, "w") as f:
        f.write("nonsense eve\n")
    l.milter.reload(l.sign_settings('senders = "%s"' % path))
    holds(l.milter.wait_log(level="error", event="sign")["text"],
          path + ":1: ")
    signed(l, submitted(l, message()))
    l.milter.reload(l.sign_settings())


# ---- fields in arriving mail ----

@suite.test("forged results of ours are removed, those of others stay")
def _(l):
    claims = (b"Authentication-Results: mx.example.net; dmarc=pass\r\n"
              b"Authentication-Results: other.example; dmarc=pass\r\n")
    got = submitted(l, claims + message())
    same(smtp.fields(got, "Authentication-Results"),
         ["other.example; dmarc=pass"], "results")
    signed(l, got)


@suite.test("our own signature: kept if valid, replaced if broken")
def _(l):
    got = submitted(l, message())
    again = submitted(l, got)
    signed(l, again)
    same(smtp.fields(again, "DKIM-Signature"),
         smtp.fields(got, "DKIM-Signature"), "signatures")
    logged(l, sign="kept")
    other = b"DKIM-Signature: v=1; d=other.example; s=r1; b=\r\n"
    broken = submitted(l, other + got.replace(b"Hello.", b"Changed."))
    same(own_signatures(broken), BOTH + [("other.example", "r1")], "fields")
    same(verify(l, broken)[:2], ["pass", "pass"], "verified")
    lacks(broken.decode(), smtp.fields(got, "DKIM-Signature")[0][-40:])


@suite.test("many recipients, a large message")
def _(l):
    lines = b"".join(b"%06d %s\r\n" % (i, b"x" * 60) for i in range(40000))
    got = submitted(l, message(body=lines))
    signed(l, got)
    to = [next_reader() for _ in range(50)]
    with smtp.Client(l.ports["submission"]) as c:
        c.become("client.example.com")
        c.need("AUTH PLAIN AGFsaWNlQGV4YW1wbGUuY29tAHg=", 235)
        c.need("MAIL FROM:<%s>" % ALICE, 250)
        for one in to:
            c.need("RCPT TO:<%s>" % one, 250)
        c.need("DATA", 354)
        same(c.content(message()).code, 250, "reply")
    signed(l, taken(l, to[49]))


# ---- the guard ----

@suite.test("the guard: problems at receivers are logged once, mail is not "
            "held")
def _(l):
    l.add_record('example.com. IN TXT "v=spf1 ip4:192.0.2.1 -all"')
    l.add_record('_dmarc.example.com. IN TXT "v=DMARC1; p=reject"')
    l.milter.reload(l.sign_settings('outgoing = 192.0.2.2'))
    for _ in range(2):
        signed(l, submitted(l, message(more=b"Subject: again\r\n")))
        # Postfix breaks the long line when it delivers the message
        got = submitted(l, message(body=b"x" * 1000 + b"\r\n"))
        same(verify(l, got), ["fail", "fail"], "verified")
    for cause in ("spf", "long_line", "duplicate_field"):
        l.milter.wait_log(event="guard", cause=cause, domain="example.com")
    same(len(l.milter.log(event="guard", cause="long_line")), 1, "lines")
    l.milter.reload(l.sign_settings('guard = off outgoing = 192.0.2.2'))
    submitted(l, message("a@example.org", more=b"Subject: again\r\n"))
    same(l.milter.log(event="guard", domain="example.org"), [], "lines")
    l.milter.reload(l.sign_settings())


@suite.test("the guard: many domains do not hide the problems of others")
def _(l):
    many = ["many%d.example" % i for i in range(34)]
    last = many.pop()
    for domain in (*many, last):
        l.add_signing_keys(domain, ("e1",))
    l.add_record('e1._domainkey.%s. IN TXT "v=DKIM1; p="' % last)
    port = smtp.free_port()
    text = l.sign_settings(first='metrics { listen = "unix:%s/g" }\n' % l.home)
    d = daemon.Daemon(l.program, l.home, re.sub(
        r"(?m)^socket = .*$", 'socket = ""',
        text.replace("inet:%d@" % l.sign_port, "inet:%d@" % port)),
                      name="many")
    m = miltproto.Milter(port)
    m.connect("127.0.0.1")
    m.helo()

    def send(domain, more=b"Message-ID: <1@a>\r\n"):
        sender = "a@" + domain
        changes = m.message(
            b"From: %s\r\nTo: b@example.net\r\n%s\r\nHi\r\n" % (
                sender.encode(), more), sender=sender)
        true(changes.inserted, "not signed: " + domain)

    # a flaw counts for the domain that signs
    for i in range(70):
        send("a%d.example.com" % i)
    send("example.com", b"To: c@example.net\r\n")
    d.wait_log(event="guard", cause="duplicate_field", domain="example.com")
    same(len(d.log(event="guard", cause="no_date")), 1, "lines")
    # more flaws than are counted separately, and then a new one
    for domain in many:
        send(domain, b"")
    d.wait_log(event="guard", cause="no_date", domain=many[0])
    send(last, b"List-Unsubscribe-Post: x\r\n")
    d.wait_log(event="guard", cause="unsubscribe_post", domain=last)

    # problems in DNS are still counted separately
    def is_found():
        send(last)
        time.sleep(0.1)
        return d.log(event="guard", cause="key_not_published", domain=last)

    until(is_found, "key_not_published")
    command = l.program.rpartition("/")[0] + "/avouch"
    shown = json.loads(subprocess.run(
        [command, "status", "--json", "--config", d.path],
        capture_output=True, text=True, check=True).stdout)
    same(list(shown["sign_findings_total"]["key_not_published"]), [last])
    m.quit()
    d.stop()


# ---- failures ----

@suite.test("a resolver that does not answer: mail is still signed")
def _(l):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with silent:
        silent.bind(("127.0.0.1", 0))
        text = l.sign_settings("outgoing = 192.0.2.2").replace(
            "zone:" + l.zone, "127.0.0.1@%d" % silent.getsockname()[1])
        l.milter.reload(text)
        for sender in (ALICE, "a@example.org"):
            got = submitted(l, message(sender))
            same(verify(l, got), ["pass"] * len(own_signatures(got)), "pass")
        l.milter.reload(l.sign_settings())


@suite.test("out of memory: signed with all keys, or deferred")
def _(l):
    needs_plain_memory()
    control = l.home + "/memory"
    with open(control, "wb") as f:
        f.write(bytes(20))
    port = smtp.free_port()
    text = l.sign_settings(first="").replace(
        "inet:%d@" % l.sign_port, "inet:%d@" % port)
    d = daemon.Daemon(
        l.program, l.home, re.sub(r"(?m)^socket = .*$", 'socket = ""', text),
        name="memory", environment=dict(LD_PRELOAD=l.preload("failmalloc"),
                                        FAIL_CONTROL=control))
    seen = set()
    for spare in [0, *range(1, 60), 1000000]:
        with open(control, "r+b") as f:
            f.write(struct.pack("=III", 0, 0, 0))
            f.seek(0)
            f.write(struct.pack("=III", 1, spare, 0))
        try:
            m = miltproto.Milter(port)
            reply = m.connect()
            if reply is None:
                m.helo()
                changes = m.message(message(), sender=ALICE)
                m.quit()
        except ConnectionError:
            continue
        if reply is not None or changes.reply in "ty":
            seen.add("deferred")
            continue
        same([name for _, name, _ in changes.inserted],
             ["DKIM-Signature"] * 2, "%d: fields" % spare)
        seen.add("signed")
    d.stop()
    same(seen, {"signed", "deferred"}, "what was seen")


# ---- the two processes ----

def signer_pid(l):
    return int(l.milter.wait_log(event="start", role="sign")["pid"])


def gone(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_gone(pid):
    for _ in range(3000):
        if gone(pid):
            return
        time.sleep(0.02)
    raise AssertionError("process %d is still running" % pid)


@suite.test("the counters of both processes are on one page")
def _(l):
    l.milter.stop()
    l.start_with(l.sign_settings(first='metrics { listen = "unix:%s/m" }\n'
                                 % l.home))
    signed(l, submitted(l, message()))
    unsigned(submitted(l, message("x@stranger.example")))
    command = l.program.rpartition("/")[0] + "/avouch"
    shown = until(lambda: subprocess.run(
        [command, "status", "--config", l.milter.path],
        capture_output=True, text=True).stdout, "status")
    holds(shown, "signed 50.0 % of our own mail; 1 not: no key for "
                 "stranger.example")


@suite.test("the signer ends with the daemon, even by SIGKILL")
def _(l):
    pid = signer_pid(l)
    l.milter.process.kill()
    l.milter.stop()
    wait_gone(pid)
    l.start_with(l.sign_settings())


@suite.test("the daemon ends with the signer, for the service manager")
def _(l):
    pid = signer_pid(l)
    os.kill(pid, signal.SIGKILL)
    same(l.milter.wait(), 71, "status")
    l.milter.stop()
    l.start_with(l.sign_settings())
    signed(l, submitted(l, message()))


@suite.test("a daemon that only signs")
def _(l):
    l.milter.stop()
    text = re.sub(r'(?m)^socket = .*$', 'socket = ""', l.sign_settings())
    l.start_with(text)
    signed(l, submitted(l, message()))
    same(len(l.milter.log(event="start")), 1, "processes")
    l.milter.stop()


def main():
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all(e)
    only = sys.argv[2] if len(sys.argv) > 2 else None
    with signlab.SignLab(sys.argv[1]) as l:
        return suite.run(l.start(), only)


if __name__ == "__main__":
    sys.exit(main())
