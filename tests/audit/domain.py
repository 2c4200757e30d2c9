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
import zones  # noqa: E402
from auditing import applied, audit, filled, found, serious  # noqa: E402
from suite import Suite, same, true  # noqa: E402

suite = Suite()

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
