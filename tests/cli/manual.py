#!/usr/bin/env python3
"""Compares avouch(1) and the bash completion with the program.

usage: manual.py PROGRAM [PART-OF-A-NAME]
"""

import os
import re
import shutil
import subprocess
import sys

import command
from command import OK, ROOT
from suite import Skip, Suite, holds, same, true

suite = Suite()

PAGE = ROOT + "/etc/avouch.1"
COMPLETION = ROOT + "/etc/avouch.bash-completion"


def commands(c):
    """Returns the commands that `avouch help` lists."""
    return re.findall(r"^  (\w+) ", c.run("help").out, re.M)


def options(c, *names):
    """Returns {option: argument or ""} from `avouch NAME --help`, also for actions."""
    return dict(re.findall(r"^  (--[a-z-]+) ?(\S*)", c.run(
        *names, "--help").out, re.M))


def actions(c, name):
    """Returns what `avouch NAME --help` lists before the options."""
    return re.findall(r"^  ([a-z]+)  ", c.run(name, "--help").out, re.M)


def page():
    with open(PAGE, encoding="ascii") as f:
        return f.read()


def section(text, macro, title):
    found = re.search(r"^\.%s %s\n(.*?)(?=^\.S[hs] |\Z)" % (macro, title),
                      text, re.M | re.S)
    true(found is not None, "no section " + title)
    return found.group(1)


def documented(text):
    """Returns {option: argument} from the items of a list in the page."""
    return {"--" + name: argument.replace(" Ns Op @ Ns Ar port", "[@PORT]")
            .upper() for name, argument in re.findall(
                r"^\.It Fl -([a-z-]+)(?: Ar (.*))?$", text, re.M)}


def of_titles(title, names):
    """Returns the commands that the title of a subsection names."""
    if title == "Options of every command":
        return set(names)
    if title == "Source of DNS answers":
        return set(names) - {"config", "policy", "status"}
    return set(re.findall(r"\w+", title)) & set(names)


@suite.test("every option of every command is in the page, and no others")
def page_options(c):
    text = page()
    text = text[text.index(".Sh OPTIONS"):text.index(".Sh JSON")]
    titles = re.findall(r"^\.Ss (.*)$", text, re.M)
    names = commands(c)
    for name in names:
        documented_options = {}
        for title in titles:
            if name in of_titles(title, names):
                documented_options.update(documented(section(text, "Ss", title)))
        if name in ("config", "policy", "status"):  # described in a sentence of the page
            documented_options["--now"] = "EPOCH"
        same(documented_options, {option: argument.upper() for option, argument
                                  in options(c, name).items()}, name)


@suite.test("every command and exit status is in the page")
def page_commands(c):
    text = page()
    for name in commands(c):
        holds(text, ".Cm %s\n" % name)
        true(re.search(r"^\.It Cm %s( |$)" % name, text, re.M), name)
    same(re.findall(r"^\.It (\d+)$", section(text, "Sh", "EXIT STATUS"), re.M),
         ["0", "1", "64", "65", "75", "78"], "exit status")


@suite.test("the page is valid mdoc")
def page_lint(c):
    if shutil.which("mandoc") is None:
        raise Skip("mandoc is not installed")
    r = subprocess.run(["mandoc", "-Tlint", "-W", "warning", PAGE],
                       capture_output=True, text=True, check=False)
    same(r.stdout + r.stderr, "", "mandoc")


def run_examples(c, found):
    """Runs the examples in a directory with the files they name, without network."""
    c.file("opendkim.conf", "Mode sv\n")
    c.file("opendmarc.conf", "RejectFailures true\n")
    c.file("avouch.conf", "mode = monitor\n")
    c.file("refusal.txt", "550 5.7.26 not authenticated. gsmtp\n")
    bin_ = c.path("bin")
    os.makedirs(bin_, exist_ok=True)
    if not os.path.lexists(bin_ + "/avouch"):
        os.symlink(c.program, bin_ + "/avouch")
    ran = 0
    for example in found:
        line, redirect = re.match(r"(.*?)( [<>]\S+)?(?:  +#.*)?$",
                                  example).groups(default="")
        words = line.split()
        if words[1] == "key":  # accepts --zone only with check
            if "--keys" not in words:
                continue  # the keys of this host
        elif "--mine" in words:
            continue  # the domains of this host
        elif "--zone" in options(c, words[1]):
            if "--zone" not in words:
                line += " --zone " + c.zone
        elif words[1] != "config":
            continue  # needs a daemon or a store
        if words[1] == "check" and "--config" not in words:
            line += " --config " + os.devnull  # not the configuration of this host
        if words[1:3] == ["config", "check"]:
            line += " --syntax"
        r = subprocess.run(
            ["sh", "-c", line + redirect], cwd=c.home, capture_output=True, text=True,
            check=False, env={**os.environ, "PATH": bin_ + ":" +
                              os.environ["PATH"]})
        same((r.returncode, r.stderr), (OK, ""), example)
        if not redirect.startswith(" >"):
            true(r.stdout != "", example)
        ran += 1
    return ran


@suite.test("the examples of the page run")
def page_examples(c):
    found = re.findall(r"^\.Dl \$ (.*)$", section(page(), "Sh", "EXAMPLES"),
                       re.M)
    true(run_examples(c, found) >= 10, "examples")
    c.run("config", "check", "--syntax", "--config", "avouch.conf")


@suite.test("the examples in README run")
def readme_examples(c):
    with open(ROOT + "/README.md", encoding="utf-8") as f:
        found = re.findall(r"^    (avouch .*)$", f.read(), re.M)
    true(run_examples(c, found) >= 4, "examples")


@suite.test("the output of --explain in README is what is printed")
def readme_picture(c):
    with open(ROOT + "/README.md", encoding="utf-8") as f:
        picture = re.search(r"```\n\$ avouch (check .*)\n((?s:.*?))```",
                            f.read())
    message = c.home + "/forged.eml"
    with open(message, "w", encoding="ascii", newline="\r\n") as f:
        f.write("From: Bank <alice@bank.example>\nTo: bob@example.net\n"
                "Subject: Your account\n\nHello\n")
    words = picture.group(1).replace("forged.eml", message).split()
    left = c.run(*words, "--zone", ROOT + "/etc/demo.zone", "--config",
                 "/dev/null").out
    parts = picture.group(2).split("[...]\n")
    true(len(parts) > 2, "the picture")
    for part in filter(None, parts):
        holds(left, part)
        left = left.partition(part)[2]


# ---- completion ----

def completed(c, *words):
    """Returns the completions of the last of `words`."""
    script = """
source "$0"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_avouch
((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
"""
    r = subprocess.run(["bash", "-c", script, COMPLETION, *words], check=True,
                       capture_output=True, text=True, cwd=c.home)
    same(r.stderr, "", "bash")
    return sorted(r.stdout.split())


@suite.test("bash completes commands, options, words and files")
def completion(c):
    if shutil.which("bash") is None:
        raise Skip("bash is not installed")
    names = commands(c)
    words = {"--as": ["copy", "restored"], "--fail-on": ["error", "warning"]}
    same(completed(c, "avouch", ""),
         sorted([*names, "help", "--help", "--version"]), "commands")
    same(completed(c, "avouch", "sp"), ["spf"], "a prefix")
    same(completed(c, "avouch", "help", ""), sorted(names), "help")
    for name in names:
        same(completed(c, "avouch", name, "-"), sorted(options(c, name)), name)
        for option, argument in options(c, name).items():
            if argument.startswith("FILE"):
                same(completed(c, "avouch", name, option, "mess"),
                     ["message.eml"], option)
            elif option in words:
                same(completed(c, "avouch", name, option, ""), words[option],
                     option)
            elif argument != "":
                same(completed(c, "avouch", name, option, ""), [], option)
    for action in actions(c, "sign"):
        same(completed(c, "avouch", "sign", action, "-"),
             sorted(options(c, "sign", action)), action)
    for name in ("report", "key"):
        for action in actions(c, name):
            same(completed(c, "avouch", name, action, "-"),
                 sorted(options(c, name, action)), action)
        same(completed(c, "avouch", name, ""), sorted(actions(c, name)),
             "actions")
    same(completed(c, "avouch", "config", ""), ["check", "import", "show"],
         "config")
    same(completed(c, "avouch", "config", "import", "mess"), ["message.eml"],
         "import")
    same(completed(c, "avouch", "check", "mess"), ["message.eml"], "check")


@suite.test("page and completion name only options that exist")
def stale(c):
    known = {"--version", "--help"}
    for name in commands(c):
        known.update(options(c, name))
    with open(COMPLETION, encoding="ascii") as f:
        for option in re.findall(r"(?<![\w-])--[a-z-]+", f.read()):
            true(option in known, "completion: " + option)
    for option in re.findall(r"Fl -([a-z-]+)", page()):
        true("--" + option in known or option == "name", "page: " + option)


if __name__ == "__main__":
    sys.exit(command.main(suite, sys.argv))
