"""Stages of one SPMD program with the real mpirun: worlds, failures, restarts after a loss."""

import os
import re
import shutil
import signal
import time
import unittest
from pathlib import Path

from mnp_case import MnpCase

HELLO = os.environ["MPI_HELLO"]


@unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
class ProgramRun(MnpCase):
    def setUp(self):
        super().setUp()
        (self.folder / "tmp").mkdir()
        self.environment["TMPDIR"] = str(self.folder / "tmp")
        self.environment["PROGRAM_TEST"] = str(self.folder)
        self.addCleanup(self.kill_left)

    def pipeline(self, program, nodes=3, more="", lease="5s"):
        self.write("demo.yaml", f"name: demo\nstages:\n  - name: solve\n    nodes: {nodes}\n"
                                f"    lease: {lease}\n    beat: 500ms\n    retry: {{attempts: 1}}\n"
                                f"    program: {program}\n{more}")

    def hello(self):
        """What the ranks have said so far: (rank, size, node, try). A script's own mpirun does not
        hand MNP_TRY on: 0."""
        text = self.mnp("logs", "demo", "solve").stdout.replace("try -", "try 0")
        return [tuple(map(int, each)) for each in
                re.findall(r"rank (\d+) of (\d+) on node (\d+), try (\d+)", text)]

    def processes(self):
        mark = ("PROGRAM_TEST=" + str(self.folder)).encode()
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                environ = Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            if mark in environ:
                found[int(pid)] = environ
        return found

    def kill_left(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass

    def keeper_of(self, index):
        for pid, environ in self.processes().items():
            try:
                parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
                started_by = Path(f"/proc/{parent}/comm").read_text().strip()
            except OSError:
                continue
            if started_by == "mnp" and f"AWS_BATCH_JOB_NODE_INDEX={index}\0".encode() in environ:
                return pid
        self.fail(f"node {index} has no keeper")

    def agent_of(self, index):
        keeper = self.keeper_of(index)
        children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
        self.assertEqual(len(children), 1)
        return int(children[0])

    def test_ranks_on_every_node(self):
        self.pipeline(f"{HELLO}", more="    ranks_per_node: 2\n")
        self.mnp("run", "demo.yaml")
        said = sorted(self.hello())
        self.assertEqual([rank for rank, *_ in said], [0, 1, 2, 3, 4, 5])
        self.assertEqual({size for _, size, *_ in said}, {6})
        self.assertEqual(sorted(node for _, _, node, _ in said), [0, 0, 1, 1, 2, 2])
        self.assertEqual(self.processes(), {})

    def test_a_script_that_calls_mpirun_itself(self):
        script = self.write("solve.sh", "#!/bin/sh\necho first\n"
                            f"mpirun --map-by ppr:1:node {HELLO} || exit 1\n"
                            f"mpirun --map-by ppr:1:node {HELLO}\n"
                            "echo data > $MNP_RESULTS/field.dat\n")
        script.chmod(0o755)
        self.pipeline(f"{script}")
        self.mnp("run", "demo.yaml")
        said = self.hello()
        self.assertEqual(sorted(node for _, _, node, _ in said), [0, 0, 1, 1, 2, 2])
        self.assertEqual({size for _, size, *_ in said}, {3})
        result = next((self.folder / "mnp-runs/runs").glob("*/stages/solve/results/field.dat"))
        self.assertEqual(result.read_text(), "data\n")

    def test_a_program_that_fails_ends_with_11(self):
        self.pipeline(f"{HELLO} --exit 3", nodes=2, more="    ranks_per_node: 1\n")
        done = self.mnp("run", "demo.yaml", status=11)
        self.assertIn("exit 3", done.stderr)
        self.assertEqual({attempt for *_, attempt in self.hello()}, {1}, "it was started again")

    def started(self, size, attempt):
        self.wait_for(f"try {attempt} with {size} ranks", lambda: len(
            [each for each in self.hello() if each[1] == size and each[3] == attempt]) == size)

    def start_waiting(self, more):
        self.pipeline(f"{HELLO} --wait {self.folder}/go", more=more)
        process = self.start("run", "demo.yaml")
        self.wait_for("the run", lambda: list(self.folder.glob("mnp-runs/runs/*/plan.json")))
        self.started(3, 1)
        return process

    def test_a_program_that_is_not_there_is_named(self):
        self.pipeline("no-such-solver --grid 4", nodes=2, more="    ranks_per_node: 1\n")
        done = self.mnp("run", "demo.yaml", status=11)
        self.assertRegex(done.stderr, r"\| .*unable to")
        self.assertRegex(done.stderr, r"\| .*no-such-solver")

    def test_a_lost_child_starts_it_again_as_a_whole(self):
        process = self.start_waiting("    ranks_per_node: 1\n")
        os.kill(self.keeper_of(2), signal.SIGKILL)
        self.started(2, 2)
        self.write("go", "")
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(node for _, _, node, attempt in self.hello() if attempt == 2), [0, 1])
        self.assertEqual(self.processes(), {})

    def test_a_child_that_is_stopped_alone_starts_it_again(self):
        process = self.start_waiting("    ranks_per_node: 1\n")
        os.kill(self.keeper_of(2), signal.SIGTERM)
        self.started(2, 2)
        self.write("go", "")
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_failure_before_a_frozen_node_is_noticed_is_a_loss(self):
        process = self.start_waiting("    ranks_per_node: 1\n")
        daemons = [pid for pid, environ in self.processes().items()
                   if b"MNP_NODE=2\0" in environ and self.is_daemon(pid)]
        self.assertTrue(daemons)  # prted forks once more
        for pid in (self.agent_of(2), self.keeper_of(2)):
            os.kill(pid, signal.SIGSTOP)
        for pid in daemons:  # as with the whole machine: mpirun ends soon
            os.kill(pid, signal.SIGKILL)
        self.started(2, 2)
        self.write("go", "")
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)

    @staticmethod
    def is_daemon(pid):
        try:
            return Path(f"/proc/{pid}/comm").read_text().strip() in ("orted", "prted")
        except OSError:
            return False

    def test_a_node_that_comes_back_gets_the_broadcast_inputs_again(self):
        self.write("data/x.txt", "here\n")
        self.pipeline("'cat $MNP_INPUTS/data/x.txt && exec " f"{HELLO} --wait {self.folder}/go'",
                      more="    ranks_per_node: 1\n    broadcast: {data: data}\n", lease="15s")
        process = self.start("run", "demo.yaml")
        self.wait_for("the run", lambda: list(self.folder.glob("mnp-runs/runs/*/plan.json")))
        self.started(3, 1)
        os.kill(self.agent_of(2), signal.SIGKILL)
        self.started(3, 2)
        self.write("go", "")
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_node_of_two_that_comes_back_gets_them_too(self):
        self.write("data/x.txt", "here\n")
        self.pipeline("'cat $MNP_INPUTS/data/x.txt && exec " f"{HELLO} --wait {self.folder}/go'",
                      nodes=2, more="    ranks_per_node: 1\n    broadcast: {data: data}\n",
                      lease="15s")
        process = self.start("run", "demo.yaml")
        self.wait_for("the run", lambda: list(self.folder.glob("mnp-runs/runs/*/plan.json")))
        self.started(2, 1)
        os.kill(self.agent_of(1), signal.SIGKILL)  # back before main may deal again
        self.started(2, 2)
        self.write("go", "")
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_killed_daemon_is_no_success(self):
        process = self.start_waiting("    ranks_per_node: 1\n    restarts: 0\n")
        daemons = [pid for pid, environ in self.processes().items()
                   if b"MNP_NODE=2\0" in environ and self.is_daemon(pid)]
        os.kill(max(daemons), signal.SIGKILL)  # Open MPI 5 has two, and says 0 then
        done = self.finish(process)
        self.assertEqual(done.returncode, 11, done.stderr)

    def test_an_agent_that_hears_late_of_a_broadcast_input_has_it_all_the_same(self):
        field = self.folder / "field.bin"
        with open(field, "wb") as file:
            file.truncate(256 << 20)
        self.pipeline("'test -s $MNP_INPUTS/field && exec " f"{HELLO}'",
                      more=f"    ranks_per_node: 1\n    broadcast: {{field: {field}}}\n",
                      lease="60s")
        process = self.start("run", "demo.yaml")
        scratch = self.folder / "tmp"
        self.wait_for("the broadcast", lambda: list(scratch.glob("**/mnp-*-1-2.*/received/*")))
        agent = self.agent_of(2)
        os.kill(agent, signal.SIGSTOP)
        time.sleep(2)  # its rank has all of the file
        os.kill(agent, signal.SIGCONT)
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len([each for each in self.hello() if each[1] == 3]), 3)

    def test_nodes_lost_at_once_cost_one_restart(self):
        process = self.start_waiting("    ranks_per_node: 1\n    restarts: 1\n")
        for keeper in (self.keeper_of(1), self.keeper_of(2)):
            os.kill(keeper, signal.SIGKILL)
        self.started(1, 2)
        self.write("go", "")
        done = self.finish(process)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_program_that_is_stopped_may_save_its_work(self):
        script = self.write("save.sh", "#!/bin/sh\n"
                            f"trap 'echo saved > {self.folder}/saved; exit 0' TERM\n"
                            f"echo x > {self.folder}/up\nwhile :; do sleep 0.1; done\n")
        script.chmod(0o755)
        self.pipeline(f"{script}", nodes=2)
        process = self.start("run", "demo.yaml")
        self.wait_for("the program", lambda: (self.folder / "up").exists())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(process).returncode, 40)
        self.assertTrue((self.folder / "saved").exists())
        self.assertEqual(self.processes(), {})

    def test_restarts_are_counted(self):
        process = self.start_waiting("    ranks_per_node: 1\n    restarts: 1\n")
        os.kill(self.keeper_of(2), signal.SIGKILL)
        self.started(2, 2)
        os.kill(self.keeper_of(1), signal.SIGKILL)
        done = self.finish(process)
        self.assertEqual(done.returncode, 31, done.stderr)
        self.assertIn("after 1 restart", done.stderr)
        self.assertEqual(self.processes(), {})


if __name__ == "__main__":
    unittest.main()
