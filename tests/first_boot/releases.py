"""Cases of an overlay that leaves releases to the node, which fetches upstream's archives."""

import io
import stat
import tarfile

from case import SERVICES, Case
from layers import SERVER
from sandbox import DOWNLOADS, PROGRAMS, Overlay, Sandbox, digest

URL = "http://127.0.0.1:8000/upstream"
PARTS = {name: (PROGRAMS / name).read_text() for name in ("releases.sh", "releases.py")}


def archive(members: dict[str, tuple[str, int]]) -> bytes:
    """A tar.gz archive as upstream makes it; a text that begins with `-> ` makes a link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.GNU_FORMAT) as made:
        for name, (text, mode) in members.items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.uid, entry.mtime = mode, 1001, 1700000000
            if text.startswith("-> "):
                entry.type, entry.linkname = tarfile.SYMTYPE, text.removeprefix("-> ")
                made.addfile(entry)
            else:
                entry.size = len(text)
                made.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


WEB = archive({
    "./web-1.0/": ("", 0o777),
    "./web-1.0/web": ("program", 0o777),
    "./web-1.0/README": ("nobody wants it", 0o644),
    "./web-1.0/pages/a page": ("page", 0o664),
    "./web-1.0/pages/run": ("script", 0o700),
    "./web-1.0/pages/deep/link": ("-> ../a page", 0o777),
    "./web-1.0/other/web-1.0/web": ("another", 0o644),
})  # fmt: skip
PLAIN = archive({"tool": ("tool", 0o644), "doc/tool": ("text", 0o644)})
WANTED = [
    ("web", WEB, "web", "web-1.0/web", "/usr/local/bin/web", "0755"),
    ("web", WEB, "web", "web-1.0/pages/", "/usr/share/web", "-"),
    ("base", PLAIN, "tool", "tool", "/usr/local/bin/tool", "0700"),
]
FILES = {
    "/usr/local/bin/web": ("program", 0o755),
    "/usr/share/web/a page": ("page", 0o644),
    "/usr/share/web/run": ("script", 0o755),
    "/usr/local/bin/tool": ("tool", 0o700),
}


def overlay(wanted: list[tuple[str, bytes, str, str, str, str]], size: bool = True) -> Overlay:
    """An overlay that leaves these to the node: component, archive, file of the server, member, place, mode."""
    lines = [
        f"{name}\t{digest(data)}\t{len(data) if size else 0}\t{URL}/{file}\t{member}\t{to}\t{mode}\n"
        for name, data, file, member, to, mode in wanted
    ]
    files = {
        "/usr/lib/imgbuild/releases": ("imgbuild", "".join(lines)),
        **{f"/usr/lib/imgbuild/{name}": ("imgbuild", text) for name, text in PARTS.items()},
        "/etc/motd": ("base", "hello"),
    }
    return Overlay(files, SERVICES)


class Releases(Case):
    """What upstream publishes comes as it should, or in part, or not at all."""

    def prepared(self, made: Overlay, plan: str = "\n", served: dict[str, bytes] | None = None) -> Sandbox:
        """A guest with its overlay at hand, and a server that has the archives."""
        guest = self.guest()
        guest.volume("CIDATA", made.data)
        guest.seed(made)
        self.serve(guest, plan, {"web": WEB, "tool": PLAIN} if served is None else served)
        return guest

    def serve(self, guest: Sandbox, plan: str, served: dict[str, bytes]) -> None:
        """Puts a server into the guest."""
        guest.write("/server.py", SERVER)
        guest.write("/plan", plan)
        guest.write("/asked", "")
        for name, data in served.items():
            guest.write(f"/served/{name}", data)

    def has_all(self, guest: Sandbox) -> None:
        """Every wanted member is there with its mode, listed, and nothing else is left."""
        self.ready(guest)
        for path, (text, mode) in FILES.items():
            found = guest.path(path).stat()
            self.assertEqual(
                (guest.read(path), stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid), (text, mode, 0, 0), path
            )
        self.assertEqual(str(guest.path("/usr/share/web/deep/link").readlink()), "../a page")
        listed = (guest.read("/var/lib/imgbuild/files") or "").splitlines()
        self.assertEqual(listed, sorted(listed))
        paths = {line.split("\t")[2] for line in listed}
        self.assertEqual(
            paths,
            {
                *FILES,
                "/usr/share/web/deep/link",
                "/etc/motd",
                *(f"/usr/lib/imgbuild/{name}" for name in ("apply.sh", "fetch.py", "releases", *PARTS)),
            },
        )
        self.assertFalse(guest.path(DOWNLOADS).exists())
        self.assertFalse(guest.path("/usr/lib/imgbuild.new").exists())

    def test_members_of_several_releases_become_part_of_the_overlay(self) -> None:
        guest = self.prepared(overlay(WANTED))
        self.has_all(guest)
        self.assertIn("start --no-block web.service", guest.calls)
        self.ready(guest)  # once more: nothing is fetched twice
        self.assertEqual(len((guest.read("/asked") or "").splitlines()), 2)

    def test_a_changed_release_restarts_its_component_and_a_lost_one_goes(self) -> None:
        guest = self.prepared(overlay(WANTED))
        self.has_all(guest)
        newer = archive({"web-2.0/web": ("newer", 0o755)})
        made = overlay([("web", newer, "newer", "web-2.0/web", "/usr/local/bin/web", "0755")])
        guest.volume("CIDATA", made.data)
        guest.seed(made)
        self.serve(guest, "\n", {"newer": newer})
        self.ready(guest)
        self.assertEqual(guest.read("/usr/local/bin/web"), "newer")
        self.assertIn("restart --no-block web.service", guest.calls)
        for gone in ("/usr/share/web", "/usr/local/bin/tool"):
            self.assertFalse(guest.path(gone).exists(), gone)

    def test_a_download_that_is_cut_off_is_gone_on_with_by_the_next_run(self) -> None:
        for size in (True, False):
            with self.subTest(size=size):
                guest = self.prepared(overlay(WANTED[:2], size), "40\ngone\n")
                self.failed(
                    guest,
                    f"^cannot fetch the release of web from {URL}/web: Remote end closed connection without response$",
                )
                self.nothing_started(guest)
                self.assertNotEqual(guest.read("/etc/motd"), "hello")
                guest.seed(overlay(WANTED, size))
                guest.volume("CIDATA", overlay(WANTED, size).data)
                self.serve(guest, "\n", {})
                self.has_all(guest)
                self.assertIn("web from 40", (guest.read("/asked") or "").splitlines())

    def test_a_release_that_is_another_is_refused_whole(self) -> None:
        guest = self.prepared(overlay(WANTED), served={"web": PLAIN, "tool": PLAIN})
        self.failed(guest, f"^the release of web at {URL}/web has sha256 {digest(PLAIN)}, expected {digest(WEB)}$")
        self.nothing_started(guest)
        self.assertFalse(guest.path("/usr/local/bin/tool").exists())

    def test_what_an_archive_lacks_or_is_there_already_is_named(self) -> None:
        for member, to, reason in (
            ("web-1.0/lost", "/usr/local/bin/web", "^the release of web does not contain `web-1.0/lost`$"),
            ("web-1.0/web", "/etc/motd", "^the release of web has /etc/motd, which is there already$"),
        ):
            with self.subTest(member=member):
                guest = self.prepared(overlay([("web", WEB, "web", member, to, "0755")]))
                self.failed(guest, reason)
                self.nothing_started(guest)

    def test_all_of_an_archive_can_be_wanted(self) -> None:
        guest = self.prepared(overlay([("base", PLAIN, "tool", "./", "/usr/share/base", "-")]))
        self.ready(guest)
        self.assertEqual(guest.read("/usr/share/base/doc/tool"), "text")
        self.assertEqual(guest.read("/usr/share/base/tool"), "tool")

    def test_a_release_on_a_volume_is_not_fetched(self) -> None:
        guest = self.prepared(overlay(WANTED), served={})
        guest.volume("IMGBUILD", {digest(WEB): WEB, digest(PLAIN): PLAIN})
        self.has_all(guest)
        self.assertEqual(guest.read("/asked"), "")

    def test_what_is_unpacked_is_what_was_checked(self) -> None:
        evil = archive({"web-1.0/web": ("evil", 0o755), "web-1.0/pages/x": ("evil", 0o644)})
        guest = self.prepared(overlay(WANTED), served={})
        guest.volume("IMGBUILD", {digest(WEB): WEB, digest(PLAIN): PLAIN})
        # A volume that gives other bytes once the digest is known to be right.
        guest.write("/evil", evil)
        guest.stand_in(
            "python3",
            "#!/bin/sh\ncase $* in\n"
            f"*releases.py*) cp /evil /volumes/IMGBUILD.0/{digest(WEB)} ;;\n"
            'esac\nexec /usr/bin/python3 "$@"\n',
        )
        self.failed(guest, f"^the release of web has sha256 {digest(evil)}, expected {digest(WEB)}$")
        self.nothing_started(guest)
        self.assertFalse(guest.path("/usr/local/bin/web").exists())
