"""What the tests of the program `mnp` share: a folder, pipeline files, and runs of the program."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

MNP = Path(os.environ["MNP_PROGRAM"])
HANG_SECONDS = 420  # only a hang exceeds it

# A node that does what NODE_<STAGE> in its environment says, main and children alike.
STAND_IN = """#!/bin/bash
i=$AWS_BATCH_JOB_NODE_INDEX
main=$([ "$i" = "$AWS_BATCH_JOB_MAIN_NODE_INDEX" ] && echo yes)
rest() { sleep 100 & wait $!; }
say() { echo "$1" >> "$NODE_OUT/events"; }
trap 'say "term $MNP_STAGE $i"; exit 40' TERM
say "start $MNP_STAGE $i $MNP_FRESH_FAILURES"
name=NODE_$MNP_STAGE
if [ "$main" ]; then eval "${!name}"; else rest; fi
"""


class MnpCase(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="mnp-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.program = MNP
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("MNP_")}

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def use_stand_in(self, **stages):
        """Puts `mnp` beside a stand-in for mnp-node."""
        bin_folder = self.folder / "bin"
        bin_folder.mkdir()
        self.program = bin_folder / "mnp"
        try:
            os.link(MNP, self.program)
        except OSError:
            shutil.copy2(MNP, self.program)
        node = self.write("bin/mnp-node", STAND_IN)
        node.chmod(0o755)
        self.environment["NODE_OUT"] = str(self.folder)
        for stage, text in stages.items():
            self.environment["NODE_" + stage] = text

    def start(self, *words, **options):
        return subprocess.Popen([str(self.program), *map(str, words)], cwd=self.folder,
                                env=self.environment, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE,
                                **({"stderr": subprocess.PIPE} | options))

    def start_saying(self, *words):
        """With standard error in a file, for said()."""
        with open(self.folder / "said", "w") as said:
            return self.start(*words, stderr=said)

    def said(self):
        return (self.folder / "said").read_text()

    def finish(self, process):
        try:
            out, err = process.communicate(timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            self.fail(f"hangs:\n{out}\n{err}")
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def mnp(self, *words, status=0):
        done = self.finish(self.start(*words))
        self.assertEqual(done.returncode, status, f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def mnp_json(self, *words, status=0):
        return json.loads(self.mnp(*words, status=status).stdout.splitlines()[-1])

    def events(self):
        path = self.folder / "events"
        return path.read_text().splitlines() if path.exists() else []

    def wait_for(self, what, condition):
        deadline = time.monotonic() + HANG_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"waited in vain for {what}")
            time.sleep(0.02)
