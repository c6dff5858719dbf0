#!/usr/bin/env python3
"""The node's configuration and its cgroup, for hosts with cgroup v1 and v2."""
import json
import os
import subprocess
import unittest

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))


def shell(script):
    libraries = "".join(f'. "{HERE}/lib/{name}.sh"; ' for name in ("common", "cgroup", "config"))
    done = subprocess.run(["bash", "-euc", libraries + script], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise AssertionError(f"{script}\nexit code {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class Configuration(unittest.TestCase):
    def test_the_kubelet_accepts_v1_only_where_there_is_no_v2(self):
        v1, v2 = (yaml.safe_load(shell(f"kubelet_config {version} some-group")) for version in ("v1", "v2"))
        self.assertIs(v1.pop("failCgroupV1"), False)
        self.assertEqual(v1, v2)

    def test_pods_stay_in_the_clusters_own_cgroup_and_swap_stays_on(self):
        for version in ("v1", "v2"):
            config = yaml.safe_load(shell(f"kubelet_config {version} some-group"))
            self.assertEqual(config["cgroupRoot"], "/some-group")
            self.assertEqual(config["cgroupDriver"], "cgroupfs")
            self.assertIs(config["failSwapOn"], False)

    def test_containerd_gets_the_snapshotter_and_the_oom_rule(self):
        config = shell("containerd_config native false")
        self.assertIn('snapshotter = "native"', config)
        self.assertIn("restrict_oom_score_adj = false", config)
        self.assertIn("restrict_oom_score_adj = true", shell("containerd_config overlayfs true"))

    def test_the_rest_can_be_parsed(self):
        self.assertEqual(json.loads(shell("cni_config"))["plugins"][0]["type"], "ptp")
        self.assertEqual(yaml.safe_load(shell("proxy_config"))["mode"], "nftables")


class Cgroup(unittest.TestCase):
    """On real hierarchies: all of v2's steps run on a mounted cgroup2 tree, whether or not the host uses it."""

    # Inside a mount namespace the one hierarchy of that kind is where the functions look.
    ON_V2 = """
        cgroup_roots() { case $1 in v1) ;; *) echo "$tree" ;; esac; }
        tree=$(mktemp -d); mount -t cgroup2 none "$tree"; trap 'umount "$tree"; rmdir "$tree"' EXIT
    """

    def life(self, version, before=""):
        name = f"rbee-chaos-cgtest-{os.getpid()}"
        return shell(before + f"""
            name={name} version={version}
            cgroup_make $version $name
            cgroup_exists $version $name
            ( cgroup_join $version $name; exec setsid sleep 1000 ) & sleeper=$!
            disown
            until [ -n "$(cgroup_pids $version $name)" ]; do sleep 0.01; done
            cgroup_destroy $version $name
            kill -0 $sleeper 2>/dev/null && echo "still alive"
            for root in $(cgroup_roots all); do [ ! -d "$root/$name" ] || echo "left: $root/$name"; done
            cgroup_exists $version $name || echo gone
        """)

    def test_whatever_runs_in_it_ends_and_it_goes(self):
        self.assertEqual(self.life(shell("cgroup_version /sys/fs/cgroup").strip()), "gone\n")

    def test_the_same_on_a_v2_tree(self):
        self.assertEqual(self.life("v2", self.ON_V2), "gone\n")

    def test_v2_hands_its_controllers_down(self):
        name = f"rbee-chaos-ctl-{os.getpid()}"
        given = shell(self.ON_V2 + f"""
            cgroup_make v2 {name}
            cat "$tree/cgroup.controllers"; cat "$tree/{name}/cgroup.subtree_control"; cat "$tree/{name}/node/cgroup.controllers"
            cgroup_destroy v2 {name}
        """).splitlines()
        self.assertEqual(given[0], given[1])
        self.assertEqual(given[0], given[2])

    def test_the_version_is_told_by_what_is_mounted(self):
        self.assertEqual(shell(self.ON_V2 + 'cgroup_version "$tree"'), "v2\n")
        self.assertEqual(shell("cgroup_version /proc"), "v1\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
