#!/usr/bin/env python3
"""End to end: mail through a real Postfix with avouch-milter attached.

usage: e2e.py PROGRAM [PART-OF-A-NAME]
"""

import functools
import glob
import os
import re
import signal
import subprocess
import sys
import threading

import demo
import lab
import mailing
import postfix
import slowdns
import smtp
from demo import MAILER, ODD, STRANGER
from mailing import delivered, ours, reader, send, settings, verdict
from suite import WAIT, Suite, holds, lacks, same, true, until

sys.path.insert(0, lab.ROOT + "/tests/readers")

import hostile  # noqa: E402
import readers  # noqa: E402

suite = Suite()

ALICE = "alice@bank.example"
FORGED = lab.message(ALICE, subject="forged")


# ---- Authentication-Results in incoming mail (RFC 8601 section 5) ----

CLAIMS = [
    b"Authentication-Results: mx.example.net; spf=pass",
    b"Authentication-Results:mx.example.net; spf=pass",
    b"Authentication-Results:\tmx.example.net;\tspf=pass",
    b"authentication-results: MX.Example.NET; spf=pass",
    b"AUTHENTICATION-RESULTS: mx.example.net 1; spf=pass",
    b"Authentication-Results : mx.example.net; spf=pass",
    b"Authentication-Results:\r\n mx.example.net;\r\n\tspf=pass",
    b"Authentication-Results: (one) (two (three)) mx.example.net; spf=pass",
    b"Authentication-Results: (a\r\n fold)\r\n\t(and more)\r\n mx.example.net"
    b"; spf=pass",
    b"Authentication-Results: (back\\)slash) mx.example.net; spf=pass",
    b"Authentication-Results: \"mx.example.net\"; spf=pass",
    b"Authentication-Results: \"mx.exa\\mple.net\"; spf=pass",
    b"Authentication-Results: mx.example.net",
    b"Authentication-Results: mx.example.net(none of this parses;;= \" ((",
    b"Authentication-Results: mx.example.net/1; spf=pass",
    b"Authentication-Results: (not closed mx.example.net; spf=pass",
    b"Authentication-Results: mx.example.n\"\"et; spf=pass",
    b"Authentication-Results: mx . example . net; spf=pass",
    b"Authentication-Results: mx.(x)example.net; spf=pass",
    b"Authentication-Results: mx.example.net.; spf=pass",
    b"Authentication-Results: ; spf=pass",
    b"Authentication-Results: =?utf-8?q?mx=2Eexample=2Enet?=; spf=pass",
]

OTHERS = [
    b"Authentication-Results: other.example; spf=pass",
    b"Authentication-Results: notmx.example.net; spf=pass",
    b"Authentication-Results: mx.example.net.other.example; spf=pass",
    b"Authentication-Results: mx.example.net.other.example (x) 1; spf=pass",
    b"X-Authentication-Results: mx.example.net; spf=pass",
]


@suite.test("A-R: each forged form is removed")
def _(l):
    with l.client("host66.isp.example", **STRANGER) as c:
        for claim in CLAIMS:
            got = delivered(l, claim + b"\r\n" + FORGED.replace(
                b"bank.example", b"plain.example"), client=c)
            field = ours(got)
            lacks(field, "spf=pass")
            same(len(smtp.fields(got, "Authentication-Results")), 1,
                 claim.decode())


@suite.test("A-R: fields of others stay, and so does the rest of the header")
def _(l):
    message = b"".join(o + b"\r\n" for o in OTHERS) + lab.message(
        "x@plain.example")
    got = delivered(l, message)
    # our field, the MTA's Received, then the unchanged message
    true(got.endswith(message), "the message was changed:\n" + got.decode())
    same(len(smtp.fields(got, "Authentication-Results")), 5, "fields")


@suite.test("A-R: many, mixed with fields of others, anywhere in the header")
def _(l):
    mixed = b""
    for i in range(40):
        mixed += CLAIMS[i % len(CLAIMS)] + b"\r\n"
        mixed += OTHERS[i % 3] + b"\r\nX-Number: %d\r\n" % i
    head, _, body = lab.message("x@plain.example").partition(b"\r\n\r\n")
    got = delivered(l, head + b"\r\n" + mixed + b"\r\n" + body)
    fields = smtp.fields(got, "Authentication-Results")
    same(len(fields), 41, "fields")
    for f in fields[1:]:
        true(not f.startswith("mx.example.net;"), f)
    same(len(smtp.fields(got, "X-Number")), 40, "other fields")


@suite.test("A-R: one of 100 KB, with its token after 50 KB")
def _(l):
    """Postfix passes only 60,000 bytes of a field to milters."""
    filler = b"\r\n ".join([b"x" * 900] * 55)
    comment = b"\r\n (" + filler + b")\r\n "
    plain = lab.message("x@plain.example")
    for limit in ("102400", "1000000"):
        l.postfix.set(header_size_limit=limit)
        for claim in (comment + b"mx.example.net; spf=pass" + comment,
                      b" mx.example.net; spf=pass" + comment * 2,
                      b"\r\n (c)" * 7000 + b" mx.example.net; spf=pass"):
            claim = b"Authentication-Results:" + claim + b"\r\n"
            got = delivered(l, claim * 2 + plain)
            same(len(smtp.fields(got, "Authentication-Results")), 1, "fields")
            lacks(ours(got), "spf=pass")
    l.postfix.set(header_size_limit="102400")


@suite.test("A-R: a header over our limits: forged fields are removed anyway")
def _(l):
    l.postfix.set(header_size_limit="4000000")
    filler = b"".join(b"X-Filler: %d\r\n" % i for i in range(5000))
    claim = b"Authentication-Results: mx.example.net; dkim=pass\r\n"
    message = claim + filler + claim + lab.message("x@plain.example")
    holds(str(send(l, message)[0]), "(rule limit.header)")
    with settings(l, "mode = monitor\n"):
        got = delivered(l, message)
    same(len(smtp.fields(got, "Authentication-Results")), 1, "fields")
    lacks(ours(got), "dkim=pass")
    holds(ours(got), "would reject, rule limit.header")
    l.postfix.set(header_size_limit="102400")


@suite.test("fields that we add: forged ones of that name are removed")
def _(l):
    forged = (b"X-Avouch-Quarantine: none\r\nReceived-SPF: pass\r\n"
              b"x-avouch-quarantine: none\r\n")
    got = delivered(l, forged + lab.message("x@plain.example"))
    same(smtp.fields(got, "X-Avouch-Quarantine"), [], "annotation")
    same(smtp.fields(got, "Received-SPF"), ["pass"], "not ours: it stays")
    got = delivered(l, forged + lab.message("x@shop.example"))
    same(smtp.fields(got, "X-Avouch-Quarantine"), ["dmarc.on_quarantine"],
         "annotation")
    ours(got)


# ---- signatures through Postfix ----

SHAPES = [ODD] + [m.replace(b"\n", b"\r\n") for m in (
    b"From:alice@bank.example\nSubject:x\nDate:y\n\nbody\n",
    b"From:   alice@bank.example\nSubject: \n\t x\n  y\n\n\n\nbody\n\n\n",
    b"from : alice@bank.example\nSUBJECT :\tx  \nDate: y\n\n"
    b"trailing \t\n  space  \n\n",
    b"From: alice@bank.example\nSubject:\n =?utf-8?q?=C3=A4?=\n"
    b"X-Empty:\nX-Space: \n\n",
    "From: \u00c4 <alice@bank.example>\nSubject: \u00fcber\n\n\u00e4\n"
    .encode(),
)]


@suite.test("DKIM: odd spaces and folds in each canonicalization")
def _(l):
    with l.client("out.mailer.example", **MAILER) as c:
        for shape in SHAPES:
            for canon in ("simple/simple", "relaxed/relaxed",
                          "simple/relaxed", "relaxed/simple"):
                if b" :" in shape and canon.startswith("simple"):
                    continue  # Postfix removes space before the colon
                signed = l.sign(shape, "bank.example", canon=canon)
                r = verdict(l, signed, client=c,
                            sender="bounce@mailer.example")
                same(r["dkim"], "pass", "%s %r" % (canon, shape))


@suite.test("DKIM: our own field's odd folds, simple/simple")
def _(l):
    for fold in (b"\r\n ", b" \r\n\t", b"\r\n   \t ", b" "):
        signed = l.sign(ODD, "bank.example", canon="simple/simple", fold=fold)
        same(verdict(l, signed)["dkim"], "pass", repr(fold))


@suite.test("DKIM: two signatures, one of them broken; RSA beside Ed25519")
def _(l):
    m = l.sign(lab.message("x@shop.example"), "shop.example")
    m = l.sign(m, "bank.example", headers=["from", "subject"])
    m = l.sign(m, "news.example").replace(b"b=", b"b=AAAA", 1)
    field = ours(delivered(l, m))
    same(field.count("dkim=pass"), 2, field)
    same(field.count("dkim=fail"), 1, field)
    true(not re.search(r"dkim=pass.*header\.[di]=@?news\.example", field),
         "a search over results finds that news.example's passes: " + field)
    holds(field, "dmarc=pass")


@suite.test("DKIM: a body of 5 MB, dots at line starts, no line end")
def _(l):
    body = b".\r\n..x\r\n" + b"0123456789 \t\r\n" * 400000 + b"end"
    m = lab.message(ALICE, body=body + b"\r\n")
    for canon in ("relaxed/simple", "relaxed/relaxed"):
        same(verdict(l, l.sign(m, "bank.example", canon=canon))["dkim"],
             "pass", canon)


# ---- transactions ----

@suite.test("no message is smuggled with the setting from README")
def _(l):
    hidden = (b"MAIL FROM:<y@plain.example>\r\nRCPT TO:<%s>\r\nDATA\r\n"
              b"From: y@plain.example\r\n\r\nhidden\r\n.\r\n")
    for setting, is_open in (("no", True), ("normalize", False)):
        # Since 3.9, Postfix by default also closes the connection on the
        # hidden commands, because they do not wait for replies.
        l.postfix.set(smtpd_forbid_bare_newline=setting,
                      smtpd_forbid_unauth_pipelining="no")
        to, other = reader(), reader()
        with l.client("host66.isp.example", **STRANGER) as c:
            c.need("MAIL FROM:<x@plain.example>", 250)
            c.need("RCPT TO:<%s>" % to, 250)
            c.need("DATA", 354)
            c.send(lab.message("x@plain.example") + b"\n.\r\n" +
                   hidden % other.encode())
            same(c.reply().code, 250, "reply")
            same(b"hidden" in l.sink.take(to), not is_open, setting)
            if is_open:
                same([c.reply().code for _ in range(4)],
                     [250, 250, 354, 250], setting)
                ours(l.sink.take(other))



@suite.test("ten messages on one connection, nothing carried over")
def _(l):
    good = l.sign(lab.message(ALICE), "bank.example")
    with l.client("host66.isp.example", **STRANGER) as c:
        for i in range(10):
            if i % 3 == 0:
                same(send(l, FORGED, client=c)[0].code, 550, "forged")
            elif i % 3 == 1:
                field = ours(delivered(l, good, client=c))
                same(field.count("dkim="), 1, field)
                holds(field, "dmarc=pass")
            else:
                r = verdict(l, lab.message("x@plain.example"), client=c)
                same((r["dkim"], r["dmarc"]), ("none", "none"), "plain")


@suite.test("over TCP no message waits 40 ms for an acknowledgement")
def _(l):
    # Otherwise every message would wait, so one fast message is enough.
    with l.client("tcp.example", **STRANGER) as c:
        for n in range(1, 1000):
            delivered(l, lab.message("x@plain.example"), client=c)
            times = [int(v["total_ms"]) for v in l.milter.wait_logs(
                n, event="message", helo="tcp.example")]
            if n > 5 and min(times) < 30:
                return
    raise AssertionError("milliseconds: %s" % times)


@suite.test("RSET and EHLO at every point of a transaction")
def _(l):
    good = l.sign(lab.message(ALICE), "bank.example")
    with l.client("host66.isp.example", **STRANGER) as c:
        for end in ("RSET", "EHLO other.example", "HELO third.example"):
            for depth in range(3):
                if depth > 0:
                    c.need("MAIL FROM:<%s>" % ALICE, 250)
                if depth > 1:
                    c.need("RCPT TO:<a@example.net>", 250)
                c.need(end, 250)
        same(verdict(l, good, client=c)["dkim"], "pass", "dkim")
        c.need("MAIL FROM:<%s>" % ALICE, 250)
        c.need("RSET", 250)
        same(send(l, FORGED, client=c)[0].code, 550, "forged")


@suite.test("connections that end at any point")
def _(l):
    for last in (None, "EHLO x", "MAIL FROM:<a@bank.example>",
                 "RCPT TO:<a@example.net>", "DATA", "content"):
        for polite in (True, False):
            c = smtp.Client(l.smtp_port, greet=False)
            if last is not None:
                c.reply()
                c.become("x", **STRANGER)
            if last not in (None, "EHLO x"):
                c.need("MAIL FROM:<a@bank.example>", 250)
            if last in ("RCPT TO:<a@example.net>", "DATA", "content"):
                c.need("RCPT TO:<a@example.net>", 250)
            if last in ("DATA", "content"):
                c.need("DATA", 354)
            if last == "content":
                c.send(b"Subject: half\r\n\r\nof it\r\n")
            elif polite and last not in (None, "DATA"):
                c.command("QUIT")
            c.close()
    same(verdict(l, l.sign(lab.message(ALICE), "bank.example"))["dkim"],
         "pass", "afterwards")
    same(l.milter.process.poll(), None, "the milter runs")


@suite.test("many connections at once")
def _(l):
    good = l.sign(lab.message(ALICE), "bank.example")
    faults = []

    def work(number):
        try:
            for i in range(5):
                if (number + i) % 2:
                    same(send(l, FORGED)[0].code, 550, "forged")
                else:
                    same(verdict(l, good)["dmarc"], "pass", "good")
        except Exception as e:
            faults.append(e)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    same(faults, [], "faults")


# ---- senders ----

@suite.test("the null sender: SPF uses HELO's name (RFC 7208 section 2.4)")
def _(l):
    field = ours(delivered(l, lab.message("postmaster@mailer.example"),
                           who=MAILER, sender="", helo="out.mailer.example"))
    holds(field, "spf=pass")
    holds(field, "smtp.helo=out.mailer.example")
    lacks(field, "smtp.mailfrom")


@suite.test("mail from a logged-in user is not checked; forged fields are "
            "removed")
def _(l):
    claim = b"Authentication-Results: mx.example.net; dmarc=pass\r\n"
    who = dict(STRANGER, LOGIN="bob")
    field = ours(delivered(l, claim + FORGED, who=who))
    holds(field, "auth=pass")
    lacks(field, "bob")
    lacks(field, "dmarc")
    l.milter.wait_log(event="message", auth="bob")
    with settings(l, "auth_login = true\n"):
        holds(ours(delivered(l, claim + FORGED, who=who)), "smtp.auth=bob")
    with settings(l, "skip_authenticated = false\n"):
        same(send(l, FORGED, who=who)[0].code, 550, "judged")


@suite.test("mail from loopback, a listed network and sendmail(1) is not "
            "checked")
def _(l):
    claim = b"Authentication-Results: mx.example.net; dmarc=pass\r\n"
    lacks(ours(delivered(l, claim + FORGED, who={})), "dmarc")
    with settings(l, 'skip_networks = { "203.0.113.0/24" }\n'):
        lacks(ours(delivered(l, claim + FORGED)), "dmarc")
    to = reader()
    l.postfix.submit(ALICE, to, (claim + FORGED).replace(b"\r\n", b"\n"))
    lacks(ours(l.sink.take(to)), "dmarc")


# ---- actions ----

@suite.test("reject: code, text, a link with %, and no content is stored")
def _(l):
    reply, _ = send(l, FORGED)
    same(str(reply)[:10], "550 5.7.26", "code")
    with settings(l, 'reply { reject_text = "100%% no to {domain}: {url}"\n'
                  ' url = "https://example.net/why%3f?d={domain}" }\n'):
        reply, _ = send(l, FORGED)
        holds(reply.text, "no to bank.example")
        holds(reply.text, "https://example.net/why%3f?d=bank.example")
        holds(reply.text, "100%% no")


@suite.test("quarantine: annotate, hold, reject")
def _(l):
    m = lab.message("x@shop.example")
    with settings(l, "dmarc { on_quarantine = quarantine }\n"):
        reply, _ = send(l, m) \
            if False else (None, None)
        with l.client("host66.isp.example", **STRANGER) as c:
            reply = c.message("x@shop.example", "held@example.net", m)
        same(reply.code, 250, str(reply))
        held = until(lambda: [e for e in l.postfix.queue()
                              if e["queue_id"] == reply.queue_id()], "held")
        same([e["queue_name"] for e in held], ["hold"], "queue")
        l.postfix.drop(reply.queue_id())
    with settings(l, "dmarc { on_quarantine = reject }\n"):
        same(send(l, m)[0].code, 550, "reject")
    with settings(l, "dmarc { on_quarantine = accept }\n"
                  "spf { on_fail = accept }\n"):
        got = delivered(l, m)
        same(smtp.fields(got, "X-Avouch-Quarantine"), [], "accept")


@suite.test("broken DNS: temperror and delivered, or 451 if configured")
def _(l):
    m = lab.message("x@broken.example")
    r = verdict(l, m)
    same((r["spf"], r["dmarc"]), ("temperror", "temperror"), "results")
    with settings(l, "dmarc { on_temperror = tempfail }\n"):
        reply, _ = send(l, m)
        same(str(reply)[:5], "451 4", "code")


@suite.test("monitor: nothing is rejected, the field says what would be")
def _(l):
    with settings(l, "mode = monitor\n"):
        field = ours(delivered(l, FORGED))
        holds(field, "dmarc=fail")
        holds(field, "would reject")


@suite.test("a message that cannot be parsed gets its field and is delivered")
def _(l):
    for head in (b"Subject: no From\r\n",
                 b"From: a@plain.example\r\nFrom: b@news.example\r\n",
                 b"From: <<>>@@\r\n", b"From:\r\n",
                 b"From: =?utf-8?q?a?= <a@plain@c>\r\nSubject: x\r\n",
                 b"From: a@plain.example\r\nSubject: \x80\xff\x01\r\n"):
        with settings(l, "dmarc { on_invalid_from = accept }\n"):
            reply, got = send(l, head + b"\r\nbody\r\n",
                              sender="x@plain.example")
        true(reply.code == 250, "%r: %s" % (head, reply))
        ours(got)


# ---- start, reload and shutdown ----

@suite.test("SIGHUP: all or nothing, and no message notices")
def _(l):
    stop = threading.Event()
    faults = []

    def work():
        with l.client("host66.isp.example", **STRANGER) as c:
            while not stop.is_set():
                try:
                    same(verdict(l, lab.message("x@plain.example"),
                                 client=c)["dmarc"], "none", "dmarc")
                except Exception as e:
                    faults.append(e)
                    return

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for i in range(20):
        l.milter.reload(l.settings("mode = monitor\n" if i % 2 else ""))
    l.milter.reload("mode = nonsense\nsocket = 5\n")
    l.milter.wait_log(event="reload", level="error")
    stop.set()
    for t in threads:
        t.join()
    same(faults, [], "faults")
    same(l.milter.process.poll(), None, "the milter runs")
    delivered(l, FORGED)  # the last valid configuration was monitor
    l.milter.reload(l.settings())
    same(send(l, FORGED)[0].code, 550, "the new one")


@suite.test("a silent name server: no message waits longer than its timeout")
def _(l):
    dns = slowdns.SlowDns(10 * smtp.SECONDS)
    more = 'nameservers = { "127.0.0.1@%d" }\ntimeout = 2s\n' % dns.port
    text = l.settings(more).replace(
        'nameservers = "zone:%s"\n' % l.zone, "")
    l.milter.reload(text)
    reply, _ = send(l, lab.message("x@plain.example"))
    same(reply.code, 451, "enforced: %s" % reply)
    l.milter.wait_log(event="resolver", state="timeout")
    l.milter.reload(text + "on_overload = accept\n")
    r = verdict(l, lab.message("x@plain.example"))
    same((r["spf"], r["dmarc"]), ("temperror", "temperror"), "results")
    dns.close()
    l.milter.reload(l.settings())


@suite.test("SIGTERM: messages in progress are finished, new ones deferred")
def _(l):
    answers = threading.Event()
    dns = slowdns.SlowDns(answers)
    text = l.settings('nameservers = { "127.0.0.1@%d" }\n'
                      'timeout = 120s\n' % dns.port)
    l.milter.reload(text.replace('nameservers = "zone:%s"\n' % l.zone, ""))
    replies = {}

    def work(number):
        replies[number] = send(l, lab.message("x@n%d.example" % number))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
    for t in threads:
        t.start()
    for n in range(5):
        until(lambda: any(b"\x02n%d\x07example" % n in q
                          for q in dns.questions.copy()), "message %d" % n)
    l.milter.signal(signal.SIGTERM)
    same(l.milter.wait_log(event="stop")["text"], "messages in progress: 5",
         "log")
    late = smtp.Client(l.smtp_port)
    answers.set()
    for t in threads:
        t.join()
    same(l.milter.wait(), 0, "status")
    for reply, got in replies.values():
        same(reply.code, 250, str(reply))
        ours(got)
    same(late.greeting.code, 421, "a new connection: %s" % late.greeting)
    late.close()
    dns.close()
    l.milter.configure(l.settings())
    l.milter.start()
    same(verdict(l, lab.message("x@plain.example"))["dmarc"], "none", "again")


def processes(*words):
    """Returns the IDs of the processes whose arguments end with `words`."""
    end = b"".join(os.fsencode("\0%s" % word) for word in words) + b"\0"
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                if f.read().endswith(end):
                    found.append(int(path.split("/")[2]))
        except OSError:  # it has ended
            pass
    return found


@suite.test("unix socket: mode, group, user, background")
def _(l):
    home = l.home + "/run"
    os.mkdir(home)
    subprocess.run(["chown", "nobody", home], check=True)
    path = home + "/a.sock"
    conf = l.home + "/unix.conf"
    with open(conf, "w") as f:
        f.write(l.settings(
            'socket_group = "postfix"\nsocket_mode = 0660\n'
            'user = "nobody"\n', socket="unix:" + path))
    before = subprocess.run([l.program, "-c", conf], stdin=subprocess.DEVNULL,
                            timeout=WAIT)
    same(before.returncode, 0, "status")
    pid, = processes("-c", conf)
    try:
        with open("/proc/%d/status" % pid) as f:
            status = dict(line.split(":\t", 1) for line in f if ":\t" in line)
        nobody = postfix.pwd.getpwnam("nobody")
        same(status["Uid"].split(), [str(nobody.pw_uid)] * 4, "uid")
        same(status["Gid"].split(), [str(nobody.pw_gid)] * 4, "gid")
        same(status["Groups"].split(), [str(nobody.pw_gid)], "groups")
        st = os.stat(path)
        same(st.st_mode & 0o777, 0o660, "mode")
        same(st.st_gid, postfix.pwd.getpwnam("postfix").pw_gid, "group")
        l.postfix.set(smtpd_milters="unix:" + path)
        same(verdict(l, lab.message("x@plain.example"))["dmarc"], "none", "")
    finally:
        l.postfix.set(smtpd_milters=l.mta_socket)
        os.kill(pid, signal.SIGTERM)
    until(lambda: not os.path.exists("/proc/%d" % pid), "it ends")
    same(glob.glob(home + "/*"), [], "no files are left")


# ---- programs that read our field ----

@suite.test("senders that try to inject text into our field")
def _(l):
    before = len(mailing.kept)
    with settings(l, "mode = monitor\n"):
        for name, helo, sender, fields, _ in hostile.INPUTS:
            try:
                client = l.client(helo, ADDR=hostile.CLIENT)
            except (AssertionError, OSError):
                continue  # Postfix rejects this HELO
            with client:
                _, got = send(l, hostile.message(fields), client=client,
                              sender=sender)
            if got is None:
                continue  # Postfix rejects some of these senders
            for value in smtp.fields(got, "Authentication-Results"):
                true(value.isascii() and "\\" not in value, name + value)
            log = mailing.log_of(l, got)
            same("stripped" in log, name in hostile.FORGERIES, name)
            if sender in ('"; spf=pass "@victim.example',
                          "bounce+joe=receiver.example@victim.example"):
                same(log["mail_from"], sender, "the log")
    true(len(mailing.kept) - before > 50, "%d were delivered" % (
        len(mailing.kept) - before))


@suite.test("the messages of the demonstration")
def _(l):
    for story in demo.stories(l):
        with l.client(story.helo, **story.who) as client:
            send(l, story.message, client=client, sender=story.sender)


@functools.lru_cache(1)
def samples(l):
    """Returns all delivered messages, except those of the daemon that logs
    elsewhere."""
    return [readers.Sample.of_log("message %d" % number, message, log)
            for number, message, log in (
                (number, message, mailing.log_of(l, message, 2))
                for number, message in enumerate(mailing.kept)) if log]


def add_reader(name, read):
    @suite.test("all delivered messages, read by: " + name)
    def _(l):
        read(samples(l))


for each in readers.READERS:
    add_reader(*each)


def main():
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all("skipped: %s" % e)
    with lab.Lab(sys.argv[1]) as l:
        l.add_key("bank.example")
        l.add_key("news.example")
        l.add_key("shop.example", "ed25519")
        l.add_record(hostile.zone())
        l.start_milter()
        l.start_postfix()
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
