"""Who may include whom: the table of folders in ARCHITECTURE.md."""

import unittest

from source_tree import SourceTree, TreeCase

MAY_INCLUDE = {
    "mnp/core": set(),
    "mnp/model": {"mnp/core"},
    "cpu": {"mnp/core", "mnp/model"},
    "gpu": {"mnp/core", "mnp/model"},
    "aws": {"mnp/core", "mnp/model"},
    "comms": {"mnp/core", "mnp/model", "gpu"},
    "mnp/node": {"mnp/core", "mnp/model", "cpu", "gpu", "aws"},
    "launcher": {"mnp/core", "mnp/model", "aws", "cpu"},
    "examples": {"mnp/core", "mnp/model"},
}
MAY_INCLUDE_ANYTHING = {"tests", "bench"}  # and nothing includes them


def folder_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "mnp" else parts[0]


def complaints(tree: SourceTree):
    found = []
    for file in tree.cpp_files():
        folder = folder_of(file)
        if folder in MAY_INCLUDE_ANYTHING:
            continue
        if folder not in MAY_INCLUDE:
            found.append(f"{file}: sources do not belong in {folder}")
            continue
        for line, quoted, _ in tree.includes(file):
            if quoted is None:
                continue
            if not (tree.root / quoted).is_file():
                found.append(f'{file}:{line}: "{quoted}" is not a path from the root of the tree')
            elif folder_of(quoted) not in MAY_INCLUDE[folder] | {folder}:
                found.append(f"{file}:{line}: {folder} may not include {quoted}")
    return found


class Layering(TreeCase):
    def test_this_tree_obeys(self):
        self.assert_clean(complaints)

    def test_an_include_upwards_is_found(self):
        self.assertEqual(
            ["mnp/core/a.cpp:2: mnp/core may not include mnp/model/b.hpp"],
            self.complaints_about(complaints, mnp__model__b___hpp="",
                                  mnp__core__a___cpp='\n#include "mnp/model/b.hpp"\n'))

    def test_an_include_of_a_test_is_found(self):
        self.assertEqual(["cpu/a.cpp:1: cpu may not include tests/cpu/b.hpp"],
                         self.complaints_about(complaints, tests__cpu__b___hpp="",
                                               cpu__a___cpp='#  include "tests/cpu/b.hpp"'))

    def test_an_include_beside_the_file_is_found(self):
        self.assertEqual(['cpu/a.cpp:1: "b.hpp" is not a path from the root of the tree'],
                         self.complaints_about(complaints, cpu__b___hpp="",
                                               cpu__a___cpp='#include "b.hpp"'))

    def test_a_new_folder_is_found(self):
        self.assertEqual(["utils/a.cpp: sources do not belong in utils"],
                         self.complaints_about(complaints, utils__a___cpp=""))

    def test_what_is_allowed_is_accepted(self):
        self.assertEqual([], self.complaints_about(
            complaints, mnp__core__a___hpp="", gpu__b___hpp='#include "mnp/core/a.hpp"',
            comms__c___cpp='#include "gpu/b.hpp"', tests__comms__c_test___cpp='#include "x.hpp"'))


if __name__ == "__main__":
    unittest.main()
