"""Asks the live Prometheus everything that dashboards and rules ask, and whether it has what they name."""

import json
import re
from collections.abc import Iterator
from typing import Any

from builds import ROOT
from lab import Lab
from tally import CheckFailed

# What Grafana puts in for its variables.
VARIABLES = {"__rate_interval": "2m", "__interval": "30s", "__range": "15m", "node": "prmt-1"}

# Series that exist only when something is so.
ONLY_WHEN = {
    "ALERTS": "an alert is pending or fires",
    "etcd_network_peer_sent_failures_total": "a message to a peer was lost",
    "prometheus_notifications_errors_total": "an Alertmanager is configured",
}
# Panels that show what is wrong, and nothing where nothing is.
EMPTY_WHEN_WELL = {
    "fleet: Firing alerts",
    "node: Firing alerts",
    "node: Failed units",
    "etcd: Calls that failed",
    "etcd: Messages that failed",
}


def dashboards() -> Iterator[tuple[str, Any]]:
    """Every dashboard and its name."""
    for path in sorted((ROOT / "overlays").glob("*/dashboards/*.json")):
        yield path.stem, json.loads(path.read_text())


def panels() -> Iterator[tuple[str, str]]:
    """Every query of every panel and its place."""
    for name, board in dashboards():
        nested = [*board["panels"], *(inner for panel in board["panels"] for inner in panel.get("panels", []))]
        for panel in nested:
            for target in panel.get("targets", []):
                yield f"{name}: {panel['title']}", fill(target["expr"])


def annotations() -> Iterator[tuple[str, str]]:
    """Every query that marks what has happened, and its place."""
    for name, board in dashboards():
        for annotation in board.get("annotations", {}).get("list", []):
            if "expr" in annotation:
                yield f"{name}: {annotation['name']}", fill(annotation["expr"])


def fill(query: str) -> str:
    """A query as Grafana sends it."""
    return re.sub(r"\$\{?(\w+)(?::\w+)?\}?", lambda found: VARIABLES.get(found[1], found[0]), query)


def rules(lab: Lab) -> Iterator[tuple[str, str]]:
    """Every rule's query."""
    for group in lab.ask("rules")["groups"]:
        for rule in group["rules"]:
            yield f"rule {rule['name']}", rule["query"]


def selectors(tree: Any) -> Iterator[str]:
    """The series that a parsed query selects, each as a query of its own."""
    if isinstance(tree, dict):
        if tree.get("type") in ("vectorSelector", "matrixSelector"):
            yield (
                "{"
                + ", ".join(f"{one['name']}{one['type']}{json.dumps(one['value'])}" for one in tree["matchers"])
                + "}"
            )
        for part in tree.values():
            yield from selectors(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from selectors(part)


def check(lab: Lab) -> None:
    """Fails, naming all, where a query has an error or selects series that are not there, or a panel shows nothing."""
    problems, seen = [], {}
    must_show = [(place, query) for place, query in panels() if place not in EMPTY_WHEN_WELL]
    for place, query in [*panels(), *annotations(), *rules(lab)]:
        try:
            shown = lab.ask("query", query=query)["result"]
            if not shown and (place, query) in must_show:
                problems.append(f"{place}: shows nothing: {query}")
            for selector in set(selectors(lab.ask("parse_query", query=query))):
                if selector not in seen:
                    seen[selector] = lab.value(f"count({selector})") > 0
                if not seen[selector] and not any(f'__name__="{name}"' in selector for name in ONLY_WHEN):
                    problems.append(f"{place}: nothing is {selector}")
        except CheckFailed as error:
            problems.append(f"{place}: {error}")
    if problems or not seen:
        raise CheckFailed("\n".join(problems) or "nothing asks anything")
