#!/usr/bin/env python3
"""Random From fields: no program may find an address at bank.example in a
field that avouch accepts without it, and no honest field may be invalid.

usage: random_fields.py BUILD-DIRECTORY [HOSTILE HONEST [SEED]]

The sender is authenticated for attack.example.  The result of a field follows
from its author domains, see result().  Some fields are passed to `avouch
check` to verify this.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../milter"))
import grammar
import readers
from suite import Skip, Suite, same, true

suite = Suite()
SHOWN = 10  # most wrong fields to print
CHECKED = 50  # fields that are passed to the command
ZONE = """\
attack.example. 60 IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.attack.example. 60 IN TXT "v=DMARC1; p=none"
_dmarc.bank.example. 60 IN TXT "v=DMARC1; p=reject"
"""
CHECK = ["check", "--json", "--config", "/dev/null", "--zone", "zone", "--now", "1767225600", "--ip", "192.0.2.1",
         "--helo", "mail.attack.example", "--mail-from", "x@attack.example", "message"]


class Lab:
    milter = None

    def __init__(self, build, n_hostile, n_honest, seed):
        self.fields = os.path.join(build, "tests/author/fields")
        self.gmime = os.path.join(build, "tests/author/gmime")
        self.command = os.path.abspath(os.path.join(build, "avouch"))
        rng = random.Random(seed)
        self.hostile = [grammar.hostile(rng) for _ in range(n_hostile)]
        self.honest = [grammar.honest(rng) for _ in range(n_honest)]
        self._judged = None

    def judge(self, values):
        """Returns [(state, domains)] as avouch sees them."""
        return [(line.split()[0], line.split()[1:])
                for line in readers.lines_of([self.fields], values)]

    def judged(self):
        if self._judged is None:
            self._judged = self.judge(self.hostile)
        return self._judged


def is_at(domain, address):
    """Whether a person may think that the address belongs to that domain: also
    with bytes that are not shown, with quotes, or with more text after the
    domain."""
    seen = address.lower().rsplit("@", 1)[-1] if "@" in address else ""
    if re.match(r"[^\w-]*%s($|[^\w.-])" % re.escape(domain), seen, re.ASCII):
        return True
    clean = re.sub(r"[^\x21-\x7e]|[\"'`()\\<>\[\]]", "", seen)
    clean = re.sub(r"\.+", ".", clean).strip(".")
    return clean == domain or clean.endswith("." + domain)


def is_below(domain, ancestor):
    return domain == ancestor or domain.endswith("." + ancestor)


def result(state, domains):
    """The result of DMARC with ZONE (RFC 9989 section 11.5)."""
    if state == "invalid":
        return "permerror"
    if any(is_below(d.lstrip("+"), "bank.example") for d in domains):
        return "fail"
    certain = [d for d in domains if not d.startswith("+")]
    return "pass" if all(is_below(d, "attack.example") for d in certain) else "none"


def no_forgery(name):
    def test(lab):
        found = readers.all_readers(lab.gmime)[name](lab.hostile)
        if found is None:
            raise Skip("it is not installed")
        read = [any(is_at("bank.example", a) for a in one) for one in found]
        print("# %d of %d fields have bank.example, %d pass" % (
            sum(read), len(read), sum(result(*j) == "pass" for j in lab.judged())))
        wrong = [(value, one, j) for value, one, j, r in zip(
            lab.hostile, found, lab.judged(), read) if r and result(*j) == "pass"]
        for value, one, j in wrong[:SHOWN]:
            print("# %r: it reads %r, we say %s" % (value, one, j))
        true(not wrong, "%d fields of %d" % (len(wrong), len(read)))
    return test


def has_clean_lines(value):
    """Whether each program sees it as one field."""
    return b"\0" not in value and not re.search(rb"\r(?!\n)|(?<!\r)\n|\n(?![ \t])", value)


def checked(command, home, value):
    with open(os.path.join(home, "message"), "wb") as f:
        f.write(b"From:" + value + b"\r\nSubject: x\r\n\r\nHello.\r\n")
    done = subprocess.run([command, *CHECK], cwd=home, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["dmarc"]


@suite.test("avouch check has the result that follows from these domains")
def command(lab):
    fields = [(v, j) for v, j in zip(lab.hostile, lab.judged())
              if has_clean_lines(v)][:CHECKED]
    with tempfile.TemporaryDirectory() as home:
        with open(os.path.join(home, "zone"), "w", encoding="ascii") as f:
            f.write(ZONE)
        for value, judged in fields:
            same(checked(lab.command, home, value)["result"], result(*judged),
                 "%r: %s" % (value, judged))


for reader in readers.all_readers(""):
    suite.test("hostile fields: " + reader)(no_forgery(reader))


@suite.test("honest fields are not invalid, and show their author")
def honest_fields(lab):
    judged = lab.judge([value for value, _ in lab.honest])
    wrong = [(value, j) for (value, domain), j in zip(lab.honest, judged)
             if j[0] == "invalid" or j[1][0] != domain]
    for value, j in wrong[:SHOWN]:
        print("# %r: %s" % (value, j))
    true(not wrong, "%d fields of %d" % (len(wrong), len(judged)))


def main():
    if len(sys.argv) not in (2, 4, 5):
        sys.exit(__doc__)
    counts = [int(n) for n in sys.argv[2:4]] or [2000, 1000]
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    sys.exit(suite.run(Lab(sys.argv[1], *counts, seed)))


if __name__ == "__main__":
    main()
