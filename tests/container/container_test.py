"""mnp-node as process 1 of real containers: its end, a stop, a kill, memory that runs out."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from podman import Podman, missing

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fault"))
from history import History, check  # noqa: E402
from witness import Witness  # noqa: E402

NODE = Path(os.environ["MNP_PROGRAM"]).parent / "mnp-node"
STOP_SECONDS = 25
JOB = "0f1e2d3c-container"
HANG_SECONDS = 120


@unittest.skipIf(reason := missing(NODE), reason)
class Container(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.podman = Podman(NODE)
        cls.addClassCleanup(cls.podman.close)
        try:
            cls.podman.build()
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            words = (error.stderr or error.stdout or b"")
            words = words if isinstance(words, str) else words.decode(errors="replace")
            raise unittest.SkipTest(f"no container can be made here: {error}: {words[-500:]}")

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="mnp-container-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.name = self.folder.name
        self.addCleanup(self.podman.call, "rm", "--force", "--time", "0", self.name)

    def options(self, attempt=1, *more, job=JOB):
        """As a Batch job of one node has it; the store and the witness's files are volumes."""
        variables = {"AWS_BATCH_JOB_ID": job, "AWS_BATCH_JOB_ATTEMPT": str(attempt),
                     "MNP_STORE": f"{self.folder}/store", "MNP_SCRATCH_ROOT": "/tmp",
                     "LIST_FILE_S3_PATH": f"{self.folder}/list.txt"}
        given = ["--volume", f"{self.folder}:{self.folder}", "--workdir", str(self.folder), *more]
        for name, value in variables.items():
            given += ["--env", f"{name}={value}"]
        return given

    def list_of(self, commands):
        (self.folder / "list.txt").write_text("".join(each + "\n" for each in commands))

    def stage(self):
        return self.folder / "store/runs" / JOB / "stages/main"

    def results(self):
        return [json.loads(line) for line in (self.stage() / "results.jsonl").read_text().splitlines()]

    def start_work(self, commands=24):
        witness = Witness(self.folder / "witness")
        self.list_of(witness.command(index, 0.5) for index in range(commands))
        self.podman.start(self.name, "mnp-node", options=self.options())
        deadline = time.monotonic() + HANG_SECONDS
        while witness.starts() < 4:
            self.assertLess(time.monotonic(), deadline, "no command was started")
            time.sleep(0.05)
        return witness

    def finish(self, witness, commands=24):
        """The next attempt, in a new container; then the history is judged."""
        done = self.podman.run("mnp-node", options=self.options(2))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(check(History(self.stage(), witness, commands)), [])

    def test_it_is_process_1_and_reaps_orphans(self):
        self.list_of(["cat /proc/1/comm", "(sleep 0.3 &) ; true", "sleep 0.6",
                      "for p in /proc/[0-9]*; do grep -l '^State:.Z' $p/status; done 2>/dev/null; true"])
        done = self.podman.run("mnp-node", options=self.options(1, "--cpus=1"))
        self.assertEqual(done.returncode, 0, done.stderr)
        logs = b"".join(each.read_bytes() for each in self.stage().glob("attempts/*/output/*/*.log"))
        self.assertEqual(logs, b"mnp-node\n")

    def test_a_failed_command_is_the_containers_status(self):
        self.list_of(["true", "exit 3"])
        done = self.podman.run("mnp-node", options=self.options())
        self.assertEqual(done.returncode, 10, done.stderr)

    def test_slots_are_those_of_the_cpu_limit(self):
        self.list_of(["sleep 0.2"] * 3)
        done = self.podman.run("mnp-node", options=self.options(1, "--cpus=1"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({each["slot"] for each in self.results()}, {0})

    def test_a_stop_ends_in_order_and_the_next_attempt_goes_on(self):
        witness = self.start_work()
        begun = time.monotonic()
        self.podman.call("stop", "--time", "30", self.name)
        status, words = self.podman.wait(self.name)
        self.assertEqual(status, 40, words)
        self.assertLess(time.monotonic() - begun, STOP_SECONDS, "Batch would have killed it")
        self.finish(witness)

    def test_a_killed_container_loses_nothing_that_was_kept(self):
        witness = self.start_work()
        self.podman.call("kill", self.name)
        status, words = self.podman.wait(self.name)
        self.assertEqual(status, 137, words)
        self.finish(witness)

    def test_a_command_that_eats_the_memory_dies_alone(self):
        # tail keeps what it reads until there is a line, and there is none.
        self.list_of(["true", "tail /dev/zero", "sleep 0.1"])
        done = self.podman.run("mnp-node", options=self.options(1, "--memory=200m", "--memory-swap=200m"))
        self.assertEqual(done.returncode, 10, done.stderr)
        self.assertEqual([each.get("signal", 0) for each in self.results()], [0, 9, 0])

    def test_a_run_whose_node_ran_out_of_memory_is_resumed(self):
        # Memory that belongs to no process: nothing is freed by the end of the command. The kernel
        # kills the command first; its failure may be kept before the node is killed, if it is.
        self.list_of(["true", f"[ -e {self.folder}/seen ] || {{ touch {self.folder}/seen; "
                      "head -c 400M /dev/zero >/dev/shm/full; }"])
        self.podman.start(self.name, "mnp-node", options=self.options(
            1, "--memory=100m", "--memory-swap=100m", "--shm-size=500m"))
        status, words = self.podman.wait(self.name)
        self.assertIn(status, (10, 137), words)
        done = self.podman.run("mnp-node", options=self.options(
            1, "--env", f"MNP_RUN={JOB}", "--env", "MNP_STAGE=main", "--env",
            "MNP_FRESH_FAILURES=1", job="1a2b3c4d-resumed"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([each["state"] for each in self.results()], ["succeeded"] * 2)


if __name__ == "__main__":
    unittest.main()
