"""A name server that answers correctly, fails, or lies, as the test wants.

Every domain has p=reject, "v=spf1 -all", and one key.  `behave` is called with
(server, question, tcp) and returns the packets to send, in order.
"""

import os
import socket
import struct
import threading
import time

TXT, CNAME, SOA = 16, 5, 6
SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5
POLICY, SPF, LIE = "v=DMARC1; p=reject", "v=spf1 -all", "v=spf1 +all"


class Question:
    def __init__(self, packet):
        self.id = struct.unpack(">H", packet[:2])[0]
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode())
            at += 1 + packet[at]
        self.name = ".".join(labels).lower()
        self.type = struct.unpack(">H", packet[at + 1:at + 3])[0]
        self.section = packet[12:at + 5]


def wire(name):
    return b"".join(bytes([len(x)]) + x.encode()
                    for x in name.split(".") if x) + b"\0"


def txt(text):
    data = text.encode()
    return b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255]
                    for i in range(0, len(data), 255))


TTL = 300  # TTL of answers in seconds; a test may set it


def record(owner, kind, data, ttl=None):
    """Builds a record; `owner` is in wire format, b"\\xc0\\x0c" is the
    question's."""
    return owner + struct.pack(
        ">HHIH", kind, 1, TTL if ttl is None else ttl, len(data)) + data


SAME = b"\xc0\x0c"


def negative():
    return record(b"\0", SOA, b"\0\0" + struct.pack(">5I", 1, 1, 1, 1, TTL))


def packet(q, answers=(), code=0, cut=False, more=(), authority=(), **odd):
    """Builds a packet.  `odd`: id= or section= replace those of the
    question."""
    head = struct.pack(">HHHHHH", odd.get("id", q.id),
                       0x8180 | code | (0x200 if cut else 0), 1, len(answers),
                       len(authority), len(more))
    return (head + odd.get("section", q.section) +
            b"".join((*answers, *authority, *more)))


def truth(server, q, _tcp=False):
    first = q.name.split(".")[0]
    text = None
    if q.type == TXT and q.name.endswith("." + server.domain):
        if first == "_dmarc":
            text = POLICY
        elif "._domainkey." in q.name:
            text = server.key
        else:
            text = SPF
    if text is None:
        return [packet(q, code=NXDOMAIN, authority=[negative()])]
    return [packet(q, [record(SAME, TXT, txt(text))])]


def silent(_server, _q, _tcp):
    return []


def lie(q, **odd):
    """Answers with an SPF record that lets everyone pass."""
    return packet(q, [record(SAME, TXT, txt(LIE))], **odd)


class WrongDns:
    def __init__(self, domain, key, port=0):
        self.domain = domain
        self.key = key
        self.behave = truth
        self.asked = self.asked_tcp = 0
        attempts = 50  # until a port is free for both
        while not self.bind(port):
            attempts -= 1
            if attempts == 0:
                raise OSError("no free port")
            time.sleep(0.1 if port else 0)
        self.tcp.listen(64)
        self.stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.threads = [threading.Thread(target=work, daemon=True)
                        for work in (self.serve_udp, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    def bind(self, port):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket()
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.udp.bind(("127.0.0.1", port))
            self.port = self.udp.getsockname()[1]
            self.tcp.bind(("127.0.0.1", self.port))
        except OSError:
            self.udp.close()
            self.tcp.close()
            return False
        return True

    def serve_udp(self):
        while True:
            try:
                data, client = self.udp.recvfrom(4096)
            except OSError:
                return
            if not data:  # sent by close()
                return
            self.asked += 1
            threading.Thread(target=self.answer, daemon=True,
                             args=(Question(data), client)).start()

    def answer(self, q, client):
        try:
            for p in self.behave(self, q, False):
                if callable(p):
                    p(client)
                else:
                    self.udp.sendto(p, client)
        except OSError:
            pass

    def serve_tcp(self):
        while True:
            try:
                client = self.tcp.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.talk, args=(client,),
                             daemon=True).start()

    def talk(self, client):
        file = client.makefile("rb")
        try:
            while True:
                size = file.read(2)
                if len(size) < 2:
                    return
                self.asked_tcp += 1
                q = Question(file.read(struct.unpack(">H", size)[0]))
                for p in self.behave(self, q, True):
                    if p is None:
                        return
                    client.sendall(p if isinstance(p, Raw) else
                                   struct.pack(">H", len(p)) + p)
        except OSError:
            pass
        finally:
            file.close()
            client.close()

    def close_tcp(self):
        hang_up(self.tcp)
        self.threads[1].join()
        self.tcp.close()

    def close(self):
        """Stops the server, so that both ports are closed."""
        hang_up(self.udp)
        self.threads[0].join()
        self.udp.close()
        self.close_tcp()
        self.stranger.close()


def hang_up(s):
    """Shuts a socket down, to wake the thread that waits for it and keeps it
    open."""
    try:
        s.shutdown(socket.SHUT_RDWR)
    except OSError:  # not connected, or already closed
        pass


class Raw(bytes):
    """Bytes that are sent over TCP without a length."""


# ---- failures ----

def code(number):
    return lambda _server, q, _tcp: [packet(q, code=number)]


def later(seconds):
    def behave(server, q, tcp):
        time.sleep(seconds)
        return truth(server, q, tcp)
    return behave


def only_tcp(answer):
    """Returns a behavior: truncated over UDP, `answer` over TCP."""
    return lambda server, q, tcp: (
        answer(server, q, tcp) if tcp else [packet(q, cut=True)])


def byte_by_byte(server, q, _tcp):
    p = truth(server, q)[0]
    for byte in struct.pack(">H", len(p)) + p:
        yield Raw([byte])
        time.sleep(0.05)


FAILURES = {
    "silent": silent,
    "slower than the message's timeout": later(1.5),
    "SERVFAIL": code(SERVFAIL),
    "REFUSED": code(REFUSED),
    "FORMERR": code(1),
    "NOTIMP": code(4),
    "a code that does not exist": code(15),
    "empty datagrams": lambda s, q, t: [b""],
    "noise": lambda s, q, t: [os.urandom(40), os.urandom(600)],
    "noise with the correct id": lambda s, q, t: [
        struct.pack(">H", q.id) + os.urandom(60)],
    "only the header": lambda s, q, t: [packet(q)[:12]],
    "a record cut in the middle": lambda s, q, t: [truth(s, q)[0][:-5]],
    "more records announced than present": lambda s, q, t: [
        packet(q)[:6] + b"\xff\xff" + packet(q)[8:]],
    "a name that points to itself": lambda s, q, t: [
        packet(q, [record(b"\xc0" + bytes([12 + len(q.section)]), TXT,
                          txt(LIE))])],
    "an alias to itself": lambda s, q, t: [
        packet(q, [record(SAME, CNAME, SAME)])],
    "truncated, TCP silent": only_tcp(silent),
    "truncated, TCP hangs up": only_tcp(lambda s, q, t: [None]),
    "truncated, TCP cut in the middle": only_tcp(
        lambda s, q, t: [Raw(b"\0\xff" + truth(s, q)[0]), None]),
    "truncated, TCP byte by byte": only_tcp(byte_by_byte),
    "truncated over TCP too": only_tcp(lambda s, q, t: [packet(q, cut=True)]),
}

# ---- forged answers of third parties, followed by the correct one ----

def from_elsewhere(server, q):
    return lambda client: server.stranger.sendto(lie(q), client)


def then_truth(lies):
    def behave(server, q, tcp):
        forged = [] if tcp or q.name.startswith("_") else lies(server, q)
        return forged + truth(server, q, tcp)
    return behave


LIES = {
    "from another port": then_truth(lambda s, q: [from_elsewhere(s, q)]),
    "with ids at random": then_truth(lambda s, q: [
        lie(q, id=(q.id + i) & 0xffff) for i in range(1, 200)]),
    "to another question": then_truth(lambda s, q: [
        lie(q, section=wire("x." + q.name) + q.section[-4:])]),
    "of another type": then_truth(lambda s, q: [
        lie(q, section=q.section[:-4] + b"\0\x63\0\1")]),
    "without a question": then_truth(lambda s, q: [
        struct.pack(">HHHHHH", q.id, 0x8180, 0, 1, 0, 0) +
        record(wire(q.name), TXT, txt(LIE))]),
    "as a question": then_truth(lambda s, q: [
        lie(q)[:2] + b"\1\0" + lie(q)[4:]]),
}

# ---- answers of the server about other names, which are ignored ----

BESIDE = {
    "an owner that was not asked for": lambda s, q, t: [
        packet(q, [record(wire("other.example"), TXT, txt(LIE))])],
    "an answer of another class": lambda s, q, t: [
        packet(q, [lie(q)[12 + len(q.section):][:4] + b"\0\3" +
                   lie(q)[12 + len(q.section):][6:]])],
    "an alias without a target record": lambda s, q, t: [
        packet(q, [record(SAME, CNAME, wire("x." + q.name))])],
    "an answer as an additional record": lambda s, q, t: [
        packet(q, more=[record(SAME, TXT, txt(LIE))])],
}
