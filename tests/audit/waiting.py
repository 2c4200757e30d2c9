#!/usr/bin/env python3
"""avouch audit --wait: with mail through a real Postfix that is set up as in
etc/postfix-audit.snippet.

usage: waiting.py PROGRAM [PART-OF-A-NAME]
"""

import json
import os
import pwd
import re
import resource
import signal
import subprocess
import sys

import mailed
import lab
import postfix
from mailed import ALICE, STRANGER, USER, handled, log, send
from suite import Skip, Suite, holds, lacks, same, true, until

suite = Suite()

TEMPFAIL, USAGE, DATAERR, CONFIG = 75, 64, 65, 78
MANY = 1000 if "SLOW" in os.environ else 100


class Wait:
    """A running avouch audit --wait, and its address."""

    def __init__(self, l, *options):
        self.process = subprocess.Popen(
            [l.avouch, "audit", "--wait", "audit@example.net", "--spool",
             l.spool, "--zone", l.zone, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.first = self.process.stdout.readline()
        found = re.search(r"audit\+([0-9a-f]{32})@example\.net", self.first)
        true(found is not None, "%r %s" % (
            self.first, found or self.process.stderr))
        self.address = found.group()
        self.token = found.group(1)

    def end(self, status=0):
        """Returns the output after the message has arrived."""
        out, err = self.process.communicate(timeout=300)
        same(self.process.returncode, status, out + err)
        self.err = err
        return out

    def json(self):
        return json.loads(self.end())

    def kill(self):
        self.process.kill()
        self.process.communicate()


def spooled(l):
    return sorted(os.listdir(l.spool))


# ---- success ----

@suite.test("a message that passes: judged by the SMTP session, and the file is gone")
def passes(l):
    w = Wait(l, "--json")
    to = w.address
    message = l.sign(lab.message(ALICE, to=to), "bank.example")
    handled(l, send(l, to, message), "handed over")
    r = w.json()
    same({k: r[k] for k in ("spf", "dkim", "dmarc", "spf_aligned", "client",
                            "mail_from", "from", "tls")},
         {"spf": "pass", "dkim": "pass", "dmarc": "pass", "spf_aligned": True,
          "client": "192.0.2.10", "mail_from": ALICE, "from": ALICE,
          "tls": "no"}, "facts")
    lacks(spooled(l), w.token)


@suite.test("the output as text")
def text(l):
    w = Wait(l)
    same(w.first, "Send a message to %s\n" % w.address)
    with open("/proc/%d/status" % w.process.pid) as f:  # started by root
        holds(f.read(), "\nUid:\t%s\n" % "\t".join(
            [str(pwd.getpwnam(USER).pw_uid)] * 4))
    handled(l, send(l, w.address), "handed over")
    out = w.end()
    for part in ("client                 192.0.2.10\n", "spf                    pass",
                 "Findings:", "DKIM-Signature"):
        holds(out, part)
    same(w.err, "", "nothing on standard error without a terminal")


@suite.test("facts of the session are used, not Received fields that the sender wrote")
def forged(l):
    w = Wait(l, "--json")
    claim = (b"Return-Path: <a@shop.example>\r\nReceived: from mail.shop.example "
             b"(mail.shop.example [192.0.2.20])\r\n\tby mx.example.net with "
             b"ESMTPS; Thu, 1 Jan 2026 00:00:05 +0000\r\n")
    reply = send(l, w.address, claim + lab.message(ALICE), STRANGER,
                 "mail.shop.example")
    handled(l, reply, "handed over")
    r = w.json()
    same((r["client"], r["spf"], r["dmarc"], r["mail_from"], r["tls"]),
         ("203.0.113.66", "fail", "fail", ALICE, "no"), "session")


@suite.test("the null sender: SPF of the HELO name; an upper-case token")
def null_sender(l):
    w = Wait(l, "--json")
    handled(l, send(l, w.address.replace(w.token, w.token.upper()),
                    sender=""), "handed over")
    r = w.json()
    same((r["mail_from"], r["spf"], r["client"]), ("", "pass", "192.0.2.10"))


@suite.test("a client on this host: no receiver will see its address")
def loopback(l):
    w = Wait(l, "--json")
    handled(l, send(l, w.address, who=dict(ADDR="127.0.0.1", NAME="localhost")),
            "handed over")
    r = w.json()
    same([r[k] for k in ("client", "spf", "dmarc", "from")],
         ["unknown", "unknown", "unknown", ALICE])


@suite.test("without a client: a message sent with sendmail(1)")
def local(l):
    w = Wait(l, "--json")
    l.postfix.submit(ALICE, w.address, lab.message(ALICE).replace(b"\r\n", b"\n"))
    r = w.json()
    same([r[k] for k in ("client", "spf", "dmarc", "from")],
         ["unknown", "unknown", "unknown", ALICE])
    mailed.gone(l)


# ---- no process waits ----

@suite.test("a message for a token that is not awaited is discarded; no bounce")
def unknown(l):
    handled(l, send(l, "audit+%032x@example.net" % 1), "discarded")
    w = Wait(l)
    w.kill()  # its file is still there
    holds(spooled(l), w.token)
    handled(l, send(l, w.address), "discarded")
    same(os.path.getsize("%s/%s" % (l.spool, w.token)), 0, "nothing kept")
    os.unlink("%s/%s" % (l.spool, w.token))


@suite.test("an address without a token is rejected at RCPT")
def refused(l):
    l.postfix.set(virtual_mailbox_maps="inline:{bob@example.net=x}")
    for local in ("audit", "audit+1", "audit+%031x" % 1, "audit+%033x" % 1,
                  "audit+" + "g" * 32, "audit+../../etc/passwd"):
        same(send(l, local + "@example.net").code, 550, local)
    l.postfix.set(virtual_mailbox_maps="static:x")


@suite.test("success notifications cannot be requested if set up as in docs/SECURITY.md")
def success_notice(l):
    with open(lab.ROOT + "/docs/SECURITY.md", encoding="utf-8") as f:
        name, value = re.search(r"`(smtpd_discard_ehlo_keywords) = (.*?)`",
                                " ".join(f.read().split())).groups()
    l.postfix.set(**{name: value})
    try:
        with l.client("mail.bank.example", **mailed.BANK) as c:
            c.need("MAIL FROM:<%s>" % ALICE, 250)
            c.need("RCPT TO:<audit+%032x@example.net> NOTIFY=SUCCESS" % 1, 501)
    finally:
        l.postfix.set(**{name: ""})


@suite.test("no message: status 75, and advice on where to look")
def late(l):
    same(l.late.end(TEMPFAIL), "", "output")
    holds(l.late.err, "no message has arrived in 1 min; look for it in the "
          "mail server's log")
    same(spooled(l), [], "spool")


@suite.test("one message per wait: the second is discarded")
def second(l):
    w = Wait(l, "--json")
    w.process.send_signal(signal.SIGSTOP)
    handled(l, send(l, w.address), "handed over")
    handled(l, send(l, w.address, lab.message("eve@bank.example")), "discarded")
    w.process.send_signal(signal.SIGCONT)
    same(w.json()["from"], ALICE, "the first")


# ---- hostile input ----

def receive(l, token, stdin=b"Subject: x\n\nx\n", **options):
    """Runs avouch audit --receive as the mail server does; returns its output."""
    r = subprocess.run(
        [l.avouch, "audit", "--receive", token, "--ip", "192.0.2.10", "--helo",
         "mail.bank.example", "--mail-from", ALICE, "--spool", l.spool],
        input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        user=USER, timeout=300, check=False, **options)
    same(r.returncode, 0, r.stdout)
    return r.stdout.decode()


@suite.test("a message of 64 MB is not kept, and --wait reports that")
def large(l):
    w = Wait(l)
    holds(receive(l, w.token, b"Subject: x\n\n" + bytes(64 << 20)), "handed over")
    same(w.end(DATAERR), "", "output")
    holds(w.err, "larger than 10485760 bytes; send a smaller one")
    holds(receive(l, "0" * 32, bytes(64 << 20)), "discarded")


@suite.test("100,000 fields, NULs, escape sequences, no header, nothing at all")
def contents(l):
    w = Wait(l)
    holds(receive(l, w.token, b"".join(b"X-%d: x\n" % n for n in range(100000)) +
                  b"\nx"), "handed over")
    holds(w.end(TEMPFAIL), "exceeds a limit, such as 4096 header fields")
    for content in (b"From: \x1b[31m<a\0b@bank.example>\nSubject: \0\n\n\0",
                    b"\0" * 1000, b"From: " + b"(" * 100000, b"\n", b""):
        w = Wait(l)
        holds(receive(l, w.token, content), "handed over")
        out = w.end() + w.err
        lacks(out, "\x1b")
        lacks(out, "\0")
        holds(out, "client                 192.0.2.10")


@suite.test("arguments: not an address, endless, escape sequences, too many")
def arguments(l):
    for more, how in ((("--ip", "unknown"), "handed over"),
                      (("--ip", ""), "handed over"),
                      (("--ip", "1.2.3.4", "--helo", "\x1b[31m" * 10000), "handed"),
                      (("--mail-from", "<" * 100000), "handed over"),
                      (("other",), "specify one of"), (("--what",), "unknown option")):
        w = Wait(l)
        r = subprocess.run([l.avouch, "audit", "--receive", w.token, "--spool",
                            l.spool, *more], input=b"From: a@bank.example\n\n",
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           user=USER, check=False)
        same(r.returncode, 0, r.stdout)
        holds(r.stdout.decode(), how)
        if how.startswith("handed"):
            lacks(w.end(), "\x1b")
        w.kill()
    for token in ("", ".", "..", "/etc/passwd", "x" * 32, "0" * 31, "-" * 32,
                  "0" * 5000, "\x1b" * 32):
        holds(receive(l, token), "discarded")


@suite.test("links and pipes in the spool are not followed")
def links(l):
    victim = l.home + "/victim"
    with open(victim, "w") as f:
        f.write("keep")
    os.chmod(victim, 0o666)
    w = Wait(l)
    os.symlink(victim, "%s/%s.new" % (l.spool, w.token))
    holds(receive(l, w.token), "Too many levels of symbolic links")
    os.unlink("%s/%s.new" % (l.spool, w.token))
    os.mkfifo("%s/%s.new" % (l.spool, w.token))
    holds(receive(l, w.token), "discarded")
    os.unlink("%s/%s.new" % (l.spool, w.token))
    os.unlink("%s/%s" % (l.spool, w.token))
    os.symlink(victim, "%s/%s" % (l.spool, w.token))
    holds(receive(l, w.token), "no process is waiting")
    true(w.process.poll() is None, "it still waits")
    w.kill()
    os.unlink("%s/%s" % (l.spool, w.token))
    with open(victim) as f:
        same(f.read(), "keep")


@suite.test("a file size limit, and a full disk: discarded, no file remains")
def full(l):
    w = Wait(l)
    out = receive(l, w.token, b"x" * 100000, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (1000, 1000)))
    holds(out, "File too large")
    lacks(spooled(l), w.token + ".new")
    holds(receive(l, w.token), "handed over")
    w.end()
    disk = l.home + "/disk"
    os.mkdir(disk)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700,uid=%d" %
                       pwd.getpwnam(USER).pw_uid, "none", disk],
                      capture_output=True, check=False).returncode != 0:
        raise Skip("a file system cannot be mounted here")
    kept, l.spool = l.spool, disk
    try:
        w = Wait(l)
        holds(receive(l, w.token, b"x" * 1000000), "No space left on device")
        same(os.listdir(disk), [w.token])
        holds(receive(l, w.token), "handed over")
        w.end()
    finally:
        l.spool = kept
        subprocess.run(["umount", disk], check=True)


def begun(l, token):
    """Starts a receiver that is in the middle of a message."""
    p = subprocess.Popen([l.avouch, "audit", "--receive", token, "--spool",
                          l.spool], stdin=subprocess.PIPE, user=USER,
                         stdout=subprocess.DEVNULL)
    p.stdin.write(b"Subject: half\n")
    p.stdin.flush()
    new = "%s/%s.new" % (l.spool, token)
    until(lambda: os.path.exists(new) and os.path.getsize(new) > 10, "the half")
    return p


@suite.test("killed in the middle of a message: the next one is handed over")
def killed(l):
    w = Wait(l, "--json")
    p = begun(l, w.token)
    holds(receive(l, w.token), "discarded")  # one at a time
    p.kill()
    p.wait()
    holds(receive(l, w.token), "handed over")
    same(w.json()["client"], "192.0.2.10")
    same([x for x in spooled(l) if w.token in x], [])


@suite.test("the wait has ended when the message is complete")
def abandoned(l):
    w = Wait(l)
    p = begun(l, w.token)
    w.kill()
    p.communicate(b"rest\n")
    same(p.returncode, 0)
    same(spooled(l).count(w.token + ".new"), 0, "the message")
    same(os.path.getsize("%s/%s" % (l.spool, w.token)), 0)
    os.unlink("%s/%s" % (l.spool, w.token))


@suite.test("many at the same time for one token: one is handed over")
def many(l):
    w = Wait(l, "--json")
    w.process.send_signal(signal.SIGSTOP)
    with open(l.home + "/small", "w") as f:
        f.write("From: %s\n\nx\n" % ALICE)
    running = []
    for _ in range(MANY):
        with open(l.home + "/small") as f:
            running.append(subprocess.Popen(
                [l.avouch, "audit", "--receive", w.token, "--spool", l.spool],
                stdin=f, user=USER, stdout=subprocess.PIPE))
    said = [p.communicate()[0] for p in running]
    same(sum(p.returncode for p in running), 0, "status")
    same(said.count(b"handed over\n"), 1, set(said))
    same(said.count(b"discarded: no process is waiting for it\n"), MANY - 1, set(said))
    w.process.send_signal(signal.SIGCONT)
    same(w.json()["from"], ALICE)


@suite.test("stale files are removed; twenty may wait; the directory is checked")
def limits(l):
    old = ["1" * 32, "2" * 32, "2" * 32 + ".new", "3" * 32]
    for name in old:
        path = "%s/%s" % (l.spool, name)
        with open(path, "w") as f:
            f.write("")
        os.utime(path, (1, 1))
    os.symlink("/etc/passwd", "%s/%s" % (l.spool, "4" * 32))
    os.utime("%s/%s" % (l.spool, "4" * 32), (1, 1), follow_symlinks=False)
    waits = [Wait(l)]
    true(not set(old + ["4" * 32]) & set(spooled(l)), spooled(l))
    while len(spooled(l)) < 20:
        waits.append(Wait(l))
    r = subprocess.run([l.avouch, "audit", "--wait", "a@example.net", "--zone",
                        l.zone, "--spool", l.spool], capture_output=True, text=True,
                       check=False)
    same((r.returncode, "too many other processes are waiting" in r.stderr), (TEMPFAIL, True),
         r.stderr)
    for w in waits:
        w.kill()
    w = Wait(l)  # the files of killed processes do not count
    true(not set(v.token for v in waits) & set(spooled(l)), spooled(l))
    w.kill()


@suite.test("usage: an address, minutes, a directory that others cannot write to")
def usage(l):
    for options, status, why in (
            (("audit",), USAGE, "must be an address"),
            (("a+b@example.net",), USAGE, "must be an address"),
            (("a\x1b@example.net",), USAGE, "must be an address"),
            (("a@example.net", "--minutes", "0"), USAGE, "from 1 to 1440"),
            (("a@example.net", "--minutes", "2h"), USAGE, "from 1 to 1440"),
            (("a@example.net", "--message", "x"), USAGE, "specify one of"),
            (("a@example.net", "--spool", l.home + "/none"), CONFIG, "install -d"),
            (("a@example.net", "--spool", "/tmp"), CONFIG, "chmod 700 /tmp")):
        r = subprocess.run([l.avouch, "audit", "--zone", l.zone, "--wait",
                            *options], capture_output=True, text=True, check=False)
        same(r.returncode, status, r.stderr)
        holds(r.stderr, why)
        lacks(r.stderr, "\x1b")


def main():
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all(e)
    with mailed.MailedLab(sys.argv[1]) as l:
        l.start("audit")
        l.late = Wait(l, "--minutes", "1")
        l.callback(l.late.kill)
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
