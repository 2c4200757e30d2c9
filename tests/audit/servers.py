#!/usr/bin/env python3
"""avouch audit with HTTPS and SMTP servers on this host: the MTA-STS policy and
the certificates of MX hosts, good and bad.

usage: servers.py PROGRAM [PART-OF-A-NAME]
"""

import concurrent.futures
import contextlib
import hashlib
import os
import random
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "cli"))

import command  # noqa: E402
from auditing import filled, found, serious  # noqa: E402
from command import DATAERR, NOW, OK, USAGE  # noqa: E402
from suite import Skip, Suite, holds, lacks, same, true  # noqa: E402
from zones import GOOD_DMARC, GOOD_KEY, GOOD_SPF, TLSRPT  # noqa: E402

suite = Suite()

POLICY = "version: STSv1\r\nmode: %s\r\nmx: %s\r\nmax_age: %d\r\n"
DEADLINE = 60  # seconds: lifetime of a server


def openssl(*arguments, given=None):
    return subprocess.run(["openssl", *arguments], input=given, check=True,
                          capture_output=True).stdout


def validity(days):
    """Returns options for openssl-x509(1).  Version 3.4 rejects an end before the
    start, and has options for both; earlier versions always start now."""
    usage = subprocess.run(["openssl", "x509", "-help"], capture_output=True,
                           check=True).stderr
    if days >= 0 or b"-not_after" not in usage:
        return ["-days", str(days)]
    start, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(
        time.time() + n * 86400)) for n in (days - 90, days))
    return ["-not_before", start, "-not_after", end]


class Authority:
    """Creates certificates with openssl(1)."""

    def __init__(self, home):
        self.home = home
        self.path = os.path.join(home, "authority.pem")
        self.key = os.path.join(home, "authority.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
                "-out", self.path, "-days", "2", "-subj", "/CN=test authority")

    def make(self, name, days=2, more=0):
        """Returns the path of a PEM file with the key and the certificate, which
        is also valid for `more` other names."""
        path = os.path.join(self.home, "%s.%d.pem" % (name, days))
        key, request = path + ".key", path + ".csr"
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-keyout", key, "-out", request, "-subj",
                "/CN=" + name)
        names = path + ".ext"
        with open(names, "w", encoding="ascii") as f:
            f.write("subjectAltName=@names\n[names]\nDNS.0=%s\n" % name)
            for i in range(more):
                f.write("DNS.%d=host-%d.%s\n" % (i + 1, i, name))
        openssl("x509", "-req", "-in", request, "-CA", self.path, "-CAkey",
                self.key, "-CAcreateserial", *validity(days), "-extfile",
                names, "-out", path + ".crt")
        with open(path, "wb") as out:
            for part in (key, path + ".crt"):
                with open(part, "rb") as f:
                    out.write(f.read())
        return path


def tlsa(path):
    """Returns the TLSA data of a certificate: "3 1 1" and the hash of its key."""
    pem = openssl("x509", "-in", path, "-noout", "-pubkey")
    der = openssl("pkey", "-pubin", "-outform", "DER", given=pem)
    return "3 1 1 " + hashlib.sha256(der).hexdigest()


class Server(contextlib.ExitStack):
    """Listens on its own address, so that the port can be the real one.
    `serve` handles each connection in a thread."""

    def __init__(self, port, serve):
        super().__init__()
        self.serve = serve
        self.socket = socket.socket()
        self.socket.settimeout(DEADLINE)
        self.callback(self.socket.close)
        for _ in range(50):
            self.address = "127.%d.%d.%d" % tuple(
                random.randint(1, 254) for _ in range(3))
            try:
                self.socket.bind((self.address, port))
                break
            except OSError:
                pass
        else:
            raise Skip("port %d cannot be used here" % port)
        self.socket.listen()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,),
                             daemon=True).start()

    def one(self, connection):
        connection.settimeout(DEADLINE)
        with contextlib.suppress(OSError), connection:
            self.serve(connection)


def context(path):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(path)
    return c


def https(path, answer):
    def serve(connection):
        with context(path).wrap_socket(connection, server_side=True) as s:
            request = b""
            while b"\r\n\r\n" not in request:
                request += s.recv(4096)
            s.sendall(answer)
            with contextlib.suppress(OSError):
                s.unwrap()
    return serve


def http(body, status="200 OK", kind="text/plain", more=""):
    return ("HTTP/1.1 %s\r\nContent-Type: %s\r\nConnection: close\r\n%s"
            "Content-Length: %d\r\n\r\n%s" % (status, kind, more, len(body),
                                              body)).encode()


def silent(connection):
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


def smtp(path):
    """A mail server; it has no TLS if `path` is missing."""
    def serve(connection):
        def talk(s, starttls):
            f = s.makefile("rwb", buffering=0)
            for line in f:
                word = line.split()[0].upper() if line.split() else b""
                if word == b"EHLO":
                    f.write(b"250-mx\r\n250 STARTTLS\r\n" if starttls else
                            b"250 mx\r\n")
                elif word == b"STARTTLS" and starttls:
                    f.write(b"220 go on\r\n")
                    return True
                elif word == b"QUIT":
                    f.write(b"221 bye\r\n")
                    return False
                else:
                    f.write(b"250 ok\r\n")
            return False
        connection.sendall(b"220 mx ESMTP\r\n")
        if talk(connection, path is not None):
            with context(path).wrap_socket(connection, server_side=True) as s:
                talk(s, False)
    return serve


class World(contextlib.ExitStack):
    def __init__(self, c):
        super().__init__()
        self.c = c
        if os.geteuid() != 0:
            raise Skip("only root may listen on ports 25 and 443")
        self.authority = Authority(c.home)
        filled(c, "", [])  # creates the keys before threads are started

    def run(self, name, lines, *options, status=OK):
        """Audits NAME.example."""
        domain = name + ".example"
        zone = self.c.file(name + ".zone", "$TTL 300\n" + "\n".join(
            filled(self.c, domain, [GOOD_SPF, GOOD_DMARC, GOOD_KEY, TLSRPT,
                                    "@. IN MX 10 mx.@.", *lines])) + "\n")
        return self.c.run("audit", domain, "--zone", zone, "--now", NOW,
                          "--json", "--selector", "s1", *options, status=status,
                          env={**os.environ,
                               "SSL_CERT_FILE": self.authority.path}).json()

    def policy(self, name, serve, *options, id_="1"):
        """Audits a domain whose policy host is simulated by `serve`."""
        with Server(443, serve) as s:
            return self.run(name, ["mx.@. IN A 192.0.2.1",
                                   '_mta-sts.@. IN TXT "v=STSv1; id=%s"' % id_,
                                   "mta-sts.@. IN A " + s.address], *options)

    def mail(self, name, serve, lines=()):
        """Audits a domain whose MX host is simulated by `serve`."""
        with Server(25, serve) as s:
            result = self.run(name, ["mx.@. IN A " + s.address, *lines],
                              "--smtp")
        return without_loopback(result)


def without_loopback(result):
    """Removes the finding that the only MX host has a loopback address."""
    true("error mx.private-addresses" in found(result), "loopback")
    result["findings"] = [f for f in result["findings"]
                          if f["id"] != "private-addresses"]
    return result


def what(result, id_):
    for f in result["findings"]:
        if "%s.%s" % (f["area"], f["id"]) == id_:
            return f["what"]
    raise AssertionError("%s is not in %s" % (id_, found(result)))


@suite.test("MTA-STS: a good policy, and everything that can go wrong")
def sts(c):
    with World(c) as w:
        good = w.authority.make("mta-sts.good.example")

        def host(name):
            return w.authority.make("mta-sts.%s.example" % name)

        def policy(name, mode="enforce", mx=None, age=604800, **more):
            return https(host(name), http(POLICY % (
                mode, mx or "mx.%s.example" % name, age), **more))
        cases = {
            "good": (https(good, http(POLICY % ("enforce", "*.good.example",
                                                604800))), [], None),
            "testing": (policy("testing", "testing"),
                        ["hint mta-sts.testing"], None),
            "expired": (https(w.authority.make("mta-sts.expired.example", -1),
                              http(POLICY % ("enforce", "mx.expired.example",
                                             604800))),
                        ["error mta-sts.no-policy"], "certificate"),
            "othername": (https(good, http("")), ["error mta-sts.no-policy"],
                          "othername"),
            "redirect": (policy("redirect", status="301 Moved Permanently",
                                more="Location: https://mta-sts.good.example/"
                                "\r\n"),
                         ["error mta-sts.no-policy"], "sent a redirect"),
            "large": (https(host("large"), http("x" * 70000)),
                      ["error mta-sts.no-policy"], "larger than 65536"),
            "chunked": (https(host("chunked"), b"HTTP/1.1 200 OK\r\n"
                              b"Content-Type: text/plain\r\n\r\n" +
                              b"a: b\r\n" * 20000),
                        ["error mta-sts.no-policy"], "larger than 65536"),
            "missing": (policy("missing", status="404 Not Found"),
                        ["error mta-sts.no-policy"], "404"),
            "html": (policy("html", kind="text/html"),
                     ["error mta-sts.no-policy"], "media type"),
            "broken": (https(host("broken"), http("version: STSv1\n")),
                       ["error mta-sts.bad-policy"], "mode is missing"),
            "mismatch": (policy("mismatch", mx="mail.mismatch.example"),
                         ["error mta-sts.uncovered-host"], "mx.mismatch"),
            "trial": (policy("trial", "testing", mx="mail.trial.example"),
                      ["hint mta-sts.testing",
                       "warning mta-sts.uncovered-host-testing"], None),
            "short": (policy("short", age=3600),
                      ["warning mta-sts.short-max-age"], None),
        }
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            runs = {name: pool.submit(w.policy, name, case[0])
                    for name, case in cases.items()}
        for name, (_, want, words) in cases.items():
            result = runs[name].result()
            same(serious(result), want, name)
            if words is not None:
                holds(what(result, want[0].split()[1]), words)
        for id_, want in (("20250101T000000", ["warning mta-sts.testing-long"]),
                          ("20251201T000000", ["hint mta-sts.testing"]),
                          ("20251399", ["hint mta-sts.testing"])):
            same(serious(w.policy("since", policy("since", "testing"),
                                  id_=id_)), want, id_)
        same(runs["mismatch"].result()["grades"]["arrive"], "F", "mismatch")
        same(serious(w.policy("quiet", silent, "--no-https")), [], "no HTTPS")


@suite.test("MTA-STS: a server that never answers")
def sts_slow(c):
    if "SLOW" not in os.environ:
        raise Skip("it takes 10 s; `make faults` does it")
    with World(c) as w:
        result = w.policy("slow", silent)
        same(serious(result), ["error mta-sts.no-policy"], "slow")
        holds(what(result, "mta-sts.no-policy"), "imed out")


@suite.test("--smtp: certificates, TLSA records, and a renewed certificate without a new record")
def smtp_hosts(c):
    with World(c) as w:
        old = w.authority.make("mx.renewed.example")
        renewed = w.authority.make("mx.renewed.example", 1)
        secure = ["arpa. IN NS a.root.example.", ";!secure arpa. NS",
                  ";!secure @. MX", ";!secure @. TXT",
                  ";!secure _25._tcp.mx.@. TLSA"]
        good = w.mail("trusted", smtp(w.authority.make("mx.trusted.example")))
        same(serious(good), [], "trusted")
        cert = w.authority.make("mx.dane.example")
        same(serious(w.mail("dane", smtp(cert), [
            *secure, "_25._tcp.mx.@. IN TLSA " + tlsa(cert)])), [], "dane")
        expired = w.mail("old", smtp(w.authority.make("mx.old.example", -1)))
        same(serious(expired), ["hint smtp.certificate"], "expired")
        holds(what(expired, "smtp.certificate"), "expired")
        same(serious(w.mail("plain", smtp(None))), ["warning smtp.no-tls"],
             "no TLS")
        late = w.mail("renewed", smtp(renewed), [
            *secure, "_25._tcp.mx.@. IN TLSA " + tlsa(old)])
        same(serious(late), ["error dane.mismatch"], "renewed")
        same(late["grades"]["arrive"], "F", "renewed")
        same(late["findings"][0]["publish"],
             ["_25._tcp.mx.renewed.example. IN TLSA " + tlsa(renewed)], "fix")
        result = without_loopback(w.run("nobody", ["mx.@. IN A 127.0.0.1"],
                                        "--smtp"))
        true(serious(result) in (["warning smtp.no-connection"],
                                 ["warning smtp.no-tls"],
                                 ["hint smtp.certificate"]), serious(result))


@suite.test("--smtp with an enforced policy: the certificate must be valid")
def smtp_and_sts(c):
    with World(c) as w:
        policy = https(w.authority.make("mta-sts.both.example"), http(
            POLICY % ("enforce", "mx.both.example", 604800)))
        expired = w.authority.make("mx.both.example", -1)
        with Server(443, policy) as web, Server(25, smtp(expired)) as mail:
            result = without_loopback(w.run("both", [
                "mx.@. IN A " + mail.address, "mta-sts.@. IN A " + web.address,
                '_mta-sts.@. IN TXT "v=STSv1; id=1"'], "--smtp"))
        same(serious(result), ["error smtp.certificate"], "findings")
        same(result["grades"]["arrive"], "F", "grade")


@suite.test("--cert: a certificate from a file, without a connection")
def cert(c):
    with World(c) as w:
        path = w.authority.make("mx.own.example")
        lines = ["mx.@. IN A 192.0.2.1", "arpa. IN NS a.root.example.",
                 ";!secure arpa. NS", ";!secure @. MX", ";!secure @. TXT",
                 ";!secure _25._tcp.mx.@. TLSA"]
        same(serious(w.run("own", [*lines, "_25._tcp.mx.@. IN TLSA " +
                                   tlsa(path)], "--cert", path)), [], "fits")
        same(serious(w.run("own", [*lines, "_25._tcp.mx.@. IN TLSA 3 1 1 " +
                                   "ab" * 32], "--cert", path)),
             ["error dane.mismatch"], "another")
        big = w.authority.make("mx.own.example", 1, more=500)
        same(serious(w.run("own", [*lines, "_25._tcp.mx.@. IN TLSA " +
                                   tlsa(big)], "--cert", big)), [], "16 KB")
        whole = openssl("x509", "-in", path, "-outform", "DER")
        for data in ("3 0 1 " + hashlib.sha256(whole).hexdigest(),
                     "3 0 2 " + hashlib.sha512(whole).hexdigest(),
                     "3 0 0 " + whole.hex()):
            same(serious(w.run("own", [*lines, "_25._tcp.mx.@. IN TLSA " +
                                       data], "--cert", path)),
                 ["hint dane.selector"], data[:6])
        empty = c.file("empty.pem", "nothing\n")
        r = c.run("audit", "own.example", "--zone", c.path("own.zone"),
                  "--cert", empty, status=DATAERR)
        holds(r.err, "not a certificate; use a PEM file")
        lacks(r.out, "Findings")
        c.run("audit", "own.example", "--cert", path, "--smtp", status=USAGE)


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
