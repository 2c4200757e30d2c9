#!/usr/bin/env python3
"""avouch sign test, with a real Postfix that signs correctly, does not sign,
or changes the message after signing.

usage: signtest.py PROGRAM [PART-OF-A-NAME]
"""

import json
import os
import socket
import subprocess
import sys

import postfix
import signlab
import smtp
from suite import Suite, holds, lacks, same, true

suite = Suite()

ALICE = "alice@example.com"
EXAMPLE_COM = [("example.com", "r1", "pass"), ("example.com", "e1", "pass")]


def run(l, *words, status=0, **environment):
    r = subprocess.run(
        [os.path.dirname(l.program) + "/avouch", "sign", "test", *words,
         "--config", l.milter.path, "--zone", l.zone, "--sink", str(l.port)],
        capture_output=True, text=True, check=False,
        env=dict(os.environ, **environment))
    same(r.returncode, status, r.stdout + r.stderr)
    return r


def ways(l, *words, **options):
    """Returns {path: result text}."""
    r = run(l, ALICE, "--json", *words, **options)
    return {w["way"]: w for w in json.loads(r.stdout)["ways"]}


def signatures(way):
    return [(s["domain"], s["selector"], s["result"])
            for s in way["signatures"]]


def submission(l):
    return "smtp://127.0.0.1:%d" % l.ports["submission"]


@suite.test("mail on each path is signed, and verified on arrival")
def good(l):
    w = ways(l, "--submission", submission(l), AVOUCH_PASSWORD="x")
    for name in ("sendmail", "submission"):
        same((w[name]["result"], signatures(w[name])), ("pass", EXAMPLE_COM),
             name)
    same((w["bounce"]["result"], signatures(w["bounce"])),
         ("pass", [("example.net", "m1", "pass")]), "bounce")
    # depends on the version of Postfix
    for name in ("sendmail-long", "submission-long"):
        true(w[name]["result"] in ("pass", "broken"), str(w[name]))
        same([s[:2] for s in signatures(w[name])],
             [s[:2] for s in EXAMPLE_COM], name)
    r = run(l, ALICE)
    holds(r.stdout, "sendmail(1): pass\n  d=example.com s=r1 pass\n")
    lacks(r.stdout, "submission")


@suite.test("a path without the signer")
def unsigned(l):
    l.postfix.set(non_smtpd_milters="")
    w = ways(l, "--submission", submission(l), AVOUCH_PASSWORD="x", status=1)
    for name in ("sendmail", "bounce"):
        same((w[name]["result"], signatures(w[name])), ("unsigned", []), name)
    holds(w["sendmail"]["fix"], "non_smtpd_milters")
    holds(w["bounce"]["fix"], "internal_mail_filter_classes")
    same(w["submission"]["result"], "pass", "submission")
    l.postfix.set(non_smtpd_milters=l.postfix_sign)


@suite.test("a change after the signer")
def broken(l):
    with open(l.home + "/checks", "w") as f:
        f.write("/^Subject:/ REPLACE Subject: changed\n")
    l.postfix.set(smtp_header_checks="regexp:%s/checks" % l.home)
    w = ways(l, status=1)
    same((w["sendmail"]["result"], {s[2] for s in signatures(w["sendmail"])}),
         ("broken", {"fail"}), "sendmail")
    holds(w["sendmail"]["fix"], "avouch sign doctor")
    l.postfix.set(smtp_header_checks="")


@suite.test("a server that rejects mail, and mail that does not arrive")
def lost(l):
    l.postfix.set(smtpd_sender_restrictions="reject")
    w = ways(l, "--submission", submission(l), AVOUCH_PASSWORD="x", status=1)
    same((w["submission"]["result"], w["sendmail"]["result"]),
         ("not_sent", "pass"), "refused")
    holds(w["submission"]["note"], "554 5.7.1")
    l.postfix.set(smtpd_sender_restrictions="", defer_transports="smtp")
    w = ways(l, status=1)
    same({one["result"] for one in w.values()}, {"lost"}, "deferred")
    l.postfix.set(defer_transports="")


@suite.test("wrong usage, and a port that is taken")
def usage(l):
    for address in ("alice", "alice@", "@example.com", "a b@example.com",
                    "<a@example.com>", "a@example.com\r\nBcc: x@y.example"):
        run(l, address, status=64)
    command = os.path.dirname(l.program) + "/avouch"
    for words in (["test"], ["test", ALICE, "--sink", "0"],
                  ["test", ALICE, "--sink", "x"], ["doctor", "--sink", "1"],
                  ["--domain", "a.example", "--selector", "s", "x", "y"],
                  ["--domain", "a.example", "--selector", "s", "--sink", "1",
                   l.zone]):
        r = subprocess.run([command, "sign", *words], capture_output=True)
        same(r.returncode, 64, "%s: %s" % (words, r.stderr))
    with socket.create_server(("127.0.0.1", l.port)):
        r = run(l, ALICE, status=75)
    holds(r.stderr, "choose another port with --sink")


def main():
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all(e)
    only = sys.argv[2] if len(sys.argv) > 2 else None
    with signlab.SignLab(sys.argv[1]) as l:
        l.port = smtp.free_port()
        program = l.home + "/sendmail"
        with open(program, "w") as f:
            f.write("#!/bin/sh\nMAIL_CONFIG=%s/config exec sendmail \"$@\"\n"
                    % l.home)
        os.chmod(program, 0o755)
        l.start(first='report {\n  sendmail = "%s"\n}\n' % program,
                transports=("avouch.invalid",
                            "smtp:[127.0.0.1]:%d" % l.port))
        l.postfix_sign = "inet:127.0.0.1:%d" % l.sign_port
        return suite.run(l, only)


if __name__ == "__main__":
    sys.exit(main())
