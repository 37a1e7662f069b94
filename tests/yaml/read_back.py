"""Reads YAML documents with both of PyYAML's safe loaders and compares what they mean with what was meant.

Each line on stdin is a JSON object: `yaml` is a document, `means` its value. Exits with 1 if any loader disagrees.
"""

import json
import sys
from typing import Any

import yaml

# The one that cloud-init uses, and libyaml, which netplan uses.
LOADERS = (yaml.SafeLoader, yaml.CSafeLoader)


def canonical(value: Any) -> str:
    """Text that differs for any two values that differ, `1` and `True` too; fails for what JSON does not have."""
    return json.dumps(value, sort_keys=True)


def complaint(document: str, means: Any, loader: Any) -> str | None:
    """What is wrong with how `loader` reads the document, if anything."""
    try:
        got = canonical(yaml.load(document, Loader=loader))  # noqa: S506 (safe loaders alone are given)
    except (yaml.YAMLError, TypeError, ValueError) as error:
        got = f"{type(error).__name__}: {error}"
    expected = canonical(means)
    if got == expected:
        return None
    return f"{loader.__name__} reads\n{document}\nas       {got}\nexpected {expected}\n"


def main() -> int:
    """Reports every complaint to stderr, and how much was compared to stdout."""
    cases = [json.loads(line) for line in sys.stdin]
    found = [complaint(case["yaml"], case["means"], loader) for case in cases for loader in LOADERS]
    complaints = [text for text in found if text]
    sys.stderr.write("\n".join(complaints[:20]))
    print(f"{len(cases)} documents, {len(complaints)} complaints")
    return 1 if complaints or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
