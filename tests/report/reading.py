#!/usr/bin/env python3
"""avouch report read and show, as used by people and scripts; the page in a
headless Chromium if there is one.

usage: reading.py PROGRAM [PART-OF-A-NAME]
"""

import base64
import csv
import gzip
import io
import json
import os
import quopri
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/milter", ROOT + "/tests/report"]

import samples  # noqa: E402
from samples import (gzipped, mail, record, report, smime,  # noqa: E402
                     smime_encrypted, smime_plain, zipped)
from suite import (SANITIZED, Skip, Suite, holds, lacks, same,  # noqa: E402
                   true)

suite = Suite()

MEMORY = 400 << 20  # bytes that a command may use to read anything
SECONDS = 300

# The name of 198.51.100.77 is not confirmed.
ZONE = """$TTL 300
10.2.0.192.in-addr.arpa. PTR mail1.example.com.
mail1.example.com. A 192.0.2.10
44.100.51.198.in-addr.arpa. PTR out44.mailer.example.
out44.mailer.example. A 198.51.100.44
77.100.51.198.in-addr.arpa. PTR other.mailer.example.
other.mailer.example. A 198.51.100.44
20.100.51.198.in-addr.arpa. PTR <script>x</script>.
"""


class Lab:
    milter = None

    def __init__(self, program):
        self.program = os.path.abspath(program)
        self.home = tempfile.mkdtemp(prefix="avouch-reading-")
        self.n = 0

    def path(self, name):
        return os.path.join(self.home, name)

    def file(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return path

    def store(self):
        self.n += 1
        return self.path("%d.db" % self.n)

    def run(self, *words, stdin=b""):
        r = subprocess.run(
            [self.program, "report", *words, "--now", str(samples.NOW)],
            cwd=self.home, input=stdin, capture_output=True, timeout=SECONDS,
            check=False, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_AS, (MEMORY, MEMORY))
            if not SANITIZED else None)
        return r.returncode, r.stdout.decode(), r.stderr.decode()

    def show(self, *words):
        """Runs show without using the Internet."""
        return self.run("show", "--zone", self.file("zone", ZONE), *words)

    def read(self, store, *paths, stdin=b""):
        """Returns the result of --json, with the status and stderr."""
        status, out, err = self.run("read", "--json", "--store", store,
                                    *paths, stdin=stdin)
        output = json.loads(out)
        output["status"], output["err"] = status, err
        return output


def rows(store):
    with sqlite3.connect(store) as db:
        return db.execute(
            "SELECT (SELECT count(*) FROM received), "
            "(SELECT count(*) FROM received_row), "
            "(SELECT coalesce(sum(messages), 0) FROM received_row)"
        ).fetchone()


def one(day=1, **more):
    return report(day, [record("192.0.2.1", 5)], **more)


@suite.test("XML, gzip, ZIP, a message, an mbox, standard input")
def forms(c):
    store = c.store()
    mbox = (b"From a@example.com Mon\n" + mail(gzipped(one(4))) +
            b"\nFrom b@example.com Tue\nSubject: no report\n\nx\n"
            b"\nFrom c@example.com Wed\n" +
            mail(zipped(("r.xml", one(5)), ("r2.xml", one(6)))))
    output = c.read(store, c.file("a.xml", one(1)),
                  c.file("b", gzipped(one(2))),
                  c.file("c.zip", zipped(("x/", ""), ("x/r.xml", one(3)),
                                         ("README", "hello"))),
                  c.file("d.mbox", mbox), "-", stdin=mail(one(7).encode(),
                                                          "r.xml", "text/xml"))
    same((output["status"], output["stored"], output["known"], output["refused"],
          output["without"], output["messages"]), (0, 7, 0, 0, 1, 35), output["err"])
    same(rows(store), (7, 7, 35))


@suite.test("a Maildir; mail without a report is skipped")
def maildir(c):
    store = c.store()
    c.file("md/cur/1:2,S", mail(gzipped(one(1))))
    c.file("md/new/2", b"Subject: no report\n\nhello\n")
    c.file("md/new/3", mail(b"PK\3\4broken", "r.zip"))
    c.file("md/tmp/4", mail(gzipped(one(2))))
    c.file("md/.Old/cur/5", mail(gzipped(one(3))))
    os.symlink(c.path("md"), c.path("md/new/loop"))
    output = c.read(store, c.path("md"))
    same((output["status"], output["stored"], output["without"], output["refused"]),
         (65, 2, 1, 1))
    holds(output["err"], "md/new/3: refused: ")
    same(rows(store)[0], 2)


@suite.test("bounces in a Maildir: files of \"new\" are read once, others stay")
def bounces(c):
    c.file("bounces/new/1", b"Subject: hello\n\nno bounce\n")
    c.file("bounces/new/2:2,", bytes(range(256)) * 16)
    c.file("bounces/cur/0:2,S", b"Subject: old\n\n")
    c.file("bounces/tmp/5", b"Subject: on its way\n\n")
    os.symlink("/etc/passwd", c.path("bounces/new/3"))
    os.mkfifo(c.path("bounces/new/4"))
    status, out, err = c.run("bounce", c.path("bounces"))
    same((status, err), (0, ""))
    same(out, "not a bounce of one of our reports\n" * 2)
    same([sorted(os.listdir(c.path("bounces/" + folder)))
          for folder in ("new", "cur", "tmp")],
         [["3", "4"], ["0:2,S", "1:2,S", "2:2,:2,S"], ["5"]])
    same(c.run("bounce", c.path("bounces")), (0, "", ""))


@suite.test("no Maildir to read bounces from: a temporary failure")
def no_maildir(c):
    os.makedirs(c.path("half/new"))
    for folder, fault in (("none", "none/: No such file"),
                          ("half", "half/cur: No such file")):
        status, _, err = c.run("bounce", c.path(folder))
        same(status, 75)
        holds(err, fault)


@suite.test("a message may contain other documents")
def along(c):
    store = c.store()
    svg = '<!DOCTYPE svg SYSTEM "x"><svg/>'.encode()
    word = zipped(("[Content_Types].xml", "<?xml version='1.0'?><Types/>"),
                  ("word/document.xml", "<w:document/>"))
    output = c.read(store, c.file("along/1", mail(word, "a.docx", "a/b")),
                  c.file("along/2", mail(gzipped(one(1)))),
                  c.file("both.zip", zipped(("a.xml", "<x/>"),
                                            ("b.xml", one(2)))))
    same((output["status"], output["stored"], output["without"], output["refused"]),
         (65, 2, 1, 0), output["err"])
    holds(output["err"], "a message without a report")
    output = c.read(store, os.path.dirname(c.file("svg/1", mail(
        svg, "logo.svg", "image/svg+xml"))))
    same((output["status"], output["without"]), (0, 1), output["err"])


@suite.test("a message inside a message in base64; base64 without its last =")
def encoded(c):
    inner = mail(gzipped(one(1)))
    whole = base64.encodebytes(inner).decode()
    quoted = quopri.encodestring(mail(gzipped(one(2)))).decode()
    outer = ("From: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; "
             "boundary=o\n\n--o\nContent-Type: %s\n"
             "Content-Transfer-Encoding: %s\n\n%s\n--o--\n")
    for n, (kind, how, text) in enumerate((
            ("message/rfc822", "base64", whole),
            ("message/rfc822", "quoted-printable", quoted),
            ("application/octet-stream; name=a.eml", "base64", whole))):
        output = c.read(c.store(), c.file("inner%d" % n, outer % (
            kind, how, text)))
        same((output["status"], output["stored"]), (0, 1), output["err"])
    for n in range(3):
        data = gzipped(one(1) + " " * n)
        text = base64.b64encode(data).decode().rstrip("=")
        output = c.read(c.store(), c.file("pad%d" % n, outer % (
            "application/gzip", "base64", text)))
        same((output["status"], output["stored"]), (0, 1), output["err"])


@suite.test("opaque S/MIME is read, a detached signature is skipped")
def opaque(c):
    inner = mail(gzipped(one(1)))
    kind = "application/pkcs7-mime; smime-type=signed-data"
    for data in (smime(inner), smime(inner, chunk=300),
                 smime(one(1).encode())):
        output = c.read(c.store(), c.file("p7m", mail(data, "smime.p7m", kind)))
        same((output["status"], output["stored"]), (0, 1), output["err"])
    same(c.read(c.store(), c.file("p7m", smime(inner)))["stored"], 1)
    for data, want in (
            (smime(None), "a message without a report"),
            (smime(b"Content-Type: text/plain\n\nhello\n"), "without a report"),
            (smime_encrypted(inner), "encrypted with S/MIME"),
            (smime_plain(inner), "this type of S/MIME cannot contain a report"),
            (smime(inner)[:-9], "smime.p7m: S/MIME data that is corrupt"),
            (smime(inner) + b"x" * (16 << 20), "an S/MIME file larger than 16 MiB"),
            (smime(smime(smime(smime(inner)))), "more than 4 levels deep")):
        output = c.read(c.store(), c.file("p7m", mail(data, "smime.p7m", kind)))
        same((output["status"], output["stored"]), (65, 0), want)
        holds(output["err"], want)


@suite.test("numbers of messages: read correctly, or rejected")
def counts(c):
    for text, want in (("1234", 1234), ("1,234", 1234), ("1,234,567", 1234567),
                       (" 12 ", 12), ("12.0", 12), ("", 1), ("0", 0)):
        store = c.store()
        output = c.read(store, c.file("n.xml", one(1).replace(
            "<count>5", "<count>" + text)))
        same((output["stored"], output["rows"], output["messages"]),
             (1, int(want > 0), want), output["err"])
        same(rows(store), (1, int(want > 0), want))
    for text in ("abc", "0x10", "1,23", ",5", "12.5", "-3", "1 2", "1e3"):
        output = c.read(c.store(), c.file("n.xml", one(1).replace(
            "<count>5", "<count>" + text)))
        same((output["status"], output["stored"]), (65, 0), text)
        holds(output["err"], "a message count is not a number")


@suite.test("the same id on another day is another report; the larger is kept")
def periods(c):
    store = c.store()
    same_id = re.sub(r"<report_id>[^<]*", "<report_id>x", one(2))
    output = c.read(store, c.file("p1.xml", same_id), c.file(
        "p2.xml", re.sub(r"<report_id>[^<]*", "<report_id>x", one(3))))
    same((output["stored"], output["known"]), (2, 0))
    larger = re.sub(r"<count>5", "<count>6", same_id)
    output = c.read(store, c.file("p3.xml", larger))
    same((output["stored"], output["replaced"], output["known"]), (0, 1, 0))
    same(rows(store), (2, 2, 11))
    output = c.read(store, c.file("p1.xml", same_id))
    same((output["stored"], output["replaced"], output["known"]), (0, 0, 1))


@suite.test("a report is stored once per organisation, id and domain")
def twice(c):
    store = c.store()
    path = c.file("once.xml", one(1))
    same(c.read(store, path)["stored"], 1)
    output = c.read(store, path, c.file("once.gz", gzipped(one(1))))
    same((output["status"], output["stored"], output["known"]), (0, 0, 2))
    same(c.read(store, c.file("org.xml", one(1, org="Other")))["stored"], 1)
    same(rows(store), (2, 2, 10))


def laughs():
    return '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">%s]>' \
        "<feedback>&i;</feedback>" % "".join(
            '<!ENTITY %s "%s">' % (b, ("&%s;" % a) * 10)
            for a, b in zip("abcdefgh", "bcdefghi"))


def nested(n):
    data = one(1)
    for _ in range(n):
        data = zipped(("r", data))
    return data


def hostile():
    """Yields name, file, part of the error."""
    yield "a ZIP bomb", zipped(
        ("good.xml", one(1)),
        ("bomb.xml", b"<feedback>" + b"<a/>" * (30 << 20))), "a decompression bomb"
    yield "a gzip bomb", gzip.compress(
        b"<feedback>" + b"<a>0123456789</a>" * (17 << 20), 1), "larger than"
    yield "laughs", laughs(), "<!DOCTYPE"
    yield "an external entity", (
        '<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        "<feedback>&x;</feedback>"), "<!DOCTYPE"
    yield "a truncated gzip", gzipped(one(1))[:-20], "truncated gzip"
    yield "a truncated ZIP", zipped(("r.xml", one(1)))[:300], "cut off"
    yield "XML cut off", one(1)[:-30], "cut off"
    yield "100 MB of attributes", (
        b"<feedback " + b'a="b" ' * (17 << 20) + b"/>"), "a tag of more than"
    yield "deep nesting", "<feedback>" + "<a>" * 100000, "16 levels deep"
    yield "ZIPs within ZIPs", nested(9), "4 levels deep"
    yield "a gzip that is none", b"\x1f\x8bxxxxxxxxxx", "cannot be unpacked"
    yield "multiparts within multiparts", b"From: x\n" + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (i, i)
        for i in range(15000)), "a message with too many"
    yield "many parts", (
        b"From: x\nContent-Type: multipart/mixed; boundary=b\n\n" +
        b"--b\n\n" * 3000000), "parts"
    yield "many fields", b"From: x\n" + b"ab:c\n" * 8000000, "fields"
    yield "many files", zipped(
        *[("%d.xml" % i, one(1)) for i in range(1100)]), "1000 files"
    yield "two reports, one cut off", zipped(
        ("a.xml", one(1)), ("b.xml", one(2)[:-30])), "b.xml: it ends"
    yield "nothing", b"", "empty"
    yield "a text", b"hello\n", "neither XML"
    yield "another XML", "<html/>", "<html>"


@suite.test("hostile files are rejected with a reason and 65, and not stored")
def refused(c):
    for name, data, want in hostile():
        store = c.store()
        output = c.read(store, c.file("hostile", data))
        same((output["status"], output["stored"]), (65, 0), name)
        holds(output["err"], want)
        same(len(output["refusals"]), 1, name)
        same(rows(store), (0, 0, 0), name)


def large_report(n):
    """A report of 4000 rows that needs 10 MB in the store."""
    names = ["%d.%s.example" % (i, ".".join(["x" * 60] * 3)) for i in range(10)]
    return report(n, [record("10.%d.%d.%d" % (n, i >> 8, i & 255), 5, signed=[
        ("r%d-%d.%s" % (n, i, name), "pass") for name in names])
        for i in range(4000)])


@suite.test("report.max_store: no more is read than fits")
def room(c):
    store = c.store()
    conf = c.file("small.conf", 'mode = monitor\nreport { store = "%s" '
                  'max_store = 14M min_free = 0%% }\n' % store)
    large = [c.file("large%d.xml" % n, large_report(n)) for n in (1, 2, 3)]
    status, out, err = c.run("read", "--json", "--config", conf, *large)
    same((status, json.loads(out)["stored"]), (75, 1), err)
    holds(err, store + ": no more reports can be stored: the store has reached its "
          "size limit: 3/4 of report.max_store = 14680064 bytes")
    same(rows(store), (1, 4000, 20000))
    same([c.run("read", "--config", conf, name)[0] for name in large], [0, 75, 75])


@suite.test("report.max_store: one message cannot exceed it either")
def room_of_mail(c):
    for what in ("read", "intake"):
        store = c.store()
        conf = c.file("small.conf", 'mode = monitor\nreport { store = "%s" '
                      'max_store = 14M min_free = 0%% }\n' % store)
        data = mail(zipped(*(("%d.xml" % n, large_report(n))
                             for n in (1, 2, 3))), "r.zip")
        words = [c.file("mail", data)] if what == "read" else []
        status, out, err = c.run(what, "--json", "--config", conf, *words,
                                 stdin=data)
        same((status, json.loads(out)["stored"]), (75, 1), err)
        holds(err, "no more reports can be stored: the store has reached its size")
        same(rows(store), (1, 4000, 20000))


@suite.test("a rejected file does not prevent others from being read")
def others(c):
    store = c.store()
    output = c.read(store, c.file("bad", "<html/>"), c.file("ok", one(1)),
                  c.path("not-there"))
    same((output["status"], output["stored"], output["refused"]), (65, 1, 2))


@suite.test("invalid arguments are reported, with 64")
def usage(c):
    for words, want in ((["read"], "read: wrong number of arguments (0)"),
                        (["show", "x"], "show: wrong number of arguments (1)"),
                        (["show", "--days", "0"], "--days"),
                        (["show", "--days", "401"], "--days"),
                        (["read", "--csv", "x"], "--csv"),
                        (["show", "--domain", "a..b"], "--domain"),
                        (["show", "--json", "--csv"], "standard output")):
        status, _, err = c.run(*words, *(
            [] if words[0] == "read" else ["--store", full(c)]))
        same(status, 64, words)
        holds(err, want)


def full(c):
    """Returns a store with a month of reports."""
    store = c.path("month.db")
    if not os.path.exists(store):
        for i, text in enumerate(samples.month()):
            c.file("month/%d.xml.gz" % i, gzipped(text))
        output = c.read(store, c.path("month"))
        same((output["status"], output["stored"]), (0, 60))
    return store


@suite.test("show: sums, causes, new sources, advice")
def show(c):
    status, out, _ = c.show("--json", "--store", full(c))
    same(status, 0)
    output = json.loads(out)
    same([d["domain"] for d in output["domains"]],
         ["example.com", "shop.example"])
    com, shop = output["domains"]
    same(output["messages"], com["messages"] + shop["messages"])
    same(com["messages"], sum(d["messages"] for d in com["days"]))
    same(com["messages"], sum(s["messages"] for s in com["sources"]))
    same(com["messages"], sum(com["causes"].values()))
    same(len(com["days"]), 30)
    causes = {s["address"]: s["cause"] for s in com["sources"]}
    for address, cause in (
            ("192.0.2.10", "good"), ("2001:db8:25::7", "good"),
            ("198.51.100.20", "spf_only"), ("198.51.100.44", "unaligned"),
            ("203.0.113.5", "forwarder"), ("198.51.100.77", "dkim_broken"),
            ("203.0.113.104", "spoof")):
        same(causes[address], cause, address)
    new = {s["address"] for s in com["sources"] if s["new"]}
    true("192.0.2.99" in new and "192.0.2.10" not in new, "new sources")
    same((com["advice"], shop["advice"]), ("fix_first", "to_reject"))
    status, out, _ = c.show("--store", full(c), "--domain", "SHOP.example.")
    same(status, 0)
    holds(out, "shop.example   p=quarantine")
    holds(out, "Safe to move to p=reject")
    lacks(out, "example.com")


@suite.test("a report for a week is not shown as a peak of one day, and is marked")
def week(c):
    store = c.store()
    text = report(10, [record("192.0.2.1", 2)] +
                  [record("192.0.2.%d" % (2 + i), 1) for i in range(50)])
    end = int(re.search(r"<end>(\d+)", text)[1])
    output = c.read(store, c.file("week.xml", text.replace(
        "<end>%d" % end, "<end>%d" % (end + 6 * samples.DAY))))
    same((output["stored"], output["messages"]), (1, 52), output["err"])
    _, out, _ = c.show("--json", "--store", store)
    domain = json.loads(out)["domains"][0]
    same((domain["messages"], domain["reports_of_several_days"]), (52, 1))
    days = [d["messages"] for d in domain["days"]]
    same((len(days), sum(days)), (7, 52))
    true(max(days) <= 9, days)
    same(sum(d["passed"] for d in domain["days"]), 52)
    same(domain["days"][0]["day"], "2026-01-31")
    _, out, _ = c.show("--store", store)
    holds(out, "1 reports cover several days; their messages are spread")
    _, text = page(c, store)
    holds(text, "Reports that cover several days: 1.")


@suite.test("show --csv is CSV")
def show_csv(c):
    status, out, _ = c.show("--csv", "--store", full(c))
    lines = list(csv.DictReader(io.StringIO(out, newline="")))
    same(status, 0)
    first = lines[0]
    same((first["domain"], first["address"], first["cause"]),
         ("example.com", "192.0.2.10", "good"))
    same(int(first["messages"]), int(first["passed"]))
    evil = c.store()
    c.read(evil, c.file("evil.xml", one(1, domain="=cmd()")))
    _, out, _ = c.show("--csv", "--store", evil)
    holds(out, "\"'=cmd()\"")


@suite.test("show needs an existing store")
def no_store(c):
    status, _, err = c.run("show", "--store", c.path("none.db"))
    same(status, 75)
    holds(err, "none.db")
    holds(err, "`avouch report read` create the store")


def page(c, store, *words):
    path = c.path("page.html")
    status, out, err = c.show("--store", store, "--html", path, *words)
    same((status, out), (0, ""), err)
    with open(path, encoding="utf-8") as f:
        return path, f.read()


@suite.test("the page loads nothing else, and escapes its content")
def page_alone(c):
    _, text = page(c, full(c))
    same(re.findall(r"(?:https?:|//|url\(|@import|<script|<link|<img|\son\w+="
                    r"|javascript:)", text), [])
    holds(text, "default-src 'none'")
    evil = c.store()
    word = "<script>alert(1)</script>"
    escaped = word.replace("<", "&lt;").replace(">", "&gt;")
    c.read(evil, c.file("evil.xml", report(
        1, [record("198.51.100.77", 5, dkim="fail", spf="fail",
                   signed=[("x\"onload=y." + escaped, "pass")])],
        domain="a" + escaped)))
    _, text = page(c, evil)
    lacks(text, "<script")
    lacks(text, 'x"onload')
    holds(text, "&lt;script&gt;")


@suite.test("the page in Chromium: its content, and a screenshot")
def page_shown(c):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise Skip("chromium is not installed (tests/deps page): the page was "
                   "not looked at")
    path, _ = page(c, full(c))
    profile = c.path("profile")
    shot = c.path("page.png")
    base = [chromium, "--headless", "--no-sandbox", "--disable-gpu",
            "--no-first-run", "--disable-background-networking",
            "--disable-dev-shm-usage", "--user-data-dir=" + profile,
            "--window-size=1160,2000"]
    dom = subprocess.run([*base, "--dump-dom", "file://" + path],
                         capture_output=True, timeout=120,
                         check=True).stdout.decode()
    shown = re.sub(r"<style>.*?</style>|<[^>]+>", " ", dom, flags=re.S)
    shown = re.sub(r"\s+", " ", shown)
    for part in ("example.com", "Fix your own senders first",
                 "Safe to move to p=reject", "mail1.example.com",
                 "out44.mailer.example", "Likely spoofed",
                 "No DKIM signature from your domain", "SPF only",
                 "Forwarder or mailing list", "97.1 %", "51,690"):
        holds(shown, part)
    true(dom.count("<rect class=\"pass\"") >= 60, "bars of 30 days")
    same(dom.count("<polyline"), 2)
    subprocess.run([*base, "--screenshot=" + shot, "file://" + path],
                   capture_output=True, timeout=120, check=True)
    with open(shot, "rb") as f:
        png = f.read()
    same(png[:8], b"\x89PNG\r\n\x1a\n")
    same((int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24],
                                                            "big")),
         (1160, 2000), "size")
    true(len(png) > 60000, "a page with something on it: %d bytes" % len(png))


@suite.test("the daemon is not linked with libraries for XML, archives or mail")
def daemon(c):
    path = os.path.dirname(c.program) + "/avouch-milter"
    if not os.path.exists(path) or shutil.which("ldd") is None:
        raise Skip("the daemon or ldd is missing")
    linked = subprocess.run(["ldd", path], capture_output=True, text=True,
                            check=True).stdout
    holds(linked, "libmilter")
    for name in ("libxml2", "libarchive", "libgmime", "libpq",
                 "libcurl"):
        lacks(linked, name)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    lab = Lab(sys.argv[1])
    try:
        return suite.run(lab, sys.argv[2] if len(sys.argv) > 2 else None)
    finally:
        shutil.rmtree(lab.home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
