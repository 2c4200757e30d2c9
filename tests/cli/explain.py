#!/usr/bin/env python3
"""The text output of the avouch command: --explain, --lint, the lines of each
result, and answers from the network.

usage: explain.py PROGRAM [PART-OF-A-NAME]
"""

import re
import socket
import struct
import sys
import threading

import command
import sealing
import signing
from command import ENVELOPE, FORGED, MESSAGE, NOW
from suite import Suite, holds, lacks, same, true

suite = Suite()


def squeezed(text):
    """Joins lines, so that text can be compared regardless of line breaks."""
    return re.sub(r"\s+", " ", text)


def ordered(text, *parts):
    """Checks that all parts occur in `text`, in this order."""
    at = 0
    for part in parts:
        found = text.find(part, at)
        true(found >= 0, "%r is not in (the rest of)\n%s" % (part, text[at:]))
        at = found + len(part)


# ---- spf ----

@suite.test("spf --explain: questions, answers and result of each term")
def spf_tree(c):
    r = c.zoned("spf", "--ip", "198.51.100.7", *ENVELOPE[2:], "--explain")
    same(re.search(r"The SPF record.*\n\n", r.out, re.S).group(), """\
The SPF record, term by term
 lookups  void   (after each term; limits 10 and 2, RFC 7208 section 4.6.4)
       0     0   example.com: v=spf1 a mx include:_spf.other.example -all
       1     0     a: no match
                     asked  example.com A
                     got    192.0.2.1
       2     0     mx: no match
                     asked  example.com MX, mail.example.com A
                     got    10 mail.example.com; 192.0.2.10
       3     0     include:_spf.other.example: match: pass
       3     0       _spf.other.example: v=spf1 ip4:198.51.100.0/24 \
ip6:2001:db8::/48 ?all
       3     0         ip4:198.51.100.0/24: match: pass

""", "the tree")
    holds(r.out, "DNS questions and answers\n  example.com TXT\n")


@suite.test("spf --explain: void lookups, redirect, exp, an invalid record")
def spf_others(c):
    zone = c.file("spf.zone", """\
r.example. TXT "v=spf1 a:gone.example exists:gone.example redirect=t.example"
t.example. TXT "v=spf1 -all exp=why.example"
why.example. TXT "%{i} may not send for %{d}"
two.example. TXT "v=spf1 -all"
two.example. TXT "v=spf1 ~all"
;!failed down.example. TXT timeout
""")

    def explained(sender, status=command.OK):
        return c.run("spf", "--ip", "192.0.2.7", "--helo", "h.example.com",
                     "--mail-from", sender, "--explain", "--zone", zone,
                     status=status).out

    ordered(explained("a@r.example"), "spf                    fail",
            "\n  explanation          192.0.2.7 may not send for t.example\n",
            "void 2 of 2\n",
            "       1     1     a:gone.example: no match\n",
            "       2     2     exists:gone.example: no match\n",
            "       3     2     redirect=t.example: continues at: t.example\n",
            "       3     2   t.example: v=spf1 -all exp=why.example\n",
            "       3     2     -all: match: fail\n",
            "exp=why.example: explanation: 192.0.2.7 may not send",
            "  gone.example A\n      no such name\n")
    ordered(explained("a@two.example"), "permerror",
            "two.example: permerror: more than one SPF record\n",
            "asked  two.example TXT\n")
    ordered(explained("a@down.example"), "temperror",
            "down.example: temperror", "no name server replied in time")
    ordered(explained("a@[192.0.2.7]"), "none", "[192.0.2.7]: none\n",
            "DNS: no questions")


@suite.test("spf --lint: problem, RFC section and fix")
def spf_lint(c):
    zone = c.file("lint.zone", "bad.example. TXT \"v=spf1 ptr +all mx\"\n")
    r = c.run("spf", "--lint", "bad.example", "--zone", zone)
    text = squeezed(r.out)
    holds(text, "domain bad.example record v=spf1 ptr +all mx lookups")
    holds(text, "Findings:")
    for part in ("bad.example: ptr (RFC 7208 section 5.5)",
                 "bad.example: +all (RFC 7208 section ",
                 "bad.example: mx (RFC 7208 section 5.1)", "fix: "):
        holds(text, part)
    true(all(len(line) < 80 for line in r.out.splitlines()), "80 columns")
    holds(c.zoned("spf", "--lint", "example.com").out,
          "\nNo problems found.\n")


# ---- dkim ----

@suite.test("dkim --explain: a signature that passes")
def dkim_pass(c):
    r = c.zoned("dkim", c.message, "--explain")
    ordered(r.out, "dkim                   pass\n",
            "Signature 1, field 1 of the header, d=example.com: pass: ",
            "key at             s1._domainkey.example.com\n",
            "rsa, 2048 bits\n",
            "body as hashed (relaxed): 16 bytes\n",
            "signed fields\n      from: field 2 of the header\n",
            "header as hashed (relaxed, ",
            "\n      |from:Ann <ann@example.com>\n",
            "\n      |dkim-signature:v=1; a=rsa-sha256; ", " b=\n",
            "      SHA-256",
            "s1._domainkey.example.com TXT\n      \"v=DKIM1; k=rsa; p=")
    hashes = re.findall(r"(?:SHA-256|bh=) +(\S{44})\n", r.out)
    same(hashes[0], hashes[1], "the body's hash is that of bh=")


@suite.test("dkim --explain: where the body was changed")
def dkim_body(c):
    def explained(message, name="x.eml"):
        return squeezed(c.zoned("dkim", c.file(name, message),
                                "--explain").out)

    footer = explained(c.signed + b"-- \r\nA list\r\n")
    holds(footer, "The signed hash matches the beginning of the body "
                  "(lines: 3, bytes: 16). Bytes added after it: 12.")
    changed = explained(c.signed.replace(b"Hello", b"Hallo"))
    holds(changed, "No leading part of the body matches the signed hash")
    simple = signing.sign(MESSAGE, c.rsa, "example.com", "s1",
                          canon="relaxed/simple")
    holds(explained(simple.replace(b"Hello.\r", b"Hello. \r")),
          "With relaxed canonicalization the body matches the signed hash")
    lines = c.signed + b"x\r\n" * (6 << 20)
    holds(explained(lines), "The body is too large to search for the "
                            "change.")


@suite.test("dkim --explain: absent fields, l=, z=, times, no key")
def dkim_others(c):
    message = signing.sign(
        MESSAGE, c.rsa, "example.com", "s1",
        headers=["from", "from", "subject", "date"],
        tags=" t=1767225600; x=1767225601; z=Subject:two|From:x@y.example;")
    out = c.zoned("dkim", c.file("x.eml", message), "--explain").out
    ordered(out, "signed at          1767225600, 2026-01-01 00:00:00 UTC\n",
            "expires at         1767225601, 2026-01-01 00:00:01 UTC\n",
            "      from: field 2 of the header, CHANGED since it was signed",
            "      from: absent; adding one breaks the signature",
            "      subject: field 4 of the header, CHANGED",
            "      date: field 5 of the header\n")
    nokey = signing.sign(MESSAGE, c.rsa, "example.com", "nosuch")
    out = c.zoned("dkim", c.file("x.eml", nokey), "--explain").out
    ordered(out, "key at             nosuch._domainkey.example.com\n",
            "no key record found", "nosuch._domainkey.example.com TXT\n"
            "      no such name\n")
    bad = b"DKIM-Signature: v=1; d=example.com\r\n" + MESSAGE
    out = c.zoned("dkim", c.file("x.eml", bad), "--explain").out
    holds(out, "Signature 1, field 1 of the header, d=example.com: permerror:")
    holds(c.zoned("dkim", c.plain, "--explain").out,
          "The message has no DKIM signature.")


@suite.test("dkim --key: good, weak, revoked and missing keys")
def dkim_key(c):
    weak = signing.Key("rsa", c.home, bits=1024)
    short = signing.Key("rsa", c.home, bits=768)
    zone = c.file("key.zone", "\n".join(
        signing.txt(name + "._domainkey.example.com.", text)
        for name, text in (("good", c.rsa.record()), ("weak", weak.record()),
                           ("short", short.record()),
                           ("revoked", "v=DKIM1; p="),
                           ("foreign", "hello"))) + "\n")

    def key(selector):
        return c.run("dkim", "--key", selector, "example.com", "--zone",
                     zone).out

    ordered(key("good"), "key                    good\n",
            "  name                 good._domainkey.example.com\n",
            "    key                rsa, 2048 bits\n")
    ordered(key("weak"), "good\n", "rsa, 1024 bits",
            "use an RSA key of 2048 bits (RFC 8301)")
    ordered(key("short"), "not usable\n", "  verdict ", "768")
    ordered(key("revoked"), "not usable\n", "revoked")
    ordered(key("foreign"), "not usable\n")
    ordered(key("nosuch"), "not usable\n", "no key record")


# ---- arc ----

@suite.test("arc --explain: chains that pass and fail")
def arc(c):
    results = "mx.a.example; spf=pass smtp.mailfrom=example.com; dmarc=pass"
    one = sealing.seal(MESSAGE, c.rsa, "example.com", "s1", 1, "none", results)
    two = sealing.seal(one, c.ed25519, "example.com", "ed", 2, "pass",
                       results)
    r = c.zoned("arc", c.file("two.eml", two), "--explain")
    ordered(r.out, "arc                    pass\n", "2, all pass\n",
            "2. ARC-Seal by example.com, selector ed: it says that the "
            "chain passed\n", "2. ARC-Message-Signature by example.com",
            "2. ARC-Authentication-Results", "1. ARC-Seal",
            "it says that the chain starts here\n", "mx.a.example; spf=pass",
            "all seals and the newest")
    holds(squeezed(r.out),
          "all seals and the newest ARC-Message-Signature verify.")
    r = c.json("arc", c.path("two.eml"))
    same((r["result"], r["instances"], r["oldest_pass"],
          [s["domain"] for s in r["sealers"]]),
         ("pass", 2, 0, ["example.com"] * 2), "chain")
    changed = one.replace(b"Hello", b"[list] Hello")
    late = sealing.seal(changed, c.rsa, "example.com", "s1", 2, "pass",
                        results)
    r = c.zoned("arc", c.file("late.eml", late), "--explain")
    ordered(r.out, "pass\n", "2, oldest pass 2\n",
            "The message was changed before set 2 was added")
    r = c.zoned("arc", c.file("x.eml", two.replace(b"Bye", b"bye")),
                "--explain")
    ordered(r.out, "fail\n", "  fail: ARC-Message-Signature 2: ")
    holds(c.zoned("arc", c.plain, "--explain").out,
          "The message has no ARC sets.")


# ---- dmarc ----

@suite.test("dmarc: policy, tree walk, the record tag by tag, fixes")
def dmarc(c):
    r = c.zoned("dmarc", "mail.example.com")
    ordered(r.out, "  policy domain        example.com\n",
            "Policy for mail that fails DMARC, by author domain:",
            "\n  mail.example.com: ",
            "Findings:\n", "    fix: ")
    lacks(r.out, "_dmarc.com")
    r = c.zoned("dmarc", "mail.example.com", "--explain")
    ordered(r.out, "\n  _dmarc.mail.example.com\n      no such name",
            "\n  _dmarc.example.com <- policy and organizational domain\n"
            "      v=DMARC1; p=reject; ", "\n  _dmarc.com\n",
            "The record, tag by tag:\n  v=DMARC1 ", "\n  p=reject ",
            "\n  sp (not set) ", "DNS questions and answers")


# ---- check ----

def why(c, *arguments, **options):
    return c.zoned("check", "--explain", *arguments, **options).out


@suite.test("check --explain: why was this rejected?")
def rejected(c):
    out = why(c, *FORGED, c.plain)
    ordered(out, "action                 accept\n",
            "  would                reject\n", "mode = monitor  (built in)",
            "Rule dmarc.on_reject: reject; action taken: accept")
    conf = c.file("enforce.conf", "mode = enforce\n")
    out = why(c, *FORGED, c.plain, "--config", conf)
    ordered(out, "action                 reject\n",
            "  rule                 dmarc.on_reject\n",
            "  reply                550 5.7.26 DMARC policy of example.com",
            "\nAuthentication-Results: localhost;\n\tspf=none",
            "\nThe client\n  address              203.0.113.9\n",
            "\nSPF of the HELO name", "mail.example.com: none\n",
            "\nSPF of the MAIL FROM domain", "bounce.example.net: none\n",
            "\nDKIM", "no DKIM signature", "\nARC", "no ARC sets", "\nDMARC",
            "Author domain example.com;",
            "_dmarc.example.com <- policy and organizational domain\n")
    text = squeezed(out)
    ordered(text, "SPF of bounce.example.net does not pass; not aligned: it is not "
            "in the organizational domain example.com",
            "Result: fail: no aligned identifier passes; p=reject",
            "mode = enforce (%s:1)" % conf,
            "dmarc.on_reject = reject (built in)",
            "Rule dmarc.on_reject: reject",
            "bounce.example.net TXT, for spf mailfrom no such name",
            '_dmarc.example.com TXT, for dmarc "v=DMARC1; p=reject;')


@suite.test("check --explain: how the daemon judges From behind Sendmail")
def behind_sendmail(c):
    for author, said in (
            (b'"%s" <ann@example.com>' % (b"x" * 300),
             "Behind Sendmail this From field is invalid: "),
            (b"ann@localhost", "Behind Sendmail the host's own name may be an "
             "author domain too: "),
            (b"Doe, Ann <ann@example.com>", "the host's own name may be an "
             "author domain too: "),
            (b"ann@example.com uk", "From field is invalid: a word follows"),
            (b"ann@example.com <ann@example.com>", None),
            (b"Ann <ann@example.com>", None)):
        path = c.file("from.eml", MESSAGE.replace(b"Ann <ann@example.com>",
                                                  author))
        text = squeezed(why(c, *ENVELOPE, path))
        r = c.json("check", *ENVELOPE, path, "--explain")
        if said:
            holds(text, said)
            holds(r["explain"]["dmarc"]["behind_sendmail"], said)
        else:
            lacks(text, "Behind Sendmail")
            same(r["explain"]["dmarc"]["behind_sendmail"], None, "JSON")


@suite.test("check --explain: which domains align, and why not")
def alignment(c):
    zone = c.file("align.zone", """\
_dmarc.example.com. TXT "v=DMARC1; p=reject; aspf=s"
mail.example.com. TXT "v=spf1 +ip4:192.0.2.1 -all"
deep.other.example. TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.other.example. TXT "v=DMARC1; p=none; psd=n"
_dmarc.sub.example.com. TXT "v=DMARC1; p=none; psd=n"
;!failed _dmarc.lost.example.com. TXT servfail
;!failed down.example. TXT servfail
""" + signing.txt("s1._domainkey.sub.example.com.", c.rsa.record()) + "\n" +
                  signing.txt("s1._domainkey.lost.example.com.",
                              c.rsa.record()) + "\n")

    def aligned(sender, message=MESSAGE):
        return squeezed(c.run(
            "check", "--explain", "--zone", zone, "--now", NOW, "--ip",
            "192.0.2.1", "--helo", "mail.example.com", "--mail-from", sender,
            c.file("x.eml", message)).out)

    holds(aligned("a@mail.example.com"),
          "SPF of mail.example.com passes; not aligned: the record requires "
          "strict alignment with example.com")
    holds(aligned("a@deep.other.example"),
          "SPF of deep.other.example passes; not aligned: the record "
          "requires strict alignment with example.com")
    holds(aligned("a@down.example"),
          "SPF of down.example has a temporary error; not aligned")
    for domain, said in (
            ("sub.example.com", "DKIM of sub.example.com passes; not aligned: "
             "its organizational domain is sub.example.com, not example.com"),
            ("lost.example.com", "DKIM of lost.example.com passes; its "
             "alignment is unknown, because the DNS did not answer")):
        holds(aligned("a@x.example",
                      signing.sign(MESSAGE, c.rsa, domain, "s1")), said)
    two = MESSAGE.replace(b"From: Ann", b"From: eve@other.example, Ann")
    text = aligned("a@mail.example.com", two)
    ordered(text, "Author domain other.example;", "Author domain example.com;",
            "There are several author domains: the strictest result applies")
    text = aligned("a@x.example", MESSAGE.replace(b"From:", b"X-From:"))
    ordered(text, "The From field is invalid: no From field",
            "Result: permerror: no From field")
    lacks(text, "Author domain")
    holds(aligned("a@x.example", MESSAGE.replace(b"From: Ann", b"From: Bee, Ann")),
          "is not valid (RFC 5322), but its author is clear")
    ordered(aligned("a@x.example", MESSAGE.replace(
        b"From: Ann", b"From: =?utf-8?q?eve=40other.example?=")),
            "Author domain example.com;", "Some mail programs may show another author",
            "Author domain other.example;")


@suite.test("check --explain: own users, overrides, monitor mode")
def policies(c):
    out = why(c, "--ip", "127.0.0.1", *FORGED[2:], c.plain)
    ordered(out, "Authentication-Results: localhost; none",
            "It is one of our own users",
            'skip_networks = {"127.0.0.0/8", "::1/128"}  (built in)',
            "Rule skip.network: accept", "DNS: no questions")
    lacks(out, "SPF of")
    conf = c.file("own.conf", 'trusted_mtas = { "%s" }\n' % FORGED[1])
    claims = c.file("claims.eml", b"Authentication-Results: localhost; "
                    b"dmarc=pass\r\n" + MESSAGE)
    out = why(c, *FORGED, "--config", conf, claims)
    ordered(out, "It is in trusted_mtas", "trusted_mtas = {",
            "Rule skip.trusted_mta: accept", "DNS: no questions")
    lacks(out, "Authentication-Results")
    r = c.json("check", *FORGED, "--config", conf, claims)
    same((r["rule"], r["stripped"], r["authentication_results"]),
         ("skip.trusted_mta", 0, None), "JSON")
    conf = c.file("own.conf", """\
mode = monitor
override "partner" {
	from_domain = "example.com"
	client = "192.0.2.0/24"
	action = accept
	reason = "ticket 4711"
}
override "old" {
	from_domain = "example.com"
	action = accept
	expires = "2025-12-31"
}
""")
    out = why(c, *FORGED, c.plain, "--config", conf)
    ordered(out, "  configuration        " + conf,
            "mode = monitor  (%s:1)" % conf,
            "Rule dmarc.on_reject: reject; action taken: accept\n")
    holds(out, "old")
    out = why(c, "--ip", "192.0.2.200", *FORGED[2:], c.plain, "--config", conf)
    ordered(out, 'override "partner": action = accept  (%s:5)' % conf,
            'override "partner": reason = "ticket 4711"',
            "Rule override partner: accept\n", "ticket 4711")


LISTS = """\
lists.example. IN TXT "v=spf1 +all"
_dmarc.rejects.example. IN TXT "v=DMARC1; p=reject"
_dmarc.softens.example. IN TXT "v=DMARC1; p=quarantine"
"""


@suite.test("check --explain: the setting that decides about list mail")
def list_mail(c):
    zone = c.file("lists.zone", LISTS)

    def listed(config, author="a@rejects.example", fields=b"",
               sender="b@lists.example"):
        message = MESSAGE.replace(b"ann@example.com", author.encode())
        true(author.encode() in message, "the author")
        return c.run("check", "--explain", "--zone", zone, "--now", NOW,
                     "--ip", "192.0.2.1", "--helo", "x.example",
                     "--mail-from", sender, "--config",
                     c.file("lists.conf", config),
                     c.file("list.eml", fields + message)).out

    mark = b"List-Id: <talk.lists.example>\r\n"
    counts = ("List-Id talk.lists.example: counts because it belongs to "
              "lists.example, which passed SPF or DKIM")
    out = listed("dmarc { on_quarantine = quarantine }\n", fields=mark)
    ordered(out, "The settings that were used:",
            "dmarc.on_reject = reject  (built in)",
            "dmarc.on_quarantine = quarantine  (", "lists.conf:1)",
            "dmarc.indirect_as_quarantine = true  (built in)",
            "Evidence of indirect mail (RFC 9989 section 7.4):",
            "Rule dmarc.indirect_as_quarantine: quarantine")
    holds(squeezed(out), counts)
    out = listed("dmarc { on_quarantine = tempfail }\n", "a@softens.example",
                 mark)
    ordered(out, "dmarc.on_quarantine = tempfail  (",
            "dmarc.indirect_as_quarantine = true  (built in)",
            "Rule dmarc.indirect_as_quarantine: annotate")
    out = squeezed(listed("", fields=mark, sender="b@other.example"))
    holds(out, "List-Id talk.lists.example: does not count because it belongs to no "
          "domain that passed SPF or DKIM")
    out = squeezed(listed("", fields=b"Precedence: list\r\n"))
    holds(out, "The message says that it is list mail, but not in a field that names a "
          "domain")


# ---- the network ----

class Server:
    """Answers TXT and A from a table; other names do not exist.
    (N, TEXT) is the answer starting with the Nth question."""

    def __init__(self, table):
        self.table = table
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                data, client = self.socket.recvfrom(4096)
            except OSError:
                return
            at, labels = 12, []
            while data[at] != 0:
                labels.append(data[at + 1:at + 1 + data[at]].decode().lower())
                at += 1 + data[at]
            kind = struct.unpack(">H", data[at + 1:at + 3])[0]
            self.asked.append((".".join(labels), kind))
            reply = self.reply(".".join(labels), kind, data, at + 5)
            if reply is not None:
                self.socket.sendto(reply, client)

    def reply(self, name, kind, data, end):
        found = self.table.get(name)
        if isinstance(found, tuple):
            times, found = found
            if self.asked.count((name, kind)) < times:
                return None
        if found == "silent":
            return None
        code = {None: 3, "servfail": 2, "refused": 5}.get(found, 0)
        answers = b""
        if code == 0 and kind == 16:
            text = found.encode()
            parts = b"".join(bytes([len(p)]) + p for p in
                             (text[i:i + 255]
                              for i in range(0, len(text), 255)))
            answers = (b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 300,
                                                 len(parts)) + parts)
        return data[:2] + struct.pack(
            ">HHHHH", 0x8180 | code, 1, 1 if answers else 0, 0, 0
        ) + data[12:end] + answers

    def close(self):
        self.socket.close()


@suite.test("a recording from the network gives the same result, failures included")
def network(c):
    table = {
        "example.com": "v=spf1 include:_spf.example.com -all",
        "_spf.example.com": "v=spf1 ip4:192.0.2.0/24 -all",
        "_dmarc.example.com": "v=DMARC1; p=reject",
        "s1._domainkey.example.com": c.rsa.record(),
        "fails.example": "servfail", "refuses.example": "refused",
        "silent.example": "silent",
    }
    server = Server(table)
    record = c.path("net.zone")
    patient = c.file("net.conf", "timeout = 60s\n")
    quick = c.file("silent.conf", "timeout = 1s\n")
    seen = {}
    try:
        for sender in ("a@example.com", "a@fails.example", "a@silent.example",
                       "a@refuses.example", "a@none.example"):
            conf = quick if sender == "a@silent.example" else patient
            arguments = ["check", "--config", conf, "--now", NOW, "--json",
                         *ENVELOPE[:5], sender, c.message]
            want = c.run(*arguments, "--nameserver",
                         "127.0.0.1@%d" % server.port, "--record",
                         record).json()
            got = c.run(*arguments, "--zone", record).json()
            same(got, want, sender)
            seen[sender[2:]] = want["spf"]["result"]
            with open(record) as f:
                seen[sender] = f.read()
    finally:
        server.close()
    same({k: v for k, v in seen.items() if "@" not in k},
         {"example.com": "pass", "fails.example": "temperror",
          "silent.example": "temperror", "refuses.example": "temperror",
          "none.example": "none"}, "results")
    holds(seen["a@fails.example"], ";!failed fails.example. TXT servfail")
    holds(seen["a@silent.example"], ";!failed silent.example. TXT timeout")
    holds(seen["a@none.example"], ";!nxdomain none.example. TXT")


@suite.test("a question that is not answered in time is recorded as a failure")
def given_up(c):
    # late.example is answered after 1.6 s; silent.example then has 4.8 s, which
    # is more than the message has left
    server = Server({"late.example": (5, "v=spf1 include:silent.example -all"),
                     "silent.example": "silent",
                     "_dmarc.example.com": "v=DMARC1; p=reject"})
    record = c.path("net.zone")
    conf = c.file("short.conf", "timeout = 6s\n")
    arguments = ["check", "--config", conf, "--now", NOW, "--json",
                 *ENVELOPE[:5], "a@late.example", c.plain]
    try:
        want = c.run(*arguments, "--nameserver", "127.0.0.1@%d" % server.port,
                     "--record", record).json()
    finally:
        server.close()
    same(want["spf"]["result"], "temperror", "spf")
    with open(record) as f:
        holds(f.read(), ";!failed silent.example. TXT timeout")
    got = c.run(*arguments, "--zone", record).json()
    same(want["dmarc"]["result"], "fail", "unaligned")
    same(got, want, "replayed")


@suite.test("a question is sent once, even if several checks need it")
def once(c):
    # it is sent again if the server is slow, which may happen a few times
    for _ in range(20):
        server = Server({"example.com": "v=spf1 -all"})
        try:
            r = c.run("check", "--ip", "192.0.2.1", "--helo", "example.com",
                      "--mail-from", "a@example.com", "--json", "--nameserver",
                      "127.0.0.1@%d" % server.port, c.plain).json()
        finally:
            server.close()
        same(r["spf"]["result"], "fail", "spf")
        times = server.asked.count(("example.com", 16))
        if times == 1:
            return
    same(times, 1, "asked")


@suite.test("no name server answers: there is a result, in time")
def nobody(c):
    conf = c.file("nobody.conf", "timeout = 1s\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        r = c.run("check", *ENVELOPE, c.message, "--config", conf, "--json",
                  "--nameserver", "127.0.0.1@%d" % s.getsockname()[1]).json()
    same((r["spf"]["result"], r["dmarc"]["result"], r["action"]),
         ("temperror", "temperror", "accept"), "verdict")


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
