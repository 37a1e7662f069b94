"""What scripts/bench measures: one function a row, each beside its rival in the same run."""

import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Callable

import bulk
import first_boot
import shell
from fleet import fleet
from measure import Result, peak, quoted, shown, times

ROOT = pathlib.Path(__file__).resolve().parent.parent
RATE = 30e6  # bytes a second of the link that releases are fetched through


class Bench:
    """The program, a mirror of real programs, and a folder to work in."""

    def __init__(self, program: pathlib.Path, work: pathlib.Path) -> None:
        self.program, self.work = program, work
        self.mirror, self.store, self.out = work / "mirror", work / "store", work / "out"
        # Layers are kept in the user's own cache, which must not be that of whoever measures.
        os.environ |= {"XDG_CACHE_HOME": str(work / "cache"), "XDG_STATE_HOME": str(work / "state")}
        self.layers = work / "cache/imgbuild/derived"
        # A file that an option names has to be there; generated secrets go into it.
        self.secrets = work / "secrets.yaml"
        self.secrets.touch(0o600)

    def imgbuild(self, *words: object, **options: object) -> str:
        """A command of imgbuild; `options` go before the usual ones, None leaves one out."""
        usual: dict[str, object] = {
            "releases": self.mirror / "releases.yaml",
            "mirror": self.mirror,
            "store": self.store,
            "out": self.out,
            "secrets": self.secrets,
        }
        given = {name: value for name, value in (usual | options).items() if value is not None}
        return quoted(self.program, *words, "--quiet", *(f"--{name}={value}" for name, value in given.items()))

    def run(self, command: str) -> str:
        """Runs a command before or after what is timed."""
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def away(self, *paths: pathlib.Path) -> str:
        """A command that takes these out of the way, and waits until the disk has what was written before. They are not
        removed: Linux hesitates to use inodes that it just freed.
        """
        graves = self.work / "graves"
        graves.mkdir(exist_ok=True)
        moves = " ".join(f"if [ -e {path} ]; then mv {path} $(mktemp -d -p {graves}); fi;" for path in paths)
        return quoted("sh", "-c", f"{moves} sync")

    def removed(self, *paths: pathlib.Path) -> str:
        """A command that removes these, so that what is timed next gets the memory that held them. A host that takes back what
        a virtual machine has free (free page reporting) makes it wait for every page that is new to it: `cp` of 58 MB, which
        takes large pages, then takes 140 ms in place of 18, and its row would say nothing.
        """
        return quoted("sh", "-c", f"{quoted('rm', '-rf', *paths)}; sync")

    def profile(self, count: int) -> pathlib.Path:
        """The profile of a fleet."""
        path = self.work / f"fleet-{count}.yaml"
        path.write_text(fleet(count))
        return path


def warm(bench: Bench) -> list[Result]:
    """a build of ptrn-1, artifacts in the store and layers in the cache, beside the shell way and a copy of its outputs, synced as they are"""
    bench.run(bench.imgbuild("ptrn-1"))
    node, copy, made = bench.out / "ptrn-1", bench.work / "copy", bench.work / "shell"
    files = shell.prepare(bench, node)
    reference = bench.work / "reference"
    shutil.rmtree(reference, ignore_errors=True)
    shutil.copytree(node, reference)
    commands = {
        "imgbuild": bench.imgbuild("ptrn-1"),
        # What a build has called done is on the disk, and so is the copy.
        "cp": quoted("sh", "-c", f"{quoted('cp', '-r', reference, copy)} && sync {copy}/* {copy} {copy.parent}"),
        "shell": quoted(ROOT / "benches/shell-way", bench.work / "archives", files, made, "gzip", "-6"),
    }
    prepare = {"imgbuild": bench.removed(bench.out), "cp": bench.removed(copy)}
    took = times(commands, prepare=prepare, runs=20)
    faster, copies = took["shell"] / took["imgbuild"], took["imgbuild"] / took["cp"]
    what = "`imgbuild ptrn-1`, store warm"
    return [
        Result(
            what,
            shown(took["imgbuild"]),
            f"shell, gzip -6: {shown(took['shell'])}",
            f"{faster:.0f} times faster",
            "30 times",
            faster >= 30,
        ),
        Result(
            "the same",
            shown(took["imgbuild"]),
            f"cp and sync of its outputs: {shown(took['cp'])}",
            f"{copies:.2f} times",
            "at most 2 times",
            copies <= 2,
        ),
    ]


def cold(bench: Bench) -> list[Result]:
    """a build of ptrn-1, artifacts in the store and layers not, beside the shell way with pigz on all cores"""
    bench.run(bench.imgbuild("ptrn-1"))
    made = bench.work / "shell"
    files = shell.prepare(bench, bench.out / "ptrn-1")
    commands = {
        "imgbuild": bench.imgbuild("ptrn-1"),
        "shell": quoted(ROOT / "benches/shell-way", bench.work / "archives", files, made, "pigz", "-6"),
    }
    took = times(commands, prepare={"imgbuild": bench.away(bench.out, bench.layers)})
    sizes = [(folder / "overlay.tar.gz").stat().st_size for folder in (bench.out / "ptrn-1", made)]
    faster, larger = took["shell"] / took["imgbuild"], sizes[0] / sizes[1]
    return [
        Result(
            "`imgbuild ptrn-1`, artifacts cached, layers not",
            f"{shown(took['imgbuild'])}, {sizes[0] / 1e6:.1f} MB",
            f"shell, pigz -6: {shown(took['shell'])}, {sizes[1] / 1e6:.1f} MB",
            f"{faster:.1f} times faster, {larger:.3f} times the size",
            "2.5 times, 1.02 times",
            faster >= 2.5 and larger <= 1.02,
        )
    ]


def unchanged(bench: Bench) -> list[Result]:
    """`imgbuild --all` again with nothing changed, beside make with nothing to do"""
    bench.run(bench.imgbuild("--all"))

    def seen() -> dict[pathlib.Path, os.stat_result]:
        return {path: path.stat() for path in sorted(bench.out.glob("*/*"))}

    before = {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in seen().items()}
    inputs = [path for folder in ("overlays", "profiles") for path in (ROOT / folder).rglob("*") if path.is_file()]
    rules = bench.work / "Makefile"
    targets = quoted(*before)
    rules.write_text(f"all: {targets}\n{targets}: {quoted(*inputs)}\n\tfalse\n")
    took = times({"imgbuild": bench.imgbuild("--all"), "make": quoted("make", "-sf", rules)}, runs=30)
    same = before == {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in seen().items()}
    return [
        Result(
            "`imgbuild --all` again, nothing changed",
            shown(took["imgbuild"]) + (", nothing rewritten" if same else ", outputs rewritten"),
            f"make: {shown(took['make'])}",
            f"{took['imgbuild'] / took['make']:.1f} times",
            "under 50 ms, none rewritten",
            took["imgbuild"] < 0.05 and same,
        )
    ]


def start(bench: Bench) -> list[Result]:
    """`imgbuild check` and `plan` of the default profile, beside the start of the process"""
    words = {"check": "check", "plan": "plan", "version": "--version"}
    took = times({name: quoted(bench.program, word) for name, word in words.items()}, runs=200)
    rival = f"`--version`: {shown(took['version'])}"
    results = []
    for name in ("check", "plan"):
        more = took[name] - took["version"]
        ratio = f"{more * 1000:.1f} ms more"
        results.append(
            Result(f"`imgbuild {name}`", shown(took[name]), rival, ratio, "at most 5 ms more", more <= 0.005)
        )
    return results


def shared(bench: Bench, count: int) -> tuple[str, str]:
    """A shared build of so many nodes with layers in the cache, and what must be done before."""
    out = bench.work / "fleet"
    command = bench.imgbuild("--all", profile=bench.profile(count), delivery="shared", out=out)
    bench.run(command)
    return command, bench.away(out)


def nodes(bench: Bench) -> list[Result]:
    """1,000 nodes with `--delivery shared`, beside 1,000 times one node"""
    build, prepare = shared(bench, 1000)
    single, _ = shared(bench, 1)
    took = times({"all": build, "one": single}, prepare={"all": prepare, "one": prepare}, runs=5)
    bench.run(prepare)
    memory = peak(build)
    bench.run(prepare)
    return [
        Result(
            "1,000 nodes, `--delivery shared`",
            f"{shown(took['all'])}, {memory:.0f} MB",
            f"1,000 times one node: {shown(took['one'] * 1000)}",
            f"{took['one'] * 1000 / took['all']:.0f} times faster",
            "under 10 s, under 200 MB",
            took["all"] < 10 and memory < 200,
        )
    ]


def growth(bench: Bench) -> list[Result]:
    """`plan` and a shared build of 100, 1,000 and 10,000 nodes, beside linear growth"""
    results = []
    counts = (100, 1000, 10000)
    plans = {count: bench.imgbuild("plan", profile=bench.profile(count)) for count in counts}
    builds = {count: shared(bench, count)[0] for count in counts}
    for what, commands in (("`imgbuild plan`", plans), ("a shared build", builds)):
        prepare = {str(count): bench.away(bench.work / "fleet") for count in counts}
        took = times({str(count): command for count, command in commands.items()}, prepare=prepare, runs=3)
        measured = [took[str(count)] for count in counts]
        worst = max(measured[b] / measured[a] / (counts[b] / counts[a]) for b in range(len(counts)) for a in range(b))
        figures = ", ".join(shown(seconds) for seconds in measured)
        linear = f"linear: {shown(measured[0])}, {shown(measured[0] * 10)}, {shown(measured[0] * 100)}"
        results.append(
            Result(
                f"{what} of 100, 1,000, 10,000 nodes", figures, linear, f"{worst:.2f} times", "1.2 times", worst <= 1.2
            )
        )
    bench.run(quoted("rm", "-rf", bench.work / "fleet"))
    return results


def memory(bench: Bench) -> list[Result]:
    """the peak memory of a build from nothing, and of artifacts of 16 and 256 MB"""
    bench.run(quoted("rm", "-rf", bench.out, bench.layers, bench.work / "fresh"))
    whole = peak(bench.imgbuild("--all", store=bench.work / "fresh"))
    bench.run(quoted("rm", "-rf", bench.work / "fresh"))
    small, large = (bulk.peak_of(bench, size) for size in (16, 256))
    largest = max(path.stat().st_size for path in bench.mirror.rglob("*.tar.gz")) / 1e6
    return [
        Result(
            "memory of `imgbuild --all` from nothing",
            f"{whole:.0f} MB",
            f"the largest artifact: {largest:.0f} MB",
            f"{whole / largest:.2f} times",
            "under 64 MB",
            whole < 64,
        ),
        Result(
            "memory with an artifact of 256 MB",
            f"{large:.0f} MB",
            f"with one of 16 MB: {small:.0f} MB",
            f"{large / small:.2f} times",
            "does not grow",
            large / small < 1.1,
        ),
    ]


def fetch(bench: Bench) -> list[Result]:
    """`imgbuild fetch` of all releases through a throttled link on loopback, beside curl"""
    words: list[str | pathlib.Path] = ["python3", ROOT / "benches/server.py", bench.mirror, str(RATE)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            address = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            plan = bench.run(bench.imgbuild("plan"))
            urls = sorted(set(re.findall(r"https://(\S+)", plan)))
            copies, fresh = bench.work / "fetched", bench.work / "fresh"
            commands = {
                "imgbuild": bench.imgbuild("fetch", mirror=address, store=fresh),
                "curl": quoted(
                    "curl",
                    "-sSfZ",
                    "--create-dirs",
                    "--output-dir",
                    copies,
                    "--remote-name-all",
                    *(f"{address}/{url}" for url in urls),
                ),
            }
            prepare = {"imgbuild": bench.away(fresh), "curl": bench.away(copies)}
            took = times(commands, prepare=prepare, runs=5)
        finally:
            server.terminate()
    bench.run(quoted("rm", "-rf", copies, fresh))
    ratio = took["imgbuild"] / took["curl"]
    return [
        Result(
            f"`imgbuild fetch` at {RATE / 1e6:.0f} MB/s",
            shown(took["imgbuild"]),
            f"curl -Z: {shown(took['curl'])}",
            f"{ratio:.3f} times",
            "at most 1.05 times",
            ratio <= 1.05,
        )
    ]


def boot(bench: Bench) -> list[Result]:
    """from the start of first boot's program to all units started, beside tar and systemctl"""
    bench.run(bench.imgbuild("ptrn-1"))
    ours, rival = first_boot.seconds(bench.out / "ptrn-1")
    ratio = ours / rival
    return [
        Result(
            "first boot to all units started",
            shown(ours),
            f"tar -xzf and systemctl: {shown(rival)}",
            f"{ratio:.2f} times",
            "at most 1.5 times",
            ratio <= 1.5,
        )
    ]


ROWS: dict[str, Callable[[Bench], list[Result]]] = {
    row.__name__: row for row in (warm, cold, unchanged, start, nodes, growth, memory, fetch, boot)
}
