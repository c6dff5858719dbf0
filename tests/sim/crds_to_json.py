#!/usr/bin/python3
"""crds_to_json.py OUT CRD.yaml...: {"plural.group": openAPIV3Schema} of each CRD's first version."""
import json
import sys

import yaml


def check_keys(value, path):
    """YAML reads some words as truth values: a field of such a name must be quoted."""
    if isinstance(value, dict):
        for key, below in value.items():
            if not isinstance(key, str):
                sys.exit(f"{path}: the key {key!r} is no text: quote it")
            check_keys(below, f"{path}.{key}")
    elif isinstance(value, list):
        for below in value:
            check_keys(below, path)


schemas = {}
for path in sys.argv[2:]:
    with open(path) as file:
        for crd in yaml.safe_load_all(file):
            if crd:
                check_keys(crd, path)
                schemas[crd["metadata"]["name"]] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
with open(sys.argv[1], "w") as file:
    json.dump(schemas, file)
