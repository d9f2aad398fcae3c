"""Manual page and completions know exactly the commands and options that --help shows."""

import os
import re
import subprocess
import unittest
from pathlib import Path

from mnp_case import MnpCase

LAUNCHER = Path(__file__).resolve().parents[2] / "launcher"
COMMANDS = ["validate", "plan", "run", "status", "logs", "stop", "resume", "list", "rm", "s3"]
WITH_OPTIONS = [*COMMANDS[:-1], "s3 cp", "s3 ls", "s3 cat"]


class WordsOfHelp(MnpCase):
    def options_of(self, command):
        return set(re.findall(r"^\s+(?:-\w,)?(--[a-z-]+)", self.mnp(*command.split(), "--help").stdout, re.M))

    def test_help_lists_the_commands(self):
        text = self.mnp("--help").stdout.split("Subcommands:")[1].split("\n\n")[0]
        self.assertEqual(re.findall(r"^  ([a-z0-9]+) ", text, re.M), COMMANDS)

    def test_manual_page_names_every_option(self):
        text = (LAUNCHER / "man/mnp.1").read_text().replace("\\-", "-")
        for command in WITH_OPTIONS:
            entries = " ".join(re.findall(rf"^\.B mnp {command} .*$", text, re.M))
            for option in self.options_of(command) - {"--help"}:
                self.assertIn(option, entries, command)

    def completed(self, *words):
        script = (f"source {LAUNCHER}/completion/mnp.bash; COMP_WORDS=(mnp {' '.join(words)} '--'); "
                  f"COMP_CWORD={len(words) + 1}; _mnp; echo ${{COMPREPLY[@]}}")
        return set(subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True,
                                  timeout=60, env=os.environ).stdout.split())

    def test_bash_completes_every_option(self):
        for command in WITH_OPTIONS:
            self.assertEqual(self.completed(*command.split()), self.options_of(command), command)

    def test_zsh_completion_names_every_option(self):
        text = (LAUNCHER / "completion/_mnp").read_text()
        for command in COMMANDS:
            self.assertIn(f"'{command}:", text)
        for command in WITH_OPTIONS:
            for option in self.options_of(command):
                self.assertIn(option + "[", text, command)


if __name__ == "__main__":
    unittest.main()
