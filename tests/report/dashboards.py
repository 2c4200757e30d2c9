#!/usr/bin/env python3
"""The dashboards in etc/grafana and the alerts in etc/prometheus: the metrics
and tables in their queries exist in a real daemon and in a real PostgreSQL.

usage: dashboards.py PROGRAM [PART-OF-A-NAME]

PROGRAM is avouch-milter; avouch must be in the same directory.
"""

import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [ROOT + "/tests/milter", ROOT + "/tests/report"]

import hosts  # noqa: E402
import lab  # noqa: E402
import samples  # noqa: E402
import smtp  # noqa: E402
from hosts import DAY, SECONDS  # noqa: E402
from operate import Started  # noqa: E402
from postgres import Missing  # noqa: E402
from suite import Skip, Suite, same, true  # noqa: E402

suite = Suite()

GRAFANA = ROOT + "/etc/grafana"
RULES = ROOT + "/etc/prometheus/avouch.rules.yml"
SOURCES = {"metrics": "prometheus", "reports": "grafana-postgresql-datasource"}
COLUMNS = 24  # in Grafana's grid
SELECTOR = re.compile(r"\bavouch_(\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|=)\s*"([^"]*)"')
VARIABLES = {"$__rate_interval": "5m", "$__range": "1d", "$job": ".+",
             "$instance": ".+"}


def dashboard(name):
    with open("%s/%s.json" % (GRAFANA, name), encoding="utf-8") as f:
        return json.load(f)


def queries(name, field):
    """Returns (title of the panel, query) for each target."""
    return [(p["title"], t[field]) for p in dashboard(name)["panels"]
            for t in p.get("targets", ())]


def rules():
    with open(RULES, encoding="utf-8") as f:
        return f.read()


# ---- the form of a dashboard ----

def check_place(panel, taken):
    g = panel["gridPos"]
    true(g["w"] > 0 and g["h"] > 0 and 0 <= g["x"] <= COLUMNS - g["w"], panel)
    for y in range(g["y"], g["y"] + g["h"]):
        for x in range(g["x"], g["x"] + g["w"]):
            true((x, y) not in taken, "two panels at one place: %s" % panel["title"])
            taken.add((x, y))


def check_panel(panel, source, names):
    same(panel["datasource"], source, panel["title"])
    true(panel["type"] in ("stat", "timeseries", "table"), panel["type"])
    refs = [t["refId"] for t in panel["targets"]]
    same(len(set(refs)), len(refs), panel["title"])
    true(refs, panel["title"])
    for t in panel["targets"]:
        same(t["datasource"], source, panel["title"])
        for name in re.findall(r"\$\{?(?!__)(\w+)", json.dumps(t)):
            true(name in names, "no variable %s: %s" % (name, panel["title"]))
    colored = {o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"]}
    text = json.dumps(panel["targets"])
    if source["type"] != "prometheus":
        for name in colored:  # the name must be a column or a value of the query
            true('"%s' % name in text.replace("\\", "") or name in text,
                 "%s of %s" % (name, panel["title"]))


@suite.test("the dashboards have the form that Grafana documents")
def form(_):
    seen = set()
    for name, kind in SOURCES.items():
        d = dashboard(name)
        true(re.fullmatch(r"[a-z0-9-]{1,40}", d["uid"]), "uid")
        true(d["uid"] not in seen and d["title"], "uid")
        seen.add(d["uid"])
        variables = d["templating"]["list"]
        names = [v["name"] for v in variables]
        same(names[0], "datasource", "the first variable")
        same((variables[0]["type"], variables[0]["query"]), ("datasource", kind))
        source = {"type": kind, "uid": "${datasource}"}
        for v in variables[1:]:
            same((v["type"], v["datasource"]), ("query", source), v["name"])
        ids = [p["id"] for p in d["panels"]]
        same(len(set(ids)), len(ids), "ids")
        taken = set()
        for p in d["panels"]:
            check_place(p, taken)
            if p["type"] != "row":
                check_panel(p, source, names)


# ---- metrics ----

def page_of_all(l):
    """The metrics of a daemon with everything that has metrics: resolvers, a
    store, signing."""
    port, sign = smtp.free_port(), smtp.free_port()
    keys = l.home + "/keys"
    os.mkdir(keys)
    more = 'report { store = "%s/all.db" }\nsign { keys = "%s"  socket = ' \
           '"inet:%d@127.0.0.1" }\n' % (l.home, keys, sign)
    with Started(l, more, (('"zone:%s"' % l.zone, '"127.0.0.1@%d"' % port),),
                 name="all") as s:
        return s.page()


def missing(page, text):
    """Yields what the selectors of a query name but the page does not have."""
    for name, labels in SELECTOR.findall(text):
        samples_of = [dict(k[1]) for k in page if k[0] == "avouch_" + name]
        if not samples_of:
            yield "avouch_" + name
        for label, how, value in MATCHER.findall(labels):
            if label in ("job", "instance"):
                continue
            for one in value.split("|") if how == "=~" else [value]:
                if not any(x.get(label) == one for x in samples_of):
                    yield "avouch_%s{%s=%s}" % (name, label, one)


def grouped(text):
    return [label.strip() for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", text)
            for label in labels.split(",")]


@suite.test("each metric and label of the dashboard and the alerts exists")
def metrics(l):
    page = page_of_all(l)
    known = {k for _, labels in page for k, _ in labels} | {"job", "instance"}
    exprs = queries("metrics", "expr")
    exprs += [("alerts", line) for line in rules().split("\n")
              if not re.match(r"\s*(#|summary:|description:)", line)]
    true(len(SELECTOR.findall(rules())) > 15, "the alerts have metrics")
    for title, expr in exprs:
        same(list(missing(page, expr)), [], title)
        same([n for n in grouped(expr) if n not in known], [], title)
    for v in dashboard("metrics")["templating"]["list"][1:]:
        same(list(missing(page, v["definition"])), [], v["name"])
    # names in annotations are checked as well
    for name in re.findall(r"\bavouch_\w+", rules()):
        true(any(k[0] == name for k in page), name)


# ---- alerts ----

def promtool(*words):
    program = shutil.which("promtool")
    if program is None:
        raise Skip("promtool is not installed: tests/deps alerts")
    return subprocess.run([program, *words], capture_output=True, text=True,
                          check=False, timeout=SECONDS)


@suite.test("promtool accepts the alerts and the queries of the dashboard")
def accepted(l):
    r = promtool("check", "rules", RULES)
    same(r.returncode, 0, r.stdout + r.stderr)
    recorded = []
    for n, (_, expr) in enumerate(queries("metrics", "expr")):
        for name, value in VARIABLES.items():
            expr = expr.replace(name, value)
        true("$" not in expr, expr)
        recorded.append({"record": "r%d" % n, "expr": expr})
    path = l.home + "/queries.yml"
    with open(path, "w", encoding="ascii") as f:
        json.dump({"groups": [{"name": "queries", "rules": recorded}]}, f)
    r = promtool("check", "rules", path)
    same(r.returncode, 0, r.stdout + r.stderr)


OF = '{job="mail",instance="mx%s"}'

# One sample per minute for two hours: the alert, series of a host for which it
# must fire, and of one for which it must not.
ALERTS = (
    ("AvouchGone", {"build_info": "1x60 _x60"}, {"build_info": "1x120"}),
    ("AvouchResolverDown",
     {'resolver_failing_seconds{resolver="a",reason="timeout"}': "0x100 60+60x20"},
     {'resolver_failing_seconds{resolver="a",reason="timeout"}': "0x118 30+60x1"}),
    ("AvouchAllResolversDown",
     {'resolver_failing_seconds{resolver="a",reason="timeout"}': "100+60x120",
      'resolver_failing_seconds{resolver="a",reason="refused"}': "0x120",
      'resolver_failing_seconds{resolver="b",reason="refused"}': "100+60x120"},
     {'resolver_failing_seconds{resolver="a",reason="timeout"}': "100+60x120",
      'resolver_failing_seconds{resolver="b",reason="timeout"}': "0x120"}),
    ("AvouchTemperrors",
     {'results_total{method="spf",result="temperror"}': "0+1x120",
      'results_total{method="spf",result="pass"}': "0+9x120"},
     {'results_total{method="spf",result="temperror"}': "0+1x120",
      'results_total{method="spf",result="pass"}': "0+99x120"}),
    ("AvouchOverload",
     {"overload_total": "0x118 3x2", "messages_unchecked_total": "0x120"},
     {"overload_total": "3x120", "messages_unchecked_total": "0x120"}),
    ("AvouchStoreLost", {"store_lost_total": "0x115 7x5"},
     {"store_lost_total": "7x120"}),
    ("AvouchReloadFailed", {'reloads_total{result="failed"}': "0x100 1x20"},
     {'reloads_total{result="ok"}': "0x100 1x20"}),
    ("AvouchOwnMailFails",
     {'sign_dmarc_total{by="none"}': "0+1x120", 'sign_dmarc_total{by="both"}': "0+9x120"},
     {'sign_dmarc_total{by="one"}': "0+5x120", 'sign_dmarc_total{by="none"}': "0x90 1x30"}),
    ("AvouchOwnMailUnsigned",
     {'sign_messages_total{result="unsigned"}': "0+1x120",
      'sign_messages_total{result="signed"}': "0+9x120"},
     {'sign_messages_total{result="unsigned"}': "0+1x120",
      'sign_messages_total{result="signed"}': "0+99x120"}),
    ("AvouchSigningFailed", {'sign_messages_total{result="failed"}': "0x115 1x5"},
     {'sign_messages_total{result="refused"}': "0x115 1x5"}),
    ("AvouchOwnMailSilent", {"sign_silent": "0x115 1x5"},
     {"sign_silent": "0x120"}),
    ("AvouchKeyNotPublished", {'sign_keys{state="alarm"}': "0x100 1x20"},
     {'sign_keys{state="alarm"}': "0x115 1x5", 'sign_keys{state="active"}': "1x120"}),
    ("AvouchDomainWithoutKey", {"sign_domains_without_key": "1x120"},
     {"sign_domains_without_key": "0x60 1x60"}),
)


def series_of(host, series):
    for name, values in series.items():
        name, _, labels = name.partition("{")
        where = OF % host
        yield {"series": "avouch_%s{%s%s" % (
            name, labels[:-1] + "," if labels else "", where[1:]), "values": values}


@suite.test("each alert fires when it should and only then")
def alerts(l):
    same(re.findall(r"- alert: (\w+)", rules()), [a for a, _, _ in ALERTS], "")
    tests = []
    for alert, bad, good in ALERTS:
        expr = 'count by (instance) (ALERTS{alertname="%s",alertstate="firing"})'
        tests.append({
            "interval": "1m",
            "input_series": [*series_of(1, bad), *series_of(2, good)],
            "promql_expr_test": [{
                "expr": expr % alert, "eval_time": "120m",
                "exp_samples": [{"labels": '{instance="mx1"}', "value": 1}]}]})
    path = l.home + "/alerts.yml"
    with open(path, "w", encoding="ascii") as f:
        json.dump({"rule_files": [RULES], "evaluation_interval": "1m",
                   "tests": tests}, f)
    r = promtool("test", "rules", path)
    same(r.returncode, 0, r.stdout + r.stderr)


# ---- PostgreSQL ----

ROLE = "avouch_grafana"
EPOCH_FILTER = re.compile(r"\$__unixEpochFilter\(([^()]*)\)")
DOMAINS = "'example.com','shop.example'"


def expanded(sql, now):
    """Expands the query as Grafana does, for 60 days and two domains."""
    sql = EPOCH_FILTER.sub(
        lambda m: "%s >= %d AND %s <= %d" % (m[1], now - 60 * DAY, m[1], now), sql)
    sql = sql.replace("$domain", DOMAINS)
    true("$" not in sql, sql)
    return sql


def filled(c):
    """Makes a database in which each panel has data to show."""
    database = c.fresh()
    day = samples.NOW // DAY
    host = c.host(database)
    with host.sqlite() as db:
        host.put(db, day - 2, "a.example", "192.0.2.1", 20)
        host.put(db, day - 2, "a.example", "192.0.2.66", 7, dkim_aligned=0,
                 spf_aligned=0, disposition="reject")
    host.push(now=samples.NOW)
    same(host.run("send", now=samples.NOW)[0] in (0, 75), True)
    for number, text in enumerate(samples.month()):
        c.write("r%d.xml" % number, text)
        status, _, err = c.run("read", "--store", c.pg.url(database),
                               c.path("r%d.xml" % number), now=samples.NOW)
        same(status, 0, err)
    with open(GRAFANA + "/reader.sql", encoding="ascii") as f:
        text = f.read()
    for _ in range(2):  # it must be possible to run it again
        c.pg.psql(database, text)
    return database


def as_reader(c, database, sql):
    r = subprocess.run(
        [os.path.join(c.pg.bin, "psql"), "-XAtq", "-F", "\t", "-v",
         "ON_ERROR_STOP=1", "-c", sql, c.pg.url(database, ROLE)],
        capture_output=True, timeout=SECONDS, check=False, cwd="/", text=True)
    return r.returncode, r.stdout, r.stderr


@suite.test("each query of the dashboard of reports runs as the role of reader.sql")
def reports(l):
    try:
        c = hosts.Lab(os.path.dirname(l.program) + "/avouch", 0)
    except Missing as e:
        raise Skip(str(e)) from e
    database = filled(c)
    output = {}
    for title, sql in queries("reports", "rawSql"):
        status, out, err = as_reader(c, database, expanded(sql, samples.NOW))
        same(status, 0, "%s: %s" % (title, err))
        output[title] = [line.split("\t") for line in out.splitlines()]
        true(output[title], "nothing in " + title)
    domain = dashboard("reports")["templating"]["list"][1]["query"]
    same(as_reader(c, database, domain)[:2], (0, "example.com\nshop.example\n"))
    check_numbers(c, database, output)
    status, _, err = as_reader(c, database, "DELETE FROM avouch.kept")
    true(status != 0, err)
    status, _, err = as_reader(
        c, database, "SET TRANSACTION READ WRITE; DELETE FROM avouch.kept")
    true("permission denied" in err, err)
    status, _, err = as_reader(c, database, "SELECT destination FROM avouch.delivery")
    true("permission denied" in err, err)


def check_numbers(c, database, output):
    """Checks that the panels agree with each other and with the table."""
    rows = c.pg.rows(database, "SELECT sum(messages) FROM avouch.received_row")
    all_of_it = int(rows[0][0])
    same(output["Messages"], [[str(all_of_it)]])
    same(sum(int(n) for row in output["Messages by result"] for n in row[1:]), all_of_it)
    failed = sum(int(row[4]) for row in output["Messages by result"])
    same(sum(int(row[4]) for row in output["Domains"]), failed, "failed")
    same(sum(int(row[2]) for row in output["Sources that fail most"]), failed)
    same(round(float(output["DMARC pass rate"][0][0]), 6),
         round(1 - failed / all_of_it, 6), "rate")
    same([row[:4] for row in output["Domains that fail most"]],
         [["a.example", "7", "27", "7"]])
    same([row[1] for row in output["Reports by state"]], ["sent"])
    same(len(output["Hosts"]), 1)


def main():
    with lab.Lab(sys.argv[1]) as l:
        return suite.run(l, sys.argv[2] if len(sys.argv) > 2 else None)


if __name__ == "__main__":
    sys.exit(main())
