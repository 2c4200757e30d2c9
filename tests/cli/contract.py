#!/usr/bin/env python3
"""The parts of the avouch command that scripts may rely on: JSON keys and types,
exit statuses, messages, and all kinds of input and output.

usage: contract.py PROGRAM [PART-OF-A-NAME]
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import threading

import command
import signing
from command import (CONFIG, DATAERR, ENVELOPE, FORGED, MESSAGE, NOW, OK,
                     TEMPFAIL, USAGE)
from suite import Skip, Suite, holds, lacks, same, true

suite = Suite()

TEXT, NUMBER, BOOL, NONE = str, int, bool, type(None)
MAYBE = (TEXT, NONE)


def shape(value, want, where="result"):
    """Checks types.  `want` is a type, a tuple of types, [type of the elements],
    or {key: type of the value}."""
    if isinstance(want, dict):
        true(isinstance(value, dict), "%s is not an object" % where)
        same(sorted(value), sorted(want), where + "'s keys")
        for key in want:
            shape(value[key], want[key], "%s.%s" % (where, key))
    elif isinstance(want, list):
        true(isinstance(value, list), "%s is not a list" % where)
        for i, v in enumerate(value):
            shape(v, want[0], "%s[%d]" % (where, i))
    else:
        types = want if isinstance(want, tuple) else (want,)
        true(type(value) in types, "%s is %r" % (where, value))


SPF = {"result": TEXT, "identity": TEXT, "domain": MAYBE, "mechanism": MAYBE,
       "explanation": MAYBE, "lookups": NUMBER, "void_lookups": NUMBER,
       "reason": MAYBE, "weakness": TEXT}
DKIM = {"signatures": [
    {"domain": MAYBE, "selector": MAYBE, "algorithm": MAYBE,
     "identity": MAYBE, "result": TEXT, "reason": MAYBE, "key_bits": NUMBER,
     "testing": BOOL}]}
ARC = {"result": TEXT, "instances": NUMBER, "oldest_pass": NUMBER,
       "reason": MAYBE, "sealers": [
           {"instance": NUMBER, "domain": TEXT, "selector": TEXT,
            "results": TEXT}]}
DMARC = {"result": TEXT, "author_domain": MAYBE,
         "organizational_domain": MAYBE, "policy_domain": MAYBE,
         "policy": MAYBE, "disposition": TEXT, "spf_aligned": BOOL,
         "dkim_aligned": BOOL, "testing": BOOL, "reason": MAYBE}
CHECK = {"spf": SPF, "spf_helo": SPF, "dkim": DKIM, "arc": ARC,
         "dmarc": DMARC, "action": TEXT, "handling": TEXT, "would": TEXT,
         "would_handling": TEXT,
         "rule": TEXT, "reason": TEXT, "reply": MAYBE,
         "authentication_results": TEXT,
         "added": [{"name": TEXT, "value": TEXT}], "stripped": NUMBER}
WALK = [{"name": TEXT, "state": TEXT, "text": TEXT, "role": MAYBE}]
LOOKUP = {"domain": TEXT, "exists": BOOL, "record": MAYBE,
          "policy_domain": MAYBE, "organizational_domain": MAYBE,
          "walk": WALK,
          "meaning": [{"tag": TEXT, "value": TEXT, "default": BOOL,
                       "text": TEXT}],
          "applies": [{"from": TEXT, "tag": MAYBE, "record_domain": MAYBE,
                       "policy": MAYBE, "disposition": TEXT, "text": TEXT}],
          "findings": [{"id": TEXT, "severity": TEXT, "name": TEXT,
                        "text": TEXT, "section": TEXT, "cure": TEXT}]}
LINT = {"domain": TEXT, "record": MAYBE, "lookups": NUMBER,
        "void_lookups": NUMBER, "records": NUMBER, "errors": NUMBER,
        "warnings": NUMBER, "notes": NUMBER, "cut": BOOL,
        "findings": [{"id": TEXT, "severity": TEXT, "domain": TEXT,
                      "term": MAYBE, "text": TEXT, "section": TEXT,
                      "cure": TEXT}]}
KEY = {"type": TEXT, "bits": NUMBER, "fault": MAYBE, "revoked": BOOL,
       "testing": BOOL, "strict": BOOL}
KEYS = {"name": TEXT, "state": TEXT, "fault": MAYBE, "alias": MAYBE,
        "good": BOOL, "verdict": TEXT,
        "records": [{"text": TEXT, "strings": NUMBER, "advice": [TEXT],
                     **KEY}]}
STEPS = [{"depth": NUMBER, "domain": TEXT, "term": MAYBE, "asked": MAYBE,
          "got": MAYBE, "decided": TEXT, "lookups": NUMBER,
          "void_lookups": NUMBER}]
QUESTION = {"name": TEXT, "type": TEXT, "state": TEXT, "fault": MAYBE,
            "records": [TEXT], "alias": MAYBE, "ttl": NUMBER}
AUTHOR = {"domain": TEXT, "nonexistent": BOOL, "walk": WALK,
          "organizational_domain": MAYBE, "policy_domain": MAYBE,
          "record": MAYBE,
          "identifiers": [{"method": TEXT, "domain": TEXT, "result": TEXT,
                           "mode": TEXT, "aligned": TEXT,
                           "organizational_domain": MAYBE}]}
BODY = {"canonicalization": TEXT, "length": NUMBER, "signed_length": NUMBER,
        "hash": TEXT, "signed_hash": TEXT, "differs": BOOL}
SIGNATURE = {"field": NUMBER, "verified": BOOL, "key_name": TEXT,
             "keys": [KEY], "header_canonicalization": TEXT,
             "signed_fields": [{"name": TEXT, "field": (NUMBER, NONE),
                                "changed": BOOL}],
             "header": TEXT, "header_hash": TEXT, "body": BODY,
             "timestamp": (NUMBER, NONE), "expiration": (NUMBER, NONE)}
POLICY = {"settings": [{"name": TEXT, "value": TEXT, "file": MAYBE,
                        "line": NUMBER}],
          "marks": [{"mark": TEXT, "domain": MAYBE, "counts": BOOL,
                     "belongs_to": MAYBE, "reason": MAYBE}],
          "rule": TEXT, "reason": TEXT, "override": TEXT, "expired": MAYBE}
EXPLAIN_CHECK = {"spf": STEPS, "spf_helo": STEPS, "dkim": [SIGNATURE],
                 "arc": {"fields": [dict]},
                 "dmarc": {"authors": [AUTHOR], "from": TEXT,
                           "from_reason": MAYBE,
                           "behind_sendmail": MAYBE, "result": TEXT,
                           "reason": TEXT},
                 "policy": POLICY, "questions": [{"for": TEXT, **QUESTION}]}


@suite.test("JSON of spf")
def json_spf(c):
    r = c.json("spf", *ENVELOPE)
    shape(r, SPF)
    same((r["result"], r["identity"], r["domain"], r["mechanism"],
          r["lookups"]), ("pass", "mailfrom", "example.com", "a", 1), "result")
    same(r["explanation"], None, "explanation")
    r = c.json("spf", "--explain", *ENVELOPE)
    shape(r, {**SPF, "explain": {"spf": STEPS, "questions": [QUESTION]}})
    r = c.json("spf", *FORGED)
    same((r["result"], r["mechanism"]), ("none", None), "no record")
    r = c.json("spf", *ENVELOPE[:4])
    same((r["identity"], r["domain"]), ("helo", "mail.example.com"), "HELO's")
    r = c.json("spf", *ENVELOPE[:5], "")
    same((r["identity"], r["domain"]), ("helo", "mail.example.com"),
         "the null sender")


@suite.test("JSON of spf --lint")
def json_lint(c):
    r = c.json("spf", "--lint", "Example.COM.")
    shape(r, LINT)
    same((r["domain"], r["lookups"], r["records"], r["findings"]),
         ("example.com", 3, 2, []), "no finding")
    r = c.json("spf", "--lint", "broken.example", "--explain")
    shape(r, {**LINT, "explain": {"questions": [QUESTION]}})
    true(r["errors"] > 0 and r["findings"][0]["severity"] == "error",
         "a broken record is an error")


@suite.test("JSON of dkim")
def json_dkim(c):
    r = c.json("dkim", c.message)
    shape(r, DKIM)
    s = r["signatures"][0]
    same((s["domain"], s["selector"], s["algorithm"], s["identity"],
          s["result"], s["key_bits"], s["testing"]),
         ("example.com", "s1", "rsa-sha256", "@example.com", "pass", 2048,
          False), "signature")
    r = c.json("dkim", c.message, "--explain")
    shape(r, {**DKIM,
              "explain": {"dkim": [SIGNATURE], "questions": [QUESTION]}})
    same(c.json("dkim", c.plain), {"signatures": []}, "none")
    two = signing.sign(c.signed, c.ed25519, "example.com", "ed")
    r = c.json("dkim", c.file("two.eml", two))
    same([(s["selector"], s["result"]) for s in r["signatures"]],
         [("ed", "pass"), ("s1", "pass")], "top first")


@suite.test("sign: its signature verifies; JSON of sign")
def json_sign(c):
    how = ["sign", "--domain", "Example.COM", "--selector", "ed", "--key",
           c.ed25519.path]
    with open(c.plain, "rb") as f:
        plain = c.file("lf.eml", f.read().replace(b"\r\n", b"\n"))
    r = c.run(*how, "--now", command.NOW, plain)
    true(r.out.startswith("DKIM-Signature: v=1; a=ed25519-sha256; "), r.out)
    path = c.file("signed.eml", r.out.encode())
    same([s["result"] for s in c.json("dkim", path)["signatures"]], ["pass"],
         "verified")
    r = json.loads(c.run(*how, "--json", "--now", "1750000000",
                         c.plain).out)
    shape(r, {"name": str, "value": str})
    same(r["name"], "DKIM-Signature", "name")
    true("; t=1750000000;" in r["value"], r["value"])


@suite.test("JSON of dkim --key")
def json_key(c):
    r = c.json("dkim", "--key", "S1", "example.com.")
    shape(r, KEYS)
    same((r["name"], r["good"], r["records"][0]["bits"]),
         ("s1._domainkey.example.com", True, 2048), "key")
    r = c.json("dkim", "--key", "none", "example.com")
    shape(r, KEYS)
    same((r["state"], r["good"], r["records"]), ("nxdomain", False, []),
         "no key")
    r = c.json("dkim", "--key", "x", "down.example")
    same(r["state"], "nxdomain", "beside a failure")


@suite.test("JSON of arc")
def json_arc(c):
    r = c.json("arc", c.message)
    shape(r, ARC)
    same((r["result"], r["instances"]), ("none", 0), "none")
    sealed = b"".join(b"ARC-%s: i=1; %s\r\n" % f for f in (
        (b"Seal", b"a=rsa-sha256; cv=none; d=a.example; s=x; b=AAAA"),
        (b"Message-Signature", b"a=rsa-sha256; d=a.example; s=x; h=from; "
         b"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=AAAA"),
        (b"Authentication-Results", b"mx.a.example; dmarc=pass")))
    path = c.file("sealed.eml", sealed + MESSAGE)
    r = c.json("arc", path, "--explain")
    shape(r, {**ARC, "explain": {"arc": {"fields": [dict]},
                                 "questions": [QUESTION]}})
    same((r["result"], r["instances"], r["sealers"]),
         ("fail", 1, [{"instance": 1, "domain": "a.example", "selector": "x",
                       "results": "mx.a.example; dmarc=pass"}]), "fail")
    fields = r["explain"]["arc"]["fields"]
    same(fields[0], {"field": "ARC-Seal", "instance": 1, "domain": "a.example",
                     "selector": "x", "algorithm": "rsa-sha256",
                     "fault": None, "chain": "none"}, "seal")
    same(fields[2], {"field": "ARC-Authentication-Results", "instance": 1,
                     "results": "mx.a.example; dmarc=pass"}, "results")


@suite.test("JSON of dmarc")
def json_dmarc(c):
    r = c.json("dmarc", "Mail.Example.COM.")
    shape(r, LOOKUP)
    same((r["domain"], r["exists"], r["policy_domain"],
          r["organizational_domain"]),
         ("mail.example.com", True, "example.com", "example.com"), "walk")
    same([h["name"] for h in r["walk"]],
         ["_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com"],
         "names")
    r = c.json("dmarc", "none.example", "--explain")
    shape(r, {**LOOKUP, "explain": {"questions": [QUESTION]}})
    same((r["record"], r["exists"]), (None, False), "none")


@suite.test("JSON of check")
def json_check(c):
    r = c.json("check", *ENVELOPE, c.message)
    shape(r, CHECK)
    same((r["spf"]["result"], r["dkim"]["signatures"][0]["result"],
          r["arc"]["result"], r["dmarc"]["result"], r["action"], r["reply"]),
         ("pass", "pass", "none", "pass", "accept", None), "verdict")
    d = r["dmarc"]
    same((d["author_domain"], d["organizational_domain"], d["policy_domain"],
          d["policy"], d["disposition"], d["spf_aligned"], d["dkim_aligned"],
          d["testing"]),
         ("example.com", "example.com", "example.com", "reject", "none", True,
          True, False), "dmarc")
    true(r["authentication_results"].startswith("localhost;"), "our name")
    r = c.json("check", *FORGED, c.plain)
    same((r["action"], r["handling"], r["would"], r["reply"]),
         ("accept", "accept", "reject", None), "the default is monitor")
    r = c.json("check", *FORGED, "--authserv-id", "mx.example.org", c.plain,
               "--explain", "--config", c.file("on.conf", "mode = enforce\n"))
    shape(r, {**CHECK, "explain": EXPLAIN_CHECK})
    same((r["action"], r["handling"], r["would"], r["rule"]),
         ("reject", "reject", "reject", "dmarc.on_reject"), "forged")
    true(r["reply"].startswith("550 5.7."), r["reply"])
    true(r["authentication_results"].startswith("mx.example.org;"), "name")
    same(r["explain"]["dmarc"]["authors"][0]["identifiers"][0]["aligned"],
         "no", "SPF")
    shape(c.json("check", *FORGED[:5], "", c.plain), CHECK)


@suite.test("check reads the configuration of this host, and reports that")
def own_configuration(c):
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        raise Skip("needs root and unshare(1)")
    own = c.file("own.conf", "mode = enforce\n")
    script = ('mount -t tmpfs tmpfs /etc && mkdir /etc/avouch && '
              '{ [ -z "$1" ] || cp "$1" /etc/avouch/avouch.conf; } && shift '
              '&& exec "$@"')
    for file, action in ((own, "reject"), ("", "accept")):
        r = subprocess.run(
            ["unshare", "-m", "sh", "-c", script, "sh", file, c.program,
             "check", *FORGED, "--zone", c.zone, "--now", NOW, "--json",
             c.plain], capture_output=True, text=True, timeout=60)
        same(r.returncode, 0, r.stderr)
        same(json.loads(r.stdout)["action"], action, file)
        same(r.stderr, "avouch check: using /etc/avouch/avouch.conf; "
             "--config FILE selects another one, --config /dev/null the "
             "defaults\n" if file else "", "standard error")


@suite.test("JSON of config")
def json_config(c):
    good = c.file("good.conf", "mode = monitor\n")
    bad = c.file("bad.conf", "mode = monitor\n\nmoed = enforce\n")
    verdict = {"file": TEXT, "valid": BOOL, "faults": [TEXT],
               "warnings": [TEXT]}
    r = c.run("config", "check", "--syntax", "--json", "--config", good).json()
    shape(r, verdict)
    same(r, {"file": good, "valid": True, "faults": [], "warnings": []},
         "good")
    r = c.run("config", "check", "--syntax", "--json", "--config", bad, status=None)
    same(r.status, CONFIG, "status")
    shape(r.json(), verdict)
    same(len(r.json()["faults"]), 1, "faults")
    holds(r.json()["faults"][0], "bad.conf:3: ")
    r = c.run("config", "show", "--json", "--config", good).json()
    shape(r, [{"section": TEXT, "override": MAYBE, "name": TEXT,
               "value": TEXT, "file": MAYBE, "line": NUMBER}])
    mode = [s for s in r if s["name"] == "mode" and s["section"] == ""]
    same([(s["value"], s["file"], s["line"]) for s in mode],
         [("monitor", good, 1)], "mode")
    for text, said in (
            ('failure_reports = true', "failure_reports } is set, but store"),
            ('email = "a@example.org"', "email } is set, but store"),
            ('store = "/x/y.db"  failure_reports = true', "but email"),
            ('store = "/x/y.db"  email = "a@example.org"', None)):
        half = c.file("half.conf", "report { %s }\n" % text)
        r = c.run("config", "check", "--syntax", "--json", "--config", half).json()
        same((r["valid"], len(r["warnings"])), (True, int(said is not None)),
             text)
        holds("".join(r["warnings"]), said or "")
    risky = c.file("risky.conf", "on_overload = accept\n"
                   "dmarc { on_invalid_from = annotate }\n")
    r = c.run("config", "check", "--syntax", "--json", "--config", risky).json()
    same(r["warnings"], [
        risky + ":1: on_overload = accept: anyone who overloads this host can "
        "deliver forged mail; write tempfail",
        risky + ":2: dmarc.on_invalid_from = annotate: mail with an invalid "
        "From, which may show any author, is delivered; write reject"], "risks")
    theirs = c.file("opendkim.conf", "Socket inet:8891@127.0.0.1\n")
    r = c.run("config", "import", "--json", theirs).json()
    shape(r, {"configuration": TEXT})
    holds(r["configuration"], 'socket = "inet:8894@127.0.0.1"')


# ---- wrong usage ----

USAGE_VECTORS = [
    ([], "usage: avouch COMMAND"),
    (["nosuch"], "unknown command nosuch"),
    (["no\x1b[31msuch"], "unknown command no?[31msuch"),
    (["check", "--nosuch", "x"], "unknown option --nosuch"),
    (["dkim", "--ip", "192.0.2.1", "x"], "unknown option --ip"),
    (["check", "-j", "x"], "unknown option -j"),
    (["check"],
     "number of arguments (0); usage: avouch check [options] FILE"),
    (["check", *ENVELOPE], "number of arguments (0)"),
    (["check", *ENVELOPE, "a", "b"], "number of arguments (2)"),
    (["check", *ENVELOPE[:4], "x"], "--mail-from ADDR are required"),
    (["check", "x"], "--ip ADDR, --helo NAME"),
    (["spf"], "--ip ADDR and --helo NAME"),
    (["spf", "example.com", *ENVELOPE], "is only used with --lint"),
    (["spf", "--lint"], "avouch spf --lint DOMAIN"),
    (["spf", "--lint", "example.com", "--ip", "192.0.2.1"],
     "avouch spf --lint DOMAIN"),
    (["spf", "--lint", "a..b"], "not a domain name"),
    (["spf", "--lint", "a\x1b.example"], "not a domain name"),
    (["spf", "--ip", "1.2.3", "--helo", "h"], "--ip 1.2.3: not an IP address"),
    (["spf", "--ip", "", "--helo", "h"], "not an IP address"),
    (["spf", "--ip", "::ffff:1.2.3.4.5", "--helo", "h"], "not an IP address"),
    (["dkim"], "number of arguments (0)"),
    (["sign", "/dev/null"], "needs --domain and --selector"),
    (["sign", "--domain", "a b", "--selector", "s", "/dev/null"],
     "not a domain name"),
    (["sign", "--domain", "a.example", "--selector", "../s", "/dev/null"],
     "not a selector"),
    (["dkim", "a", "b"], "run avouch dkim --key SELECTOR DOMAIN"),
    (["dkim", "--key", "a"], "avouch dkim --key SELECTOR DOMAIN"),
    (["dkim", "--key", "a b", "example.com"], "not a valid domain name"),
    (["dmarc"], "number of arguments (0)"),
    (["dmarc", "a..b"], "not a domain name; use a name such as example.com"),
    (["dmarc", "x" * 64 + ".example"], "not a domain name"),
    (["dmarc", ""], "not a domain name"),
    (["config"], "number of arguments (0)"),
    (["config", "nosuch"], "must be check, show or import"),
    (["config", "check", "x"], "--config FILE"),
    (["config", "show", "--syntax"], "--syntax can only be used with check"),
    (["config", "import"], "needs files"),
    (["config", "import", "--config", "x", "y"], "--config cannot be used with"),
    (["dmarc", "--json=1", "example.com"], "--json takes no value"),
    (["dmarc", "--now", "1", "--now", "2", "example.com"], "given twice"),
    (["dmarc", "example.com", "--now"], "--now needs a value: --now EPOCH"),
    (["dmarc", "--nameserver", "x", "example.com"], "is not an address; write 192.0.2.1 or"),
    (["dmarc", "--nameserver", "127.0.0.1@0", "example.com"],
     "has no valid port; write 192.0.2.1@53"),
    (["dmarc", "--nameserver", "127.0.0.1@65536", "example.com"],
     "has no valid port; write 192.0.2.1@53"),
    (["dmarc", "--nameserver", "127.0.0.1", "--zone", "z", "example.com"],
     "--zone and --nameserver cannot be used together"),
    (["check", *ENVELOPE, "--authserv-id", "a b", "x"], "not a host name"),
    (["check", *ENVELOPE, "--authserv-id", "a\r\nb", "x"], "not a host name"),
]


@suite.test("wrong usage: status 64, and a message with the fix")
def wrong_usage(c):
    for arguments, said in USAGE_VECTORS:
        r = c.run(*arguments, status=USAGE)
        holds(r.err, said)
        same(r.out, "", "nothing on standard output")


@suite.test("a missing store: the error names its path and the fix")
def store_away(c):
    path = c.path("gone/avouch.db")
    conf = c.file("gone.conf", 'report {\n\tstore = "%s"\n'
                  '\temail = "dmarc@example.org"\n'
                  '\tfailure_reports = true\n}\n' % path)
    for name in ("send", "failures", "show"):
        r = c.run("report", name, "--config", conf, status=None)
        same((r.status, r.err), (
            TEMPFAIL, "avouch report: %s: No such file or directory\n"
            "avouch: the daemon and `avouch report read` create the store if "
            "its folder exists\n" % path), name)


@suite.test("times from 1970 to 9999")
def times(c):
    for now in ("0", "1", "253402300799"):
        c.run("dkim", "--zone", c.zone, "--now", now, c.message)
    for now in ("-1", "253402300800", "9223372036854775808", "1e9", "", " 1",
                "1 ", "now"):
        r = c.run("dkim", "--zone", c.zone, "--now", now, c.message,
                  status=USAGE)
        holds(r.err, "0 to 253402300799")


@suite.test("--now decides whether a signature has expired")
def time_counts(c):
    expiring = signing.sign(MESSAGE, c.rsa, "example.com", "s1",
                            tags=" t=1000; x=2000;")
    path = c.file("expiring.eml", expiring)
    for now, result in (("1999", "pass"), ("2001", "fail")):
        r = c.run("dkim", "--zone", c.zone, "--now", now, "--json", path)
        same(r.json()["signatures"][0]["result"], result, now)


@suite.test("options anywhere, with =, and -- ends them")
def options(c):
    want = c.json("spf", *ENVELOPE)
    same(c.run("spf", "--json", "--zone=" + c.zone, "--ip=192.0.2.1",
               "--mail-from=ann@example.com", "--helo", "mail.example.com",
               "--now", NOW).json(), want, "by =")
    c.file("--explain", MESSAGE)
    r = c.run("dkim", "--zone", c.zone, "--json", "--", "--explain")
    same(r.json(), {"signatures": []}, "a file of that name")


@suite.test("help and version")
def help_(c):
    holds(c.run("--version").out, "avouch ")
    same(c.run("--help").out, c.run("help").out, "help")
    for name in ("check", "spf", "dkim", "arc", "dmarc", "config", "policy",
                 "report", "audit", "sign", "key", "status"):
        r = c.run(name, "--help")
        true(r.out.startswith("usage: avouch %s " % name), r.out)
        same(c.run("help", name).out, r.out, "help " + name)
        true(max(map(len, r.out.splitlines())) < 80, "80 columns")
        # --help overrides wrong arguments
        same(c.run(name, "a", "b", "c", "--help").out, r.out, "help")
    same(c.run("-h").out, c.run("help").out, "-h")
    of_all = c.run("report", "--help").out
    for action, takes, lacks_ in (("send", "--day", "--csv"),
                                  ("show", "--csv", "--day "),
                                  ("push", "--as copy|restored", "--zone")):
        r = c.run("report", action, "--help")
        true(r.out.startswith("usage: avouch report %s " % action), r.out)
        holds(r.out, takes)
        lacks(r.out, lacks_)
        holds(of_all, takes)
        true(max(map(len, r.out.splitlines())) < 80, "80 columns")
        same(c.run("help", "report", action).out, r.out, "help")
        same(c.run("report", "--help", action, "a").out, r.out, "help wins")
    same(c.run("report", "nosuch", "--help").out, of_all, "all of them")
    # after --helo it is a value, not an option
    r = c.zoned("spf", "--json", "--ip", "192.0.2.1", "--helo", "--help",
                "--mail-from", "ann@example.com")
    same(r.json()["result"], "pass", "a client that says --help")


# ---- input ----

def readers(c, path, **options):
    """Runs all commands that read a message; yields (name, Run)."""
    for name, extra in (("dkim", []), ("arc", []), ("check", ENVELOPE)):
        yield name, c.zoned(name, *extra, path, "--json", **options)


@suite.test("no such file, a directory, no permission: 65")
def unreadable(c):
    secret = c.file("secret.eml", MESSAGE)
    os.chmod(secret, 0)
    paths = [("nosuch.eml", "No such file or directory"), (".", "directory"),
             ("", "No such file or directory"),
             ("a\x1b[2J.eml", "a?[2J.eml: No such file"),
             (c.message + "/x", "Not a directory")]
    if os.geteuid() != 0:
        paths.append((secret, "Permission denied"))
    for path, said in paths:
        for name, r in readers(c, path, status=DATAERR):
            holds(r.err, "avouch %s: " % name)
            holds(r.err, said)
            same(r.out, "", "nothing on standard output")
    r = c.run("dmarc", "--zone", "nosuch.zone", "example.com", status=DATAERR)
    holds(r.err, "nosuch.zone: ")
    bad = c.file("bad.zone", "example.com. IN TXT \"open\n")
    r = c.run("dmarc", "--zone", bad, "example.com", status=DATAERR)
    holds(r.err, "bad.zone:1: ")
    c.run("config", "import", "nosuch.conf", status=DATAERR)
    c.run("config", "import", c.plain, status=DATAERR)
    c.run("config", "check", "--config", "nosuch.conf", status=CONFIG)
    c.run("config", "show", "--config", ".", status=CONFIG)
    for arguments in (["check", *ENVELOPE, c.plain], ["config", "check"],
                      ["config", "show"]):
        r = c.run(*arguments, "--config", "no\x1b[2Jsuch.conf", status=CONFIG)
        holds(r.err, "no?[2Jsuch.conf: No such file")


HOSTILE = {
    "empty": b"",
    "a NUL": b"\0",
    "a line end": b"\r\n",
    "an LF": b"\n",
    "only a body": b"\r\nbody\r\n",
    "no header": b"this is not a field\r\nFrom: a@example.com\r\n\r\n",
    "only a header": b"From: a@example.com\r\nSubject: x",
    "a name": b"From",
    "a name with its colon": b"From:",
    "NULs": b"From: a@example.com\0\r\nSub\0ject: \0\r\n\r\n\0\0\0",
    "controls": b"From: \x1b[31m <a@example.com>\r\nDKIM-Signature: v=1; "
                b"a=\x1b[0m; d=\x07\x9b.example; s=\x1b; b=\x1b; bh=\xff; "
                b"h=from\r\n\r\n\x1b[2J",
    "directions": "From: \u202e <a@ex\u202eample.com>\r\nDKIM-Signature: v=1; "
                  "a=rsa-sha256; d=\u2066.example; s=\u0085; b=AA; bh=AA; "
                  "h=from:\u202e\r\n\r\n".encode(),
    "binary": bytes(range(256)) * 64,
    "one long line": b"From: a@example.com\r\nX: " + b"x" * 3000000,
    "many fields": b"From: a@example.com\r\n" + b"X: y\r\n" * 10000 + b"\r\n",
    "many signatures": b"DKIM-Signature: v=1; d=a.example; s=x; b=\r\n" * 500 +
                       MESSAGE,
    "an mbox": b"From ann@example.com Thu Jan  1 00:00:00 2026\n" +
               MESSAGE.replace(b"\r\n", b"\n"),
    "forged results": b"Authentication-Results: localhost; dmarc=pass\r\n" *
                      300 + MESSAGE,
}


@suite.test("hostile messages get a verdict")
def hostile(c):
    for what, content in HOSTILE.items():
        path = c.file("hostile.eml", content)
        for name, r in readers(c, path):
            try:
                shape(r.json(), {"dkim": DKIM, "arc": ARC,
                                 "check": CHECK}[name])
            except AssertionError as e:
                raise AssertionError("%s: %s: %s" % (what, name, e)) from e
        for extra in ([], ["--json"]):
            c.zoned("check", *ENVELOPE, path, "--explain", *extra)
            c.zoned("dkim", path, "--explain", *extra)
            c.zoned("arc", path, "--explain", *extra)
    many = c.file("m\x1bany.eml", HOSTILE["many fields"])
    holds(c.zoned("dkim", many).err, "m?any.eml: the header has more than 4096 fields")
    r = c.json("check", *ENVELOPE, path)
    same(r["stripped"], 300, "forged results that are removed")


@suite.test("hostile envelopes get a verdict")
def hostile_envelopes(c):
    for text in ("", "<>", "@", "\x1b[31m", "a@\x07", "a" * 100000,
                 "a@" + "b." * 5000 + "example", "a@[192.0.2.1]",
                 "\u202ea@example.com", "a@b\r\nX: y", "%{i}@example.com"):
        for option in ("--helo", "--mail-from", "--receiver", "--client-name",
                       "--rcpt-to", "--login"):
            given = dict(zip(ENVELOPE[::2], ENVELOPE[1::2]))
            given[option] = text
            words = [w for pair in given.items() for w in pair]
            shape(c.json("check", *words, c.message), CHECK)
            r = c.zoned("check", *words, c.message, "--explain")
            lacks(r.out, "\nX: y")


@suite.test("CRLF, LF, a pipe, standard input: the same result")
def ways(c):
    lf = c.file("lf.eml", c.signed.replace(b"\r\n", b"\n"))
    mixed = c.file("mixed.eml", b"X-Added: by a filter\n" + c.signed)
    want = c.json("dkim", c.message)
    same(c.json("dkim", lf), want, "LF")
    same(c.json("dkim", mixed), want, "LF above CRLF")
    same(c.json("dkim", "-", stdin=c.signed), want, "a pipe")
    with open(c.message, "rb") as f:
        same(c.json("dkim", "-", stdin_file=f), want, "a file at its start")
    # standard input at an offset: only the rest is read
    late = c.file("late.eml", b"not a field\r\n" + c.signed)
    with open(late, "rb", buffering=0) as f:
        f.read(len(b"not a field\r\n"))
        same(c.json("dkim", "-", stdin_file=f), want, "further on")
    fifo = c.path("fifo")
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: open(fifo, "wb").write(c.signed))
    writer.start()
    same(c.json("dkim", fifo), want, "a FIFO")
    writer.join()
    r = c.zoned("dkim", "-", "--json", stdin_file=os.open(
        c.home, os.O_RDONLY), status=DATAERR)
    holds(r.err, "standard input: ")
    same(c.json("dkim", "-", stdin=b""), {"signatures": []}, "nothing")


@suite.test("a file of 1 GB is not read into memory")
def large(c):
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (256 << 20, 256 << 20))

    path = c.file("large.eml", c.signed)
    with open(path, "r+b") as f:
        f.truncate(1 << 30)
    options = {} if is_sanitized(c) else {"preexec_fn": limit}
    r = c.json("dkim", path, **options)
    same(r["signatures"][0]["result"], "fail", "other body")
    unsigned = c.file("large.eml", MESSAGE)
    with open(unsigned, "r+b") as f:
        f.truncate(1 << 30)
    same(c.json("check", *ENVELOPE, unsigned, **options)["dmarc"]["result"],
         "pass", "by SPF")
    r = c.zoned("dkim", unsigned, "--explain", **options)
    os.unlink(path)


@suite.test("a file that is truncated while it is read: status 65")
def shorter(c):
    path = c.file("shorter.eml", c.signed)
    os.truncate(path, 1 << 30)
    process = subprocess.Popen(
        [c.program, "dkim", path, "--zone", c.zone, "--now", NOW],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while process.poll() is None:
        with open("/proc/%d/maps" % process.pid, encoding="utf-8") as f:
            if path in f.read():
                break
    true(process.poll() is None, "it is being read")
    os.truncate(path, 4096)
    out, err = process.communicate()
    same((process.returncode, out, err.decode()),
         (DATAERR, b"", "avouch: the file was truncated while it was read\n"),
         "message")


def is_sanitized(c):
    with open(c.program, "rb") as f:
        program = f.read()
    return b"__asan_init" in program or b"__tsan_init" in program


# ---- output ----

@suite.test("standard output is full, closed, or a broken pipe: status 75")
def output(c):
    cases = [("spf", *ENVELOPE, "--explain"),
             ("spf", *ENVELOPE, "--explain", "--json"),
             ("dmarc", "example.com"), ("--version",), ("--help",)]
    for arguments in cases:
        zoned = [] if arguments[0][0] == "-" else [
            "--zone", c.zone, "--now", NOW]
        with open("/dev/full", "wb") as full:
            r = c.run(*arguments, *zoned, stdout=full, status=TEMPFAIL)
        holds(r.err, "standard output: No space left on device")
        read, write = os.pipe()
        os.close(read)
        process = subprocess.run([c.program, *arguments, *zoned],
                                 stdout=write, stderr=subprocess.PIPE,
                                 check=False)
        os.close(write)
        same((process.returncode, process.stderr), (TEMPFAIL, b""),
             "a broken pipe: no message")
        r = c.run(*arguments, *zoned, preexec_fn=lambda: os.close(1),
                  status=TEMPFAIL)
        holds(r.err, "standard output: ")


@suite.test("closed standard descriptors are not reused for files")
def closed(c):
    arguments = ["check", *ENVELOPE, c.message, "--explain", "--json",
                 "--record"]
    c.zoned(*arguments, c.path("open.zone"))
    c.zoned(*arguments, c.path("closed.zone"), status=TEMPFAIL,
            preexec_fn=lambda: os.close(1))
    with open(c.path("open.zone")) as f, open(c.path("closed.zone")) as g:
        same(g.read(), f.read(), "the recording alone")
    process = subprocess.run(
        [c.program, "dkim", c.message, "--zone", c.zone], check=False,
        stdout=subprocess.PIPE, preexec_fn=lambda: (os.close(0), os.close(2)))
    same(process.returncode, OK, "without standard input and error")
    holds(process.stdout.decode(), "dkim                   pass")


# ---- --record ----

def without_times(value):
    """Removes TTLs, because recordings have none for negative answers."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k != "ttl"}
    if isinstance(value, list):
        return [without_times(v) for v in value]
    return value


@suite.test("a recording gives the same verdict again, DNS failures included")
def recording(c):
    senders = [ENVELOPE, FORGED, ENVELOPE[:5] + [""],
               ENVELOPE[:5] + ["a@down.example"],
               ENVELOPE[:5] + ["a@broken.example"],
               ["--ip", "2001:db8::1", "--helo", "down.example",
                "--mail-from", "a@example.com"]]
    down = c.file("down.eml", MESSAGE.replace(b"@example.com",
                                              b"@down.example"))
    record = c.path("record.zone")
    seen = set()
    for envelope in senders:
        for path in (c.message, c.plain, down):
            want = c.json("check", *envelope, path, "--explain", "--record",
                          record)
            r = c.run("check", *envelope, path, "--explain", "--json",
                      "--now", NOW, "--zone", record)
            same(without_times(r.json()), without_times(want), "replayed")
            seen.update((want["spf"]["result"], want["dmarc"]["result"]))
    for word in ("pass", "fail", "none", "temperror", "permerror"):
        true(word in seen, "no case of " + word)
    for arguments in (["dkim", c.message], ["arc", c.message],
                      ["dmarc", "mail.example.com"],
                      ["dmarc", "x.down.example"],
                      ["spf", "--lint", "example.com"],
                      ["dkim", "--key", "s1", "example.com"]):
        want = c.json(*arguments, "--record", record)
        same(c.run(*arguments, "--json", "--zone", record, "--now",
                   NOW).json(), want, arguments[0])


@suite.test("--record to the --zone file itself, and to unusable files")
def record_where(c):
    again = c.path("again.zone")
    want = c.json("check", *ENVELOPE, c.message, "--record", again)
    for _ in range(2):
        r = c.run("check", *ENVELOPE, c.message, "--json", "--now", NOW,
                  "--zone", again, "--record", again)
        same(r.json(), want, "again")
    r = c.zoned("dmarc", "example.com", "--record", "no/such/file",
                status=USAGE)
    holds(r.err, "--record no/such/file: No such file or directory")
    r = c.zoned("dmarc", "example.com", "--record", ".", status=USAGE)
    holds(r.err, "--record .: Is a directory")
    r = c.zoned("dmarc", "example.com", "--record", "/dev/full",
                status=TEMPFAIL)
    holds(r.err, "--record /dev/full: No space left on device")
    c.zoned("dmarc", "example.com", "--record", "/dev/null")
    # an error before the first answer leaves the file unchanged
    kept = c.file("kept.zone", "kept\n")
    c.run("dmarc", "a..b", "--zone", c.zone, "--record", kept, status=USAGE)
    c.run("dkim", "nosuch", "--zone", c.zone, "--record", kept,
          status=DATAERR)
    with open(kept) as f:
        true(f.read() in ("kept\n", "; DNS answers, as they were received\n"),
             "no partial recording")


# ---- configuration ----

@suite.test("a header over the limit: check and dkim have the same result")
def header_limit(c):
    large = c.file("large.eml", c.signed.replace(
        b"\r\n\r\n", b"\r\n" + b"X: y\r\n" * 5000 + b"\r\n", 1))
    r = c.json("check", *FORGED, large)
    same([(s["result"], s["reason"]) for s in r["dkim"]["signatures"]],
         [("policy", "the header is too large to verify")], "check")
    same(c.json("dkim", large)["signatures"], r["dkim"]["signatures"], "dkim")
    same((r["dmarc"]["result"], r["dmarc"]["reason"]),
         ("permerror", "the header exceeds a limit"), "dmarc")
    same((r["would"], r["rule"]), ("reject", "limit.header"), "policy")


@suite.test("check with a configuration: overrides, monitor mode, dns.zone")
def configured(c):
    path = c.file("own.conf", """\
nameservers = "zone:%s"
authserv_id = "mx.example.org"
mode = monitor
""" % c.zone)
    r = c.run("check", *FORGED, c.plain, "--config", path, "--json", "--now",
              NOW).json()
    same((r["action"], r["would"], r["would_handling"], r["rule"]),
         ("accept", "reject", "reject", "dmarc.on_reject"), "monitor")
    holds(r["authentication_results"], "mx.example.org;")
    path = c.file("own.conf", """\
mode = enforce
override "for bob" {
	recipient_domain = "example.net"
	action = accept
	expires = "2026-06-30"
}
""")
    for extra, action, rule in (
            (["--rcpt-to", "bob@example.net"], "accept", "override for bob"),
            (["--rcpt-to", "bob@example.org"], "reject", "dmarc.on_reject"),
            (["--login", "ann"], "accept", "skip.authenticated")):
        r = c.json("check", *FORGED, c.plain, "--config", path, *extra)
        same((r["action"], r["rule"]), (action, rule), extra)
    r = c.run("config", "check", "--syntax", "--config", path, "--now", NOW)
    same(r.err, "", "no warning")
    r = c.run("config", "check", "--syntax", "--config", path, "--now", "1790000000")
    holds(r.err, 'own.conf:2: override "for bob" has expired')
    # the output of show is a configuration with the same settings
    shown = c.run("config", "show", "--config", path).out
    again = c.run("config", "show", "--config",
                  c.file("again.conf", shown)).out
    same([line.split("  #")[0] for line in again.splitlines()],
         [line.split("  #")[0] for line in shown.splitlines()], "again")


@suite.test("import: either all files or no output")
def import_(c):
    dkim = c.file("opendkim.conf", "Mode sv\nSocket inet:8891@127.0.0.1\n")
    dmarc = c.file("opendmarc.conf", "RejectFailures true\n")
    made = c.run("config", "import", dkim, dmarc).out
    holds(made, "opendkim.conf:2: Socket")
    holds(made, "opendmarc.conf:1: RejectFailures")
    c.run("config", "check", "--syntax", "--config", c.file("made.conf", made))
    r = c.run("config", "import", dkim, "nosuch.conf", status=DATAERR)
    same(r.out, "", "nothing")
    r = c.run("config", "import", "-", stdin=b"RejectFailures true\n")
    holds(r.out, "standard input:1: RejectFailures")
    big = c.file("opendkim.conf", b"# x\n" * 400000)
    holds(c.run("config", "import", big, status=DATAERR).err, "more than")


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
