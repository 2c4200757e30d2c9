#!/usr/bin/env python3
"""avouch audit --message and --bounce: the rules of large receivers.

usage: message.py PROGRAM [PART-OF-A-NAME]
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "cli"))

import command  # noqa: E402
import signing  # noqa: E402
from command import NOW, OK, TEMPFAIL  # noqa: E402
from suite import Suite, holds, lacks, same, true  # noqa: E402

suite = Suite()

ZONE = """\
$TTL 300
example.com. IN TXT "v=spf1 ip4:192.0.2.1 -all"
1.2.0.192.in-addr.arpa. IN PTR mail.example.com.
mail.example.com. IN A 192.0.2.1
_dmarc.example.com. IN TXT "v=DMARC1; p=reject"
example.com. IN MX 10 mail.example.com.
bare.example. IN MX 10 mail.example.com.
down.example. IN MX 10 mail.example.com.
other.example. IN MX 10 mail.example.com.
null.example. IN MX 0 .
www.example. IN TXT "no mail"
bare.example. IN TXT "v=spf1 ip4:192.0.2.1 -all"
open.example. IN TXT "v=spf1 +all"
typo.example. IN TXT "v=spf1 ip4:192.0.2.300 -all"
7.113.0.203.in-addr.arpa. IN PTR dyn-7-113-0.isp.example.
dyn-7-113-0.isp.example. IN A 203.0.113.7
;!failed _dmarc.down.example. TXT servfail
"""

RECEIVED = (b"Return-Path: <ann@%s>\r\nReceived: from mail.example.com "
            b"(mail.example.com [%s])\r\n\tby mx.example.net (Postfix) with "
            b"%s id 1\r\n\tfor <bob@example.net>; Thu, 1 Jan 2026 00:00:05 "
            b"+0000 (UTC)\r\n")

MESSAGE = b"""\
From: Ann <ann@example.com>\r
To: bob@example.net\r
Subject: one\r
Date: Thu, 1 Jan 2026 00:00:00 +0000\r
Message-ID: <1@example.com>\r
\r
Hello.\r
"""

UNSUBSCRIBE = (b"List-Unsubscribe: <https://example.com/u>\r\n"
               b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")


def audit(c, message, sign=None, names=None, sender=b"example.com",
          client=b"192.0.2.1", protocol=b"ESMTPS", status=OK):
    if sign:
        message = signing.sign(message, sign, "example.com", "s1",
                               **({"headers": names} if names else {}))
    path = c.file("audited.eml", RECEIVED % (sender, client, protocol) +
                  message)
    zone = c.file("message.zone", ZONE + signing.txt(
        "s1._domainkey.example.com.", sign.record() if sign else "v=DKIM1; p="
    ) + "\n")
    return c.run("audit", "--message", path, "--zone", zone, "--now", NOW,
                 "--json", status=status).json()


def errors(result, severity="error"):
    """Returns a sorted list such as "Gmail 550 5.7.26: unauthenticated"."""
    return sorted("%s: %s" % (f["section"].split(", as of")[0], f["id"])
                  for f in result["findings"] if f["severity"] == severity)


@suite.test("a good message: no findings, and its facts")
def good(c):
    result = audit(c, MESSAGE, c.rsa)
    same(result["findings"], [], "findings")
    same({k: result[k] for k in ("spf", "dkim", "dmarc", "spf_aligned",
                                 "dkim_aligned", "client", "mail_from",
                                 "confirmed_name", "client_name", "helo",
                                 "spf_helo", "tls", "bulk")},
         {"spf": "pass", "dkim": "pass", "dmarc": "pass", "spf_aligned": True,
          "dkim_aligned": True, "client": "192.0.2.1",
          "mail_from": "ann@example.com", "confirmed_name": "yes",
          "client_name": "mail.example.com", "helo": "mail.example.com",
          "spf_helo": "none", "tls": "yes", "bulk": False}, "facts")


@suite.test("hops inside the receiver's network are not judged")
def hops(c):
    inner = {
        "LMTP": b"Received: from mx.example.net by mx.example.net with LMTP id 2"
                b"; Thu, 1 Jan 2026 00:00:06 +0000\r\n",
        "Gmail": b"Received: by 2002:a05:6a10:1 with SMTP id 3; Thu, 1 Jan 2026 "
                 b"00:00:06 +0000\r\n",
        "gateway": b"Received: from gw ([10.0.0.5]) by mx.example.net with ESMTP;"
                   b" Thu, 1 Jan 2026 00:00:06 +0000\r\n",
        "filter": b"Received: from localhost ([127.0.0.1]) by mx.example.net with"
                  b" ESMTP; Thu, 1 Jan 2026 00:00:06 +0000\r\n"}
    message = signing.sign(MESSAGE, c.rsa, "example.com", "s1")
    outer = RECEIVED % (b"example.com", b"192.0.2.1", b"ESMTPS")
    zone = c.file("message.zone", ZONE + signing.txt(
        "s1._domainkey.example.com.", c.rsa.record()) + "\n")
    for name, text in inner.items():
        for more, want in ((outer, ("192.0.2.1", "yes", [])),
                           (b"", ("unknown", "unknown", []))):
            path = c.file("hops.eml", text + more + message)
            r = c.run("audit", "--message", path, "--zone", zone, "--now", NOW,
                      "--json").json()
            same((r["client"], r["tls"], r["findings"]), want, name)


@suite.test("neither SPF nor DKIM: Gmail 5.7.26, Yahoo 5.7.9, policy 5.7.509")
def unauthenticated(c):
    result = audit(c, MESSAGE, client=b"203.0.113.9")
    got = errors(result)
    for want in ("Gmail 550 5.7.26: unauthenticated",
                 "Yahoo 550 5.7.9: unauthenticated",
                 "Gmail 550 5.7.26: spf-refuses",
                 "Gmail 550 5.7.26: dmarc-policy",
                 "Yahoo 554 5.7.9: dmarc-policy",
                 "Outlook.com 550 5.7.509: dmarc-policy",
                 "GMX and WEB.DE 554: dmarc-policy",
                 "Gmail 550 5.7.25: ptr"):
        true(want in got, "%s is not in %s" % (want, got))
    true("Outlook.com: unauthenticated" in errors(result, "warning"), "junk")
    true("Gmail 550 5.7.30, bulk senders: dkim" in errors(result, "hint"),
         "a rule for bulk senders")


@suite.test("SPF alone: only rules for bulk senders and GMX are broken")
def spf_alone(c):
    result = audit(c, MESSAGE)
    same(errors(result), ["GMX and WEB.DE: dkim"], "errors")
    bulk = audit(c, UNSUBSCRIBE + MESSAGE)
    for want in ("Gmail 550 5.7.30, bulk senders: dkim",
                 "Outlook.com 550 5.7.515, bulk senders: dkim"):
        true(want in errors(bulk), want)
    true("Gmail, bulk senders: unsubscribe-unsigned" in
         errors(bulk, "warning"), "unsigned")


@suite.test("not aligned; no DMARC record: 5.7.32, 5.7.40, 5.7.515")
def unaligned(c):
    result = audit(c, UNSUBSCRIBE + MESSAGE, sender=b"bare.example")
    true("Gmail 421 5.7.32, bulk senders: unaligned" in errors(result),
         errors(result))
    result = audit(c, UNSUBSCRIBE + MESSAGE.replace(
        b"ann@example.com", b"ann@bare.example"), sender=b"bare.example")
    for want in ("Gmail 550 5.7.40, bulk senders: no-dmarc",
                 "Outlook.com 550 5.7.515, bulk senders: no-dmarc"):
        true(want in errors(result), errors(result))


@suite.test("an SPF record that is broken or lets everyone pass: Gmail 5.7.24")
def spf_record(c):
    for sender, want in ((b"open.example", ["Gmail 550 5.7.24: spf-record"]),
                         (b"typo.example", ["Gmail 550 5.7.24: spf-record",
                                            "laposte.net: spf-broken"])):
        got = errors(audit(c, MESSAGE, c.rsa, sender=sender))
        same([e for e in got if "spf-" in e], want, sender)


@suite.test("a client whose name is generic for a network")
def generic(c):
    result = audit(c, MESSAGE, c.rsa, client=b"203.0.113.7")
    same((result["client_name"], [e for e in errors(result, "warning")
                                  if "generic" in e]),
         ("dyn-7-113-0.isp.example", ["GMX and WEB.DE: generic-ptr",
                                      "Yahoo: generic-ptr"]))
    lacks([e.split(": ")[1] for e in errors(result)], "ptr")


@suite.test("the header: From, Message-ID, Date, duplicates, bytes, TLS")
def header(c):
    for change, want in (
            ((b"From: Ann", b"From: Eve <eve@other.example>\r\nFrom: Ann"),
             ["Gmail 550 5.7.1: duplicate", "Gmail 550 5.7.1: from",
              "Yahoo 554: duplicate", "Yahoo 554: from"]),
            ((b"Message-ID: <1@example.com>\r\n", b""),
             ["Gmail 550 5.7.1: message-id"]),
            ((b"<1@example.com>", b"<1>"), ["Gmail 550 5.7.1: message-id"]),
            ((b"Date: Thu, 1 Jan 2026", b"Date: Thu, 1 Jan 2015"),
             ["Yahoo 554: date"]),
            ((b"Date: Thu, 1 Jan 2026", b"Date: yesterday"),
             ["Yahoo 554: date"]),
            ((b"Subject: one\r\n", b"Subject: one\r\nSubject: two\r\n"),
             ["Gmail 550 5.7.1: duplicate", "Yahoo 554: duplicate"]),
            ((b"Subject: one", b"Subject: \xc3\xa9t\xc3\xa9"),
             ["Gmail 550 5.7.1: eight-bit"])):
        result = audit(c, MESSAGE.replace(*change), c.rsa)
        got = [e for e in errors(result) if "unauth" not in e and
               "dmarc" not in e and "dkim" not in e]
        same(got, want, change)
    result = audit(c, MESSAGE, c.rsa, protocol=b"ESMTP")
    same((errors(result), errors(result, "hint")),
         ([], ["Gmail 550 5.7.29, bulk senders: tls"]), "TLS")


@suite.test("domains to which replies are impossible; encoded words in addresses")
def domains(c):
    for domain, want, advice in (
            (b"nowhere.test", ["Gmail 550 5.7.1: no-domain",
                               "Yahoo 554: no-domain"], []),
            (b"null.example", ["Yahoo 554: null-mx"],
             ["Outlook.com: no-mail"]),
            (b"www.example", [], ["Outlook.com: no-mail"])):
        result = audit(c, MESSAGE.replace(b"ann@example.com", b"ann@" + domain),
                       c.rsa)
        same([e for e in errors(result) if "no-" in e or "null" in e], want,
             domain)
        same([e for e in errors(result, "warning") if "no-mail" in e], advice,
             domain)
    for change, want in (
            ((b"<1@example.com>", b"<=?utf-8?q?1?=@example.com>"), 1),
            ((b"<ann@example.com>", b"<=?utf-8?q?ann?=@example.com>"), 1),
            ((b"From: Ann", b"From: =?utf-8?q?Ann?="), 0)):
        result = audit(c, MESSAGE.replace(*change), c.rsa)
        same(len([e for e in errors(result) if "encoded-word" in e]), want,
             change)


@suite.test("one-click unsubscribe: both fields, and both signed (RFC 8058)")
def unsubscribe(c):
    signed = signing.HEADERS + ["list-unsubscribe", "list-unsubscribe-post"]
    same(audit(c, UNSUBSCRIBE + MESSAGE, c.rsa, signed)["findings"], [],
         "signed")
    for message in (UNSUBSCRIBE.split(b"\n")[0] + b"\n" + MESSAGE,
                    UNSUBSCRIBE.replace(b"https:", b"http:") + MESSAGE,
                    b"Precedence: bulk\r\n" + MESSAGE):
        same(errors(audit(c, message, c.rsa), "warning"),
             ["Gmail, bulk senders: unsubscribe",
              "Yahoo, bulk senders: unsubscribe"], message[:60])


@suite.test("a small key; temporary DNS errors")
def keys(c):
    small = signing.Key("rsa", c.home, 512)
    true("Gmail: small-key" in errors(audit(c, MESSAGE, small)), "small")
    result = audit(c, MESSAGE.replace(b"ann@example.com", b"ann@down.example"),
                   status=TEMPFAIL)
    same((errors(result), result["unsure"]), ([], True), "DNS")


@suite.test("options replace facts of the message; exit status with --fail-on")
def options(c):
    path = c.file("plain2.eml", MESSAGE)
    zone = c.file("message2.zone", ZONE)
    run = ("audit", "--message", path, "--zone", zone, "--now", NOW)
    r = c.run(*run)
    holds(r.out, "use --ip")
    r = c.run(*run, "--ip", "192.0.2.1", "--helo", "mail.example.com",
              "--mail-from", "ann@example.com", "--json").json()
    same((r["spf"], r["client"], r["tls"]), ("pass", "192.0.2.1", "unknown"),
         "options")
    same(c.run(*run, "--fail-on", "error", status=None).status, 1, "error")
    with open(path, "rb") as f:
        same(c.run("audit", "--message", "-", *run[3:], stdin=f.read()).out,
             c.run(*run).out, "standard input")


# text, expected findings
BOUNCES = [
    ("550-5.7.26 Your email has been blocked because the sender is "
     "unauthenticated. gsmtp", ["gmail.unauthenticated"]),
    ("550 5.7.26 Unauthenticated email from example.com is not accepted due to "
     "domain's DMARC policy. - gsmtp", ["gmail.dmarc-policy"]),
    # only the first line of a reply, without the name of the receiver
    ("550-5.7.26 Unauthenticated email from example.com is not accepted due to "
     "domain's DMARC policy.", ["gmail.dmarc-policy"]),
    ("550-5.7.26 Your email has been blocked because the sender is "
     "unauthenticated.", ["gmail.unauthenticated"]),
    ("550 5.7.26 The MAIL FROM domain [example.com] has an SPF record with a "
     "hard fail policy (-all)", ["gmail.spf-refuses"]),
    ("550 5.7.26 not authenticated", ["any.unauthenticated"]),
    ("550 5.7.26 The MAIL FROM domain [example.com] has an SPF record with a "
     "hard fail policy (-all) but it fails to pass SPF checks. gsmtp",
     ["gmail.spf-refuses"]),
    ("status=bounced (host gmail-smtp-in.l.google.com[142.250.27.27] said: "
     "550-5.7.25 [192.0.2.1] The IP address sending this message does not have "
     "a PTR record", ["gmail.ptr"]),
    ("421 4.7.27 Your email has been rate limited because SPF authentication "
     "didn't pass. gsmtp", ["gmail.spf"]),
    ("550 5.7.515 Access denied, sending domain EXAMPLE.COM doesn't meet the "
     "required authentication level. Spf= Pass , Dkim= Fail , DMARC= Pass "
     "[prod.protection.outlook.com]", ["outlook.dkim"]),
    ("550 5.7.509 Access denied, sending domain example.com does not pass DMARC "
     "verification and has a DMARC policy of reject. outlook.com",
     ["outlook.dmarc-policy"]),
    ("554 5.7.9 Message not accepted for policy reasons. See "
     "https://postmaster.yahooinc.com/error-codes",
     ["yahoo.dmarc-policy", "yahoo.unauthenticated"]),
    ("status=bounced (host gmail-smtp-in.l.google.com said: 550-5.7.26 Your email "
     "has been blocked because the sender is unauthenticated.)\n"
     "status=bounced (host mta7.am0.yahoodns.net said: 554 5.7.9 Message not "
     "accepted for policy reasons)\n550 5.7.515 Access denied, outlook.com. Spf= "
     "Pass , Dkim= Pass , DMARC= Fail",
     ["gmail.unauthenticated", "outlook.no-dmarc", "outlook.unaligned",
      "yahoo.dmarc-policy", "yahoo.unauthenticated"]),
    ("550-5.7.1 [192.0.2.1] Our system has detected that this message is likely "
     "unsolicited\n550-5.7.1 mail. To reduce the amount of spam sent to Gmail, "
     "this message has been\n550 5.7.1 blocked. - gsmtp", []),
    ("550 5.7.1 <x@gmail.com>: Recipient address rejected", []),
    ("550-5.7.1 [192.0.2.1] This message is not RFC 5322 compliant, the issue "
     "is:\n550-5.7.1 duplicate headers. To reduce the amount of spam\n550 5.7.1 "
     "specifications for more information. - gsmtp", ["gmail.duplicate"]),
    ("550-5.7.1 Messages missing a valid messageId header are not\n550 5.7.1 "
     "accepted. - gsmtp\n\nMessage-ID: <1@example.com>\nFrom: a@example.com",
     ["gmail.message-id"]),
    ("550 5.7.1 Messages with multiple addresses in From: header are not "
     "accepted. - gsmtp", ["gmail.from"]),
    ("550-5.7.27 Your email has been blocked because SPF didn't pass. gsmtp\n\n"
     "Authentication-Results: mx.example.com; spf=pass dkim=pass",
     ["gmail.spf"]),
    ("550-5.7.26 Unauthenticated email from example.com is not accepted due to "
     "domain's DMARC policy. gsmtp\n550-5.7.26 Your email has been blocked "
     "because the sender is unauthenticated. gsmtp",
     ["gmail.dmarc-policy", "gmail.unauthenticated"]),
    ("550 5.7.515 Access denied, sending domain EXAMPLE.COM doesn't meet the\n"
     " required authentication level. Spf= Pass , Dkim= Fail , DMARC= Pass\n"
     " [prod.protection.outlook.com]", ["outlook.dkim"]),
    ("Diagnostic-Code: smtp; 550 5.7.23 SPF validation failed", ["any.spf"]),
    ("550 5.1.1 no such user; 192.0.2.1 5.7.26.1 15.7.26 5.7.261", []),
    ("", []),
]


@suite.test("--bounce: the rule behind a refusal")
def bounces(c):
    for text, want in BOUNCES:
        result = c.run("audit", "--bounce", "-", "--json",
                       stdin=text.encode()).json()
        same(sorted("%s.%s" % (f["area"], f["id"])
                    for f in result["findings"]), want, text)
    holds(c.run("audit", "--bounce", "-", stdin=b"hello").out, "no known reply")
    holds(c.run("audit", "--bounce", "-",
                stdin=b"550 5.7.1 8-bit in header. gsmtp").out,
          "bytes that are not ASCII: the reply gives no details")


@suite.test("--bounce: a delivery status notification (RFC 3464)")
def notification(c):
    path = c.file("dsn.eml", b"From: MAILER-DAEMON@mx.example.net\r\n"
                  b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n"
                  b"Content-Type: message/delivery-status\r\n\r\n"
                  b"Reporting-MTA: dns; mx.example.net\r\n\r\n"
                  b"Final-Recipient: rfc822; bob@gmail.com\r\nAction: failed\r\n"
                  b"Status: 5.7.26\r\nRemote-MTA: dns; "
                  b"gmail-smtp-in.l.google.com\r\nDiagnostic-Code: smtp; "
                  b"550-5.7.26 This mail has been blocked because the sender is "
                  b"unauthenticated.\r\n 550-5.7.26 Gmail requires all senders "
                  b"to authenticate with either SPF or DKIM.\r\n\r\n--x--\r\n")
    result = c.run("audit", "--bounce", path, "--json").json()
    same([(f["area"], f["id"], f["severity"]) for f in result["findings"]],
         [("gmail", "unauthenticated", "error")], "findings")


@suite.test("hostile bytes in a message and in a bounce are shown as text")
def hostile(c):
    bad = b"\x1b[31m\xff\x00\xe2\x80\xae"
    path = c.file("hostile.eml", b"Received: from (((( [" + bad + b"\r\nFrom: " +
                  bad + b"\r\nMessage-ID: " + bad + b"\r\n\r\n")
    c.run("audit", "--message", path, "--zone", c.zone, status=None)
    c.run("audit", "--bounce", path)
    for receivers in (b"", b" gmail DMARC policy", b" gmail DMARC policy yahoo"):
        c.run("audit", "--bounce", "-", stdin=b"5.7.26 " * 140000 + receivers)


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
