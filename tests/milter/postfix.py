"""A separate Postfix in its own directory: nothing of the system's Postfix is
read, written or started.
"""

import contextlib
import json
import os
import pwd
import shutil
import subprocess

from suite import until

PROGRAMS = "/usr/lib/postfix/sbin"
SERVERS = {"smtpd", "cleanup", "trivial-rewrite", "qmgr", "smtp", "lmtp"}

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup   unix n - n 60    1 pickup
cleanup  unix n - n -     0 cleanup
qmgr     unix n - n 300   1 qmgr
rewrite  unix - - n -     - trivial-rewrite
bounce   unix - - n -     0 bounce
defer    unix - - n -     0 bounce
trace    unix - - n -     0 bounce
verify   unix - - n -     1 verify
proxymap unix - - n -     - proxymap
lmtp     unix - - n -     - lmtp
smtp     unix - - n -     - smtp
showq    unix n - n -     - showq
error    unix - - n -     - error
retry    unix - - n -     - error
discard  unix - - n -     - discard
anvil    unix - - n -     1 anvil
scache   unix - - n -     1 scache
postlog  unix-dgram n - n - 1 postlogd
"""

MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = {programs}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {home}/log/mail.log
maillog_file_prefixes = {home}
syslog_name = {name}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {host}
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
local_header_rewrite_clients =
enable_long_queue_ids = yes
smtpd_relay_restrictions = reject_unauth_destination
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = static:x
virtual_transport = lmtp:inet:127.0.0.1:{sink}
local_header_rewrite_clients =
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
smtputf8_enable = yes
milter_default_action = tempfail
smtpd_milters = {milter}
non_smtpd_milters = {milter}
biff = no
"""


class CannotRun(Exception):
    """Postfix cannot run here; the text says why."""


def check():
    if os.geteuid() != 0:
        raise CannotRun("a separate Postfix needs root; run this with sudo")
    if not os.path.exists(PROGRAMS + "/master"):
        raise CannotRun("Postfix is not installed; make deps installs it")


class Postfix:
    """Listens on `port` of 127.0.0.1, hands mail for `domain` to `sink`.

    `services` are further lines of master.cf, `options` settings of main.cf.
    """

    def __init__(self, home, port, sink, milter, host="mx.example.net",
                 domain="example.net", services="", **options):
        check()
        self.home = home
        self.port = port
        self.config = home + "/config"
        self.log = home + "/log/mail.log"
        os.makedirs(home, exist_ok=True)
        os.chmod(home, 0o755)
        for name in ("config", "queue", "data", "log"):
            os.mkdir(home + "/" + name, 0o755)
        shutil.chown(home + "/data", "postfix")
        values = dict(home=home, port=port, sink=sink, milter=milter,
                      host=host, domain=domain, programs=PROGRAMS,
                      name="postfix-test")
        with open(self.config + "/main.cf", "w") as f:
            for line in MAIN.format(**values).splitlines(True):
                if line.partition(" =")[0] not in options:
                    f.write(line)
            f.writelines("%s = %s\n" % o for o in options.items())
        with open(self.config + "/master.cf", "w") as f:
            f.write(MASTER.format(**values) + services)
        self.run("postfix", "start")

    def run(self, program, *arguments):
        r = subprocess.run([program, "-c", self.config, *arguments],
                           capture_output=True, text=True)
        if r.returncode != 0:
            raise CannotRun("%s %s: %s%s" % (
                program, " ".join(arguments), r.stderr, self.tail()))
        return r.stdout

    def tail(self):
        try:
            with open(self.log) as f:
                return "".join(f.readlines()[-10:])
        except OSError:
            return ""

    def servers(self):
        """Returns the process IDs of the programs that handle mail."""
        with open(self.home + "/queue/pid/master.pid") as f:
            master = int(f.read())
        found = set()
        with open("/proc/%d/task/%d/children" % (master, master)) as f:
            children = f.read().split()
        for pid in children:
            with contextlib.suppress(OSError):
                with open("/proc/%s/comm" % pid) as f:
                    if f.read().rstrip("\n") in SERVERS:
                        found.add(pid)
        return found

    def reloads(self):
        with open(self.log) as f:
            return f.read().count(" reload -- version ")

    def set(self, **options):
        self.run("postconf", "-e", *("%s=%s" % o for o in options.items()))
        old, reloads = self.servers(), self.reloads()
        self.run("postfix", "reload")
        # Busy processes end after serving their client, idle ones immediately.
        until(lambda: self.reloads() > reloads and not old & self.servers(),
              "Postfix has reloaded")

    def queue(self):
        """Returns the output of postqueue(1) as a list of dictionaries."""
        return [json.loads(line) for line in
                self.run("postqueue", "-j").splitlines()]

    def drop(self, queue_id):
        self.run("postsuper", "-d", queue_id)

    def submit(self, sender, recipient, message):
        """Submits a message with sendmail(1), as a local program would."""
        subprocess.run(["sendmail", "-C", self.config, "-f", sender,
                        "-i", recipient], input=message, check=True,
                       env=dict(os.environ, MAIL_CONFIG=self.config))

    def stop(self):
        # "stop" waits five seconds and then kills
        subprocess.run(["postfix", "-c", self.config, "stop"],
                       capture_output=True)


def user_exists(name):
    try:
        pwd.getpwnam(name)
        return True
    except KeyError:
        return False
