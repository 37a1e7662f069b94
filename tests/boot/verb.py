"""`imgbuild boot`, as a user runs it: it makes machines of its own."""

import json
import os
import pathlib
import subprocess

import tested
from cluster import expect
from lab import NICE_OTHERS, Lab
from patience import PATIENCE, patient
from tally import CheckFailed

# Two of three members: neither is ready before they have found each other.
NODES = ["ptrn-2", "ptrn-3"]


def verb(lab: Lab) -> None:
    """`imgbuild boot` joins two members with system extensions to a cluster, and prints their verdicts."""
    command: list[str | pathlib.Path] = [
        "nice",
        "-n",
        str(NICE_OTHERS),
        tested.imgbuild(),
        "boot",
        *NODES,
        "--json",
        "--accelerator",
        "tcg",
    ]
    done = subprocess.run(
        [*command, "--base", lab.image.path, "--out", lab.output("extended", NODES[0]).folder.parent],
        env=os.environ | {"TMPDIR": str(lab.scratch)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patient(PATIENCE),
        check=False,
    )
    if done.returncode != 0:
        raise CheckFailed(f"ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    expect("verdicts", [(name, "ready") for name in NODES], sorted((line["node"], line["verdict"]) for line in lines))
    left = list(lab.scratch.glob("imgbuild-boot-*"))
    expect("what it left", [], left)


LANES = ((verb,),)
