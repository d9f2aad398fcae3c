"""One run with faults: its schedule comes from a seed, so that it can be seen again."""

import heapq
import itertools
import random
import subprocess
import time

from faults import FAULTS
from history import check

RESUMES = 6  # for runs that faults have ended: stopped, too many attempts


def storm(seed, kinds, nodes, faults, span):
    """[(seconds after the first command, name, node)]: faults at random times within `span`."""
    dice = random.Random(seed)
    times = sorted(dice.uniform(0, span) for _ in range(faults))
    return [(round(at, 2), dice.choice(kinds), dice.randrange(1, nodes)) for at in times]


class Trial:
    """Runs a cluster to its end while the schedule is done to it."""

    def __init__(self, cluster, schedule, say=lambda text: None):
        self.cluster, self.say = cluster, say
        self.statuses, self.overlaps, self.struck = [], True, 0
        self.order = itertools.count()
        self.plan = [(at, next(self.order), FAULTS[name], node, False)
                     for at, name, node in schedule]
        heapq.heapify(self.plan)
        self.busy = {}  # node -> when its last fault is taken back

    def _do(self, now, fault, node, back):
        where = {"main": self.cluster.main, "store": "store"}.get(fault.on, node)
        if back:
            fault.undo(self.cluster, where)
            self.say(f"{now:7.2f} {fault.name} of {where} taken back")
            return
        if self.busy.get(where, 0) > now:  # two at once on a node are put one behind the other
            heapq.heappush(self.plan, (self.busy[where] + 0.1, next(self.order), fault, node, False))
            return
        struck = fault.strike(self.cluster, where)
        self.say(f"{now:7.2f} {fault.name} of {where}: {struck}")
        if struck == 0:  # there is no such process just now
            heapq.heappush(self.plan, (now + 0.1, next(self.order), fault, node, False))
            return
        self.struck += 1
        self.overlaps = self.overlaps and fault.overlaps
        if fault.undo:
            self.busy[where] = now + fault.seconds(self.cluster.lease)
            heapq.heappush(self.plan, (self.busy[where], next(self.order), fault, node, True))

    def run(self, hang_seconds):
        """The problems that were found; empty when every promise was kept."""
        self.cluster.start()
        deadline = time.monotonic() + hang_seconds
        began = None
        while time.monotonic() < deadline:
            if began is None and self.cluster.witness.starts() > 0:
                began = time.monotonic()
            now = time.monotonic() - (began or time.monotonic())
            while began and self.plan and self.plan[0][0] <= now:
                _, _, fault, node, back = heapq.heappop(self.plan)
                self._do(now, fault, node, back)
            if not self.cluster.running() and not self._next():
                return self._judge()
            time.sleep(0.02)
        return [f"hangs after {hang_seconds} s; statuses {self.statuses}"]

    def _next(self):
        """The run has ended; True when it goes on."""
        self.statuses.append(self.cluster.wait())
        self.say(f"        ended with {self.statuses[-1]}")
        if self.statuses[-1] == 0 or len(self.statuses) > RESUMES:
            return False
        self._take_all_back()
        self.cluster.resume()
        return True

    def _take_all_back(self):
        for _, _, fault, node, back in sorted(self.plan):
            if back:
                self._do(0, fault, node, True)
        self.plan = [each for each in self.plan if not each[4]]
        heapq.heapify(self.plan)
        self.busy = {}

    def _judge(self):
        self._take_all_back()
        self.plan = []
        problems = []
        if self.statuses[-1] != 0:
            problems.append(f"never succeeded: statuses {self.statuses}")
        problems += [f"still running: {each}" for each in self.cluster.left()]
        return problems + check(self.cluster.history(), self.statuses[-1] == 0, self.overlaps)
