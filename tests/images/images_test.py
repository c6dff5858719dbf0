#!/usr/bin/env python3
"""Images are reproducible, say what the Dockerfile says, and hold all that their binary needs: images_test.py BUILD."""
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import images  # noqa: E402
from docker_archive import Entry, layer_of  # noqa: E402

BUILD = sys.argv.pop() if len(sys.argv) > 1 else os.path.join(images.ROOT, "build/dev")
INJECTOR_LIMIT = 12_000_000  # bytes; it is pulled in the middle of an experiment

DOCKERFILE = """# comment
FROM debian AS build
RUN cmake && \\
    tests/images/rootfs.py build/release/a/one /image/x
FROM scratch AS x
COPY --from=build /image/x /
USER 65532:65532
ENTRYPOINT ["/usr/bin/one"]
"""


def load(path):
    """(configuration, tar of the layer, reference) of a docker archive, checksums verified."""
    with tarfile.open(path) as tar:
        manifest, = json.load(tar.extractfile("manifest.json"))
        config = json.load(tar.extractfile(manifest["Config"]))
        layer = tar.extractfile(manifest["Layers"][0]).read()
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(layer).hexdigest()]
    return config["config"], tarfile.open(fileobj=io.BytesIO(layer)), manifest["RepoTags"][0]


class Dockerfile(unittest.TestCase):
    def test_user_and_entry_point_are_read_from_it(self):
        self.assertEqual(images.parse_dockerfile(DOCKERFILE), {
            "x": {"binary": "a/one", "config": {"User": "65532:65532", "Entrypoint": ["/usr/bin/one"]}}})

    def test_what_the_archives_cannot_follow_is_refused(self):
        for line, expected in (("COPY --from=build /etc /", "copies one tree made by rootfs.py"),
                               ("ENV A=b", "not supported in a runtime stage: ENV"),
                               ("HEALTHCHECK none", "instruction not understood")):
            with self.subTest(line), self.assertRaisesRegex(images.DockerfileError, expected):
                images.parse_dockerfile(DOCKERFILE + line + "\n")

    def test_an_unknown_target_is_named(self):
        with self.assertRaisesRegex(images.DockerfileError, "no target nobody; there are: operator, injector, load"):
            images.make(BUILD, tempfile.gettempdir(), "rbee.dev", ["nobody"])


class Layer(unittest.TestCase):
    def test_the_order_in_which_files_are_given_does_not_matter(self):
        one, two = Entry("a/b/one", b"1"), Entry("two", b"2", 0o755)
        self.assertEqual(layer_of([one, two]), layer_of([two, one]))

    def test_parents_come_before_their_files(self):
        names = tarfile.open(fileobj=io.BytesIO(layer_of([Entry("a/b/one")]))).getnames()
        self.assertEqual(names, ["a", "a/b", "a/b/one"])


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = directory.name
        cls.made = images.make(BUILD, os.path.join(cls.directory, "first"), "rbee.dev")

    def test_there_is_one_for_each_target(self):
        self.assertEqual(list(self.made), ["operator", "injector", "load", "rbee-sim"])

    def test_the_same_binaries_give_the_same_bytes_and_reference(self):
        again = images.make(BUILD, os.path.join(self.directory, "second"), "rbee.dev")
        for target, image in self.made.items():
            self.assertEqual(image["reference"], again[target]["reference"])
            with open(image["file"], "rb") as first, open(again[target]["file"], "rb") as second:
                self.assertEqual(first.read(), second.read())

    def test_none_runs_as_root_or_holds_a_shell(self):
        for target, image in self.made.items():
            with self.subTest(target):
                config, layer, reference = load(image["file"])
                self.assertEqual(reference, image["reference"])
                self.assertRegex(config["User"], "^[1-9][0-9]*:[1-9][0-9]*$")
                names = layer.getnames()
                self.assertIn(config["Entrypoint"][0][1:], names)
                self.assertEqual([n for n in names if n.split("/")[-1] in ("sh", "bash", "busybox")], [])
                self.assertEqual({(member.uid, member.mtime) for member in layer}, {(0, 0)})
                self.assertEqual([m.name for m in layer if m.mode & 0o6022 and not m.issym()], [])

    def test_each_binary_starts_with_nothing_but_its_image(self):
        for target, image in self.made.items():
            with self.subTest(target):
                config, layer, _ = load(image["file"])
                root = os.path.join(self.directory, "root-" + target)
                layer.extractall(root)
                done = subprocess.run(["/usr/sbin/chroot", "--userspec=" + config["User"], root, *config["Entrypoint"], "--help"],
                                      capture_output=True, text=True, timeout=30, check=False, env={})
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout)

    def test_the_injector_is_small(self):
        self.assertLessEqual(self.made["injector"]["bytes"], INJECTOR_LIMIT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
