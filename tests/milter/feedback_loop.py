#!/usr/bin/env python3
"""The complete path of an aggregate report: mail arrives through a Postfix
with the milter attached, `avouch report send` sends the report through the
sendmail(8) of that Postfix, which signs it, and the report that arrives passes
DMARC and can be read by `avouch report read`.

usage: feedback_loop.py PROGRAM [PART-OF-A-NAME]; avouch is in the same directory
"""

import email
import json
import os
import subprocess
import sys
import time

import lab
import postfix
import signlab
import smtp
from demo import STRANGER
from mailing import delivered
from proto import wait_stored
from suite import DAY, Suite, one_day, holds, same, true

suite = Suite()

AUTHOR = "alice@loop.example"
RECIPIENT = "agg@example.net"
REPORTER = "postmaster@example.net"
RECORDS = """\
loop.example. IN TXT "v=spf1 ip4:203.0.113.66 -all"
_dmarc.example.net. IN TXT "v=DMARC1; p=reject; adkim=s; aspf=s"
_dmarc.loop.example. IN TXT "v=DMARC1; p=none; rua=mailto:%s"
loop.example._report._dmarc.example.net. IN TXT "v=DMARC1"
""" % RECIPIENT

# Makes sendmail(8) use the configuration of this test's Postfix.
SENDMAIL = """\
#!/bin/sh
MAIL_CONFIG=%s exec /usr/sbin/sendmail "$@"
"""

STORE = """
metrics { listen = "unix:%s" }
report {
	store = "%s"
	org_name = "Loop"
	email = "%s"
	sendmail = "%s"
}
"""


def report(l, *words):
    """Returns the JSON output of `avouch report`."""
    command = os.path.dirname(os.path.abspath(sys.argv[1])) + "/avouch"
    r = subprocess.run([command, "report", *words, "--json"],
                       capture_output=True, text=True, timeout=300)
    same((r.returncode, r.stderr), (0, ""), words)
    return json.loads(r.stdout)


@suite.test("a day's mail comes back as a report")
def _(l):
    passed, forged = 3, 2
    one_day()
    now = int(time.time())
    own = dict(STRANGER)
    other = dict(STRANGER, ADDR="198.51.100.99")
    for who, n in ((own, passed), (other, forged)):
        for _ in range(n):
            delivered(l, lab.message(AUTHOR), who=who)
    wait_stored(l.home + "/metrics")
    sent = ["send", "--config", l.conf, "--day",
            time.strftime("%Y-%m-%d", time.gmtime(now)), "--now",
            str(now + 2 * DAY)]
    same(report(l, *sent)["sent"], 1)
    mail = l.sink.take(RECIPIENT)
    true(mail is not None, "nothing arrived: " + l.postfix.tail())
    holds(smtp.fields(mail, "Subject")[0], "loop.example")
    same(len(smtp.fields(mail, "Message-ID")), 1)
    same(signlab.own_signatures(mail), [("example.net", "m1")])
    same(signlab.verify(l, mail), ["pass"])
    same(signlab.dmarc(l, mail, REPORTER), "pass")
    same(report(l, *sent)["sent"], 0, "again")
    path = l.home + "/mail"
    with open(path, "wb") as f:
        f.write(mail)
    store = l.home + "/received.db"
    read = report(l, "read", "--store", store, path)
    same((read["stored"], read["messages"]), (1, passed + forged))
    domain, = report(l, "show", "--store", store, "--days", "30", "--now",
                     str(now + 2 * DAY))["domains"]
    same((domain["domain"], domain["messages"], domain["passed"]),
         ("loop.example", passed + forged, passed))
    same({s["address"]: s["messages"] for s in domain["sources"]},
         {own["ADDR"]: passed, other["ADDR"]: forged})


@suite.test("a digest takes the same path: one message with two parts, "
            "passing DMARC")
def _(l):
    same(report(l, "digest", "--config", l.conf, "--mail", RECIPIENT)["mailed"],
         RECIPIENT)
    mail = l.sink.take(RECIPIENT)
    true(mail is not None, "nothing arrived: " + l.postfix.tail())
    same(signlab.own_signatures(mail), [("example.net", "m1")])
    same(signlab.verify(l, mail), ["pass"])
    same(signlab.dmarc(l, mail, REPORTER), "pass")
    same(smtp.fields(mail, "Auto-Submitted"), ["auto-generated"])
    parts = email.message_from_bytes(mail).get_payload()
    same([p.get_content_type() for p in parts], ["text/plain", "text/html"])
    for part in parts:
        holds(part.get_payload(decode=True).decode(), "Mail authentication")


def main():
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all("skipped: %s" % e)
    with signlab.SignLab(sys.argv[1]) as l:
        sendmail = l.home + "/sendmail"
        l.add_record(RECORDS)
        l.start(first=STORE % (l.home + "/metrics", l.home + "/avouch.db",
                               REPORTER, sendmail))
        l.conf = l.milter.path
        with open(sendmail, "w") as f:
            f.write(SENDMAIL % l.postfix.config)
        os.chmod(sendmail, 0o755)
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
