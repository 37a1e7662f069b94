"""Prints a line for each node that imgbuild built: python3 built.py OUT."""

import json
import pathlib
import sys

for manifest in sorted(pathlib.Path(sys.argv[1]).glob("*/manifest.json")):
    built = json.loads(manifest.read_text())
    programs = ", ".join(f"{artifact['name']} {artifact['version']}" for artifact in built["artifacts"])
    size = (manifest.parent / "seed.iso").stat().st_size / 1e6
    print(f"{built['node']:8}seed.iso {size:5.1f} MB  {programs}")
