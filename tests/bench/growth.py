#!/usr/bin/env python3
"""How the cost of a message grows with the number of signatures, overrides,
signing domains and open connections.

usage: growth.py PROGRAM [TABLE...]

TABLE is signatures, overrides, domains or connections.  CPU is that of all
threads of the daemon; each figure is the least of several batches, so that
other load on the machine has little effect.  "doubled" is the factor by which
the cost grows when the number doubles, from one row to the next.
"""

import math
import os
import re
import resource
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "milter"))

import lab  # noqa: E402
import miltproto  # noqa: E402
import signlab  # noqa: E402

BATCHES, MESSAGES = 7, 60
IDLE = 5  # seconds
MOST = 2.2  # the largest factor allowed
OVER_BUDGET = []  # (table, factor)


def cpu_us(pid):
    """CPU time of all threads: the process's clock, as in
    clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2) * 1e6


def memory_mib(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024


def settle(pid):
    """Waits until the daemon has checked its keys, at most a minute."""
    for _ in range(60):
        before = cpu_us(pid)
        time.sleep(1)
        if cpu_us(pid) - before < 10000:
            return


def message_us(pid, where, message, check, **macros):
    """CPU time of one message; `check` is called with the milter's actions."""
    m = miltproto.Milter(where)
    m.connect("192.0.2.10")
    m.helo()
    batches = []
    for _ in range(BATCHES):
        before = cpu_us(pid)
        for _ in range(MESSAGES):
            check(m.message(message, **macros))
        batches.append((cpu_us(pid) - before) / MESSAGES)
    m.quit()
    return min(batches)


def doubled(numbers, costs, i):
    """The growth factor for each doubling between two rows."""
    if i == 0:
        return None
    steps = math.log2(numbers[i] / numbers[i - 1])
    return (costs[i] / costs[i - 1]) ** (1 / steps)


def show(title, what, numbers, costs, memories):
    print("| %s | CPU us a message | doubled | MiB |" % what)
    print("|---|---|---|---|")
    for i, n in enumerate(numbers):
        factor = doubled(numbers, costs, i)
        print("| %d | %.0f | %s | %.1f |" % (
            n, costs[i], "-" if factor is None else "%.2f" % factor,
            memories[i]))
        if factor is not None and factor > MOST:
            OVER_BUDGET.append((title, factor))
    print(flush=True)


def passes(changes):
    assert lab.results(changes.inserted[0][2])["dkim"] == "pass", \
        vars(changes)


def start(l, more=""):
    """Starts a daemon on a unix socket, without a log and a store."""
    l.where = l.home + "/milter.sock"
    l.socket = "unix:" + l.where
    return l.start_with(l.settings("log = none\n" + more))


def signatures(program):
    numbers = 1, 2, 4, 8, 10
    costs, memories = [], []
    with lab.Lab(program) as l:
        l.add_key("bank.example")
        pid = start(l).process.pid
        message, n = lab.message(), 0
        for number in numbers:
            while n < number:
                message = l.sign(message, "bank.example")
                n += 1
            costs.append(message_us(pid, l.where, message, passes))
            memories.append(memory_mib(pid))
    show("signatures", "signatures", numbers, costs, memories)


def overrides(program):
    numbers = 1, 10, 100, 1000
    costs, memories = [], []
    for number in numbers:
        with lab.Lab(program) as l:
            l.add_key("bank.example")
            message = l.sign(lab.message(), "bank.example")
            pid = start(l, "".join(
                'override "o%d" { from_domain = "d%d.example" action = accept }\n' %
                (i, i) for i in range(number))).process.pid
            costs.append(message_us(pid, l.where, message, passes))
            memories.append(memory_mib(pid))
    show("overrides", "overrides, none applies", numbers, costs, memories)


def is_signed(changes):
    assert any(name == "DKIM-Signature" for _, name, _ in changes.inserted), \
        vars(changes)


def domains(program):
    numbers = 1, 10, 100, 1000, 10000
    costs, memories = [], []
    signlab.DOMAINS = {"example.com": ("r1",)}
    for number in numbers:
        with signlab.SignLab(program) as l:
            for i in range(number - 1):
                d = "%s/d%d.example" % (l.folder, i)
                os.mkdir(d)
                os.link(l.folder + "/example.com/r1.pem", d + "/r1.pem")
                os.link(l.folder + "/example.com/selectors", d + "/selectors")
            l.socket = "inet:1@127.0.0.1"
            text = re.sub(r'(?m)^socket = .*$', 'socket = ""',
                          l.sign_settings(first="log = none\n"))
            pid = l.start_with(text).process.pid
            settle(pid)
            costs.append(message_us(
                pid, l.sign_port, lab.message("alice@example.com"), is_signed,
                sender="alice@example.com", auth_authen="alice"))
            memories.append(memory_mib(pid))
    show("domains", "domains signed for", numbers, costs, memories)


def connections(program):
    """Measures with open, idle connections (after HELO)."""
    numbers = 10, 100, 1000, 10000
    costs, memories, held = [], [], []
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with lab.Lab(program) as l:
        l.add_key("bank.example")
        message = l.sign(lab.message(), "bank.example")
        pid = start(l).process.pid
        for number in numbers:
            while len(held) < number:
                m = miltproto.Milter(l.where)
                m.connect("192.0.2.10")
                m.helo()
                held.append(m)
            costs.append(message_us(pid, l.where, message, passes))
            memories.append(memory_mib(pid))
        before = cpu_us(pid)
        time.sleep(IDLE)
        print("%d open: %d descriptors, %d threads, %.2f %% of a CPU idle" % (
            number, len(os.listdir("/proc/%d/fd" % pid)),
            len(os.listdir("/proc/%d/task" % pid)),
            (cpu_us(pid) - before) / IDLE / 1e4))
        for m in held:
            m.socket.shutdown(socket.SHUT_RDWR)
            m.close()
    show("connections", "open connections", numbers, costs, memories)


TABLES = {f.__name__: f for f in (signatures, overrides, domains, connections)}


def main():
    for name in sys.argv[2:] or TABLES:
        TABLES[name](sys.argv[1])
    for title, factor in OVER_BUDGET:
        print("%s: %.2f is above %.1f" % (title, factor, MOST))
    return 1 if OVER_BUDGET else 0


if __name__ == "__main__":
    sys.exit(main())
