"""What the tests of the source tree share: its files, their includes, and trees made up to be wrong."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
NOT_OURS = re.compile(r"^(\.git|\.cache|build[^/]*|out|mnp-runs|compile_commands\.json)(/|$)|"
                      r"(^|/)__pycache__/|\.pyc$")


class SourceTree:
    def __init__(self, root=ROOT):
        self.root = Path(root)
        self.files = sorted(f for f in self._listed() if (self.root / f).is_file())

    def _listed(self):
        """By git, which knows what is ignored; without git or a clone by walking."""
        if (self.root / ".git").exists() and shutil.which("git"):
            done = subprocess.run(["git", "-c", f"safe.directory={self.root}", "ls-files", "-z",
                                   "--cached", "--others", "--exclude-standard"],
                                  cwd=self.root, capture_output=True, text=True)
            if done.returncode == 0:
                return [f for f in done.stdout.split("\0") if f]
        found = []
        for folder, folders, names in os.walk(self.root):
            at = Path(folder).relative_to(self.root)
            folders[:] = [f for f in folders if not NOT_OURS.search((at / f).as_posix())]
            found += [(at / name).as_posix() for name in names]
        return [f for f in found if not NOT_OURS.search(f)]

    def text(self, file):
        return (self.root / file).read_text(encoding="utf-8", errors="replace")

    def cpp_files(self, *suffixes):
        return [f for f in self.files if f.endswith(suffixes or (".cpp", ".hpp", ".h", ".cu"))]

    def includes(self, file):
        """(line, quoted or None, angled or None) of each #include."""
        for number, line in enumerate(self.text(file).splitlines(), 1):
            if found := INCLUDE.match(line):
                yield number, found.group(1), found.group(2)


class TreeCase(unittest.TestCase):
    """`complaints` is a function of a SourceTree; it must find nothing in this tree and what it is
    for in a made-up one."""

    def assert_clean(self, complaints):
        tree = SourceTree()
        self.assertGreater(len(tree.files), 20, "this is no source tree")
        self.assertEqual([], complaints(tree), "\n" + "\n".join(complaints(tree)))

    def complaints_about(self, complaints, **files):
        """Keys are paths with __ for / and ___ for a dot."""
        folder = Path(tempfile.mkdtemp(prefix="mnp-tree-"))
        self.addCleanup(shutil.rmtree, folder)
        for key, text in files.items():
            path = folder / key.replace("___", ".").replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return complaints(SourceTree(folder))
