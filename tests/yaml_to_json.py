#!/usr/bin/python3
"""yaml_to_json.py OUT FILE.yaml...: {"name of the file without .yaml": its first document}, for tests that read no YAML."""
import json
import pathlib
import sys

import yaml

documents = {pathlib.Path(path).stem: yaml.safe_load(pathlib.Path(path).read_text()) for path in sys.argv[2:]}
pathlib.Path(sys.argv[1]).write_text(json.dumps(documents))
