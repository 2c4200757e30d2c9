#!/usr/bin/env python3
"""Many concurrent messages for a long time: at the end, memory, descriptors
and the cost of a message must be the same as in the middle.  The store and
metrics are on; DNS goes over the network, and one message in twenty is from a
new domain, so that all caches of names fill up.

usage: endurance.py PROGRAM [MESSAGES [CONCURRENCY]]      make soak
"""

import multiprocessing
import os
import random
import re
import signal
import socket
import struct
import sys
import threading
import time
import zlib

import lab
import miltproto
import promtext
import signing
import wrongdns
from proto import http
from suite import Suite, same, true

suite = Suite()

DOMAIN = "soak.example"
DOMAINS = 300  # domains that are used repeatedly
ADDRESSES = 250
PER_CONNECTION = 3
PROCESSES = 4
TTLS = 60, 3600, 86400  # seconds; each name has one of these
MARKS = (0.25, 0.5, 0.75, 1)
# memory samples before each mark, because the number of threads varies
SAMPLES = 15
MOST = 0.02  # allowed growth of memory in the second half

SETTINGS = """\
socket = "unix:{home}/soak.sock"
authserv_id = "mx.example.net"
log_target = stderr
log = none
mode = enforce
nameservers = {{ "127.0.0.1@{dns}" }}
cache {{ size = 1M }}
report {{ store = "{home}/soak.db" }}
metrics {{ listen = "unix:{home}/soak.metrics" }}
"""


# ---- the load: each message is sent in one piece ----

def packet(letter, data=b""):
    return struct.pack(">I", len(data) + 1) + letter + data


def transaction(message, sender, queue_id):
    head, _, body = message.partition(b"\r\n\r\n")
    parts = [packet(b"M", b"<" + sender + b">\0"),
             packet(b"R", b"<b@example.net>\0")]
    for field in re.split(rb"\r\n(?![ \t])", head):
        name, _, value = field.partition(b":")
        parts.append(packet(b"L", name + b"\0" + value.replace(
            b"\r\n", b"\n") + b"\0"))
    parts += [packet(b"N"), packet(b"B", body),
              packet(b"D", b"Ei\0" + queue_id + b"\0"), packet(b"E")]
    return b"".join(parts)


def opening(address, helo):
    return (packet(b"O", struct.pack(">III", 6, miltproto.ALL_ACTIONS,
                                     miltproto.ALL_STEPS)) +
            packet(b"D", b"Cj\0mx.example.net\0") +
            packet(b"C", b"client.example.org\0" + b"4" +
                   struct.pack(">H", 25) + address.encode() + b"\0") +
            packet(b"H", helo.encode() + b"\0"))


def verdict(file):
    """Reads the reply to the end of a message, which is the only reply over a
    unix socket, and returns it: "c" is accepted."""
    while True:
        head = file.read(5)
        if len(head) < 5:
            raise ConnectionError("hung up")
        size = struct.unpack(">I", head[:4])[0] - 1
        if size:
            file.read(size)
        if chr(head[4]) not in "imhqO":
            return chr(head[4])


def kinds(keys):
    """Returns [(message, expected reply)] for one domain."""
    out = []
    rng = random.Random(1)
    for i in range(DOMAINS):
        domain = "d%d.%s" % (i, DOMAIN)
        body = b"x" * 70 + b"\r\n"
        plain = lab.message("a@" + domain, body=body * rng.randrange(1, 800))
        signed = signing.sign(plain, keys["rsa"], domain, "rsa")
        out.append((domain, signed, "c"))
        if i % 3 == 0:
            out.append((domain, signing.sign(
                signed, keys["ed25519"], domain, "ed"), "c"))
        if i % 3 == 1:
            out.append((domain, b"Authentication-Results: mx.example.net; "
                        b"dmarc=pass\r\n" * 3 + plain, "y"))
    return out


def work(where, count, mails, seed):
    rng = random.Random(seed)
    done = 0
    while done < count:
        s = socket.socket(socket.AF_UNIX)
        s.connect(where)
        file = s.makefile("rb")
        s.sendall(opening("192.0.2.%d" % rng.randrange(ADDRESSES),
                          "mail%d.%s" % (rng.randrange(DOMAINS), DOMAIN)))
        for _ in range(min(PER_CONNECTION, count - done)):
            domain, message, wanted = rng.choice(mails)
            if rng.random() < 0.05:
                domain = "n%08x.%s" % (rng.getrandbits(32), DOMAIN)
                message, wanted = lab.message("x@" + domain), "y"
            s.sendall(transaction(message, b"x@" + domain.encode(),
                                  b"4%x" % rng.getrandbits(40)))
            got = verdict(file)
            if got != wanted:
                raise AssertionError("%s: %s, not %s" % (domain, got, wanted))
            done += 1
        s.sendall(packet(b"Q"))
        file.close()
        s.close()


def load(where, count, mails, seed, threads):
    """Runs in one process; its exit status says whether all replies were
    correct."""
    faults = []

    def one(i):
        try:
            work(where, count // threads, mails, seed * 1000 + i)
        except Exception as e:
            faults.append(repr(e))

    each = [threading.Thread(target=one, args=(i,)) for i in range(threads)]
    for t in each:
        t.start()
    for t in each:
        t.join()
    if faults:
        print(faults[:3], flush=True)
        os._exit(1)


def serve_dns(port_of, texts):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    port_of.value = s.getsockname()[1]
    while True:
        data, client = s.recvfrom(4096)
        q = wrongdns.Question(data)
        first = q.name.partition(".")[0]
        text = None
        if q.type == wrongdns.TXT and q.name.endswith("." + DOMAIN):
            text = texts.get(first, "v=spf1 include:_i.%s -all" % DOMAIN)
        ttl = TTLS[zlib.crc32(q.name.encode()) % len(TTLS)]
        s.sendto(wrongdns.packet(q, [wrongdns.record(
            wrongdns.SAME, wrongdns.TXT, wrongdns.txt(text), ttl)])
            if text else wrongdns.packet(
                q, code=wrongdns.NXDOMAIN, authority=[wrongdns.negative()]),
            client)


# ---- measurements ----

class Watched:
    def __init__(self, l, d):
        self.d = d
        self.metrics = l.home + "/soak.metrics"
        self.store = l.home + "/soak.db"

    def memory(self):
        with open("/proc/%d/statm" % self.d.process.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.d.process.pid))

    def cpu(self):
        with open("/proc/%d/stat" % self.d.process.pid) as f:
            v = f.read().rpartition(")")[2].split()
        return (int(v[11]) + int(v[12])) / os.sysconf("SC_CLK_TCK")

    def page(self):
        return promtext.parse(http(self.metrics)[1])


def middle(values):
    return sorted(values)[len(values) // 2]


def watch(w, count, processes):
    """Returns [(messages, memory, descriptors, CPU seconds)] at each mark."""
    marks = []
    memory, descriptors = [], []
    while len(marks) < len(MARKS):
        page = w.page()
        n = sum(page.family("messages_total").values())
        alive = any(p.is_alive() for p in processes)
        if alive:
            memory = (memory + [w.memory()])[-SAMPLES:]
            descriptors = (descriptors + [w.descriptors()])[-SAMPLES:]
        if n >= MARKS[len(marks)] * count or not alive:
            marks.append((n, middle(memory), middle(descriptors), w.cpu()))
            print("%3d %%: %.2f MiB, %d descriptors, %d threads, %d names "
                  "kept, store %.1f MiB, %d waiting" % (
                      n * 100 / count, marks[-1][1] / 2**20, marks[-1][2],
                      w.d.threads(), page.one("dns_cache_entries"),
                      os.path.getsize(w.store) / 2**20,
                      page.one("store_queued")), flush=True)
        time.sleep(0.2)
    return marks


@suite.test("memory, descriptors, cost: the same at the end as in the middle")
def _(l):
    w = Watched(l, l.milter)
    threads = max(1, l.concurrency // PROCESSES)
    each = l.count // PROCESSES // threads * threads
    processes = [multiprocessing.Process(target=load, args=(
        l.home + "/soak.sock", each, l.mails, i, threads))
        for i in range(PROCESSES)]
    begun, cpu = time.monotonic(), w.cpu()
    for p in processes:
        p.start()
    marks = watch(w, each * PROCESSES, processes)
    for p in processes:
        p.join()
        same(p.exitcode, 0, "the load")
    took = time.monotonic() - begun
    costs = []
    last = 0, 0, 0, cpu
    for m in marks:
        costs.append((m[3] - last[3]) / max(1, m[0] - last[0]) * 1e3)
        last = m
    print("%d messages, %d at a time, %.0f a second; CPU of a message in "
          "each quarter: %s ms" % (
              marks[-1][0], threads * PROCESSES, marks[-1][0] / took,
              ", ".join("%.3f" % c for c in costs)))
    half, end = marks[1][1], marks[-1][1]
    print("memory growth in the second half: %+.2f %%" % (
        (end / half - 1) * 100))
    same(sum(w.page().family("messages_total").values()), each * PROCESSES,
         "messages counted")
    same(w.page().one("store_lost_total"), 0, "lost")
    true(end <= half * (1 + MOST), "memory grows")
    until = time.monotonic() + 20
    while w.descriptors() > 40 and time.monotonic() < until:
        time.sleep(0.1)
    true(w.descriptors() <= 40, "descriptors leak: %d" % w.descriptors())


def begin(l, **options):
    """Creates keys and messages, and starts a name server and the milter."""
    keys = {k: signing.Key(k, l.home) for k in ("rsa", "ed25519")}
    l.mails = kinds(keys)
    port = multiprocessing.Value("i", 0)
    dns = multiprocessing.Process(target=serve_dns, daemon=True, args=(
        port, {"_dmarc": wrongdns.POLICY, "_i": "v=spf1 ip4:10.0.0.0/8 ?all",
               "rsa": keys["rsa"].record(),
               "ed": keys["ed25519"].record()}))
    dns.start()
    l.callback(dns.terminate)
    while port.value == 0:
        time.sleep(0.01)
    l.start_with(SETTINGS.format(home=l.home, dns=port.value), **options)


def main():
    with lab.Lab(sys.argv[1]) as l:
        l.count = int(sys.argv[2]) if len(sys.argv) > 2 else 200000
        l.concurrency = int(sys.argv[3]) if len(sys.argv) > 3 else 64
        begin(l)
        return suite.run(l)


if __name__ == "__main__":
    sys.exit(main())
