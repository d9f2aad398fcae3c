"""What the drivers share: runs of `mnp`, resources of processes, medians, one way to print them."""
import json
import os
import pathlib
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time

RUN_LIMIT = 600  # seconds; only a hang takes so long


def machine():
    name = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                 if line.startswith("model name")), "unknown CPU")
    return (f"{name}, {os.cpu_count()} processors, Linux {platform.release()}, "
            f"load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}")


def programs(argument):
    """The folder that holds mnp, mnp-node and the benchmarks' programs."""
    folder = pathlib.Path(argument).resolve()
    if not (folder / "mnp").exists():
        sys.exit(f"{folder}: holds no mnp; name a build's bin folder")
    return folder


def scratch():
    return tempfile.TemporaryDirectory(prefix="mnp-bench-")


def call(argv, **options):
    """Runs a program to its end; returns (stdout, seconds, CPU seconds of all its processes)."""
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, stderr=errors,
                                   text=True, **options)
        signal.signal(signal.SIGALRM, lambda *_: process.kill())
        signal.alarm(RUN_LIMIT)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        signal.alarm(0)
        if process.returncode != 0:
            errors.seek(0)
            sys.exit(f"{argv}: status {process.returncode}\n{errors.read()}{output}")
    return output, time.monotonic() - begun, usage.ru_utime + usage.ru_stime


class Stage:
    """A finished stage of a run: what the run left in its folder."""

    def __init__(self, store, run, name="main"):
        self.folder = pathlib.Path(store) / "runs" / run / "stages" / name
        self.results = [json.loads(line) for line in open(self.folder / "results.jsonl")]

    def events(self):
        """The journal's events, in order, of all attempts."""
        for segment in sorted(self.folder.glob("attempts/*/journal/*.jsonl")):
            for line in open(segment):
                yield json.loads(line)

    def span(self):
        """Seconds from the first start to the last end of a command."""
        return max(r["end"] for r in self.results) - min(r["start"] for r in self.results)


def run_pipeline(bin_folder, store, text):
    """`mnp run` of a pipeline of the stage `main`; returns (Stage, seconds, CPU seconds)."""
    file = pathlib.Path(store) / "pipeline.yaml"
    file.write_text(text)
    output, seconds, cpu = call([bin_folder / "mnp", "run", file, "--store", store, "--quiet"])
    return Stage(store, output.split()[-1]), seconds, cpu


def text_of(values, digits=3):
    """Median and spread."""
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f} - {max(values):.{digits}f})")


def ratios(ours, peers):
    """Pair by pair: both of a pair ran one after the other on the same noisy machine."""
    return [a / b for a, b in zip(ours, peers)]
