#!/usr/bin/env python3
"""The reports that avouch report send makes for a day, in both formats, read
by other programs: Mail::DMARC, dmarc-cat, dmarc-report-parser (npm), xmllint.

usage: sent.py PROGRAM [PART-OF-A-NAME]
"""

import email
import email.policy
import gzip
import json
import mailbox
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/milter", ROOT + "/tests/report"]

from hosts import DAY, NOW, SECONDS, TODAY, ZONE, Host, end  # noqa: E402
from suite import Skip, Suite, holds, lacks, same  # noqa: E402

suite = Suite()

NAMESPACE = "urn:ietf:params:xml:ns:dmarc-2.0"
SCHEMA = ROOT + "/tests/report/rfc9990.xsd"

SENDMAIL = """#!/bin/sh
exec cat >"$(mktemp %s/XXXXXXXX)"
"""

RUA = "; rua=mailto:reports@%s"
RECORDS = (
    "v=DMARC1; p=none" + RUA,
    "v=DMARC1; p=reject; sp=quarantine; adkim=s; aspf=s; fo=1:d:s" + RUA,
    "v=DMARC1; p=quarantine; np=reject; t=y; pct=0" + RUA,
    "v=DMARC1; p=reject; sp=none; np=reject; psd=n" + RUA,
)
FORGED = {"dkim_aligned": 0, "spf_aligned": 0, "dkim": "",
          "spf_result": "fail"}
SHAPES = (
    {},
    FORGED,
    dict(FORGED, disposition="reject"),
    dict(FORGED, disposition="quarantine", header_from="new.%s"),
    dict(FORGED, envelope_from="", spf_domain="mx.sender.example",
         spf_scope="helo", spf_result="none"),
    dict(FORGED, envelope_from="", spf_domain="", spf_result="none"),
    dict(FORGED, spf_result="policy"),
    dict(FORGED, spf_result="temperror",
         dkim="temperror a.example k1\npermerror b.example k2\n"
         "policy c.example k3\nneutral d.example k4"),
    dict(FORGED, dkim="\n".join("pass esp%d.example s" % n
                                for n in range(10))),
    dict(FORGED, override="local_policy", comment="<&>\"'; not enforced"),
    dict(FORGED, override="mailing_list", comment="List-Id of l.example"),
    dict(FORGED, override="trusted_forwarder", comment="ARC of f.example"),
    dict(FORGED, override="policy_test_mode", comment=""),
    dict(FORGED, override="other", comment=""),
)

MAIL_DMARC = """
use strict; use warnings; use JSON::PP; use Mail::DMARC::Report::Receive;
open(my $out, '>&', \\*STDOUT); open(STDOUT, '>', '/dev/null');
my (@found, $reader);
no warnings qw(redefine once);
*Mail::DMARC::Report::save_aggregate = sub {
    my $a = $_[0]->aggregate;
    push @found, { id => $a->metadata->report_id,
        domain => $a->policy_published->domain, p => $a->policy_published->p,
        rows => [map { [$_->row->source_ip, $_->row->count,
            $_->row->policy_evaluated->disposition] } @{ $a->record }] };
};
for my $file (@ARGV) {
    $reader = Mail::DMARC::Report::Receive->new;
    my $kind = $reader->from_file($file) || '';
    die "$file: $kind" if $kind ne 'aggregate';
}
print $out encode_json(\\@found);
"""

# Version 0.1.5 rejects every <reason>, of any reporter: its XML parser returns
# a list for <type>, and it expects a string.
DMARC_REPORT_PARSER = """
const { parseDmarcReportsFromXml } = require("dmarc-report-parser");
const files = process.argv.slice(1).map(f =>
    require("fs").readFileSync(f, "utf8").replace(
        /<reason>[^]*?<\\/reason>/g, ""));
parseDmarcReportsFromXml(files).then(r => console.log(JSON.stringify(
    r.reports.map(x => ({ id: x.reportMetadata.reportId,
        domain: x.policyPublished.domain, p: x.policyPublished.p,
        rows: x.record.map(y => [y.row.sourceIp, y.row.count,
            y.row.policyEvaluated.disposition]) })))));
"""


class Sender(Host):
    """A mail server whose reports for one day are saved as files."""

    def __init__(self, lab, style):
        self.box = lab.path(style)
        os.mkdir(self.box)
        os.mkdir(self.box + ".files")
        super().__init__(lab, None, lab.path(style + ".db"))
        self.store = lab.path(style + ".db")
        lab.write("sendmail." + style, SENDMAIL % self.box)
        os.chmod(lab.path("sendmail." + style), 0o755)
        lab.write(style + ".conf", """
report { store = "%s"  email = "dmarc@mx.example"
         org_name = "Example <&> \u00dc"  xml_format = %s  sendmail = "%s" }
nameservers = "zone:%s"
""" % (self.store, style, lab.path("sendmail." + style), lab.zone))
        self.conf = lab.path(style + ".conf")
        status, _, err = lab.run("read", "--store", self.store,
                                 lab.path("nothing"))
        same(status, 0, err)
        self.want = {}
        with self.sqlite() as db:
            for n, record in enumerate(RECORDS):
                for m, shape in enumerate(SHAPES):
                    self.add_row(db, "d%d.example" % n, record, m, shape)
        self.set_meta(report_seed="1 2")
        status, self.dry, err = self.run("send", "--dry-run", "--print")
        same((status, err), (0, ""))
        status, out, err = self.run("send", "--json")
        same((status, err, json.loads(out)["sent"]), (0, "", len(RECORDS)))
        self.mails = [self.box + "/" + name for name in os.listdir(self.box)]
        self.files = [self.take_out(path) for path in self.mails]

    def add_row(self, db, domain, record, n, shape):
        address = "2001:db8::%x" % n if n % 3 == 2 else "192.0.2.%d" % n
        shape = {k: v.replace("%s", domain) if isinstance(v, str) else v
                 for k, v in shape.items()}
        self.put(db, TODAY - 1, domain, address, n + 1, record=record, **shape)
        rows = self.want.setdefault(domain, [])
        rows.append([address, n + 1, shape.get("disposition", "none")])

    def take_out(self, path):
        """Saves the XML of a message as a file, and its .gz with the
        attachment's name."""
        with open(path, "rb") as f:
            message = email.message_from_binary_file(
                f, policy=email.policy.default)
        part, = message.iter_attachments()
        data = part.get_content()
        with open(self.box + ".files/" + part.get_filename(), "wb") as f:
            f.write(data)
        name = f.name[:-len(".gz")]
        with open(name, "wb") as f:
            f.write(gzip.decompress(data))
        return name

    def check(self, found):
        """Checks `found`, the JSON that a reader printed."""
        same({r["domain"]: sorted([a, int(n), d] for a, n, d in r["rows"])
              for r in found},
             {domain: sorted(rows) for domain, rows in self.want.items()})


class Lab:
    milter = None

    def __init__(self, program):
        self.program = os.path.abspath(program)
        self.home = tempfile.mkdtemp(prefix="avouch-sent-")
        self.n = 0
        self.zone = self.path("zone")
        self.write("zone", ZONE)
        self.senders = {}

    def path(self, name):
        return os.path.join(self.home, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def start(self, *words, now=NOW, env=None):
        return subprocess.Popen(
            [self.program, "report", *words, "--now", str(now)],
            cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=env)

    def run(self, *words, now=NOW):
        return end(self.start(*words, now=now))

    def sender(self, style):
        if style not in self.senders:
            self.senders[style] = Sender(self, style)
        return self.senders[style]


def reader(*command):
    """Returns the output of a program, which must succeed without error
    messages."""
    r = subprocess.run(command, capture_output=True, timeout=SECONDS,
                       check=False)
    same((r.returncode, r.stderr.decode()[-2000:]), (0, ""), command[0])
    return r.stdout.decode()


def needs(program, package):
    if shutil.which(program) is None:
        raise Skip("%s is not installed" % package)


@suite.test("avouch reads both formats")
def own(c):
    for style in ("broad", "strict"):
        s = c.sender(style)
        status, out, err = c.run("read", "--json", "--store",
                                 c.path(style + "-received.db"), *s.mails)
        same((status, err), (0, ""))
        out = json.loads(out)
        same((out["stored"], out["messages"]), (len(RECORDS), sum(
            n for rows in s.want.values() for _, n, _ in rows)))


@suite.test("--dry-run --print writes the messages that would be sent, as an mbox")
def dry_run(c):
    s = c.sender("broad")
    box = c.path("dry.mbox")
    c.write("dry.mbox", s.dry)
    want = []
    for path in s.mails:
        with open(path, encoding="ascii") as f:
            want.append(f.read())
    number = r"(?m)(^Message-ID: <[0-9a-f]+\.\d+\.)[1-9]\d*(?=@)"
    same(sorted(str(m) for m in mailbox.mbox(box)),
         sorted(re.sub(number, r"\g<1>0", m) for m in want))
    status, out, err = c.run("read", "--json", "--store",
                             c.path("dry.db"), box)
    same((status, err, json.loads(out)["stored"]), (0, "", len(RECORDS)))
    for words in (["--print"], ["--print", "--dry-run", "--json"]):
        status, _, err = s.run("send", *words)
        same(status, 64, words)
        holds(err, "--print: requires --dry-run")


@suite.test("broad has no namespace, strict has that of RFC 9990")
def namespaces(c):
    for name in c.sender("broad").files:
        with open(name, encoding="utf-8") as f:
            lacks(f.read(), "xmlns")
    for name in c.sender("strict").files:
        with open(name, encoding="utf-8") as f:
            holds(f.read(), '<feedback xmlns="%s">' % NAMESPACE)


@suite.test("xmllint: strict is valid by the schema of RFC 9990; so is broad, "
            "once it has the namespace")
def schema(c):
    needs("xmllint", "libxml2-utils")
    broad = []
    for name in c.sender("broad").files:
        with open(name, encoding="utf-8") as f:
            text = f.read().replace(
                "<feedback>", '<feedback xmlns="%s">' % NAMESPACE, 1)
        broad.append(name + ".named")
        c.write(broad[-1], text)
    for name in c.sender("strict").files + broad:
        r = subprocess.run(["xmllint", "--noout", "--schema", SCHEMA, name],
                           capture_output=True, timeout=SECONDS, check=False)
        same(r.returncode, 0, r.stderr.decode())


@suite.test("Mail::DMARC reads every broad report of a day")
def mail_dmarc(c):
    if subprocess.run(["perl", "-MMail::DMARC", "-e", "1"], check=False,
                      capture_output=True).returncode != 0:
        raise Skip("libmail-dmarc-perl is not installed")
    s = c.sender("broad")
    s.check(json.loads(reader("perl", "-e", MAIL_DMARC, *s.mails)))


@suite.test("dmarc-cat reads every broad report of a day")
def dmarc_cat(c):
    needs("dmarc-cat", "dmarc-cat")
    s = c.sender("broad")
    for name in s.files:
        # with several jobs it sometimes mixes up the addresses of the rows
        out = reader("dmarc-cat", "-N", "-j", "1", name + ".gz")
        domain = os.path.basename(name).split("!")[1]
        holds(out, domain)
        for address, count, _ in s.want[domain]:
            lines = [line.split() for line in out.splitlines()]
            same([line[1] for line in lines if line[:1] == [address]],
                 [str(count)], out)


@suite.test("dmarc-report-parser (npm) reads every broad report of a day")
def report_parser(c):
    if shutil.which("node") is None or subprocess.run(
            ["node", "-e", 'require("dmarc-report-parser")'], check=False,
            capture_output=True).returncode != 0:
        raise Skip("node cannot find dmarc-report-parser: npm install it "
                   "and set NODE_PATH")
    s = c.sender("broad")
    s.check(json.loads(reader("node", "-e", DMARC_REPORT_PARSER, *s.files)))


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
