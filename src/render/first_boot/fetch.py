"""Fetches parts of an overlay over HTTP, and resumes what an earlier run left."""
#     python3 -I fetch.py LIST FOLDER PARTS
#
# LIST has a line for each part: its digest, what it is, its size, its file on a volume, its URLs with blanks between them; tabs are
# between the fields. A part is fetched into FOLDER, and linked by its digest into PARTS when it has that digest. Why one could not be
# fetched goes to standard output, each reason after `; `; then the exit code is 1. A URL may hold credentials: the list has them,
# and no command line or message has.

import base64
import hashlib
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import NamedTuple

PAUSES = (2, 5, 10, 20, 0)  # seconds after a round over the URLs that may have the part later
SILENCE, LIMIT = 60, 3600  # seconds without a byte, and for one answer
PIECE = 1 << 20


class Part(NamedTuple):
    """A line of the list."""

    sha256: str
    what: str
    size: int
    urls: list[str]

    def flaw(self, path: str) -> str:
        """What is wrong with a file that should be the part."""
        found = os.path.getsize(path)
        if found > self.size:
            return f"has {found} bytes, expected {self.size}"
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return "" if digest == self.sha256 else f"has sha256 {digest}, expected {self.sha256}"


class Failed(Exception):
    """Why a URL did not give the part."""

    def __init__(self, reason: str, *, retry: bool) -> None:
        super().__init__(reason)
        self.retry = retry


def download(url: str, path: str, size: int) -> None:
    """Adds to a file what it lacks, and one byte at most of what is too much."""
    parts = urllib.parse.urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(parts._replace(netloc=host).geturl())
    if user:
        token = base64.b64encode(urllib.parse.unquote(user).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    have = os.path.getsize(path) if os.path.exists(path) else 0
    if have:
        request.add_header("Range", f"bytes={have}-")
    end = time.monotonic() + LIMIT
    with urllib.request.urlopen(request, timeout=SILENCE) as answer:
        resumes = getattr(answer, "status", None) == 206
        left = size + 1 - (have if resumes else 0)
        with open(path, "ab" if resumes else "wb") as file:
            while data := answer.read(min(left, PIECE)):
                left -= file.write(data)
                if time.monotonic() > end:
                    raise TimeoutError(f"not complete after {LIMIT} s")
        if left and getattr(answer, "length", None):
            raise ConnectionError("the response was cut off")


def explain(error: Exception) -> str:
    """What an error says, unless that could be a part of the URL."""
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        return str(error.reason)
    return str(error) if isinstance(error, OSError) else type(error).__name__


def fetch(part: Part, url: str, path: str) -> None:
    """Fetches the part from one URL."""
    where = re.sub("//[^/]*@", "//", re.split("[?#]", url)[0])
    if os.path.exists(path) and os.path.getsize(path) >= part.size:
        if not part.flaw(path):
            return
        os.remove(path)
    had = os.path.exists(path)
    try:
        download(url, path, part.size)
    except Exception as error:
        refused = isinstance(error, urllib.error.HTTPError)
        if refused and had:
            os.remove(path)  # it may be what cannot be resumed
        reason = f"cannot fetch {part.what} from {where}: {explain(error)}"
        raise Failed(reason, retry=had or not refused) from None
    if flaw := part.flaw(path):
        os.remove(path)
        raise Failed(f"{part.what} at {where} {flaw}", retry=False)


def fetch_from_any(part: Part, path: str) -> bool:
    """Fetches the part from the first URL that has it."""
    urls = part.urls
    for pause in PAUSES:
        later = []
        for url in urls:
            try:
                fetch(part, url, path)
                return True
            except Failed as failed:
                if failed.retry and pause:
                    later.append(url)
                else:
                    print(f"; {failed}", end="")
        urls = later
        if not urls:
            break
        time.sleep(pause)
    return False


def main(listing: str, folder: str, parts: str) -> None:
    """Fetches all parts, up to the first that cannot be had."""
    os.makedirs(folder, exist_ok=True)
    with open(listing, encoding="utf-8") as lines:
        for line in lines:
            sha256, what, size, _, urls = line.rstrip("\n").split("\t")
            path = os.path.abspath(os.path.join(folder, sha256))
            if not urls or not fetch_from_any(Part(sha256, what, int(size), urls.split()), path):
                sys.exit(1)
            os.symlink(path, os.path.join(parts, sha256))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        print(f"; cannot keep what is fetched: {error}", end="")
        sys.exit(1)
