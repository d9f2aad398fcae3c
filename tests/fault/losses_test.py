"""Several losses that meet, and commands that take their node with them."""

import json
import os
import shutil
import signal
import tempfile
import time
import unittest
from pathlib import Path

from file_system import FileSystem, cannot_mount
from history import check
from local_cluster import LocalCluster
from trial import Trial

PROGRAM = Path(os.environ["MNP_PROGRAM"])
NODES, LEASE, HANG_SECONDS = 4, 3, 300


class Losses(unittest.TestCase):
    def cluster(self, nodes=NODES, commands=72, more=""):
        folder = Path(tempfile.mkdtemp(prefix="mnp-losses-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        made = LocalCluster(PROGRAM, folder, nodes, [0.4 + index % 5 * 0.2 for index in
                                                     range(commands)], LEASE, more=more)
        self.addCleanup(made.close)
        return made

    def assert_kept(self, cluster, problems):
        if problems:
            self.fail("\n".join([*problems[:20], cluster.runtime_logs()[-20000:]]))

    def assert_ends(self, cluster, status=0):
        self.assertEqual(cluster.wait(HANG_SECONDS), status, cluster.runtime_logs()[-20000:])
        self.assert_kept(cluster, check(cluster.history(), status == 0))
        self.assertEqual(cluster.left(), [])

    def events(self, cluster, name):
        return [event for journal in cluster.history().journals for event in journal.events
                if event["e"] == name]

    def wait_for(self, cluster, what, condition):
        deadline = time.monotonic() + HANG_SECONDS
        while not condition():
            self.assertTrue(cluster.running(), f"ended before {what}")
            self.assertLess(time.monotonic(), deadline, f"waited in vain for {what}")
            time.sleep(0.01)

    def test_two_nodes_at_once(self):
        cluster = self.cluster()
        self.assert_kept(cluster, Trial(cluster, [(1, "kill-node", 1), (1, "kill-node", 2)]).run(
            HANG_SECONDS))
        self.assertGreaterEqual({event["node"] for event in self.events(cluster, "lost")}, {1, 2})

    def test_a_stop_that_a_frozen_node_does_not_hear(self):
        cluster = self.cluster(commands=120)
        text = (cluster.folder / "p.yaml").read_text()
        (cluster.folder / "p.yaml").write_text(text.replace(f"lease: {LEASE}s", "lease: 40s"))
        cluster.start()
        self.wait_for(cluster, "commands", lambda: cluster.witness.starts() >= 2 * NODES)
        cluster.signal(2, ["keeper", "agent", "rank", "daemon", "command"], signal.SIGSTOP)
        cluster.stop()
        self.assertEqual(cluster.wait(HANG_SECONDS), 40, cluster.runtime_logs()[-20000:])
        self.assertEqual(cluster.left(), [])
        ended = self.events(cluster, "ended")[-1]
        self.assertTrue(0 < ended["silent"] <= 41, ended)
        cluster.resume()
        self.assert_ends(cluster)
        dealt = min(event["t"] for event in cluster.history().journals[-1].events
                    if event["e"] == "dealt")
        self.assertGreater(dealt, ended["t"] + ended["silent"] - 1)

    def test_all_children_and_main_works_alone(self):
        cluster = self.cluster()
        self.assert_kept(cluster, Trial(cluster, [(1, "kill-node", node) for node in (1, 2, 3)]).run(
            HANG_SECONDS))
        self.assertEqual(len(cluster.history().journals), 1, "main should have gone on alone")

    def test_fewer_than_min_alive_end_the_attempt(self):
        cluster = self.cluster(more="  min_alive: 3\n")
        self.assert_kept(cluster, Trial(cluster, [(1, "kill-node", 1), (1.2, "kill-node", 2)]).run(
            HANG_SECONDS))
        self.assertEqual([event["status"] for event in self.events(cluster, "ended")], [31, 0])

    def test_a_loss_during_the_launch(self):
        cluster = self.cluster()
        cluster.start()
        self.wait_for(cluster, "a daemon on node 2", lambda: "daemon" in cluster.of_node(2))
        self.assertEqual(cluster.signal(2, ["agent"], signal.SIGKILL), 1)
        self.assert_ends(cluster)

    def test_a_loss_during_the_launch_after_a_loss(self):
        cluster = self.cluster(commands=120)
        cluster.start()
        self.wait_for(cluster, "commands", lambda: cluster.witness.starts() >= 2 * NODES)
        before = cluster.of_node(0)["mpirun"]
        cluster.signal(1, ["agent"], signal.SIGKILL)
        self.wait_for(cluster, "the next mpirun", lambda: cluster.of_node(0).get("mpirun", before)
                      != before and "daemon" in cluster.of_node(2))
        self.assertEqual(cluster.signal(2, ["agent"], signal.SIGKILL), 1)
        self.assert_ends(cluster)

    def test_a_store_that_stays_full_ends_with_32(self):
        if reason := cannot_mount():
            self.skipTest(reason)
        folder = Path(tempfile.mkdtemp(prefix="mnp-losses-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        system = FileSystem(folder)
        self.addCleanup(system.close)
        cluster = LocalCluster(PROGRAM, folder, NODES, [0.4] * 200, LEASE, system.folder, attempts=1)
        self.addCleanup(cluster.close)
        cluster.start()
        self.wait_for(cluster, "commands", lambda: cluster.witness.starts() >= 2 * NODES)
        system.fill(True)
        self.assertEqual(cluster.wait(HANG_SECONDS), 32, cluster.runtime_logs()[-20000:])
        self.assertEqual(cluster.left(), [])
        self.assertIn("No space left", (folder / "log").read_text())
        system.fill(False)
        cluster.resume()
        self.assert_ends(cluster)

    def poison(self, nodes):
        """A command that kills its agent each time, among others that live."""
        cluster = self.cluster(nodes, commands=24, more="  allow_failures: 1\n")
        with open(cluster.folder / "list.txt", "a", encoding="ascii") as lines:
            lines.write("kill -9 $PPID; sleep 60\n")
        cluster.total += 1
        cluster.start()
        self.assertEqual(cluster.wait(HANG_SECONDS), 0, cluster.runtime_logs()[-20000:])
        history = cluster.history()
        states = [result["state"] for result in history.results]
        self.assertEqual(states, ["succeeded"] * 24 + ["poisoned"])
        starts = [item for event in self.events(cluster, "dealt") for item in event["items"]
                  if item[0] == 24]
        self.assertGreaterEqual(len(starts), 2, json.dumps(starts))
        self.assertEqual(history.witness.overlaps(), [])

    def test_a_command_that_kills_its_child_node_is_poisoned(self):
        self.poison(3)

    def test_a_command_that_kills_main_is_poisoned(self):
        self.poison(1)


if __name__ == "__main__":
    unittest.main()
