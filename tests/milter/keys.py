#!/usr/bin/env python3
"""Which key a daemon signs with while the records of the keys appear,
disappear, differ between servers and cannot be queried.  Needs root.

usage: keys.py PROGRAM [PART-OF-A-NAME]
"""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

import daemon
import keydns
import miltproto
import smtp
from suite import SANITIZED, WAIT, Skip, Suite, holds, lacks, same, true, until

suite = Suite()

DOMAIN = "example.org"
MESSAGE = (b"From: a@example.org\r\nTo: b@example.net\r\nDate: Mon, 30 Nov 2026 "
           b"00:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nSubject: s\r\n\r\n"
           b"text\r\n")


class Keys(contextlib.ExitStack):
    """A daemon that only signs, and the servers of example.org."""

    def __init__(self, program):
        super().__init__()
        self.program = os.path.abspath(program)
        self.command = os.path.dirname(self.program) + "/avouch"
        self.milter = None
        self.records = {}
        self.mark = 0  # the number of log lines before the last change
        self.confine = ""

    def __enter__(self):
        super().__enter__()
        self.home = tempfile.mkdtemp(prefix="avouch-keys-")
        self.callback(shutil.rmtree, self.home, ignore_errors=True)
        self.folder = self.home + "/keys"
        self.dns = keydns.KeyDns(DOMAIN)
        self.callback(self.dns.close)
        self.port = smtp.free_port()
        self.path = self.home + "/avouch.conf"
        return self

    def settings(self, more=""):
        return (self.confine + 'socket = ""\nlog_target = stderr\nlog = text\n'
                'authserv_id = "mx.example.net"\n'
                'nameservers = {"127.0.0.1@%d"}\n'
                'metrics { listen = "unix:%s/metrics" }\n'
                'sign {\n  socket = "inet:%d@127.0.0.1"\n  keys = "%s"\n'
                '  guard = off\n%s}\n' % (
                    self.dns.port, self.home, self.port, self.folder, more))

    def start(self, **options):
        if self.milter is not None:
            self.milter.notify.close()
            os.unlink(self.milter.notify_path)
        # Another test may be using the old port meanwhile.
        self.port = smtp.free_port()
        self.mark = 0
        self.milter = daemon.Daemon(self.program, self.home, self.settings(),
                                    **options)
        return self.milter

    def stop(self):
        if self.milter is not None:
            self.milter.stop()
            self.milter = None

    def kill(self):
        self.milter.process.kill()
        self.milter.process.wait()

    def run(self, *words, status=0):
        r = subprocess.run([self.command, "key", *words, "--keys", self.folder],
                           capture_output=True, text=True, check=False)
        same(r.returncode, status, " ".join(words) + ": " + r.stderr)
        return r

    def set_mark(self):
        if self.milter is not None:
            self.mark = len(self.milter.lines)

    def new_key(self, selector, *words):
        self.set_mark()
        made = json.loads(self.run("new", DOMAIN, "--selector", selector,
                                   "--json", *words).stdout)["keys"][0]
        self.records[selector] = made["record"]["value"]

    def name(self, selector):
        return "%s._domainkey.%s" % (selector, DOMAIN)

    def publish(self, selector, servers=(0, 1)):
        self.set_mark()
        self.dns.publish(self.name(selector), self.records[selector],
                         servers=servers)

    def withdraw(self, selector, servers=(0, 1)):
        self.set_mark()
        self.dns.publish(self.name(selector), servers=servers)

    def import_key(self, selector):
        """Imports a key that signs immediately."""
        pem = self.home + "/import.pem"
        subprocess.run(["openssl", "genrsa", "-out", pem, "2048"], check=True,
                       capture_output=True)
        self.run("import", pem, "--domain", DOMAIN, "--selector", selector)
        key = subprocess.run(
            ["openssl", "rsa", "-in", pem, "-pubout", "-outform", "DER"],
            check=True, capture_output=True).stdout
        self.records[selector] = "v=DKIM1; k=rsa; p=" + \
            base64.b64encode(key).decode()

    def signs_with(self):
        """Sends a message and returns the selector of its signature, or
        None."""
        m = miltproto.Milter(self.port)
        m.connect("127.0.0.1")
        m.helo()
        changes = m.message(MESSAGE)
        m.quit()
        fields = [v for _, n, v in changes.inserted if n == "DKIM-Signature"]
        true(len(fields) < 2, "one signature")
        return re.search(r"\bs=([^;\s]+)", fields[0]).group(1) if fields \
            else None

    def look(self):
        """Reloads, which makes the daemon check all keys again."""
        self.milter.reload()

    def steps(self, step, selector):
        """Returns how often a step was logged since the last change."""
        text = "event=sign_key step=%s domain=%s selector=%s" % (
            step, DOMAIN, selector)
        return sum(text in line for line in self.milter.lines[self.mark:])

    def wait_step(self, step, selector):
        until(lambda: self.steps(step, selector) > 0, step + " " + selector)

    def look_until(self, condition, what):
        """Repeats the check until the condition is true.  It waits longer each
        time, because each reload begins the check again."""
        end = time.monotonic() + WAIT
        pause = 0.2
        while True:
            self.look()
            again = time.monotonic() + pause
            while time.monotonic() < again:
                if condition():
                    return
                time.sleep(0.02)
            true(time.monotonic() < end, "not after %d s: %s" % (WAIT, what))
            pause *= 1.5

    def looks_until(self, step, selector):
        """Repeats the check until a step is logged."""
        self.look_until(lambda: self.steps(step, selector) > 0,
                        "step %s of %s" % (step, selector))

    def state(self):
        r = json.loads(self.run("list", "--json").stdout)
        return {k["selector"]: k["state"] for k in r["keys"]}


class Sender:
    """Sends messages continuously; each must be signed with a key whose record
    all servers have."""

    def __init__(self, k):
        self.k = k
        self.wrong = []
        self.used = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.ended.wait(0.1):
            try:
                before = self.has()
                selector = self.k.signs_with()
                after = self.has()
            except (OSError, AssertionError) as e:
                self.wrong.append(repr(e))
                continue
            if not self.used or self.used[-1] != selector:
                self.used.append(selector)
            if selector not in before & after:
                self.wrong.append(selector)

    def has(self):
        return {s for s in list(self.k.records)
                if all(server.texts(self.k.name(s))
                       for server in self.k.dns.servers)}

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *why):
        self.ended.set()
        self.thread.join()


@suite.test("a rotation: receivers can verify every message")
def rotation(k):
    k.import_key("old")
    k.publish("old")
    k.start()
    same(k.signs_with(), "old", "an imported key signs immediately")
    with Sender(k) as sender:
        k.new_key("new")
        k.wait_step("waits", "new")
        same(k.signs_with(), "old", "not published")
        k.publish("new", servers=(0,))
        k.look()
        k.dns.mode("servfail", servers=(1,))
        k.look()
        k.dns.mode(None)
        k.dns.mode("silent", servers=(0,))
        k.look()
        k.dns.mode(None)
        k.dns.mode("lame", servers=(1,))
        k.look()
        k.dns.mode(None)
        same(k.signs_with(), "old", "one server has it")
        k.publish("new")
        k.looks_until(step="published", selector="new")
        k.looks_until(step="usable", selector="new")
        k.wait_step("signs", "new")
        until(lambda: "new" in sender.used, "the new one signs")
    same(sender.wrong, [], "messages that cannot be verified")
    same(sender.used, ["old", "new"], "selectors in order")
    until(lambda: k.state() == {"old": "retired", "new": "active"}, "list")


@suite.test("servers that do not answer change nothing, even after kill -9")
def unknown(k):
    for mode in ("servfail", "silent", "refused", "lame"):
        k.dns.mode(mode)
        k.look()
        same(k.signs_with(), "new", mode)
    k.kill()
    k.start()
    same(k.signs_with(), "new", "after kill -9, without DNS")
    k.dns.mode(None)


@suite.test("a lost record: an older key signs, or the last one with an alarm")
def lost(k):
    k.withdraw("new", servers=(1,))
    k.looks_until(step="record_lost", selector="new")
    until(lambda: k.signs_with() == "old", "the older key")
    k.kill()
    k.start()
    same(k.signs_with(), "old", "after kill -9")
    k.withdraw("old")
    k.looks_until(step="alarm", selector="old")
    same(k.signs_with(), "old", "the last good key")
    until(lambda: "alarm" in k.state()["old"], "list")
    k.kill()
    k.start()
    true(k.signs_with() is not None, "after kill -9")
    k.wait_step("alarm", "old")
    k.publish("new")
    k.looks_until(step="usable", selector="new")
    until(lambda: k.signs_with() == "new", "back to the new one")


@suite.test("kill -9 at any time: always signed, with a key that has a record")
def killed(k):
    k.publish("old")
    k.looks_until(step="usable", selector="old")
    k.new_key("third")
    k.publish("third")
    for i in range(6):
        k.kill()
        k.start()
        used = k.signs_with()
        true(used in ("new", "third"), "signs with %s" % used)
        time.sleep(0.15 * i)
    k.look_until(lambda: k.signs_with() == "third", "the third key")


@suite.test("a CNAME to another name is followed")
def cname(k):
    k.new_key("alias")
    target = "alias.keys.example.org"
    for server in k.dns.servers:
        server.records[k.name("alias"), keydns.CNAME] = [
            keydns.wire_name(target)]
    k.look()
    k.dns.publish(target, k.records["alias"])
    k.looks_until(step="usable", selector="alias")
    until(lambda: k.signs_with() == "alias", "signs")


@suite.test("key revoke stops a key without waiting for DNS; retire does not")
def revoked(k):
    r = k.run("retire", DOMAIN, "alias")
    holds(r.stdout, "needed until")
    until(lambda: k.signs_with() == "third", "another key signs")
    r = k.run("revoke", DOMAIN, "third")
    holds(r.stdout, 'IN TXT "v=DKIM1; p="')
    until(lambda: k.signs_with() == "new", "revoked")
    for selector in ("new", "old"):
        k.run("revoke", DOMAIN, selector)
    until(lambda: k.signs_with() == "alias", "only a retired key is left")
    k.run("revoke", DOMAIN, "alias")
    until(lambda: k.signs_with() is None, "no key")
    line = k.milter.wait_log(event="sign", reason="key_unpublished")
    same(line["sign"], "none", "reason for no signature")


@suite.test("an unreadable key file keeps the key; one warning about modes "
            "per load")
def files(k):
    k.import_key("fine")
    k.publish("fine")
    until(lambda: k.signs_with() == "fine", "signs")
    path = "%s/%s/fine.pem" % (k.folder, DOMAIN)
    with open(path) as f:
        pem = f.read()
    with open(path, "w") as f:
        f.write(pem[:300])
    k.look()
    same(k.signs_with(), "fine", "broken")
    until(lambda: any("cannot read a private key" in line
                      for line in k.milter.lines), "logged")
    with open(path, "w") as f:
        f.write(pem)
    os.chmod(path, 0o644)
    k.milter.lines.clear()
    k.look()
    for _ in range(3):
        same(k.signs_with(), "fine", "readable for all")
    warned = until(lambda: [line for line in k.milter.lines
                            if "chmod 0640" in line], "a warning")
    same(len(warned), 1, "warnings of %s" % k.milter.lines)
    r = subprocess.run([k.command, "config", "check", "--config",
                        k.milter.path], capture_output=True, text=True)
    same(r.returncode, 78, "config check")
    holds(r.stdout + r.stderr, "chmod 0640 " + path)
    os.chmod(path, 0o640)


def restarted(k, change):
    """Kills the daemon and starts it while no server answers; `change` is
    called with each state file.  Returns the selector that it then signs
    with."""
    k.dns.mode("silent")
    k.kill()
    folder = k.folder + "/.state/"
    for name in os.listdir(folder):
        if not name.endswith(".new"):  # left by a write that was killed
            change(folder, folder + name)
    k.start()
    selector = k.signs_with()
    k.dns.mode(None)
    return selector


def survives(k, selector, **states):
    """Checks that the state survives a restart, even if the host has a new
    name, and that keys keep signing if it is lost."""
    until(lambda: k.state() == states, "states %s" % states)
    same(k.signs_with(), selector, "before")

    def rename(folder, path):
        os.rename(path, folder + "other")
        # state of a host that no longer exists
        os.utime(folder + "other", (5, 5))
    for change in (lambda *_: None, rename):
        same(restarted(k, change), selector, str(states))
        same(k.state(), states, "states")
    if k.state()["new"] != "new":
        lost = restarted(k, lambda _, path: os.truncate(path, 0))
        same(lost is None, selector is None, "signs, %s" % states)
        until(lambda: k.state() == states, "again states %s" % states)
        same(k.signs_with(), selector, "again")


@suite.test("kill -9 in each state of a key: the same key signs")
def each_state(program):
    ttl = keydns.TTL
    with Keys(program.program) as k:
        k.import_key("old")
        k.publish("old")
        k.start()
        k.new_key("new")
        k.wait_step("waits", "new")
        survives(k, "old", old="active", new="new")
        keydns.TTL = 3600
        k.publish("new")
        k.looks_until("published", "new")
        survives(k, "old", old="active", new="new")
        keydns.TTL = ttl
        k.withdraw("new")
        k.looks_until("record_lost", "new")
        k.publish("new")
        k.looks_until("usable", "new")
        survives(k, "new", old="retired", new="active")
        k.withdraw("new")
        k.looks_until("record_lost", "new")
        survives(k, "old", old="active", new="new")
        k.withdraw("old")
        k.looks_until("alarm", "old")
        survives(k, "old", old="alarm", new="new")
        k.run("revoke", DOMAIN, "old")
        until(lambda: k.signs_with() == "new", "revoked")
        survives(k, "new", old="revoked", new="alarm")
        k.publish("new")
        k.looks_until("usable", "new")
        k.run("retire", DOMAIN, "new")
        survives(k, "new", old="revoked", new="active")
        k.run("revoke", DOMAIN, "new")
        until(lambda: k.signs_with() is None, "no key")
        survives(k, None, old="revoked", new="revoked")
        k.stop()


@suite.test("a key folder that is missing during a reload: the keys stay")
def folder_away(program):
    with Keys(program.program) as k:
        k.import_key("old")
        k.publish("old")
        k.start()
        os.rename(k.folder, k.folder + ".away")
        k.look()
        same(k.signs_with(), "old", "without the folder")
        true(any("the keys that were read before stay in use" in line
                 for line in k.milter.lines), "warned")
        os.rename(k.folder + ".away", k.folder)
        k.look()
        same(k.signs_with(), "old", "back")
        k.stop()


SLOW = 60  # domains; a check of each takes 4 s if no server answers


@suite.test("key revoke does not wait until all keys were checked; a list that "
            "is changed in place is read")
def revoked_meanwhile(program):
    library = os.path.dirname(program.program) + "/tests/turnclock.so"
    with Keys(program.program) as k:
        for selector in ("one", "two"):
            k.import_key(selector)
        clock = k.home + "/clock"
        with open(clock, "wb") as f:
            f.write(bytes(8))
        domain = k.folder + "/" + DOMAIN
        for i in range(SLOW):
            shutil.copytree(domain, "%s/d%d.%s" % (k.folder, i, DOMAIN))
        k.dns.mode("silent")
        k.start(environment={} if SANITIZED else dict(
            LD_PRELOAD=library, CLOCK_CONTROL=clock))
        first = k.signs_with()
        other = "two" if first == "one" else "one"
        asked = k.dns.servers[0].asked
        until(lambda: k.dns.servers[0].asked > asked, "checks keys")
        k.run("revoke", DOMAIN, first)
        until(lambda: k.signs_with() == other, "revoked")
        if not SANITIZED:
            with open(domain + "/selectors", "r+") as f:
                text = f.read().replace(other + " ", other + " revoked=1 ")
                f.seek(0)
                f.write(text)
            with open(clock, "r+b") as f:
                f.write(struct.pack("=q", 61))
            until(lambda: k.signs_with() is None, "changed in place")
        k.dns.mode(None)
        k.stop()


def running(pid):
    with open("/proc/%d/comm" % pid) as f:
        return f.read().strip()


@suite.test("a key that is a link to a systemd credential")
def credential(k):
    path = "%s/%s/fine.pem" % (k.folder, DOMAIN)
    folder = k.home + "/credentials"
    os.mkdir(folder, 0o700)
    k.stop()
    os.rename(path, folder + "/example.org.fine")
    os.chmod(folder + "/example.org.fine", 0o400)
    os.symlink(folder + "/example.org.fine", path)
    k.confine = "sandbox = full\n"
    k.start(environment=dict(CREDENTIALS_DIRECTORY=folder))
    same(k.signs_with(), "fine", "signs")
    k.stop()
    k.confine = ""
    os.unlink(path)
    os.rename(folder + "/example.org.fine", path)
    os.chmod(path, 0o640)
    k.start()
    same(k.signs_with(), "fine", "signs")


def pauses(k, **numbers):
    """Changes the times of own mail in the state file; the daemon must be
    stopped."""
    folder = k.folder + "/.state/"
    path = folder + [n for n in os.listdir(folder)
                     # temporary file left by kill -9
                     if not n.endswith(".new")][0]
    with open(path) as f:
        lines = f.read().splitlines()
    true(any(line.startswith("!pauses ") for line in lines), str(lines))
    with open(path, "w") as f:
        for line in lines:
            if line.startswith("!pauses"):
                line = "!pauses " + " ".join(
                    "%s=%d" % pair for pair in numbers.items())
            f.write(line + "\n")


def status(k):
    return subprocess.run([k.command, "status", "--config", k.milter.path],
                          capture_output=True, text=True, check=False).stdout


@suite.test("missing mail of our own is logged once, and also when it arrives "
            "again")
def silence(k):
    now = int(time.time())
    week = now // (7 * 86400)
    normal = dict(since=now - 40 * 86400, saved=now, week=week,
                  longest0=600, longest1=600, longest2=600, longest3=600)
    k.stop()
    pauses(k, last=now - 800, **normal)
    k.start()
    k.milter.wait_log(event="start")
    true(not k.milter.log(event="sign_silence"), "800 s are normal")
    lacks(status(k), "none has arrived since")
    k.stop()
    pauses(k, last=now - 5000, **normal)
    k.start()
    line = k.milter.wait_log(event="sign_silence", step="began")
    same((line["level"], line["longest_pause_s"]), ("warning", "600"), "log")
    until(lambda: "the longest pause in four weeks was 10 minutes" in
          status(k), "status")
    k.signs_with()
    line = k.milter.wait_log(event="sign_silence", step="ended")
    same(len(k.milter.log(event="sign_silence")), 2, "lines")
    until(lambda: "none has arrived since" not in status(k), "status")


DUMPING = ("sh", "-c", 'ulimit -c unlimited && cd "$0" && exec "$@"')


def aborts(process):
    """Ends the process with SIGABRT; returns whether it dumped core."""
    process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -signal.SIGABRT
    return os.WCOREDUMP(status)


@suite.test("no private key in the log, and no core dump")
def secrets(k):
    if SANITIZED:
        raise Skip("sanitizers catch the signal")
    with open("%s/%s/fine.pem" % (k.folder, DOMAIN)) as f:
        secret = f.read().split("\n")[1:-2]
    log = "\n".join(k.milter.lines)
    for line in secret:
        lacks(log, line)
    core = k.home + "/core"
    os.mkdir(core)
    dumping = (*DUMPING, core)
    process = subprocess.Popen([*dumping, "sleep", "60"])
    until(lambda: process.poll() is not None or
          running(process.pid) == "sleep", "sleep runs")
    if process.poll() is not None or not aborts(process):
        raise Skip("this system does not write core dumps")
    k.stop()
    k.start(wrapper=dumping)
    same(k.signs_with(), "fine", "signs")
    same(aborts(k.milter.process), False, "a core dump")
    # start without a folder of keys, and create it later
    os.rename(k.folder, k.folder + ".away")
    k.start(wrapper=dumping)
    same(k.signs_with(), None, "no keys")
    os.rename(k.folder + ".away", k.folder)
    until(lambda: k.signs_with() == "fine", "finds the keys")
    same(aborts(k.milter.process), False, "a core dump, keys found later")
    k.start()
    same(k.signs_with(), "fine", "signs")


@suite.test("a clock that is set back does not stop the watch")
def clock(k):
    if SANITIZED:
        raise Skip("the clock cannot be preloaded with sanitizers")
    k.stop()
    control = k.home + "/clock"
    with open(control, "wb") as f:
        f.write(struct.pack("=q", 7200))
    # Waits follow the system's clock, which is two hours behind the daemon's.
    k.start(environment=dict(
        LD_PRELOAD=os.path.dirname(k.program) + "/tests/turnclock.so",
        CLOCK_CONTROL=control))
    k.new_key("later")
    k.wait_step("waits", "later")


def main():
    if os.geteuid() != 0:
        return suite.skip_all("needs root, for port 53")
    only = sys.argv[2] if len(sys.argv) > 2 else None
    with Keys(sys.argv[1]) as k:
        try:
            return suite.run(k, only)
        finally:
            k.stop()


if __name__ == "__main__":
    sys.exit(main())
