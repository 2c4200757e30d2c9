#!/usr/bin/env python3
"""avouch report digest: its findings for a week, as text, JSON and mail.

usage: digest.py PROGRAM [PART-OF-A-NAME]
"""

import email
import email.policy
import os
import re
import shutil
import sys
from html.parser import HTMLParser

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [TESTS + "/cli", TESTS + "/report", TESTS + "/audit"]

import command  # noqa: E402
import mine  # noqa: E402
import samples  # noqa: E402
import zones  # noqa: E402
from command import CONFIG, OK, TEMPFAIL, USAGE  # noqa: E402
from samples import record  # noqa: E402
from suite import Suite, holds, lacks, same, true  # noqa: E402

suite = Suite()

DAY = 86400
NOW = samples.NOW

# Saves the mail and the command line; the exit status is in a file.
SENDMAIL = """#!/bin/sh
echo "$@" >>%(home)s/words
cat >>%(home)s/mails
echo ==== >>%(home)s/mails
exit $(cat %(home)s/status)
"""


class Host(mine.Mine):
    """A host with a sendmail that saves mail, and with the DNS of mine.Mine.
    """

    def __init__(self, c, name):
        super().__init__(c, name)
        self.answer(0)
        self.sendmail = self.home + "/sendmail"
        with open(self.sendmail, "w", encoding="ascii") as f:
            f.write(SENDMAIL % {"home": self.home})
        os.chmod(self.sendmail, 0o755)
        self.settings()

    def settings(self, more="", report='email = "dmarc@mx.example"'):
        with open(self.conf, "w", encoding="ascii") as f:
            f.write('sign { keys = "%s" %s }\nreport { store = "%s" sendmail = '
                    '"%s" %s }\n' % (self.keys, more, self.store, self.sendmail,
                                     report))

    def answer(self, status):
        with open(self.home + "/status", "w", encoding="ascii") as f:
            f.write("%d\n" % status)

    def reports(self, days, domain="a.example", **how):
        """Reads reports; days: {days before today: records}."""
        folder = self.home + "/read"
        os.mkdir(folder)
        for day, records in days.items():
            with open("%s/%d.xml" % (folder, day), "w", encoding="utf-8") as f:
                f.write(samples.report(day, records, domain=domain, **how))
        self.c.run("report", "read", "--store", self.store, folder)
        shutil.rmtree(folder)

    def digest(self, *options, now=NOW, status=OK):
        zone = self.c.file("digest.zone", "$TTL 300\n" + zones.WORLD + "".join(
            "\n".join(lines) + "\n" for lines in self.zones.values()))
        return self.c.run("report", "digest", "--config", self.conf, "--zone", zone,
                          "--now", str(now), *options, status=status)

    def json(self, *options, **how):
        return self.digest("--json", *options, **how).json()

    def mails(self):
        """Returns [(command line, message)] of the mail sent since the
        previous call."""
        try:
            with open(self.home + "/words", encoding="ascii") as f:
                words = f.read().splitlines()
            with open(self.home + "/mails", "rb") as f:
                mails = f.read().split(b"====\n")[:-1]
        except FileNotFoundError:
            return []
        os.remove(self.home + "/words")
        os.remove(self.home + "/mails")
        return [(w, email.message_from_bytes(m, policy=email.policy.default))
                for w, m in zip(words, mails)]


def found(result):
    """Returns {section: [(domain, what)]} of the sections that are not empty.
    """
    return {name: [(i["domain"], i["what"]) for i in items]
            for name, items in result["sections"].items() if items}


def good(count=200):
    return record("192.0.2.1", count, domain="a.example")


def esp(count, aligned):
    """Mail of a service, which signs for the domain or only for itself."""
    return record("198.51.100.20", count, domain="a.example",
                  dkim="pass" if aligned else "fail", spf="fail",
                  signed=[("a.example" if aligned else "esp.example", "pass")],
                  envelope="bounce.esp.example", spf_result="pass")


def spoof(count):
    return record("203.0.113.66", count, domain="a.example", dkim="fail",
                  spf="fail", envelope="a.example", spf_result="softfail")


def lists(count):
    return record("203.0.113.9", count, domain="a.example", dkim="fail", spf="fail",
                  signed=[("a.example", "fail")], envelope="lists.example",
                  spf_result="pass", reason="mailing_list")


def days(first, last, *records):
    return {day: list(records) for day in range(first, last - 1, -1)}


def small(count, aligned):
    """Mail from many senders for the domain itself, each of them small."""
    return [record("198.51.100.%d" % n, count, domain="a.example",
                   dkim="pass" if aligned else "fail", spf="fail",
                   signed=[("a.example" if aligned else "x%d.example" % n, "pass")],
                   envelope="b.x%d.example" % n, spf_result="pass")
            for n in range(30, 50)]


# name: (reports by day, {section: expected text}) without steps and todo
SITUATIONS = {
    "nothing": ([days(30, 2, good())], {}),
    "a service that passes is new": (
        [days(30, 7, good()), days(6, 2, good(), esp(30, True))],
        {"new": r"esp\.example .*: 150 messages since 2026-02-04, 100.0 % pass; "
                "probably yours"}),
    "a service that fails is new": (
        [days(30, 7, good()), days(6, 2, good(), esp(30, False))],
        {"new": r"esp\.example .*: 150 messages since 2026-02-04, 0.0 % pass; "
                "authenticates as another domain: is it yours"}),
    "a service that was new two weeks ago": (
        [days(30, 15, good()), days(14, 2, good(), esp(30, True))], {}),
    "new on the last two days: later": (
        [days(30, 2, good()), days(1, 0, good(), esp(30, True))], {}),
    "a spoofer is not a new sender": (
        [days(30, 7, good()), days(6, 2, good(), spoof(3))], {}),
    "a wave of spoofing is not a drop": (
        [days(30, 7, good()), days(6, 2, good(), spoof(900))], {}),
    "a list that is new": (
        [days(30, 7, good()), days(6, 2, good(), lists(30))],
        {"new": "forwards your mail"}),
    "a service begins to fail": (
        [days(30, 9, good(), esp(50, True)), days(8, 2, good(), esp(50, False))],
        {"failing": r"0\.0 % of 350 messages pass; the week before: 100\.0 % of "
                    "350"}),
    "many small senders begin to fail": (
        [days(30, 9, good(), *small(3, True)), days(8, 2, good(), *small(1, False))],
        {"failing": "less of the domain's own mail passes: 90.9 % of 1540 messages "
                    "pass; the week before: 100.0 % of 1820"}),
    "a service is fixed": (
        [days(30, 8, good(), esp(50, False)), days(7, 2, good(), esp(50, True))],
        {"fixed": r"failed before, and has passed since 2026-02-03"}),
    "a service that was fixed three weeks ago": (
        [days(30, 22, good(), esp(50, False)), days(21, 2, good(), esp(50, True))],
        {}),
    "another policy": (
        [days(30, 9, good()), ("quarantine", days(8, 2, good()))],
        {"policies": "receivers see p=quarantine; before, it was p=none"}),
    "another policy two weeks ago": (
        [days(30, 15, good()), ("quarantine", days(14, 2, good()))], {}),
}


def situation(name):
    @suite.test("a week: " + name)
    def run(c):
        parts, want = SITUATIONS[name]
        host = Host(c, re.sub(r"\W", "", name))
        for part in parts:
            p, part = part if isinstance(part, tuple) else ("none", part)
            host.reports(part, p=p)
        result = host.json()
        same((result["from"], result["to"]), ("2026-02-02", "2026-02-08"))
        got = {k: v for k, v in found(result).items() if k not in ("todo", "steps")}
        for section, items in got.items():
            true(section in want, "%s: %s" % (section, items))
        for section, pattern in want.items():
            true(any(domain == "a.example" and re.search(pattern, what)
                     for domain, what in got.get(section, ())),
                 "%s is not in %s" % (pattern, found(result)))
        same(result["news"], bool(want), "news")
        text = host.digest().out
        same("Nothing new" in text, not want, text)
        same(host.digest("--quiet").out == "", not want, "--quiet")


for each in SITUATIONS:
    situation(each)


@suite.test("a week: own mail is lost, which is urgent; the next steps")
def advice(c):
    host = Host(c, "advice")
    host.reports(days(30, 2, good(), esp(60, False)), p="reject")
    host.reports({d: [record("192.0.2.7", 99, domain="b.example")]
                  for d in range(30, 1, -1)}, domain="b.example")
    sections = found(host.json())
    same([d for d, _ in sections["urgent"]], ["a.example"])
    same([d for d, _ in sections["steps"]], ["b.example"])
    text = host.digest().out
    for part in ("Your own mail is being lost\n----", "* a.example: ", "Possible next steps",
                 "       693 100.0 % 100.0 %  none        b.example",
                 "Failing: esp.example (420 of 420)."):
        holds(text, part)
    true(max(len(line) for line in text.split("\n")) <= 78, text)
    # urgent: reported although nothing changed
    holds(host.digest("--quiet").out, "Your own mail is being lost")


@suite.test("a report cannot change the advice, or invent a policy")
def policy(c):
    host = Host(c, "policy")
    for org in ("One", "Two"):
        host.reports(days(30, 2, good(), esp(60, False)), p="reject", org=org)
    host.reports(days(2, 2, good(0)), org="Forged")
    host.reports(days(2, 2, good(1)), org="Forged too")
    result = host.json()
    same([d for d, _ in found(result)["urgent"]], ["a.example"])
    same(result["domains"][0]["p"], "reject")
    word = "reject;see=https://evil.example/fix"
    host.reports(days(30, 2, good()), domain="b.example", p="none")
    host.reports(days(5, 2, good()), domain="b.example", p=word, org="Evil")
    host.reports(days(5, 2, good()), domain="c.example", p=word)
    host.reports(days(30, 9, good()), domain="c.example", p="none")
    result = host.json()
    lacks(found(result), "policies")
    lacks(str(result), "evil")
    same({d["domain"]: d["p"] for d in result["domains"]},
         {"a.example": "reject", "b.example": "none", "c.example": "none"})


@suite.test("keys that are due, and what the audit found since the last digest")
def keys_and_audit(c):
    host = Host(c, "audit")
    host.reports(days(30, 2, good()))
    os.mkdir(host.keys + "/k.example")
    shutil.copy(command.signing.Key("rsa", c.home).path,
                host.keys + "/k.example/old.pem")
    with open(host.keys + "/k.example/selectors", "w", encoding="ascii") as f:
        f.write("old created=%d imported=1\n" % (NOW - 200 * DAY))
    host.zone("a.example", mine.GOOD)
    host.zone("k.example", mine.GOOD, key="old")
    host.zone("bad.example", mine.GOOD)
    host.key("bad.example", "gone")
    first = found(host.json())
    holds(first.pop("todo"), ("bad.example", "1 error in its DNS records"))
    same(first.keys() - {"steps"}, {"keys"}, "the first audit is not reported as new")
    same(first["keys"], [("k.example", "the key old is too old; run: avouch "
                          "key new DOMAIN")])
    host.zone("a.example", [zones.GOOD_SPF, *zones.MX])
    first = found(host.json(now=NOW + DAY))["audit"]
    holds(first, ("a.example", "new warning: no DMARC record applies to a.example: "
                  "receivers do not act on forged mail (_dmarc.a.example)"))
    # not mailed yet, so it is still new
    same(found(host.json(now=NOW + 2 * DAY))["audit"], first)
    host.digest("--mail", "root", now=NOW + 3 * DAY)
    lacks(found(host.json(now=NOW + 4 * DAY)), "audit")
    host.zone("a.example", mine.GOOD)
    fixed = found(host.json(now=NOW + 5 * DAY))["audit"]
    true(any(what.startswith("fixed warning") for _, what in fixed), fixed)


class Page(HTMLParser):
    """Collects the elements and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


HOSTILE = "\"><script>x</script>\x1b[31m\u202e=?utf-8?q?x?=\r\nBcc: e@evil.example"


@suite.test("the mail: header, both parts, nothing injected by a report")
def mail(c):
    host = Host(c, "mail")
    evil = record("198.51.100.21", 40, domain="a.example", dkim="fail", spf="fail",
                  signed=[("evil.example", "pass")], envelope="evil.example",
                  spf_result="pass")
    evil = evil.replace("evil.example", samples_escape(HOSTILE))
    host.reports(days(30, 7, good()))
    host.reports(days(6, 2, good(), evil, esp(30, True)))
    host.reports({3: [good()]}, domain=samples_escape(HOSTILE)[:200])
    host.digest("--mail", "postmaster@example.org")
    (words, message), = host.mails()
    same(words, "-i -f dmarc@mx.example -- postmaster@example.org")
    same(message.defects, [])
    same(message["From"], "dmarc@mx.example")
    same(message["To"], "postmaster@example.org")
    same(message["Auto-Submitted"], "auto-generated")
    same(message["Bcc"], None)
    true(re.fullmatch(r"<digest\.[0-9a-f]{32}@mx\.example>", message["Message-ID"]),
         message["Message-ID"])
    holds(message["Subject"], "Mail authentication digest: ")
    holds(message["Subject"], "new sender")
    same(message.get_content_type(), "multipart/alternative")
    text, html = message.iter_parts()
    same([p.get_content_type() for p in (text, html)], ["text/plain", "text/html"])
    text, html = text.get_content(), html.get_content()
    for line in message.as_bytes().split(b"\n"):
        true(len(line) <= 998 and re.fullmatch(rb"[\x20-\x7e]*", line), line)
    holds(text, "esp.example (from its envelope address)")
    page = Page(html)
    holds(page.text, "esp.example")
    same(page.tags - {"html", "head", "meta", "title", "body", "h1", "h2", "p", "ul",
                      "li", "b", "br", "span", "table", "tr", "th", "td", "code"},
         set(), "elements")
    same(page.attributes - {"style", "lang", "charset"}, set(), "attributes")
    for part in (text, html):
        lacks(part, "\x1b")
        lacks(part, "\u202e")
    # both parts list the same domains
    for line in re.findall(r"^\* (\S+):", text, re.M):
        holds(page.text, line)


def samples_escape(text):
    """Escapes text for XML, without characters that XML does not allow."""
    text = text.replace("\x1b", "").replace("&", "&amp;")
    return text.replace("<", "&lt;").replace(">", "&gt;")


@suite.test("--quiet sends nothing when nothing is new; --json says who was mailed")
def quiet(c):
    host = Host(c, "quiet")
    host.reports(days(30, 2, good()))
    host.zone("a.example", mine.GOOD)
    same(host.json("--mail", "root", "--quiet")["mailed"], None)
    same(host.mails(), [])
    same(host.json("--mail", "root")["mailed"], "root")
    (words, message), = host.mails()
    same((words, message["To"]), ("-i -f dmarc@mx.example -- root", "root"))
    same(message["Subject"].split(": ")[1][:4] != "", True)
    holds(message.get_body(("plain",)).get_content(), "Nothing new this week.")
    same(host.digest("--mail", "root").out, "", "no output")


@suite.test("a sendmail that fails: status 75, and news is reported again")
def failing(c):
    host = Host(c, "failing")
    host.reports(days(30, 2, good()))
    host.zone("a.example", mine.GOOD)
    host.json()
    host.zone("a.example", [zones.GOOD_SPF, *zones.MX])
    host.answer(75)
    r = host.digest("--mail", "root", now=NOW + DAY, status=TEMPFAIL)
    holds(r.err, "could not be sent: sendmail exited with status 75")
    host.answer(0)
    host.mails()
    holds(found(host.json("--mail", "root", now=NOW + 2 * DAY)), "audit")


@suite.test("missing and invalid addresses, settings and stores")
def errors(c):
    host = Host(c, "errors")
    for bad in ("", "-oQ/tmp", "a b@example.org", "a@b", "a@example.org,b@example.org",
                "|cat", "a@example.org\nBcc: b@example.org", ".x", "a!b", "x" * 65):
        holds(host.digest("--mail", bad, status=USAGE).err, "must be an address")
    host.settings(report="")
    holds(host.digest("--mail", "root", status=CONFIG).err, "email = ... } is not set")
    host.settings()
    holds(host.digest(status=TEMPFAIL).err, "reports.db")  # nothing has been stored yet
    c.run("report", "digest", "--mail", "x", "extra", status=USAGE)
    # neither a store nor keys
    with open(host.conf, "w", encoding="ascii") as f:
        f.write('sign { keys = "%s" }\n' % host.keys)
    holds(host.digest().out, "Nothing new this week.")


@suite.test("items beyond the limit of a digest are counted")
def many(c):
    host = Host(c, "many")
    host.reports(days(30, 7, good()))
    host.reports(days(6, 2, good(), *(
        record("198.51.100.%d" % n, 5, domain="a.example", dkim="fail", spf="fail",
               signed=[("s%d.example" % n, "pass")], envelope="b.s%d.example" % n,
               spf_result="pass") for n in range(30, 60))))
    same(len(found(host.json())["new"]), 10, "of one domain")
    holds(host.digest().out, "* and 20 more\n")
    host.digest("--mail", "root")
    holds(host.mails()[0][1]["Subject"], "30 new senders")


@suite.test("reports about other domains do not displace our own")
def displaced(c):
    host = Host(c, "displaced")
    folder = host.home + "/forged"
    os.mkdir(folder)
    for n in range(210):
        name = "f%03d.example" % n
        with open("%s/%d.xml" % (folder, n), "w", encoding="utf-8") as f:
            f.write(samples.report(3, [record(
                "192.0.2.%d" % n, 10**6, domain=name)], domain=name))
    c.run("report", "read", "--store", host.store, folder)
    host.reports(days(30, 2, good(), esp(60, False)), p="reject")
    host.reports(days(3, 3, record("192.0.2.1", 5, domain="k.example")),
                 domain="k.example")
    result = host.json()
    same(result["domains"][0]["domain"], "a.example", "most reports")
    same((len(result["domains"]), [d for d, _ in found(result)["urgent"]]),
         (200, ["a.example"]))
    lacks([d["domain"] for d in result["domains"]], "k.example")
    host.key("mail.k.example")
    same([d["domain"] for d in host.json()["domains"]][:2],
         ["k.example", "a.example"])


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
