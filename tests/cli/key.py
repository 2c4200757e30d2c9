#!/usr/bin/env python3
"""avouch key: the files and records that it creates, what it refuses to repeat,
errors in published records, and the tables of other signers.

usage: key.py PROGRAM [PART-OF-A-NAME]
"""

import os
import shutil
import stat
import subprocess
import sys
import time

import command
from command import DATAERR, FOUND, OK, USAGE, record_state
from suite import Suite, holds, lacks, same, true

suite = Suite()

NOW = str(int(time.time()))
NEXT_MONTH = str(int(NOW) + 30 * 86400)
KEY_REVOKED = '"v=DKIM1; p="'


def key(c, *words, **options):
    return c.run("key", *words, "--keys", c.home + "/keys", **options)


def made(c, domain, *words):
    return key(c, "new", domain, "--json", *words).json()["keys"]


def parts(value):
    return " ".join('"%s"' % value[i:i + 255]
                    for i in range(0, len(value), 255))


@suite.test("key new: three forms of one record, and files with their modes")
def new(c):
    record = made(c, "Example.ORG.", "--selector", "s1")[0]["record"]
    same(record["name"], "s1._domainkey.example.org", "full name")
    same(record["relative_name"], "s1._domainkey", "relative name")
    holds(record["value"], "v=DKIM1; k=rsa; p=")
    same(record["zone_line"], "s1._domainkey.example.org. 3600 IN TXT " +
         parts(record["value"]), "zone line")
    path = c.home + "/keys/example.org/s1.pem"
    same(stat.S_IMODE(os.stat(path).st_mode), 0o640, "mode")
    same(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o750, "folder")
    same(subprocess.run(["openssl", "pkey", "-in", path, "-noout"]).returncode,
         OK, "OpenSSL reads it")
    r = key(c, "new", "example.org", "--algorithm", "ed25519")
    holds(r.out, "k=ed25519")
    same([k["algorithm"] for k in made(c, "both.example", "--algorithm",
                                       "both")], ["rsa2048", "ed25519"], "both")


@suite.test("what the publish program prints does not mix with the JSON")
def printing(c):
    program = c.file("publish", "#!/bin/sh\necho \"did $1 $2\"\n")
    os.chmod(program, 0o755)
    conf = c.file("printing.conf", 'sign {\n  keys = "%s/keys"\n'
                  '  publish = "%s"\n}\n' % (c.home, program))
    r = c.run("key", "new", "printing.example", "--selector", "s1", "--json",
              "--config", conf)
    same(r.json()["keys"][0]["published"], True, "published")
    same(r.err, "did add s1._domainkey.printing.example\n", "standard error")


@suite.test("a selector is never reused, a file never overwritten")
def again(c):
    made(c, "again.example", "--selector", "s1")
    path = c.home + "/keys/again.example/s1.pem"
    with open(path, "rb") as f:
        before = f.read()
    r = key(c, "new", "again.example", "--selector", "s1", status=USAGE)
    holds(r.err, "never reused")
    with open(path, "rb") as f:
        same(f.read(), before, "the file")
    os.unlink(path)
    key(c, "new", "again.example", "--selector", "s1", status=USAGE)
    names = {made(c, "again.example")[0]["selector"] for _ in range(3)}
    same(len(names), 3, "selectors by date")


@suite.test("a pair takes turns, and not too early")
def pair(c):
    words = ("--pair", "p1,p2", "--target", "dkim.example.net")
    one = made(c, "pair.example", *words)[0]
    same((one["selector"], one["cname_target"]),
         ("p1", "p1.pair.example.dkim.example.net"), "first")
    same(made(c, "pair.example", *words)[0]["selector"], "p2", "second")
    r = key(c, "new", "pair.example", *words, status=USAGE)
    holds(r.err, "p1 still signs")
    key(c, "revoke", "pair.example", "p1")
    third = made(c, "pair.example", *words)[0]
    same(third["selector"], "p1", "third")
    true(third["record"]["value"] != one["record"]["value"], "a new key")
    key(c, "revoke", "pair.example", "p1")
    same(made(c, "pair.example", *words)[0]["selector"], "p1",
         "the newer one, because it is revoked")
    key(c, "retire", "pair.example", "p2", "--now", NOW)
    r = key(c, "new", "pair.example", *words, "--now", NEXT_MONTH,
            status=USAGE)
    holds(r.err, "no daemon has recorded when it last signed")
    record_state(c, "pair.example", p2="used=%s" % NOW)
    same(made(c, "pair.example", *words, "--now", NEXT_MONTH)[0]["selector"],
         "p2", "retired long ago")


@suite.test("key check reports each error in published records")
def check(c):
    value = made(c, "check.example", "--selector", "k")[0]["record"]["value"]
    other = made(c, "other.example", "--selector", "k")[0]["record"]["value"]
    at = "k._domainkey.check.example."
    for want, name, texts in (
            ("good", at, [value]),
            ("missing", "x.example.", ["x"]),
            ("truncated", at, [value[:255]]),
            ("quotes", at, [value.replace("p=", 'p=\\"') + '\\"']),
            ("backslash", at, [value.replace(";", "\\\\;")]),
            ("two-records", at, [value, other]),
            ("other-key", at, [other]),
            ("revoked", at, ["v=DKIM1; p="]),
            ("restricted", at, [value + "; s=tlsrpt"]),
            ("restricted", at, [value + "; h=sha1"]),
            ("unreadable", at, ["v=spf1 -all"]),
            ("no-underscore", "k.domainkey.check.example.", [value]),
            ("doubled-domain", "k._domainkey.check.example.check.example.",
             [value])):
        zone = c.file("check.zone", "".join(
            "%s 300 IN TXT %s\n" % (name, parts(text)) for text in texts))
        r = key(c, "check", "check.example", "--zone", zone, "--json",
                status=OK if want == "good" else FOUND).json()["keys"]
        same([k["result"] for k in r], [want], "%s %s" % (want, texts))
    r = key(c, "check", "check.example", "k", "--zone", c.file(
        "down.zone", ";!failed %s TXT servfail\n" % at), status=75)
    holds(r.out, "failed")
    lacks(r.out, "IN TXT")


@suite.test("key due, retire and list")
def due(c):
    made(c, "due.example", "--selector", "k")
    pem = c.home + "/keys/due.example/k.pem"
    key(c, "import", pem, "--domain", "aged.example", "--selector", "k")
    same(key(c, "due", "aged.example").out, "", "young")
    r = key(c, "due", "aged.example", "--now", command.LATER, status=FOUND)
    holds(r.out, "is too old; run: avouch key new")
    month = str(int(time.time()) + 30 * 86400)
    for age, status in (("29d", FOUND), ("31d", OK), ("3650d", OK)):
        key(c, "due", "aged.example", "--age", age, "--now", month,
            status=status)
    for age in ("0d", "3651d", "90", "90h", "90d ", ""):
        holds(key(c, "due", "--age", age, status=USAGE).err,
              "must be 1d to 3650d")
    same(key(c, "due", "due.example", "--now", command.LATER).out, "",
         "a key that does not sign is not too old")
    holds(key(c, "retire", "aged.example", "k").out, "needed until")
    r = key(c, "retire", "aged.example", "none", status=USAGE)
    holds(r.err, "no key with the selector none")
    states = {k["domain"]: k["state"]
              for k in key(c, "list", "--json").json()["keys"]}
    same((states["due.example"], states["aged.example"]), ("new", "active"),
         "states")


@suite.test("key retire says that a record can go only if the key is not used")
def retire(c):
    made(c, "stop.example", "--selector", "a")
    made(c, "stop.example", "--selector", "b")

    def again():
        return key(c, "retire", "stop.example", "a", "--now", NEXT_MONTH).out

    holds(key(c, "retire", "stop.example", "a", "--now", NOW).out,
          "needed until")
    holds(again(), "No daemon has recorded")
    used = "ready=1 ever=1 used=%s" % NOW
    record_state(c, "stop.example", a=used, b="")
    holds(again(), "It still signs")
    record_state(c, "stop.example", a=used, b="ready=1 ever=1")
    r = again()
    holds(r, "a has not signed for a week")
    holds(r, KEY_REVOKED)
    lacks(key(c, "revoke", "stop.example", "a").out, "No other")
    made(c, "stop.example", "--selector", "e", "--algorithm", "ed25519")
    record_state(c, "stop.example", e="ready=1 ever=1", b="ready=1 ever=1")
    holds(key(c, "revoke", "stop.example", "b").out, "No other RSA key")


@suite.test("key due: a key whose record is missing for a week")
def unpublished(c):
    made(c, "slow.example", "--selector", "k")
    for state, want in (("", True), ("since=5 seen=5", False)):
        record_state(c, "slow.example", k=state)
        r = key(c, "due", "slow.example", "--now", NEXT_MONTH)
        same("k has no record in DNS; run: avouch key check" in r.out, want,
             state)
        same(key(c, "due", "slow.example").out, "", "a young key")


@suite.test("key import after an interrupted import, and of a key made here")
def import_again(c):
    one, two = c.path("again1.pem"), c.path("again2.pem")
    for path in (one, two):
        subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True,
                       capture_output=True)

    def imported(domain, path, **options):
        return key(c, "import", path, "--domain", domain, "--selector", "s",
                   **options)
    def listed(domain):
        with open(c.home + "/keys/%s/selectors" % domain) as f:
            return "imported=1" in f.read()

    os.mkdir(c.home + "/keys/hand.example")  # the key was put there by hand
    shutil.copy(one, c.home + "/keys/hand.example/s.pem")
    holds(imported("hand.example", two, status=DATAERR).err,
          "another key has or had this selector")
    true(not os.path.exists(c.home + "/keys/hand.example/selectors") or
         not listed("hand.example"), "a key of another file is imported")
    holds(imported("hand.example", one).out, "s: imported")
    true(listed("hand.example"), "the key's own file")
    imported("cut.example", one)
    os.unlink(c.home + "/keys/cut.example/s.pem")
    holds(imported("cut.example", one).out, "s: imported")
    holds(imported("cut.example", one).out, "s: already there")
    holds(imported("cut.example", two, status=DATAERR).err,
          "another key has or had this selector")
    made(c, "here.example", "--selector", "s")
    here = c.home + "/keys/here.example/s.pem"
    holds(imported("here.example", here).out, "s: imported")
    holds(imported("here.example", here).out, "s: already there")
    same([k["state"] for k in key(c, "list", "here.example",
                                  "--json").json()["keys"]],
         ["active"], "signs at once")


@suite.test("tables of opendkim: the same selectors, and clear errors")
def opendkim(c):
    path = c.path("old.pem")
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, "2048"],
                   check=True, capture_output=True)
    folder = c.home + "/%"
    os.makedirs(folder.replace("%", "own.example"))
    os.link(path, folder.replace("%", "own.example") + "/k")
    table = c.file("KeyTable", "# keys\nk1 t1.example:Mail:%s\n"
                   "k2 %%:s2:%s\nk3 t3.example:s3:%s\nk4 x.example:s:%s\n" % (
                       path, folder + "/k", path, path))
    lines = c.file("SigningTable", "*@t1.example k1\n*@sub.t1.example k1\n"
                   "own.example k2\nann@t3.example k3\n*@foreign.example k1\n"
                   "* k1\n*@t1.example k3\n*@lost.example none\n")
    conf = c.file("signing.conf", "Mode s\nKeyTable refile:%s\n"
                  "SigningTable refile:%s\n" % (table, lines))
    r = key(c, "import", conf, "--json", status=DATAERR)
    same([(k["domain"], k["selector"]) for k in r.json()["keys"]],
         [("t1.example", "mail"), ("own.example", "s2"), ("t3.example", "s3")],
         "imported")
    for line, words in ((4, "avouch signs all mail from t3.example"),
                        (5, "which does not count for DMARC"),
                        (6, "receivers do not accept that"),
                        (7, "which does not count for DMARC"),
                        (8, "has no key of this name")):
        true(any(e.startswith("%s:%d: " % (lines, line)) and words in e
                 for e in r.err.splitlines()), "%d %s: %s" % (line, words, r.err))
    holds(r.err, table + ":5: k4: note: not imported")
    again = key(c, "import", conf, "--json", status=DATAERR).json()["keys"]
    same({k["result"] for k in again}, {"already there"}, "again")


@suite.test("opendkim.conf with Domain, Selector and KeyFile")
def opendkim_one(c):
    path = c.path("single.pem")
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True,
                   capture_output=True)
    conf = c.file("single.conf", "Mode sv\nDomain c1.example,C2.example\n"
                  "Selector 2026\nKeyFile %s\n" % path)
    r = key(c, "import", conf, "--json").json()["keys"]
    same([(k["domain"], k["selector"], k["result"]) for k in r],
         [("c1.example", "2026", "imported"),
          ("c2.example", "2026", "imported")], "keys")
    r = key(c, "import", c.file("half.conf", "KeyFile %s\n" % path),
            status=DATAERR)
    holds(r.err, "half.conf: KeyFile also needs Domain and Selector")


@suite.test("maps of rspamd, and key files of other kinds")
def rspamd(c):
    one, two = c.path("one.pem"), c.path("ec.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out",
                    one], check=True, capture_output=True)
    subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1",
                    "-out", two], check=True, capture_output=True)
    os.link(one, c.path("r1.example.dkim.key"))
    paths = c.file("paths.map", "r1.example %s/$domain.$selector.key\n"
                   "r2.example %s\n* %s\n" % (c.home, two, one))
    r = key(c, "import", paths, c.file(
        "selectors.map", "r1.example dkim\nr2.example dkim\n"), status=DATAERR)
    holds(r.out, "r1.example dkim: imported")
    holds(r.err, "paths.map:3: *: this line signs mail from all domains")
    holds(r.err, "neither RSA nor Ed25519")
    r = key(c, "import", one, status=DATAERR)
    holds(r.err, "--domain and --selector")
    secret = c.path("secret.pem")
    subprocess.run(["openssl", "genrsa", "-aes128", "-passout", "pass:x",
                    "-out", secret, "2048"], check=True, capture_output=True)
    r = key(c, "import", secret, "--domain", "e.example", "--selector", "s",
            status=DATAERR)
    holds(r.err, "encrypted with a passphrase")
    same(key(c, "import", one, "--domain", "dry.example", "--selector", "s",
             "--dry-run").out.count("would be imported"), 1, "dry run")
    true(not os.path.exists(c.home + "/keys/dry.example"), "nothing written")


@suite.test("wrong usage")
def usage(c):
    for words in (["make"], ["new"], ["new", "nodot"], ["new", "a.example",
                  "--selector", "UP"], ["new", "a.example", "--algorithm",
                  "dsa"], ["new", "a.example", "--pair", "one"],
                  ["list", "--pair", "a,b"], ["new", "a.example", "--target",
                  "b.example"], ["new", "a.example", "--pair", "a,b",
                  "--target", "nodot"], ["import", "x", "--pair", "a,b"],
                  ["list", "--dry-run"], ["retire", "a.example"],
                  ["revoke", "a.example", "../x"], ["list", "--zone", "x"]):
        r = key(c, *words, status=USAGE)
        same(r.out, "", str(words))


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
