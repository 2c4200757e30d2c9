#!/usr/bin/env python3
"""Reasons why avouch-milter does not start: the message and the exit status
(sysexits.h) that an operator gets.  Cases that need root are skipped for other
users, and cases that root cannot cause are skipped for root.

usage: startup.py PROGRAM [PART-OF-A-NAME]
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys

import lab
import smtp
from suite import SANITIZED, Skip, Suite, holds, needs_plain_memory, same, true

suite = Suite()

USAGE, UNAVAILABLE, SOFTWARE, OSERR, CONFIG = 64, 69, 70, 71, 78
SECONDS = 180


def configured(l, more="", where=None, name="start"):
    path = "%s/%s.conf" % (l.home, name)
    with open(path, "w") as f:
        f.write(l.settings(more, socket=where or "inet:%d" %
                           smtp.free_port()))
    os.chmod(path, 0o644)
    return path


def start(l, path, wrapper=(), **options):
    """Returns (status, output); status None: the daemon started, and was
    stopped."""
    p = subprocess.Popen([*wrapper, l.program, "-f", "-c", path],
                         stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                         text=True, **options)
    said = []
    try:
        for line in p.stderr:
            said.append(line)
            if "event=start version" in line:
                p.send_signal(signal.SIGTERM)
                p.stderr.read()
                same(p.wait(SECONDS), 0, "status")
                return None, "".join(said)
        return p.wait(SECONDS), "".join(said)
    finally:
        p.kill()
        p.wait()


def refused(l, path, status, *words, **options):
    code, said = start(l, path, **options)
    print("%s: %s" % (code, said.strip().replace(l.home, "HOME")))
    same(code, status, said)
    for word in words:
        holds(said, word)
    true(len(said.strip().splitlines()) == 1 or status == CONFIG, said)


@suite.test("sockets that cannot be created: which one, and why")
def _(l):
    refused(l, configured(l, where="unix:%s/%s" % (l.home, "x" * 120)), CONFIG,
            "socket", "at most 107 bytes")
    for where, words in (
            ("unix:%s/nowhere/x.sock" % l.home, ["nowhere", "directory does not exist"]),
            ("unix:/proc/x.sock", ["/proc/x.sock"]),
            ("inet:8894@192.0.2.1", ["192.0.2.1", "Cannot assign"]),
            ("inet6:8894@2001:db8::1", ["2001:db8::1"])):
        refused(l, configured(l, where=where), UNAVAILABLE, *words)
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::1", 0))
        taken.listen()
        refused(l, configured(l, where="inet6:%d" % taken.getsockname()[1]),
                UNAVAILABLE, "is in use by process %d (" % os.getpid(),
                "another socket")


@suite.test("groups, users and files that do not exist")
def _(l):
    unix = "unix:%s/g.sock" % l.home
    for more, status, words in (
            ('socket_group = "nogroup-x"\n', UNAVAILABLE,
             ["socket_group", "unknown group"]),
            ('user = "nobody-x"\n', CONFIG,
             ["user: unknown user", "adduser"]),
            ('report { store = "store.db" }\n', CONFIG, ["store"]),
            ('nameservers = "zone:/nowhere/zone"\n', CONFIG, ["/nowhere/zone"])):
        if "zone" in more:
            path = configured(l)
            with open(path) as f:
                text = f.read().replace(l.zone, "/nowhere/zone")
            with open(path, "w") as f:
                f.write(text)
        else:
            path = configured(l, more, where=unix)
        refused(l, path, status, *words)
        true(not os.path.exists(l.home + "/g.sock"), "no socket remains")


@suite.test("a configuration that cannot be read")
def _(l):
    refused(l, l.home, CONFIG, l.home, "directory")
    refused(l, l.home + "/none.conf", CONFIG, "none.conf", "No such file")
    path = configured(l, "mode = no\nnonsense\n")
    refused(l, path, CONFIG, path + ":")


@suite.test("as a user without privileges")
def _(l):
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        raise Skip("only root can switch to another user")
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    # the build directory may be inaccessible to other users
    bin = l.home + "/bin"
    os.mkdir(bin)
    shutil.copy(l.program, bin)
    program, l.program = l.program, bin + "/avouch-milter"
    try:
        path = configured(l)
        os.chmod(path, 0o600)
        refused(l, path, CONFIG, path, "Permission denied", wrapper=nobody)
        refused(l, configured(l, where="unix:%s/n.sock" % l.home),
                UNAVAILABLE, "n.sock", "Permission denied", wrapper=nobody)
        refused(l, configured(l, 'user = "daemon"\n'), CONFIG,
                "only root can become", wrapper=nobody)
        same(start(l, configured(l), wrapper=nobody)[0], None, "it starts")
    finally:
        l.program = program


@suite.test("no resolv.conf: the resolver on this host is used")
def _(l):
    if os.geteuid() != 0:
        raise Skip("only root can hide resolv.conf")
    path = configured(l)
    with open(path) as f:
        text = f.read().replace('nameservers = "zone:%s"\n' % l.zone, "")
    with open(path, "w") as f:
        f.write(text)
    code, said = start(l, path, wrapper=(
        "unshare", "-m", "sh", "-c",
        'mount --bind /dev/null /etc/resolv.conf && exec "$@"', "sh"))
    if code == 1 and "unshare" in said:
        raise Skip(said)
    same(code, None, said)
    holds(said, "resolvers=127.0.0.1@53")


@suite.test("too few descriptors: reports an error, or runs")
def _(l):
    runs = 0
    # with four, a sanitizer loops forever to find a descriptor
    for limit in (4, 8, 12, 16, 20, 24, 28)[1 if SANITIZED else 0:]:
        code, said = start(
            l, configured(l, 'report { store = "%s/few.db" }\n' % l.home),
            wrapper=("prlimit", "--nofile=%d:%d" % (limit, limit)))
        true(code in (None, 127, UNAVAILABLE, OSERR, CONFIG),
             "%d: %s %s" % (limit, code, said))
        true(said.strip() != "", "no output")
        true(code != 127 or "shared" in said, said)  # an error of the loader
        runs += code is None
    true(runs > 1, "it never runs")


@suite.test("out of memory at start: reports an error, or runs")
def _(l):
    needs_plain_memory()
    library = l.preload("failmalloc")
    control = l.home + "/memory"
    path = configured(l, 'report { store = "%s/memory.db" }\n'
                      'metrics { listen = "unix:%s/m.sock" }\n' % (
                          l.home, l.home))
    seen = {}
    for every, spare in [(1, n) for n in range(0, 60, 5)] + [
            (n, 0) for n in range(2, 60, 11)]:
        with open(control, "wb") as f:
            f.write(struct.pack("=IIIII", every, spare, 0, 0, 0))
        code, said = start(l, path, env=dict(
            os.environ, LD_PRELOAD=library, FAIL_CONTROL=control))
        true(code is None or code in (UNAVAILABLE, OSERR, CONFIG),
             "%d, %d: %s %s" % (every, spare, code, said))
        true(said.strip() != "", "%d, %d: no output" % (every, spare))
        seen[code] = seen.get(code, 0) + 1
    print(seen)


def main():
    with lab.Lab(sys.argv[1]) as l:
        l.socket = "inet:1"
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
