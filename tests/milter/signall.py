#!/usr/bin/env python3
"""Every kind of signed mail on every path, verified after delivery by four
verifiers: OpenDKIM as the receiver's milter, dkimpy, Mail::DKIM, and avouch.

usage: signall.py PROGRAM [MESSAGES [SHAPES|all]]

The default is a short form; "all" sends every shape on every path.
"""

import json
import os
import re
import subprocess
import sys

import postfix
import receivers
import shapes
import signlab
import smtp
from suite import Suite, same, true

suite = Suite()

RECEIVER = """\
127.0.0.1:{receiver} inet n - n - - smtpd
  -o myhostname=far.example
  -o smtpd_milters=inet:127.0.0.1:{opendkim}
  -o content_filter=lmtp:inet:127.0.0.1:{sink}
"""


class Outgoing(signlab.SignLab):
    """A lab in which mail for far.example goes by SMTP to a receiver with
    OpenDKIM."""

    def start(self):
        self.opendkim = receivers.OpenDkim(self.home, self.zone, "far.example")
        self.callback(self.opendkim.close)
        receiver = smtp.free_port()
        return super().start("guard = off", services=RECEIVER.format(
            receiver=receiver, opendkim=self.opendkim.port,
            sink=self.sink.port), transports=(
                "far.example", "smtp:[127.0.0.1]:%d" % receiver))


# ---- the paths; each function sends a message and returns its recipient ----

numbers = iter(range(1, 10**9))


def far():
    return "far%d@far.example" % next(numbers)


def submission(l, text):
    reply, to = l.submit(text, to=far())
    same(reply.code, 250, str(reply))
    return to


def filtered(l, text):
    reply, to = l.submit(text, to=far(), port="filtered")
    same(reply.code, 250, str(reply))
    return to


def sendmail(l, text):
    return l.pipe(text.replace(b"\r\n", b"\n"), to=far())


def smtputf8(l, text):
    field = "X-Greeting: Gr\u00fc\u00dfe\r\n".encode()
    reply, to = l.submit(field + text, sender="jos\u00e9@example.com", to=far())
    same(reply.code, 250, str(reply))
    return to


def bounce(l, text):
    to = far()
    l.pipe(text.replace(b"\r\n", b"\n"), sender=to, to="x@nowhere.example")
    return to


WAYS = {"submission": submission, "content filter": filtered,
        "sendmail(1)": sendmail, "SMTPUTF8": smtputf8, "bounce": bounce}


# ---- the verifiers ----

def opendkim_results(message):
    """Returns [(result, d, s)] of the receiver's Authentication-Results."""
    found = []
    for field in smtp.fields(message, "Authentication-Results"):
        for part in field.split(";"):
            word = re.match(r"\s*dkim=(\w+)", part)
            if word and "far.example" in field:
                found.append(word.group(1))
    return found


def avouch_results(l, path):
    command = os.path.dirname(l.program) + "/avouch"
    r = subprocess.run([command, "dkim", "--zone", l.zone, "--json", path],
                       capture_output=True)
    return [s["result"] for s in json.loads(r.stdout)["signatures"]]


def check(l, title, got, by):
    """Checks that all verifiers pass all our signatures."""
    own = signlab.own_signatures(got)
    want = [("example.net", "m1")] if "bounce" in title else [
        ("example.com", "r1"), ("example.com", "e1")]
    same(own, want, title + ": signatures")
    passes = ["pass"] * len(want)
    same(opendkim_results(got), passes, title + ": OpenDKIM")
    same(by["avouch"], passes, title + ": avouch")
    same(by["dkimpy"], passes, title + ": dkimpy")
    same(by["Mail::DKIM"][:1], ["pass"], title + ": Mail::DKIM")


def send_all(l, way, messages):
    """Returns [(title, recipient)]."""
    return [("%s, %s" % (way, title), WAYS[way](l, text))
            for title, text in messages]


def take_all(l, sent):
    """Returns [(title, path, message)]."""
    taken = []
    for i, (title, to) in enumerate(sent):
        got = l.sink.take(to)
        true(got is not None, title + ": not delivered\n" + l.postfix.tail())
        path = "%s/message%d" % (l.home, i)
        with open(path, "wb") as f:
            f.write(got)
        taken.append((title, path, got))
    return taken


def verified(l, taken):
    paths = [path for _, path, _ in taken]
    dkimpy = receivers.dkimpy(l.zone, paths)
    perl = receivers.mail_dkim(l.zone, paths)
    failed = []
    for title, path, got in taken:
        by = {"avouch": avouch_results(l, path), "dkimpy": dkimpy[path],
              "Mail::DKIM": perl[path]}
        try:
            check(l, title, got, by)
        except AssertionError as e:
            failed.append(str(e))
    same(failed, [], "%d of %d failed" % (len(failed), len(taken)))


ROUND = 100  # number of messages in transit at a time


def through(l, messages):
    ways = list(WAYS)
    messages = list(messages)
    for at in range(0, len(messages), ROUND):
        sent = []
        for i, one in enumerate(messages[at:at + ROUND]):
            sent += send_all(l, ways[i % len(ways)], [one])
        verified(l, take_all(l, sent))
    print("# %d messages" % len(messages))


@suite.test("ordinary mail on five paths passes four verifiers")
def _(l):
    through(l, shapes.ordinary(l.n_messages))


@suite.test("odd shapes on five paths pass four verifiers")
def _(l):
    chosen = list(shapes.odd())
    if l.n_shapes is None:
        chosen = [one for one in chosen for _ in WAYS]
    else:
        chosen = chosen[::max(1, len(chosen) // l.n_shapes)]
    through(l, chosen)


def main():
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all(e)
    for name, here in (("opendkim", receivers.has_opendkim),
                       ("python3-dkim", receivers.has_dkimpy),
                       ("libmail-dkim-perl", receivers.has_mail_dkim)):
        if not here():
            return suite.skip_all("%s is not installed; make deps" % name)
    with Outgoing(sys.argv[1]) as l:
        l.n_messages = int(sys.argv[2]) if len(sys.argv) > 2 else 30
        shapes_wanted = sys.argv[3] if len(sys.argv) > 3 else "35"
        l.n_shapes = None if shapes_wanted == "all" else int(shapes_wanted)
        return suite.run(l.start())


if __name__ == "__main__":
    sys.exit(main())
