"""The rule of what is taken of an archive: a node has the same as a build, by the same table."""

import gzip
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest
from typing import Any

from sandbox import PROGRAMS, ROOT, digest

TABLE = ROOT / "tests/archives/table.json"
KINDS = {
    "file": tarfile.REGTYPE,
    "directory": tarfile.DIRTYPE,
    "symbolic link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "device": tarfile.CHRTYPE,
    "FIFO": tarfile.FIFOTYPE,
}


def text(of_bytes: str) -> str:
    """A name of the table, each of whose characters is a byte, as tarfile has it."""
    return of_bytes.encode("latin-1").decode("utf-8", "surrogateescape")


def archive(members: list[dict[str, str]]) -> bytes:
    """The archive of a row."""
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w:gz", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as made:
        for member in members:
            entry = tarfile.TarInfo(text(member["name"]))
            entry.type, entry.mode = KINDS[member["kind"]], int(member.get("mode", "0644"), 8)
            entry.linkname = text(member.get("target", ""))
            content = member.get("text", "").encode()
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def found(root: pathlib.Path) -> dict[str, str]:
    """What was installed, as the table has it."""
    files = {}
    for path in root.rglob("*"):
        name = f"/{path.relative_to(root)}"
        if path.is_symlink():
            files[name] = f"-> {path.readlink()}"
        elif path.is_file():
            files[name] = f"{path.stat().st_mode & 0o7777:04o} {path.read_text()}"
    return files


class Archives(unittest.TestCase):
    """Each archive of the table is taken, or refused, as a build takes and refuses it."""

    def take(self, row: dict[str, Any], data: bytes) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
        """Runs the node's program."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "root").mkdir()
            (folder / digest(data)).write_bytes(data)
            lines = [f"web\t{digest(data)}\t0\turl\ttop/{member}\t{to}\t-\n" for member, to in row["install"].items()]
            (folder / "list").write_text("".join(lines))
            command: list[str | pathlib.Path] = [
                sys.executable,
                "-I",
                PROGRAMS / "releases.py",
                folder / "list",
                folder,
                folder / "root",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            return done, found(folder / "root")

    def test_the_node_has_the_rule_of_a_build(self) -> None:
        for row in json.loads(TABLE.read_text())["archives"]:
            with self.subTest(row["name"]):
                data = archive(row["members"])
                done, installed = self.take(row, data)
                if "refused" in row:
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertRegex(done.stderr, r"\Athe release of web [ -~]*\n\Z")
                else:
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    self.assertEqual(installed, row["installs"])
                    listed = {line.split("\t")[2] for line in done.stdout.splitlines()}
                    self.assertEqual(listed, set(row["installs"]))

    def test_links_lead_to_files_inside_the_archive(self) -> None:
        members = [
            {"kind": "file", "name": "a/f", "text": "f"},
            {"kind": "hard link", "name": "a/h", "target": "a/f"},
            {"kind": "symbolic link", "name": "a/l", "target": "f"},
            {"kind": "directory", "name": "a/d/"},
            {"kind": "symbolic link", "name": "current", "target": "a"},
            {"kind": "symbolic link", "name": "loop", "target": "loop"},
            {"kind": "symbolic link", "name": "to-root", "target": "/a/f"},
            {"kind": "file", "name": "twice", "text": "1"},
            {"kind": "file", "name": "twice", "text": "2"},
            {"kind": "hard link", "name": "hard-to-lost", "target": "lost"},
        ]
        for name, target, leads in (
            ("x", "a/f", True),
            ("x", "a/h", True),
            ("x", "./a//d/../l", True),
            ("a/d/x", "../f", True),
            ("x", "current/l", True),
            ("b/x", "../current/f", True),
            ("x", "a", False),
            ("x", "a/f/g", False),
            ("x", "a/f/..", False),
            ("x", "../x", False),
            ("a/x", "../../a/f", False),
            ("x", "/a/f", False),
            ("x", "to-root", False),
            ("x", "loop", False),
            ("x", "twice", False),
            ("x", "hard-to-lost", False),
            ("x", "lost", False),
            ("x", "lost/../a/f", False),
            ("x", "", False),
            ("x", "a/../" * 2000 + "a/f", False),
        ):
            with self.subTest(name=name, target=target[:20]):
                link = {"kind": "symbolic link", "name": f"top/{name}", "target": target}
                top = [member | {"name": f"top/{member['name']}"} for member in members]
                for member in top:
                    if member["kind"] == "hard link":
                        member["target"] = f"top/{member['target']}"
                done, installed = self.take({"install": {name: "/usr/bin/tool"}}, archive([*top, link]))
                self.assertEqual(done.returncode, 0 if leads else 1, done.stderr)
                self.assertEqual(installed, {"/usr/bin/tool": "0644 f"} if leads else {})

    def test_sparse_members_are_filled(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            (pathlib.Path(name) / "top").mkdir()
            with (pathlib.Path(name) / "top/tool").open("wb") as tool:
                tool.seek(3 << 20)
                tool.write(b"end")
            for form in ("gnu", "posix"):
                with self.subTest(form):
                    command = ["tar", "-C", name, f"--format={form}", "-Sczf", "-", "top"]
                    data = subprocess.run(command, capture_output=True, check=True).stdout
                    done, installed = self.take({"install": {"tool": "/usr/bin/tool"}}, data)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    self.assertEqual(installed, {"/usr/bin/tool": "0644 " + "\0" * (3 << 20) + "end"})

    def test_an_archive_that_is_damaged_or_too_large_is_refused(self) -> None:
        row = {"install": {"tool": "/usr/bin/tool"}}
        whole = archive([{"kind": "file", "name": "top/tool", "text": "tool"}])
        unpacked = gzip.decompress(whole)
        for what, data in {
            "cut": whole[:-20],
            "cut before it was compressed": gzip.compress(unpacked[:1024]),
            "goes on": gzip.compress(unpacked + b"more"),
            "is no archive": b"<html>",
        }.items():
            with self.subTest(what):
                done, _ = self.take(row, data)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertRegex(done.stderr, r"\Athe release of web [ -~]*\n\Z")
        self.assertEqual(self.take(row, whole)[0].returncode, 0)
