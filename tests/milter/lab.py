"""The environment of the demonstration and the end-to-end tests: a directory,
keys, a zone, the milter, a Postfix, and a server that collects delivered mail.
Everything is stopped and removed at the end of the `with` block, also on
Ctrl-C.
"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile

import daemon
import postfix
import signing
import smtp
import suite

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

HOST = "mx.example.net"  # name of the receiver, and authserv-id

# skip_networks keeps its default: loopback clients are skipped unless XCLIENT
# makes them appear as other clients.
SETTINGS = """\
socket = "{socket}"
authserv_id = "%s"
log_target = stderr
nameservers = "zone:{zone}"
""" % HOST


def die(*_):
    raise KeyboardInterrupt


class Lab(contextlib.ExitStack):
    """Has home, keys, zone and sink; then call start_milter() and
    start_postfix()."""

    def __init__(self, program, zone=ROOT + "/etc/demo.zone"):
        super().__init__()
        self.program = os.path.abspath(program)
        self.template = zone
        self.keys = {}
        self.milter = None
        self.postfix = None

    def __enter__(self):
        super().__enter__()
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, die)
        self.home = tempfile.mkdtemp(prefix="avouch-lab-")
        self.callback(shutil.rmtree, self.home, ignore_errors=True)
        os.chmod(self.home, 0o755)
        self.zone = self.home + "/zone"
        shutil.copy(self.template, self.zone)
        self.sink = smtp.Sink()
        self.callback(self.sink.close)
        return self

    def __exit__(self, *why):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # cleaning up now
        return super().__exit__(*why)

    def add_key(self, domain, kind="rsa", selector="demo", **options):
        """Creates a key pair and adds its record to the zone."""
        key = signing.Key(kind, self.home, **options)
        self.add_record(signing.txt("%s._domainkey.%s." % (selector, domain),
                                    key.record()))
        self.keys[selector, domain] = key
        return key

    def add_record(self, line):
        with open(self.zone, "a") as f:
            f.write(line + "\n")

    def sign(self, message, domain, selector="demo", **options):
        return signing.sign(message, self.keys[selector, domain], domain,
                            selector, **options)

    def seal(self, message, domain, results, selector="demo"):
        return signing.seal(message, self.keys[selector, domain], domain,
                            selector, results)

    def settings(self, more="", socket=None):
        """Returns a configuration in enforce mode, unless `more` sets the
        mode."""
        mode = "" if "mode = " in more else "mode = enforce\n"
        return SETTINGS.format(socket=socket or self.socket,
                               zone=self.zone) + mode + more

    def start_milter(self, more="", unix=False, **options):
        if unix:
            self.where = self.home + "/milter.sock"
            self.socket = self.mta_socket = "unix:" + self.where
        else:
            self.where = smtp.free_port()
            self.socket = "inet:%d@127.0.0.1" % self.where
            self.mta_socket = "inet:127.0.0.1:%d" % self.where
        return self.start_with(self.settings(more), **options)

    def start_with(self, text, **options):
        """Starts the milter with `text` as its whole configuration."""
        self.milter = daemon.Daemon(self.program, self.home, text, **options)
        self.callback(self.milter.stop)
        return self.milter

    def start_postfix(self, **options):
        self.smtp_port = smtp.free_port()
        self.postfix = postfix.Postfix(self.home, self.smtp_port,
                                       self.sink.port, self.mta_socket, HOST,
                                       **options)
        self.callback(self.postfix.stop)
        return self.postfix

    def preload(self, name):
        """Returns the path of a test library to preload into the daemon."""
        path = "%s/tests/%s.so" % (os.path.dirname(self.program), name)
        if not os.path.exists(path):
            raise suite.Skip("%s does not exist; make e2e builds it" % path)
        return path

    def client(self, helo="mail.bank.example", **who):
        """Returns an SMTP client that uses XCLIENT to appear as another
        client."""
        c = smtp.Client(self.smtp_port)
        c.become(helo, **who)
        return c


def message(sender="alice@bank.example", to="bob@example.net",
            subject="Hello", body=b"Hello.\r\n", more=b"",
            date="Thu, 01 Jan 2026 12:00:00 +0000"):
    """Returns a small message as an author's mail program would write it."""
    domain = sender.rpartition("@")[2].rstrip(">")
    return (b"From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\n"
            b"Message-ID: <%08x@%s>\r\n%s\r\n%s" % (
                sender.encode(), to.encode(), subject.encode(),
                date.encode(), abs(hash((sender, subject))) & 0xffffffff,
                domain.encode(), more, body))


def results(field):
    """Returns {"spf": "pass", "dkim": "pass", ...}: the first result of each
    method in an Authentication-Results value; the key "" is the
    authserv-id."""
    out = {}
    depth = 0
    quoted = False
    text = ""
    for c in field:  # skip comments and quoted strings
        if c == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif c == "(":
            depth += 1
        elif c == ")":
            depth -= 1
        elif depth == 0:
            text += c
    parts = text.split(";")
    out[""] = parts[0].strip()
    for part in parts[1:]:
        method, _, rest = part.strip().partition("=")
        if rest:
            out.setdefault(method, rest.split()[0])
    return out


def not_here(why):
    print(why, file=sys.stderr)
    sys.exit(1)
