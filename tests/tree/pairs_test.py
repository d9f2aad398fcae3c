"""foo/bar.cpp has tests/foo/bar_test.cpp, and every header is compiled alone somewhere."""

import re
import unittest
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from source_tree import SourceTree, TreeCase

# Sources without a test file of their own, each with the tests that cover them. An entry that no
# source needs any more is an error.
EXCEPTIONS = {
    "*/*_main.cpp": "parses and delegates; tests/cli and tests/node run the programs",
    "launcher/arguments.cpp": "tests/cli/words_test.py",
    "launcher/cmd_*.cpp": "tests/cli runs every command",
    "launcher/cli.cpp": "tests/cli/words_test.py",
    "launcher/usage_hint.cpp": "tests/cli/words_test.py",
    "examples/tomography/cli.cpp": "tests/examples/tomo_main_test.cpp",
    "examples/tomography/cmd_*.cpp": "tests/examples/tomo_main_test.cpp runs every command",
    "mnp/node/main_*.cpp": "parts of main_node.cpp; a whole one: tests/cli/end_to_end_test.py, raw_container_test.py",
    "mnp/node/child_ending.cpp": "part of child_node.cpp; program_run_test.py loses some",
    "mnp/node/agent.cpp": "every node of tests/cli runs it; raw_container_test.py stops it",
    "mnp/model/spec_*.cpp": "parts of one parser: spec_test.cpp, spec_cases_test.cpp",
    "aws/credentials_*.cpp": "sources of credentials: credentials_test.cpp asks each by the chain",
    "aws/s3*.cpp": "one class, against real servers: s3_contract_test.cpp",
    "aws/batch_requests.cpp": "batch_test.cpp",
    "aws/query_call.cpp": "cloudformation_test.cpp, and services_contract_test.cpp against a server",
    "aws/service.cpp": "credentials_test.cpp",
    "aws/sts.cpp": "credentials_test.cpp",
}


def test_of(source):
    path = PurePosixPath(source)
    folder = path.parts[0] if path.parts[0] != "mnp" else path.parts[1]
    return f"tests/{folder}/{path.stem}_test.cpp"


def is_source(file):
    return file.endswith((".cpp", ".cu")) and not file.startswith(("tests/", "bench/"))


def untested(tree: SourceTree, exceptions=None):
    exceptions = EXCEPTIONS if exceptions is None else exceptions
    bare = [f for f in tree.files if is_source(f) and test_of(f) not in tree.files]
    found = [f"{f}: no {test_of(f)}" for f in bare
             if not any(fnmatchcase(f, pattern) for pattern in exceptions)]
    found += [f"pairs_test.py: no source needs the exception {pattern}" for pattern in exceptions
              if not any(fnmatchcase(f, pattern) for f in bare)]
    return found


def not_alone(tree: SourceTree):
    """A header is compiled alone as the first include of its own source, or in its folder's list of
    HEADERS, which all_verify_interface_header_sets compiles."""
    found = []
    for header in tree.cpp_files(".hpp"):
        if header.startswith(("tests/", "bench/")):
            continue
        source = header[:-len(".hpp")] + ".cpp"
        if source in tree.files:
            first = next((quoted for _, quoted, _ in tree.includes(source)), None)
            if first != header:
                found.append(f"{source}: its first include is not {header}")
            continue
        path = PurePosixPath(header)
        lists = f"{path.parent}/CMakeLists.txt"
        names = re.split(r"[\s()]+", tree.text(lists)) if lists in tree.files else []
        if path.name not in names:
            found.append(f"{header}: neither {source} nor {lists} compiles it alone")
    return found


class Pairs(TreeCase):
    def test_every_source_has_its_test(self):
        self.assert_clean(untested)

    def test_a_source_without_a_test_is_found(self):
        self.assertEqual(["mnp/core/a.cpp: no tests/core/a_test.cpp"], self.complaints_about(
            lambda tree: untested(tree, {}), mnp__core__a___cpp="", cpu__b___cpp="",
            tests__cpu__b_test___cpp=""))

    def test_an_exception_that_nobody_needs_is_found(self):
        self.assertEqual(["pairs_test.py: no source needs the exception cpu/b.cpp"],
                         self.complaints_about(lambda tree: untested(tree, {"cpu/b.cpp": "why"}),
                                               cpu__b___cpp="", tests__cpu__b_test___cpp=""))

    def test_a_source_that_is_excepted_is_accepted(self):
        self.assertEqual([], self.complaints_about(
            lambda tree: untested(tree, {"cpu/cmd_*.cpp": "why"}), cpu__cmd_b___cpp=""))


class Headers(TreeCase):
    def test_every_header_is_compiled_alone(self):
        self.assert_clean(not_alone)

    def test_a_header_that_is_not_first_is_found(self):
        self.assertEqual(["cpu/a.cpp: its first include is not cpu/a.hpp"], self.complaints_about(
            not_alone, cpu__a___hpp="", cpu__a___cpp='#include <vector>\n#include "cpu/a.hpp"'))

    def test_a_header_that_nothing_compiles_is_found(self):
        self.assertEqual(["cpu/a.hpp: neither cpu/a.cpp nor cpu/CMakeLists.txt compiles it alone"],
                         self.complaints_about(not_alone, cpu__a___hpp="",
                                               cpu__CMakeLists___txt="HEADERS aa.hpp"))

    def test_first_or_listed_is_accepted(self):
        self.assertEqual([], self.complaints_about(
            not_alone, cpu__a___hpp="", cpu__a___cpp='#include "cpu/a.hpp"', cpu__b___hpp="",
            cpu__CMakeLists___txt="mnp_library(cpu HEADERS b.hpp)"))


if __name__ == "__main__":
    unittest.main()
