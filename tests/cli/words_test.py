"""validate, plan, list, status and usage errors: commands that start nothing."""

import json
import signal
import subprocess
import unittest
from pathlib import Path

from mnp_case import MnpCase

PIPELINE = """name: demo
stages:
  - name: one
    nodes: 4
    commands: ["true", "false", "echo $MNP_COMMAND_INDEX"]
    queue: cpu
  - name: two
    nodes: 2
    inputs: [one]
    commands: lists/two.txt
"""


class Words(MnpCase):
    def setUp(self):
        super().setUp()
        self.file = self.write("demo.yaml", PIPELINE)
        self.write("lists/two.txt", "# head\necho a\n\necho b\n")

    def test_validate_accepts_a_good_file(self):
        self.assertIn("good", self.mnp("validate", "demo.yaml").stdout)
        self.assertEqual(self.mnp_json("validate", "demo.yaml", "--json"),
                         {"valid": True, "name": "demo", "stages": ["one", "two"]})

    def test_validate_names_the_place_and_what_to_type(self):
        self.write("bad.yaml", PIPELINE.replace("nodes: 4", "node: 4"))
        done = self.mnp("validate", "bad.yaml", status=20)
        self.assertRegex(done.stderr, r"^\S*bad\.yaml:4:5: .*nodes")
        answer = self.mnp_json("validate", "bad.yaml", "--json", status=20)
        self.assertFalse(answer["valid"])
        self.assertEqual(len(answer["errors"]), 1)

    def test_validate_opens_the_lists(self):
        (self.folder / "lists/two.txt").unlink()
        self.assertIn("two.txt", self.mnp("validate", "demo.yaml", status=20).stderr)

    def test_validate_refuses_what_run_would(self):
        for key, value, expected in [("nodes", "2000", "1 to 1000"), ("slots", "70000", "1 to 65536"),
                                     ("cwd", "nowhere", "there is no folder")]:
            self.write("bad.yaml", f"stages: [{{name: a, commands: ['true'], {key}: {value}}}]\n")
            self.assertRegex(self.mnp("validate", "bad.yaml", status=20).stderr,
                             rf"^\S*bad\.yaml:1:\d+: .*{expected}")
        names = [f"s{i}" for i in range(21)]
        self.write("bad.yaml", "stages:\n" + "".join(
            f"- {{name: {name}, commands: ['true']}}\n" for name in names) +
            f"- {{name: last, after: [{', '.join(names)}], commands: ['true']}}\n")
        self.assertRegex(self.mnp("validate", "bad.yaml", status=20).stderr,
                         r"^\S*bad\.yaml:23:\d+: stage last comes after 21 others")

    def test_a_working_folder_that_is_gone(self):
        (self.folder / "gone").mkdir()
        process = subprocess.Popen(["sh", "-c", "rmdir ../gone; exec $0 list", str(self.program)],
                                   cwd=self.folder / "gone", env=self.environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        done = self.finish(process)
        self.assertEqual(done.returncode, 20, done.stderr)
        self.assertIn("working folder", done.stderr)

    def test_plan_counts_commands_and_caps_nodes(self):
        plan = self.mnp_json("plan", "demo.yaml", "--nodes", "3", "--json")
        self.assertEqual([(s["name"], s["nodes"], s["commands"], s["after"]) for s in plan["stages"]],
                         [("one", 3, 3, []), ("two", 2, 2, ["one"])])
        rules = plan["stages"][0]["evaluate_on_exit"]
        self.assertEqual([r["action"] for r in rules], ["RETRY"] * 4 + ["EXIT"])
        text = self.mnp("plan", "demo.yaml").stdout
        self.assertIn("exit status 3*", text)

    def test_plan_runs_from_beside_the_file(self):
        self.write("sub/from.yaml",
                   "stages: [{name: a, commands: {from: 'cat numbers && command -v mnp'}}]\n")
        self.write("sub/numbers", "echo 1\necho 2\n")
        self.assertEqual(self.mnp_json("plan", "sub/from.yaml", "--json")["stages"][0]["commands"], 3)

    def test_plan_reports_a_failing_from(self):
        self.write("from.yaml", "stages: [{name: a, commands: {from: 'exit 3'}}]\n")
        self.assertIn("status 3", self.mnp("plan", "from.yaml", status=20).stderr)

    def test_a_stop_ends_the_program_that_prints_the_list(self):
        for text in ("sleep 1000 & echo $! > up; wait", "echo $$ > up; echo true; exec sleep 1000 >&-"):
            with self.subTest(text=text):
                self.stop_while_it_prints(text)

    def stop_while_it_prints(self, text):
        (self.folder / "up").unlink(missing_ok=True)
        self.write("from.yaml", f"stages: [{{name: a, commands: {{from: '{text}'}}}}]\n")
        process = self.start("plan", "from.yaml")
        up = self.folder / "up"
        self.wait_for("the program", lambda: up.exists() and up.read_text().endswith("\n"))
        process.send_signal(signal.SIGTERM)
        done = self.finish(process)
        self.assertEqual(done.returncode, 40, done.stderr)
        self.assertIn("was stopped by SIGTERM", done.stderr)
        state = Path("/proc", up.read_text().strip(), "stat")  # nobody may have reaped it yet
        self.assertTrue(not state.exists() or ") Z" in state.read_text())

    def test_plan_of_an_s3_list_names_what_aws_needs(self):
        self.environment = {k: v for k, v in self.environment.items() if not k.startswith("AWS_")}
        self.environment["HOME"] = str(self.folder)
        self.write("s3.yaml", "stages: [{name: a, commands: 's3://b/list.txt'}]\n")
        self.assertIn("s3.yaml:1:30: no region: set AWS_REGION",
                      self.mnp("plan", "s3.yaml", status=20).stderr)

    def test_plan_of_a_list_without_a_file(self):
        plan = self.mnp_json("plan", "--commands", "lists/two.txt", "--nodes", "2", "--json")
        self.assertEqual([(s["name"], s["nodes"], s["commands"]) for s in plan["stages"]],
                         [("main", 2, 2)])

    def test_options_of_a_list_are_refused_beside_a_file(self):
        self.assertIn("a duration such as", self.mnp("plan", "--commands", "lists/two.txt",
                                                    "--timeout", "soon", status=2).stderr)
        self.assertIn("the key `tries`", self.mnp("plan", "demo.yaml", "--tries", "2",
                                                  status=2).stderr)
        self.assertIn("the key `timeout`", self.mnp("plan", "demo.yaml", "--timeout", "2s",
                                                    status=2).stderr)

    def test_set_takes_one_word_each_wherever_it_stands(self):
        self.write("set.yaml", "parameters: {a: x, b: y}\n"
                               "stages: [{name: s, commands: {from: 'seq ${a}; echo ${b}'}}]\n")
        for words in (["--set", "a=2", "--set", "b=3", "set.yaml"],
                      ["set.yaml", "--set", "a=2", "--set", "b=3"],
                      ["--set=a=2", "set.yaml", "--set=b=3"]):
            plan = self.mnp_json("plan", *words, "--json")
            self.assertEqual(plan["stages"][0]["commands"], 3, words)

    def test_dry_run_writes_nothing(self):
        done = self.mnp("run", "demo.yaml", "--dry-run")
        self.assertIn("two", done.stdout)
        self.assertIn("queue", done.stderr)
        self.assertFalse((self.folder / "mnp-runs").exists())

    def test_only_refuses_a_stage_with_inputs(self):
        done = self.mnp("run", "demo.yaml", "--only", "two", "--dry-run", status=2)
        self.assertIn("resume", done.stderr)
        self.assertIn("one", self.mnp("run", "demo.yaml", "--only", "on", "--dry-run",
                                      status=2).stderr)

    def test_list_and_status_without_runs(self):
        self.assertEqual(json.loads(self.mnp("list", "--json").stdout), [])
        self.assertIn("--store", self.mnp("status", status=20).stderr)

    def test_usage_errors_say_what_to_type(self):
        for words, expected in [
            (["statsu"], "mnp status"),
            (["run", "demo.yaml", "--node", "2"], "--nodes"),
            (["run", "--nodse=2", "demo.yaml"], "--nodes"),
            (["run", "demo.yaml", "--nodes", "many"], "--nodes"),
            (["run", "demo.yaml", "--nodes", "0"], "--nodes"),
            (["run", "demo.yaml", "extra"], "extra"),
            (["run"], "pipeline FILE"),
            (["run", "demo.yaml", "--set", "novalue"], "NAME=VALUE"),
            (["run", "demo.yaml", "--commands", "x"], "exclude"),
            (["validate"], "FILE"),
            (["rm"], "RUN"),
            (["run", "--commands", "lists/two.txt", "--only", "main"], "--commands is one stage"),
            (["submit", "demo.yaml"], "not there yet"),
            (["--frobnicate"], "--help"),
            ([], "validate"),
        ]:
            with self.subTest(words=words):
                self.assertIn(expected, self.mnp(*words, status=2).stderr)

    def test_help_is_a_word_too(self):
        self.assertEqual(self.mnp("help").stdout, self.mnp("--help").stdout)
        self.assertEqual(self.mnp("help", "run").stdout, self.mnp("run", "--help").stdout)

    def test_every_command_has_help_with_examples(self):
        for command in ["validate", "plan", "run", "status", "logs", "stop", "resume", "list", "rm"]:
            text = self.mnp(command, "--help").stdout
            self.assertIn("--json", text)
            self.assertIn("Examples:\n  mnp " + command, text)
        self.assertRegex(self.mnp("--version").stdout, r"^mnp \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
