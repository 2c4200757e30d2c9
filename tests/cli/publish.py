#!/usr/bin/env python3
"""Records of signing keys are published in a real BIND by the nsupdate
script.

usage: publish.py PROGRAM [PART-OF-A-NAME]
"""

import os
import re
import shutil
import subprocess
import sys

import command
from command import OK, ROOT, TEMPFAIL
from suite import Skip, Suite, holds, lacks, same, true, until
import smtp

suite = Suite()
SCRIPT = ROOT + "/etc/avouch-publish-nsupdate"

NAMED = """\
include "{home}/tsig.key";
options {{
  directory "{home}"; pid-file none; session-keyfile "{home}/session.key";
  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; notify no;
}};
controls {{ }};
zone "example.org" {{
  type primary; file "{home}/example.org.zone";
  update-policy {{ grant avouch. wildcard *._domainkey.example.org. TXT;
                   grant avouch. subdomain dkim.example.org. TXT; }};
}};
"""
ZONE = """\
$TTL 300
@ SOA ns h 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
"""


def start(c):
    """Starts a primary for example.org; the configuration publishes there."""
    for program in ("named", "nsupdate", "tsig-keygen"):
        if shutil.which(program, path="/usr/sbin:/usr/bin:/bin") is None:
            raise Skip(program + " is not installed")
    c.port = smtp.free_port()
    key = subprocess.run(["tsig-keygen", "avouch"], check=True,
                         capture_output=True).stdout
    c.file("tsig.key", key)
    c.file("example.org.zone", ZONE)
    path = c.file("named.conf", NAMED.format(home=c.home, port=c.port))
    c.named = subprocess.Popen(["named", "-g", "-c", path],
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    c.callback(lambda: (c.named.kill(), c.named.wait()))
    os.environ["AVOUCH_NSUPDATE_CONF"] = c.file(
        "nsupdate.conf", "server=127.0.0.1\nport=%d\nkey=%s/tsig.key\n"
        "zone=example.org\n" % (c.port, c.home))
    c.conf = c.file("publish.conf", 'sign {\n  keys = "%s/keys"\n'
                    '  publish = "%s"\n}\n' % (c.home, SCRIPT))
    until(lambda: "NOERROR" in lookup(c, "example.org", "SOA"), "BIND answers")


def lookup(c, name, kind="TXT"):
    return subprocess.run(["dig", "@127.0.0.1", "-p", str(c.port), name, kind,
                           "+time=30", "+tries=1"], capture_output=True,
                          text=True).stdout


def text(c, selector, below="_domainkey.example.org"):
    """Returns the strings of the record, joined, or None if there is no record."""
    found = re.findall(r"\sTXT\s(\".*)", lookup(
        c, selector + "." + below).split("ANSWER SECTION")[-1])
    true(len(found) < 2, "one record")
    return "".join(re.findall(r'"([^"]*)"', found[0])) if found else None


@suite.test("key new publishes the record, key revoke an empty one")
def new_and_revoke(c):
    start(c)
    r = c.run("key", "new", "example.org", "--selector", "s1", "--config",
              c.conf, "--json").json()
    same(r["keys"][0]["published"], True, "published")
    same(text(c, "s1"), r["keys"][0]["record"]["value"], "the record")
    r = c.run("key", "revoke", "example.org", "s1", "--config", c.conf)
    same(r.status, OK, "revoke")
    same(text(c, "s1"), "v=DKIM1; p=", "revoked")


@suite.test("both keys, and a key that is retired a week later")
def both_and_retire(c):
    if not hasattr(c, "named"):
        raise Skip("no BIND")
    c.run("key", "new", "example.org", "--selector", "s2", "--algorithm",
          "both", "--config", c.conf)
    holds(text(c, "s2"), "k=rsa")
    holds(text(c, "s2-ed25519"), "k=ed25519")
    c.run("key", "retire", "example.org", "s2", "--config", c.conf)
    for _ in range(2):  # it is not known when it signed
        holds(text(c, "s2"), "k=rsa")
        c.run("key", "retire", "example.org", "s2", "--config", c.conf,
              "--now", command.LATER)
        command.record_state(c, "example.org", s2="")
    same(text(c, "s2"), "v=DKIM1; p=", "a week later")


@suite.test("a pair: the records that the CNAMEs point to")
def pair(c):
    if not hasattr(c, "named"):
        raise Skip("no BIND")

    def record(selector):
        return text(c, selector, "customer.example.dkim.example.org")

    def made(*words):
        return c.run("key", "new", "customer.example", "--pair", "p1,p2",
                     "--config", c.conf, "--json", *words).json()["keys"][0]
    one = made("--target", "DKIM.example.org.")
    same(record("p1"), one["record"]["value"], "the first")
    two = made()  # the target of the first CNAME
    same((two["selector"], two["published"], record("p2")),
         ("p2", True, two["record"]["value"]), "the second")
    r = c.run("key", "revoke", "customer.example", "p1", "--config", c.conf,
              "--json").json()
    same((r["published"], record("p1")), (True, "v=DKIM1; p="), "revoked")
    three = made()
    same((three["selector"], record("p1")),
         ("p1", three["record"]["value"]), "the first again")
    c.run("key", "retire", "customer.example", "p2", "--config", c.conf)
    same(record("p2"), two["record"]["value"], "retired")
    command.record_state(c, "customer.example", p2="")
    r = c.run("key", "retire", "customer.example", "p2", "--config", c.conf,
              "--now", command.LATER)
    holds(r.out, "published: p2.customer.example.dkim.example.org with")
    same(record("p2"), "v=DKIM1; p=", "a week later")


@suite.test("a server that refuses is reported, and the key is kept")
def refused(c):
    if not hasattr(c, "named"):
        raise Skip("no BIND")
    r = c.run("key", "new", "other.example", "--selector", "s1", "--config",
              c.conf, status=TEMPFAIL)
    holds(r.err, "exited with status")
    true(os.path.exists(c.home + "/keys/other.example/s1.pem"), "the key")
    c.named.kill()
    c.named.wait()
    r = c.run("key", "new", "example.org", "--selector", "s9", "--config",
              c.conf, status=TEMPFAIL)
    holds(r.err, "exited with status")


@suite.test("no argument of the script becomes an nsupdate command")
def hostile(c):
    environment = dict(os.environ, AVOUCH_NSUPDATE_CONF=c.file(
        "other.conf", "server=127.0.0.1\n"))
    good = ["add", "s._domainkey.example.org", "300", "v=DKIM1; p=AA+/="]
    for i, bad in ((0, "delete"), (1, "a\nsend"), (1, "a b"), (1, "$(id)"),
                   (2, "3x"), (2, ""), (3, 'p="'), (3, "p=\nsend"),
                   (3, "p=\\"), (3, "`id`")):
        words = list(good)
        words[i] = bad
        r = subprocess.run([SCRIPT, *words], env=environment,
                           capture_output=True, text=True)
        same(r.returncode, 64, repr(bad))
    lacks(r.stderr, "uid=")


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
