#!/usr/bin/env python3
"""avouch audit DOMAIN on zones: planted mistakes are all found, none is
invented, and each fix, applied to the zone, silences its finding.

usage: domain.py PROGRAM [PART-OF-A-NAME]
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "cli"))

import command  # noqa: E402
from command import NOW, OK, TEMPFAIL, USAGE  # noqa: E402
import signing  # noqa: E402
from suite import Suite, holds, lacks, same, true  # noqa: E402

import zones  # noqa: E402

suite = Suite()

# Hints that nearly every domain gets: techniques that are optional.
OPTIONAL = ("hint mta-sts.absent", "hint tls-rpt.absent")

FINDING = 1  # the status of --fail-on

keys = {}


def filled(c, name, lines):
    """The lines as a zone, with the domain and the keys in them."""
    if not keys:
        for word, bits in (("KEY512", 512), ("KEY1024", 1024), ("KEY", 2048)):
            record = signing.Key("rsa", c.home, bits).record()
            keys[word] = record.split("p=")[1]
        keys["CUT"] = keys["KEY"][:100]
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
    """A TXT record in strings of 255 bytes."""
    m = re.match(r'(.* IN TXT) "(.*)"$', line)
    if not m or len(m.group(2)) <= 255 or '" "' in m.group(2):
        return line
    text = m.group(2)
    return m.group(1) + " " + " ".join(
        '"%s"' % text[i:i + 255] for i in range(0, len(text), 255))


def audit(c, domain, lines, options=(), status=OK):
    zone = c.file("audit.zone", "$TTL 300\n" + zones.WORLD + "\n".join(lines) +
                  "\n")
    return c.run("audit", domain, "--zone", zone, "--now", NOW, "--json",
                 *options, status=status).json()


def found(result):
    return sorted("%s %s.%s" % (f["severity"], f["area"], f["id"])
                  for f in result["findings"])


def serious(result):
    return [f for f in found(result) if f not in OPTIONAL]


def applied(lines, finding):
    """The zone after the fix of a finding; what only the owner knows is
    filled in."""
    lines = list(lines)
    for line in finding["remove"]:
        true(line in lines, "%r is not in the zone %r" % (line, lines))
        lines.remove(line)
    for line in finding["publish"]:
        for word, value in (("HASH-OF-PUBLIC-KEY", "ef" * 32),
                            ("PUBLIC-KEY", keys["KEY"]),
                            ("ADDRESS", "192.0.2.99"), ("ACCOUNT", "example")):
            line = line.replace(word, value)
        lines.append(strings(line))
    return lines


def each_fix(c, domain, lines, options, result):
    for f in result["findings"]:
        what = "%s: %s.%s" % (domain, f["area"], f["id"])
        if f["severity"] == "hint" and not f["publish"] + f["remove"]:
            continue
        true(f["publish"] or f["remove"], what + " has a fix")
        after = audit(c, domain, applied(lines, f), options)
        true(not any(g["area"] == f["area"] and g["id"] == f["id"] and
                     g["where"] == f["where"] for g in after["findings"]),
             "%s is still there after %r: %s" % (what, f["publish"],
                                                 found(after)))


def planted(name):
    @suite.test("planted: %s, and each fix silences its finding" % name)
    def run(c):
        lines, options, want = zones.PLANTED[name]
        domain = name + ".example"
        lines = filled(c, domain, lines)
        result = audit(c, domain, lines, options)
        same(serious(result), sorted(want), domain)
        for f in result["findings"]:
            true(re.search(r"RFC \d+|BIMI|Yahoo", f["section"]), "section")
            true(f["fix"].endswith("."), "fix")
        each_fix(c, domain, lines, options, result)


for each in zones.PLANTED:
    planted(each)


@suite.test("perfect domains: no error, no warning, A and A")
def perfect(c):
    for name, (lines, options) in zones.PERFECT.items():
        domain = name + ".example"
        result = audit(c, domain, filled(c, domain, lines), options)
        same(serious(result), [], domain)
        same(result["grades"], {"arrive": "A", "spoof": "A"}, domain)


@suite.test("a parked domain: nothing is said at all")
def parked(c):
    result = audit(c, "parked.example",
                   filled(c, "parked.example", zones.PARKED))
    same(found(result), [], "findings")
    same(result["parked"], True, "parked")


@suite.test("well-known set-ups: no error")
def setups(c):
    for name, (lines, want) in zones.SETUPS.items():
        domain = name + ".example"
        result = audit(c, domain, filled(c, domain, lines))
        same([f for f in serious(result) if not f.startswith("hint")], want,
             domain)
        same(result["grades"]["arrive"], "A", domain)

if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
