"""A run whose nodes live in network namespaces, with links that can be cut. Needs root.

Batch's part is played here: main first, then the children, retries after an infrastructure failure,
and main's end ends all.
"""

import ctypes
import os
import random
import shutil
import subprocess
import time

from local_cluster import LocalCluster
from network import Network

STOP_SECONDS = 30  # Batch kills so long after SIGTERM
RETRIED = set(range(30, 40)) | set(range(130, 140))


def _own_clock(index):
    """Monotonic clocks of machines have nothing to do with each other; nor have these."""
    if ctypes.CDLL(None).unshare(0x80) == 0:  # CLONE_NEWTIME, entered by exec
        with open("/proc/self/timens_offsets", "w", encoding="ascii") as file:
            file.write(f"monotonic {100000 * (index + 1)} 0\nboottime {200000 * (index + 1)} 0\n")


class NamespaceCluster(LocalCluster):
    namespaces = True

    def __init__(self, program, folder, nodes, commands, lease, store=None, more=""):
        super().__init__(program, folder, nodes, commands, lease, store, more)
        self.job, self.attempt, self.keepers, self.status, self.ending = 0, 0, {}, None, None
        self.fresh = False
        self.run = self._make_run()
        self.network = Network(nodes)

    def _make_run(self):
        """The run folder is the launcher's work, with a node that does nothing."""
        place = self.folder / "bin"
        place.mkdir()
        shutil.copy2(self.program, place / "mnp")
        (place / "mnp-node").write_text("#!/bin/sh\nexit 0\n")
        (place / "mnp-node").chmod(0o755)
        made = subprocess.run([place / "mnp", "run", "p.yaml"], cwd=self.folder, check=True,
                              env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=60)
        run = made.stdout.splitlines()[-1]
        shutil.rmtree(self.store / "runs" / run / "stages/work/attempts", ignore_errors=True)
        shutil.rmtree(place)
        return run

    # Batch's part.

    def _start_node(self, index):
        scratch = self.folder / f"scratch-{index}"
        scratch.mkdir(exist_ok=True)
        more = {"AWS_BATCH_JOB_ID": f"job-{self.job}#{index}", "MNP_RUN": self.run,
                "AWS_BATCH_JOB_ATTEMPT": str(self.attempt), "MNP_STAGE": "work",
                "AWS_BATCH_JOB_NODE_INDEX": str(index), "MNP_SCRATCH_ROOT": str(scratch),
                "AWS_BATCH_JOB_NUM_NODES": str(self.nodes),
                "AWS_BATCH_JOB_MAIN_NODE_INDEX": str(self.main)}
        if index != self.main:
            more["AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS"] = self.network.address(self.main)
        if self.fresh:
            more["MNP_FRESH_FAILURES"] = "1"
        with open(self.folder / f"node-{index}.log", "ab") as log:
            self.keepers[index] = subprocess.Popen(
                self.network.inside(index, str(self.program.parent / "mnp-node")),
                cwd=self.folder, env=self.environment | more, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, preexec_fn=lambda: _own_clock(index))

    def _start_attempt(self):
        self.attempt += 1
        self.ending = None
        children = [index for index in range(self.nodes) if index != self.main]
        random.shuffle(children)
        for index in [self.main, *children]:  # Batch gives each attempt new machines
            self.network.mend(index)
            self._start_node(index)

    def start(self):
        self.job, self.attempt, self.status = self.job + 1, 0, None
        self._start_attempt()

    def resume(self):
        self.fresh = True
        self.start()

    def stop(self):
        self.keepers[self.main].terminate()

    def running(self):
        """Also does what Batch would do now."""
        if self.status is not None:
            return False
        main = self.keepers[self.main].poll()
        if main is None:
            return True
        if self.ending is None:
            self.ending = time.monotonic() + STOP_SECONDS
            for keeper in self.keepers.values():
                if keeper.poll() is None:
                    keeper.terminate()
        if time.monotonic() > self.ending:
            self._kill_nodes()
        if any(keeper.poll() is None for keeper in self.keepers.values()):
            return True
        main = main if main >= 0 else 128 - main
        if main in RETRIED and self.attempt < 10:
            self._start_attempt()
            return True
        self.status = main
        return False

    def _kill_nodes(self):
        tree = self.tree()
        for index, pid in tree.keepers().items():
            for each in tree.below(pid):
                try:
                    os.kill(each, 9)
                except ProcessLookupError:
                    continue

    def wait(self, seconds=300):
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("nodes", seconds)
            time.sleep(0.02)
        return self.status

    def runtime_logs(self):
        return "".join(f"--- {log.name}\n{log.read_text(errors='replace')}"
                       for log in sorted(self.folder.glob("node-*.log")))

    def close(self):
        super().close()
        for keeper in self.keepers.values():
            keeper.wait()
        self.network.close()
