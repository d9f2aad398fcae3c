"""A run of `mnp run` on this machine, without root: nodes are processes with addresses 127.x."""

import os
import signal
import subprocess
import time

from process_tree import Tree, kill_all, send
from history import History
from witness import Witness

HANG_SECONDS = 300  # only a hang exceeds it


class LocalCluster:
    namespaces = False
    main = 0

    def __init__(self, program, folder, nodes, commands, lease, store=None, more="",
                 attempts=10):
        """commands: seconds that each of them sleeps; lease in seconds; more: lines of the stage"""
        self.program, self.folder, self.nodes, self.lease = program, folder, nodes, lease
        self.witness = Witness(folder / "witness")
        self.total = len(commands)
        self.store = store or folder / "store"
        (folder / "tmp").mkdir()
        self.mark = f"FAULT_RUN={folder}"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("MNP_")}
        self.environment |= {"FAULT_RUN": str(folder), "TMPDIR": str(folder / "tmp"),
                             "MNP_STORE": str(self.store),
                             # It looks for leaks in a child process, and stands still for ever
                             # where that one is killed.
                             "ASAN_OPTIONS": "detect_leaks=0"}
        (folder / "list.txt").write_text("".join(
            self.witness.command(index, seconds) + "\n" for index, seconds in enumerate(commands)))
        (folder / "p.yaml").write_text(
            f"name: fault\nstages:\n- name: work\n  nodes: {nodes}\n  slots: 2\n"
            f"  lease: {lease}s\n  join_timeout: 2m\n  commands: list.txt\n"
            f"  retry: {{attempts: {attempts}}}\n{more}")
        self.process, self.log = None, open(folder / "log", "ab")

    def _begin(self, *words):
        self.process = subprocess.Popen([str(self.program), *words], cwd=self.folder,
                                        env=self.environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)

    def start(self):
        self._begin("run", "p.yaml")

    def resume(self):
        self._begin("resume")

    def stop(self):
        """As an operator does at another terminal."""
        subprocess.run([str(self.program), "stop"], cwd=self.folder, env=self.environment,
                       stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, timeout=60,
                       check=False)

    def running(self):
        return self.process.poll() is None

    def wait(self, seconds=HANG_SECONDS):
        """The exit status; raises subprocess.TimeoutExpired where it hangs."""
        return self.process.wait(seconds)

    def tree(self):
        return Tree(self.mark)

    def of_node(self, index):
        return self.tree().of_node(index)

    def signal(self, index, kinds, number):
        """To all processes of these kinds on a node; how many there were."""
        found = self.of_node(index)
        pids = [pid for kind in kinds for pid in found.get(kind, [])]
        send(pids, number)
        return len(pids)

    def left(self):
        """What still runs once all has ended, after a moment in which it may end."""
        deadline = time.monotonic() + 10
        while (left := self.tree().processes) and time.monotonic() < deadline:
            time.sleep(0.1)
        return [f"{each.name} {pid}" for pid, each in left.items()]

    def history(self):
        run = next((self.store / "runs").iterdir())
        return History(run / "stages/work", self.witness, self.total)

    def runtime_logs(self):
        logs = sorted((self.store / "runs").glob("*/stages/work/attempts/*/log/*"))
        return "".join(f"--- {each}\n{each.read_text(errors='replace')}" for each in logs)

    def close(self):
        if self.process and self.running():
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        kill_all(self.mark)
        self.log.close()
