#!/usr/bin/env python3
"""An image for tests: busybox under all its names, and nft. tools.py OUT.tar prints the reference."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from docker_archive import Entry, content_tag, layer_of, write_archive  # noqa: E402
from rootfs import entries  # noqa: E402


def make(out):
    busybox, nft = shutil.which("busybox"), shutil.which("nft", path="/usr/sbin:/sbin:" + os.environ["PATH"])
    if not busybox or not nft:
        raise RuntimeError("busybox and nft are not installed: run tests/setup.sh")
    tree = entries(busybox, nft)
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    tree += [Entry(f"bin/{applet}", link="/usr/bin/busybox") for applet in applets]
    config = {"Env": ["PATH=/usr/bin:/bin"], "Entrypoint": ["/bin/sh"]}
    layer = layer_of(tree)
    reference = f"rbee.dev/test-tools:{content_tag(layer, config)}"
    with open(out, "wb") as file:
        write_archive(file, reference, layer, config)
    return reference


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(make(sys.argv[1]))
