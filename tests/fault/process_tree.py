"""The processes of a run, found by a mark in their environment and by who started whom."""

import os
import signal
import time
from pathlib import Path

KINDS = {"mnp-rank": "rank", "orted": "daemon", "prted": "daemon", "mpirun": "mpirun",
         "orterun": "mpirun", "prterun": "mpirun", "mnp-rsh": "rsh"}


class Process:
    def __init__(self, pid):
        self.pid = pid
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)
        self.name = words[0].split("(", 1)[1]
        rest = words[1].split()
        self.state, self.parent, self.began = rest[0], int(rest[1]), int(rest[19])

    def environment(self):
        try:
            return Path(f"/proc/{self.pid}/environ").read_bytes().split(b"\0")
        except OSError:  # an agent is not dumpable: only root may look
            return []


def all_processes():
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found[int(pid)] = Process(int(pid))
        except (OSError, IndexError):
            continue
    return found


class Tree:
    """A snapshot. Processes that have ended (zombies) are left out."""

    def __init__(self, mark):
        everything = all_processes()
        self.processes = {pid: each for pid, each in everything.items() if each.state != "Z"
                          and mark.encode() in each.environment()}
        grown = True
        while grown:
            more = {pid: each for pid, each in everything.items() if each.state != "Z"
                    and pid not in self.processes and each.parent in self.processes}
            self.processes.update(more)
            grown = bool(more)

    def below(self, pid):
        """pid and everything that it started, the oldest first."""
        found = [pid] if pid in self.processes else []
        for each in found:
            found += sorted((p.pid for p in self.processes.values() if p.parent == each),
                            key=lambda pid: self.processes[pid].began)
        return found

    def keepers(self):
        """node index -> pid of its keeper"""
        found = {}
        for pid, each in self.processes.items():
            parent = self.processes.get(each.parent)
            if each.name == "mnp-node" and (parent is None or parent.name != "mnp-node"):
                for word in each.environment():
                    if word.startswith(b"AWS_BATCH_JOB_NODE_INDEX="):
                        found[int(word.split(b"=")[1])] = pid
        return found

    def of_node(self, index):
        """kind -> pids on the node: keeper, agent, rank, daemon, mpirun, rsh, command"""
        found = {}
        for pid in self.below(self.keepers().get(index, -1)):
            each = self.processes[pid]
            kind = KINDS.get(each.name, "command")
            if each.name == "mnp-node":
                kind = "agent" if "keeper" in found else "keeper"
            found.setdefault(kind, []).append(pid)
        return found


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def kill_all(mark):
    """Whatever is left of a run, frozen or not; but what hangs in the kernel can stay."""
    deadline = time.monotonic() + 60
    while (pids := list(Tree(mark).processes)) and time.monotonic() < deadline:
        send(pids, signal.SIGKILL)
