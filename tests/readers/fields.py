#!/usr/bin/env python3
"""Programs that read our Authentication-Results field find the results that
avouch wrote, whatever the senders of the messages try.

usage: fields.py PROGRAM [PART-OF-A-NAME]      PROGRAM is avouch

Reads the fields of hostile.py, and of the conformance suites if they are in
SUITES or ../shared/conformance.
"""

import importlib
import os
import sys

import hostile
import readers
from readers import Sample

sys.path.insert(0, readers.HERE + "/../cli")

from command import main  # noqa: E402
from suite import Skip, Suite, same, true  # noqa: E402

SUITES = os.environ.get("SUITES", readers.HERE +
                        "/../../../shared/conformance")
suite = Suite()


def hostile_verdicts(c):
    zone = c.file("hostile.zone", hostile.zone())
    for name, helo, sender, fields, _ in hostile.INPUTS:
        message = hostile.message(fields)
        yield name, message, c.run(
            "check", "--zone", zone, "--ip", hostile.CLIENT, "--helo", helo,
            "--mail-from", sender, "--authserv-id", "mx.example.net", "--now",
            "1767225600", "--config", os.devnull, "--json",
            c.file("message.eml", message)).json()


def conformance_verdicts(c):
    """Yields the verdict of each case that has a whole message."""
    if not os.path.exists(SUITES + "/run.py"):
        raise Skip("there are no conformance suites in " + SUITES)
    sys.path.insert(0, SUITES)
    suites = importlib.import_module("run")
    dns = suites.fixturedns.Server("127.0.0.1", 0, "servfail")
    dns.start()
    adapter = suites.load_adapter("avouch", [SUITES])(
        type("Arguments", (), {"binary": c.program, "timeout": 60}))
    for each in suites.load_suites([SUITES]).values():
        for case in each["cases"]:
            if case["kind"] != "check":
                continue
            dns.set_zone(case["zone"])
            case["input"]["authserv_id"] = "mx.example.net"
            verdict = adapter.run(case, dns)
            verdict["problems"] = suites.fieldcheck.problems(
                verdict["authentication_results"])
            yield "%s/%s" % (case["suite"], case["name"]), \
                hostile.message(b""), verdict


kept = {}


def samples(c, verdicts):
    if verdicts not in kept:
        kept[verdicts] = [Sample.of_json(name, verdict, message)
                          for name, message, verdict in verdicts(c)]
    return kept[verdicts]


@suite.test("hostile inputs: no result is forged or hidden")
def _(c):
    for name, message, verdict in hostile_verdicts(c):
        value = verdict["authentication_results"]
        true(value.isascii() and "\\" not in value, name + value)
        for method in "spf", "dmarc":
            same(method + "=pass" in value, verdict[method]["result"] ==
                 "pass", name + value)
        same("dkim=pass" in value, any(
            s["result"] == "pass" for s in verdict["dkim"]["signatures"]),
            name + value)
        same(verdict["stripped"], int(name in hostile.FORGERIES), name)


def add(collection, verdicts, reader, read):
    @suite.test("%s: %s" % (collection, reader))
    def _(c):
        read(samples(c, verdicts))


for reader in readers.READERS:
    add("hostile inputs", hostile_verdicts, *reader)
for reader in readers.READERS:
    add("conformance suites", conformance_verdicts, *reader)


if __name__ == "__main__":
    sys.exit(main(suite, sys.argv))
