#!/usr/bin/env python3
"""CPU of each node's runtime while its commands sleep, in per cent of one core.

usage: idle.py BIN [NODES [SECONDS]]
The runtime is every process of the node but its commands: keeper, agent, rank, MPI's daemon, and
mpirun on main.
"""
import pathlib
import re
import signal
import subprocess
import sys
import time

import measure

PIPELINE = """name: idle
stages:
  - name: main
    nodes: {nodes}
    slots: 1
    commands: [{lines}]
"""
COMMAND = "sleep"
START_LIMIT = 60  # seconds until all commands run


def cpu_seconds(process):
    """Of all its threads, exactly: stat counts in ticks of 10 ms."""
    tasks = process.glob("task/*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def processes():
    """pid -> (name, parent, CPU seconds)."""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            pid, name, parent = re.match(r"(\d+) \((.*)\) \S+ (\d+)",
                                         (entry / "stat").read_text(), re.S).groups()
            found[int(pid)] = (name, int(parent), cpu_seconds(entry))
        except (OSError, AttributeError, IndexError):
            continue
    return found


def below(table, root):
    tree, grown = {root}, True
    while grown:
        more = {pid for pid, (_, parent, _) in table.items() if parent in tree} - tree
        grown = bool(more)
        tree |= more
    return tree


def node_of(keeper):
    environment = pathlib.Path(f"/proc/{keeper}/environ").read_bytes()
    return int(re.search(rb"AWS_BATCH_JOB_NODE_INDEX=(\d+)", environment)[1])


def runtimes(table, mnp):
    """node -> pids of its runtime."""
    keepers = [pid for pid, (_, parent, _) in table.items() if parent == mnp]
    trees = {node_of(keeper): below(table, keeper) for keeper in keepers}
    return {node: {pid for pid in tree if table[pid][0] != COMMAND}
            for node, tree in trees.items()}


def all_sleep(mnp, nodes):
    table = processes()
    tree = below(table, mnp)
    return sum(table[pid][0] == COMMAND for pid in tree if pid in table) == nodes


def observe(mnp, nodes, seconds):
    limit = time.monotonic() + START_LIMIT
    while not all_sleep(mnp, nodes):
        if time.monotonic() > limit:
            sys.exit("the commands do not start")
        time.sleep(0.1)
    time.sleep(1)  # what the start had left to do
    before = processes()
    own = runtimes(before, mnp)
    begun = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - begun
    after = processes()
    for node, pids in sorted(own.items()):
        used = {pid: after[pid][2] - before[pid][2] for pid in pids if pid in after}
        parts = ", ".join(f"{before[pid][0]} {100 * used[pid] / passed:.2f}"
                          for pid in sorted(used))
        print(f"  node {node}: {100 * sum(used.values()) / passed:.2f} %   ({parts})", flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binaries = measure.programs(sys.argv[1])
    nodes = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    print(measure.machine())
    print(f"{nodes} nodes, one sleeping command each, over {seconds} s")
    with measure.scratch() as folder:
        file = pathlib.Path(folder) / "idle.yaml"
        lines = ", ".join([f"/bin/sleep {seconds + 10}"] * nodes)
        file.write_text(PIPELINE.format(nodes=nodes, lines=lines))
        mnp = subprocess.Popen([binaries / "mnp", "run", file, "--store", folder, "--quiet"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            observe(mnp.pid, nodes, seconds)
        finally:
            mnp.send_signal(signal.SIGTERM)
            mnp.wait(measure.RUN_LIMIT)


if __name__ == "__main__":
    main()
