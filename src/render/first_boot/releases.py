"""Takes out of releases' archives what an overlay wants of them, by the rule that a build has: what that refuses is refused here.

    python3 -I releases.py LIST PARTS ROOT

LIST is the overlay's list of releases, PARTS has each archive by its digest, ROOT is where the overlay is unpacked. Prints what its list
of files has more then. Whoever calls this throws ROOT away if it fails.
"""

import gzip
import hashlib
import os
import shutil
import stat
import sys
import tarfile
import tempfile
import unicodedata
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

# The limits of a build: members, bytes of the stream, of all names, and of the headers of one member.
MEMBERS, BYTES, NAMES, HEADERS = 200_000, 4 << 30, 32 << 20, (1 << 20) + 16 * 512
HOPS = 40  # symbolic links that are followed one after the other, as many as Linux follows
STEPS = 1_000_000  # parts of targets that are followed for all links of an archive together
TARGET = 4095  # the longest target that leads anywhere
BLOCK = 512
PIECE = 1 << 16


class Refused(Exception):
    """Why nothing of an archive is taken."""


class Wanted(NamedTuple):
    """A line of the list."""

    component: str
    sha256: str
    size: str
    url: str
    member: str  # a folder's name ends with a slash
    to: str
    mode: str  # `-`: as the archive says

    def place(self, name: str) -> str | None:
        """The guest path of the member of this name; None if it is not wanted."""
        top = parse(self.member)[0]
        if name == top:
            return self.to
        if not self.member.endswith("/") or (top and not name.startswith(f"{top}/")):
            return None
        return f"{self.to}/{name[len(top) :].lstrip('/')}"

    def bits(self, mode: int) -> int:
        """The mode in the guest of a file that has this one in the archive."""
        return int(self.mode, 8) if self.mode != "-" else 0o755 if mode & 0o111 else 0o644


class Member(NamedTuple):
    """What an archive has under a name."""

    number: int  # of the member that holds the content
    kind: str  # `file`, `directory`, `symbolic link`, `hard link`, or another in words
    mode: int = 0
    target: str = ""


def parse(name: str) -> tuple[str, str]:
    """A member's name without what is redundant, and what makes it unfit, if anything does."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    flaw = ""
    if name.startswith("/"):
        flaw = "is absolute"
    elif ".." in parts:
        flaw = "has a `..` part"
    elif any(unicodedata.category(character) == "Cc" for character in name):
        flaw = "has a control character"
    elif any("\udc80" <= character <= "\udcff" for character in name):
        flaw = "is not UTF-8"
    return "/".join(parts), flaw


def shown(name: str) -> str:
    """A name as a message may have it."""
    return f"`{ascii(name)[1:-1]}`"


class Stream:
    """A tar stream within its limits, read forwards alone: what tarfile needs of a file."""

    def __init__(self, plain: IO[bytes]) -> None:
        self.plain = plain
        self.at = 0

    def read(self, size: int) -> bytes:
        """Reads on."""
        if size > HEADERS:
            raise Refused("has a member with headers of more than 1 MiB")
        data = self.plain.read(size)
        self.at += len(data)
        if self.at > BYTES:
            raise Refused("has more than 4 GiB")
        return data

    def tell(self) -> int:
        """How much has been read."""
        return self.at

    def seek(self, to: int) -> None:
        """Skips what lies before a position."""
        if to < self.at:
            raise Refused("cannot be read from its beginning to its end")
        while self.at < to and self.read(min(to - self.at, PIECE)):
            pass

    def seekable(self) -> bool:
        """No."""
        return False

    def finish(self, end: int) -> None:
        """What follows the members is the mark of the end, and nothing but zeros."""
        if self.at <= end:
            raise Refused("is cut short: the mark of its end is missing")
        while data := self.read(PIECE):
            if data.strip(b"\0"):
                raise Refused("goes on behind its end")


def members(archive: IO[bytes]) -> Iterator[tuple[str, Member, IO[bytes] | None]]:
    """Each member with its name and, while it is its turn, its content."""
    archive.seek(0)
    magic = archive.read(2)
    archive.seek(0)
    if magic != b"\x1f\x8b":
        raise Refused("is not a gzipped tar archive")
    stream = Stream(gzip.GzipFile(fileobj=archive))  # type: ignore[arg-type]
    tar = tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape")  # type: ignore[arg-type]
    number = names = end = 0
    while info := tar.next():
        number += 1
        names += len(info.name) + len(info.linkname)
        if number > MEMBERS or names > NAMES:
            raise Refused("has too many members or too long names")
        content = tar.extractfile(info) if info.isreg() else None
        yield info.name, Member(number, kind(info), info.mode, info.linkname), content
        end = tar.offset
        tar.members.clear()  # type: ignore[attr-defined]
    stream.finish(end)


def kind(info: tarfile.TarInfo) -> str:
    """What a member is."""
    if info.isdir() or (info.isreg() and info.name.endswith("/")):
        return "directory"
    if info.isreg():
        return "file"
    if info.issym():
        return "symbolic link"
    if info.islnk():
        return "hard link"
    return "FIFO" if info.isfifo() else "device" if info.isdev() else "member of a type that is not a file"


def within(below: str, target: str) -> str | None:
    """The shortest form of a link's target, if the link that is at `below` in a folder stays in that folder."""
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = 0
    while up < len(parts) and parts[up] == "..":
        up += 1
    leaves = target.startswith("/") or up > below.count("/") or ".." in parts[up:]
    return None if leaves or not parts or parse(target)[1] not in ("", "has a `..` part") else "/".join(parts)


class Extraction:
    """What is taken of one archive."""

    def __init__(self, wanted: list[Wanted], archive: IO[bytes], root: str) -> None:
        self.wanted = wanted
        self.archive = archive
        self.root = root
        self.index: dict[str, Member] = {}
        self.above: set[str] = set()  # names below which the archive has something
        self.steps = 0
        self.found: set[Wanted] = set()
        self.placed: dict[str, tuple[str, str]] = {}  # guest path: what it is, and the member that it comes of
        self.folders: set[str] = set()  # guest paths below which something is
        self.links: list[tuple[str, str, Wanted, str]] = []  # name, target, who wants its file, where
        self.later: dict[int, list[tuple[str, Wanted, int]]] = {}  # by the member whose content goes there
        self.written: dict[int, str] = {}
        self.lines: list[str] = []
        self.size = 0

    def run(self) -> list[str]:
        """Takes all, and returns the lines for the overlay's list of files."""
        for name, member, content in members(self.archive):
            self.take(name, member, content)
        for wanted in self.wanted:
            if wanted not in self.found:
                raise Refused(f"does not contain {shown(wanted.member)}")
        for name, target, wanted, path in self.links:
            origin = self.follow(name)
            if not origin:
                raise Refused(f"has {shown(name)}, which links to {shown(target)}")
            self.need(origin, wanted, path)
        if self.later:
            for _, member, content in members(self.archive):
                for path, wanted, mode in self.later.get(member.number, ()):
                    self.write(member.number, content, path, wanted.bits(mode))
        return self.lines

    def take(self, raw: str, member: Member, content: IO[bytes] | None) -> None:
        """Takes a member, if anybody wants it."""
        name, flaw = parse(raw)
        takers = [(wanted, path) for wanted in self.wanted if (path := wanted.place(name)) is not None]
        if takers and flaw:
            raise Refused(f"has the name {shown(name)}, which {flaw}")
        if flaw:
            return
        if member.kind == "hard link":
            target, flaw = parse(member.target)
            origin = self.index.get(target)
            if origin and origin.kind == "file" and not flaw:
                member = origin
            elif takers:
                raise Refused(f"has {shown(name)}, a hard link to {shown(target)}, which is not a file before it")
        # Which of two of a name a link means, nobody knows.
        self.index[name] = member._replace(kind="member of two") if name in self.index else member
        parts = name.split("/")
        self.above.update("/".join(parts[:count]) for count in range(1, len(parts)))
        for wanted, path in takers:
            self.found.add(wanted)
            self.put(name, member, content, wanted, path)

    def put(self, name: str, member: Member, content: IO[bytes] | None, wanted: Wanted, path: str) -> None:
        """Puts a wanted member into its place."""
        target = within(path.removeprefix(f"{wanted.to}/"), member.target) if path != wanted.to else None
        if member.kind == "directory" and not wanted.member.endswith("/"):
            raise Refused(f"has {shown(name)}, which is a directory")
        if member.kind not in ("file", "directory", "symbolic link"):
            raise Refused(f"has {shown(name)}, which is a {member.kind}")
        self.place(name, path, member.kind)
        if member.kind == "directory":
            self.make(path)
            return
        self.lines.append(f"{wanted.component}\t{wanted.sha256}{wanted.mode}\t{path}\n")
        if member.kind == "file" and content:
            self.write(member.number, content, path, wanted.bits(member.mode))
        elif member.kind == "file":
            self.need(member, wanted, path)
        elif target is None:
            self.links.append((name, member.target, wanted, path))
        else:
            self.make(os.path.dirname(path))
            os.symlink(target, self.free(path))

    def place(self, name: str, path: str, what: str) -> None:
        """Claims a guest path."""
        parts = path[1:].split("/")
        if len(os.fsencode(path)) > 4095 or any(len(os.fsencode(part)) > 255 for part in parts):
            raise Refused(f"has the name {shown(name)}, which is too long for a guest")
        above = ["/" + "/".join(parts[:count]) for count in range(1, len(parts))]
        known = self.placed.get(path)
        if known and not known[0] == what == "directory":
            raise Refused(f"has {shown(path)} twice: as {shown(known[1])} and as {shown(name)}")
        together = (self.placed.get(folder, ("directory", ""))[0] == "directory" for folder in above)
        if not all(together) or (path in self.folders and what != "directory"):
            raise Refused(f"has {shown(name)} and a file or link in the place of a folder: they cannot be together")
        self.placed[path] = (what, name)
        self.folders.update(above)

    def follow(self, name: str) -> Member | None:
        """The file that a symbolic link leads to within the archive."""
        ahead, at, hops = name.split("/")[::-1], list[str](), 0
        while ahead:
            part = ahead.pop()
            self.steps += 1
            if part in ("", "."):
                continue
            if part == "..":
                if not at:
                    return None
                at.pop()
                continue
            at.append(part)
            here = "/".join(at)
            member = self.index.get(here)
            if member and member.kind == "symbolic link":
                hops += 1
                if hops > HOPS or self.steps > STEPS or len(member.target) > TARGET or member.target.startswith("/"):
                    return None
                ahead.extend(member.target.split("/")[::-1])
                at.pop()
            elif member and member.kind == "file":
                return None if ahead else member
            elif not member and here not in self.above:
                return None
        return None

    def need(self, origin: Member, wanted: Wanted, path: str) -> None:
        """Puts the content of a member there that has been read, now or when it is read again."""
        if origin.number in self.written:
            with open(self.written[origin.number], "rb") as content:
                self.write(origin.number, content, path, wanted.bits(origin.mode))
        else:
            self.later.setdefault(origin.number, []).append((path, wanted, origin.mode))

    def write(self, number: int, content: IO[bytes] | None, path: str, mode: int) -> None:
        """Writes a file; the next that gets the same content has a copy of it."""
        assert content
        if number in self.written:
            content = open(self.written[number], "rb")
        self.make(os.path.dirname(path))
        target = self.free(path)
        with open(target, "xb") as to:
            while data := content.read(PIECE):
                self.size += len(data)
                if self.size > BYTES:
                    raise Refused("has more than 4 GiB")
                to.write(data)
            os.fchmod(to.fileno(), mode)
        self.written[number] = target

    def free(self, path: str) -> str:
        """Where a guest path is in the overlay, which may not have it yet."""
        if os.path.lexists(self.root + path):
            raise Refused(f"has {path}, which is there already")
        return self.root + path

    def make(self, path: str) -> None:
        """Makes a folder and those above it; no link of the overlay is one."""
        at = self.root
        for part in path[1:].split("/"):
            at = f"{at}/{part}"
            if not os.path.lexists(at):
                os.mkdir(at)
            elif not stat.S_ISDIR(os.lstat(at).st_mode):
                raise Refused(f"has {path}, and the overlay a file or link in its way")


def verified(path: str, sha256: str, root: str) -> IO[bytes]:
    """A copy that nobody else can change, with the digest that it is to have: what is read is what was checked."""
    copy = tempfile.TemporaryFile(dir=root)
    with open(path, "rb") as archive:
        shutil.copyfileobj(archive, copy, 1 << 20)
    copy.seek(0)
    found = hashlib.file_digest(copy, "sha256").hexdigest()
    if found != sha256:
        raise Refused(f"has sha256 {found}, expected {sha256}")
    return copy


def main(listing: str, parts: str, root: str) -> None:
    """Takes what is wanted of every release."""
    with open(listing, encoding="utf-8") as lines:
        everything = [Wanted(*line.rstrip("\n").split("\t")) for line in lines]
    for sha256 in dict.fromkeys(wanted.sha256 for wanted in everything):
        wanted = [one for one in everything if one.sha256 == sha256]
        who = f"the release of {wanted[0].component}"
        try:
            with verified(f"{parts}/{sha256}", sha256, root) as archive:
                sys.stdout.writelines(Extraction(wanted, archive, root).run())
        except Refused as error:
            sys.exit(f"{who} {error}")
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            sys.exit(f"{who} cannot be unpacked: {ascii(str(error))[1:-1]}")


if __name__ == "__main__":
    os.umask(0o022)
    main(*sys.argv[1:])
