#!/usr/bin/env python3
"""What `avouch-milter -t` and `avouch config check` report about this host:
sockets, users, files, resolvers.

usage: hostcheck.py PROGRAM [PART-OF-A-NAME]

PROGRAM is avouch-milter; avouch is in the same directory.
"""

import os
import socket
import subprocess
import sys

import lab
import smtp
import wrongdns
from suite import Skip, Suite, holds, lacks, same, true

suite = Suite()

OK, CONFIG = 0, 78
SECONDS = 60
OTHER = "nobody"  # a user without privileges


def check(l, text, as_user=None):
    """Returns (exit status, output) of both programs, which must agree."""
    path = l.home + "/check.conf"
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o644)
    results = []
    before = sorted(os.listdir(l.home))
    for command in ([l.program, "-t", "-c", path],
                    [os.path.dirname(l.program) + "/avouch", "config",
                     "check", "--config", path]):
        r = subprocess.run(command, capture_output=True, text=True,
                           timeout=SECONDS, user=as_user)
        results.append((r.returncode, r.stderr))
    same(sorted(os.listdir(l.home)), before, "files")
    same(results[0][0], results[1][0], "both")
    same(sorted(results[0][1].splitlines()),
         sorted(results[1][1].splitlines()), "both")
    return results[0]


def settings(l, more="", where=None):
    return l.settings(more, socket=where or "inet:%d@127.0.0.1" %
                      smtp.free_port())


@suite.test("no errors: no output")
def _(l):
    same(check(l, settings(l)), (OK, ""), "a free port")
    same(check(l, settings(l, where="unix:%s/free.sock" % l.home)), (OK, ""),
         "a free path")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(l.home + "/stale.sock")
    same(check(l, settings(l, where="unix:%s/stale.sock" % l.home)), (OK, ""),
         "a socket that an ended process left")


@suite.test("a running avouch-milter uses the socket: no output")
def _(l):
    same(check(l, l.settings()), (OK, ""), "inet")
    path = "unix:%s/ours.sock" % l.home
    more = 'metrics { listen = "unix:%s/metrics.sock" }\n' % l.home
    d = lab.daemon.Daemon(l.program, l.home, settings(l, more, path),
                          name="ours")
    same(check(l, settings(l, more, path)), (OK, ""), "unix")
    same(d.stop(), 0, "status")


@suite.test("another program uses the socket")
def _(l):
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        unix.bind(l.home + "/taken.sock")
        unix.listen()
        for where in ("inet:%d@127.0.0.1" % tcp.getsockname()[1],
                      "unix:%s/taken.sock" % l.home):
            for more, name in (("", "socket"),
                               ('metrics { listen = "%s" }\n' % where,
                                "metrics.listen")):
                status, said = check(l, settings(
                    l, more, where if name == "socket" else None))
                same(status, CONFIG, said)
                holds(said, "check.conf:")
                holds(said, name + ": " + where)
                holds(said, "is in use by process %d (" % os.getpid())
    os.unlink(l.home + "/taken.sock")


@suite.test("sockets that cannot be created")
def _(l):
    with open(l.home + "/file", "w"):
        pass
    for where, words in (
            ("unix:%s/nowhere/x.sock" % l.home,
             "socket: %s/nowhere does not exist; create it" % l.home),
            ("unix:%s/file" % l.home, "is not a socket"),
            ("inet:8894@192.0.2.1", "Cannot assign requested address")):
        status, said = check(l, settings(l, where=where))
        same(status, CONFIG, said)
        holds(said, words)


@suite.test("users and groups that do not exist")
def _(l):
    status, said = check(l, settings(l, 'user = "nosuchuser"\n'
                                     'socket_group = "nosuchgroup"\n'))
    same(status, CONFIG, said)
    holds(said, 'user: unknown user "nosuchuser"')
    holds(said, 'socket_group: unknown group "nosuchgroup"')


@suite.test("missing permissions of the daemon's user")
def _(l):
    if os.geteuid() != 0:
        raise Skip("needs root")
    user = 'user = "%s"\n' % OTHER
    closed = l.home + "/closed"
    os.mkdir(closed, 0o700)
    zone = closed + "/zone"
    with open(zone, "w") as f:
        f.write("a.example. IN A 192.0.2.1\n")
    text = settings(l, user)
    same(check(l, text), (OK, ""), "a socket of its own")
    for text, words in (
            (settings(l, user, "unix:%s/x.sock" % closed),
             "socket: the user nobody cannot create files in " + closed),
            (settings(l, user + 'report { store = "%s/x.db" }\n' % closed),
             "report.store: the user nobody cannot create files in " + closed),
            (settings(l, user).replace(l.zone, zone),
             "the user nobody cannot read " + zone)):
        status, said = check(l, text)
        same(status, CONFIG, said)
        holds(said, words)
        holds(said, "Permission denied")
    same(check(l, settings(l, where="unix:%s/x.sock" % closed)), (OK, ""),
         "as root, without a user")
    os.chmod(closed, 0o755)
    store = closed + "/x.db"
    with open(store, "w"):
        pass
    os.chmod(store, 0o600)
    os.chown(closed, 65534, -1)
    status, said = check(l, settings(l, user + 'report { store = "%s" }\n' %
                                     store))
    same(status, CONFIG, said)
    holds(said, "the user nobody cannot write " + store)


@suite.test("a user other than the daemon's only gets warnings")
def _(l):
    if os.geteuid() != 0:
        raise Skip("needs root")
    closed = l.home + "/not-yours"
    os.mkdir(closed, 0o755)
    status, said = check(l, settings(l, where="unix:%s/x.sock" % closed),
                         as_user=OTHER)
    same(status, OK, said)
    holds(said, "the user of the daemon cannot create files in " + closed)
    status, said = check(l, l.settings(), as_user=OTHER)
    # this user cannot see which process owns the socket
    same(status, OK, said)
    holds(said, "is in use by another process")
    holds(said, "run this as root to see which process")
    same(check(l, settings(l, 'user = "root"\n', "unix:%s/x.sock" % closed),
               as_user=OTHER), (OK, ""), "checks that are impossible")


@suite.test("the signer: a socket in use, files that are missing")
def _(l):
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        where = "inet:%d@127.0.0.1" % tcp.getsockname()[1]
        status, said = check(l, settings(
            l, 'sign { socket = "%s" senders = "%s/nosuch" }\n' % (
                where, l.home)))
        same(status, CONFIG, said)
        holds(said, "sign.socket: %s is in use by process" % where)
        holds(said, "sign.senders: the user of the daemon cannot read "
              "%s/nosuch: No such file" % l.home)


@suite.test("the store: no folder, or no file")
def _(l):
    for store, words in (
            (l.home + "/nowhere/x.db", "%s/nowhere does not exist" % l.home),
            (l.home + "/folder", "is not a regular file")):
        os.makedirs(l.home + "/folder", exist_ok=True)
        status, said = check(l, settings(
            l, 'report { store = "%s" }\n' % store))
        same(status, CONFIG, said)
        holds(said, "report.store: " + words if "nowhere" in store else words)


@suite.test("a zone file that is missing or invalid")
def _(l):
    wrong = l.home + "/wrong.zone"
    with open(wrong, "w") as f:
        f.write("a.example. IN A 192.0.2.1\nb.example. IN NONSENSE x\n")
    for zone, words in ((l.home + "/nosuch", "No such file"),
                        (wrong, "wrong.zone:2: ")):
        status, said = check(l, settings(l).replace(l.zone, zone))
        same(status, CONFIG, said)
        holds(said, words)


def with_servers(l, *servers):
    return settings(l).replace(
        'nameservers = "zone:%s"' % l.zone,
        "nameservers = { %s }" % ", ".join('"%s"' % s for s in servers))


def check_resolvers(l, cases):
    status, said = check(l, with_servers(l, *[c[0] for c in cases]))
    same(status, OK, said)
    for address, words in cases:
        if words is None:
            lacks(said, address)
        else:
            true(any("nameservers: the resolver %s %s" % (address, words) in
                     line or (address in line and words in line)
                     for line in said.splitlines()), (address, words, said))


@suite.test("resolvers that do not answer cause warnings with the reason")
def _(l):
    cases = [("127.0.0.1@%d" % smtp.free_port(), "refuses the connection"),
             ("255.255.255.255@53", "has no route to it")]
    servers = []
    for behaviour, words in ((wrongdns.silent, "does not answer"),
                             (wrongdns.code(wrongdns.REFUSED),
                              "refuses our queries"),
                             (wrongdns.code(wrongdns.SERVFAIL),
                              "answers with an error"),
                             (wrongdns.truth, None)):
        dns = wrongdns.WrongDns("bank.example", "")
        dns.behave = behaviour
        servers.append(dns)
        cases.append(("127.0.0.1@%d" % dns.port, words))
    for left in reversed(range(10)):
        try:
            check_resolvers(l, cases)
            break
        except AssertionError:  # our servers may be slow
            if left == 0:
                raise
    for dns in servers:
        dns.close()


@suite.test("config check --syntax: checks only the file")
def _(l):
    path = l.home + "/syntax.conf"
    with open(path, "w") as f:
        f.write(settings(l, 'user = "nosuchuser"\n',
                         "unix:/nosuchfolder/x.sock"))
    r = subprocess.run([os.path.dirname(l.program) + "/avouch", "config",
                        "check", "--syntax", "--config", path],
                       capture_output=True, text=True, timeout=SECONDS)
    same((r.returncode, r.stderr), (OK, ""), "syntax")


def main():
    with lab.Lab(sys.argv[1]) as l:
        l.start_milter()
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
