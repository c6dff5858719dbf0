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
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from rule_places(schema[key], path + (key,))


def _walk(schema, path):
    for key in path:
        schema = schema[key]
    return schema


def without_rule(crd, path, index):
    mutant = copy.deepcopy(crd)
    del _walk(_spec_schema(mutant), path)[RULES][index]
    return mutant


def without_guard(crd, guard):
    """The CRD without one constraint, named as in rows/schema.yaml: spec/run/minimum, spec/required/target."""
    mutant = copy.deepcopy(crd)
    path, _, required = guard.partition("/required/")
    *path, keyword = path.split("/") + (["required"] if required else [])
    schema = _spec_schema(mutant)
    for key in path:
        schema = schema["items"] if key == "items" else schema["properties"][key]
    if required:
        schema[keyword].remove(required)
    else:
        del schema[keyword]
    return mutant


def in_group(crd, group):
    """The CRD as it would be in another API group, where it disturbs nobody."""
    moved = copy.deepcopy(crd)
    moved["metadata"]["name"] = f"{crd['spec']['names']['plural']}.{group}"
    moved["spec"]["group"] = group
    moved["spec"]["names"].pop("shortNames")
    moved["spec"]["names"].pop("categories")
    return moved


class Mutant:
    """What was taken away, where the rows find the copy, of which kinds, and which rows could notice."""

    def __init__(self, title, where, tables, kinds=()):
        self.title, self.where, self.tables, self.kinds = title, where, tables, kinds

    def noticed(self):
        """The first row that does not come out as written, or ''."""
        for table, row in self.tables:
            problem = rows.run(self.where, table, row)
            if problem:
                return f"{table}: {row['name']}: {problem}"
        return ""


def _replaced(node, old, new):
    if isinstance(node, dict):
        return {key: _replaced(value, old, new) for key, value in node.items()}
    if isinstance(node, list):
        return [_replaced(value, old, new) for value in node]
    return node.replace(old, new) if isinstance(node, str) else node


class Nursery:
    """Makes copies on one API server, each with a number of its own. Policies before CRDs, controls last."""

    def __init__(self, api):
        self._api, self._number, self._documents = api, 0, world.manifests()
        self.policies = [d for d in self._documents if d["kind"] == "ValidatingAdmissionPolicy"]

    def crd(self, title, crd, tables):
        self._number += 1
        where = rows.Where(self._api, f"c{self._number}.chaos.rbee.dev")
        self._api.must("POST", world.CRDS, in_group(crd, where.group))
        return Mutant(title, where, tables, (crd["spec"]["names"]["kind"],))

    def policy(self, title, policy, tables):
        """The policy as it would be for another operator (fence) and, if all that it looks at is ours, for another API group."""
        self._number += 1
        name = policy["metadata"]["name"]
        fence, rule = name.startswith("chaos-fence-"), policy["spec"]["matchConstraints"]["resourceRules"][0]
        moved = rule["apiGroups"] == [rows.GROUP]
        where = rows.Where(self._api, f"p{self._number}.chaos.rbee.dev" if moved else rows.GROUP, f"{rows.OPERATOR}-{self._number}" if fence else rows.OPERATOR)
        copied, kinds = copy.deepcopy(policy), ()
        if fence:
            copied = _replaced(copied, f"'{rows.OPERATOR}'", f"'{where.operator}'")
        if moved:
            copied["spec"]["matchConstraints"]["resourceRules"][0]["apiGroups"] = [where.group]
            kinds = tuple(kind for kind, plural in rows.PLURALS.items() if plural in rule["resources"])
            for kind in kinds:
                self._api.must("POST", world.CRDS, in_group(world.crd(rows.PLURALS[kind]), where.group))
        binding = copy.deepcopy(next(d for d in self._documents if d["kind"] == "ValidatingAdmissionPolicyBinding" and d["spec"]["policyName"] == name))
        copied["metadata"]["name"] = binding["metadata"]["name"] = binding["spec"]["policyName"] = f"m{self._number}-{name}"
        world.create(self._api, copied)
        world.create(self._api, binding)
        return Mutant(title, where, tables, kinds)


def _rows_of(policy):
    tables = [(table, row) for table in ("policy", "fence") for row in rows.load(table)]
    return [(table, row) for table, row in tables if row.get("policy") == policy["metadata"]["name"]]


def _likely_first(tables, words):
    """The same rows, those first whose message has most of the words: they notice soonest."""
    return sorted(tables, key=lambda entry: -sum(word in entry[1].get("says", "") for word in words))


def _without_validation(policy, index):
    mutant = copy.deepcopy(policy)
    validations = mutant["spec"]["validations"]
    del validations[index]
    if not validations:  # a policy needs one: one that allows everything
        validations.append({"expression": "true"})
    return mutant


def make_all(api):
    """(mutants, controls): a control is a copy from which nothing was taken away, so every row must hold on it."""
    nursery, mutants, unchanged = Nursery(api), [], []
    for policy in nursery.policies:
        for index in range(len(policy["spec"]["validations"])):
            title = f"{policy['metadata']['name']} validation {index + 1}"
            words = policy["spec"]["validations"][index].get("message", "").split()
            mutants.append(nursery.policy(title, _without_validation(policy, index), _likely_first(_rows_of(policy), words)))
    for kind, plural in rows.PLURALS.items():
        crd = world.crd(plural)
        of_kind = [(table, row) for table in ("cel", "live", "load", "schema") for row in rows.load(table) if row.get("kind", "ChaosExperiment") == kind]
        guarded = [(table, row) for table, row in of_kind if "guard" in row]
        ruled = [(table, row) for table, row in of_kind if "says" in row and "guard" not in row and table != "schema"]
        for path, index in rule_places(_spec_schema(crd)):
            steps = [key for key in path if key != "properties"]
            rule = _walk(_spec_schema(crd), path)[RULES][index]
            words = [".".join(steps)] * 3 + steps + rule.get("message", rule.get("messageExpression", "")).split()
            mutants.append(nursery.crd(f"{kind} {'/'.join(steps) or 'the object'} rule {index + 1}", without_rule(crd, path, index), _likely_first(ruled, words)))
        for table, row in guarded:
            mutants.append(nursery.crd(f"{kind} {row['guard']} ({row['name']})", without_guard(crd, row["guard"]), [(table, row)]))
        unchanged.append((f"the CRD of {kind}", crd, ruled + guarded))
    controls = [nursery.policy(policy["metadata"]["name"], policy, _rows_of(policy)) for policy in nursery.policies]
    return mutants, controls + [nursery.crd(*one) for one in unchanged]


def find_unnoticed(api):
    """Returns (titles that no row noticed, how many were made). Fails when a row does not hold on an unchanged copy."""
    world.give_people_scratch_groups(api)
    mutants, controls = make_all(api)
    for mutant in mutants + controls:
        for kind in mutant.kinds:
            apiserver.wait_for(f"{mutant.where.group} to be served", lambda where=mutant.where, kind=kind: world.served(where, kind))
            world.make_objects(mutant.where, kind)
    for control in controls:  # made last: once they are in force, so is everything before them
        try:
            apiserver.wait_for("the control", lambda control=control: not control.noticed(), seconds=20)
        except AssertionError:
            raise AssertionError(f"a row does not hold on an unchanged copy of {control.title}: {control.noticed()}") from None
    return [mutant.title for mutant in mutants if not mutant.noticed()], len(mutants)
