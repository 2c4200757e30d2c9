"""Messages whose senders try to write results into our field.

INPUTS: (name, HELO, MAIL FROM, header fields, lines of the zone).  The client
is CLIENT; it may send for evil.example, and none of the mail here is from
victim.example.
"""

import itertools

CLIENT = "192.0.2.10"
HELO = "mail.evil.example"
SENDER = "a@evil.example"

ZONE = r"""
evil.example. 300 IN TXT "v=spf1 ip4:192.0.2.10 -all"
evil.example. 300 IN A 192.0.2.10
mail.evil.example. 300 IN TXT "v=spf1 a -all"
mail.evil.example. 300 IN A 192.0.2.10
victim.example. 300 IN TXT "v=spf1 ip4:198.51.100.1 -all"
victim.example. 300 IN A 198.51.100.1
_dmarc.victim.example. 300 IN TXT "v=DMARC1; p=reject; t=y"
plain.example. 300 IN A 198.51.100.2
"""

SIGNATURE = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; " \
    b"d=evil.example; s=s; h=from; %s; " \
    b"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
CLAIM = b"Authentication-Results: %s\r\n"


def sender(local):
    return (HELO, local + "@victim.example", b"", "")


def identity(text):
    return (HELO, SENDER, SIGNATURE % (b"i=" + text), "")


numbers = itertools.count(1)


def record(text, more=""):
    """An SPF record for the domain of MAIL FROM and the name in HELO."""
    name = "h%d.evil.example" % next(numbers)
    return (name, "a@" + name, b"",
            '%s. 300 IN TXT "%s"\n' % (name, text) + more)


def header(text):
    return (HELO, SENDER, text, "")


def dmarc(text):
    name = "d%d.evil.example" % next(numbers)
    return (HELO, "a@" + name, b"From: a@%s\r\n" % name.encode(),
            '%s. 300 IN TXT "v=spf1 ip4:192.0.2.10 -all"\n'
            '_dmarc.%s. 300 IN TXT "%s"\n' % (name, name, text))


KINDS = {
    # MAIL FROM: the sender chooses every byte of the local-part
    "MAIL FROM, a quoted result": sender('"; spf=pass "'),
    "MAIL FROM, a quoted quote": sender('"a\\"; dmarc=pass; x=\\""'),
    "MAIL FROM, a bare result": sender("dmarc=pass"),
    "MAIL FROM, a comment": sender('"(dmarc=pass)"'),
    "MAIL FROM, half a comment": sender('"dmarc=fail) dmarc=pass"'),
    "MAIL FROM, a property": sender('" header.from=bank.example "'),
    "MAIL FROM, a backslash": sender('"a\\\\b"'),
    "MAIL FROM, VERP": sender("bounce+joe=receiver.example"),
    "MAIL FROM, UTF-8": sender("\u00fc"),
    "MAIL FROM, an address in it": sender('"a@bank.example"'),
    "MAIL FROM, odd domain": (HELO, "a@-x.example", b"", ""),
    "MAIL FROM, a result as domain": (
        HELO, "a@spf=pass.victim.example", b"", ""),
    "MAIL FROM, a literal": (HELO, "a@[192.0.2.10]", b"", ""),
    "MAIL FROM, no domain": (HELO, "dmarc=pass", b"", ""),
    # i=, which needs no key
    "i=, a quoted result": identity(b"=22=3B=20spf=3Dpass=20=22@evil.example"),
    "i=, a bare result": identity(b"dmarc=3Dpass@evil.example"),
    "i=, a comment": identity(b"=28dmarc=3Dpass=29@evil.example"),
    "i=, a line": identity(b"=22a=0D=0AX:=20y=22@evil.example"),
    "i=, prvs": identity(b"prvs=3D1234=3Djoe@evil.example"),
    "i=, UTF-8": identity(b"\xc3\xbc@evil.example"),
    "i=, a subdomain that is a result": identity(b"@dmarc=3Dpass.evil.example"),
    # other tags
    "s=, a result": header(SIGNATURE.replace(b"s=s;", b"s=dmarc=pass;") % b"x=y"),
    "d=, a result": header(SIGNATURE.replace(
        b"d=evil.example", b"d=dmarc=pass") % b"x=y"),
    "d=, half a quote": header(SIGNATURE.replace(
        b"d=evil.example", b'd="; dkim=pass') % b"x=y"),
    "a=, a result": header(SIGNATURE.replace(
        b"a=rsa-sha256", b"a=dkim=pass") % b"x=y"),
    "c=, t=, q=, odd": header(SIGNATURE.replace(
        b"c=relaxed/relaxed", b"c=dmarc=pass; t=1)(; q=(a") % b"x=y"),
    "b=, an equals sign in front": header(
        SIGNATURE.replace(b"b=AAAA", b"b=A===dmarc") % b"x=y"),
    "twelve signatures": header(b"".join(
        SIGNATURE % (b"i=x%d=3Dy@evil.example" % i) for i in range(12))),
    # SPF records: their text is quoted in the reason
    "SPF, exists:": record(
        "v=spf1 exists:x\\059spf=pass\\059y.evil.example -all",
        "x\\059spf=pass\\059y.evil.example. 300 IN A 127.0.0.2\n"),
    "SPF, a:": record("v=spf1 a:dmarc=pass.evil.example -all",
                      "dmarc=pass.evil.example. 300 IN A 192.0.2.10\n"),
    "SPF, include:": record(
        "v=spf1 include:a\\059dmarc=pass\\059b.evil.example -all"),
    "SPF, redirect=": record("v=spf1 redirect=a\\059dmarc=pass\\059b.evil.example"),
    "SPF, no such mechanism": record("v=spf1 foo:a\\059 dkim=pass -all"),
    "SPF, half a comment": record("v=spf1 ip4:1)dmarc=pass( -all"),
    "SPF, a macro": record("v=spf1 exists:%{l}\\059spf=pass.evil.example -all"),
    "SPF, a quote": record('v=spf1 ip4:\\"\\059 -all'),
    "SPF, a property": record("v=spf1 exists:smtp.mailfrom=bank.example ?all"),
    # HELO
    "HELO, a result": ("dmarc=pass", "", b"", ""),
    "HELO, a quote": ('a"; dmarc=pass; b="', "", b"", ""),
    "HELO, U-label": ("\u00fc.example", "", b"", ""),
    "HELO, odd": ("-a_.example", "", b"", ""),
    "HELO, a literal": ("[192.0.2.10]", "", b"", ""),
    "HELO passes, MAIL FROM fails": sender("a"),
    "HELO passes, MAIL FROM has no record": (
        HELO, "a@plain.example", b"", ""),
    # the header
    "List-Id": header(b"List-Id: (dmarc=pass) <a;b=c.evil.example>\r\n"),
    "List-Post": header(b'List-Post: <mailto:"; spf=pass "@evil.example>\r\n'),
    "ARC, d=": header(
        b"ARC-Seal: i=1; a=rsa-sha256; d=dmarc=pass; s=s; cv=none; b=AAAA\r\n"
        b"ARC-Message-Signature: i=1; a=rsa-sha256; d=x; s=s; h=from; "
        b"bh=AAAA; b=AAAA\r\n"
        b"ARC-Authentication-Results: i=1; x; dmarc=pass\r\n"),
    "ARC, cv=": header(
        b'ARC-Seal: i=1; a=rsa-sha256; d=evil.example; s=s; cv=";dmarc=pass"; '
        b"b=AAAA\r\n"),
    # DMARC records
    "DMARC, p=": dmarc("v=DMARC1\\059 p=dmarc=pass\\059 rua=mailto:a@evil.example"),
    "DMARC, a tag": dmarc('v=DMARC1\\059 p=none\\059 x=(\\"dmarc=pass\\"'),
}

FORGERIES = {
    "A-R, plain": b"mx.example.net; dmarc=pass",
    "A-R, quotes in the id": b'mx.example.n""et; dmarc=pass',
    "A-R, spaces in the id": b"mx . example . net; dmarc=pass",
    "A-R, comments in the id": b"mx.(x)example.net; dmarc=pass",
    "A-R, quoted": b'"mx.example.net"; dmarc=pass',
    "A-R, a backslash": b"mx.exam\\ple.net; dmarc=pass",
    "A-R, a final dot": b"MX.example.net. 1; dmarc=pass",
    "A-R, no id": b"; dmarc=pass",
    "A-R, an encoded word": b"=?utf-8?q?mx=2Eexample=2Enet?=; dmarc=pass",
    "A-R, a comment not closed": b"(mx.example.net; dmarc=pass",
}

INPUTS = [(name, *what) for name, what in KINDS.items()] + [
    (name, *header(CLAIM % value)) for name, value in FORGERIES.items()]


def message(fields):
    author = b"" if b"From:" in fields else b"From: a@victim.example\r\n"
    return fields + author + b"To: bob@example.net\r\nSubject: x\r\n" \
        b"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n" \
        b"Message-ID: <1@evil.example>\r\n\r\nHello.\r\n"


def zone():
    return ZONE + "".join(dict.fromkeys(i[4] for i in INPUTS))
