"""Aggregate reports with known situations: for each advice of report/show, a
domain that should get it, and three typical domains of an owner (a company,
its shop, a parked name).  Deterministic and invented: it contains no real
sender."""

import random

import samples

DAYS = 38  # 30 of them are shown

# name of the reporter, its percentage of the mail
REPORTERS = (("Large Mail", 55), ("Office Cloud", 30), ("post.example", 15))

# The advice expected for each domain; DOMAINS and its functions show why.
WANTED = {
    "company.example": "losing",
    "shop.example": "to_reject",
    "parked.example": "parked",
    "parked-done.example": "parked_done",
    "losing.example": "losing",
    "fixed.example": "to_quarantine",
    "unaligned.example": "fix_first",
    "spoofed.example": "mostly_spoofed",
    "ready.example": "to_quarantine",
    "new-sender.example": "new_sender",
    "forwarded.example": "stay",
    "lists-lost.example": "loses_forwarded",
    "unsigned.example": "sign_first",
    "open-below.example": "subdomains",
    "tested.example": "end_testing",
    "silent.example": "silent",
    "small.example": "too_little",
    "fine.example": "done",
}

OFFICE = ["198.18.%d.%d" % (n // 40, 10 + n % 40) for n in range(120)]


class Mail:
    """Records of one domain on one day."""

    def __init__(self, domain, day, enforced, rng):
        self.domain, self.day, self.rng = domain, day, rng
        self.enforced = enforced  # disposition of mail that fails
        self.rows = []            # (address, count, keywords of record())

    def add(self, ip, count, **how):
        if count > 0:
            self.rows.append((ip, count, how))

    def own(self, ip, count):
        """Signed, and authorized by SPF."""
        self.add(ip, count)

    def esp(self, ip, count, esp="mailer.example"):
        """Signed by the service and by the domain, with the service's
        envelope."""
        self.add(ip, count, spf="fail", envelope="bounce." + esp,
                 spf_result="pass",
                 signed=[(self.domain, "pass"), (esp, "pass")])

    def unaligned(self, ip, count, esp="mailer.example"):
        self.add(ip, count, dkim="fail", spf="fail", spf_result="pass",
                 envelope="bounce." + esp, signed=[(esp, "pass")],
                 disposition=self.enforced)

    def unsigned(self, ip, count):
        self.add(ip, count, dkim="fail")

    def lost(self, ip, count):
        """Fails SPF and DKIM."""
        self.add(ip, count, dkim="fail", spf="fail", spf_result="softfail",
                 disposition=self.enforced)

    def list(self, ip, count):
        """A mailing list has broken the signature."""
        self.add(ip, count, dkim="fail", spf="fail", spf_result="pass",
                 envelope="lists.society.example",
                 signed=[(self.domain, "fail")], reason="mailing_list")

    def forwarder(self, ip, count):
        self.add(ip, count, dkim="fail", spf="fail", spf_result="fail",
                 signed=[(self.domain, "fail")], reason="forwarded")

    def spoofed(self, sources, count, author=None):
        """Sent from `sources` addresses all over the world, new ones each day.
        """
        for _ in range(sources):
            ip = "100.%d.%d.%d" % (64 + self.rng.randrange(64),
                                   self.rng.randrange(256),
                                   self.rng.randrange(256))
            self.add(ip, count, dkim="fail", spf="fail",
                     spf_result=self.rng.choice(("fail", "softfail", "none")),
                     envelope=self.rng.choice((None, "junk.example")),
                     disposition=self.enforced, author=author)

    def records(self, part, parts):
        """The records of one reporter: `part` percent, after `parts` percent
        for others."""
        for ip, count, how in self.rows:
            seen = (count * (parts + part) // 100 - count * parts // 100)
            if seen > 0:
                yield samples.record(ip, seen, domain=self.domain, **how)


def company(m):
    """A company at p=reject with many kinds of mail: an office suite with 120
    addresses, its own servers, a newsletter, lists, spoofers.  Five days ago
    an application was moved to a server that no one had authorized."""
    for n, ip in enumerate(OFFICE):
        if (n + m.day) % 3:
            m.add(ip, 6 + n % 9, spf="pass" if n % 7 else "fail",
                  envelope=None if n % 7 else "srs.office.example")
    m.own("192.0.2.10", 900)
    m.own("192.0.2.11", 310)
    m.own("2001:db8:25::7", 120)
    m.esp("198.51.100.44", 240)
    m.esp("198.51.100.45", 160)
    m.unsigned("192.0.2.20", 25)
    m.list("203.0.113.5", 6)
    m.forwarder("203.0.113.77", 3)
    m.spoofed(25, 4)
    if m.day < 5:
        m.lost("192.0.2.30", 140)
    else:
        m.own("192.0.2.12", 140)


def shop(m):
    m.own("192.0.2.40", 260)
    m.esp("198.51.100.46", 400)
    m.spoofed(3, 2)


def parked(m):
    m.spoofed(12, 3)
    m.unaligned("100.127.1.%d" % (m.day + 1), 2, "junk%d.example" % m.day)


def losing(m):
    m.own("192.0.2.50", 300)
    if m.day < 3:
        m.unaligned("198.51.100.47", 60)
    else:
        m.esp("198.51.100.47", 60)


def fixed(m):
    """The newsletter has been signed only since four days ago."""
    m.own("192.0.2.51", 300)
    if m.day < 4:
        m.esp("198.51.100.48", 90)
    else:
        m.unaligned("198.51.100.48", 90)


def unaligned(m):
    m.own("192.0.2.52", 300)
    m.unaligned("198.51.100.49", 90)


def spoofed(m):
    m.own("192.0.2.53", 8)
    m.spoofed(60, 9)


def ready(m):
    m.own("192.0.2.54", 400)
    m.list("203.0.113.5", 12)
    m.spoofed(8, 5)


def new_sender(m):
    m.own("192.0.2.55", 400)
    if m.day < 3:
        m.unaligned("198.51.100.60", 70, "crm.example")


def forwarded(m):
    m.own("192.0.2.56", 300)
    m.list("203.0.113.5", 20)
    m.forwarder("203.0.113.77", 10)


def unsigned(m):
    m.own("192.0.2.57", 200)
    m.unsigned("192.0.2.58", 150)


def open_below(m):
    m.own("192.0.2.59", 300)
    m.spoofed(10, 3, author="pay." + m.domain)


def silent(m):
    if m.day > 12:
        m.own("192.0.2.61", 200)


def small(m):
    if m.day % 6 == 0:
        m.own("192.0.2.62", 4)


def in_order(m):
    m.own("192.0.2.63", 300)
    m.esp("198.51.100.44", 100)
    m.spoofed(5, 4)


# domain, p, other tags, function that adds its mail
DOMAINS = (
    ("company.example", "reject", "", company),
    ("shop.example", "quarantine", "<np>reject</np>", shop),
    ("parked.example", "none", "", parked),
    ("parked-done.example", "reject", "", parked),
    ("losing.example", "reject", "", losing),
    ("fixed.example", "none", "", fixed),
    ("unaligned.example", "none", "", unaligned),
    ("spoofed.example", "none", "", spoofed),
    ("ready.example", "none", "", ready),
    ("new-sender.example", "none", "", new_sender),
    ("forwarded.example", "quarantine", "", forwarded),
    ("lists-lost.example", "reject", "", forwarded),
    ("unsigned.example", "none", "", unsigned),
    ("open-below.example", "quarantine", "<sp>none</sp>", open_below),
    ("tested.example", "reject", "<testing>y</testing>", in_order),
    ("silent.example", "none", "", silent),
    ("small.example", "none", "", small),
    ("fine.example", "reject", "", in_order),
)


def reports(names=None, days=DAYS):
    """The XML of all reports, or of those for the domains in `names`."""
    for domain, p, more, fill in DOMAINS:
        if names is not None and domain not in names:
            continue
        for day in range(days):
            mail = Mail(domain, day, p, random.Random(domain + str(day)))
            fill(mail)
            before = 0
            for org, part in REPORTERS:
                records = list(mail.records(part, before))
                before += part
                if records:
                    yield samples.report(
                        day, records, domain=domain, org=org, p=p, more=more,
                        number="%s!%s!%d" % (org.replace(" ", ""), domain, day))


def zone():
    """Host names of the senders; the one of crm.example is not confirmed."""
    hosts = {ip: "out%d.protection.office.example" % n
             for n, ip in enumerate(OFFICE)}
    hosts.update({
        "192.0.2.10": "mail1.company.example",
        "192.0.2.11": "mail2.company.example",
        "192.0.2.12": "app-old.company.example",
        "192.0.2.20": "printer.company.example",
        "192.0.2.30": "app.company.example",
        "192.0.2.40": "mail.shop.example",
        "203.0.113.5": "lists.society.example",
        "203.0.113.77": "mx.alumni.example",
    })
    hosts.update({"198.51.100.%d" % n: "o%d.send.mailer.example" % n
                  for n in range(44, 50)})
    lines = ["$TTL 300"]
    for ip, name in hosts.items():
        lines.append("%s.in-addr.arpa. PTR %s." % (
            ".".join(reversed(ip.split("."))), name))
        lines.append("%s. A %s" % (name, ip))
    lines.append("60.100.51.198.in-addr.arpa. PTR mail1.company.example.")
    return "\n".join(lines) + "\n"
