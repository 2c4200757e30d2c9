#!/usr/bin/env python3
"""The package on a bare Debian that systemd has booted: installed as README.md
says, mail through Postfix, reload, upgrade, reports and their bounces, remove,
purge.

usage: package.py FOLDER [PART-OF-A-NAME]      FOLDER: of tests/package/prepare
"""

import base64
import glob
import gzip
import os
import re
import shutil
import subprocess
import sys
import time

import booted
from booted import CLIENTS, HOST

from suite import Suite, holds, lacks, same, true

ROOT = os.path.dirname(os.path.dirname(booted.HERE))
CONF = "/etc/avouch/avouch.conf"
STRANGER = CLIENTS[2]
NEXT = "0.1.1"

# One line for each; the names of etc/demo.zone are left as they are.
RECORDS = [
    'bank.example. 300 IN TXT "v=spf1 ip4:192.0.2.10 -all"',
    '_dmarc.bank.example. 300 IN TXT "v=DMARC1; p=reject; '
    'rua=mailto:dmarc@bank.example"',
    # fails softly, so that policyd-spf lets it in
    'soft.example. 300 IN TXT "v=spf1 ip4:192.0.2.10 ~all"',
    '_dmarc.soft.example. 300 IN TXT "v=DMARC1; p=reject"',
    'bank.example. 300 IN MX 10 mail.bank.example.',
    'mail.bank.example. 300 IN A 192.0.2.10',
    '10.2.0.192.in-addr.arpa. 300 IN PTR mail.bank.example.',
    'host66.isp.example. 300 IN A 203.0.113.66',
    '66.113.0.203.in-addr.arpa. 300 IN PTR host66.isp.example.',
    'example.net. 1 IN SOA ns.example.net. root.example.net. 1 9 9 9 1',
    'example.net. 1 IN NS ns.example.net.',
    'ns.example.net. 300 IN A 198.51.100.53',
    'example.net. 300 IN MX 10 mx.example.net.',
    'mx.example.net. 300 IN A 198.51.100.25',
    '25.100.51.198.in-addr.arpa. 300 IN PTR mx.example.net.',
]

suite = Suite()


def commands(heading):
    """The commands that README.md shows below a heading."""
    with open(ROOT + "/README.md") as f:
        part = f.read().split("\n## %s\n" % heading)[1].split("\n## ")[0]
    return [line.strip() for line in part.splitlines()
            if line.startswith("    ")]


def mail(subject, sender="alice@bank.example"):
    return ("From: %s\r\nTo: ann@%s\r\nSubject: %s\r\n"
            "Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
            "Message-ID: <%s@bank.example>\r\n\r\nHello.\r\n" % (
                sender, HOST, subject, subject)).encode()


def forged(m, subject):
    return m.send(mail(subject), "alice@bank.example", "ann@" + HOST,
                  client=STRANGER, helo="host66.isp.example")


def honest(m, subject):
    return m.send(mail(subject), "alice@bank.example", "ann@" + HOST)


def pid(m):
    return m.run("systemctl show -P MainPID avouch-milter").strip()


def results(message):
    """Our field, unfolded."""
    text = re.sub(r"\n[ \t]+", " ", message)
    return re.search(r"(?m)^Authentication-Results: (.*)$", text).group(1)


@suite.test("it is built without an error or a warning of lintian")
def built(m):
    with open(m.folder + "/build/tmp/avouch/build/deb/build.log") as f:
        true(re.search(r"dpkg-deb: building package", f.read()), "no package")
    same(os.path.exists(m.folder + "/build/usr/bin/lintian"), True, "lintian")


@suite.test("it needs sysusers, not a systemd that runs")
def needs(m):
    output = m.run("dpkg-deb -f /root/avouch*.deb Depends")
    holds(output, "systemd-standalone-sysusers | systemd")


@suite.test("README's commands install it: it runs, refuses nothing, listens "
            "on loopback alone")
def installed(m):
    m.run("useradd -m ann")
    m.run("apt-get -q -y install postfix")
    m.run("postconf -e 'mydestination = $myhostname, localhost' && "
          "systemctl restart postfix")
    m.began = time.monotonic()
    install = commands("Install it")[1]
    same(install, "apt install ./avouch_*.deb")
    printed = m.type(install)
    holds(printed, "postconf -e 'smtpd_milters = "
          "{ inet:127.0.0.1:8894, default_action=accept }'")
    same([m.active("avouch-milter"), m.enabled("avouch-milter"),
          m.enabled("avouch-report.timer")], ["active", "enabled", "disabled"])
    holds(m.journal("avouch-milter"), "mode=monitor")
    ports = re.findall(r"(\S+):(\d+) +\S+:\*? *users:\(\(\"avouch",
                       subprocess.run(["ss", "-Hltnp"], check=True, text=True,
                                      capture_output=True).stdout)
    same(ports, [("127.0.0.1", "8894")])


@suite.test("avouch status works at once, over a unix socket")
def status(m):
    holds(m.run("avouch status"), "messages")
    same(m.run("stat -c '%a %U %G' /run/avouch/metrics.sock").strip(),
         "660 avouch avouch")


@suite.test("README's commands attach it: the next mail has the field")
def attached(m):
    for command in commands("Attach it to Postfix")[:3]:
        m.type(command)
    same(honest(m, "first").code, 250)
    text = m.delivered("ann", "first")
    m.show("\nThe next message from outside, %d s after the first command:\n\n%s"
           % (time.monotonic() - m.began, text))
    m.type("journalctl -q -o cat -u avouch-milter -n 1")
    m.type("avouch status")
    field = results(text)
    holds(field, HOST + ";")
    holds(field, "iprev=pass (mail.bank.example) policy.iprev=192.0.2.10")
    holds(field, "spf=pass")
    holds(field, "dmarc=pass")
    same(forged(m, "forged").code, 250)
    field = results(m.delivered("ann", "forged"))
    holds(field, "dmarc=fail (p=reject dis=none, would reject")
    holds(m.journal("avouch-milter"), "would=reject")


@suite.test("a reload changes the settings, and one with an error does not")
def reload(m):
    text = m.read(CONF)
    before = pid(m)
    m.write(CONF, text.replace("\nmode = monitor", "\nmode = enforce"))
    m.run("systemctl reload avouch-milter")
    m.wait("the reload", lambda: "mode=enforce" in m.journal("avouch-milter"))
    reply = forged(m, "refused")
    same((reply.code, reply.text[:6]), (550, "5.7.26"), reply)
    m.write(CONF, text.replace("\nmode = monitor", "\nmode = enforced"))
    m.run("systemctl reload avouch-milter", check=False)
    true(m.status != 0, "a reload with an error succeeds")
    same((forged(m, "again").code, m.active("avouch-milter")),
         (550, "active"))
    same(pid(m), before, "the process")
    m.write(CONF, text.replace("\nmode = monitor", "\nmode = enforce"))
    m.run("systemctl reload avouch-milter")


@suite.test("killed, it comes back, and mail goes on meanwhile")
def killed(m):
    before = pid(m)
    m.run("kill -9 " + before)
    same(honest(m, "meanwhile").code, 250)
    m.wait("a new process", lambda: pid(m) not in ("0", before) and
           m.active("avouch-milter") == "active")
    m.wait("mail that is refused again",
           lambda: forged(m, "later").code == 550)


@suite.test("a unix socket inside of Postfix' chroot, as docs/MIGRATING.md has it")
def chroot(m):
    with open(ROOT + "/docs/MIGRATING.md") as f:
        part = f.read().split("\n**Unix sockets and chroot.**")[1]
    part = part.split("\n**")[0]
    socket, mode, place = re.findall(r"`((?:socket|unix:|socket_mode)[^`.]"
                                     r"[^`]*)`", part)[1:]
    for line in re.findall(r"(?m)^    (.*)$", part):
        m.run(line)
    before = m.read(CONF)
    m.write(CONF, re.sub("(?m)^socket = .*$", socket + "\n" + mode, before))
    m.run("systemctl daemon-reload && systemctl restart avouch-milter")
    attached = m.run("postconf -h smtpd_milters").strip()
    m.run("postconf -e 'smtpd_milters = { %s, default_action=tempfail }' && "
          "postfix reload" % place)
    m.wait("a refusal over the unix socket",
           lambda: forged(m, "chroot").code == 550)
    m.write(CONF, before)
    m.run("rm -r /etc/systemd/system/avouch-milter.service.d "
          "/var/spool/postfix/avouch && systemctl daemon-reload && "
          "systemctl restart avouch-milter && "
          "postconf -e 'smtpd_milters = %s' && postfix reload" % attached)


@suite.test("an upgrade with a changed conffile keeps ours; daemon and timer "
            "go on")
def upgrade(m):
    own = m.read(CONF).replace("report {\n", """report {
	store = "/var/lib/avouch/avouch.db"
	org_name = "example.net"
	email = "dmarc-reports@%s"
""" % HOST, 1)
    m.write(CONF, own)
    m.run("systemctl restart avouch-milter && "
          "systemctl enable --now avouch-report.timer")
    before = pid(m)
    m.run("""set -e; dpkg-deb -R avouch_*.deb next
        sed -i 's/^Version: .*/Version: %s/' next/DEBIAN/control
        echo '# a line of the next version' >>next%s
        cd next; find etc usr lib -type f 2>/dev/null | xargs md5sum \
            >DEBIAN/md5sums; cd ..
        dpkg-deb -b next avouch-next.deb""" % (NEXT, CONF))
    m.run("apt-get -q -y -o Dpkg::Options::=--force-confdef "
          "-o Dpkg::Options::=--force-confold install ./avouch-next.deb")
    same(m.run("dpkg-query -W -f '${Version}' avouch"), NEXT)
    same(m.read(CONF), own)
    holds(m.read(CONF + ".dpkg-dist"), "# a line of the next version")
    same([m.active("avouch-milter"), m.active("avouch-report.timer"),
          m.enabled("avouch-report.timer")], ["active", "active", "enabled"])
    true(pid(m) != before, "the new program was not started")
    true(re.search("avouch-report", m.run("systemctl list-timers")),
         "no next run of the timer")
    same((honest(m, "upgraded").code, forged(m, "upgraded").code), (250, 550))
    m.delivered("ann", "upgraded")


DSN = """From: Mail Delivery <postmaster@mail.other.example>
To: dmarc-reports@{host}
Subject: {subject}
Date: Thu, 01 Jan 2026 12:00:00 +0000
Message-ID: <{subject}@mail.other.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

gone
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.other.example

Final-Recipient: rfc822; dmarc@bank.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {id}

--b--
"""


def bounce(m, subject):
    """The report that ann got is returned, as another mail server would."""
    report = next(each for each in m.mailbox("ann") if REPORT in each)
    number = re.search(r"(?mi)^Message-ID: (<\S+>)", report).group(1)
    text = DSN.format(host=HOST, subject=subject, id=number)
    reply = m.send(text.replace("\n", "\r\n").encode(), "",
                   "dmarc-reports@" + HOST, helo="mail.other.example")
    same(reply.code, 250, reply)


REPORT = "Report Domain: bank.example"
SIGNER = """set -e
apt-get -q -y --no-install-recommends install opendkim opendkim-tools
cd /etc/dkimkeys
opendkim-genkey -b 2048 -d {host} -s mail; chown opendkim mail.private
sed -i 's/^Socket.*/Socket inet:8891@localhost/' /etc/opendkim.conf
cat >>/etc/opendkim.conf <<END
Mode s
Domain {host}
Selector mail
KeyFile /etc/dkimkeys/mail.private
END
systemctl restart opendkim
postconf -e 'non_smtpd_milters = inet:127.0.0.1:8891'
postconf -e 'virtual_alias_maps = inline:{{ dmarc@bank.example=ann }}'
postfix reload""".format(host=HOST)


# The report goes to ann, in the place of bank.example's own server.
@suite.test("reports are sent through Postfix, and signed by the milters of "
            "non_smtpd_milters")
def reports(m):
    m.run(SIGNER)
    m.run("runuser -u avouch -- avouch report send --now "
          "$(date -ud 'tomorrow 12:00' +%s)")
    got = m.wait("a report", lambda: [each for each in m.mailbox("ann")
                                      if REPORT in each])
    same(len(got), 1)
    holds(got[0], "DKIM-Signature: v=1; a=rsa-sha256;")
    holds(re.sub(r"\s+", " ", got[0]), "d=%s; s=mail;" % HOST)
    packed = re.search(r"(?s)\n(H4sI[A-Za-z0-9+/=\s]*?)\n\n?--", got[0])
    xml = gzip.decompress(base64.b64decode(packed.group(1))).decode()
    holds(xml, "<source_ip>203.0.113.66</source_ip>")
    holds(xml, "<disposition>reject</disposition>")


@suite.test("the unit that sends reports ends well")
def unit(m):
    m.run("systemctl start avouch-report.service")
    same(m.run("systemctl show -P Result avouch-report.service"), "success\n")


def suppressed(m):
    return "dmarc@bank.example" in m.run(
        "runuser -u avouch -- avouch report suppressed")


@suite.test("a bounce comes to the store by a pipe(8) service")
def bounce_pipe(m):
    with open(ROOT + "/etc/postfix-bounce.snippet") as f:
        text = f.read()
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    holds(text, "transport_maps = inline:{ bounce.invalid=avouch-bounce: }")
    holds(text, "dmarc-reports: postmaster, reports@bounce.invalid")
    m.write("/root/service", "\n".join(lines) + "\n")
    m.run("""set -e; cat service >>/etc/postfix/master.cf
        echo 'dmarc-reports: postmaster, reports@bounce.invalid' >>/etc/aliases
        sed -i 's/^postmaster:.*/postmaster: ann/' /etc/aliases; newaliases
        postconf -e 'transport_maps = inline:{ bounce.invalid=avouch-bounce: }'
        postfix reload""")
    bounce(m, "returned-1")
    m.wait("the address in the list", lambda: suppressed(m))
    m.delivered("ann", "returned-1")
    same(m.run("mailq").strip(), "Mail queue is empty")
    m.run("runuser -u avouch -- avouch report suppressed --remove "
          "dmarc@bank.example")
    true(not suppressed(m), "it is still in the list")


@suite.test("a bounce comes to the store by a Maildir and the timer's unit")
def bounce_maildir(m):
    m.run("""set -e; sed -i '/^dmarc-reports/d' /etc/aliases
        echo 'dmarc-reports: postmaster, avouch' >>/etc/aliases; newaliases
        echo /var/lib/avouch/bounces/ >/var/lib/avouch/.forward""")
    bounce(m, "returned-2")
    new = m.path("/var/lib/avouch/bounces/new")
    m.wait("a file in the Maildir",
           lambda: os.path.isdir(new) and os.listdir(new))
    m.delivered("ann", "returned-2")
    m.run("systemctl start avouch-report.service")
    true(suppressed(m), "it is not in the list")
    same(os.listdir(new), [])
    same(len(os.listdir(m.path("/var/lib/avouch/bounces/cur"))), 1)


@suite.test("the signer of avouch signs mail of this host, with opendkim's key, and "
            "sees the record of a new key")
def signs(m):
    m.write(CONF, m.read(CONF).replace(
        "\nsign {\n", '\nsign {\n\tsocket = "inet:8895@127.0.0.1"\n', 1))
    m.run("avouch key import --domain {0} --selector mail "
          "/etc/dkimkeys/mail.private && avouch key new {0}".format(HOST))
    keys = glob.glob(m.path("/var/lib/avouch/keys/%s/*.pem" % HOST))
    same(len(keys), 2)
    for path in keys:
        der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout",
                              "-outform", "DER"], check=True,
                             capture_output=True).stdout
        text = "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()
        m.names.add('%s._domainkey.%s. 1 IN TXT "%s" "%s"' % (
            os.path.basename(path)[:-len(".pem")], HOST, text[:200],
            text[200:]))
    m.run("""systemctl restart avouch-milter; systemctl stop opendkim
        postconf -e \
            'non_smtpd_milters = { inet:127.0.0.1:8895, default_action=tempfail }'
        postfix reload""")
    m.run("(echo 'From: root@%s'; echo 'Subject: ours'; echo; echo Hello) | "
          "sendmail -f root@%s ann@%s" % (HOST, HOST, HOST))
    m.write("/root/ours.eml", m.delivered("ann", "ours"))
    output = m.run("avouch dkim ours.eml")
    holds(output, "pass")
    holds(output, "mail")
    m.wait("the record to be seen", lambda: re.search(
        r"rsa2048 +new +published", m.run("avouch key list")), 300)


@suite.test("removed: mail goes on without it, configuration and store stay")
def removed(m):
    m.run("apt-get -q -y remove avouch")
    same(m.active("avouch-milter"), "inactive")
    same(m.active("avouch-report.timer"), "inactive")
    same(honest(m, "without").code, 250)
    lacks(m.delivered("ann", "without"), "Authentication-Results")
    for path in (CONF, "/var/lib/avouch/avouch.db"):
        true(os.path.exists(m.path(path)), "no " + path)
    same(m.run("systemctl list-units --failed --no-legend"), "")


@suite.test("installed again it has its settings; purged it leaves nothing")
def purged(m):
    m.run("apt-get -q -y install ./avouch-next.deb")
    holds(m.journal("avouch-milter").splitlines()[-1] +
          m.run("avouch config show"), "mode = enforce")
    same(forged(m, "back").code, 550)
    m.run("apt-get -q -y purge avouch")
    # /var/spool/postfix: the service that the snippet added
    left = m.run("find / -xdev -iname '*avouch*' -not -path '/proc/*' "
                 "-not -path '/var/spool/postfix/*' "
                 "-not -path '/sys/*' -not -path '/root/*' "
                 "-not -path '/var/lib/apt/*' -not -path '/tmp/*' "
                 "-not -path '/var/cache/*'", check=False)
    same(left, "")
    same(m.run("systemctl list-units --failed --no-legend"), "")
    same(honest(m, "purged").code, 250)


def main():
    folder = sys.argv[1]
    packages = glob.glob(folder + "/deb/avouch_*.deb")
    try:
        if not packages:
            raise booted.CannotRun("no %s/deb/avouch_*.deb; run "
                                   "tests/package/prepare" % folder)
        booted.enter()
        with booted.Booted(folder, RECORDS) as m:
            m.write_transcript()
            for package in packages:
                shutil.copy(package, m.path("/root"))
            return suite.run(m, sys.argv[2] if len(sys.argv) > 2 else None)
    except booted.CannotRun as e:
        return suite.skip_all(e)


if __name__ == "__main__":
    sys.exit(main())
