"""Reports as receivers send them.  They are invented and contain no real
sender."""

import email.utils
import gzip
import io
import json
import zipfile

DAY = 86400
NOW = 1767225600 + 40 * DAY  # 2026-02-10


def record(ip, count, dkim="pass", spf="pass", domain="example.com",
           signed=None, envelope=None, spf_result=None, reason=None,
           disposition="none", author=None):
    """`signed`: [(domain, result)]; by default the domain's, if `dkim` is
    "pass".  `author`: the domain in From, if it is not the policy domain."""
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
         ip, count, disposition, dkim, spf, reason, author or domain, envelope,
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
    """30 days of reports for two domains, one without and one with problems.
    """
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


def tls_day(day):
    begin = NOW // DAY * DAY - day * DAY
    return ["%s+00:00" % email.utils.datetime.datetime.fromtimestamp(
        when, email.utils.datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
            for when in (begin, begin + DAY - 1)]


def tls_policy(failures=(), passed=900, domain="example.com", kind="sts",
               failed=None):
    """`failures`: [(result, sessions, server)]"""
    return {
        "policy": {"policy-type": kind, "policy-string": ["version: STSv1"],
                   "policy-domain": domain, "mx-host": ["mx.example.com"]},
        "summary": {"total-successful-session-count": passed,
                    "total-failure-session-count":
                        failed if failed is not None else
                        sum(sessions for _, sessions, _ in failures)},
        "failure-details": [
            {"result-type": result, "sending-mta-ip": "192.0.2.99",
             "receiving-mx-hostname": server, "receiving-ip": "192.0.2.25",
             "failed-session-count": sessions, "failure-reason-code": "X509"}
            for result, sessions, server in failures]}


def tls(day, policies, org="Receiver", number=None):
    """A TLS report (RFC 8460 section 4.4) as an object for json.dumps()."""
    begin, end = tls_day(day)
    return {"organization-name": org,
            "date-range": {"start-datetime": begin, "end-datetime": end},
            "contact-info": "tls@receiver.example",
            "report-id": number or "tls-%d" % day, "policies": policies}


def tls_mail(report_object, packed=True):
    """A message with a TLS report (RFC 8460 section 5.3)."""
    data = json.dumps(report_object).encode()
    return mail(gzipped(data) if packed else data,
                "report.json.gz" if packed else "report.json",
                "application/tlsrpt+" + ("gzip" if packed else "json"))


def failure(day=1, source="192.0.2.66", domain="example.com", more="",
            kind="auth-failure", text="Subject: secret\n\nwords\n"):
    """A failure report (RFC 6591) about a message from alice."""
    when = email.utils.formatdate(NOW // DAY * DAY - day * DAY)
    return ("""From: "Reports" <noreply@reporter.example>
To: dmarc@example.com
Subject: FW: secret
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="=f"

--=f
Content-Type: text/plain

This is a failure report.
--=f
Content-Type: message/feedback-report

Feedback-Type: %s
User-Agent: Reporter/1.0
Version: 1
Original-Mail-From: <alice@bounce.example.com>
Original-Rcpt-To: <bob@receiver.example>
Arrival-Date: %s
Source-IP: %s
Reported-Domain: %s
Authentication-Results: mx.receiver.example; dmarc=fail
 header.from=%s; spf=fail smtp.mailfrom=alice@bounce.example.com
Auth-Failure: dmarc (no alignment)
Identity-Alignment: none
Delivery-Result: reject
DKIM-Domain: other.example
DKIM-Selector: s1
%s
--=f
Content-Type: message/rfc822

From: alice@example.com
%s
--=f--
""" % (kind, when, source, domain, domain, more, text)).encode()


def zipped(*files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def gzipped(data):
    return gzip.compress(data if isinstance(data, bytes) else data.encode(),
                         mtime=0)


def der(tag, *parts):
    """An element of ASN.1 with a definite length."""
    body = b"".join(parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    if len(body) > 127:
        size = bytes([0x80 | len(size)]) + size
    return bytes([tag]) + size + body


PKCS7 = bytes.fromhex("2a864886f70d0107")


def smime(content, chunk=0):
    """Signed CMS without a signer (RFC 5652 section 5).  With `chunk`, lengths
    are indefinite and the content is in pieces, as written by programs that do
    not know its size.  If `content` is None: a detached signature."""
    text = b"" if content is None else der(0xa0, der(4, content))
    if chunk:
        text = b"\xa0\x80\x24\x80" + b"".join(
            der(4, content[i:i + chunk])
            for i in range(0, len(content), chunk)) + b"\0\0\0\0"
    inner = der(6, PKCS7 + b"\1") + text
    inner = (b"\x30\x80" + inner + b"\0\0") if chunk else der(0x30, inner)
    signed = der(0x30, der(2, b"\1"), der(0x31), inner, der(0x31))
    return der(0x30, der(6, PKCS7 + b"\2"), der(0xa0, signed))


def smime_plain(content):
    """CMS that is neither signed nor encrypted (RFC 5652 section 4)."""
    return der(0x30, der(6, PKCS7 + b"\1"), der(0xa0, der(4, content)))


def smime_encrypted(content):
    """Encrypted CMS without recipients (RFC 5652 section 6)."""
    aes = bytes.fromhex("60864801650304012a")
    text = der(0x30, der(6, PKCS7 + b"\1"), der(
        0x30, der(6, aes), der(4, b"i" * 16)), der(0x80, content))
    return der(0x30, der(6, PKCS7 + b"\3"), der(0xa0, der(
        0x30, der(2, b"\0"), der(0x31), text)))


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
