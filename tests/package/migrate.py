#!/usr/bin/env python3
"""From opendkim, opendmarc and policyd-spf to avouch, with the commands of
docs/MIGRATING.md, on a Debian that systemd has booted.  Mail comes in and goes out
all the time: no good mail is refused, what was refused stays refused, and all
that goes out is signed.

usage: migrate.py FOLDER      FOLDER: of tests/package/prepare
"""

import glob
import re
import shutil
import sys
import threading

import booted
import package
import smtp
from booted import HOST
from package import STRANGER

from suite import Suite, holds, lacks, same, true

suite = Suite()

# As the usual how-tos have it.  All mail goes to a mailbox here.
STOCK = r"""set -e
useradd -m ann; useradd -m world
apt-get -q -y --no-install-recommends install openssl procps postfix opendkim opendkim-tools \
    opendmarc dbconfig-no-thanks postfix-policyd-spf-python
cd /etc/dkimkeys
opendkim-genkey -b 2048 -d {host} -s mail; chown opendkim mail.private
sed -i 's/^Socket.*/Socket inet:8891@localhost/; /^#*Mode/d' /etc/opendkim.conf
cat >>/etc/opendkim.conf <<END
Mode sv
KeyTable /etc/dkimkeys/keytable
SigningTable refile:/etc/dkimkeys/signingtable
END
echo 'mail {host}:mail:/etc/dkimkeys/mail.private' >keytable
echo '*@{host} mail' >signingtable
sed -i 's/^Socket.*/Socket inet:8893@localhost/' /etc/opendmarc.conf
systemctl restart opendkim opendmarc
cat >>/etc/postfix/master.cf <<END
policyd-spf unix - n n - 0 spawn
  user=policyd-spf argv=/usr/bin/policyd-spf
END
postconf -e 'mydestination = $myhostname, localhost' \
    'smtpd_milters = inet:localhost:8891, inet:localhost:8893' \
    'non_smtpd_milters = inet:localhost:8891, inet:localhost:8893' \
    'milter_default_action = accept' 'policyd-spf_time_limit = 3600' \
    'smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, check_policy_service unix:private/policyd-spf' \
    'virtual_alias_maps = inline:{{ friend@bank.example=world }}'
systemctl restart postfix""".format(host=HOST)


class Flow(threading.Thread):
    """Good mail in, forged mail of two kinds in, mail out."""

    def __init__(self, m):
        super().__init__(daemon=True)
        self.m = m
        self.n = 0
        self.replies = []
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            self.n += 1
            try:
                self.turn("%d" % self.n)
            except Exception as e:  # any failure is what the test looks for
                self.replies.append(("failure", repr(e)))
            self.ended.wait(0.3)

    def turn(self, number):
        m = self.m
        self.note("in", package.honest(m, "in-" + number))
        self.note("soft", m.send(
            package.mail("soft-" + number, "bob@soft.example"),
            "bob@soft.example", "ann@" + HOST, STRANGER, "host66.isp.example"))
        self.note("forged", package.forged(m, "forged-" + number))
        self.note("out", m.send(own("out-" + number), "ann@" + HOST,
                                "friend@bank.example", "127.0.0.1", HOST))

    def note(self, what, reply):
        want = 550 if what == "forged" else 250
        self.replies.append((what, str(reply) if reply.code != want else ""))

    def close(self):
        self.ended.set()
        self.join(60)


def own(subject):
    return package.mail(subject, "ann@" + HOST)


def doc(heading):
    """The commands below a heading of the page."""
    with open(package.ROOT + "/docs/MIGRATING.md") as f:
        part = f.read().split("\n## %s" % heading)[1].split("\n## ")[0]
    return [line.strip() for line in part.splitlines()
            if line.startswith("    ")]


def step(m, heading, *left_out):
    """A step, with some mail before the next."""
    m.show("\n== " + heading)
    printed = [m.type(command) for command in doc(heading)
               if not any(part in command for part in left_out)]
    after = m.flow.n + 3
    m.wait("mail after " + heading, lambda: m.flow.n >= after)
    return "".join(printed)


def last(m, user, prefix):
    """The newest message whose subject begins so."""
    found = [each for each in m.mailbox(user)
             if re.search(r"(?m)^Subject: %s" % prefix, each)]
    true(found, "no %s for %s" % (prefix, user))
    return found[-1]


@suite.test("before: opendkim, opendmarc and policyd-spf do the work")
def stock(m):
    m.run(STOCK)
    m.flow = Flow(m)
    m.callback(m.flow.close)
    m.flow.start()
    m.wait("mail", lambda: m.flow.n >= 3 and m.mailbox("world") and
           len(m.mailbox("ann")) >= 4)
    holds(last(m, "ann", "in-"), "Received-SPF: Pass")
    holds(last(m, "ann", "soft-"), "dmarc=fail")


@suite.test("1 and 2: installed, the settings imported")
def installed(m):
    step(m, "1. Install it; nothing changes yet")
    lacks(last(m, "ann", "in-"), "policy.iprev=")
    step(m, "2. Import the settings")
    same(m.active("avouch-milter"), "active")
    holds(m.run("avouch config show"), "mode = monitor")


@suite.test("3: avouch is first, beside the others")
def beside(m):
    step(m, "3. Put avouch first, beside the old milters", "journalctl")
    log = m.journal("avouch-milter")
    true(re.search("from=bob@soft.example .*dmarc=fail", log), "no line of it")
    true(re.search("from=alice@bank.example .*dmarc=pass", log), "no good one")


@suite.test("4: it enforces what was imported")
def enforced(m):
    step(m, "4. Enforce")
    m.wait("enforce in the log",
           lambda: "mode=enforce" in m.journal("avouch-milter"))


@suite.test("5: opendkim signs only")
def signs(m):
    step(m, "5. Let opendkim only sign")
    holds(last(m, "world", "out-"), "DKIM-Signature: ")


@suite.test("6 and 7: opendmarc and policyd-spf are out and gone")
def gone(m):
    step(m, "6. Remove opendmarc and policyd-spf from Postfix")
    step(m, "7. Stop them")
    text = last(m, "ann", "soft-")
    same(len(re.findall(r"(?m)^Authentication-Results: ", text)), 1, text)
    holds(package.results(text), "dmarc=fail")
    lacks(m.run("postconf -M; postconf -n"), "policyd-spf")
    holds(str(package.forged(m, "late")), "5.7.23")
    holds(m.journal("avouch-milter"), "spf.on_fail")


@suite.test("all the time no good mail was refused, forged mail was, and all that "
            "went out was signed")
def flowed(m):
    m.flow.close()
    same([reply for reply in m.flow.replies if reply[1]], [])
    true(m.flow.n > 20, "only %d turns" % m.flow.n)
    for n in range(1, m.flow.n + 1):
        holds(m.delivered("world", "out-%d" % n), "DKIM-Signature: ")
        m.delivered("ann", "in-%d" % n)
        m.delivered("ann", "soft-%d" % n)
    m.show("\n%d messages meanwhile: no good one refused, no forged one with "
           "SPF fail delivered, none sent unsigned" % len(m.flow.replies))


@suite.test("8: avouch signs with the key of opendkim")
def signer(m):
    m.run("postconf -M 'submission/inet=submission inet n - y - - smtpd'")
    m.show("\n== 8. Optional: let avouch sign too")
    for command in doc("8. Optional"):
        m.type(command)
    m.run("systemctl stop opendkim")
    m.run("(echo 'From: ann@%s'; echo 'Subject: sendmail'; echo; echo Hello) | "
          "sendmail -f ann@%s friend@bank.example" % (HOST, HOST))
    with smtp.Client(587, host=booted.HERE_ADDRESS, source="127.0.0.1") as c:
        c.become(HOST)
        same(c.message("ann@" + HOST, "friend@bank.example",
                       own("submission")).code, 250)
    for subject in ("sendmail", "submission"):
        text = re.sub(r"\n[ \t]+", " ", m.delivered("world", subject))
        holds(text, "DKIM-Signature: ")
        holds(text, " d=%s;" % HOST)
        holds(text, " s=mail;")


def main():
    folder = sys.argv[1]
    packages = glob.glob(folder + "/deb/avouch_*.deb")
    try:
        if not packages:
            raise booted.CannotRun("no %s/deb/avouch_*.deb; run "
                                   "tests/package/prepare" % folder)
        booted.enter()
        with booted.Booted(folder, package.RECORDS) as m:
            m.write_transcript()
            for each in packages:
                shutil.copy(each, m.path("/root"))
            return suite.run(m)
    except booted.CannotRun as e:
        return suite.skip_all(e)


if __name__ == "__main__":
    sys.exit(main())
