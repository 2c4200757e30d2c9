#!/usr/bin/env python3
"""CPU for signing a small message: avouch-milter and opendkim in one run, in
alternation, over the milter protocol; and the cost of RSA-2048 alone.

usage: sign_cpu.py PROGRAM [MESSAGES [ROUNDS]]
"""

import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "milter"))

import lab  # noqa: E402
import miltproto  # noqa: E402
import signlab  # noqa: E402
import smtp  # noqa: E402

OPENDKIM = """\
Mode s
Domain example.com
Selector r1
KeyFile {folder}/example.com/r1.pem
RequireSafeKeys no
Canonicalization relaxed/relaxed
OversignHeaders From
InternalHosts 192.0.2.10
Background no
Syslog yes
UserID root
PidFile {home}/opendkim.pid
Socket inet:{port}@127.0.0.1
"""


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        words = f.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def wait_port(port):
    import socket
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.02)


def run(port, n, message):
    """Signs `n` messages; each must get a signature."""
    for _ in range(n // 50):
        m = miltproto.Milter(port)
        m.connect("192.0.2.10")
        m.helo()
        for _ in range(50):
            changes = m.message(message, sender="alice@example.com",
                                auth_authen="alice")
            text = repr(vars(changes))
            assert "DKIM-Signature" in text, text
        m.close()


def rsa_us():
    out = subprocess.run(["openssl", "speed", "-seconds", "2", "rsa2048"],
                         capture_output=True, text=True).stdout
    return float(re.search(r"rsa 2048 bits +([0-9.]+)s", out).group(1)) * 1e6


def main():
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    signlab.DOMAINS = {"example.com": ("r1",)}
    message = lab.message("alice@example.com", body=b"Hello, Bob.\r\n" * 40)
    with signlab.SignLab(sys.argv[1]) as l:
        l.socket = "inet:1@127.0.0.1"
        text = re.sub(r'(?m)^socket = .*$', 'socket = ""', l.sign_settings())
        ours = l.start_with(text)
        port = smtp.free_port()
        with open(l.home + "/opendkim.conf", "w") as f:
            f.write(OPENDKIM.format(folder=l.folder, home=l.home, port=port))
        other = subprocess.Popen(["opendkim", "-f", "-x",
                                  l.home + "/opendkim.conf"])
        l.callback(other.wait)
        l.callback(other.terminate)
        wait_port(port)
        print("RSA-2048 alone: %.0f us" % rsa_us())
        for pid, p in ((ours.process.pid, l.sign_port), (other.pid, port)):
            run(p, 100, message)  # warm up
        for _ in range(rounds):
            for name, pid, p in (("avouch", ours.process.pid, l.sign_port),
                                 ("opendkim", other.pid, port)):
                before = cpu_seconds(pid)
                run(p, n, message)
                print("%-9s %.0f us CPU a message" % (
                    name, (cpu_seconds(pid) - before) / n * 1e6))


if __name__ == "__main__":
    main()
