#!/usr/bin/env python3
"""Each policy option, each kind of override and each reply code, through a
real Postfix.

usage: policy.py PROGRAM [PART-OF-A-NAME]
"""

import sys
import time

import lab
import postfix
import smtp
from demo import STRANGER
from mailing import delivered, ours, send, settings, verdict
from suite import Suite, holds, lacks, same, true, until

suite = Suite()

# Records that the tests need in addition to the zone of the demonstration.
ZONE = """\
soft.example.          IN TXT "v=spf1 ip4:192.0.2.40 ~all"
wrong.example.         IN TXT "v=spf1 nonsense"
fail.example.          IN TXT "v=spf1 -all exp=why.fail.example"
why.fail.example.      IN TXT "100%% of us say no to %{i}"
;!failed slow.example TXT timeout
keys.example.          IN MX 10 mail.plain.example.
;!failed lost._domainkey.keys.example TXT timeout
testing.example.       IN MX 10 mail.plain.example.
_dmarc.testing.example. IN TXT "v=DMARC1; p=reject; t=y"
*.bank.example.        IN MX 10 mail.bank.example.
_dmarc.zero.example.   IN TXT "v=DMARC1; p=reject; pct=0"
;!failed _dmarc.full.example TXT resource
talk.example.          IN TXT "v=spf1 ip4:203.0.113.0/24 -all"
attack.example.        IN TXT "v=spf1 ip4:203.0.113.0/24 -all"
_dmarc.attack.example. IN TXT "v=DMARC1; p=none"
"""

ALICE = "alice@bank.example"
FORGED = lab.message(ALICE, subject="forged")
PLAIN = lab.message("x@plain.example")
TWO_FROM = b"From: a@plain.example\r\n" + PLAIN
LIST = lab.message(ALICE, more=b"List-Id: A list <a.talk.example>\r\n")
# the list's bounce address, which passes SPF
BOUNCES = "a-bounces@talk.example"

REJECT, TEMPFAIL = "550 ", "451 "


def outcome(l, message, **how):
    """Returns the outcome: accept, annotate, hold, or the rejection reply."""
    who = dict(STRANGER, **how.pop("who", {}))
    reply, got = send(l, message, who=who, **how)
    if reply.code != 250:
        return str(reply)
    fields = smtp.fields(got, "X-Avouch-Quarantine")
    return "annotate " + fields[0] if fields else "accept"


def hold(l, message, sender):
    """Returns the queue that contains an undelivered message."""
    with l.client("host66.isp.example", **STRANGER) as c:
        reply = c.message(sender, "held@example.net", message)
    same(reply.code, 250, str(reply))
    found = until(lambda: [e["queue_name"] for e in l.postfix.queue()
                           if e["queue_id"] == reply.queue_id()], "held")
    l.postfix.drop(reply.queue_id())
    return found


def sender_of(message):
    return smtp.fields(message, "From")[-1]


# ---- outcomes ----

def lost_key(l):
    return l.sign(lab.message("x@keys.example"), "keys.example", "lost")


def plain_from(domain):
    return lambda l: lab.message("x@" + domain)


# option, message, codes of reject and tempfail (RFC 7372 section 3)
OUTCOMES = [
    ("spf", "on_fail", plain_from("fail.example"), "5.7.23", "4.7.23"),
    ("spf", "on_softfail", plain_from("soft.example"), "5.7.1", "4.7.1"),
    ("spf", "on_temperror", plain_from("slow.example"), "5.7.24", "4.7.24"),
    ("spf", "on_permerror", plain_from("wrong.example"), "5.7.24", "4.7.24"),
    ("dkim", "on_temperror", lost_key, "5.7.20", "4.7.20"),
    ("dmarc", "on_reject", lambda l: FORGED, "5.7.26", "4.7.26"),
    ("dmarc", "on_quarantine", plain_from("shop.example"), "5.7.26",
     "4.7.26"),
    ("dmarc", "on_temperror", plain_from("broken.example"), "5.7.1", "4.7.0"),
    ("unauthenticated", "action", plain_from("keys.example"), "5.7.26",
     "4.7.26"),
    ("dmarc", "on_invalid_from", lambda l: TWO_FROM, "5.7.1", "4.7.1"),
]


def only(section, option, action, more=""):
    """Returns settings in which only this option can object to a message."""
    text = {"spf": "", "dkim": "", "dmarc": "", "unauthenticated": ""}
    if (section, option) != ("spf", "on_fail"):
        text["spf"] = " on_fail = accept"
    text[section] += " %s = %s" % (option, action)
    return more + "".join("%s {%s }\n" % item for item in text.items())


def outcome_test(section, option, make, reject, tempfail):
    @suite.test("%s.%s: accept, annotate, hold, reject, tempfail" % (
        section, option))
    def _(l):
        message = make(l)
        sender = sender_of(message)
        rule = "%s.%s" % (section, option)
        for action, wanted in (("accept", "accept"),
                               ("annotate", "annotate " + rule)):
            with settings(l, only(section, option, action)):
                same(outcome(l, message, sender=sender), wanted, action)
        with settings(l, only(section, option, "quarantine")):
            same(hold(l, message, sender), ["hold"], "hold")
        for action, codes in (("reject", REJECT + reject + " "),
                              ("tempfail", TEMPFAIL + tempfail + " ")):
            with settings(l, only(section, option, action)):
                reply = outcome(l, message, sender=sender)
                same(reply[:len(codes)], codes, action)
                holds(reply, "(rule %s)" % rule)
            with settings(l, only(section, option, action,
                                  "mode = monitor\n")):
                field = ours(delivered(l, message, sender=sender))
                holds(field, "would %s, rule %s" % (action, rule))


for row in OUTCOMES:
    outcome_test(*row)


@suite.test("evidence of indirect mail: quarantined and named (RFC 9989 7.4)")
def _(l):
    field = ours(delivered(l, LIST, sender=BOUNCES))
    holds(field, "dis=quarantine")
    holds(field, "a.talk.example")
    same(outcome(l, LIST)[:10], "550 5.7.26", "a List-Id that anyone can write")
    same(outcome(l, lab.message(ALICE, more=b"Precedence: list\r\n"),
                 sender=BOUNCES)[:10], "550 5.7.26", "no evidence")
    with settings(l, "dmarc { indirect_as_quarantine = false }\n"):
        same(outcome(l, LIST, sender=BOUNCES)[:10], "550 5.7.26",
             "without the rule")
    with settings(l, 'trusted_forwarders = { "203.0.113.0/24" }\n'):
        field = ours(delivered(l, FORGED))
        holds(field, "trusted forwarder")
    results = b"mx.lists.example; dmarc=pass header.from=bank.example"
    sealed = l.seal(FORGED, "lists.example", results)
    same(outcome(l, sealed)[:10], "550 5.7.26", "not trusted")
    with settings(l, 'arc { trusted_sealers = { "lists.example" } }\n'):
        field = ours(delivered(l, sealed))
        same(lab.results(field)["arc"], "pass", "arc")
        holds(field, "sealed by lists.example")
        same(outcome(l, sealed.replace(b"forged", b"changed"))[:10],
             "550 5.7.26", "a broken chain")
    with settings(l, "dmarc { on_quarantine = reject }\n"):
        same(outcome(l, LIST, sender=BOUNCES),
             "annotate dmarc.indirect_as_quarantine", "never refused")


@suite.test("t=y: a policy in test mode is one level weaker (RFC 9989 4.7)")
def _(l):
    field = ours(delivered(l, lab.message("x@testing.example")))
    holds(field, "p=reject dis=quarantine")


@suite.test("pct=0 is ignored (RFC 9989 A.6)")
def _(l):
    same(outcome(l, lab.message("x@zero.example"))[:10], "550 5.7.26",
         "ignored")


@suite.test("on_overload: mail that we lack resources for is deferred")
def _(l):
    full = lab.message("x@full.example")
    same(outcome(l, full, sender="x@full.example")[:25],
         "451 4.7.0 This message ca", "deferred")
    with settings(l, "dmarc { on_temperror = accept }\n"):
        holds(outcome(l, full), "(rule on_overload)")
    with settings(l, "on_overload = accept\n"):
        same(outcome(l, full), "accept", "by the operator")
    with settings(l, "mode = monitor\n"):
        holds(ours(delivered(l, full)), "would tempfail, rule on_overload")


# ---- the author (RFC 9989 section 11.5) ----

SHOWN = b"admin@bank.example"  # address shown to the reader
FORGERIES = [
    ("no From field", b"X-From: " + SHOWN),
    ("an empty one", b"From: "),
    ("a name alone", b"From: Bank of Example"),
    ("two fields, the forged one last",
     b"From: x@attack.example\r\nFrom: " + SHOWN),
    ("two fields, one with a space before the colon",
     b"From: x@attack.example\r\nFrom : " + SHOWN),
    ("a list of two authors", b"From: x@attack.example, " + SHOWN),
    ("a group", b"From: Friends: x@attack.example, " + SHOWN + b";"),
    ("after a route", b"From: <@attack.example:" + SHOWN + b">"),
    ("two addresses in angle brackets",
     b"From: <x@attack.example> <" + SHOWN + b">"),
    ("a no-break space after the domain",
     b"From: Bank (x@attack.example) <" + SHOWN + b"\xc2\xa0>"),
    ("a quoted pair in the domain",
     b"From: x@attack.example <admin@b\\ank.example>"),
    ("an address as the name", b'From: "x@attack.example" <' + SHOWN + b">"),
    ("capitals and a final dot", b"From: <ADMIN@Bank.EXAMPLE.>"),
    ("a name below the domain that is not a host name",
     b"From: admin@a+b.bank.example"),
    ("nine authors", b"From: " + b"".join(
        b"x@a%d.attack.example, " % i for i in range(8)) + SHOWN),
]


def forged_as(field):
    return field + b"\r\n" + PLAIN.partition(b"\r\n")[2]


@suite.test("forged From fields: refused with 550 5.7.1 or 5.7.26")
def _(l):
    for what, field in FORGERIES:
        reply = outcome(l, forged_as(field), sender="x@attack.example")
        true(reply.startswith(("550 5.7.1 The From field of this message is "
                               "invalid: ", "550 5.7.26 DMARC policy of ")),
             "%s: %s" % (what, reply))
    field = ours(delivered(l, forged_as(b"From: x@attack.example"),
                           sender="x@attack.example"))
    holds(field, "dmarc=pass")


@suite.test("forged From fields: monitor mode, and mail from own users")
def _(l):
    with settings(l, "mode = monitor\n"):
        for what, field in FORGERIES:
            got = ours(delivered(l, forged_as(field),
                                 sender="x@attack.example"))
            holds(got, "would reject, rule dmarc.on_")
            lacks(got, "dmarc=pass")
        line = l.milter.wait_log(event="message", dmarc="permerror",
                                 from_fault="no From field")
        same((line["action"], line["would"], line["rule"]),
             ("accept", "reject", "dmarc.on_invalid_from"), "log")
    same(outcome(l, forged_as(b"X-From: x"), sender="x@attack.example",
                 who=dict(LOGIN="bob")), "accept", "own user")


@suite.test("a bounce may have no author in From, but not another domain")
def _(l):
    for what, field, wanted in (
            ("nobody", b"From: Mail Delivery Subsystem <MAILER-DAEMON>",
             "accept"),
            ("no field", b"X-From: x", "accept"),
            ("a domain", b"From: " + SHOWN, "550 5.7.26"),
            ("two fields", b"From: x@attack.example\r\nFrom: " + SHOWN,
             "550 5.7.1 ")):
        same(outcome(l, forged_as(field), sender="")[:10], wanted, what)


@suite.test("SPF refuses nothing that passes DMARC (RFC 9989 7.1)")
def _(l):
    with settings(l, "spf { on_fail = reject }\n"):
        same(outcome(l, l.sign(FORGED, "bank.example")), "accept",
             "DKIM vouches for it")


@suite.test("several rules match: the most severe action wins (RFC 7372 4)")
def _(l):
    with settings(l, "spf { on_fail = reject }\n"):
        reply = outcome(l, FORGED)
        same(reply[:10], "550 5.7.26", "code")
    with settings(l, "spf { on_fail = tempfail } "
                  "dmarc { on_reject = annotate }\n"):
        same(outcome(l, FORGED)[:10], "451 4.7.23", "code")


# ---- which signatures are accepted ----

@suite.test("dkim: min_rsa_bits, l=, x=, t=, two signatures")
def _(l):
    def result(message):
        return verdict(l, message)["dkim"]

    m = lab.message(ALICE, body=b"one\r\n")
    now = int(time.time())
    tail = l.sign(m, "bank.example", tags=" l=5;") + b"a tail\r\n"
    old = l.sign(m, "bank.example", tags=" t=%d; x=%d;" % (now - 99, now - 9))
    new = l.sign(m, "bank.example", tags=" t=%d;" % (now + 200))
    future = l.sign(m, "bank.example", tags=" t=%d;" % (now + 86400))
    two = l.sign(l.sign(PLAIN, "news.example"), "shop.example")
    small = l.sign(m, "news.example")
    for settings_, message, wanted in (
            ("", tail, "policy"), ("", old, "fail"), ("", new, "pass"),
            ("", future, "fail"), ("", small, "pass"),
            ("min_rsa_bits = 2048", small, "policy"),
            ("min_rsa_bits = 1024", small, "pass")):
        with settings(l, "dkim { %s }\ndmarc { on_reject = accept }\n"
                      % settings_):
            same(result(message), wanted, "%r %r" % (settings_,
                                                     message[:300]))
    same(ours(delivered(l, two)).count("dkim=pass"), 2, "two")


# ---- mode and sample ----

@suite.test("monitor: nothing is ever rejected, held or annotated")
def _(l):
    every = "mode = monitor\n"
    for section in ("spf", "dkim", "dmarc", "unauthenticated"):
        every += "%s {%s }\n" % (section, "".join(
            " %s = reject" % o for s, o, *_ in OUTCOMES if s == section))
    every += ('override "no" { from_domain = "other.example" '
              "action = tempfail }\n")
    with settings(l, every):
        for section, option, make, *_ in OUTCOMES:
            message = make(l)
            got = delivered(l, message, sender=sender_of(message))
            same(smtp.fields(got, "X-Avouch-Quarantine"), [], "annotated")
            holds(ours(got), "would reject, rule ")
        holds(ours(delivered(l, lab.message("x@other.example"))),
              "would tempfail, rule override no")
        line = l.milter.wait_log(event="message", rule="override no")
        same((line["action"], line["would"]), ("accept", "tempfail"), "log")


@suite.test("sample: chosen by domain, always the same, and a superset if "
            "larger")
def _(l):
    senders = ["x@d%d.bank.example" % i for i in range(30)]
    refused = {}
    for percent in ("0%", "20%", "20%", "60%", "100%"):
        with settings(l, "sample = %s\n" % percent):
            now = set()
            for s in senders:
                reply, got = send(l, lab.message(s))
                if reply.code == 550:
                    now.add(s)
                else:
                    holds(ours(got), "would reject")
        same(refused.setdefault(percent, now), now, "the same again")
    same(len(refused["0%"]), 0, "0%")
    same(len(refused["100%"]), 30, "100%")
    true(0 < len(refused["20%"]) < len(refused["60%"]) < 30, str(refused))
    true(refused["20%"] < refused["60%"], "a ramp")


# ---- own users ----

@suite.test("skips: logins, listed networks; without the options, all are "
            "checked")
def _(l):
    for more, who, wanted in (
            ("", dict(LOGIN="bob"), "accept"),
            ("skip_authenticated = false\n", dict(LOGIN="bob"), "550"),
            ('skip_networks = { "203.0.113.64/26" }\n', {}, "accept"),
            ('skip_networks = { "203.0.113.0/26" }\n', {}, "550")):
        with settings(l, more):
            same(outcome(l, FORGED, who=who).split()[0], wanted,
                 "%s %s" % (more, who))


# ---- overrides ----

def override(text, name="x", action="reject"):
    return 'override "%s" { %s action = %s }\n' % (name, text, action)


# condition, how to send mail that meets it, how to send mail that does not
KINDS = [
    ('from_domain = "plain.example"', {}, {"from_": "x@a.plain.example"}),
    ('from_domain = ".plain.example"', {"from_": "x@a.plain.example"}, {}),
    ('from_domain = "*.plain.example"', {"from_": "x@a.b.plain.example"}, {}),
    ('from_domain = "**.plain.example"', {}, {"from_": "x@explain.example"}),
    ('from_domain = "**.plain.example"', {"from_": "x@a.plain.example"},
     {"from_": "x@plain.example.net"}),
    ('from_domain = "PLAIN.example"', {"from_": "x@Plain.Example"},
     {"from_": "x@other.example"}),
    ('mail_from_domain = "plain.example"', {},
     {"sender": "x@other.example"}),
    ('mail_from_domain = "<>"', {"sender": ""}, {}),
    ('dkim_domain = "*.signer.example"', {"signed": True},
     {"signed": "broken"}),
    ('client = "203.0.113.66"', {}, {"who": dict(ADDR="203.0.113.67")}),
    ('client = { "192.0.2.0/24", "203.0.113.64/26" }', {},
     {"who": dict(ADDR="203.0.113.63")}),
    ('recipient_domain = "example.net"', {}, None),
    ('recipient_domain = "other.example"', None, {}),
    ('list_id = "*.lists.example"', {"list": "a.lists.example"},
     {"list": "lists.example"}),
    ('list_id = "a.lists.example"', {"list": "a.lists.example"}, {}),
    ('from_domain = "plain.example" client = "203.0.113.66"', {},
     {"who": dict(ADDR="203.0.113.67")}),
    ('from_domain = { "other.example", "plain.example" }', {},
     {"from_": "x@third.example"}),
]


def override_message(l, from_="x@plain.example", **how):
    more = b""
    if "list" in how:
        more = b"List-Id: <%s>\r\n" % how.pop("list").encode()
    message = lab.message(from_, more=more)
    signed = how.pop("signed", False)
    if signed:
        message = l.sign(message, "a.signer.example")
    if signed == "broken":
        message = message.replace(b"Subject: ", b"Subject: not ")
    return message, dict(how, sender=how.get("sender", from_))


@suite.test("overrides: each condition, met and not met")
def _(l):
    for condition, meets, differs in KINDS:
        with settings(l, override(condition, "a name")):
            if meets is not None:
                message, how = override_message(l, **meets)
                reply = outcome(l, message, **how)
                same(reply[:10], "550 5.7.1 ", condition)
                holds(reply, "(rule override a name)")
            if differs is not None:
                message, how = override_message(l, **differs)
                same(outcome(l, message, **how), "accept", condition)


@suite.test("overrides: each action, shown in A-R, reply and log")
def _(l):
    text = 'from_domain = "plain.example" reason = "ticket 4711"'
    for action, wanted in (("reject", "550 5.7.1 "), ("tempfail", "451 4.7.1"),
                           ("annotate", "annotate override partner"),
                           ("accept", "accept")):
        with settings(l, override(text, "partner", action)):
            got = outcome(l, PLAIN)
            same(got[:len(wanted)], wanted, action)
            line = l.milter.wait_log(event="message", action=action,
                                     rule="override partner")
            same(line["reason"], "ticket 4711", "log")
    with settings(l, override(text, "partner", "quarantine")):
        same(hold(l, PLAIN, "x@plain.example"), ["hold"], "hold")
    text = 'from_domain = "bank.example" reason = "ticket 4711"'
    with settings(l, override(text, "partner", "accept")):
        field = ours(delivered(l, FORGED))
        holds(field, "override partner")
        holds(field, "dmarc=fail")


@suite.test("overrides: the first match decides; expired ones are ignored")
def _(l):
    first = override('client = "203.0.113.66"', "first", "accept")
    second = override('from_domain = "bank.example"', "second", "tempfail")
    with settings(l, first + second):
        same(outcome(l, FORGED), "accept", "first")
    with settings(l, second + first):
        same(outcome(l, FORGED)[:9], "451 4.7.1", "second")
    old = override('client = "203.0.113.66" expires = "2020-12-31"', "first",
                   "accept")
    with settings(l, old + second):
        same(outcome(l, FORGED)[:9], "451 4.7.1", "expired")
    with settings(l, old):
        same(outcome(l, FORGED)[:10], "550 5.7.26", "expired")
        l.milter.wait_log(event="message", expired_override="first")
    with settings(l, "sample = 0%\n" + override(
            'from_domain = "plain.example"')):
        same(outcome(l, PLAIN)[:9], "550 5.7.1", "sample does not apply to "
                                                 "overrides")


@suite.test("overrides: one that lets mail through must match all authors")
def _(l):
    two = lab.message("a@plain.example, b@bank.example").replace(
        b"From: a@plain.example, b@bank.example",
        b"Sender: a@plain.example\r\nFrom: a@plain.example, b@bank.example")
    with settings(l, override('from_domain = "plain.example"', "x", "accept")):
        same(outcome(l, two, sender="a@plain.example")[:4], "550 ",
             "the other author")


# ---- replies ----

@suite.test("reply: texts, placeholders, link; codes stay")
def _(l):
    texts = ("reply {\n"
             ' reject_text = "{domain}|{rule}|{client}|{reason}|{url}"\n'
             ' url = "https://example.net/?d={domain}&r={rule}&w={reason}"\n'
             "}\n")
    with settings(l, texts):
        reply = outcome(l, FORGED)
        same(reply[:11], "550 5.7.26 ", "code")
        holds(reply, "bank.example|dmarc.on_reject|203.0.113.66|bank.example "
              "fails DMARC and its policy is reject|https://example.net/"
              "?d=bank.example&r=dmarc.on_reject&w=bank.example%20fails")
    with settings(l, texts + "dmarc { on_reject = tempfail }\n"):
        reply = outcome(l, FORGED)
        same(reply[:11], "451 4.7.26 ", "code")
        lacks(reply, "203.0.113.66")
        holds(reply, "; see https://example.net/?d=bank.example")
    with settings(l, 'reply { url = "https://example.net/" }\n'):
        reply = outcome(l, FORGED)
        holds(reply, "DMARC policy of bank.example rejects this message "
              "(rule dmarc.on_reject); see https://example.net/")


@suite.test("reply: SPF's explanation is marked as a third party's (7208 6.2)")
def _(l):
    with settings(l, "spf { on_fail = reject }\n"):
        reply = outcome(l, lab.message("x@fail.example"))
        holds(reply, "fail.example explains: 100% of us say no to "
              "203.0.113.66")


@suite.test("authserv_id: in our field, and in fields that are removed")
def _(l):
    claim = b"Authentication-Results: other.example.net; spf=pass\r\n"
    text = l.settings().replace(lab.HOST, "other.example.net")
    l.milter.reload(text)
    try:
        got = delivered(l, claim + PLAIN)
        fields = smtp.fields(got, "Authentication-Results")
        same(len(fields), 1, "fields")
        true(fields[0].startswith("other.example.net;"), fields[0])
        lacks(fields[0], "spf=pass")
    finally:
        l.milter.reload(l.settings())


def main():
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all("skipped: %s" % e)
    with lab.Lab(sys.argv[1]) as l:
        for line in ZONE.splitlines():
            l.add_record(line)
        for domain, kind in (("bank.example", "rsa"), ("lists.example", "rsa"),
                             ("shop.example", "ed25519"),
                             ("a.signer.example", "ed25519")):
            l.add_key(domain, kind)
        l.add_key("news.example", "rsa", bits=1024)
        # its record does not exist
        l.keys["lost", "keys.example"] = l.keys["demo", "bank.example"]
        l.start_milter()
        l.start_postfix()
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
