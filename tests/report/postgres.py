"""A PostgreSQL server in a temporary directory, on a unix socket, run by an
unprivileged user.
"""

import atexit
import ctypes
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0777
max_connections = 40
shared_buffers = 32MB
fsync = off
max_wal_size = 64MB
min_wal_size = 32MB
dynamic_shared_memory_type = mmap
log_min_messages = warning
"""


PR_SET_PDEATHSIG = 1
ROOM = 500 << 20  # bytes; about 150 MB are needed


class Missing(Exception):
    """Raised if PostgreSQL cannot run here; says why."""


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"),
                   key=lambda path: float(path.split("/")[4]))
    if not found:
        raise Missing("no PostgreSQL is installed: tests/deps check")
    return os.path.dirname(found[-1])


def unprivileged():
    """Returns the user for the server, or None to run it as ourselves."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise Missing("there is no user postgres or nobody to run PostgreSQL")


def memory():
    """Returns a folder in memory with enough room, or None."""
    try:
        s = os.statvfs("/dev/shm")
        if s.f_bavail * s.f_frsize >= ROOM and os.access("/dev/shm", os.W_OK):
            return "/dev/shm"
    except OSError:
        pass
    return None


class Postgres:
    def __init__(self):
        self.process = None
        self.bin = programs()
        self.user = unprivileged()
        self.home = tempfile.mkdtemp(prefix="avouch-pg-", dir=memory())
        atexit.register(self.remove)
        os.chmod(self.home, 0o755)
        self.data = os.path.join(self.home, "data")
        os.mkdir(self.data, 0o700)
        if self.user:
            os.chown(self.data, self.user.pw_uid, self.user.pw_gid)
            os.chown(self.home, self.user.pw_uid, self.user.pw_gid)
        self.call("initdb", "-D", self.data, "-A", "trust", "-E", "UTF8",
                  "--locale=C", "-N", "-U", "owner")
        with open(self.data + "/postgresql.conf", "a",
                  encoding="ascii") as f:
            f.write(SETTINGS +
                    "unix_socket_directories = '%s'\n" % self.home)
        with open(self.data + "/pg_hba.conf", "w", encoding="ascii") as f:
            f.write("local all secretive scram-sha-256\n"
                    "local all all trust\n")
        self.start()

    def demote(self):
        """Makes a process end when this one ends, in whatever way."""
        os.setsid()
        if self.user:
            os.setgroups([])
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)

    def call(self, name, *words):
        subprocess.run([os.path.join(self.bin, name), *words], check=True,
                       cwd="/", preexec_fn=self.demote,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       timeout=300)

    def start(self):
        with open(os.path.join(self.home, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.bin, "postgres"), "-D", self.data],
                cwd="/", preexec_fn=self.demote, stdout=log, stderr=log)
        until = time.monotonic() + 180
        while self.psql("postgres", "SELECT 1", check=False) != "1":
            if time.monotonic() > until or self.process.poll() is not None:
                raise AssertionError("PostgreSQL did not start")
            time.sleep(0.02)

    def stop(self, how=signal.SIGQUIT):
        """Stops the server, by default immediately, like `pg_ctl -m
        immediate`."""
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(30)
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def remove(self):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def url(self, database, user="owner", more=""):
        return "postgresql://%s@/%s?host=%s%s" % (user, database, self.home,
                                                  more)

    def create(self, database, more=""):
        self.psql("postgres", "CREATE DATABASE %s %s" % (database, more))
        return self.url(database)

    def psql(self, database, query, check=True):
        r = subprocess.run(
            [os.path.join(self.bin, "psql"), "-XAtq", "-F", "\t", "-v",
             "ON_ERROR_STOP=1", "-c", query, self.url(database)],
            capture_output=True, timeout=300, check=False, cwd="/")
        if check and r.returncode != 0:
            raise AssertionError(r.stderr.decode())
        return r.stdout.decode().rstrip("\n")

    def hold(self, database, *lock):
        """Holds an advisory lock on another connection, as a host
        mx9.example.  release() ends the returned process."""
        p = subprocess.Popen(
            [os.path.join(self.bin, "psql"), "-XAtq", "-c",
             "BEGIN; SELECT pg_advisory_xact_lock(%d, %d); "
             "SELECT pg_sleep(3600)" % lock, self.url(database)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(os.environ, PGAPPNAME="avouch on mx9.example"))
        until = time.monotonic() + 300
        while self.psql(database, "SELECT count(*) FROM pg_locks WHERE granted "
                        "AND locktype = 'advisory' AND classid = %d AND "
                        "objid = %d" % lock) == "0":
            if time.monotonic() > until:
                raise AssertionError("the lock is not acquired")
        return p

    def release(self, process):
        self.psql("postgres", "SELECT pg_terminate_backend(pid) FROM "
                  "pg_stat_activity WHERE application_name LIKE '%mx9%'")
        process.wait()

    def load(self, database, path):
        """Runs the statements in a file."""
        with open(path, "rb") as f:
            r = subprocess.run(
                [os.path.join(self.bin, "psql"), "-Xq", "-v",
                 "ON_ERROR_STOP=1", self.url(database)], stdin=f,
                capture_output=True, timeout=300, check=False, cwd="/")
        if r.returncode != 0:
            raise AssertionError(r.stderr.decode())

    def rows(self, database, query):
        text = self.psql(database, query)
        return [tuple(line.split("\t")) for line in text.split("\n")] \
            if text else []
