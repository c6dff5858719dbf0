#!/usr/bin/env python3
"""Images of one layer as docker archives, which every container runtime reads, without a daemon or registry.

The same files give the same bytes. As a command: docker_archive.py REFERENCE STATIC_BINARY > image.tar
"""
import hashlib
import io
import json
import os
import platform
import sys
import tarfile
from dataclasses import dataclass

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Entry:
    """One file, link or directory of a layer; owned by root, never newer than 1970."""

    path: str  # without a leading slash
    content: bytes = b""
    mode: int = 0o644
    link: str = ""
    directory: bool = False


def layer_of(entries):
    """The layer's tar, with the directories that the entries need."""
    by_path = {}
    for entry in entries:
        parent = os.path.dirname(entry.path)
        while parent:
            by_path.setdefault(parent, Entry(parent, mode=0o755, directory=True))
            parent = os.path.dirname(parent)
        by_path[entry.path] = entry
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(by_path):
            entry = by_path[path]
            info = tarfile.TarInfo(path)
            info.mode, info.mtime = entry.mode, 0
            if entry.directory:
                info.type = tarfile.DIRTYPE
            elif entry.link:
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
            else:
                info.size = len(entry.content)
            tar.addfile(info, io.BytesIO(entry.content))
    return out.getvalue()


def content_tag(layer, config):
    """Changes with anything that the image does: a reference with this tag never means another image."""
    return hashlib.sha256(layer + json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]


def write_archive(out, reference, layer, config):
    """`config` is what a Dockerfile says: Entrypoint, User, Env, Labels, …"""
    layer_id = hashlib.sha256(layer).hexdigest()
    document = json.dumps({
        "architecture": ARCHITECTURES[platform.machine()], "os": "linux", "created": "1970-01-01T00:00:00Z",
        "config": config, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + layer_id]},
        "history": [{"created": "1970-01-01T00:00:00Z"}],
    }, sort_keys=True).encode()
    config_name = hashlib.sha256(document).hexdigest() + ".json"
    manifest = [{"Config": config_name, "RepoTags": [reference], "Layers": [layer_id + "/layer.tar"]}]
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in ((config_name, document), (layer_id + "/layer.tar", layer),
                           ("manifest.json", json.dumps(manifest).encode())):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    reference, binary = sys.argv[1:]
    name = os.path.basename(binary)
    with open(binary, "rb") as file:
        layer = layer_of([Entry(name, file.read(), 0o755)])
    write_archive(sys.stdout.buffer, reference, layer, {"Entrypoint": ["/" + name], "User": "65532:65532"})


if __name__ == "__main__":
    main()
