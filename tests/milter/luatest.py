#!/usr/bin/env python3
"""Runs miltertest.lua against avouch-milter, with miltertest as the MTA.

usage: luatest.py PROGRAM
"""

import os
import shutil
import subprocess
import sys

import lab
import smtp


def main():
    if not shutil.which("miltertest"):
        lab.not_here("miltertest is not installed; make deps installs it")
    with lab.Lab(sys.argv[1]) as l:
        l.add_key("bank.example")
        signed = l.home + "/signed"
        with open(signed, "wb") as f:
            f.write(l.sign(lab.message(), "bank.example", fold=b" "))
        port = smtp.free_port()
        conf = l.home + "/lua.conf"
        with open(conf, "w") as f:
            f.write(l.settings(socket="inet:%d@127.0.0.1" % port))
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                              "miltertest.lua")
        values = dict(program=l.program, conf=conf, signed=signed,
                      socket="inet:%d@127.0.0.1" % port)
        arguments = [w for v in values.items() for w in ("-D", "%s=%s" % v)]
        return subprocess.run(["miltertest", *arguments, "-s", script],
                              stdin=subprocess.DEVNULL,
                              timeout=300).returncode


if __name__ == "__main__":
    sys.exit(main())
