"""Each fault once, on plain processes and in network namespaces; then storms of several.

    fault_test.py plain|namespaces|stops|clock|storms [unittest's words]
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from faults import FAULTS
from file_system import FileSystem, cannot_mount
from history import check
from local_cluster import LocalCluster
from namespace_cluster import NamespaceCluster
from network import cannot_make_namespaces
from trial import Trial, storm

PROGRAM = Path(os.environ["MNP_PROGRAM"])
NODES, LEASE, COMMANDS = 4, 4, 72
HANG_SECONDS = 420
STORM_SEEDS = (11, 12)


def cost_of(history):
    """The largest thing that went: an attempt, a node, a world or nothing."""
    if len(history.journals) > 1:
        return "attempt"
    names = [event["e"] for event in history.journals[0].events]
    return "node" if "lost" in names else "world" if names.count("epoch") > 1 else "nothing"


class FaultCase(unittest.TestCase):
    def run(self, result=None):
        """SIGTERM: no more tests, and what this one has made is taken down."""
        def end(*_):
            result.stop()
            sys.exit(143)

        self.result = result
        signal.signal(signal.SIGTERM, end)
        return super().run(result)

    def doCleanups(self):
        signal.signal(signal.SIGTERM, lambda *_: self.result.stop())
        return super().doCleanups()

    def trial(self, kind, schedule, needs_system, lease=LEASE):
        folder = Path(tempfile.mkdtemp(prefix="mnp-fault-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        system = FileSystem(folder) if needs_system else None
        if system:
            self.addCleanup(system.close)
        cluster = kind(PROGRAM, folder, NODES, [0.4 + index % 7 * 0.2 for index in range(COMMANDS)],
                       lease, system and system.folder)
        self.addCleanup(cluster.close)
        if system:
            self.addCleanup(system.thaw)  # what waits for it cannot be killed
        cluster.store_system = system
        said = []
        trial = Trial(cluster, schedule, said.append)
        problems = trial.run(HANG_SECONDS)
        if trial.struck == 0:
            problems.append("the run ended before anything was done to it")
        if problems:
            self.fail("\n".join([str(schedule), *said, *problems[:20],
                                 cluster.runtime_logs()[-20000:]]))
        return cluster.history()


def test_of(kind, name):
    fault = FAULTS[name]

    def test(self):
        if fault.needs == "file system" and (reason := cannot_mount()):
            self.skipTest(reason)
        # What shall cost no node must not do so on a machine that stalls for a lease.
        lease = LEASE if fault.leases or fault.costs not in ("nothing", "world") else 15
        history = self.trial(kind, [(1.0, name, 2)], fault.needs == "file system", lease)
        self.assertIn(fault.costs, ("", cost_of(history)))
    return test


class Plain(FaultCase):
    """Without root, but for the faults of the store's file system."""


@unittest.skipIf(reason := cannot_make_namespaces(), reason)
class Namespaces(FaultCase):
    """Nodes with addresses and links of their own."""


class Stops(FaultCase):
    """Ctrl-C at every moment of a run's beginning, which then goes on until the next one."""

    STOP_SECONDS = 28  # Batch kills after 30

    def test_every_phase_ends_in_order(self):
        folder = Path(tempfile.mkdtemp(prefix="mnp-fault-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        cluster = LocalCluster(PROGRAM, folder, NODES, [0.3] * 200, LEASE)
        self.addCleanup(cluster.close)
        cluster.start()
        for tenths in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25):
            time.sleep(tenths / 10)
            cluster.process.send_signal(signal.SIGINT)
            try:
                status = cluster.wait(self.STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.fail(f"{tenths / 10} s after its start it did not stop:\n"
                          f"{cluster.runtime_logs()[-20000:]}")
            # Before it listens for the signal it ends by it, with nothing begun.
            self.assertIn(status, (0, 40, -signal.SIGINT), f"stopped after {tenths / 10} s")
            self.assertEqual(cluster.left(), [], f"stopped after {tenths / 10} s")
            if not list(cluster.store.glob("runs/*/plan.json")):
                cluster.start()  # it had not begun
            else:
                cluster.resume()
        self.assertEqual(cluster.wait(), 0, cluster.runtime_logs()[-20000:])
        self.assertEqual(check(cluster.history()), [])


FAKE_TIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def cannot_fake_time():
    """Why the clock cannot be moved here; empty when it can."""
    if FAKE_TIME is None:
        return "needs the package faketime"
    tried = subprocess.run([PROGRAM, "--version"], env={"LD_PRELOAD": str(FAKE_TIME)},
                           capture_output=True, check=False)
    return "" if tried.returncode == 0 else "a sanitizer's build takes no preloaded library"


@unittest.skipIf(reason := cannot_fake_time(), reason)
class Clock(FaultCase):
    """The wall clock jumps; leases and timeouts have clocks of their own."""

    def test_jumps_lose_no_node(self):
        folder = Path(tempfile.mkdtemp(prefix="mnp-fault-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        cluster = LocalCluster(PROGRAM, folder, NODES, [0.5] * 160, 20)
        self.addCleanup(cluster.close)
        offset = folder / "offset"
        offset.write_text("+0\n")
        cluster.environment |= {
            "LD_PRELOAD": str(FAKE_TIME), "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1"}  # which hangs in a lock of its own on Debian 13
        cluster.start()
        for seconds in (3600, -7200, 86400):
            started = cluster.witness.starts()
            while cluster.running() and cluster.witness.starts() < started + 30:
                time.sleep(0.02)
            # Replaced: libfaketime ends a process that reads it while it is empty.
            (folder / "next").write_text(f"{seconds:+}\n")
            (folder / "next").rename(offset)
        self.assertEqual(cluster.wait(HANG_SECONDS), 0, cluster.runtime_logs()[-20000:])
        self.assertEqual(check(cluster.history()), [])
        events = [event for journal in cluster.history().journals for event in journal.events]
        jumps = [after["t"] - before["t"] for before, after in zip(events, events[1:])]
        self.assertTrue(max(jumps) > 3000 and min(jumps) < -3000, "the clock did not jump")
        self.assertEqual([event for event in events if event["e"] == "lost"], [],
                         cluster.runtime_logs()[-20000:])


class Storms(FaultCase):
    """Several faults at random times; storm.py shows a seed again."""


for each, FAULT in FAULTS.items():
    TEST = "test_" + each.replace("-", "_")
    if FAULT.needs != "namespaces":
        setattr(Plain, TEST, test_of(LocalCluster, each))
    if FAULT.needs == "namespaces":
        setattr(Namespaces, TEST, test_of(NamespaceCluster, each))

for SEED in STORM_SEEDS:
    KINDS = [each for each, fault in FAULTS.items() if not fault.needs]
    setattr(Storms, f"test_seed_{SEED}", lambda self, seed=SEED, kinds=KINDS: self.trial(
        LocalCluster, storm(seed, kinds, NODES, 4, 15), False))


if __name__ == "__main__":
    chosen = {"plain": "Plain", "namespaces": "Namespaces", "stops": "Stops", "clock": "Clock",
              "storms": "Storms"}
    if len(sys.argv) < 2 or sys.argv[1] not in chosen:
        sys.exit(__doc__)
    unittest.main(argv=[sys.argv[0], *(sys.argv[2:] or [chosen[sys.argv[1]]])])
