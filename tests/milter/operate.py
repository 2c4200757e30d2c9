#!/usr/bin/env python3
"""The operator's view: metrics, `avouch status`, the log.

usage: operate.py PROGRAM [PART-OF-A-NAME]

PROGRAM is avouch-milter; avouch is in the same directory.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

import daemon
import lab
import miltproto
import promtext
import slowdns
import smtp
import wrongdns
from suite import WAIT, Suite, holds, one_day, same, true, until

suite = Suite()

FORGED = lab.message("alice@bank.example")
PLAIN = lab.message("x@plain.example")
OLD = ('override "old one" { from_domain = "plain.example" action = reject '
       'expires = "2020-02-29" }\n')


class Started:
    """A separate daemon with its own settings."""

    def __init__(self, l, more="", replaced=(), name="operated",
                 listen=None, **options):
        self.port = smtp.free_port()
        self.l = l
        self.replaced = replaced
        self.metrics = "%s/%s.metrics" % (l.home, name)
        self.listen = 'metrics { listen = "%s" }\n' % (
            listen or "unix:" + self.metrics)
        self.d = daemon.Daemon(l.program, l.home, self.text(more), name=name,
                               **options)

    def text(self, more):
        t = self.l.settings(more, socket="inet:%d@127.0.0.1" % self.port)
        for old, new in self.replaced:
            t = t.replace(old, new)
        return t + self.listen

    def reload(self, more):
        self.d.reload(self.text(more))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        same(self.d.stop(), 0, "status")

    def session(self, address="203.0.113.66"):
        m = miltproto.Milter(self.port)
        m.connect(address)
        m.helo("host66.isp.example")
        return m

    def send(self, message, address="203.0.113.66", **how):
        m = self.session(address)
        changes = m.message(message, **how)
        m.quit()
        return changes

    def get(self, request=b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
            b"Connection: close\r\n\r\n"):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(WAIT)
        s.connect(self.metrics)
        s.sendall(request)
        answer = s.makefile("rb").read()
        s.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.decode(), body.decode()

    def page(self):
        head, body = self.get()
        holds(head, "HTTP/1.1 200 ")
        holds(head, "Content-Type: text/plain; version=0.0.4; charset=utf-8")
        return promtext.parse(body)

    def status(self, *arguments, path=None):
        return subprocess.run(
            [os.path.dirname(self.l.program) + "/avouch", "status",
             "--config", path or self.d.path, *arguments],
            capture_output=True, text=True, timeout=WAIT)


def dns_settings(l, port):
    return (('nameservers = "zone:%s"\n' % l.zone,
             'nameservers = { "127.0.0.1@%d" }\n' % port),)


# ---- metrics ----

@suite.test("metrics: off by default, a valid page if enabled")
def _(l):
    with Started(l) as s:
        page = s.page()
        same(page.one("build_info", version=version(l)), 1, "info")
        true(page.one("start_time_seconds") > time.time() - 3600, "start")
        for key, value in page.items():
            if key[0].endswith("_total"):
                same(value, 0, str(key))
        same(os.stat(s.metrics).st_mode & 0o777, 0o660, "mode")
    true(not os.path.exists(s.metrics), "the socket is removed")
    links = "/proc/%d/fd" % l.milter.process.pid
    same(sum("socket" in os.readlink(links + "/" + f)
             for f in os.listdir(links)), 1, "sockets without metrics")


@suite.test("metrics: each message is counted once, by result and action")
def _(l):
    more = ("dmarc { on_temperror = tempfail }\n"
            'override "hold" { from_domain = "news.example" action = quarantine }\n')
    with Started(l, more) as s:
        before = s.page()
        same(s.send(FORGED, sender="alice@bank.example").reply, "y", "forged")
        same(s.send(lab.message("x@shop.example"), sender="x@shop.example")
             .reply, "c", "annotated")
        same(s.send(lab.message("x@broken.example")).reply, "y", "tempfail")
        true(s.send(lab.message("x@news.example")).quarantined, "held")
        claim = b"Authentication-Results: mx.example.net; spf=pass\r\n"
        same(s.send(claim * 3 + PLAIN).reply, "c", "plain")
        same(s.send(l.signed).reply, "c", "signed")
        same(s.send(claim + FORGED, address="127.0.0.1").reply, "c", "own")
        m = s.session()
        m.mail()

        # MAIL, and the end of the other messages, get no reply
        def page_of_one():
            page = s.page()
            return page if (page.one("messages_in_hand"),
                            page.one("connections")) == (1, 1) else None

        page = until(page_of_one, "one connection")
        same(page.family("messages_total"),
             dict(accept=3, annotate=1, quarantine=1, reject=1, tempfail=1), "")
        same(sum(page.family("messages_would_total").values()), 0, "would")
        spf = {dict(k[1])["result"]: v for k, v in page.items()
               if ("method", "spf") in k[1] and v}
        same(spf, dict(none=4, fail=2), "spf")
        dmarc = {dict(k[1])["result"]: v for k, v in page.items()
                 if ("method", "dmarc") in k[1] and v}
        same(dmarc, {"none": 1, "pass": 1, "fail": 3, "temperror": 1}, "dmarc")
        for method in ("spf", "spf_helo", "dkim", "arc", "dmarc"):
            same(sum(v for k, v in page.items() if ("method", method) in k[1]),
                 6, method)
        same(page.one("results_total", method="dkim", result="pass"), 1, "")
        same(page.one("messages_skipped_total"), 1, "own users")
        same(page.one("forged_fields_total"), 4, "forged fields")
        same(page.one("finish_seconds_count"), 7, "histogram")
        same(page.one("message_seconds_count"), 7, "histogram")
        same(page.one("round_trips_count"), 6, "histogram")
        true(page.one("message_seconds_sum") >= page.one("finish_seconds_sum")
             > 0, "sums")
        same(page.one("messages_in_hand"), 1, "open")
        same(page.one("connections"), 1, "connections")
        same(page.one("connections_total"), 8, "connections")
        true(page.one("questions_total") > 10, "questions")
        true(set(page) == set(before), "samples come and go")
        m.quit()


@suite.test("metrics: monitor mode counts the actions it would have taken")
def _(l):
    with Started(l, "mode = monitor\n") as s:
        same(s.send(FORGED, sender="alice@bank.example").reply, "c", "")
        page = s.page()
        same(page.one("messages_would_total", action="reject"), 1, "would")
        same(page.one("messages_total", action="accept"), 1, "accepted")
        same(page.one("messages_total", action="reject"), 0, "rejected")
        same(page.one("enforcing"), 0, "mode")


def chain(_server, q, _tcp):
    """Answers slowly, and each record refers to another one."""
    time.sleep(0.4)
    return [wrongdns.packet(q, [wrongdns.record(
        wrongdns.SAME, wrongdns.TXT,
        wrongdns.txt("v=spf1 include:i." + q.name + " -all"))])]


@suite.test("metrics: DNS, cache, budgets; they are kept across reloads")
def _(l):
    dns = slowdns.SlowDns(0.1, ttl=300)
    with Started(l, replaced=dns_settings(l, dns.port)) as s:
        for _ in range(2):
            s.send(PLAIN)
        page = s.page()
        asked = page.one("dns_questions_total")
        true(asked > 2, "questions")
        same(page.one("dns_cache_misses_total"), asked, "misses")
        true(page.one("dns_cache_hits_total") > 2, "hits")
        true(page.one("dns_cache_entries") > 0, "entries")
        # the first message does not wait if its client is slow
        names = iter(range(1000))
        until(lambda: s.send(lab.message("x@n%d.example" % next(names))) and
              s.page().one("finish_seconds_sum") > 0.02, "a wait")
        asked = s.page().one("dns_questions_total")
        s.reload("timeout = 14s\n")  # another resolver
        page = s.page()
        same(page.one("dns_questions_total"), asked, "after a reload")
        same(page.one("dns_cache_entries"), 0, "a new cache")
        s.send(PLAIN)
        true(s.page().one("dns_questions_total") > asked, "they go on")
    dns.close()
    dns = wrongdns.WrongDns("slow.example", "")
    dns.behave = chain
    with Started(l, "timeout = 2s\n", dns_settings(l, dns.port)) as s:
        names = iter(range(1000))

        def waited():
            s.send(lab.message("x@n%d.slow.example" % next(names)))
            page = s.page()
            return page.one("finish_seconds_bucket", le="0.5") < page.one(
                "finish_seconds_count")

        until(waited, "more than 0.5 s")
        page = s.page()
        same(page.one("budget_hits_total", budget="dns"), 0, "the domain's")
        same(page.one("finish_seconds_count"), next(names), "all")
    dns.close()


@suite.test("metrics: invalid From fields, and messages that we lacked "
            "resources for")
def _(l):
    with Started(l) as s:
        s.send(b"From: a@plain.example\r\n" + PLAIN)
        s.send(lab.message("x@full.example"))
        s.send(PLAIN)
        page = s.page()
        same(page.one("invalid_from_total"), 1, "invalid")
        same(page.one("overload_total"), 1, "overload")
        same(page.one("budget_hits_total", budget="dns"), 1, "budget")
        same(page.one("messages_total", action="reject"), 1, "rejected")
        same(page.one("messages_total", action="tempfail"), 1, "deferred")


@suite.test("metrics: successful and failed reloads; expired overrides")
def _(l):
    with Started(l) as s:
        s.reload(OLD)
        s.d.configure("nonsense\n")
        s.d.reload()
        page = s.page()
        same(page.family("reloads_total"), dict(ok=1, failed=1), "reloads")
        same(page.one("overrides"), 1, "overrides")
        same(page.one("overrides_expired"), 1, "expired")


@suite.test("metrics: other, incomplete and too many requests; mail continues")
def _(l):
    with Started(l) as s:
        for request, status in (
                (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close", 404),
                (b"GET /metrics/ HTTP/1.0", 404),
                (b"DELETE /metrics HTTP/1.0", 405),
                (b"POST /metrics HTTP/1.0\r\nContent-Length: 0", 405),
                (b"HEAD /metrics HTTP/1.0", 200),
                (b"GET /metrics?x=%00 HTTP/1.0", 200)):
            head, body = s.get(request + b"\r\n\r\n")
            holds(head, "HTTP/1.1 %d " % status)
            true((body == "") == request.startswith(b"HEAD"), "body")
        busy = []
        for i in range(100):
            c = socket.socket(socket.AF_UNIX)
            c.setblocking(False)
            try:
                c.connect(s.metrics)
                c.send([b"", b"GET /met", b"\0\xff\r\n",
                        b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50,
                        b"GET / HTTP/1.1\r\nX: " + b"x" * 30000][i % 5])
            except BlockingIOError:
                pass
            busy.append(c)
        for _ in range(20):
            same(s.send(PLAIN).reply, "c", "mail")
        same(s.page().one("messages_total", action="accept"), 20, "page")
        for c in busy:
            c.close()
        same(s.page().one("messages_total", action="accept"), 20, "again")


@suite.test("metrics: 1,000 half-open connections do not prevent a scrape")
def _(l):
    for port in (0, smtp.free_port()):
        where = "inet:%d" % port if port else None
        with Started(l, listen=where) as s, contextlib.ExitStack() as kept:
            for i in range(1000):
                c = kept.enter_context(socket.socket(
                    socket.AF_INET if port else socket.AF_UNIX))
                c.settimeout(WAIT)
                c.connect(("127.0.0.1", port) if port else s.metrics)
                if i % 2:
                    c.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
                if i % 100 == 99:
                    out = s.status()
                    same(out.returncode, 0, out.stderr)
            same(len(os.listdir("/proc/%d/fd" % s.d.process.pid)) < 100, True,
                 "descriptors")


@suite.test("metrics: an unavailable socket does not affect mail")
def _(l):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = "inet:%d" % taken.getsockname()[1]
        with Started(l, listen=where) as s:
            line = s.d.wait_log(event="metrics", level="error")
            holds(line["text"], "is in use by process %d" % os.getpid())
            same(s.send(PLAIN).reply, "c", "mail")


@suite.test("metrics on a loopback port")
def _(l):
    where = "inet:%d@127.0.0.1" % smtp.free_port()
    with Started(l, listen=where) as s:
        r = s.status("--json")
        same(r.returncode, 0, r.stderr)
        same(json.loads(r.stdout)["connections"], 0, "connections")
        s.listen = ""
        s.reload("")
        line = s.d.wait_log(event="reload", level="warning")
        holds(line["text"], "metrics.listen has changed; restart the daemon")


# ---- avouch status ----

def version(l):
    return subprocess.run([l.program, "-V"], capture_output=True,
                          text=True).stdout.split()[1]


@suite.test("avouch status: human-readable, and as JSON")
def _(l):
    with Started(l, OLD) as s:
        s.send(FORGED, sender="alice@bank.example")
        s.send(l.signed)
        r = s.status("--json")
        same((r.returncode, r.stderr), (0, ""), "status")
        o = json.loads(r.stdout)
        same((o["version"], o["mode"]), (version(l), "enforce"), "info")
        same(o["messages_total"], dict(accept=1, annotate=0, quarantine=0, reject=1,
                                       tempfail=0), "messages")
        same(o["results_total"]["dmarc"]["pass"], 1, "dmarc")
        same(o["finish_seconds"]["count"], 2, "histogram")
        same(o["finish_seconds"]["bucket"]["+Inf"], 2, "histogram")
        r = s.status()
        same((r.returncode, r.stderr), (0, ""), "status")
        for words in ("mode +enforce", "messages +accept 1, reject 1",
                      "dmarc +pass 1, fail 1", "overrides +1, expired 1",
                      "50 % within", "connections +[0-9] open, 2"):
            true(re.search(words, r.stdout), "%r in\n%s" % (words, r.stdout))
        page = {k[0] for k in s.page()}
        true(len(page) > 30, "families")
    r = s.status()
    same(r.returncode, 75, "not running")
    holds(r.stderr, "is avouch-milter running")


@suite.test("avouch status: metrics off, invalid, silent, of another program, "
            "or with failed signatures")
def _(l):
    with Started(l) as s:
        path = l.home + "/status.conf"

        def status(text):
            with open(path, "w") as f:
                f.write(text)
            return s.status(path=path)

        r = status(l.settings())
        same((r.returncode, r.stdout), (75, ""), "off")
        holds(r.stderr, "metrics are off")
        same(status("mode = x\n").returncode, 78, "a bad configuration")
        same(s.status("word").returncode, 64, "usage")
        listener = socket.create_server(("127.0.0.1", 0))
        listener.listen()
        where = 'metrics { listen = "inet:%d" }\n' % listener.getsockname()[1]

        def answer(data):
            c, _ = listener.accept()
            c.recv(1000)
            c.sendall(data)
            c.close()

        good = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n"
        for data in (b"", b"\0", b"220 mx ESMTP\r\n", b"HTTP/1.0 404 No\r\n"
                     b"\r\n", good[:-2], good + b"avouch_x{a=\"", good +
                     b"avouch_x 1e5\n", good + b"avouch_x -1\n", good +
                     b"<html>\n", good + b'a{b="c",b="c",b="c",b="c",b="c"} 1\n',
                     good + b"x" * (2 << 20)):
            t = threading.Thread(target=answer, args=(data,), daemon=True)
            t.start()
            r = status(where)
            same((r.returncode, r.stdout), (75, ""), repr(data[:60]))
        page = s.get()[1]
        for result, n in (("signed", 97), ("unsigned", 1), ("failed", 2)):
            line = 'avouch_sign_messages_total{result="%s"} ' % result
            holds(page, line + "0\n")
            page = page.replace(line + "0\n", line + "%d\n" % n)
        line = 'avouch_sign_unsigned_total{reason="no_key"} '
        page = page.replace(line + "0\n", line + "1\n")
        t = threading.Thread(target=answer, args=(good + page.encode(),),
                             daemon=True)
        t.start()
        r = status(where)
        same(r.returncode, 0, r.stderr)
        holds(r.stdout, "signed 97.0 % of our own mail; 3 not: signing failed "
                        "(2), no key (1)")
        listener.close()


# ---- the log ----

BARE = r'[!#-<>-\[\]-~]+'
QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\["\\ntr]|\\x[0-9a-f]{2}|\\u[0-9a-f]{4})*"'
LINE = re.compile(r"[a-z_]+=(?:%s|%s)(?: [a-z_]+=(?:%s|%s))*" % (
    BARE, QUOTED, BARE, QUOTED))
PAIR = re.compile(r"([a-z_]+)=(%s|%s)" % (QUOTED, BARE))

ALWAYS = {"queue_id", "client", "helo", "mail_from", "from", "action", "rule",
          "reason", "waves", "questions", "wait_ms", "total_ms"}
CHECKED = {"spf", "spf_helo", "dkim", "arc", "dmarc"}
SOMETIMES = {"auth", "policy", "policy_domain", "from_fault", "would",
             "stripped", "kept", "gave_up", "overload", "expired_override",
             "cut"}
NUMBERS = {"waves", "questions", "wait_ms", "total_ms", "stripped", "kept", "pid",
           "line", "held_back", "cut", "seconds", "failures", "others"}


def text_line(line):
    true(LINE.fullmatch(line), "not key=value: %r" % line)
    pairs = [(k, v[1:-1] if v.startswith('"') else v)
             for k, v in PAIR.findall(line)]
    same(len(dict(pairs)), len(pairs), "a key twice in %r" % line)
    return dict(pairs)


def json_line(line):
    def once(pairs):
        same(len(dict(pairs)), len(pairs), "a key twice in %r" % line)
        return dict(pairs)

    values = json.loads(line, object_pairs_hook=once)
    for k, v in values.items():
        same(isinstance(v, int), k in NUMBERS, "%s in %r" % (k, line))
    return {k: str(v) for k, v in values.items()}


def every_kind(l, form):
    """Returns the lines of a daemon that has logged every kind of event."""
    dns = wrongdns.WrongDns("slow.example", "")
    dns.behave = wrongdns.silent
    with Started(l, "log = %s\n" % form + OLD, name=form) as s:
        def reload(more):
            s.reload("log = %s\n" % form + more)

        s.send(FORGED, sender="alice@bank.example")
        s.send(PLAIN)
        s.send(l.signed)
        s.send(FORGED, auth_type="PLAIN", auth_authen="b\"o b=\\\u00e4")
        s.send(b"Authentication-Results: mx.example.net; x\r\n" + FORGED,
               address="127.0.0.1")
        s.send(lab.message("x@broken.example"))
        s.send(lab.message("x@full.example"))  # overload
        hostile = ("\r level=error \"=\\ \x01\x7f\u202e\u2028 ' \udcff"
                   .encode("utf-8", "surrogateescape"))
        m = s.session("2001:db8::66")
        m.event("H", b"he lo=" + hostile + b"\0")
        m.event("M", b"<" + hostile + b"@plain.example>\0")
        m.rcpt()
        m.header("From", b" " + hostile + b"@plain.example")
        m.headers_end()
        m.end(queue_id="4 \"id\"=")
        m.event("M", b"<" + b"x" * 6000 + b"@plain.example>\0")
        m.rcpt()
        m.headers_end()
        m.end()
        m.quit()
        try:
            miltproto.Milter(s.port, actions=1)
        except ConnectionError:
            pass
        m = miltproto.Milter(s.port)
        m.connect()
        m.macros("E")
        reload("mode = monitor\ntrusted_mtas = { 203.0.113.25 }\n")
        s.send(FORGED, sender="alice@bank.example")
        s.send(FORGED, address="203.0.113.25")
        s.replaced = dns_settings(l, dns.port)
        reload("timeout = 5s\n")
        s.send(PLAIN)
        m.close()
        until(lambda: any("does not answer" in line for line in s.d.lines),
              "a resolver does not work")
        dns.behave = wrongdns.truth
        s.send(lab.message("x@again.example"))
        until(lambda: any("answers again" in line for line in s.d.lines),
              "it works")
        s.d.configure("log = %s\nmode = no\n\x01 = {\n" % form)
        s.d.reload()
        lines = s.d.lines
    dns.close()
    return lines


@suite.test("log: every kind of line can be parsed, as text and as JSON")
def _(l):
    kinds = {}
    for form, read in (("text", text_line), ("json", json_line)):
        lines = [read(line) for line in every_kind(l, form)]
        kinds[form] = {(v["level"], v["event"]) for v in lines}
        same(kinds[form], {
            ("info", "start"), ("info", "stop"), ("info", "message"),
            ("info", "reload"), ("error", "reload"), ("error", "fault"),
            ("warning", "override"), ("warning", "warning"),
            ("warning", "resolver"), ("info", "resolver")}, form)
        messages = [v for v in lines if v["event"] == "message"]
        same(len(messages), 13, "messages")
        seen = set()
        for v in messages:
            keys = set(v) - {"level", "event"}
            if "cut" not in v:
                true(ALWAYS <= keys, "missing %s" % (ALWAYS - keys))
                same(CHECKED <= keys,
                     not v["rule"].startswith("skip."), str(v))
            true(keys <= ALWAYS | CHECKED | SOMETIMES, str(keys))
            for k in keys & NUMBERS:
                true(v[k].isdigit(), "%s=%s" % (k, v[k]))
            seen |= keys
        same(SOMETIMES - seen, set(), "keys that were never seen")
        first = messages[0]
        same((first["queue_id"], first["client"], first["spf"], first["dmarc"],
              first["action"], first["rule"]),
             ("4Test", "203.0.113.66", "fail", "fail", "reject",
              "dmarc.on_reject"), "the first")
        same(messages[1]["expired_override"], "old one", "expired")
        same((messages[6]["gave_up"], messages[6]["overload"],
              messages[6]["rule"]), ("yes", "yes", "on_overload"), "cut off")
        true(int(messages[11]["wait_ms"]) >= 900, "the wait")
        true(int(messages[11]["total_ms"]) >= int(messages[11]["wait_ms"]), "")
        start = [v for v in lines if v["event"] == "start"][0]
        for key in ("version", "mode", "socket", "resolvers", "metrics",
                    "configuration", "pid"):
            true(start[key], key)


@suite.test("log: overrides that have expired, at start and at reload")
def _(l):
    one_day()
    today = time.strftime("%Y-%m-%d", time.gmtime())
    with Started(l, OLD) as s:
        line = s.d.wait_log(event="override", level="warning")
        same(line["override"], "old one", "name")
        holds(line["text"], "has expired")
        s.reload(OLD.replace("2020-02-29", today))
        same(len(s.d.log(event="override")), 1, "it still applies today")
        same(s.send(PLAIN).reply, "y", "it decides")
        s.reload(OLD)
        same(len(s.d.wait_logs(2, event="override")), 2, "warned again")
        same(s.send(PLAIN).reply, "c", "it does not decide")
        same(s.d.wait_log(event="message", action="accept")
             ["expired_override"], "old one", "logged with the message")


@suite.test("log = none: errors only")
def _(l):
    with Started(l, "log = none\n") as s:
        s.send(PLAIN)
        s.d.configure("nonsense\n")
        s.d.reload()
        s.d.wait_log(event="reload", level="error")
        same({v["level"] for v in s.d.log()}, {"error"}, "levels")


def main():
    with lab.Lab(sys.argv[1]) as l:
        l.add_key("bank.example")
        l.add_record(";!failed _dmarc.full.example TXT budget")
        l.start_milter()
        l.signed = l.sign(lab.message(), "bank.example")
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
