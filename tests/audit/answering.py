#!/usr/bin/env python3
"""avouch audit --answer: the robot with a real Postfix that is set up as in
etc/postfix-answer.snippet.

usage: answering.py PROGRAM [PART-OF-A-NAME]
"""

import os
import re
import subprocess
import sys
import threading
import time

import mailed
import lab
import postfix
import smtp
from mailed import ALICE, STRANGER, USER, handled, log
from suite import Suite, holds, lacks, same, true, until

suite = Suite()

ROBOT = "audit@example.net"
PER_ADDRESS, PER_DOMAIN, PER_DAY = 5, 20, 200

# Does what sendmail(8) does with the arguments of avouch.
SENDMAIL = """\
#!/usr/bin/python3
import smtplib, sys
ignore, f, sender, end, to = sys.argv[1:]
assert (ignore, f, sender, end) == ("-i", "-f", "", "--"), sys.argv
with smtplib.SMTP("127.0.0.1", %d) as s:
    s.sendmail(sender, [to], sys.stdin.buffer.read(), ["BODY=8BITMIME"])
"""

numbers = iter(range(1, 100000))


def someone():
    return "user%d@bank.example" % next(numbers)


def request(sender, more=b"", **options):
    """A signed message from a person at bank.example."""
    return lab.message(sender, to=ROBOT, more=more, **options)


def ask(l, sender=None, more=b"", message=None, sign=True, envelope=None, who=None):
    sender = sender or someone()
    message = message or request(sender, more)
    if sign:
        message = l.sign(message, "bank.example")
    return mailed.send(l, ROBOT, message, who,
                       sender=sender if envelope is None else envelope)


def forget(l):
    """Resets the count of answers."""
    if os.path.exists(l.spool + "/answered"):
        os.unlink(l.spool + "/answered")


def answer(l, sender):
    """Returns the answer that arrived."""
    got = l.sink.take(sender)
    true(got is not None, "no answer to " + sender)
    return got


def refused(l, reply, why):
    before = dict(l.sink.messages)
    handled(l, reply, "not answered: " + why)
    same({to: m for to, m in l.sink.messages.items() if m},
         {to: m for to, m in before.items() if m}, "what was delivered")


# ---- answers ----

@suite.test("a message that passes is answered, only to From (RFC 3834)")
def answered(l):
    sender = someone()
    message = request(sender, b"Reply-To: victim@shop.example\r\n"
                      b"Errors-To: victim@shop.example\r\n", subject="Secret",
                      body=b"Hidden words.\r\n")
    reply = ask(l, sender, message=message)
    handled(l, reply, "answered: " + sender)
    got = answer(l, sender)
    for name, want in (("From", ROBOT), ("To", sender),
                       ("Auto-Submitted", "auto-replied"),
                       ("In-Reply-To", smtp.fields(message, "Message-ID")[0]),
                       ("References", smtp.fields(message, "Message-ID")[0]),
                       ("Subject", "Audit of your message"),
                       ("Content-Type", "text/plain; charset=utf-8")):
        same(smtp.fields(got, name), [want], name)
    same(len(smtp.fields(got, "Message-ID")), 1, "Message-ID")
    for part in (b"client                 192.0.2.10\r\n",
                 b"dkim                   pass, aligned with From\r\n",
                 b"Blocklists, spam scores"):
        holds(got, part)
    lacks(got, b"Hidden")
    lacks(got, b"Secret")
    same(l.sink.messages.get("victim@shop.example"), None, "another address")
    until(lambda: "from=<>" in log(l), "an empty sender is logged")


@suite.test("a pass by SPF alone is answered too")
def by_spf(l):
    sender = someone()
    handled(l, ask(l, sender, sign=False), "answered: " + sender)
    holds(answer(l, sender), b"spf                    pass, aligned with From")


@suite.test("an answer is not answered")
def loop(l):
    sender = someone()
    handled(l, ask(l, sender), "answered: " + sender)
    refused(l, mailed.send(l, ROBOT, answer(l, sender), sender=""), "it is a bounce")


# ---- no answers ----

@suite.test("forged messages are not answered, whatever they claim")
def forged(l):
    claims = (b"Authentication-Results: mx.example.net; dmarc=pass "
              b"header.from=bank.example\r\nReceived-SPF: pass\r\n"
              b"Return-Path: <%s>\r\nReceived: from mail.bank.example ([192.0.2.10])"
              b" by mx.example.net with ESMTPS; Thu, 1 Jan 2026 00:00:00 +0000\r\n")
    sender = someone()
    refused(l, ask(l, sender, message=claims % sender.encode() + request(sender),
                   sign=False, who=STRANGER), "it does not pass DMARC")
    message = l.sign(request(sender), "bank.example")
    refused(l, mailed.send(l, ROBOT, message.replace(b"Hello.", b"Hello!"), STRANGER,
                           sender=sender), "it does not pass DMARC")
    refused(l, ask(l, "x@plain.example", sign=False), "it does not pass DMARC")


@suite.test("lists, automatic mail and bounces are not answered, even if they pass DMARC")
def automatic(l):
    for more, why in ((b"List-Id: <a.bank.example>\r\n", "it came from a mailing list"),
                      (b"Precedence: bulk\r\n", "it came from a mailing list"),
                      (b"Auto-Submitted: auto-replied\r\n", "it was not written by"),
                      (b"Content-Type: multipart/report; boundary=x\r\n",
                       "it was not written by a person")):
        refused(l, ask(l, more=more), why)
    for envelope in ("", "MAILER-DAEMON@bank.example"):
        refused(l, ask(l, envelope=envelope), "it is a bounce")


@suite.test("From: two people, a group, the robot itself, an odd address, no author")
def authors(l):
    for field in ("a@bank.example, b@bank.example", "x: a@bank.example;",
                  "MAILER-DAEMON@bank.example", "<>",
                  "\"|sh\"@bank.example", "a%b@bank.example", ROBOT,
                  "Undisclosed"):
        message = request(ALICE).replace(ALICE.encode(), field.encode(), 1)
        refused(l, ask(l, ALICE, message=message), "From does not have exactly one address")


@suite.test("DNS does not answer")
def broken(l):
    refused(l, ask(l, "x@broken.example", sign=False), "a DNS lookup failed")


@suite.test("mail sent with sendmail(1): the client is unknown")
def local(l):
    before = log(l).count("the client is unknown")
    l.postfix.submit(ALICE, ROBOT, l.sign(request(ALICE), "bank.example")
                     .replace(b"\r\n", b"\n"))
    until(lambda: log(l).count("the client is unknown") > before, "the log")
    mailed.gone(l)
    same(l.sink.messages.get(ALICE), None, "an answer")


# ---- limits ----

@suite.test("limits per day: for an address, a domain, and in total")
def limits(l):
    forget(l)
    sender = someone()
    for _ in range(PER_ADDRESS):
        handled(l, ask(l, sender), "answered: " + sender)
        answer(l, sender)
    refused(l, ask(l, sender), "the limit on replies")
    now = int(time.time())

    def counted(domains):
        with open(l.spool + "/answered", "w") as f:
            f.writelines("%d %s %s\n" % (now, d, "u%d@%s" % (i, d))
                         for i, d in enumerate(domains))

    counted(["bank.example"] * PER_DOMAIN)
    refused(l, ask(l), "the limit on replies")
    counted(["d%d.example" % i for i in range(PER_DAY)])
    refused(l, ask(l), "the limit on replies")
    counted(["d%d.example" % i for i in range(PER_DAY - 1)])
    sender = someone()
    handled(l, ask(l, sender), "answered: " + sender)
    answer(l, sender)
    now -= 86401
    counted(["bank.example"] * 1000)
    handled(l, ask(l, sender), "answered: " + sender)
    answer(l, sender)
    with open(l.spool + "/answered") as f:
        same(len(f.readlines()), 1, "old lines are gone")
    forget(l)


# ---- errors and hostile input ----

def run(l, message, *more, **options):
    """Runs the robot as the mail server does; returns its output."""
    r = subprocess.run(
        [l.avouch, "audit", "--answer", ROBOT, "--ip", "192.0.2.10", "--helo",
         "mail.bank.example", "--mail-from", ALICE, "--spool", l.spool,
         *l.more.split(), *more], input=message, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, user=USER, timeout=300, check=False, **options)
    same(r.returncode, 0, r.stdout)
    return r.stdout.decode()


@suite.test("sendmail fails: no answer, no bounce")
def sendmail_fails(l):
    forget(l)
    with open(l.home + "/sendmail") as f:
        kept = f.read()
    try:
        for text, why in (("#!/bin/sh\nexit 75\n", "sendmail exited with status 75"),
                          ("", "cannot start "),
                          ("#!/bin/sh\nkill -9 $$\n", "killed by signal 9")):
            with open(l.home + "/sendmail", "w") as f:
                f.write(text)
            refused(l, ask(l), "")
            holds(log(l), why)
    finally:
        with open(l.home + "/sendmail", "w") as f:
            f.write(kept)
    forget(l)


@suite.test("no answer if it cannot be counted: the log is a link, or cannot be written")
def no_count(l):
    forget(l)
    victim = l.home + "/victim"
    with open(victim, "w") as f:
        f.write("keep")
    os.chmod(victim, 0o666)
    message = request(ALICE)
    for name in ("answered", "answered.new"):
        os.symlink(victim, "%s/%s" % (l.spool, name))
        holds(run(l, message), "answered: Too many levels of symbolic links")
        os.unlink("%s/%s" % (l.spool, name))
        with open(victim) as f:
            same(f.read(), "keep")
    os.chmod(l.spool, 0o500)
    holds(run(l, message), "answered: Permission denied")
    os.chmod(l.spool, 0o700)
    same(l.sink.messages.get(ALICE), None, "an answer")
    holds(run(l, message, "--spool", "/tmp"), "is given twice")


@suite.test("64 MB, 100,000 fields, NULs, escape sequences, half a header")
def contents(l):
    forget(l)
    holds(run(l, request(ALICE) + bytes(64 << 20)), "larger than 10485760 bytes")
    fields = b"".join(b"X-%d: x\r\n" % n for n in range(100000))
    holds(run(l, fields + request(ALICE)), "not answered: ")
    holds(run(l, b""), "not answered: ")
    holds(run(l, b"\0" * 100000), "not answered: ")
    same(l.sink.messages.get(ALICE), None, "an answer")
    odd = re.sub(rb"Message-ID: .*\r\n", b"Message-ID: <\x1b[31m\r\n"
                 b" Bcc:victim@shop.example\r\n \xc3\x9b@x>\r\nX-\x1b[0m\0: \x1b\r\n"
                 b"Date: \x1b]0;\r\n", request(ALICE))
    holds(run(l, odd), "answered: " + ALICE)
    got = answer(l, ALICE)
    lacks(got, b"\x1b")
    lacks(got, b"\0")
    same(smtp.fields(got, "In-Reply-To") + smtp.fields(got, "Bcc"), [], "Message-ID")
    forget(l)


@suite.test("many at the same time: only as many answers as allowed")
def many(l):
    forget(l)
    said = []

    def one():
        said.append(run(l, request(ALICE)))

    threads = [threading.Thread(target=one) for _ in range(30)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    same(said.count("answered: %s\n" % ALICE), PER_ADDRESS, said)
    same(len([s for s in said if "the limit on replies" in s]), 30 - PER_ADDRESS)
    for _ in range(PER_ADDRESS):
        answer(l, ALICE)
    mailed.gone(l)
    same(l.sink.messages[ALICE], [], "more answers")


def main():
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all(e)
    with mailed.MailedLab(sys.argv[1]) as l:
        with open(l.home + "/audit.conf", "w") as f:
            f.write('report { sendmail = "%s/sendmail" }\n' % l.home)
        l.more = " --zone %s --config %s/audit.conf" % (l.zone, l.home)
        l.start("answer", relay_domains="bank.example",
                transport_maps="inline:{ {bank.example=lmtp:inet:127.0.0.1:%d} }" %
                l.sink.port)
        with open(l.home + "/sendmail", "w") as f:
            f.write(SENDMAIL % l.smtp_port)
        os.chmod(l.home + "/sendmail", 0o755)
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
