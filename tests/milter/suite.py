"""Runs test functions in order.  The output is TAP, which tests/run_cmocka
reads."""

import os
import sys
import time
import traceback

SANITIZED = "SANITIZED" in os.environ  # set by tests/sanitized
# seconds: longest wait for something that must happen, on a busy machine
WAIT = 180
DAY = 86400


class Skip(Exception):
    """The test cannot run here; the text says why."""


def needs_plain_memory():
    """Skips the test with sanitizers: their allocator must not be replaced."""
    if SANITIZED:
        raise Skip("the program was built with sanitizers")


class Suite:
    def __init__(self):
        self.tests = []

    def test(self, name):
        """Registers a test: @suite.test("name")"""
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
            except Exception:  # a test may fail with any exception
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
    """Waits until `condition()` is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        true(time.monotonic() < end, "not after %d s: %s" % (seconds, what))
        time.sleep(0.02)


def one_day():
    """Waits until after midnight (UTC) if it is near, so that the rest of the
    test runs within one day."""
    while (left := DAY - time.time() % DAY) < WAIT:
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
