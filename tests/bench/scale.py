#!/usr/bin/env python3
"""What many hosts and much mail require: CPU, questions to resolvers, rows,
and the time for pushing and sending reports.  docs/SCALING.md explains the
results.

usage: scale.py [--hosts N] [--messages A-DAY] [--peak A-SECOND-A-HOST] ...

It computes expected values from distributions, and checks them against a
simulation with a fixed seed.  The costs are options; their defaults are the
figures measured in tests/bench/README.md.
"""

import argparse
import itertools
import math
import random

DAY = 86400
# The domains that send mail follow Zipf's law. A large one sends from more
# addresses and with more kinds of result than a small one.
ADDRESSES_OF_FIRST, RESULTS = 2000, 3
# Shares of messages by result: most mail of a domain has the same result.
RESULT_SHARES = (0.90, 0.08, 0.02)
# TTLs of the names that a message needs, and the number of names with each.
TTLS = ((300, 2), (3600, 2), (86400, 1))
BINS_A_DOUBLING = 8
SEED = 7489


def bins(n):
    """Ranks 1 to n in groups: (a rank in the middle, number of ranks)."""
    at = 1.0
    while at < n + 1:
        end = min(n + 1, max(at + 1, at * 2 ** (1 / BINS_A_DOUBLING)))
        first, last = math.ceil(at), math.ceil(end) - 1
        if last >= first:
            yield math.sqrt(first * last), last - first + 1
        at = end


def addresses(rank):
    return max(1, round(ADDRESSES_OF_FIRST / rank ** 0.5))


def harmonic(n):
    return sum(count / rank for rank, count in bins(n))


def distinct_rows(messages, domains):
    """The number of distinct rows in a day, by domain, address and result."""
    h, total = harmonic(domains), 0.0
    for rank, count in bins(domains):
        n = addresses(rank)
        for share in RESULT_SHARES:
            expected = messages * share / (rank * h * n)
            total += count * n * -math.expm1(-expected)
    return total


def distinct_domains(messages, domains):
    h = harmonic(domains)
    return sum(count * -math.expm1(-messages / (rank * h))
               for rank, count in bins(domains))


def simulated(messages, domains):
    """The numbers of distinct rows and domains, by drawing messages."""
    r = random.Random(SEED)
    weights = list(itertools.accumulate(1 / n for n in range(1, domains + 1)))
    ranks = r.choices(range(1, domains + 1), cum_weights=weights, k=messages)
    results = r.choices(range(RESULTS), RESULT_SHARES, k=messages)
    rows = {(n, r.randrange(addresses(n)), result)
            for n, result in zip(ranks, results)}
    return len(rows), len(set(ranks))


def questions(rate, domains):
    """Questions per second that a cache cannot answer, at `rate` messages per
    second; a name is asked for again when its TTL has passed."""
    h, total = harmonic(domains), 0.0
    for rank, count in bins(domains):
        of_domain = rate / (rank * h)
        for ttl, names in TTLS:
            total += count * names * of_domain / (1 + of_domain * ttl)
    return total


def asked(rate):
    return rate * sum(names for _, names in TTLS)


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def show_check(a):
    n, domains = 1000000, min(a.domains, 1000000)
    rows, found = simulated(n, domains)
    table(["1,000,000 messages", "expected", "simulated", "off by"],
          [[name, "%.0f" % e, "%d" % s, "%.1f %%" % (abs(e / s - 1) * 100)]
           for name, e, s in (
               ("rows", distinct_rows(n, domains), rows),
               ("domains", distinct_domains(n, domains), found))])


def show_hosts(a):
    average = a.messages / DAY / a.hosts
    rows = []
    for name, rate in (("average", average),
                       ("peak of the day, twice that", 2 * average),
                       ("peak that is planned for", a.peak)):
        rows.append([name, "%.0f" % rate, "%.2f" % (rate * a.cpu_ms / 1e3),
                     "%.0f" % asked(rate),
                     "%.0f" % questions(rate, a.domains),
                     "%.1f" % (100 - 100 * questions(rate, a.domains) /
                               asked(rate))])
    table(["a host", "messages/s", "CPUs", "questions/s",
           "of them to a resolver", "answered from cache %"], rows)


def show_resolvers(a):
    rows = []
    for hosts in (1, 4, a.hosts):
        rate = a.messages / DAY / a.hosts
        own = hosts * questions(rate, a.domains)
        shared = questions(rate * hosts, a.domains)
        rows.append(["%d" % hosts, "%.0f" % own, "%.0f" % shared,
                     "%.1f" % (own / shared)])
    table(["hosts", "to the Internet, a resolver on each host",
           "one cluster for all", "ratio"], rows)


def show_store(a):
    of_host = a.messages / a.hosts
    rows = distinct_rows(of_host, a.domains)
    merged = distinct_rows(a.messages, a.domains)
    found = distinct_domains(a.messages, a.domains)
    table(["a day", "one host", "all %d hosts" % a.hosts], [
        ["messages", "%.1f M" % (of_host / 1e6), "%.0f M" % (a.messages / 1e6)],
        ["rows", "%.2f M" % (rows / 1e6),
         "%.1f M, merged %.1f M" % (rows * a.hosts / 1e6, merged / 1e6)],
        ["bytes of rows", "%.2f GB" % (rows * a.row_bytes / 1e9),
         "%.1f GB" % (merged * a.shared_row_bytes / 1e9)],
        ["push, minutes", "%.1f" % (rows / a.push_rate / 60),
         "%.0f" % (rows * a.hosts / a.push_rate / 60)],
        ["domains seen", "%.0f k" % (
            distinct_domains(of_host, a.domains) / 1e3),
         "%.0f k" % (found / 1e3)],
        ["reports to send", "-", "%.0f k" % (found * a.wanting / 1e3)],
        ["sending, hours", "-", "%.1f" % (
            found * a.wanting * a.report_ms / 1e3 / 3600)],
        ["rows of %d days" % a.days, "%.0f M" % (rows * a.days / 1e6),
         "%.0f M, %.0f GB" % (merged * a.days / 1e6,
                              merged * a.days * a.shared_row_bytes / 1e9)],
    ])


def show_growth(a):
    rows, before = [], None
    for k in range(5):
        n = a.messages * 2 ** k / 4
        value = distinct_rows(n, a.domains)
        rows.append(["%.0f M" % (n / 1e6), "%.1f M" % (value / 1e6),
                     "-" if before is None else "%.2f" % (value / before)])
        before = value
    table(["messages a day", "rows of all hosts", "doubled"], rows)


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value, text in (
            ("hosts", 20, "MX hosts"),
            ("messages", 100000000, "messages a day, all hosts together"),
            ("peak", 1000, "messages a second on one host"),
            ("domains", 5000000, "number of domains that send mail"),
            ("days", 30, "days for which rows are kept"),
            ("cpu-ms", 0.43, "CPU time per message"),
            ("row-bytes", 390, "bytes per row on its host, with its share "
             "of strings, indexes and facts for replay"),
            ("shared-row-bytes", 200, "bytes per row in PostgreSQL; not measured"),
            ("push-rate", 38000, "rows a second, all hosts together"),
            ("report-ms", 40, "time to make and send one report"),
            ("wanting", 0.35, "share of domains that request reports")):
        p.add_argument("--" + name, type=type(value), default=value, help=text)
    a = p.parse_args()
    show_check(a)
    show_hosts(a)
    show_resolvers(a)
    show_store(a)
    show_growth(a)


if __name__ == "__main__":
    main()
