"""Programs that read Authentication-Results, and the results they find in our
fields.

Each reader gets all messages in one call and returns {method: [results]} for
each: Debian's python3-authres, libmail-authenticationresults-perl,
SpamAssassin (its SPF and AuthRes plugins), OpenDMARC, and three simple readers
in this file.  A message is a Sample, which includes avouch's own results.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE) + "/milter")

import smtp  # noqa: E402
from suite import Skip, true  # noqa: E402

PACKAGES = "/usr/lib/python3/dist-packages"  # of Debian's Python
SHOWN_MAX = 10  # most DKIM results in our field
OPENDMARC_ROOM = 1024  # bytes of its buffer for the tokens of a field


class Sample:
    """A message with our field on top, and the results in that field."""

    def __init__(self, name, message, spf, dkim, arc, dmarc):
        self.name = name
        self.message = message
        self.spf = spf      # of MAIL FROM or, for the null sender, of HELO
        self.dkim = dkim    # all results, in order
        self.arc = arc
        self.dmarc = dmarc
        value, = re.findall(
            rb"\AAuthentication-Results: ((?:.*\r?\n)(?:[ \t].*\r?\n)*)",
            message)
        self.value = value.decode("ascii").rstrip()
        self.flat = re.sub(r"\s+", " ", self.value)
        self.by_helo = "smtp.mailfrom=" not in self.flat and \
            "smtp.helo=" in self.flat

    @classmethod
    def of_json(cls, name, verdict, message):
        """Makes a sample from the output of `avouch check --json`."""
        head = "Authentication-Results: %s\nReceived: from helo.example " \
            "(unknown [203.0.113.66])\n\tby mx.example.net (Postfix) with " \
            "ESMTP id 4ABC\n\tfor <r@example.net>; Sun, 29 Nov 2026 22:00:00 " \
            "+0000 (UTC)\n" % verdict["authentication_results"]
        return cls(name, head.encode().replace(b"\n", b"\r\n") + message,
                   verdict["spf"]["result"],
                   [s["result"] for s in verdict["dkim"]["signatures"]],
                   verdict["arc"]["result"], verdict["dmarc"]["result"])

    @classmethod
    def of_log(cls, name, message, line):
        """Makes a sample from the milter's log; mail from own users has no
        results."""
        dkim = line.get("dkim", "none")
        return cls(name, message, line.get("spf"),
                   [] if dkim == "none" else
                   [part.split(":")[0] for part in dkim.split(",")],
                   line.get("arc", "none"), line.get("dmarc"))

    def check(self, reader, got):
        """Checks that {method: [results]} is what we wrote; methods that a
        reader does not support are None."""
        what = "%s, %s: %r\n%s" % (reader, self.name, got, self.value)
        true(not isinstance(got, str), what)
        if got.get("spf", ()) is not None:
            true(set(got.get("spf", ())) == {self.spf} - {None},
                 "spf=%s: %s" % (self.spf, what))
        if got.get("dkim", ()) is not None:
            self.check_dkim(got.get("dkim", []), what)
        if got.get("arc", ()) is not None:
            arc = {"none": [], "pass": ["pass"]}.get(self.arc, ["fail"])
            true(got.get("arc", []) == arc, "arc=%s: %s" % (self.arc, what))
        if got.get("dmarc", ()) is not None:
            true(got.get("dmarc", []) == [self.dmarc] * (
                self.dmarc is not None), "dmarc=%s: %s" % (self.dmarc, what))

    def check_dkim(self, got, what):
        what = "dkim=%s: %s" % (self.dkim, what)
        if self.spf is None:
            true(got == [], what)
        elif not self.dkim:
            true(got in (["none"], ["temperror"]), what)
        elif len(self.dkim) < SHOWN_MAX:  # results that pass come last
            true(got == sorted(self.dkim, key="pass".__eq__), what)
        else:
            true(len(got) <= SHOWN_MAX and ("pass" in got) ==
                 ("pass" in self.dkim), what)


def listed(pairs):
    out = {}
    for method, result in pairs:
        out.setdefault(method, []).append(result)
    return out


def run(program, text):
    r = subprocess.run(program, input=text.encode(), capture_output=True)
    if r.returncode != 0:
        raise AssertionError("%s: %s" % (program, r.stderr.decode()))
    return json.loads(r.stdout)


# ---- simple readers, like scripts and small libraries ----

def split_at_semicolons(sample):
    """Like go-msgauth: ignores comments and quotes."""
    pairs = []
    for part in sample.flat.split(";")[1:]:
        words = part.split()
        if words and words[0] != "none":
            method, _, result = words[0].partition("=")
            pairs.append((method, result))
    return listed(pairs)


def search(sample):
    """Finds every "method=result" anywhere."""
    return listed(re.findall(r"\b(?<![.\w-])(spf|dkim|dmarc|arc)\s*=\s*(\w+)",
                             sample.flat, re.I))


def search_last(sample):
    """Finds the last result of each method, after any text."""
    return {m: re.findall(r".*;\s*%s\s*=\s*([^;\s]*)" % m, sample.flat)
            if m in ("spf", "dmarc") else None
            for m in ("spf", "dkim", "arc", "dmarc")}


# ---- programs ----

def read_simply(samples):
    for read in split_at_semicolons, search, search_last:
        for s in samples:
            s.check(read.__name__, read(s))


def read_authres(samples):
    if not os.path.isdir(PACKAGES + "/authres"):
        raise Skip("python3-authres is not installed")
    if PACKAGES not in sys.path:
        sys.path.append(PACKAGES)
    import authres
    for s in samples:
        try:
            field = authres.all_features().parse(
                "Authentication-Results: " + s.value)
        except Exception as e:  # the reader may fail in any way
            raise AssertionError("%s: %s: %s" % (s.name, e, s.value)) from e
        s.check("authres", listed((r.method, r.result)
                                  for r in field.results))


def perl_has(module):
    return shutil.which("perl") and subprocess.run(
        ["perl", "-M" + module, "-e", "1"], capture_output=True).returncode == 0


def read_mail_authres(samples):
    if not perl_has("Mail::AuthenticationResults"):
        raise Skip("libmail-authenticationresults-perl is not installed")
    out = run(["perl", HERE + "/mail_authres.pl"],
              json.dumps([s.value for s in samples]))
    for s, got in zip(samples, out):
        true(all(isinstance(g, list) for g in got), "%s: %s" % (s.name, got))
        s.check("Mail::AuthenticationResults", listed(got))


def read_spamassassin(samples):
    if not perl_has("Mail::SpamAssassin"):
        raise Skip("spamassassin is not installed")
    with tempfile.TemporaryDirectory() as home:
        out = run(["perl", HERE + "/spamassassin.pl", home], json.dumps({
            "id": "mx.example.net",
            "messages": [s.message.decode("latin-1").replace("\r\n", "\n")
                         for s in samples]}))
    for s, got in zip(samples, out):
        s.check("AuthRes plugin", got["parsed"])
        true(got["best"].get("spf") == s.spf, "AuthRes plugin, %s: %s\n%s" % (
            s.name, got, s.value))
        found = got["helo"] if s.by_helo else got["spf"]
        true(found == [s.spf] * (s.spf is not None), "SPF plugin, %s: %s\n%s" %
             (s.name, got, s.value))


# opendmarc-ar.h of OpenDMARC 1.4
OPENDMARC_RESULTS = ["pass", None, "softfail", "neutral", "temperror",
                     "permerror", "none", "fail", "policy"]


def opendmarc_history(lines):
    """Returns {"spf": [...], "dkim": [...]} for each message."""
    out = []
    for line in lines:
        words = line.split()
        if words[0] == "job":
            out.append({"spf": [], "dkim": [], "arc": None, "dmarc": None})
        elif words[0] in ("spf", "dkim") and words[-1] != "-1":
            out[-1][words[0]].append(OPENDMARC_RESULTS[int(words[-1])])
    return out


def opendmarc_can_read(sample):
    """Whether OpenDMARC can read the field.  It needs one more byte for each
    token and two for each separator, and for a pass it requires the identity.
    """
    separators = len(re.findall("[;=.]", sample.value))
    words = len(sample.value.split())
    return len(sample.value) + separators + words < OPENDMARC_ROOM and (
        sample.spf != "pass" or "smtp." in sample.flat)


def read_opendmarc(samples):
    if not os.path.exists("/usr/sbin/opendmarc"):
        raise Skip("opendmarc is not installed")
    if subprocess.run(["unshare", "-n", "true"],
                      capture_output=True).returncode != 0:
        raise Skip("opendmarc cannot be isolated from the network here")
    samples = [s for s in samples if opendmarc_can_read(s)]
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        history = home + "/history"
        open(history, "w").close()
        with open(home + "/conf", "w") as f:
            f.write("AuthservID opendmarc\nTrustedAuthservIDs mx.example.net\n"
                    "HistoryFile %s\nRecordAllMessages true\n"
                    "SPFIgnoreResults false\nSPFSelfValidate false\n"
                    "Syslog false\nSocket local:%s/socket\n" % (history, home))
        paths = []
        for number, s in enumerate(samples):
            paths.append("%s/%d" % (home, number))
            with open(paths[-1], "wb") as f:
                f.write(b"Authentication-Results: " +
                        s.value.encode().replace(b"\r\n", b"\n") +
                        b"\nFrom: a@plain.example\nSubject: x\n\nbody\n")
        r = subprocess.run(["unshare", "-n", "/usr/sbin/opendmarc", "-c",
                            home + "/conf", "-t", ",".join(paths)],
                           capture_output=True)
        true(r.returncode == 0, "opendmarc: %s" % r.stderr.decode())
        with open(history) as f:
            found = opendmarc_history(f)
    true(len(found) == len(samples), "opendmarc: %d messages of %d" % (
        len(found), len(samples)))
    for s, got in zip(samples, found):
        named = re.findall(r"dkim=(\w+)[^;]* header\.d=", s.flat)
        true(got["dkim"] == named, "OpenDMARC, %s: %s\n%s" % (
            s.name, got, s.value))
        true(set(got["spf"]) == {s.spf} - {None}, "OpenDMARC, %s: %s\n%s" % (
            s.name, got, s.value))


READERS = [("simple readers", read_simply),
           ("python3-authres", read_authres),
           ("Mail::AuthenticationResults", read_mail_authres),
           ("SpamAssassin", read_spamassassin),
           ("OpenDMARC", read_opendmarc)]
