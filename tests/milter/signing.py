"""DKIM signatures made without avouch: a second implementation of RFC 6376 and
RFC 8463, in another language, with openssl(1) for keys and signatures.  Tests
that signed with the code under test would not notice if both sides were wrong.
"""

import base64
import hashlib
import os
import re
import subprocess
import tempfile
import time

HEADERS = ["from", "to", "subject", "date", "message-id"]


def _openssl(arguments, given=b""):
    return subprocess.run(["openssl", *arguments], input=given, check=True,
                          capture_output=True).stdout


class Key:
    """A key pair in `directory`; `kind` is "rsa" or "ed25519"."""

    def __init__(self, kind, directory, bits=2048):
        self.kind = kind
        handle, self.path = tempfile.mkstemp(prefix=kind + "-", suffix=".pem",
                                             dir=directory)
        os.close(handle)
        if kind == "rsa":
            _openssl(["genpkey", "-algorithm", "RSA", "-pkeyopt",
                      "rsa_keygen_bits:%d" % bits, "-out", self.path])
        else:
            _openssl(["genpkey", "-algorithm", "ED25519", "-out", self.path])

    def record(self):
        """Returns the text of the key record: RFC 6376 section 3.6.1."""
        der = _openssl(["pkey", "-in", self.path, "-pubout", "-outform",
                        "DER"])
        if self.kind == "ed25519":  # RFC 8463 section 4: the bare 32 bytes
            der = der[-32:]
        return "v=DKIM1; k=%s; p=%s" % (
            self.kind, base64.b64encode(der).decode())

    def sign(self, data):
        if self.kind == "rsa":
            return _openssl(["dgst", "-sha256", "-sign", self.path], data)
        # RFC 8463 section 3: Ed25519 signs the SHA-256 of the data
        with tempfile.NamedTemporaryFile() as f:
            f.write(hashlib.sha256(data).digest())
            f.flush()
            return _openssl(["pkeyutl", "-sign", "-rawin", "-inkey",
                             self.path, "-in", f.name])


def split(message):
    """Returns (fields, body); a field is (name, value), the value with its
    CRLF."""
    head, _, body = message.partition(b"\r\n\r\n")
    lines = re.split(rb"\r\n(?![ \t])", head)
    return [tuple(line.split(b":", 1)) for line in lines], body


def canonical_field(name, value, how):
    if how == "simple":  # RFC 6376 section 3.4.1
        return name + b":" + value
    value = re.sub(rb"\r\n", b"", value)  # RFC 6376 section 3.4.2
    value = re.sub(rb"[ \t]+", b" ", value).strip(b" ")
    return name.strip().lower() + b":" + value


def canonical_body(body, how):
    if how == "relaxed":  # RFC 6376 section 3.4.4
        body = re.sub(rb"[ \t]+\r\n", b"\r\n", body)
        body = re.sub(rb"[ \t]+", b" ", body)
    end = len(body)
    while body[max(end - 2, 0):end] == b"\r\n":
        end -= 2
    body = body[:end]
    if body or how == "simple":  # RFC 6376 section 3.4.3
        body += b"\r\n"
    return body


def sign(message, key, domain, selector, canon="relaxed/relaxed",
         headers=None, tags="", fold=b"\r\n\t", field=b"DKIM-Signature",
         first=b"v=1"):
    """Returns `message` with a DKIM-Signature field at the top: RFC 6376
    section 3.7."""
    how_header, how_body = canon.split("/")
    fields, body = split(message)
    names = headers or [h for h in HEADERS
                        if any(n.strip().lower() == h.encode()
                               for n, _ in fields)]
    digest = hashlib.sha256(canonical_body(body, how_body)).digest()
    value = fold.join([
        b" %s; a=%s-sha256; c=%s; d=%s; s=%s;" % (
            first, key.kind.encode(), canon.encode(), domain.encode(),
            selector.encode()),
        b"h=%s;%s" % (":".join(names).encode(), tags.encode()),
        b"bh=%s;" % base64.b64encode(digest), b"b="])
    left = list(fields)
    data = b""
    for name in names:  # from the bottom up: RFC 6376 section 5.4.2
        for i in range(len(left) - 1, -1, -1):
            if left[i][0].strip().lower() == name.encode():
                data += canonical_field(*left.pop(i), how_header) + b"\r\n"
                break
    data += canonical_field(field, value, how_header)
    signature = base64.b64encode(key.sign(data))
    signature = fold.join(signature[i:i + 70]
                          for i in range(0, len(signature), 70))
    return field + b":" + value + signature + b"\r\n" + message


def seal(message, key, domain, selector, results):
    """Returns `message` with its first ARC set at the top: RFC 8617 section
    5.1."""
    message = sign(message, key, domain, selector, headers=["from", "subject"],
                   field=b"ARC-Message-Signature", first=b"i=1")
    results = b" i=1; " + results
    value = b" i=1; a=%s-sha256; cv=none; d=%s; s=%s; t=%d; b=" % (
        key.kind.encode(), domain.encode(), selector.encode(), time.time())
    fields, _ = split(message)
    data = (canonical_field(b"ARC-Authentication-Results", results, "relaxed")
            + b"\r\n" + canonical_field(*fields[0], "relaxed") + b"\r\n" +
            canonical_field(b"ARC-Seal", value, "relaxed"))
    value += base64.b64encode(key.sign(data))
    return (b"ARC-Seal:" + value + b"\r\nARC-Authentication-Results:" +
            results + b"\r\n" + message)


def txt(name, text):
    """Returns a TXT record for a zone file, in strings of at most 255
    bytes."""
    strings = [text[i:i + 255] for i in range(0, len(text), 255)]
    return "%s IN TXT %s" % (name, " ".join('"%s"' % s for s in strings))
