"""A lab whose Postfix is set up as in the snippets of etc/, so that mail reaches
avouch audit.
"""

import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "milter"))

import lab  # noqa: E402
import postfix  # noqa: E402
from suite import holds, lacks, same, true, until  # noqa: E402

USER = "nobody"  # the user of the service
BANK = dict(ADDR="192.0.2.10", NAME="mail.bank.example")
STRANGER = dict(ADDR="203.0.113.66", NAME="[UNAVAILABLE]")
ALICE = "alice@bank.example"


def snippet(l, name):
    """Returns the lines of a snippet for master.cf, its settings for main.cf, and
    its table as a file, all adapted to the paths of the lab."""
    with open("%s/etc/postfix-%s.snippet" % (lab.ROOT, name)) as f:
        text = f.read()
    text = (text.replace("user=avouch", "user=" + USER)
            .replace("/usr/bin/avouch", l.avouch)
            .replace("/etc/postfix/", l.home + "/")
            .replace("example.org", "example.net")
            .replace(r"example\.org", r"example\.net")
            .replace("--mail-from ${sender}", "--mail-from ${sender} --spool " +
                     l.spool + l.more))
    comments = [line[1:].lstrip() for line in text.splitlines()
                if line.startswith("#\t")]
    settings = dict(line.split(" = ", 1) for line in comments if " = " in line)
    table = settings["virtual_alias_maps"].partition(":")[2]
    with open(table, "w") as f:
        f.writelines(line + "\n" for line in comments if line.startswith("/^"))
    services = "".join(line + "\n" for line in text.splitlines()
                       if line and not line.startswith("#"))
    return services, settings


def send(l, to, message=None, who=None, helo="mail.bank.example",
         sender=ALICE):
    with l.client(helo, **(who or BANK)) as c:
        return c.message(sender, to, message or lab.message(ALICE, to=to))


def handled(l, reply, how):
    """Waits for the log line about a message that was accepted."""
    same(reply.code, 250, str(reply))
    line = until(lambda: [x for x in log(l).splitlines() if "/pipe[" in x and
                          reply.queue_id() + ":" in x], "pipe's line")[0]
    holds(line, "status=sent")
    holds(line, how)
    gone(l)


def log(l):
    with open(l.postfix.log) as f:
        return f.read()


def gone(l):
    """Checks that the queue is empty and there was no bounce."""
    until(lambda: not l.postfix.queue(), "the queue is empty")
    lacks(log(l), "status=bounced")
    lacks(log(l), "status=deferred")
    lacks(log(l), "postfix/bounce")


class MailedLab(lab.Lab):
    """`command` is the path of avouch, `more` are options for the services."""

    def __init__(self, command):
        super().__init__(os.path.join(os.path.dirname(os.path.abspath(command)),
                                      "avouch-milter"))
        self.command = command
        self.more = ""

    def __enter__(self):
        super().__enter__()
        self.avouch = self.home + "/avouch"  # must be accessible to the user
        shutil.copy(self.command, self.avouch)
        self.spool = self.home + "/spool"
        os.mkdir(self.spool, 0o700)
        shutil.chown(self.spool, USER)
        self.add_key("bank.example")
        return self

    def start(self, name, **options):
        services, settings = snippet(self, name)
        for key in ("transport_maps", "virtual_alias_maps"):
            if key in options:
                settings[key] += ", " + options.pop(key)
        self.start_milter("mode = monitor\n")
        self.start_postfix(services=services, **settings, **options)
