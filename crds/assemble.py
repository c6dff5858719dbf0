#!/usr/bin/python3
"""Assembles crds/*.yaml from crds/parts. `assemble.py` writes them, `assemble.py --check` fails if they are old."""
import argparse
import copy
import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
PARTS = ("common", "fault", "probe", "load", "load-status", "experiment", "experiment-status")
TIERS = ("ApiOnly", "NoCapabilities", "PodCapabilities", "ProcessTamper", "NodePrivileged")


class Dumper(yaml.SafeDumper):
    """Without YAML anchors: the result is read by people and by kubectl."""

    def ignore_aliases(self, data):
        return True


def load_parts():
    """All parts, constants and rows of faults, by name; a name that comes twice is an error."""
    parts, constants, faults = {}, {}, []
    for name in PARTS:
        document = yaml.safe_load((HERE / "parts" / f"{name}.yaml").read_text())
        for key, value in document.get("parts", {}).items():
            if key in parts:
                sys.exit(f"parts/{name}.yaml: part {key} is there twice")
            parts[key] = value
        constants.update(document.get("constants", {}))
        faults += document.get("faults", [])
    constants.update(fault_constants(faults))
    return parts, constants, faults


def fault_constants(faults):
    """CEL text made from the table of faults: `self` is the fault in FAULT_…, and the spec in the others."""
    properties = list(dict.fromkeys(row["key"].partition(".")[0] for row in faults))  # process.Kill is a row of process

    def is_row(row):
        key, _, action = row["key"].partition(".")
        return f"has(self.fault.{key})" if not action else f"(has(self.fault.{key}) && self.fault.{key}.action == '{action}')"

    def any_of(rows):
        return " || ".join(is_row(row) for row in rows) or "false"

    def named(key):
        with_action = any(row["key"].startswith(key + ".") for row in faults)
        return f"(has(self.fault.{key}) ? ' {key}{' ' if with_action else ''}'" + (f" + self.fault.{key}.action" if with_action else "") + " : '')"

    constants = {
        "FAULT_COUNT": "(" + " + ".join(f"(has(self.{key}) ? 1 : 0)" for key in properties) + ")",
        "FAULT_KEYS": ", ".join(properties),
        "FAULT_NAMES": "(" + " + ".join(f"(has(self.{key}) ? ' {key}' : '')" for key in properties) + ")",
        "SPEC_FAULT_NAMES": "(" + " + ".join(named(key) for key in properties) + ")",
        "FAULT_LASTS": any_of(row for row in faults if row["lasts"]),
        "FAULT_AT_ONCE": any_of(row for row in faults if not row["lasts"]),
    }
    for tier in TIERS:
        constants[f"FAULT_NEEDS_{tier}"] = any_of(row for row in faults if row["tier"] == tier)
    return constants


def resolve(node, parts, constants):
    """`node` with every {$part} and ${constant} replaced."""
    if isinstance(node, dict):
        if "$part" in node:
            whole = copy.deepcopy(parts[node["$part"]])
            whole.update({key: value for key, value in node.items() if key != "$part"})
            return resolve(whole, parts, constants)
        return {key: resolve(value, parts, constants) for key, value in node.items()}
    if isinstance(node, list):
        return [resolve(value, parts, constants) for value in node]
    if isinstance(node, str):
        known = re.sub(r"\$\{(\w+)\}", lambda match: constants[match.group(1)], node)
        return known if known == node else resolve(known, parts, constants)  # a constant may hold another
    return node


def assembled():
    """File name → CRD as a dictionary."""
    parts, constants, _ = load_parts()
    crds = {}
    for crd in yaml.safe_load((HERE / "parts" / "crds.yaml").read_text()):
        whole = {"apiVersion": "apiextensions.k8s.io/v1", **resolve(crd, parts, constants)}
        crds[whole["spec"]["names"]["plural"] + ".yaml"] = whole
    return crds


def printed(crd):
    text = yaml.dump(crd, Dumper=Dumper, sort_keys=False, width=10**6, allow_unicode=True)
    return "# Assembled by crds/assemble.py from crds/parts; edit those.\n" + text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not current")
    check = parser.parse_args().check
    stale = []
    for name, crd in assembled().items():
        path, text = HERE / name, printed(crd)
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if not check:
                path.write_text(text)
    if check and stale:
        sys.exit(f"not current: {' '.join(stale)}: run crds/assemble.py and commit the result")


if __name__ == "__main__":
    main()
