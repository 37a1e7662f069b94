"""Counts checks, and prints each with its time as it ends."""

import sys
import threading
import time
from collections.abc import Callable


class CheckFailed(Exception):
    """What a check saw that must not be, in words for the one who will mend it."""


class Tally:
    """The checks of one program, up to their closing line."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.lock = threading.Lock()

    def check(self, subject: str, name: str, body: Callable[[], None]) -> None:
        """Runs one check; what it raises is its failure, and the others go on. Threads may check side by side."""
        began = time.monotonic()
        problem = ""
        try:
            body()
        except Exception as error:  # noqa: BLE001 (an unforeseen error fails this check, not the run)
            problem = str(error) if isinstance(error, CheckFailed) else f"{type(error).__name__}: {error}"
        lines = [f"{'FAIL' if problem else 'ok  '}  {subject}: {name} ({time.monotonic() - began:.1f} s)"]
        lines += [f"        {line}" for line in problem.strip().splitlines()]
        with self.lock:
            self.failed += bool(problem)
            self.passed += not problem
            print("\n".join(lines), flush=True)

    def close(self) -> None:
        """Prints the closing line and ends the program. To have checked nothing is a failure too."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
