#!/usr/bin/env python3
"""Real messages through a real Postfix: without a milter, with one that does
nothing, with avouch-milter, and with opendkim + opendmarc, in alternation.

usage: postfix_bench.py PROGRAM [--harness DIR] [--corpus DIR] [--work DIR]
                        [--messages N] [--sessions N] [--rounds N]

smtp-source(1) sends messages of the harness's mix, one size class after
another; Postfix discards them after queueing.  This needs root, and runs in
its own network and mount namespace.  CPU is that of all processes of Postfix,
and of the milters.  Rates depend on the other load of the machine: read the
ratios, which are the medians of the ratios of each round.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "milter"))

import postfix  # noqa: E402

NONE, NULL, OURS, CHAIN = "no milter", "null milter", "avouch", \
    "opendkim+opendmarc"
PORT = 2525
FILES = 20  # of all sizes in the mix
TICK = os.sysconf("SC_CLK_TCK")


def load_harness(path):
    """Loads the functions of the harness's program `compare`."""
    with open(path + "/compare") as f:
        source = f.read().replace("sys.exit(main())", "")
    names = {"__file__": path + "/compare", "__name__": "compare"}
    exec(compile(source, path + "/compare", "exec"), names)
    return names


def built(harness, work):
    d = work + "/harness"
    shutil.copytree(harness, d, dirs_exist_ok=True)
    for name in os.listdir(d):
        os.chmod(d + "/" + name, 0o755)
    subprocess.run(["make", "-s", "-C", d, "milterload", "delaydns",
                    "nullmilter"], check=True)
    return d


def chosen(corpus, work):
    """Files of the mix by size, with LF line ends, as smtp-source needs them.
    """
    with open(corpus + "/mix.manifest") as f:
        rows = [line.split("\t") for line in f if line[0] != "#"]
    rows.sort(key=lambda r: os.path.getsize(corpus + "/" + r[0]))
    out = []
    for i in range(FILES):
        row = rows[(2 * i + 1) * len(rows) // (2 * FILES)]
        path = "%s/message-%d" % (work, i)
        with open(corpus + "/" + row[0], "rb") as f:
            text = f.read().replace(b"\r\n", b"\n")
        with open(path, "wb") as f:
            f.write(text)
        out.append((path, row[3]))
    return out


def tree_seconds(names, pid):
    """CPU seconds of a process and its children, including those that have
    ended."""
    total = 0
    for p in names["tree"](pid):
        try:
            total += sum(int(x) for x in names["stat"](p)[11:15])
        except OSError:
            pass
    return total / TICK


class Subject:
    """A Postfix with the milters of `make`, or without milters if it is None.
    """

    def __init__(self, names, name, make):
        self.names, self.name = names, name
        self.home = tempfile.mkdtemp(prefix="avouch-postfix-")
        os.chmod(self.home, 0o755)
        self.milters = None
        sockets = []
        if make is not None:
            self.milters = names["Subject"](name, make).start()
            sockets = self.milters.sockets
            for s in sockets:
                os.chmod(s[5:], 0o666)
        self.postfix = postfix.Postfix(
            self.home + "/p", PORT, 1, " ".join(sockets),
            virtual_transport="discard:", message_size_limit="20000000",
            smtpd_client_message_rate_limit="0", queue_minfree="0")
        with open(self.home + "/p/queue/pid/master.pid") as f:
            self.master = int(f.read())

    def send(self, files, messages, sessions):
        """Messages per second, and CPU ms per message of Postfix and of the
        milters."""
        each = max(sessions, messages // len(files))
        before = tree_seconds(self.names, self.master)
        milters = sum(map(sum, self.milters.cpu())) if self.milters else 0
        began = time.monotonic()
        for path, sender in files:
            subprocess.run(
                ["smtp-source", "-s", str(sessions), "-m", str(each), "-f",
                 sender, "-t", "b@example.net", "-F", path,
                 "127.0.0.1:%d" % PORT], check=True)
        took = time.monotonic() - began
        n = each * len(files)
        cpu = tree_seconds(self.names, self.master) - before
        if self.milters:
            milters = sum(map(sum, self.milters.cpu())) - milters
        self.drain()
        return n / took, cpu / n * 1e3, milters / n * 1e3

    def drain(self):
        for _ in range(3000):
            if not any(files for name in ("active", "incoming", "maildrop")
                       for _, _, files in
                       os.walk(self.home + "/p/queue/" + name)):
                return
            time.sleep(0.1)
        raise AssertionError("the queue does not become empty")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.postfix.stop()
        if self.milters:
            self.milters.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def makers(names, program, harness):
    """{name of a subject: function that starts its milters}"""
    def ours(d):
        commands, sockets = names["avouch"]("%s -f -c {config}" % program, d)
        with open(d + "/avouch.conf", "a") as f:
            f.write("socket_mode = 0666\n")
        return commands, sockets

    def null(d):
        return [[harness + "/nullmilter", "unix:%s/null" % d, "noreply"]], \
            ["unix:%s/null" % d]

    out = {NONE: None, NULL: null, OURS: ours}
    if shutil.which("opendkim") and shutil.which("opendmarc"):
        out[CHAIN] = names["chain"]
    return out


def measure(a, names, harness):
    files = chosen(a.corpus, a.work)
    subjects = list(makers(names, a.program, harness).items())
    names["PRIME"] = a.corpus + "/small.manifest"
    rows = {name: [] for name, _ in subjects}
    dns = names["Dns"](a.corpus)
    try:
        for k in range(a.rounds):
            for name, make in subjects if k % 2 == 0 else subjects[::-1]:
                with Subject(names, name, make) as s:
                    s.send(files, len(files) * a.sessions, a.sessions)  # warm up
                    rows[name].append(s.send(files, a.messages, a.sessions))
                print(".", end="", file=sys.stderr, flush=True)
    finally:
        dns.stop()
    print(file=sys.stderr)
    return rows


def middle_ratio(rows, name, column, base=NONE):
    return statistics.median(
        x[column] / y[column] for x, y in zip(rows[name], rows[base]))


def table(a, rows):
    yield "%d messages, %d sessions, %d rounds; load average %.1f." % (
        a.messages, a.sessions, a.rounds, os.getloadavg()[0])
    yield ""
    yield ("| through Postfix | messages/s | ratio | Postfix CPU ms | "
           "milter CPU ms | all CPU, ratio |")
    yield "|---|---|---|---|---|---|"
    for name in rows:
        def middle(column):
            return statistics.median(r[column] for r in rows[name])
        both = statistics.median(
            (x[1] + x[2]) / (y[1] + y[2])
            for x, y in zip(rows[name], rows[NONE]))
        yield "| %s | %.0f | %.2f | %.2f | %.3f | %.2f |" % (
            name, middle(0), middle_ratio(rows, name, 0), middle(1),
            middle(2), both)


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("--harness", default="../shared/bench")
    p.add_argument("--corpus", help="made by gencorpus.py of the harness")
    p.add_argument("--work", default="build/bench")
    p.add_argument("--messages", type=int, default=2000)
    p.add_argument("--sessions", type=int, default=20)
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    try:
        postfix.check()
    except postfix.CannotRun as e:
        sys.exit(str(e))
    if os.environ.get("BENCH_NS") != "1":
        os.environ["BENCH_NS"] = "1"
        os.execvp("unshare", ["unshare", "-mn", sys.executable] + sys.argv)
    subprocess.check_call(["ip", "link", "set", "lo", "up"])
    a.work = os.path.abspath(a.work)
    a.program = os.path.abspath(a.program)
    os.makedirs(a.work, exist_ok=True)
    harness = built(a.harness, a.work)
    a.corpus = os.path.abspath(a.corpus or a.work + "/corpus")
    if not os.path.exists(a.corpus + "/mix.manifest"):
        subprocess.run([harness + "/gencorpus.py", a.corpus], check=True,
                       stdout=subprocess.DEVNULL)
    with tempfile.NamedTemporaryFile("w") as f:
        f.write("nameserver 127.0.0.1\n")
        f.flush()
        subprocess.check_call(["mount", "--bind", f.name, "/etc/resolv.conf"])
        rows = measure(a, load_harness(harness), harness)
    print("\n".join(table(a, rows)))


if __name__ == "__main__":
    main()
