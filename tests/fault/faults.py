"""What can be done to a node, a link or the store, by name: one table, which tests and storms use.

A fault strikes, and after `lasts` seconds (in leases where it says so) it is taken back. The store's
need a store on a file system of its own (see file_system.py), the links' network namespaces.
"""

import signal
from dataclasses import dataclass
from typing import Callable

ALL = ("keeper", "agent", "rank", "daemon", "mpirun", "rsh", "command")


@dataclass(frozen=True)
class Fault:
    name: str
    on: str  # "main", "child" or "store"
    strike: Callable  # of cluster and node
    undo: Callable = None
    lasts: float = 0  # seconds until undo
    leases: float = 0  # added to `lasts`, in leases
    needs: str = ""  # "namespaces" or "file system"
    overlaps: bool = True  # False: the same command may seem to run twice, see history.check
    costs: str = ""  # what goes with it: "nothing", a "world", a "node", an "attempt"; "": it depends

    def seconds(self, lease):
        return self.lasts + self.leases * lease


def _signal(number, *kinds):
    return lambda cluster, node: cluster.signal(node, kinds, number)


def _kill(name, on, costs, *kinds):
    return Fault(name, on, _signal(signal.SIGKILL, *kinds), costs=costs)


def _freeze(name, on, kinds, **more):
    return Fault(name, on, _signal(signal.SIGSTOP, *kinds), _signal(signal.SIGCONT, *kinds), **more)


def _power_off(cluster, node):
    """Nothing that the node sends or closes is seen any more."""
    cluster.network.cut(node)
    cluster.signal(node, ALL, signal.SIGSTOP)
    while cluster.signal(node, ALL, signal.SIGKILL):
        pass


def _link(name, on, strike, undo, **more):
    return Fault(name, on, lambda cluster, node: getattr(cluster.network, strike[0])(node, *strike[1:]),
                 lambda cluster, node: getattr(cluster.network, undo[0])(node, *undo[1:]),
                 needs="namespaces", **more)


def _store(name, what, **more):
    return Fault(name, "store", lambda cluster, node: getattr(cluster.store_system, what)(True),
                 lambda cluster, node: getattr(cluster.store_system, what)(False),
                 needs="file system", **more)


FAULTS = {fault.name: fault for fault in (
    _kill("kill-rank", "child", "world", "rank"),
    _kill("kill-main-rank", "main", "world", "rank"),
    _kill("kill-daemon", "child", "world", "daemon"),
    _kill("kill-mpirun", "main", "world", "mpirun"),
    _kill("kill-agent", "child", "node", "agent"),
    _kill("kill-keeper", "child", "node", "keeper"),
    _kill("kill-node", "child", "node", *ALL),
    _kill("kill-main-agent", "main", "attempt", "agent"),
    _kill("kill-main-keeper", "main", "attempt", "keeper"),
    _kill("kill-main-node", "main", "attempt", *ALL),
    _freeze("freeze-agent", "child", ["agent"], lasts=1.5, costs="nothing"),
    _freeze("freeze-agent-long", "child", ["agent"], leases=2, costs="node"),
    _freeze("freeze-keeper", "child", ["keeper"], leases=2, costs="nothing"),
    _freeze("freeze-rank", "child", ["rank"], lasts=3, costs="nothing"),
    _freeze("freeze-daemon", "child", ["daemon"], lasts=3, costs="nothing"),
    _freeze("freeze-node", "child", ALL, lasts=1.5, overlaps=False, costs="nothing"),
    _freeze("freeze-node-long", "child", ALL, leases=2, overlaps=False, costs="node"),
    _freeze("freeze-main-agent", "main", ["agent"], lasts=1.5, costs="nothing"),
    _freeze("freeze-main-agent-long", "main", ["agent"], leases=3, costs="attempt"),
    _freeze("freeze-main-keeper", "main", ["keeper"], leases=2, costs="nothing"),
    _freeze("freeze-main-node-long", "main", ALL, leases=2, overlaps=False),
    Fault("stop", "main", lambda cluster, node: cluster.stop(), costs="attempt"),
    _link("cut-link", "child", ["cut"], ["mend"], lasts=1.5, costs="nothing"),
    _link("cut-link-long", "child", ["cut"], ["mend"], leases=2, costs="node"),
    _link("cut-main-link-long", "main", ["cut"], ["mend"], leases=2),
    _link("drop-sent", "child", ["drop", "OUTPUT"], ["let", "OUTPUT"], leases=2, costs="node"),
    _link("drop-received", "child", ["drop", "INPUT"], ["let", "INPUT"], leases=2, costs="node"),
    _link("lossy-link", "child", ["drop", "INPUT", 0.3], ["let", "INPUT", 0.3], lasts=8),
    Fault("power-off", "child", _power_off, needs="namespaces", costs="node"),
    _store("store-full", "fill", lasts=4),
    _store("store-read-only", "make_read_only", lasts=4),
    _store("store-hangs", "freeze", lasts=4),
    _store("store-hangs-long", "freeze", leases=3),
)}
