"""The ranks of the example pipeline under valgrind: messages, a broadcast, a reduction."""

import os
import shutil
import subprocess
import unittest
from pathlib import Path

from mnp_case import MNP, MnpCase

TESTS = Path(__file__).resolve().parents[1]
PIPELINE = TESTS.parent / "examples/tomography/pipeline.yaml"
OPEN_MPI = Path("/usr/share/openmpi/openmpi-valgrind.supp")
HANG_SECONDS = 600

RANK = """#!/bin/sh
exec valgrind --quiet --leak-check=full --show-leak-kinds=definite --error-limit=no \\
  {suppressions} --log-file={folder}/rank.%p.log {rank} "$@"
"""


def cannot_run():
    if shutil.which("valgrind") is None:
        return "needs valgrind"
    rank = (MNP.parent / "mnp-rank").read_bytes()
    if b"__asan_init" in rank or b"__tsan_init" in rank:
        return "a sanitizer's build does not run under valgrind"
    return ""


@unittest.skipIf(reason := cannot_run(), reason)
class Valgrind(MnpCase):
    def test_ranks_are_clean(self):
        place = self.folder / "bin"
        place.mkdir()
        for name in ("mnp", "mnp-node", "mnp-rsh", "tomo"):
            shutil.copy2(MNP.parent / name, place / name)
        files = [each for each in (OPEN_MPI, TESTS / "comms/valgrind.supp") if each.exists()]
        rank = self.write("bin/mnp-rank", RANK.format(
            folder=self.folder, rank=MNP.parent / "mnp-rank",
            suppressions=" ".join(f"--suppressions={each}" for each in files)))
        rank.chmod(0o755)
        environment = self.environment | {"PATH": f"{place}:{os.environ['PATH']}"}
        done = subprocess.run([place / "mnp", "run", PIPELINE], cwd=self.folder, env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=HANG_SECONDS, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        logs = list(self.folder.glob("rank.*.log"))
        self.assertGreaterEqual(len(logs), 8, "two stages of four nodes at least")
        # MPI's own leaks and reads do not concern us; what passes through our code does.
        blocks = [block for log in logs for block in log.read_text().split("== \n")]
        self.assertEqual([block for block in blocks if "mnp::" in block or "mnp_rank" in block], [])


if __name__ == "__main__":
    unittest.main()
