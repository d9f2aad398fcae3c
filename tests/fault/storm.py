#!/usr/bin/env python3
"""Runs with faults drawn by a seed, each judged by its history: storm.py --help."""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from faults import FAULTS
from file_system import FileSystem
from local_cluster import LocalCluster
from namespace_cluster import NamespaceCluster
from trial import Trial, storm


def kinds_for(namespaces, file_system, only):
    can = {""} | ({"namespaces"} if namespaces else set()) | \
        ({"file system"} if file_system else set())
    chosen = [name for name, fault in FAULTS.items() if fault.needs in can]
    if not only:
        return chosen
    for name in only:
        if name not in chosen:
            sys.exit(f"no fault {name} here; there are: {' '.join(chosen)}")
    return only


def one(options, seed):
    folder = Path(tempfile.mkdtemp(prefix="mnp-storm-"))
    kinds = kinds_for(options.namespaces, options.file_system, options.fault)
    dice = random.Random(f"{seed} lengths")
    lengths = [round(dice.uniform(0.1, options.longest), 2) for _ in range(options.commands)]
    system = FileSystem(folder) if options.file_system else None
    kind = NamespaceCluster if options.namespaces else LocalCluster
    cluster = kind(options.program, folder, options.nodes, lengths, options.lease,
                   system and system.folder)
    cluster.store_system = system
    span = sum(lengths) / (2 * options.nodes)
    schedule = storm(seed, kinds, options.nodes, options.faults, span)
    print(f"seed {seed}: {schedule}", flush=True)
    trial = Trial(cluster, schedule, lambda text: print(text, flush=True))
    problems, epochs = ["the trial itself broke"], 0
    try:
        problems = trial.run(options.hang)
        epochs = sum(event["e"] == "epoch" for journal in cluster.history().journals
                     for event in journal.events)
    finally:
        cluster.close()
        if problems and not options.keep:
            print(cluster.runtime_logs()[-options.log_bytes:])
        if system:
            system.close()
        if not (problems and options.keep):
            shutil.rmtree(folder, ignore_errors=True)
    for each in problems[:20]:
        print("BROKEN:", each)
    print(f"seed {seed}: {'kept' if not problems else f'{len(problems)} problems in {folder}'}, "
          f"statuses {trial.statuses}, {epochs} epochs", flush=True)
    return not problems, epochs


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--program", type=lambda text: Path(text).absolute(),
                       default=os.environ.get("MNP_PROGRAM"), help="mnp to test")
    words.add_argument("--seed", type=int, help="of the first run (default: drawn)")
    words.add_argument("--runs", type=int, default=1, help="with seed, seed + 1, ...")
    words.add_argument("--epochs", type=int, help="go on until so many worlds have been (a soak)")
    words.add_argument("--nodes", type=int, default=4)
    words.add_argument("--commands", type=int, default=80)
    words.add_argument("--longest", type=float, default=2.0, help="seconds of a command, at most")
    words.add_argument("--faults", type=int, default=4, help="in each run")
    words.add_argument("--fault", action="append", help="draw only from these")
    words.add_argument("--lease", type=int, default=5, help="seconds")
    words.add_argument("--namespaces", action="store_true", help="nodes in network namespaces (root)")
    words.add_argument("--file-system", action="store_true", help="a store that can fail (root)")
    words.add_argument("--hang", type=float, default=600, help="seconds that only a hang exceeds")
    words.add_argument("--keep", action="store_true", help="keep the folder of a broken run")
    words.add_argument("--log-bytes", type=int, default=20000, help="of the nodes' logs to print")
    options = words.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was made is taken down
    if not options.program:
        words.error("say which mnp by --program or MNP_PROGRAM")
    first = random.randrange(10**6) if options.seed is None else options.seed
    kept, worlds = [], 0
    while worlds < options.epochs if options.epochs else len(kept) < options.runs:
        sound, epochs = one(options, first + len(kept))
        kept.append(sound)
        worlds += epochs
        if options.epochs and not sound:
            break
    print(f"{sum(kept)} of {len(kept)} runs kept every promise, {worlds} epochs")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
