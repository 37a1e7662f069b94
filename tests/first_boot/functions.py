"""Cases of the apply program's functions, one at a time: what it makes of lists."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from sandbox import PROGRAMS

# Reads the program for its functions, and lets them work in this folder alone.
CALL = '. "$1"; run=$PWD; shift; "$@"'


class Functions(unittest.TestCase):
    """Every line is on its own; `|` stands for a tab."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def call(self, *words: str, code: int = 0, **files: str) -> str:
        """Calls a function with files of these names and lines; returns its output."""
        for name, text in files.items():
            lines = "".join(line.replace("|", "\t") + "\n" for line in text.split())
            (self.folder / name).write_text(lines)
        done = subprocess.run(
            ["bash", "-c", CALL, "call", PROGRAMS / "apply.sh", *words],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (code, ""))
        return " ".join(done.stdout.replace("\t", "|").split("\n")).strip()

    def test_private_files_are_listed_without_what_would_tell_of_their_content(self) -> None:
        listed = self.call(
            "with_private", "files", "private", files="etcd|aa0644|/b web|bb0644|/a", private="web|web:web|/c"
        )
        self.assertEqual(listed, "etcd|aa0644|/b web|bb0644|/a web|private|/c")
        self.assertEqual(self.call("with_private", "files", "private", private=""), "etcd|aa0644|/b web|bb0644|/a")

    def test_what_restarts_is_what_changed_came_or_went(self) -> None:
        for what, old, new, restart, expected in (
            ("nothing", "a|1|/x b|1|/y", "a|1|/x b|1|/y", "", ""),
            ("content", "a|1|/x b|1|/y", "a|2|/x b|1|/y", "", "a"),
            ("came and went", "a|1|/x", "b|1|/y", "", "a b"),
            ("owner", "a|1|/x", "b|1|/x", "", "a b"),
            ("left over", "a|1|/x", "a|1|/x", "c", "c"),
            ("extension", "a|1|/var/lib/extensions/a.raw", "a|2|/var/lib/extensions/a.raw", "", "a extensions"),
            ("once", "a|1|/x a|1|/y", "a|2|/x a|2|/y", "a", "a"),
        ):
            with self.subTest(what):
                restarted = self.call("changed_components", "old", "new", "restart", old=old, new=new, restart=restart)
                self.assertEqual(restarted, expected)

    def test_a_path_is_stale_when_nobody_has_it_any_more(self) -> None:
        old, new = "a|1|/x a|1|/y b|1|/z", "b|2|/x a|1|/y"
        self.assertEqual(self.call("stale_paths", "before", "after", before=old, after=new), "/z")
        self.assertEqual(self.call("stale_paths", "before", "after", after=""), "/x /y /z")
        self.assertEqual(self.call("stale_paths", "after", "before"), "")

    def test_units_are_those_that_are_named_in_their_order(self) -> None:
        components = "b|b.service,a.timer|-|5 none|-|-|5 a|a.service|http://x|5"
        self.assertEqual(self.call("units", "list", list=components), "b.service a.timer a.service")
        self.assertEqual(self.call("units", "list", list="none|-|-|5"), "")

    def test_units_of_what_restarts_are_those_of_whole_names(self) -> None:
        components = "web|web.service,web.timer|-|5 web2|web2.service|-|5 none|-|-|5"
        for names, units in (
            ("web", "web.service web.timer"),
            ("web2 none gone", "web2.service"),
            ("we", ""),
            ("", ""),
        ):
            with self.subTest(names):
                self.assertEqual(self.call("units_of", "list", "names", list=components, names=names), units)

    def test_units_are_gone_when_no_component_has_them(self) -> None:
        old, new = "a|a.service,a.timer|-|5 b|b.service|-|5", "other|a.timer|-|5 b|b.service|-|9"
        self.assertEqual(self.call("gone_units", "before", "after", before=old, after=new), "a.service")
        self.assertEqual(self.call("gone_units", "before", "after", before="", after=new), "")

    def test_configuration_and_extensions_are_found_by_their_paths(self) -> None:
        files = (
            "a|1|/usr/lib/sysusers.d/a.conf a|1|/etc/tmpfiles.d/a.conf a|1|/opt/sysusers.d/a.conf "
            "a|1|/var/lib/extensions/a.raw a|1|/srv/var/lib/extensions/b.raw"
        )
        self.assertEqual(self.call("configuration", "list", "sysusers", list=files), "/usr/lib/sysusers.d/a.conf")
        self.assertEqual(self.call("configuration", "list", "tmpfiles"), "/etc/tmpfiles.d/a.conf")
        self.assertEqual(self.call("extension_names", "list"), "a")

    def test_a_list_takes_the_place_of_another_when_it_is_complete(self) -> None:
        (self.folder / "list").write_text("old\n")
        self.call("eval", "{ echo new; exit 3; } | put list", code=3)
        self.assertEqual((self.folder / "list").read_text(), "new\n", "put cannot know: so nothing is piped into it")
        self.call("eval", "false >part && put list <part", code=1)
        self.assertEqual((self.folder / "list").read_text(), "new\n")

    def test_what_others_can_change_is_named(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("needs root, whose the folders are to be")
        self.call("guard", "paths", paths="/usr/lib/x /usr/lib/systemd/not/there")
        self.call("guard", "paths", code=1, paths="/usr/lib/x /tmp/imgbuild/x")
        reason = (self.folder / "reason").read_text()
        self.assertEqual(
            reason, "not only root can change the way to /tmp/ (drwxrwxrwt root root): nothing below is touched\n"
        )

    def test_a_failure_leaves_its_reason_from_within_a_pipeline_too(self) -> None:
        self.call("eval", "step working; echo x | while read -r _; do fail 'the reason'; done", code=1)
        self.assertEqual((self.folder / "reason").read_text(), "the reason\n")
        self.call("eval", "step working; false", code=1)
        self.assertEqual((self.folder / "reason").read_text(), "stopped while working\n")
