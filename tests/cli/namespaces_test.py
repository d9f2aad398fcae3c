"""Nodes with network namespaces of their own, as containers have: raw jobs over a bridge."""

import random
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from mnp_case import HANG_SECONDS, MNP, MnpCase

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fault"))

from network import Network, cannot_make_namespaces  # noqa: E402

NODE = MNP.parent / "mnp-node"
NODES = 4
MAIN = 1


@unittest.skipIf(reason := cannot_make_namespaces(), reason)
class Namespaces(MnpCase):
    def setUp(self):
        super().setUp()
        self.network = Network(NODES)
        self.addCleanup(self.network.close)
        self.nodes = []
        self.addCleanup(self.kill_nodes)

    def kill_nodes(self):
        for node in self.nodes:
            if node.poll() is None:
                node.kill()
                node.wait()

    def start_nodes(self, lines):
        self.write("list.txt", "".join(line + "\n" for line in lines))
        order = [MAIN] + random.sample([i for i in range(NODES) if i != MAIN], NODES - 1)
        started = {}
        for index in order:
            scratch = self.folder / f"scratch-{index}"
            scratch.mkdir()
            environment = {
                **self.environment, "AWS_BATCH_JOB_ID": f"job#{index}",
                "AWS_BATCH_JOB_ATTEMPT": "1", "AWS_BATCH_JOB_NODE_INDEX": str(index),
                "AWS_BATCH_JOB_NUM_NODES": str(NODES), "AWS_BATCH_JOB_MAIN_NODE_INDEX": str(MAIN),
                "MNP_SCRATCH_ROOT": str(scratch), "MNP_STORE": str(self.folder / "store"),
                "LIST_FILE_S3_PATH": str(self.folder / "list.txt")}
            if index != MAIN:
                environment["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = \
                    self.network.address(MAIN)
            log = open(self.folder / f"log-{index}", "w")
            self.addCleanup(log.close)
            started[index] = subprocess.Popen(
                self.network.inside(index, str(NODE)), cwd=self.folder, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            self.nodes.append(started[index])
        return started

    def wait_all(self, started):
        try:
            return {index: node.wait(HANG_SECONDS) for index, node in started.items()}
        except subprocess.TimeoutExpired:
            self.fail("hangs:\n" + self.logs())

    def logs(self):
        return "".join((self.folder / f"log-{i}").read_text() for i in range(NODES))

    def ran_on(self):
        text = self.folder / "ran"
        return [line.split() for line in text.read_text().splitlines()] if text.exists() else []

    def everywhere(self):
        """Waits until a command runs on every node."""
        return (f"touch {self.folder}/on-$MNP_NODE; "
                f"until [ $(ls {self.folder} | grep -c ^on-) = {NODES} ]; do sleep 0.1; done")

    def test_a_list_over_four_namespaces(self):
        started = self.start_nodes(
            [f"{self.everywhere()}; echo {i} $MNP_NODE $MASTER_ADDR >> {self.folder}/ran" for i in range(32)])
        self.assertEqual(self.wait_all(started), dict.fromkeys(range(NODES), 0), self.logs())
        ran = self.ran_on()
        self.assertEqual(sorted(int(row[0]) for row in ran), list(range(32)))
        self.assertEqual({row[1] for row in ran}, {"0", "1", "2", "3"})
        self.assertEqual({row[2] for row in ran}, {self.network.address(MAIN)})

    def test_a_cut_link_loses_the_node_and_no_command(self):
        started = self.start_nodes(
            [f"{self.everywhere()}; sleep 0.5; echo {i} $MNP_NODE >> {self.folder}/ran"
             for i in range(40)])
        self.wait_for("commands everywhere", lambda: len({row[1] for row in self.ran_on()}) == NODES)
        self.network.cut(3)
        self.assertEqual(started[MAIN].wait(HANG_SECONDS), 0, self.logs())
        ran = [int(row[0]) for row in self.ran_on()]
        self.assertEqual(sorted(set(ran)), list(range(40)))
        started[3].send_signal(signal.SIGTERM)
        self.wait_all(started)


if __name__ == "__main__":
    unittest.main()
