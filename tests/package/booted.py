"""A Debian booted with systemd-nspawn, and the world around it: a name server and
SMTP clients.

`tests/package/prepare` made the folders.  All of it is inside of network and
mount namespaces of our own (see enter()), which end with the process: no port,
mount or process of this machine is touched, and nothing reaches the network.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "milter"))

import smtp  # noqa: E402  (its folder is known only now)

HOST = "mx.example.net"
HERE_ADDRESS = "198.51.100.25"    # of the booted system
RESOLVER = "198.51.100.53"
CLIENTS = ("192.0.2.10", "192.0.2.20", "203.0.113.66")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_SECONDS = 300
COMMAND_SECONDS = 600


class CannotRun(Exception):
    """Why nothing can be booted here, in words."""


def enter():
    """Starts this program again inside of its namespaces, once."""
    if os.geteuid() != 0:
        raise CannotRun("booting a system needs root")
    for program in ("systemd-nspawn", "unbound", "ip"):
        if shutil.which(program, path=PATH) is None:
            raise CannotRun("%s is not installed" % program)
    if os.environ.get("AVOUCH_BOOTED") != "yes":
        os.environ["AVOUCH_BOOTED"] = "yes"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation",
                              "private", "--", sys.executable, *sys.argv])
    for line in ("link set lo up", *("address add %s/32 dev lo" % address for
                                     address in (HERE_ADDRESS, RESOLVER,
                                                 *CLIENTS))):
        subprocess.run(["ip", *line.split()], check=True)


UNBOUND = """\
server:
    interface: {address}
    access-control: 0.0.0.0/0 allow
    directory: "{home}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: "{home}/unbound.log"
    do-daemonize: no
    do-ip6: no
    local-zone: "." static
"""


class Names:
    """A name server that knows the records of a zone file, one a line, and that
    nothing else exists."""

    def __init__(self, home, records):
        self.home = home
        self.records = list(records)
        self.start()

    def start(self):
        conf = self.home + "/unbound.conf"
        with open(conf, "w") as f:
            f.write(UNBOUND.format(address=RESOLVER, home=self.home))
            for record in self.records:
                f.write("    local-data: '%s'\n" % record)
            f.write("remote-control:\n    control-enable: no\n")
        self.process = subprocess.Popen(["unbound", "-c", conf],
                                        start_new_session=True)

    def add(self, record):
        self.close()
        self.records.append(record)
        self.start()

    def close(self):
        self.process.kill()
        self.process.wait()


def die(*_):
    raise KeyboardInterrupt


class Booted(contextlib.ExitStack):
    """Boots a copy of FOLDER/base; what is written ends with it."""

    def __init__(self, folder, records):
        super().__init__()
        self.folder = os.path.abspath(folder)
        self.records = records
        self.shown = None  # a file that gets a transcript
        self.milter = None  # for suite.py

    def __enter__(self):
        super().__enter__()
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, die)
        try:
            self.set_up()
            self.boot()
        except BaseException:
            self.close()
            raise
        return self

    def set_up(self):
        self.home = tempfile.mkdtemp(prefix="avouch-booted-")
        self.callback(shutil.rmtree, self.home, ignore_errors=True)
        self.names = Names(self.home, self.records)
        self.callback(lambda: self.names.close())
        self.root = self.home + "/root"
        for name in ("root", "upper", "work"):
            os.mkdir("%s/%s" % (self.home, name))
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        "lowerdir={0}/fetched:{0}/base,upperdir={1}/upper,"
                        "workdir={1}/work".format(self.folder, self.home),
                        self.root], check=True)
        self.callback(subprocess.run, ["umount", "--lazy", self.root])
        for path in ("usr/sbin/policy-rc.d", "src"):
            with contextlib.suppress(OSError):
                os.remove(self.root + "/" + path)
        self.write("/etc/resolv.conf", "nameserver %s\n" % RESOLVER)
        self.write("/etc/apt/apt.conf.d/yes", 'APT::Get::Assume-Yes "true";\n')
        self.write("/etc/hostname", HOST + "\n")
        self.write("/etc/hosts", "127.0.0.1 localhost\n%s %s mx\n" % (
            HERE_ADDRESS, HOST))

    # Outside of a systemd of the host's nobody could register the machine or
    # give it a scope.
    def boot(self):
        self.console = open(self.home + "/console", "w")
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit",
             "--directory", self.root, "--hostname", HOST, "--boot",
             "--machine", "avouch-%d" % os.getpid(), "--console=pipe",
             "--resolv-conf=off", "--timezone=off", "--link-journal=no"],
            env=dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"),
            stdin=subprocess.DEVNULL, stdout=self.console,
            stderr=self.console, start_new_session=True)
        self.callback(self.halt)
        until = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < until:
            self.leader = self.find_leader()
            if self.leader is not None and self.run(
                    "systemctl is-system-running", check=False).strip() in (
                        "running", "degraded"):
                return
            if self.nspawn.poll() is not None:
                break
            time.sleep(0.2)
        with open(self.home + "/console") as f:
            raise CannotRun("does not boot: " + f.read()[-2000:])

    def find_leader(self):
        pid = self.nspawn.pid
        try:
            with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
                children = f.read().split()
            for child in children:
                with open("/proc/%s/comm" % child) as f:
                    if f.read().strip() == "systemd":
                        return child
        except OSError:
            pass
        return None

    def halt(self):
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self.nspawn.poll() is None:
                self.nspawn.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.nspawn.wait(20)
        self.console.close()

    # ---- inside ----

    def run(self, command, check=True, given=None):
        """A shell command as root inside; what it printed."""
        r = subprocess.run(
            ["nsenter", "--target", self.leader, "--all", "--wdns=/", "env",
             "-i", "PATH=" + PATH, "HOME=/root", "LC_ALL=C.UTF-8",
             "TERM=dumb", "DEBIAN_FRONTEND=noninteractive", "sh", "-c",
             "exec 2>&1; cd /root; " + command],
            input=given, stdin=subprocess.DEVNULL if given is None else None,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", timeout=COMMAND_SECONDS)
        if check and r.returncode != 0:
            raise AssertionError("%s: status %d\n%s" % (
                command, r.returncode, r.stdout[-4000:]))
        self.status = r.returncode
        return r.stdout

    def type(self, command):
        """As run(), and into the transcript, as one would see it."""
        began = time.monotonic()
        printed = self.run(command)
        self.show("# %s\n%s" % (command, shorter(printed)),
                  time.monotonic() - began)
        return printed

    def write_transcript(self):
        """TRANSCRIPT=FILE: what type() does is written there."""
        if "TRANSCRIPT" in os.environ:
            self.shown = open(os.environ["TRANSCRIPT"], "w")
            self.callback(self.shown.close)

    def show(self, text, seconds=None):
        if self.shown is not None:
            self.shown.write(text.rstrip() + "\n")
            if seconds is not None and seconds >= 1:
                self.shown.write("    (%.0f s)\n" % seconds)
            self.shown.flush()

    def path(self, name):
        return self.root + name

    def read(self, name):
        with open(self.path(name), errors="surrogateescape",
                  newline="") as f:
            return f.read()

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with contextlib.suppress(OSError):
            os.remove(path)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def active(self, unit):
        return self.run("systemctl is-active " + unit, check=False).strip()

    def enabled(self, unit):
        return self.run("systemctl is-enabled " + unit, check=False).strip()

    def journal(self, unit):
        return self.run("journalctl -o cat -u " + unit, check=False)

    def wait(self, what, condition, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            got = condition()
            if got:
                return got
            time.sleep(0.1)
        raise AssertionError("waited %d s for %s" % (seconds, what))

    # ---- mail ----

    def send(self, message, sender, recipient, client=CLIENTS[0],
             helo="mail.bank.example"):
        """One message from outside; the last reply."""
        with smtp.Client(25, host=HERE_ADDRESS, source=client) as c:
            c.become(helo)
            return c.message(sender, recipient, message)

    def mailbox(self, user):
        """The messages of a user, as mbox text split at its From lines."""
        try:
            text = self.read("/var/mail/" + user)
        except OSError:
            return []
        return re.split(r"(?m)^From .*\n", text)[1:]

    def delivered(self, user, subject):
        """The message with that subject, when it has come."""
        def find():
            return next((m for m in self.mailbox(user) if re.search(
                r"(?m)^Subject: %s$" % re.escape(subject), m)), None)
        return self.wait("mail %r to %s" % (subject, user), find)


def shorter(text, lines=24):
    """Without the progress of apt; the middle of long texts left out."""
    kept = [line for line in text.splitlines() if not re.match(
        r"(\(Reading|Selecting|Preparing|Unpacking|Get:|Fetched|Reading|"
        r"Building|Setting up lib|Extracting)", line)]
    if len(kept) > lines:
        kept = kept[:4] + ["[... %d lines ...]" % (len(kept) - lines)] + \
            kept[4 - lines:]
    return "\n".join(line for line in kept)
