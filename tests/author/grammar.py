"""Random From fields: hostile ones made of two addresses, and honest ones as
ordinary programs write them."""

import base64

TARGET = "admin@bank.example"   # the address that the field tries to show
OWN = "x@attack.example"        # the sender is authenticated for this one

# Bytes that programs drop, take as the end of a name, or misread.
NOISE = [c.encode("utf-8") for c in (
    "\u00a0\u00ad\u034f\u061c\u115f\u1680\u180e\u2000\u200b\u200c\u200d\u200e"
    "\u2028\u2029\u202e\u202f\u205f\u2060\u2066\u3000\u3164\ufe0f\ufeff\uffa0"
    "\ufffd\U000e0041")] + [
    b"\x00", b"\x01", b"\x07", b"\x0b", b"\x0c", b"\x1b", b"\x7f", b"\x80",
    b"\xa0", b"\xff", b"\xc0\xae", b"\xc1\x80", b" ", b"\t", b"\r", b"\n",
    b"\r\n ", b"\r\n\t", b"\\", b"\"", b"'", b"`", b"\"\"", b"()", b"(x)",
    b"(\\))", b"[", b"]", b"[]", b"<", b">", b"<>", b",", b";", b":", b"::",
    b"/", b"?", b"#", b"&#46;", b"=", b"=2E", b"=40", b"%", b"%40", b"!", b"^",
    b"|", b"*", b"+", b"~", b"$", b"{", b"}", b".", b"..", b"-", b"_", b"@",
    b"=?utf-8?q??=", b"=?utf-8?q?_?=", b"mailto:"]
AT = [b"@"] * 12 + [b" @ ", b"@ ", b" @", b"@(x)", b"(x)@", b"@\r\n ", b"%", b"!",
      b"\xef\xbc\xa0", b"\xef\xb9\xab", b"\xc1\x80", b"=40", b"%40", b"&#64;",
      b"@@", b"\\@", b"\"@\"", b"(at)", b" at "]
DOT = [b"."] * 12 + [b" . ", b". ", b" .", b".(x)", b"..", b"\xe3\x80\x82",
       b"\xef\xbc\x8e", b"\xef\xbd\xa1", b"\xef\xb9\x92", b"\xe2\x80\xa4",
       b"\\.", b"(dot)", b"\r\n ."]
WORDS = [b"Bank", b"Support", b"y", b"Bank, Inc.", b"J. R.", b"Re:", b"a b", b"@",
         b"x%y", b"a!b", b"\"q\"", b"(c)", b"[]", b"undisclosed", b"\xc3\xbc",
         b"\xfc", b"100%", b"News @ Acme", b"'", b"\\"]
CHARSETS = [b"utf-8"] * 6 + [b"us-ascii", b"iso-8859-1", b"windows-1252", b"UTF-8*en",
            b"", b"x-none", b"utf-7", b"utf-16", b"utf-16be", b"cp037", b"hz",
            b"gb2312", b"shift_jis", b"iso-2022-jp", b"unknown-8bit", b"unicode_escape"]
JOINTS = [b" "] * 8 + [b""] * 3 + [b",", b", ", b", ,", b";", b"; ", b":", b": ",
          b"\r\n ", b"\t", b" (c) ", b" \"\" ", b"\\", b".", b"=?utf-8?q?,?="]


def codec(charset):
    name = charset.split(b"*")[0].decode("ascii")
    return name if name in ("utf-7", "utf-16", "utf-16be", "cp037", "hz",
                            "unicode_escape") else None


def encoded(rng, text):
    """An encoded word (RFC 2047), or several, with the errors seen in them."""
    if len(text) > 1 and rng.random() < 0.2:
        at = rng.randrange(len(text))
        return encoded(rng, text[:at]) + rng.choice([b" ", b"", b"\r\n ", b"x"]) + \
            encoded(rng, text[at:])
    charset = rng.choice(CHARSETS)
    if codec(charset):
        try:
            text = text.decode("utf-8").encode(codec(charset))
            if codec(charset) == "utf-7" and rng.random() < 0.7:
                text = text.replace(b"@", b"+AEA-").replace(b".", b"+AC4-")
        except UnicodeError:
            pass
    if rng.random() < 0.5:
        body = base64.b64encode(text)
        if rng.random() < 0.3:
            body = body.rstrip(b"=")
        if rng.random() < 0.1:
            at = rng.randrange(len(body) + 1)
            body = body[:at] + rng.choice([b"=", b"==", b" ", b"!", b"\r\n "]) + body[at:]
        return b"=?%s?%s?%s?=" % (charset, rng.choice([b"b", b"B"]), body)
    body = bytearray()
    for c in text:
        if c == 0x20:
            body += rng.choice([b"_", b"=20", b" "])
        elif bytes([c]).isalnum() or rng.random() < 0.2:
            body.append(c)
        else:
            body += rng.choice([b"=%02X", b"=%02x"]) % c
    return b"=?%s?%s?%s?=" % (charset, rng.choice([b"q", b"Q"]), bytes(body))


def address(rng, text):
    """An address with random changes."""
    local, _, domain = text.encode("ascii").partition(b"@")
    labels = domain.split(b".")
    out = domain = rng.choice(DOT).join(labels) if rng.random() < 0.5 else domain
    roll = rng.random()
    if roll < 0.06:
        out = domain + b"!" + local
    elif roll < 0.12:
        out = local + b"%" + domain
    else:
        out = local + (rng.choice(AT) if rng.random() < 0.5 else b"@") + domain
    while rng.random() < 0.35:
        at = rng.choice([0, len(out), rng.randrange(len(out) + 1),
                         out.find(b"@") + 1])
        out = out[:at] + rng.choice(NOISE) + out[at:]
    if rng.random() < 0.12:
        first, last = sorted(rng.randrange(len(out) + 1) for _ in "xx")
        out = out[:first] + encoded(rng, out[first:last]) + out[last:]
    if rng.random() < 0.05:
        out = out.upper()
    return out


def piece(rng, depth=0):
    roll = rng.random()
    if roll < 0.32:
        return address(rng, TARGET)
    if roll < 0.50:
        return address(rng, OWN) if rng.random() < 0.4 else OWN.encode("ascii")
    if roll < 0.62 or depth > 2:
        return rng.choice(WORDS)
    inner = pieces(rng, depth + 1)
    wrap = rng.randrange(9)
    if wrap < 3:
        return b"<" + inner + (b">" if rng.random() < 0.95 else b"")
    if wrap == 3:
        return b"\"" + inner + (b"\"" if rng.random() < 0.9 else b"")
    if wrap == 4:
        return b"(" + inner + (b")" if rng.random() < 0.9 else b"")
    if wrap in (5, 6):
        return encoded(rng, inner)
    if wrap == 7:
        return rng.choice(WORDS) + b": " + inner + (b";" if rng.random() < 0.8 else b"")
    return b"<@" + rng.choice([b"attack.example", b"bank.example"]) + b":" + inner + b">"


def pieces(rng, depth=0):
    out = piece(rng, depth)
    while rng.random() < 0.45:
        out += rng.choice(JOINTS) + piece(rng, depth)
    return out


FORMS = [  # makes many fields nearly valid
    b"%(t)s (%(o)s)", b"(%(o)s) <%(t)s>", b"\"%(o)s\" <%(t)s>", b"%(o)s, %(t)s",
    b"%(t)s, %(o)s", b"%(t)s <%(o)s>", b"<%(t)s> <%(o)s>", b"\"%(t)s\" <%(o)s>",
    b"=?utf-8?q?%(q)s?= <%(o)s>", b"=?utf-8?b?%(b)s?= <%(o)s>",
    b"\"=?utf-8?b?%(b)s?=\" <%(o)s>", b"(=?utf-8?q?%(q)s?=) %(o)s",
    b"Bank <%(t)s>", b"Bank [] (%(o)s) <%(t)s>", b"%(t)s:;, %(o)s",
    b"Bank: %(t)s; , %(o)s", b"\"%(t)s\"@attack.example", b"<%(t)s>, %(o)s",
    b"%(t)s.attack.example", b"<@attack.example:%(t)s>", b"<@bank.example:%(o)s>",
    b"\"x <%(o)s>\" <%(t)s>", b"%(o)s (%(t)s", b"\"%(t)s, %(o)s", b"%(t)s@attack.example"]


def hostile(rng):
    """Returns the value of a From field."""
    if rng.random() < 0.5:
        value = pieces(rng)
    else:
        target = address(rng, TARGET)
        quoted = b"".join(b"=%02X" % c for c in target)
        value = rng.choice(FORMS) % {
            b"t": target, b"o": OWN.encode("ascii"), b"q": quoted,
            b"b": base64.b64encode(target)}
    return b" " + value[:4000]


# ---- honest ----

NAMES = ["Joe", "Doe, Joe", "J. R. Doe", "News @ Acme", "Sales @ Acme, Inc.", "Ops/Alerts",
         "Joe (Sales)", "Re: News", "Yahoo!Mail Team", "Save 100% now", "Dr. No", "Joe \"J\" Doe",
         "M\u00fcller, J\u00f6rg", "Zo\u00eb", "\u7530\u4e2d\uff20\u55b6\u696d", "O'Brien", "A & B Co. KG",
         "Caf\u00e9 @ Home", "Acme Inc", "Acme (EU", "Joe\u2019s Shop", "1-800-Flowers", "#1 News",
         "Team: EU", "K\u00fcche @ St. Pauli", "News @ Acme e.V.", "joe@home", "@acme", "Joe |",
         "Acme\u00ae", "=Joe=", "Joe <3", "a.b", "\u041f\u0440\u0438\u0432\u0435\u0442", "Joe, Jane & Co",
         "?", "", " ", "100%", "Wow!", "Jane\\Joe", "Acme;EU", "\U0001f600 Joe"]
DOMAINS = ["example.com", "mail.example.com", "news.example.co.uk", "b\u00fccher.example",
           "x_1.example.com", "example.museum", "xn--bcher-kva.example"]
LOCALS = ["joe", "joe.doe", "joe+tag", "no-reply", "joe..doe", "joe.", "o'brien", "joe%x",
          "bounce=joe", "j!oe", "\u00fcser", "\"joe doe\"", "1"]
QUOTABLE = "\\\""


def as_quoted(name):
    for c in QUOTABLE:
        name = name.replace(c, "\\" + c)
    return "\"" + name + "\""


def as_word(rng, name):
    data = name.encode("utf-8") or b" "
    if rng.random() < 0.5:
        return "=?%s?B?%s?=" % (rng.choice(["UTF-8", "utf-8"]),
                                base64.b64encode(data).decode("ascii"))
    return "=?utf-8?q?%s?=" % "".join(
        chr(c) if chr(c).isalnum() and c < 0x80 else "_" if c == 0x20 else "=%02X" % c
        for c in data)


def honest(rng):
    """Returns (value, domain of the author) of a field that must not be
    rejected, because its sender is honest.  Text in angle brackets, and each
    address, is valid."""
    domain, local = rng.choice(DOMAINS), rng.choice(LOCALS)
    spec = local + "@" + domain
    name = rng.choice(NAMES + [spec, "'" + spec + "'", spec.upper()])
    bare = name.replace("<", "").replace("\\", "").replace("\"", "")
    encode = as_word(rng, name)
    value = rng.choice([
        "%s <%s>" % (as_quoted(name), spec), "%s <%s>" % (encode, spec),
        "\"%s\" <%s>" % (encode, spec), "%s <%s>" % (bare, spec), "%s<%s>" % (bare, spec),
        "%s\r\n <%s>" % (bare, spec), "%s\r\n\t<%s>" % (encode, spec), spec, "<%s>" % spec,
        "%s (%s)" % (spec, bare.replace("(", "").replace(")", "")), "%s <%s>," % (bare, spec),
        "%s <%s>;" % (bare, spec), "\"%s <%s>" % (bare, spec), "%s <%s" % (bare, spec),
        "%s < %s >" % (bare, spec), "%s <%s>, %s <%s>" % (encode, spec, encode, spec),
        "%s, %s" % (spec, spec), "%s; %s" % (spec, spec), "%s." % spec, "<<%s>>" % spec,
        "%s %s" % (bare if "@" not in bare else "Joe", spec)])
    charset = "iso-8859-1" if rng.random() < 0.1 else "utf-8"
    try:
        data = value.encode(charset)
    except UnicodeError:
        data = value.encode("utf-8")
    if domain.startswith("b") and charset != "utf-8":
        data = value.encode("utf-8")
    return b" " + data, domain.encode("idna").decode("ascii")
