"""A strict parser for Prometheus' text format, version 0.0.4."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? (\S+)" % (NAME, LABEL, LABEL))
COMMENT = re.compile(r"# (HELP|TYPE) (%s) (.+)" % NAME)
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN")
TYPES = ("counter", "gauge", "histogram")


class Bad(Exception):
    pass


def want(condition, what, line):
    if not condition:
        raise Bad("%s: %r" % (what, line))


class Page(dict):
    """A dict {(name, ((label, value), ...)): number}, labels sorted."""

    def one(self, name, **labels):
        return self["avouch_" + name, tuple(sorted(labels.items()))]

    def family(self, name):
        """Returns {value of the only label: number}."""
        return {key[1][0][1]: v for key, v in self.items()
                if key[0] == "avouch_" + name}


def parse(text):
    page = Page()
    types = {}
    helped = set()
    current = None
    want(text.endswith("\n"), "no line end at the end", text[-40:])
    for line in text[:-1].split("\n"):
        want(line.isascii() and line.isprintable() and line == line.strip(),
             "not clean", line)
        if line.startswith("#"):
            found = COMMENT.fullmatch(line)
            want(found, "an invalid comment", line)
            kind, name, rest = found.groups()
            if kind == "HELP":
                want(name not in helped, "HELP twice", line)
                want(rest.endswith("."), "not a sentence", line)
                helped.add(name)
            else:
                want(name in helped and current == name,
                     "TYPE does not follow HELP", line)
                want(name not in types, "TYPE twice", line)
                want(rest in TYPES, "an unknown type", line)
                want((rest == "counter") == name.endswith("_total"),
                     "_total is for counters", line)
                types[name] = rest
            current = name
            continue
        found = SAMPLE.fullmatch(line)
        want(found, "no sample", line)
        name, labels, value = found.groups()
        kind = types.get(current)
        family = name
        if kind == "histogram":
            family = re.sub("_(bucket|sum|count)$", "", name)
            want(family != name, "a histogram has parts", line)
        want(kind and family == current, "not below its TYPE", line)
        pairs = re.findall(r'([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"',
                           labels or "")
        want(len(dict(pairs)) == len(pairs), "a duplicate label", line)
        key = name, tuple(sorted(pairs))
        want(key not in page, "a duplicate sample", line)
        want(NUMBER.fullmatch(value), "no number", line)
        page[key] = float(value)
        want(kind == "gauge" or page[key] >= 0, "a negative count", line)
    for name, kind in types.items():
        samples = [k for k in page if k[0].startswith(name)]
        want(samples, "no samples", name)
        if kind == "histogram":
            _histogram(page, name)
    want(set(types) == helped, "HELP without TYPE", helped - set(types))
    return page


def _histogram(page, name):
    buckets = [(float(dict(k[1])["le"]), v) for k, v in page.items()
               if k[0] == name + "_bucket"]
    bounds = [b for b, _ in buckets]
    counts = [c for _, c in buckets]
    want(bounds == sorted(set(bounds)), "bounds do not increase", name)
    want(counts == sorted(counts), "buckets do not add up", name)
    want(bounds[-1] == float("inf"), "no +Inf", name)
    want(page[name + "_count", ()] == counts[-1], "count is not +Inf", name)
    want((name + "_sum", ()) in page, "no sum", name)
