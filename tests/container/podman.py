"""Containers by podman, with storage of their own: an image made by debootstrap, mnp-node in it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

NEEDED = ("podman", "runc", "debootstrap", "ldd", "dpkg-query")
BUILD_SECONDS, RUN_SECONDS = 600, 120  # only a hang exceeds them
LIMITS = ["--ulimit", "nofile=10000:10000", "--ulimit", "nproc=20000:20000"]


def missing(node):
    """Why there can be no containers with this mnp-node here; empty when there can."""
    if b"__asan_init" in node.read_bytes() or b"__tsan_init" in node.read_bytes():
        return "a sanitizer's build needs more memory than these containers have"
    if os.geteuid() != 0:
        return "needs root"
    lacking = [each for each in NEEDED if shutil.which(each) is None]
    return f"needs {lacking[0]}" if lacking else ""


def _suite():
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.split("=")[1]
    raise RuntimeError("/etc/os-release names no suite")


def _packages_of(program):
    """The packages whose libraries the program is linked to."""
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    files = {os.path.realpath(line.split()[2]) for line in linked.splitlines() if "=> /" in line}
    found = set()
    for file in files:
        for name in (file, file.removeprefix("/usr")):
            done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True,
                                  check=False)
            if done.returncode == 0:
                found.add(done.stdout.split(":")[0])
    return sorted(found)


class Podman:
    """All images and containers lie in a folder of its own and go with it."""

    def __init__(self, node):
        self.folder = Path(tempfile.mkdtemp(prefix="mnp-podman-"))
        self.base = ["podman", "--root", str(self.folder / "root"), "--runroot",
                     str(self.folder / "run"), "--cgroup-manager=cgroupfs", "--runtime=runc"]
        self.node = node

    def build(self):
        """Raises subprocess.CalledProcessError where it cannot be made."""
        root = self.folder / "base"
        subprocess.run(["debootstrap", "--variant=minbase",
                        f"--include={','.join(_packages_of(self.node))}", _suite(), str(root)],
                       check=True, capture_output=True, timeout=BUILD_SECONDS)
        shutil.copy2(self.node, root / "usr/local/bin/mnp-node")
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as pack:
            subprocess.run([*self.base, "import", "-", "localhost/mnp"], stdin=pack.stdout,
                           check=True, capture_output=True, timeout=BUILD_SECONDS)
        shutil.rmtree(root)
        self.run("true", check=True)

    def call(self, *words, check=False):
        # conmon leaves its notes in the working folder.
        return subprocess.run([*self.base, *words], cwd=self.folder, stdin=subprocess.DEVNULL,
                              text=True, capture_output=True, timeout=RUN_SECONDS, check=check)

    def run(self, *words, options=(), check=False):
        return self.call("run", "--rm", "--network=host", *LIMITS, *options, "localhost/mnp",
                         *words, check=check)

    def start(self, name, *words, options=()):
        self.call("run", "--detach", "--name", name, "--network=host", *LIMITS, *options,
                  "localhost/mnp", *words, check=True)

    def wait(self, name):
        """Exit status of a container, and what it said."""
        status = int(self.call("wait", name).stdout.strip())
        logs = self.call("logs", name)
        return status, logs.stdout + logs.stderr

    def close(self):
        self.call("rm", "--all", "--force", "--time", "0")
        self.call("rmi", "--all", "--force")
        subprocess.run(["umount", str(self.folder / "root/overlay")], capture_output=True,
                       check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
