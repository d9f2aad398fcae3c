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

    def pipeline(self, commands, nodes=3, more="", lease="15s"):
        lines = "".join(f"{command}\n" for command in commands)
        self.write("list.txt", lines)
        self.write("demo.yaml", f"name: demo\nstages:\n  - name: work\n    nodes: {nodes}\n"
                                f"    slots: 2\n    lease: {lease}\n    commands: list.txt\n{more}")

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

    def test_an_edited_list_is_judged_by_its_own_length(self):
        self.pipeline(["echo of $MNP_COMMAND_COUNT; exit 3"] * 40, more="    allow_failures: 25%\n")
        self.mnp("run", "demo.yaml", status=10)
        lines = self.run_folder() / "stages/work/commands.txt"
        lines.write_text("echo of $MNP_COMMAND_COUNT; exit 3\n" * 8)
        done = self.mnp("resume", status=10)
        self.assertIn("8 of 8 commands failed, 2 may", done.stderr)
        self.assertEqual(self.mnp("logs", "--command", "0").stdout, "of 40\nof 8\n")

    def test_a_list_that_is_edited_under_way_changes_nothing_before_the_next_attempt(self):
        self.write("demo.yaml", "name: demo\nstages:\n  - name: work\n    slots: 1\n"
                                "    on_failure: stop\n    commands: list.txt\n")
        overwrite = "printf 'touch wrong\\n' > $MNP_RUN_URL/stages/work/commands.txt"
        self.write("list.txt", f"{overwrite}\n" + "".join(
            f"echo right >> {self.folder}/starts; exit\n" for _ in range(20)))
        self.mnp("run", "demo.yaml")
        self.assertEqual(self.starts(), ["right"] * 20)
        self.assertFalse((self.folder / "wrong").exists())

    def fails_on_node_2(self):
        """The others wait until it has failed often enough to be noticed."""
        fails = self.folder / "fails"
        return (f"[ $MNP_NODE != 2 ] || {{ echo x >> {fails}; exit 1; }}; "
                f"until [ $(cat {fails} | wc -l) -ge 20 ]; do sleep 0.1; done")

    def test_a_node_where_everything_fails_is_bad_and_its_commands_run_elsewhere(self):
        self.pipeline([self.fails_on_node_2()] * 60)
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
        self.pipeline([self.fails_on_node_2()] * 60, more="    min_alive: 3\n    retry: {attempts: 1}\n")
        done = self.mnp("run", "demo.yaml", status=31)
        self.assertIn("2 nodes are alive, min_alive is 3", done.stderr)
        self.assertIn("node 2 (bad: ", done.stderr)

    def test_commands_that_fail_everywhere_are_tried_once(self):
        self.pipeline([f"echo x >> {self.folder}/starts; exit 3"] * 30)
        self.mnp("run", "demo.yaml", status=10)
        self.assertEqual(len(self.starts()), 30)

    def test_on_failure_stop_starts_nothing_after_the_failure(self):
        self.write("demo.yaml", "name: demo\nstages:\n  - name: work\n    slots: 1\n"
                                "    on_failure: stop\n    commands: list.txt\n")
        self.write("list.txt", "true\n" * 300 + "exit 3\n" + f"echo x >> {self.folder}/starts\n" * 300)
        self.mnp("run", "demo.yaml", status=10)
        self.assertEqual([each["state"] for each in self.outcomes()],
                         ["succeeded"] * 300 + ["failed"] + ["not_run"] * 300)
        self.assertEqual(self.starts(), [])

    def test_longest_first_by_what_an_earlier_run_took(self):
        self.write("demo.yaml", "name: demo\nstages:\n  - name: work\n    slots: 1\n"
                                "    order: longest-first\n    commands: list.txt\n")
        lines = ["true", "sleep 0.3", f"true >> {self.folder}/x", "echo last # cost=100", "sleep 0.1 "]
        self.write("list.txt", "# a list\n" + "\n".join(lines) + "\n")
        done = self.mnp("run", "demo.yaml")
        self.assertNotIn("longest first", done.stderr)
        first = done.stdout.split()[-1]
        done = self.mnp("run", "demo.yaml")
        self.assertIn(f"longest first, by what 3 of 5 commands took in {first}", done.stderr)
        run = self.folder / "mnp-runs/runs" / done.stdout.split()[-1]
        copy = (run / "stages/work/commands.txt").read_text().splitlines()
        self.assertRegex(copy[1], r"^sleep 0\.3 # cost=[\d.]+$")
        costs = [float(line.split("cost=")[1]) for line in copy[:2]]
        self.assertGreaterEqual(costs[1], 0.3)
        self.assertEqual((copy[3:]), ["echo last # cost=100", "sleep 0.1 "])
        rows = [json.loads(row) for row in (run / "stages/work/results.jsonl").read_text().splitlines()]
        self.assertEqual([row["state"] for row in rows], ["succeeded"] * 5)
        order = [row["index"] for row in sorted(rows, key=lambda row: row["start"])]
        self.assertEqual(order[0], 3)
        self.assertEqual(order.index(1) < order.index(0), costs[1] > costs[0])

    def test_what_is_published_and_gone_is_named(self):
        self.pipeline(["echo 1 > $MNP_RESULTS/a", "mkdir $MNP_RESULTS/sub; echo 22 > $MNP_RESULTS/sub/b"],
                      more="  - name: sum\n    inputs: [work]\n    commands: [test -e go]\n")
        self.mnp("run", "demo.yaml", status=10)
        results = self.run_folder() / "stages/work/results"
        (results / "a").unlink()
        (results / "sub/b").unlink()
        (results / "sub/b").write_text("2\n")
        self.write("go", "")
        done = self.mnp("resume", status=20)
        self.assertIn("input work: 2 files that stage work has published are not as it left them: a "
                      "is missing, sub/b has 2 bytes of 3; put them back and type `mnp resume`",
                      done.stderr)
        (results / "a").write_text("1\n")
        (results / "sub/b").write_text("22\n")
        self.mnp("resume")
        (results / "a").unlink()
        done = self.mnp("resume", status=20)
        self.assertIn("1 file that stage work has published is not as it left it", done.stderr)
        self.assertNotIn("nothing to do", done.stderr)

    def test_a_stage_that_published_nothing_is_no_input(self):
        self.pipeline(["true"], nodes=1,
                      more="  - name: sum\n    inputs: [work]\n    commands: [\"true\"]\n")
        self.assertIn("name it under `after:`", self.mnp("run", "demo.yaml", status=20).stderr)

    def test_only_files_and_what_links_lead_to_are_published(self):
        self.write("target", "t")
        self.pipeline([f"cd $MNP_RESULTS; echo 1 > a; ln -s {self.folder}/target link; mkdir empty; "
                       "mkfifo pipe", "ln -s /nowhere $MNP_RESULTS/dangling",
                       f"ln -s {self.folder} $MNP_RESULTS/folder"], nodes=1)
        self.mnp("run", "demo.yaml", status=10)
        results = self.run_folder() / "stages/work/results"
        self.assertEqual({each.name for each in results.iterdir() if each.name[0] != "."},
                         {"a", "link"})
        self.assertFalse((results / "link").is_symlink())
        self.assertEqual([each["state"] for each in self.outcomes()],
                         ["succeeded", "failed", "failed"])
        for name in "dangling", "folder":
            self.assertIn("/" + name, self.mnp("logs", "--failed").stdout)

    def start_held(self, count=30):
        """A run that has done some of its commands, and waits for let_go() with others."""
        held = f"until [ -e {self.folder}/go ]; do sleep 0.1; done"
        self.pipeline([f"echo {i} >> {self.folder}/starts; {held if i > 5 else 'sleep 0.4'}"
                       for i in range(count)], lease="5s")
        process = self.start("run", "demo.yaml")
        self.wait_for("commands", lambda: len(self.starts()) >= 8)
        return process

    def let_go(self):
        self.write("go", "")

    def test_stop_and_resume(self):
        process = self.start_held()
        self.mnp("stop")
        self.assertEqual(self.finish(process).returncode, 40)
        self.assertEqual(self.processes(), {})
        self.let_go()
        self.mnp("resume")
        self.assertEqual([each["state"] for each in self.outcomes()], ["succeeded"] * 30)
        self.assertEqual(len(set(self.starts())), 30)
        self.assertLess(len(self.starts()), 45, "what was done before has run again")

    def test_killed_run_leaves_nothing_and_resumes(self):
        process = self.start_held()
        process.kill()
        self.finish(process)
        self.wait_for("the end of all nodes", lambda: not self.processes())
        self.assertEqual(self.mnp_json("status", "--json")["state"], "INTERRUPTED")
        self.let_go()
        self.mnp("resume")
        self.assertEqual([each["state"] for each in self.outcomes()], ["succeeded"] * 30)
        self.assertEqual(self.scratch(), [])

    def test_rm_takes_along_the_scratch_of_a_killed_run(self):
        process = self.start_held()
        process.kill()
        self.finish(process)
        self.wait_for("the end of all nodes", lambda: not self.processes())
        self.assertNotEqual(self.scratch(), [])
        self.mnp("rm", self.run_folder().name)
        self.assertEqual(self.scratch(), [])

    def test_lost_child_does_not_lose_the_stage(self):
        process = self.start_held()
        child = [pid for pid in self.processes() if self.is_child_keeper(pid)]
        self.assertTrue(child)
        os.kill(child[0], signal.SIGKILL)
        self.let_go()
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([each["state"] for each in self.outcomes()], ["succeeded"] * 30)
        self.assertEqual(self.processes(), {})

    def test_what_was_kept_and_cannot_be_read_any_more_runs_again(self):
        damage = (f"sleep 3; test -e {self.folder}/damaged && exit; touch {self.folder}/damaged; "
                  f"for f in {self.folder}/mnp-runs/runs/*/stages/work/attempts/*/journal/*; "
                  "do chmod u+w $f; echo nonsense > $f; done")
        self.pipeline([*(["true"] * 4), damage], nodes=1, lease="3s")
        done = self.mnp("run", "demo.yaml")
        self.assertIn("attempt 1 ended with status 32", done.stderr)
        self.assertEqual([each["state"] for each in self.outcomes()], ["succeeded"] * 5)

    def until_helped(self):
        """Main's commands wait for one that runs elsewhere."""
        return (f"{{ [ $MNP_NODE = 0 ] || touch {self.folder}/helped; "
                f"until [ -e {self.folder}/helped ]; do sleep 0.1; done; }}")

    def test_late_nodes_help_a_main_that_began_alone(self):
        self.pipeline([self.until_helped()] * 60, more="    min_nodes: 1\n    join_timeout: 2s\n"
                      "    setup: 'test $MNP_NODE = 0 || sleep 4'\n")
        self.mnp("run", "demo.yaml")
        self.assertGreater({each["node"] for each in self.outcomes()}, {0}, "nobody helped")

    def test_late_nodes_have_the_broadcast_inputs_before_commands(self):
        with open(self.folder / "field.bin", "wb") as file:
            file.truncate(256 << 20)
        self.pipeline(["test -s $MNP_INPUTS/field && " + self.until_helped()] * 100,
                      more="    min_nodes: 1\n    join_timeout: 2s\n"
                      "    setup: 'test $MNP_NODE = 0 || sleep 4'\n"
                      "    broadcast: {field: field.bin}\n")
        self.mnp("run", "demo.yaml")
        self.assertGreater({each["node"] for each in self.outcomes()}, {0}, "nobody helped")

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

    def scratch(self):
        return [each for each in os.listdir(self.folder / "tmp") if each.startswith("mnp-")]

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
