"""The manual page of mnp-node knows exactly the options that --help shows, and every variable that
the table of variables says it reads."""

import os
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NODE = Path(os.environ["MNP_PROGRAM"]).parent / "mnp-node"


def page():
    return (ROOT / "mnp/node/man/mnp-node.1").read_text().replace("\\-", "-")


def node(*words):
    return subprocess.run([NODE, *words], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})


class WordsOfNodeHelp(unittest.TestCase):
    def test_manual_page_has_the_options_of_help(self):
        options = re.findall(r"^\s+(--[a-z-]+)", node("--help").stdout, re.M)
        self.assertEqual(options, re.findall(r"^\.B (--[a-z-]+)", page(), re.M))
        for option in options:
            self.assertEqual(node(option).returncode, 0, option)

    def test_an_option_that_help_does_not_show_is_refused(self):
        self.assertEqual(node("--verbose").returncode, 2)

    def test_variables_of_help_are_in_the_manual_page(self):
        for name in re.findall(r"\b[A-Z]+(?:_[A-Z0-9]+)+\b", node("--help").stdout):
            self.assertIn(name, page())

    def test_manual_page_names_every_variable_that_a_node_reads(self):
        table = re.findall(r"^\| `(\w+)` \| mnp-node \|", (ROOT / "docs/environment.md").read_text(),
                           re.M)
        self.assertIn("MNP_STORE", table)
        named = set(re.findall(r"[A-Z]+(?:_[A-Z0-9]+)+", page().split(".SH ENVIRONMENT")[1]))
        self.assertEqual(set(table) - named, set())

    def test_manual_page_names_only_variables_of_the_table(self):
        known = set(re.findall(r"`(\w+)`", (ROOT / "docs/environment.md").read_text()))
        ours = set(re.findall(r"\bMNP_[A-Z_]+\b", page()))
        self.assertEqual(ours - known, set())


if __name__ == "__main__":
    unittest.main()
