#!/usr/bin/env python3
"""Failure reports (RFC 9991), from a failed message to the mail that reports
it: the daemon gets the message over the milter protocol, `avouch report
failures` passes the report to a sendmail that saves it, and Python's mail
parser reads it.

usage: failures.py PROGRAM [PART-OF-A-NAME]; avouch is in the same directory
"""

import email
import email.policy
import email.utils
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import time

import lab
import miltproto
from proto import wait_stored
from suite import WAIT, Suite, holds, one_day, same, true, until

suite = Suite()

RECORDS = """\
_dmarc.loud.example. IN TXT "v=DMARC1; p=reject; ruf=mailto:ruf@loud.example"
loud.example. IN TXT "v=spf1 ip4:192.0.2.10 -all"
_dmarc.any.example. IN TXT "v=DMARC1; p=none; fo=1; ruf=mailto:ruf@any.example"
any.example. IN TXT "v=spf1 ip4:192.0.2.10 -all"
_dmarc.out.example. IN TXT "v=DMARC1; p=none; ruf=mailto:a@agreed.example,\
mailto:b@stranger.example,mailto:c@out.example"
out.example._report._dmarc.agreed.example. IN TXT "v=DMARC1"
_dmarc.suffix.example. IN TXT "v=DMARC1; p=none; psd=y; ruf=mailto:r@x.example"
"""

SENDMAIL = """\
#!/bin/sh
# save the message completely or not at all
mail=$(mktemp %(folder)s/part.XXXXXX)
cat > $mail
echo "$@" > $mail.words
mv $mail %(folder)s/mail.${mail##*.}
exit $(cat %(folder)s/status)
"""

STRANGER = "203.0.113.77"
KILLS = 20


class Bag:
    """A sendmail(8) and the messages it received."""

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(folder)
        self.program = folder + "/sendmail"
        with open(self.program, "w") as f:
            f.write(SENDMAIL % {"folder": folder})
        os.chmod(self.program, 0o755)
        self.end_with(0)

    def end_with(self, status):
        with open(self.folder + "/status", "w") as f:
            f.write("%d\n" % status)

    def names(self):
        return [n for n in os.listdir(self.folder) if n.startswith("mail.")]

    def take(self):
        """Returns all messages by their To field, and removes them."""
        mails = []
        for name in self.names():
            with open("%s/%s" % (self.folder, name), "rb") as f:
                mails.append(f.read())
        self.empty()
        return sorted((Report(m) for m in mails), key=lambda r: r.to)

    def empty(self):
        for name in self.names():
            os.unlink("%s/%s" % (self.folder, name))


class Report:
    """Parses and checks a message in the Abuse Reporting Format."""

    def __init__(self, raw):
        self.raw = raw
        true(raw.isascii() and b"\r" not in raw, "ASCII by LF")
        true(max(map(len, raw.split(b"\n"))) < 998, "lines")
        self.mail = m = email.message_from_bytes(
            raw, policy=email.policy.default)
        self.to = m["To"]
        self.id = m["Message-ID"]
        same(m.get_content_type(), "multipart/report", "type")
        same(m.get_param("report-type"), "feedback-report", "report-type")
        same(m["Auto-Submitted"], "auto-generated", "Auto-Submitted")
        same(m.defects, [], "defects")
        parts = m.get_payload()
        same([p.get_content_type() for p in parts],
             ["text/plain", "message/feedback-report",
              "text/rfc822-headers"], "parts")
        self.text = parts[0].get_payload()
        # message/*: one message whose header contains the fields
        self.fields = parts[1].get_payload()[0]
        same(self.fields.get_payload().strip(), "", "after the fields")
        self.head = email.message_from_string(
            parts[2].get_payload(), policy=email.policy.compat32)
        same(self.head.get_payload().strip(), "", "after the header")
        for name in ("Feedback-Type", "User-Agent", "Version",
                     "Auth-Failure", "Authentication-Results",
                     "Identity-Alignment", "Source-IP", "Reported-Domain"):
            same(len(self.fields.get_all(name, [])), 1, name)
        same(self.fields["Feedback-Type"], "auth-failure", "Feedback-Type")
        same(self.fields["Version"], "1", "Version")
        true(email.utils.parsedate_to_datetime(self.fields["Arrival-Date"]),
             "Arrival-Date")


def settings(l, more=""):
    return ('metrics { listen = "unix:%s" }\n'
            'report { store = "%s"  email = "dmarc@mx.example.net"\n'
            '  sendmail = "%s"  failure_reports = true\n%s}\n' % (
                metrics(l), l.home + "/store.db", l.bag.program, more))


def metrics(l):
    return l.home + "/metrics"


def fresh(l, more=""):
    if l.milter is not None:
        l.milter.stop()
    for name in os.listdir(l.home):
        if name.startswith("store.db"):
            os.unlink(os.path.join(l.home, name))
    l.bag.empty()
    l.bag.end_with(0)
    l.start_milter(settings(l, more))


def failures(l, *arguments, now=None):
    """Returns the JSON output of `avouch report failures`."""
    wait_stored(metrics(l))
    words = ["--now", str(now)] if now is not None else []
    r = subprocess.run(
        [os.path.join(os.path.dirname(l.program), "avouch"), "report",
         "failures", "--config", l.milter.path, "--json", *words, *arguments],
        capture_output=True, text=True, check=False)
    same((r.returncode, r.stderr), (0, ""), "report failures")
    return json.loads(r.stdout)


def ask(l, query):
    wait_stored(metrics(l))
    db = sqlite3.connect("file:%s?mode=ro" % (l.home + "/store.db"),
                         uri=True, timeout=WAIT)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def send(l, message, sender, address=STRANGER, **macros):
    m = miltproto.Milter(l.where)
    m.connect(address)
    m.helo()
    out = m.message(message, sender, **macros)
    m.quit()
    return out


FORGED = (b"From: \"Carol (CEO)\" <carol.king@loud.example>\r\n"
          b"To: Bob <bob@example.net>\r\nSubject: The merger\r\n"
          b"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
          b"Message-ID: <abc.123@loud.example>\r\n"
          b"X-Secret: carol.king@loud.example\r\n\r\nKeep this quiet.\r\n")


@suite.test("a forged message causes one report, in the Abuse Reporting Format")
def _(l):
    fresh(l)
    same(send(l, FORGED, "evil.one@other.example").reply, "y", "rejected")
    wait_stored(metrics(l))
    dry = subprocess.run(
        [os.path.join(os.path.dirname(l.program), "avouch"), "report",
         "failures", "--config", l.milter.path, "--dry-run", "--print"],
        capture_output=True, check=True).stdout
    out = failures(l)
    same((out["sent"], out["planned"], out["complete"]), (1, 1, True), "sums")
    same({(e["part"], e["parts"]) for e in out["events"]}, {(1, 1)},
         "numbers of the store")
    report, = l.bag.take()
    same(Report(dry.split(b"\n", 1)[1]).fields.as_string(),
         report.fields.as_string(), "--dry-run --print")
    same(report.to, "ruf@loud.example", "To")
    same(report.mail["From"], "dmarc@mx.example.net", "From")
    same(report.mail["Subject"], "DMARC failure report for loud.example",
         "Subject")
    f = report.fields
    same((f["Auth-Failure"], f["Identity-Alignment"], f["Delivery-Result"]),
         ("dmarc", "dkim, spf", "reject"), "what failed")
    same((f["Source-IP"], f["Reported-Domain"]),
         (STRANGER, "loud.example"), "who")
    holds(f["Authentication-Results"], "mx.example.net")
    same(lab.results(f["Authentication-Results"]),
         {"": "mx.example.net", "dmarc": "fail"}, "results of one method")
    same(lab.results(report.head["Authentication-Results"]),
         {"": "mx.example.net", "spf": "none", "dkim": "none",
          "dmarc": "fail"}, "all results")
    same(f["Incidents"], None, "Incidents")
    true(re.fullmatch(r"<[0-9a-f]{16}@other\.example>",
                      f["Original-Mail-From"]), "MAIL FROM")
    same(sorted(set(report.head.keys())),
         ["Authentication-Results", "Date", "From", "Message-ID"], "fields")
    true(re.fullmatch(r"<[0-9a-f]{16}@loud\.example>", report.head["From"]),
         "From")
    same(report.head["Message-ID"], "<abc.123@loud.example>", "Message-ID")
    for word in (b"carol", b"Carol", b"CEO", b"king", b"bob", b"merger",
                 b"quiet", b"evil", b"Secret"):
        true(word not in report.raw, "%s leaks" % word)
    # no content is kept
    same(ask(l, "SELECT held, header, feedback, record, subject, sent "
                "FROM failure"), [(0, "", "", "", "", 1)], "the store")
    same(failures(l)["events"], [], "again")
    same(l.bag.names(), [], "mails")


@suite.test("off unless it is set")
def _(l):
    fresh(l)
    l.milter.stop()
    l.start_milter(settings(l).replace("failure_reports = true", ""))
    send(l, FORGED, "evil.one@other.example")
    same(ask(l, "SELECT count(*) FROM failure"), [(0,)], "spooled")
    same(failures(l)["sent"], 0, "sent")
    r = subprocess.run(
        [os.path.join(os.path.dirname(l.program), "avouch"), "report",
         "failures", "--config", l.milter.path], capture_output=True,
        text=True, check=False)
    same((r.returncode, r.stdout.startswith("failure reports are off")),
         (0, True), r.stderr)


@suite.test("configured fields are included, and their addresses hashed")
def _(l):
    fresh(l, 'failure_headers += {"Subject", "To", "X-Secret"}\n')
    send(l, FORGED, "evil.one@other.example")
    same(failures(l)["sent"], 1, "sent")
    report, = l.bag.take()
    same(report.mail["Subject"], "FW: The merger", "Subject")
    same(report.head["Subject"], "The merger", "Subject")
    same(report.fields["Original-Envelope-Id"], "4Test", "queue id")
    true(re.fullmatch(r"<[0-9a-f]{16}@example\.net>", report.head["To"]), "To")
    same(report.head["X-Secret"], report.head["From"].strip("<>"),
         "the same address is the same hash")
    for word in (b"carol", b"bob", b"Carol", b"quiet"):
        true(word not in report.raw, "%s leaks" % word)


@suite.test("an address has the same hash after a restart")
def _(l):
    fresh(l)
    hashes = set()
    for address in (STRANGER, "203.0.113.78"):
        # the daemon knows the key once it has opened the store
        send(l, lab.message("a@plain.example"), "a@plain.example")
        wait_stored(metrics(l))
        send(l, FORGED, "evil.one@other.example", address)
        same(failures(l)["sent"], 1, "sent")
        report, = l.bag.take()
        hashes.add((report.head["From"], report.fields["Original-Mail-From"]))
        l.milter.stop()
        l.start_milter(settings(l))
    same(len(hashes), 1, hashes)


@suite.test("fo=1: a message that passes only with SPF; its signature is "
            "reported")
def _(l):
    fresh(l)
    good = lab.message("ann@any.example")
    signed = l.sign(good, "any.example").replace(b"Hello.", b"Hallo.")
    for _ in range(3):
        same(send(l, signed, "ann@any.example", "192.0.2.10").reply, "c", "in")
    same(failures(l)["sent"], 1, "sent")
    report, = l.bag.take()
    f = report.fields
    same((f["Identity-Alignment"], f["Delivery-Result"], f["Incidents"]),
         ("dkim", "delivered", "3"), "what failed")
    same((f["DKIM-Domain"], f["DKIM-Identity"], f["DKIM-Selector"]),
         ("any.example", "@any.example", "demo"), "the signature")
    same(f["SPF-DNS"], None, "SPF-DNS")
    holds(report.text, "It covers 3 messages")
    true(report.head["DKIM-Signature"] is not None, "DKIM-Signature")
    send(l, lab.message("ann@any.example"), "ann@any.example")
    same(failures(l)["sent"], 1, "of another cause")
    report, = l.bag.take()
    same(report.fields["SPF-DNS"],
         'txt : any.example : "v=spf1 ip4:192.0.2.10 -all"', "SPF-DNS")
    same(report.fields["Identity-Alignment"], "dkim, spf", "alignment")


@suite.test("only to those who agreed; never for psd=y, lists or automated "
            "mail")
def _(l):
    fresh(l)
    send(l, lab.message("a@out.example"), "a@out.example")
    send(l, lab.message("a@suffix.example"), "a@suffix.example")
    for field in (b"List-Id: <list.example>\r\n",
                  b"Auto-Submitted: auto-replied\r\n",
                  b"Content-Type: multipart/report; boundary=x\r\n"):
        send(l, lab.message("a@loud.example", more=field), "a@loud.example")
    send(l, lab.message("a@loud.example"), "")
    send(l, lab.message("a@loud.example"), "a@loud.example", "127.0.0.1")
    send(l, lab.message("a@loud.example"), "a@loud.example",
         auth_authen="bob", auth_type="PLAIN")
    out = failures(l, "--dry-run")
    same(out["planned"], 2, "would be sent")
    same(l.bag.names(), [], "dry")
    same(failures(l)["sent"], 2, "sent")
    a, c = l.bag.take()
    same((a.to, c.to), ("a@agreed.example", "c@out.example"), "To")
    true(a.id != c.id, "ids")


@suite.test("a report that cannot be handed over is sent again unchanged")
def _(l):
    fresh(l)
    send(l, FORGED, "evil.one@other.example")
    l.bag.end_with(75)
    out = failures(l)
    same((out["waiting"], out["complete"]), (1, False), "later")
    first, = l.bag.take()
    l.bag.end_with(0)
    same(failures(l)["sent"], 0, "not yet")
    same(failures(l, now=int(time.time()) + 3600)["sent"], 1, "sent")
    second, = l.bag.take()
    same(second.raw, first.raw, "the same bytes")


DSN = """\
From: MAILER-DAEMON@mx.example.net
To: dmarc@mx.example.net
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.loud.example

Final-Recipient: rfc822; ruf@loud.example
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: %s

--b--
"""


@suite.test("an address that bounces gets no more reports")
def _(l):
    fresh(l)
    send(l, FORGED, "evil.one@other.example")
    same(failures(l)["sent"], 1, "sent")
    report, = l.bag.take()
    r = subprocess.run([os.path.join(os.path.dirname(l.program), "avouch"),
                        "report", "bounce", "--config", l.milter.path],
                       input=DSN % report.id, capture_output=True, text=True,
                       check=False)
    same((r.returncode, r.stderr), (0, ""), "bounce")
    holds(r.stdout, "reports to ruf@loud.example are suppressed: ")
    send(l, FORGED, "evil.two@another.example")
    out = failures(l)
    same((out["sent"], out["nothing"]), (0, 1), "to nobody")
    same(out["events"][0]["note"], "mail to every address bounces", "why")
    same(ask(l, "SELECT sum(held) FROM failure"), [(0,)], "the store")


def suppressed(l, *args):
    r = subprocess.run([os.path.join(os.path.dirname(l.program), "avouch"),
                        "report", "suppressed", "--config", l.milter.path,
                        *args], capture_output=True, text=True, check=False)
    return r.returncode, r.stdout, r.stderr


@suite.test("a suppressed address is listed, can be removed, and gets reports "
            "again")
def _(l):
    fresh(l)
    # the daemon creates the store shortly after its start
    until(lambda: suppressed(l)[:2] == (0, "no address is suppressed\n"),
          "none")
    send(l, FORGED, "evil.one@other.example")
    failures(l)
    report, = l.bag.take()
    subprocess.run([os.path.join(os.path.dirname(l.program), "avouch"),
                    "report", "bounce", "--config", l.milter.path],
                   input=DSN % report.id, capture_output=True, text=True,
                   check=True)
    holds(suppressed(l)[1], "ruf@loud.example until 20")
    one, = json.loads(suppressed(l, "--json")[1])["suppressed"]
    same((one["address"], one["count"], one["until"] - one["last"]),
         ("ruf@loud.example", 1, 30 * 86400), "JSON")
    status, out, err = suppressed(l, "--remove", "x@loud.example")
    same((status, out), (65, ""), "another address")
    holds(err, "x@loud.example is not suppressed")
    same(suppressed(l, "--remove", "ruf@loud.example")[:2],
         (0, "reports to ruf@loud.example are sent again\n"), "removed")
    same(json.loads(suppressed(l, "--remove", "ruf@loud.example",
                               "--json")[1]),
         {"address": "ruf@loud.example", "removed": False}, "again")
    same(suppressed(l)[1], "no address is suppressed\n", "none again")
    send(l, FORGED, "evil.two@another.example")
    same(failures(l)["sent"], 1, "sent again")


@suite.test("killed at any moment: each report is sent exactly once")
def _(l):
    fresh(l)
    causes = 10  # the limit per day
    for i in range(causes):
        send(l, FORGED, "evil@%d.example" % i)
    wait_stored(metrics(l))
    kills = 0
    command = [os.path.join(os.path.dirname(l.program), "avouch"), "report",
               "failures", "--config", l.milter.path, "--json"]
    for i in range(KILLS):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as p:
            time.sleep(random.uniform(0, 0.06))
            p.kill()
            kills += p.wait() < 0
    while not failures(l)["complete"]:
        true(kills > 0, "none was killed")
    reports = l.bag.take()
    same(len({r.id for r in reports}), causes, "Message-IDs")
    same(len(reports), causes, "mails")
    same(ask(l, "SELECT count(*), sum(held) FROM failure"), [(causes, 0)],
         "the store")
    print("%d of %d runs were killed" % (kills, KILLS))


@suite.test("pending reports are not sent once the option is off")
def _(l):
    fresh(l)
    send(l, FORGED, "evil.one@other.example")
    l.bag.end_with(75)
    same(failures(l)["waiting"], 1, "later")
    l.bag.empty()
    l.bag.end_with(0)
    with open(l.milter.path) as f:
        text = f.read()
    off = l.home + "/off.conf"
    with open(off, "w") as f:
        f.write(text.replace("failure_reports = true", ""))
    r = subprocess.run(
        [os.path.join(os.path.dirname(l.program), "avouch"), "report", "send",
         "--config", off, "--json", "--now", str(int(time.time()) + 3600)],
        capture_output=True, text=True, check=False)
    same((r.returncode, r.stderr), (0, ""), "report send")
    out = json.loads(r.stdout)
    same((out["sent"], out["dropped"]), (0, 1), "given up")
    same(l.bag.names(), [], "mails")


def flood(l, messages, sources):
    for i in range(sources):
        m = miltproto.Milter(l.where)
        m.connect("198.51.%d.%d" % (100 + i // 250, i % 250))
        m.helo()
        for _ in range(messages // sources):
            same(m.message(FORGED, "evil@other.example").reply, "y", "forged")
        m.quit()


@suite.test("a flood causes only the allowed reports, and the rest is counted")
def _(l):
    one_day()
    fresh(l)
    flood(l, 1000, 100)
    rows = ask(l, "SELECT count(*), sum(incidents) FROM failure")
    same(rows, [(20, 1000)], "spooled")
    out = failures(l)
    same((out["sent"], out["waiting"]), (10, 10), "sent")
    reports = l.bag.take()
    counts = sorted(int(r.fields["Incidents"]) for r in reports)
    same(counts, [10] * 9 + [810], "incidents")
    holds(max(reports, key=lambda r: int(r.fields["Incidents"])).text,
          "800 of them came from other sources")
    same(failures(l)["sent"], 0, "no more on that day")
    flood(l, 100, 100)
    same(failures(l)["sent"], 0, "more failures")
    same(failures(l, now=int(time.time()) + 86400)["sent"], 10,
         "a day later")


def main():
    with lab.Lab(sys.argv[1]) as l:
        l.bag = Bag(l.home + "/bag")
        for line in RECORDS.replace("\\\n", "").splitlines():
            l.add_record(line)
        l.add_key("any.example")
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
