"""The commands of a fault run: each holds a lock while anything of it runs, and says when it began
and ended, in files beside the run that no node's end can take back."""

from pathlib import Path

SCRIPT = """#!/bin/sh
# work.sh INDEX SECONDS
exec 9>>"{folder}/locks/$1"
flock -n 9 || echo "$1 start $MNP_TRY on node $MNP_NODE" >>"{folder}/overlaps"
echo "$1 $MNP_TRY" >>"{folder}/starts"
echo "command $1 start $MNP_TRY"
sleep "$2"
echo "$1 $MNP_TRY" >"$MNP_RESULTS/$1.txt"
echo "$1 $MNP_TRY" >>"{folder}/ends"
"""


class Witness:
    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "locks").mkdir(parents=True)
        self.script = self.folder / "work.sh"
        self.script.write_text(SCRIPT.format(folder=self.folder))
        self.script.chmod(0o755)

    def command(self, index, seconds):
        return f"{self.script} {index} {seconds:.2f}"

    def output(self, index, start):
        return f"command {index} start {start}\n".encode()

    def file(self, index, start):
        return f"{index}.txt", f"{index} {start}\n".encode()

    def _pairs(self, name):
        path = self.folder / name
        lines = path.read_text().splitlines() if path.exists() else []
        return [tuple(map(int, line.split())) for line in lines]

    def starts(self):
        return len(self._pairs("starts"))

    def ends(self):
        return {index for index, _ in self._pairs("ends")}

    def overlaps(self):
        path = self.folder / "overlaps"
        return path.read_text().splitlines() if path.exists() else []
