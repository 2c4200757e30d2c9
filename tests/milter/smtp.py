"""An SMTP client that sends exactly the bytes it is given, and an LMTP server
that saves exactly the bytes it receives.
"""

import random
import re
import socket
import socketserver
import threading
import time

SECONDS = 180  # longest wait for a reply or a delivery


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[-1][:3])
        self.text = " ".join(line[4:] for line in lines)

    def __str__(self):
        return "%d %s" % (self.code, self.text)

    def queue_id(self):
        found = re.search(r"queued as (\w+)", self.text)
        return found.group(1) if found else None


class Client:
    def __init__(self, port, greet=True, host="127.0.0.1", source=None):
        self.socket = socket.create_connection(
            (host, port), SECONDS, source and (source, 0))
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply() if greet else None

    def reply(self):
        lines = []
        while not lines or lines[-1][3:4] == "-":
            line = self.file.readline().decode("utf-8", "replace")
            if not line:
                raise ConnectionError("the SMTP server hung up")
            lines.append(line.rstrip("\r\n"))
        return Reply(lines)

    def send(self, data):
        self.socket.sendall(data)

    def command(self, text):
        self.send(text.encode("utf-8", "surrogateescape") + b"\r\n")
        return self.reply()

    def need(self, text, code):
        r = self.command(text)
        if r.code != code:
            raise AssertionError("%s: %s" % (text, r))
        return r

    def become(self, helo, **who):
        """Sends EHLO, and XCLIENT if the client is given."""
        self.need("EHLO " + helo, 250)
        if who:
            self.need("XCLIENT " + " ".join(
                "%s=%s" % item for item in who.items()), 220)
            self.need("EHLO " + helo, 250)

    def content(self, message):
        """Sends the message after DATA, with leading dots doubled (RFC 5321
        4.5.2)."""
        stuffed = re.sub(rb"(?m)^\.", b"..", message)
        if not stuffed.endswith(b"\r\n"):
            stuffed += b"\r\n"
        self.send(stuffed + b".\r\n")
        return self.reply()

    def message(self, sender, recipient, message):
        """Runs one transaction and returns the reply that ended it."""
        r = self.command("MAIL FROM:<%s>%s" % (
            sender, "" if sender.isascii() else " SMTPUTF8"))
        if r.code == 250:
            r = self.command("RCPT TO:<%s>" % recipient)
        if r.code == 250:
            r = self.command("DATA")
        return self.content(message) if r.code == 354 else r

    def quit(self):
        try:
            self.command("QUIT")
        except OSError:
            pass
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.quit()


class _Delivery(socketserver.StreamRequestHandler):
    """LMTP (RFC 2033); accepts every message."""

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        recipients = []
        self.say("220 sink")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"LHLO":
                self.say("250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8")
            elif verb == b"DATA":
                self.say("354 go on")
                message = self.data()
                for recipient in recipients:
                    self.server.sink.keep(recipient, message)
                    self.say("250 2.0.0 kept")
                recipients = []
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                if verb == b"RCPT":
                    recipients.append(
                        re.search(rb"<(.*?)>", line).group(1).decode())
                elif verb in (b"RSET", b"MAIL"):
                    recipients = []
                self.say("250 2.0.0 ok")

    def data(self):
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


class Sink:
    """Saves delivered messages by recipient."""

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    def __init__(self):
        self.messages = {}
        self.changed = threading.Condition()
        self.server = Sink.Server(("127.0.0.1", 0), _Delivery)
        self.server.sink = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.1}, daemon=True).start()

    def keep(self, recipient, message):
        with self.changed:
            self.messages.setdefault(recipient, []).append(message)
            self.changed.notify_all()

    def take(self, recipient, seconds=SECONDS):
        """Returns the next message to `recipient`, or None if none arrives in
        time."""
        until = time.monotonic() + seconds
        with self.changed:
            while not self.messages.get(recipient):
                left = until - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    return None
            return self.messages[recipient].pop(0)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def fields(message, name):
    """Returns the values of all fields of that name, unfolded, top first."""
    head = message.partition(b"\r\n\r\n")[0] + b"\r\n"
    found = re.findall(rb"(?mi)^%s[ \t]*:((?:.*\r\n)(?:[ \t].*\r\n)*)"
                       % re.escape(name.encode()), head)
    return [re.sub(r"\s+", " ", v.decode("utf-8", "replace")).strip()
            for v in found]


_reserved = []  # held until this process ends


def free_port():
    """Returns a loopback port for TCP and UDP that nothing else will use: it
    is below the kernel's ephemeral ports, and reserved among the running
    tests."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        end = max(int(f.read().split()[0]), 12000)
    while True:
        port = random.randrange(10000, end)
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind("\0avouch-test-port-%d" % port)  # an abstract name
        except OSError:
            mark.close()
            continue
        _reserved.append(mark)
        try:
            for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
                with socket.socket(type=kind) as s:
                    s.bind(("127.0.0.1", port))
            return port
        except OSError:
            pass  # in use by another program
