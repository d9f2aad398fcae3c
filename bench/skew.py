#!/usr/bin/env python3
"""Commands of very unequal length: 200 Pareto sleeps on 8 slots, whole product.

usage: skew.py BIN [PAIRS]
In list order against the bare greedy loop; longest first against the lower bound, which is the
longest sleep or an eighth of their sum. On one node of 8 slots, and on 4 nodes of 2.
"""
import pathlib
import random
import sys

import measure

COMMANDS, SLOTS, ALPHA, LEAST, MOST, SEED = 200, 8, 0.8, 0.005, 1.0, 20260131
PIPELINE = """name: skew
stages:
  - name: main
    nodes: {nodes}
    slots: {slots}
    order: {order}
    commands: {list}
"""


def durations():
    """From a Pareto distribution that is cut at MOST."""
    source = random.Random(SEED)
    share = 1 - (LEAST / MOST) ** ALPHA
    return [LEAST * (1 - source.random() * share) ** (-1 / ALPHA) for _ in range(COMMANDS)]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binaries = measure.programs(sys.argv[1])
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    sleeps = durations()
    bound = max(max(sleeps), sum(sleeps) / SLOTS)
    print(measure.machine())
    print(f"{COMMANDS} sleeps, sum {sum(sleeps):.2f} s, longest {max(sleeps):.3f} s, lower bound "
          f"{bound:.3f} s; {pairs} pairs")
    with measure.scratch() as folder:
        path = pathlib.Path(folder) / "list.txt"
        path.write_text("".join(f"/bin/sleep {s:.4f} # cost={s:.4f}\n" for s in sleeps))
        for nodes in (1, 4):
            compare(binaries, folder, path, nodes, bound, pairs)


def compare(binaries, folder, path, nodes, bound, pairs):
    spans = {"bare": [], "list": [], "longest-first": []}
    for _ in range(pairs):
        output, _, _ = measure.call([binaries / "bare_loop", path, SLOTS])
        spans["bare"].append(float(output))
        for order in ("list", "longest-first"):
            text = PIPELINE.format(nodes=nodes, slots=SLOTS // nodes, order=order, list=path)
            stage, _, _ = measure.run_pipeline(binaries, folder, text)
            spans[order].append(stage.span())
    print(f"{nodes} nodes of {SLOTS // nodes} slots")
    print(f"  bare greedy loop   {measure.text_of(spans['bare'])} s")
    ratio = measure.text_of(measure.ratios(spans["list"], spans["bare"]))
    print(f"  list order         {measure.text_of(spans['list'])} s   of the bare loop {ratio}")
    ratio = measure.text_of([span / bound for span in spans["longest-first"]])
    print(f"  longest first      {measure.text_of(spans['longest-first'])} s   "
          f"of the lower bound {ratio}", flush=True)


if __name__ == "__main__":
    main()
