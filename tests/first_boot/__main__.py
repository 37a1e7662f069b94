"""Runs the first-boot program in sandboxes, and judges what it leaves; needs root and scripts/guest-tree."""

import os
import pathlib
import subprocess
import sys
import unittest

from applying import Applying
from case import Case
from extensions import Extensions
from finding import Finding
from layers import Layers
from releases import Releases
from sandbox import ROOT
from seeding import Seeding


def main() -> int:
    """Prints each case and, last, how many passed."""
    if os.geteuid() != 0:
        sys.stderr.write("skipped: needs root\n")
        return 1 if os.environ.get("CI") == "true" else 0
    made = subprocess.run([ROOT / "scripts/guest-tree"], stdout=subprocess.PIPE, text=True, check=True)
    Case.tree = pathlib.Path(made.stdout.strip())
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{name}*" for name in sys.argv[1:]] or None
    suite = unittest.TestSuite(map(loader.loadTestsFromTestCase, (Seeding, Finding, Layers, Releases, Extensions, Applying)))
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    sys.stdout.write(f"{result.testsRun - failed} passed, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
