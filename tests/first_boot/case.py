"""What every case of the first-boot program starts from and asks."""

import pathlib
import unittest

from sandbox import Overlay, Sandbox

# The reason of a verdict where no volume has an overlay.
MISSING = "missing: the overlay (no URL is set, and no volume labelled CIDATA or IMGBUILD has it)"

UNIT = "/usr/lib/systemd/system/web.service"
SERVICES = {"web": ("web.service", "-", 5), "base": ("-", "-", 5)}
OLD = Overlay(
    {
        UNIT: ("web", "old"),
        "/opt/web/conf": ("web", "old"),
        "/opt/web/gone/file": ("web", "old"),
        "/etc/motd": ("base", "old"),
    },
    SERVICES,
)
NEW = Overlay({UNIT: ("web", "old"), "/opt/web/conf": ("web", "new"), "/etc/motd": ("base", "old")}, SERVICES)


class Case(unittest.TestCase):
    """A case has guests of its own."""

    tree: pathlib.Path

    def guest(self, room: str = "64m") -> Sandbox:
        guest = Sandbox(self.tree, room)
        self.addCleanup(guest.close)
        return guest

    def applied(self, overlay: Overlay = OLD) -> Sandbox:
        guest = self.guest()
        guest.volume("CIDATA", overlay.data)
        guest.seed(overlay)
        self.ready(guest)
        return guest

    def ready(self, guest: Sandbox) -> None:
        code = guest.run()
        self.assertEqual((code, guest.verdict().get("verdict")), (0, "ready"), f"{guest.output}\n{guest.verdict()}")
        self.assertIn("imgbuild: ptrn-1 ready\n", guest.read("/console") or "")

    def failed(self, guest: Sandbox, reason: str) -> None:
        code = guest.run()
        self.assertEqual((code, guest.verdict().get("verdict")), (1, "failed"), f"{guest.output}\n{guest.verdict()}")
        self.assertRegex(str(guest.verdict()["reason"]), reason)
        self.assertIn(f"imgbuild: ptrn-1 failed: {guest.verdict()['reason']}\n", guest.read("/console") or "")

    def nothing_started(self, guest: Sandbox) -> None:
        self.assertEqual(guest.calls, [])
        self.assertIsNone(guest.read(UNIT))
        self.assertFalse(guest.path("/usr/lib/imgbuild.new").exists())
        self.assertFalse(guest.path("/usr/lib/imgbuild.new.part").exists())
