"""Measures commands side by side: hyperfine for time, GNU time for memory, and what the machine is."""

import json
import os
import pathlib
import platform
import shlex
import statistics
import subprocess
import tempfile
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One line of the table: what was measured, what its rival took, and whether the bar is met."""

    what: str
    ours: str
    rival: str
    ratio: str
    bar: str
    met: bool


def quoted(*words: object) -> str:
    """Words as one command of a shell."""
    return shlex.join(map(str, words))


def times(commands: dict[str, str], *, prepare: dict[str, str] | None = None, runs: int = 10) -> dict[str, float]:
    """The median seconds of each command, all measured by one run of hyperfine; `prepare` runs before each timing."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        words = ["hyperfine", "--style", "none", "--warmup", "1", "--runs", str(runs), "--export-json", report.name]
        # A shell's own start would count among the milliseconds; commands that need one name it.
        words += ["--shell", "none"]
        for name in commands:
            words += ["--prepare", prepare.get(name, "true")] if prepare else []
        for name, command in commands.items():
            words += ["--command-name", name, command]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"hyperfine: {done.stdout}{done.stderr}")
        results = json.load(report)["results"]
    return {result["command"]: statistics.median(result["times"]) for result in results}


def peak(command: str) -> float:
    """The peak memory of a command, in MB. Not asked of this process: its children begin with its own."""
    with tempfile.NamedTemporaryFile(mode="r") as report:
        words = ["/usr/bin/time", "--format", "%M", "--output", report.name, *shlex.split(command)]
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        return int(report.read().split()[-1]) * 1024 / 1e6


def shown(seconds: float) -> str:
    """A time as people read it."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def machine(folder: pathlib.Path) -> str:
    """What the figures were measured on."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    words: list[str | pathlib.Path] = ["findmnt", "--noheadings", "--output", "FSTYPE,SOURCE", "--target", folder]
    disk = " on ".join(subprocess.run(words, capture_output=True, text=True, check=False).stdout.split())
    load = os.getloadavg()[0]
    return (
        f"{model}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, {disk}, "
        f"Linux {platform.release()}, load {load:.1f} at the start"
    )
