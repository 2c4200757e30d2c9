"""Independent verifiers for messages that we signed: OpenDKIM as a milter,
dkimpy and Mail::DKIM.  They get the keys from a file, not from DNS.
"""

import json
import os
import shutil
import socket
import subprocess

import smtp
from suite import until

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # Debian's Python, which has Debian's packages

DKIMPY = """\
import json, sys
import dkim
keys = json.load(open(sys.argv[1]))
def answer(name, timeout=5):
    return keys.get(name.decode().rstrip("."), "").encode()
for path in sys.stdin.read().split():
    message = open(path, "rb").read()
    d = dkim.DKIM(message)
    n = sum(1 for name, _ in d.headers if name.lower() == b"dkim-signature")
    for i in range(n):
        try:
            word = "pass" if d.verify(idx=i, dnsfunc=answer) else "fail"
        except Exception as e:
            word = repr(e)
        print(json.dumps([path, word]))
"""

MAIL_DKIM = r"""
use strict; use warnings;
use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS; use JSON::PP;
my $keys;
{ local $/; open(my $f, '<', $ARGV[0]) or die; $keys = decode_json(<$f>); }
no warnings 'redefine';
*Mail::DKIM::DNS::query = sub {
    my $text = $keys->{$_[0]};
    return () unless defined $text;
    my @parts = unpack('(a200)*', $text);
    return (Net::DNS::RR->new(name => $_[0], type => 'TXT',
        txtdata => [@parts]));
};
while (my $path = <STDIN>) {
    chomp $path;
    my $v = Mail::DKIM::Verifier->new();
    open(my $f, '<:raw', $path) or die;
    local $/;
    my $text = <$f>;
    $v->PRINT($text);
    $v->CLOSE();
    for my $s ($v->signatures) {
        print encode_json([$path, $s->result eq 'pass' ? 'pass'
            : $s->algorithm . ': ' . $s->result_detail]), "\n";
    }
}
"""


def keys_of_zone(path):
    """Returns {name: text} of the TXT records below _domainkey in a zone
    file."""
    keys = {}
    with open(path) as f:
        for line in f:
            name, _, data = line.partition(" IN TXT ")
            if "._domainkey." in name:
                keys[name.rstrip(".")] = "".join(data.split('"')[1::2])
    return keys


def _run(program, script, zone, paths):
    path = zone + ".json"
    with open(path, "w") as f:
        json.dump(keys_of_zone(zone), f)
    r = subprocess.run([*program, script, path], input="\n".join(paths) + "\n",
                       capture_output=True, text=True)
    if r.returncode != 0:
        raise AssertionError(r.stderr)
    found = {p: [] for p in paths}
    for line in r.stdout.splitlines():
        of, word = json.loads(line)
        found[of].append(word)
    return found


def has_dkimpy():
    return subprocess.run([PYTHON, "-c", "import dkim, nacl"],
                          capture_output=True).returncode == 0


def has_mail_dkim():
    return subprocess.run(["perl", "-MMail::DKIM", "-e", "1"],
                          capture_output=True).returncode == 0


def has_opendkim():
    return shutil.which("opendkim") is not None


def dkimpy(zone, paths):
    """Returns {path: ["pass", ...]} for all signatures, top first."""
    return _run([PYTHON, "-c"], DKIMPY, zone, paths)


def mail_dkim(zone, paths):
    """Like dkimpy(); this version may not support Ed25519."""
    return _run(["perl", "-e"], MAIL_DKIM, zone, paths)


class OpenDkim:
    """A milter that verifies and adds Authentication-Results."""

    def __init__(self, home, zone, host):
        self.home = home + "/opendkim"
        os.mkdir(self.home)
        os.chmod(self.home, 0o700)
        with open(self.home + "/keys", "w") as f:
            for name, text in keys_of_zone(zone).items():
                f.write("%s %s\n" % (name, text))
        self.port = smtp.free_port()
        with open(self.home + "/conf", "w") as f:
            f.write("Mode v\nTestDNSData %s/keys\nAuthservID %s\n"
                    "AlwaysAddARHeader yes\nBackground no\n"
                    "Socket inet:%d@127.0.0.1\nSyslog no\n"
                    "PidFile %s/pid\nUserID root\nInternalHosts %s/none\n"
                    "ExternalIgnoreList %s/none\n" % (
                        self.home, host, self.port, self.home, self.home,
                        self.home))
        with open(self.home + "/none", "w") as f:
            f.write("192.0.2.255\n")
        self.process = subprocess.Popen(
            ["opendkim", "-f", "-x", self.home + "/conf"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        until(self.listens, "opendkim listens")

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(self.process.stderr.read())
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()
