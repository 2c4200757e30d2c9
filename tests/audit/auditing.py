"""Runs avouch audit on the zones of tests/audit/zones.py."""

import re

import signing
import zones
from command import NOW, OK
from suite import true

# Hints that almost every domain gets: they are about optional techniques.
OPTIONAL = ("hint mta-sts.absent", "hint tls-rpt.absent")

FINDING = 1  # exit status with --fail-on

keys = {}


def filled(c, name, lines):
    """Returns the lines as a zone, with the domain and the keys filled in."""
    if not keys:
        made = {}
        for word, bits in (("KEY512", 512), ("KEY1024", 1024), ("KEY", 2048)):
            record = signing.Key("rsa", c.home, bits).record()
            made[word] = record.split("p=")[1]
        keys.update(made, CUT=made["KEY"][:100])
    out = []
    for line in lines:
        line = re.sub(r"(?<=p=)(KEY512|KEY1024|KEY|CUT)(?=\")",
                      lambda m: keys[m.group()], line.replace("@@", "\0"))
        line = line.replace("@", name) if not re.search(
            r"mailto:\S+@(reports|agrees|nowhere)", line) else re.sub(
                r"(?<!mailto:d)@", name, line)
        line = line.replace("\0", "@" + name)
        out.append(strings(line))
    return out


def strings(line):
    """Splits a TXT record into strings of 255 bytes."""
    m = re.match(r'(.* IN TXT) "(.*)"$', line)
    if not m or len(m.group(2)) <= 255 or '" "' in m.group(2):
        return line
    text = m.group(2)
    return m.group(1) + " " + " ".join(
        '"%s"' % text[i:i + 255] for i in range(0, len(text), 255))


def audit(c, domain, lines, options=(), status=OK, now=NOW):
    zone = c.file("audit.zone", "$TTL 300\n" + zones.WORLD + "\n".join(lines) +
                  "\n")
    return c.run("audit", domain, "--zone", zone, "--now", now, "--json",
                 *options, status=status).json()


def found(result):
    return sorted("%s %s.%s" % (f["severity"], f["area"], f["id"])
                  for f in result["findings"])


def serious(result):
    return [f for f in found(result) if f not in OPTIONAL]


def applied(lines, finding):
    """Returns the zone after a finding is fixed.  Placeholders that only the
    owner knows are filled in."""
    lines = list(lines)
    for line in finding["remove"]:
        true(line in lines, "%r is not in the zone %r" % (line, lines))
        lines.remove(line)
    for line in finding["publish"]:
        for word, value in (("HASH-OF-PUBLIC-KEY", "ef" * 32),
                            ("PUBLIC-KEY", keys["KEY"]),
                            ("NEW-SELECTOR", "s2"), ("HOST-NAME", "host"),
                            ("ADDRESS", "192.0.2.99"), ("ACCOUNT", "example")):
            line = line.replace(word, value)
        lines.append(strings(line))
    return lines
