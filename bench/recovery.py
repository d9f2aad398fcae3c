#!/usr/bin/env python3
"""How soon a lost node is noticed, and how soon the others run on: recovery.py --help

Nodes live in network namespaces (root). One child is killed, cut off or frozen while commands of two
seconds run everywhere; times are those of main's journal.
"""
import argparse
import pathlib
import signal
import sys
import tempfile
import time

import measure

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/fault"))
from faults import FAULTS  # noqa: E402
from namespace_cluster import NamespaceCluster  # noqa: E402
from network import cannot_make_namespaces  # noqa: E402

STRIKES = {"kill": "kill-node", "cut": "cut-link-long", "freeze": "freeze-node-long"}
SECONDS, ROUNDS, SLOTS = 2.0, 12, 2


def strike(cluster, name, node):
    """Once every node has work; the time since 1970 at which it was done."""
    cluster.start()
    while cluster.running() and cluster.witness.starts() < cluster.nodes * SLOTS:
        time.sleep(0.02)
    deadline = time.monotonic() + SECONDS / 2
    while time.monotonic() < deadline and cluster.running():
        time.sleep(0.02)
    struck = time.time()
    FAULTS[name].strike(cluster, node)
    return struck


def figures(history, struck, node):
    """noticed, next start, lost commands dealt again (seconds), and survivors' lost starts."""
    events = [event for journal in history.journals for event in journal.events]
    lost = next(e["t"] for e in events if e["e"] == "lost" and e["node"] == node)
    world = next(e["t"] for e in events if e["e"] == "epoch" and e["t"] > lost)
    started = min(e["started"] for e in events if e["e"] == "record" and e["started"] >= world)
    held, kept = {}, set()
    for event in events:
        for command, start, _ in event.get("items", []):
            held[command, start] = (event["node"], event["t"])
        if event["e"] == "record":
            kept.add((event["command"], event["start"]))
    unkept = [key for key in held if key not in kept]
    on_node = {command for command, start in unkept if held[command, start][0] == node}
    again = [t for (command, start), (_, t) in held.items() if start > 1 and command in on_node]
    survivors = [key for key in held if held[key][0] != node]
    wasted = [key for key in unkept if held[key][0] != node]
    return (lost - struck, started - lost, min(again) - struck if again else float("nan"),
            len(wasted) / len(survivors))


def one(program, nodes, kind, lease):
    with tempfile.TemporaryDirectory(prefix="mnp-bench-") as folder:
        commands = [SECONDS] * (nodes * SLOTS * ROUNDS)
        cluster = NamespaceCluster(program, pathlib.Path(folder), nodes, commands, lease)
        try:
            struck = strike(cluster, STRIKES[kind], nodes - 1)
            status = cluster.wait(measure.RUN_LIMIT)
            if status != 0:
                sys.exit(f"{kind} at {nodes} nodes: status {status}\n{cluster.runtime_logs()[-3000:]}")
            return figures(cluster.history(), struck, nodes - 1)
        finally:
            cluster.close()


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("bin", type=measure.programs, help="folder that holds mnp")
    words.add_argument("--nodes", type=int, nargs="+", default=[4, 16, 64])
    words.add_argument("--runs", type=int, default=3)
    words.add_argument("--lease", type=int, default=5, help="seconds")
    options = words.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was made is taken down
    if reason := cannot_make_namespaces():
        sys.exit(reason)
    print(measure.machine())
    for nodes in options.nodes:
        for kind in STRIKES:
            rows = [one(options.bin / "mnp", nodes, kind, options.lease)
                    for _ in range(options.runs)]
            noticed, started, again, wasted = zip(*rows)
            print(f"{nodes} nodes, {kind}: noticed after {measure.text_of(noticed, 2)} s, next command "
                  f"started {measure.text_of(started, 2)} s later, lost ones dealt again "
                  f"{measure.text_of(again, 2)} s after the loss, "
                  f"{100 * max(wasted):.2f} % of the survivors' starts lost", flush=True)


if __name__ == "__main__":
    main()
