"""Cases of programs that fail once, each call of each in its turn: a node is never `ready` and wrong."""

from collections.abc import Callable

from case import SERVICES, UNIT, Case
from sandbox import Overlay, Sandbox

TOOLS = (
    "awk", "cat", "chown", "comm", "cp", "cut", "df", "find", "ln", "mkdir", "mv", "namei", "sed", "sha256sum", "sort", "stat", "tar",
    "tee", "tr", "uniq", "xargs",
)  # fmt: skip
MOST_CALLS = 40

# Fails as a program does that the kernel ends for want of memory: at once, without a word.
FAILS_ONCE = """#!/bin/sh
echo >>/calls-of-{tool}
[ "$(/usr/bin/wc -l </calls-of-{tool})" != {call} ] || exit 1
exec /usr/bin/{tool} "$@"
"""

PASSWORD = "/etc/web/password"


def state(name: str) -> Overlay:
    """One of two states, which have files in common, and each some of its own."""
    files = {
        UNIT: ("web", name),
        "/opt/web/conf": ("web", name),
        f"/opt/web/{name}/file": ("web", name),
        f"/opt/web/{name}/link": ("web", "-> file"),
        "/etc/motd": ("base", "same"),
        f"/usr/lib/sysusers.d/{name}.conf": ("web", f"u {name} -\n"),
        f"/usr/lib/tmpfiles.d/{name}.conf": ("web", f"d /opt/{name}_data 0700 {name} {name} -\n"),
    }
    return Overlay(files, SERVICES)


STATES = {name: state(name) for name in ("one", "two")}


class Faults(Case):
    """The node goes from one state to another, and back, with one fault on each way."""

    def fails_once(self, tool: str) -> None:
        """Lets each call of a program fail once."""
        guest = self.guest()
        self.seed(guest, "one")
        self.ready(guest)
        for call in range(1, MOST_CALLS):
            name, other = ("two", "one") if call % 2 else ("one", "two")
            self.seed(guest, name)
            guest.path(f"/calls-of-{tool}").unlink(missing_ok=True)
            guest.stand_in(tool, FAILS_ONCE.format(tool=tool, call=call))
            code = guest.run()
            asked = guest.calls
            self.assertEqual(code == 0, guest.verdict().get("verdict") == "ready", guest.output)
            calls = len((guest.read(f"/calls-of-{tool}") or "").splitlines())
            guest.path(f"/usr/sbin/{tool}").unlink()
            if code != 0:
                self.assertNotEqual(guest.verdict().get("reason"), "")
                self.ready(guest)
                asked += guest.calls
            self.right(guest, name, other, f"{tool}, call {call}, ended with {code}: {guest.output}")
            self.assertIn("restart --no-block web.service", asked, f"{tool}, call {call}")
            if calls < call:
                return
        self.fail(f"{tool} is called {MOST_CALLS} times or more")

    def seed(self, guest: Sandbox, name: str) -> None:
        """Attaches a state's overlay and seed."""
        guest.volume("CIDATA", STATES[name].data)
        guest.seed(STATES[name], private={PASSWORD: ("web", f"{name}:{name}", f"secret {name}\n")})

    def right(self, guest: Sandbox, name: str, other: str, what: str) -> None:
        """All of a state is there, and nothing of the other."""
        for path in (UNIT, "/opt/web/conf", f"/opt/web/{name}/file", f"/opt/web/{name}/link"):
            self.assertEqual(guest.read(path), name, what)
        self.assertEqual(guest.read(PASSWORD), f"secret {name}\n", what)
        self.assertEqual(guest.path(PASSWORD).stat().st_uid, guest.path(f"/opt/{name}_data").stat().st_uid, what)
        self.assertEqual(list(guest.path(f"/opt/web/{other}").rglob("*")), [], what)
        self.assertFalse(guest.path(f"/usr/lib/sysusers.d/{other}.conf").exists(), what)
        listed = (guest.read("/var/lib/imgbuild/files") or "").splitlines()
        paths = {
            PASSWORD,
            *(line.split("\t")[2] for line in (guest.read("/usr/lib/imgbuild/files") or "").splitlines()),
        }
        self.assertEqual({line.split("\t")[2] for line in listed}, paths, what)


def case_of(tool: str) -> Callable[[Faults], None]:
    """The case of one program."""
    return lambda self: self.fails_once(tool)


for program in TOOLS:
    setattr(Faults, f"test_each_call_of_{program}_fails_once", case_of(program))
