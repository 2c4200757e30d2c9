#!/usr/bin/env python3
"""trusted_mtas, with real Postfix instances: mail that comes back from a
content filter, and an outer MX that passes mail on to an inner one.

usage: trusted.py PROGRAM [PART-OF-A-NAME]
"""

import re
import sys

import daemon
import lab
import postfix
import smtp
from contentfilter import Filter
from demo import STRANGER
from mailing import reader, settings
from suite import Suite, holds, lacks, same, true, until

suite = Suite()

OURS = "Authentication-Results"
MARK = "X-Avouch-Quarantine"
SHOP = "x@shop.example"  # p=quarantine: the mark is added if DMARC fails
CLAIM = (b"Authentication-Results: mx.example.net; dmarc=pass (claimed)\r\n"
         b"X-Avouch-Quarantine: claimed\r\n")


def trusted(*entries):
    return "trusted_mtas = { %s }\n" % ", ".join('"%s"' % e for e in entries)


def send(l, message, who=STRANGER, sender=SHOP, port=None, command=None):
    """Returns the delivered message.  `who` is passed with XCLIENT, unless
    {}."""
    to = reader()
    with smtp.Client(port or l.smtp_port) as c:
        c.become("host66.isp.example", **who)
        if command:
            c.need(command, 250)
        reply = c.message(sender, to, message)
    same(reply.code, 250, str(reply))
    got = l.sink.take(to)
    true(got is not None, "not delivered")
    return got


def fields(message):
    """Returns (our fields, marks)."""
    return ([f for f in smtp.fields(message, OURS) if lab.HOST in f],
            smtp.fields(message, MARK))


def passes(d, got, n):
    """Waits for `n` log lines of a delivered message and returns them: one for
    each pass through `d`, by the queue IDs in Received."""
    ids = re.findall(r"\bid (\w+)", " ".join(smtp.fields(got, "Received")))

    def lines():
        return [line for line in d.log(event="message")
                if line["queue_id"] in ids]
    until(lambda: len(lines()) >= n, "%d lines of %s" % (n, ids))
    return lines()


def judged_once(got):
    ours, marks = fields(got)
    same(len(ours), 1, "fields of ours")
    holds(ours[0], "dmarc=fail")
    lacks(ours[0], "claimed")
    same(marks, ["dmarc.on_quarantine"], "marks")


def lost(got):
    """Checks that the message was not checked at the last pass, and that its
    earlier results were removed."""
    ours, marks = fields(got)
    same((len(ours), marks), (1, []), "fields")
    holds(ours[0], "not checked: skip.network")
    lacks(ours[0], "dmarc")


@suite.test("not listed: a content filter loses the results, with a warning")
def _(l):
    got = send(l, CLAIM + lab.message(SHOP))
    lost(got)
    same(smtp.fields(got, "X-Filtered"), ["yes"], "it was filtered")
    line = l.milter.wait_log(60, event="warning", cause="trusted_mtas")
    same(line["level"], "warning", "level")
    for part in ("127.0.0.1@%d" % l.back, "skip.network",
                 "receive_override_options=no_milters"):
        holds(line["text"], part)
    # logged only once a minute
    passes(l.milter, send(l, lab.message(SHOP)), 2)
    same(len(l.milter.log(event="warning", cause="trusted_mtas")), 1,
         "warnings")


@suite.test("listed by port: results and mark stay, the log shows the reason")
def _(l):
    with settings(l, trusted("127.0.0.1@%d" % l.back)):
        got = send(l, CLAIM + lab.message(SHOP))
        judged_once(got)
        true(got.index(b"X-Filtered") < got.index(OURS.encode()),
             "something was added at the top")
        first, second = passes(l.milter, got, 2)
        same((first["rule"], first["stripped"]),
             ("dmarc.on_quarantine", "2"), "first")
        same((second["rule"], second["kept"], second["client"]),
             ("skip.trusted_mta", "2", "127.0.0.1"), "second")
        true("dmarc" not in second, "it was checked again")


@suite.test("listed by port: a local client of port 25 is not trusted")
def _(l):
    with settings(l, trusted("127.0.0.1@%d" % l.back)):
        # the client is in skip_networks, so the message is not checked
        lost(send(l, CLAIM + lab.message(SHOP), who={}))
        # nor is a message checked that was submitted without SMTP
        to = reader()
        l.postfix.submit(SHOP, to, (CLAIM + lab.message(SHOP)).replace(
            b"\r\n", b"\n"))
        lost(l.sink.take(to))


@suite.test("a stranger does not become a trusted MTA by XCLIENT or XFORWARD")
def _(l):
    with settings(l, trusted("127.0.0.1@%d" % l.back)):
        for command in ("XFORWARD ADDR=127.0.0.1 PORT=%d" % l.back,
                        "XCLIENT ADDR=127.0.0.1 DESTADDR=127.0.0.1 "
                        "DESTPORT=%d" % l.back):
            c = smtp.Client(l.strangers)
            c.become("host66.isp.example")
            true(c.command(command).code >= 500, command)
            c.quit()
        # a client that may use XCLIENT can also set the client's address
        judged_once(send(l, CLAIM + lab.message(SHOP),
                         command="XFORWARD ADDR=127.0.0.1 PORT=%d" % l.back))


@suite.test("XFORWARD on the way back changes nothing, XCLIENT causes a check")
def _(l):
    with settings(l, trusted("127.0.0.1@%d" % l.back)):
        l.filter.server.command = "XFORWARD ADDR=203.0.113.66 NAME=x.example"
        got = send(l, lab.message(SHOP))
        judged_once(got)
        same(passes(l.milter, got, 2)[1]["rule"], "skip.trusted_mta",
             "XFORWARD")
        l.filter.server.command = "XCLIENT ADDR=203.0.113.66 NAME=x.example"
        got = send(l, lab.message(SHOP))
        judged_once(got)
        line = passes(l.milter, got, 2)[1]
        same((line["rule"], line["client"], line["stripped"]),
             ("dmarc.on_quarantine", "203.0.113.66", "2"), "XCLIENT")
        l.filter.server.command = None


@suite.test("mail from a trusted MTA without our field gets none")
def _(l):
    with settings(l, trusted("127.0.0.1@%d" % l.back)):
        got = send(l, lab.message(SHOP), port=l.unchecked)
        same(fields(got), ([], []), "fields")
        line = passes(l.milter, got, 1)[0]
        same((line["rule"], line["kept"]), ("skip.trusted_mta", "0"), "log")


@suite.test("several of our fields from a trusted MTA all stay")
def _(l):
    with settings(l, trusted("127.0.0.1@%d" % l.back)):
        more = b"".join(b"Authentication-Results: mx.example.net; x-spam=%d"
                        b"\r\n" % i for i in range(600))
        l.postfix.set(header_size_limit="1000000")
        got = send(l, more + lab.message(SHOP), who={}, port=l.back)
        same(len(fields(got)[0]), 600, "fields")
        same(passes(l.milter, got, 1)[0]["kept"], "600", "log")


@suite.test("no_milters: the milter sees mail once")
def _(l):
    l.filter.server.back = l.back_unseen
    got = send(l, CLAIM + lab.message(SHOP))
    judged_once(got)
    l.filter.server.back = l.back
    same(len(passes(l.milter, got, 1)), 1, "messages")


@suite.test("smtpd_proxy_filter: nothing is checked before the proxy")
def _(l):
    got = send(l, CLAIM + lab.message(SHOP), port=l.proxied)
    lost(got)
    line, = passes(l.milter, got, 1)
    same((line["rule"], line["client"]), ("skip.network", "127.0.0.1"), "log")


@suite.test("two tiers with one authserv_id, an avouch-milter each")
def _(l):
    inner_home = l.home + "/inner"
    inner_port, where = smtp.free_port(), smtp.free_port()
    inner = postfix.Postfix(inner_home, inner_port, l.sink.port,
                            "inet:127.0.0.1:%d" % where, "mx2.example.net")
    l.callback(inner.stop)
    text = l.settings(socket="inet:%d@127.0.0.1" % where)
    d = daemon.Daemon(l.program, l.home, text, name="inner")
    l.callback(d.stop)
    l.postfix.set(smtp_bind_address="127.0.0.2",
                  virtual_transport="smtp:[127.0.0.1]:%d" % inner_port)
    try:
        lost(send(l, CLAIM + lab.message(SHOP), port=l.unfiltered))
        holds(d.wait_log(event="warning")["text"], "127.0.0.2@%d" % inner_port)
        for entry in ("127.0.0.2", "127.0.0.2@%d" % inner_port):
            d.reload(text + trusted(entry))
            got = send(l, CLAIM + lab.message(SHOP), port=l.unfiltered)
            judged_once(got)
            same(passes(d, got, 1)[0]["rule"], "skip.trusted_mta", "inner")
        # mail from other clients of the inner MX is checked
        got = send(l, CLAIM + lab.message(SHOP), port=inner_port)
        judged_once(got)
        same(passes(d, got, 1)[0]["client"], STRANGER["ADDR"], "inner")
    finally:
        l.postfix.set(smtp_bind_address="", virtual_transport=
                      "lmtp:inet:127.0.0.1:%d" % l.sink.port)


SERVICES = """\
127.0.0.1:{strangers} inet n - n - - smtpd
  -o smtpd_authorized_xclient_hosts= -o smtpd_authorized_xforward_hosts=
127.0.0.1:{unchecked} inet n - n - - smtpd
  -o smtpd_milters=
127.0.0.1:{proxied} inet n - n - - smtpd
  -o content_filter= -o smtpd_proxy_filter=127.0.0.1:{filter_port}
127.0.0.1:{unfiltered} inet n - n - - smtpd
  -o content_filter=
127.0.0.1:{back} inet n - n - - smtpd
  -o content_filter=
127.0.0.1:{back_unseen} inet n - n - - smtpd
  -o content_filter= -o receive_override_options=no_milters
"""


def main():
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all("skipped: %s" % e)
    with lab.Lab(sys.argv[1]) as l:
        l.start_milter()
        l.strangers, l.unchecked, l.unfiltered, l.back, l.back_unseen = (
            smtp.free_port() for _ in range(5))
        l.proxied = smtp.free_port()
        l.filter = Filter(l.back)
        l.filter_port = l.filter.port
        l.callback(l.filter.close)
        l.start_postfix(
            services=SERVICES.format(**vars(l)),
            smtpd_authorized_xforward_hosts="127.0.0.1",
            content_filter="smtp:[127.0.0.1]:%d" % l.filter.port)
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
