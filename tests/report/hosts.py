"""Mail servers, each with its own store, and the PostgreSQL database they
share."""

import atexit
import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile

from postgres import Postgres, memory
from suite import same


DAY = 86400
TODAY = 20500  # days since 1970
NOW = TODAY * DAY + 9 * 3600  # SEND_SPREAD is over: all reports are due
SECONDS = 300

SHAPE = ("header_from", "envelope_from", "disposition", "dkim_aligned",
         "spf_aligned", "automatic", "override", "comment", "spf_domain",
         "spf_scope", "spf_result", "dkim")
ROW = "day, domain, record, address, %s, messages, last" % ", ".join(SHAPE)
JOINED = ("kept JOIN policy ON policy.id = kept.policy "
          "JOIN source ON source.id = kept.source "
          "JOIN shape ON shape.id = kept.shape")
RECORD = "v=DMARC1; p=none; rua=mailto:reports@%s"


# Records the Message-ID after a delay, because sendmail(8) takes time too, and
# only when a file does not exist.
SENDMAIL = """#!/bin/sh
id=$(sed -n 's/^Message-ID: *//p')
sleep "$(cat %s)"
while [ -e %s ]; do sleep 0.1; done
echo "$id" >>%s
"""

ZONE = """$TTL 300
example. SOA ns.example. hostmaster.example. 1 3600 600 86400 300
example. NS ns.example.
"""


# Delays steps of a push, so that a test can interrupt it there.
SLOW = """
CREATE OR REPLACE FUNCTION avouch.nap() RETURNS trigger AS $$
BEGIN PERFORM pg_sleep(TG_ARGV[0]::float); RETURN NEW; END
$$ LANGUAGE plpgsql;
DROP TRIGGER IF EXISTS noting ON avouch.host;
DROP TRIGGER IF EXISTS committing ON avouch.host;
CREATE TRIGGER noting BEFORE INSERT OR UPDATE ON avouch.host
FOR EACH ROW EXECUTE FUNCTION avouch.nap(%s);
CREATE CONSTRAINT TRIGGER committing AFTER INSERT OR UPDATE ON avouch.host
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION avouch.nap(%s);
"""

class Lab:
    milter = None

    def __init__(self, program, kills):
        self.program = os.path.abspath(program)
        self.kills = kills
        self.home = tempfile.mkdtemp(prefix="avouch-central-", dir=memory())
        atexit.register(shutil.rmtree, self.home, True)
        self.random = random.Random(4711)
        self.pg = Postgres()
        self.n = 0
        self.sent = self.path("sent")
        self.zone = self.path("zone")
        self.write("zone", ZONE)
        self.write("seconds", "0")
        self.write("sendmail", SENDMAIL % (
            self.path("seconds"), self.path("wait"), self.sent))
        os.chmod(self.path("sendmail"), 0o755)

    def path(self, name):
        return os.path.join(self.home, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def mails(self):
        """Returns the Message-IDs sent since the previous call."""
        try:
            with open(self.sent, encoding="ascii") as f:
                found = f.read().split("\n")[:-1]
            os.remove(self.sent)
        except FileNotFoundError:
            found = []
        return found

    def fresh(self):
        """Creates an empty database and returns its name."""
        self.n += 1
        name = "d%d" % self.n
        self.pg.create(name)
        return name

    def host(self, database, url=None):
        return Host(self, database, url)

    def start(self, *words, now=NOW, env=None):
        if now is not None:
            words += ("--now", str(now))
        return subprocess.Popen(
            [self.program, "report", *words],
            cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=dict(os.environ, **(env or {})))

    def run(self, *words, now=NOW, env=None):
        return end(self.start(*words, now=now, env=env))

    def kept(self, database):
        """The content of each row, without ids: text columns, messages and
        last."""
        return [(int(r[0]), *r[1:-2], int(r[-2]), int(r[-1]))
                for r in self.pg.rows(database, "SELECT %s FROM %s" % (
                    ROW, joined("avouch.")))]


def joined(schema):
    """The joined tables with the name of the schema."""
    text = JOINED
    for table in ("kept ", "policy ", "source ", "shape "):
        text = text.replace("JOIN " + table, "JOIN %s%s" % (schema, table))
    return schema + text


def end(process):
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out.decode(), err.decode()


class Host:
    """A mail server with its own store, which the daemon would fill."""

    def __init__(self, lab, database, url=None):
        lab.n += 1
        self.lab = lab
        self.database = database
        self.name = "h%d" % lab.n
        self.store = lab.path(self.name + ".db")
        self.conf = lab.path(self.name + ".conf")
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write('report { store = "%s"  local_store = "%s"  '
                    'email = "dmarc@mx.example"  sendmail = "%s" }\n'
                    'nameservers = "zone:%s"\n' % (
                        url or lab.pg.url(database), self.store,
                        lab.path("sendmail"), lab.zone))
        nothing = lab.path("nothing")
        os.makedirs(nothing, exist_ok=True)
        status, _, err = lab.run("read", "--store", self.store, nothing)
        same(status, 0, err)

    @contextlib.contextmanager
    def sqlite(self):
        """Closes the connection at the end: copying a file that this process
        still has open would release SQLite's locks."""
        with contextlib.closing(sqlite3.connect(self.store, timeout=30)) as db:
            with db:
                yield db

    def add(self, day, domain, address, messages, last=None, **shape):
        with self.sqlite() as db:
            self.put(db, day, domain, address, messages, last, **shape)

    @staticmethod
    def number(db, table, **texts):
        names = ", ".join(texts)
        where = " AND ".join("%s = ?" % name for name in texts)
        found = db.execute("SELECT id FROM %s WHERE %s" % (table, where),
                           tuple(texts.values())).fetchone()
        if found:
            return found[0]
        more = ", hash" if table == "shape" else ""
        return db.execute(
            "INSERT INTO %s (%s, used%s) VALUES (%s, 1%s)" % (
                table, names, more, ", ".join("?" * len(texts)),
                ", 0" if more else ""), tuple(texts.values())).lastrowid

    def put(self, db, day, domain, address, messages, last=None, **shape):
        values = dict(zip(SHAPE, (domain, "bounce." + domain, "none", 0, 1, 0,
                                  "", "", "bounce." + domain, "mfrom", "pass",
                                  "pass %s sel" % domain)))
        record = shape.pop("record", RECORD) % domain
        values.update(shape)
        db.execute(
            "INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO "
            "UPDATE SET messages = messages + excluded.messages, "
            "last = max(last, excluded.last)", (
                day,
                self.number(db, "policy", domain=domain, record=record),
                self.number(db, "source", address=address),
                self.number(db, "shape", **values), messages,
                last or day * DAY + messages))

    def fill(self, days, rows):
        """Adds `rows` rows for each of the days."""
        r = self.lab.random
        with self.sqlite() as db:
            for day in days:
                for _ in range(rows):
                    self.put(db, day, "d%d.example" % r.randrange(40),
                             "192.0.2.%d" % r.randrange(250),
                             r.randrange(1, 100),
                             spf_result=r.choice(("pass", "fail", "none")),
                             disposition=r.choice(("none", "reject")))

    def kept(self):
        with self.sqlite() as db:
            return [(r[0], *map(str, r[1:-2]), r[-2], r[-1])
                    for r in db.execute("SELECT %s FROM %s" % (ROW, JOINED))]

    def meta(self, name):
        with self.sqlite() as db:
            found = db.execute("SELECT value FROM meta WHERE name = ?",
                               (name,)).fetchone()
        return found[0] if found else None

    def set_meta(self, **values):
        with self.sqlite() as db:
            for name, value in values.items():
                db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)",
                           (name, value))

    def start(self, what, *words, now=NOW, env=None):
        return self.lab.start(what, "--config", self.conf, *words, now=now,
                              env=env)

    def run(self, what, *words, now=NOW, env=None):
        return end(self.start(what, *words, now=now, env=env))

    def push(self, *words, now=NOW):
        """Pushes, which must succeed, and returns the result of --json."""
        status, out, err = self.run("push", "--json", *words, now=now)
        same((status, err), (0, ""), out)
        return json.loads(out)


def merged(*lists):
    """Merges rows of several hosts as a common store would."""
    all_rows = {}
    for rows in lists:
        for *key, messages, last in rows:
            n, newest = all_rows.get(tuple(key), (0, 0))
            all_rows[tuple(key)] = (n + messages, max(newest, last))
    return all_rows


def agree(c, database, *hosts):
    """Checks row by row that nothing is lost and nothing is doubled."""
    got, want = c.kept(database), merged(*(h.kept() for h in hosts))
    same(len(got), len(merged(got)), "duplicate rows")
    if merged(got) != want:
        lost = {k: v for k, v in want.items() if merged(got).get(k) != v}
        more = {k: v for k, v in merged(got).items() if want.get(k) != v}
        raise AssertionError("%d rows expected, %d found; missing %s, "
                             "unexpected %s" % (len(want), len(got),
                                            list(lost.items())[:3],
                                            list(more.items())[:3]))


def slow(c, database, noting, committing):
    """Sets the seconds that a push takes to record itself after its rows, and
    to end the commit after that, so that it is killed there."""
    c.pg.psql(database, SLOW % (noting, committing))
