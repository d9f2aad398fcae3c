#!/usr/bin/env python3
"""From the last child's join to the first command, against a plain `mpirun` of a hello program.

usage: startup.py BIN [PAIRS [NODES...]]
BIN holds mpi_hello too. Both go through the same agents: the plain one is called by the script of a
program stage. When the last child had joined is when main's log says that epoch 1 began, to 10 ms.
"""
import calendar
import pathlib
import re
import sys
import time

import measure

COMMANDS = """name: startup
stages:
  - name: main
    nodes: {nodes}
    slots: 1
    commands: [{lines}]
"""
PROGRAM = """name: hello
stages:
  - name: main
    nodes: {nodes}
    program: {script}
"""
SCRIPT = """#!/usr/bin/env python3
import subprocess, time
begun = time.monotonic()
subprocess.run(["mpirun", "--map-by", "ppr:1:node", "{hello}"], check=True)
open("{answer}", "w").write(str(time.monotonic() - begun))
"""


def first_world(logs):
    """When its epoch began, in seconds since 1970, and how many ranks it had."""
    for log in logs:
        said = re.search(r"^(\S+)(\.\d+) .*epoch \d+: (\d+) ranks in ([0-9.]+) s",
                         log.read_text(), re.M)
        if said:
            second = calendar.timegm(time.strptime(said[1], "%Y-%m-%dT%H:%M:%S"))
            return second + float(said[2]) - float(said[4]), int(said[3])
    sys.exit("no log says when an epoch began")


def ours(binaries, folder, nodes):
    lines = ", ".join(["/bin/true"] * nodes)
    stage, _, _ = measure.run_pipeline(binaries, folder, COMMANDS.format(nodes=nodes, lines=lines))
    began, ranks = first_world(stage.folder.glob("attempts/*/log/node-*.log"))
    if ranks != nodes:
        sys.exit(f"a world of {ranks} ranks, not {nodes}")
    return min(r["start"] for r in stage.results) - began


def plain(binaries, folder, nodes):
    answer = pathlib.Path(folder) / "seconds"
    script = pathlib.Path(folder) / "script.py"
    script.write_text(SCRIPT.format(hello=binaries / "mpi_hello", answer=answer))
    script.chmod(0o755)
    measure.run_pipeline(binaries, folder, PROGRAM.format(nodes=nodes, script=script))
    return float(answer.read_text())


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binaries = measure.programs(sys.argv[1])
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    sizes = [int(n) for n in sys.argv[3:]] or [2, 4, 8, 16]
    print(measure.machine())
    for nodes in sizes:
        own, peer = [], []
        for _ in range(pairs):
            with measure.scratch() as folder:
                peer.append(plain(binaries, folder, nodes))
                own.append(ours(binaries, folder, nodes))
        ratio = measure.text_of(measure.ratios(own, peer))
        print(f"{nodes:3} nodes: to the first command {measure.text_of(own, 2)} s, mpirun hello "
              f"{measure.text_of(peer, 2)} s, ratio {ratio}, {pairs} pairs", flush=True)


if __name__ == "__main__":
    main()
