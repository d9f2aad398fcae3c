"""What an operator reads of real runs: reports, notes, output, and where things lie."""

import json
import re
import subprocess
import unittest

from mnp_case import MnpCase

MAX_LINE = 128 * 1024 - 1  # the kernel counts the NUL of an argument


class Operator(MnpCase):
    def setUp(self):
        super().setUp()
        (self.folder / "tmp").mkdir()
        self.environment["TMPDIR"] = str(self.folder / "tmp")

    def stage(self, *keys):
        self.write("demo.yaml", "name: demo\nstages:\n  - name: work\n"
                   + "".join(f"    {key}\n" for key in keys))

    def test_longest_line_runs_with_and_without_a_shell_and_a_longer_one_is_refused(self):
        def padded(start, end, size=MAX_LINE):
            return start + "x" * (size - len(start) - len(end)) + end
        lines = [padded("true ", ""), padded("X=", "; echo ${#X}")]
        self.write("list.txt", "\n".join(lines) + "\n")
        self.mnp("run", "--commands", "list.txt", "--nodes", "2")
        self.assertEqual(self.mnp("logs", "--command", "1").stdout,
                         f"{MAX_LINE - len('X=; echo ${#X}')}\n")
        self.write("list.txt", "true\n" + padded("true ", "", MAX_LINE + 1) + "\n")
        done = self.mnp("run", "--commands", "list.txt", status=20)
        self.assertEqual(done.stderr, f"{self.folder}/list.txt:2: the line has 131072 bytes and may "
                                      "have 131071; put the command into a script\n")

    def test_failed_program_shows_its_last_lines(self):
        self.stage("program: 'seq 20; echo no grid >&2; exit 3'")
        report = self.mnp("run", "demo.yaml", status=11).stderr
        self.assertIn("  the program on node 0: exit 3: seq 20;", report)
        self.assertIn("    | 20\n    | no grid\n", report)
        self.assertRegex(self.mnp("logs", "--failed").stdout,
                         r"== work the program on node 0, try 1: exit 3: seq 20; .*\n1\n2\n")

    def test_cut_output_says_so_at_the_cut(self):
        self.stage("max_output: 1000", "commands: ['seq 10000; false', 'seq 3']")
        report = self.mnp("run", "demo.yaml", status=10).stderr
        self.assertIn("    | [mnp: output cut at 1000 bytes; see max_output]\n", report)
        lines = [line for line in self.mnp("logs").stdout.splitlines() if line.startswith("work/0")]
        self.assertEqual(lines[-1], "work/0 | [mnp: output cut at 1000 bytes; see max_output]")
        self.assertEqual(sum("cut at" in line for line in lines), 1)
        one = self.mnp("logs", "--command", "0")
        self.assertEqual((len(one.stdout), one.stderr),
                         (1000, "work/0: [mnp: output cut at 1000 bytes; see max_output]\n"))
        self.assertEqual(self.mnp("logs", "--command", "1").stderr, "")
        cuts = [json.loads(line).get("cut_at")
                for line in self.mnp("logs", "--command", "0", "--json").stdout.splitlines()]
        self.assertEqual(cuts[-1], 1000)

    def test_report_says_after_how_long_and_adds_up(self):
        self.stage("timeout: 3s", "commands: ['true', 'sleep 60', 'true']")
        report = self.mnp("run", "demo.yaml", status=10).stderr
        self.assertIn("  command 1 on node 0: timed out after 3s: sleep 60\n", report)
        self.assertIn("  3/3  2 succeeded  1 failed  ", report)
        self.assertRegex(self.mnp("status").stdout, r"SUCCEEDED +FAILED .*\nwork +FAILED +1 +2/3 +1 ")

    def test_stage_timeout_says_after_how_long(self):
        for key, words in [("stage_timeout: 1s", "stage_timeout of 1s has passed"),
                           ("stall_timeout: 1500ms", "stall_timeout of 1s500ms has passed without")]:
            self.stage(key, "commands: ['sleep 60']")
            self.assertIn("  " + words, self.mnp("run", "demo.yaml", status=12).stderr)

    def test_success_names_the_results_and_what_was_odd(self):
        self.stage("allow_failures: 1", "reduce: {match: 'sums/*.npy'}",
                   "commands: ['echo 1 > $MNP_RESULTS/one', 'false']")
        done = self.mnp("run", "demo.yaml")
        run = done.stdout.splitlines()[-1]
        self.assertIn("stage work: warning: reduce has combined nothing: no command left a file that "
                      "matches 'sums/*.npy' below $MNP_RESULTS\n", done.stderr)
        self.assertIn("stage work: 1 of 2 commands failed, as allow_failures permits", done.stderr)
        place = re.search(r"^results of work: (.*)$", done.stderr, re.M).group(1)
        self.assertEqual(place, str(self.folder / "mnp-runs/runs" / run / "stages/work/results"))
        self.assertNotIn("results of", self.mnp("run", "demo.yaml", "--quiet").stderr)

    def test_output_that_cannot_be_written_is_no_success(self):
        self.write("demo.yaml", "stages:\n  - name: one\n    commands: [seq 20000; false]\n")
        self.mnp("run", "demo.yaml", status=10)
        self.write("demo.yaml", "stages:\n  - name: two\n    commands: [\"true\"]\n")
        for words in (["logs", "--failed"], ["logs"], ["run", "demo.yaml"], ["status", "--watch"], ["list"], ["--help"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([self.program, *words], cwd=self.folder, stdout=full,
                                      stderr=subprocess.PIPE, env=self.environment, text=True,
                                      timeout=300, check=False)
            self.assertEqual(done.returncode, 20, words)
            self.assertIn("standard output cannot be written", done.stderr)

    def test_port_of_main_is_that_of_the_environment(self):
        self.environment["MNP_PORT"] = "31017"
        self.stage("nodes: 2", "commands: ['echo $MASTER_PORT']")
        self.mnp("run", "demo.yaml")
        self.assertEqual(self.mnp("logs").stdout, "work/0 | 31018\n")

    def test_resume_runs_the_copy_of_the_list_in_the_run_folder(self):
        copy = self.run_list("echo a\necho gone; false\n")
        self.write("list.txt", "echo other\n")
        copy.write_text("echo b; false\necho a\n")
        self.mnp("resume", status=10)
        # The same command elsewhere, one that is there no more, and a new one.
        self.assertEqual(sorted(self.mnp("logs").stdout.splitlines()),
                         ["main/- | gone", "main/0 | b", "main/1 | a"])
        self.assertEqual(self.mnp("logs", "--command", 0).stdout, "b\n")
        self.assertEqual(self.mnp("logs", "--command", 1).stdout, "a\n")
        copy.write_text("echo new\necho a\necho b; false\n")
        self.assertIn("command 2 on node 0, try 1: exit 1: echo b; false\nb\n",
                      self.mnp("logs", "--failed").stdout)

    def test_resume_refuses_other_numbers_that_are_read(self):
        copy = self.run_list("echo a\necho $MNP_COMMAND_INDEX\nfalse\n")
        copy.write_text("echo new\necho a\necho $MNP_COMMAND_INDEX\n")
        self.assertIn("command 2 reads MNP_COMMAND_INDEX", self.mnp("resume", status=20).stderr)
        self.assertEqual(len(self.mnp("logs").stdout.splitlines()), 2)
        self.mnp("resume", "--renumbered")
        self.assertEqual(len(self.mnp("logs").stdout.splitlines()), 3)

    def test_commands_that_a_list_gets_later_do_not_run_any_more(self):
        self.write("list.txt", "echo a\necho b\n")
        self.mnp("run", "--commands", "list.txt")
        copy = next(self.folder.glob("mnp-runs/runs/*/stages/main/commands.txt"))
        copy.chmod(0o644)
        copy.write_text("echo b\necho a\n")
        self.assertIn("nothing to do", self.mnp("resume").stderr)
        copy.write_text("echo b\necho a\necho c\n")
        self.assertIn("1 of the commands", self.mnp("resume", status=20).stderr)

    def run_list(self, text):
        self.write("list.txt", text)
        run = self.mnp("run", "--commands", "list.txt", status=10).stdout.splitlines()[-1]
        copy = self.folder / "mnp-runs/runs" / run / "stages/main/commands.txt"
        copy.chmod(0o644)
        return copy


if __name__ == "__main__":
    unittest.main()
