#!/usr/bin/python3
"""images.json for a cluster that pulls from a registry: prefix_images.py PREFIX images.json > prefixed.json"""
import json
import sys

prefix, path = sys.argv[1].rstrip("/"), sys.argv[2]
references = {}
with open(path, encoding="utf-8") as file:
    for name, image in json.load(file).items():
        reference = image if isinstance(image, str) else image["reference"]
        references[name] = prefix + "/" + reference.rsplit("/", 1)[-1]
        print(f"needs {references[name]}, as {reference} was built here", file=sys.stderr)
json.dump(references, sys.stdout)
