"""Whole pipelines with the real mnp-node: run, logs, failures, stop, kill, resume."""

import json
import os
import signal
import subprocess
import unittest
from pathlib import Path

from mnp_case import MnpCase


class EndToEnd(MnpCase):
    def setUp(self):
        super().setUp()
        (self.folder / "tmp").mkdir()
        self.environment["TMPDIR"] = str(self.folder / "tmp")
        self.environment["END_TO_END"] = str(self.folder)
        self.addCleanup(self.kill_left)

    def pipeline(self, commands, nodes=3, more=""):
        lines = "".join(f"{command}\n" for command in commands)
        self.write("list.txt", lines)
        self.write("demo.yaml", f"name: demo\nstages:\n  - name: work\n    nodes: {nodes}\n"
                                f"    slots: 2\n    commands: list.txt\n{more}")

    def run_folder(self):
        return next((self.folder / "mnp-runs/runs").iterdir())

    def outcomes(self, stage="work"):
        text = (self.run_folder() / "stages" / stage / "results.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def processes(self):
        """Processes that this test has started, however indirectly."""
        mark = ("END_TO_END=" + str(self.folder)).encode()
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if mark in Path(f"/proc/{pid}/environ").read_bytes():
                    found[int(pid)] = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
        return found

    def kill_left(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass

    def starts(self):
        path = self.folder / "starts"
        return path.read_text().split() if path.exists() else []

    def test_stages_pass_results_on(self):
        self.pipeline([f"echo out-{i}; echo {i} > $MNP_RESULTS/{i}.txt" for i in range(40)], more="""\
  - name: sum
    inputs: [work]
    commands: ["cat $MNP_INPUTS/work/*.txt | awk '{s+=$1} END {print s}' > $MNP_RESULTS/sum.txt"]
""")
        self.mnp("run", "demo.yaml")
        self.assertEqual([each["state"] for each in self.outcomes()], ["succeeded"] * 40)
        self.assertEqual((self.run_folder() / "stages/sum/results/sum.txt").read_text(), "780\n")
        self.assertEqual(self.mnp("logs", "demo", "work", "--command", "17").stdout, "out-17\n")
        stage = self.mnp_json("status", "--json")["stages"][0]
        self.assertEqual((stage["done"], stage["total"], stage["failed"], stage["joined"]),
                         (40, 40, 0, 3))
        self.assertEqual(self.processes(), {})

    def test_failed_commands_are_shown_and_run_again(self):
        self.pipeline(["true", "echo words; [ -e fixed ] || exit 3", "true"])
        done = self.mnp("run", "demo.yaml", status=10)
        self.assertIn("command 1 on node", done.stderr)
        self.assertIn("| words", done.stderr)
        failed = json.loads(self.mnp("logs", "--failed", "--json").stdout)
        self.assertEqual((failed["command"], failed["what"], failed["text"]), (1, "exit 3", "words\n"))
        self.write("fixed", "")
        self.mnp("resume")
        self.assertEqual([each["state"] for each in self.outcomes()], ["succeeded"] * 3)

    def test_a_node_where_everything_fails_is_bad_and_its_commands_run_elsewhere(self):
        self.pipeline(["[ $MNP_NODE != 2 ] && sleep 0.1"] * 60)
        self.mnp("run", "demo.yaml")
        self.assertEqual([each["state"] for each in self.outcomes()], ["succeeded"] * 60)
        self.assertEqual({each["node"] for each in self.outcomes()}, {0, 1})
        attempt = next((self.run_folder() / "stages/work/attempts").iterdir())
        nodes = json.loads((attempt / "nodes.json").read_text())["nodes"]
        self.assertIn("succeeded on node", nodes[2]["bad"])
        self.assertNotIn("bad", nodes[0])
        journal = "".join(each.read_text() for each in sorted((attempt / "journal").iterdir()))
        self.assertEqual(journal.count('"e":"bad","node":2,'), 1)
        progress = json.loads((self.run_folder() / "stages/work/progress.json").read_text())
        self.assertIn("node 2 (bad: ", progress["text"])

    def test_names_of_any_bytes_are_published(self):
        self.pipeline(["touch \"$MNP_RESULTS/$(printf 'caf\\351')\""], nodes=1)
        self.mnp("run", "demo.yaml")
        results = self.run_folder() / "stages/work/results"
        self.assertIn(b"caf\xe9", os.listdir(os.fsencode(results)))
        self.mnp("resume")
        (self.folder / "demo.yaml").write_bytes(b"name: x\nstages:\n  - name: a\n"
                                                b"    commands: ['echo \xe9']\n")
        done = self.mnp("validate", "demo.yaml", status=20)
        self.assertIn("demo.yaml:4:22: byte 0xe9 is not UTF-8", done.stderr)

    def test_a_bad_node_does_not_count_as_alive(self):
        self.pipeline(["[ $MNP_NODE != 2 ] && sleep 0.1"] * 60, more="    min_alive: 3\n    retry: {attempts: 1}\n")
        done = self.mnp("run", "demo.yaml", status=31)
        self.assertIn("2 nodes are alive, min_alive is 3", done.stderr)
        self.assertIn("node 2 (bad: ", done.stderr)

    def test_commands_that_fail_everywhere_are_tried_once(self):
        self.pipeline([f"echo x >> {self.folder}/starts; exit 3"] * 30)
        self.mnp("run", "demo.yaml", status=10)
        self.assertEqual(len(self.starts()), 30)

    def start_slow(self, count=30):
        self.pipeline([f"echo {i} >> {self.folder}/starts; sleep 0.4" for i in range(count)])
        process = self.start("run", "demo.yaml")
        self.wait_for("commands", lambda: len(self.starts()) >= 8)
        return process

    def test_stop_and_resume(self):
        process = self.start_slow()
        self.mnp("stop")
        self.assertEqual(self.finish(process).returncode, 40)
        self.assertEqual(self.processes(), {})
        self.mnp("resume")
        self.assertEqual([each["state"] for each in self.outcomes()], ["succeeded"] * 30)
        self.assertEqual(len(set(self.starts())), 30)
        self.assertLess(len(self.starts()), 45, "what was done before has run again")

    def test_killed_run_leaves_nothing_and_resumes(self):
        process = self.start_slow()
        process.kill()
        self.finish(process)
        self.wait_for("the end of all nodes", lambda: not self.processes())
        self.assertEqual(self.mnp_json("status", "--json")["state"], "INTERRUPTED")
        self.mnp("resume")
        self.assertEqual([each["state"] for each in self.outcomes()], ["succeeded"] * 30)
        self.assertEqual([n for n in os.listdir(self.folder / "tmp") if n.startswith("mnp-")], [])

    def test_lost_child_does_not_lose_the_stage(self):
        process = self.start_slow()
        child = [pid for pid in self.processes() if self.is_child_keeper(pid)]
        self.assertTrue(child)
        os.kill(child[0], signal.SIGKILL)
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([each["state"] for each in self.outcomes()], ["succeeded"] * 30)
        self.assertEqual(self.processes(), {})

    def test_late_nodes_help_a_main_that_began_alone(self):
        self.pipeline(["sleep 0.5"] * 60, more="    min_nodes: 1\n    join_timeout: 2s\n"
                      "    setup: 'test $MNP_NODE = 0 || sleep 4'\n")
        self.mnp("run", "demo.yaml")
        self.assertEqual({each["node"] for each in self.outcomes()}, {0, 1, 2})

    def test_a_list_from_standard_input(self):
        self.write("list.txt", "echo one\necho two\n")
        list_file = str(self.folder / "list.txt")
        with subprocess.Popen(["cat", list_file], stdout=subprocess.PIPE) as piped:
            run = subprocess.run([self.program, "run", "--commands", "-"], stdin=piped.stdout,
                                 cwd=self.folder, env=self.environment, capture_output=True,
                                 text=True, timeout=300, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(len(self.outcomes("main")), 2)

    def test_a_working_folder_that_is_not_there_is_named(self):
        self.pipeline(["true"], nodes=1, more="    cwd: nowhere\n")
        self.assertIn("there is no folder", self.mnp("run", "demo.yaml", status=20).stderr)

    def is_child_keeper(self, pid):
        """A process that `mnp run` started itself, on a node that is not main."""
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
            started_by = Path(f"/proc/{parent}/comm").read_text().strip()
        except OSError:
            return False
        return started_by == "mnp" and b"AWS_BATCH_JOB_NODE_INDEX=2" in environment


if __name__ == "__main__":
    unittest.main()
