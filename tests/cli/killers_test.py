"""Commands that kill the agent that starts them, every time."""

import json
import unittest

from mnp_case import MnpCase

FILE = """name: killers
stages:
  - name: all
    nodes: 2
    slots: 2
    lease: 20s
    beat: 500ms
    commands: ["{0} # 1", "{0} # 2", "{0} # 3", "{0} # 4"]
"""
# On main a command waits for the end of the test; on the child it is a killer.
COMMAND = "if [ $MNP_NODE = 0 ]; then until test -e {0}/end; do sleep 0.05; done; " \
          "else kill -9 $PPID; sleep 60; fi"


class Killers(MnpCase):
    def poisoned(self):
        found = set()
        for segment in (self.folder / "mnp-runs").rglob("journal/*.jsonl"):
            for line in segment.read_text(errors="replace").splitlines():
                if '"poisoned"' in line:
                    found.add(line)
        return found

    def child(self):
        path = next(self.folder.rglob("nodes.json"), None)
        return json.loads(path.read_text())["nodes"][1] if path else {}

    def test_they_are_poisoned_and_their_node_is_not_lost_for_good(self):
        self.write("killers.yaml", FILE.format(COMMAND.format(self.folder)))
        run = self.start("run", "killers.yaml")
        self.addCleanup(lambda: run.poll() is None and run.kill())
        self.wait_for("both to be poisoned", lambda: len(self.poisoned()) >= 2)
        # Two deaths under both, one under each alone: the keeper counts two, and may count three.
        self.wait_for("the child to be back", lambda: self.child()["incarnation"] >= 5)
        self.write("end", "")
        self.assertEqual(self.finish(run).returncode, 10)
        self.assertNotEqual(self.child()["state"], "lost")


if __name__ == "__main__":
    unittest.main()
