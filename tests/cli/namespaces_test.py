"""Nodes with network namespaces of their own, as containers have: raw jobs over a bridge."""

import os
import random
import shutil
import signal
import subprocess
import unittest

from mnp_case import HANG_SECONDS, MNP, MnpCase

NODE = MNP.parent / "mnp-node"
NODES = 4
MAIN = 1


def can_make_namespaces():
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"mnpt{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True)
    return made


@unittest.skipUnless(can_make_namespaces(), "needs root and network namespaces (iproute2)")
class Namespaces(MnpCase):
    def setUp(self):
        super().setUp()
        self.tag = f"mnp{random.randrange(16**5):05x}"
        self.net = f"10.{random.randrange(64, 128)}.{random.randrange(256)}"
        self.nodes = []
        self.addCleanup(self.take_down)
        self.ip("link", "add", self.tag, "type", "bridge")
        self.ip("link", "set", self.tag, "up")
        for index in range(NODES):
            self.add_namespace(index)

    def ip(self, *words):
        done = subprocess.run(["ip", *words], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"ip {' '.join(words)}: {done.stderr}")

    def add_namespace(self, index):
        name, link = f"{self.tag}n{index}", f"{self.tag}v{index}"
        self.ip("netns", "add", name)
        self.ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        self.ip("link", "set", link, "master", self.tag, "up")
        self.ip("-n", name, "link", "set", "lo", "up")
        self.ip("-n", name, "address", "add", f"{self.net}.{index + 1}/24", "dev", "eth0")
        self.ip("-n", name, "link", "set", "eth0", "up")

    def take_down(self):
        for node in self.nodes:
            if node.poll() is None:
                node.kill()
                node.wait()
        for index in range(NODES):
            subprocess.run(["ip", "netns", "delete", f"{self.tag}n{index}"], capture_output=True)
        subprocess.run(["ip", "link", "delete", self.tag], capture_output=True)

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
                    f"{self.net}.{MAIN + 1}"
            log = open(self.folder / f"log-{index}", "w")
            self.addCleanup(log.close)
            started[index] = subprocess.Popen(
                ["ip", "netns", "exec", f"{self.tag}n{index}", str(NODE)], cwd=self.folder,
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
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

    def test_a_list_over_four_namespaces(self):
        started = self.start_nodes(
            [f"sleep 0.2; echo {i} $MNP_NODE $MASTER_ADDR >> {self.folder}/ran" for i in range(32)])
        self.assertEqual(self.wait_all(started), dict.fromkeys(range(NODES), 0), self.logs())
        ran = self.ran_on()
        self.assertEqual(sorted(int(row[0]) for row in ran), list(range(32)))
        self.assertEqual({row[1] for row in ran}, {"0", "1", "2", "3"})
        self.assertEqual({row[2] for row in ran}, {f"{self.net}.{MAIN + 1}"})

    def test_a_cut_link_loses_the_node_and_no_command(self):
        started = self.start_nodes(
            [f"sleep 0.5; echo {i} $MNP_NODE >> {self.folder}/ran" for i in range(40)])
        self.wait_for("commands everywhere", lambda: len({row[1] for row in self.ran_on()}) == NODES)
        self.ip("link", "set", f"{self.tag}v3", "down")
        self.assertEqual(started[MAIN].wait(HANG_SECONDS), 0, self.logs())
        ran = [int(row[0]) for row in self.ran_on()]
        self.assertEqual(sorted(set(ran)), list(range(40)))
        started[3].send_signal(signal.SIGTERM)
        self.wait_all(started)


if __name__ == "__main__":
    unittest.main()
