"""What no file of the tree holds: too many lines, paths of one machine, things left for later."""

import re
import unittest

from source_tree import ROOT, SourceTree, TreeCase

LINES_AT_MOST = 600
SOURCES = re.compile(r"\.(cpp|hpp|h|cu|py|sh|cmake)$|(^|/)(CMakeLists\.txt|dev|Dockerfile[^/]*)$")
BINARY = (".npy", ".png", ".gz")

# Written so that this file does not find itself.
NEVER = [
    (re.compile(r"/(?:home|Users)/\w+/|(?<![\w.}])/roo[t]/"), "a path of one machine"),
    (re.compile(r"\b(?:pypi[.]org|pythonhosted[.]org|deb[.]debian[.]org|docker[.]io|ghcr[.]io|"
                r"quay[.]io|crates[.]io|npmjs[.](?:org|com)|proxy[.]golang[.]org)\b"),
     "the host of a registry"),
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"), "something left for later"),
]


def too_long(tree: SourceTree):
    sizes = {f: tree.text(f).count("\n") for f in tree.files if SOURCES.search(f)}
    return [f"{f}: {lines} lines, at most {LINES_AT_MOST}" for f, lines in sizes.items()
            if lines > LINES_AT_MOST]


def never_written(tree: SourceTree, root=ROOT):
    found = []
    for file in tree.files:
        if file.endswith(BINARY):
            continue
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            found += [f"{file}:{number}: {what}" for pattern, what in NEVER if pattern.search(line)]
            if len(root.parts) > 2 and re.search(re.escape(str(root)) + r"(?!\w)", line):
                found.append(f"{file}:{number}: the path of this checkout")
    return found


class Files(TreeCase):
    def test_no_source_is_too_long(self):
        self.assert_clean(too_long)

    def test_a_long_source_is_found(self):
        self.assertEqual(["cpu/a.cpp: 601 lines, at most 600"], self.complaints_about(
            too_long, cpu__a___cpp="\n" * 601, cpu__b___cpp="\n" * 600))

    def test_this_tree_holds_nothing_of_the_kind(self):
        self.assert_clean(never_written)

    def test_what_is_never_written_is_found(self):
        for line in ("see /home" + "/someone/x", "/roo" + "t/x", "FROM docker." + "io/a",
                     "// TO" + "DO: later", f"cd {ROOT}/build"):
            with self.subTest(line):
                self.assertEqual(1, len(self.complaints_about(never_written, docs__a___md=line)))

    def test_ordinary_text_is_accepted(self):
        self.assertEqual([], self.complaints_about(
            never_written, docs__a___md="mkdtemp /tmp/mnp-" + 6 * "X" + ", $HOME/ro" + "ot/x, todo lists"))


if __name__ == "__main__":
    unittest.main()
