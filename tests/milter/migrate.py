#!/usr/bin/env python3
"""Migration from opendkim, opendmarc and policyd-spf: `avouch config import`
turns the files that Debian installs, and those from well-known how-tos, into a
working configuration.  The daemon runs with it, mail arrives through a real
Postfix, and forged mail is marked but not rejected; in mode enforce, it is
rejected if the old configuration rejected it.

usage: migrate.py PROGRAM [PART-OF-A-NAME]

PROGRAM is avouch-milter; avouch is in the same directory.
"""

import os
import re
import subprocess
import sys

import daemon
import lab
import mailing
import postfix
import smtp
from suite import Suite, holds, lacks, same, true

suite = Suite()

FORGED = lab.message("alice@bank.example", subject="forged")
OWN = {"socket": "inet:8894@127.0.0.1", "user": "avouch",
       "listen": "unix:/run/avouch/metrics.sock"}

# ---- the settings of Debian's files (12 and 13), without their comments ----

STOCK_OPENDKIM = """\
Syslog			yes
SyslogSuccess		yes
Canonicalization	relaxed/simple
OversignHeaders		From
UserID			opendkim
UMask			007
Socket			local:/run/opendkim/opendkim.sock
PidFile			/run/opendkim/opendkim.pid
TrustAnchorFile		/usr/share/dns/root.key
"""
STOCK_OPENDMARC = """\
PidFile /run/opendmarc/opendmarc.pid
PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat
Socket local:/run/opendmarc/opendmarc.sock
Syslog true
UMask 0002
UserID opendmarc
"""
STOCK_POLICYD = """\
debugLevel = 1
TestOnly = 1
HELO_reject = Fail
Mail_From_reject = Fail
PermError_reject = False
TempError_Defer = False
skip_addresses = 127.0.0.0/8,::ffff:127.0.0.0/104,::1
"""

# ---- how-tos ----

# sockets in Postfix's chroot, tables of keys; opendmarc rejects
CHROOT_OPENDKIM = """\
AutoRestart             Yes
AutoRestartRate         10/1h
UMask                   007
Syslog                  yes
SyslogSuccess           Yes
LogWhy                  Yes
Canonicalization        relaxed/simple
ExternalIgnoreList      refile:{home}/trusted.hosts
InternalHosts           refile:{home}/trusted.hosts
KeyTable                refile:/etc/opendkim/key.table
SigningTable            refile:/etc/opendkim/signing.table
Nameservers             8.8.8.8,1.1.1.1
Mode                    sv
SubDomains              no
PidFile                 /var/run/opendkim/opendkim.pid
SignatureAlgorithm      rsa-sha256
OversignHeaders         From
UserID                  opendkim
Socket                  local:/var/spool/postfix/opendkim/opendkim.sock
"""
CHROOT_OPENDMARC = """\
AuthservID OpenDMARC
TrustedAuthservIDs mx.example.net
RejectFailures true
IgnoreAuthenticatedClients true
RequiredHeaders true
SPFSelfValidate true
PublicSuffixList /usr/share/publicsuffix/
Socket local:/var/spool/postfix/opendmarc/opendmarc.sock
Syslog true
UMask 0002
UserID opendmarc
"""

# inet sockets, one opendkim for all, no opendmarc
INET_OPENDKIM = """\
AutoRestart             Yes
AutoRestartRate         10/1h
UMask                   002
Syslog                  yes
Canonicalization        relaxed/simple
ExternalIgnoreList      refile:{home}/trusted.hosts
InternalHosts           refile:{home}/trusted.hosts
KeyTable                refile:/etc/opendkim/KeyTable
SigningTable            refile:/etc/opendkim/SigningTable
Mode                    sv
PidFile                 /var/run/opendkim/opendkim.pid
SignatureAlgorithm      rsa-sha256
UserID                  opendkim:opendkim
Socket                  inet:12301@localhost
"""

# opendkim only signs; opendmarc collects data for reports and ignores some
# hosts
SIGN_OPENDKIM = """\
Mode                    s
Domain                  example.net
KeyFile                 /etc/dkimkeys/mail.private
Selector                mail
Nameservers             8.8.8.8
Socket                  inet:8891@localhost
UserID                  opendkim
"""
REPORT_OPENDMARC = """\
AuthservID HOSTNAME
FailureReports false
PidFile /var/run/opendmarc.pid
RejectFailures false
Socket inet:8893@localhost
Syslog true
TrustedAuthservIDs HOSTNAME
UMask 0002
UserID opendmarc:opendmarc
IgnoreHosts {home}/trusted.hosts
IgnoreMailFrom bank.example
HistoryFile {home}/opendmarc.dat
"""
TRUSTED_HOSTS = """\
127.0.0.1
localhost
192.168.0.1/24
*.example.net
"""

# name, files, authserv-id, action on forged mail in mode enforce
SETS = (
    ("Debian's opendkim, opendmarc and policyd-spf",
     (("opendkim.conf", STOCK_OPENDKIM), ("opendmarc.conf", STOCK_OPENDMARC),
      ("policyd-spf.conf", STOCK_POLICYD)), lab.HOST, "reject"),
    ("Debian's opendkim and opendmarc",
     (("opendkim.conf", STOCK_OPENDKIM), ("opendmarc.conf", STOCK_OPENDMARC)),
     lab.HOST, "annotate"),
    ("a how-to with sockets in the chroot",
     (("opendkim.conf", CHROOT_OPENDKIM),
      ("opendmarc.conf", CHROOT_OPENDMARC),
      ("policyd-spf.conf", STOCK_POLICYD)), "opendmarc", "reject"),
    ("a how-to with inet sockets, and policyd-spf",
     (("opendkim.conf", INET_OPENDKIM), ("policyd-spf.conf", STOCK_POLICYD)),
     lab.HOST, "reject"),
    ("a how-to with an opendkim that only signs",
     (("opendkim.conf", SIGN_OPENDKIM),
      ("opendmarc.conf", REPORT_OPENDMARC)), lab.HOST, "annotate"),
)


def avouch(l, *arguments):
    r = subprocess.run([os.path.dirname(l.program) + "/avouch", *arguments],
                       capture_output=True, text=True, timeout=60)
    same((r.returncode, r.stderr), (0, ""), " ".join(arguments))
    return r.stdout


def imported(l, files):
    folder = l.home + "/theirs"
    os.makedirs(folder, exist_ok=True)
    with open(l.home + "/trusted.hosts", "w") as f:
        f.write(TRUSTED_HOSTS)
    paths = []
    for name, text in files:
        paths.append("%s/%s" % (folder, name))
        with open(paths[-1], "w") as f:
            f.write(text.format(home=l.home))
    return avouch(l, "config", "import", *paths)


def settings_of(text):
    """Returns the text without comments."""
    return "".join(line + "\n" for line in text.splitlines()
                   if not line.lstrip().startswith("#"))


def adapted(l, text):
    """Adapts the imported configuration to this machine: a free port, an
    existing user, the lab's DNS, a folder for the store."""
    ours = {"socket": "inet:%d@127.0.0.1" % l.where, "user": "nobody",
            "listen": "inet:%d@127.0.0.1" % smtp.free_port()}
    for name, value in OWN.items():
        line = '%s = "%s"' % (name, value)
        same(settings_of(text).count(line + "\n"), 1, line)
        text = text.replace(line, '%s = "%s"' % (name, ours[name]))
    store = l.home + "/store"
    os.makedirs(store, exist_ok=True)
    os.chown(store, 65534, 65534)
    text = text.replace("/var/lib/avouch/", store + "/")
    text = re.sub(r"(?m)^nameservers = .*$", "", text)
    return text + '\nnameservers = "zone:%s"\nlog_target = stderr\n' % l.zone


def without_twice(text):
    """Removes a duplicate log_target, which may come from one of the files."""
    return re.sub(r"(?m)^log_target = syslog$", "", text)


for each in SETS:
    @suite.test(each[0])
    def _(l, each=each):
        _, files, authserv_id, action = each
        text = imported(l, files)
        same(text, imported(l, files), "the same again")
        holds(text, "# What to do now")
        settings = settings_of(text)
        same(settings.count("mode = monitor\n"), 1, "mode")
        for theirs in ("opendkim.sock", "opendmarc.sock", "12301", "8891",
                       "8893", "socket_mode", "socket_group", "override"):
            lacks(settings, theirs)
        if "Mode                    s\n" in files[0][1]:
            lacks(settings, "8.8.8.8")
            holds(text, "this opendkim only signs")
        run(l, without_twice(adapted(l, text)), authserv_id, action)


def run(l, text, authserv_id, action):
    path = l.home + "/migrated.conf"
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o644)
    holds(avouch(l, "config", "check", "--config", path), "no errors")
    l.milter = d = daemon.Daemon(l.program, l.home, text, name="migrated")
    try:
        got = mailing.delivered(l, FORGED)
        field = smtp.fields(got, "Authentication-Results")[0]
        results = lab.results(field)
        same(results[""].lower(), authserv_id, field)
        same(results["dmarc"], "fail", field)
        same(results["spf"], "fail", field)
        line = d.wait_log(event="message")
        same((line["action"], line["would"]), ("accept", action), line)
        d.reload(text.replace("mode = monitor", "mode = enforce"))
        reply, _ = mailing.send(l, FORGED)
        same(reply.code, 550 if action == "reject" else 250, str(reply))
        good = l.sign(lab.message(), "bank.example")
        true(mailing.delivered(l, good), "good mail")
    finally:
        same(d.stop(), 0, "status")


@suite.test("socket and user come from etc/avouch.conf")
def _(_l):
    with open(lab.ROOT + "/etc/avouch.conf") as f:
        text = f.read()
    for name, value in OWN.items():
        true(re.search(r'(?m)^\s*%s = "%s"$' % (name, re.escape(value)), text),
             name)


def main():
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all("skipped: %s" % e)
    with lab.Lab(sys.argv[1]) as l:
        l.add_key("bank.example")
        l.where = smtp.free_port()
        l.mta_socket = "inet:127.0.0.1:%d" % l.where
        l.start_postfix()
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
