#!/usr/bin/env python3
"""avouch audit DOMAIN on zones: it finds all planted mistakes and no others,
and each fix, applied to the zone, removes its finding.

usage: domain.py PROGRAM [PART-OF-A-NAME]
"""

import contextlib
import os
import re
import sqlite3
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS + "/cli", TESTS + "/report"]

import command  # noqa: E402
import samples  # noqa: E402
import zones  # noqa: E402
from auditing import applied, audit, filled, found, serious  # noqa: E402
from command import NOW, TEMPFAIL, USAGE  # noqa: E402
from suite import Suite, holds, lacks, same, true  # noqa: E402

suite = Suite()

def each_fix(c, domain, lines, options, result):
    for f in result["findings"]:
        what = "%s: %s.%s" % (domain, f["area"], f["id"])
        if f["severity"] == "hint" and not f["publish"] + f["remove"]:
            continue
        if f["area"] + "." + f["id"] in zones.ADVICE:
            same((f["publish"], f["remove"]), ([], []), what)
            continue
        if f["area"] + "." + f["id"] in zones.REPLACED:
            same((len(f["publish"]), f["remove"]), (1, []), what)
            continue
        true(f["publish"] or f["remove"], what + " has a fix")
        after = audit(c, domain, applied(lines, f), options)
        true(not any(g["area"] == f["area"] and g["id"] == f["id"] and
                     g["where"] == f["where"] for g in after["findings"]),
             "%s is still there after %r: %s" % (what, f["publish"],
                                                 found(after)))


def planted(name):
    @suite.test("planted: %s, and each fix removes its finding" % name)
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


@suite.test("proposed records lose no mail, and change no policy")
def proposed(c):
    for name, (sub, lines, options, id_, want) in zones.PROPOSED.items():
        domain = name + ".example"
        result = audit(c, sub + domain, filled(c, domain, lines), options,
                       status=None)
        fixes = [f for f in result["findings"]
                 if "%s.%s" % (f["area"], f["id"]) == id_]
        true(fixes, "%s: %s is not in %s" % (name, id_, found(result)))
        for f in fixes:
            same(f["publish"], filled(c, domain, want or []), name)
            same(bool(f["remove"] or f["publish"]), want is not None, name)


@suite.test("perfect domains: no error, no warning, A and A")
def perfect(c):
    for name, (lines, options) in zones.PERFECT.items():
        domain = name + ".example"
        result = audit(c, domain, filled(c, domain, lines), options)
        same(serious(result), [], domain)
        same(result["grades"], {"arrive": "A", "spoof": "A"}, domain)


@suite.test("a parked domain: no findings at all")
def parked(c):
    result = audit(c, "parked.example",
                   filled(c, "parked.example", zones.PARKED))
    same(found(result), [], "findings")
    same(result["parked"], True, "parked")


GOOD = [zones.GOOD_SPF, zones.GOOD_KEY, *zones.MX]


@suite.test("grades follow the policy that applies to the domain")
def policies(c):
    own = [*zones.SHOP, "_dmarc.@. IN TXT "]
    for name, sub, lines, letter, id_ in (
            # other records do not matter if a policy applies
            ("copy", "", [*GOOD, zones.GOOD_DMARC,
                          '@. IN TXT "v=DMARC1; p=reject"'], "A", "misplaced"),
            ("version", "", [*GOOD, zones.GOOD_DMARC,
                             '_dmarc.@. IN TXT "V=dmarc1; p=none"'], "A", None),
            ("above", "shop.", [
                *zones.SHOP, '_dmarc.shop.@. IN TXT "v=DMARC1; p=reject"',
                zones.GOOD_DMARC,
                '_dmarc.@. IN TXT "v=DMARC1; p=none"'], "A", None),
            ("wildcard", "shop.", [*zones.SHOP, zones.GOOD_DMARC,
                                   '*.shop.@. IN TXT "v=spf1 -all"'], "A",
             None),
            # p=, sp= or np= of the record above
            ("strict", "shop.", own[:-1] + [own[-1] + '"v=DMARC1; p=none; '
                                            'sp=reject; rua=mailto:d@@"'], "A",
             None),
            ("weak", "shop.", own[:-1] + [own[-1] + '"v=DMARC1; p=reject; '
                                          'sp=none; rua=mailto:d@@"'], "D",
             "monitoring")):
        domain = name + ".example"
        result = audit(c, sub + domain, filled(c, domain, lines))
        same(result["grades"], {"arrive": "A", "spoof": letter}, name)
        same([f["id"] for f in result["findings"] if f["area"] == "dmarc" and
              f["id"] not in ("sp-weaker", "np-hint", "no-rua")], [id_] if id_ else [],
             name)
    texts = " ".join(f["what"] + f["fix"] for f in result["findings"])
    holds(texts, "sp=none: receivers report forged mail")
    holds(texts, "change to sp=quarantine")


@suite.test("MX hosts with private addresses")
def private(c):
    lines = [zones.GOOD_SPF, zones.GOOD_DMARC, zones.GOOD_KEY,
             "@. IN MX 10 mx.@."]
    for address, more, id_, letter in (
            ("10.0.0.5", [], "private-addresses", "F"),
            ("127.0.0.1", [], "private-addresses", "F"),
            ("10.0.0.5", ["@. IN MX 20 mx2.@.", "mx2.@. IN A 192.0.2.2"],
             "private-address", "C"),
            ("10.0.0.5", ["mx.@. IN A 192.0.2.1"], None, "A")):
        result = audit(c, "private.example", filled(c, "private.example", [
            *lines, "mx.@. IN A " + address, *more]))
        same(serious(result), ["error mx." + id_] if id_ else [], address)
        same(result["grades"]["arrive"], letter, address)


@suite.test("well-known setups: no error")
def setups(c):
    for name, (lines, want) in zones.SETUPS.items():
        domain = name + ".example"
        result = audit(c, domain, filled(c, domain, lines))
        same([f for f in serious(result) if not f.startswith("hint")], want,
             domain)
        same(result["grades"]["arrive"], "A", domain)

FINDING = {"severity": str, "area": str, "id": str, "where": str,
           "term": (str, type(None)), "what": str, "section": str, "fix": str,
           "remove": list, "publish": list}
RESULT = {"domain": str, "grades": dict, "parked": bool, "findings": list,
          "cut": bool, "could_not_ask": list, "spf_lookups": int,
          "spf_tree": list, "services": list, "keys": list}


def shape(value, want):
    same(sorted(value), sorted(want), "keys")
    for key, types in want.items():
        true(isinstance(value[key], types), "%s is %r" % (key, value[key]))


@suite.test("JSON of audit")
def json_shape(c):
    lines, options, _ = zones.PLANTED["dangling"]
    result = audit(c, "dangling.example",
                   filled(c, "dangling.example", lines), options)
    shape(result, RESULT)
    same(sorted(result["grades"]), ["arrive", "spoof"], "grades")
    for f in result["findings"]:
        shape(f, FINDING)
    same([(n["depth"], n["domain"], n["lookups"], n["found"])
          for n in result["spf_tree"]],
         [(0, "dangling.example", 2, True),
          (1, "_spf.dangling.example", 1, False)], "tree")
    same([(k["selector"], k["origin"], k["good"]) for k in result["keys"]],
         [("s1", "guessed", True)], "keys")


@suite.test("what each include allows, and known services")
def tree(c):
    lines, _ = zones.SETUPS["google-and-mailchimp"]
    domain = "tree.example"
    result = audit(c, domain, filled(c, domain, lines))
    same(result["services"], ["Google Workspace", "Mailchimp"], "services")
    by_name = {n["domain"]: n for n in result["spf_tree"]}
    same(by_name["servers.mcsv.net"]["ipv4_addresses"], 4096 + 16384 + 2048,
         "addresses")
    same(by_name["_netblocks2.google.com"]["ipv6_networks"], 3, "networks")
    same(by_name["_spf.google.com"]["lookups"], 4, "lookups")
    same([k["origin"] for k in result["keys"]], ["service"] * 3, "keys")


@suite.test("exit status: --fail-on, usage")
def status(c):
    zone = c.file("status.zone", "$TTL 300\n" + "\n".join(filled(
        c, "w.example", zones.PLANTED["monitoring"][0])))
    base = ("audit", "w.example", "--zone", zone, "--now", NOW)
    for level, want in ((None, 0), ("error", 0), ("warning", 1)):
        more = ("--fail-on", level) if level else ()
        same(c.run(*base, *more, status=None).status, want, level)
    for bad, text in (
            (("audit",), "specify one of DOMAIN, --mine"),
            (("audit", "a.example", "--bounce", "x"), "specify one of"),
            ((*base, "--fail-on", "hint"), "must be error or warning"),
            ((*base, "--outgoing", "mx"), "not an IP address"),
            ((*base, "--selector"), "needs a value"),
            ((*base, "--html", "-", "--json"), "cannot be used with"),
            (("audit", "example", "--zone", zone), "not a domain name"),
            (("audit", "a..example", "--zone", zone), "not a domain name"),
            ((*base, *["--selector", "a"] * 33), "more than 32 times")):
        holds(c.run(*bad, status=USAGE).err, text)


HOSTILE = ['@. IN TXT "v=spf1 <script>alert(1)</script> \\027[31m ~all"',
           '_dmarc.@. IN TXT "v=DMARC1; p=none; <b>x</b>=1; rua=mailto:a@@"',
           's1._domainkey.@. IN TXT "v=DKIM1; p=<img src=x onerror=alert(1)>"',
           "@. IN MX 10 <script>.@.", *zones.MX]


@suite.test("--store and --config: selectors and addresses in use")
def learned(c):
    store, now = c.path("reports.db"), str(samples.NOW)
    c.run("report", "read", "--store", store, c.file("r.xml", samples.report(3, [
        samples.record("192.0.2.1", 5), samples.record(
            "203.0.113.7", 5, dkim="fail", signed=[("example.com", "fail")]),
        samples.record("203.0.113.8", 5, spf="fail")])))
    keys, day = c.path("keys"), 86400
    os.makedirs(keys + "/example.com")
    with open(keys + "/example.com/selectors", "w", encoding="ascii") as f:
        for name, age, more in (("old", 400, ""), ("mid", 30, ""),
                                ("new", 1, ""),
                                ("gone", 500, " retired=%d" % samples.NOW)):
            f.write("%s created=%d%s\n" % (name, samples.NOW - age * day, more))
    conf = c.file("sign.conf", 'sign { keys = "%s" '
                  'outgoing = {"203.0.113.20"} }\n' % keys)
    lines = filled(c, "example.com", [
        zones.GOOD_SPF, zones.GOOD_DMARC, *zones.MX,
        "1.2.0.192.in-addr.arpa. IN PTR mx.@.",
        "20.113.0.203.in-addr.arpa. IN PTR out.@.",
        "out.@. IN A 203.0.113.20",
        *['%s.@. IN TXT "v=spf1 a -all"' % name for name in ("mx", "out")],
        'old._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY"'])
    result = audit(c, "example.com", lines, ["--store", store], now=now)
    # s1 passed, and 203.0.113.7 passed SPF; .8 is a forwarder
    same(serious(result), ["error dkim.no-key", "error ptr.no-ptr"], "store")
    same(sorted(f["where"] for f in result["findings"]
                if f["severity"] == "error"),
         ["7.113.0.203.in-addr.arpa", "s1._domainkey.example.com"], "where")
    result = audit(c, "example.com", lines, ["--config", conf], now=now)
    same(serious(result), ["error dkim.no-key", "error spf.outgoing-not-allowed",
                           "warning dkim.old-key"], "config")
    true("mid._domainkey.example.com" in [f["where"]
                                          for f in result["findings"]], "mid")


@suite.test("selectors that were replaced or revoked are not missed")
def rotated(c):
    now, day = samples.NOW, 86400

    def missed(name, days, selectors, records):
        """Returns findings about keys; `days` maps a selector to the days of
        reports in which it passed."""
        store, home = c.path(name + ".db"), c.path(name)
        for selector, age in days:
            c.run("report", "read", "--store", store, c.file(
                "r.xml", samples.report(age, [samples.record(
                    "192.0.2.1", 5)]).replace("<selector>s1<",
                                              "<selector>%s<" % selector)))
        os.makedirs(home + "/example.com")
        with open(home + "/example.com/selectors", "w", encoding="ascii") as f:
            for line in selectors:
                f.write(line + "\n")
        conf = c.file(name + ".conf", 'sign { keys = "%s" }\n' % home)
        result = audit(c, "example.com", filled(c, "example.com", [
            zones.GOOD_SPF, zones.GOOD_DMARC, *zones.MX,
            "1.2.0.192.in-addr.arpa. IN PTR mx.@.",
            'mx.@. IN TXT "v=spf1 a -all"',
            's2._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY"', *records]),
            ["--store", store, "--config", conf], now=str(now))
        return [(f["id"], f["where"].split(".")[0])
                for f in result["findings"] if f["area"] == "dkim"]
    new = "s2 created=%d" % (now - 18 * day)
    gone = "s1 created=%d retired=%d" % (now - 200 * day, now - 18 * day)
    revoked = ['s1._domainkey.@. IN TXT "v=DKIM1; p="']
    # our own key: the record was removed, or the key was revoked
    same(missed("retired", [("s1", 3)], [gone, new], []), [], "retired")
    same(missed("revoked", [("s1", 3)], [
        gone.replace("retired", "revoked"), new], revoked), [], "revoked")
    same(missed("remote", [("s1", 3)], [], revoked), [], "revoked elsewhere")
    same(missed("empty", [("s1", 3)],
                ["s1 created=%d" % (now - 200 * day), new], revoked),
         [("unusable-key", "s1")], "an active key whose record is revoked")
    # the key of another signer
    same(missed("lost", [("s1", 20)], [], []), [("no-key", "s1")], "lost")
    same(missed("replaced", [("s1", 20), ("s2", 3)], [], []), [], "replaced")
    same(missed("both", [("s1", 4), ("s2", 3)], [], []), [("no-key", "s1")],
         "both in use")


def since(c, days, lines, rows=()):
    """Returns the hint if p was published `days` ago, with reports from 3 days ago."""
    store = c.path("since.db")
    if os.path.exists(store):
        os.remove(store)
    for day, p in days:
        c.run("report", "read", "--store", store, c.file("s.xml", samples.report(
            day, rows if day == 3 else [samples.record("192.0.2.1", 1)], p=p)))
    result = audit(c, "example.com", lines, ["--store", store],
                   now=str(samples.NOW))
    return [f["what"] for f in result["findings"]
            if f["id"] == "monitoring-since"]


@suite.test("p=none: since when, and what p=reject would stop")
def monitoring(c):
    lines = filled(c, "example.com", [
        zones.GOOD_SPF, *zones.MX, "1.2.0.192.in-addr.arpa. IN PTR mx.@.",
        's1._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY"',
        '_dmarc.@. IN TXT "v=DMARC1; p=none; rua=mailto:d@@"'])
    rows = [samples.record("192.0.2.1", 50),
            samples.record("192.0.2.1", 4, dkim="fail", spf="fail"),
            samples.record("198.51.100.9", 7, dkim="fail", spf="fail")]
    same(since(c, ((40, "none"), (35, "reject"), (33, "none"), (3, "none")), lines,
               rows),
         ["receivers have seen p=none since 2026-01-08; of 61 messages reported "
          "in the last 30 days, p=reject would stop 4 from addresses that also "
          "send mail that passes, and 7 from others"])
    same(since(c, ((300, "none"), (33, "none")), lines),
         ["receivers have seen p=none since 2025-04-16 or earlier"])
    same(since(c, ((33, "none"), (3, "quarantine")), lines), [], "not now")
    lines[-1] = lines[-1].replace("p=none", "p=reject")
    same(since(c, ((33, "none"), (3, "none")), lines), [], "no longer")


@suite.test("a report address from which a report bounced")
def bounced(c):
    store = c.path("bounced.db")
    c.run("report", "read", "--store", store, c.file("r.xml", samples.report(3, [])),
          status=None)
    with contextlib.closing(sqlite3.connect(store)) as db, db:
        db.execute("INSERT INTO bounce VALUES ('D@Example.com', 2, 1, 2, 1, 'x')")
    lines = filled(c, "example.com", [
        zones.GOOD_SPF, *zones.MX,
        '_dmarc.@. IN TXT "v=DMARC1; p=reject; rua=mailto:d@@,mailto:e@@!5m"'])
    result = audit(c, "example.com", lines, ["--store", store],
                   now=str(samples.NOW))
    same([(f["severity"], f["what"]) for f in result["findings"]
          if f["id"] == "rua-bounced"],
         [("warning", "a report that was sent to d@example.com bounced: other "
           "receivers' reports are probably lost too")])


@suite.test("selectors that contain a date more than a year ago")
def dated(c):
    names = {"20240301": "2024-03-01", "s-20240301": "2024-03-01",
             "20240301.x": "2024-03-01", "20250601": None, "x20240301": None,
             "20241301": None, "120240301": None, "19990101": None,
             "20270101": None}
    lines = [zones.GOOD_SPF, zones.GOOD_DMARC, *zones.MX] + [
        '%s._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY"' % n for n in names]
    options = [o for n in names for o in ("--selector", n)]
    result = audit(c, "example.com", filled(c, "example.com", lines), options)
    hints = {f["where"].split("._domainkey")[0]: f["what"]
             for f in result["findings"] if f["id"] == "dated-selector"}
    same(sorted(hints), sorted(n for n, day in names.items() if day), "hints")
    for name, what in hints.items():
        holds(what, "the selector contains the date " + names[name])
    # it is not known to be in use
    result = audit(c, "example.com", filled(c, "example.com", lines))
    lacks([f["id"] for f in result["findings"]], "dated-selector")


@suite.test("the page: all of the text, no external resources, escaped")
def page(c):
    zone = c.file("page.zone", "$TTL 300\n" + "\n".join(filled(
        c, "page.example", HOSTILE)))
    path = c.path("page.html")
    r = c.run("audit", "page.example", "--zone", zone, "--now", NOW,
              "--selector", "s1", "--html", path)
    same(r.out, "", "output")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for part in ("<script", "<img", "<b>x", "\x1b", "src=\"", "href="):
        lacks(text, part)
    for part in ("&lt;script&gt;", "Does its mail arrive?",
                 "default-src 'none'", "Publish:", "SPF: "):
        holds(text, part)
    same(c.run("audit", "page.example", "--zone", zone, "--now", NOW,
               "--selector", "s1", "--html", "-").out, text, "-")


@suite.test("the tree says which record could not be asked")
def not_asked(c):
    lines = filled(c, "ask.example", [
        '@. IN TXT "v=spf1 mx include:_spf.google.com ~all"', zones.GOOD_DMARC,
        zones.GOOD_KEY, *zones.MX,
        ";!failed _netblocks3.google.com. TXT timeout"])
    result = audit(c, "ask.example", lines, status=TEMPFAIL)
    same([n["found"] for n in result["spf_tree"]], [True] * 4 + [None], "tree")
    holds(c.run("audit", "ask.example", "--zone", c.path("audit.zone"), "--now",
                NOW, status=TEMPFAIL).out, "1 lookup, DNS did not answer")


@suite.test("text and JSON have the same content")
def text(c):
    zone = c.file("text.zone", "$TTL 300\n" + "\n".join(filled(
        c, "page.example", HOSTILE)))
    base = ("audit", "page.example", "--zone", zone, "--now", NOW)
    out = " ".join(c.run(*base).out.split())
    for f in c.run(*base, "--json").json()["findings"]:
        holds(out, "%s: %s" % (f["severity"], f["where"]))
        holds(out, f["section"])
        holds(out, " ".join(f["what"].split()))
    holds(out, "Blocklists, spam scores")


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
