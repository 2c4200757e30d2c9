"""Test functions, run in their order and told as cmocka tells its tests, so
that tests/run_cmocka counts them.
"""

import os
import sys
import time
import traceback

SANITIZED = "SANITIZED" in os.environ  # by tests/sanitized


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
        print("[==========] Running %d test(s)." % len(self.tests))
        print("%s" % why)
        for name, _ in self.tests:
            print("[  SKIPPED ] %s" % name)
        print("[==========] %d test(s) run." % len(self.tests))
        return 0

    def run(self, lab, only=None):
        tests = [t for t in self.tests if not only or only in t[0]]
        failed = []
        print("[==========] Running %d test(s)." % len(tests))
        for name, function in tests:
            print("[ RUN      ] %s" % name, flush=True)
            began = time.monotonic()
            try:
                function(lab)
                print("[       OK ] %s (%.1f s)" % (
                    name, time.monotonic() - began))
            except Skip as e:
                print(e)
                print("[  SKIPPED ] %s" % name)
            except Exception:  # a test may fail in any way
                traceback.print_exc(file=sys.stdout)
                if lab.milter is not None:
                    print("the last of the log:")
                    print("\n".join(lab.milter.lines[-8:]))
                print("[  FAILED  ] %s" % name)
                failed.append(name)
            sys.stdout.flush()
        print("[==========] %d test(s) run." % len(tests))
        return 1 if failed else 0


def same(got, want, what=""):
    if got != want:
        raise AssertionError("%s: got %r, want %r" % (what, got, want))


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def holds(text, part):
    if part not in text:
        raise AssertionError("%r is not in %r" % (part, text))


def lacks(text, part):
    if part in text:
        raise AssertionError("%r is in %r" % (part, text))
