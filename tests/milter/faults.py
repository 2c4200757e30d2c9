#!/usr/bin/env python3
"""Failures around avouch-milter, over the milter protocol: DNS, the clock,
descriptors, the configuration, shutdown.  Whatever fails, no forged message
passes, no good message is permanently rejected, and the daemon keeps working.

usage: faults.py PROGRAM [PART-OF-A-NAME]    make faults: one failure at a time
"""

import os
import re
import signal
import sqlite3
import struct
import sys
import threading
import time

import lab
import miltproto
import operate
import signing
import smtp
import wrongdns
from proto import OURS
from suite import Suite, holds, needs_plain_memory, same, true, until

suite = Suite()

DOMAIN = "faults.example"
CLAIM = b"Authentication-Results: mx.example.net; spf=pass; dmarc=pass\r\n"
# On a slow host, lack of resources must not hide the DNS errors.
MILD = "on_overload = accept\n"
STRICT = "spf { on_temperror = tempfail }\ndmarc { on_temperror = tempfail }\n"
QUICK = "timeout = 1s\n"    # for servers that do not answer
PATIENT = "timeout = 60s\n"  # for those that do, even on a slow host


class Faulty(operate.Started):
    """A daemon that uses the name server `dns`."""

    def __init__(self, l, more="", name="faulty", port=None, timeout=QUICK,
                 **options):
        port = port or l.dns.port
        self.more = timeout + more
        super().__init__(
            l, self.more, name=name, replaced=operate.dns_settings(
                l, port), **options)

    def session(self, address="203.0.113.66"):
        m = miltproto.Milter(self.port)
        if m.connect(address) is not None:
            raise ConnectionError("deferred")
        m.helo("host66.isp.example")
        return m


def forged(domain):
    return CLAIM * 2 + lab.message("ceo@" + domain)


def good(l, domain, tags=""):
    return CLAIM + signing.sign(lab.message("a@" + domain), l.key, domain,
                                "demo", tags=tags)


def passes(changes, claims):
    """Returns the value of our field, or the code if the message was rejected.
    Checks that forged fields were removed."""
    if changes.reply in "yt":
        return changes.text[:3] or "451"
    same(changes.reply, "c", "reply")
    same([r for r in changes.removed if r[0] == OURS],
         [(OURS, n) for n in range(claims, 0, -1)], "removed")
    found = [v for _, n, v in changes.inserted if n == OURS]
    same(len(found), 1, "fields of ours")
    return lab.results(found[0])


def no_pass(s, domain):
    """Sends a forged message: the reply must be "550", "451", or results
    without a pass."""
    r = passes(s.send(forged(domain), sender="x@" + domain), 2)
    if isinstance(r, str):
        return r
    for method in ("spf", "dkim", "dmarc", "arc"):
        true(r.get(method) != "pass", "%s: %s" % (domain, r))
    return r["dmarc"]


def no_loss(s, l, domain, **how):
    r = passes(s.send(good(l, domain), sender="x@" + domain, **how), 1)
    true(r == "451" or isinstance(r, dict), "%s: %s" % (domain, r))
    return r if r == "451" else r["dmarc"]


def recovers(s, l, name, seconds=180):
    """Checks that once DNS works, the verdict is soon correct."""
    l.dns.behave = wrongdns.truth
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        domain = "%s%d.%s" % (name, (time.monotonic() - began) * 10, DOMAIN)
        try:
            seen = no_pass(s, domain), no_loss(s, l, domain)
        except ConnectionError as e:
            seen = e
        if seen == ("550", "pass"):
            return time.monotonic() - began
        time.sleep(0.2)
    raise AssertionError("not even after %d s: %s" % (seconds, seen))


def together(jobs):
    """Runs the jobs concurrently and returns the results in the same order."""
    out = [None] * len(jobs)

    def work(i):
        try:
            out[i] = jobs[i]()
        except Exception as e:  # reported below
            out[i] = e

    threads = [threading.Thread(target=work, args=(i,))
               for i in range(len(jobs))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for o in out:
        if isinstance(o, Exception):
            raise o
    return out


# ---- DNS ----

def by_domain(kinds):
    """Returns a behavior: questions about dN.faults.example fail in the Nth
    way."""
    def behave(server, q, tcp):
        number = re.search(r"(?:^|\.)d(\d+)\." + re.escape(DOMAIN), q.name)
        how = kinds[int(number.group(1))] if number else wrongdns.truth
        return how(server, q, tcp)
    return behave


def dns_batch(l, names, strict, mild, table):
    l.dns.behave = by_domain([table[n] for n in names])
    domains = ["d%d.%s" % (i, DOMAIN) for i in range(len(names))]
    seen = together(
        [lambda d=d: no_pass(strict, d) for d in domains] +
        [lambda d=d: no_pass(mild, d) for d in domains] +
        [lambda d=d: no_loss(mild, l, d) for d in domains])
    n = len(names)
    for i, name in enumerate(names):
        print("%s: %s, %s, %s" % (name, *seen[i::n]))
    return seen


@suite.test("DNS that fails: no pass, no permanent rejection, immediate "
            "recovery")
def _(l):
    names = list(wrongdns.FAILURES)
    batches = [[n] for n in names] if l.alone else [names]
    with Faulty(l, STRICT, name="strict") as strict, \
            Faulty(l, MILD, name="mild") as mild:
        for b in batches:
            seen = dns_batch(l, b, strict, mild, wrongdns.FAILURES)
            for s in (strict, mild):
                print("recovered after %.1f s" % recovers(s, l, "r"))
            # so that the names of the next batch are not cached
            for s in (strict, mild):
                s.reload(s.more + "cache { size = %dM }\n" %
                         (17 + batches.index(b)))
            if not l.alone:
                true(seen.count("451") > 3, "tempfails: %s" % seen)
                true(seen.count("temperror") > 10, "temperrors: %s" % seen)


@suite.test("forged DNS answers before the correct one are ignored")
def _(l):
    names = list(wrongdns.LIES)
    with Faulty(l, STRICT, name="strict", timeout=PATIENT) as strict:
        l.dns.behave = by_domain([wrongdns.LIES[n] for n in names])
        domains = ["d%d.%s" % (i, DOMAIN) for i in range(len(names))]
        seen = together([lambda d=d: no_pass(strict, d) for d in domains])
        print(list(zip(names, seen)))
        same(set(seen) - {"550", "451"}, set(), "replies")
        true(seen.count("550") >= 2, "the correct answer was used: %s" % seen)
        # the last ones may arrive after the answer
        for name, least in (("strays", 17), ("wrong_ids", 16),  # WRONG_IDS_MAX
                            ("suspect_ports", 1)):
            until(lambda n=name, least=least: strict.page().one(
                "dns_%s_total" % n) >= least, name)
        holds(strict.d.wait_log(event="warning", cause="dns_forged")["text"],
              "wrong ids")


@suite.test("answers about other names in a DNS reply are ignored")
def _(l):
    def poison(server, q, tcp):
        records = [wrongdns.record(wrongdns.wire(n), wrongdns.TXT,
                                   wrongdns.txt(t), 86400)
                   for n, t in (("_dmarc.p2." + DOMAIN, "v=DMARC1; p=none"),
                                ("p2." + DOMAIN, wrongdns.LIE))]
        return [wrongdns.packet(
            q, [wrongdns.record(wrongdns.SAME, wrongdns.TXT, wrongdns.txt(
                wrongdns.SPF))], more=records, authority=records)]

    names = list(wrongdns.BESIDE)
    with Faulty(l, name="mild", timeout=PATIENT) as mild:
        l.dns.behave = by_domain([wrongdns.BESIDE[n] for n in names])
        for i in range(len(names)):
            no_pass(mild, "d%d.%s" % (i, DOMAIN))
        l.dns.behave = poison
        no_pass(mild, "p1." + DOMAIN)
        l.dns.behave = wrongdns.truth
        same(no_pass(mild, "p2." + DOMAIN), "550", "poisoned")


@suite.test("DNS without a server: fast temperrors, and recovery when it "
            "starts")
def _(l):
    port = smtp.free_port()
    with Faulty(l, STRICT, name="dead", port=port) as s:
        same([no_pass(s, "u%d.%s" % (i, DOMAIN)) for i in range(2)],
             ["451"] * 2, "replies")
        late = wrongdns.WrongDns(DOMAIN, l.dns.key, port=port)
        try:
            print("recovered after %.1f s" % recovers(s, l, "u"))
        finally:
            late.close()


class Gathering:
    """Answers the questions for policies only when those for `n` domains have
    arrived: never, if one message waits for another to end."""

    def __init__(self, n):
        self.n = n
        self.names = set()
        self.complete = threading.Event()

    def __call__(self, server, q, tcp):
        if q.name.startswith("_dmarc."):
            self.names.add(q.name)
            if len(self.names) >= self.n:
                self.complete.set()
            self.complete.wait(miltproto.SECONDS)
        return wrongdns.truth(server, q, tcp)


@suite.test("slow DNS: many messages wait in parallel, none for another")
def _(l):
    n = 40
    with operate.Started(l, "timeout = 75s\n" + STRICT,
                         name="queue", replaced=operate.dns_settings(
                             l, l.dns.port)) as s:
        # all domains at the same time, or one after the other
        for at_end in (True, False):
            l.dns.behave = Gathering(n)
            waiting = []
            for i in range(n):
                m = s.session()
                domain = "q%d-%d.%s" % (at_end, i, DOMAIN)
                m.mail("x@" + domain)
                m.rcpt()
                m.header("From", b" x@" + domain.encode())
                if not at_end:
                    m.headers_end()
                    m.packet("E")
                waiting.append(m)
            for m in waiting if at_end else ():
                m.headers_end()
                m.packet("E")
            for m in waiting:
                letter, text = m.read()
                same((letter, text[:3]), ("y", b"550"), "reply")
                m.close()


# ---- the clock ----

def turned(l, more, name):
    library = l.preload("turnclock")
    control = l.home + "/clock"

    def ahead(seconds):
        with open(control, "r+b") as f:
            f.write(struct.pack("=q", seconds))

    with open(control, "wb") as f:
        f.write(bytes(8))
    return Faulty(l, more, name=name, environment=dict(
        LD_PRELOAD=library, CLOCK_CONTROL=control)), ahead


@suite.test("the clock set back and forward: no effect on verdicts and rows")
def _(l):
    year = 365 * 86400
    l.dns.behave = wrongdns.truth
    s, ahead = turned(l, 'report { store = "%s/clock.db" }\n' % l.home,
                      "clock")
    domain = "c0." + DOMAIN
    tags = " t=%d; x=%d;" % (time.time(), time.time() + 3600)
    dated, old = good(l, domain, tags), good(l, domain, " x=1000000000;")
    with s:
        count = 0

        def judge(message):
            nonlocal count
            count += 1
            r = passes(s.send(message, sender="x@" + domain), 1)
            return r if isinstance(r, str) else r["dmarc"]

        # later, the answers are in the cache
        until(lambda: (judge(dated), judge(old)) == ("pass", "550"),
              "at first")
        asked = l.dns.asked
        for seconds in (-10 * year, 10 * year, -86400):
            ahead(seconds)
            same((no_pass(s, domain), judge(dated), judge(old)),
                 ("550", "pass", "pass"), "clock at %+d" % seconds)
            s.d.wait_log(event="clock", level="error")
            l.dns.behave = wrongdns.silent
            same(no_pass(s, "c%d.%s" % (count, DOMAIN)), "451", "DNS")
            l.dns.behave = wrongdns.truth
            count += 2  # the two forged ones
            time.sleep(0.7)  # the store is cleaned up when idle
            until(lambda: s.page().one("store_committed_total") == count,
                  "%d committed" % count)
            ahead(0)
            s.d.wait_log(event="clock", level="warning")
            same(judge(old), "550", "back within the hour")
            s.d.lines.clear()
        true(l.dns.asked - asked < 60, "answers are kept: %d" % (
            l.dns.asked - asked))
    db = sqlite3.connect(l.home + "/clock.db")
    same(db.execute("SELECT sum(messages) FROM replay").fetchone()[0], count,
         "rows")
    db.close()


# ---- descriptors ----

@suite.test("out of descriptors: DNS over the net, TCP, the store, the log")
def _(l):
    tcp = wrongdns.only_tcp(wrongdns.truth)
    for limit in (40, 48, 64, 120):
        sessions = []
        l.dns.behave = tcp
        with Faulty(l, STRICT + 'report { store = "%s/few.db" }\n' % l.home,
                    name="few", wrapper=("prlimit", "--nofile=%d:%d" % (
                        limit, limit))) as s:
            try:
                for _ in range(limit):
                    sessions.append(miltproto.Milter(s.port))
                    sessions[-1].connect()
            except OSError:
                pass
            seen = {}
            for i in range(12):
                m = sessions[i % len(sessions)]
                m.helo()
                domain = "f%d-%d.%s" % (limit, i, DOMAIN)
                try:
                    r = passes(m.message(forged(domain), "x@" + domain), 2)
                except ConnectionError:
                    r = "hung up"
                true(isinstance(r, str), "delivered: %s" % r)
                seen[r] = seen.get(r, 0) + 1
            print("%d descriptors, %d sessions: %s" % (
                limit, len(sessions), seen))
            while sessions:
                sessions.pop().close()
            print("recovered after %.1f s" % recovers(s, l, "f%d" % limit))


# ---- memory ----

@suite.test("random failed allocations, also in libraries: nothing forged "
            "passes")
def _(l):
    needs_plain_memory()
    library = l.preload("failmalloc")
    control = l.home + "/memory"
    with open(control, "wb") as f:
        f.write(bytes(20))
    l.dns.behave = wrongdns.truth
    with Faulty(l, STRICT + 'report { store = "%s/memory.db" }\n' % l.home,
                name="memory", environment=dict(
                    LD_PRELOAD=library, FAIL_CONTROL=control)) as s:
        def say(every, seed, wide):
            with open(control, "r+b") as f:
                f.write(struct.pack("=IIIII", every, 0, 0, seed, wide))

        def one(judge, domain):
            try:
                r = judge(domain)
            except ConnectionError:
                r = "451"
            same(s.d.process.poll(), None, "it runs")
            return r

        seen = {}
        for i in range(l.many):
            say((3, 10, 50, 300)[i % 4], i + 1, i // 4 % 2)
            for kind, judge in (("forged", lambda d: no_pass(s, d)),
                                ("good", lambda d: no_loss(s, l, d))):
                r = one(judge, "m%d.%s" % (i // 3, DOMAIN))
                key = kind, i // 4 % 2, r
                seen[key] = seen.get(key, 0) + 1
        say(0, 0, 0)
        print(seen)
        same({r for kind, _, r in seen if kind == "forged"} - {"550", "451"},
             set(), "forged")
        print("recovered after %.1f s" % recovers(s, l, "m"))


# ---- the configuration ----

@suite.test("an invalid reload: file, line, fix; the old configuration stays")
def _(l):
    l.dns.behave = wrongdns.truth
    zone = l.home + "/bad.zone"
    with open(zone, "w") as f:
        f.write("a.example. IN NONSENSE x\n")
    with Faulty(l, STRICT, timeout=PATIENT) as s:
        good_text = s.text(s.more)
        for text, words in (
                ("mode = sometimes\n", (":1: ", "enforce", "monitor")),
                ("timeout = 1s\nmoda = enforce\n", (":2: ", "mean mode")),
                (good_text + "dmarc {\n", (":%d" % (
                    good_text.count("\n") + 1),)),
                (good_text + "timeout = 15\n", ("15", "s")),
                ('nameservers = "zone:%s"\n' % zone, (zone + ":1",)),
                ("\0\xff\xfe" * 100, ("avouch",)),
                (None, ("No such file",)),
                ("directory", ("directory",))):
            s.d.lines.clear()
            path = s.d.path
            if os.path.exists(path):
                os.unlink(path)
            if text == "directory":
                os.mkdir(path)
            elif text is not None:
                s.d.configure(text)
            s.d.reload()
            s.d.wait_log(event="reload",
                         text="the old configuration stays in force")
            faults = "\n".join(line["text"] for line in s.d.log(
                event="reload", level="error"))
            print(faults.replace(path, "CONF").splitlines()[:-1])
            for word in words:
                holds(faults, word)
            if "zone" not in words[0]:
                holds(faults, path)
            if os.path.isdir(path):
                os.rmdir(path)
            same(no_pass(s, "b." + DOMAIN), "550", "the old one")
        same(s.page().family("reloads_total"), dict(ok=0, failed=8), "")
        s.d.reload(good_text)
        same(s.page().family("reloads_total"), dict(ok=1, failed=8), "")


# ---- shutdown ----

@suite.test("SIGTERM under load: every message in progress gets its reply")
def _(l):
    clients = 20
    release = threading.Event()
    asked, first, ended, cut = set(), [], [], []

    def held(server, q, tcp):
        asked.update(re.findall(r"\be(\d+)-0\.", q.name))
        release.wait(miltproto.SECONDS)
        return wrongdns.truth(server, q, tcp)

    l.dns.behave = held
    with Faulty(l, STRICT, name="end", timeout=PATIENT) as s:
        stop = threading.Event()

        def work(number):
            try:
                m = s.session()
                for i in range(1000):
                    if stop.is_set():
                        return
                    domain = "e%d-%d.%s" % (number, i, DOMAIN)
                    m.mail("x@" + domain)
                    m.rcpt()
                    for line in forged(domain).partition(
                            b"\r\n\r\n")[0].split(b"\r\n"):
                        name, _, value = line.partition(b":")
                        m.header(name, value)
                    m.headers_end()
                    (ended if i else first).append(passes(m.end(), 2))
            except OSError as e:
                cut.append(str(e))

        threads = [threading.Thread(target=work, args=(i,))
                   for i in range(clients)]
        for t in threads:
            t.start()
        until(lambda: len(asked) == clients, "all wait for DNS")
        s.d.signal(signal.SIGTERM)
        same(s.d.wait_log(event="stop")["text"],
             "messages in progress: %d" % clients, "log")
        release.set()
        same(s.d.wait(), 0, "status")
        stop.set()
        for t in threads:
            t.join(miltproto.SECONDS)
            true(not t.is_alive(), "a client hangs")
    print("%d replies, %d to later messages; %d connections were closed "
          "between messages" % (len(first) + len(ended), len(ended), len(cut)))
    same(set(first + ended) - {"550", "451"}, set(), "replies")
    # only messages begun after the signal may be cut off
    same(len(first), clients, "answered")


def main():
    alone = "--alone" in sys.argv
    words = [a for a in sys.argv[2:] if a != "--alone"]
    with lab.Lab(sys.argv[1]) as l:
        l.alone = alone
        l.many = 800 if alone else 60
        l.key = signing.Key("rsa", l.home)
        l.dns = wrongdns.WrongDns(DOMAIN, l.key.record())
        l.callback(l.dns.close)
        return suite.run(l, words[0] if words else None)


if __name__ == "__main__":
    sys.exit(main())
