"""A Postfix that signs, configured like the snippet for master.cf: port
`smtp_port` verifies, `submission` and `filtered` accept logins and sign, mail
from sendmail(1) and bounces are signed, and a content filter hands mail back.
"""

import base64
import json
import os
import socketserver
import subprocess
import threading

import lab
import smtp
from contentfilter import Filter

# Domains that sign, with their selectors; example.net is the receiver's own,
# for MAILER-DAEMON@mx.example.net.
DOMAINS = {"example.com": ("r1", "e1"), "example.org": ("s1",),
           "example.net": ("m1",)}

SERVICES = """\
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_sasl_type=dovecot
  -o smtpd_sasl_path=inet:127.0.0.1:{auth}
  -o smtpd_milters={{{sign},default_action=tempfail}}
  -o local_header_rewrite_clients=permit_sasl_authenticated
127.0.0.1:{filtered} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_sasl_type=dovecot
  -o smtpd_sasl_path=inet:127.0.0.1:{auth}
  -o smtpd_milters=
  -o content_filter=smtp:127.0.0.1:{out_filter}
127.0.0.1:{out_back} inet n - n - - smtpd
  -o smtpd_milters={{{sign},default_action=tempfail}}
  -o content_filter=
127.0.0.1:{inbound} inet n - n - - smtpd
  -o smtpd_milters={verify}
  -o content_filter=smtp:127.0.0.1:{in_filter}
127.0.0.1:{in_back} inet n - n - - smtpd
  -o smtpd_milters={verify}
  -o content_filter=
"""


class _Auth(socketserver.StreamRequestHandler):
    """Dovecot's authentication protocol; accepts every login."""

    def handle(self):
        self.wfile.write(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\n"
                         b"CUID\t1\nCOOKIE\t00\nDONE\n")
        for line in self.rfile:
            words = line.decode().rstrip("\n").split("\t")
            if words[0] != "AUTH":
                continue
            given = [w[5:] for w in words if w.startswith("resp=")]
            login = base64.b64decode(given[0]).split(b"\0")[1].decode()
            self.wfile.write(("OK\t%s\tuser=%s\n" % (
                words[1], login)).encode())


def serve(handler):
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever,
                     kwargs={"poll_interval": 0.1}, daemon=True).start()
    return server


class SignLab(lab.Lab):
    """A lab whose milter has both sockets."""

    def __enter__(self):
        super().__enter__()
        self.folder = self.home + "/keys"
        os.mkdir(self.folder, 0o750)
        for domain, selectors in DOMAINS.items():
            self.add_signing_keys(domain, selectors)
        self.sign_port = smtp.free_port()
        return self

    def add_signing_keys(self, domain, selectors, imported=True):
        os.makedirs("%s/%s" % (self.folder, domain), exist_ok=True)
        with open("%s/%s/selectors" % (self.folder, domain), "a") as lines:
            for selector in selectors:
                kind = "ed25519" if selector.startswith("e") else "rsa"
                key = self.add_key(domain, kind, selector)
                path = "%s/%s/%s.pem" % (self.folder, domain, selector)
                os.rename(key.path, path)
                os.chmod(path, 0o640)
                key.path = path
                lines.write("%s created=1%s\n" % (
                    selector, " imported=1" if imported else ""))

    def sign_settings(self, more="", first=""):
        """Returns a configuration; `more` is added to section sign."""
        return self.settings(first + """\
sign {
  socket = "inet:%d@127.0.0.1"
  keys = "%s"
  %s
}
""" % (self.sign_port, self.folder, more))

    def start(self, more="", first="", services="", transports=None):
        """Starts the lab.  `services`: more lines of master.cf; `transports`:
        (domain, transport) for outgoing mail."""
        self.socket = "inet:%d@127.0.0.1" % smtp.free_port()
        port = int(self.socket[5:].partition("@")[0])
        self.mta_socket = "inet:127.0.0.1:%d" % port
        self.start_with(self.sign_settings(more, first))
        self.auth = serve(_Auth)
        self.callback(self.auth.shutdown)
        ports = {name: smtp.free_port() for name in (
            "submission", "filtered", "out_back", "inbound", "in_back")}
        self.ports = ports
        self.out_filter = Filter(ports["out_back"])
        self.callback(self.out_filter.close)
        self.in_filter = Filter(ports["in_back"])
        self.callback(self.in_filter.close)
        routes = [("nowhere.example", "error:5.1.1 no")]
        if transports:
            routes.append(transports)
        sign = "inet:127.0.0.1:%d" % self.sign_port
        self.start_postfix(
            services=SERVICES.format(
                auth=self.auth.server_address[1], sign=sign,
                verify=self.mta_socket, out_filter=self.out_filter.port,
                in_filter=self.in_filter.port, **ports) + services,
            non_smtpd_milters=sign, internal_mail_filter_classes="bounce",
            transport_maps="inline:{%s}" % ", ".join(
                "{%s = %s}" % pair for pair in routes),
            relay_domains=" ".join(domain for domain, _ in routes))
        return self

    def submit(self, message, login="alice@example.com", port="submission",
               sender="alice@example.com", to=None, recipients=()):
        """Sends a message as a client that logs in; returns (reply,
        recipient)."""
        to = to or next_reader()
        with smtp.Client(self.ports[port]) as c:
            c.become("client.example.com")
            secret = base64.b64encode(
                b"\0" + login.encode() + b"\0x").decode()
            c.need("AUTH PLAIN " + secret, 235)
            return c.message(sender, to, message), to

    def pipe(self, message, sender="alice@example.com", to=None):
        """Sends a message with sendmail(1)."""
        to = to or next_reader()
        self.postfix.submit(sender, to, message)
        return to


numbers = iter(range(1, 1000000))


def next_reader():
    return "reader%d@example.net" % next(numbers)


def own_signatures(message):
    """Returns [(d, s)] of our signatures, top first."""
    found = []
    for field in smtp.fields(message, "DKIM-Signature"):
        tags = dict(t.strip().partition("=")[::2]
                    for t in field.split(";") if "=" in t)
        found.append((tags.get("d"), tags.get("s")))
    return found


def verify(l, message):
    """Returns avouch's result for each signature: ["pass", ...]."""
    command = os.path.dirname(l.program) + "/avouch"
    r = subprocess.run([command, "dkim", "--zone", l.zone, "--json", "-"],
                       input=message, capture_output=True)
    return [s["result"] for s in json.loads(r.stdout)["signatures"]]


def dmarc(l, message, sender):
    """Returns the DMARC result at a receiver that gets the message from
    another host."""
    command = os.path.dirname(l.program) + "/avouch"
    r = subprocess.run([
        command, "check", "--json", "--config", os.devnull, "--zone", l.zone,
        "--ip", "192.0.2.77", "--helo", lab.HOST, "--mail-from", sender, "-"],
        input=message, capture_output=True)
    return json.loads(r.stdout)["dmarc"]["result"]
