"""Runs the first-boot program in sandboxes, and judges what it leaves; needs root and scripts/guest-tree."""

import io
import os
import pathlib
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from applying import Applying
from archives import Archives
from case import Case
from contract import Contract
from extensions import Extensions
from faults import Faults
from finding import Finding
from functions import Functions
from hostile import Hostile
from layers import Layers
from releases import Releases
from rules import Rules
from sandbox import ROOT
from seeding import Seeding

CASES = (
    Rules,
    Functions,
    Seeding,
    Contract,
    Finding,
    Layers,
    Releases,
    Archives,
    Extensions,
    Applying,
    Hostile,
    Faults,
)


class Outcome(NamedTuple):
    """How a case ended."""

    passed: bool
    text: str


def run(case: unittest.TestCase) -> Outcome:
    """Runs one case."""
    told = io.StringIO()
    result = unittest.TextTestRunner(stream=told, verbosity=0).run(case)
    passed = result.wasSuccessful()
    return Outcome(passed, "" if passed else told.getvalue())


def cases(names: list[str]) -> list[unittest.TestCase]:
    """Those whose names have one of these parts; all where there are none."""
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{name}*" for name in names] or None
    found = [case for kind in CASES for case in loader.loadTestsFromTestCase(kind)]
    return [case for case in found if isinstance(case, unittest.TestCase)]


def main() -> int:
    """Prints each case and, last, how many passed."""
    if os.geteuid() != 0:
        sys.stderr.write("skipped: needs root\n")
        return 1 if os.environ.get("CI") == "true" else 0
    made = subprocess.run([ROOT / "scripts/guest-tree"], stdout=subprocess.PIPE, text=True, check=True)
    Case.tree = pathlib.Path(made.stdout.strip())
    wanted = cases(sys.argv[1:])
    if not wanted:
        raise SystemExit("error: no case has such a name")
    # They wait more than they work.
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        failed = 0
        for case, outcome in zip(wanted, pool.map(run, wanted), strict=True):
            sys.stderr.write(f"{case} ... {'ok' if outcome.passed else 'FAILED'}\n{outcome.text}")
            failed += not outcome.passed
    sys.stdout.write(f"{len(wanted) - failed} passed, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
