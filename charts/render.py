#!/usr/bin/python3
"""Prints what `kubectl apply -f -` installs, without Helm: install.yaml with your image references in place of the chart's defaults.

  charts/render.py --images images.json --bind rbee --bind other | kubectl apply -f -

The chart (charts/chaos-operator) is the source; install.yaml is its rendering, and a test holds that this prints exactly what
`helm template` makes of the same images and namespaces. So whoever has no Helm, demo and tests included, needs none.

images.json: {"operator": "REF", "injector": "REF", "load": "REF"}, or {"reference": "REF", …} in place of a REF, as
tests/images/images.py writes it; a key that is missing or unknown is an error ("rbee-sim", the system under test of the
demo, may be there and is not used). --bind gives the operator its rights on
targets in a namespace, which must exist; that a fault may really happen there is the label chaos.rbee.dev/max-tier's business.
--allow-injector lets the fence admit a further injector image, such as the old one while an upgrade waits for live runs.
"""
import argparse
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
NEEDED, IGNORED = ("operator", "injector", "load"), ("rbee-sim",)
DEFAULT = "rbee.dev/chaos-{}:dev"  # in values.yaml
REFERENCE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9./:@_-]{0,511}")
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
BINDING = """---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: chaos-operator-target, namespace: {0}, labels: {{app.kubernetes.io/part-of: rbee-chaos}}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: chaos-operator-target}}
subjects: [{{kind: ServiceAccount, name: chaos-operator, namespace: rbee-chaos-system}}]
"""


def read_images(text):
    """The manifest as a dictionary; exits with a sentence when it is not one of ours."""
    try:
        images = json.loads(text)
    except ValueError as error:
        sys.exit(f"the image manifest is not JSON: {error}")
    if not isinstance(images, dict):
        sys.exit('the image manifest must be an object such as {"operator": "REF", "injector": "REF", "load": "REF"}')
    missing = [key for key in NEEDED if key not in images]
    unknown = [key for key in images if key not in NEEDED + IGNORED]
    if missing or unknown:
        sys.exit("the image manifest" + (f" lacks {', '.join(missing)}" if missing else "") + (" and" if missing and unknown else "") +
                 (f" has unknown {', '.join(unknown)}" if unknown else ""))
    images = {key: value.get("reference") if isinstance(value, dict) else value for key, value in images.items()}
    for key in NEEDED:
        if not isinstance(images[key], str) or not REFERENCE.fullmatch(images[key]):
            sys.exit(f"the image manifest's {key} is not an image reference: {images[key]!r}")
    return images


def render(images, namespaces, more_injectors=()):
    """The manifests as text. Fails if the chart's name of an image is not in install.yaml."""
    text = (HERE / "install.yaml").read_text()
    allowed = f"'{DEFAULT.format('injector')}'"  # as the fence lists those that may be injected
    for old, new in {allowed: f"'{','.join([images['injector'], *more_injectors])}'", **{DEFAULT.format(key): images[key] for key in NEEDED}}.items():
        if old not in text:
            sys.exit(f"charts: install.yaml has no {old}")
        text = text.replace(old, new)
    return text + "".join(BINDING.format(namespace) for namespace in namespaces)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", required=True, metavar="FILE", help="image manifest; - reads it from stdin")
    parser.add_argument("--bind", action="append", default=[], metavar="NAMESPACE", help="let the operator work in this namespace")
    parser.add_argument("--allow-injector", action="append", default=[], metavar="REF", help="a further image that the fence admits")
    arguments = parser.parse_args()
    for reference in arguments.allow_injector:
        if not REFERENCE.fullmatch(reference):
            sys.exit(f"--allow-injector {reference}: not an image reference")
    for namespace in arguments.bind:
        if not NAMESPACE.fullmatch(namespace):
            sys.exit(f"--bind {namespace}: not the name of a namespace")
    try:
        text = sys.stdin.read() if arguments.images == "-" else pathlib.Path(arguments.images).read_text()
    except OSError as error:
        sys.exit(f"--images {arguments.images}: {error.strerror}")
    sys.stdout.write(render(read_images(text), arguments.bind, arguments.allow_injector))


if __name__ == "__main__":
    main()
