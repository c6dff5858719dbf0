"""The rows of tests/integration/api/rows/condition.yaml: what is created, and what condition Accepted must then say."""
import re
import sys

import yaml

from harness import ROOT, Failure, say, until

sys.path.insert(0, str(ROOT / "tests/integration/api"))
from rows import ROWS, merge  # noqa: E402


class Table:
    """Knows which rows have been judged, and what was wrong with them."""

    def __init__(self):
        self.base = yaml.safe_load((ROWS / "base.yaml").read_text())["ChaosExperiment"]
        self.rows = yaml.safe_load((ROWS / "condition.yaml").read_text())
        self.judged, self.wrong = set(), []

    def of(self, world=None):
        """The rows that need this of the world; without it, those that need nothing."""
        return [row for row in self.rows if list(row.get("world", {})) == ([world] if world else [])]

    def name(self, row):
        return f"row-{self.rows.index(row):02}"

    def create(self, row, world, **annotations):
        metadata = {"name": self.name(row), "namespace": world.name, "annotations": annotations}
        world.create(merge(merge(self.base, row.get("change", {})), {"metadata": metadata}))

    def judge(self, row, world, timeout=60):
        """Waits until the condition says what the row wants; notes what it says instead."""
        self.judged.add(row["name"])
        seen, finished = {}, row.get("finished", False)

        def as_written():
            status = world.get(self.name(row))["status"]
            conditions = {c["type"]: c for c in status.get("conditions", [])}
            accepted = conditions.get("Accepted", {})
            seen.update(phase=status["phase"], verdict=status.get("verdict"), accepted=accepted, injected=conditions.get("Injected", {}).get("status"))
            return (accepted.get("status") == "False" and accepted["reason"] == row["reason"] and re.search(row["message"], accepted["message"])
                    and (status["phase"], status.get("verdict")) == (("Finished", "Inconclusive") if finished else ("Pending", None))
                    and seen["injected"] != "True")

        try:
            until(row["name"], as_written, timeout)
            say(f"{row['name']:<40} {seen['accepted']['reason']}: {seen['accepted']['message']}")
        except Failure:
            self.wrong.append(f"{row['name']}: wants {row['reason']} /{row['message']}/{' and the end' if finished else ''}, got {seen}")
            say(f"WRONG {self.wrong[-1]}")
