#!/usr/bin/env python3
"""Makes the images that the Dockerfile describes from binaries that are built already, without a registry or daemon.

Writes one docker archive per target and images.json (target -> reference, file, bytes) into OUT. A reference ends
in a tag made from the content, so it never means two things. Which binary, user and entry point an image has is
read from the Dockerfile: there is no second list.
"""
import argparse
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from docker_archive import content_tag, layer_of, write_archive  # noqa: E402
from rootfs import entries  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INSTRUCTION = re.compile(r"^(FROM|RUN|COPY|USER|ENTRYPOINT|ENV|LABEL|WORKDIR)\s+(.*)$")


class DockerfileError(Exception):
    """A sentence about what the Dockerfile says that this script cannot do."""


def instructions(text):
    text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        match = INSTRUCTION.match(line)
        if not match:
            raise DockerfileError(f"instruction not understood: {line}")
        yield match.groups()


def parse_dockerfile(text):
    """{target: {"binary": path below the build directory, "config": image configuration}}"""
    targets, current, trees = {}, None, {}
    for instruction, value in instructions(text):
        if instruction == "FROM":
            base, _, target = value.partition(" AS ")
            current = None if base != "scratch" else targets.setdefault(target, {"config": {}})
            continue
        if current is None:
            found = re.findall(r"rootfs\.py (build/\w+)/(\S+) (/image/\S+)", value)
            trees.update({tree: binary for _, binary, tree in found})
        elif instruction == "COPY":
            tree = re.fullmatch(r"--from=build (/image/\S+) /", value)
            if not tree or tree[1] not in trees:
                raise DockerfileError(f"a runtime stage copies one tree made by rootfs.py, not: {value}")
            current["binary"] = trees[tree[1]]
        elif instruction == "USER":
            current["config"]["User"] = value
        elif instruction == "ENTRYPOINT":
            current["config"]["Entrypoint"] = json.loads(value)
        else:
            raise DockerfileError(f"not supported in a runtime stage: {instruction} {value}")
    return targets


def make(build, out, prefix, wanted=None):
    with open(os.path.join(ROOT, "Dockerfile"), encoding="utf-8") as file:
        targets = parse_dockerfile(file.read())
    unknown = set(wanted or []) - set(targets)
    if unknown:
        raise DockerfileError(f"no target {', '.join(sorted(unknown))}; there are: {', '.join(targets)}")
    os.makedirs(out, exist_ok=True)
    made = {}
    for target, image in targets.items():
        if wanted and target not in wanted:
            continue
        binary = os.path.join(build, image["binary"])
        if not os.path.exists(binary):
            raise DockerfileError(f"{binary} is not built yet")
        layer = layer_of(entries(binary))
        name = os.path.basename(binary)
        reference = f"{prefix}/{name}:{content_tag(layer, image['config'])}"
        path = os.path.join(out, name + ".tar")
        with open(path + ".part", "wb") as file:
            write_archive(file, reference, layer, image["config"])
        os.replace(path + ".part", path)
        made[target] = {"reference": reference, "file": path, "bytes": len(layer)}
    with open(os.path.join(out, "images.json"), "w", encoding="utf-8") as file:
        json.dump(made, file, indent=2)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="*", help="targets of the Dockerfile (default: all)")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/dev"), help="build directory (default: build/dev)")
    parser.add_argument("--out", help="where the archives go (default: images in the build directory)")
    parser.add_argument("--prefix", default="rbee.dev", help="registry and path of the references (default: rbee.dev)")
    arguments = parser.parse_args()
    try:
        made = make(arguments.build, arguments.out or os.path.join(arguments.build, "images"), arguments.prefix,
                    arguments.target)
    except (DockerfileError, RuntimeError) as error:
        sys.exit(f"images.py: {error}")
    for image in made.values():
        print(f"{image['reference']:<44} {image['bytes'] / 1e6:6.1f} MB  {image['file']}")


if __name__ == "__main__":
    main()
