#!/usr/bin/env python3
"""make demo: mail through a real Postfix with avouch-milter attached.

usage: demo.py PROGRAM      PROGRAM is avouch-milter

Signs some messages and forges others, sends each through SMTP as its client
would (XCLIENT passes the client's name and address to Postfix), and shows what
Postfix replied and which Authentication-Results the recipient got.  Nothing is
canned: keys are created now, signatures are made by a second implementation,
and DNS data comes from etc/demo.zone. Exit status 0: every message was handled
as expected.
"""

import re
import shutil
import sys
import textwrap
import time

import lab
import postfix
import smtp

BANK = dict(ADDR="192.0.2.10", NAME="mail.bank.example")
SHOP = dict(ADDR="192.0.2.20", NAME="mail.shop.example")
MAILER = dict(ADDR="198.51.100.7", NAME="out.mailer.example")
LIST = dict(ADDR="198.51.100.200", NAME="mx.lists.example")
STRANGER = dict(ADDR="203.0.113.66", NAME="[UNAVAILABLE]",
                REVERSE_NAME="host66.isp.example")

ODD = (b"From:  Alice\r\n\t<alice@bank.example>\r\n"
       b"To:bob@example.net\r\n"
       b"Subject:\t  spaces,   and\r\n  \tfolds in odd\r\n places \r\n"
       b"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
       b"Message-ID:\r\n <odd@bank.example>\r\n"
       b"\r\nEvery space counts:  \r\n .\r\n\r\n\r\n")


class Story:
    """A message, its sender, and the expected result."""

    def __init__(self, title, helo, who, sender, message, code=250,
                 present=(), absent=(), kept=(), enhanced="2.0.0",
                 added=None, **expected):
        self.title = title
        self.helo = helo
        self.who = who
        self.sender = sender
        self.message = message
        self.code = code
        self.enhanced = enhanced
        self.present = present    # strings that our field must contain
        self.absent = absent      # strings that no field may contain
        self.kept = kept          # bytes that the message must still contain
        self.added = added        # name of another field that must be present
        self.expected = expected  # expected results by method
        self.faults = []
        self.results = {}

    def run(self, l, number):
        recipient = "reader%d@example.net" % number
        with l.client(self.helo, **self.who) as c:
            self.reply = c.message(self.sender, recipient, self.message)
        self.got = None
        if self.reply.code == 250:
            self.got = l.sink.take(recipient)
        while len(l.milter.log(event="message")) < number:
            time.sleep(0.01)
        self.log = l.milter.log(event="message")[-1]
        self.judge()

    def want(self, ok, what):
        if not ok:
            self.faults.append(what)

    def judge(self):
        self.want(self.reply.code == self.code and
                  self.reply.text.startswith(self.enhanced),
                  "the reply should be %d %s" % (self.code, self.enhanced))
        if self.code != 250:
            return
        self.want(self.got is not None, "it should have been delivered")
        if self.got is None:
            return
        ours = [f for f in smtp.fields(self.got, "Authentication-Results")
                if f.startswith(lab.HOST)]
        self.want(len(ours) == 1, "one field of ours, not %d" % len(ours))
        self.want(self.got.startswith(b"Authentication-Results: "),
                  "our field should be at the top")
        field = ours[0] if ours else ""
        self.results = lab.results(field)
        for method, result in self.expected.items():
            self.want(self.results.get(method) == result,
                      "%s should be %s" % (method, result))
        for text in self.present:
            self.want(text in field, "our field should contain " + text)
        for text in self.absent:
            self.want(text.encode() not in self.got,
                      "there should be no " + text)
        for text in self.kept:
            self.want(text in self.got, "it should still contain %r" % text)
        if self.added:
            self.want(smtp.fields(self.got, self.added),
                      "there should be a field " + self.added)

    # ---- output ----

    def show(self, number, paint):
        mark = paint("ok", 32) if not self.faults else paint("WRONG", 31)
        print("%s %s  %s" % (paint("%2d" % number, 1),
                             paint(self.title, 1), mark))
        who = "%s, %s" % (self.helo, self.who["ADDR"]
                          if self.who else "127.0.0.1")
        if "LOGIN" in self.who:
            who += ", logged in as " + self.who["LOGIN"]
        self.line("sender", "%s  (%s)" % (self.sender or "<>", who))
        self.line("reply", str(self.reply))
        if self.got:
            head = self.got.partition(b"\r\n\r\n")[0].decode()
            field = re.match(r"(.*\r\n(?:[ \t].*\r\n)*)", head).group(1)
            for i, text in enumerate(field.rstrip().split("\r\n")):
                self.line("header" if i == 0 else "",
                          text.replace("\t", "    "))
            for text in smtp.fields(self.got, "X-Avouch-Quarantine"):
                self.line("", "X-Avouch-Quarantine: " + text)
            if "stripped" in self.log:
                self.line("removed", "%s forged fields that claimed to be ours"
                          % self.log["stripped"])
        for fault in self.faults:
            self.line(paint("wrong", 31), fault)
        print()

    @staticmethod
    def line(label, text):
        lines = textwrap.wrap(text, 100, drop_whitespace=False,
                              subsequent_indent="    ") or [""]
        for i, part in enumerate(lines):
            print("   %-7s %s" % (label if i == 0 else "", part))


def stories(l):
    say = lab.message
    bank, news = "alice@bank.example", "desk@news.example"
    forged = (b"Authentication-Results: mx.example.net; dkim=pass"
              b" header.d=bank.example; dmarc=pass\r\n"
              b"AUTHENTICATION-RESULTS:\r\n\t(a comment)\r\n MX.example.NET"
              b" 1; spf=pass\r\n"
              b"Authentication-Results: other.example; spf=fail\r\n")
    return [
        Story("Signed by its own domain, sent by a mailing company",
              "out.mailer.example", MAILER, "bounce@mailer.example",
              l.sign(say(bank, subject="Your statement"), "bank.example"),
              spf="pass", dkim="pass", dmarc="pass",
              present=["header.d=bank.example", "policy.dmarc=reject"]),
        Story("Not signed, but sent by the domain's own server",
              "mail.bank.example", BANK, bank,
              say(bank, subject="Office hours"),
              spf="pass", dkim="none", dmarc="pass"),
        Story("Forged: the bank's name on a stranger's mail (p=reject)",
              "host66.isp.example", STRANGER, bank,
              say(bank, subject="Please confirm your password"),
              code=550, enhanced="5.7.26"),
        Story("Forged: the shop's name, and the shop asks for quarantine",
              "host66.isp.example", STRANGER, "x@shop.example",
              say("orders@shop.example", subject="Your order"),
              spf="fail", dkim="none", dmarc="fail",
              added="X-Avouch-Quarantine",
              present=["policy.dmarc=quarantine"]),
        Story("Forged: a newspaper that only monitors (p=none)",
              "host66.isp.example", STRANGER, news,
              say(news, subject="Headlines"),
              spf="softfail", dkim="none", dmarc="fail",
              absent=["X-Avouch-Quarantine"],
              present=["policy.dmarc=none"]),
        Story("Changed on its way: the body no longer matches its hash",
              "out.mailer.example", MAILER, "bounce@mailer.example",
              l.sign(say(news, subject="Headlines", body=b"True.\r\n"),
                     "news.example").replace(b"True.", b"False."),
              spf="pass", dkim="fail", dmarc="fail"),
        Story("Signed with Ed25519",
              "mail.shop.example", SHOP, "orders@shop.example",
              l.sign(say("orders@shop.example", subject="Your order"),
                     "shop.example"),
              spf="pass", dkim="pass", dmarc="pass",
              present=["header.a=ed25519-sha256"]),
        Story("Contains Authentication-Results that claim to be ours",
              "host66.isp.example", STRANGER, news,
              forged + say(news, subject="Trust me"),
              spf="softfail", dkim="none", dmarc="fail",
              absent=["dkim=pass", "MX.example.NET"],
              kept=[b"Authentication-Results: other.example; spf=fail"]),
        Story("From one of our own users, who logged in",
              "laptop.example", dict(STRANGER, LOGIN="bob"),
              "bob@example.net", say("bob@example.net", subject="Holidays"),
              auth="pass", absent=["spf=", "dmarc=", "smtp.auth"]),
        Story("From this host itself (loopback)",
              "localhost", {}, "root@bank.example",
              say("root@bank.example", subject="Cron"),
              absent=["spf=", "dmarc="]),
        Story("Odd spaces and folds under a simple/simple signature",
              "out.mailer.example", MAILER, "bounce@mailer.example",
              l.sign(ODD, "bank.example", canon="simple/simple"),
              spf="pass", dkim="pass", dmarc="pass"),
        Story("Through a mailing list: not rejected despite p=reject",
              "mx.lists.example", LIST, "talk-bounces@lists.example",
              l.sign(say(bank, subject="[talk] Hello", body=b"Hello.\r\n",
                         more=b"List-Id: Talk <talk.lists.example>\r\n"),
                     "bank.example").replace(b"Hello.\r\n",
                                             b"Hello.\r\n-- \r\ntalk\r\n"),
              spf="pass", dkim="fail", dmarc="fail",
              added="X-Avouch-Quarantine"),
    ]


def summary(results, paint):
    width = max(len(s.title) for s in results)
    rule = "   " + "-" * (width + 46)
    print("    #  %-*s  %-10s %-9s %-6s %-6s" % (
        width, "message", "reply", "spf", "dkim", "dmarc"))
    print(rule)
    for i, s in enumerate(results, 1):
        got = [s.log.get(m, "own user" if m == "spf" else "").partition(":")[0]
               for m in ("spf", "dkim", "dmarc")]
        print("   %2d  %-*s  %-10s %-9s %-6s %-6s %s" % (
            i, width, s.title, "%d %s" % (
                s.reply.code, s.reply.text.split(" ")[0]), *got,
            paint("ok", 32) if not s.faults else paint("WRONG", 31)))
    print(rule)


def main():
    if len(sys.argv) != 2:
        lab.not_here(__doc__.strip().split("\n\n")[1])
    colour = sys.stdout.isatty()

    def paint(text, code):
        return "\033[%dm%s\033[0m" % (code, text) if colour else text

    postfix.check()
    if not shutil.which("openssl"):
        lab.not_here("openssl is not installed; make deps installs it")
    with lab.Lab(sys.argv[1]) as l:
        for domain, kind in (("bank.example", "rsa"), ("news.example", "rsa"),
                             ("shop.example", "ed25519")):
            l.add_key(domain, kind)
        l.start_milter()
        l.start_postfix()
        results = stories(l)
        print("avouch-milter at %s, Postfix at 127.0.0.1:%d, DNS from "
              "etc/demo.zone\n" % (l.socket, l.smtp_port))
        for i, story in enumerate(results, 1):
            story.run(l, i)
            story.show(i, paint)
        summary(results, paint)
        wrong = sum(1 for s in results if s.faults)
        if wrong:
            print("%d of %d messages were not handled as expected; the log:"
                  % (wrong, len(results)))
            print("\n".join(l.milter.lines))
            print(l.postfix.tail())
        else:
            print("   all %d messages were handled as expected" % len(results))
        sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except postfix.CannotRun as e:
        lab.not_here("cannot run the demonstration here: %s" % e)
    except KeyboardInterrupt:
        lab.not_here("\nstopped, and cleaned up")
