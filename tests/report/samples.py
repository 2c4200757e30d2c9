"""Reports as receivers send them, made up: no real sender is in them."""

import gzip
import io
import zipfile

DAY = 86400
NOW = 1767225600 + 40 * DAY  # 2026-02-10


def record(ip, count, dkim="pass", spf="pass", domain="example.com",
           signed=None, envelope=None, spf_result=None, reason=None,
           disposition="none"):
    """`signed`: [(domain, result)]; None: as `dkim` says, by the domain."""
    if signed is None:
        signed = [(domain, "pass")] if dkim == "pass" else []
    envelope = envelope or domain
    reason = "<reason><type>%s</type></reason>" % reason if reason else ""
    return """
  <record><row><source_ip>%s</source_ip><count>%d</count>
    <policy_evaluated><disposition>%s</disposition><dkim>%s</dkim>
      <spf>%s</spf>%s</policy_evaluated></row>
   <identifiers><header_from>%s</header_from>
     <envelope_from>%s</envelope_from></identifiers>
   <auth_results>%s<spf><domain>%s</domain><scope>mfrom</scope>
     <result>%s</result></spf></auth_results></record>""" % (
         ip, count, disposition, dkim, spf, reason, domain, envelope,
         "".join("<dkim><domain>%s</domain><selector>s1</selector>"
                 "<result>%s</result></dkim>" % pair for pair in signed),
         envelope, spf_result or ("pass" if spf == "pass" else "fail"))


def report(day, records, domain="example.com", org="Receiver", p="none",
           more="", number=None):
    begin = NOW // DAY * DAY - day * DAY
    return """<?xml version="1.0" encoding="UTF-8"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><version>1.0</version>
 <report_metadata><org_name>%s</org_name><email>dmarc@receiver.example</email>
  <report_id>%s</report_id><date_range><begin>%d</begin><end>%d</end>
  </date_range></report_metadata>
 <policy_published><domain>%s</domain><p>%s</p>%s</policy_published>%s
</feedback>
""" % (org, number or "%s-%d" % (domain, day), begin, begin + DAY - 1, domain,
       p, more, "".join(records))


def month():
    """30 days of two domains, one in order and one that is not."""
    for day in range(30):
        wave = 1 + day % 7
        rows = [
            record("192.0.2.10", 900 + 40 * wave),
            record("192.0.2.11", 310 + 20 * wave),
            record("2001:db8:25::7", 120 + wave),
            record("198.51.100.20", 60 + wave, dkim="fail", spf="pass"),
            record("198.51.100.44", 25 + wave, dkim="fail", spf="fail",
                   signed=[("mailer.example", "pass")],
                   envelope="bounce.mailer.example", spf_result="pass"),
            record("203.0.113.5", 8, dkim="fail", spf="fail",
                   signed=[("example.com", "fail")],
                   envelope="lists.example.net", spf_result="pass",
                   reason="mailing_list"),
            record("198.51.100.77", 40, dkim="fail", spf="pass",
                   signed=[("example.com", "fail")]),
            record("203.0.113.%d" % (100 + day), 3 + 5 * (day % 5),
                   dkim="fail", spf="fail", spf_result="softfail",
                   envelope="example.com"),
        ]
        if day < 5:
            rows.append(record("192.0.2.99", 30 + wave))
        yield report(day, rows)
        yield report(day, [
            record("192.0.2.30", 200 + 9 * wave, domain="shop.example"),
            record("203.0.113.250", 2, dkim="fail", spf="fail",
                   domain="shop.example", disposition="quarantine"),
        ], domain="shop.example", p="quarantine", more="<np>reject</np>")


def zipped(*files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def gzipped(data):
    return gzip.compress(data if isinstance(data, bytes) else data.encode(),
                         mtime=0)


def mail(attachment, name="report.xml.gz", kind="application/gzip",
         boundary="=-b"):
    import base64
    body = base64.encodebytes(attachment).decode()
    return ("""From: noreply@receiver.example
To: dmarc@example.com
Subject: Report Domain: example.com
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="%s"

--%s
Content-Type: text/plain

See the attachment: <feedback>
--%s
Content-Type: %s; name="%s"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="%s"

%s
--%s--
""" % (boundary, boundary, boundary, kind, name, name, body,
       boundary)).encode()
