#!/usr/bin/env python3
"""Commands per second of the whole product, journaled and captured, against the bare loop.

usage: dispatch.py BIN [COMMANDS [PAIRS]] [--peers]
BIN holds mnp and bare_loop of a release build. `--peers`: xargs -P2 and GNU parallel -j2 too.
"""
import pathlib
import shutil
import statistics
import sys

import measure

SLOTS = 2
PIPELINE = "name: dispatch\nstages:\n  - name: main\n    slots: {slots}\n    commands: {list}\n"
PARALLEL_SHARE = 10  # GNU parallel gets a tenth of the list: it is slow


def last_kept(stage):
    return max(event["t"] for event in stage.events() if event["e"] == "record")


class Measurement:
    def __init__(self, binaries, line, commands):
        self.binaries, self.line, self.commands = binaries, line, commands
        self.words = line == line.rstrip(";")
        self.samples = {}

    def write_list(self, folder, commands):
        path = pathlib.Path(folder) / f"list-{commands}.txt"
        path.write_text(f"{self.line}\n" * commands)
        return path

    def add(self, name, value):
        self.samples.setdefault(name, []).append(value)

    def bare(self, folder):
        path = self.write_list(folder, self.commands)
        shell = [] if self.words else ["--shell"]
        output, _, cpu = measure.call([self.binaries / "bare_loop", path, SLOTS, *shell])
        self.add("bare", self.commands / float(output))
        self.add("bare cpu", cpu)

    def ours(self, folder):
        for commands in (self.commands, 1):  # one command: what the run costs without any
            path = self.write_list(folder, commands)
            text = PIPELINE.format(slots=SLOTS, list=path)
            stage, _, cpu = measure.run_pipeline(self.binaries, folder, text)
            if commands == 1:
                self.add("fixed cpu", cpu)
                continue
            first = min(r["start"] for r in stage.results)
            self.add("mnp", commands / stage.span())
            self.add("mnp, to the last kept", commands / (last_kept(stage) - first))
            self.add("mnp cpu", cpu)

    def xargs(self, folder):
        path = self.write_list(folder, self.commands)
        # `xargs PROGRAM` adds the line's words as arguments, which `true` does not mind.
        each = [self.line] if self.words else ["/bin/sh", "-c"]
        _, seconds, _ = measure.call(
            ["xargs", "-P", SLOTS, "-d", "\n", "-n", "1", "-a", path, *each])
        self.add("xargs -P2", self.commands / seconds)

    def parallel(self, folder):
        commands = self.commands // PARALLEL_SHARE
        path = self.write_list(folder, commands)
        _, seconds, _ = measure.call(["parallel", "--will-cite", f"-j{SLOTS}", "-a", path])
        self.add("parallel -j2", commands / seconds)

    def pair(self, peers):
        with measure.scratch() as folder:
            self.bare(folder)
            self.ours(folder)
            if peers:
                self.xargs(folder)
                if shutil.which("parallel"):
                    self.parallel(folder)

    def print(self):
        bare = self.samples["bare"]
        print(f"{self.line}   ({self.commands} commands, {SLOTS} in flight, {len(bare)} pairs)")
        for name, rates in self.samples.items():
            if name.endswith("cpu"):
                continue
            ratio = measure.text_of(measure.ratios(rates, bare))
            print(f"  {name:24} {measure.text_of(rates, 0)} /s   ratio to bare {ratio}")
        fixed = statistics.median(self.samples["fixed cpu"])
        above = [(ours - fixed - bare) / self.commands * 1e6
                 for ours, bare in zip(self.samples["mnp cpu"], self.samples["bare cpu"])]
        print(f"  CPU above the bare loop  {measure.text_of(above, 1)} us a command "
              f"(without the run's own {fixed:.2f} s)", flush=True)


def main():
    peers = "--peers" in sys.argv
    arguments = [a for a in sys.argv[1:] if a != "--peers"]
    if not arguments:
        sys.exit(__doc__)
    binaries = measure.programs(arguments[0])
    commands = int(arguments[1]) if len(arguments) > 1 else 20000
    pairs = int(arguments[2]) if len(arguments) > 2 else 7
    print(measure.machine())
    for line in ("/bin/true", "/bin/true;"):
        measurement = Measurement(binaries, line, commands)
        for _ in range(pairs):
            measurement.pair(peers)
        measurement.print()


if __name__ == "__main__":
    main()
