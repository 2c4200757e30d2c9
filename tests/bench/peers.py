#!/usr/bin/env python3
"""Compares avouch-milter with its peers, in one run and in alternation: CPU,
rate, latency and memory, as a table in Markdown.

usage: peers.py PROGRAM [--harness DIR] [--corpus DIR] [--work DIR]
                [--record README] [--quick] [--parts LIST] [--sessions LIST]

The harness is the one named in README.md in this directory; it plays the MTA
and the DNS, and starts Debian's opendkim + opendmarc and rspamd.  This needs
root, and runs in its own network and mount namespace.  The table is written to
standard output, to WORK/table.md and, with --record, into a README, where it
replaces the old one.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys

OURS, NULL, CHAIN, RSPAMD = "avouch", "null milter", "opendkim+opendmarc", \
    "rspamd"
PEERS = {CHAIN: ("opendkim", "opendmarc"), RSPAMD: ("rspamd",)}
MARK = "<!-- what stands below is written by peers.py -->"
PACKAGES = ("libmilter1.0.1", "libssl3", "opendkim", "opendmarc", "rspamd")
PARTS = "floor,grid,rspamd,big,instr,soak"
TOOLS = ("unshare", "ip", "openssl", "cc", "make")


def say(text):
    print(text, file=sys.stderr, flush=True)


def middle(values):
    return statistics.median(values)


class Run:
    def __init__(self, a):
        self.a = a
        self.missing = []    # what could not be measured, and why
        self.rows = []       # the harness's results of each run
        self.beside = []     # results of the runs with rspamd
        self.floor = {}      # corpus: milliseconds
        self.sha = 0.0       # MB per second
        self.big, self.instr, self.soak = [], [], []
        self.peers = [p for p, programs in PEERS.items()
                      if self.has(p, programs)]
        self.harness = self.prepare()
        self.corpus = self.messages()

    def has(self, peer, programs):
        for program in programs:
            if shutil.which(program) is None:
                self.missing.append("%s: %s is not installed" % (
                    peer, program))
                return False
        return True

    def prepare(self):
        """Builds the harness in a copy, because the original may belong to
        another user."""
        d = self.a.work + "/harness"
        shutil.copytree(self.a.harness, d, dirs_exist_ok=True)
        for name in os.listdir(d):
            os.chmod(d + "/" + name, 0o755)
        subprocess.run(["make", "-s", "-C", d, "milterload", "delaydns",
                        "nullmilter"], check=True)
        return d

    def messages(self):
        d = self.a.corpus or self.a.work + "/corpus"
        if not os.path.exists(d + "/mix.manifest"):
            say("making the messages: 380 MB in " + d)
            subprocess.run([self.harness + "/gencorpus.py", d], check=True,
                           stdout=subprocess.DEVNULL)
        return d

    def compare(self, what, subjects, *options):
        """Runs the harness; its own tables are printed on standard error."""
        starts = {OURS: "%s -f -c {config}" % self.a.program,
                  NULL: self.harness + "/nullmilter {socket} noreply"}
        path = "%s/%s.json" % (self.a.work, what)
        if os.path.exists(path):
            os.unlink(path)
        command = [self.harness + "/compare", what, "--corpus", self.corpus,
                   "--json", path, "--peers",
                   ",".join(s for s in subjects if s not in starts)]
        for s in subjects:
            if s in starts:
                command += ["--start", "%s=%s" % (s, starts[s])]
        say("%s: %s" % (what, ", ".join(subjects)))
        done = subprocess.run(command + list(options), stdout=sys.stderr)
        if done.returncode != 0 or not os.path.exists(path):
            self.missing.append("%s %s: the harness failed" % (
                what, " ".join(options)))
            return []
        with open(path) as f:
            return [json.loads(line) for line in f]

    def measure_floor(self):
        say("floor: hashes and signatures alone")
        text = subprocess.run(
            [self.harness + "/compare", "floor", "--corpus", self.corpus],
            capture_output=True, text=True).stdout
        found = re.search(r"sha256 (\d+) MB/s", text)
        self.sha = float(found.group(1)) if found else 0.0
        for line in text.splitlines():
            cells = [c.strip() for c in line.strip("|").split("|")]
            if len(cells) == 7 and cells[1].isdigit():
                self.floor[cells[0]] = float(cells[6])

    def measure(self):
        near = [OURS, NULL] + [p for p in self.peers if p == CHAIN]
        rounds = "1" if self.a.quick else "3"
        wanted = self.a.parts.split(",")
        few = ["--conc", self.a.sessions or "1,64,256"]
        if "floor" in wanted:
            self.measure_floor()
        if "grid" in wanted:
            cells = few + ["--delays", "0"] if self.a.sessions else []
            self.rows += self.compare("grid", near, "--corpora", "mix",
                                      "--rounds", rounds, *cells)
            self.rows += self.compare("grid", near, "--corpora", "small",
                                      "--rounds", rounds, "--delays", "0",
                                      *few)
        if "rspamd" in wanted and RSPAMD in self.peers:
            # rspamd is several times slower, so fewer messages are sent
            self.beside = self.compare(
                "grid", [OURS, RSPAMD], "--corpora", "mix", "--rounds", "1",
                "--count", "400", *few)
        if "big" in wanted:
            self.big = self.compare("big", [s for s in near if s != NULL],
                                    "--rounds", rounds)
        if "instr" in wanted:
            self.instr = self.instructions(near)
        if "soak" in wanted:
            self.soak = self.compare("soak", [OURS], "--soak",
                                     "10000" if self.a.quick else "100000")

    def instructions(self, subjects):
        if shutil.which("valgrind") is None:
            self.missing.append("instructions: valgrind is not installed")
            return []
        return self.compare("instr", subjects, "--corpora", "small",
                            "--count", "200")

    # ---- figures ----

    def cell(self, subject, corpus, delay, conc, key, rows=None):
        """One value for each round."""
        return [r[key] for r in (self.rows if rows is None else rows)
                if r["subject"] == subject and r["corpus"] == corpus and
                r["delay"] == delay and r["conc"] == conc]

    def one(self, *where):
        values = self.cell(*where)
        return middle(values) if values else None

    def ratio(self, subject, other, *where):
        """The median of the ratios of each round."""
        pairs = zip(self.cell(subject, *where), self.cell(other, *where))
        values = [x / y for x, y in pairs if y > 0]
        return middle(values) if values else None

    def large(self, subject):
        """MB per CPU second for the large messages."""
        rows = [r for r in self.big if r["subject"] == subject and
                r["corpus"] == "big"]
        if not rows:
            return None
        size = n = 0
        with open(self.corpus + "/big.manifest") as f:
            for line in f:
                if line[0] != "#":
                    size += os.path.getsize(
                        self.corpus + "/" + line.split("\t")[0])
                    n += 1
        return size / n / 1e6 / (middle([r["cpu_ms"] for r in rows]) / 1e3)

    def millions(self, subject):
        for r in self.instr:
            if r["subject"] == subject:
                return sum(float(p.rsplit(" ", 1)[1]) for p in r["instr"])
        return None

    def memory(self):
        """MiB after 10 %, 50 % and all of the long run."""
        values = [r["rss_now"] for r in self.soak]
        return (values[0], values[4], values[9]) if len(values) == 10 else None


# ---- the table ----

def number(value, form="%.3g"):
    return "-" if value is None else form % value


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def machine(program):
    out = subprocess.run([program, "-V"], capture_output=True, text=True)
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    yield "%s, %s, %d x %s, Linux %s." % (
        datetime.date.today().isoformat(), out.stdout.strip(),
        os.cpu_count(),
        cpu.group(1) if cpu else platform.machine(), platform.release())
    versions = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES],
        capture_output=True, text=True).stdout.splitlines()
    yield "; ".join(v for v in versions if v.count(" ") == 1 and
                    not v.endswith(" ")) + "."
    yield ""


def aim(name, figure, wanted, met):
    state = "not measured" if met is None else "yes" if met else "no"
    return [name, figure, wanted, state]


def aims(r):
    for corpus, wanted in (("mix", 1.25), ("small", 1.4)):
        ours = r.one(OURS, corpus, 0, 64, "cpu_ms")
        null = r.one(NULL, corpus, 0, 64, "cpu_ms")
        floor = r.floor.get(corpus)
        if None in (ours, null, floor):
            continue
        yield aim("CPU a message, %s, against floor %.3f + null %.3f ms" % (
            corpus, floor, null), "%.3f ms, %.2f x" % (
                ours, ours / (floor + null)), "%s x" % wanted,
            ours <= wanted * (floor + null))
    for corpus, least in (("mix", 4), ("small", 8)):
        times = r.ratio(CHAIN, OURS, corpus, 0, 64, "cpu_ms")
        null = r.ratio(CHAIN, NULL, corpus, 0, 64, "cpu_ms")
        yield aim("CPU of opendkim + opendmarc against ours, %s" % corpus,
                  "%s x (the null milter: %s x)" % (number(times),
                                                    number(null)),
                  "%d x at least, %d x hoped for" % (
                      least, {4: 5, 8: 15}[least]),
                  None if times is None else times >= least)
    millions = r.millions(OURS)
    yield aim("instructions of a small message",
              "%s M (theirs %s M)" % (number(millions),
                                      number(r.millions(CHAIN))),
              "1.0 M", None if millions is None else millions < 1)
    large = r.large(OURS)
    yield aim("large messages, SHA-256 alone at %.0f MB/s" % r.sha,
              "%s MB a CPU second (theirs %s)" % (
                  number(large, "%.0f"), number(r.large(CHAIN), "%.0f")),
              "300", None if large is None else large >= 300)
    p50 = r.one(OURS, "mix", 20, 1, "p50")
    yield aim("median latency, DNS 20 ms away, one session",
              "%s ms (theirs %s)" % (number(p50), number(
                  r.one(CHAIN, "mix", 20, 1, "p50"))), "30 ms",
              None if p50 is None else p50 < 30)
    for delay in (0, 20):
        times = r.ratio(OURS, CHAIN, "mix", delay, 256, "rate")
        yield aim("messages a second at 256 sessions, DNS %d ms" % delay,
                  "%s x theirs" % number(times), "5 x",
                  None if times is None else times >= 5)
    peak = r.cell(OURS, "mix", 0, 256, "rss") + \
        r.cell(OURS, "mix", 20, 256, "rss")
    yield aim("peak memory at 256 sessions", "%s MiB" % (
        "%.0f" % max(peak) if peak else "-"), "64 MiB",
        max(peak) < 64 if peak else None)
    memory = r.memory()
    yield aim("memory over the long run: at 10 %, 50 %, the end",
              "%.1f, %.1f, %.1f MiB" % memory if memory else "-",
              "the last two within 2 %",
              abs(memory[2] / memory[1] - 1) < 0.02 if memory else None)


def grid(r, rows):
    seen = []
    for row in rows:
        where = (row["corpus"], row["delay"], row["conc"], row["subject"])
        if where not in seen:
            seen.append(where)
    for corpus, delay, conc, subject in seen:
        def one(key, form="%.3g"):
            return number(r.one(subject, corpus, delay, conc, key, rows), form)

        def ratio(key):
            return number(r.ratio(subject, OURS, corpus, delay, conc, key,
                                  rows), "%.2f")

        def cell(key):
            return r.cell(subject, corpus, delay, conc, key, rows)

        yield [corpus, "%.0f" % delay, "%d" % conc, subject,
               one("rate", "%.0f"), ratio("rate"), one("cpu_ms", "%.3f"),
               ratio("cpu_ms"), one("sys_ms", "%.3f"), one("p50"), one("p99"),
               "%.0f" % max(cell("rss")), one("dns", "%.2f"),
               "%d" % sum(cell("errors") + cell("timeouts"))]


def lines(r, load):
    yield from machine(r.a.program)
    yield "Load average before and after: %.1f, %.1f.  Rounds: %d." % (
        load, os.getloadavg()[0], 1 if r.a.quick else 3)
    yield ""
    yield from table(["aim", "figure", "wanted", "met"], aims(r))
    for rows in filter(None, (r.rows, r.beside)):
        yield from table(
            ["messages", "DNS ms", "sessions", "milter", "messages/s",
             "ratio", "CPU ms", "ratio", "of it kernel", "p50 ms", "p99 ms",
             "peak MiB", "questions", "errors"], grid(r, rows))
    for text in r.missing:
        yield "Not measured: %s." % text


def record(path, text):
    with open(path) as f:
        head = f.read().partition(MARK)[0]
    with open(path, "w") as f:
        f.write(head + MARK + "\n\n" + text)


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("--harness", default="../shared/bench")
    p.add_argument("--corpus", help="made by gencorpus.py of the harness")
    p.add_argument("--work", default="build/bench")
    p.add_argument("--record", help="README to write the table into")
    p.add_argument("--quick", action="store_true", help="one round of each")
    p.add_argument("--parts", default=PARTS, help="some of " + PARTS)
    p.add_argument("--sessions", help="only these numbers of them, such as "
                   "1,64, and no delay of DNS")
    a = p.parse_args()
    if not os.path.exists(a.harness + "/compare"):
        say("%s: there is no harness; the peers are not measured" % a.harness)
        return 0
    lacking = [t for t in TOOLS if shutil.which(t) is None]
    if os.geteuid() != 0 or lacking:
        say("the peers are not measured: it needs root, and " +
            (", ".join(lacking) or "nothing else"))
        return 0
    a.program = os.path.abspath(a.program)
    a.work = os.path.abspath(a.work)
    os.makedirs(a.work, exist_ok=True)
    load = os.getloadavg()[0]
    r = Run(a)
    r.measure()
    text = "\n".join(lines(r, load)).rstrip("\n") + "\n"
    with open(a.work + "/table.md", "w") as f:
        f.write(text)
    if a.record:
        record(a.record, text)
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
