#!/usr/bin/env python3
"""avouch-milter under valgrind: a thousand messages without an error or a
leak.

usage: valgrind.py PROGRAM [MESSAGES]
"""

import os
import shutil
import sys
import threading

import lab
import miltproto
from proto import http
from suite import Suite, same, true

suite = Suite()
THREADS = 4
PER_CONNECTION = 10

OPTIONS = ["--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
           "--errors-for-leak-kinds=definite,indirect,possible",
           "--error-exitcode=99", "--num-callers=25", "--fair-sched=yes"]


def kinds(l):
    """Returns all kinds of messages: (message, expected reply)."""
    bank, plain = "alice@bank.example", "x@plain.example"
    forged = b"Authentication-Results: mx.example.net; dmarc=pass\r\n"
    body = b"line after line\r\n" * 20000
    return [
        (l.sign(lab.message(bank), "bank.example"), "c"),
        (l.sign(lab.message("x@shop.example"), "shop.example"), "c"),
        (lab.message(bank), "y"),
        (forged * 3 + lab.message(plain), "c"),
        (lab.message("x@shop.example"), "c"),
        (lab.message("x@broken.example"), "c"),
        (b"Subject: no author\r\n\r\nx\r\n", "y"),  # RFC 9989 section 11.5
        (l.sign(l.sign(lab.message(bank, body=body), "bank.example",
                       canon="simple/simple"), "news.example"), "c"),
        (l.sign(lab.message("x@news.example"), "news.example").replace(
            b"Hello.", b"Hollo."), "c"),
    ]


def work(l, first, count, faults):
    sorts = kinds(l) if not hasattr(l, "sorts") else l.sorts
    m = None
    try:
        for i in range(first, first + count):
            if m is None:
                m = miltproto.Milter(l.where)
                m.connect("192.0.2.%d" % (1 + i % 250))
                m.helo("mail%d.example.org" % i)
            message, wanted = sorts[i % len(sorts)]
            if i % 7 == 0:  # an incomplete message
                m.mail("gone@mailer.example")
                m.rcpt()
                m.header("From", b" x@broken.example")
                m.headers_end()
                m.abort()
            same(m.message(message, "m%d@mailer.example" % i).reply, wanted,
                 "message %d" % i)
            if i % PER_CONNECTION == PER_CONNECTION - 1:
                if i % 3 == 0:
                    m.close()
                else:
                    m.quit()
                m = None
        if m is not None:
            m.quit()
    except Exception as e:
        faults.append(e)


@suite.test("valgrind: no error, no leak")
def _(l):
    per_thread = l.count // THREADS
    faults = []
    l.sorts = kinds(l)
    threads = [threading.Thread(target=work,
                                args=(l, n * per_thread, per_thread, faults))
               for n in range(THREADS)]
    for t in threads:
        t.start()
    l.milter.reload()
    for _ in range(3):
        same(http(l.home + "/metrics.sock")[0], 200, "metrics")
    for t in threads:
        t.join()
    same(faults, [], "faults")
    status = l.milter.stop(120)
    report = "\n".join(line for line in l.milter.lines
                       if line.startswith("=="))
    print(report)
    same(status, 0, "status")
    true("ERROR SUMMARY: 0 errors" in report, "errors")
    same(len(l.milter.log(event="message")), THREADS * per_thread, "messages")


def main():
    if not shutil.which("valgrind"):
        return suite.skip_all("skipped: valgrind is not installed")
    here = os.path.dirname(os.path.abspath(__file__))
    with lab.Lab(sys.argv[1]) as l:
        l.count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
        for domain, kind in (("bank.example", "rsa"), ("news.example", "rsa"),
                             ("shop.example", "ed25519")):
            l.add_key(domain, kind)
        more = ('report { store = "%s/store.db" }\n'
                'metrics { listen = "unix:%s/metrics.sock" }\n' % (
                    l.home, l.home))
        l.start_milter(more, wrapper=(
            "valgrind", *OPTIONS, "--suppressions=%s/valgrind.supp" % here))
        return suite.run(l)


if __name__ == "__main__":
    sys.exit(main())
