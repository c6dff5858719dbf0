#!/usr/bin/python3
"""crds_to_json.py OUT CRD.yaml...: {"plural.group": openAPIV3Schema} of each CRD's first version."""
import json
import sys

import yaml

schemas = {}
for path in sys.argv[2:]:
    with open(path) as file:
        for crd in yaml.safe_load_all(file):
            if crd:
                schemas[crd["metadata"]["name"]] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
with open(sys.argv[1], "w") as file:
    json.dump(schemas, file)
