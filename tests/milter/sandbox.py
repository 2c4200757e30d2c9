#!/usr/bin/env python3
"""Restrictions on the running daemon: a preloaded library tries what an
intruder would try.  Needs root.

usage: sandbox.py PROGRAM [PART-OF-A-NAME]
"""

import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile

import daemon
import lab
import miltproto
from proto import wait_stored
from suite import WAIT, Suite, holds, lacks, same, true, until

suite = Suite()

MESSAGE = lab.message("x@plain.example")
USER = "nobody"


class Started:
    """A daemon with a store and unix sockets, all owned by a user."""

    def __init__(self, l, confine, old=False, store=None, user=USER):
        self.l = l
        self.home = tempfile.mkdtemp(prefix="avouch-confined-")
        self.beyond = tempfile.mkdtemp(prefix="avouch-beyond-")
        for d in (self.home, self.beyond):
            os.chmod(d, 0o777)
        self.secret = self.beyond + "/secret"
        with open(self.secret, "w") as f:
            f.write("x\n")
        self.zone = self.home + "/zone"
        shutil.copy(l.zone, self.zone)
        self.socket = self.home + "/socket"
        self.store = store or self.home + "/store.db"
        environment = dict(
            LD_PRELOAD=os.path.dirname(l.program) + "/tests/probe.so",
            PROBE_FILE=self.secret, PROBE_NEW=self.beyond + "/new")
        if old:
            environment["PROBE_OLD"] = "yes"
        self.user = user
        mask = os.umask(0)  # its user writes to the notification socket
        try:
            self.d = daemon.Daemon(l.program, self.home, self.text(confine),
                                   environment=environment)
        finally:
            os.umask(mask)

    def text(self, confine, more=""):
        return ('socket = "unix:%s"\nlog_target = stderr\nmode = enforce\n'
                'authserv_id = "mx.example.net"\nnameservers = "zone:%s"\n'
                'metrics { listen = "unix:%s/metrics" }\n'
                'report { store = "%s" }\n%s%s' % (
                    self.socket, self.zone, self.home, self.store,
                    'user = "%s"\n' % self.user if self.user else "",
                    "sandbox = %s\n" % confine if confine else "")) + more

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            same(self.d.stop(), 0, "status")
        finally:
            shutil.rmtree(self.home)
            shutil.rmtree(self.beyond)

    def field(self):
        """Sends a message and returns our field."""
        m = miltproto.Milter(self.socket)
        m.connect("203.0.113.66")
        m.helo("mail.bank.example")
        changes = m.message(MESSAGE)
        m.quit()
        return changes.inserted[0][2]

    def probe(self):
        """Returns the attempts that failed: {name: errno}."""
        self.field()
        line, *_ = until(lambda: [line for line in self.d.lines
                                  if line.startswith("probe ")], "a probe")
        return {name: int(code) for name, code in
                re.findall(r"(\w+)=(\d+)", line) if code != "0"}

    def status(self, name):
        with open("/proc/%d/status" % self.d.process.pid) as f:
            return re.search(r"(?m)^%s:\s*(\S+)" % name, f.read()).group(1)

    def confined(self):
        return self.d.wait_log(event="start")["sandbox"]

    def written_and_run(self):
        """Returns the memory mappings that are both writable and
        executable."""
        with open("/proc/%d/maps" % self.d.process.pid) as f:
            return [line for line in f if re.match(r"\S+ .wx", line)]


def no_rights(s):
    same(s.status("CapEff"), "0" * 16, "CapEff")
    same(s.status("CapPrm"), "0" * 16, "CapPrm")
    true(s.status("Uid") != "0", "still root")
    same(s.written_and_run(), [], "memory")


@suite.test("off: all attempts of the probe succeed")
def _(l):
    with Started(l, "off") as s:
        same(s.confined(), "off", "confined")
        same(s.probe(), {}, "refused")
        same(s.status("Seccomp"), "0", "Seccomp")
        same(s.status("NoNewPrivs"), "0", "NoNewPrivs")
        no_rights(s)


@suite.test("basic, the default: no programs, no new sockets")
def _(l):
    for confine in ("", "basic"):
        with Started(l, confine) as s:
            same(s.confined(), "basic", "confined")
            same(s.probe(), dict.fromkeys(("program", "listen"), errno.EPERM),
                 "refused")
            same(s.status("Seccomp"), "2", "Seccomp")
            same(s.status("NoNewPrivs"), "1", "NoNewPrivs")
            same(s.d.log(event="sandbox"), [], "warnings")
            no_rights(s)


@suite.test("full: no access to other files, no writable and executable memory")
def _(l):
    with Started(l, "full") as s:
        same(s.confined(), "full", "confined")
        same(s.probe(), dict(
            dict.fromkeys(("program", "listen", "trace", "map", "protect"),
                          errno.EPERM), read=errno.EACCES,
            make=errno.EACCES), "refused")
        true(not os.path.exists(s.beyond + "/new"), "a file was created")
        same(s.d.log(event="sandbox"), [], "warnings")
        no_rights(s)


@suite.test("full: same restrictions for a daemon that stays root")
def _(l):
    with Started(l, "full", user="") as s:
        refused = s.probe()
        for name in ("read", "make"):
            same(refused[name], errno.EACCES, name)
        for name in ("program", "map", "protect"):
            same(refused[name], errno.EPERM, name)


@suite.test("full: mail, the store, metrics and a reload work")
def _(l):
    with Started(l, "full") as s:
        holds(s.field(), "mx.example.net;")
        for more in ("log = text\n", "sample = 50%\n"):
            s.d.reload(s.text("full", more))
        same(len(s.d.wait_logs(2, event="reload", level="info")), 2,
             "reloads")
        # replace the file, as an editor does
        with open(s.zone + ".new", "w") as f:
            f.write(open(l.zone).read())
        os.rename(s.zone + ".new", s.zone)
        s.d.reload()
        same(len(s.d.wait_logs(3, event="reload", level="info")), 3,
             "reloads")
        holds(s.field(), "mx.example.net;")
        out = subprocess.run(
            [os.path.dirname(l.program) + "/avouch", "status", "--config",
             s.d.path], capture_output=True, text=True, timeout=WAIT)
        same(out.returncode, 0, "status: " + out.stderr)
        s.d.stop()
        holds("\n".join(s.d.lines), "committed=2 ")
        for gone in (s.socket, s.home + "/metrics"):
            true(not os.path.exists(gone), gone + " is still there")


@suite.test("full: a corrupt store is set aside, a moved one is replaced")
def _(l):
    with Started(l, "full") as s:
        s.field()
        wait_stored(s.home + "/metrics")
        for name in os.listdir(s.home):
            if name.startswith("store.db"):
                os.unlink(s.home + "/" + name)
        s.field()
        s.d.stop()
        holds("\n".join(s.d.lines), "a new one is created")
        holds("\n".join(s.d.lines), "lost=0 faults=0")


@suite.test("full: files elsewhere that a reload names are refused, and logged")
def _(l):
    with Started(l, "full") as s:
        shutil.copy(s.zone, s.beyond + "/zone")
        text = s.text("full").replace(s.zone, s.beyond + "/zone")
        s.d.reload(text)
        s.d.wait_log(event="reload", text="the old configuration stays in "
                     "force")
        holds("\n".join(s.d.lines), "Permission denied")
        holds(s.field(), "mx.example.net;")
        s.d.reload(s.text("full", 'sign { keys = "%s" }\n' % s.beyond))
        s.d.wait_log(event="sign", text=s.beyond + ": Permission denied")
        s.d.wait_log(event="reload", text="sign.keys has changed; restart the "
                     "daemon to apply the change")
        s.d.reload(s.text("off"))
        s.d.wait_log(event="reload",
                     text="sandbox has changed; restart the daemon to "
                          "apply the change")
        s.field()
        true("read" in s.probe(), "a reload removed the restrictions")


@suite.test("full: a missing directory is logged, mail is processed")
def _(l):
    absent = l.home + "/absent"
    with Started(l, "full", store=absent + "/store.db") as s:
        same(s.d.wait_log(event="sandbox")["level"], "warning", "level")
        holds(s.d.wait_log(event="sandbox")["text"], absent)
        holds(s.field(), "mx.example.net;")


@suite.test("a kernel without seccomp and Landlock: logged, mail is processed")
def _(l):
    for confine, parts in (("full", ("files (Landlock)", "system calls")),
                           ("basic", ("system calls",))):
        with Started(l, confine, old=True) as s:
            same(s.confined(), "off", "confined")
            line = s.d.wait_log(event="sandbox")
            same(line["level"], "warning", "level")
            for part in parts:
                holds(line["text"], part)
            if confine == "basic":
                lacks(line["text"], "Landlock")
            holds(s.field(), "mx.example.net;")
            same(s.probe(), {}, "refused")


def main():
    if os.geteuid() != 0:
        return suite.skip_all("needs root")
    with lab.Lab(sys.argv[1]) as l:
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
