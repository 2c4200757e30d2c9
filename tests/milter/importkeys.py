#!/usr/bin/env python3
"""Imports opendkim's tables: avouch must sign the same messages as a real
opendkim, for the same domains and with the same selectors.

usage: importkeys.py PROGRAM [PART-OF-A-NAME]
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

import daemon
import miltproto
import smtp
from suite import Skip, Suite, same, true, until

suite = Suite()

KEY_TABLE = """\
main    one.example:mail:{home}/one.pem
sub     mail.one.example:m2:{home}/two.pem
own     %:own:{home}/own/%.pem
"""
SIGNING_TABLE = """\
*@one.example main
*@mail.one.example sub
*@news.one.example main
*@two.example own
*@three.example own
"""
OPENDKIM = """\
Syslog no
Mode s
Socket inet:{port}@127.0.0.1
InternalHosts 127.0.0.1
KeyTable refile:{home}/KeyTable
SigningTable refile:{home}/SigningTable
UserID root
RequireSafeKeys no
"""
AUTHORS = ["a@one.example", "a@mail.one.example", "a@news.one.example",
           "b@two.example", "A@Three.Example", "x@example", "x@none.example",
           "x@notone.example", "x@one.example.evil.example"]


class Import(contextlib.ExitStack):
    milter = None

    def __init__(self, program):
        super().__init__()
        self.program = os.path.abspath(program)

    def __enter__(self):
        super().__enter__()
        self.home = tempfile.mkdtemp(prefix="avouch-import-")
        self.callback(shutil.rmtree, self.home, ignore_errors=True)
        return self

    def file(self, name, text):
        with open(self.home + "/" + name, "w") as f:
            f.write(text)
        return f.name


def signature(port, author):
    """Returns (d, s) of the signature that a milter adds, or None."""
    m = miltproto.Milter(port)
    m.connect("127.0.0.1", "localhost")
    m.helo("localhost")
    m.mail(author)
    m.rcpt()
    for name, value in (("From", author), ("To", "b@example.net"),
                        ("Subject", "s"), ("Message-ID", "<1@x>"),
                        ("Date", "Mon, 30 Nov 2026 00:00:00 +0000")):
        m.header(name.encode(), b" " + value.encode())
    reply = m.headers_end()
    if reply is not None and reply[0] == "a":  # not from one of our domains
        m.close()
        return None
    m.body(b"text\r\n")
    changes = m.end()
    m.quit()
    found = [v for _, n, v in changes.inserted if n == "DKIM-Signature"]
    if not found:
        return None
    return tuple(re.search(r"\b%s=([^;\s]+)" % tag, found[0]).group(1).lower()
                 for tag in "ds")


def answers(port):
    try:
        miltproto.Milter(port).quit()
    except OSError:
        return False
    return True


@suite.test("opendkim and avouch sign the same messages")
def import_(l):
    opendkim = shutil.which("opendkim", path="/usr/sbin:/usr/bin")
    if opendkim is None:
        raise Skip("opendkim is not installed")
    os.mkdir(l.home + "/own")
    for name in ("one", "two", "own/two.example", "own/three.example"):
        subprocess.run(["openssl", "genrsa", "-out",
                        "%s/%s.pem" % (l.home, name), "2048"], check=True,
                       capture_output=True)
    l.file("KeyTable", KEY_TABLE.format(home=l.home))
    l.file("SigningTable", SIGNING_TABLE)
    theirs, ours = smtp.free_port(), smtp.free_port()
    conf = l.file("opendkim.conf", OPENDKIM.format(home=l.home, port=theirs))
    process = subprocess.Popen([opendkim, "-f", "-x", conf],
                               stderr=subprocess.PIPE)
    l.callback(lambda: (process.kill(), process.wait()))
    until(lambda: answers(theirs) or process.poll() is not None, "opendkim")
    true(process.poll() is None, "opendkim ended")
    r = subprocess.run([os.path.dirname(l.program) + "/avouch", "key",
                        "import", conf, "--keys", l.home + "/keys"],
                       capture_output=True, text=True)
    same((r.returncode, r.stderr), (0, ""), "import")
    l.milter = daemon.Daemon(
        l.program, l.home, 'socket = ""\nlog_target = stderr\n'
        'nameservers = {"127.0.0.1@1"}\nsign {\n  socket = '
        '"inet:%d@127.0.0.1"\n  keys = "%s/keys"\n  guard = off\n}\n' % (
            ours, l.home))
    l.callback(l.milter.stop)
    signed = 0
    for author in AUTHORS:
        want = signature(theirs, author)
        same(signature(ours, author), want, author)
        signed += want is not None
    same(signed, 5, "signed messages")


def main():
    only = sys.argv[2] if len(sys.argv) > 2 else None
    with Import(sys.argv[1]) as l:
        return suite.run(l, only)


if __name__ == "__main__":
    sys.exit(main())
