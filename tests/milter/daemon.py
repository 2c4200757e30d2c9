"""Runs avouch-milter as a child process and reads its systemd
notifications."""

import os
import queue
import re
import shlex
import signal
import socket
import subprocess
import threading
import time

SECONDS = 180


# Command under which every daemon runs, such as valgrind with its options.
WRAPPER = tuple(shlex.split(os.environ.get("DAEMON_WRAPPER", "")))


def values(line):
    """Returns the values of a log line, by key."""
    return dict(word.partition("=")[::2] for word in shlex.split(line))


class Daemon:
    """An avouch-milter with the configuration text `settings`."""

    def __init__(self, program, home, settings, name="avouch", wrapper=(),
                 environment=None):
        self.home = home
        self.path = "%s/%s.conf" % (home, name)
        self.events = []
        self.lines = []
        self.of_queue_id = {}  # log line of each message
        self.states = queue.Queue()
        self.wrapper = (*wrapper, *WRAPPER)
        self.program = program
        self.environment = environment or {}
        self.configure(settings)
        self._listen("%s/%s.notify" % (home, name))
        self.start()

    def configure(self, settings):
        with open(self.path + ".new", "w") as f:
            f.write(settings)
        # so that the file is never incomplete
        os.rename(self.path + ".new", self.path)

    def _listen(self, path):
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(path)
        os.chmod(path, 0o666)  # like systemd's socket: any user may write
        self.notify_path = path
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self):
        while True:
            try:
                text = self.notify.recv(4096).decode()
            except OSError:
                return
            for line in text.splitlines():
                self.states.put(line)

    def start(self):
        environment = dict(os.environ, NOTIFY_SOCKET=self.notify_path,
                           **self.environment)
        # LeakSanitizer needs ptrace(2), which a sandboxed daemon cannot use;
        # valgrind.py looks for leaks.
        if "ASAN_OPTIONS" in environment:
            environment["ASAN_OPTIONS"] += ":detect_leaks=0"
        self.process = subprocess.Popen(
            [*self.wrapper, self.program, "-f", "-c", self.path],
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            start_new_session=True,  # so that only this script gets Ctrl-C
            env=environment)
        self.reader = threading.Thread(
            target=self._read, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        self.wait_state("READY=1")

    def _read(self, stream):
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip("\n")
            self.lines.append(text)
            queue_id = re.search(r" queue_id=(\w+) ", text)
            if queue_id:
                self.of_queue_id[queue_id.group(1)] = text

    def wait_state(self, wanted, seconds=SECONDS):
        until = time.monotonic() + seconds
        while True:
            try:
                if self.states.get(timeout=0.1) == wanted:
                    return
            except queue.Empty:
                pass
            if self.process.poll() is not None and self.states.empty():
                raise AssertionError("avouch-milter ended with status %d:\n%s"
                                     % (self.process.returncode,
                                        "\n".join(self.lines)))
            if time.monotonic() > until:
                raise AssertionError("no %s came" % wanted)

    def log(self, **wanted):
        """Returns the log lines with these values, as dictionaries."""
        found = []
        for line in list(self.lines):
            try:
                has = values(line)
            except ValueError:
                continue
            if all(has.get(k) == str(v) for k, v in wanted.items()):
                found.append(has)
        return found

    def wait_log(self, seconds=SECONDS, **wanted):
        """Waits for a line with these values and returns the last one."""
        return self.wait_logs(1, seconds, **wanted)[-1]

    def wait_logs(self, n, seconds=SECONDS, **wanted):
        """Waits for at least `n` such lines and returns all of them."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self.log(**wanted)
            if len(found) >= n:
                return found
            time.sleep(0.02)
        raise AssertionError("no %d log lines with %s; there is\n%s" % (
            n, wanted, "\n".join(self.lines[-20:])))

    def reload(self, settings=None):
        if settings is not None:
            self.configure(settings)
        while not self.states.empty():
            self.states.get()
        self.process.send_signal(signal.SIGHUP)
        # an earlier reload may end first
        self.wait_state("RELOADING=1")
        self.wait_state("READY=1")

    def signal(self, number):
        self.process.send_signal(number)

    def threads(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            return int(re.search(r"Threads:\s*(\d+)", f.read()).group(1))

    def wait(self, seconds=SECONDS):
        """Waits until the daemon ends and returns its exit status."""
        status = self.process.wait(seconds)
        self.reader.join(SECONDS)
        return status

    def stop(self, seconds=SECONDS):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            self.notify.close()
            if os.path.exists(self.notify_path):
                os.unlink(self.notify_path)
