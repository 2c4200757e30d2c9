#!/usr/bin/env python3
"""Aggregate reports as reporters really write and pack them, and mixtures of
these variants: each must be read, with the same rows.

usage: oddities.py PROGRAM [PART-OF-A-NAME]

ODDITIES=N is the number of mixtures (400), SEED=N the seed of the random
choice.
"""

import base64
import binascii
import gzip
import io
import os
import quopri
import random
import shutil
import sqlite3
import struct
import sys
import zipfile
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/milter", ROOT + "/tests/report"]

from reading import Lab  # noqa: E402
from samples import record, report, smime  # noqa: E402
from suite import Suite, holds, same  # noqa: E402

suite = Suite()

MIXTURES = int(os.environ.get("ODDITIES", 400))
SEED = int(os.environ.get("SEED", 1))


# ---- the XML: text -> text ----

def plain(text):
    return text


def sub(old, new, count=1):
    """Replaces `old`, which must be present; otherwise the variant would not
    be tested."""
    def change(text):
        assert old in text, old
        return text.replace(old, new, count)
    return change


def upper_names(text):
    for name in ("report_metadata", "policy_published", "source_ip", "count"):
        text = text.replace("<" + name, "<" + name.upper()).replace(
            "</" + name, "</" + name.title())
    return text


def prefixed(text):
    return text.replace("<feedback", "<dmarc:feedback").replace(
        "</feedback", "</dmarc:feedback")


XML = {
    "as RFC 9990": plain,
    "no declaration": lambda text: text.split("?>", 1)[1].lstrip(),
    "no namespace": sub(' xmlns="urn:ietf:params:xml:ns:dmarc-2.0"', ""),
    "namespaces of .NET": sub(
        ' xmlns="urn:ietf:params:xml:ns:dmarc-2.0"',
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'),
    "a schema's place": sub(
        ' xmlns="urn:ietf:params:xml:ns:dmarc-2.0"',
        ' xmlns="http://dmarc.org/dmarc-xml/0.1" xsi:schemaLocation='
        '"http://dmarc.org/dmarc-xml/0.1 http://x/rua.xsd"'),
    "an open schema": sub(
        "<report_metadata>", "<xs:schema targetNamespace=\"http://dmarc.org/"
        "dmarc-xml/0.1\"><report_metadata>"),
    "a schema around": lambda text: text.replace(
        "<feedback", "<xs:schema>\n<feedback") + "</xs:schema>",
    "another encoding declared": sub("UTF-8", "windows-1252"),
    "a blank line first": lambda text: "\n \n" + text,
    "a mark of bytes": lambda text: "\ufeff" + text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "one line": lambda text: text.replace("\n", ""),
    "tabs": lambda text: text.replace(" <", "\t\t<"),
    "NULs behind": lambda text: text + "\0" * 700,
    "text behind": lambda text: text + "\n<!-- end -->\nVirus scanner: ok\n",
    "a comment": sub("<feedback", "<!-- made by x > 1.0 -->\n<feedback"),
    "a style sheet": sub(
        "<feedback", '<?xml-stylesheet type="text/xsl" href="x.xsl"?>'
        "<feedback"),
    "names in capitals": upper_names,
    "a prefix": prefixed,
    "a bare &": sub("dmarc@receiver.example",
                    "dmarc@receiver.example (R&D)"),
    "contact in HTML": sub(
        "<report_id>", "<extra_contact_info>http://x/?a=1&b=2 &nbsp;&copy;"
        "</extra_contact_info><report_id>"),
    "CDATA": lambda text: text.replace(
        "dmarc@receiver.example", "<![CDATA[dmarc@receiver.example]]>"),
    "old results": lambda text: text.replace(
        "<result>fail<", "<result>hardfail<"),
    "results in capitals": lambda text: text.replace(
        ">pass<", ">PASS<").replace(">fail<", "> Fail <"),
    "a count with a fraction": lambda text: text.replace(
        "<count>1234<", "<count>1234.0<"),
    "a count with commas": lambda text: text.replace(
        "<count>1234<", "<count> 1,234 <"),
    "identities": lambda text: text.replace("identifiers>", "identities>"),
    "envelope_to": lambda text: text.replace(
        "<identifiers>", "<identifiers><envelope_to>x.example</envelope_to>"),
    "human_result": lambda text: text.replace(
        "<selector>", "<human_result>&lt;ok&gt;</human_result><selector>"),
    "empty elements": sub("<p>none</p>", "<p>none</p><sp/><pct></pct><fo />"),
    "a domain in capitals": lambda text: text.replace(
        "<domain>example.com</domain><p>",
        "<domain>\n EXAMPLE.com. </domain><p>"),
    "policy last": lambda text: text.replace(
        policy_of(text), "").replace("</feedback>",
                                     policy_of(text) + "</feedback>"),
    "unknown elements": sub(
        "</policy_published>", "<x:y xmlns:x='z'><record><count>9</count>"
        "</record></x:y></policy_published>"),
    "addresses in brackets": lambda text: text.replace(
        "<source_ip>192.0.2.1<", "<source_ip>\n[192.0.2.1] <"),
}


def policy_of(text):
    end = "</policy_published>"
    return text[text.index("<policy_published>"):text.index(end) + len(end)]


# ---- bytes and archives: bytes -> (bytes, name, type) ----

def utf16(data):
    return data.decode().replace("\ufeff", "").encode("utf-16")


def gz(data, **options):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", **options) as f:
        f.write(data)
    return out.getvalue()


def members(data):
    """Returns a gzip file with several members."""
    return gz(data[:500]) + gz(data[500:900]) + gz(data[900:])


def gz_extra(data):
    """Returns a gzip file with FEXTRA, FNAME, FCOMMENT and FHCRC of RFC 1952.
    """
    head = b"\x1f\x8b\x08\x1e" + struct.pack("<I", 0) + b"\0\3"
    head += struct.pack("<H", 4) + b"ABCD" + b"r.xml\0" + b"words\0"
    head += struct.pack("<H", zlib.crc32(head) & 0xffff)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (head + packer.compress(data) + packer.flush() +
            struct.pack("<II", zlib.crc32(data), len(data)))


class Stream(io.RawIOBase):
    """A file without seek(), so that ZIP uses data descriptors."""

    def __init__(self):
        super().__init__()
        self.out = b""

    def writable(self):
        return True

    def write(self, data):
        self.out += bytes(data)
        return len(data)


def zipped(data, name="r.xml", method=zipfile.ZIP_DEFLATED, more=(),
           stream=False, zip64=False):
    out = Stream() if stream else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for other, content in more:
            archive.writestr(other, content)
        with archive.open(name, "w", force_zip64=zip64) as f:
            f.write(data)
    return out.out if stream else out.getvalue()


APPLE = (("__MACOSX/", ""), ("__MACOSX/._r.xml", b"\0\5\x16\7" + b"\0" * 70))
PACKINGS = {
    "XML": lambda data: (data, "r.xml", "text/xml"),
    "XML as octets": lambda data: (data, "r.xml", "application/octet-stream"),
    "XML as application": lambda data: (data, "r.xml", "application/xml"),
    "UTF-16": lambda data: (utf16(data), "r.xml", "application/xml"),
    "gzip": lambda data: (gz(data), "r.xml.gz", "application/gzip"),
    "x-gzip": lambda data: (gz(data), "r.xml.gz", "application/x-gzip"),
    "gzip named ZIP": lambda data: (gz(data), "r.zip", "application/zip"),
    "gzip of members": lambda data: (members(data), "r.gz",
                                     "application/gzip"),
    "gzip with fields": lambda data: (gz_extra(data), "r.gz",
                                      "application/gzip"),
    "gzip twice": lambda data: (gz(gz(data)), "r.xml.gz", "application/gzip"),
    "gzip and NULs": lambda data: (gz(data) + b"\0" * 64, "r.gz",
                                   "application/gzip"),
    "ZIP": lambda data: (zipped(data), "r.zip", "application/zip"),
    "ZIP of Windows": lambda data: (
        zipped(data, "a!b!1!2.xml"), "a!b!1!2.zip",
        "application/x-zip-compressed"),
    "ZIP, stored": lambda data: (zipped(data, method=zipfile.ZIP_STORED),
                                 "r.zip", "application/zip"),
    "ZIP, streamed": lambda data: (zipped(data, stream=True), "r.zip",
                                   "application/octet-stream"),
    "ZIP64": lambda data: (zipped(data, zip64=True), "r.zip",
                           "application/zip"),
    "ZIP of a Mac": lambda data: (zipped(data, more=APPLE), "r.zip",
                                  "application/zip"),
    "ZIP of a folder": lambda data: (zipped(data, "a\\b\\r.XML", more=(
        ("a/", ""),)), "r.zip", "application/zip"),
    "gzip in ZIP": lambda data: (zipped(gz(data), "r.xml.gz"), "r.zip",
                                 "application/zip"),
    "a name of bytes": lambda data: (zipped(data, "r\u00e4.xml"), "r.zip",
                                     "application/zip"),
}


# ---- a part: (bytes, name, type) -> bytes of header and body ----

def base64_of(data, columns=76):
    text = base64.b64encode(data)
    return b"".join(text[i:i + columns] + b"\n"
                    for i in range(0, len(text), columns))


def part(kind, how, body):
    return (b"Content-Type: " + kind.encode() + b"\n" +
            (b"Content-Transfer-Encoding: " + how.encode() + b"\n" if how
             else b"") + b"\n" + body)


def named(name, kind):
    return '%s;\n\tname="%s"' % (kind, name)


def extended(name, kind):
    return ("%s\nContent-Disposition: attachment;\n filename*0*=utf-8''%s;\n "
            "filename*1=\"%s\"" % (kind, name[:3].replace("!", "%21"),
                                   name[3:]))


def word(name, kind):
    return '%s\nContent-Disposition: attachment; filename="=?utf-8?B?%s?="' % (
        kind, base64.b64encode(name.encode()).decode())


PARTS = {
    "base64": lambda d, n, k: part(named(n, k), "base64", base64_of(d)),
    "base64 in capitals": lambda d, n, k: part(
        named(n, k), "BASE64", base64_of(d)),
    "base64 in one line": lambda d, n, k: part(
        named(n, k), "base64", base64_of(d, 10 ** 9)),
    "base64 without =": lambda d, n, k: part(
        named(n, k), "base64", base64_of(d).replace(b"=", b"")),
    "base64 and blank lines": lambda d, n, k: part(
        named(n, k), "base64", base64_of(d).replace(b"\n", b" \n\n")),
    "base64 as octets": lambda d, n, k: part(
        named(n, "application/octet-stream"), "base64", base64_of(d)),
    "no name": lambda d, n, k: part(k, "base64", base64_of(d)),
    "RFC 2231": lambda d, n, k: part(extended(n, k), "base64", base64_of(d)),
    "RFC 2047": lambda d, n, k: part(word(n, k), "base64", base64_of(d)),
    "quoted-printable": lambda d, n, k: part(
        named(n, k), "quoted-printable",
        binascii.b2a_qp(d, istext=False).replace(b"\r\n", b"\n")),
}


# ---- a message: bytes of a part -> bytes ----

HEAD = b"""From: "Reports" <noreply@receiver.example>
To: dmarc@example.com
Subject: Report Domain: example.com Submitter: receiver.example
MIME-Version: 1.0
"""
NOTE = b"Content-Type: text/plain; charset=utf-8\n\nThis is a report <x>.\n"


def multipart(kind, *parts, boundary=b"=_b", end=b"--=_b--\n"):
    return (b"Content-Type: multipart/" + kind + b";\n boundary=\"" +
            boundary + b"\"\n\nNot for people.\n" + b"".join(
                b"--" + boundary + b"\n" + one + b"\n" for one in parts) +
            end)


def forwarded(mail_of, how):
    def make(body):
        inner = HEAD + multipart(b"mixed", NOTE, body)
        if how == "base64":
            inner = base64_of(inner)
        elif how == "quoted-printable":
            inner = quopri.encodestring(inner)
        return HEAD + multipart(b"mixed", NOTE, part(mail_of, how, inner),
                                boundary=b"outer", end=b"--outer--\n")
    return make


MAILS = {
    "the body": lambda body: HEAD + body,
    "mixed": lambda body: HEAD + multipart(b"mixed", NOTE, body),
    "report": lambda body: HEAD + multipart(
        b"report; report-type=aggregate", NOTE, body),
    "no end": lambda body: HEAD + multipart(b"mixed", NOTE, body, end=b""),
    "alternative inside": lambda body: HEAD + multipart(
        b"mixed", multipart(b"alternative", NOTE, NOTE.replace(
            b"plain", b"html"), boundary=b"in", end=b"--in--\n"), body),
    "related": lambda body: HEAD + multipart(b"related", body, part(
        "image/svg+xml", "", b"<svg/>")),
    "CRLF": lambda body: (HEAD + multipart(b"mixed", NOTE, body)).replace(
        b"\n", b"\r\n"),
    "a footer": lambda body: HEAD + multipart(b"mixed", body, NOTE) +
    b"\n_____\nThis list is for reports.\n",
    "signed, detached": lambda body: HEAD + multipart(
        b'signed; protocol="application/pkcs7-signature"', multipart(
            b"mixed", NOTE, body, boundary=b"in", end=b"--in--\n"),
        part('application/pkcs7-signature; name="smime.p7s"', "base64",
             base64_of(smime(None)))),
    "signed, opaque": lambda body: HEAD + part(
        'application/pkcs7-mime; smime-type=signed-data; name="smime.p7m"',
        "base64", base64_of(smime(multipart(b"mixed", NOTE, body),
                                  chunk=1000))),
    "forwarded": forwarded("message/rfc822", ""),
    "forwarded, base64": forwarded("message/rfc822", "base64"),
    "forwarded, quoted": forwarded("message/rfc822", "quoted-printable"),
    "forwarded as octets": forwarded(
        'application/octet-stream; name="mail.eml"', "base64"),
    "a mailbox": lambda body: b"From noreply@receiver.example Mon Jan  5 "
    b"00:00:00 2026\n" + HEAD + multipart(b"mixed", NOTE, body),
}


# ---- expected rows ----

def text_of(number):
    return report(1 + number % 20, [
        record("192.0.2.1", 1234),
        record("2001:db8::25", 7, dkim="fail", spf="fail",
               signed=[("example.com", "fail")], envelope="lists.example.net",
               spf_result="fail", reason="mailing_list")], number=str(number))


WANT = [("192.0.2.1", 1234, "example.com", "example.com", 1, 1, "",
         "pass example.com s1", "pass"),
        ("2001:db8::25", 7, "example.com", "lists.example.net", 0, 0,
         "mailing_list", "fail example.com s1", "fail")]


def stored_of(store):
    """Returns {report id: rows}."""
    found = {}
    with sqlite3.connect(store) as db:
        for number, *row in db.execute(
                "SELECT report_id, address, received_row.messages, "
                "header_from, envelope_from, dkim_aligned, spf_aligned, "
                "override, trim(dkim, char(10)), spf_result FROM received "
                "JOIN received_row ON report = received.id "
                "JOIN source ON source.id = source "
                "JOIN shape ON shape.id = shape WHERE domain = 'example.com' "
                "ORDER BY address"):
            found.setdefault(number, []).append(tuple(row))
    return found


def check_all(c, ways):
    """`ways`: [(names of the variants, file)]; the id of the n-th report is n.
    """
    folder = "odd%d" % c.n
    for number, (_, data) in enumerate(ways):
        c.file("%s/%05d" % (folder, number), data)
    store = c.store()
    output = c.read(store, c.path(folder))
    for refusal in output["refusals"]:
        number = int(os.path.basename(refusal["file"])[:5])
        print("# %s: %s" % (" + ".join(ways[number][0]), refusal["reason"]))
    found = stored_of(store)
    for number, (names, _) in enumerate(ways):
        same(found.get(str(number)), WANT, " + ".join(names))
    same((output["status"], output["stored"], output["without"], output["refused"]),
         (0, len(ways), 0, 0))


def file_of(number, xml, packing=None, a_part=None, a_mail=None):
    data = XML[xml](text_of(number)).encode()
    if packing is None:
        return data
    packed = PACKINGS[packing](data)
    if a_part is None:
        return packed[0]
    return MAILS[a_mail](PARTS[a_part](*packed))


@suite.test("each way of writing the XML")
def each_xml(c):
    check_all(c, [((xml,), file_of(n, xml)) for n, xml in enumerate(XML)])


@suite.test("each way of packing it, as a file and in a message")
def each_packing(c):
    ways = [(packing, mailed) for packing in PACKINGS for mailed in (0, 1)]
    check_all(c, [((packing,), file_of(
        n, "as RFC 9990", packing, *(("base64", "mixed") if mailed else ())))
        for n, (packing, mailed) in enumerate(ways)])


@suite.test("each way of attaching it")
def each_part(c):
    check_all(c, [((name,), file_of(n, "as RFC 9990", "gzip", name, "mixed"))
                  for n, name in enumerate(PARTS)])


@suite.test("each type of message")
def each_mail(c):
    check_all(c, [((name,), file_of(n, "as RFC 9990", "ZIP", "base64", name))
                  for n, name in enumerate(MAILS)])


def nesting(a_mail, packing):
    """Returns the number of levels of files inside files."""
    return (2 + ("forwarded" in a_mail and a_mail != "forwarded") +
            2 * (a_mail == "signed, opaque") + (packing in (
                "gzip twice", "gzip in ZIP")) - packing.startswith("XML") -
            (packing == "UTF-16"))


@suite.test("mixtures of all variants")
def mixtures(c):
    r = random.Random(SEED)
    ways = []
    while len(ways) < MIXTURES:
        names = [r.choice(sorted(kind)) for kind in (XML, PACKINGS, PARTS,
                                                     MAILS)]
        # at most 4 levels of files are read
        if nesting(names[3], names[1]) <= 4:
            ways.append((names, file_of(len(ways), *names)))
    check_all(c, ways)


@suite.test("an encrypted ZIP, other archives: rejected by name, or no report")
def other_archives(c):
    # bit 0 of the flags: encrypted (local and central header)
    plain_zip = bytearray(zipped(text_of(1).encode()))
    plain_zip[6] |= 1
    plain_zip[plain_zip.rindex(b"PK\1\2") + 8] |= 1
    for data, want in ((bytes(plain_zip), "encrypted; cannot be unpacked"),
                       (b"7z\xbc\xaf\x27\x1c" + b"\0" * 100, "neither XML"),
                       (b"Rar!\x1a\7\0" + b"\0" * 100, "neither XML"),
                       (b"BZh91AY&SY" + b"\0" * 100, "neither XML"),
                       (b"\xfd7zXZ\0" + b"\0" * 100, "neither XML")):
        output = c.read(c.store(), c.file("other", data))
        same((output["status"], output["stored"]), (65, 0), want)
        holds(output["err"], want)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    lab = Lab(sys.argv[1])
    try:
        return suite.run(lab, sys.argv[2] if len(sys.argv) > 2 else None)
    finally:
        shutil.rmtree(lab.home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
