#!/usr/bin/env python3
"""Resolvers that do not work: what the log, the metrics and `avouch status`
report, also when the resolvers work again.

usage: resolvers.py PROGRAM [PART-OF-A-NAME]

PROGRAM is avouch-milter; avouch is in the same directory.
"""

import os
import pty
import re
import subprocess
import sys

import lab
import operate
import smtp
import wrongdns
from suite import Suite, holds, lacks, same, true, until

suite = Suite()

RED = "\x1b[1;31m"


def only_udp(dns):
    """Answers are truncated, and the TCP port is closed."""
    dns.close_tcp()
    dns.behave = wrongdns.only_tcp(wrongdns.truth)


def behaving(behaviour):
    def change(dns):
        dns.behave = behaviour
    return change


# state, how WrongDns is changed, number of messages needed, text of status
TROUBLES = (
    ("refused", wrongdns.WrongDns.close, 1, "no name server listens there"),
    ("timeout", behaving(wrongdns.silent), 1, "does not answer"),
    ("rcode_refused", behaving(wrongdns.code(wrongdns.REFUSED)), 3,
     "must allow recursion for this host"),
    ("errors", behaving(wrongdns.code(wrongdns.SERVFAIL)), 20,
     "answers only with errors"),
    ("tcp", only_udp, 1, "cannot be reached over TCP"),
)


def started(l, *servers):
    names = ", ".join('"%s"' % server for server in servers)
    return operate.Started(l, "timeout = 2s\n", (
        ('nameservers = "zone:%s"\n' % l.zone,
         "nameservers = { %s }\n" % names),))


def send(s, times, name="mail"):
    for i in range(times):
        s.send(lab.message("x@%s%d.example" % (name, i)))


def status_on_terminal(s):
    """Returns the output of `avouch status` on a terminal."""
    ours, theirs = pty.openpty()
    program = os.path.dirname(s.l.program) + "/avouch"
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    with subprocess.Popen([program, "status", "--config", s.d.path],
                          stdout=theirs, env=environment) as p:
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the command has ended
                break
            text += part
        same(p.wait(), 0, "status")
    os.close(ours)
    return text.decode()


def check_trouble(s, resolver, state, words, others=0):
    line = s.d.wait_log(event="resolver", level="warning", state=state)
    same((line["resolver"], line["others"]), (resolver, str(others)), "line")
    holds(line["text"], words)
    same("; mail cannot be checked" in line["text"],
         others == 0 and state != "tcp", line)
    same(len(s.d.log(event="resolver", state=state)), 1, "one line")
    page = s.page()
    true(page.one("resolver_failures_total", resolver=resolver, reason=state)
         > 0, "failures")
    true(page.one("resolver_failing_seconds", resolver=resolver, reason=state)
         > 0, "failing")
    text = until(lambda: s.status().stdout, "status")
    true(re.search(r"^resolver +%s has been FAILING for \d+ s: .*%s" % (
        re.escape(resolver), words), text, re.M), text)
    lacks(text, "\x1b")
    shown = status_on_terminal(s)
    true(re.search(re.escape(RED) + "resolver +" + re.escape(resolver), shown),
         shown)


for trouble in TROUBLES:
    @suite.test("%s: a warning, a metric, a red line" % trouble[0])
    def _(l, trouble=trouble):
        state, change, times, words = trouble
        dns = wrongdns.WrongDns("bank.example", "", smtp.free_port())
        change(dns)
        resolver = "127.0.0.1@%d" % dns.port
        with started(l, resolver) as s:
            send(s, times)
            check_trouble(s, resolver, state, words)
        dns.close()


@suite.test("unreachable: this host has no route to the resolver")
def _(l):
    with started(l, "255.255.255.255") as s:
        send(s, 1)
        check_trouble(s, "255.255.255.255@53", "unreachable", "has no route to it")


@suite.test("a stopped resolver: no waiting, one line, and one when it is back")
def _(l):
    port = smtp.free_port()
    with started(l, "127.0.0.1@%d" % port) as s:
        for i in range(10):
            s.send(lab.message("x@m%d.example" % i))
        for line in s.d.wait_logs(10, event="message"):
            same(line["waves"], "1", "round trips")
        same(s.page().one("dns_repetitions_total"), 0, "repetitions")
        text = "\n".join(s.d.lines)
        for wrong in ("resource for", "garbled", "timeout for"):
            lacks(text, wrong)
        same(len(s.d.log(event="resolver")), 1, "lines")
        true(s.page().one("dns_failures_total", cause="unreachable") > 10,
             "questions")
        dns = wrongdns.WrongDns("bank.example", "", port)
        send(s, 1, "back")
        line = s.d.wait_log(event="resolver", level="info", state="works")
        same(line["text"], "answers again", "line")
        same(s.page().one("resolver_failing_seconds", reason="refused",
                          resolver="127.0.0.1@%d" % port), 0, "metric")
        holds(s.status().stdout, "127.0.0.1@%d works" % port)
        lacks(status_on_terminal(s), RED)
        dns.close()


@suite.test("one of two, listed twice: the other is used, samples are unique")
def _(l):
    dns = wrongdns.WrongDns("bank.example", "")
    one, two = ("127.0.0.1@%d" % port for port in (smtp.free_port(), dns.port))
    with started(l, one, two, two) as s:
        send(s, 3)
        check_trouble(s, one, "refused", "no name server listens there", 2)
        same(s.page().one("resolver_failing_seconds", resolver=two,
                          reason="refused"), 0, "the other")
        holds(s.status().stdout, two + " works")
    dns.close()


def main():
    with lab.Lab(sys.argv[1]) as l:
        l.start_milter()
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
