#!/usr/bin/env python3
"""False alarms that other tools are known for: none must occur here.

usage: false_alarms.py PROGRAM [PART-OF-A-NAME]
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "cli"))

import command  # noqa: E402
from auditing import audit, filled, found, serious  # noqa: E402
from command import MESSAGE, NOW, TEMPFAIL  # noqa: E402
from suite import Suite, holds, lacks, same, true  # noqa: E402
from zones import GOOD_DMARC, GOOD_KEY, GOOD_SPF, MX  # noqa: E402

suite = Suite()

DOMAIN = "alarm.example"


def run(c, lines, *options, **more):
    return audit(c, DOMAIN, filled(c, DOMAIN, lines), options, **more)


def quiet(result):
    """No findings except hints."""
    same([f for f in found(result) if not f.startswith("hint ")], [],
         "findings")
    same(result["grades"], {"arrive": "A", "spoof": "A"}, "grades")


@suite.test("1: neither ~all nor -all is an error for a domain with DMARC")
def all_terms(c):
    for end in ("~all", "-all"):
        quiet(run(c, ['@. IN TXT "v=spf1 mx %s"' % end, GOOD_DMARC, GOOD_KEY,
                      *MX]))


@suite.test("2: a selector that cannot be guessed is a hint")
def not_guessed(c):
    hidden = GOOD_KEY.replace("s1.", "xk3jq9.")
    result = run(c, [GOOD_SPF, GOOD_DMARC, hidden, *MX])
    same(serious(result), ["hint dkim.no-key-found"], "findings")
    quiet(result)
    quiet(run(c, [GOOD_SPF, GOOD_DMARC, hidden, *MX], "--selector", "xk3jq9"))


@suite.test("3: a wildcard is not a key for every selector")
def wildcard(c):
    result = run(c, [GOOD_SPF, GOOD_DMARC, *MX,
                     '*._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY"'])
    same((serious(result), result["keys"]), (["hint dkim.wildcard"], []), "key")
    result = run(c, [GOOD_SPF, GOOD_DMARC, *MX, '*.@. IN TXT "anything"'])
    same(serious(result), ["hint dkim.no-key-found"], "another TXT")


@suite.test("4: a domain that sends no mail needs no key")
def sends_nothing(c):
    for lines in (['@. IN TXT "v=spf1 -all"', *MX,
                   '_dmarc.@. IN TXT "v=DMARC1; p=reject"'],
                  ["@. IN A 192.0.2.80",
                   '_dmarc.@. IN TXT "v=DMARC1; p=reject"']):
        true(not [f for f in found(run(c, lines)) if "dkim" in f], lines)


@suite.test("5: a null MX is not recommended for a domain that sends")
def null_mx(c):
    result = run(c, ['@. IN TXT "v=spf1 a ~all"', "@. IN A 192.0.2.1",
                     GOOD_DMARC, GOOD_KEY])
    quiet(result)
    true(not any("MX 0 ." in p for f in result["findings"]
                 for p in f["publish"]), "null MX")


REPORTS = '_dmarc.@. IN TXT "v=DMARC1; p=reject; rua=mailto:d@reports.example"'
CONSENT = "_report._dmarc.reports.example. IN TXT "


@suite.test("6: consent to reports with and without a semicolon")
def consent(c):
    for text in ("v=DMARC1", "v=DMARC1;", "v=DMARC1; "):
        quiet(run(c, [GOOD_SPF, GOOD_KEY, *MX, REPORTS,
                      "@." + CONSENT + '"%s"' % text]))


@suite.test("7: consent by a wildcard")
def consent_wildcard(c):
    quiet(run(c, [GOOD_SPF, GOOD_KEY, *MX, REPORTS,
                  "*." + CONSENT + '"v=DMARC1"']))


@suite.test("8: no consent is needed within one organizational domain")
def consent_inside(c):
    quiet(audit(c, "news." + DOMAIN, filled(c, DOMAIN, [
        'news.@. IN TXT "v=spf1 mx ~all"', "news.@. IN MX 10 mx.@.",
        's1._domainkey.news.@. IN TXT "v=DKIM1; k=rsa; p=KEY"',
        "mx.@. IN A 192.0.2.1", "@. IN MX 10 mx.@.",
        '_dmarc.news.@. IN TXT "v=DMARC1; p=reject; rua=mailto:d@@"',
        '_dmarc.@. IN TXT "v=DMARC1; p=reject; rua=mailto:d@@"'])))


@suite.test("9: lookups and void lookups are not overcounted")
def counts(c):
    # four MX hosts are one term; a host without IPv6 is void only for IPv6;
    # a:host/24 is a host
    result = run(c, ['@. IN TXT "v=spf1 mx a:w.@/24 include:_spf.google.com '
                     '~all"', GOOD_DMARC, GOOD_KEY,
                     *["@. IN MX %d m%d.@." % (n, n) for n in range(4)],
                     *["m%d.@. IN A 192.0.2.%d" % (n, n + 1)
                       for n in range(4)], "w.@. IN A 192.0.2.20"])
    quiet(result)
    same(result["spf_lookups"], 6, "lookups")
    # an include without a match for the client is not void
    quiet(run(c, ['@. IN TXT "v=spf1 include:spf.protection.outlook.com '
                  'include:sendgrid.net include:amazonses.com ~all"',
                  GOOD_DMARC, GOOD_KEY, *MX]))


@suite.test("10: a DNS failure is not a missing record: no grade, status 75")
def dns_failure(c):
    good = [GOOD_SPF, GOOD_DMARC, GOOD_KEY, *MX]
    for name, type_ in (("@", "TXT"), ("_dmarc.@", "TXT"), ("@", "MX"),
                        ("mx.@", "A"), ("_mta-sts.@", "TXT")):
        for fault in ("servfail", "timeout", "refused"):
            result = run(c, good + [";!failed %s. %s %s" % (
                name, type_, fault)], status=TEMPFAIL)
            same(result["grades"], {"arrive": None, "spoof": None}, name)
            same([f for f in serious(result) if "hint" not in f], [], name)
            true({"name": name.replace("@", DOMAIN), "type": type_,
                  "error": fault} in result["could_not_ask"],
                 result["could_not_ask"])
    # a policy of MTA-STS may exist; an included domain may not be registered
    for more in ([GOOD_SPF, '_mta-sts.@. IN TXT "v=STSv1; id=1"',
                  ";!failed mta-sts.@. A timeout",
                  ";!failed mta-sts.@. AAAA timeout"],
                 ['@. IN TXT "v=spf1 mx include:spf.expired-shop.com ~all"',
                  ";!failed expired-shop.com. NS servfail"]):
        result = run(c, [*more, GOOD_DMARC, GOOD_KEY, *MX], status=TEMPFAIL)
        same(result["grades"], {"arrive": None, "spoof": None}, more)
        true(result["could_not_ask"], more)
    # if the query for a guessed selector fails, it is only listed
    result = run(c, good + [";!failed k2._domainkey.@. TXT timeout"])
    quiet(result)
    same(len(result["could_not_ask"]), 1, "could not ask")


@suite.test("11: aliased keys and records; an unused selector2")
def aliases(c):
    quiet(run(c, ['@. IN TXT "v=spf1 include:spf.protection.outlook.com ~all"',
                  "_dmarc.@. IN CNAME @._dmarc.agency.example.",
                  '@._dmarc.agency.example. IN TXT "v=DMARC1; p=reject; '
                  'rua=mailto:d@agrees.example"', *MX,
                  "selector1._domainkey.@. IN CNAME s1.tenant.example.",
                  's1.tenant.example. IN TXT "v=DKIM1; k=rsa; p=KEY"',
                  "selector2._domainkey.@. IN CNAME s2.tenant.example."]))


@suite.test("12: other TXT records beside the DMARC record are ignored")
def other_txt(c):
    result = run(c, [GOOD_SPF, GOOD_DMARC, GOOD_KEY, *MX,
                     '_dmarc.@. IN TXT "verification=abc"',
                     '@. IN TXT "MS=ms12345678"'])
    same(serious(result), [], "findings")


@suite.test("13: np, psd and t are DMARC tags")
def new_tags(c):
    result = run(c, [GOOD_SPF, GOOD_KEY, *MX,
                     '_dmarc.@. IN TXT "v=DMARC1; p=reject; sp=reject; '
                     'np=reject; psd=n; t=n; rua=mailto:d@@"'])
    same(serious(result), [], "findings")


@suite.test("14: no finding about pct=100, and the one about p=none mentions reports")
def nagging(c):
    quiet(run(c, [GOOD_SPF, GOOD_KEY, *MX,
                  '_dmarc.@. IN TXT "v=DMARC1; p=reject; pct=100; '
                  'rua=mailto:d@@"']))
    result = run(c, [GOOD_SPF, GOOD_KEY, *MX,
                     '_dmarc.@. IN TXT "v=DMARC1; p=none; rua=mailto:d@@"'])
    same(serious(result), ["warning dmarc.monitoring"], "p=none")
    holds(result["findings"][0]["fix"], "When the reports show")
    same(result["grades"]["arrive"], "A", "mail arrives")


@suite.test("15: a server that says NXDOMAIN for _domainkey, but has the selector")
def empty_non_terminal(c):
    result = run(c, ['@. IN TXT "v=spf1 include:_spf.google.com ~all"',
                     "@. IN MX 1 aspmx.l.google.com.", GOOD_DMARC,
                     'google._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY"',
                     ";!nxdomain _domainkey.@. TXT"])
    quiet(result)
    same([k["selector"] for k in result["keys"]], ["google"], "keys")
    quiet(run(c, [GOOD_SPF, GOOD_DMARC, GOOD_KEY, *MX,
                  ";!nxdomain _domainkey.@. TXT"], "--selector", "s1"))


@suite.test("16: without MTA-STS, TLS-RPT, DANE, BIMI and DNSSEC: hints at most")
def optional(c):
    result = run(c, [GOOD_SPF, GOOD_DMARC, GOOD_KEY, *MX])
    quiet(result)
    true(all(f["severity"] == "hint" for f in result["findings"]), "hints")


@suite.test("17: no rule that no receiver enforces, such as a List-Id")
def invented(c):
    path = c.file("bulk.eml", MESSAGE.replace(
        b"Subject:", b"List-Unsubscribe: <mailto:u@example.com>\r\nSubject:"))
    out = c.run("audit", "--message", path, "--zone", c.zone, "--now", NOW).out
    lacks(out.lower(), "list-id")
    holds(out, "List-Unsubscribe-Post")


@suite.test("18: a resolver that does not validate: reported once, no DANE errors")
def not_validating(c):
    result = run(c, [GOOD_SPF, GOOD_DMARC, GOOD_KEY, *MX,
                     "@. IN MX 20 mx2.@.", "mx2.@. IN A 192.0.2.2",
                     "_25._tcp.mx.@. IN TLSA 3 1 1 " + "ab" * 32,
                     "_25._tcp.mx2.@. IN TLSA 3 1 1 " + "cd" * 32])
    same(serious(result), ["hint dnssec.not-validated"], "findings")
    quiet(result)


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
