#!/usr/bin/env python3
"""avouch sign doctor: finds each Postfix setting that breaks signing, and none
in the setup that our snippet describes.

usage: doctor.py PROGRAM [PART-OF-A-NAME]
"""

import os
import shutil
import sys

import command
from command import FOUND, OK, TEMPFAIL
from suite import Skip, Suite, holds, same, true

suite = Suite()

SIGNER = "unix:/run/avouch/sign.sock"
CONF = 'sign {\n  socket = "%s"\n}\n' % SIGNER
MAIN = {"non_smtpd_milters": "{ %s, default_action=tempfail }" % SIGNER,
        "internal_mail_filter_classes": "bounce",
        "smtpd_milters": "inet:127.0.0.1:8891"}
SUBMISSION = {"smtpd_milters": "{ %s, default_action=tempfail }" % SIGNER}
SERVICES = {"smtp inet n - y - - smtpd": {},
            "submission inet n - y - - smtpd": SUBMISSION,
            "pickup unix n - y 60 1 pickup": {},
            "smtp unix - - y - - smtp": {}}
FILTER = {**SERVICES,
          "127.0.0.1:10025 inet n - y - - smtpd": {
              "content_filter": "", **SUBMISSION}}


def run_doctor(c, status, conf, **environment):
    """Returns [(service, setting, value)] of the findings."""
    path = c.file("doctor.conf", conf)
    r = c.run("sign", "doctor", "--config", path, "--json", status=status,
              env={**os.environ, **environment})
    return [(f["service"], f["setting"], f["value"])
            for f in r.json()["findings"]]


def doctor(c, main, services, status=FOUND, conf=CONF):
    """Returns the findings for this setup."""
    bin_ = c.path("bin")
    os.makedirs(bin_, exist_ok=True)
    c.file("main", "".join("%s = %s\n" % s for s in main.items()))
    c.file("master", "".join(
        line + "\n" + "".join(
            "    -o { %s = %s }\n" % s if " " in s[1] else "    -o %s=%s\n" % s
            for s in settings.items()) for line, settings in services.items()))
    path = c.file("bin/postconf", '#!/bin/sh\ncase $1 in\n'
                  '-nx) cat "%s/main" ;;\n-Mfx) cat "%s/master" ;;\nesac\n' % (
                      c.home, c.home))
    os.chmod(path, 0o755)
    return run_doctor(c, status, conf, PATH=bin_ + ":" + os.environ["PATH"])


@suite.test("the setup in the snippet is correct")
def good(c):
    same(doctor(c, MAIN, SERVICES, OK), [], "nothing")
    submission = {"smtpd_milters": "{ unix:avouch/sign.sock, "
                  "default_action=tempfail }"}
    same(doctor(c, MAIN, {**SERVICES, "submission inet n - y - - smtpd":
                          submission}, OK), [], "seen from a chroot")


@suite.test("main.cf: missing settings, and rewriting by smtp(8)")
def main_cf(c):
    for change, want in (
            ({"non_smtpd_milters": ""}, [(None, "non_smtpd_milters", "")]),
            ({"non_smtpd_milters": "inet:127.0.0.1:8891"},
             [(None, "non_smtpd_milters", "inet:127.0.0.1:8891")]),
            ({"internal_mail_filter_classes": "notify"},
             [(None, "internal_mail_filter_classes", "notify")]),
            ({"smtp_generic_maps": "hash:/g"},
             [(None, "smtp_generic_maps", "hash:/g")]),
            ({"smtp_header_checks": "pcre:/h"},
             [(None, "smtp_header_checks", "pcre:/h")]),
            ({"smtp_mime_header_checks": "pcre:/h"},
             [(None, "smtp_mime_header_checks", "pcre:/h")]),
            ({"smtp_nested_header_checks": "pcre:/h"},
             [(None, "smtp_nested_header_checks", "pcre:/h")]),
            ({"smtp_body_checks": "pcre:/b"},
             [(None, "smtp_body_checks", "pcre:/b")])):
        same(doctor(c, {**MAIN, **change}, SERVICES), want, str(change))


@suite.test("$names are expanded, by the real postconf")
def expanded(c):
    if shutil.which("postconf") is None:
        raise Skip("Postfix is not installed")
    os.makedirs(c.path("postfix"), exist_ok=True)
    main = """\
compatibility_level = 3.6
smtpd_milters = { %s, default_action=tempfail }
non_smtpd_milters = $smtpd_milters
internal_mail_filter_classes = bounce
nothing =
smtp_header_checks = $nothing
mua_milters = %s
""" % (SIGNER, SIGNER)
    c.file("postfix/master.cf", """\
submission inet n - y - - smtpd
    -o { smtpd_milters = $mua_milters }
""")
    for more, want in (
            (", default_action=tempfail", []),
            (", default_action=accept",
             [("submission", "smtpd_milters", SIGNER +
               ", default_action=accept")])):
        c.file("postfix/main.cf", main.replace(
            "mua_milters = " + SIGNER, "mua_milters = { %s%s }" % (
                SIGNER, more)))
        same(run_doctor(c, FOUND if want else OK, CONF,
                        MAIL_CONFIG=c.path("postfix")), want, more)


@suite.test("without sign.socket, only mail of logins is signed")
def logins(c):
    verify = "inet:127.0.0.1:8894"
    main = {"smtpd_milters": verify, "non_smtpd_milters": verify,
            "milter_default_action": "accept"}
    services = {line: {} for line in SERVICES}
    same(doctor(c, main, services, conf='socket = "inet:8894@127.0.0.1"\n'),
         [(None, "non_smtpd_milters", verify)])


@suite.test("header_checks that remove Received")
def received(c):
    path = c.file("header_checks", "# /^Received:/ IGNORE\n/^X-Mailer:/ IGNORE\n")
    main = {**MAIN, "header_checks": "pcre:" + path}
    same(doctor(c, main, SERVICES, OK), [], "other fields")
    c.file("header_checks", "/^Received: from .*/ IGNORE\n")
    same(doctor(c, main, SERVICES), [(None, "header_checks", "pcre:" + path)],
         "Received")


@suite.test("the signer: behavior without it, and milters after it")
def signer(c):
    accept = SIGNER + ", default_action=accept"
    line = "submission inet n - y - - smtpd"
    same(doctor(c, MAIN, {**SERVICES, line: {
        "smtpd_milters": "{ %s }" % accept}}),
         [("submission", "smtpd_milters", accept)], "accept of its own")
    same(doctor(c, {**MAIN, "milter_default_action": "accept",
                    "non_smtpd_milters": SIGNER}, SERVICES),
         [(None, "non_smtpd_milters", SIGNER)], "accept of main.cf")
    same(doctor(c, MAIN, {**SERVICES, line: {
        "smtpd_milters": "{ %s, default_action=tempfail }, inet:127.0.0.1:11332"
        % SIGNER}}),
         [("submission", "smtpd_milters", "inet:127.0.0.1:11332")], "another")
    same(doctor(c, MAIN, {k: v for k, v in SERVICES.items() if k != line}),
         [(None, "smtpd_milters", "")], "no service")


@suite.test("filters after the signer, and the port where mail returns")
def filters(c):
    line = "submission inet n - y - - smtpd"
    for name in ("content_filter", "smtpd_proxy_filter"):
        same(doctor(c, MAIN, {**SERVICES, line: {
            **SUBMISSION, name: "scan:127.0.0.1:10024"}}),
             [("submission", name, "scan:127.0.0.1:10024")], name)
    found = doctor(c, {**MAIN, "content_filter": "scan:127.0.0.1:10024"}, FILTER)
    true(("pickup", "content_filter", "scan:127.0.0.1:10024") in found, "pickup")
    true(("127.0.0.1:10025", "receive_override_options", "") in found,
         "signed twice: %s" % found)
    client = "scan unix - - n - 10 smtp"
    services = {**SERVICES, line: {"smtpd_milters": "",
                                   "content_filter": "scan:127.0.0.1:10024"},
                "127.0.0.1:10025 inet n - y - - smtpd": {
                    "content_filter": "", **SUBMISSION}}
    same(doctor(c, MAIN, {**services, client: {}}),
         [("scan", "disable_mime_output_conversion", "no")], "conversion")
    same(doctor(c, MAIN, {**services, client: {
        "disable_mime_output_conversion": "yes"}}, OK), [], "a right filter")


@suite.test("hostile output, and no Postfix")
def hostile(c):
    name = "x\x1b[31m"
    doctor(c, {**MAIN, "smtp_generic_maps": name}, SERVICES)
    r = c.run("sign", "doctor", "--config", c.path("doctor.conf"), status=FOUND,
              env={**os.environ, "PATH": c.path("bin") + ":" +
                   os.environ["PATH"]})
    holds(r.out, "main.cf: smtp_generic_maps = ")
    c.file("bin/postconf", "#!/bin/sh\nexit 1\n")
    r = c.run("sign", "doctor", status=TEMPFAIL, env={"PATH": c.path("bin")})
    holds(r.err, "postconf")


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
