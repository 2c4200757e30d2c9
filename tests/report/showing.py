#!/usr/bin/env python3
"""avouch report show: senders, advice, ranges and limits.

usage: showing.py PROGRAM [PART-OF-A-NAME]
"""

import csv
import io
import json
import os
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

import planted  # noqa: E402
import samples  # noqa: E402
from samples import record, report  # noqa: E402
from suite import SANITIZED, Suite, holds, lacks, same, true  # noqa: E402

suite = Suite()

MEMORY = 400 << 20  # bytes that any command may use
SECONDS = 300
CROWD = 25000  # sources of one spoofed domain; more than the page shows


class Lab:
    milter = None

    def __init__(self, program):
        self.program = os.path.abspath(program)
        self.home = tempfile.mkdtemp(prefix="avouch-showing-")
        self.zone = self.file("zone", planted.zone())

    def file(self, name, text):
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def store(self, name, texts):
        """Returns a store of these reports, which is created only once."""
        path = os.path.join(self.home, name + ".db")
        if not os.path.exists(path):
            n = 0
            for text in texts:
                self.file("%s/%d.xml" % (name, n), text)
                n += 1
            status, out, err = self.run(
                "read", "--json", "--store", path,
                os.path.join(self.home, name))
            same((status, json.loads(out)["stored"]), (0, n), err)
        return path

    def planted(self):
        return self.store("planted", planted.reports())

    def run(self, *words):
        r = subprocess.run(
            [self.program, "report", *words, "--now", str(samples.NOW)],
            cwd=self.home, capture_output=True, timeout=SECONDS, check=False,
            preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_AS, (MEMORY, MEMORY))
            if not SANITIZED else None)
        return r.returncode, r.stdout.decode(), r.stderr.decode()

    def show(self, store, *words):
        status, out, err = self.run("show", "--store", store, "--zone",
                                    self.zone, *words)
        same((status, err), (0, ""))
        return out

    def json(self, store, *words):
        return json.loads(self.show(store, "--json", *words))

    def domains(self, store, *words):
        return {d["domain"]: d for d in self.json(store, *words)["domains"]}


def senders(domain):
    """Returns senders by name and cause: own servers may occur several times."""
    return {(s["name"], s["cause"]): s for s in domain["senders"]}


@suite.test("the advice of each planted situation")
def advice(c):
    got = {name: d["advice"]
           for name, d in c.domains(c.planted()).items()}
    same(got, planted.WANTED)


@suite.test("the most urgent domain comes first, in text and page")
def urgent(c):
    out = c.show(c.planted())
    names = re.findall(r"^([a-z-]+\.example) +(?:none|quarantine|reject) ",
                       out, re.M)
    same(sorted(names), sorted(planted.WANTED))
    same(names[:2], ["company.example", "losing.example"])
    same([planted.WANTED[n] for n in names[-3:]],
         ["done", "stay", "parked_done"])
    same(re.findall(r"^([a-z-]+\.example)   p=", out, re.M), names)
    page = c.show(c.planted(), "--html", "-")
    same(re.findall(r'<a href="#d\d+"><b>([^<]+)', page), names)
    same(re.findall(r'id="d\d+"><h2>([^<]+)', page), names)


@suite.test("senders: 120 addresses of an office suite are one sender")
def office(c):
    domain = c.domains(c.planted())["company.example"]
    found = senders(domain)
    suite_sender = found["office.example", "good"]
    same((suite_sender["kind"], suite_sender["sources"], suite_sender["role"]),
         ("host", 120, "yours"))
    same(suite_sender["messages"], sum(
        s["messages"] for s in domain["sources"]
        if s["address"] in planted.OFFICE))
    same({s["sender"] for s in domain["sources"]
          if s["address"] in planted.OFFICE}, {"office.example"})
    text = c.show(c.planted(), "--domain", "company.example")
    holds(re.search(r"  office.example .*", text)[0], "120 addresses")
    page = c.show(c.planted(), "--domain", "company.example", "--html", "-")
    block = re.search(r'<details class="sender"><summary><span class="who">'
                      r"office\.example.*?</details>", page, re.S)[0]
    same(len(re.findall(r"out\d+\.protection\.office\.example", block)), 120)


@suite.test("senders: the properties of each")
def known(c):
    domain = c.domains(c.planted())["company.example"]
    found = senders(domain)
    app = found["company.example", "own_server"]
    same((app["role"], app["new"], app["sources"], app["rejected"]),
         ("yours", True, 1, app["messages"]))
    same(app["first"], "2026-02-06")
    true(("company.example", "good") in found and
         ("company.example", "spf_only") in found, found.keys())
    news = found["mailer.example", "good"]
    same((news["sources"], news["kind"]), (2, "host"))
    same([s["text"] for s in news["signatures"]],
         ["pass company.example s1", "pass mailer.example s1"])
    same(news["envelopes"][0]["text"], "pass bounce.mailer.example")
    same([r["text"] for r in news["reporters"]],
         [name for name, _ in planted.REPORTERS])
    same(sum(r["messages"] for r in news["reporters"]), news["messages"])
    lists = found["society.example", "forwarder"]
    same((lists["overrides"][0]["text"], lists["role"], lists["as"]),
         ("mailing_list", "forwards", "lists.society.example"))
    below = c.domains(c.planted())["open-below.example"]
    true(any(s["authors"][0]["text"] == "pay.open-below.example"
             for s in below["senders"]), "From is a subdomain")
    fixed = senders(c.domains(c.planted())["fixed.example"])
    same(fixed["mailer.example", "good"]["fixed"], "2026-02-07")
    same(fixed["mailer.example", "good"]["week"]["messages"], 7 * 90)


@suite.test("a host name that is not confirmed by its address is ignored")
def unconfirmed(c):
    sources = c.domains(c.planted())["new-sender.example"]["sources"]
    same([(s["host"], s["sender"]) for s in sources
          if s["address"] == "198.51.100.60"], [("", "crm.example")])


@suite.test("without DNS: by signature, envelope, network")
def no_dns(c):
    domain = c.domains(c.planted(), "--no-dns")["company.example"]
    found = senders(domain)
    same(found["mailer.example", "good"]["kind"], "signer")
    same(found["society.example", "forwarder"]["kind"], "envelope")
    same({s["kind"] for s in domain["senders"]
          if s["cause"] == "spoof"}, {"network"})
    same({s["host"] for s in domain["sources"]}, {""})


@suite.test("--from and --to; days outside the range are not shown")
def ranges(c):
    store = c.planted()
    week = c.json(store, "--from", "2026-01-20", "--to", "2026-01-26")
    same((week["from"], week["to"]), ("2026-01-20", "2026-01-26"))
    company = [d for d in week["domains"]
               if d["domain"] == "company.example"][0]
    same([d["day"] for d in company["days"]],
         ["2026-01-%d" % n for n in range(20, 27)])
    same(company["reports"], 7 * 3)
    same(c.json(store, "--to", "yesterday", "--days", "1")["from"],
         "2026-02-09")
    for words, want in (
            (("--from", "2026-02-11"), "--from 2026-02-11: must be at most"),
            (("--from", "2020-01-01"), "at most 399 days before the last day"),
            (("--from", "today"), "--from today: not a date"),
            (("--to", "2026-13-01"), "--to 2026-13-01: not a date"),
            (("--from", "2026-02-01", "--days", "3"), "--days or --from")):
        status, _, err = c.run("show", "--store", store, *words)
        same(status, 64, words)
        holds(err, want)


@suite.test("no reports in the range: the output says that others are stored")
def older(c):
    store = c.store("older", [report(80, [record("192.0.2.1", 5)]),
                              report(90, [record("192.0.2.1", 5)])])
    out = c.show(store)
    holds(out, "0 reports\nReports for other days: 2, from "
          "2025-11-12 to 2025-11-22; use --from and --to")
    page = c.show(store, "--html", "-")
    holds(page, "2025-11-12 to 2025-11-22; use --from and --to")
    holds(c.show(store, "--from", "2025-11-01", "--to", "2025-12-01"),
          "10 messages")
    lacks(c.show(store, "--domain", "other.example"), "stored")


def crowd(c):
    """Returns a store with three domains, the first of them spoofed from CROWD
    addresses."""
    def texts():
        rows = [record("10.%d.%d.%d" % (n >> 16, n >> 8 & 255, n & 255),
                       1 + n % 3, dkim="fail", spf="fail",
                       domain="a.example") for n in range(CROWD)]
        for day in range(1, 9):
            yield report(day, rows[day * 3125 - 3125:day * 3125],
                         domain="a.example")
            for name in ("b.example", "c.example"):
                yield report(day, [
                    record("192.0.2.%d" % n, 100, domain=name)
                    for n in range(1, 4)], domain=name, p="reject")
    return c.store("crowd", texts())


@suite.test("one spoofed domain does not hide the others; CSV and JSON are complete")
def whole(c):
    store = crowd(c)
    lines = list(csv.DictReader(io.StringIO(
        c.show(store, "--csv"), newline="")))
    same(len(lines), CROWD + 6)
    same(sum(int(line["messages"]) for line in lines),
         sum(1 + n % 3 for n in range(CROWD)) + 2 * 8 * 300)
    found = c.domains(store)
    same([len(found[n]["sources"]) for n in
          ("a.example", "b.example", "c.example")], [CROWD, 3, 3])
    a = found["a.example"]
    same(sum(s["sources"] for s in a["senders"]), CROWD)
    same(sum(s["messages"] for s in a["senders"]), a["messages"])
    same(found["b.example"]["advice"], "done")
    text = c.show(store)
    holds(text, "b.example   p=reject   2400 messages")
    holds(text, "c.example   p=reject   2400 messages")
    holds(text, "and 93 more; --html and --json list them")


@suite.test("the page has a maximum size, and says what it leaves out")
def bounded(c):
    page = c.show(crowd(c), "--html", "-")
    true(len(page) < 6 << 20, len(page))
    sections = page.split('<section class="card" id=')
    same(len(sections), 4)
    shown = len(re.findall(r'<tr><td class="a">10\.', page))
    true(5000 < shown <= 20000 // 3, shown)
    left = sum(int(n.replace(",", "")) for n in re.findall(
        r"([\d,]+) (?:more )?addresses; avouch report show --csv", page))
    same(shown + left, CROWD)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        same(page.count('<td class="a">%s<' % address), 2)


@suite.test("many domains: an index, the first ones in full, correct numbers")
def many(c):
    store = c.store("many", (
        report(day, [record("192.0.2.1", 20, domain="d%d.example" % n)],
               domain="d%d.example" % n, p="reject")
        for n in range(130) for day in range(8)))
    page = c.show(store, "--html", "-")
    same(page.count('<section class="card" id='), 100)
    same(page.count('<a href="#d'), 100)
    same(len(re.findall(r"<b>d\d+\.example</b>", page)), 130)
    holds(page, "30 more domains are not shown in full")
    text = c.show(store)
    same(len(re.findall(r"^d\d+\.example +reject", text, re.M)), 130)
    same(len(re.findall(r"^d\d+\.example   p=", text, re.M)), 50)
    holds(text, "80 more domains are not shown in full")
    same(len(c.domains(store)), 130)


@suite.test("untrusted text is escaped, in page, CSV, JSON and terminal")
def escaped(c):
    word = "<b>&amp;\"'"
    escaped_word = word.replace("&", "&amp;").replace("<", "&lt;").replace(
        ">", "&gt;")
    store = c.store("evil", [
        report(day, [record("198.51.100.9", 50, dkim="fail", spf="fail",
                            spf_result="pass", envelope="=x|calc!a.example",
                            signed=[("+1.example" + escaped_word, "pass")],
                            reason="other", author="@sum.example.com")],
               org="\u202e-" + escaped_word + "\u001b".replace(
                   "\u001b", "&#x9b;") + "[31m", domain="example.com",
               number=str(day)) for day in range(9)])
    page = c.show(store, "--html", "-")
    lacks(page, "<b>&amp;&quot;")
    lacks(page, word)
    holds(page, "&lt;b&gt;")
    for out in (page, c.show(store), c.show(store, "--csv")):
        for byte in ("\x1b", "\x9b", "\u202e"):
            lacks(out, byte)
    for line in csv.reader(io.StringIO(c.show(store, "--csv"), newline="")):
        for field in line:
            true(not field or field[0] not in "=+-@\t\r", field)
    domain = c.domains(store)["example.com"]
    same(len(domain["senders"]), 1)


@suite.test("the output is as shown in README")
def readme(c):
    with open(ROOT + "/README.md", encoding="utf-8") as f:
        shown = re.search(r"```\n(company\.example .*?)```", f.read(), re.S)[1]
    printed = c.show(c.planted()).splitlines()
    lines = [line for line in shown.splitlines() if line != "[...]"]
    same([line for line in lines if line not in printed], [])
    true(len(lines) > 8, lines)


@suite.test("a store that fails while it is read leaves no partial page")
def broken(c):
    path = os.path.join(c.home, "broken.db")
    shutil.copy(c.planted(), path)
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE shape")
    target = c.file("old.html", "old")
    status, _, err = c.run("show", "--no-dns", "--store", path, "--html",
                           target)
    same(status, 75)
    holds(err, "shape")
    with open(target, encoding="utf-8") as f:
        same(f.read(), "old")
    same(os.path.exists(target + ".part"), False)
    status, out, _ = c.run("show", "--no-dns", "--store", path, "--json")
    same(status, 75)
    try:
        json.loads(out)
    except ValueError:
        return
    raise AssertionError("truncated JSON must not be valid: %r" % out[-200:])


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
