"""Runs the avouch command in a temporary directory, and checks conditions that
hold for every run.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, ROOT + "/tests/milter")

import signing  # noqa: E402
from suite import true  # noqa: E402

# the values of sysexits.h that avouch(1) lists
OK, FOUND, USAGE, DATAERR, TEMPFAIL, CONFIG = 0, 1, 64, 65, 75, 78

NOW = "1767225600"  # 2026-01-01
LATER = str(int(time.time()) + 10 * 365 * 86400)

ZONE = """\
$ORIGIN example.com.
@ 300 IN TXT "v=spf1 a mx include:_spf.other.example -all"
@ 300 IN A 192.0.2.1
@ 300 IN MX 10 mail
mail 300 IN A 192.0.2.10
_dmarc 300 IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com"
_spf.other.example. 300 IN TXT "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/48 ?all"
broken.example. 300 IN TXT "v=spf1 ip4:192.0.2.0/33 -all"
;!failed down.example. TXT servfail
;!failed _dmarc.down.example. TXT timeout
"""

MESSAGE = b"""\
From: Ann <ann@example.com>\r
To: bob@example.net\r
Subject: one\r
Date: Thu, 1 Jan 2026 00:00:00 +0000\r
Message-ID: <1@example.com>\r
\r
Hello.\r
\r
Bye.\r
"""

ENVELOPE = ["--ip", "192.0.2.1", "--helo", "mail.example.com", "--mail-from",
            "ann@example.com"]
FORGED = ["--ip", "203.0.113.9", "--helo", "mail.example.com", "--mail-from",
          "ann@bounce.example.net"]


def printable(text, what):
    """Checks that there are no terminal control characters: C0, DEL, C1, bidi."""
    bad = re.search("[^\\n\\t\\x20-\\x7e\\xa0-\\u200d\\u2010-\\u2027\\u202f-"
                    "\\u2065\\u206a-\\U0010ffff]", text)
    true(bad is None, "%s has %r in %r" % (
        what, bad and bad.group(), text[max(0, bad and bad.start() - 40):][:80]
        if bad else ""))


class Run:
    def __init__(self, arguments, process):
        self.arguments = arguments
        self.status = process.returncode
        what = "avouch " + " ".join(str(a) for a in arguments)
        try:
            self.out = process.stdout.decode("utf-8")
            self.err = process.stderr.decode("utf-8")
        except UnicodeDecodeError as e:
            raise AssertionError("%s: not UTF-8: %s" % (what, e)) from e
        true(self.status in (OK, FOUND, USAGE, DATAERR, TEMPFAIL, CONFIG),
             "%s: status %d: %s" % (what, self.status, self.err[-2000:]))
        printable(self.out, what + ": standard output")
        printable(self.err, what + ": standard error")
        for word in ("Sanitizer", "runtime error"):
            true(word not in self.err, what + ": " + self.err)
        if self.status != OK:
            true(self.err + self.out != "", what + ": fails without a message")

    def json(self):
        true(self.out.endswith("\n") and self.out.count("\n") == 1,
             "one line: %r" % self.out[:200])
        true(self.out.isascii(), "ASCII: %r" % self.out[:200])
        return json.loads(self.out)


class Command(contextlib.ExitStack):
    milter = None  # for suite.py

    def __init__(self, program):
        super().__init__()
        self.program = os.path.abspath(program)

    def __enter__(self):
        super().__enter__()
        self.home = tempfile.mkdtemp(prefix="avouch-cli-")
        self.callback(shutil.rmtree, self.home, ignore_errors=True)
        self.rsa = signing.Key("rsa", self.home)
        self.ed25519 = signing.Key("ed25519", self.home)
        self.zone = self.file("zone", ZONE + "".join(
            signing.txt(name + "._domainkey.example.com.", key.record()) + "\n"
            for name, key in (("s1", self.rsa), ("ed", self.ed25519))))
        self.signed = signing.sign(MESSAGE, self.rsa, "example.com", "s1")
        self.message = self.file("message.eml", self.signed)
        self.plain = self.file("plain.eml", MESSAGE)
        return self

    def file(self, name, content):
        path = os.path.join(self.home, name)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else
                    content.encode())
        return path

    def path(self, name):
        return os.path.join(self.home, name)

    def run(self, *arguments, stdin=b"", status=OK, **options):
        """Runs avouch; `status` None accepts any exit status.  `check` does not
        read the configuration of this host unless `own_host`."""
        if (arguments[:1] == ("check",) and "--config" not in arguments and
                not options.pop("own_host", False)):
            arguments = ("check", "--config", os.devnull, *arguments[1:])
        if "stdin_file" in options:
            given = {"stdin": options.pop("stdin_file")}
        else:
            given = {"input": stdin}
        options.setdefault("stdout", subprocess.PIPE)
        process = subprocess.run([self.program, *arguments], timeout=300,
                                 stderr=subprocess.PIPE, cwd=self.home,
                                 **given, **options)
        if process.stdout is None:
            process.stdout = b""
        r = Run(arguments, process)
        true(status is None or r.status == status,
             "avouch %s: status %d, want %s: %s" % (
                 " ".join(arguments), r.status, status, r.err))
        return r

    def zoned(self, *arguments, **options):
        """Like run(), with the DNS answers of the zone, on 2026-01-01."""
        return self.run(*arguments, "--zone", self.zone, "--now", NOW,
                        **options)

    def json(self, *arguments, **options):
        return self.zoned(*arguments, "--json", **options).json()


def record_state(c, domain, **keys):
    """Writes the state file of a daemon.  `keys`: the state of each selector,
    such as "ready=1 ever=1"."""
    folder = c.home + "/keys/.state"
    lines = []
    for selector, state in keys.items():
        public = subprocess.run(
            ["openssl", "pkey", "-in", "%s/keys/%s/%s.pem" % (
                c.home, domain, selector), "-pubout", "-outform", "DER"],
            check=True, capture_output=True).stdout
        if len(public) < 100:  # Ed25519: only the key itself
            public = public[-32:]
        lines.append("%s %s %s %s\n" % (
            domain, selector, hashlib.sha256(public).hexdigest(), state))
    with open(folder + "/host", "w") as f:
        f.write("".join(lines) + "# end\n")


def main(suite, arguments):
    if len(arguments) < 2:
        print("usage: %s PROGRAM [PART-OF-A-NAME]" % arguments[0])
        return USAGE
    with Command(arguments[1]) as command:
        return suite.run(command, *arguments[2:3])
