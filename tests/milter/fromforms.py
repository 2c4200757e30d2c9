#!/usr/bin/env python3
"""Forms of the From field, through a real Postfix and a real Sendmail:
compares what was sent, what was delivered, and our results.

usage: fromforms.py PROGRAM [PART-OF-A-NAME]

MTAs change the From field after their milters have seen it: Sendmail turns
user%host and host!user into addresses with "@", cuts a long name with its
address, replaces an alias by its target and "localhost" by its own name, and
removes ".uucp"; Postfix breaks long lines; both add missing parts.  The client
may send for attack.example, and bank.example has p=reject: whatever a reader of
the delivered message takes for an address at bank.example must not pass, and is
refused in enforce mode.
"""

import email
import email.policy
import email.utils
import socket
import sys

import keydns
import lab
import mailing
import postfix
import sendmail
import smtp
from demo import STRANGER
from suite import Suite, same, true

suite = Suite()

SENDER = "x@attack.example"
# aliases, and their targets
ALIASES = {"alias.attack.example": "bank.example",
           "long.attack.example":
           "bank.example.%s.%s.attack.example" % ("x" * 60, "y" * 60)}
ZONE = ('attack.example. TXT "v=spf1 ip4:127.0.0.1 ip4:%s -all"\n'
        '_dmarc.attack.example. TXT "v=DMARC1; p=reject"\n'
        '_dmarc.mx.example.net. TXT "v=DMARC1; p=reject"\n' %
        STRANGER["ADDR"] + "".join("%s. CNAME %s.\n" % a
                                   for a in ALIASES.items()))
HOST = "host66.isp.example"

# (value of the From field, or None if it is absent; whether it is accepted,
# which depends only on the author's domain)
ACCEPTED, REFUSED = True, False
FORMS = [
    # addresses
    ("x@attack.example", ACCEPTED),
    ("alice@bank.example", REFUSED),
    ("Alice <alice@bank.example>", REFUSED),
    ("<alice@bank.example>", REFUSED),
    ("Alice <x@attack.example>", ACCEPTED),
    ('"Alice, of Bank" <x@attack.example>', ACCEPTED),
    ("alice (of the bank) @ bank . example", REFUSED),
    ("alice(@attack.example)@bank.example", REFUSED),
    ('"alice"@bank.example', REFUSED),
    ("ALICE@BANK.EXAMPLE", REFUSED),
    ("alice@sub.bank.example", REFUSED),
    ("alice@a+b.bank.example", REFUSED),
    # forms that Sendmail turns into user@host
    ("alice%bank.example", REFUSED),
    ("<alice%bank.example>", REFUSED),
    ("Alice <alice%bank.example>", REFUSED),
    ('"Alice" <"alice"%bank.example>', REFUSED),
    ("bank.example!alice", REFUSED),
    ("<bank.example!alice>", REFUSED),
    ("Alice <bank.example!alice>", REFUSED),
    ("attack.example!bank.example!alice", REFUSED),
    ("alice%bank.example%attack.example", REFUSED),
    ("bank.example::alice", REFUSED),
    # percent and "!" in the local part of an address
    ("alice%bank.example@attack.example", ACCEPTED),
    ("bank.example!alice@attack.example", ACCEPTED),
    ("attack.example!alice@bank.example", REFUSED),
    # source routes
    ("<@attack.example:alice@bank.example>", REFUSED),
    ("<@attack.example:alice%bank.example>", REFUSED),
    ("<@attack.example,@x.example:alice@bank.example>", REFUSED),
    ("<@bank.example:x@attack.example>", ACCEPTED),
    ("@attack.example:alice@bank.example", REFUSED),
    # several addresses
    ("x@attack.example, alice@bank.example", REFUSED),
    ("alice@bank.example, x@attack.example", REFUSED),
    ("x@attack.example\r\nFrom: alice@bank.example", REFUSED),
    ("alice@bank.example\r\nFrom: x@attack.example", REFUSED),
    ("alice@bank.example <x@attack.example>", REFUSED),
    ("alice@bank.example@attack.example", REFUSED),
    ("<alice@bank.example> <x@attack.example>", REFUSED),
    # groups (RFC 6854)
    ("Bank: alice@bank.example;", REFUSED),
    ("Bank: x@attack.example, alice@bank.example;", REFUSED),
    ("Bank: alice%bank.example;", REFUSED),
    ("Bank:;", REFUSED),
    # no address
    (None, REFUSED),
    ("", REFUSED),
    ("alice", REFUSED),
    ("<alice>", REFUSED),
    ("Alice of Bank <alice>", REFUSED),
    ("<>", REFUSED),
    ("(alice@bank.example)", REFUSED),
    ('"alice@bank.example"', REFUSED),
    ('"alice@bank.example" <alice>', REFUSED),
    ("alice@", REFUSED),
    ("@bank.example", REFUSED),
    ("alice@[192.0.2.10]", REFUSED),
    # bytes that mail readers drop
    ("Bank, Inc. (x@attack.example) <admin@bank.example\u00a0>", REFUSED),
    ("alice@bank.example\u200b <x@attack.example>", REFUSED),
    ("alice@ba\\nk.example", REFUSED),
    ("=?utf-8?q?alice=40bank=2Eexample?=", REFUSED),
]

# Sendmail delivers other addresses, so it must refuse all of these; the second
# value is for Postfix.
CHANGED = [
    ('"CEO%s" <ceo@bank.example.attack.example>' % (" " * 230), ACCEPTED),
    ("ceo.%s@bank.example.attack.example" % ("A" * 237), ACCEPTED),
    ("CEO <ceo.%s@bank.example.attack.example>" % ("A" * 234), ACCEPTED),
    ('"ceo%s"@bank.example.attack.example' % (" " * 234), ACCEPTED),
    ('"ceo@bank.example%s" <x@attack.example>' % (" " * 240), REFUSED),
    ('"ceo@bank.example%s" <x@attack.example>' % ("\u0085" * 100), REFUSED),
    ('"ceo@bank.example" "%s" <x@attack.example>' % ("x" * 900), REFUSED),
    ('"ceo@bank.example" "%s" <x@attack.example>' % ("x" * 1300), REFUSED),
    # a line that is broken in a name, and one that is broken in a domain
    ('"%s <ceo@bank.example> x" <x@attack.example>' % ("A" * 990), REFUSED),
    ("%s <ceo@bank.example.attack.example>" % ("A " * 487), REFUSED),
    # aliases; the target of the second one would be cut
    ("CEO <ceo@alias.attack.example>", ACCEPTED),
    ('"CEO%s" <ceo@long.attack.example>' % (" " * 90), ACCEPTED),
    # a domain of UUCP
    ("CEO <ceo@bank.example.uucp>", ACCEPTED),
    # the name of the host
    ("CEO <ceo@localhost>", ACCEPTED),
    ("x@attack.example, ceo@localhost", ACCEPTED),
    # a word that becomes a local user
    ("ceo, Joe <x@attack.example>", ACCEPTED),
    ("ceo (<x@attack.example>", ACCEPTED),
    # words that are joined to the domain
    ("x@attack.example uk", ACCEPTED),
]

BOUNCES = [  # with MAIL FROM:<>
    ("Mail Delivery Subsystem <MAILER-DAEMON>", ACCEPTED),
    ("MAILER-DAEMON", ACCEPTED),
    ("MAILER-DAEMON@plain.example", ACCEPTED),
    ("MAILER-DAEMON%bank.example", REFUSED),
    ("MAILER-DAEMON@bank.example", REFUSED),
]


class Path:
    """Sends messages through one of the MTAs."""

    def __init__(self, l, port, who):
        self.l, self.port, self.who = l, port, who

    def send(self, value, sender, more=b""):
        """Returns (reply, delivered message or None)."""
        to = mailing.reader()
        message = lab.message(SENDER, to=to)
        _, _, rest = message.partition(b"\r\n")
        if value is not None:
            rest = b"From: " + value.encode() + b"\r\n" + rest
        rest = more + rest
        with smtp.Client(self.port) as c:
            c.become(HOST, **self.who)
            reply = c.message(sender, to, rest)
        return reply, self.l.sink.take(to) if reply.code == 250 else None


def shown(message):
    """Returns the domains that mail readers may show as the author's."""
    texts = smtp.fields(message, "From")
    found = [address for _, address in email.utils.getaddresses(texts)]
    m = email.message_from_bytes(message, policy=email.policy.default)
    try:
        for field in m.get_all("From", []):
            found += [a.addr_spec for a in field.addresses]
    except (IndexError, ValueError):  # an address that Python cannot parse
        pass
    return {a.rpartition("@")[2].strip("\u00a0\u200b\ufffd. ").lower()
            for a in found}


def is_bank(domain):
    return domain == "bank.example" or domain.endswith(".bank.example")


def delivered_from(message):
    return " | ".join(smtp.fields(message, "From")) or "-"


def faults_of(value, accepted, got, said, reply):
    """Returns descriptions of the errors.  `reply` is the reply in enforce
    mode."""
    readers = shown(got) if got else set()
    is_accepted = reply.code // 100 == 2
    if is_accepted != accepted:
        yield "the reply is %s" % reply
    if any(is_bank(d) for d in readers) and (is_accepted or said == "pass"):
        yield "%s, and shows %s" % (said, ", ".join(sorted(readers)))


def table(path, forms, sender):
    path.l.milter.reload(path.l.monitor)
    delivered = [path.send(value, sender) for value, _ in forms]
    path.l.milter.reload(path.l.enforce)
    faults = []
    for (value, accepted), (said, got) in zip(forms, delivered):
        reply, _ = path.send(value, sender)
        if got is not None:
            said = mailing.ours(got).partition("dmarc=")[2].split(" ")[0]
        print("# %-52.90s -> %-50.90s %-9s %.55s" % (
            ascii(value), ascii(delivered_from(got) if got else "-"), said,
            reply))
        faults += ["%r: %s" % (value, fault) for fault in
                   faults_of(value, accepted, got, said, reply)]
    true(not faults, "\n".join(faults))


@suite.test("Postfix: no form of From is delivered as another author's")
def _(l):
    table(l.paths[0], FORMS, SENDER)


@suite.test("Postfix: bounces")
def _(l):
    table(l.paths[0], BOUNCES, "")


@suite.test("Sendmail: no form of From is delivered as another author's")
def _(l):
    table(l.paths[1], FORMS, SENDER)


@suite.test("Sendmail: bounces")
def _(l):
    table(l.paths[1], BOUNCES, "")


@suite.test("Postfix: forms that an MTA changes")
def _(l):
    table(l.paths[0], CHANGED, SENDER)


@suite.test("Sendmail: forms that an MTA changes")
def _(l):
    table(l.paths[1], [(value, REFUSED) for value, _ in CHANGED], SENDER)


@suite.test("a bounce without From, with Full-Name")
def _(l):
    l.milter.reload(l.enforce)
    for path in l.paths:
        reply, _ = path.send(None, "")
        same(reply.code, 250, str(reply))
        reply, _ = path.send(None, "", b"Full-Name: alice@bank.example\r\n")
        same(str(reply)[:10], "550 5.7.1 ", str(reply))


@suite.test("without From the reply is the same on both")
def _(l):
    l.milter.reload(l.enforce)
    without = None
    for value in (None, "", "alice"):
        replies = [str(p.send(value, SENDER)[0]) for p in l.paths]
        for reply in replies:
            true(reply.startswith("550 5.7.1 The From field "), reply)
        # Sendmail removes an empty field before its milters see it
        same(replies[1], replies[0] if value != "" else without, "replies")
        without = without or replies[0]


def main():
    try:
        postfix.check()
        packages = sendmail.fetch()
    except (postfix.CannotRun, sendmail.CannotRun) as e:
        return suite.skip_all("skipped: %s" % e)
    with lab.Lab(sys.argv[1]) as l:
        l.add_record(ZONE)
        l.start_milter(sendmail.NOT_SKIPPED)
        l.enforce = l.settings(sendmail.NOT_SKIPPED)
        l.monitor = l.settings(sendmail.NOT_SKIPPED + "mode = monitor\n")
        l.start_postfix()
        dns, unused = keydns.two_servers("")
        unused.close()
        l.callback(dns.close)
        dns.records["bank.example", keydns.A] = [socket.inet_aton("192.0.2.1")]
        for alias, target in ALIASES.items():
            dns.records[alias, keydns.CNAME] = [keydns.wire_name(target)]
            dns.records[target, keydns.A] = [socket.inet_aton("192.0.2.1")]
        l.sendmail = sendmail.Sendmail(
            l, sendmail.unpack(packages, l.home),
            "inet:%d@127.0.0.1" % l.where, dns.address)
        l.callback(l.sendmail.stop)
        l.paths = [Path(l, l.smtp_port, STRANGER),
                   Path(l, l.sendmail.port, {})]
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
