#!/usr/bin/env python3
"""The file tree of an image: one stripped binary, the shared libraries that it loads, and nothing else.

Used by the Dockerfile (rootfs.py BINARY DIRECTORY writes the tree) and by images.py, so that both ship the same.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from docker_archive import Entry  # noqa: E402

# What name lookups by the C library read, and a name for the user that every image runs as.
ETC = {
    "etc/passwd": b"root:x:0:0::/:/sbin/nologin\nchaos:x:65532:65532::/:/sbin/nologin\n",
    "etc/group": b"root:x:0:\nchaos:x:65532:\n",
    "etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files dns\n",
}


def shared_libraries(binary):
    """Paths of all that the loader would load, the loader itself included; none for a static binary."""
    listing = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False)
    if "not a dynamic executable" in listing.stderr + listing.stdout or "statically linked" in listing.stdout:
        return []
    if listing.returncode:
        raise RuntimeError(f"ldd {binary}: {listing.stderr.strip()}")
    missing = re.findall(r"^\s*(\S+) => not found", listing.stdout, re.M)
    if missing:
        raise RuntimeError(f"{binary} needs {', '.join(missing)}, which is not installed")
    return re.findall(r"^\s*(?:\S+ => )?(/\S+) \(0x", listing.stdout, re.M)


def stripped(binary):
    with tempfile.TemporaryDirectory() as directory:
        copy = os.path.join(directory, "copy")
        subprocess.run(["strip", "--strip-all", "-o", copy, binary], check=True)
        return read(copy)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def entries(*binaries):
    """Binaries go to /usr/bin, libraries where the loader looks for them. A link becomes what it points to."""
    tree = {path: Entry(path, content) for path, content in ETC.items()}
    for binary in binaries:
        path = "usr/bin/" + os.path.basename(binary)
        tree[path] = Entry(path, stripped(binary), 0o755)
        for library in shared_libraries(binary):
            tree[library[1:]] = Entry(library[1:], read(library), 0o755)
    return list(tree.values())


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    binary, directory = sys.argv[1:]
    for entry in entries(binary):
        path = os.path.join(directory, entry.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(entry.content)
        os.chmod(path, entry.mode)


if __name__ == "__main__":
    main()
