"""The imgbuild that is tested: the one that $IMGBUILD names, or what cargo builds."""

import functools
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


@functools.cache
def imgbuild() -> pathlib.Path:
    """Its path."""
    if named := os.environ.get("IMGBUILD"):
        return pathlib.Path(named).absolute()
    subprocess.run(["cargo", "build", "--quiet"], cwd=ROOT, check=True)
    return ROOT / "target/debug/imgbuild"
