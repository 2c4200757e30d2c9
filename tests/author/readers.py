"""The addresses that other programs find in From fields."""

import base64
import email
import email.header
import email.policy
import email.utils
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def lines_of(command, values):
    """Returns the program's output for each value, which it gets and answers
    as one line; the input is base64.  Returns None if it reports that it
    cannot run here."""
    done = subprocess.run(
        command, input=b"".join(base64.b64encode(v) + b"\n" for v in values),
        stdout=subprocess.PIPE, check=False)
    if done.returncode == 75:
        return None
    lines = done.stdout.decode("ascii").splitlines()
    if done.returncode != 0 or len(lines) != len(values):
        raise AssertionError("%s: status %d, %d lines for %d fields" % (
            command[0], done.returncode, len(lines), len(values)))
    return lines


def addresses_of(command, values):
    lines = lines_of(command, values)
    if lines is None:
        return None
    return [[base64.b64decode(word).decode("utf-8", "surrogateescape")
             for word in line.split()] for line in lines]


def guarded(read):
    """Returns no addresses if a function raises an exception, which may be of
    any type for hostile text."""
    def call(value):
        try:
            return read(value)
        except Exception:
            return []
    return call


def text_of(value):
    return value.decode("utf-8", "surrogateescape")


@guarded
def python_compat32(value):
    message = email.message_from_bytes(b"From: " + value + b"\n\n")
    return [a for _, a in email.utils.getaddresses([str(message["From"])])]


@guarded
def python_raw(value):
    return [a for _, a in email.utils.getaddresses([text_of(value)])]


@guarded
def python_decoded_first(value):
    header = email.header.make_header(email.header.decode_header(text_of(value)))
    return [a for _, a in email.utils.getaddresses([str(header)])]


@guarded
def python_default(value):
    message = email.message_from_bytes(b"From: " + value + b"\n\n",
                                       policy=email.policy.default)
    return [a.addr_spec for a in message["From"].addresses]


@guarded
def python_default_domains(value):
    """addr_spec raises an exception if it cannot be written; username and
    domain do not."""
    message = email.message_from_bytes(b"From: " + value + b"\n\n",
                                       policy=email.policy.default)
    return ["%s@%s" % (a.username, a.domain) for a in message["From"].addresses]


def each(read):
    return lambda values: [read(v) for v in values]


def program(*command):
    return lambda values: addresses_of(command, values)


def perl(*arguments):
    return program(os.path.join(HERE, "perl.pl"), *arguments)


def all_readers(gmime):
    """Returns {name: function of a list of values}. The function returns a
    list of addresses for each value, or None if the program is not installed.
    """
    return {
        "Python, compat32": each(python_compat32),
        "Python, the raw value": each(python_raw),
        "Python, decoded first": each(python_decoded_first),
        "Python, policy.default": each(python_default),
        "Python, policy.default, parts": each(python_default_domains),
        "GMime": program(gmime),
        "Mail::Address": perl("Mail::Address"),
        "Mail::Address, decoded first": perl("Mail::Address", "decode"),
        "Email::Address::XS": perl("Email::Address::XS"),
        "Email::Address::XS, decoded first": perl("Email::Address::XS", "decode"),
    }
