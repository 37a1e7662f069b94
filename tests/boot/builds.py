"""What the machines boot: the default profile with what a test needs, built by imgbuild from work/mirror."""

import pathlib
import subprocess

import tested

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A component of files alone, which the changed profile has no more.
MARKER = {
    "component.yaml": "description: a file that a later profile has no more\n",
    "files/etc/boot-test/marker": "here\n",
}

LONE = """cluster: lone
network: {{subnet: 192.168.2.0/24}}
system: {{admin: {{name: vasya, uid: 1000, ssh_authorized_keys: ["{key}"]}}}}
roles: {{lone: [node_exporter]}}
nodes:
{nodes}settings: {{node_exporter: {{options: "{options}"}}}}
"""


def replace(text: str, old: str, new: str) -> str:
    """Replaces what has to be there exactly once."""
    if text.count(old) != 1:
        raise ValueError(f"the default profile has `{old}` {text.count(old)} times")
    return text.replace(old, new)


def cluster(key: str, changed: bool) -> str:
    """The default profile, with a key to log in by, and an observer without Grafana, which no registry carries.

    Without hardware help it costs a node ten seconds to tell the state of all units: it tells that of a few. That a node is
    down is told after a minute, not two.
    """
    text = (ROOT / "profiles/patroni.yaml").read_text()
    text = replace(text, "ssh_authorized_keys: []", f'ssh_authorized_keys: ["{key}"]')
    text = replace(text, "[node_exporter, prometheus, grafana]", "[node_exporter, prometheus]")
    few = "--collector.systemd.unit-include=(etcd|node_exporter|prometheus|imgbuild|ssh|systemd-timesyncd).service|etcd-snapshot.timer"
    more = " --collector.tcpstat" if changed else ""
    exporter = f'alert_down_minutes: 1, options: "{few}{more}"'
    text = replace(text, "settings:\n", f"settings:\n  node_exporter: {{{exporter}}}\n")
    return text if changed else replace(text, "[node_exporter, etcd]", "[node_exporter, etcd, marker]")


def lone(key: str, names: list[str], options: str) -> str:
    """Nodes that run Node Exporter alone and know nothing of each other."""
    nodes = "".join(
        f"  - {{name: {name}, address: 192.168.2.{number}, roles: [lone]}}\n" for number, name in enumerate(names, 11)
    )
    return LONE.format(key=key, nodes=nodes, options=options)


def options(work: pathlib.Path, profile: str, out: pathlib.Path) -> list[str]:
    """What every run of imgbuild is told: a profile of `work`, and where the outputs go."""
    named = {
        "--profile": work / f"{profile}.yaml", "--overlays": work / "overlays",
        "--releases": work / "mirror/releases.yaml", "--secrets": work / "secrets.yaml", "--store": work / "store",
        "--out": out,
    }  # fmt: skip
    return ["--quiet", *(str(part) for option in named.items() for part in option)]


def build(work: pathlib.Path, alone: list[str]) -> None:
    """Builds all that the scenarios boot at first into folders of `work`, with a new key to log in by in `work/key`.

    `alone` are the nodes that need no others.
    """
    (work / "secrets.yaml").touch(mode=0o600)
    for name, text in MARKER.items():
        path = work / "overlays/marker" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "boot-test", "-f", work / "key"], check=True)
    key = (work / "key.pub").read_text().strip()
    profiles = {
        "cluster": (cluster(key, changed=False), "overlay"),
        "changed": (cluster(key, changed=True), "overlay"),
        "lone": (lone(key, alone, ""), "overlay"),
        "other": (lone(key, alone, "--no-such-option"), "overlay"),
        "sysext": (lone(key, alone, ""), "sysext"),
        "extended": (cluster(key, changed=False), "sysext"),
    }
    for name, (text, form) in profiles.items():
        (work / f"{name}.yaml").write_text(text)
        told: list[str | pathlib.Path] = [
            "--all",
            "--format",
            form,
            "--mirror",
            work / "mirror",
            *options(work, name, work / name),
        ]
        subprocess.run([tested.imgbuild(), *told], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
