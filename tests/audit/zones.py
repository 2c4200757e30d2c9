"""Domains for tests/audit/domain.py: lines of a master file, and the findings
expected for them.  @ is the domain; KEY, KEY1024 and KEY512 are RSA keys.
"""

GOOD_SPF = '@. IN TXT "v=spf1 mx ~all"'
GOOD_DMARC = '_dmarc.@. IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@@"'
GOOD_KEY = 's1._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY"'
MX = ["@. IN MX 10 mx.@.", "mx.@. IN A 192.0.2.1"]
TLSRPT = '_smtp._tls.@. IN TXT "v=TLSRPTv1; rua=mailto:tls@@"'
PARKED = ['@. IN TXT "v=spf1 -all"', "@. IN MX 0 .",
          '_dmarc.@. IN TXT "v=DMARC1; p=reject"']

# Domains of services that others include.
WORLD = """
_spf.google.com. IN TXT "v=spf1 include:_netblocks.google.com include:_netblocks2.google.com include:_netblocks3.google.com ~all"
_netblocks.google.com. IN TXT "v=spf1 ip4:35.190.247.0/24 ip4:64.233.160.0/19 ip4:74.125.0.0/16 ip4:209.85.128.0/17 ~all"
_netblocks2.google.com. IN TXT "v=spf1 ip6:2001:4860:4000::/36 ip6:2404:6800:4000::/36 ip6:2a00:1450:4000::/36 ~all"
_netblocks3.google.com. IN TXT "v=spf1 ip4:172.217.0.0/19 ip4:108.177.96.0/19 ~all"
spf.protection.outlook.com. IN TXT "v=spf1 ip4:40.92.0.0/15 ip4:40.107.0.0/16 ip4:52.100.0.0/15 ip4:104.47.0.0/17 ip6:2a01:111:f400::/48 ip6:2a01:111:f403::/49 -all"
servers.mcsv.net. IN TXT "v=spf1 ip4:205.201.128.0/20 ip4:198.2.128.0/18 ip4:148.105.8.0/21 -all"
sendgrid.net. IN TXT "v=spf1 ip4:167.89.0.0/17 ip4:208.117.48.0/20 ip4:50.31.32.0/19 ~all"
amazonses.com. IN TXT "v=spf1 ip4:199.255.192.0/22 ip4:54.240.0.0/18 ip4:69.169.224.0/20 -all"
spf.messagingengine.com. IN TXT "v=spf1 ip4:103.168.172.128/27 ip4:202.12.124.128/27 ?all"
_spf.protonmail.ch. IN TXT "v=spf1 ip4:185.70.40.0/24 ip4:185.70.41.0/24 ~all"
relay.mailchannels.net. IN TXT "v=spf1 ip4:23.83.208.0/20 ~all"
aspmx.l.google.com. IN A 142.250.27.27
mail.protection.outlook.com. IN A 52.101.8.1
big.example. IN TXT "v=spf1 a:a.big.example a:b.big.example a:c.big.example a:d.big.example a:e.big.example a:f.big.example a:g.big.example ~all"
a.big.example. IN A 198.51.100.1
a.big.example. IN AAAA 2001:db8:1::1
b.big.example. IN A 198.51.100.2
b.big.example. IN AAAA 2001:db8:1::2
c.big.example. IN A 198.51.100.3
c.big.example. IN AAAA 2001:db8:1::3
d.big.example. IN A 198.51.100.4
d.big.example. IN AAAA 2001:db8:1::4
e.big.example. IN A 198.51.100.5
e.big.example. IN AAAA 2001:db8:1::5
f.big.example. IN A 198.51.100.6
f.big.example. IN AAAA 2001:db8:1::6
g.big.example. IN A 198.51.100.7
g.big.example. IN AAAA 2001:db8:1::7
broken-spf.example. IN TXT "v=spf1 ip4:198.51.100.300 -all"
reports.example. IN MX 10 a.big.example.
agrees.example. IN MX 10 a.big.example.
*._report._dmarc.agrees.example. IN TXT "v=DMARC1"
"""

# name: (zone, options, findings).  A finding is "severity area.id".
PLANTED = {
    "two-spf": ([GOOD_SPF, '@. IN TXT "v=spf1 include:_spf.google.com ~all"',
                 GOOD_DMARC, GOOD_KEY, *MX], [],
                ["error spf.several-records"]),
    "syntax": (['@. IN TXT "v=spf1 mx ip4:192.0.2.300 ~all"', GOOD_DMARC,
                GOOD_KEY, *MX], [], ["error spf.syntax"]),
    "everyone": (['@. IN TXT "v=spf1 mx +all"', GOOD_DMARC, GOOD_KEY, *MX], [],
                 ["error spf.plus-all"]),
    "lookups": (['@. IN TXT "v=spf1 mx a:w.@ a:x.@ a:y.@ include:big.example '
                 '~all"',
                 *["%s.@. IN %s" % (h, a) for h in "wxy" for a in
                   ("A 192.0.2.2", "AAAA 2001:db8::2")], GOOD_DMARC, GOOD_KEY,
                 *MX], [], ["error spf.too-many-lookups"]),
    "voids": (['@. IN TXT "v=spf1 mx a:old1.@ a:old2.@ a:old3.@ ~all"',
               GOOD_DMARC, GOOD_KEY, *MX], [],
              ["error spf.too-many-void-lookups",
               "warning spf.too-many-void-lookups-ipv6",
               "warning spf.void-lookup", "warning spf.void-lookup",
               "warning spf.void-lookup"]),
    "takeover": (['@. IN TXT "v=spf1 mx include:spf.expired-shop.com ~all"',
                  GOOD_DMARC, GOOD_KEY, *MX], [],
                 ["error spf.registrable-include"]),
    "dangling": (['@. IN TXT "v=spf1 mx include:_spf.@ ?all"', GOOD_DMARC,
                  GOOD_KEY, *MX], [],
                 ["error spf.dangling-include", "warning spf.neutral-all"]),
    "provider-broken": (['@. IN TXT "v=spf1 mx include:broken-spf.example ~all"',
                         GOOD_DMARC, GOOD_KEY, *MX], [],
                        ["error spf.syntax"]),
    "wide": (['@. IN TXT "v=spf1 mx ip4:100.128.0.0/9 ptr ~all"', GOOD_DMARC,
              GOOD_KEY, *MX], [],
             ["warning spf.broad-range", "warning spf.ptr"]),
    "typo-version": (['@. IN TXT "v=spf1;mx ~all"', GOOD_DMARC, GOOD_KEY, *MX],
                     [], ["warning spf.looks-like-spf",
                          "warning spf.no-record"]),
    "new-server": ([GOOD_SPF, GOOD_DMARC, GOOD_KEY, *MX],
                   ["--outgoing", "203.0.113.9"],
                   ["error spf.outgoing-not-allowed", "error ptr.no-ptr"]),
    "ptr-wrong": (['@. IN TXT "v=spf1 mx ip4:203.0.113.0/24 ~all"', GOOD_DMARC,
                   GOOD_KEY, *MX, "10.113.0.203.in-addr.arpa. IN PTR out.@.",
                   "11.113.0.203.in-addr.arpa. IN PTR h-0-113-11.isp.example.",
                   "h-0-113-11.isp.example. IN A 203.0.113.11"],
                  ["--outgoing", "203.0.113.10", "--outgoing", "203.0.113.11"],
                  ["error ptr.unconfirmed-ptr", "warning ptr.generic-ptr"]),
    "helo": (['@. IN TXT "v=spf1 ip4:203.0.113.10 ip4:203.0.113.11 ~all"',
              GOOD_DMARC, GOOD_KEY, *MX,
              "10.113.0.203.in-addr.arpa. IN PTR out.@.",
              "11.113.0.203.in-addr.arpa. IN PTR out2.@.",
              "out.@. IN A 203.0.113.10", "out2.@. IN A 203.0.113.11",
              'out2.@. IN TXT "v=spf1 -all"'],
             ["--outgoing", "203.0.113.10", "--outgoing", "203.0.113.11"],
             ["hint ptr.helo-no-spf", "hint ptr.helo-spf-fails"]),
    "no-key": ([GOOD_SPF, GOOD_DMARC, GOOD_KEY, *MX],
               ["--selector", "s2"], ["error dkim.no-key"]),
    "cut-key": ([GOOD_SPF, GOOD_DMARC, *MX,
                 's1._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=CUT"',
                 's2._domainkey.@. IN TXT "v=DKIM1; k=rsa; t=y; p=KEY"'],
                ["--selector", "s1", "--selector", "s2"],
                ["error dkim.unusable-key", "warning dkim.testing-key"]),
    "two-keys": ([GOOD_SPF, GOOD_DMARC, GOOD_KEY, *MX,
                  's1._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY1024"'], [],
                 ["error dkim.several-keys"]),
    "small-keys": ([GOOD_SPF, GOOD_DMARC, *MX,
                    's1._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY1024"',
                    'mail._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY512"'], [],
                   ["error dkim.unusable-key", "warning dkim.small-key"]),
    "no-dkim": ([GOOD_SPF, GOOD_DMARC, *MX], [],
                ["warning dkim.no-key-at-all"]),
    "no-dmarc": ([GOOD_SPF, GOOD_KEY, *MX], [], ["warning dmarc.no-record"]),
    "monitoring": ([GOOD_SPF, GOOD_KEY, *MX, '_dmarc.@. IN TXT "v=DMARC1; '
                    'p=none; rua=mailto:d@reports.example"'], [],
                   ["warning dmarc.monitoring", "warning dmarc.no-consent"]),
    "two-dmarc": ([GOOD_SPF, GOOD_KEY, *MX, GOOD_DMARC,
                   '_dmarc.@. IN TXT "v=DMARC1; p=none"'], [],
                  ["error dmarc.several-records", "warning dmarc.no-record"]),
    "dmarc-place": ([GOOD_SPF, GOOD_KEY, *MX, '@. IN TXT "v=DMARC1; p=reject"'],
                    [], ["error dmarc.misplaced", "warning dmarc.no-record"]),
    "dmarc-spf": ([GOOD_SPF, GOOD_KEY, *MX, '_dmarc.@. IN TXT "v=spf1 -all"'],
                  [], ["error dmarc.spf-text", "warning dmarc.no-record"]),
    "weak-below": ([GOOD_SPF, GOOD_KEY, *MX, '_dmarc.@. IN TXT "v=DMARC1; '
                    'p=reject; sp=none; pct=50; rua=mailto:d@nowhere.@"'], [],
                   ["hint dmarc.np-hint", "warning dmarc.no-mail-host",
                    "warning dmarc.pct", "warning dmarc.sp-weaker"]),
    "dmarc-typo": ([GOOD_SPF, GOOD_KEY, *MX,
                    '_dmarc.@. IN TXT "v=DMARC1; p=rejct"'], [],
                   ["error dmarc.bad-value", "error dmarc.broken-policy"]),
    "mx-gone": ([GOOD_SPF, GOOD_KEY, GOOD_DMARC, "@. IN MX 10 mx.@.",
                 "@. IN MX 20 old.@.", "mx.@. IN A 192.0.2.1"], [],
                ["error mx.no-address"]),
    "mx-lost": (['@. IN TXT "v=spf1 ip4:192.0.2.1 ~all"', GOOD_KEY, GOOD_DMARC,
                 "@. IN MX 10 old.@."], [], ["error mx.no-addresses"]),
    "mx-alias": ([GOOD_SPF, GOOD_KEY, GOOD_DMARC, "@. IN MX 10 mail.@.",
                  "mail.@. IN CNAME mx.@.", "mx.@. IN A 192.0.2.1"], [],
                 ["error mx.alias"]),
    "mx-literal": (['@. IN TXT "v=spf1 ip4:192.0.2.1 ~all"', GOOD_KEY,
                    GOOD_DMARC, "@. IN MX 10 192.0.2.1."], [],
                   ["error mx.literal", "warning dmarc.no-mail-host"][:1]),
    "null-beside": ([GOOD_SPF, GOOD_KEY, GOOD_DMARC, *MX, "@. IN MX 0 ."], [],
                    ["error mx.null-mx-beside"]),
    "null-sends": (['@. IN TXT "v=spf1 ip4:192.0.2.1 ~all"', GOOD_KEY,
                    '_dmarc.@. IN TXT "v=DMARC1; p=reject; '
                    'rua=mailto:d@agrees.example"', "@. IN MX 0 .",
                    "@. IN A 192.0.2.1"], [], ["error mx.null-mx-sends"]),
    "no-mx": (['@. IN TXT "v=spf1 ip4:192.0.2.1 ~all"', GOOD_KEY,
               '_dmarc.@. IN TXT "v=DMARC1; p=reject; '
               'rua=mailto:d@agrees.example"'], [],
              ["warning mx.no-mail-host"]),
    "no-lock": (['@. IN TXT "v=spf1 include:relay.mailchannels.net ~all"',
                 GOOD_KEY, GOOD_DMARC, *MX], [],
                ["warning spf.no-sender-lock"]),
    "sts-record": ([GOOD_SPF, GOOD_KEY, GOOD_DMARC, *MX,
                    '_mta-sts.@. IN TXT "v=STSv1"',
                    '_smtp._tls.@. IN TXT "v=TLSRPTv1; rua=tls@@"'], [],
                   ["error mta-sts.bad-record", "error tls-rpt.bad-record"]),
    "sts-two": ([GOOD_SPF, GOOD_KEY, GOOD_DMARC, *MX,
                 '_mta-sts.@. IN TXT "v=STSv1; id=1"',
                 '_mta-sts.@. IN TXT "v=STSv1; id=2"',
                 TLSRPT, '_smtp._tls.@. IN TXT "v=TLSRPTv1; rua=mailto:b@@"'],
                [], ["error mta-sts.several-records",
                     "error tls-rpt.several-records"]),
    "dane-unsigned": ([GOOD_SPF, GOOD_KEY, GOOD_DMARC, *MX, TLSRPT,
                       "arpa. IN NS a.root.example.", ";!secure arpa. NS",
                       "_25._tcp.mx.@. IN TLSA 3 1 1 " + "ab" * 32], [],
                      ["error dane.not-signed", "hint dnssec.not-signed"]),
    "dane-usage": ([GOOD_SPF, GOOD_KEY, GOOD_DMARC, *MX, TLSRPT,
                    "arpa. IN NS a.root.example.", ";!secure arpa. NS",
                    ";!secure @. MX", ";!secure _25._tcp.mx.@. TLSA",
                    "_25._tcp.mx.@. IN TLSA 1 0 1 " + "ab" * 32,
                    "_25._tcp.mx.@. IN TLSA 3 0 1 " + "cd" * 32], [],
                   ["hint dane.selector", "warning dane.usage"]),
}

# Findings whose fix is only described: records that fix them could lose mail.
ADVICE = {"dkim.several-keys"} | {"spf." + name for name in (
    "ptr", "broad-range", "plus-all", "neutral-all", "no-all")} | {
        "dmarc." + name for name in (
            "monitoring", "testing", "pct", "sp-weaker")}

# Findings about keys that are used until a new key replaces them.
REPLACED = {"dkim.small-key", "dkim.old-key", "dkim.dated-selector"}

POLICY = '_dmarc.@. IN TXT "v=DMARC1; '
SHOP = ['shop.@. IN TXT "v=spf1 mx ~all"', "shop.@. IN MX 10 mx.@.",
        's1._domainkey.shop.@. IN TXT "v=DKIM1; k=rsa; p=KEY"', GOOD_SPF, *MX]
HOSTS12 = ["m.@. IN MX %d m%d.@." % (n, n) for n in range(12)] + [
    "m%d.@. IN A 192.0.2.%d" % (n, n + 1) for n in range(12)]

# name: (subdomain that is audited, zone, options, finding, records that it
# proposes to publish; None: it proposes nothing).  Records must not make a policy
# stricter or weaker, and must pass all mail that passes today.
PROPOSED = {
    # a record above applies to other domains, too
    "parent-none": ("www.", ['www.@. IN TXT "v=spf1 -all"',
                             "www.@. IN A 192.0.2.1", GOOD_SPF, *MX,
                             POLICY + 'p=none; rua=mailto:d@@"'], [],
                    "dmarc.monitoring", None),
    "parent-typo": ("shop.", SHOP + [POLICY + 'p=none; fo=x; rua=mailto:d@@"'],
                    [], "dmarc.fo-without-ruf", None),
    "blind": ("", [GOOD_SPF, GOOD_KEY, *MX, POLICY + 'p=none"'], [],
              "dmarc.monitoring-blind",
              [POLICY + 'p=none; rua=mailto:postmaster@@"']),
    "blind-parked": ("", PARKED[:2] + [POLICY + 'p=none"'], [],
                     "dmarc.monitoring-blind", None),
    "blind-below": ("", [GOOD_SPF, GOOD_KEY, *MX,
                         POLICY + 'p=none; sp=reject"'], [],
                    "dmarc.monitoring-blind",
                    [POLICY + 'p=none; sp=reject; '
                     'rua=mailto:postmaster@@"']),
    "brakes": ("", [GOOD_SPF, GOOD_KEY, *MX, POLICY + 'p=reject; sp=none; '
                    'np=quarantine; pct=0; t=y; rua=mailto:d@nowhere.@"'], [],
               "dmarc.no-mail-host",
               [POLICY + 'p=reject; sp=none; np=quarantine; t=y; pct=0; '
                'rua=mailto:postmaster@@"']),
    "trial": ("", [GOOD_SPF, GOOD_KEY, *MX,
                   POLICY + 'p=reject; t=y; rua=mailto:d@@"'], [],
              "dmarc.testing", None),
    "pct-zero": ("", [GOOD_SPF, GOOD_KEY, *MX,
                      POLICY + 'p=quarantine; pct=0; rua=mailto:d@@"'], [],
                 "dmarc.pct", None),
    "no-scheme": ("", [GOOD_SPF, GOOD_KEY, *MX,
                       POLICY + 'p=reject; rua=dmarc@@"'], [],
                  "dmarc.bad-uri",
                  [POLICY + 'p=reject; rua=mailto:dmarc@@"']),
    "two-rua": ("", [GOOD_SPF, GOOD_KEY, *MX, POLICY + 'p=reject; '
                     'rua=mailto:a@@; rua=mailto:b@@"'], [],
                "dmarc.repeated-tag",
                [POLICY + 'p=reject; rua=mailto:a@@"']),
    "suffix": ("", [GOOD_SPF, GOOD_KEY, *MX, POLICY + 'p=reject; psd=y; '
                    'rua=mailto:d@@; ruf=mailto:d@@"'], [], "dmarc.psd-ruf",
               [POLICY + 'p=reject; psd=y; rua=mailto:d@@"']),
    "unlisted": ("", PARKED[:2], [], "dmarc.no-record",
                 [POLICY + 'p=reject"']),
    "unlisted-signed": ("", PARKED[:2] + [GOOD_KEY], [], "dmarc.no-record",
                        None),
    "unlisted-bare": ("", ["@. IN A 192.0.2.80"], [], "dmarc.no-record", None),
    "copy": ("", [GOOD_SPF, GOOD_KEY, *MX, GOOD_DMARC,
                  '@. IN TXT "v=DMARC1; p=none"'], [], "dmarc.misplaced", []),

    "ptr": ("", ['@. IN TXT "v=spf1 ptr -all"', GOOD_KEY, GOOD_DMARC, *MX], [],
            "spf.ptr", None),
    "ptr-soft": ("", ['@. IN TXT "v=spf1 ptr -all"', GOOD_KEY, GOOD_DMARC, *MX],
                 [], "spf.hard-fail", ['@. IN TXT "v=spf1 ptr ~all"']),
    "everyone": ("", ['@. IN TXT "v=spf1 mx mx +all"', GOOD_DMARC, GOOD_KEY,
                      *MX], [], "spf.duplicate", None),
    "unsure-end": ("", ['@. IN TXT "v=spf1 mx mx exp=why.@ ?all"',
                        'why.@. IN TXT "not allowed"', GOOD_DMARC, GOOD_KEY,
                        *MX], [], "spf.duplicate",
                   ['@. IN TXT "v=spf1 mx ?all exp=why.@"']),
    "by-sender": ("", ['@. IN TXT "v=spf1 mx exists:%{l}._u.@ -all"',
                       '@. IN TXT "spf2.0/mfrom mx -all"', GOOD_KEY,
                       POLICY + 'p=none; rua=mailto:d@@"', *MX], [],
                  "spf.sender-id", []),
    "twice": ("", ['@. IN TXT "v=spf1 mx mx ?include:v.@ include:sendgrid.net '
                   '-all"', 'v.@. IN TXT "v=spf1 include:sendgrid.net ~all"',
                   GOOD_KEY, GOOD_DMARC, *MX], [], "spf.duplicate",
              ['@. IN TXT "v=spf1 mx ?include:v.@ include:sendgrid.net '
               '~all"']),
    "null-beside": ("", ['@. IN TXT "v=spf1 mx mx ~all"', "@. IN MX 0 .",
                         GOOD_KEY, GOOD_DMARC, *MX], [], "spf.duplicate",
                    ['@. IN TXT "v=spf1 mx ~all"']),
    "many-hosts": ("", ['@. IN TXT "v=spf1 mx:m.@ -all"', *HOSTS12, GOOD_KEY,
                        GOOD_DMARC, *MX], [], "spf.too-many-mx-hosts",
                   ['@. IN TXT "v=spf1 %s ~all"' % " ".join(
                       "ip4:192.0.2.%d" % (n + 1) for n in range(12))]),
    "hosts-failed": ("", ['@. IN TXT "v=spf1 mx:m.@ -all"', *HOSTS12, GOOD_KEY,
                          GOOD_DMARC, *MX, ";!failed m11.@. A timeout"], [],
                     "spf.too-many-mx-hosts", None),
    "semicolon": ("", ['@. IN TXT "v=spf1; include:_spf.google.com; -all"',
                       GOOD_KEY, GOOD_DMARC, *MX], [], "spf.looks-like-spf",
                  ['@. IN TXT "v=spf1 include:_spf.google.com ~all"']),
    "semicolon-only": ("", ['@. IN TXT "v=spf1; include:_spf.google.com ~all"',
                            GOOD_KEY, "@. IN A 192.0.2.1"], [],
                       "spf.looks-like-spf",
                       ['@. IN TXT "v=spf1 include:_spf.google.com ~all"']),
    "signs-only": ("", [GOOD_KEY, "@. IN A 192.0.2.1"], ["--selector", "s1"],
                   "spf.no-record", None),
    "hosted": ("", [GOOD_KEY, GOOD_DMARC, "@. IN MX 1 aspmx.l.google.com."], [],
               "spf.no-record", None),
    "first": ("", [GOOD_KEY, GOOD_DMARC, *MX], [], "spf.no-record",
              ['@. IN TXT "v=spf1 mx ~all"']),
    "weakest": ("", ['@. IN TXT "v=spf1 mx -all"',
                     '@. IN TXT "v=spf1 redirect=_spf.google.com"',
                     '@. IN TXT "v=spf1 a ~all"', "@. IN A 192.0.2.3", GOOD_KEY,
                     POLICY + 'p=none; rua=mailto:d@@"', *MX], [],
                "spf.several-records",
                ['@. IN TXT "v=spf1 mx a include:_spf.google.com ~all"']),
    "dead-below": ("", ['@. IN TXT "v=spf1 mx include:v.@ -all"',
                        'v.@. IN TXT "v=spf1 ip4:198.51.100.0/24 '
                        'include:gone.v.@ ~all"', GOOD_KEY, GOOD_DMARC, *MX],
                   [], "spf.dangling-include",
                   ['v.@. IN TXT "v=spf1 ip4:198.51.100.0/24 ~all"']),
    "dead-elsewhere": ("", ['@. IN TXT "v=spf1 mx include:half.example -all"',
                            'half.example. IN TXT "v=spf1 ip4:198.51.100.0/24 '
                            'include:gone.half.example ~all"', GOOD_KEY,
                            GOOD_DMARC, *MX], [], "spf.dangling-include", None),
    "open-elsewhere": ("", ['@. IN TXT "v=spf1 mx include:open.example -all"',
                            'open.example. IN TXT "v=spf1 +all"', GOOD_KEY,
                            GOOD_DMARC, *MX], [], "spf.plus-all", None),
    "host-included": ("", ['@. IN TXT "v=spf1 include:mail.@ ~all"',
                           "mail.@. IN A 192.0.2.7", GOOD_KEY, GOOD_DMARC, *MX],
                      [], "spf.include-without-record", None),

    "helo-domain": ("", ['@. IN TXT "v=spf1 include:_spf.google.com ~all"',
                         GOOD_KEY, GOOD_DMARC, *MX, "@. IN A 203.0.113.9",
                         "9.113.0.203.in-addr.arpa. IN PTR @."],
                    ["--outgoing", "203.0.113.9"], "ptr.helo-spf-fails",
                    ['@. IN TXT "v=spf1 include:_spf.google.com '
                     'ip4:203.0.113.9 ~all"']),
    "helo-other": ("", ['@. IN TXT "v=spf1 ip4:203.0.113.9 ~all"', GOOD_KEY,
                        GOOD_DMARC, *MX, "out.@. IN A 203.0.113.9",
                        'out.@. IN TXT "v=spf1 include:_spf.google.com ~all"',
                        "9.113.0.203.in-addr.arpa. IN PTR out.@."],
                   ["--outgoing", "203.0.113.9"], "ptr.helo-spf-fails", None),
    "no-ptr-hosted": ("", ['@. IN TXT "v=spf1 ip4:203.0.113.9 ~all"', GOOD_KEY,
                           GOOD_DMARC, "@. IN MX 1 aspmx.l.google.com."],
                      ["--outgoing", "203.0.113.9"], "ptr.no-ptr",
                      ["9.113.0.203.in-addr.arpa. IN PTR HOST-NAME.@.",
                       "HOST-NAME.@. IN A 203.0.113.9"]),
    "no-ptr-own": ("", [GOOD_SPF, GOOD_KEY, GOOD_DMARC, *MX],
                   ["--outgoing", "192.0.2.1"], "ptr.no-ptr",
                   ["1.2.0.192.in-addr.arpa. IN PTR mx.@."]),
    "ptr-of-website": ("", ['@. IN TXT "v=spf1 ip4:203.0.113.9 ~all"',
                            GOOD_KEY, GOOD_DMARC, *MX, "www.@. IN A 192.0.2.80",
                            "9.113.0.203.in-addr.arpa. IN PTR www.@."],
                       ["--outgoing", "203.0.113.9"], "ptr.unconfirmed-ptr",
                       None),
    "ptr-of-network": ("", ['@. IN TXT "v=spf1 ip4:203.0.113.9 ~all"',
                            GOOD_KEY, GOOD_DMARC, *MX,
                            "9.113.0.203.in-addr.arpa. IN PTR h9.isp.example."],
                       ["--outgoing", "203.0.113.9"], "ptr.unconfirmed-ptr",
                       None),
    "generic": ("", ['@. IN TXT "v=spf1 ip4:203.0.113.11 ~all"', GOOD_KEY,
                     GOOD_DMARC, *MX,
                     "11.113.0.203.in-addr.arpa. IN PTR h-0-113-11.isp.example.",
                     "h-0-113-11.isp.example. IN A 203.0.113.11"],
                ["--outgoing", "203.0.113.11"], "ptr.generic-ptr",
                ["11.113.0.203.in-addr.arpa. IN PTR HOST-NAME.@.",
                 "HOST-NAME.@. IN A 203.0.113.11"]),
    "no-ptr-ipv6": ("", ['@. IN TXT "v=spf1 ip6:2001:db8::9 ~all"', GOOD_KEY,
                         GOOD_DMARC, *MX], ["--outgoing", "2001:db8::9"],
                    "ptr.no-ptr",
                    ["9%s8.b.d.0.1.0.0.2.ip6.arpa. IN PTR HOST-NAME.@." % (
                        ".0" * 23 + "."),
                     "HOST-NAME.@. IN AAAA 2001:db8::9"]),

    "flags": ("", [GOOD_SPF, GOOD_DMARC, *MX, 's1._domainkey.@. IN TXT '
                   '"v=DKIM1; k=rsa; t=y:s; p=KEY"'], [], "dkim.testing-key",
              ['s1._domainkey.@. IN TXT "v=DKIM1; k=rsa; t=s; p=KEY"']),
    "one-of-two": ("", [GOOD_SPF, GOOD_DMARC, *MX, GOOD_KEY,
                        's1._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=CUT"'], [],
                   "dkim.several-keys", []),
    "revoked": ("", [GOOD_SPF, GOOD_DMARC, *MX,
                     's1._domainkey.@. IN TXT "v=DKIM1; p="'],
                ["--selector", "s1"], "dkim.unusable-key", None),
}

# Domains without findings.
PERFECT = {
    "perfect": ([GOOD_SPF, GOOD_DMARC, GOOD_KEY, *MX, TLSRPT],
                ["--selector", "s1"]),
    "perfect-parked": (PARKED, []),
    "perfect-google": (['@. IN TXT "v=spf1 include:_spf.google.com ~all"',
                        "@. IN MX 1 aspmx.l.google.com.",
                        'google._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY"',
                        '_dmarc.@. IN TXT "v=DMARC1; p=quarantine; '
                        'rua=mailto:d@agrees.example"', TLSRPT], []),
}

# Common ways to set up a domain: no errors, and only the listed warnings.
SETUPS = {
    "google-workspace": (['@. IN TXT "v=spf1 include:_spf.google.com ~all"',
                          '@. IN TXT "google-site-verification=abc"',
                          "@. IN MX 1 aspmx.l.google.com.",
                          'google._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY"',
                          GOOD_DMARC], []),
    "microsoft-365": (
        ['@. IN TXT "v=spf1 include:spf.protection.outlook.com -all"',
         "@. IN MX 0 mail.protection.outlook.com.",
         "selector1._domainkey.@. IN CNAME s1.onmicrosoft.example.",
         "selector2._domainkey.@. IN CNAME s2.onmicrosoft.example.",
         's1.onmicrosoft.example. IN TXT "v=DKIM1; k=rsa; p=KEY"',
         GOOD_DMARC], []),
    "google-and-mailchimp": (
        ['@. IN TXT "v=spf1 include:_spf.google.com include:servers.mcsv.net '
         '~all"', "@. IN MX 1 aspmx.l.google.com.",
         'google._domainkey.@. IN TXT "v=DKIM1; k=rsa; p=KEY"',
         "k2._domainkey.@. IN CNAME dkim2.mcsv.example.",
         "k3._domainkey.@. IN CNAME dkim3.mcsv.example.",
         'dkim2.mcsv.example. IN TXT "v=DKIM1; k=rsa; p=KEY"',
         'dkim3.mcsv.example. IN TXT "v=DKIM1; k=rsa; p=KEY"', GOOD_DMARC], []),
    "microsoft-and-sendgrid": (
        ['@. IN TXT "v=spf1 include:spf.protection.outlook.com '
         'include:sendgrid.net -all"',
         "@. IN MX 0 mail.protection.outlook.com.",
         "s1._domainkey.@. IN CNAME s1.domainkey.u1.wl.sendgrid.example.",
         's1.domainkey.u1.wl.sendgrid.example. IN TXT "k=rsa; t=s; p=KEY"',
         GOOD_DMARC], []),
    "amazon-ses": (['@. IN TXT "v=spf1 include:amazonses.com ~all"', *MX,
                    "abcdefghijklmnopqrstuvwxyz234567._domainkey.@. IN CNAME "
                    "abc.dkim.amazonses.example.",
                    'abc.dkim.amazonses.example. IN TXT "p=KEY"', GOOD_DMARC],
                   []),
    "fastmail": (['@. IN TXT "v=spf1 include:spf.messagingengine.com ?all"',
                  "@. IN MX 10 in1.smtp.example.",
                  "in1.smtp.example. IN A 192.0.2.10",
                  "fm1._domainkey.@. IN CNAME fm1.@.dkim.fmhosted.example.",
                  'fm1.@.dkim.fmhosted.example. IN TXT "v=DKIM1; k=rsa; p=KEY"',
                  GOOD_DMARC], ["warning spf.neutral-all"]),
    "proton": (['@. IN TXT "v=spf1 include:_spf.protonmail.ch ~all"',
                "@. IN MX 10 mail.protonmail.example.",
                "mail.protonmail.example. IN A 192.0.2.11",
                "protonmail._domainkey.@. IN CNAME p.domains.proton.example.",
                'p.domains.proton.example. IN TXT "v=DKIM1; k=rsa; p=KEY"',
                '_dmarc.@. IN TXT "v=DMARC1; p=quarantine"'], []),
    "own-server": (['@. IN TXT "v=spf1 a mx -all"', *MX, "@. IN A 192.0.2.1",
                    'mail._domainkey.@. IN TXT "v=DKIM1; h=sha256; k=rsa; '
                    'p=KEY"', GOOD_DMARC], []),
    "parked": (PARKED, []),
    "parked-without-null-mx": (['@. IN TXT "v=spf1 -all"',
                                '_dmarc.@. IN TXT "v=DMARC1; p=reject"'], []),
    "parked-by-redirect": (['@. IN TXT "v=spf1 redirect=_none.@"',
                            '_none.@. IN TXT "v=spf1 -all"', *PARKED[1:]], []),
    "parked-with-space": (['@. IN TXT "v=spf1 -all "', *PARKED[1:]], []),
    "parked-softly": (['@. IN TXT "v=spf1 ~all"', *PARKED[1:]], []),
    "null-mx-only": (['@. IN TXT "v=spf1 -all"', "@. IN MX 0 .",
                      "@. IN A 192.0.2.80",
                      '_dmarc.@. IN TXT "v=DMARC1; p=reject"'], []),
    "website-wildcards": ([GOOD_SPF, GOOD_DMARC, GOOD_KEY, *MX,
                           "*.@. IN A 192.0.2.80",
                           '*.@. IN TXT "v=spf1 -all"'], []),
}
