#!/usr/bin/env python3
"""Mail that avouch marks reaches the Junk folder: sends a message through a
real Postfix with the milter, then uses the snippets of etc/ in Debian's
Dovecot (Sieve), SpamAssassin and rspamd.

usage: junk.py PROGRAM [PART-OF-A-NAME]
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

import lab
import postfix
import smtp
from suite import Skip, Suite, holds, lacks, same, true

suite = Suite()
SECONDS = 180
BINARIES = "/usr/local/bin:/usr/bin:/usr/sbin"
STRANGER = dict(ADDR="203.0.113.66", NAME="[UNAVAILABLE]")
SHOP = dict(ADDR="192.0.2.20", NAME="mail.shop.example")

RSPAMD = """\
options {{
  pidfile = "{home}/rspamd.pid"; tempdir = "{home}"; url_tld = "{home}/tld";
  filters = ""; disable_hyperscan = true; local_addrs = [];
  dns {{ nameserver = ["127.0.0.1:1:10"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "file"; filename = "{home}/rspamd.log"; level = "warning"; }}
modules {{ path = "/usr/share/rspamd/plugins/multimap.lua"; }}
lua = "/usr/share/rspamd/rules/rspamd.lua"
multimap {{ .include "{home}/multimap.conf" }}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
"""


def program(name):
    path = shutil.which(name, path=BINARIES)
    if path is None:
        raise Skip("%s is not installed; make deps installs it" % name)
    return path


def snippet(name, to):
    """Copies a file of etc/ to the path `to`, and returns that path."""
    shutil.copy("%s/etc/%s" % (lab.ROOT, name), to)
    return to


def run(*words, given=None):
    return subprocess.run(words, input=given, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS,
                          check=False).stdout.decode("utf-8", "replace")


@suite.test("the milter marks forged mail, and removes marks that senders add")
def marked(l):
    same(l.marked.count(b"X-Avouch-Quarantine: dmarc.on_quarantine"), 1)
    lacks(l.plain, b"X-Avouch-Quarantine")


def dovecot_mail(place):
    """Returns the mail location in the syntax of the installed Dovecot."""
    version = re.match(r"[\d.]+", run(program("dovecot"), "--version")).group()
    if tuple(int(n) for n in version.split(".")[:2]) < (2, 4):
        return "mail_location = maildir:%s" % place
    return ("dovecot_config_version = %s\ndovecot_storage_version = %s\n"
            "mail_driver = maildir\nmail_path = %s" % (
                version, version, place))


@suite.test("Dovecot: the Sieve script moves marked mail to Junk, and only "
            "that")
def sieve(l):
    test = program("sieve-test")
    place = l.home + "/sieve"
    os.mkdir(place)
    shutil.chown(place, "nobody")
    script = snippet("dovecot-junk.sieve.snippet", place + "/junk.sieve")
    conf = place + "/dovecot.conf"
    with open(conf, "w") as f:
        f.write("%s\nmail_uid = nobody\nmail_gid = nogroup\n"
                "first_valid_uid = 1\n" % dovecot_mail(place + "/mail"))
    for message, folder in ((l.marked, "Junk"), (l.plain, "INBOX")):
        path = place + "/message"
        with open(path, "wb") as f:
            f.write(message.replace(b"\r\n", b"\n"))
        output = run(test, "-c", conf, script, path)
        holds(output, "store message in folder: %s\n" % folder)
        same(output.count("store message"), 1, output)


@suite.test("SpamAssassin: the rule makes marked mail spam, and only that")
def spamassassin(l):
    scan = program("spamassassin")
    place = l.home + "/spamassassin"
    os.mkdir(place)
    for pre in glob.glob("/etc/spamassassin/*.pre"):
        shutil.copy(pre, place)
    snippet("spamassassin.cf.snippet", place + "/avouch.cf")
    with open(place + "/prefs", "w"):
        pass
    for message, flag in ((l.marked, True), (l.plain, False)):
        output = run(scan, "--local", "--siteconfigpath=" + place,
                   "--prefspath=" + place + "/prefs", given=message)
        head = output.replace("\r", "").split("\n\n")[0]
        same(("X-Spam-Flag: YES" in head, "AVOUCH_QUARANTINE" in head),
             (flag, flag), head)


def rspamd_asks(port, message, process):
    until = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/checkv2" % port,
                                        message, SECONDS) as r:
                return json.load(r)
        except (urllib.error.URLError, ConnectionError):
            true(process.poll() is None and time.monotonic() < until,
                 "rspamd does not answer")
            time.sleep(0.1)


@suite.test("rspamd: the rule adds the spam header to marked mail, and only "
            "to that")
def rspamd(l):
    start = program("rspamd")
    place = l.home + "/rspamd"
    os.mkdir(place)
    port = smtp.free_port()
    snippet("rspamd.snippet", place + "/multimap.conf")
    for name, text in (("tld", "example\n"), ("rspamd.conf", RSPAMD.format(
            home=place, port=port))):
        with open("%s/%s" % (place, name), "w") as f:
            f.write(text)
    process = subprocess.Popen(
        [start, "--insecure", "--no-fork", "--config", place + "/rspamd.conf"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        output = rspamd_asks(port, l.marked, process)
        same((output["action"], output["symbols"]["AVOUCH_QUARANTINE"]["options"]),
             ("add header", ["dmarc.on_quarantine"]))
        output = rspamd_asks(port, l.plain, process)
        same((output["action"], "AVOUCH_QUARANTINE" in output["symbols"]),
             ("no action", False))
    finally:
        process.terminate()
        process.wait()


def through(l, who, to, more=b""):
    with l.client("client.example", **who) as c:
        reply = c.message("alice@shop.example", to, lab.message(
            sender="alice@shop.example", to=to, more=more))
    same(reply.code, 250, reply)
    return l.sink.take(to)


def main():
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all(e)
    with lab.Lab(sys.argv[1]) as l:
        l.start_milter()
        l.start_postfix()
        claim = b"X-Avouch-Quarantine: none\r\n"
        l.marked = through(l, STRANGER, "reader1@example.net", claim)
        l.plain = through(l, SHOP, "reader2@example.net", claim)
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
