#!/usr/bin/env python3
"""Mail through a real Sendmail with avouch-milter attached, over TCP and over
a unix socket.

usage: sendmail.py PROGRAM      make sendmail-test

Debian's Sendmail cannot be installed beside Postfix: its packages are
downloaded to build/sendmail and unpacked into a test directory.  It runs
there, as root, in a namespace with its own host name.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

import lab
import smtp
from demo import ODD
from suite import Suite, holds, lacks, same, true

PACKAGES = ["sendmail-bin", "sendmail-cf", "libsasl2-2", "liblockfile1",
            "libdb5.3", "libwrap0"]

MC = """\
include(`{cf}/m4/cf.m4')dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `mx.example.net')dnl
define(`QUEUE_DIR', `{home}/queue')dnl
define(`confPID_FILE', `{home}/sendmail.pid')dnl
define(`confSERVICE_SWITCH_FILE', `{home}/switch')dnl
define(`confTRUSTED_USER', `root')dnl
define(`confDONT_BLAME_SENDMAIL', `TrustStickyBit')dnl
define(`confRUN_AS_USER', `root')dnl
define(`ALIAS_FILE', `')dnl
define(`confQUEUE_LA', `10000')dnl
define(`confREFUSE_LA', `10000')dnl
define(`STATUS_FILE', `{home}/statistics')dnl
define(`HELP_FILE', `')dnl
define(`SMART_HOST', `smtp:[127.0.0.1]')dnl
define(`SMTP_MAILER_ARGS', `TCP $h {sink}')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {sink}')dnl
{canonify}
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`promiscuous_relay')dnl
DAEMON_OPTIONS(`Port={port},Addr=127.0.0.1,Name=MTA')dnl
INPUT_MAIL_FILTER(`avouch', `S={milter}, F=T, T=S:30s;R:30s;E:5m')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
"""

# Sets a host name, a hosts file and, with a resolver, its address, so that
# nothing uses the network.
INSIDE = """\
hostname mx.example.net
mount --bind "$1/hosts" /etc/hosts
[ ! -e "$1/resolv.conf" ] || mount --bind "$1/resolv.conf" /etc/resolv.conf
shift
exec "$@"
"""

suite = Suite()
ALICE = "alice@bank.example"
NOT_SKIPPED = 'skip_networks = { "192.0.2.255" }\n'
CLAIMS = (b"Authentication-Results: other.example; spf=pass\r\n"
          b"Authentication-Results: mx.example.net; spf=pass\r\n"
          b"X-A: 1\r\nAuthentication-Results: third.example; dkim=pass\r\n"
          b"Authentication-Results: MX.example.net; dkim=pass\r\n"
          b"authentication-results:mx.example.net; dmarc=pass\r\n")


class CannotRun(Exception):
    """Sendmail cannot run here; the text says why."""


def fetch():
    """Downloads the packages and returns their directory, which is kept for
    the next run."""
    if os.geteuid() != 0:
        raise CannotRun("a separate Sendmail needs root")
    directory = os.path.join(lab.ROOT, "build", "sendmail")
    if not os.path.isdir(directory):
        os.makedirs(os.path.dirname(directory), exist_ok=True)
        new = tempfile.mkdtemp(dir=os.path.dirname(directory))
        try:
            os.chmod(new, 0o755)
            r = subprocess.run(["apt-get", "-q", "download", *PACKAGES],
                               cwd=new, capture_output=True, text=True)
            if r.returncode != 0:
                raise CannotRun("apt-get download: " +
                                " ".join(r.stderr.split()))
            os.rename(new, directory)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return directory


def unpack(packages, directory):
    """Unpacks the programs and the m4 files of Debian's Sendmail."""
    root = directory + "/root"
    for package in glob.glob(packages + "/*.deb"):
        subprocess.run(["dpkg", "-x", package, root], check=True)
    # without its setgid bit it loads libraries from our directory
    shutil.copyfile(root + "/usr/libexec/sendmail/sendmail",
                    directory + "/sendmail")
    os.chmod(directory + "/sendmail", 0o755)
    return root


class Sendmail:
    """With the address of a resolver, Sendmail makes addresses in the header
    canonical, which is its default; without one it does not."""

    def __init__(self, l, root, milter, resolver=None):
        self.home = l.home
        self.port = smtp.free_port()
        cf = root + "/usr/share/sendmail/cf"
        self.config = l.home + "/sendmail.cf"
        for name, text in (
                ("hosts", "127.0.0.1 mx.example.net localhost\n"),
                ("switch", "hosts files%s\naliases files\n" % (
                    " dns" if resolver else "")),
                ("sendmail.mc", MC.format(
                    canonify="dnl" if resolver else
                    "FEATURE(`nocanonify')dnl",
                    cf=cf, home=l.home, sink=l.sink.port, port=self.port,
                    milter=milter))):
            with open(l.home + "/" + name, "w") as f:
                f.write(text)
        if resolver:
            with open(l.home + "/resolv.conf", "w") as f:
                f.write("nameserver %s\n" % resolver)
        os.makedirs(l.home + "/queue", mode=0o700, exist_ok=True)
        with open(self.config, "wb") as f:
            f.write(subprocess.run(
                ["m4", "-D_CF_DIR_=%s/" % cf, l.home + "/sendmail.mc"],
                check=True, capture_output=True).stdout)
        self.program = ["unshare", "-m", "-u", "sh", "-ec", INSIDE, "sh",
                        l.home, l.home + "/sendmail", "-C", self.config]
        self.environment = dict(
            os.environ, LD_LIBRARY_PATH="%s/lib/x86_64-linux-gnu:"
            "%s/usr/lib/x86_64-linux-gnu" % (root, root))
        self.process = subprocess.Popen(
            [*self.program, "-bD"], env=self.environment,
            stdin=subprocess.DEVNULL)
        for _ in range(200):
            try:
                smtp.Client(self.port).quit()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("Sendmail does not listen")

    def quarantined(self):
        return subprocess.run([*self.program, "-bp", "-qQ"], check=True,
                              env=self.environment, capture_output=True,
                              text=True).stdout

    def stop(self):
        self.process.terminate()
        self.process.wait()


def send(l, message, sender=ALICE, client=None):
    """Returns (reply, delivered message or None)."""
    to = "r%d@example.net" % time.monotonic_ns()
    c = client or smtp.Client(l.sendmail.port)
    if client is None:
        c.need("EHLO host66.isp.example", 250)
    reply = c.message(sender, to, message)
    if client is None:
        c.quit()
    return reply, l.sink.take(to) if reply.code == 250 else None


def ours(message):
    true(message.startswith(b"Authentication-Results: mx.example.net;"),
         "on top:\n" + message.decode())
    found = [f for f in smtp.fields(message, "Authentication-Results")
             if "mx.example.net" in f.lower()]
    same(len(found), 1, "fields of ours")
    return found[0]


@suite.test("Sendmail: signatures of each canonicalization, odd white space")
def _(l):
    for canon in ("simple/simple", "relaxed/relaxed", "simple/relaxed"):
        reply, got = send(l, l.sign(ODD, "bank.example", canon=canon))
        same(reply.code, 250, str(reply))
        r = lab.results(ours(got))
        same((r["dkim"], r["dmarc"]), ("pass", "pass"), canon)


@suite.test("Sendmail: our field at the top, forged ones removed, others stay")
def _(l):
    for times in (1, 12):
        message = CLAIMS * times + lab.message("x@plain.example")
        _, got = send(l, message, "x@plain.example")
        lacks(ours(got), "dmarc=pass")
        same(len(smtp.fields(got, "Authentication-Results")), 1 + 2 * times,
             "fields")
        same(len(smtp.fields(got, "X-A")), times, "other fields")


@suite.test("Sendmail: the fields of a trusted MTA stay, identified by port")
def _(l):
    message = CLAIMS + lab.message("x@plain.example")
    port = l.sendmail.port
    for entry, kept in (("127.0.0.1@%d" % port, True), ("127.0.0.1", True),
                        ("127.0.0.1@%d" % (port - 1), False)):
        l.milter.reload(l.settings(
            NOT_SKIPPED + 'trusted_mtas = { "%s" }\n' % entry))
        _, got = send(l, message, "x@plain.example")
        claims = smtp.fields(message, "Authentication-Results")
        fields = smtp.fields(got, "Authentication-Results")
        same(fields == claims, kept, entry)
        if not kept:
            ours(got)
    l.milter.reload(l.settings(NOT_SKIPPED))


@suite.test("Sendmail: reject, hold, its name and queue ID")
def _(l):
    reply, _ = send(l, lab.message(ALICE))
    same(str(reply)[:11], "550 5.7.26 ", "reject")
    line = l.milter.wait_log(event="message", action="reject")
    true(len(line["queue_id"]) > 10, line["queue_id"])
    same((line["client"], line["mail_from"]), ("127.0.0.1", ALICE), "log")
    l.milter.reload(l.settings(NOT_SKIPPED).replace(
        'authserv_id = "mx.example.net"\n', ""))
    ours(send(l, lab.message("x@plain.example"), "x@plain.example")[1])
    l.milter.reload(l.settings(NOT_SKIPPED + 'override "h" { from_domain = '
                               '"plain.example" action = quarantine }\n'))
    with smtp.Client(l.sendmail.port) as c:
        c.need("EHLO x.example", 250)
        same(c.message("x@plain.example", "held@example.net",
                       lab.message("x@plain.example")).code, 250, "hold")
    holds(l.sendmail.quarantined(), "QUARANTINE: decided by an override")
    l.milter.reload(l.settings(NOT_SKIPPED))


@suite.test("Sendmail: many messages on a connection")
def _(l):
    good = l.sign(lab.message(ALICE), "bank.example")
    with smtp.Client(l.sendmail.port) as c:
        c.need("EHLO host66.isp.example", 250)
        for i in range(20):
            reply, got = send(l, good if i % 2 else lab.message(ALICE),
                              client=c)
            same(reply.code, 250 if i % 2 else 550, str(reply))
            if got:
                holds(ours(got), "dmarc=pass")
    times = sorted(int(v["total_ms"]) for v in l.milter.log(
        event="message", helo="host66.isp.example"))
    print("MAIL to end of message: %d ms median" % times[len(times) // 2])


def main():
    code = 0
    try:
        packages = fetch()
    except CannotRun as e:
        return suite.skip_all("skipped: %s" % e)
    for unix in (False, True):
        with lab.Lab(sys.argv[1]) as l:
            root = unpack(packages, l.home)
            l.add_key("bank.example")
            l.start_milter(NOT_SKIPPED, unix=unix)
            l.sendmail = Sendmail(l, root, l.socket if unix else
                                  "inet:%d@127.0.0.1" % l.where)
            l.callback(l.sendmail.stop)
            print("over a unix socket" if unix else "over TCP")
            code |= suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)
    return code


if __name__ == "__main__":
    sys.exit(main())
