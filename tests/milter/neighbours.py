#!/usr/bin/env python3
"""Hostile neighbours: a flood of the most expensive mail known goes through a
real Postfix, with a real unbound between avouch-milter and the sender's name
servers, while mail from other domains arrives.  Their forged mail must be
rejected or deferred, their good mail must be delivered, and memory must stay
bounded.  This must also hold if the resolver hangs or is stopped halfway, and
without a flood.

usage: neighbours.py PROGRAM [PART-OF-A-NAME] [--long]   make neighbours:
--long

The short form checks outcomes at a rate that any machine can handle.  The long
form sends 100 messages a second for a minute, and prints the cost.
"""

import base64
import contextlib
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
import urllib.request

import daemon
import lab
import postfix
import promtext
import smtp
import wrongdns
from suite import SANITIZED, WAIT, Skip, Suite, same, true

suite = Suite()

fork = multiprocessing.get_context("fork")

MIB = 1 << 20
MEMORY = 300 * MIB
DEAD = 200  # domains whose name servers never answer
FIXED = 5   # domains that send good and forged mail all the time
GOOD, FORGER = "192.0.2.10", "203.0.113.66"
EMPTY_STRINGS = b"\0" * 65400  # a valid TXT record of empty strings

SETTINGS = """\
mode = enforce
socket = "{socket}"
authserv_id = "%s"
log_target = stderr
nameservers = "127.0.0.1@{dns}"
metrics {{ listen = "inet:{metrics}@127.0.0.1" }}
""" % lab.HOST


# ---- name servers ----

def soa(zone):
    return wrongdns.record(wrongdns.wire(zone), wrongdns.SOA, b"\0\0" +
                           struct.pack(">5I", 1, 1, 1, 1, 300), 300)


def nothing(q, zone, code=0):
    return wrongdns.packet(q, code=code, authority=[soa(zone)])


def honest(q, _tcp, key):
    """Answers for every domain below the zone: p=reject, "v=spf1 -all", and
    one key."""
    first = q.name.split(".")[0]
    if q.type != wrongdns.TXT:
        return nothing(q, "honest.example")
    text = (wrongdns.POLICY if first == "_dmarc" else
            key if "._domainkey." in q.name else wrongdns.SPF)
    return wrongdns.packet(q, [wrongdns.record(
        wrongdns.SAME, wrongdns.TXT, wrongdns.txt(text))])


def costly(q, tcp, _key):
    """Answers with ten dead names for spf.TOKEN, 64 KB for big..., and no
    record for other names."""
    labels = q.name.split(".")
    if q.type != wrongdns.TXT:
        return nothing(q, "costly.example")
    if labels[0] == "spf":
        number = int(labels[1], 16)
        text = "v=spf1 %s -all" % " ".join(
            "include:i%d.%s.%s" % (i, labels[1], dead(number + i))
            for i in range(10))
        return wrongdns.packet(q, [wrongdns.record(
            wrongdns.SAME, wrongdns.TXT, wrongdns.txt(text))])
    if any(label.startswith("big") for label in labels):
        return wrongdns.packet(q, [wrongdns.record(
            wrongdns.SAME, wrongdns.TXT, EMPTY_STRINGS)]) if tcp else \
            wrongdns.packet(q, cut=True)
    return nothing(q, "costly.example")


def dead(number):
    return "dead%d.example" % (number % DEAD)


def bound():
    """Returns a UDP and a TCP socket on the same port."""
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket()
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            udp.bind(("127.0.0.1", 0))
            tcp.bind(udp.getsockname())
            return udp, tcp
        except OSError:
            udp.close()
            tcp.close()


class NameServer:
    """A name server process that calls `behave` with (question, tcp, key)."""

    def __init__(self, behave, key=""):
        self.udp, self.tcp = bound()
        self.port = self.udp.getsockname()[1]
        self.tcp.listen(128)
        self.behave = behave
        self.key = key
        self.process = fork.Process(target=self.serve, daemon=True)
        self.process.start()

    def serve(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        threading.Thread(target=self.accept, daemon=True).start()
        while True:
            data, client = self.udp.recvfrom(4096)
            self.udp.sendto(self.behave(wrongdns.Question(data), False,
                                        self.key), client)

    def accept(self):
        while True:
            threading.Thread(target=self.talk, args=self.tcp.accept()[:1],
                             daemon=True).start()

    def talk(self, client):
        file = client.makefile("rb")
        try:
            while len(size := file.read(2)) == 2:
                q = wrongdns.Question(file.read(struct.unpack(">H", size)[0]))
                reply = self.behave(q, True, self.key)
                client.sendall(struct.pack(">H", len(reply)) + reply)
        except OSError:
            pass
        client.close()

    def close(self):
        self.process.kill()
        self.process.join()
        self.udp.close()
        self.tcp.close()


class DeadServer:
    """Never answers on this port of any address 127.x.x.x."""

    def __init__(self):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("0.0.0.0", 0))
        self.port = self.udp.getsockname()[1]

    def close(self):
        self.udp.close()


UNBOUND = """\
server:
    interface: 127.0.0.1
    port: {port}
    directory: "{home}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: "{home}/unbound.log"
    do-daemonize: no
    do-ip6: no
    do-not-query-localhost: no
    module-config: "iterator"
    local-zone: "example." nodefault
remote-control:
    control-enable: no
"""

STUB = """\
stub-zone:
    name: "{zone}"
    stub-addr: {address}@{port}
"""


class Unbound:
    """Debian's unbound with its default settings, except for the servers that
    it queries."""

    def __init__(self, home, zones):
        program = shutil.which("unbound", path="/usr/sbin:/usr/bin")
        if program is None:
            raise Skip("unbound is not installed; make deps installs it")
        self.port = smtp.free_port()
        path = home + "/unbound.conf"
        with open(path, "w") as f:
            f.write(UNBOUND.format(port=self.port, home=home))
            for zone, address, port in zones:
                f.write(STUB.format(zone=zone, address=address, port=port))
        self.command = [program, "-c", path]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, start_new_session=True)
        self.wait_for("warm.honest.example")

    def wait_for(self, name, seconds=WAIT):
        question = struct.pack(">6H", 1, 0x100, 1, 0, 0, 0) + \
            wrongdns.wire(name) + b"\0\x10\0\1"
        until = time.monotonic() + seconds
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.5)
            s.connect(("127.0.0.1", self.port))
            while time.monotonic() < until:
                try:
                    s.send(question)
                    if s.recv(4096)[3] & 15 == 0:
                        return
                except OSError:
                    time.sleep(0.05)
        raise AssertionError("unbound does not answer")

    def hang(self):
        self.process.send_signal(signal.SIGSTOP)

    def stop(self):
        """Stops the process, so that its ports are closed."""
        self.close()

    def go_on(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        else:
            self.start()

    def close(self):
        self.process.kill()
        self.process.wait()


# ---- the flood ----

def signature(domain):
    return (b"DKIM-Signature: v=1; a=rsa-sha256; d=%s; s=s;\r\n"
            b"\th=from; bh=%s;\r\n\tb=%s\r\n" % (
                domain.encode(), base64.b64encode(bytes(32)),
                base64.b64encode(bytes(256))))


def costly_message(number):
    """Returns a message with 25 signatures, five keys of 64 KB and eight
    authors of eight labels: a few hundred questions, nearly all for dead
    names."""
    token = "%x" % number
    domains = ["k%d.%s.%s" % (i, token, dead(number + i)) for i in range(20)]
    domains += ["big%d.%s.costly.example" % (i, token) for i in range(5)]
    authors = ["a@a.b.c.d.e.%s.%s" % (token, dead(number + i))
               for i in range(7)]
    authors.append("a@a.b.c.d.e.%s.costly.example" % token)
    message = lab.message("x@y.example").replace(
        b"From: x@y.example\r\n",
        b"From: %s\r\n" % ",\r\n\t".join(authors).encode())
    return ("spf.%s.costly.example" % token,
            b"".join(map(signature, domains)) + message)


def flood_one(port, rate, stop, counts, seed):
    """Runs one client that sends one message after another, at most `rate` a
    second."""
    rng = random.Random(seed)
    client = None
    due = time.monotonic() + rng.random() / rate
    while not stop.wait(max(0, due - time.monotonic())):
        due = max(due + 1 / rate, time.monotonic())
        number = rng.getrandbits(48)
        domain, message = costly_message(number)
        try:
            if client is None:
                client = smtp.Client(port)
                client.become("h.%x.%s" % (number, dead(number)), ADDR=FORGER,
                              NAME="[UNAVAILABLE]")
            code = client.message("x@" + domain, "bob@example.net",
                                  message).code
        except (OSError, AssertionError, ConnectionError):
            code, client = 0, None
        if not stop.is_set():
            counts[code] = counts.get(code, 0) + 1


def flood_process(port, threads, rate, ends, results, seed):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    stop = threading.Event()
    counts = {}
    for i in range(threads):
        threading.Thread(target=flood_one, daemon=True, args=(
            port, rate / threads, stop, counts, seed * 1000 + i)).start()
    ends.wait()
    stop.set()
    results.put(dict(counts))
    results.close()
    results.join_thread()
    os._exit(0)  # do not wait for threads that wait for replies


class Flood:
    def __init__(self, port, processes, threads, rate):
        self.ends = fork.Event()
        self.results = fork.Queue()
        self.all = [fork.Process(target=flood_process, daemon=True, args=(
            port, threads, rate / processes, self.ends, self.results, i + 1))
            for i in range(processes)]
        for p in self.all:
            p.start()

    def end(self):
        """Returns the number of messages by reply."""
        self.ends.set()
        counts = {}
        for _ in self.all:
            for code, n in self.results.get(timeout=300).items():
                counts[code] = counts.get(code, 0) + n
        for p in self.all:
            p.join(60)
        return counts


# ---- the neighbours ----

class Neighbours:
    """Sends a good and a forged message from a domain from time to time."""

    def __init__(self, l):
        self.l = l
        self.forged = {}    # number of messages by reply
        self.good = {}
        self.deferred = []  # good messages to be sent again
        self.bad = []       # errors
        self.took = []
        self.lock = threading.Lock()
        self.threads = []

    def send(self, domain, forged):
        message = lab.message("ceo@" + domain)
        if not forged:
            message = self.l.signed(domain)
        began = time.monotonic()
        with self.l.client("mx." + domain, NAME="[UNAVAILABLE]",
                           ADDR=FORGER if forged else GOOD) as client:
            reply = client.message("x@" + domain, "%s@example.net" %
                                   ("forged" if forged else "good"), message)
        return reply, time.monotonic() - began

    def one(self, domain, forged):
        try:
            reply, took = self.send(domain, forged)
        except Exception as e:
            with self.lock:
                self.bad.append("%s: %r" % (domain, e))
            return
        with self.lock:
            counts = self.forged if forged else self.good
            counts[reply.code] = counts.get(reply.code, 0) + 1
            if forged and reply.code < 400:
                self.bad.append("forged mail from %s: %s" % (domain, reply))
            if not forged and reply.code >= 500:
                self.bad.append("good mail from %s: %s" % (domain, reply))
            if not forged and 400 <= reply.code < 500:
                self.deferred.append(domain)
            if not forged:
                self.took.append(took)

    def pair(self, domain):
        for forged in (True, False):
            thread = threading.Thread(target=self.one, args=(domain, forged))
            thread.start()
            self.threads.append(thread)

    def wait(self):
        for thread in self.threads:
            thread.join()
        self.threads.clear()

    def try_again(self, seconds=120):
        """Sends deferred messages again, as their mail servers would."""
        until = time.monotonic() + seconds
        n = len(self.deferred)
        while self.deferred and time.monotonic() < until:
            domains, self.deferred = self.deferred, []
            for domain in domains:
                self.one(domain, False)
            if self.deferred:
                time.sleep(1)
        return n


class Testbed(lab.Lab):
    def __enter__(self):
        super().__enter__()
        self.add_key("honest.example")
        self.key = self.keys["demo", "honest.example"]
        return self

    def signed(self, domain):
        self.keys["demo", domain] = self.key
        return self.sign(lab.message("a@" + domain), domain)

    def start(self, stack, processes):
        """Starts all processes with empty caches and queues; `stack` stops
        them."""
        self.stack = stack
        place = "%s/%d" % (self.home, time.monotonic_ns())
        os.mkdir(place, 0o755)
        self.honest = self.opened(NameServer(honest, self.key.record()))
        self.costly = self.opened(NameServer(costly))
        self.dead = self.opened(DeadServer())
        self.unbound = self.opened(Unbound(place, [
            ("honest.example", "127.0.0.1", self.honest.port),
            ("costly.example", "127.0.0.1", self.costly.port),
        ] + [(dead(i), "127.1.%d.%d" % (i // 200, i % 200 + 1), self.dead.port)
             for i in range(DEAD)]))
        where = smtp.free_port()
        self.metrics = smtp.free_port()
        self.milter = daemon.Daemon(self.program, place, SETTINGS.format(
            socket="inet:%d@127.0.0.1" % where, dns=self.unbound.port,
            metrics=self.metrics))
        stack.callback(self.milter.stop)
        self.smtp_port = smtp.free_port()
        self.postfix = postfix.Postfix(
            place, self.smtp_port, self.sink.port,
            "inet:127.0.0.1:%d" % where, lab.HOST,
            default_process_limit=processes,
            milter_command_timeout="120s", milter_content_timeout="120s")
        stack.callback(self.postfix.stop)

    def opened(self, what):
        self.stack.callback(what.close)
        return what

    def page(self):
        with urllib.request.urlopen(
                "http://127.0.0.1:%d/metrics" % self.metrics) as r:
            return promtext.parse(r.read().decode())

    def peak(self):
        with open("/proc/%d/status" % self.milter.process.pid) as f:
            return int(re.search(r"VmHWM:\s*(\d+)", f.read()).group(1)) * 1024


def describe(l, n, flood, seconds):
    page = l.page()
    mails = sum(v for k, v in flood.items() if k)
    print("# flood: %d messages, %.0f a second: %s" % (
        mails, mails / seconds, flood))
    print("# forged: %s; good: %s; good mail took %.1f s, at most %.1f s" % (
        n.forged, n.good, statistics.median(n.took), max(n.took)))
    turn = page.family("dns_turn_seconds_max")
    print("# memory %.0f MiB; the DNS thread's longest turn took %.0f ms, "
          "%.0f ms of CPU time" % (
              l.peak() / MIB, turn["wall"] * 1000, turn["cpu"] * 1000))
    print("# questions %d, repeated %d, answered %d, over TCP %d" % (
        page.one("dns_questions_total"), page.one("dns_repetitions_total"),
        page.one("dns_answers_total"), page.one("dns_tcp_total")))
    print("# failed: %s" % page.family("dns_failures_total"))


def besiege(l, failure):
    """Runs the flood, and sends a good and a forged message each second from
    two domains, one known and one new.  `failure` is applied to the resolver
    halfway."""
    seconds, processes, threads, rate = (60, 4, 120, 100) if l.long else (
        8, 2, 20, 20)
    n = Neighbours(l)
    for i in range(FIXED):
        n.pair("bank%d.honest.example" % i)
    n.wait()
    same((n.bad, n.forged, n.good), ([], {550: FIXED}, {250: FIXED}),
         "before the flood")
    flood = Flood(l.smtp_port, processes, threads, rate)
    for second in range(seconds):
        if failure and second == seconds // 2:
            failure(l.unbound)
        n.pair("bank%d.honest.example" % (second % FIXED))
        n.pair("new%d.honest.example" % second)
        time.sleep(1)
    counts = flood.end()
    n.wait()
    if failure:
        l.unbound.go_on()
    describe(l, n, counts, seconds)
    print("# deferred, then delivered: %d" % n.try_again())
    same(l.milter.process.poll(), None, "the daemon runs")
    same(n.bad, [], "errors")
    same(n.deferred, [], "good mail that was never delivered")
    true(n.forged.get(550, 0) > 0, "no forged message was rejected")
    true(SANITIZED or l.peak() < MEMORY, "memory: %d MiB" % (l.peak() // MIB))


def run(l, failure):
    with contextlib.ExitStack() as stack:
        l.start(stack, 600 if l.long else 150)
        besiege(l, failure)


@suite.test("a flood of costly mail: forged mail from others is not accepted")
def _(l):
    run(l, None)


@suite.test("a flood of costly mail, and the resolver hangs halfway")
def _(l):
    run(l, Unbound.hang)


def outage(l, failure, name):
    """Sends mail from new domains before, during and after the failure."""
    replies = []
    for part in ("before", "during", "after"):
        n = Neighbours(l)
        if part == "during":
            failure(l.unbound)
        if part == "after":
            l.unbound.go_on()
        for i in range(3):
            n.pair("%s%d%s.honest.example" % (name, i, part))
        n.wait()
        same(n.bad, [], part)
        replies.append((n.forged, n.good))
    same(replies, [({550: 3}, {250: 3}), ({451: 3}, {451: 3}),
                   ({550: 3}, {250: 3})], "replies")


@suite.test("a resolver that is stopped or hangs, without a flood")
def _(l):
    if l.long:
        return run(l, Unbound.stop)
    with contextlib.ExitStack() as stack:
        l.start(stack, 20)
        outage(l, Unbound.stop, "stopped")
        outage(l, Unbound.hang, "hanging")


def main():
    arguments = [a for a in sys.argv[1:] if a != "--long"]
    try:
        postfix.check()
    except postfix.CannotRun as e:
        return suite.skip_all("skipped: %s" % e)
    with Testbed(arguments[0]) as l:
        l.long = "--long" in sys.argv
        return suite.run(l, arguments[1] if len(arguments) > 1 else None)


if __name__ == "__main__":
    sys.exit(main())
