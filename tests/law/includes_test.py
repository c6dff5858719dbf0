#!/usr/bin/env python3
"""The layers of the product may include each other in one direction only."""
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PRODUCT = ("operator", "controllers", "injectors")

# Which directories the files of a directory may include from; the longest prefix that fits is the layer.
MAY_INCLUDE = {
    "operator/base": ["operator/base"],
    "operator/kube": ["operator/base", "operator/kube"],
    "injectors/protocol": ["operator/base", "injectors/protocol"],
    "injectors": ["operator/base", "injectors"],
    "controllers": ["operator/base", "operator/kube", "injectors/protocol", "controllers"],
    "operator": ["operator", "controllers", "injectors/protocol"],
}

# Deciding is pure: it gets time and state as values.
PURE = re.compile(r"controllers/\w+/(plan|guard|select|verdict)\w*\.(h|cc)$")
NOT_IN_PURE = re.compile(r'"operator/kube/(client|transport|store|watch|queue)\.h"|"operator/base/(clock|random)\.h"')

# Libraries that are slow to compile or doubtful stay in the files named here.
CONFINED = {
    re.compile(r"<cpprest/|<pplx/"): ["operator/kube/rest_cpprest.cc"],
    re.compile(r"<boost/beast"): ["operator/kube/beast_connection.h", "operator/kube/beast_connection.cc",
                                  "operator/kube/rest_beast.cc", "operator/kube/stream_beast.cc",
                                  "operator/base/net/http_server.cc"],
    re.compile(r"<boost/beast/websocket|<boost/asio/(co_spawn|awaitable|spawn)"): [],
}


def sources():
    for top in PRODUCT:
        for parent, _, files in os.walk(os.path.join(ROOT, top)):
            for name in files:
                if name.endswith((".h", ".cc")):
                    path = os.path.join(parent, name)
                    with open(path, encoding="utf-8") as file:
                        yield os.path.relpath(path, ROOT), file.read()


def includes(text):
    return re.findall(r'^\s*#\s*include\s+(["<][^">]+[">])', text, re.M)


def below(path, directory):
    return path.startswith(directory + "/")


def layer(path):
    return max((d for d in MAY_INCLUDE if below(path, d)), key=len)


def breaches(path, text):
    """Sentences about what this file includes and must not."""
    own = layer(path)
    for include in includes(text):
        target = include[1:-1]
        if include[0] == '"':
            if not any(below(target, top) for top in PRODUCT):
                yield f"{path} includes {include}: say it from the root of the repository"
            elif not any(below(target, allowed) for allowed in MAY_INCLUDE[own]):
                yield f"{path} includes {include}: {own} may not"
        if PURE.search(path) and NOT_IN_PURE.fullmatch(include):
            yield f"{path} includes {include}: what decides gets values, no client and no clock"
        for library, files in CONFINED.items():
            if library.match(include) and path not in files:
                yield f"{path} includes {include}: only {', '.join(files) or 'nobody'} may"


class Includes(unittest.TestCase):
    def test_every_file_keeps_the_law(self):
        found = [breach for path, text in sources() for breach in breaches(path, text)]
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_there_is_something_to_look_at(self):
        self.assertGreater(len(list(sources())), 20)

    def test_what_breaks_the_law_is_seen(self):
        for path, include, expected in (
            ("injectors/partition.cc", '"operator/kube/client.h"', "injectors may not"),
            ("injectors/protocol/events.cc", '"injectors/fault.h"', "injectors/protocol may not"),
            ("operator/base/json.cc", '"operator/kube/object.h"', "operator/base may not"),
            ("operator/kube/watch.cc", '"controllers/chaosexperiment/plan.h"', "operator/kube may not"),
            ("controllers/chaosexperiment/plan.h", '"operator/manager.h"', "controllers may not"),
            ("controllers/chaosexperiment/reconciler.cc", '"injectors/fault.h"', "controllers may not"),
            ("operator/main.cc", '"injectors/fault.h"', "operator may not"),
            ("controllers/chaosexperiment/plan.cc", '"operator/base/clock.h"', "no client and no clock"),
            ("controllers/chaosexperiment/guard.h", '"operator/kube/client.h"', "no client and no clock"),
            ("controllers/chaosexperiment/verdict_text.cc", '"operator/base/random.h"', "no client and no clock"),
            ("operator/kube/watch.cc", "<cpprest/http_client.h>", "only operator/kube/rest_cpprest.cc may"),
            ("operator/main.cc", "<boost/beast/core.hpp>", "only operator/kube/beast_connection.h"),
            ("operator/kube/stream_beast.cc", "<boost/beast/websocket.hpp>", "only nobody may"),
            ("injectors/partition.cc", '"fault.h"', "from the root of the repository"),
        ):
            with self.subTest(path=path, include=include):
                self.assertIn(expected, " ".join(breaches(path, f"#include {include}\n")))

    def test_what_the_law_allows_is_no_breach(self):
        for path, include in (
            ("controllers/chaosexperiment/plan.h", '"injectors/protocol/events.h"'),
            ("controllers/chaosexperiment/reconciler.cc", '"operator/base/clock.h"'),
            ("injectors/partition.cc", '"operator/base/result.h"'),
            ("operator/main.cc", '"controllers/chaosexperiment/reconciler.h"'),
            ("operator/kube/rest_cpprest.cc", "<cpprest/http_client.h>"),
        ):
            with self.subTest(path=path, include=include):
                self.assertEqual(list(breaches(path, f"#include {include}\n")), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
