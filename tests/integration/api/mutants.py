"""Takes each rule away, in scratch copies beside the real thing, and looks for a row that notices.

A copy of the CRD without one rule is a CRD in an API group of its own; a copy of a policy without one validation is bound
to an operator (or a group) of its own. So all of them live at once, and the real tables are not disturbed.
"""
import copy

import apiserver
import rows
import world

RULES = "x-kubernetes-validations"


def _spec_schema(crd):
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def rule_places(schema, path=()):
    """(path to the schema, index) of every rule, depth first."""
    for index in range(len(schema.get(RULES, []))):
        yield path, index
    for key, value in schema.get("properties", {}).items():
        yield from rule_places(value, path + ("properties", key))
    if isinstance(schema.get("items"), dict):
        yield from rule_places(schema["items"], path + ("items",))


def _walk(schema, path):
    for key in path:
        schema = schema[key]
    return schema


def without_rule(crd, path, index):
    mutant = copy.deepcopy(crd)
    del _walk(_spec_schema(mutant), path)[RULES][index]
    return mutant


def without_guard(crd, guard):
    """The CRD without one constraint, named as in rows/schema.yaml: spec/safety/maxTargets/minimum."""
    mutant = copy.deepcopy(crd)
    *path, keyword = guard.split("/")
    schema = _spec_schema(mutant)
    for key in path:
        schema = schema["items"] if key == "items" else schema.get("items", schema)["properties"][key]
    del schema[keyword]
    return mutant


def in_group(crd, group):
    """The CRD as it would be in another API group, where it disturbs nobody."""
    moved = copy.deepcopy(crd)
    moved["metadata"]["name"] = f"chaosexperiments.{group}"
    moved["spec"]["group"] = group
    moved["spec"]["names"].pop("shortNames")
    moved["spec"]["names"].pop("categories")
    return moved


class Mutant:
    """What was taken away, where the rows find the copy, and which rows could notice."""

    def __init__(self, title, where, tables):
        self.title, self.where, self.tables = title, where, tables

    def unnoticed(self):
        """True when every row still comes out as written: the rule guards nothing that a row sees."""
        return not any(rows.run(self.where, table, row) for table, row in self.tables)


def crd_mutants(api):
    crd, number = world.crd(), 0
    spec_rows = [("cel", row) for row in rows.load("cel")] + [("live", row) for row in rows.load("live")]
    for path, index in rule_places(_spec_schema(crd)):
        number += 1
        where = rows.Where(api, f"c{number}.chaos.rbee.dev")
        api.must("POST", world.CRDS, in_group(without_rule(crd, path, index), where.group))
        place = "/".join(key for key in path if key != "properties") or "the object"
        yield Mutant(f"{place} rule {index + 1}", where, spec_rows)
    for row in rows.load("schema"):
        if "guard" in row:
            number += 1
            where = rows.Where(api, f"c{number}.chaos.rbee.dev")
            api.must("POST", world.CRDS, in_group(without_guard(crd, row["guard"]), where.group))
            yield Mutant(f"{row['guard']} ({row['name']})", where, [("schema", row)])


def _replaced(node, old, new):
    if isinstance(node, dict):
        return {key: _replaced(value, old, new) for key, value in node.items()}
    if isinstance(node, list):
        return [_replaced(value, old, new) for value in node]
    return node.replace(old, new) if isinstance(node, str) else node


def policy_mutants(api):
    documents = world.manifests()
    bindings = {d["spec"]["policyName"]: d for d in documents if d["kind"] == "ValidatingAdmissionPolicyBinding"}
    tables = [(table, row) for table in ("policy", "fence") for row in rows.load(table)]
    number = 0
    for policy in (d for d in documents if d["kind"] == "ValidatingAdmissionPolicy"):
        name, fence = policy["metadata"]["name"], policy["metadata"]["name"].startswith("chaos-fence-")
        mine = [(table, row) for table, row in tables if row.get("policy") == name]
        for index in range(len(policy["spec"]["validations"])):
            number += 1
            user, group = (f"{rows.OPERATOR}-{number}", rows.GROUP) if fence else (rows.OPERATOR, f"p{number}.chaos.rbee.dev")
            where = rows.Where(api, group, user)
            copied = copy.deepcopy(policy)
            del copied["spec"]["validations"][index]
            if not copied["spec"]["validations"]:  # a policy needs one: put in one that allows everything
                copied["spec"]["validations"] = [{"expression": "true"}]
            if fence:
                copied = _replaced(copied, f"'{rows.OPERATOR}'", f"'{user}'")
            else:
                copied["spec"]["matchConstraints"]["resourceRules"][0]["apiGroups"] = [group]
                api.must("POST", world.CRDS, in_group(world.crd(), group))
            binding = copy.deepcopy(bindings[name])
            copied["metadata"]["name"] = binding["metadata"]["name"] = binding["spec"]["policyName"] = f"m{number}-{name}"
            world.create(api, copied)
            world.create(api, binding)
            yield Mutant(f"{name} validation {index + 1}", where, mine)


def find_unnoticed(api):
    """Makes all mutants; returns (titles that no row noticed, how many there were)."""
    world.give_people_scratch_groups(api)
    mutants = list(policy_mutants(api)) + list(crd_mutants(api))
    for mutant in mutants:
        if mutant.where.group != rows.GROUP:
            apiserver.wait_for(f"{mutant.where.group} to be served", lambda where=mutant.where: world.served(where))
            world.make_experiments(mutant.where)
    return [mutant.title for mutant in mutants if mutant.unnoticed()], len(mutants)
