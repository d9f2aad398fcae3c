"""Network namespaces on a bridge, one a node: nodes with addresses and links of their own. Needs
root."""

import os
import random
import shutil
import subprocess

# One table for all namespaces, with a limit that only the machine's own namespace shows.
NEIGHBOURS = "/proc/sys/net/ipv4/neigh/default/gc_thresh3"
LOSS = ["-m", "statistic", "--mode", "random", "--probability"]


def cannot_make_namespaces():
    """Why there can be none here; empty when there can."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("ip", "iptables"):
        if shutil.which(program) is None:
            return f"needs {program}"
    name = f"mnpf{os.getpid()}"
    try:
        _run("ip", "netns", "add", name)
        _run("ip", "netns", "exec", name, "iptables", "-A", "INPUT", *LOSS, "0.5", "-j", "DROP")
    except RuntimeError as error:
        return str(error)
    finally:
        _try("ip", "netns", "delete", name)
    return ""


def _run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")


def _try(*words):
    subprocess.run(words, capture_output=True, check=False)


class Network:
    def __init__(self, nodes):
        system = random.SystemRandom()  # a trial's seed must not give it a name that is taken
        self.nodes = nodes
        self.tag = f"mf{system.randrange(16**5):05x}"
        self.prefix = f"10.{system.randrange(64, 128)}.{system.randrange(256)}"
        self.neighbours = self._limit_neighbours(2 * nodes * nodes)
        try:
            _run("ip", "link", "add", self.tag, "type", "bridge")
            _run("ip", "link", "set", self.tag, "up")
            for node in range(nodes):
                self._add(node)
        except RuntimeError:
            self.close()
            raise

    @staticmethod
    def _limit_neighbours(least):
        """What was written over; None where it is high enough, or cannot be changed."""
        try:
            with open(NEIGHBOURS, encoding="ascii") as file:
                before = int(file.read())
            if before >= least:
                return None
            with open(NEIGHBOURS, "w", encoding="ascii") as file:  # after a read, it ignores writes
                file.write(str(least))
            return before
        except OSError:
            return None

    def _add(self, node):
        name, link = f"{self.tag}n{node}", f"{self.tag}v{node}"
        _run("ip", "netns", "add", name)
        _run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        _run("ip", "link", "set", link, "master", self.tag, "up")
        _run("ip", "-n", name, "link", "set", "lo", "up")
        _run("ip", "-n", name, "address", "add", f"{self.address(node)}/24", "dev", "eth0")
        _run("ip", "-n", name, "link", "set", "eth0", "up")

    def address(self, node):
        return f"{self.prefix}.{node + 1}"

    def inside(self, node, *words):
        """What runs these words on the node."""
        return ["ip", "netns", "exec", f"{self.tag}n{node}", *words]

    def cut(self, node):
        _run("ip", "link", "set", f"{self.tag}v{node}", "down")

    def mend(self, node):
        _run("ip", "link", "set", f"{self.tag}v{node}", "up")

    def _rule(self, what, node, chain, share):
        loss = [*LOSS, str(share)] if share < 1 else []
        _run(*self.inside(node, "iptables", what, chain, "-i" if chain == "INPUT" else "-o", "eth0",
                          *loss, "-j", "DROP"))

    def drop(self, node, chain, share=1.0):
        """chain: INPUT, what the node receives, or OUTPUT, what it sends; share from 0 to 1"""
        self._rule("-A", node, chain, share)

    def let(self, node, chain, share=1.0):
        self._rule("-D", node, chain, share)

    def close(self):
        for node in range(self.nodes):  # a closed connection may keep a namespace for minutes
            _try("ip", "link", "delete", f"{self.tag}v{node}")
            _try("ip", "netns", "delete", f"{self.tag}n{node}")
        _try("ip", "link", "delete", self.tag)
        if self.neighbours is not None:
            with open(NEIGHBOURS, "w", encoding="ascii") as file:
                file.write(str(self.neighbours))
