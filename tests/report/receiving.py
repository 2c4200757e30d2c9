#!/usr/bin/env python3
"""Received TLS reports (RFC 8460) and failure reports (RFC 6591): what is read
from them, and the output of `avouch report show`.

usage: receiving.py PROGRAM [PART-OF-A-NAME]
"""

import json
import os
import shutil
import sqlite3
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/milter", ROOT + "/tests/report"]

from reading import Lab, page  # noqa: E402
from samples import (failure, gzipped, mail, record, report,  # noqa: E402
                     smime, tls, tls_mail, tls_policy, zipped)
from suite import Suite, holds, lacks, same, true  # noqa: E402

suite = Suite()

EXPIRED = ("certificate-expired", 30, "mx1.example.com")
ABSENT = ("starttls-not-supported", 70, "mx2.example.com")


def shown(c, store, *words):
    status, out, err = c.run("show", "--json", "--store", store, *words)
    same((status, err), (0, ""))
    return json.loads(out)


def texts_of(store):
    """Returns all strings of the store as one."""
    with sqlite3.connect(store) as db:
        return "\n".join(
            str(value) for table in ("received_tls", "received_tls_result",
                                     "received_failure")
            for row in db.execute("SELECT * FROM " + table) for value in row)


@suite.test("a TLS report: JSON, gzip, ZIP, S/MIME, in a message; stored once")
def tls_forms(c):
    store = c.store()
    one = tls(1, [tls_policy([EXPIRED])])
    plain = json.dumps(one).encode()
    output = c.read(store, c.file("plain.json", plain))
    same((output["status"], output["tls"], output["stored"]), (0, 1, 0), output["err"])
    output = c.read(store, c.file("a.gz", gzipped(plain)), c.file(
        "b.zip", zipped(("x.json", plain))), c.file("c", tls_mail(one)),
        c.file("d", tls_mail(one, packed=False)), c.file(
            "e", smime(tls_mail(one))), c.file("f", b"\xef\xbb\xbf" + plain),
        c.file("both.zip", zipped(("r.xml", report(1, [record(
            "192.0.2.1", 5)])), ("r.json", plain))))
    same((output["status"], output["tls"], output["stored"], output["known"]),
         (0, 0, 1, 7), output["err"])
    output = c.read(store, c.file("g", tls_mail(tls(2, [tls_policy()]))),
                  c.file("h", tls_mail(tls(1, [tls_policy()], org="Other"))))
    same((output["status"], output["tls"], output["known"]), (0, 2, 0))
    # some reporters use one id for all domains
    other = tls(1, [tls_policy(domain="two.example")])
    output = c.read(store, c.file("i", tls_mail(other)), c.file("j", tls_mail(other)))
    same((output["status"], output["tls"], output["known"]), (0, 1, 1))


@suite.test("show: TLS sessions by domain and result, and how to fix them")
def tls_shown(c):
    store = c.store()
    for day in (1, 2):
        c.read(store, c.file("tls%d" % day, tls_mail(tls(day, [
            tls_policy([EXPIRED, ABSENT], failed=110),
            tls_policy(domain="dane.example", kind="tlsa", passed=5)]))))
    output = shown(c, store)["tls"]
    same([(d["domain"], d["sessions"], d["with_tls"]) for d in output],
         [("dane.example", 10, 10), ("example.com", 2020, 1800)])
    same([(r["result"], r["sessions"], r["server"], r["last"])
          for r in output[1]["rows"]], [
              ("success", 1800, "", "2026-02-09"),
              ("starttls-not-supported", 140, "mx2.example.com", "2026-02-09"),
              ("certificate-expired", 60, "mx1.example.com", "2026-02-09"),
              ("unspecified", 20, "", "2026-02-09")])
    same([d["domain"] for d in shown(c, store, "--domain", "dane.example")[
        "tls"]], ["dane.example"])
    same(shown(c, store, "--days", "1")["tls"], [])
    _, out, _ = c.run("show", "--store", store)
    holds(out, "TLS REPORTS\ndane.example   10 sessions, 100.0 % with TLS\n")
    holds(out, "example.com   2020 sessions, 89.1 % with TLS\n")
    holds(out, "The certificate has expired. Renew it")
    _, text = page(c, store)
    holds(text, "<h2>TLS reports</h2>")
    holds(text, "example.com: 2020 sessions, 89.1 % with TLS")
    holds(text, "The server did not offer STARTTLS.")


@suite.test("TLS reports with the errors of some senders")
def tls_odd(c):
    for change, want in (
            (lambda r: r["policies"][0].update({"failure-details": None}),
             [("success", 900), ("unspecified", 30)]),
            (lambda r: r["policies"][0].pop("summary"),
             [("certificate-expired", 30), ("success", 0)]),
            (lambda r: r["policies"][0].update(
                {"failure-details": r["policies"][0]["failure-details"][0]}),
             [("success", 900), ("certificate-expired", 30)]),
            (lambda r: r["policies"][0]["summary"].update(
                {"total-successful-session-count": "900",
                 "total-failure-session-count": 31.0}),
             [("success", 900), ("certificate-expired", 30),
              ("unspecified", 1)]),
            (lambda r: r.update({"organization-name": None,
                                 "contact-info": ["a", "b"]}),
             [("success", 900), ("certificate-expired", 30)]),
            (lambda r: r["date-range"].pop("end-datetime"),
             [("success", 900), ("certificate-expired", 30)])):
        store = c.store()
        one = tls(1, [tls_policy([EXPIRED])])
        change(one)
        output = c.read(store, c.file("odd", tls_mail(one)))
        same((output["status"], output["tls"]), (0, 1), output["err"])
        same([(r["result"], r["sessions"])
              for r in shown(c, store)["tls"][0]["rows"]], want)


def tls_hostile():
    """Yields name, file, part of the error."""
    good = tls(1, [tls_policy([EXPIRED])])
    text = json.dumps(good)

    def changed(path, value):
        one = json.loads(text)
        at = one
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
        return json.dumps(one)

    summary = ["policies", 0, "summary", "total-successful-session-count"]
    yield "cut off", text[:-5], "not valid JSON, or it was cut off"
    yield "not UTF-8", text.encode().replace(b"Receiver", b"\xff"), "not valid"
    yield "deep", '{"policies":' + "[" * 100000, "16 levels deep"
    yield "many", '{"a":[' + "0," * 600000 + "0]}", "500000 values"
    yield "large", '{"a":"' + "x" * (17 << 20) + '"}', "16 MiB of JSON"
    yield "other", '{"a": 1}', "not a TLS report: it has no"
    yield "no date", changed(["date-range"], {}), "its date range is missing"
    yield "no domain", changed(["policies", 0, "policy"], {}), "is missing"
    yield "negative", changed(summary, -1), "is not plausible"
    yield "huge", changed(summary, 10 ** 18), "is not plausible"
    yield "a text", changed(summary, "many"), "is not a valid number"
    yield "a half", changed(summary, 1.5), "is not a valid number"
    yield "policies", changed(["policies"], [{}] * 1001), "1000 policies"
    yield "results", changed(["policies", 0, "failure-details"], [
        {"failed-session-count": 1}] * 10001), "10000 results"
    yield "future", changed(["date-range", "start-datetime"],
                            "2099-01-01T00:00:00Z").replace(
                                '"end-datetime"', '"x"'), "in the future"


@suite.test("hostile JSON is rejected with a reason and 65, and not stored")
def tls_refused(c):
    for name, data, want in tls_hostile():
        store = c.store()
        output = c.read(store, c.file("hostile.json", data))
        same((output["status"], output["tls"]), (65, 0), name)
        holds(output["err"], want)
        same(texts_of(store), "", name)


@suite.test("JSON that is not a TLS report, together with a report")
def json_beside(c):
    for data in (b'{"a": 1}', b'{"policies": 1}'):
        output = c.read(c.store(), c.file("beside.zip", zipped(
            ("package.json", data), ("r.xml", report(1, [])))))
        same((output["status"], output["stored"]), (0, 1), output["err"])
    output = c.read(c.store(), c.file(
        "text", b"Subject: x\nContent-Type: text/plain\n\n{not json}\n"))
    holds(output["err"], "a message without a report")


@suite.test("a failure report: data that identifies a person is not stored")
def failures(c):
    store = c.store()
    output = c.read(store, c.file("f1", failure()))
    same((output["status"], output["failures"], output["stored"]), (0, 1, 0),
         output["err"])
    text = texts_of(store)
    for word in ("alice", "bob", "secret", "words"):
        lacks(text, word)
    row = shown(c, store)["failures"][0]["rows"][0]
    same((row["source"], row["failed"], row["alignment"], row["delivery"],
          row["mail_from"], row["dkim_domain"], row["dkim_selector"],
          row["reporter"], row["messages"], row["last"]),
         ("192.0.2.66", "dmarc", "none", "reject", "bounce.example.com",
          "other.example", "s1", "reporter.example", 1, "2026-02-09"))
    same(row["results"], "mx.receiver.example; dmarc=fail "
         "header.from=example.com; spf=fail "
         "smtp.mailfrom=@bounce.example.com")


@suite.test("failure reports: each once, counted by source, shown")
def failures_shown(c):
    store = c.store()
    paths = [c.file("g%d" % n, failure(day=1 + n % 3, source="192.0.2.%d" % (
        n % 2), text="Subject: %d\n\nx%d\n" % (n, n))) for n in range(8)]
    output = c.read(store, *paths)
    same((output["failures"], output["known"]), (8, 0))
    again = c.file("again", b"Received: by another\n" + failure(
        day=1, source="192.0.2.0", text="Subject: 0\n\nx0\n"))
    output = c.read(store, *paths, again)
    same((output["failures"], output["known"]), (0, 9))
    output = c.read(c.store(), *(c.file("spam%d" % n, failure(
        text="Subject: %d\n\nthe same body\n" % n)) for n in range(2)))
    same((output["failures"], output["known"]), (2, 0))
    c.read(store, c.file("many", failure(
        source="192.0.2.9", more="Incidents: 1,200\nReporting-MTA: dns; "
        "mx.big.example\n")))
    output = shown(c, store)["failures"]
    same([(r["source"], r["messages"], r["reporter"])
          for r in output[0]["rows"]],
         [("192.0.2.9", 1200, "mx.big.example"),
          ("192.0.2.0", 4, "reporter.example"),
          ("192.0.2.1", 4, "reporter.example")])
    same(output[0]["messages"], 1208)
    _, out, _ = c.run("show", "--store", store)
    holds(out, "FAILURE REPORTS\nexample.com   1208 messages failed\n")
    _, text = page(c, store)
    holds(text, "<h2>Failure reports</h2>")
    holds(text, "<td class=\"t\">192.0.2.9</td>")


@suite.test("feedback that is not a failure report; the content of one")
def feedback(c):
    output = c.read(c.store(), c.file("abuse", failure(kind="abuse")))
    same((output["status"], output["failures"]), (65, 0))
    holds(output["err"], "a message without a report")
    output = c.read(c.store(), c.file("nameless", failure(domain="").replace(
        b"alice@bounce.example.com", b"").replace(
            b"DKIM-Domain: other.example\n", b"")))
    holds(output["err"], "without a Reported-Domain")
    inner = mail(gzipped(report(1, [record("192.0.2.1", 5)]))).decode()
    output = c.read(c.store(), c.file("enclosed", failure(
        text=inner.split("\n", 1)[1])))
    same((output["failures"], output["stored"]), (1, 0), output["err"])


@suite.test("a report of ours that bounced is not read as a received one")
def returned(c):
    inner = mail(gzipped(report(1, [record("192.0.2.1", 5)]))).decode()
    status = ("Content-Type: message/%sdelivery-status\n\nReporting-MTA: dns; "
              "mx.far.example\n\nFinal-Recipient: rfc822; d@far.example\n"
              "Action: failed\nStatus: 5.1.1\n\n")
    for kind in ("", "global-"):
        output = c.read(c.store(), c.file("dsn", (
            "From: MAILER-DAEMON\nMIME-Version: 1.0\nContent-Type: "
            "multipart/report; report-type=delivery-status; boundary=d\n\n"
            "--d\n\nSorry.\n--d\n%s--d\nContent-Type: message/rfc822\n\n"
            "%s\n--d--\n") % (status % kind, inner)))
        same((output["status"], output["stored"]), (65, 0))
        holds(output["err"], "a message without a report")


@suite.test("untrusted control characters, markup and formulas are escaped")
def escaped(c):
    store = c.store()
    word = "<script>\x1b[31m\u202e\"'&"
    output = c.read(store, c.file("evil", tls_mail(tls(1, [tls_policy(
        [(word, 5, word)], kind=word, domain="a" + word)], org=word,
        number=word))), c.file("evil2", failure(
            domain="b" + word, more="X: y").replace(
                b"Auth-Failure: dmarc", b"Auth-Failure: " + word.encode())))
    same((output["tls"], output["failures"]), (1, 1), output["err"])
    for words in ((), ("--json",)):
        status, out, _ = c.run("show", "--store", store, *words)
        same(status, 0)
        true(all(ch == "\n" or ch.isprintable() for ch in out), repr(out))
    _, text = page(c, store)
    lacks(text, "<script")
    holds(text, "&lt;script&gt;")
    true("\x1b" not in text and "\u202e" not in text, "controls")


@suite.test("many domains and rows: output is limited, and omissions are counted")
def bounded(c):
    store = c.store()
    c.read(store, c.file("wide", tls_mail(tls(1, [
        tls_policy([("r%d" % n, n + 1, "mx") for n in range(80)]),
        *(tls_policy(domain="d%04d.example" % n) for n in range(999))]))))
    c.read(store, c.file("wider", tls_mail(tls(1, [tls_policy(
        domain="z%d.example" % n) for n in range(5)], org="Other"))))
    output = shown(c, store)
    same((len(output["tls"]), output["tls_left_out"]), (1000, 5))
    domain = [d for d in output["tls"] if d["domain"] == "example.com"][0]
    same((len(domain["rows"]), domain["rows_left_out"]), (50, 31))
    same(domain["sessions"], 900 + 80 * 81 // 2)
    _, out, _ = c.run("show", "--store", store)
    holds(out, "  and 61 more; --json lists 50\n")
    holds(out, "\nand 5 more\n")
    # more reports, and our own domain
    c.read(store, c.file("again", tls_mail(tls(2, [
        tls_policy(domain="z1.example")], org="Other"))))
    conf = c.file("keys.conf", ('sign { keys = "%s/keys" }\n' % c.home).encode())
    os.makedirs(c.home + "/keys/z3.example")
    output = shown(c, store, "--config", conf)
    same([d["domain"] for d in output["tls"]][:2], ["z3.example", "z1.example"])
    same((len(output["tls"]), output["tls_left_out"]), (1000, 5))


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
