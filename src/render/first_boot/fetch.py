"""Fetches parts of an overlay over HTTP, and resumes what an earlier run left: python3 -I fetch.py LIST FOLDER PARTS."""
# LIST has a line for each part: its digest, what it is, its size, its file on a volume, its URLs with blanks between them; tabs are
# between the fields. A part is fetched into FOLDER, and linked by its digest into PARTS when it has that digest. Why one could not be
# fetched goes to standard output, each reason after `; `; then the exit code is 1. A URL may hold credentials: the list has them,
# and no command line or message has. User-data has this program where there are URLs, so it is short.

import base64
import hashlib
import os
import re
import sys
import time
import urllib.parse
import urllib.request

PAUSES = (2, 5, 10, 20, 0)  # seconds, after each round over the URLs


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
    end = time.monotonic() + 3600
    with urllib.request.urlopen(request, timeout=60) as answer:
        resumes = getattr(answer, "status", None) == 206
        left = size + 1 - have * resumes
        with open(path, "ab" if resumes else "wb") as file:
            while data := answer.read(min(left, 1 << 20)):
                left -= file.write(data)
                if time.monotonic() > end:
                    raise OSError("not complete after an hour")
        if left and getattr(answer, "length", None):
            raise OSError("the response was cut off")


def flaw(path: str, sha256: str, size: int) -> str:
    """What is wrong with a file that should be a part."""
    found = str(os.path.getsize(path))
    if int(found) > size:
        return f"has {found} bytes, expected {size}"
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if found == sha256 else f"has sha256 {found}, expected {sha256}"


def explain(error: Exception) -> str:
    """What an error says, unless that could be a part of the URL."""
    if hasattr(error, "code"):
        return str(error)
    return str(getattr(error, "reason", error)) if isinstance(error, OSError) else type(error).__name__


def attempt(url: str, path: str, sha256: str, what: str, size: int) -> tuple[str, bool]:
    """Why a URL does not give a part, or nothing, and whether it may later."""
    where = re.sub("//[^/]*@", "//", re.split("[?#]", url)[0])
    had = os.path.exists(path)
    try:
        download(url, path, size)
    # Whatever a URL or a server does is the failure of this URL alone.
    except Exception as error:  # noqa: BLE001
        refused = hasattr(error, "code")
        if refused and had:
            os.remove(path)  # it may be what cannot be resumed
        return f"cannot fetch {what} from {where}: {explain(error)}", had or not refused
    wrong = flaw(path, sha256, size)
    if wrong:
        os.remove(path)
    return wrong and f"{what} at {where} {wrong}", False


def fetch(path: str, sha256: str, what: str, size: int, urls: list[str]) -> bool:
    """Fetches a part from the first URL that has it."""
    if os.path.exists(path) and os.path.getsize(path) >= size:
        if not flaw(path, sha256, size):
            return True
        os.remove(path)
    for pause in PAUSES:
        for url in urls[:]:
            problem, later = attempt(url, path, sha256, what, size)
            if not problem:
                return True
            if not (later and pause):
                print(f"; {problem}", end="")
                urls.remove(url)
        if not urls:
            break
        time.sleep(pause)
    return False


def main(listing: str, folder: str, parts: str) -> None:
    """Fetches all parts, up to the first that fails."""
    os.makedirs(folder, exist_ok=True)
    with open(listing) as lines:
        for line in lines:
            sha256, what, size, _, urls = line.rstrip("\n").split("\t")
            path = os.path.abspath(f"{folder}/{sha256}")
            if not fetch(path, sha256, what, int(size), urls.split()):
                sys.exit(1)
            os.symlink(path, f"{parts}/{sha256}")


try:
    main(*sys.argv[1:])
except OSError as error:
    print(f"; cannot keep what is fetched: {error}", end="")
    sys.exit(1)
