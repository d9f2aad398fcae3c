"""run, status, stop, resume and list over a stand-in for mnp-node."""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
import unittest

from mnp_case import MnpCase

PIPELINE = """name: demo
stages:
  - name: one
    nodes: 3
    commands: ["true"]
  - name: two
    nodes: 2
    after: [one]
    commands: ["true"]
"""


class LocalRun(MnpCase):
    def setUp(self):
        super().setUp()
        self.write("demo.yaml", PIPELINE)

    def states(self, run="", status=0):
        answer = self.mnp_json("status", *([run] if run else []), "--json")
        return answer["state"], [stage["state"] for stage in answer["stages"]]

    def test_run_id_is_the_last_line_of_standard_output(self):
        self.use_stand_in(one="exit 0", two="exit 0")
        done = self.mnp("run", "demo.yaml")
        run = done.stdout.splitlines()[-1]
        folder = self.folder / "mnp-runs/runs" / run
        for name in ["pipeline.yaml", "plan.json", "submitted.json", "stages/one/commands.txt"]:
            self.assertTrue((folder / name).exists(), name)
        self.assertEqual(self.states(run[:10]), ("SUCCEEDED", ["SUCCEEDED", "SUCCEEDED"]))
        listed = json.loads(self.mnp("list", "--json").stdout)
        self.assertEqual([(each["run"], each["state"], each["pipeline"]) for each in listed],
                         [(run, "SUCCEEDED", "demo")])
        stage = self.mnp_json("status", "--json")["stages"][0]
        self.assertEqual(list(stage), ["name", "state", "attempt", "nodes", "joined", "total",
                                       "done", "failed", "running", "started", "ended"])
        self.assertEqual((stage["attempt"], stage["nodes"]), (1, 3))
        self.assertGreaterEqual(stage["ended"], stage["started"])

    def test_exit_status_is_that_of_the_first_stage_that_failed(self):
        self.use_stand_in(one="exit 12", two="exit 0")
        done = self.mnp("run", "demo.yaml", status=12)
        run = done.stdout.splitlines()[-1]
        self.assertIn("mnp resume " + run, done.stderr)
        self.assertEqual(self.states(), ("FAILED", ["FAILED", "FAILED"]))
        self.assertFalse(any("two" in event for event in self.events()))

    def test_infrastructure_failures_are_tried_again(self):
        self.use_stand_in(one="[ $AWS_BATCH_JOB_ATTEMPT = 3 ] || exit 31", two="exit 0")
        done = self.mnp("run", "demo.yaml")
        self.assertIn("attempt 2 ended with status 31: too many nodes lost", done.stderr)
        self.assertEqual(self.mnp_json("status", "--json")["stages"][0]["attempt"], 3)

    def test_resume_runs_what_has_not_succeeded(self):
        self.use_stand_in(one="exit 0", two="exit 10")
        run = self.mnp("run", "demo.yaml", status=10).stdout.splitlines()[-1]
        (self.folder / "events").unlink()
        self.environment["NODE_two"] = "exit 0"
        done = self.mnp("resume")
        self.assertEqual(done.stdout.splitlines()[-1], run)
        self.assertIn("start two 0 1", self.events())
        self.assertFalse(any("one" in event for event in self.events()))
        self.assertEqual(self.states(), ("SUCCEEDED", ["SUCCEEDED", "SUCCEEDED"]))
        self.assertIn("all of it has succeeded", self.mnp("resume").stderr)

    def test_resume_of_one_stage_says_nothing_of_the_others(self):
        self.use_stand_in(one="exit 0", two="exit 10")
        self.mnp("run", "demo.yaml", status=10)
        self.assertIn("nothing to do, stage one has succeeded",
                      self.mnp("resume", "--only", "one").stderr)

    def test_resume_of_one_stage_ends_with_its_status(self):
        self.write("demo.yaml", PIPELINE.replace("    after: [one]\n", ""))
        self.use_stand_in(one="exit 10", two="exit 10")
        self.mnp("run", "demo.yaml", status=10)
        self.environment["NODE_two"] = "exit 0"
        done = self.mnp("resume", "--only", "two")
        self.assertNotIn("one", done.stderr)
        self.assertEqual(self.states(), ("FAILED", ["FAILED", "SUCCEEDED"]))

    def test_a_pipeline_from_a_pipe_is_kept_as_it_was(self):
        self.use_stand_in(one="exit 0", two="exit 0")
        os.mkfifo(self.folder / "piped.yaml")
        process = self.start("run", "piped.yaml")
        with open(self.folder / "piped.yaml", "w") as piped:
            piped.write(PIPELINE)
        self.assertEqual(self.finish(process).returncode, 0)
        kept = next(self.folder.glob("mnp-runs/runs/*/pipeline.yaml"))
        self.assertEqual(kept.read_text(), PIPELINE)

    def test_closed_descriptors_are_no_place_for_files(self):
        self.use_stand_in(one="rest")
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$0" run demo.yaml >&- 2>&-', self.program], cwd=self.folder,
            env=self.environment, stdin=subprocess.DEVNULL)
        self.wait_for("the nodes", lambda: len(self.events()) == 3)
        lock = next(self.folder.glob("mnp-runs/runs/*/.lock"))
        self.assertRegex(lock.read_text(), r"\A\d+ \S+\n\Z")
        self.mnp("stop")
        self.assertEqual(process.wait(60), 40)

    def test_more_stages_than_the_terminal_has_lines(self):
        stages = "".join(f"  - name: s{i}\n    commands: ['true']\n" for i in range(12))
        self.write("demo.yaml", "name: demo\nstages:\n" + stages)
        self.use_stand_in(**{f"s{i}": "sleep 1; exit 0" for i in range(12)})
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 8, 80, 0, 0))
        with subprocess.Popen([self.program, "run", "demo.yaml"], cwd=self.folder, stdout=side,
                              env=self.environment, stdin=subprocess.DEVNULL, stderr=side) as run:
            os.close(side)
            shown = b""
            try:
                while block := os.read(main, 65536):
                    shown += block
            except OSError:
                pass  # it has ended
            os.close(main)
        self.assertEqual(run.returncode, 0, shown)
        self.assertIn(b"and 6 more stages", shown)
        self.assertEqual(set(re.findall(rb"\x1b\[(\d+)F", shown)), {b"7"})

    def test_only_runs_one_stage(self):
        self.use_stand_in(one="exit 0")
        self.mnp("run", "demo.yaml", "--only", "one", "--nodes", "1")
        self.assertEqual(self.events(), ["start one 0 "])

    def test_watch_ends_with_the_status_of_the_run(self):
        self.use_stand_in(one="exit 0", two="exit 10")
        self.mnp("run", "demo.yaml", status=10)
        self.mnp("status", "--watch", status=10)
        self.mnp("status")
        self.environment["NODE_two"] = "exit 0"
        self.mnp("resume")
        self.mnp("status", "--watch")

    def test_list_has_tries_and_a_timeout(self):
        self.use_stand_in(main="exit 0")
        self.write("list.txt", "false\n")
        run = self.mnp("run", "--commands", "list.txt", "--tries", "3",
                       "--timeout", "1m30s").stdout.splitlines()[-1]
        folder = self.folder / "mnp-runs/runs" / run
        spec = json.loads((folder / "plan.json").read_text())["stages"][0]["spec"]
        self.assertEqual((spec["tries"], spec["timeout"]), (3, 90000))
        self.assertIn("    tries: 3\n    timeout: 1m30s\n", (folder / "pipeline.yaml").read_text())
        self.mnp("validate", folder / "pipeline.yaml")

    def test_json_replaces_the_run_id(self):
        self.use_stand_in(one="exit 0", two="exit 0")
        answer = self.mnp_json("run", "demo.yaml", "--json")
        self.assertEqual(answer["state"], "SUCCEEDED")

    def is_running(self):
        """As submitted.json has it, which is written after nodes have started."""
        return any('"RUNNING"' in path.read_text()
                   for path in self.folder.glob("mnp-runs/runs/*/submitted.json"))

    def started_run(self, nodes=3, **options):
        process = self.start("run", "demo.yaml", **options)
        self.wait_for_nodes(nodes)
        return process

    def wait_for_nodes(self, nodes):
        self.wait_for("all nodes", lambda: len(self.events()) >= nodes and self.is_running())

    def test_sigint_stops_in_order_also_where_it_was_ignored(self):
        self.use_stand_in(one="rest")
        process = self.started_run(
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        self.assertEqual(self.states(), ("RUNNING", ["RUNNING", "PENDING"]))
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.returncode, 40, done.stderr)
        self.assertEqual(len([e for e in self.events() if e.startswith("term")]), 3)
        self.assertEqual(self.states()[0], "STOPPED")
        self.mnp("status", "--watch", status=40)

    def test_a_sighup_that_was_ignored_stays_so(self):
        self.use_stand_in(one="while [ ! -e $NODE_OUT/go ]; do sleep 0.05; done; exit 0", two="exit 0")
        process = self.started_run(
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        self.write("go", "")
        self.assertEqual(self.finish(process).returncode, 0)

    def test_a_terminal_that_goes_ends_all_in_order(self):
        self.use_stand_in(one="rest")
        process = self.started_run()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM):  # one moment, one reason
            process.send_signal(number)
        self.assertEqual(self.finish(process).returncode, 40)
        self.assertEqual(len([e for e in self.events() if e.startswith("term")]), 3)

    def test_second_signal_kills_at_once(self):
        self.use_stand_in(one="trap '' TERM; say deaf; while :; do sleep 0.1; done")
        process = self.start_saying("run", "demo.yaml")
        self.wait_for_nodes(4)
        process.send_signal(signal.SIGTERM)
        self.wait_for("the stop", lambda: "once more kills at once" in self.said())
        time.sleep(0.3)  # the second of two signals of one moment is no second stop
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(process).returncode, 40)
        self.assertIn("killing everything at once", self.said())

    def test_stop_waits_until_the_run_has_ended(self):
        self.use_stand_in(one="rest")
        process = self.started_run()
        self.assertEqual(self.mnp_json("stop", "--json")["was_running"], True)
        self.assertEqual(len([e for e in self.events() if e.startswith("term")]), 3)
        self.assertEqual(self.finish(process).returncode, 40)
        self.assertIn("has ended already", self.mnp("stop").stdout)

    def test_killed_run_is_interrupted_and_resume_refuses_while_it_lives(self):
        self.use_stand_in(one="rest")
        process = self.started_run()
        self.assertIn("mnp stop", self.mnp("resume", status=20).stderr)
        nodes = [int(name) for name in os.listdir("/proc") if name.isdigit()
                 and self.is_node(name)]
        process.kill()
        self.finish(process)
        self.assertEqual(self.states(), ("INTERRUPTED", ["INTERRUPTED", "PENDING"]))
        for pid in nodes:  # the stand-in does not watch its lifeline
            os.killpg(pid, signal.SIGKILL)
        self.environment["NODE_one"] = "exit 0"
        self.environment["NODE_two"] = "exit 0"
        self.mnp("resume")
        self.assertEqual(self.states(), ("SUCCEEDED", ["SUCCEEDED", "SUCCEEDED"]))
        left = [name for name in os.listdir(self.environment["TMPDIR"])
                if name.startswith("mnp-")]
        self.assertEqual(left, [])

    def is_node(self, pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return str(self.folder / "bin/mnp-node").encode() in file.read()
        except OSError:
            return False

    def use_stand_in(self, **stages):
        super().use_stand_in(**stages)
        (self.folder / "tmp").mkdir()
        self.environment["TMPDIR"] = str(self.folder / "tmp")

    def test_runtime_logs_and_unknown_names(self):
        self.use_stand_in(one="echo hello; exit 0", two="exit 0")
        run = self.mnp("run", "demo.yaml").stdout.splitlines()[-1]
        self.assertIn("one/node-0000 | hello", self.mnp("logs", "--runtime").stdout)
        self.assertEqual(self.mnp("logs", run, "two", "--runtime").stdout, "")
        self.assertIn("two", self.mnp("logs", run, "tow", status=2).stderr)
        self.assertIn(run, self.mnp("status", run[:-1] + "~", status=20).stderr)

    def test_logs_show_output_by_command_and_node(self):
        self.use_stand_in(two="exit 0", one="""
            put() {
              to=$MNP_STORE/runs/$MNP_RUN/stages/one/attempts/${AWS_BATCH_JOB_ID%#*}-1/output/$1
              mkdir -p $to; printf "$2" > $to/00000001.log; printf "$3" > $to/00000001.idx
            }
            stage=$MNP_STORE/runs/$MNP_RUN/stages/one
            rm $stage/commands.txt; seq 20 > $stage/commands.txt
            put node-0000.1 'a\nb\nhalf' '0 4 17 1 1.5\n4 4 2 1 2.5\n'
            put node-0002.1 'c\n' '0 2 17 2 3.5\n'
            """)
        self.mnp("run", "demo.yaml")
        self.assertEqual(self.mnp("logs").stdout,
                         "one/17 | a\none/17 | b\none/17 | c\none/2 | half\n")
        self.assertEqual(self.mnp("logs", "demo", "one", "--command", "17").stdout, "a\nb\nc\n")
        self.assertEqual(self.mnp("logs", "demo", "--node", "2").stdout, "one/17 | c\n")
        self.assertEqual(self.mnp("logs", "demo", "two").stdout, "")
        lines = [json.loads(line) for line in self.mnp("logs", "--json").stdout.splitlines()]
        done = self.mnp("logs", "demo", "one", "--command", "20", status=2)
        self.assertEqual(done.stderr, "mnp: there is no command 20: stage one has commands 0 to 19\n")
        done = self.mnp("logs", "demo", "--node", "3", status=2)
        self.assertEqual(done.stderr, "mnp: there is no node 3: stage one has nodes 0 to 2, "
                                      "two has nodes 0 to 1\n")
        self.assertIn("node 2:", self.mnp("logs", "demo", "two", "--node", "2", "--failed",
                                          status=2).stderr)
        self.assertEqual(lines[1], {"stage": "one", "command": 2, "start": 1, "time": 2.5,
                                    "text": "half"})

    def test_reason_of_a_main_that_could_not_open_is_in_the_report(self):
        self.use_stand_in(one="""
            echo '2026-11-25T23:20:33.017 I node 0: listens'
            echo '2026-11-25T23:20:33.018 E node 0: create /store/owner: No space left' >&2
            exit 20""")
        report = self.mnp("run", "demo.yaml", status=20).stderr
        self.assertIn("stage one failed with status 20: wrong configuration, list or credentials\n"
                      "  node 0: create /store/owner: No space left\n", report)
        self.assertNotIn("listens", report)
        self.assertIn("  one: node 0: create /store/owner: No space left\n",
                      self.mnp("status").stdout)

    def test_temporary_folder_too_long_is_said_before_anything_is_written(self):
        self.use_stand_in()
        long = self.folder / ("x" * 80)
        long.mkdir()
        self.environment["TMPDIR"] = str(long)
        report = self.mnp("run", "demo.yaml", status=20).stderr
        self.assertIn(str(long), report)
        self.assertIn("TMPDIR=/tmp mnp", report)
        self.assertFalse((self.folder / "mnp-runs").exists())

    def test_port_out_of_range_is_said_before_anything_is_written(self):
        self.use_stand_in()
        self.environment["MNP_PORT"] = "80"
        self.assertIn("MNP_PORT is '80'; write a port", self.mnp("run", "demo.yaml",
                                                               status=20).stderr)
        self.assertFalse((self.folder / "mnp-runs").exists())

    def test_full_store_is_named_and_half_a_run_is_removed(self):
        store = self.folder / "full"
        store.mkdir()
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(store)],
                               capture_output=True, text=True, timeout=60)
        if mount.returncode != 0:
            self.skipTest("no small file system can be mounted: " + mount.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", str(store)], timeout=60)
        self.use_stand_in()
        self.write("list.txt", "echo " + "x" * 100000 + "\n")
        done = self.mnp("run", "--commands", "list.txt", "--store", store, status=32)
        self.assertRegex(done.stderr, rf"mnp: {store}/runs/\S+: write: No space left on device\n"
                                      r"  check that the store .* is not full")
        self.assertEqual(os.listdir(store / "runs"), [])
        with open(store / "junk", "wb") as junk:
            try:
                junk.write(b"x" * 100000)
            except OSError:
                pass
        self.environment["NODE_main"] = "exit 1"
        self.write("list.txt", "true\n")
        done = self.mnp("run", "--commands", "list.txt", "--store", store, status=32)
        self.assertIn("No space left", done.stderr)
        self.assertIn(str(store), done.stderr)

    def test_store_that_fails_for_a_while_ends_no_run(self):
        self.use_stand_in(one=f"until [ -e {self.folder}/go ]; do sleep 0.05; done")
        process = self.start_saying("run", "demo.yaml")
        self.wait_for("the first stage", self.is_running)
        written = next(self.folder.glob("mnp-runs/runs/*/submitted.json"))
        while not written.is_dir():  # no file takes its place; a write that came between may have
            written.unlink(missing_ok=True)
            with contextlib.suppress(FileExistsError):
                written.mkdir()
        self.write("go", "")
        self.wait_for("the failure", lambda: "trying again" in self.said())
        self.assertIn("submitted.json", self.said())
        time.sleep(1)
        self.assertIsNone(process.poll(), "it has given up")
        written.rmdir()
        self.assertEqual(self.finish(process).returncode, 0, self.said())
        self.assertIn('"SUCCEEDED"', written.read_text())

    def test_rm_removes_one_run_and_nothing_else(self):
        self.use_stand_in(one="exit 0", two="exit 0")
        runs = [self.mnp("run", "demo.yaml").stdout.splitlines()[-1] for _ in range(2)]
        folder = self.folder / "mnp-runs/runs"
        published = folder / runs[0] / "stages/one/results/sub"
        published.mkdir(parents=True)
        (published / "a").write_text("x")
        (published / "a").chmod(0o444)
        published.chmod(0o555)
        (published.parent / "link").symlink_to(folder / runs[1])
        self.assertIn("several runs", self.mnp("rm", "demo", status=2).stderr)
        would = self.mnp("rm", runs[0], "--dry-run").stdout
        self.assertRegex(would, rf"^would remove {folder / runs[0]}: \d+ files, ")
        answer = self.mnp_json("rm", runs[0], "--dry-run", "--json")
        self.assertEqual((answer["run"], answer["removed"]), (runs[0], False))
        self.assertTrue((published / "a").exists())
        self.assertIn("removed ", self.mnp("rm", runs[0]).stdout)
        self.assertEqual([path.name for path in folder.iterdir()], [runs[1]])
        self.assertTrue((folder / runs[1] / "plan.json").exists())
        self.assertIn("no run", self.mnp("rm", runs[0], status=20).stderr)

    def test_rm_refuses_a_run_that_is_under_way(self):
        self.use_stand_in(one="rest")
        process = self.started_run()
        run = json.loads(self.mnp("list", "--json").stdout)[0]["run"]
        self.assertIn("mnp stop " + run, self.mnp("rm", run, status=20).stderr)
        self.mnp("stop")
        self.finish(process)
        locks = self.folder / "mnp-runs/runs" / run / ".locks"
        locks.mkdir(exist_ok=True)
        with open(locks / "job-1-0", "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.assertIn("job-1-0", self.mnp("rm", run, status=20).stderr)
        lock = self.folder / "mnp-runs/runs" / run / ".lock"
        with open(lock, "r+") as held:  # as another `mnp rm` does
            held.truncate()
            fcntl.flock(held, fcntl.LOCK_EX)
            self.assertIn("mnp rm", self.mnp("rm", run, status=20).stderr)
            self.assertIn("mnp rm", self.mnp("stop", status=20).stderr)
        self.mnp("rm", run)
        self.assertEqual(list((self.folder / "mnp-runs/runs").iterdir()), [])

    def test_missing_node_program_is_said_before_anything_is_written(self):
        self.use_stand_in()
        (self.folder / "bin/mnp-node").unlink()
        self.environment["PATH"] = "/usr/bin:/bin"
        self.assertIn("mnp-node", self.mnp("run", "demo.yaml", status=20).stderr)
        self.assertFalse((self.folder / "mnp-runs").exists())


if __name__ == "__main__":
    unittest.main()
