"""Messages to be signed: many kinds of ordinary ones, and odd shapes.  None
has a line of more than 998 bytes: Postfix breaks such lines after signing,
which the guard reports.
"""

import base64
import random

SENDER = "alice@example.com"

WORDS = ("the of and a to in is you that it he was for on are as with his they "
         "I at be this have from or one had by word but not what all were we "
         "when your can said there use an each which she do how their if").split()


def _text(rng, lines):
    return "".join(" ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 14)))
                   + rng.choice(["", "", "", " ", "  \t", "."]) + "\r\n"
                   for _ in range(lines)).encode()


def _plain(rng):
    return b"", _text(rng, rng.randint(0, 60))


def _utf8(rng):
    body = "Gr\u00fc\u00dfe \u2013 \u65e5\u672c\u8a9e\r\n" * rng.randint(1, 20)
    return (b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            b"Content-Transfer-Encoding: 8bit\r\n", body.encode())


def _attachment(rng):
    data = base64.encodebytes(rng.randbytes(rng.randint(100, 60000)))
    return (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n"
            b"\tboundary=\"=_x\"\r\n",
            b"--=_x\r\n\r\n" + _text(rng, 5) + b"--=_x\r\n"
            b"Content-Type: application/pdf\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" +
            data.replace(b"\n", b"\r\n") + b"--=_x--\r\n")


def _newsletter(rng):
    html = b"<html><body>" + b"<p>text</p>\r\n" * rng.randint(1, 400)
    return (b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n"
            b"List-Id: News <news.example.com>\r\n"
            b"List-Unsubscribe: <https://example.com/u?%d>\r\n"
            b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
            b"Precedence: bulk\r\n" % rng.randint(1, 10**9),
            html + b"</body></html>\r\n")


def _reply(rng):
    ids = b"\r\n ".join(b"<%d@example.net>" % rng.randint(1, 10**9)
                        for _ in range(rng.randint(1, 30)))
    return (b"In-Reply-To: <1@example.net>\r\nReferences: " + ids + b"\r\n"
            b"Cc: \"Doe, J.\" <j@example.net>,\r\n\tcarol@example.net\r\n"
            b"Reply-To: alice+replies@example.com\r\n",
            b"> " + _text(rng, 8).replace(b"\r\n", b"\r\n> ") + b"\r\n")


KINDS = (_plain, _plain, _utf8, _attachment, _newsletter, _reply)


def ordinary(n, seed=1):
    """Returns `n` messages, the same on every run."""
    rng = random.Random(seed)
    for i in range(n):
        more, body = KINDS[i % len(KINDS)](rng)
        subject = " ".join(rng.choice(WORDS) for _ in range(6)).encode()
        yield "ordinary %d" % i, (
            b"From: Alice <alice@example.com>\r\nTo: bob@example.net\r\n"
            b"Subject: %s\r\nDate: Thu, 01 Jan 2026 12:00:%02d +0000\r\n"
            b"Message-ID: <%d@example.com>\r\n%s\r\n%s" % (
                subject, i % 60, i, more, body))


HEADERS = {
    "plain": b"From: alice@example.com\r\nTo: b@example.net\r\n"
             b"Subject: x\r\nMessage-ID: <1@example.com>\r\n",
    "folded with tabs and spaces":
        b"From:\r\n Alice\r\n\t \t<alice@example.com>\r\n"
        b"Subject:\r\n  one\r\n\ttwo  \r\n   three\r\n",
    "lines of white space inside":
        b"From: alice@example.com\r\nSubject: one\r\n \t\r\n two\r\n",
    "white space at the ends":
        b"From:   alice@example.com  \r\nSubject: \t x \t \r\nTo:\tb \r\n",
    "empty fields": b"From: alice@example.com\r\nSubject:\r\nTo: \r\nCc:\r\n",
    "odd case": b"FROM: alice@example.com\r\nsUbJeCt: x\r\nmessage-id: <1>\r\n",
    "space before colons":
        b"From: alice@example.com\r\nSubject : x\r\nTo\t: b@example.net\r\n",
    "8-bit": b"From: \xfcber <alice@example.com>\r\nSubject: \xe4\xff\r\n",
    "bare CR": b"From: alice@example.com\r\nSubject: one\rtwo\r\n",
    "duplicates": b"From: alice@example.com\r\nTo: a@example.net\r\n"
                  b"To: b@example.net\r\nSubject: a\r\nSubject: b\r\n",
    "500 fields": b"From: alice@example.com\r\n" + b"".join(
        b"X-%d: %d\r\n" % (i, i) for i in range(500)),
    "a field of 50 KB": b"From: alice@example.com\r\nReferences: " +
        b"\r\n ".join(b"<%040d@example.net>" % i for i in range(900)) + b"\r\n",
    "resent": b"Resent-From: alice@example.com\r\nResent-To: x@example.net\r\n"
              b"Resent-Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
              b"From: alice@example.com\r\nSender: s@example.com\r\n",
    "encoded words, comments":
        b"From: =?utf-8?q?=C3=84?= (a \\( b) <alice@example.com> (x)\r\n"
        b"Subject: =?utf-8?b?w4Q=?=\r\n =?utf-8?b?w4Q=?=\r\n",
    "a field of one byte a line": b"From: alice@example.com\r\nSubject: " +
        b"\r\n ".join(b"%d" % (i % 10) for i in range(500)) + b"\r\n",
}

BODIES = {
    "no body": None,
    "an empty body": b"",
    "empty lines": b"\r\n\r\n\r\n",
    "white space": b" \t \r\n\t\r\n  ",
    "lines that end in white space": b"a \r\nb\t\t\r\n \r\nc  d\t e\r\n",
    "no line end at the end": b"Hello",
    "dots": b".\r\n..\r\n.a\r\n",
    "bare CR": b"a\rb\r\nc\r\r\nd\r\n",
    "8-bit": bytes(range(128, 256)) + b"\r\n\xfc\r\n",
    "lines of 998 bytes": (b"y" * 998 + b"\r\n") * 3,
    "From at the start of a line": b"From here\r\n>From there\r\n",
    "many empty lines at the end": b"x" + b"\r\n" * 500,
    "a megabyte": b"0123456789abcde\r\n" * 62000,
    "nested multipart":
        b"--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
        b"x\r\n--b--\r\n--a--\r\n",
}


def odd():
    """Returns (title, message) for every header with every body."""
    for head, fields in HEADERS.items():
        for name, body in BODIES.items():
            yield "%s, %s" % (head, name), (
                fields + (b"" if body is None else b"\r\n" + body))
