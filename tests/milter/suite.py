"""Test functions, run in order.  The output is TAP, which tests/run_cmocka reads."""

import os
import sys
import time
import traceback

SANITIZED = "SANITIZED" in os.environ  # by tests/sanitized
WAIT = 180  # s; the longest wait for what must come, on a machine with much else to do
DAY = 86400


class Skip(Exception):
    """The test cannot run here: why."""


def needs_plain_memory():
    """Sanitizers have an allocator of their own, which must not be tampered
    with."""
    if SANITIZED:
        raise Skip("the program was built with sanitizers")


class Suite:
    def __init__(self):
        self.tests = []

    def test(self, name):
        """@suite.test("what is shown")"""
        def add(function):
            self.tests.append((name, function))
            return function
        return add

    def skip_all(self, why):
        print("1..%d" % len(self.tests))
        for number, (name, _) in enumerate(self.tests, 1):
            print("ok %d - %s # SKIP %s" % (number, name, why))
        return 0

    def run(self, lab, only=None):
        tests = [t for t in self.tests if not only or only in t[0]]
        failed = []
        print("1..%d" % len(tests))
        for number, (name, function) in enumerate(tests, 1):
            print("# %s" % name, flush=True)
            began = time.monotonic()
            try:
                function(lab)
                print("ok %d - %s" % (number, name))
                print("# %.1f s" % (time.monotonic() - began))
            except Skip as e:
                print("ok %d - %s # SKIP %s" % (number, name, str(e).replace("\n", " ")))
            except Exception:  # a test may fail in any way
                failed.append(name)
                print("not ok %d - %s" % (number, name))
                diagnostics(traceback.format_exc())
                if lab.milter is not None:
                    diagnostics("the last lines of the log:\n" +
                                "\n".join(lab.milter.lines[-8:]))
            sys.stdout.flush()
        return 1 if failed else 0


def diagnostics(text):
    for line in text.splitlines():
        print("# " + line)


def same(got, want, what=""):
    if got != want:
        raise AssertionError("%s: got %r, want %r" % (what, got, want))


def until(condition, what, seconds=WAIT):
    """What `condition()` returns, once that is true."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        true(time.monotonic() < end, "not after %d s: %s" % (seconds, what))
        time.sleep(0.02)


def one_day():
    """Waits for midnight (UTC) if it is near: what follows is of one day."""
    left = DAY - time.time() % DAY
    if left < WAIT:
        time.sleep(left)


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def holds(text, part):
    if part not in text:
        raise AssertionError("%r is not in %r" % (part, text))


def lacks(text, part):
    if part in text:
        raise AssertionError("%r is in %r" % (part, text))
