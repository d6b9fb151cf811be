"""deploy/prometheus and deploy/grafana: every metric and label in them is one that /metrics has.

Debian's Prometheus has promtool, in 100 MB, so the files are parsed here: names, labels and shapes.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
import yaml
from prometheus_client.exposition import generate_latest

from shared.domain.account import HoldReason
from shared.domain.call_times import CallTimes
from shared.domain.refusal import NO_FAULT_OF_THE_FORM, RefusalCode, WrongField
from shared.domain.signup import DeathReason
from shared.ledger.values import Figures
from shared.operations.metrics import AccountMetrics, Metrics
from tests.architecture.project import read
from tests.support.metrics_text import samples
from web.metrics import LedgerCollector

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load(read("deploy/prometheus/alerts.yml"))["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads(read("deploy/grafana/signup-relay.json"))
DOCUMENT = read("docs/monitoring.md")

# What Prometheus adds itself.
ITS_OWN = {"up": set[str]()}
ADDED = {"job", "instance"}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^{}]*)\}")
_NAME = re.compile(r"\b(up|relay_\w+)\b")
_LISTED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")


def told() -> dict[str, dict[str, set[str]]]:
    """Return each metric with its labels and their values, of an account and a form."""
    figures = Figures(dead_by_reason=dict.fromkeys(DeathReason, 0))
    found = Metrics(
        accounts=[AccountMetrics("acme", figures, None)],
        refused={"news": {}},
        spooled=0,
        workers=0,
        requests_today=0,
        requests_per_day=1,
        call_times=CallTimes(),
    )
    metrics: dict[str, dict[str, set[str]]] = {}
    for sample in samples(generate_latest(LedgerCollector(found)).decode()):
        labels = metrics.setdefault(sample.name, defaultdict(set))
        for name, value in sample.labels.items():
            labels[name].add(value)
    return metrics


TOLD = told()


def dashboard_targets() -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target


EXPRESSIONS = {
    **{rule["alert"]: rule["expr"] for rule in RULES},
    **{f"{title} {target['refId']}": target["expr"] for title, target in dashboard_targets()},
}


def labels_of(expression: str) -> set[str]:
    """Return the labels that the metrics of the expression have."""
    names = _NAME.findall(_STRING.sub('""', expression))
    assert names, expression
    return ADDED.union(*(TOLD[name] for name in names if name not in ITS_OWN))


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_every_metric_and_label_is_one_that_web_tells(expression: str) -> None:
    plain = _STRING.sub('""', expression)
    for pair in ("()", "[]", "{}"):
        assert plain.count(pair[0]) == plain.count(pair[1])
    assert set(_NAME.findall(plain)) <= TOLD.keys() | ITS_OWN.keys()
    for name, inner in _SELECTOR.findall(expression):
        labels = {**TOLD.get(name, {}), **{each: set[str]() for each in ADDED}}
        for label, _, value in _MATCHER.findall(inner):
            assert label in labels, (name, label)
            if label in ("reason", "code"):
                assert set(value.split("|")) <= labels[label], (name, value)
    for listed in _LISTED.findall(expression):
        assert {each.strip() for each in listed.split(",")} <= labels_of(expression)


def test_what_is_told_has_all_that_is_documented_and_nothing_else() -> None:
    rows = re.findall(r"^\| (`relay_.*?) \| (.*?) \|", DOCUMENT, re.MULTILINE)
    documented = {
        name: set(re.findall(r"`(\w+)`", labels))
        for names, labels in rows
        for name in re.findall(r"`(relay_\w+)`", names)
    }
    plain = {re.sub(r"_(bucket|count|sum)$", "", name) for name in TOLD}
    assert documented.keys() == plain
    for name, labels in documented.items():
        assert labels == set(TOLD[name if name in TOLD else f"{name}_bucket"]), name


def test_every_hold_and_code_has_a_series() -> None:
    assert TOLD["relay_hold"]["reason"] == set(HoldReason)
    assert TOLD["relay_submissions_refused_total"]["code"] == set(RefusalCode)


def test_rules_are_whole_and_documented() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"].keys() == {"summary", "description"}
    assert re.findall(r"^\| `(SignupRelay\w+)` \|", DOCUMENT, re.MULTILINE) == names


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_texts_name_labels_that_the_alert_has(rule: dict[str, Any]) -> None:
    expression = rule["expr"]
    kept = re.search(r"^(?:sum|max|histogram_quantile).*?by \(([^()]*)\)", expression)
    has = set(re.split(r",\s*", kept[1])) if kept else labels_of(expression)
    for text in rule["annotations"].values():
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= has
        assert text.count("{{") == text.count("}}")


def test_the_dashboard_is_whole() -> None:
    panels = DASHBOARD["panels"]
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids)
    variables = {each["name"] for each in DASHBOARD["templating"]["list"]}
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD))) <= {
        *variables,
        "__all",
        "__rate_interval",
    }
    for title, target in dashboard_targets():
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert shown <= labels_of(target["expr"]), title
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)
    assert all(grid["x"] + grid["w"] <= 24 for grid in (panel["gridPos"] for panel in panels))


def test_the_rule_about_refusals_leaves_out_what_the_alert_never_counts_alone() -> None:
    (matcher,) = _MATCHER.findall(EXPRESSIONS["SignupRelayFormRefuses"])
    name, operator, left_out = matcher
    assert (name, operator) == ("code", "!~")
    typed = {
        code
        for code in RefusalCode
        if WrongField(field="email", code=code, arrived=True).visitor_can_mend
    }
    assert set(left_out.split("|")) == {*NO_FAULT_OF_THE_FORM, *typed}
