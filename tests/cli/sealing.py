"""Creates ARC sets without avouch (RFC 8617 section 5.1), always relaxed."""

import base64
import hashlib

import signing

PARTS = ("ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal")


def _over(fields, value, name, key):
    """Returns `value` with b=, signed over `fields` and the field itself."""
    data = b"".join(signing.canonical_field(*f, "relaxed") + b"\r\n"
                    for f in fields)
    data += signing.canonical_field(name, value, "relaxed")
    return value + base64.b64encode(key.sign(data))


def seal(message, key, domain, selector, instance, chain, results):
    """Returns `message` with one more set at the top."""
    fields, body = signing.split(message)
    start = b" i=%d; a=%s-sha256; d=%s; s=%s; " % (
        instance, key.kind.encode(), domain.encode(), selector.encode())
    aar = (PARTS[0].encode(), b" i=%d; %s" % (instance, results.encode()))
    names = [n for n in signing.HEADERS
             if any(f[0].lower() == n.encode() for f in fields)]
    digest = hashlib.sha256(signing.canonical_body(body, "relaxed")).digest()
    ams = start + b"c=relaxed/relaxed; h=%s; bh=%s; b=" % (
        ":".join(names).encode(), base64.b64encode(digest))
    signed = [next(f for f in reversed(fields) if f[0].lower() == n.encode())
              for n in names]
    ams = (PARTS[1].encode(), _over(signed, ams, PARTS[1].encode(), key))
    # earlier sets, oldest first, with their fields in this order
    sealed = []
    for i in range(1, instance):
        for part in PARTS:
            sealed += [f for f in fields if f[0] == part.encode() and
                       f[1].startswith(b" i=%d;" % i)]
    ours = start + b"cv=%s; b=" % chain.encode()
    ours = (PARTS[2].encode(),
            _over(sealed + [aar, ams], ours, PARTS[2].encode(), key))
    return b"".join(n + b":" + v + b"\r\n"
                    for n, v in (ours, ams, aar)) + message
