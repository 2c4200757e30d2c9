"""Two authoritative name servers of a zone, on port 53 of unused loopback
addresses, and a resolver that knows their addresses.  The servers can have
different records, fail, or not answer.  Needs root.
"""

import random
import socket
import struct
import threading

A, NS, CNAME, SOA, PTR, TXT, AAAA = 1, 2, 5, 6, 12, 16, 28
RD, RA, AA, QR = 0x0100, 0x0080, 0x0400, 0x8000
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5
TTL = 1  # seconds: TTL of records and of negative answers


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in name.split(".") if label) + b"\0"


def wire_txt(text):
    data = text.encode()
    return b"".join(bytes([len(part)]) + part for part in (
        data[i:i + 255] for i in range(0, max(len(data), 1), 255)))


class Server:
    """Serves `records`, {(name, type): [data]}; `mode` is None or "silent",
    "servfail", "refused", "lame" (an answer without authority)."""

    def __init__(self, address, port, zone, authoritative=True):
        self.records = {}
        self.mode = None
        self.asked = 0
        self.zone = zone
        self.flags = QR | (AA if authoritative else RA | RD)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.address, self.port = self.socket.getsockname()
        threading.Thread(target=self.serve, daemon=True).start()

    def set_txt(self, name, *texts):
        if texts:
            self.records[name, TXT] = [wire_txt(t) for t in texts]
        else:
            self.records.pop((name, TXT), None)

    def texts(self, name):
        return self.records.get((name, TXT), [])

    def serve(self):
        while True:
            try:
                question, client = self.socket.recvfrom(4096)
                reply = self.reply(question)
                if reply is not None:
                    self.socket.sendto(reply, client)
            except OSError:
                return

    def reply(self, question):
        self.asked += 1
        mode = self.mode
        if mode == "silent":
            return None
        end, labels = 12, []
        while question[end] != 0:
            labels.append(question[end + 1:end + 1 + question[end]].decode())
            end += 1 + question[end]
        name = ".".join(labels).lower()
        kind = struct.unpack(">H", question[end + 1:end + 3])[0]
        flags = self.flags & ~(AA if mode == "lame" else 0)
        code = {"servfail": SERVFAIL, "refused": REFUSED}.get(mode, 0)
        answers, denial = [], []
        if code == 0:
            answers, denial, code = self.look_up(name, kind)
        return (question[:2] + struct.pack(
            ">HHHHH", flags | code, 1, len(answers), len(denial), 0) +
            question[12:end + 5] + b"".join(answers + denial))

    def record(self, name, kind, data):
        return wire_name(name) + struct.pack(">HHIH", kind, 1, TTL,
                                             len(data)) + data

    def look_up(self, name, kind):
        found = self.records.get((name, kind), [])
        if not found and (name, CNAME) in self.records:
            found, kind = self.records[name, CNAME], CNAME
        if found:
            return [self.record(name, kind, d) for d in found], [], 0
        exists = any(n == name or n.endswith("." + name)
                     for n, _ in list(self.records))
        soa = wire_name("ns." + self.zone) + wire_name("h." + self.zone) + \
            struct.pack(">IIIII", 1, 2, 3, 4, TTL)
        return [], [self.record(self.zone, SOA, soa)], \
            0 if exists else NXDOMAIN

    def close(self):
        self.socket.close()


def two_servers(zone):
    """Returns servers on two addresses whose port 53 was free."""
    for _ in range(100):
        base = "127.%d.%d." % (random.randrange(1, 250), random.randrange(250))
        found = []
        try:
            for last in ("1", "2"):
                found.append(Server(base + last, 53, zone))
            return found
        except OSError:
            for server in found:
                server.close()
    raise OSError("no free port 53 on loopback")


class KeyDns:
    def __init__(self, zone="example.org"):
        self.zone = zone
        self.servers = two_servers(zone)
        self.resolver = Server("127.0.0.1", 0, zone, authoritative=False)
        known = self.resolver.records
        known[zone, NS] = [wire_name("ns%d.%s" % (i, zone)) for i in (1, 2)]
        for i, server in enumerate(self.servers, 1):
            known["ns%d.%s" % (i, zone), A] = [
                socket.inet_aton(server.address)]
            server.records[zone, NS] = known[zone, NS]

    @property
    def port(self):
        return self.resolver.port

    def publish(self, name, *texts, servers=(0, 1)):
        for i in servers:
            self.servers[i].set_txt(name, *texts)

    def mode(self, mode, servers=(0, 1)):
        for i in servers:
            self.servers[i].mode = mode

    def close(self):
        for server in (*self.servers, self.resolver):
            server.close()
