"""What user-data lays down at every boot that has the seed, by the document that the golden test compares."""

import itertools
import subprocess
import textwrap

from case import MISSING, Case
from sandbox import ROOT, Sandbox

USER_DATA = ROOT / "tests/golden/default/ptrn-1/user-data"
PROGRAM_UNIT = "/etc/systemd/system/imgbuild.service"

# On the disk alone: if systemd itself enables a unit, it warns at the start of any until it is reloaded.
ENABLE = "enable -q --root=/ imgbuild.service"


def bootcmd() -> str:
    """The shell program of user-data's only `bootcmd`."""
    _, rest = USER_DATA.read_text().split("\nbootcmd:\n- |\n")
    program = itertools.takewhile(lambda line: not line or line.startswith("  "), rest.split("\n"))
    return textwrap.dedent("\n".join(program))


class Seeding(Case):
    """A seed is attached."""

    def calls(self, guest: Sandbox) -> list[str]:
        """What a boot asks of the service manager."""
        guest.path("/calls").unlink(missing_ok=True)
        done = subprocess.run(
            ["chroot", str(guest.guest), "sh", "-c", bootcmd()], capture_output=True, text=True, check=False
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return (guest.read("/calls") or "").splitlines()

    def test_systemd_is_told_of_a_changed_unit_and_needs_not_be_told_of_a_new_one(self) -> None:
        guest = self.guest()
        self.assertEqual(self.calls(guest), [ENABLE])
        unit = guest.read(PROGRAM_UNIT)
        self.assertIn("ExecStart=/usr/local/sbin/imgbuild-first-boot", str(unit))
        seeds = len(list(guest.path("/var/lib/imgbuild").glob("seed-*")))
        self.assertEqual(self.calls(guest), [ENABLE], "nothing has changed")
        self.assertEqual((seeds, len(list(guest.path("/var/lib/imgbuild").glob("seed-*")))), (1, 1))
        guest.write(PROGRAM_UNIT, "[Service]\n")
        self.assertEqual(self.calls(guest), ["daemon-reload", ENABLE])
        self.assertEqual(guest.read(PROGRAM_UNIT), unit)

    def test_what_user_data_lays_down_is_enough_for_a_first_boot(self) -> None:
        guest = self.guest()
        self.calls(guest)
        self.assertEqual(guest.run(), 1)
        self.assertEqual(guest.verdict()["reason"], MISSING)
        self.assertEqual(guest.verdict()["node"], "ptrn-1")
