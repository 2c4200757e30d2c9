#!/usr/bin/env python3
"""avouch audit --mine: which domains are ours, what changed since the last run, and
how a state that is not valid is handled.

usage: mine.py PROGRAM [PART-OF-A-NAME]
"""

import json
import os
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS + "/cli", TESTS + "/report"]

import command  # noqa: E402
import samples  # noqa: E402
import zones  # noqa: E402
from auditing import filled  # noqa: E402
from command import CONFIG, FOUND, OK, TEMPFAIL, USAGE  # noqa: E402
from suite import Suite, holds, lacks, same, true  # noqa: E402

suite = Suite()

DAY = 86400
NOW = samples.NOW
GOOD = [zones.GOOD_SPF, zones.GOOD_DMARC, *zones.MX]


class Mine:
    """A host with keys, reports, a zone, and the state from earlier runs."""

    def __init__(self, c, name):
        self.c = c
        self.home = c.path(name)
        os.mkdir(self.home)
        self.keys = self.home + "/keys"
        os.mkdir(self.keys)
        self.store = self.home + "/reports.db"
        self.state = self.home + "/audit.json"
        self.conf = self.home + "/avouch.conf"
        self.zones = {}
        self.configure()

    def configure(self, more="", store=False):
        self.more = more
        with open(self.conf, "w", encoding="ascii") as f:
            f.write('sign { keys = "%s" %s }\n' % (self.keys, more))
            if store:
                f.write('report { store = "%s" }\n' % self.store)

    def key(self, domain, selector="s1", created=NOW - 30 * DAY):
        os.makedirs("%s/%s" % (self.keys, domain), exist_ok=True)
        with open("%s/%s/selectors" % (self.keys, domain), "a",
                  encoding="ascii") as f:
            f.write("%s created=%d\n" % (selector, created))

    def report(self, domain, day=3, records=None, **how):
        """Adds a report.  The configuration has a store from then on."""
        self.configure(self.more, store=True)
        self.c.run("report", "read", "--store", self.store, self.c.file(
            "r.xml", samples.report(day, records or [
                samples.record("192.0.2.1", 5, domain=domain)], domain=domain,
                **how)))

    def zone(self, domain, lines, key="s1"):
        if key:
            lines = lines + [key + '._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY"']
        self.zones[domain] = filled(self.c, domain, lines)

    def run(self, *options, now=NOW, status=OK, more=""):
        zone = self.c.file("mine.zone", "$TTL 300\n" + zones.WORLD + more + "".join(
            "\n".join(lines) + "\n" for lines in self.zones.values()) +
            "1.2.0.192.in-addr.arpa. IN PTR mx.a.example.\n")
        return self.c.run("audit", "--mine", "--config", self.conf, "--zone", zone,
                          "--now", str(now), *options, status=status)

    def json(self, **how):
        return self.run("--json", **how).json()


def by_name(result):
    return {d["domain"]: d for d in result["domains"]}


def changed(result):
    """Returns {domain: (ids of new findings, ids of fixed findings)}."""
    out = {}
    for d in result["domains"]:
        new, fixed = (sorted(f["area"] + "." + f["id"] for f in d["changes"][k])
                      for k in ("new", "fixed"))
        if new or fixed or d["changes"]["before"]:
            out[d["domain"]] = (new, fixed)
    return out


@suite.test("our domains are those with keys and those in reports, each listed once")
def ours(c):
    m = Mine(c, "ours")
    m.key("keyed.example")
    os.mkdir(m.keys + "/.state")
    with open(m.keys + "/notes", "w", encoding="ascii") as f:
        f.write("not a folder of a domain")
    m.report("reported.example")
    m.report("keyed.example")
    m.report("old.example", day=40)
    for domain in ("keyed.example", "reported.example"):
        m.zone(domain, GOOD)
    same(sorted(by_name(m.json())), ["keyed.example", "reported.example"])
    m.configure()
    os.remove(m.state)
    same(sorted(by_name(m.json())), ["keyed.example"])
    true(os.path.exists(m.home + "/audit.json"), "beside the keys")
    os.remove(m.keys + "/keyed.example/selectors")
    os.rmdir(m.keys + "/keyed.example")
    holds(m.run().out, "no domains")
    same(m.json()["domains"], [], "none")


@suite.test("a domain is audited with its own keys, reports and addresses")
def learned(c):
    m = Mine(c, "learned")
    m.configure('outgoing = { "203.0.113.20" }')
    for domain in ("a.example", "b.example"):
        m.key(domain)
        m.key(domain, "gone")
    m.report("a.example", p="none", records=[
        samples.record("192.0.2.1", 9, domain="a.example")])
    m.zone("a.example", [zones.GOOD_SPF, *zones.MX,
                         '_dmarc.@. IN TXT "v=DMARC1; p=none; rua=mailto:d@@"'])
    m.zone("b.example", GOOD)
    found = by_name(m.json())
    ids = {name: sorted((f["id"], f["where"]) for f in d["findings"]
                        if f["severity"] == "error" or "since" in f["id"])
           for name, d in found.items()}
    for name in ids:
        holds(ids[name], ("no-key", "gone._domainkey." + name))
        holds(ids[name], ("outgoing-not-allowed", name))
    holds(ids["a.example"], ("monitoring-since", "_dmarc.a.example"))
    lacks([i for i, _ in ids["b.example"]], "monitoring-since")


@suite.test("changes: none at first, then new and fixed findings, and grades")
def changes(c):
    m = Mine(c, "changes")
    for domain in ("a.example", "b.example"):
        m.key(domain)
        m.zone(domain, GOOD)
    holds(m.run().out, "This is the first run")
    holds(m.run(now=NOW + DAY).out, "No changes since")
    m.zone("a.example", [zones.GOOD_SPF, *zones.MX,
                         '_dmarc.@. IN TXT "v=DMARC1; p=none; rua=mailto:d@@"'])
    text = m.run(now=NOW + 2 * DAY).out
    for part in ("Changes since 2026-02-11", "new warning: _dmarc.a.example",
                 "Can others spoof it? A before, D now", "fix:"):
        holds(text, part)
    lacks(text.split("Changes since")[1], "b.example")
    same(changed(m.json(now=NOW + 3 * DAY)), {}, "said once")
    m.zone("a.example", GOOD)
    m.zone("b.example", GOOD, key=None)
    result = m.json(now=NOW + 4 * DAY)
    same(changed(result), {"a.example": ([], ["dmarc.monitoring"]),
                           "b.example": (["dkim.no-key"], [])})
    same(by_name(result)["a.example"]["changes"]["before"],
         {"arrive": "A", "spoof": "D", "until": NOW + 4 * DAY})
    same([d["domain"] for d in result["domains"]], ["b.example", "a.example"],
         "the worst first")
    # a new domain is not a change
    m.key("c.example")
    m.zone("c.example", GOOD, key=None)
    same(changed(m.json(now=NOW + 5 * DAY)), {}, "new domains")
    m.zone("c.example", GOOD)
    same(changed(m.json(now=NOW + 6 * DAY)), {"c.example": ([], ["dkim.no-key"])})


@suite.test("the same finding in several places, and with a different number")
def same_place(c):
    m = Mine(c, "place")
    m.key("a.example", created=NOW - 400 * DAY)
    spf = '@. IN TXT "v=spf1 mx include:x%d.invalid include:x2.invalid ~all"'
    m.zone("a.example", [spf % 1, zones.GOOD_DMARC, *zones.MX])
    ids = [f["id"] for f in by_name(m.json())["a.example"]["findings"]]
    holds(ids, "old-key")
    same(changed(m.json(now=NOW + DAY)), {}, "401 days")
    m.zone("a.example", ['@. IN TXT "v=spf1 mx include:x2.invalid ~all"',
                         zones.GOOD_DMARC, *zones.MX])
    fixed = changed(m.json(now=NOW + 2 * DAY))["a.example"][1]
    true(len(fixed) > 0 and "dkim.old-key" not in fixed, fixed)


@suite.test("DNS that does not answer changes nothing, and the status is 75")
def unsure(c):
    m = Mine(c, "unsure")
    m.key("a.example")
    m.key("b.example")
    m.zone("a.example", GOOD)
    m.zone("b.example", GOOD)
    m.json()
    del m.zones["a.example"]
    failed = ";!failed a.example. TXT servfail\n;!failed _dmarc.a.example. TXT " \
        "servfail\n;!failed a.example. MX servfail\n"
    r = m.run(now=NOW + DAY, more=failed, status=TEMPFAIL)
    holds(r.out, "DNS did not answer")
    holds(r.out, "No changes since")
    m.zone("a.example", GOOD)
    same(changed(m.json(now=NOW + 2 * DAY)), {}, "as before")


@suite.test("exit status: --fail-on; invalid options; no configuration")
def status(c):
    m = Mine(c, "status")
    m.key("a.example")
    m.zone("a.example", GOOD)
    m.run("--fail-on", "error")
    m.zone("a.example", GOOD, key=None)
    m.run("--fail-on", "error", status=FOUND)
    m.run("--selector", "s1", status=USAGE)
    m.run("a.example", status=USAGE)
    m.run("--html", m.home + "/x.html", status=USAGE)
    m.conf = m.home + "/none.conf"
    m.run(status=CONFIG)


BROKEN = ("", "[]", "{", "\0", "{\"run\": \"x\", \"domains\": []}",
          "{\"run\": 5, \"domains\": {\"a.example\": 5}}",
          "{\"run\": 5, \"domains\": {\"a.example\": {\"findings\": [1, null, [], "
          "{\"area\": 3}], \"fixed\": {\"x\": 1}, \"grades\": [], \"since\": -1, "
          "\"before\": \"x\"}}}",
          "{\"run\": 1, \"domains\": {\"a.example\": {\"findings\": [{\"area\": "
          "\"\\u001b[31m\", \"id\": \"\\n\", \"where\": \"\\u202e\", \"what\": "
          "\"<b>\\u0007\"}], \"since\": 1, \"grades\": {\"arrive\": \"\", "
          "\"spoof\": \"\\u001b\"}}}}")


@suite.test("a state that is not valid is replaced")
def broken(c):
    m = Mine(c, "broken")
    m.key("a.example")
    m.zone("a.example", GOOD)
    for text in BROKEN:
        with open(m.state, "w", encoding="ascii") as f:
            f.write(text)
        r = m.run(now=NOW)
        if text in BROKEN[:4]:
            holds(r.err, "audit.json: not valid")
        with open(m.state, encoding="utf-8") as f:
            state = json.load(f)
        same((state["run"], list(state["domains"])), (NOW, ["a.example"]), text)
        same(changed(m.json(now=NOW + DAY)), {}, text)


@suite.test("a state that cannot be written or read")
def unwritable(c):
    m = Mine(c, "unwritable")
    m.key("a.example")
    m.zone("a.example", GOOD)
    os.mkdir(m.state)
    r = m.run(status=TEMPFAIL)
    holds(r.err, "audit.json")
    holds(r.err, "run this command as root or as the daemon's user")


@suite.test("more domains than a run audits: the least recent first")
def many(c):
    m = Mine(c, "many")
    names = ["d%03d.example" % n for n in range(203)]
    for name in names:
        m.key(name)
    first = m.json()
    same((len(first["domains"]), first["left"]), (200, 3), "first")
    holds(m.run(now=NOW + DAY).out, "3 more domains will be audited in later runs")
    with open(m.state, encoding="ascii") as f:
        state = json.load(f)["domains"]
    same(len(state), 203, "state")
    same(sorted(n for n in state if state[n]["checked"] == NOW), names[197:200],
         "the second run began with those that had never been audited")


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
