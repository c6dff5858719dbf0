"""What every stored version of a ChaosExperiment must fulfil so that kubectl wait, kstatus, Flux and Argo read it right."""

NEGATIVE = ("Reconciling", "Stalled")  # there only while they are true


def condition(experiment, kind):
    for item in experiment.get("status", {}).get("conditions", []):
        if item["type"] == kind:
            return item
    return None


def is_true(experiment, kind):
    return (condition(experiment, kind) or {}).get("status") == "True"


def kstatus(experiment):
    """The answer of kstatus (cli-utils, generic rules): Terminating, InProgress, Failed or Current."""
    if "deletionTimestamp" in experiment["metadata"]:
        return "Terminating"
    observed = experiment.get("status", {}).get("observedGeneration")
    if observed is not None and observed != experiment["metadata"]["generation"]:
        return "InProgress"
    if is_true(experiment, "Reconciling"):
        return "InProgress"
    if is_true(experiment, "Stalled"):
        return "Failed"
    ready = condition(experiment, "Ready")
    return "Current" if ready is None or ready["status"] == "True" else "InProgress"


def broken_rules(experiment):
    """The rules of Flux's condition linter, and ours, that this version breaks; [] is what must be."""
    status, generation = experiment.get("status", {}), experiment["metadata"]["generation"]
    observed, conditions = status.get("observedGeneration"), status.get("conditions", [])
    broken = []

    def rule(holds, text):
        if not holds:
            broken.append(text)

    rule(observed is not None, "observedGeneration is there from the first version on (-1)")
    rule(observed is None or observed <= generation, "observedGeneration is never ahead")
    if not conditions:
        rule(observed == -1, "only an object that nobody has looked at has no condition")
        return broken
    ready = condition(experiment, "Ready")
    rule(ready is not None, "Ready exists")
    negative = [kind for kind in NEGATIVE if condition(experiment, kind)]
    rule(all(is_true(experiment, kind) for kind in negative), "Reconciling and Stalled are removed, not set False")
    rule(len(negative) < 2, "never both Reconciling and Stalled")
    if ready and negative:
        rule(ready["status"] == "False", "Ready is False while Reconciling or Stalled")
    for item in conditions:
        rule(item.get("observedGeneration") == observed, f"{item['type']} carries the observedGeneration of the status")
        rule(item.get("reason"), f"{item['type']} has a reason")
    types = [item["type"] for item in conditions]
    rule(len(types) == len(set(types)), "no condition twice")
    finished = is_true(experiment, "Finished")
    rule(finished == (status.get("phase") == "Finished"), "condition Finished says what phase says")
    if finished and observed == generation:
        rule(kstatus(experiment) in ("Current", "Failed"), "a finished experiment is done for kstatus")
        rule(status.get("verdict") == "Passed" or status.get("reason") == "DryRun" or is_true(experiment, "Stalled"),
             "an end that is not Passed is a failure for kstatus")
    else:
        suspended = experiment["spec"].get("suspend") and not status.get("activeRun")
        rule(suspended or kstatus(experiment) == "InProgress", "one that is not finished is in progress for kstatus")
    return broken
